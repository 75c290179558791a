import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { LoadReport } from '../../scripts/load-client.ts';
import { endStarted, eventually, isRunning } from '../support/processes.ts';
import { isInFull } from '../support/proportion.ts';
import {
  differences,
  NO_DIFFERENCES,
  recordsOf,
  startShopServer,
  tagsIn,
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

test('a daemon told to end leaves the capture RUNNING, and the next one goes on without loss', async () => {
  const first = await place.startDaemon();
  await place.given(['create', 'handed-over', '--env', 'shop']);
  const load = await server.startLoad({ prefix: 'handed-over' });
  await place.untilMoreIsRecorded('handed-over');
  first.child.kill('SIGTERM');
  const end = await first.ended;
  expect(end).toMatchObject({ status: 0, signal: null, stdout: '' });
  expect(end.stderr).toContain('the general log stays on');

  const orphan = await place.ok(['get', 'handed-over', '--json']);
  expect(JSON.parse(orphan.stdout)).toMatchObject({ status: 'RUNNING' });
  expect(orphan.stderr).toMatch(/no daemon is running/);
  // What the clients do meanwhile is on the server, and is not lost.
  const rows = async (): Promise<number> =>
    Number((await server.query('SELECT COUNT(*) AS n FROM mysql.general_log'))[0]?.['n']);
  const left = await rows();
  await eventually('the clients go on', async () => (await rows()) > left + 500);

  const second = await place.startDaemon();
  await place.untilMoreIsRecorded('handed-over');
  const report = await load.stop();
  await place.given(['stop', 'handed-over']);
  second.child.kill('SIGINT');
  expect(await second.ended).toMatchObject({ status: 0, signal: null });
  expect(await server.settings()).toEqual(before);
  await expectWhole('handed-over', report);
});

test('a daemon killed under load again and again loses nothing and doubles nothing', async () => {
  let daemon = await place.startDaemon();
  await place.given(['create', 'killed', '--env', 'shop']);
  const load = await server.startLoad({ prefix: 'killed', connections: 6 });
  for (let kill = 0; kill < (isInFull ? 5 : 2); kill++) {
    await place.untilMoreIsRecorded('killed');
    daemon.child.kill('SIGKILL');
    expect(await daemon.ended).toMatchObject({ signal: 'SIGKILL' });
    expect(await place.get('killed')).toMatchObject({ status: 'RUNNING' });
    daemon = await place.startDaemon();
  }
  await place.untilMoreIsRecorded('killed');
  const report = await load.stop();
  await place.given(['stop', 'killed']);
  daemon.child.kill('SIGTERM');
  await daemon.ended;
  expect(await server.settings()).toEqual(before);
  await expectWhole('killed', report);
});

test('a killed background daemon is replaced by the one that stop starts', async () => {
  const created = await place.ok(['create', 'orphaned', '--env', 'shop']);
  expect(created.stderr).toMatch(/started one in the background \(pid \d+/);
  const load = await server.startLoad({ prefix: 'orphaned' });
  await place.untilMoreIsRecorded('orphaned');
  const { pid } = await place.daemon();
  process.kill(pid, 'SIGKILL');
  await eventually('it is gone', () => !isRunning(pid));
  const report = await load.stop();
  const stopped = await place.ok(['stop', 'orphaned', '--json']);
  expect(JSON.parse(stopped.stdout)).toMatchObject({ status: 'DONE' });
  await place.whenQuiet();
  expect(await server.settings()).toEqual(before);
  await expectWhole('orphaned', report);
});

test('two overlapping captures each have the statements of their own window', async () => {
  await place.ok(['create', 'one', '--env', 'shop']);
  const early = await (await server.startLoad({ prefix: 'early', statements: 300 })).whenDone();
  await place.ok(['create', 'two', '--env', 'shop']);
  const shared = await (await server.startLoad({ prefix: 'shared', statements: 300 })).whenDone();
  await place.ok(['stop', 'one']);
  expect(await server.settings()).toMatchObject({ generalLog: 1, logOutput: 'TABLE' });
  const late = await (await server.startLoad({ prefix: 'late', statements: 300 })).whenDone();
  await place.ok(['stop', 'two']);
  await place.whenQuiet();
  expect(await server.settings()).toEqual(before);

  const one = await recordsOf(place, 'one');
  const two = await recordsOf(place, 'two');
  const both = { prefix: 'shared', report: shared };
  expect(differences(one, [{ prefix: 'early', report: early }, both])).toEqual(NO_DIFFERENCES);
  expect(differences(two, [both, { prefix: 'late', report: late }])).toEqual(NO_DIFFERENCES);
  expect(tagsIn(one, 'late')).toEqual([]);
  expect(tagsIn(two, 'early')).toEqual([]);
});

test('between create and stop nothing is missing of sessions that were there before and go on after', async () => {
  const load = await server.startLoad({
    prefix: 'around',
    connections: 6,
    reconnectEvery: 1_000_000,
  });
  await place.ok(['create', 'around', '--env', 'shop']);
  await server.query("SELECT 'begun' FROM shop.products LIMIT 1");
  await place.untilMoreIsRecorded('around');
  await server.query("SELECT 'ended' FROM shop.products LIMIT 1");
  await place.ok(['stop', 'around']);
  await load.stop();
  await place.whenQuiet();
  const records = await recordsOf(place, 'around');
  const sql = records.map((record) => record.sql);
  expect(sql.filter((text) => text.includes("'begun'"))).toHaveLength(1);
  expect(sql.filter((text) => text.includes("'ended'"))).toHaveLength(1);
  // Each connection's statements are one stretch without a hole.
  const stretches = new Map<string, Set<number>>();
  for (const tag of tagsIn(records, 'around')) {
    const [, connection = '', number] = tag.split('-');
    const numbers = stretches.get(connection) ?? new Set();
    expect(numbers.has(Number(number))).toBe(false);
    stretches.set(connection, numbers.add(Number(number)));
  }
  const executes = records.filter(({ kind, user }) => kind === 'execute' && user === 'app');
  expect(executes.length).toBeGreaterThan(0);
  // Prepared before the log was on, values unknown: those are flagged and have no tag. MySQL logs the
  // values whenever a statement was prepared.
  const isUnknown = server.family === 'mariadb';
  for (const { flags } of executes) expect(flags).toEqual(isUnknown ? ['unreplayable'] : undefined);
  expect(stretches.size).toBe(6);
  for (const numbers of stretches.values()) {
    const last = Math.max(...numbers);
    for (let n = Math.min(...numbers); n < last; n++) {
      // Of two statements in a row at most one is a prepared one.
      if (!numbers.has(n) && (!isUnknown || !numbers.has(n + 1))) {
        expect.fail(`nothing of ${n}${isUnknown ? ` and ${n + 1}` : ''}`);
      }
    }
  }
  expect(records.filter(({ user }) => user === null)).toEqual([]);
  expect(await server.settings()).toEqual(before);
});

test('an owner who logs to the table finds their log whole and switched on as before', async () => {
  await server.query("SET GLOBAL log_output = 'TABLE'");
  await server.query('SET GLOBAL general_log = ON');
  await server.query("SELECT 'owner 1'");
  await place.ok(['create', 'beside-the-owner', '--env', 'shop']);
  await server.query("SELECT 'owner 2'");
  await place.ok(['stop', 'beside-the-owner']);
  await place.whenQuiet();
  await server.query("SELECT 'owner 3'");
  const after = await server.settings();
  await server.query('SET GLOBAL general_log = OFF');
  await server.query("SET GLOBAL log_output = 'FILE'");
  await server.query('TRUNCATE mysql.general_log');
  expect(after).toMatchObject({ generalLog: 1, logOutput: 'TABLE', table: before['table'] });
  const rows = after['rows'] as string[];
  const own = rows.filter((row) => /^SELECT 'owner \d'$/.test(row));
  expect(own).toEqual(["SELECT 'owner 1'", "SELECT 'owner 2'", "SELECT 'owner 3'"]);
});
