import type { Connection } from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { workloadFolder } from '../../src/workload/deleted-workloads.ts';
import { committedPosition } from '../../src/core/workloads/committed.ts';
import type { Source } from '../../src/core/source.ts';
import { mysqlSource, mysqlSourceThatFinds } from '../../src/source/mysql/mysql-source.ts';
import { readWorkload } from '../../src/workload/workload-reader.ts';
import {
  rowsOf,
  startRecorderServer,
  stateOf,
  TaggedLoad,
  tagsIn,
  type RecorderServer,
} from '../support/recorder-server.ts';
import { endRecordings, Recording } from './recording.ts';
import { waitUntil } from '../support/waiting.ts';

/** Servers whose free space is not known. */
const FROM_AFAR: Source = mysqlSourceThatFinds(() => Promise.resolve(null));

let server: RecorderServer;
let admin: Connection;
beforeAll(async () => {
  server = await startRecorderServer();
  admin = await server.admin();
  await admin.query('SET SESSION sql_log_off = 1');
});
afterEach(endRecordings);
afterAll(async () => {
  await admin.end();
  await server.stop();
});

async function tablesOf(client: Connection, schema: string): Promise<string[]> {
  const rows = await rowsOf(client, `SHOW TABLES FROM ${schema}`);
  return rows.map((row) => `\`${schema}\`.\`${String(Object.values(row)[0])}\``);
}

/** What `mysqldump --all-databases` does to our schema: the names first, then all tables at once. */
async function dumpLocked(client: Connection): Promise<void> {
  const tables = await tablesOf(client, 'captures');
  const locks = tables.map((table) => `${table} READ LOCAL`);
  await client.query(`LOCK TABLES ${locks.join(', ')}`);
  for (const table of tables) {
    await client.query(`SHOW CREATE TABLE ${table}`);
    await client.query(`SELECT SQL_NO_CACHE * FROM ${table}`);
  }
  await client.query('UNLOCK TABLES');
}

/** With `--single-transaction`: one table after the other. */
async function dumpInTransaction(client: Connection): Promise<void> {
  await client.query('START TRANSACTION WITH CONSISTENT SNAPSHOT');
  for (const table of await tablesOf(client, 'captures')) {
    await client.query('SAVEPOINT sp');
    await client.query(`SHOW CREATE TABLE ${table}`);
    await client.query(`SELECT SQL_NO_CACHE * FROM ${table}`);
    await client.query('ROLLBACK TO SAVEPOINT sp');
  }
  await client.query('COMMIT');
}

async function recordedTags({ test: { store }, id }: Recording): Promise<string[]> {
  const position = committedPosition(store.recordings.find(id));
  const chunks: Buffer[] = [];
  for await (const chunk of readWorkload(workloadFolder(store, id), position)) chunks.push(chunk);
  return tagsIn(Buffer.concat(chunks).toString().split('\n')).sort();
}

/** Waits until what was sent so far is in the files: how long that takes is bounded. */
async function untilRecorded(recording: Recording, sent: number): Promise<void> {
  const { store } = recording.test;
  await waitUntil(() => (store.recordings.find(recording.id)?.records ?? 0) >= sent);
}

test('dumps of all databases go on beside a recording, and it loses nothing', async () => {
  const before = await stateOf(admin);
  const recording = new Recording(server);
  await recording.until('RUNNING');
  const load = await TaggedLoad.start(server, 2);
  const failures: unknown[] = [];
  let dumps = 0;
  const dumping = [dumpLocked, dumpInTransaction].map(async (dump) => {
    const client = await server.admin();
    while (dumps < 24) {
      await dump(client).catch((error: unknown) => failures.push(error));
      dumps++;
    }
    await client.end();
  });
  await Promise.all(dumping);
  const sent = await load.stop();
  expect(failures).toEqual([]);
  expect(dumps).toBeGreaterThan(10);
  await recording.stop();
  expect(await recordedTags(recording)).toEqual(sent.sort());
  await waitUntil(async () => JSON.stringify(await stateOf(admin)) === JSON.stringify(before));
});

test.each([
  ['seen', mysqlSource],
  ['unknown', FROM_AFAR],
])(
  'locks on every table of ours keep nobody from recording, the free space being %s',
  async (_space, source) => {
    const recording = new Recording(server, {}, { source });
    await recording.until('RUNNING');
    const locker = await server.admin();
    const tables = await tablesOf(locker, 'captures');
    await locker.query(`LOCK TABLES ${tables.map((table) => `${table} READ`).join(', ')}`);
    const load = await TaggedLoad.start(server, 1);
    await waitUntil(() => load.sent > 100);
    // Two swaps: with the table that was ready, and with another one.
    await untilRecorded(recording, load.sent);
    await untilRecorded(recording, load.sent);
    await locker.query('UNLOCK TABLES');
    await locker.end();
    const sent = await load.stop();
    await recording.stop();
    expect(await recordedTags(recording)).toEqual(sent.sort());
    expect(recording.events.filter((event) => event.startsWith('recording interrupted'))).toEqual(
      [],
    );
  },
);

test('who reads the owner’s log keeps the record from nothing, and the log gets it all, in order', async () => {
  await admin.query(
    "TRUNCATE mysql.general_log; SET GLOBAL log_output = 'TABLE'; SET GLOBAL general_log = ON",
  );
  const recording = new Recording(server);
  await recording.until('RUNNING');
  const locker = await server.admin();
  await locker.query('LOCK TABLES captures.owners_log READ');
  const client = await server.admin();
  for (let n = 0; n < 3; n++) {
    await client.query(`SELECT 'tag-0-${n}-'`);
    await untilRecorded(recording, n + 1);
  }
  await client.end();
  await locker.query('UNLOCK TABLES');
  await locker.end();
  await recording.stop();
  await admin.query('SET GLOBAL general_log = OFF');
  const rows = await rowsOf(
    admin,
    "SELECT argument FROM mysql.general_log WHERE argument LIKE 'SELECT _tag%'",
  );
  const tags = tagsIn(rows.map((row) => String(row['argument'])));
  expect(tags).toEqual(['tag-0-0-', 'tag-0-1-', 'tag-0-2-']);
  expect(await recordedTags(recording)).toEqual(tags);
  expect(recording.events.filter((event) => event.startsWith('recording interrupted'))).toEqual([]);
});
