import type { Connection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rowsOf, startRecorderServer, type RecorderServer } from '../support/recorder-server.ts';
import { recordOf, type Line } from '../replay/recorded.ts';
import { replayed } from './replaying.ts';

let server: RecorderServer;
let admin: Connection;
/** What the session's access mode is called: the other name is gone, or not yet there. */
let mode: string;

beforeAll(async () => {
  server = await startRecorderServer();
  admin = await server.admin();
  const [found] = await rowsOf(admin, "SHOW VARIABLES LIKE 't%\\_read_only'");
  mode = String(found?.['Variable_name']);
  await admin.query(`
    SET GLOBAL log_bin_trust_function_creators = 1;
    CREATE USER replayer@'127.0.0.1';
    GRANT ALL ON *.* TO replayer@'127.0.0.1';
    CREATE USER clerk@'127.0.0.1';
    GRANT SELECT, INSERT, EXECUTE ON shop.* TO clerk@'127.0.0.1';
    CREATE DATABASE shop;
    USE shop;
    CREATE TABLE orders (n INT)`);
});
afterAll(async () => {
  await admin.end();
  await server.stop();
});

async function orders(): Promise<unknown[]> {
  return (await rowsOf(admin, 'SELECT n FROM shop.orders ORDER BY n')).map(({ n }) => n as unknown);
}

describe('a read-only replay', () => {
  const ways = [
    'SET SESSION TRANSACTION READ WRITE',
    'set @@session . `MODE` = 0',
    'CALL shop.gives_way()',
  ];
  const lines: Line[] = [
    [1, 'SELECT makes_writable()'],
    [1, 'SELECT writes(16)'],
    [1, 'SELECT * FROM looks_harmless'],
    [1, 'BEGIN'],
    [1, 'SELECT writes(17)'],
    [1, 'COMMIT'],
    [1, 'SELECT makes_writable(); SELECT writes(18)'],
    [1, 'prepare', 'SELECT makes_writable() + ?'],
    [1, 'execute', 'SELECT makes_writable() + 1'],
    [1, 'prepare', 'SELECT writes(?)'],
    [1, 'execute', 'SELECT writes(19)'],
    [2, 'SELECT writes(20)'],
  ];

  test.each(ways)('writes nothing where a function says %s', async (set) => {
    await admin.query(`
      CREATE OR REPLACE VIEW shop.looks_harmless AS SELECT 1 AS one;
      DROP FUNCTION IF EXISTS shop.makes_writable;
      DROP FUNCTION IF EXISTS shop.writes;
      DROP PROCEDURE IF EXISTS shop.gives_way;
      CREATE PROCEDURE shop.gives_way() SET SESSION ${mode} = 0;
      CREATE FUNCTION shop.makes_writable() RETURNS INT BEGIN ${set.replace('MODE', mode)}; RETURN 1; END;
      CREATE FUNCTION shop.writes(x INT) RETURNS INT BEGIN INSERT INTO shop.orders VALUES (x); RETURN x; END;
      CREATE OR REPLACE VIEW shop.looks_harmless AS SELECT shop.makes_writable() AS one`);
    const clerk = [{ recorded: '*', user: 'clerk', passwordFrom: null }];
    for (const users of [[], clerk]) {
      const { result } = await replayed(recordOf(lines), server, { writes: false, users });
      // ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION, and several statements at once.
      expect(result.failed).toEqual({ 1064: 1, 1792: 5 });
      expect(await orders()).toEqual([]);
    }
  });
});
