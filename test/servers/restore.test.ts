import type { Connection } from 'mysql2/promise';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  drainFrozen,
  rowsOf,
  startLogging,
  startRecorderServer,
  stateOf,
  tagsIn,
  type RecorderServer,
} from '../support/recorder-server.ts';

let server: RecorderServer;
let admin: Connection;
beforeAll(async () => {
  server = await startRecorderServer();
  admin = await server.admin();
  await admin.query("SET GLOBAL log_output = 'TABLE'; SET GLOBAL general_log = ON");
});
afterAll(async () => {
  await admin.end();
  await server.stop();
});

async function send(client: Connection, tag: number): Promise<void> {
  await client.query(`SELECT 'tag-0-${tag}-'`);
}

async function ownersTags(): Promise<string[]> {
  const rows = await rowsOf(
    admin,
    "SELECT argument FROM mysql.general_log WHERE argument LIKE 'SELECT _tag%'",
  );
  return tagsIn(rows.map((row) => String(row['argument'])));
}

test('a recorder that died between the last exchange and the look at it leaves no hole in the owner’s log', async () => {
  await admin.query('SET SESSION sql_log_off = 1');
  const before = await stateOf(admin);
  const client = await server.admin();
  await send(client, 0);
  const { log, settings } = await startLogging(server);
  for (const tag of [1, 2, 3]) await send(client, tag);
  await log.close();
  // What that recorder did: all rows of the live table but the last, which a logger wrote behind its
  // copy, and the exchange.
  await admin.query(
    `INSERT INTO captures.owners_log SELECT * FROM captures.log_1 WHERE thread_id <> 0;
     DROP TABLE captures.log_1;
     UPDATE captures.captures_marker SET appending = 2, is_appended = 0, copied_rows = 2,
       owner_rows = (SELECT COUNT(*) FROM captures.owners_log);
     INSERT INTO captures.owners_log SELECT * FROM mysql.general_log WHERE thread_id <> 0 LIMIT 2;
     RENAME TABLE mysql.general_log TO captures.retired_log, captures.owners_log TO mysql.general_log`,
  );
  await send(client, 4);

  const next = await server.open();
  await next.lock([]);
  expect(await next.restore(settings, 2)).toEqual([]);
  await next.close();
  await send(client, 5);
  await client.end();
  const tags = await ownersTags();
  expect([...tags].sort()).toEqual([0, 1, 2, 3, 4, 5].map((tag) => `tag-0-${tag}-`));
  expect(await stateOf(admin)).toEqual(before);
});

test('a table that another program put in the place of the live one is in the owner’s log too', async () => {
  await admin.query('SET GLOBAL general_log = OFF; TRUNCATE mysql.general_log');
  await admin.query('SET GLOBAL general_log = ON');
  const before = await stateOf(admin);
  const client = await server.admin();
  const { log, settings } = await startLogging(server);
  await send(client, 10);
  await admin.query(
    `CREATE TABLE mysql.theirs LIKE mysql.general_log; ALTER TABLE mysql.theirs COMMENT 'theirs';
     RENAME TABLE mysql.general_log TO mysql.general_log_old, mysql.theirs TO mysql.general_log`,
  );
  await send(client, 11);
  // The recorder may see it: a table that it may not is a table that is not there.
  await admin.query("GRANT SELECT ON mysql.* TO recorder@'%'");
  const warnings = await log.restore(settings, 2);
  await log.close();
  expect(warnings.join()).toContain('mysql.general_log_old; it is left there');
  expect(await ownersTags()).toEqual(['tag-0-10-', 'tag-0-11-']);
  await client.end();
  const strays = await rowsOf(admin, "SHOW TABLES FROM captures LIKE 'stray%'");
  expect(strays).toHaveLength(1);
  // What had to be left there does not keep the next recorder out.
  const again = await startLogging(server);
  await again.log.restore(again.settings, 2);
  await again.log.close();
  await admin.query('DROP DATABASE captures; DROP TABLE mysql.general_log_old');
  expect(await stateOf(admin)).toEqual(before);
});

test('a log of the owner’s that somebody dropped has everything again that is appended after that', async () => {
  await admin.query('SET GLOBAL general_log = OFF; TRUNCATE mysql.general_log');
  await admin.query('SET GLOBAL general_log = ON');
  const before = await stateOf(admin);
  const client = await server.admin();
  const { log, settings } = await startLogging(server);
  await drainFrozen(log, { appendToOwners: true });
  for (let tag = 20; tag < 24; tag++) {
    await send(client, tag);
    if (tag === 23) break;
    await log.swap(tag - 18);
    // Once after an append, once before the first look of restore.
    if (tag !== 21) await admin.query('DROP TABLE captures.owners_log');
    if (tag < 22) await drainFrozen(log, { appendToOwners: true });
  }
  const warnings = [...log.takeWarnings(), ...(await log.restore(settings, 5))];
  await log.close();
  expect(warnings).toHaveLength(1);
  expect(warnings.join()).toContain("Somebody dropped the server's own log table");
  // What was in the table that was dropped last is gone: 20 and 21.
  expect(await ownersTags()).toEqual(['tag-0-22-', 'tag-0-23-']);
  await client.end();
  expect(await stateOf(admin)).toEqual(before);
});
