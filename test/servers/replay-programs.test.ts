import { existsSync } from 'node:fs';
import type { Connection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chosenServer } from '../../scripts/server-programs.ts';
import { mysqlTargets } from '../../src/source/mysql/replay/replay-targets.ts';
import { rowsOf, startRecorderServer, type RecorderServer } from '../support/recorder-server.ts';
import { needs } from '../support/skips.ts';
import { recordOf, type Line } from '../replay/recorded.ts';
import { replayed } from './replaying.ts';

const isMariadb = chosenServer(() => undefined).family === 'mariadb';

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

test('a read-only replay of an account that does not see what a view calls writes nothing', async () => {
  await admin.query(`
    CREATE DATABASE hidden;
    CREATE FUNCTION hidden.makes_writable() RETURNS INT BEGIN SET SESSION ${mode} = 0; RETURN 1; END;
    CREATE DATABASE front;
    CREATE TABLE front.t (n INT);
    CREATE VIEW front.looks AS SELECT hidden.makes_writable() AS x;
    CREATE FUNCTION front.writes() RETURNS INT BEGIN INSERT INTO front.t VALUES (1); RETURN 1; END;
    CREATE USER guest@'127.0.0.1';
    GRANT SELECT, SHOW VIEW, EXECUTE ON front.* TO guest@'127.0.0.1';
    GRANT SELECT ON shop.orders TO guest@'127.0.0.1'`);
  const lines: Line[] = [
    [1, 'SELECT * FROM front.looks'],
    [1, 'SELECT front.writes()'],
  ];
  const { result } = await replayed(recordOf(lines), server, { writes: false }, { user: 'guest' });
  expect(result).toMatchObject({ sent: 1, failed: { 1792: 1 } });
  expect(await rowsOf(admin, 'SELECT * FROM front.t')).toEqual([]);
  await admin.query('DROP DATABASE front; DROP DATABASE hidden');
});

describe('a replay with --writes', () => {
  const FILE = '/tmp/captures-replay-programs-never';

  beforeAll(async () => {
    for (const sql of [
      'CREATE TABLE notes (n INT)',
      'CREATE TABLE guarded (n INT)',
      'CREATE PROCEDURE pre_global() SET GLOBAL max_connections = 77',
      'CREATE PROCEDURE pre_user() BEGIN IF 1 THEN CREATE USER hacked; END IF; END',
      `CREATE PROCEDURE pre_file() BEGIN SELECT 1 INTO OUTFILE '${FILE}'; END`,
      'CREATE PROCEDURE pre_chain() CALL pre_global()',
      'CREATE PROCEDURE fine() INSERT INTO notes VALUES (1)',
      "CREATE PROCEDURE puts_together(what TEXT) BEGIN SET @s = CONCAT('INSERT INTO notes VALUES (', what, ')'); PREPARE p FROM @s; EXECUTE p; END",
      'CREATE FUNCTION global_too() RETURNS INT BEGIN SET GLOBAL max_connections = 76; RETURN 1; END',
      "CREATE FUNCTION reads_file() RETURNS TEXT RETURN LOAD_FILE('/etc/hostname')",
      'CREATE TRIGGER changes_server BEFORE INSERT ON guarded FOR EACH ROW CALL pre_global()',
      'CREATE VIEW grants AS SELECT * FROM mysql.proxies_priv',
      'CREATE VIEW asks AS SELECT global_too() AS x',
    ]) {
      await admin.query(sql);
    }
  });

  test('runs no program of the target that does what is never sent, and plans the same', async () => {
    const before = await rowsOf(admin, 'SELECT @@GLOBAL.max_connections AS most');
    const { plan, result } = await replayed(
      recordOf([
        [1, 'CALL pre_global()'],
        [1, 'CALL shop.pre_user'],
        [1, 'call `pre_file`()'],
        [1, 'CALL pre_chain()'],
        [1, 'SELECT global_too()'],
        [1, 'SELECT n, reads_file() FROM notes'],
        [1, 'INSERT INTO guarded VALUES (1)'],
        [1, 'DELETE FROM grants'],
        [1, 'SELECT * FROM asks'],
        [1, "PREPARE p FROM 'CALL pre_global()'"],
        [1, 'EXECUTE p'],
        [1, 'prepare', 'CALL pre_global()'],
        [1, 'execute', 'CALL pre_global()'],
        [1, 'CREATE PROCEDURE mine() CALL pre_global()'],
        [1, 'CALL fine()'],
        [1, 'CALL puts_together(2)'],
        [1, 'SELECT COUNT(*) FROM grants'],
      ]),
      server,
    );
    expect(plan.skipped).toEqual({ server: 10, accounts: 2, files: 2 });
    expect(result).toMatchObject({ sent: 3, failed: {}, skipped: plan.skipped });
    expect(plan.warnings).toHaveLength(2);
    expect(plan.warnings[1]).toBe(
      '1 procedure of the target puts its SQL together: what it does is not seen: shop.puts_together',
    );
    expect(await rowsOf(admin, 'SELECT @@GLOBAL.max_connections AS most')).toEqual(before);
    expect(await rowsOf(admin, "SELECT User FROM mysql.user WHERE User = 'hacked'")).toEqual([]);
    expect((await rowsOf(admin, 'SELECT n FROM notes')).map(({ n }) => n as unknown)).toEqual([
      1, 2,
    ]);
    expect(existsSync(FILE)).toBe(false);
  });

  test('keeps a read-only one from them as well', async () => {
    const { result } = await replayed(
      recordOf([
        [1, 'SELECT global_too()'],
        [1, 'SELECT reads_file()'],
        [1, 'SELECT 1'],
      ]),
      server,
      { writes: false },
    );
    expect(result).toMatchObject({ sent: 1, skipped: { server: 1, files: 1 } });
  });

  test('keeps one from what others put among the programs of the server', async () => {
    // MariaDB 10.5 has none.
    await admin.query('CREATE DATABASE IF NOT EXISTS sys');
    for (const database of ['mysql', 'sys']) {
      await admin.query(
        `CREATE FUNCTION ${database}.put_there() RETURNS INT BEGIN SET GLOBAL max_connections = 74; RETURN 1; END`,
      );
    }
    const { plan, result } = await replayed(
      recordOf([
        [1, 'SELECT mysql.put_there()'],
        [1, 'SELECT sys.put_there()'],
        [1, 'SELECT s\\xFFs.put_there()'],
      ]),
      server,
      { writes: false },
    );
    expect(result).toMatchObject({ sent: 0, skipped: { server: 3 } });
    expect(plan.warnings[0]).toContain('mysql.put_there, sys.put_there');
    await admin.query('DROP FUNCTION mysql.put_there; DROP FUNCTION sys.put_there');
  });

  test('knows calls without CALL', needs(isMariadb, 'it is of MariaDB'), async () => {
    const other = await server.admin();
    await other.query("SET SESSION sql_mode = 'ORACLE'; USE shop");
    await other.query('CREATE PROCEDURE ora_leads AS BEGIN pre_global; END');
    await other.query('CREATE FUNCTION ora_too RETURN INT AS BEGIN ora_leads(); RETURN 1; END');
    await other.end();
    const { result } = await replayed(
      recordOf([
        [1, 'SELECT ora_too()'],
        [1, 'SET sql_mode = ORACLE'],
        [1, 'BEGIN pre_global; END'],
        [1, 'CREATE PROCEDURE mine AS BEGIN ora_leads(); END'],
      ]),
      server,
    );
    expect(result).toMatchObject({ sent: 1, skipped: { server: 3 } });
  });

  test('knows packages', needs(isMariadb, 'it is of MariaDB'), async () => {
    const other = await server.admin();
    await other.query(`
      SET SESSION sql_mode = 'ORACLE';
      USE shop`);
    await other.query('CREATE PACKAGE tools AS PROCEDURE p; FUNCTION f RETURN INT; END');
    await other.query(
      'CREATE PACKAGE BODY tools AS PROCEDURE p AS BEGIN SET GLOBAL max_connections = 75; END; FUNCTION f RETURN INT AS BEGIN RETURN 1; END; END',
    );
    await other.end();
    const { result } = await replayed(
      recordOf([
        [1, 'CALL tools.p()'],
        [1, 'SELECT shop.tools.f()'],
      ]),
      server,
    );
    expect(result).toMatchObject({ sent: 0, skipped: { server: 2 } });
  });

  test('says which programs its account cannot read', async () => {
    const { plan } = await replayed(recordOf([[1, 'SELECT 1']]), server, {}, { user: 'clerk' });
    expect(plan.warnings).toEqual([
      expect.stringMatching(/^\d+ programs of the target cannot be read: .* is not seen: shop\./),
    ]);
  });
});

test('an account with SELECT, SHOW VIEW, TRIGGER and EVENT sees every program, one without them no body', async () => {
  await admin.query(`
    CREATE EVENT shop.nightly ON SCHEDULE EVERY 1 DAY DISABLE DO DELETE FROM shop.notes;
    CREATE USER sees@'127.0.0.1';
    GRANT SELECT, SHOW VIEW, TRIGGER, EVENT ON *.* TO sees@'127.0.0.1'`);
  const kindsOf = async (user: string): Promise<[kind: string, isSeen: boolean][]> => {
    const target = await mysqlTargets((asked) => Promise.resolve(asked)).open(
      { ...server.address, user, passwordFrom: null },
      { readOnly: true, lockWait: 1_000 },
      new AbortController().signal,
    );
    const programs = await target.programs();
    await target.close();
    return programs.map(({ kind, body }) => [kind, body !== null]);
  };
  const all = await kindsOf('sees');
  const kinds = ['event', 'function', 'procedure', 'trigger', 'view'];
  expect([...new Set(all.map(([kind]) => kind))].sort()).toEqual(
    isMariadb ? ['event', 'function', 'package', ...kinds.slice(2)] : kinds,
  );
  expect(all.every(([, isSeen]) => isSeen)).toBe(true);
  const clerk = await kindsOf('clerk');
  // MariaDB says that there are triggers, but for 10.5; MySQL does not.
  const tells = isMariadb && !server.version.startsWith('10.5.');
  expect(clerk.some(([kind]) => kind === 'trigger')).toBe(tells);
  expect(clerk.some(([kind, isSeen]) => kind === 'event' || isSeen)).toBe(false);
});

test('a target as it is installed has no program that is refused, and nothing hidden', async () => {
  const fresh = await startRecorderServer();
  try {
    const own = await fresh.admin();
    await own.query("CREATE USER replayer@'127.0.0.1'; GRANT ALL ON *.* TO replayer@'127.0.0.1'");
    await own.end();
    const { plan } = await replayed(recordOf([[1, 'CALL p()']]), fresh);
    expect(plan).toMatchObject({ sent: 1, warnings: [] });
  } finally {
    await fresh.stop();
  }
});
