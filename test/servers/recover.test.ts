import { existsSync, statSync, truncateSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { UNLIMITED, type Actor } from '../../src/core/access.ts';
import { ALL_CAPTURES } from '../../src/core/captures/capture-list.ts';
import { CaptureRules } from '../../src/core/captures/capture-rules.ts';
import type { CaptureStatus } from '../../src/core/captures/capture.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { ListedCapture, Store } from '../../src/core/store.ts';
import { committedPosition } from '../../src/core/workloads/committed.ts';
import { workloadFolder } from '../../src/daemon/recorder.ts';
import { reclaimServer } from '../../src/daemon/reclaim.ts';
import type { ServerEnvironment } from '../../src/core/environments/environment.ts';
import { flavorOf } from '../../src/source/mysql/connection/flavor.ts';
import { mysqlSource } from '../../src/source/mysql/mysql-source.ts';
import { openStore } from '../../src/store/sqlite-store.ts';
import { MANIFEST_FILE, readManifest, readablePosition } from '../../src/workload/manifest.ts';
import { readRecords } from '../../src/workload/workload-reader.ts';
import { initialisedHome, runCaptures, type CliResult } from '../support/cli.ts';
import { eventually, start, type RunningProcess } from '../support/processes.ts';
import { temporaryFolder } from '../support/stores.ts';
import { startCuttingProxy, type CuttingProxy } from './cutting-proxy.ts';
import type { ReadablePosition } from '../../src/core/workloads/workload.ts';
import {
  RECORDER_PASSWORD,
  rowsOf,
  startLogging,
  startRecorderServer,
  stateOf,
  TaggedLoad,
  tagsIn,
  type RecorderServer,
} from '../support/recorder-server.ts';

/**
 * How often a recovery is killed or cut off in each test that does so. By hand more of it:
 * RECOVER_KILLS=40 npx vitest run …; from 100 on, every message to the server is tried.
 */
const KILLS = Number(process.env['RECOVER_KILLS'] ?? 3);
const DAEMON = resolve(import.meta.dirname, 'daemon-child.ts');
const PROGRAM = resolve(import.meta.dirname, 'program-child.ts');
const MODES = [
  ['OFF', 'FILE'],
  ['ON', 'TABLE'],
] as const;

let server: RecorderServer;
let admin: Connection;
let home: string;
beforeAll(async () => {
  server = await startRecorderServer({
    options: [
      // As MySQL's default is: a damaged table stays so until somebody repairs it.
      '--myisam-recover-options=OFF',
    ],
  });
  home = await initialisedHome();
  const { port } = server;
  const url = `mysql://recorder@127.0.0.1:${port}`;
  const password = 'env:CAPTURES_TEST_RECORDER_PASSWORD';
  const argv = ['env', 'create', 'shop', '--url', url, '--password-from', password];
  expect((await runCaptures(argv, { home })).status).toBe(0);
});
beforeEach(async () => {
  admin = await server.admin();
  await admin.query('SET SESSION sql_log_off = 1');
});
afterEach(() => {
  admin.destroy();
});
afterAll(async () => {
  await server.stop();
});

async function setLog(generalLog: string, logOutput: string): Promise<void> {
  await admin.query(
    `SET GLOBAL general_log = OFF; SET GLOBAL log_output = '${logOutput}'; TRUNCATE mysql.general_log;
     SET GLOBAL general_log = ${generalLog}`,
  );
}

async function tagsInOwners(): Promise<string[]> {
  const rows = await rowsOf(admin, 'SELECT argument FROM mysql.general_log');
  return tagsIn(rows.map((row) => String(row['argument'])));
}

let nextTag = 0;
/** Sends a statement that is in no other row, on a connection of its own. */
async function sendTag(): Promise<string> {
  const tag = `tag-9-${nextTag++}-`;
  const client = await server.admin();
  await client.query(`SELECT '${tag}'`);
  await client.end();
  return tag;
}

function inStore<T>(work: (store: Store, ada: Actor) => T): T {
  const store = openStore(home);
  try {
    return work(store, { userId: 1, userName: 'ada', isStoreAdmin: true, scope: UNLIMITED });
  } finally {
    store.close();
  }
}

let captures = 0;
function create(scheduledStart: number | null = null): number {
  return inStore(
    (store, ada) =>
      new CaptureRules(store, systemClock).create(ada, {
        name: `capture ${++captures}`,
        environment: 'shop',
        status: null,
        start: null,
        scheduledStart,
        duration: null,
      }).id,
  );
}

function find(id: number): ListedCapture | null {
  return inStore((store) => store.captures.find(id));
}

function statusOf(id: number): CaptureStatus | null {
  return find(id)?.status ?? null;
}

async function tagsOfRecord(folder: string, position: ReadablePosition | null): Promise<string[]> {
  const tags: string[] = [];
  for await (const records of readRecords(folder, position)) {
    tags.push(...tagsIn(records.map(({ sql }) => sql)));
  }
  return tags;
}

function recordedTags(id: number): Promise<string[]> {
  return inStore((store) => {
    const position = committedPosition(store.recordings.find(id));
    return tagsOfRecord(workloadFolder(home, id), position);
  });
}

/** What is wrong with a record of statements that were all sent within the window. */
function differences(recorded: readonly string[], sent: readonly string[]): unknown {
  const seen = new Set(recorded);
  return {
    doubled: recorded.length - seen.size,
    missing: sent.filter((tag) => !seen.has(tag)),
  };
}
const NO_DIFFERENCES = { doubled: 0, missing: [] };

function startDaemon(): RunningProcess {
  return start(process.execPath, [DAEMON, home]);
}

async function kill(child: RunningProcess): Promise<void> {
  child.child.kill('SIGKILL');
  await child.ended;
}

/** What happens by itself three seconds after a holder's death; one test waits for that. */
function lapseLease(): void {
  inStore((store) => store.lease.release(store.lease.find()?.holder ?? ''));
}

function recover(argv: readonly string[] = [], folder = home): Promise<CliResult> {
  return runCaptures(['recover', ...argv, '--json'], { home: folder });
}

/** The environment with its server. */
function shop(): ServerEnvironment {
  return inStore((store) => {
    const found = store.environments.findByName('shop');
    if (found?.server == null) throw new Error('There is no environment');
    return { ...found, server: found.server };
  });
}

async function expectServerAsBefore(before: unknown): Promise<void> {
  expect(await stateOf(admin)).toEqual(before);
  const events = await rowsOf(admin, 'SELECT EVENT_NAME FROM information_schema.EVENTS');
  expect(events).toEqual([]);
}

/** Nothing is left of the recorder, on the server and in the store. */
async function expectGivenBack(before: unknown): Promise<void> {
  await expectServerAsBefore(before);
  inStore((store) => {
    expect(store.taps.list()).toEqual([]);
    expect(store.lease.find()).toBeNull();
  });
}

describe('in the store of a daemon that was killed', () => {
  test.each(MODES)(
    'with general_log %s to %s before, captures end whole and the server is restored',
    async (general, output) => {
      await setLog(general, output);
      const before = await stateOf(admin);
      const [going, over, later] = [create(), create(), create(Date.now() + 3_600_000)];
      const daemon = startDaemon();
      await eventually('both are RUNNING', () =>
        [going, over].every((id) => statusOf(id) === 'RUNNING'),
      );
      const load = await TaggedLoad.start(server, 4);
      await eventually('something is recorded', () => (find(going)?.records ?? 0) > 500);
      await kill(daemon);
      const killedAt = load.sent;
      await eventually('more is sent', () => load.sent > killedAt + 500);
      const sent = await load.stop();
      inStore((store) =>
        store.captures.update(over, ['RUNNING'], { scheduledEnd: Date.now() - 1_000 }),
      );

      const { status, stdout, stderr } = await recover(['--yes']);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(JSON.parse(stdout)).toMatchObject([
        {
          environment: 'shop',
          recovered: true,
          endedCaptures: [going, over],
          settings: { generalLog: general === 'ON', logOutput: output, tableEngine: 'CSV' },
          savedStatements: 0,
          droppedStatements: 0,
          warnings: [],
        },
      ]);
      expect([find(going), find(over), find(later)]).toMatchObject([
        { status: 'DONE', reason: 'ended by a recovery of its server' },
        { status: 'DONE', reason: 'reached its scheduled end' },
        { status: 'SCHEDULED' },
      ]);
      expect(differences(await recordedTags(going), sent)).toEqual(NO_DIFFERENCES);
      expect(await readManifest(workloadFolder(home, going))).toMatchObject({
        complete: true,
        gaps: [],
      });
      if (general === 'ON') {
        expect(differences(await tagsInOwners(), sent)).toEqual(NO_DIFFERENCES);
      }
      await expectGivenBack(before);
      const again = await recover(['shop']);
      expect(JSON.parse(again.stdout)).toMatchObject([{ recovered: false }]);
      inStore((store) => store.captures.delete(later, ['SCHEDULED']));
    },
  );

  test('after a restart of the server, the gap is in the record and the server is as it was', async () => {
    await setLog('OFF', 'FILE');
    const before = await stateOf(admin);
    const id = create();
    const daemon = startDaemon();
    await eventually('it is RUNNING', () => statusOf(id) === 'RUNNING');
    const tag = await sendTag();
    await eventually('it is recorded', () => (find(id)?.records ?? 0) > 0);
    await kill(daemon);
    lapseLease();
    admin.destroy();
    await server.kill();
    await server.restart();
    admin = await server.admin();
    await admin.query('SET SESSION sql_log_off = 1');
    const { status, stderr } = await recover(['--yes']);
    // The log was switched on again, and what it does not say is said.
    const warnings = flavorOf(server.version).limits.map((limit) => `warning: ${limit}\n`);
    expect({ status, stderr }).toEqual({ status: 0, stderr: warnings.join('') });
    expect(find(id)).toMatchObject({ status: 'DONE' });
    expect(await recordedTags(id)).toEqual([tag]);
    const { gaps } = await readManifest(workloadFolder(home, id));
    expect(gaps.map(({ cause }) => cause)).toEqual(['server_restarted']);
    await expectGivenBack(before);
  });

  test('a recovery that is killed itself, again and again, is finished by the next one', async () => {
    await setLog('ON', 'TABLE');
    const before = await stateOf(admin);
    const id = create();
    const daemon = startDaemon();
    await eventually('it is RUNNING', () => statusOf(id) === 'RUNNING');
    const load = await TaggedLoad.start(server, 4);
    await eventually('something is recorded', () => (find(id)?.records ?? 0) > 500);
    await kill(daemon);
    const killedAt = load.sent;
    await eventually('a backlog is there', () => load.sent > killedAt + 5_000);
    const sent = await load.stop();
    for (let kills = 0; kills < KILLS; kills++) {
      const recovery = start(process.execPath, [PROGRAM, 'recover', 'shop', '--yes'], {
        env: { CAPTURES_HOME: home, CAPTURES_TEST_RECORDER_PASSWORD: RECORDER_PASSWORD },
      });
      // From its first statement on: before that there is nothing to interrupt.
      const isAtWork = (): boolean => {
        const lease = inStore((store) => store.lease.find());
        return lease?.pid === recovery.pid || recovery.child.exitCode !== null;
      };
      await eventually('it is at work', isAtWork);
      await delay(Math.random() * 400);
      await kill(recovery);
      lapseLease();
    }
    const { status, stderr } = await recover(['--yes']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: expect.any(String) });
    expect(find(id)).toMatchObject({ status: 'DONE', reason: 'ended by a recovery of its server' });
    expect(differences(await recordedTags(id), sent)).toEqual(NO_DIFFERENCES);
    expect(differences(await tagsInOwners(), sent)).toEqual(NO_DIFFERENCES);
    await expectGivenBack(before);
  });
});

test('a recorder that comes back although its server was restored goes on, and says what is missing', async () => {
  await setLog('OFF', 'FILE');
  const before = await stateOf(admin);
  const id = create();
  const first = startDaemon();
  await eventually('it is RUNNING', () => statusOf(id) === 'RUNNING');
  const recorded = await sendTag();
  await eventually('it is recorded', () => (find(id)?.records ?? 0) > 0);
  await kill(first);
  lapseLease();
  const environment = shop();
  const context = { source: mysqlSource, storeId: 'store-2', programVersion: '0' };
  const { leftovers } = await eventually('the lock is free', async () => {
    const inspection = await mysqlSource.inspect(environment.server, 'store-2');
    return inspection.lockHolder === null ? inspection : null;
  });
  if (leftovers === null) throw new Error('Nothing is left behind');
  expect(await reclaimServer(context, environment, leftovers, null)).toMatchObject({ saved: 0 });
  await expectServerAsBefore(before);
  const missing = await sendTag();
  const second = startDaemon();
  await eventually('it goes on', () => second.stderr().includes('log tapped'));
  const later = await sendTag();
  inStore((store, ada) => new CaptureRules(store, systemClock).requestStop(ada, String(id)));
  await eventually('it is DONE', () => statusOf(id) === 'DONE');
  await eventually('the server is restored', () => inStore((s) => s.taps.list().length === 0));
  await kill(second);
  lapseLease();
  expect(await recordedTags(id)).toEqual([recorded, later]);
  expect(missing).not.toBe(later);
  const { gaps } = await readManifest(workloadFolder(home, id));
  expect(gaps).toMatchObject([
    { cause: 'log_switched_off', afterSeq: expect.any(Number), reason: expect.any(String) },
  ]);
  expect(gaps[0]?.from).not.toBeNull();
  await expectGivenBack(before);
});

describe('in a store that knows nothing of the recorder that left the server switched on', () => {
  /** Leaves a server as a dead recorder of another store does. @returns the tags it logged. */
  async function leaveBehind(options: { silent?: boolean } = {}): Promise<string[]> {
    const { log } = await startLogging(server);
    const tags = [await sendTag()];
    await log.swap(2);
    tags.push(await sendTag());
    await log.swap(3);
    tags.push(await sendTag());
    await log.close();
    await whenAlone();
    if (options.silent !== false) await silence();
    return tags;
  }

  async function silence(): Promise<void> {
    await admin.query('UPDATE captures.captures_marker SET heartbeat = NOW(6) - INTERVAL 2 HOUR');
  }

  /** Waits until the server has noticed that the recorder's connections are gone. */
  async function whenAlone(): Promise<void> {
    for (;;) {
      const rows = await rowsOf(
        admin,
        "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'recorder'",
      );
      if (rows.length === 0) return;
    }
  }

  test.each(MODES)(
    'with general_log %s to %s before: what was logged goes where the owner logs, or is dropped',
    async (general, output) => {
      await setLog(general, output);
      const before = await stateOf(admin);
      const tags = await leaveBehind();
      const { status, stdout, stderr } = await recover(['shop', '--discard', '--yes']);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      const [row] = JSON.parse(stdout) as Record<string, number>[];
      expect(row).toMatchObject({ recovered: true, savedStatements: 0, endedCaptures: [] });
      if (general === 'ON') {
        expect(row?.['droppedStatements']).toBe(0);
        expect(row?.['returnedStatements']).toBeGreaterThanOrEqual(tags.length);
        expect(await tagsInOwners()).toEqual(tags);
      } else {
        expect(row?.['droppedStatements']).toBeGreaterThanOrEqual(tags.length);
        expect(row?.['returnedStatements']).toBe(0);
        expect(await tagsInOwners()).toEqual([]);
      }
      await expectGivenBack(before);
    },
  );

  test('what was logged is saved as a workload that our own reader reads', async () => {
    await setLog('OFF', 'FILE');
    const before = await stateOf(admin);
    const tags = await leaveBehind();
    const folder = join(temporaryFolder(), 'left', 'behind');
    const { status, stdout } = await recover(['shop', '--yes', '--save', folder]);
    expect(status).toBe(0);
    const manifest = await readManifest(folder);
    expect(manifest).toMatchObject({ complete: true, environment: { name: 'shop' } });
    expect(await tagsOfRecord(folder, readablePosition(manifest))).toEqual(tags);
    expect(JSON.parse(stdout)).toMatchObject([
      { savedStatements: manifest.counters.records, droppedStatements: 0 },
    ]);
    await expectGivenBack(before);
  });

  test('without a word it is kept in the store, and nobody has to be asked', async () => {
    await setLog('OFF', 'FILE');
    const before = await stateOf(admin);
    const tags = await leaveBehind();
    const { status, stdout } = await recover(['shop']);
    expect(status).toBe(0);
    const [row] = JSON.parse(stdout) as { savedTo: string; droppedStatements: number }[];
    expect(row?.droppedStatements).toBe(0);
    const folder = row?.savedTo ?? '';
    const manifest = await readManifest(folder);
    expect(await tagsOfRecord(folder, readablePosition(manifest))).toEqual(tags);
    await expectGivenBack(before);
  });

  test('one that was active just now is waited for, and taken when it stays silent', async () => {
    await setLog('OFF', 'FILE');
    const before = await stateOf(admin);
    await leaveBehind({ silent: false });
    // As if it had been silent for most of the time that it is watched.
    await admin.query(
      'UPDATE captures.captures_marker SET heartbeat = NOW(6) - INTERVAL 12 SECOND',
    );
    expect((await recover(['shop'])).status).toBe(0);
    await expectGivenBack(before);
  });

  test('one that is at work is never disturbed', async () => {
    await setLog('OFF', 'FILE');
    const { log, settings } = await startLogging(server);
    const refused = await recover(['shop', '--yes', '--force']);
    expect([refused.status, JSON.parse(refused.stderr)]).toMatchObject([
      6,
      { message: expect.stringMatching(/^A recorder is running on .*: recorder from localhost/) },
    ]);
    await log.swap(2);
    await log.restore(settings, 3);
    await log.close();
    await whenAlone();
  });

  test('a marker that somebody wrote into is refused, whatever its field, and nothing of it is run', async () => {
    await setLog('OFF', 'FILE');
    const before = await stateOf(admin);
    await leaveBehind();
    const evil = "FILE', GLOBAL max_connections = 77, GLOBAL init_connect = 'SELECT 1";
    const settings = { generalLog: false, logOutput: 'FILE', slowLog: false, tableEngine: 'CSV' };
    const hostile: Record<string, string> = {
      store_id: evil,
      nonce: evil,
      made_schema: evil,
      recorder: 'line\nbreak',
      appending: evil,
      owner_rows: '1, store_id = (SELECT 2)',
      is_appended: evil,
      switched_off_at: evil,
      switched_off_by: evil,
      copied_rows: evil,
      warm_since: evil,
      lock_plugin: evil,
      'settings.logOutput': JSON.stringify({ ...settings, logOutput: evil }),
      'settings.generalLog': JSON.stringify({ ...settings, generalLog: evil }),
      'settings.slowLog': JSON.stringify({ ...settings, slowLog: evil }),
      'settings.tableEngine': JSON.stringify({ ...settings, tableEngine: `CSV; ${evil}` }),
    };
    const table = 'captures.captures_marker';
    const variables = async (): Promise<unknown> => {
      const [rows] = await admin.query(
        'SELECT @@GLOBAL.max_connections, @@GLOBAL.init_connect, @@GLOBAL.general_log, @@GLOBAL.log_output',
      );
      return rows;
    };
    const then = await variables();
    await admin.query('CREATE DATABASE kept');
    await admin.query(`CREATE TABLE kept.marker AS SELECT * FROM ${table}`);
    for (const [field, value] of Object.entries(hostile)) {
      const [column = ''] = field.split('.');
      // The columns have types, but who may write may also change them.
      await admin.query(`ALTER TABLE ${table} MODIFY ${column} TEXT NULL`);
      await admin.query(`UPDATE ${table} SET ${column} = ?`, [value]);
      const refused = await recover(['shop', '--discard', '--yes', '--force']);
      expect([refused.status, JSON.parse(refused.stderr)]).toMatchObject([
        6,
        { message: expect.stringMatching(new RegExp(`not as a recorder writes it: ${field}$`)) },
      ]);
      expect(await variables()).toEqual(then);
      await admin.query(`UPDATE ${table} SET ${column} = (SELECT ${column} FROM kept.marker)`);
    }
    await admin.query('DROP DATABASE kept');
    expect((await recover(['shop', '--discard', '--yes'])).status).toBe(0);
    await expectGivenBack(before);
  });

  test('without the row of the marker the log is left as it is, and the table restored', async () => {
    await setLog('OFF', 'FILE');
    const before = await stateOf(admin);
    await leaveBehind();
    await admin.query('DELETE FROM captures.captures_marker; SET GLOBAL general_log = OFF');
    await admin.query("SET GLOBAL log_output = 'FILE'");
    const { status, stdout } = await recover(['shop', '--yes']);
    expect([status, JSON.parse(stdout)]).toMatchObject([
      0,
      [
        {
          recovered: true,
          warnings: [
            'The server has lost what its log was set to: it is left as it is (general_log OFF, log_output FILE)',
          ],
        },
      ],
    ]);
    await expectGivenBack(before);
  });

  test.each(['DROP TABLE captures.captures_marker', 'DROP DATABASE captures'])(
    'after %s the log is off, and goes to a table of the server’s own',
    async (sql) => {
      await setLog('OFF', 'FILE');
      const before = await stateOf(admin);
      await leaveBehind();
      await admin.query(sql);
      const { status, stdout } = await recover(['shop', '--yes', '--discard']);
      expect([status, JSON.parse(stdout)]).toMatchObject([
        0,
        [
          {
            recovered: true,
            warnings: expect.arrayContaining([
              'The server has lost what its log was set to: it is switched off, which may be wrong (general_log OFF, log_output TABLE)',
            ]),
          },
        ],
      ]);
      await admin.query("SET GLOBAL log_output = 'FILE'");
      await expectGivenBack(before);
    },
  );

  test('what a dump carried here is nobody’s: it is said, and nothing is touched', async () => {
    await setLog('ON', 'TABLE');
    const before = await stateOf(admin);
    // Elsewhere a recorder made these, and the dump's tables are made anew here.
    const { log, settings } = await startLogging(server);
    await admin.query(
      'CREATE DATABASE kept; CREATE TABLE kept.marker AS SELECT * FROM captures.captures_marker',
    );
    await log.restore(settings, 2);
    await log.close();
    await whenAlone();
    await admin.query(
      `CREATE DATABASE captures; CREATE TABLE captures.captures_marker AS SELECT * FROM kept.marker;
       UPDATE captures.captures_marker SET heartbeat = NOW(6) - INTERVAL 2 HOUR;
       CREATE TABLE captures.owners_log LIKE mysql.general_log; DROP DATABASE kept`,
    );
    const tag = await sendTag();
    const check = await runCaptures(['env', 'check', 'shop'], { home });
    expect(check.status).toBe(6);
    expect(check.stdout + check.stderr).toContain('came with a dump of a server');
    expect(check.stdout + check.stderr).not.toContain('left behind');
    const { status, stdout } = await recover(['shop', '--yes']);
    expect([status, JSON.parse(stdout)]).toMatchObject([0, [{ recovered: false }]]);
    const refused = await mysqlSource.open(shop().server, 'store-2', () => undefined);
    await expect(refused.settingsToRestore()).rejects.toMatchObject({
      code: 'conflict',
      hint: expect.stringContaining('DROP DATABASE captures'),
    });
    await refused.close();
    expect(await tagsInOwners()).toContain(tag);
    await admin.query('DROP DATABASE captures');
    await expectServerAsBefore(before);
  });

  function cutOff(file: string, bytes: number): void {
    const path = join(server.dataDir, file);
    truncateSync(path, statSync(path).size - bytes);
  }

  test.each(MODES)(
    'with general_log %s to %s before, and tables that the death of the server damaged',
    async (general, output) => {
      await setLog(general, output);
      const before = await stateOf(admin);
      const { log } = await startLogging(server);
      const load = await TaggedLoad.start(server, 8);
      await eventually('something is logged', () => load.sent > 1_000);
      await log.swap(2);
      await eventually('more is logged', () => load.sent > 3_000);
      admin.destroy();
      await server.kill();
      const sent = await load.stop();
      await log.close();
      // What power loss can do besides: the ends of the files are not on the disk.
      cutOff('captures/log_2.MYD', 40);
      cutOff('mysql/general_log.MYD', 33);
      await server.restart();
      admin = await server.admin();
      await admin.query('SET SESSION sql_log_off = 1');
      await silence();
      const { status, stdout, stderr } = await recover(['shop', '--yes']);
      expect({ status, stderr: stderr.replace(/^warning: .*\n/gm, '') }).toEqual({
        status: 0,
        stderr: '',
      });
      expect(JSON.parse(stdout)).toMatchObject([{ recovered: true }]);
      if (general === 'ON') {
        // The restart has forgotten what was set by SET GLOBAL, as it would have without us.
        const owners = await tagsInOwners();
        expect(new Set(owners).size).toBe(owners.length);
        // The rows that were cut, and with the last one of a table perhaps its neighbour.
        expect(sent.filter((tag) => !owners.includes(tag)).length).toBeLessThanOrEqual(4);
        await setLog(general, output);
      }
      await expectGivenBack(before);
    },
  );

  describe('interrupted', () => {
    let proxy: CuttingProxy;
    beforeAll(async () => {
      proxy = await startCuttingProxy(server.port);
    });
    afterAll(async () => {
      await proxy.stop();
    });

    describe.each(MODES)('with general_log %s to %s before', (general, output) => {
      test.each(['before', 'after'] as const)(
        '%s a message to the server it can be run again',
        async (when) => {
          await setLog(general, output);
          const before = await stateOf(admin);
          const environment = shop();
          const cut = { ...environment, server: { ...environment.server, port: proxy.port } };
          const context = { source: mysqlSource, storeId: 'store-2', programVersion: '0' };

          /** @returns how many messages a recovery takes that nobody interrupts. */
          const interruptAt = async (message: number, saves: boolean): Promise<number> => {
            await setLog(general, output);
            // Its marker must not look older than its table, as one that a dump carried does.
            const tags = await leaveBehind({ silent: false });
            const found = await mysqlSource.inspect(environment.server, 'store-2');
            if (found.leftovers === null) throw new Error('Nothing is left behind');
            const folders = saves ? [newFolder(), newFolder()] : [null, null];
            proxy.cutAt(message, when);
            try {
              await reclaimServer(context, cut, found.leftovers, folders[0] ?? null);
            } catch (error) {
              expect(error).toMatchObject({ code: 'remote_failed' });
              expect({ message, wasCut: proxy.wasCut }).toEqual({ message, wasCut: true });
            }
            const { count } = proxy;
            await whenAlone();
            const { leftovers } = await mysqlSource.inspect(environment.server, 'store-2');
            if (leftovers !== null) {
              await reclaimServer(context, environment, leftovers, folders[1] ?? null);
              await whenAlone();
            }
            const owners = general === 'ON' ? tags : [];
            expect({ message, tags: await tagsInOwners() }).toEqual({ message, tags: owners });
            if (saves) {
              const saved = await tagsSavedIn(folders);
              expect({ message, lost: tags.filter((tag) => !saved.has(tag)) }).toEqual({
                message,
                lost: [],
              });
            }
            expect(await stateOf(admin)).toEqual(before);
            return count;
          };

          const messages = await interruptAt(Infinity, true);
          const tried =
            KILLS < 100
              ? Array.from({ length: KILLS }, () => 1 + Math.floor(Math.random() * messages))
              : Array.from({ length: messages }, (_, index) => index + 1);
          for (const message of tried) await interruptAt(message, message % 2 === 0);
        },
      );
    });

    function newFolder(): string {
      return join(temporaryFolder(), 'kept');
    }

    /** The tags in those of the folders that say they are whole. */
    async function tagsSavedIn(folders: readonly (string | null)[]): Promise<Set<string>> {
      const tags: string[] = [];
      for (const folder of folders) {
        if (folder === null || !existsSync(join(folder, MANIFEST_FILE))) continue;
        const manifest = await readManifest(folder);
        tags.push(...(await tagsOfRecord(folder, readablePosition(manifest))));
      }
      return new Set(tags);
    }
  });
});

test('nothing of the tests is left in the store', () => {
  inStore((store, ada) => {
    const left = new CaptureRules(store, systemClock).list(ada, {
      ...ALL_CAPTURES,
      statuses: ['STARTED', 'STARTING', 'RUNNING', 'STOPPING', 'FAILED'],
    });
    expect(left).toEqual([]);
  });
});
