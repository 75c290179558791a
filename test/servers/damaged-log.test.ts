import { execFileSync } from 'node:child_process';
import {
  closeSync,
  fstatSync,
  openSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Connection } from 'mysql2/promise';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { chosenServer } from '../../scripts/server-programs.ts';
import type { LogInterruption } from '../../src/core/source.ts';
import { mysqlSourceThatFinds } from '../../src/source/mysql/mysql-source.ts';
import { flavorOf } from '../../src/source/mysql/connection/flavor.ts';
import {
  drainFrozen,
  rowsOf,
  startLogging,
  startRecorderServer,
  swappedLogOf,
  tagsIn,
  type RecorderServer,
} from '../support/recorder-server.ts';

let server: RecorderServer;
let admin: Connection;
beforeAll(async () => {
  server = await startRecorderServer();
  admin = await server.admin();
});
afterAll(async () => {
  await admin.end();
  await server.stop();
});

/** Log tables in MyISAM: on a machine with too much to do it is not proven where the disk is, and they are CSV. */
const logs = mysqlSourceThatFinds(() =>
  Promise.resolve({
    source: 'local',
    space: () => Promise.resolve({ free: 100 * 2 ** 30, size: 200 * 2 ** 30 }),
  }),
);

const ROWS = 400;

/** Overwrites bytes in the middle of a table's rows. */
async function damage(table: string): Promise<void> {
  await admin.query(`FLUSH TABLES captures.${table}`);
  const file = openSync(join(server.dataDir, 'captures', `${table}.MYD`), 'r+');
  const { size } = fstatSync(file);
  writeSync(file, Buffer.alloc(400, 0x7f), 0, 400, Math.floor(size / 2));
  closeSync(file);
}

test('rows that a repair could not bring back are told at their place, and the others are read', async () => {
  const { log, settings } = await startLogging(server, { logs });
  for (let i = 0; i < ROWS; i++) await admin.query(`SELECT 'tag-0-${i}-'`);
  await log.swap(2);
  await damage('log_2');
  const tags: string[] = [];
  const interruptions: LogInterruption[] = [];
  for await (const batch of log.read(2)) {
    tags.push(...tagsIn(batch.statements.map(({ sql }) => sql)));
    if (batch.interruption !== null) interruptions.push(batch.interruption);
  }
  expect(tags.length).toBeGreaterThan(ROWS / 2);
  expect(tags.length).toBeLessThan(ROWS);
  expect(interruptions).toMatchObject([
    { cause: 'log_table_damaged', reason: expect.stringContaining('Number of rows changed from') },
  ]);
  await log.restore(settings, 3);
  await log.close();
});

test('a server that died in the middle of a swap, and tables of a version before the slots, are read', async () => {
  const { log, settings } = await startLogging(server, { logs });
  await admin.query("SELECT 'tag-1-0-'");
  await log.swap(2);
  await admin.query("SELECT 'tag-1-1-'");
  await drainFrozen(log);
  await log.swap(3);
  await admin.query("SELECT 'tag-1-2-'");
  await log.close();
  // Of the three steps of the fourth swap, two; the third one's table has its old name.
  const transit = flavorOf(server.version).transits.at(-1) ?? '';
  const tables = await rowsOf(admin, "SHOW TABLES FROM captures LIKE 'log%'");
  const names = tables.map((row) => `captures.${String(Object.values(row)[0])}`);
  const sizes = await Promise.all(
    names.map(async (name) => {
      const [row] = await rowsOf(admin, `SELECT COUNT(*) AS n FROM ${name}`);
      return Number(row?.['n']);
    }),
  );
  const frozen = names[sizes.indexOf(Math.max(...sizes))] ?? '';
  const spare = names.find((name) => name !== frozen) ?? '';
  await admin.query(
    `SET SESSION sql_log_off = 1;
     DELETE FROM ${spare};
     INSERT INTO ${spare} SELECT event_time, user_host, thread_id, server_id, command_type, REPLACE(argument, '"generation":3', '"generation":5') FROM ${frozen} LIMIT 1;
     RENAME TABLE ${frozen} TO captures.frozen_3;
     RENAME TABLE mysql.general_log TO ${transit}, ${spare} TO mysql.general_log;
     SET SESSION sql_log_off = 0;
     SELECT 'tag-1-3-'`,
  );
  const next = await server.open({ logs });
  await next.lock([]);
  const { unread: found, isFilling: installed } = await next.state(2);
  expect({ found, installed }).toEqual({ found: [3, 4], installed: true });
  await next.swap(5);
  const statements = await drainFrozen(next);
  expect(tagsIn(statements.map(({ sql }) => sql))).toEqual(['tag-1-1-', 'tag-1-2-', 'tag-1-3-']);
  await next.restore(settings, 6);
  await next.close();
});

/**
 * Kills the server, does something to the files of each slot, told without their ending, and starts it again.
 */
async function damageWhileDown(damageSlot: (slot: string) => void): Promise<void> {
  admin.destroy();
  await server.kill();
  const folder = join(server.dataDir, 'captures');
  for (const file of readdirSync(folder)) {
    if (/^log_\d+\.MYI$/.test(file)) damageSlot(join(folder, file.slice(0, -'.MYI'.length)));
  }
  await server.restart();
  admin = await server.admin();
}

/** What a death of the server, or of its disk, leaves of an index. */
const INDEXES: readonly (readonly [how: string, damage: (file: string) => void])[] = [
  ['empty', (file) => truncateSync(file)],
  ['cut', (file) => truncateSync(file, 100)],
  ['zeroed', (file) => writeFileSync(file, Buffer.alloc(1024))],
  ['gone', (file) => rmSync(file)],
];

test.each(INDEXES)('of tables whose index is %s every row is read', async (_how, damageIndex) => {
  const { log, settings } = await startLogging(server, { logs });
  await log.swap(2);
  await drainFrozen(log);
  for (let i = 0; i < 3; i++) await admin.query(`SELECT 'tag-4-${i}-'`);
  await log.swap(3);
  await log.close();
  // Of the frozen one, and of the one that was to be the next.
  await damageWhileDown((slot) => damageIndex(`${slot}.MYI`));
  const next = await server.open({ logs });
  await next.lock([]);
  expect((await next.state(2)).unread).toEqual([3]);
  const { generation } = await next.install(settings, 4);
  const causes: unknown[] = [];
  for await (const { interruption } of next.read(3)) {
    if (interruption !== null) causes.push(interruption.cause);
  }
  expect(causes).toEqual(['log_table_damaged']);
  const statements = await drainFrozen(next);
  expect(tagsIn(statements.map(({ sql }) => sql))).toEqual([0, 1, 2].map((i) => `tag-4-${i}-`));
  await next.restore(settings, generation);
  expect(await rowsOf(admin, "SHOW DATABASES LIKE 'captures'")).toEqual([]);
  await next.close();
});

// MySQL has no file with the definition.
const BEYOND_REPAIR = chosenServer(() => undefined).family === 'mysql' ? ['MYD'] : ['MYD', 'frm'];

test.each(BEYOND_REPAIR)(
  'a frozen table whose .%s is gone is dropped, the log continues and the server is restored',
  async (ending) => {
    const { log, settings } = await startLogging(server, { logs });
    await drainFrozen(log);
    await log.swap(2);
    await log.close();
    // An empty definition is what a server leaves that is killed while it makes a table.
    await damageWhileDown((slot) => {
      if (ending === 'frm') truncateSync(`${slot}.frm`);
      else rmSync(`${slot}.MYD`);
    });
    const next = await server.open({ logs });
    await next.lock([]);
    expect((await next.state(1)).unread).toEqual([]);
    const files = readdirSync(join(server.dataDir, 'captures'));
    expect(files.filter((file) => file.startsWith('log_'))).toEqual([]);
    const { generation } = await next.install(settings, 3);
    await admin.query("SELECT 'tag-2-0-'");
    await next.swap(generation);
    const statements = await drainFrozen(next);
    expect(tagsIn(statements.map(({ sql }) => sql))).toEqual(['tag-2-0-']);
    await next.restore(settings, generation + 1);
    expect(await rowsOf(admin, "SHOW DATABASES LIKE 'captures'")).toEqual([]);
    await next.close();
  },
);

test('a frozen table that is emptied between the look at it and the reading is told as a gap', async () => {
  let onReader = (): void => undefined;
  const log = swappedLogOf(
    await logs.open(server.address, 'store-1', () => {
      onReader();
    }),
  );
  await log.lock([]);
  const settings = await log.readSettings();
  await log.install(settings, 1);
  await admin.query("SELECT 'tag-3-0-'");
  const { after } = await log.swap(2);
  // By a process of its own: ours does nothing else until it is done.
  const truncate = `const { createConnection } = await import('mysql2/promise');
    const c = await createConnection({ socketPath: '${server.socket}', user: 'root' });
    await c.query('TRUNCATE TABLE captures.log_2'); await c.end();`;
  onReader = () => void execFileSync(process.execPath, ['--input-type=module', '-e', truncate]);
  const since = '2026-01-01T00:00:00.000000Z';
  const interruptions: (LogInterruption | null)[] = [];
  for await (const batch of log.read(2, { since })) interruptions.push(batch.interruption);
  expect(interruptions).toMatchObject([{ cause: 'log_table_changed', from: since, to: after }]);
  onReader = () => undefined;
  await log.restore(settings, 3);
  await log.close();
});
