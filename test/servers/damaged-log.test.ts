import { closeSync, fstatSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Connection } from 'mysql2/promise';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LogInterruption } from '../../src/core/server-log.ts';
import {
  startLogging,
  startRecorderServer,
  tagsIn,
  type RecorderServer,
} from './recorder-server.ts';

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
  const { log, settings } = await startLogging(server);
  for (let i = 0; i < ROWS; i++) await admin.query(`SELECT 'tag-0-${i}-'`);
  await log.swap(2);
  await damage('frozen_2');
  const tags: string[] = [];
  const interruptions: LogInterruption[] = [];
  for await (const batch of log.read(2, 0, null)) {
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
