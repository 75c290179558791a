import { describe, expect, test } from 'vitest';
import type { LoggedStatement } from '../../../../src/core/workloads/statements.ts';
import { flavorOf } from '../../../../src/source/mysql/connection/flavor.ts';
import { OwnConnections } from '../../../../src/source/mysql/connection/own-connections.ts';
import { PacketCutter } from '../../../../src/source/mysql/connection/row-packets.ts';
import { SessionTracker } from '../../../../src/source/mysql/reading/session-tracker.ts';
import { StatementDecoder } from '../../../../src/source/mysql/reading/statement-decoder.ts';

/** A row of mysql.general_log: session, command, text, and who when that changes. */
type LogRow = readonly [session: number, command: string, text: string | Buffer, who?: string];

const APP = 'app[app] @ web1 [10.0.0.7]';

/** The bytes of a row as a server sends it: each field with its length before it, in one packet. */
function packetOf(fields: readonly (string | Buffer)[]): Buffer {
  const parts = fields.flatMap((field) => {
    const bytes = Buffer.from(field);
    const length = Buffer.from([0xfc, bytes.length & 0xff, bytes.length >> 8]);
    return [bytes.length < 0xfb ? Buffer.from([bytes.length]) : length, bytes];
  });
  const payload = Buffer.concat(parts);
  const header = Buffer.alloc(4);
  header.writeUIntLE(payload.length, 0, 3);
  return Buffer.concat([header, payload]);
}

/** Reads the rows as the recorder does when a server of this version sends them. */
function read(version: string, rows: readonly LogRow[]): LoggedStatement[] {
  const flavor = flavorOf(version);
  const form = { anyBytes: flavor.textIsBlob, cutAt: Infinity, zones: null };
  const decoder = new StatementDecoder(
    new SessionTracker(flavor),
    new OwnConnections('recorder'),
    form,
  );
  const statements: LoggedStatement[] = [];
  const packets = rows.map(([session, command, text, who = APP], index) => {
    const time = `2026-11-21 20:00:00.${String(index).padStart(6, '0')}`;
    return packetOf([time, who, String(session), command, text]);
  });
  new PacketCutter().push(Buffer.concat(packets), {
    take: (span) => {
      const statement = decoder.decode(span);
      if (statement !== null) statements.push(statement);
    },
    piece: () => undefined,
  });
  return statements;
}

const short = ({ kind, db, sql, flags }: LoggedStatement): unknown[] => [kind, db, sql, flags];

const MYSQL = ['5.7.44-log', '8.4.2', '9.7.4-2'];
const MARIADB = ['10.5.23-MariaDB-log', '10.11.19-MariaDB', '11.8.9-MariaDB'];

describe.each([...MYSQL, ...MARIADB])('%s', (version) => {
  test('the life of a session: login, databases, prepared statements, end', () => {
    const rows: LogRow[] = [
      [12, 'Connect', 'app@web1 on shop using SSL/TLS', '[app] @ web1 [10.0.0.7]'],
      [12, 'Query', 'SET NAMES utf8mb4'],
      [12, 'Init DB', 'stock'],
      [12, 'Prepare', 'SELECT id FROM users WHERE username = ?'],
      [12, 'Execute', "SELECT id FROM users WHERE username = 'Roberto'"],
      [12, 'Reset stmt', ''],
      [12, 'Close stmt', ''],
      [12, 'Field List', 'users '],
      [12, 'Statistics', ''],
      [12, 'Change user', 'ops@web1 on admin', 'ops[ops] @ web1 [10.0.0.7]'],
      [12, 'Query', 'SELECT 1', 'ops[ops] @ web1 [10.0.0.7]'],
      [12, 'Quit', '', 'ops[ops] @ web1 [10.0.0.7]'],
    ];
    const statements = read(version, rows);
    expect(statements.map(short)).toEqual([
      ['connect', 'shop', 'app@web1 on shop using SSL/TLS', []],
      ['query', 'shop', 'SET NAMES utf8mb4', []],
      ['init_db', 'stock', 'stock', []],
      ['prepare', 'stock', 'SELECT id FROM users WHERE username = ?', []],
      ['execute', 'stock', "SELECT id FROM users WHERE username = 'Roberto'", []],
      ['other', 'stock', '', []],
      ['close', 'stock', '', []],
      ['other', 'stock', 'users ', []],
      ['other', 'stock', '', []],
      ['change_user', 'admin', 'ops@web1 on admin', []],
      ['query', 'admin', 'SELECT 1', []],
      ['quit', 'admin', '', []],
    ]);
    expect(statements.map(({ user }) => user)).toEqual([
      ...Array.from({ length: 9 }, () => 'app'),
      ...Array.from({ length: 3 }, () => 'ops'),
    ]);
    expect(new Set(statements.map(({ host }) => host))).toEqual(new Set(['web1']));
    expect(statements[1]?.time).toBe('2026-11-21T20:00:00.000001Z');
  });

  test.each([
    ['root@localhost on  using Socket', null],
    ['root@localhost on app using TCP/IP', 'app'],
    ['root@localhost on app using Named Pipe', 'app'],
    ['root@localhost on app using Shared Memory', 'app'],
    ['testuser@localhost as anonymous on testdb', 'testdb'],
    ['proxied@web1 as real on shop using SSL/TLS', 'shop'],
  ])('the login %s leads to the database %s', (text, db) => {
    const [statement] = read(version, [[3, 'Connect', text]]);
    expect(statement?.db).toBe(db);
  });

  test('a refused login is two rows and no session', () => {
    const denied = "Access denied for user 'app'@'web1' (using password: YES)";
    const statements = read(version, [
      [13, 'Connect', 'app@web1 on shop using TCP/IP'],
      [13, 'Connect', denied],
    ]);
    expect(statements.map(({ sql }) => sql)).toEqual(['app@web1 on shop using TCP/IP', denied]);
  });

  test('replicas and their commands are other rows', () => {
    const statements = read(version, [
      [20, 'Register Slave', ''],
      [20, 'Register Replica', ''],
      [20, 'Binlog Dump', "Log: 'binlog.000002'  Pos: 4"],
      [20, 'Binlog Dump GTID', "Log: ''  Pos: 4  GTIDs: ''"],
      [20, 'Reset Connection', ''],
    ]);
    expect(new Set(statements.map(({ kind }) => kind))).toEqual(new Set(['other']));
  });
});

describe.each(MYSQL)('%s', (version) => {
  test('has the bytes of a statement as they came, whatever their character set', () => {
    const latin1 = Buffer.from("SELECT 'caf\xe9'", 'latin1');
    const [first, second] = read(version, [
      [5, 'Query', latin1],
      [5, 'Query', "SELECT '😀 café'"],
    ]);
    expect(first?.bytes?.equals(latin1)).toBe(true);
    expect(second).toMatchObject({ sql: "SELECT '😀 café'", bytes: null, flags: [] });
  });

  test('writes each statement of a query of several as a row of its own', () => {
    const statements = read(version, [
      [6, 'Connect', 'app@web1 on shop using TCP/IP'],
      [6, 'Query', 'USE stock'],
      [6, 'Query', 'SELECT 1'],
    ]);
    expect(statements.map(({ db }) => db)).toEqual(['shop', 'shop', 'stock']);
  });

  test('hides the text of PREPARE, which the Prepare row has, and passwords by itself', () => {
    const statements = read(version, [
      [7, 'Query', 'PREPARE stmt FROM ...'],
      [7, 'Prepare', 'SELECT ? + 1'],
      [7, 'Query', 'EXECUTE stmt USING @a'],
      [7, 'Execute', 'SELECT 41 + 1'],
      [7, 'Query', "CREATE USER 'x'@'%' IDENTIFIED WITH 'caching_sha2_password' AS '<secret>'"],
      [7, 'Query', "SET PASSWORD FOR 'x'@'%'=<secret>"],
    ]);
    const flags = statements.map((statement) => statement.flags);
    // What stands in the place of a password is taken out as if it were one.
    expect(flags).toEqual([['partial'], [], [], ['echo'], ['redacted'], ['redacted']]);
  });

  test('prepares again when the type of a parameter changed: recorded once all the same', () => {
    const statements = read(version, [
      [7, 'Connect', 'app@web1 on shop using TCP/IP'],
      [7, 'Query', 'PREPARE p FROM ...'],
      [7, 'Prepare', 'select * from a where i = ?'],
      [7, 'Query', 'execute p using @a'],
      [7, 'Prepare', 'select * from a where i = ?'],
      [7, 'Execute', 'select * from a where i = 1.5'],
      // One that failed, and then a client's own.
      [7, 'Query', 'execute p'],
      [7, 'Prepare', 'select * from b where i = ?'],
      [7, 'Execute', 'select * from b where i = 2'],
    ]);
    expect(statements.map(({ kind, flags }) => [kind, ...flags].join(' '))).toEqual([
      'connect',
      'query partial',
      'prepare',
      'query',
      'prepare echo',
      'execute echo',
      'query',
      'prepare',
      'execute',
    ]);
  });

  test("what a client prepares behind an EXECUTE of the same text is the client's", () => {
    const statements = read(version, [
      [7, 'Connect', 'app@web1 on shop using TCP/IP'],
      [7, 'Query', 'PREPARE p FROM ...'],
      [7, 'Prepare', 'SELECT ?'],
      [7, 'Query', 'EXECUTE p USING @a'],
      [7, 'Execute', 'SELECT 1'],
      [7, 'Prepare', 'SELECT ?'],
      [7, 'Execute', "SELECT '7'"],
    ]);
    expect(statements.slice(4).map(({ flags }) => flags)).toEqual([['echo'], [], []]);
  });

  test('text that looks like an escaped byte is text', () => {
    const [statement] = read(version, [[8, 'Query', "SELECT '\\xC3'"]]);
    expect(statement?.flags).toEqual([]);
  });

  test('a statement prepared before the log was on has no values', () => {
    const [statement] = read(version, [[8, 'Execute', 'SELECT ? + 1']]);
    expect(statement?.flags).toEqual(['unreplayable']);
  });
});

describe.each(MARIADB)('%s', (version) => {
  test('bulk executions are executions', () => {
    const [statement] = read(version, [[9, 'Bulk_execute', 'INSERT INTO t VALUES (1)']]);
    expect(statement?.kind).toBe('execute');
  });

  test('prepares again after the first try: the rows that repeat are echoes', () => {
    const statements = read(version, [
      [7, 'Connect', 'app@web1 on shop using TCP/IP'],
      [7, 'Query', "prepare p from 'select * from a where i = ?'"],
      [7, 'Prepare', 'select * from a where i = ?'],
      [7, 'Query', 'execute p using @a'],
      [7, 'Execute', 'select * from a where i = 1'],
      [7, 'Prepare', 'select * from a where i = ?'],
      [7, 'Execute', 'select * from a where i = 1'],
      [7, 'Query', 'execute p using @a'],
      [7, 'Execute', 'select * from a where i = 1'],
      [7, 'Prepare', 'select 7'],
      [7, 'Execute', 'select 7'],
    ]);
    expect(statements.map(({ kind, flags }) => [kind, ...flags].join(' '))).toEqual([
      'connect',
      'query',
      'prepare echo',
      'query',
      'execute echo',
      'prepare echo',
      'execute echo',
      'query',
      'execute echo',
      'prepare',
      'execute',
    ]);
  });

  test("what a client prepares behind an EXECUTE IMMEDIATE is the client's, whatever its text", () => {
    const statements = read(version, [
      [7, 'Connect', 'app@web1 on shop using TCP/IP'],
      [7, 'Query', "EXECUTE IMMEDIATE 'SELECT 5'"],
      [7, 'Prepare', 'SELECT 5'],
      [7, 'Execute', 'SELECT 5'],
      [7, 'Prepare', 'SELECT ?'],
      [7, 'Execute', "SELECT '7'"],
    ]);
    expect(statements.slice(2).map(({ flags }) => flags)).toEqual([['echo'], ['echo'], [], []]);
  });

  test('a statement of several is one row, and its last USE counts', () => {
    const statements = read(version, [
      [10, 'Query', 'SELECT 1; USE stock; SELECT 2'],
      [10, 'Query', 'SELECT 3'],
    ]);
    expect(statements.map(({ db }) => db)).toEqual([null, 'stock']);
  });
});
