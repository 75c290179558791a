import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { Connection } from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { RECORD_EVERYTHING } from '../../src/core/captures/recording-options.ts';
import { committedPosition } from '../../src/core/workloads/committed.ts';
import { workloadFolder } from '../../src/daemon/recorder.ts';
import { deadManStatement } from '../../src/source/mysql/log/dead-man.ts';
import { mysqlSource } from '../../src/source/mysql/mysql-source.ts';
import { readManifest } from '../../src/workload/manifest.ts';
import { readWorkload } from '../../src/workload/workload-reader.ts';
import { startDaemon } from '../daemon/daemons.ts';
import { TestStore } from '../support/stores.ts';
import {
  drainFrozen,
  readGeneration,
  rowsOf,
  startLogging,
  startRecorderServer,
  stateOf,
  type RecorderServer,
} from '../support/recorder-server.ts';
import { waitUntil } from '../support/waiting.ts';

let server: RecorderServer;
let admin: Connection;

beforeAll(async () => {
  server = await startRecorderServer({
    options: ['--event-scheduler=ON', '--log-bin=binlog', '--server-id=7'],
  });
  admin = await server.admin();
  await admin.query('SET SESSION sql_log_off = 1, sql_log_bin = 0');
});
afterAll(async () => {
  await admin.end();
  await server.stop();
});

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

async function setLog(generalLog: string, logOutput: string): Promise<void> {
  await admin.query(
    `SET GLOBAL general_log = OFF; SET GLOBAL log_output = '${logOutput}'; TRUNCATE mysql.general_log;
     SET GLOBAL event_scheduler = ON; SET GLOBAL general_log = ${generalLog}`,
  );
}

async function eventsThere(): Promise<unknown[]> {
  return rowsOf(
    admin,
    "SELECT EVENT_NAME FROM information_schema.EVENTS WHERE EVENT_SCHEMA = 'captures'",
  );
}

async function binaryLog(): Promise<string[]> {
  const rows = await rowsOf(admin, 'SHOW BINLOG EVENTS');
  return rows.map((row) => String(row['Info']));
}

async function whenSwitched(generalLog: number, logOutput: string): Promise<void> {
  await waitUntil(async () => {
    const [now] = await rowsOf(admin, 'SELECT @@GLOBAL.general_log AS g, @@GLOBAL.log_output AS o');
    return now?.['g'] === generalLog && now['o'] === logOutput;
  });
}

describe('when a recorder is not heard of any more', () => {
  test.each([
    ['OFF', 'FILE'],
    ['OFF', 'TABLE'],
    ['ON', 'FILE'],
  ])(
    'the server goes back to general_log %s and log_output %s by itself',
    async (general, output) => {
      await setLog(general, output);
      const before = await stateOf(admin);
      const binaryBefore = await binaryLog();
      const { log, settings } = await startLogging(server);
      const heard = Date.now();
      expect(await log.setDeadMan(1_000, settings)).toBeNull();
      expect(await eventsThere()).toEqual([{ EVENT_NAME: 'dead_man' }]);
      expect((await log.state()).switchedOffAt).toBeNull();
      const client = await server.admin();
      await client.query("SELECT 'before it'");
      const gone = Date.now();
      await log.close();

      await whenSwitched(general === 'ON' ? 1 : 0, output);
      await client.query("SELECT 'after it'");
      await client.end();
      const next = await server.open();
      await next.lock([]);
      const state = await next.state();
      expect(state).toMatchObject({ logging: false, isFilling: true, setAside: true });
      const at = Date.parse(state.switchedOffAt ?? '');
      expect(at - heard).toBeGreaterThanOrEqual(1_000);
      expect(at - gone).toBeLessThan(10_000);

      // What was logged until then is there, without what the switch itself did.
      await next.install(settings, 2);
      const statements = await readGeneration(next, 2);
      expect(
        statements.map(({ sql }) => sql).filter((sql) => /SELECT|SET |UPDATE/.test(sql)),
      ).toEqual(["SELECT 'before it'"]);
      expect(await next.restore(settings, 3)).toEqual([]);
      await next.close();
      expect(await stateOf(admin)).toEqual(before);
      expect(await eventsThere()).toEqual([]);
      expect(await binaryLog()).toEqual(binaryBefore);
    },
  );

  test('an owner who logs to the table goes on logging there', async () => {
    await setLog('ON', 'TABLE');
    const { log, settings } = await startLogging(server);
    expect(await log.setDeadMan(1_000, settings)).toBeNull();
    expect(await eventsThere()).toEqual([]);
    await log.restore(settings, 2);
    await log.close();
  });

  test('what somebody else switched off meanwhile stays off', async () => {
    await setLog('OFF', 'FILE');
    const { log, settings } = await startLogging(server);
    await log.setDeadMan(1_000, settings);
    await admin.query("SET GLOBAL general_log = OFF; SET GLOBAL log_output = 'NONE'");
    const [start] = await rowsOf(admin, 'SELECT NOW(6) AS now');
    await waitUntil(async () => {
      const [event] = await rowsOf(
        admin,
        "SELECT LAST_EXECUTED > TIMESTAMPADD(SECOND, 2, ?) AS ran FROM information_schema.EVENTS WHERE EVENT_SCHEMA = 'captures'".replace(
          '?',
          `'${(start?.['now'] as Date).toISOString().replace('T', ' ').replace('Z', '')}'`,
        ),
      );
      return event?.['ran'] === 1;
    });
    expect(
      await rowsOf(admin, 'SELECT @@GLOBAL.general_log AS g, @@GLOBAL.log_output AS o'),
    ).toEqual([{ g: 0, o: 'NONE' }]);
    expect((await log.state()).switchedOffAt).toBeNull();
    await log.restore(settings, 2);
    await log.close();
  });
});

describe('a recorder that lives', () => {
  test('keeps the log on by its swaps, and takes the switch away or moves it when asked', async () => {
    await setLog('OFF', 'FILE');
    const { log, settings } = await startLogging(server);
    await log.setDeadMan(3_600_000, settings);
    const intervals = async (): Promise<unknown> =>
      rowsOf(
        admin,
        "SELECT INTERVAL_VALUE AS every FROM information_schema.EVENTS WHERE EVENT_SCHEMA = 'captures'",
      );
    expect(await intervals()).toEqual([{ every: '60' }]);
    await log.setDeadMan(120_000, settings);
    expect(await intervals()).toEqual([{ every: '12' }]);
    await log.setDeadMan(null, settings);
    expect(await intervals()).toEqual([]);
    await log.restore(settings, 2);
    await log.close();
  });

  test('is looked for only after an interval, not as it begins', async () => {
    await setLog('OFF', 'FILE');
    const { log, settings } = await startLogging(server);
    await log.setDeadMan(3_600_000, settings);
    const [look] = await rowsOf(
      admin,
      "SELECT LAST_EXECUTED AS looked, TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), STARTS) AS due FROM information_schema.EVENTS WHERE EVENT_SCHEMA = 'captures'",
    );
    expect(look).toMatchObject({ looked: null });
    expect(look?.['due']).toBeGreaterThan(30);
    await log.restore(settings, 2);
    await log.close();
  });

  test('removes its switch also from a schema that is not its own to drop', async () => {
    await setLog('OFF', 'FILE');
    await admin.query('CREATE DATABASE captures');
    const { log, settings } = await startLogging(server);
    await log.setDeadMan(3_600_000, settings);
    expect(await eventsThere()).toHaveLength(1);
    await log.restore(settings, 2);
    await log.close();
    expect(await eventsThere()).toEqual([]);
    await admin.query('DROP DATABASE captures');
  });

  test('says how large the log is there', async () => {
    await setLog('OFF', 'FILE');
    const { log, settings } = await startLogging(server);
    const empty = await log.backlogBytes();
    const client = await server.admin();
    await client.query(`SELECT '${'x'.repeat(3_000_000)}'`);
    expect(await log.backlogBytes()).toBeGreaterThan(empty + 3_000_000);
    await log.swap(2);
    await client.query(`SELECT '${'x'.repeat(2_000_000)}'`);
    await client.end();
    expect(await log.backlogBytes()).toBeGreaterThan(empty + 5_000_000);
    await drainFrozen(log);
    expect(await log.backlogBytes()).toBeLessThan(empty + 3_000_000);
    await log.restore(settings, 3);
    await log.close();
  });
});

describe('where there can be no switch', () => {
  async function obstacles(): Promise<{ inspected: string | null; asked: string | null }> {
    const inspection = await mysqlSource.inspect(server.address, 'store-1');
    const { log, settings } = await startLogging(server);
    const asked = await log.setDeadMan(60_000, settings);
    await log.restore(settings, 2);
    await log.close();
    return { inspected: inspection.deadManObstacle, asked };
  }

  test('a scheduler that is off is said, with what to run; switching it on is all there is to do', async () => {
    await setLog('OFF', 'FILE');
    await admin.query('SET GLOBAL event_scheduler = OFF');
    const { inspected, asked } = await obstacles();
    expect(inspected).toMatch(
      /the log keeps growing there\. Run there: SET GLOBAL event_scheduler = ON$/,
    );
    expect(asked).toBe(inspected);

    const { log, settings } = await startLogging(server);
    await log.setDeadMan(1_000, settings);
    await log.close();
    await admin.query('SET GLOBAL event_scheduler = ON');
    await whenSwitched(0, 'FILE');
    const next = await server.open();
    await next.lock([]);
    await next.restore(settings, 2);
    await next.close();
  });

  test('a missing privilege is said, with its GRANT, and nothing fails', async () => {
    await setLog('OFF', 'FILE');
    await admin.query("REVOKE EVENT ON captures.* FROM recorder@'%'");
    const { inspected, asked } = await obstacles();
    expect(inspected).toMatch(/Run there: GRANT EVENT ON captures\.\* TO `recorder`@`%`$/);
    expect(asked).toBe(inspected);
    const { privileges } = await mysqlSource.inspect(server.address, 'store-1');
    expect(privileges.find(({ privilege }) => privilege.startsWith('EVENT'))).toMatchObject({
      state: 'missing',
      required: false,
      grant: 'GRANT EVENT ON captures.* TO `recorder`@`%`',
    });
    await admin.query("GRANT EVENT ON captures.* TO recorder@'%'");
  });
});

test('after kill -9 of the daemon the log goes off by itself; the next one goes on and lists the gap', async () => {
  await setLog('OFF', 'FILE');
  const before = await stateOf(admin);
  const bench = new TestStore(systemClock);
  const alice = bench.user('alice');
  const environment = bench.environment({ admin: [alice] }, { server: server.address });
  const { store } = bench;
  const capture = store.captures.insert(
    {
      name: 'night',
      environmentId: environment.id,
      ownerId: alice.userId,
      status: 'STARTED',
      start: null,
      scheduledStart: null,
      scheduledEnd: null,
      end: null,
      duration: null,
      reason: null,
      recordsStatements: true,
      // Shorter than anybody may ask for, and longer than a machine with much to do takes to switch the
      // log on: with a second it went off before the first swap, again and again.
      options: { ...RECORD_EVERYTHING, deadMan: 6_000 },
    },
    Date.now(),
  );
  const status = (): string | undefined => store.captures.find(capture.id)?.status;
  const launch = (): ChildProcess => {
    const child = spawn(
      process.execPath,
      [join(import.meta.dirname, 'daemon-child.ts'), store.directory],
      { stdio: ['ignore', 'ignore', 'ignore'] },
    );
    children.push(child);
    return child;
  };
  const until = (condition: () => unknown): Promise<unknown> => waitUntil(condition);
  const client = await server.admin();
  const first = launch();
  await until(() => status() === 'RUNNING');
  await client.query("SELECT 'one'");
  await until(() => (store.captures.find(capture.id)?.records ?? 0) > 0);
  first.kill('SIGKILL');
  await client.query("SELECT 'two'");
  await whenSwitched(0, 'FILE');
  await client.query("SELECT 'nobody hears this'");

  launch();
  await whenSwitched(1, 'TABLE');
  await client.query("SELECT 'three'");
  bench.captures.requestStop(alice, String(capture.id));
  await until(() => status() === 'DONE');
  await client.end();
  await waitUntil(async () => (await eventsThere()).length === 0);
  expect(await stateOf(admin)).toEqual(before);

  const folder = workloadFolder(store.directory, capture.id);
  const chunks: Buffer[] = [];
  const position = committedPosition(store.recordings.find(capture.id));
  for await (const chunk of readWorkload(folder, position)) chunks.push(chunk);
  const sql = Buffer.concat(chunks)
    .toString()
    .split('\n')
    .flatMap((line) => /"sql":"(SELECT '[^"]*|SET GLOBAL[^"]*|UPDATE[^"]*)"/.exec(line)?.[1] ?? []);
  expect(sql).toEqual(["SELECT 'one'", "SELECT 'two'", "SELECT 'three'"]);
  const { gaps } = await readManifest(folder);
  expect(gaps).toHaveLength(1);
  expect(gaps[0]?.cause).toBe('log_switched_off');
  expect(gaps[0]?.reason).toMatch(/dead-man switch .*2\d{3}-\d\d-\d\dT[\d:.]+Z/);
  expect(gaps[0]?.reason).toContain(gaps[0]?.from ?? 'no time');
  expect(Date.parse(gaps[0]?.from ?? '')).toBeLessThan(Date.parse(gaps[0]?.to ?? ''));
});

test('of the captures on a server the shortest time counts, and none when all are over', async () => {
  await setLog('OFF', 'FILE');
  const bench = new TestStore(systemClock);
  const alice = bench.user('alice');
  const environment = bench.environment({ admin: [alice] }, { server: server.address });
  startDaemon(bench.store.directory, systemClock, { source: mysqlSource });
  const begin = (deadMan: number | null): number =>
    bench.capture(alice, environment, { options: { ...RECORD_EVERYTHING, deadMan } }).id;
  const every = async (seconds: string | null): Promise<void> => {
    await waitUntil(async () => {
      const [event] = await rowsOf(
        admin,
        "SELECT INTERVAL_VALUE AS every FROM information_schema.EVENTS WHERE EVENT_SCHEMA = 'captures'",
      );
      return (event?.['every'] ?? null) === seconds;
    });
  };
  const stop = async (id: number): Promise<void> => {
    const status = (): string | undefined => bench.store.captures.find(id)?.status;
    await waitUntil(() => status() === 'RUNNING');
    bench.captures.requestStop(alice, String(id));
  };
  const never = begin(null);
  const long = begin(300_000);
  await every('30');
  const short = begin(100_000);
  await every('10');
  await stop(short);
  await every('30');
  await stop(long);
  await every(null);
  expect(bench.store.captures.find(never)?.status).toBe('RUNNING');
  await stop(never);
  await waitUntil(() => bench.store.captures.find(never)?.status === 'DONE');
});

test('the event never switches on what was off, and leaves what is already as it was', () => {
  const settings = { generalLog: false, logOutput: 'FILE', slowLog: true, tableEngine: 'CSV' };
  const text = deadManStatement(settings, 60_000, true) ?? '';
  expect(text).toContain('EVERY 6 SECOND');
  expect(text).toContain('SET GLOBAL general_log = OFF');
  expect(text).toContain("SET GLOBAL log_output = 'FILE'");
  expect(text).not.toContain('= ON');
  const on = deadManStatement({ ...settings, generalLog: true }, 60_000, false);
  // The slow log kept the file among the outputs, the general log was on to it: only TABLE goes.
  expect(on).toContain("SET GLOBAL log_output = 'FILE'");
  expect(on).not.toContain('SET GLOBAL general_log');
  expect(on).not.toContain('sql_log_bin');
});
