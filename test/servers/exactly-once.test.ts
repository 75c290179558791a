import type { Connection } from 'mysql2/promise';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isInFull } from '../support/proportion.ts';
import {
  drainFrozen,
  readGeneration,
  startLogging,
  startRecorderServer,
  TaggedLoad,
  tagsIn,
  type RecorderServer,
} from '../support/recorder-server.ts';

/** A derived table of the numbers `seq` from 1 to `count`, without what only one server has. */
function numbers(count: number): string {
  const digits = Array.from({ length: 10 }, (_, digit) => `SELECT ${digit} AS d`).join(
    ' UNION ALL ',
  );
  const places = Array.from({ length: String(count).length }, (_, place) => place);
  const value = places.map((place) => `d${place}.d * ${10 ** place}`).join(' + ');
  const tables = places.map((place) => `(${digits}) AS d${place}`).join(', ');
  return `(SELECT 1 + ${value} AS seq FROM ${tables} HAVING seq <= ${count}) AS numbers`;
}

let server: RecorderServer;
let admin: Connection;

beforeAll(async () => {
  server = await startRecorderServer();
  admin = await server.admin();
  // 300 MB of rows that a test makes up need not go to MySQL's binary log as well.
  await admin.query('SET SESSION sql_log_bin = 0');
});
afterAll(async () => {
  await admin.end();
  await server.stop();
});

const SWAPS = isInFull ? 80 : 40;

test(`every statement is recorded once, in order, over ${SWAPS} swaps under full load`, async () => {
  const { log, settings } = await startLogging(server);
  const load = await TaggedLoad.start(server, 8, 0);
  const recorded: string[] = [];
  const swaps: number[] = [];
  let generation = 2;
  const drain = async (): Promise<void> => {
    const start = performance.now();
    const { before, after } = await log.swap(generation++);
    swaps.push(performance.now() - start);
    expect(before < after).toBe(true);
    for (const { sql } of await drainFrozen(log)) recorded.push(sql);
  };
  for (let i = 0; i < SWAPS; i++) await drain();
  const sent = await load.stop();
  await drain();
  await log.restore(settings, generation);
  await log.close();

  const tags = tagsIn(recorded);
  expect(tags.length).toBe(sent.length);
  expect(new Set(tags)).toEqual(new Set(sent));
  const last = new Map<string, number>();
  for (const tag of tags) {
    const [, client = '', number = ''] = tag.split('-');
    expect(Number(number)).toBe((last.get(client) ?? -1) + 1);
    last.set(client, Number(number));
  }
  swaps.sort((one, other) => one - other);
  console.log(
    `${sent.length} statements, ${swaps.length} swaps, median ${swaps[swaps.length >> 1]?.toFixed(1) ?? ''} ms, longest ${swaps.at(-1)?.toFixed(1) ?? ''} ms`,
  );
});

test('a table can be read from any row on', async () => {
  const { log, settings } = await startLogging(server);
  const client = await server.admin();
  for (let i = 0; i < 3000; i++) await client.query(`SELECT 'tag-0-${i}-'`);
  await client.end();
  await log.swap(2);
  const whole = await readGeneration(log, 2);
  // The proof left nothing in generation 2, so behind the sentinel its rows are all the client's.
  for (const skip of [0, 1, 2000, whole.length - 1, whole.length, whole.length + 5]) {
    expect(await readGeneration(log, 2, skip + 1)).toEqual(whole.slice(skip));
  }
  expect(await readGeneration(log, 2, 0)).toEqual(whole);
  let rows = 0;
  for await (const batch of log.read(2)) rows += batch.rows;
  expect(rows).toBe(whole.length + 1);
  await log.restore(settings, 3);
  await log.close();
});

test('a read that is given up does not keep the next one from the whole table', async () => {
  const { log, settings } = await startLogging(server);
  await admin.query(
    `INSERT INTO captures.log_1 SELECT NOW(6), 'a[a] @ b []', 900, 1, 'Query', CONCAT('row ', seq) FROM ${numbers(60_000)}`,
  );
  let first = 0;
  for await (const batch of log.read(1)) {
    first = batch.rows;
    break;
  }
  expect(first).toBeGreaterThan(0);
  expect(first).toBeLessThan(20_000);
  const all = await readGeneration(log, 1);
  expect(all.filter(({ session }) => session === 900)).toHaveLength(60_000);
  await log.restore(settings, 2);
  await log.close();
});

test('a slow consumer makes the server wait instead of filling the memory', async () => {
  const { log, settings } = await startLogging(server);
  await admin.query(
    `INSERT INTO captures.log_1 SELECT NOW(6), 'a[a] @ b []', 900, 1, 'Query', REPEAT('x', 10000) FROM ${numbers(30_000)}`,
  );
  const before = process.memoryUsage().rss;
  let most = 0;
  let count = 0;
  for await (const batch of log.read(1)) {
    count += batch.rows;
    // Lets whatever is on its way arrive, as a consumer that awaits a disk does.
    await new Promise((resolve) => setImmediate(resolve));
    most = Math.max(most, process.memoryUsage().rss - before);
  }
  expect(count).toBeGreaterThan(30_000);
  // 300 MB went through.
  expect(most).toBeLessThan(150 * 1024 * 1024);
  await log.restore(settings, 2);
  await log.close();
});
