import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { createConnection, type Connection } from 'mysql2/promise';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { chosenServer } from '../../scripts/server-programs.ts';
import type { LogSettings } from '../../src/source/mysql/log/log-settings.ts';
import type { SwappedLog } from '../../src/source/mysql/log/swapped-log.ts';
import type { LoggedStatement } from '../../src/core/workloads/statements.ts';
import {
  drainFrozen,
  readGeneration,
  rowsOf,
  startLogging,
  startRecorderServer,
  type RecorderServer,
} from '../support/recorder-server.ts';
import { waitUntil } from '../support/waiting.ts';
import { needs } from '../support/skips.ts';

const { family, tree, version } = chosenServer(() => undefined);
const isMysql = family === 'mysql';
/** From 10.6 on. */
const preparesUse = family === 'mariadb' && !version.startsWith('10.5.');

let server: RecorderServer;
let admin: Connection;
let log: SwappedLog;
let settings: LogSettings;
let generation = 2;

beforeAll(async () => {
  // A server whose own clock shows another zone than ours: no time may depend on it.
  server = await startRecorderServer({ environment: { TZ: 'America/St_Johns' } });
  admin = await server.admin();
  await admin.query('SET SESSION sql_log_off = 1');
  await admin.query(
    "CREATE DATABASE shop; CREATE DATABASE `we ird`; CREATE TABLE shop.t (a VARCHAR(100) CHARACTER SET utf8mb4, b BLOB); CREATE USER u2@'%' IDENTIFIED BY 'pw'; GRANT ALL ON *.* TO u2@'%'; CREATE USER limited@'%'; GRANT SELECT ON shop.* TO limited@'%'",
  );
  // Of MariaDB it is the default.
  await admin.query('SET GLOBAL local_infile = ON');
  ({ log, settings } = await startLogging(server));
});
afterAll(async () => {
  await log.restore(settings, generation);
  await log.close();
  await admin.end();
  await server.stop();
});
beforeEach(async () => {
  await drainFrozen(log);
});

/** Runs `work` and returns what was recorded of it. */
async function recorded(work: () => Promise<void>): Promise<LoggedStatement[]> {
  await log.swap(generation++);
  await drainFrozen(log);
  await work();
  await log.swap(generation);
  const statements = await readGeneration(log, generation);
  await log.drop(generation++);
  return statements;
}

/** A session whose `end` waits until the server has heard of it, and logged it. */
async function client(
  options: { database?: string; user?: string; charset?: string } = {},
): Promise<Connection> {
  const session = await createConnection({
    host: '127.0.0.1',
    port: server.port,
    user: 'root',
    multipleStatements: true,
    charset: 'utf8mb4',
    ...options,
  });
  const { threadId } = session;
  const end = session.end.bind(session);
  session.end = async () => {
    await end();
    await waitUntil(async () => {
      const [rows] = await admin.query(
        'SELECT 1 FROM information_schema.PROCESSLIST WHERE ID = ?',
        [threadId],
      );
      return (rows as unknown[]).length === 0;
    });
  };
  return session;
}

/** Waits until the server says that a session has been idle for some seconds. */
function whenIdle({ threadId }: Connection, seconds: number): Promise<unknown> {
  return waitUntil(async () => {
    const rows = await rowsOf(
      admin,
      `SELECT TIME AS idle FROM information_schema.PROCESSLIST WHERE ID = ${threadId}`,
    );
    return Number(rows[0]?.['idle']) >= seconds;
  });
}

function brief(statement: LoggedStatement): unknown[] {
  return [statement.kind, statement.sql, statement.db, statement.flags.join(',')];
}

test('a session is followed from its login to its end', async () => {
  const statements = await recorded(async () => {
    const session = await client({ database: 'shop' });
    await session.query('SELECT 1');
    await session.query('USE `we ird`');
    await session.query('SELECT 2; USE shop; SELECT 3');
    await session.query('SELECT no_such_column').catch(() => undefined);
    await session.changeUser({ user: 'u2', password: 'pw', database: 'we ird' });
    await session.query('SELECT 4');
    await session.end();
  });
  expect(statements.map(brief)).toEqual([
    ['connect', 'root@localhost on shop using TCP/IP', 'shop', ''],
    ['query', 'SELECT 1', 'shop', ''],
    ['query', 'USE `we ird`', 'shop', ''],
    ...(isMysql
      ? [
          ['query', 'SELECT 2;', 'we ird', ''],
          ['query', 'USE shop;', 'we ird', ''],
          ['query', 'SELECT 3', 'shop', ''],
        ]
      : [['query', 'SELECT 2; USE shop; SELECT 3', 'we ird', '']]),
    ['query', 'SELECT no_such_column', 'shop', ''],
    ['change_user', 'u2@localhost on we ird using TCP/IP', 'we ird', ''],
    ['query', 'SELECT 4', 'we ird', ''],
    ['quit', '', 'we ird', ''],
  ]);
  expect(statements.map(({ user, host }) => `${user ?? ''}@${host ?? ''}`)).toEqual([
    ...Array<string>(isMysql ? 7 : 5).fill('root@localhost'),
    ...Array<string>(3).fill('u2@localhost'),
  ]);
  expect(new Set(statements.map(({ session }) => session)).size).toBe(1);
});

test('sessions that were there before are known from the processlist', async () => {
  const session = await client({ database: 'shop' });
  const sessions = await log.sessions();
  expect(sessions).toContainEqual({
    session: session.threadId,
    user: 'root',
    host: 'localhost',
    db: 'shop',
    memory: null,
  });
  expect(sessions.some(({ user }) => user === 'recorder')).toBe(false);
  log.restoreSessions(sessions);
  const statements = await recorded(async () => {
    await session.query('SELECT 1');
  });
  expect(statements.map(brief)).toEqual([['query', 'SELECT 1', 'shop', '']]);
  await session.end();
});

test('characters of four bytes and every other arrive whole', async () => {
  const text = "SELECT '😀 é \u0000 \\n \u{10ffff}', `a\nb` FROM (SELECT 1 AS `a\nb`) AS x";
  const statements = await recorded(async () => {
    const session = await client();
    await session.query(text);
    await session.execute('SELECT ?', ['😀é']);
    session.destroy();
  });
  expect(statements.map(brief).slice(1, 4)).toEqual([
    ['query', text, null, ''],
    ['prepare', 'SELECT ?', null, ''],
    ['execute', "SELECT '😀é'", null, ''],
  ]);
  expect(statements.every(({ bytes }) => bytes === null)).toBe(true);
});

test('text that looks like a byte that was escaped is flagged where the server escapes bytes', async () => {
  const statements = await recorded(async () => {
    const session = await client();
    await session.query("SELECT '\\xC3 \\x41'");
    session.destroy();
  });
  expect(statements.map(brief).at(1)).toEqual([
    'query',
    "SELECT '\\xC3 \\x41'",
    null,
    isMysql ? '' : 'lossy',
  ]);
});

test('prepared statements are recorded with their values, binary ones flagged or with their bytes', async () => {
  const statements = await recorded(async () => {
    const session = await client();
    await session.execute('INSERT INTO shop.t VALUES (?, ?)', [
      "it's ?",
      Buffer.from([0xff, 0x41]),
    ]);
    await session.execute('INSERT INTO shop.t VALUES (?, ?)', ['x', null]);
    session.destroy();
  });
  expect(statements.map(brief).slice(1, 4)).toEqual([
    ['prepare', 'INSERT INTO shop.t VALUES (?, ?)', null, ''],
    isMysql
      ? ['execute', "INSERT INTO shop.t VALUES ('it\\'s ?', '\ufffdA')", null, '']
      : ['execute', "INSERT INTO shop.t VALUES ('it\\'s ?', '\\\\xFFA')", null, 'lossy'],
    ['execute', "INSERT INTO shop.t VALUES ('x', NULL)", null, ''],
  ]);
  expect(statements.map(({ bytes }) => bytes?.toString('latin1') ?? null).slice(1, 4)).toEqual([
    null,
    isMysql ? "INSERT INTO shop.t VALUES ('it\\'s ?', '\xffA')" : null,
    null,
  ]);
});

test('statements of the text protocol that prepare and execute are recorded once', async () => {
  const statements = await recorded(async () => {
    const session = await client();
    await session.query(
      "PREPARE p FROM 'SELECT ?'; SET @a = 1; EXECUTE p USING @a; EXECUTE p USING @a",
    );
    await session.query('EXECUTE p USING @a');
    if (!isMysql) await session.query("EXECUTE IMMEDIATE 'SELECT 5'");
    await session.execute('SELECT ?', ['7']);
    session.destroy();
  });
  const own = statements.slice(1).filter(({ flags }) => !flags.includes('echo'));
  const echoes = statements.filter(({ flags }) => flags.includes('echo'));
  if (isMysql) {
    expect(own.map(brief)).toEqual([
      ['query', 'PREPARE p FROM ...', null, 'partial'],
      ['prepare', 'SELECT ?', null, ''],
      ['query', 'SET @a = 1;', null, ''],
      ['query', 'EXECUTE p USING @a;', null, ''],
      ['query', 'EXECUTE p USING @a', null, ''],
      ['query', 'EXECUTE p USING @a', null, ''],
      ['prepare', 'SELECT ?', null, ''],
      ['execute', "SELECT '7'", null, ''],
    ]);
    expect(echoes.map(({ kind, sql }) => [kind, sql])).toEqual([
      // Prepared again, because the parameter turned out to be a number.
      ['prepare', 'SELECT ?'],
      ...Array<unknown>(3).fill(['execute', 'SELECT 1']),
    ]);
  } else {
    expect(own.map(({ kind }) => kind)).toEqual(['query', 'query', 'query', 'prepare', 'execute']);
    expect(echoes).toHaveLength(6);
  }
});

test('a statement that was prepared while the log was off is flagged where it has no values', async () => {
  await admin.query('SET GLOBAL general_log = OFF');
  const session = await client();
  const statement = await session.prepare('SELECT ? AS a');
  await admin.query('SET GLOBAL general_log = ON');
  const statements = await recorded(async () => {
    await statement.execute([1]);
    await session.execute('SELECT ? AS b', [2]);
  });
  session.destroy();
  expect(statements.map(brief)).toEqual(
    isMysql
      ? [
          // Prepared again, because the parameter turned out to be a number.
          ['prepare', 'SELECT ? AS a', null, ''],
          ['execute', 'SELECT 1 AS a', null, ''],
          ['prepare', 'SELECT ? AS b', null, ''],
          ['prepare', 'SELECT ? AS b', null, ''],
          ['execute', 'SELECT 2 AS b', null, ''],
        ]
      : [
          ['execute', 'SELECT ? AS a', null, 'unreplayable'],
          ['prepare', 'SELECT ? AS b', null, ''],
          ['execute', 'SELECT 2 AS b', null, ''],
        ],
  );
});

test('statements of 20 MB are recorded whole, or flagged where the server cuts them, between small ones', async () => {
  const long = `SELECT LENGTH('${'x?;use '.repeat(3_500_000)}é')`;
  const statements = await recorded(async () => {
    const session = await client();
    await session.query('SELECT 1');
    await session.query(long);
    await session.query('SELECT 2');
    session.destroy();
  });
  expect(statements).toHaveLength(4);
  // MySQL's column is a MEDIUMBLOB.
  const kept = isMysql ? long.slice(0, 2 ** 24 - 1) : long;
  expect(statements[2]?.sql === kept).toBe(true);
  expect(statements[2]?.flags).toEqual(isMysql ? ['partial'] : []);
  expect(statements[3]?.sql).toBe('SELECT 2');
});

test('times are UTC, whatever the zone of the session', async () => {
  const zones = ['+05:00', '-07:00', '+09:00', 'SYSTEM'];
  const start = new Date().toISOString();
  const statements = await recorded(async () => {
    for (const zone of zones) {
      const session = await client();
      await session.query(`SET time_zone = '${zone}'`);
      await session.query(`SELECT '${zone}'`);
      await session.end();
    }
  });
  const end = new Date().toISOString();
  const times = statements.map(({ time }) => time);
  expect(times).toHaveLength(16);
  for (const time of times) expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  expect([...times].sort()).toEqual(times);
  expect((times[0] ?? '') > start.slice(0, -1) && (times.at(-1) ?? '') < end).toBe(true);
});

describe('a change of database that fails', () => {
  test('changes nothing when it is refused, be it asked for by USE, COM_CHANGE_USER or a login', async () => {
    const statements = await recorded(async () => {
      const session = await client({ database: 'shop', user: 'limited' });
      await session.query('USE `we ird`').catch(() => undefined);
      await session.query('SELECT 1');
      await session.query('USE shop');
      await session.changeUser({ user: 'u2', password: 'wrong' }).catch(() => undefined);
      // MySQL ends a session that may not become another user's.
      if (!isMysql) await session.query('SELECT 2');
      session.destroy();
      await client({ database: 'we ird', user: 'limited' }).catch(() => undefined);
    });
    expect(statements.filter(({ kind }) => kind === 'query').map(brief)).toEqual([
      ['query', 'USE `we ird`', 'shop', ''],
      ['query', 'SELECT 1', 'shop', ''],
      ['query', 'USE shop', 'shop', ''],
      ...(isMysql ? [] : [['query', 'SELECT 2', 'shop', '']]),
    ]);
    expect(
      statements.filter(({ sql }) => sql.startsWith('Access denied')).map(({ kind }) => kind),
    ).toEqual(Array(3).fill('connect'));
  });

  test('is put right as soon as the session pauses, where the log does not say that it failed', async () => {
    const session = await client({ database: 'shop' });
    const dbs: (string | null)[] = [];
    await recorded(async () => {
      await session.query('USE no_such').catch(() => undefined);
      await session.query('SELECT 1; SELECT no_such_column; USE `we ird`').catch(() => undefined);
    });
    await waitUntil(async () => {
      // MariaDB says in milliseconds for how long a session has been idle, MySQL in seconds.
      if (isMysql) await whenIdle(session, 2);
      const [statement] = await recorded(async () => {
        await session.query('SELECT 2');
      });
      dbs.push(statement?.db ?? null);
      return statement?.db === 'shop';
    });
    // MySQL logs nothing of a text behind the statement that fails.
    const asked = isMysql ? 'no_such' : 'we ird';
    expect(new Set(dbs)).toEqual(new Set(dbs.length === 1 ? ['shop'] : [asked, 'shop']));
    session.destroy();
  });
});

test(
  'a USE is followed where it stands, but not in the body of a procedure',
  needs(!preparesUse, 'it is of MySQL and MariaDB 10.5, which prepare no USE'),
  async () => {
    const statements = await recorded(async () => {
      const session = await client({ database: 'shop' });
      await session.query('/*!40000 USE `we ird` */');
      await session.query('SELECT 1; /* a */ USE shop; SELECT 2');
      await session.query(
        "CREATE PROCEDURE p() BEGIN SELECT 'a; USE x; b'; PREPARE u FROM 'SELECT 3'; EXECUTE u; END; SELECT 4",
      );
      await session.query('CALL p; USE `we ird`');
      if (!isMysql) {
        await session.query(
          "BEGIN NOT ATOMIC SELECT 4; EXECUTE IMMEDIATE 'SELECT 5'; END; SELECT 6",
        );
      }
      await session.execute('SELECT ?', ['5']);
      session.destroy();
    });
    expect(statements.slice(1).map(({ kind, sql, db }) => [kind, sql.slice(0, 16), db])).toEqual([
      ['query', '/*!40000 USE `we', 'shop'],
      ...(isMysql
        ? [
            ['query', 'SELECT 1;', 'we ird'],
            ['query', '/* a */ USE shop', 'we ird'],
            ['query', 'SELECT 2', 'shop'],
            ['query', 'CREATE PROCEDURE', 'shop'],
            ['query', 'SELECT 4', 'shop'],
            ['query', 'CALL p;', 'shop'],
            ['query', 'USE `we ird`', 'shop'],
          ]
        : [
            ['query', 'SELECT 1; /* a *', 'we ird'],
            ['query', 'CREATE PROCEDURE', 'shop'],
            ['query', 'CALL p; USE `we ', 'shop'],
            ['query', 'BEGIN NOT ATOMIC', 'we ird'],
          ]),
      ['prepare', 'SELECT ?', 'we ird'],
      ['execute', "SELECT '5'", 'we ird'],
    ]);
    expect(statements.flatMap(({ flags }) => flags)).toEqual([]);
  },
);

test(
  'a USE is followed in every protocol, but not in the body of a procedure (MariaDB from 10.6 on: others prepare no USE)',
  needs(preparesUse, 'MySQL and MariaDB 10.5 prepare no USE'),
  async () => {
    const statements = await recorded(async () => {
      const session = await client({ database: 'shop' });
      await session.query('/*!40000 USE `we ird` */');
      await session.query("SELECT 1; PREPARE u FROM 'USE shop'; EXECUTE u");
      await session.query("SELECT 2; EXECUTE IMMEDIATE 'USE `we ird`'");
      await session.query('SELECT 3');
      await session.execute('USE shop');
      await session.query("BEGIN NOT ATOMIC SELECT 4; EXECUTE IMMEDIATE 'SELECT 5'; END; SELECT 6");
      await session.execute('SELECT ?', [7]);
      session.destroy();
    });
    const own = statements.slice(1).filter(({ flags }) => !flags.includes('echo'));
    expect(own.map(({ kind, sql, db }) => [kind, sql.slice(0, 12), db])).toEqual([
      ['query', '/*!40000 USE', 'shop'],
      ['query', 'SELECT 1; PR', 'we ird'],
      ['query', 'SELECT 2; EX', 'shop'],
      ['query', 'SELECT 3', 'we ird'],
      ['prepare', 'USE shop', 'we ird'],
      ['execute', 'USE shop', 'we ird'],
      ['query', 'BEGIN NOT AT', 'shop'],
      ['prepare', 'SELECT ?', 'shop'],
      ['execute', 'SELECT 7', 'shop'],
    ]);
  },
);

test('after a text-protocol statement that failed, the binary protocol is no echo of it', async () => {
  const statements = await recorded(async () => {
    const session = await client();
    const before = await session.prepare('SELECT ? AS a');
    await session.query("PREPARE p FROM 'SELECT FROM'").catch(() => undefined);
    // MySQL's row of a PREPARE has no text: a Prepare row directly behind it could be its own.
    if (isMysql) await session.query('SELECT 0');
    const statement = await session.prepare('SELECT ? AS b');
    await session.query('EXECUTE p').catch(() => undefined);
    await statement.execute(['1']);
    await session.query('EXECUTE unknown; EXECUTE unknown').catch(() => undefined);
    await before.execute(['2']);
    session.destroy();
  });
  expect(statements.slice(1).map(({ kind, sql, flags }) => [kind, sql, flags.join()])).toEqual([
    ['prepare', 'SELECT ? AS a', ''],
    ...(isMysql
      ? [
          ['query', 'PREPARE p FROM ...', 'partial'],
          ['query', 'SELECT 0', ''],
        ]
      : [['query', "PREPARE p FROM 'SELECT FROM'", '']]),
    ['prepare', 'SELECT ? AS b', ''],
    ['query', 'EXECUTE p', ''],
    ['execute', "SELECT '1' AS b", ''],
    ['query', isMysql ? 'EXECUTE unknown;' : 'EXECUTE unknown; EXECUTE unknown', ''],
    ['execute', "SELECT '2' AS a", ''],
  ]);
});

test.each([
  ['latin1', 'é', 'e9'],
  ['gbk', '你好', 'c4e3bac3'],
  ['sjis', '表計', '955c8c76'],
])(
  'a statement in %s is flagged where its bytes are not what was received, or has them',
  async (charset, text, hex) => {
    const statements = await recorded(async () => {
      const session = await client({ charset });
      await session.query(`SELECT '${text}'`);
      await session.query("SELECT 'plain'");
      session.destroy();
    });
    expect(statements.slice(1).map(({ flags }) => flags.join())).toEqual([
      isMysql ? '' : 'lossy',
      '',
    ]);
    expect(statements.slice(1).map(({ bytes }) => bytes?.toString('hex') ?? null)).toEqual([
      isMysql ? Buffer.from("SELECT ''").toString('hex', 0, 8) + hex + '27' : null,
      null,
    ]);
  },
);

test('what a client sends after LOAD DATA LOCAL is in no log: it is flagged', async () => {
  const statements = await recorded(async () => {
    const session = await client({ database: 'shop' });
    await session.query({
      sql: "LOAD DATA LOCAL INFILE 'x' INTO TABLE t",
      infileStreamFactory: () => Readable.from([Buffer.from('a\tb\n')]),
    });
    session.destroy();
  });
  expect(statements.at(-1)?.flags).toEqual(['unreplayable']);
});

test('the command-line client is followed through its own use and delimiters', async () => {
  const statements = await recorded(async () => {
    const script =
      'use shop\nSELECT 1;\nuse no_such\nSELECT 2;\nDELIMITER //\nSELECT 3; SELECT 4//\nuse `we ird`\nSELECT 5//\n';
    // MariaDB's client encrypts what goes through a socket where the server offers it.
    const options = [
      '--no-defaults',
      '--force',
      '--comments',
      '-uroot',
      `--socket=${server.socket}`,
    ];
    const [command = '', ...args] =
      isMysql && tree !== null
        ? ['chroot', tree, 'mysql', ...options, '--commands']
        : ['mariadb', ...options, '--skip-ssl'];
    const program = spawn(command, args, { stdio: ['pipe', 'ignore', 'ignore'] });
    program.stdin.end(script);
    await once(program, 'close');
  });
  const asides = ['SELECT DATABASE()', 'select @@version_comment limit 1'];
  const own = statements.filter(({ sql }) => !asides.includes(sql));
  expect(own.map(({ kind, sql }) => `${kind} ${sql}`)).toEqual([
    'connect root@localhost on  using Socket',
    'init_db shop',
    'query SELECT 1',
    'query SELECT 2',
    ...(isMysql
      ? [
          'query SELECT 3;',
          'query SELECT 4',
          // Its own client asks how the server spells a quoted name, and goes back before it goes there.
          'query use `we ird`',
          'init_db shop',
        ]
      : ['query SELECT 3; SELECT 4']),
    'init_db we ird',
    'query SELECT 5',
    'quit ',
  ]);
  expect(own.at(-2)?.db).toBe('we ird');
});

test('open transactions are known with the time they began', async () => {
  const session = await client();
  const start = Date.now();
  await admin.query('CREATE TABLE shop.i (a INT) ENGINE = InnoDB');
  await session.query('START TRANSACTION; INSERT INTO shop.i VALUES (1)');
  const [open, ...others] = await log.openTransactions();
  expect(others).toEqual([]);
  expect(open?.session).toBe(session.threadId);
  // In whole seconds.
  expect(Date.parse(open?.since ?? '')).toBeGreaterThan(start - 2_000);
  expect(Date.parse(open?.since ?? '')).toBeLessThanOrEqual(Date.now());
  await session.end();
});

describe('a long reader of the log table', () => {
  test('does not stall the clients until it has read, and the swap is made in the end', async () => {
    const reader = await server.admin();
    const session = await client();
    const waits = async (state: string): Promise<boolean> =>
      (
        await rowsOf(
          admin,
          `SELECT 1 FROM information_schema.PROCESSLIST WHERE STATE LIKE '${state}'`,
        )
      ).length > 0;
    const is = { read: false, swapped: false };
    const reading = reader
      .query('SELECT SLEEP(2.5) FROM mysql.general_log LIMIT 1')
      .then(() => (is.read = true));
    await waitUntil(() => waits('User sleep'));
    let answered = 0;
    const swap = log.swap(generation++).then(() => (is.swapped = true));
    while (!is.swapped) {
      await session.query('SELECT 1');
      if (!is.read) answered++;
    }
    await swap;
    expect((await drainFrozen(log)).length).toBeGreaterThanOrEqual(answered);
    // A client that waited for as long as the table is read would have one answer, or a few.
    expect(answered).toBeGreaterThan(10);
    await reading;
    await reader.end();
    await session.end();
  });
});
