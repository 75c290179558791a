import type { ServerFamily } from '../../scripts/server-programs.ts';
import { COMMAND, command, int32 } from './raw-client.ts';

/**
 * Sessions as no driver sends them: what is empty, broken, unknown, refused, in several statements or
 * none, and what runs inside of others. Each is one session's commands; `number` makes names unique. Not among them:
 * a COM_REGISTER_SLAVE that is too short ends MariaDB 10.5.23 by signal 6.
 */
export function oddSessions(
  family: ServerFamily,
  number: number,
): readonly (readonly [name: string, commands: readonly Buffer[]])[] {
  // MariaDB numbers statements across the sessions of a cached thread; this means the last prepared.
  const last = int32(family === 'mariadb' ? 0xffffffff : 1);
  const nowhere = int32(77);
  const sql = (...texts: readonly (string | Buffer)[]): Buffer[] =>
    texts.map((text) => command(COMMAND.query, text));
  const prepare = (text: string): Buffer => command(COMMAND.prepare, text);
  const execute = (id: Buffer, ...rest: readonly Buffer[]): Buffer =>
    command(COMMAND.execute, id, bytes(0), int32(1), ...rest);
  const executeWith = (value: number): Buffer => execute(last, bytes(0, 1, 3, 0), int32(value));
  const executeCursor = command(COMMAND.execute, last, bytes(1), int32(1));
  const bulk = (id: Buffer): Buffer =>
    command(
      COMMAND.bulkExecute,
      id,
      bytes(128, 0, 3, 0),
      ...[1, 2, 3].flatMap((value) => [bytes(0), int32(value)]),
    );
  const changeUser = (user: string): Buffer =>
    command(
      COMMAND.changeUser,
      `${user}\0`,
      bytes(0),
      '\0',
      bytes(45, 0),
      'mysql_native_password\0',
    );
  const name = `odd.o${number}`;
  return [
    ['nothing but the login', []],
    ['empty texts', sql('', '   ', '\0', ';', ';;;', '/* x */', '-- x', '# x')],
    ['a NUL behind and within', sql('SELECT 1\0', 'SELECT 1\0; SELECT 2')],
    ['text behind the last `;`', sql('SELECT 1; -- x', 'SELECT 1; /* x */', 'SELECT 1; /* open')],
    ['several', sql('SELECT 1; SELECT 2', 'SELECT 1;; SELECT 2', '; SELECT 1', 'BEGIN; COMMIT')],
    ['several, the first of which fails', sql('SELECT x; SELECT 2', 'SELEC 1; SELECT 2')],
    ['several, the second of which fails', sql('SELECT 1; SELECT x', 'SELECT 1; SELEC 2')],
    [
      'comments that are code',
      sql(
        '/*!50000 SELECT 1; */',
        '/*!50000 SELECT 1; SELECT 2 */',
        '/*!50000 SELECT 1 */; SELECT 2',
        'SELECT 1 /*!999999 ; SELECT 3 */; SELECT 2',
        'SELECT 1 /*M!100100 ; SELECT 3 */; SELECT 2',
      ),
    ],
    ['quotes by ANSI', sql("SET sql_mode = 'ANSI_QUOTES'", 'SELECT 1 AS "a;b"; SELECT 2')],
    [
      'backslashes that escape nothing',
      sql("SET sql_mode = 'NO_BACKSLASH_ESCAPES'", "SELECT 'a\\'; SELECT 2; SELECT 'b;c'"),
    ],
    [
      'characters whose second byte is a backslash',
      sql('SET NAMES gbk', Buffer.from("SELECT '\x81\x5c'; SELECT 2; SELECT 3", 'latin1')),
    ],
    ['bytes that are no characters', sql(Buffer.from("SELECT '\xff\xfe'", 'latin1'))],
    [
      'SET, also what is none and what fails',
      sql(
        'SET @a = 1; SET @b = 2',
        '/* x */ SET @a = 1',
        '  SET @a = 1',
        'SET @a = = 1',
        'SET @@nonesuch = 1',
        'SET(1)',
        'SET ROLE NONE',
        'SET STATEMENT max_statement_time = 1 FOR SELECT 1',
        'SET PASSWORD FOR nobody@nowhere = 1',
      ),
    ],
    ['SET, prepared', [prepare('SET @a = ?'), executeWith(1), executeWith(2)]],
    [
      'options of the protocol',
      [command(COMMAND.setOption, bytes(0, 0)), command(COMMAND.setOption, bytes(9, 0))],
    ],
    ['prepared and closed', [prepare('SELECT 1'), execute(last), command(COMMAND.close, last)]],
    ['never executed', [prepare('SELECT 1'), prepare('SELECT 2;')]],
    ['not to be prepared', [prepare(''), prepare('SELEC 1'), prepare('SELECT 1; SELECT 2')]],
    [
      'unknown statements',
      [
        execute(nowhere),
        bulk(nowhere),
        command(COMMAND.fetch, nowhere, int32(1)),
        command(COMMAND.reset, nowhere),
        command(COMMAND.close, nowhere),
        command(COMMAND.longData, nowhere, bytes(0, 0), 'abc'),
      ],
    ],
    ['a broken execute', [command(COMMAND.execute, bytes(1))]],
    ['an empty execute', [command(COMMAND.execute)]],
    ['a broken bulk', [command(COMMAND.bulkExecute, bytes(1))]],
    ['a broken fetch', [command(COMMAND.fetch, bytes(1))]],
    ['broken long data', [command(COMMAND.longData, bytes(0))]],
    ['executed without its values', [prepare('SELECT ?'), execute(last)]],
    [
      'executed with other types',
      [
        prepare('SELECT ?'),
        executeWith(1),
        execute(last, bytes(0, 1, 253, 0), bytes(3), text('abc')),
      ],
    ],
    [
      'prepared again',
      [
        ...sql(`CREATE TABLE ${name}_again (a INT)`),
        prepare(`SELECT * FROM ${name}_again`),
        execute(last),
        ...sql(`ALTER TABLE ${name}_again ADD b INT`),
        execute(last),
        execute(last),
        ...sql(`DROP TABLE ${name}_again`),
        execute(last),
      ],
    ],
    [
      'a cursor',
      [
        prepare('SELECT 1 UNION SELECT 2'),
        executeCursor,
        command(COMMAND.fetch, last, int32(1)),
        command(COMMAND.fetch, last, int32(9)),
        command(COMMAND.reset, last),
      ],
    ],
    [
      'long data',
      [
        prepare('SELECT ?'),
        command(COMMAND.longData, last, bytes(0, 0), 'abc'),
        execute(last, bytes(0, 1, 252, 0)),
      ],
    ],
    [
      'a bulk',
      [
        ...sql(`CREATE TABLE ${name}_bulk (a INT)`),
        prepare(`INSERT INTO ${name}_bulk VALUES (?)`),
        bulk(last),
      ],
    ],
    [
      'databases',
      [
        command(COMMAND.initDb, 'odd'),
        command(COMMAND.initDb, 'nonesuch'),
        command(COMMAND.initDb, ''),
        ...sql('USE odd', 'USE nonesuch'),
        command(COMMAND.createDb, 'odd2'),
        command(COMMAND.dropDb, 'odd2'),
      ],
    ],
    [
      'field lists',
      [
        command(COMMAND.fieldList, 'db\0', '%'),
        command(COMMAND.initDb, 'mysql'),
        command(COMMAND.fieldList, 'db\0', '%'),
        command(COMMAND.fieldList, 'nonesuch\0', '%'),
        command(COMMAND.fieldList, 'db'),
      ],
    ],
    [
      'administration',
      [
        command(COMMAND.refresh, bytes(8)),
        command(COMMAND.statistics),
        command(COMMAND.processInfo),
        command(COMMAND.processKill, int32(999_999)),
        command(COMMAND.debug),
        command(COMMAND.ping),
        command(COMMAND.resetConnection),
      ],
    ],
    ['a broken refresh', [command(COMMAND.refresh)]],
    ['a broken kill', [command(COMMAND.processKill)]],
    ...[
      ...[COMMAND.sleep, COMMAND.connect, COMMAND.time, COMMAND.delayedInsert, COMMAND.tableDump],
      ...[COMMAND.connectOut, COMMAND.daemon, COMMAND.binlogDumpGtid],
      ...[33, 100, 200, 249, 251, 252, 253, 254, 255],
    ].map((one) => [`command ${one}`, [command(one, 'x')]] as const),
    [
      'a replica without a log',
      [command(COMMAND.binlogDump, int32(4), bytes(1, 0), int32(9), 'nonesuch')],
    ],
    ['a change of user', [changeUser('root'), ...sql('SELECT 1')]],
    ['a refused change of user', [changeUser('nobody'), ...sql('SELECT 1')]],
    ['a broken change of user', [command(COMMAND.changeUser, 'root'), ...sql('SELECT 1')]],
    [
      'prepared by text',
      sql(
        "PREPARE s FROM 'SELECT ?'",
        'EXECUTE s',
        'SET @a = 1',
        'EXECUTE s USING @a',
        "SET @a = 'x'",
        'EXECUTE s USING @a',
        "PREPARE s FROM 'SELECT 2'",
        'EXECUTE s',
        "PREPARE s FROM 'SELEC 1'",
        'EXECUTE s',
        'DEALLOCATE PREPARE s',
      ),
    ],
    [
      'prepared to prepare',
      [
        prepare("PREPARE x FROM 'SELECT 1'"),
        execute(last),
        ...sql('EXECUTE x'),
        prepare('EXECUTE x'),
        execute(last),
        prepare('DEALLOCATE PREPARE x'),
        execute(last),
      ],
    ],
    [
      'executed at once',
      [
        ...sql("EXECUTE IMMEDIATE 'SELECT 1'", "EXECUTE IMMEDIATE 'SELEC 1'"),
        prepare("EXECUTE IMMEDIATE 'SELECT 1'"),
        execute(last),
      ],
    ],
    [
      'compound statements',
      [
        ...sql(
          'BEGIN NOT ATOMIC SELECT 1; SELECT 2; END',
          'SELECT 1; BEGIN NOT ATOMIC SELECT 1; SELECT 2; END',
          'IF 1 THEN SELECT 1; END IF',
          'l: BEGIN NOT ATOMIC SELECT 1; SELECT 2; END',
          "BEGIN NOT ATOMIC EXECUTE IMMEDIATE 'SELECT 1'; END",
        ),
        prepare('BEGIN NOT ATOMIC SELECT 1; SELECT 2; END'),
        execute(last),
      ],
    ],
    [
      'blocks by Oracle',
      sql(
        "SET sql_mode = 'ORACLE'",
        'BEGIN SELECT 1; SELECT 2; END',
        'DECLARE x INT; BEGIN SELECT 1; SELECT 2; END',
      ),
    ],
    [
      'procedures',
      [
        ...sql(
          `CREATE PROCEDURE ${name}_two() BEGIN SELECT 1; SELECT 2; END`,
          `CREATE PROCEDURE ${name}_dynamic() BEGIN PREPARE s FROM 'SELECT 1'; EXECUTE s; END`,
          `CREATE PROCEDURE ${name}_fails() BEGIN SELECT 1; SELECT * FROM odd.nonesuch; END`,
          `CALL ${name}_two()`,
          `CALL ${name}_dynamic()`,
          `CALL ${name}_fails()`,
          'CALL odd.nonesuch()',
        ),
        prepare(`CALL ${name}_two()`),
        execute(last),
      ],
    ],
    [
      'functions and triggers',
      sql(
        `CREATE FUNCTION ${name}_f() RETURNS INT NO SQL BEGIN SET @x = 1; SET @y = 2; RETURN 3; END`,
        `SELECT ${name}_f(), ${name}_f()`,
        `CREATE TABLE ${name}_t (a INT)`,
        `/* c */ CREATE DEFINER = \`root\`@\`localhost\` TRIGGER ${name}_g BEFORE INSERT ON ${name}_t FOR EACH ROW BEGIN SET @x = NEW.a; SET @y = 2; END`,
        `INSERT INTO ${name}_t VALUES (1), (2), (3)`,
      ),
    ],
    [
      'ended by itself',
      sql('SELECT 1', 'KILL QUERY CONNECTION_ID()', 'SELECT 2', 'KILL CONNECTION_ID()', 'SELECT 3'),
    ],
    ['over time', sql('SET STATEMENT max_statement_time = 0.01 FOR SELECT SLEEP(1)')],
    ['status set to zero', sql('FLUSH STATUS', 'FLUSH LOCAL STATUS')],
    [
      'a file that is not there',
      sql("LOAD DATA LOCAL INFILE '/nonesuch' INTO TABLE mysql.nonesuch"),
    ],
    [
      'diagnostics',
      sql('GET DIAGNOSTICS @n = NUMBER', 'SHOW WARNINGS', "SIGNAL SQLSTATE '45000'", "HELP 'x'"),
    ],
    ['transactions', sql("XA START 'a'", "XA END 'a'", "XA ROLLBACK 'a'", 'BEGIN', 'ROLLBACK')],
    [
      'a temporary table',
      sql(`CREATE TEMPORARY TABLE ${name}_temporary (a INT)`, `HANDLER ${name}_temporary OPEN`),
    ],
  ];
}

const bytes = (...values: readonly number[]): Buffer => Buffer.from(values);
const text = (value: string): Buffer => Buffer.from(value);
