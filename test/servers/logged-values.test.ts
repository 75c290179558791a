import { createConnection, type Connection } from 'mysql2/promise';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { BoundValue } from '../../src/core/replays/target.ts';
import type { LoggedStatement } from '../../src/core/workloads/statements.ts';
import { sentBytes } from '../../src/sql/logged-bytes.ts';
import { PreparedTemplate } from '../../src/sql/prepared-template.ts';
import type { SwappedLog } from '../../src/source/mysql/log/swapped-log.ts';
import {
  drainFrozen,
  rowsOf,
  startLogging,
  startRecorderServer,
  type RecorderServer,
} from '../support/recorder-server.ts';
import { command, COMMAND, sendRaw } from './raw-client.ts';

let server: RecorderServer;
let admin: Connection;
let client: Connection;
let log: SwappedLog;
beforeAll(async () => {
  server = await startRecorderServer();
  admin = await server.admin();
  await admin.query('SET SESSION sql_log_off = 1');
  await admin.query(
    'CREATE DATABASE shop; CREATE TABLE shop.v (id INT AUTO_INCREMENT PRIMARY KEY, t LONGTEXT CHARACTER SET utf8mb4, b LONGBLOB, n DECIMAL(40,10), d DOUBLE, at DATETIME(6))',
  );
  ({ log } = await startLogging(server));
  client = await createConnection({
    socketPath: server.socket,
    user: 'root',
    database: 'shop',
    charset: 'utf8mb4',
  });
});
afterAll(async () => {
  await client.end();
  await admin.end();
  await server.stop();
});

let generation = 2;
/** What was logged since the last call, as a record has it. */
async function recorded(): Promise<LoggedStatement[]> {
  await log.swap(generation++);
  return drainFrozen(log);
}

async function rows(): Promise<unknown[]> {
  return rowsOf(admin, 'SELECT HEX(t) t, HEX(b) b, n, d, at FROM shop.v ORDER BY id');
}

const ALL_BYTES = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
const TEXTS = [
  'plain',
  '',
  `it's "quoted" \\ and \\\\`,
  'a\nb\r\tc\0d\x1ae',
  '😀 é ü',
  'a ? b',
  '\\%\\_',
  "');--",
  "x'".repeat(200_000),
];

function forDriver(value: BoundValue): string | number | Buffer | null {
  if (value === null) return null;
  if (value.type === 'double') return Number(value.text);
  return typeof value.text === 'string' ? value.text : Buffer.from(value.text);
}

it('what an execute had bound is read from the log, and leaves the same rows when it is bound again', async () => {
  const text =
    "INSERT INTO shop.v (t, b, n, d, at) VALUES (?, /* ? */ ?, ?, ?, ?) -- '?\n ON DUPLICATE KEY UPDATE t = '?'";
  await recorded();
  for (const [index, value] of TEXTS.entries()) {
    // MySQL 5.6 does not log microseconds.
    const fraction = server.version.startsWith('5.6') ? '' : `.00456${index}`;
    const at = index === 0 ? null : `2026-11-30 01:02:03${fraction}`;
    const number = ['1', '-5', '123.4500', '18446744073709551616.5'][index % 4] ?? null;
    const bytes = [ALL_BYTES, Buffer.from([0xff]), Buffer.from([0xe9, 0x5c, 0x27, 0xbf]), null];
    await client.execute(text, [value, bytes[index % 4] ?? null, number, index / 3, at]);
  }
  const before = await rows();
  const statements = await recorded();
  const template = new PreparedTemplate(
    statements.find((one) => one.kind === 'prepare')?.sql ?? '',
  );
  expect(template.placeholders).toBe(5);
  const executed = statements.filter((one) => one.kind === 'execute');
  expect(executed).toHaveLength(TEXTS.length);
  await admin.query('TRUNCATE shop.v');
  for (const { sql, bytes } of executed) {
    expect(template.matches(bytes ?? sql)).toBe(true);
    const values = template.valuesOf(bytes ?? sql) ?? [];
    await client.execute(text, values.map(forDriver));
  }
  expect(await rows()).toEqual(before);
});

it('an execute that is sent as text leaves the same row, with the bytes that were sent', async () => {
  await admin.query('TRUNCATE shop.v');
  await recorded();
  for (const bytes of [ALL_BYTES, Buffer.from([0xff]), Buffer.from('\\\xe9\\', 'latin1')]) {
    await client.execute('INSERT INTO shop.v (b) VALUES (?)', [bytes]);
  }
  const before = await rows();
  const executed = (await recorded()).filter((one) => one.kind === 'execute');
  await admin.query('TRUNCATE shop.v');
  await sendTexts(
    executed.map(({ sql, bytes }) => bytes ?? sentBytes(sql, true) ?? Buffer.from(sql)),
  );
  expect(await rows()).toEqual(before);
});

it('a binary INSERT that was recorded as text leaves the same row when its bytes are sent again', async () => {
  await admin.query('TRUNCATE shop.v');
  await recorded();
  const png = Buffer.from('89504e470d0a1a0a0000000d49484452ffd8ffe000104a464946', 'hex');
  const statements = [ALL_BYTES, png, Buffer.from('caf\xe9', 'latin1')].map((bytes) =>
    Buffer.concat([
      Buffer.from("INSERT INTO shop.v (b) VALUES (_binary'"),
      escapedBytes(bytes),
      Buffer.from("')"),
    ]),
  );
  await sendTexts(statements);
  const before = await rows();
  expect(before).toHaveLength(3);
  const queries = (await recorded()).filter((one) => one.kind === 'query');
  // MySQL's log has the bytes themselves.
  const isLossy = ({ flags, bytes }: LoggedStatement) => bytes !== null || flags.includes('lossy');
  expect(queries.every(isLossy)).toBe(true);
  const again = queries.map(({ sql, bytes }) => bytes ?? sentBytes(sql) ?? Buffer.alloc(0));
  expect(again.map((bytes) => Buffer.from(bytes))).toEqual(statements);
  await admin.query('TRUNCATE shop.v');
  await sendTexts(again);
  expect(await rows()).toEqual(before);
});

it('values of a session without backslash escapes are read, too', async () => {
  await admin.query('TRUNCATE shop.v');
  await client.query("SET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES'");
  await recorded();
  const text = 'INSERT INTO shop.v (t) VALUES (?)';
  const values = ["it's", 'C:\\', "\\'", 'a\nb'];
  for (const value of values) await client.execute(text, [value]);
  await client.query("SET SESSION sql_mode = ''");
  const executed = (await recorded()).filter((one) => one.kind === 'execute');
  const template = new PreparedTemplate(text, 'never');
  expect(executed.map(({ sql }) => template.valuesOf(sql))).toEqual(
    values.map((value) => [{ type: 'text', text: value }]),
  );
});

async function sendTexts(texts: readonly Uint8Array[]): Promise<void> {
  await sendRaw(
    server,
    texts.map((text) => command(COMMAND.query, Buffer.from(text))),
  );
}

/** As a client does that knows nothing of character sets. */
function escapedBytes(bytes: Buffer): Buffer {
  const escaped = [...bytes].flatMap((byte) => {
    if (byte === 0) return [0x5c, 0x30];
    return byte === 0x27 || byte === 0x5c ? [0x5c, byte] : [byte];
  });
  return Buffer.from(escaped);
}
