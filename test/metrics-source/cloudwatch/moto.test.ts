import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { CloudWatchClient, PutMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openCloudWatch } from '../../../src/metrics-source/cloudwatch/cloudwatch.ts';
import { systemClock } from '../../../src/core/clock.ts';
import type { Environment } from '../../../src/core/environments/environment.ts';
import { AppError } from '../../../src/core/errors.ts';
import { start, type RunningProcess } from '../../support/processes.ts';
import { waitUntil } from '../../support/waiting.ts';
import { needs } from '../../support/skips.ts';

const MINUTE = 60_000;
const hasMoto =
  spawnSync('python3', ['-c', 'import moto.server'], { stdio: 'ignore' }).status === 0;

/** An independent CloudWatch: what we understand of the protocol is not only what we think of it. */
describe('against moto', needs(hasMoto, 'moto is not installed'), () => {
  let moto: RunningProcess;
  let url: string;
  const now = Math.floor(Date.now() / MINUTE) * MINUTE;

  beforeAll(async () => {
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    moto = start('python3', ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)]);
    await waitUntil(() =>
      fetch(url).then(
        () => true,
        () => false,
      ),
    );
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAEXAMPLE');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
    const client = new CloudWatchClient({
      endpoint: url,
      region: 'eu-central-1',
      disableRequestCompression: true,
    });
    await client.send(
      new PutMetricDataCommand({
        Namespace: 'AWS/RDS',
        MetricData: Array.from({ length: 30 }, (_, i) => ({
          MetricName: 'ReadIOPS',
          Dimensions: [{ Name: 'DBInstanceIdentifier', Value: 'shop-db' }],
          Timestamp: new Date(now - (30 - i) * MINUTE),
          Value: i,
          Unit: 'Count/Second',
        })),
      }),
    );
    client.destroy();
  });
  afterAll(async () => {
    moto.child.kill('SIGKILL');
    await moto.ended;
    vi.unstubAllEnvs();
  });

  async function read(instance: string) {
    const environment: Environment = {
      id: 1,
      name: 'shop',
      server: null,
      region: 'eu-central-1',
      instance,
      profile: null,
      endpointUrl: url,
      createdAt: 0,
    };
    const source = await openCloudWatch(environment, { clock: systemClock, random: () => 0 });
    const queries = [
      { label: 'ReadIOPS', statistic: 'Maximum' },
      { label: 'ReadIOPS', statistic: 'Average' },
      { label: 'ReplicaLag', statistic: 'Maximum' },
    ];
    try {
      return await source.fetch(queries, { from: now - 30 * MINUTE, to: now }, MINUTE);
    } finally {
      source.close();
    }
  }

  it('gets every point that was put there, and nothing for what was not', async () => {
    const { tracks } = await read('shop-db');
    expect(tracks[0]?.values).toEqual(Array.from({ length: 30 }, (_, i) => i));
    expect(tracks[0]?.times[0]).toBe(now - 30 * MINUTE);
    expect(tracks[1]?.values).toEqual(tracks[0]?.values);
    expect(tracks[2]?.times).toEqual([]);
  });

  it('learns that there is no such instance', async () => {
    const error: unknown = await read('nobody').catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(AppError);
    expect(error).toMatchObject({
      message: 'CloudWatch has no metrics of an RDS instance "nobody" in eu-central-1',
    });
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('The system gave no port');
  return address.port;
}
