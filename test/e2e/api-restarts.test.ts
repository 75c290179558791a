import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { endStarted, eventually, type RunningProcess } from '../support/processes.ts';
import {
  differences,
  NO_DIFFERENCES,
  recordsOf,
  startShopServer,
  type ShopServer,
} from './shop-server.ts';
import { Workplace } from './workplace.ts';

let server: ShopServer;
let place: Workplace;
let client: Workplace;
let port: string;
let daemon: RunningProcess;
beforeAll(async () => {
  server = await startShopServer();
  place = await Workplace.at(server);
  client = new Workplace();
  await serve('0');
  port = /"url":"http:\/\/127\.0\.0\.1:(\d+)"/.exec(daemon.stderr())?.[1] ?? '';
  const url = `http://127.0.0.1:${port}`;
  await client.ok([
    'login',
    'ada',
    '--server',
    url,
    '--password-file',
    join(client.desk, 'password'),
  ]);
});
afterEach(() => endStarted());
afterAll(async () => {
  await client.close();
  await place.close();
  await server.stop();
});

async function serve(at: string): Promise<void> {
  daemon = place.start(['daemon', '--listen', `127.0.0.1:${at}`]);
  await eventually('it records and serves', () => {
    const log = daemon.stderr();
    return log.includes('"event":"listening"') && log.includes('"event":"daemon active"');
  });
}

async function end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  daemon.child.kill(signal);
  await daemon.ended;
}

const linesOf = (text: string): string[] => text.split('\n').slice(0, -1);

describe('what lasts, on a server that is restarted twice', () => {
  it('goes on: every statement is followed once, lists and reports are watched, waits come to their end', async () => {
    await place.given(['create', 'live', '--env', 'shop']);
    const load = await server.startLoad({ prefix: 'live' });
    const follow = client.start(['workload', 'live', '--follow']);
    const sql = client.start(['workload', 'live', '--follow', '--format', 'sql']);
    const report = client.start(['report', 'live', '--watch', '--json', '--interval', '1s']);
    const list = client.start(['list', '--watch', '--json']);
    const wait = client.start(['get', 'live', '--watch', '--json']);
    const all = [follow, sql, report, list, wait];
    const isFurther = async (): Promise<void> => {
      const before = [follow, sql, report, wait].map((one) => one.stdout().length);
      await eventually('all of them print more', () =>
        [follow, sql, report, wait].every((one, n) => one.stdout().length > (before[n] ?? 0)),
      );
    };
    await isFurther();
    // What is asked for again is still the same capture.
    await client.ok(['edit', 'live', '--name', 'moved']);
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      await end(signal);
      await eventually('its user is told', () =>
        / Asking again for up to 1m/.test(follow.stderr()),
      );
      await serve(port);
      await isFurther();
    }
    const sent = await load.stop();
    await client.ok(['stop', 'moved']);

    expect(await follow.ended).toMatchObject({ status: 0 });
    const records = await recordsOf(place, 'moved');
    expect(differences(records, [{ prefix: 'live', report: sent }])).toEqual(NO_DIFFERENCES);
    const recorded = records.map(({ seq }) => seq);
    const followed = linesOf(follow.stdout()).map(
      (line) => (JSON.parse(line) as { seq: number }).seq,
    );
    expect(followed.length).toBeGreaterThan(100);
    expect(followed).toEqual(recorded);
    expect(follow.stderr().match(/Asking again/g)).toHaveLength(2);
    expect(follow.stderr().match(/answers again/g)).toHaveLength(2);

    const { stdout } = await place.ok(['workload', 'moved', '--format', 'sql']);
    expect((await sql.ended).status).toBe(0);
    expect(sql.stdout()).toBe(stdout);

    expect((await report.ended).status).toBe(0);
    expect(JSON.parse(linesOf(report.stdout()).at(-1) ?? '')).toMatchObject({
      capture: { status: 'DONE' },
    });
    expect((await wait.ended).status).toBe(0);
    expect(JSON.parse(linesOf(wait.stdout()).at(-1) ?? '')).toMatchObject({ status: 'DONE' });
    await eventually('the list has its end', () => list.stdout().includes('"DONE"'));
    list.child.kill('SIGINT');
    expect((await list.ended).status).toBe(130);
    for (const one of all) expect(one.stderr()).not.toContain('bug');
  });
});
