import { createConnection, type Connection } from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { RECORD_EVERYTHING, type RecordingOptions } from '../../src/core/recording-options.ts';
import { notingLooks } from '../../src/cli/noted-looks.ts';
import { verifyWorkload, type Verification } from '../../src/cli/verifying.ts';
import { workloadFolder } from '../../src/cli/workloads.ts';
import { runDaemon } from '../../src/daemon/daemon.ts';
import { mysqlServerLogs } from '../../src/mysql/server-logs.ts';
import { openStore } from '../../src/store/store.ts';
import { TestStore } from '../support/stores.ts';
import { startRecorderServer, type RecorderServer } from './recorder-server.ts';

let server: RecorderServer;
let admin: Connection;
beforeAll(async () => {
  server = await startRecorderServer();
  admin = await server.admin();
  await admin.query(
    "CREATE DATABASE shop; CREATE TABLE shop.t (a INT AUTO_INCREMENT PRIMARY KEY, b TEXT); CREATE USER u2@'%' IDENTIFIED BY 'pw'; GRANT ALL ON *.* TO u2@'%'; CREATE PROCEDURE shop.p() BEGIN SELECT 1; SELECT 2; END; CREATE PROCEDURE shop.dynamic() BEGIN PREPARE s FROM 'SELECT 1'; EXECUTE s; DEALLOCATE PREPARE s; END",
  );
});
afterAll(async () => {
  await admin.end();
  await server.stop();
});

/** A capture of the server by a daemon in this process. */
class Recording {
  readonly test = new TestStore(systemClock);
  readonly alice = this.test.user('alice');
  readonly events: string[] = [];
  readonly id: number;
  #leaving = new AbortController();
  #done: Promise<void> = Promise.resolve();

  constructor(options: Partial<RecordingOptions> = {}) {
    const environment = this.test.environment({ admin: [this.alice] }, { server: server.address });
    this.id = this.test.capture(this.alice, environment, {
      options: { ...RECORD_EVERYTHING, ...options },
    }).id;
    this.startDaemon();
    recordings.push(this);
  }

  startDaemon(): void {
    this.#leaving = new AbortController();
    const store = openStore(this.test.store.directory);
    this.#done = runDaemon(
      {
        store,
        clock: systemClock,
        serverLogs: mysqlServerLogs,
        log: (_level, event, fields) =>
          this.events.push(`${event} ${JSON.stringify(fields ?? {})}`),
        hostname: 'here',
        pid: process.pid,
        programVersion: '0',
      },
      { background: false, graceMs: 600_000, signal: this.#leaving.signal },
    ).finally(() => store.close());
  }

  async until(status: string): Promise<void> {
    await vi.waitUntil(
      () => {
        const capture = this.test.store.captures.find(this.id);
        if (capture?.status === 'FAILED')
          throw new Error(`${capture.reason ?? ''} ${this.events.join()}`);
        return capture?.status === status;
      },
      { timeout: 30_000, interval: 20 },
    );
  }

  async stop(): Promise<void> {
    this.test.captures.requestStop(this.alice, String(this.id));
    await this.until('DONE');
  }

  async leave(): Promise<void> {
    this.#leaving.abort();
    await this.#done;
  }

  verify(): Promise<Verification> {
    const { store } = this.test;
    return verifyWorkload({
      capture: store.captures.find(this.id),
      recording: store.recordings.find(this.id),
      folder: workloadFolder(store, this.id),
      onProgress: () => undefined,
    });
  }
}

const recordings: Recording[] = [];
afterEach(async () => {
  for (const recording of recordings.splice(0)) {
    await recording.leave();
    recording.test.store.close();
  }
});

function client(options: { database?: string } = {}): Promise<Connection> {
  return createConnection({
    host: '127.0.0.1',
    port: server.port,
    user: 'root',
    multipleStatements: true,
    ...options,
  });
}

async function quietly(work: Promise<unknown>): Promise<void> {
  await work.catch(() => undefined);
}

/** Some of everything that a client can send, its login and its end included. */
async function chatter(): Promise<void> {
  const session = await client({ database: 'shop' });
  await session.query('SELECT 1');
  await session.query(
    'SELECT 1; SELECT 2; SET @x = 3; SELECT "a;b", \'c;d\', `t`.a FROM t LIMIT 1',
  );
  await session.query('SELECT 1;');
  await quietly(session.query('SELECT 1; -- a comment'));
  await quietly(session.query('SELEC 1'));
  await quietly(session.query('SELECT * FROM nowhere'));
  await quietly(session.query('/* nothing */'));
  await quietly(session.query(''));
  await session.query('CALL p()');
  for (let i = 0; i < 3; i++) await session.execute('INSERT INTO t (b) VALUES (?)', [`b${i};`]);
  session.unprepare('INSERT INTO t (b) VALUES (?)');
  await quietly(session.execute('SELECT * FROM nowhere WHERE a = ?', [1]));
  await session.query("PREPARE s FROM 'SELECT ?'; SET @a = 1");
  await session.query('EXECUTE s USING @a');
  await session.query("DEALLOCATE PREPARE s; EXECUTE IMMEDIATE 'SELECT 1'");
  await session.query('USE shop');
  await session.changeUser({ user: 'u2', password: 'pw', database: 'shop' });
  await quietly(client({ database: 'nowhere' }));
  const broken = await client();
  broken.destroy();
  await session.end();
}

/** Eight clients at full speed for a while: text, prepared and several statements in one. */
async function load(milliseconds: number): Promise<void> {
  const until = performance.now() + milliseconds;
  const one = async (number: number): Promise<void> => {
    const session = await client({ database: 'shop' });
    for (let i = 0; performance.now() < until; i++) {
      await session.query(`SELECT ${number}, ${i}`);
      await session.execute('SELECT ? + ?', [number, i]);
      await session.query(`SELECT ${i}; SELECT ';'; SELECT 3`);
    }
    await session.end();
  };
  await Promise.all(Array.from({ length: 8 }, (_, number) => one(number)));
}

/** Statements that the server does not log. */
async function hidden(count: number): Promise<void> {
  const session = await client();
  await session.query('SET SESSION sql_log_off = 1');
  for (let i = 0; i < count; i++) await session.query(`SELECT ${i}`);
  session.destroy();
}

test('what a quiet server received is exactly what is recorded', async () => {
  const recording = new Recording();
  await recording.until('RUNNING');
  for (let i = 0; i < 5; i++) await chatter();
  await recording.stop();
  const { judgement } = await recording.verify();
  const { recorded, received } = judgement;
  expect(judgement.problems).toEqual([]);
  expect(received).toEqual({ min: recorded, max: recorded });
  expect(recorded).toBeGreaterThan(100);
  expect(judgement).toMatchObject({ verdict: 'whole', whole: true, missing: 0, share: 1 });
  expect(judgement.line).toBe(
    `WHOLE: ${recorded ?? ''} of ${recorded ?? ''} statements received are recorded`,
  );
});

test('a record of eight connections at full speed lies within what the server counted', async () => {
  const recording = new Recording();
  await recording.until('RUNNING');
  const running = load(1_500);
  await vi.waitUntil(() => (recording.test.store.recordings.find(recording.id)?.records ?? 0) > 0, {
    timeout: 20_000,
  });
  const goingOn = await recording.verify();
  expect(goingOn.judgement).toMatchObject({ verdict: 'recording', whole: false, problems: [] });
  // The window is closed while they send.
  await recording.stop();
  await running;
  const { judgement } = await recording.verify();
  const { recorded, received } = judgement;
  expect(judgement.problems).toEqual([]);
  expect(judgement.whole).toBe(true);
  expect(recorded).toBeGreaterThan(500);
  expect(received?.min).toBeLessThanOrEqual(recorded ?? 0);
  expect(received?.max).toBeGreaterThanOrEqual(recorded ?? 0);
});

test('500 statements of a session that does not log are missing, and counted', async () => {
  const recording = new Recording();
  await recording.until('RUNNING');
  await chatter();
  await hidden(500);
  await recording.stop();
  const { judgement } = await recording.verify();
  expect(judgement.verdict).toBe('not_whole');
  expect(judgement.missing).toBe(500);
  expect(judgement.problems.map(({ kind }) => kind)).toEqual(['not_logged']);
  expect(judgement.line).toMatch(
    /^NOT WHOLE: \d+ of about \d+ statements received \(\d+\.\d\d %\) are recorded: at least 500 statements missing$/,
  );
});

test('what our own checks and plans ask meanwhile is not missed', async () => {
  const recording = new Recording();
  await recording.until('RUNNING');
  const { store } = recording.test;
  const looks = notingLooks(mysqlServerLogs, () => store);
  await looks.inspect(server.address, store.id);
  await looks.lookAhead(server.address, () => Promise.resolve());
  await chatter();
  await recording.stop();
  const { judgement } = await recording.verify();
  expect(judgement.problems).toEqual([]);
  // They may have been before the start or after the end: the bounds are further apart, by about
  // what they asked.
  const { min, max } = judgement.received ?? { min: 0, max: 0 };
  expect(min).toBeLessThanOrEqual(judgement.recorded ?? 0);
  expect(max).toBeGreaterThan(judgement.recorded ?? 0);
  expect(max - min).toBeLessThan(100);
});

test('executes that were not logged are missed although pings hide the number of all', async () => {
  const recording = new Recording();
  await recording.until('RUNNING');
  const session = await client();
  for (let i = 0; i < 300; i++) await session.ping();
  await session.query('SET SESSION sql_log_off = 1');
  for (let i = 0; i < 50; i++) await session.execute('SELECT ?', [i]);
  session.destroy();
  await recording.stop();
  const { judgement } = await recording.verify();
  expect(judgement.missing).toBe(50);
  expect(judgement.notes.join()).toContain('300 administrative commands');
});

test('rows that somebody took out of the log are missed', async () => {
  const recording = new Recording();
  await recording.until('RUNNING');
  const session = await client();
  for (let round = 0; round < 10; round++) {
    for (let i = 0; i < 30; i++) await session.query(`SELECT ${i}`);
    await session.query('TRUNCATE TABLE mysql.general_log');
  }
  await session.end();
  await recording.stop();
  const { judgement } = await recording.verify();
  expect(judgement.verdict).toBe('not_whole');
  expect(judgement.missing).toBeGreaterThan(0);
  expect((judgement.recorded ?? 0) + (judgement.missing ?? 0)).toBe(judgement.received?.min);
});

test('what filters leave out is not missing', async () => {
  const recording = new Recording({ excludeUsers: ['u2'], only: ['reads'] });
  await recording.until('RUNNING');
  for (let i = 0; i < 3; i++) await chatter();
  await recording.stop();
  const { judgement, leftOut } = await recording.verify();
  expect(judgement.problems).toEqual([]);
  expect(judgement.received).toEqual({ min: judgement.recorded, max: judgement.recorded });
  expect(judgement.line).toContain('recorded or left out as asked');
  expect(leftOut).toMatchObject({ user: expect.any(Number), class: expect.any(Number) });
});

test('a record that two daemons made is whole, and compared a little less closely', async () => {
  const recording = new Recording();
  await recording.until('RUNNING');
  await chatter();
  await recording.leave();
  await chatter();
  recording.startDaemon();
  await chatter();
  await recording.stop();
  const { judgement } = await recording.verify();
  expect(judgement.problems).toEqual([]);
  // What the first one sent last is not known.
  expect(judgement.received?.max).toBeGreaterThanOrEqual(judgement.recorded ?? 0);
  expect((judgement.received?.max ?? 0) - (judgement.recorded ?? 0)).toBeLessThan(50);
  expect(judgement.notes.join()).toContain('The recorder was interrupted');
});

test('after a restart of the server nothing is compared, and the gap stands', async () => {
  const recording = new Recording();
  await recording.until('RUNNING');
  await chatter();
  await server.restart();
  await vi.waitUntil(() => recording.events.some((event) => /goes on|gap/.test(event)), {
    timeout: 20_000,
  });
  await chatter();
  await recording.stop();
  admin = await server.admin();
  const { judgement } = await recording.verify();
  expect(judgement).toMatchObject({ verdict: 'not_whole', received: null, missing: null });
  expect(judgement.problems.map(({ kind }) => kind)).toContain('gap');
  expect(judgement.notes).toEqual([
    "The server was restarted in the window, so its counters began again: they can't be compared",
  ]);
  expect(judgement.line).toContain('how many are missing is not known');
});
