import fc from '../support/properties.ts';
import { describe, expect, test } from 'vitest';
import type { StatementRecord } from '../../src/core/workloads/statements.ts';
import { SQL_HEADER } from '../../src/workload/sql-format.ts';
import { sqlText } from './statements.ts';

function aRecord(about: Partial<StatementRecord> = {}): StatementRecord {
  return {
    seq: 3,
    time: '2026-11-22T02:00:00.000000Z',
    session: 7,
    user: 'app',
    host: '10.0.0.5',
    db: 'shop',
    kind: 'query',
    sql: 'SELECT 1',
    ...about,
  };
}

/** The SQL of one record, in a stream whose database is already the record's, without the place line. */
function sqlOf(about: Partial<StatementRecord>): string {
  const text = sqlText([aRecord(about)], 'shop').text.toString();
  return text.slice(text.indexOf('\n') + 1);
}

/** Lines that are not comments. */
function codeLines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('-- '));
}

describe('a workload as SQL', () => {
  test('says of each statement where it comes from and selects its database once', () => {
    const { text, db } = sqlText([
      aRecord(),
      aRecord({ seq: 4, sql: 'SELECT 2' }),
      aRecord({ seq: 5, db: 'we`ird' }),
    ]);
    expect(text.toString()).toBe(
      [
        '-- 3 2026-11-22T02:00:00.000000Z session 7 app@10.0.0.5 db shop',
        'USE `shop`;',
        'SELECT 1;',
        '-- 4 2026-11-22T02:00:00.000000Z session 7 app@10.0.0.5 db shop',
        'SELECT 2;',
        '-- 5 2026-11-22T02:00:00.000000Z session 7 app@10.0.0.5 db we`ird',
        'USE `we``ird`;',
        'SELECT 1;',
        '',
      ].join('\n'),
    );
    expect(db).toBe('we`ird');
    expect(codeLines(SQL_HEADER)).toEqual([]);
  });

  test('has the text of a PREPARE that the server wrote without it, also in the next batch', () => {
    const unprepared = new Map<number, string>();
    const hidden = aRecord({ sql: 'PREPARE p FROM ...', flags: ['partial'] });
    const other = aRecord({ session: 8, kind: 'prepare', sql: 'SELECT 8' });
    const first = sqlText([hidden, other], 'shop', unprepared);
    const { text } = sqlText(
      [
        aRecord({ kind: 'prepare', sql: "SELECT 'a\\n', ?" }),
        aRecord({ kind: 'prepare', sql: 'SELECT 7' }),
        aRecord({ sql: 'EXECUTE p' }),
      ],
      first.db,
      unprepared,
    );
    expect(codeLines(first.text.toString())).toEqual([]);
    expect(codeLines(text.toString())).toEqual([
      "PREPARE p FROM 'SELECT ''a\\\\n'', ?';",
      'EXECUTE p;',
    ]);
  });

  test('selects the database again after a statement that may have changed it', () => {
    const { text } = sqlText([aRecord({ sql: 'USE other' }), aRecord()], 'shop');
    expect(codeLines(text.toString())).toEqual(['USE other;', 'USE `shop`;', 'SELECT 1;']);
  });

  test.each([
    ['a trailing semicolon', 'SELECT 1 ;  ', 'SELECT 1 ;  \n'],
    ['semicolons in strings', `SELECT ';', "a;", \`;\``, `SELECT ';', "a;", \`;\`;\n`],
    ['a line comment at its end', 'SELECT 1 -- x', 'SELECT 1 -- x\n;\n'],
    [
      'several statements',
      'SELECT 1; SELECT 2',
      'DELIMITER $$\nSELECT 1; SELECT 2\n$$\nDELIMITER ;\n',
    ],
    [
      'the delimiter in it',
      "SELECT '$$'; SELECT '$$1'",
      "DELIMITER $$2\nSELECT '$$'; SELECT '$$1'\n$$2\nDELIMITER ;\n",
    ],
    ['an escaped quote', String.raw`SELECT 'it\'s; ''q'''`, `SELECT 'it''s; ''q''';\n`],
    ['a conditional comment', "/*!40101 SET NAMES 'utf8' */", "/*!40101 SET NAMES 'utf8' */;\n"],
    ['a NULL', String.raw`SELECT \N`, String.raw`SELECT \N;` + '\n'],
  ])('ends a statement with %s so that a client sees one', (_, sql, expected) => {
    expect(sqlOf({ sql })).toBe(expected);
  });

  // With --named-commands each of these ran a command, or lost the line. test/servers/sql-client.test.ts
  // feeds their like to a real client.
  test.each([
    ['SELECT 1\nsystem touch /tmp/x', 'SELECT 1 system touch /tmp/x;\n'],
    ['SELECT *\nFROM t\n  USE INDEX (a)\n', 'SELECT *\nFROM t USE INDEX (a)\n;\n'],
    ['SELECT 1 -- c\n\n source x', 'SELECT 1 source x;\n'],
    ['SELECT 1 # c\r\nexit', 'SELECT 1 exit;\n'],
    ['SELECT 1\n/* c */ tee x', 'SELECT 1 tee x;\n'],
    ['SELECT 1 /*!50000\npager x */', 'SELECT 1 /*!50000 pager x */;\n'],
    ["SELECT 'a\nsystem x\n'", "SELECT 'a\nsystem x\n';\n"],
    ['SELECT /* a\nsystem x */ 1', 'SELECT /* a\nsystem x */ 1;\n'],
    ['SELECT\n  systems,\n  used\nFROM t', 'SELECT\n  systems,\n  used\nFROM t;\n'],
    // Under NO_BACKSLASH_ESCAPES the string would end at the backslash.
    [String.raw`SELECT 'a\'; DROP TABLE t; -- '`, "SELECT 'a''; DROP TABLE t; -- ';\n"],
    [String.raw`SELECT "a\"b", 'c\\', 'd\n'`, String.raw`SELECT "a""b", 'c\\', 'd\n';` + '\n'],
  ])('joins %j so that no line is a command', (sql, expected) => {
    expect(sqlOf({ sql })).toBe(expected);
  });

  test('counts by reason what is only a comment', () => {
    const notRun = new Map<string, number>();
    const records = ['system a', 'quit', 'SELECT 1', ''].map((sql) => aRecord({ sql }));
    sqlText(records, 'shop', new Map(), notRun);
    expect([...notRun]).toEqual([
      ['a client would read it differently from the server', 2],
      ['there is nothing in it to run', 1],
    ]);
  });

  // Looked for one after the other, these took hours.
  test('finds a delimiter for a megabyte of delimiters in one walk', () => {
    const taken = Array.from({ length: 200_000 }, (_, n) => `$$${n}`).join(' ');
    expect(sqlOf({ sql: `SELECT '${taken}'; SELECT 2` })).toContain('DELIMITER $$200000\n');
    expect(sqlOf({ sql: `SELECT '$$12$$$3'; SELECT 2` })).toContain('DELIMITER $$2\n');
    expect(sqlOf({ sql: `SELECT '${'$'.repeat(1_000_000)}'; SELECT 2` })).toContain(
      'DELIMITER $$1\n',
    );
  });

  // Each of these made the mariadb client 10.11 run a command of its own, or swallow what followed.
  test.each([
    String.raw`SELECT 1 \! touch /tmp/x`,
    'system touch /tmp/x',
    '  SOURCE /etc/passwd',
    '/* 1 */ system touch /tmp/x',
    '-- c\nsystem touch /tmp/x',
    '/*! */ source /etc/passwd',
    'SELECT 1 /*! \\! touch /tmp/x\n*/',
    '; system touch /tmp/x',
    "SELECT 'abc",
    'SELECT /* abc',
    "SELECT /*M! ' */ 1",
    "SELECT /*+ ' */ 1",
    'SELECT delimiter FROM t',
    '--1\nsystem touch /tmp/x',
    "SELECT '\0' \n' \\! touch /tmp/x \n '",
    '(SELECT 1)\\G',
    '? me',
  ])('keeps %j from a client', (sql) => {
    expect(codeLines(sqlOf({ sql }))).toEqual([]);
    expect(sqlOf({ sql })).toContain('-- not run: a client would read it differently');
  });

  test('has as comments what is no statement, has no values, was cut or is empty', () => {
    for (const about of [
      { kind: 'connect', sql: 'app@h on shop' },
      { kind: 'prepare', sql: 'SELECT ?\nFROM t' },
      { kind: 'quit', sql: '' },
      { kind: 'close', sql: '' },
      { kind: 'execute', flags: ['unreplayable'] },
      { flags: ['partial'] },
      { sql: ' ' },
      { sql: '/* nothing */' },
      { db: 'a\nb' },
    ] as Partial<StatementRecord>[]) {
      expect(codeLines(sqlOf(about))).toEqual([]);
    }
    expect(sqlOf({ kind: 'execute', sql: 'SELECT 5' })).toBe('SELECT 5;\n');
  });

  test('has as a comment what a password was taken out of: it would make the mark the password', () => {
    const sql = "SET PASSWORD = '<redacted>'";
    expect(codeLines(sqlOf({ sql, flags: ['redacted'] }))).toEqual([]);
    // Of pseudonyms, and of one who wrote the mark themselves, nothing is missing.
    expect(sqlOf({ sql: "SELECT 'x'", flags: ['redacted'] })).toContain("SELECT 'x';");
    expect(sqlOf({ sql: "SELECT '<redacted>'" })).toContain("SELECT '<redacted>';");
  });

  test.each([
    'SELECT 2 /*/*/',
    'SELECT */*/',
    'SELECT 2 /* a /*/ + 1',
    'SELECT 1 \\! */ \\! touch /tmp/x',
    'SELECT 1 /* a */ */ /* b',
  ])('has as a comment %j, whose comments a client begins or ends elsewhere', (sql) => {
    expect(codeLines(sqlOf({ sql }))).toEqual([]);
  });

  test('leaves out the echo of a statement', () => {
    expect(sqlText([aRecord({ kind: 'execute', flags: ['echo'] })]).text.length).toBe(0);
  });

  test('writes bytes that are no UTF-8 as they were received', () => {
    const bytes = Buffer.concat([
      Buffer.from("SELECT '"),
      Buffer.from([0xff, 0xfe]),
      Buffer.from("'"),
    ]);
    const { text } = sqlText(
      [aRecord({ sql: bytes.toString(), bytes: bytes.toString('base64') })],
      'shop',
    );
    expect(text.includes(Buffer.concat([bytes, Buffer.from(';\n')]))).toBe(true);
  });

  test('never lets a comment be left, whatever names and texts hold', () => {
    const hostile = fc.array(
      fc.constantFrom(
        '\n',
        '\r',
        '\u2028',
        '\0',
        '\x1b',
        '*/',
        '/*',
        "'",
        '\\!',
        ';',
        'DROP',
        ' ',
        '\u202e',
        '\u0085',
      ),
    );
    const text = hostile.map((parts) => parts.join(''));
    fc.assert(
      fc.property(
        fc.record({ user: text, host: text, db: text, time: text, sql: text }),
        fc.constantFrom('prepare', 'connect', 'other', 'init_db'),
        (about, kind) => {
          const out = sqlText([aRecord({ ...about, kind: kind as 'prepare' })]).text.toString();
          expect(codeLines(out)).toEqual([]);

          expect(out).not.toMatch(/[\0-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]/);
        },
      ),
    );
  });
});
