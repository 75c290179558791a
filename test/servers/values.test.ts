import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createConnection, type Connection } from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { KIND_VARIABLE } from '../../scripts/server-programs.ts';
import type { CaptureStatus } from '../../src/core/captures/capture.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { Environment } from '../../src/core/environments/environment.ts';
import { RECORD_EVERYTHING } from '../../src/core/captures/recording-options.ts';
import { RecoveryRules } from '../../src/core/recovery/recovery-rules.ts';
import { coverageOf } from '../../src/core/warm-ups/value-coverage.ts';
import { WarmUpRules } from '../../src/core/warm-ups/warm-up-rules.ts';
import type { WarmUp } from '../../src/core/warm-ups/warm-up.ts';
import { reclaimServer } from '../../src/daemon/reclaim.ts';
import { workloadFolder } from '../../src/daemon/recorder.ts';
import { mysqlSource } from '../../src/source/mysql/mysql-source.ts';
import { readManifest } from '../../src/workload/manifest.ts';
import { startDaemon } from '../daemon/daemons.ts';
import { TestStore } from '../support/stores.ts';
import { endRecordings, Recording } from './recording.ts';
import {
  rowsOf,
  startRecorderServer,
  stateOf,
  type RecorderServer,
} from '../support/recorder-server.ts';
import { waitUntil } from '../support/waiting.ts';
import { needs } from '../support/skips.ts';

let server: RecorderServer;
let admin: Connection;
beforeAll(async () => {
  server = await startRecorderServer({ options: ['--event-scheduler=ON'] });
  admin = await server.admin();
  await admin.query('SET SESSION sql_log_off = 1');
  await admin.query('CREATE DATABASE shop; CREATE TABLE shop.orders (id INT PRIMARY KEY, n INT)');
  await admin.query('INSERT INTO shop.orders VALUES (1, 1), (2, 2)');
  for (const user of ['app', 'batch']) {
    await admin.query(
      `CREATE USER ${user}@'127.0.0.1'; GRANT ALL ON shop.* TO ${user}@'127.0.0.1'`,
    );
  }
  if (server.family === 'mariadb') {
    await admin.query(
      "GRANT CONNECTION ADMIN ON *.* TO recorder@'%'; GRANT INSERT, DELETE ON mysql.plugin TO recorder@'%'",
    );
  }
});
afterAll(async () => {
  await admin.end();
  await server.stop();
});

const clients: Connection[] = [];
const children: ChildProcess[] = [];
afterEach(async () => {
  await endRecordings();
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const client of clients.splice(0)) client.destroy();
  await admin.query('SET GLOBAL slow_query_log = OFF');
});

async function client(user = 'app'): Promise<Connection> {
  const opened = await createConnection({
    host: '127.0.0.1',
    port: server.port,
    user,
    database: 'shop',
  });
  // The server may end it.
  opened.on('error', () => undefined);
  clients.push(opened);
  return opened;
}

/** Prepares on the first call, and executes what was prepared on all others. */
const work = (connection: Connection, id = 1): Promise<unknown> =>
  connection.execute('SELECT n FROM orders WHERE id = ?', [id]);

const slowLog = async (): Promise<unknown> =>
  (await rowsOf(admin, 'SELECT @@GLOBAL.slow_query_log AS log'))[0]?.['log'];

/** Warm-ups of one server by a daemon that does as it is told. */
class Warming {
  readonly test = new TestStore(systemClock);
  readonly alice = this.test.user('alice');
  readonly environment: Environment;
  readonly service = new WarmUpRules(this.test.store, systemClock);
  readonly #child: ChildProcess | null = null;

  constructor({ isKilled = false } = {}) {
    this.environment = this.test.environment({ admin: [this.alice] }, { server: server.address });
    if (isKilled) this.#child = this.#startChild();
    else this.daemon();
  }

  daemon(): void {
    startDaemon(this.test.store.directory, systemClock, { source: mysqlSource });
  }

  #startChild(): ChildProcess {
    const program = join(import.meta.dirname, 'daemon-child.ts');
    const child = spawn(process.execPath, [program, this.test.store.directory], {
      stdio: 'ignore',
    });
    children.push(child);
    return child;
  }

  async killDaemon(): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  begin(ms = 3_600_000): WarmUp {
    return this.service.begin(this.alice, String(this.environment.id), ms);
  }

  end(): void {
    this.service.end(this.alice, String(this.environment.id));
  }

  async until(id: number, state: WarmUp['state']): Promise<WarmUp> {
    await waitUntil(() => this.test.store.warmUps.find(id)?.state === state);
    const warmUp = this.test.store.warmUps.find(id);
    if (warmUp === null) throw new Error('the warm-up is gone');
    return warmUp;
  }

  async untilCapture(id: number, status: CaptureStatus): Promise<void> {
    await waitUntil(() => this.test.store.captures.find(id)?.status === status);
  }

  async untilRestored(): Promise<void> {
    await waitUntil(() => this.test.store.taps.list().length === 0);
  }

  async coverage(): Promise<{ sessions: number; covered: number }> {
    const { values } = await mysqlSource.inspect(server.address, this.test.store.id);
    const warmUps = this.test.store.warmUps.listOf(this.environment.id);
    const app = values.sessions.filter(({ user }) => user === 'app');
    const { sessions, covered } = coverageOf({ ...values, sessions: app }, warmUps);
    return { sessions, covered };
  }

  /** Records so many executes of each client. @returns the share of executes with values. */
  async record(pool: readonly Connection[]): Promise<{ executes: number; withoutValues: number }> {
    const { id } = this.test.capture(this.alice, this.environment);
    await this.untilCapture(id, 'RUNNING');
    for (const one of pool) await work(one, 2);
    this.test.captures.requestStop(this.alice, String(id));
    await this.untilCapture(id, 'DONE');
    const { counters } = await readManifest(workloadFolder(this.test.store.directory, id));
    const { executes = 0, withoutValues = 0 } = counters.values ?? {};
    return { executes, withoutValues };
  }
}

const isMariadb = (): boolean => server.family === 'mariadb';
/** What our own code decides alone: tried on the kind that every run has. */
const testOnce = (title: string, work: () => Promise<void>): void =>
  test(title, needs(!(KIND_VARIABLE in process.env), 'our own code alone decides it'), work);

test('the share of executes with values is counted by user and session, and said behind the count', async () => {
  const [old, batch] = [await client(), await client('batch')];
  await work(old);
  await work(batch);
  const recording = new Recording(server);
  await recording.until('RUNNING');
  const fresh = await client();
  for (let n = 0; n < 3; n++) await work(old, 2);
  await work(batch, 2);
  for (let n = 0; n < 4; n++) await work(fresh, 2);
  await recording.stop();
  const { files, result } = await recording.verify();
  const lacking = isMariadb() ? 4 : 0;
  expect(files.counts.values).toMatchObject({ executes: 8, withoutValues: lacking });
  const users = Object.fromEntries(
    files.counts.values?.users.map(({ user, ...counted }) => [user, counted]) ?? [],
  );
  expect(users).toEqual({
    app: { executes: 7, withoutValues: isMariadb() ? 3 : 0 },
    batch: { executes: 1, withoutValues: isMariadb() ? 1 : 0 },
  });
  const ofOld = files.counts.values?.sessions.find(({ session }) => session === old.threadId);
  expect(ofOld).toMatchObject({ user: 'app', executes: 3, withoutValues: isMariadb() ? 3 : 0 });
  expect(result.line).toMatch(
    new RegExp(`^WHOLE.*; values known for ${isMariadb() ? 4 : 8} of 8 executes$`),
  );
});

describe('a warm-up', () => {
  test('covers the sessions that come in its time, and is undone', async () => {
    const before = await stateOf(admin);
    const old = await client();
    await work(old);
    const warming = new Warming();
    const { id } = warming.begin();
    if (!isMariadb()) {
      const { outcome } = await warming.until(id, 'over');
      expect(outcome).toMatch(/^not needed: this server logs the values/);
      await warming.untilRestored();
      expect(await stateOf(admin)).toEqual(before);
      return;
    }
    await warming.until(id, 'on');
    expect(await slowLog()).toBe(1);
    const young = [await client(), await client()];
    for (const one of young) await work(one);
    expect(await warming.coverage()).toEqual({ sessions: 3, covered: 2 });
    warming.end();
    const { outcome } = await warming.until(id, 'over');
    expect(outcome).toBe('alice ended it');
    await warming.untilRestored();
    expect(await stateOf(admin)).toEqual(before);
    expect(await warming.record([old, ...young])).toEqual({ executes: 3, withoutValues: 1 });
    expect(await warming.coverage()).toEqual({ sessions: 3, covered: 2 });
    expect(await stateOf(admin)).toEqual(before);
  });

  test('is ended by the server itself when nobody else does, and what its owner does later stays', async () => {
    if (!isMariadb()) return;
    const warming = new Warming({ isKilled: true });
    const { id } = warming.begin(60_000);
    await warming.until(id, 'on');
    const [event] = await rowsOf(
      admin,
      "SELECT TIMESTAMPDIFF(SECOND, NOW(), EXECUTE_AT) AS seconds FROM information_schema.EVENTS WHERE EVENT_NAME = 'warm_up_end'",
    );
    expect(event?.['seconds']).toBeGreaterThan(100);
    expect(event?.['seconds']).toBeLessThanOrEqual(121);
    await warming.killDaemon();
    await admin.query(
      'ALTER EVENT captures.warm_up_end ON SCHEDULE AT CURRENT_TIMESTAMP + INTERVAL 1 SECOND',
    );
    await waitUntil(async () => (await slowLog()) === 0);
    // The trace in the marker comes behind it.
    await waitUntil(
      async () =>
        (await rowsOf(admin, 'SELECT warm_since FROM captures.captures_marker'))[0]?.[
          'warm_since'
        ] === null,
    );
    await admin.query('SET GLOBAL slow_query_log = ON');
    warming.test.store.warmUps.update(id, { until: 0 });
    warming.daemon();
    await warming.untilRestored();
    expect(await slowLog()).toBe(1);
  });

  testOnce('that lasts long is ended an hour after the recorder was heard of', async () => {
    if (!isMariadb()) return;
    const warming = new Warming();
    const { id } = warming.begin(86_400_000);
    await warming.until(id, 'on');
    const [event] = await rowsOf(
      admin,
      "SELECT TIMESTAMPDIFF(SECOND, NOW(), EXECUTE_AT) AS seconds FROM information_schema.EVENTS WHERE EVENT_NAME = 'warm_up_end'",
    );
    expect(event?.['seconds']).toBeLessThanOrEqual(3_600);
    warming.end();
    await warming.untilRestored();
  });

  test('makes way for a capture, whose log covers more, and goes on behind it', async () => {
    if (!isMariadb()) return;
    const before = await stateOf(admin);
    const warming = new Warming();
    const { id } = warming.begin();
    await warming.until(id, 'on');
    const young = await client();
    await work(young);
    const { id: capture } = warming.test.capture(warming.alice, warming.environment);
    await warming.untilCapture(capture, 'RUNNING');
    const [settings] = await rowsOf(
      admin,
      'SELECT @@GLOBAL.general_log AS g, @@GLOBAL.slow_query_log AS s, @@GLOBAL.log_output AS o',
    );
    expect(settings).toEqual({ g: 1, s: 0, o: 'TABLE' });
    warming.test.captures.requestStop(warming.alice, String(capture));
    await warming.untilCapture(capture, 'DONE');
    await waitUntil(async () => (await slowLog()) === 1);
    expect(await warming.coverage()).toEqual({ sessions: 1, covered: 1 });
    warming.end();
    await warming.untilRestored();
    expect(await stateOf(admin)).toEqual(before);
  });

  testOnce('of a capture begins before it and ends at its start', async () => {
    if (!isMariadb()) return;
    const before = await stateOf(admin);
    const old = await client();
    await work(old);
    const warming = new Warming();
    const start = Date.now() + 8_000;
    const { id } = warming.test.capture(warming.alice, warming.environment, {
      scheduledStart: start,
      options: { ...RECORD_EVERYTHING, warmUp: 60_000 },
    });
    const { id: warmUp } = await waitUntil(() =>
      warming.test.store.warmUps.listOpen().find(({ state }) => state === 'on'),
    );
    const young = await client();
    await work(young);
    await warming.untilCapture(id, 'RUNNING');
    expect(await slowLog()).toBe(0);
    for (const one of [old, young]) await work(one, 2);
    warming.test.captures.requestStop(warming.alice, String(id));
    await warming.untilCapture(id, 'DONE');
    await warming.untilRestored();
    await warming.until(warmUp, 'over');
    expect(await stateOf(admin)).toEqual(before);
    const { counters } = await readManifest(workloadFolder(warming.test.store.directory, id));
    expect(counters.values).toMatchObject({ executes: 2, withoutValues: 1 });
    expect(warming.test.store.warmUps.listOf(warming.environment.id)).toHaveLength(1);
  });

  testOnce('changes nothing where the owner has the slow log on', async () => {
    if (!isMariadb()) return;
    await admin.query('SET GLOBAL slow_query_log = ON');
    const before = await stateOf(admin);
    const warming = new Warming();
    const { id } = warming.begin();
    const { outcome } = await warming.until(id, 'over');
    expect(outcome).toBe("not needed: the server's slow log is on already");
    await warming.untilRestored();
    expect(await stateOf(admin)).toEqual(before);
  });

  testOnce('that somebody switches off is over, and what they set is left alone', async () => {
    if (!isMariadb()) return;
    const warming = new Warming();
    const { id } = warming.begin();
    await warming.until(id, 'on');
    await admin.query('SET GLOBAL slow_query_log = OFF');
    const { outcome } = await warming.until(id, 'over');
    expect(outcome).toBe('somebody switched slow_query_log off');
    await warming.untilRestored();
    await admin.query('SET GLOBAL slow_query_log = ON');
    const again = warming.begin();
    await warming.until(again.id, 'over');
    await warming.untilRestored();
    expect(await slowLog()).toBe(1);
  });

  testOnce(
    'outlives its daemon, and is undone by the next one also when its time passed meanwhile',
    async () => {
      if (!isMariadb()) return;
      const before = await stateOf(admin);
      for (const hasPassed of [false, true]) {
        const warming = new Warming({ isKilled: true });
        const { id } = warming.begin();
        await warming.until(id, 'on');
        await warming.killDaemon();
        expect(await slowLog()).toBe(1);
        if (hasPassed) warming.test.store.warmUps.update(id, { until: Date.now() });
        warming.daemon();
        if (!hasPassed) {
          const young = await client();
          await work(young);
          expect((await warming.coverage()).covered).toBe(1);
          await waitUntil(() => warming.test.store.lease.find() !== null);
          warming.end();
        }
        await warming.until(id, 'over');
        await warming.untilRestored();
        expect(await stateOf(admin)).toEqual(before);
      }
    },
  );

  test('is undone without its marker, and from another store without its own', async () => {
    if (!isMariadb()) return;
    const before = await stateOf(admin);
    const warming = new Warming();
    const { id } = warming.begin();
    await warming.until(id, 'on');
    await admin.query('DROP DATABASE captures');
    warming.end();
    await warming.untilRestored();
    expect(await stateOf(admin)).toEqual(before);

    const lost = new Warming({ isKilled: true });
    await lost.until(lost.begin().id, 'on');
    await lost.killDaemon();
    const { leftovers } = await mysqlSource.inspect(server.address, 'another store');
    if (leftovers === null) throw new Error('nothing was left');
    const context = { source: mysqlSource, storeId: 'another store', programVersion: '0' };
    const environment = { ...lost.environment, server: server.address };
    await reclaimServer(context, environment, leftovers, null);
    expect(await stateOf(admin)).toEqual(before);
  });

  testOnce('that was forgotten is undone by the capture that comes next', async () => {
    if (!isMariadb()) return;
    const before = await stateOf(admin);
    const warming = new Warming({ isKilled: true });
    const { id } = warming.begin();
    await warming.until(id, 'on');
    await warming.killDaemon();
    const { store, captures } = warming.test;
    new RecoveryRules(store, systemClock).forget(warming.alice, String(warming.environment.id));
    expect(store.warmUps.find(id)?.covered.map(({ isOpen }) => isOpen)).toEqual([false]);
    expect(await slowLog()).toBe(1);
    const { id: capture } = warming.test.capture(warming.alice, warming.environment);
    warming.daemon();
    await warming.untilCapture(capture, 'RUNNING');
    captures.requestStop(warming.alice, String(capture));
    await warming.untilCapture(capture, 'DONE');
    expect(await stateOf(admin)).toEqual(before);
    expect(await slowLog()).toBe(0);
  });

  testOnce('overlaps another one, also of another environment of the same server', async () => {
    if (!isMariadb()) return;
    const before = await stateOf(admin);
    const warming = new Warming();
    const other = warming.test.environment({ admin: [warming.alice] }, { server: server.address });
    const [first, second] = [
      warming.begin(),
      warming.service.begin(warming.alice, String(other.id), 3_600_000),
    ];
    await warming.until(first.id, 'on');
    await warming.until(second.id, 'on');
    warming.end();
    await warming.until(first.id, 'over');
    expect(await slowLog()).toBe(1);
    warming.service.end(warming.alice, String(other.id));
    await warming.until(second.id, 'over');
    await warming.untilRestored();
    expect(await stateOf(admin)).toEqual(before);
  });

  testOnce(
    'goes on behind a restart of the server, and is over when its time passes while it is down',
    async () => {
      if (!isMariadb()) return;
      await admin.end();
      const warming = new Warming();
      const { id } = warming.begin();
      await warming.until(id, 'on');
      await server.restart();
      admin = await server.admin();
      await waitUntil(async () => (await slowLog()) === 1);
      await admin.end();
      await server.kill();
      warming.end();
      await waitUntil(() => (warming.test.store.warmUps.find(id)?.until ?? 0) <= Date.now());
      await server.restart();
      admin = await server.admin();
      await warming.until(id, 'over');
      await warming.untilRestored();
      expect(await slowLog()).toBe(0);
      expect(await rowsOf(admin, "SHOW DATABASES LIKE 'captures'")).toEqual([]);
    },
  );
});

describe('sessions that are recycled', () => {
  const lives = async (connection: Connection): Promise<boolean> =>
    (
      await rowsOf(
        admin,
        `SELECT 1 FROM information_schema.PROCESSLIST WHERE ID = ${connection.threadId}`,
      )
    ).length > 0;

  test('are those of before that are idle and hold nothing', async () => {
    if (!isMariadb()) return;
    // What is not logged is missing of a record.
    await admin.query('SET SESSION sql_log_off = 0');
    const before = await stateOf(admin);
    const open = async (statement: string, user = 'app'): Promise<Connection> => {
      const opened = await client(user);
      await work(opened);
      if (statement !== '') await opened.query(statement);
      return opened;
    };
    await admin.query('CREATE TABLE IF NOT EXISTS shop.other (id INT)');
    const idle = [await open(''), await open('')];
    const kept = [
      await open("SELECT GET_LOCK('mine', 0)"),
      await open('BEGIN'),
      await open('LOCK TABLES other READ'),
      await open('', 'batch'),
      await open("SELECT GET_LOCK('begun', 0)"),
      await open("SELECT GET_LOCK('kept', 0)"),
    ];
    await kept[1]?.query('UPDATE orders SET n = 7 WHERE id = 2');
    const busy = await open('');
    const sleeping = busy.query('SELECT SLEEP(30)').catch(() => undefined);
    const recording = new Recording(server, { recycleUsers: ['app*'] });
    await recording.until('RUNNING');
    // Followed from the first look on.
    await waitUntil(async () => !(await lives(idle[0] ?? busy)));
    const [, , , , begun, withTable] = kept;
    // Holds no lock that the server lists, and never will.
    await begun?.query('BEGIN');
    await begun?.query("SELECT RELEASE_LOCK('begun')");
    await withTable?.query('CREATE TEMPORARY TABLE mine (id INT)');
    await withTable?.query("SELECT RELEASE_LOCK('kept')");
    const young = await client();
    await work(young);
    for (const one of idle) await waitUntil(async () => !(await lives(one)));
    await recording.untilSent(60);
    for (const one of [...kept, busy, young]) expect(await lives(one)).toBe(true);
    for (const one of [kept[1], begun]) {
      await one?.query('ROLLBACK');
      await waitUntil(async () => !(await lives(one ?? young)));
    }
    expect(await lives(withTable ?? young)).toBe(true);
    await recording.stop();
    expect(await lives(young)).toBe(true);
    const { recycled } = await readManifest(
      workloadFolder(recording.test.store.directory, recording.id),
    );
    expect(recycled).toMatchObject({ ended: 4, isOver: true, installedPlugin: true });
    expect(recycled?.sessions.map(({ session }) => session).sort()).toEqual(
      [...idle, kept[1] ?? young, begun ?? young].map(({ threadId }) => threadId).sort(),
    );
    const entry = recording.test.store.audit
      .list({
        environmentIds: [1],
        ownOf: null,
        everythingElse: false,
        subject: { kind: 'capture', id: recording.id },
        since: null,
        limit: null,
      })
      .find(({ action }) => action === 'capture.recycle');
    expect(entry?.details).toMatchObject({ ended: 4, users: 'app' });
    busy.destroy();
    await sleeping;
    expect(await stateOf(admin)).toEqual(before);
    expect(
      await rowsOf(
        admin,
        "SELECT 1 FROM information_schema.PLUGINS WHERE PLUGIN_NAME = 'METADATA_LOCK_INFO'",
      ),
    ).toEqual([]);
    expect((await recording.verify()).result).toMatchObject({ whole: true });
  });

  testOnce('are none where the account may not, and the record says so', async () => {
    if (!isMariadb()) return;
    await admin.query("REVOKE INSERT, DELETE ON mysql.plugin FROM recorder@'%'");
    const idle = await client();
    await work(idle);
    const recording = new Recording(server, { recycleUsers: [] });
    await recording.until('RUNNING');
    await recording.untilSent(30);
    await recording.stop();
    expect(await lives(idle)).toBe(true);
    const { warnings } = await readManifest(
      workloadFolder(recording.test.store.directory, recording.id),
    );
    expect(warnings.join()).toMatch(/Sessions were not ended: .*metadata_lock_info/);
    await admin.query("GRANT INSERT, DELETE ON mysql.plugin TO recorder@'%'");
  });

  testOnce(
    'leave the list of locks there, and nothing else, when that may not be removed',
    async () => {
      if (!isMariadb()) return;
      const before = await stateOf(admin);
      const held = await client();
      await held.query("SELECT GET_LOCK('held', 0)");
      const isListed = async (): Promise<boolean> =>
        (
          await rowsOf(
            admin,
            "SELECT 1 FROM information_schema.PLUGINS WHERE PLUGIN_NAME = 'METADATA_LOCK_INFO'",
          )
        ).length > 0;
      const recording = new Recording(server, { recycleUsers: ['app'] });
      await recording.until('RUNNING');
      await waitUntil(isListed);
      await admin.query("REVOKE INSERT, DELETE ON mysql.plugin FROM recorder@'%'");
      await recording.stop();
      const { warnings } = await readManifest(
        workloadFolder(recording.test.store.directory, recording.id),
      );
      expect(warnings.join()).toMatch(/to remove it: UNINSTALL SONAME 'metadata_lock_info'/);
      expect(await stateOf(admin)).toEqual(before);
      expect(await isListed()).toBe(true);
      await admin.query("UNINSTALL SONAME 'metadata_lock_info'");
      await admin.query("GRANT INSERT, DELETE ON mysql.plugin TO recorder@'%'");
    },
  );

  test('are none where it is not needed', async () => {
    if (isMariadb()) return;
    const idle = await client();
    await work(idle);
    const recording = new Recording(server, { recycleUsers: [] });
    await recording.until('RUNNING');
    await recording.untilSent(30);
    await recording.stop();
    expect(await lives(idle)).toBe(true);
  });
});
