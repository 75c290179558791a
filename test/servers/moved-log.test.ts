import type { Connection } from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { SwappedLog } from '../../src/source/mysql/log/swapped-log.ts';
import {
  rowsOf,
  startLogging,
  startRecorderServer,
  tagsIn,
  type RecorderServer,
} from '../support/recorder-server.ts';

let server: RecorderServer;
let admin: Connection;
beforeAll(async () => {
  server = await startRecorderServer();
  admin = await server.admin();
  // Else it may not read what was moved, and says that it is missing.
  await admin.query("GRANT SELECT ON mysql.* TO recorder@'%'");
});
afterEach(async () => {
  const tables = await rowsOf(admin, "SHOW TABLES FROM mysql LIKE 'moved_%'");
  for (const name of tables.flatMap((row) => Object.values(row).map(String))) {
    await admin.query(`DROP TABLE mysql.${name}`);
  }
});
afterAll(async () => {
  await admin.end();
  await server.stop();
});

let moves = 0;
/** What rotation scripts do. */
async function move(): Promise<void> {
  await admin.query(
    `CREATE TABLE mysql.moving LIKE mysql.general_log;
     RENAME TABLE mysql.general_log TO mysql.moved_${++moves}, mysql.moving TO mysql.general_log`,
  );
}

let tags = 0;
async function tag(): Promise<string> {
  const text = `tag-0-${tags++}-`;
  await admin.query(`SELECT '${text}'`);
  return text;
}

async function tagsOf(log: SwappedLog, generation: number, since: string): Promise<string[]> {
  const found: string[] = [];
  for await (const batch of log.read(generation, { since: since })) {
    found.push(...tagsIn(batch.statements.map(({ sql }) => sql)));
    expect(batch.interruption?.cause ?? null).toBeNull();
  }
  await log.drop(generation);
  return found;
}

test('what others moved before and after a swap is read once, each in its generation', async () => {
  const { log, settings } = await startLogging(server);
  const { after: begun } = await log.swap(2);
  const first = [await tag()];
  await move();
  first.push(await tag());
  await move();
  first.push(await tag());
  const { after: swapped } = await log.swap(3);
  // Before the third is read.
  const second = [await tag()];
  await move();
  second.push(await tag());
  await move();
  second.push(await tag());
  expect(await tagsOf(log, 3, begun)).toEqual(first);
  await log.swap(4);
  expect(await tagsOf(log, 4, swapped)).toEqual(second);
  await log.restore(settings, 5);
  await log.close();
});

test('a text that moves the log and lasts into the next second interrupts nothing', async () => {
  const { log, settings } = await startLogging(server);
  const { after: begun } = await log.swap(2);
  const sent = [await tag()];
  await admin.query(
    `DO SLEEP(1); CREATE TABLE mysql.moving LIKE mysql.general_log;
     RENAME TABLE mysql.general_log TO mysql.moved_${++moves}, mysql.moving TO mysql.general_log`,
  );
  sent.push(await tag());
  await log.swap(3);
  expect(await tagsOf(log, 3, begun)).toEqual(sent);
  await log.restore(settings, 4);
  await log.close();
});

test('a table that was put in the place of ours before the clock was read behind the swap is read', async () => {
  const { log, settings } = await startLogging(server);
  await log.swap(2);
  // Nothing was logged into ours: the rename had waited for the swap.
  const silent = await server.admin();
  await silent.query('SET SESSION sql_log_off = 1');
  await silent.query(
    `CREATE TABLE mysql.moving LIKE mysql.general_log;
     RENAME TABLE mysql.general_log TO mysql.moved_${++moves}, mysql.moving TO mysql.general_log`,
  );
  await silent.end();
  const sent = [await tag()];
  const [clock] = await rowsOf(admin, "SELECT CONCAT(UTC_TIMESTAMP(6), '') AS time");
  const since = `${String(clock?.['time']).replace(' ', 'T')}Z`;
  sent.push(await tag());
  await move();
  sent.push(await tag());
  await log.swap(3);
  expect(await tagsOf(log, 3, since)).toEqual(sent);
  await log.restore(settings, 4);
  await log.close();
});
