import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endStarted, eventually, type RunningProcess } from '../support/processes.ts';
import { startShopServer, type ShopServer } from './shop-server.ts';
import { Workplace } from './workplace.ts';

let server: ShopServer;
let place: Workplace;
let client: Workplace;
let daemon: RunningProcess;

beforeAll(async () => {
  server = await startShopServer();
  place = await Workplace.at(server);
  await place.addEnvironment('staging', server.port, 'recorder', server.recorderPassword);
  daemon = place.start(['daemon', '--listen', '127.0.0.1:0']);
  const [, url = ''] = await eventually('it records and serves', () =>
    daemon.stderr().includes('"event":"daemon active"')
      ? /"url":"(http:\/\/127\.0\.0\.1:\d+)"/.exec(daemon.stderr())
      : null,
  );
  await place.given(['create', 'friday', '--env', 'shop']);
  const load = await server.startLoad({ connections: 2, thinkMs: 5 });
  await eventually(
    'statements are recorded',
    async () => ((await place.get('friday')).workload?.records ?? 0) > 400,
  );
  await load.stop();
  await place.given(['stop', 'friday']);
  client = new Workplace();
  const password = join(client.desk, 'password');
  const login = ['login', 'ada', '--server', url, '--server-name', 'work'];
  await client.ok([...login, '--password-file', password]);
});
afterAll(async () => {
  daemon.child.kill('SIGTERM');
  await daemon.ended;
  await endStarted();
  await client.close();
  await place.close();
  await server.stop();
});

const REPLAY = ['replay', 'friday', '--to', 'staging', '--confirm', 'staging', '--json'];
/** The processes that the server of the API has started for requests. */
const requests = () => place.processes().filter(({ command }) => command.includes('serve-request'));

describe('a replay through the API of a daemon', () => {
  it('runs in a process of its own, with the password that the daemon may read', async () => {
    const { stdout } = await client.ok([...REPLAY, '--name', 'whole', '--speed', 'max']);
    const { status, type, result } = JSON.parse(stdout) as {
      status: string;
      type: string;
      result: {
        records: number;
        sent: number;
        skipped: Record<string, number>;
        failed: Record<string, number>;
      };
    };
    expect({ status, type }).toEqual({ status: 'DONE', type: 'REPLAY' });
    const sum = (counts: Record<string, number>): number =>
      Object.values(counts).reduce((total, count) => total + count, 0);
    expect(result.sent).toBeGreaterThan(0);
    expect(result.sent + sum(result.skipped) + sum(result.failed)).toBe(result.records);
    expect(result.records).toBe((await place.get('friday')).workload?.records);
    await eventually('its process has ended', () => requests().length === 0);
  });

  it('ends, with what was done, when its client is killed; a second one of the user is refused', async () => {
    const slow = client.start([...REPLAY, '--name', 'slow', '--speed', '0.01']);
    await eventually('it is replayed', async () => {
      const found = (await place.list()).find(({ name }) => name === 'slow');
      return found?.status === 'RUNNING';
    });
    expect(requests()).toHaveLength(1);
    const second = await client.captures([...REPLAY, '--name', 'second']);
    expect(second.stderr).toMatch(/You run as many replays at once as one user may/);
    slow.child.kill('SIGKILL');
    await slow.ended;
    await eventually('it is over', async () => (await place.get('slow')).status === 'DONE');
    expect((await place.get('slow')).reason).toBe('interrupted');
    await eventually('its process has ended', () => requests().length === 0);
    const { stdout } = await client.ok(['get', 'slow', '--json']);
    const { result } = JSON.parse(stdout) as {
      result: { ended: { why: string }; skipped: Record<string, number> };
    };
    expect(result.ended.why).toBe('interrupted');
    expect(result.skipped['interrupted']).toBeGreaterThan(0);
    expect((await place.list()).map(({ name }) => name)).not.toContain('second');
  });
});

describe('a replay of a command', () => {
  it.each([
    ['stop', ['stop', 'long']],
    ['delete', ['delete', 'long', '--yes']],
  ])('is ended by %s of another, which waits for it', async (_what, ending) => {
    const replay = place.start([...REPLAY, '--name', 'long', '--speed', '0.01']);
    await eventually('it is replayed', async () => {
      const found = (await place.list()).find(({ name }) => name === 'long');
      return found?.status === 'RUNNING';
    });
    const began = performance.now();
    await place.ok(ending);
    expect(performance.now() - began).toBeLessThan(10_000);
    const { status, stderr } = await replay.ended;
    if (ending[0] === 'stop') {
      expect(status).toBe(8);
      expect(stderr).toMatch(/The replay was stopped by \S+ after [\d,]+ of [\d,]+ records/);
    }
    const left = (await place.list()).find(({ name }) => name === 'long');
    expect(left?.status).toBe(ending[0] === 'stop' ? 'DONE' : undefined);
    if (left !== undefined) await place.ok(['delete', 'long', '--yes']);
  });
});
