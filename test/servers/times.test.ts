import { createConnection, type Connection, type RowDataPacket } from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { timesOf } from '../../src/core/reports/statement-times.ts';
import { rowsOf, startRecorderServer, type RecorderServer } from '../support/recorder-server.ts';
import { waitUntil } from '../support/waiting.ts';
import { endRecordings, Recording } from './recording.ts';

const DIGESTS = 'performance_schema.events_statements_summary_by_digest';
const ROOM = 400;

let server: RecorderServer;
let admin: Connection;
let shop: Connection;
beforeAll(async () => {
  const options = ['--performance-schema=ON', `--performance-schema-digests-size=${ROOM}`];
  server = await startRecorderServer({ options });
  admin = await server.admin();
  await admin.query(
    "CREATE DATABASE shop; CREATE TABLE shop.t (a INT PRIMARY KEY, b TEXT); INSERT INTO shop.t VALUES (1, 'one'), (2, 'two'), (3, 'three'); GRANT SELECT ON performance_schema.* TO recorder@'%'",
  );
  shop = await connect();
});
afterAll(async () => {
  await Promise.all([admin.end(), shop.end()]);
  await server.stop();
});
beforeEach(async () => {
  await admin.query(`TRUNCATE ${DIGESTS}`);
});
afterEach(endRecordings);

function connect(): Promise<Connection> {
  return createConnection({ host: '127.0.0.1', port: server.port, user: 'root', database: 'shop' });
}

/** What the server itself has of what the database shop was asked. */
async function serversOwn(): Promise<unknown[]> {
  const rows = await rowsOf(
    admin,
    `SELECT TRIM(DIGEST_TEXT) AS text, COUNT_STAR AS count, SUM_TIMER_WAIT DIV 1000000 AS micros,
       SUM_ROWS_SENT AS rowsSent, SUM_ROWS_EXAMINED AS rowsExamined, SUM_ERRORS AS errors
     FROM ${DIGESTS} WHERE SCHEMA_NAME = 'shop'`,
  );
  return inOrder(rows.map((row: RowDataPacket) => ({ db: 'shop', text: '', ...row })));
}

const inOrder = <T extends { readonly text: string }>(digests: readonly T[]): T[] =>
  [...digests].sort((a, b) => (a.text < b.text ? -1 : 1));

/** A capture that runs, with its first reading. */
async function running(): Promise<Recording> {
  const recording = new Recording(server);
  const { taps, times } = recording.test.store;
  await recording.until('RUNNING');
  await waitUntil(() => times.findReading(taps.list()[0]?.id ?? 0) !== null);
  return recording;
}

async function someStatements(session = shop): Promise<void> {
  for (let i = 0; i < 20; i++) await session.query(`SELECT b FROM t WHERE a = ${i}`);
  for (let i = 0; i < 3; i++) await session.query('SELECT SLEEP(0.03)');
  for (let i = 0; i < 5; i++) await session.execute('SELECT a FROM t WHERE a < ?', [i]);
  await session.query('SELECT * FROM nowhere').catch(() => undefined);
}

describe('the times of a capture', () => {
  it("are the server's own, of every digest, and of nothing that the recorder sends", async () => {
    const recording = await running();
    await someStatements();
    await recording.stop();
    const times = timesOf(recording.test.store.times, recording.id, null, null);
    expect(times.absence).toEqual([]);
    expect(inOrder(times.digests)).toEqual(await serversOwn());
  });

  it('are none on a server that nobody asks anything', async () => {
    const recording = await running();
    await recording.untilSent(60);
    await recording.stop();
    const times = timesOf(recording.test.store.times, recording.id, null, null);
    expect(times).toEqual({ digests: [], absence: [] });
  });
});
