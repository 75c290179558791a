import { createConnection, type Connection, type ExecuteValues } from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { chosenServer, findMariadb } from '../../scripts/server-programs.ts';
import type { ReplayResult } from '../../src/core/replays/replay.ts';
import type { ReplayedRecord } from '../../src/core/replays/replay-player.ts';
import { rowsOf, startRecorderServer, type RecorderServer } from '../support/recorder-server.ts';
import { needs } from '../support/skips.ts';
import { recordOf } from '../replay/recorded.ts';
import { endRecordings } from './recording.ts';
import { recordWork, replayed } from './replaying.ts';

const chosen = chosenServer(() => undefined);
const here = findMariadb();
const hasTwo = here !== null && chosen.kind !== 'host' && chosen.kind !== 'mysql-5.6';

const SCHEMA = `DROP DATABASE IF EXISTS shop; CREATE DATABASE shop CHARACTER SET utf8mb4;
  CREATE TABLE shop.kept (id INT AUTO_INCREMENT PRIMARY KEY, what VARCHAR(100), text TEXT, n BIGINT,
    u BIGINT UNSIGNED, d DECIMAL(30, 10), f DOUBLE, r FLOAT, body BLOB, at DATETIME(6), day DATE,
    t TIME(6), j JSON, y YEAR, bits BIT(8)) ENGINE = InnoDB`;
const KEPT = `SELECT what, HEX(text) AS text, n, u, CAST(d AS CHAR) AS d, CAST(f AS CHAR) AS f,
  CAST(r AS CHAR) AS r, HEX(body) AS body, CAST(at AS CHAR) AS at, CAST(day AS CHAR) AS day,
  CAST(t AS CHAR) AS t, CAST(JSON_EXTRACT(j, '$.a') AS CHAR) AS j, y, HEX(bits) AS bits
  FROM shop.kept ORDER BY what`;

/** Column, what it is called, and what is bound. */
const BOUND: readonly (readonly [string, string, ExecuteValues])[] = [
  ['text', 'special characters', 'it\'s \\ "q" 😀 \n\t\r\0\x1a %_ ?'],
  ['text', 'like a number', '0012'],
  ['text', 'a number', 42],
  ['text', 'null', null],
  ['n', 'least', '-9223372036854775808'],
  ['n', 'truth', true],
  ['u', 'most', '18446744073709551615'],
  ['u', 'most as a number', 18446744073709551615n],
  ['d', 'decimal', '12345678901234567890.0123456789'],
  ['d', 'decimal as a number', 0.1],
  ['f', 'double', 1e300],
  ['f', 'double of many digits', 0.1 + 0.2],
  ['r', 'float', 1.1],
  ['body', 'bytes', Buffer.from([0, 1, 255, 128, 39, 92, 10, 13, 26, 34])],
  ['body', 'text as bytes', Buffer.from('é😀\\x41')],
  ['at', 'moment', new Date('2026-01-02T03:04:05.678Z')],
  ['at', 'moment as text', '2026-01-02 03:04:05.678901'],
  ['day', 'day', '2026-01-02'],
  ['t', 'time', '-12:34:56.789'],
  ['j', 'json', '{"a": "x\\"\\\\é😀"}'],
  ['y', 'year', 2026],
  ['bits', 'bits', Buffer.from([165])],
];

/** What one family knows and the other does not, and what both do. */
const TEXTS: readonly string[] = [
  'SET NAMES utf8mb4 COLLATE utf8mb4_0900_ai_ci',
  "SET SESSION collation_connection = 'utf8mb4_0900_ai_ci'",
  'SET SESSION information_schema_stats_expiry = 0',
  'SET SESSION optimizer_use_condition_selectivity = 1',
  "SET SESSION sql_mode = 'STRICT_TRANS_TABLES,NO_AUTO_CREATE_USER'",
  "SET SESSION sql_mode = 'STRICT_TRANS_TABLES'",
  "SELECT 'a' COLLATE utf8mb4_0900_ai_ci",
  "SET NAMES latin1; INSERT INTO kept (what, text) VALUES ('latin1', 'é')",
  "SET NAMES gbk; INSERT INTO kept (what, text) VALUES ('gbk', '中')",
  'SET NAMES utf8mb4',
  "SET @a = 'by name'",
  "PREPARE p FROM 'INSERT INTO kept (what, text) VALUES (?, ''z'')'",
  'EXECUTE p USING @a',
  "INSERT INTO kept (what, body) VALUES ('hexadecimal', x'00FF'), ('binary', _binary '\\0ab')",
];
const ER_UNKNOWN_SYSTEM_VARIABLE = 1193;
const ER_WRONG_VALUE_FOR_VAR = 1231;
const ER_UNKNOWN_COLLATION = 1273;

async function client(server: RecorderServer): Promise<Connection> {
  return createConnection({
    host: '127.0.0.1',
    port: server.port,
    user: 'app',
    database: 'shop',
    multipleStatements: true,
  });
}

async function work(server: RecorderServer): Promise<void> {
  const one = await client(server);
  for (const [column, what, value] of BOUND) {
    await one.execute(`INSERT INTO kept (what, ${column}) VALUES (?, ?)`, [what, value]);
  }
  // Some fail there already.
  for (const sql of TEXTS) await one.query(sql).catch(() => undefined);
  await one.changeUser({ user: 'app', database: 'shop' });
  await one.execute('INSERT INTO kept (what, text) VALUES (?, ?)', [
    'behind a change of user',
    '😀',
  ]);
  await one.end();
}

function expectAccounted(record: ReplayedRecord, { sent, skipped, failed }: ReplayResult): void {
  const others = [...Object.values(skipped), ...Object.values(failed)];
  expect(others.reduce((sum, count) => sum + count, sent)).toBe(record.records);
}

async function startWithAccounts(
  options: Parameters<typeof startRecorderServer>[0],
): Promise<RecorderServer> {
  const server = await startRecorderServer(options);
  const admin = await server.admin();
  for (const user of ['app', 'replayer']) {
    await admin.query(`CREATE USER ${user}@'127.0.0.1'; GRANT ALL ON *.* TO ${user}@'127.0.0.1'`);
  }
  await admin.end();
  return server;
}

describe('a record of another kind of server', needs(hasTwo, 'two kinds of servers'), () => {
  let one: RecorderServer;
  let other: RecorderServer;
  beforeAll(async () => {
    const program = here ?? chosen;
    [one, other] = await Promise.all([startWithAccounts({}), startWithAccounts({ program })]);
  });
  afterAll(() => Promise.all([one.stop(), other.stop()]));
  afterEach(endRecordings);

  it.each(['there', 'back'])(
    'has the same values, and all of it is accounted for: %s',
    async (way) => {
      const [from, to] = way === 'there' ? [one, other] : [other, one];
      const [source, target] = await Promise.all([from.admin(), to.admin()]);
      for (const admin of [source, target]) await admin.query(SCHEMA);
      const record = await recordWork(from, () => work(from));
      const { result } = await replayed(record, to, { serial: true });
      expect(await rowsOf(target, KEPT)).toEqual(await rowsOf(source, KEPT));
      expectAccounted(record, result);
      expect(result.ended).toEqual({ why: 'complete' });
      expect(result.executes).toEqual({ binary: BOUND.length + 1, text: 0 });
      const ofSettings = new Set<string>(
        [ER_UNKNOWN_COLLATION, ER_UNKNOWN_SYSTEM_VARIABLE, ER_WRONG_VALUE_FOR_VAR].map(String),
      );
      expect(Object.keys(result.failed).filter((code) => !ofSettings.has(code))).toEqual([]);
      expect(result.failed[ER_UNKNOWN_SYSTEM_VARIABLE]).toBeGreaterThan(0);
      expect(result.warnings.join()).toMatch(/settings? of the record \(SET, USE\) failed/);
      await Promise.all([source.end(), target.end()]);
    },
  );
});

describe('a target whose own character set is not UTF-8', () => {
  it('is sent UTF-8 all the same, also by sessions that change their user', async () => {
    const server = await startWithAccounts({
      options: ['--character-set-server=latin1', '--collation-server=latin1_swedish_ci'],
    });
    const admin = await server.admin();
    await admin.query(
      'CREATE DATABASE shop CHARACTER SET utf8mb4; CREATE TABLE shop.kept (text TEXT, id INT)',
    );
    const login = 'app@h on shop using TCP/IP';
    const record = recordOf([
      [1, 'connect', login],
      [1, "INSERT INTO kept VALUES ('é😀', 1)"],
      [1, 'change_user', login],
      [1, "INSERT INTO kept VALUES ('é😀', 2)"],
      [1, 'prepare', 'INSERT INTO kept VALUES (?, 3)'],
      [1, 'execute', "INSERT INTO kept VALUES ('é😀', 3)"],
    ]);
    const { result } = await replayed(record, server);
    expect(result.sent).toBe(record.records);
    expect(await rowsOf(admin, 'SELECT id, HEX(text) AS text FROM shop.kept')).toEqual(
      [1, 2, 3].map((id) => ({ id, text: 'C3A9F09F9880' })),
    );
    await admin.end();
    await server.stop();
  });
});
