import type { VerificationResult } from '../../src/core/verification/verification.ts';
import { createConnection, type Connection, type RowDataPacket } from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { notingLooks } from '../../src/core/verification/noted-looks.ts';
import { mysqlSource } from '../../src/source/mysql/mysql-source.ts';
import { startRecorderServer, type RecorderServer } from '../support/recorder-server.ts';
import { endRecordings, Recording } from './recording.ts';
import { waitUntil } from '../support/waiting.ts';

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

afterEach(endRecordings);

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
  await session.query('DEALLOCATE PREPARE s');
  // MySQL has no such statement: it would be one that it cannot parse.
  if (server.family === 'mariadb') await session.query("EXECUTE IMMEDIATE 'SELECT 1'");
  await session.query('USE shop');
  await session.changeUser({ user: 'u2', password: 'pw', database: 'shop' });
  await quietly(client({ database: 'nowhere' }));
  const broken = await client();
  broken.destroy();
  await session.end();
  await gone([session.threadId, broken.threadId]);
}

/** Waits until these sessions are over: one that has ended for its client can run at the server for a moment yet. */
async function gone(ids: readonly number[]): Promise<void> {
  await waitUntil(async () => {
    const [found] = await admin.query(
      'SELECT 1 FROM information_schema.PROCESSLIST WHERE ID IN (?)',
      [ids],
    );
    return (found as unknown[]).length === 0;
  });
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

/**
 * So many are missing, and the verdict's bounds say so: on MariaDB to the statement.
 * @param unparsed texts that were logged and could not be parsed: each may stand for one that was run
 *   and not logged.
 */
function expectMissing(result: VerificationResult, count: number, unparsed = 0): void {
  // MySQL has threads of its own that run at times.
  const slack = unparsed + (server.family === 'mysql' ? 2 : 0);
  expect(result.missing).toBeLessThanOrEqual(count);
  expect(result.missing).toBeGreaterThanOrEqual(count - slack);
  expect(result.missingAtMost).toBeGreaterThanOrEqual(count);
}

test('what a quiet server received is exactly what is recorded', async () => {
  const recording = new Recording(server);
  await recording.until('RUNNING');
  for (let i = 0; i < 5; i++) await chatter();
  await recording.stop();
  const { result } = await recording.verify();
  const { recorded, received } = result;
  expect(recorded).toBeGreaterThan(100);
  await expectWhole(recording, 0);
  if (server.family === 'mysql') return;
  expect(received).toEqual({ min: recorded, max: recorded });
  expect(result).toMatchObject({
    verdict: 'whole',
    whole: true,
    missing: 0,
  });
  // What runs inside of procedures and triggers may have rows: so much could be missing at most.
  expect(result.share?.max).toBe(1);
  expect(result.line).toMatch(
    /^WHOLE to within [\d,]+ commands: [\d,]+ commands are recorded, [\d,]+ of them certainly received, the server counted [\d,]+, so at most [\d,]+ missing; values known for (?:100 % of [\d,]+|(\d+) of \1) executes?$/,
  );
});

test('a record of eight connections at full speed lies within what the server counted', async () => {
  const recording = new Recording(server);
  await recording.until('RUNNING');
  const running = load(1_500);
  await waitUntil(() => (recording.test.store.recordings.find(recording.id)?.records ?? 0) > 0);
  const goingOn = await recording.verify();
  expect(goingOn.result).toMatchObject({ verdict: 'recording', whole: false, problems: [] });
  // The window is closed while they send.
  await recording.stop();
  await running;
  const { result } = await recording.verify();
  const { recorded, received } = result;
  expect(result.problems).toEqual([]);
  expect(result.whole).toBe(true);
  // On a machine that six others share, 328 were seen.
  expect(recorded).toBeGreaterThan(100);
  expect(received?.min).toBeLessThanOrEqual(recorded ?? 0);
  expect(received?.max).toBeGreaterThanOrEqual(recorded ?? 0);
});

test('500 statements of a session that does not log are missing, and counted', async () => {
  const recording = new Recording(server);
  await recording.until('RUNNING');
  await chatter();
  await hidden(500);
  await recording.stop();
  const { result } = await recording.verify();
  expect(result.verdict).toBe('not_whole');
  // Of the chatter, four.
  expectMissing(result, 500, 4);
  expect(result.problems.map(({ kind }) => kind)).toEqual(['not_logged']);
  expect(result.line).toMatch(
    /^NOT WHOLE: \d+ commands are recorded \((?:at most )?\d+\.\d\d %\), the server counted [\d,]+(?: to [\d,]+)?: \d+(?: to [\d,]+)? missing(?:; not counted: \d+ that could not be parsed, which the server does not log)?; values known for (?:100 % of [\d,]+|(\d+) of \1) executes?$/,
  );
});

test('beside statements that can be parsed the number of those that do not log is known', async () => {
  const recording = new Recording(server);
  await recording.until('RUNNING');
  const session = await client();
  for (let i = 0; i < 50; i++) await session.query(`SELECT ${i}`);
  await hidden(500);
  await session.end();
  await recording.stop();
  const { result } = await recording.verify();
  expect(result.verdict).toBe('not_whole');
  expectMissing(result, 500);
});

test('what our own checks and plans ask meanwhile is neither missed nor doubtful', async () => {
  const recording = new Recording(server);
  await recording.until('RUNNING');
  const { store } = recording.test;
  const looks = notingLooks(mysqlSource, store);
  for (let i = 0; i < 3; i++) {
    await looks.inspect(server.address, store.id);
    await looks.forecast(server.address, () => Promise.resolve());
  }
  await chatter();
  await recording.stop();
  await expectWhole(recording, 0);
});

test('what a check asks that ends after the window is doubtful, and not missed', async () => {
  const recording = new Recording(server);
  await recording.until('RUNNING');
  const { store } = recording.test;
  const looks = notingLooks(mysqlSource, store);
  await looks.inspect(server.address, store.id);
  await looks.forecast(server.address, () => recording.stop());
  await expectWhole(recording, 100);
});

test('executes that were not logged are missed although pings hide the number of all', async () => {
  const recording = new Recording(server);
  await recording.until('RUNNING');
  const session = await client();
  for (let i = 0; i < 300; i++) await session.ping();
  await session.query('SET SESSION sql_log_off = 1');
  for (let i = 0; i < 50; i++) await session.execute('SELECT ?', [i]);
  session.destroy();
  await recording.stop();
  const { result } = await recording.verify();
  expect(result.notes.join()).toContain('300 administrative commands');
  if (server.version.startsWith('10.5.')) {
    // It does not log an execution that fails: those that are missing may be such.
    expect(result).toMatchObject({ missing: 0 });
    expect(result.missingAtMost).toBeGreaterThanOrEqual(50);
    expect(result.notes.join()).toContain('50 executions of prepared statements');
    return;
  }
  expectMissing(result, 50);
});

test('rows that somebody took out of the log are missed', async () => {
  const recording = new Recording(server);
  await recording.until('RUNNING');
  const session = await client();
  for (let round = 0; round < 10; round++) {
    for (let i = 0; i < 30; i++) await session.query(`SELECT ${i}`);
    await session.query('TRUNCATE TABLE mysql.general_log');
  }
  await session.end();
  await recording.stop();
  const { result } = await recording.verify();
  expect(result.verdict).toBe('not_whole');
  expect(result.missing).toBeGreaterThan(0);
  expect((result.recorded ?? 0) + (result.missing ?? 0)).toBe(result.received?.min);
});

test('what filters leave out is not missing', async () => {
  const recording = new Recording(server, { excludeUsers: ['u2'], only: ['reads'] });
  await recording.until('RUNNING');
  for (let i = 0; i < 3; i++) await chatter();
  await recording.stop();
  const { result, leftOut } = await recording.verify();
  expect(result.problems).toEqual([]);
  await expectWhole(recording, 0);
  expect(result.line).toContain('recorded or left out as requested');
  expect(leftOut).toMatchObject({ user: expect.any(Number), class: expect.any(Number) });
});

test('a record that two daemons made is whole, and compared as closely as that of one', async () => {
  const recording = new Recording(server);
  await recording.until('RUNNING');
  await chatter();
  await recording.leave();
  await chatter();
  recording.startDaemon();
  await chatter();
  await recording.stop();
  await expectWhole(recording, 0);
});

/** Whole, and the server's count lies around the record as closely as what is doubtful allows. */
async function expectWhole(recording: Recording, spread: number): Promise<void> {
  const { result } = await recording.verify();
  const { recorded, received } = result;
  expect(result.problems).toEqual([]);
  expect(result.whole).toBe(true);
  expect(received?.min).toBeLessThanOrEqual(recorded ?? 0);
  expect(received?.max).toBeGreaterThanOrEqual(recorded ?? 0);
  // MySQL has one thread of its own that runs, at both edges (25 of 25 captures on 9.7).
  const running = server.family === 'mysql' ? 2 : 0;
  expect((received?.max ?? 0) - (received?.min ?? 0)).toBeLessThanOrEqual(spread + running);
}

test('what the recorder tries for as long as a global read lock is held is its own', async () => {
  const recording = new Recording(server);
  await recording.until('RUNNING');
  await chatter();
  const dumper = await client();
  await dumper.query('FLUSH TABLES WITH READ LOCK');
  await recording.untilEvent(/recording interrupted/);
  await recording.untilSent(100);
  await dumper.query('UNLOCK TABLES');
  await dumper.end();
  await chatter();
  await recording.stop();
  await expectWhole(recording, 0);
});

test.each(['KILL CONNECTION', 'KILL SOFT CONNECTION', 'KILL QUERY'])(
  'after %s of the recorder what it sends to come back is its own',
  async (kill) => {
    const recording = new Recording(server);
    await recording.until('RUNNING');
    await chatter();
    let killed = 0;
    while (killed < 6) {
      const own = await admin.query<RowDataPacket[]>(
        "SELECT id FROM information_schema.processlist WHERE user = 'recorder'",
      );
      for (const { id } of own[0]) {
        await quietly(admin.query(`${kill} ${id as number}`));
        killed++;
      }
      await recording.untilSent(20);
    }
    await chatter();
    await recording.stop();
    // Each connection that was killed may have taken one statement with it.
    await expectWhole(recording, 2 * killed);
  },
);

test('logins that are refused while the recorder comes back are its own', async () => {
  const recording = new Recording(server);
  await recording.until('RUNNING');
  await chatter();
  await admin.query('ALTER USER recorder ACCOUNT LOCK');
  const [own] = await admin.query<RowDataPacket[]>(
    "SELECT id FROM information_schema.processlist WHERE user = 'recorder'",
  );
  for (const { id } of own) await quietly(admin.query(`KILL CONNECTION ${id as number}`));
  const refused = async (): Promise<number> => {
    const [rows] = await admin.query<RowDataPacket[]>("SHOW GLOBAL STATUS LIKE 'Aborted_connects'");
    return Number(rows[0]?.['Value']);
  };
  const before = await refused();
  await waitUntil(async () => (await refused()) >= before + 3);
  await admin.query('ALTER USER recorder ACCOUNT UNLOCK');
  await recording.untilEvent(/recording continues/);
  await chatter();
  await recording.stop();
  await expectWhole(recording, 4);
});

test('a record whose daemon was killed three times, once of them while it could do nothing, is whole', async () => {
  const recording = new Recording(server, {}, { isKilled: true });
  await recording.until('RUNNING');
  await chatter();
  await recording.killDaemon();
  await chatter();
  recording.startKilled();
  await recording.untilSent(30);
  const dumper = await client();
  await dumper.query('FLUSH TABLES WITH READ LOCK');
  await recording.untilSent(100);
  await recording.killDaemon();
  recording.startKilled();
  await recording.untilSent(100);
  await recording.killDaemon();
  await dumper.query('UNLOCK TABLES');
  await dumper.end();
  await chatter();
  recording.startDaemon();
  await chatter();
  await recording.stop();
  // What each of them had allowed itself is doubtful.
  await expectWhole(recording, 310);
  const { result } = await recording.verify();
  expect(result.notes.join()).toContain('The recorder was interrupted');
});

test('after a restart of the server nothing is compared, and the gap stands', async () => {
  const recording = new Recording(server);
  await recording.until('RUNNING');
  await chatter();
  await server.restart();
  admin = await server.admin();
  await waitUntil(() => recording.events.some((event) => /continues|gap/.test(event)));
  await chatter();
  await recording.stop();
  const { result } = await recording.verify();
  expect(result).toMatchObject({ verdict: 'not_whole', received: null, missing: null });
  expect(result.problems.map(({ kind }) => kind)).toContain('gap');
  expect(result.notes).toEqual([
    "The server was restarted in the window, so its counters began again: they can't be compared",
  ]);
  expect(result.line).toContain('how many are missing is unknown');
});

test('after FLUSH GLOBAL STATUS nothing is compared, and FLUSH STATUS is harmless', async () => {
  const recording = new Recording(server);
  await recording.until('RUNNING');
  await chatter();
  const session = await client();
  await session.query('FLUSH STATUS');
  const setsToZero = await session.query('FLUSH GLOBAL STATUS').then(
    () => true,
    () => false,
  );
  await session.end();
  for (let i = 0; i < 20; i++) await chatter();
  await recording.stop();
  if (!setsToZero) return expectWhole(recording, 0);
  const { result } = await recording.verify();
  expect(result).toMatchObject({ verdict: 'whole', received: null, missing: 0 });
  expect(result.notes.join()).toContain("set the server's counters to zero");
});
