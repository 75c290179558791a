import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { childMetricSource } from '../../../src/cli/runtime/metric-child.ts';
import type { Environment } from '../../../src/core/environments/environment.ts';
import { AppError } from '../../../src/core/errors.ts';
import { runCaptures } from '../../support/cli.ts';
import { CloudWatchServer } from '../../support/cloudwatch-server.ts';
import { processesWith } from '../../support/processes.ts';
import { waitUntil } from '../../support/waiting.ts';

const MINUTE = 60_000;
const NOW = Date.parse('2026-11-22T12:00:00Z');
/** In the environment of its children alone. */
const KEY = 'AKIAMETRICCHILD';
const QUERIES = [{ label: 'CPUUtilization', statistic: 'Maximum' }];
const LAST_HOUR = { from: NOW - 60 * MINUTE, to: NOW };

let server: CloudWatchServer;
let environment: Environment;
beforeEach(async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', KEY);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
  server = await CloudWatchServer.start();
  server.now = () => NOW;
  server.publish('shop-db', 'CPUUtilization', (at) => (at / MINUTE) % 60);
  environment = {
    id: 1,
    name: 'shop',
    server: null,
    region: 'eu-central-1',
    instance: 'shop-db',
    profile: null,
    endpointUrl: server.url,
    createdAt: 0,
  };
});
afterEach(async () => {
  await waitUntil(() => processesWith('AWS_ACCESS_KEY_ID', KEY).length === 0);
  await server.stop();
  vi.unstubAllEnvs();
});

const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(String, (error: unknown) => error);

describe("the daemon's child that asks CloudWatch", () => {
  it('hands on every point', async () => {
    const { tracks } = await childMetricSource(environment).fetch(QUERIES, LAST_HOUR, MINUTE);
    expect(tracks[0]?.times).toHaveLength(60);
    expect(tracks[0]?.values).toEqual(Array.from({ length: 60 }, (_, i) => i));
  });

  it('hands on what AWS says, with its hint', async () => {
    server.misbehaviours.push({ error: 'AccessDenied', status: 403 });
    const error = await failure(childMetricSource(environment).fetch(QUERIES, LAST_HOUR, MINUTE));
    expect(error).toBeInstanceOf(AppError);
    expect(error).toMatchObject({
      code: 'remote_failed',
      message: 'AWS denies cloudwatch:GetMetricData',
      hint: expect.stringContaining('Ask for a policy'),
    });
  });

  it('ends when the daemon leaves', async () => {
    server.misbehaviours.push({ hang: 'before' });
    const leaving = new AbortController();
    const asked = failure(
      childMetricSource(environment, leaving.signal).fetch(QUERIES, LAST_HOUR, MINUTE),
    );
    await waitUntil(() => server.headers.length > 0);
    leaving.abort();
    // Whoever waits for its time is told that CloudWatch did not answer.
    expect(await asked).toMatchObject({
      code: 'remote_failed',
      message: expect.not.stringContaining('answer') as string,
    });
  });

  it('is for the daemon alone', async () => {
    const { status, stderr } = await runCaptures(['fetch-metrics'], { tty: 80 });
    expect(status).toBe(2);
    expect(stderr).toContain('captures metrics');
    const help = await runCaptures(['--help']);
    expect(help.stdout).not.toContain('fetch-metrics');
  });
});
