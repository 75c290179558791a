import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { LoadReport } from '../../scripts/load-client.ts';
import { endStarted, eventually, type RunningProcess } from '../support/processes.ts';
import { isInFull } from '../support/proportion.ts';
import { suspendBetweenWrites } from '../support/suspension.ts';
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
let before: Record<string, unknown>;
beforeAll(async () => {
  server = await startShopServer();
  place = await Workplace.at(server);
  before = await server.settings();
});
afterEach(async () => {
  await endStarted();
});
afterAll(async () => {
  await place.close();
  await server.stop();
});

async function expectWhole(capture: string, report: LoadReport): Promise<void> {
  const records = await recordsOf(place, capture);
  expect(differences(records, [{ prefix: capture, report }])).toEqual(NO_DIFFERENCES);
  expect(records.map(({ seq }) => seq)).toEqual(records.map((_, index) => index + 1));
}

const count = (daemon: RunningProcess, event: string): number =>
  daemon.stderr().split(`"event":"${event}"`).length - 1;

async function suspended(daemon: RunningProcess): Promise<void> {
  await eventually('it is suspended between two writes', () =>
    suspendBetweenWrites(daemon.pid, place.home),
  );
}

async function activePid(): Promise<number> {
  const { stdout } = await place.given(['daemon', '--status', '--json']);
  return (JSON.parse(stdout) as { pid: number }).pid;
}

async function end(daemon: RunningProcess): Promise<void> {
  daemon.child.kill('SIGTERM');
  expect(await daemon.ended).toMatchObject({ status: 0, signal: null });
}

test('of two daemons started at once one records, and the other takes over when it is gone', async () => {
  const daemons = [place.start(['daemon']), place.start(['daemon'])];
  const active = await eventually('one of them is active', () =>
    daemons.find((daemon) => daemon.stderr().includes('daemon active')),
  );
  const other = daemons.find((daemon) => daemon !== active) ?? active;
  await eventually('the other one stands by', () =>
    other.stderr().includes('another daemon is active'),
  );
  await place.given(['create', 'two', '--env', 'shop']);
  const load = await server.startLoad({ prefix: 'two' });
  await place.untilMoreIsRecorded('two');
  expect(count(other, 'daemon active')).toBe(0);
  active.child.kill('SIGKILL');
  await eventually('the other one took over', () => count(other, 'daemon active') === 1);
  await place.untilMoreIsRecorded('two');
  const report = await load.stop();
  await place.given(['stop', 'two']);
  await end(other);
  await expectWhole('two', report);
  expect(await server.settings()).toEqual(before);
});

test('a daemon that was suspended stands down without a write when another one took over', async () => {
  const first = await place.startDaemon();
  await place.given(['create', 'suspended', '--env', 'shop']);
  const load = await server.startLoad({ prefix: 'suspended' });
  await place.untilMoreIsRecorded('suspended');
  const second = place.start(['daemon']);
  await eventually('the second stands by', () => second.stderr().includes('another daemon'));

  await suspended(first);
  await eventually('the second took over', () => count(second, 'log tapped') === 1);
  await place.untilMoreIsRecorded('suspended');
  first.child.kill('SIGCONT');
  await eventually('the first noticed', () => count(first, 'another daemon took over') === 1);
  await place.untilMoreIsRecorded('suspended');
  expect(await activePid()).toBe(second.pid);

  const report = await load.stop();
  await place.given(['stop', 'suspended']);
  expect(count(second, 'another daemon took over')).toBe(0);
  await end(second);
  await end(first);
  await expectWhole('suspended', report);
  expect(await server.settings()).toEqual(before);
});

test('a daemon that was suspended for a while goes on when nobody took over', async () => {
  const daemon = await place.startDaemon();
  await place.given(['create', 'asleep', '--env', 'shop']);
  const load = await server.startLoad({ prefix: 'asleep' });
  await place.untilMoreIsRecorded('asleep');
  await suspended(daemon);
  await eventually('its lease lapsed', async () => {
    const { status } = await place.look(['daemon', '--status']);
    return status === 8;
  });
  daemon.child.kill('SIGCONT');
  await place.untilMoreIsRecorded('asleep');
  const report = await load.stop();
  await place.given(['stop', 'asleep']);
  await end(daemon);
  await expectWhole('asleep', report);
});

test('a store that somebody reads for long, or locks, holds up the record and loses nothing', async () => {
  const daemon = await place.startDaemon();
  await place.given(['create', 'locked', '--env', 'shop']);
  const load = await server.startLoad({ prefix: 'locked' });
  await place.untilMoreIsRecorded('locked');
  const db = new Database(join(place.home, 'captures.db'));

  db.exec('BEGIN');
  db.prepare('SELECT count(*) FROM captures').get();
  await place.untilMoreIsRecorded('locked');
  await place.untilMoreIsRecorded('locked');
  db.exec('COMMIT');

  // Longer than SQLite waits for a lock: five seconds.
  db.exec('BEGIN IMMEDIATE');
  await eventually('the daemon met the lock', () =>
    daemon.stderr().includes('another process holds it locked'),
  );
  db.exec('COMMIT');
  db.close();
  await place.untilMoreIsRecorded('locked');
  const report = await load.stop();
  const stopped = await place.given(['stop', 'locked', '--json']);
  expect(JSON.parse(stopped.stdout)).toMatchObject({ status: 'DONE' });
  await end(daemon);
  await expectWhole('locked', report);
  expect(await server.settings()).toEqual(before);
});

/** Milliseconds into a start, and into a stop. */
const MOMENTS = [
  [60, 0],
  [180, 60],
  [320, 30],
  [0, 120],
  [120, 30],
  [240, 0],
] as const;

test.each(isInFull ? MOMENTS : MOMENTS.slice(0, 3))(
  'SIGTERM %d ms into a start and %d ms into the stop leaves a capture that the next daemon starts and finishes',
  async (intoStart, intoStop) => {
    const name = `term-${intoStart}`;
    const first = await place.startDaemon();
    await place.given(['create', name, '--env', 'shop', '--no-wait']);
    await delay(intoStart);
    await end(first);
    expect(['STARTED', 'STARTING', 'RUNNING']).toContain((await place.get(name)).status);
    const second = await place.startDaemon();
    await eventually('it is RUNNING', async () => (await place.get(name)).status === 'RUNNING');
    const load = await server.startLoad({ prefix: name, statements: isInFull ? 2_000 : 500 });
    const report = await load.whenDone();
    await place.given(['stop', name, '--no-wait']);
    await delay(intoStop);
    await end(second);
    expect(['STOPPING', 'DONE']).toContain((await place.get(name)).status);
    const third = await place.startDaemon();
    await eventually('it is DONE', async () => (await place.get(name)).status === 'DONE');
    await end(third);
    await expectWhole(name, report);
    expect(await server.settings()).toEqual(before);
  },
);
