import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Digester, digestId, digestText } from '../../src/sql/digest.ts';
import { LONGEST_DIGEST } from '../../src/sql/digest-output.ts';
import fc from '../support/properties.ts';
import { randomFrom, StatementForms, StatementText } from './statement-forms.ts';

interface Pair {
  readonly id: string;
  readonly sql: string;
  readonly ptFingerprint: string;
  readonly mariadbDigestText: string;
  readonly digest: string;
}

const pairs = readFileSync(join(import.meta.dirname, 'digest-pairs.ndjson'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Pair);

describe('statements that pt-fingerprint and MariaDB were asked about', () => {
  test.each(pairs)('$id: $sql', ({ sql, digest }) => {
    expect(digestText(sql)).toBe(digest);
  });
});

/** Texts of one digest, and that digest. */
const CASES: Readonly<Record<string, readonly (readonly [string, ...string[]])[]>> = {
  'white space and comments': [
    ['SELECT a FROM t WHERE b = ? AND (c = ?)', 'select a from t where b=1 and(c=2)'],
    [
      'SELECT a FROM t',
      ' SELECT\ta\nFROM t ;',
      '/* x */ select a -- y\n from t # z',
      'select a from t;;',
    ],
    ['SELECT ?; SELECT ?', 'select 1;select 2;', 'select 1 ; ; select 2'],
    ['SELECT a.b, c.d.* FROM a', 'select a . b, c.d . * from a'],
    ['', '', ' ', ';', '-- x', '/* x */ ;'],
  ],
  literals: [
    [
      'SELECT ?',
      'select 1',
      "select ''",
      'select -1.5e-3',
      "select _utf8mb4 'x'",
      "select n'x'",
      "select x'41'",
    ],
    [
      'SELECT ?',
      "SELECT 'a' 'b'\n'c'",
      "SELECT DATE '2026-01-01'",
      'SELECT NULL',
      'SELECT true',
      'SELECT \\N',
    ],
    [
      'SELECT ?',
      'SELECT ?',
      'SELECT - - 5',
      "SELECT 'unterminated",
      'SELECT "it\'\'s \\" -- x',
      'SELECT `unterminated',
    ],
    ['SELECT ? - ?', 'select 5--3', 'select 5 - 3', 'select 5-3', 'select 5 - -3', 'SELECT ?-?'],
    ['SELECT a - ? FROM t', 'select a-1 from t', 'select a - -1 from t', 'select `a`-? from t'],
    ['SELECT -a, -f(?+), ~?', 'select -a, -f(1), ~1'],
    ['SELECT a IS NULL, b IS NOT TRUE', 'select a is null, b is not true'],
    [
      'SELECT date, `x-y`.time FROM t',
      'SELECT date, `x-y`.time FROM t',
      'select `date`, `x-y` . `time` from t',
    ],
    [
      'SELECT @a, @@SESSION.b',
      'select @a, @@session.b',
      'SELECT @`a`, @@SESSION.`b`',
      `select @'a', @@session.b`,
      'select @"a", @@session.b',
    ],
    ['SET @alpha = ?', "SET @'alpha'=1", 'set @"alpha" = 2'],
    ["SELECT @`x y`, f(@`it's ``b```) INTO @c", `SELECT @'x y', f(@'it''s \`b\`') INTO @"c"`],
    ['EXECUTE s USING @a', "execute s using @'a'"],
    ['GRANT SELECT ON a.* TO app@?, ?@?', "grant select on a.* to app@'%', 'b'@'10.0.0.1'"],
  ],
  lists: [
    [
      'SELECT * FROM t WHERE a IN (?+)',
      'select * from t where a in (1)',
      "select * from t where a in(-1,'b',null)",
      'SELECT * FROM t WHERE a IN (?, ?)',
    ],
    [
      'SELECT * FROM t WHERE (a, b) IN (?+)',
      'select * from t where (a,b) in ((1,2))',
      'select * from t where (a,b) in ((1,2),(3,4))',
    ],
    [
      'INSERT INTO t VALUES (?+)',
      'insert into t values (1)',
      'INSERT INTO t VALUES (1,2),(3,4),(5,6)',
    ],
    [
      'INSERT INTO t VALUES (?, NOW())',
      'insert into t values (1, now())',
      "INSERT INTO t VALUES (1,NOW()),('b',NOW())",
    ],
    ['VALUES ROW (?+)', 'values row(1,2)', 'values row(1,2), row(3,4)'],
    ['SELECT f(?+), ? FROM t LIMIT ?, ?', 'select f(1,2), 3 from t limit 4, 5'],
  ],
  'names and keywords': [
    [
      'SELECT Offset, t.select FROM `group` LIMIT ? OFFSET ?',
      'select Offset, t.`select` from `group` limit 1 offset 2',
      'select `Offset`, t.select from `group` limit 1 Offset 2',
    ],
    [
      'SELECT COUNT(*), MAX(a), concat(b) FROM count',
      'select count(*), Max(a), concat(b) from count',
    ],
    ['SELECT YEAR(d) year FROM t GROUP BY year', 'select year(d) year from t group by year'],
    ['SELECT CAST(a AS DATE), b AS date FROM t', 'select cast(a as date), b as date from t'],
    ['SELECT d + INTERVAL ? DAY day FROM t', 'select d + interval 1 day day from t'],
    [
      'INSERT INTO value (status) VALUE (?+) ON DUPLICATE KEY UPDATE status = VALUES (status)',
      'insert into value (status) value (1) on duplicate key update status = values (status)',
    ],
    ['START TRANSACTION WITH CONSISTENT SNAPSHOT', 'start transaction with consistent snapshot'],
    [
      'CREATE TABLE Status (Name TEXT COMMENT ?, type ENUM(?+))',
      "create table Status (Name text comment 'x', type enum('a','b'))",
    ],
    [
      'SELECT * FROM 1st, größe, `2`, `1e5`',
      'select * from `1st`, `größe`, `2`, `1e5`',
      'select * from 1st, größe, `2`, `1e5`',
    ],
  ],
  'hints and code in comments': [
    [
      'SELECT /*+ MAX_EXECUTION_TIME(?+) NO_MERGE(t) */ a FROM t',
      'select /*+ max_execution_time(1000) no_merge(`t`) */ a from t',
    ],
    ['SELECT a FROM t', 'select a /*+ no_merge(t) */ from t'],
    [
      'SELECT STRAIGHT_JOIN a, ? FROM t',
      'select /*!40001 straight_join */ a /*!99999 , 1 */ from t',
      'select /*M!100100 straight_join */ a, 2 from t',
    ],
  ],
};

describe.each(Object.entries(CASES))('%s', (_, cases) => {
  test.each(cases)('%s', (digest, ...statements) => {
    for (const sql of statements) expect(digestText(sql)).toBe(digest);
  });
});

test('operators, clauses and names that differ make other digests', () => {
  const statements = [
    'SELECT a FROM t WHERE b = 1',
    'SELECT A FROM t WHERE b = 1',
    'SELECT a FROM T WHERE b = 1',
    'SELECT `a ` FROM t WHERE b = 1',
    'SELECT a FROM t WHERE b <> 1',
    'SELECT a FROM t WHERE b != 1',
    'SELECT a FROM t WHERE b = 1 LIMIT 1',
    'SELECT a FROM t WHERE b = 1 LIMIT 1, 1',
    'SELECT a FROM t WHERE b = 1 LIMIT 1 OFFSET 1',
    'SELECT a FROM t WHERE b = c',
    'SELECT a FROM t WHERE b IS NULL',
    'SELECT a FROM t WHERE b = 1 FOR UPDATE',
    'SELECT DISTINCT a FROM t WHERE b = 1',
    'SELECT a FROM t AS x WHERE b = 1',
    'SELECT a, 1 FROM t WHERE b = 1',
    'SELECT a, 1, 1 FROM t WHERE b = 1',
    'SELECT a FROM t WHERE b = - c',
    'SELECT a FROM t1 WHERE b = 1',
    'SELECT a FROM t2 WHERE b = 1',
    'SELECT a FROM t WHERE @b = 1',
    "SELECT a FROM t WHERE @'c' = 1",
    "SELECT a FROM t WHERE @'d' = 1",
    'SELECT /*+ NO_MERGE(t) */ a FROM t WHERE b = 1',
    'SELECT a FROM t WHERE b = 1; COMMIT',
  ];
  expect(new Set(statements.map(digestText)).size).toBe(statements.length);
});

const literal = fc.oneof(
  fc.integer().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => String(n)),
  fc.string().map((text) => `'${text.replaceAll(/['\\]/g, '\\$&')}'`),
  fc.string().map((text) => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '""')}"`),
  fc
    .string({ unit: fc.constantFrom('0', '7', 'a', 'f'), minLength: 1 })
    .map((digits) => `x'${digits}'`),
  fc.string().map((text) => `_utf8mb4'${text.replaceAll(/['\\]/g, '\\$&')}'`),
  fc.constantFrom('NULL', 'TRUE', "DATE'2026-01-01'", '?', "'C:\\\\'", "''", "'a' 'b'"),
);

test('what stands behind a literal is never swallowed', () => {
  fc.assert(
    fc.property(literal, literal, (one, other) => {
      const sql = `SELECT a FROM t WHERE b = ${one} AND c IN (${other}, ${one}) ORDER BY d`;
      expect(digestText(sql)).toBe('SELECT a FROM t WHERE b = ? AND c IN (?+) ORDER BY d');
    }),
  );
});

const random = fc.integer().map((seed) => randomFrom(seed));

test('a statement has one digest with any values, case of keywords, spacing and comments', () => {
  fc.assert(
    fc.property(random, (next) => {
      const form = new StatementForms(next).next();
      const texts = new StatementText(next);
      const [first, ...others] = Array.from({ length: 4 }, () =>
        // Variables have names, which count.
        digestText(texts.of(form).replaceAll(/@ ?[vw]\b/g, '@v')),
      );
      for (const other of others) expect(other).toBe(first);
    }),
  );
});

/** Arbitrary text of what begins and ends literals, comments and lists, and of what stands between. */
const text = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ...["'", '"', '`', '\\', '?', '(', ')', ',', ';', '.', '@', '-', '+', '*', '/', '#', '--'],
        ...[
          '/*',
          '*/',
          '/*+',
          '/*!',
          '/*!50700',
          '\n',
          ' ',
          '=',
          '<',
          '>',
          '!',
          ':',
          '|',
          '&',
          '{',
        ],
        ...[
          'N',
          'x',
          '_utf8',
          'DATE',
          'select',
          'FROM',
          'values',
          'ROW',
          'null',
          'TRUE',
          'IS',
          'not',
        ],
        ...[
          'interval',
          'day',
          'case',
          'end',
          'cast',
          'AS',
          'offset',
          'limit',
          'name',
          'count',
          'a',
        ],
        ...[
          '1',
          '0x1F',
          '1e5',
          '.5',
          '1st',
          '`a`',
          '`a b`',
          '`select`',
          '`1`',
          "'x'",
          "@'x'",
          '(1,2)',
          '(?+)',
        ],
        ...[
          'create',
          'table',
          'update',
          'set',
          'on',
          'duplicate',
          'key',
          'in',
          'é',
          '\xa0',
          '\\xA0',
        ],
        ...['values (1),(2)', '(1,NOW())', '-5', '-- ', '<=', '`offset`'],
      ),
      fc.string({ maxLength: 3 }),
    ),
    { maxLength: 40 },
  )
  .chain((parts) => fc.constantFrom(parts.join(''), parts.join(' ')));

test('a digest text is its own digest', () => {
  fc.assert(
    fc.property(text, (sql) => {
      const digest = digestText(sql);
      expect(digestText(digest)).toBe(digest);
    }),
    { numRuns: 1000 },
  );
});

test('a Digester says of every statement what digestText does, whatever it saw before', () => {
  const digester = new Digester();
  const written = random.map((next) => new StatementText(next).of(new StatementForms(next).next()));
  fc.assert(
    fc.property(fc.oneof(text, written), (sql) => {
      const expected = digestText(sql);
      expect(digester.of(sql)).toEqual({ text: expected, id: digestId(expected) });
      expect(digester.of(`${sql} `).text).toBe(expected);
    }),
    { numRuns: 1000 },
  );
});

/** What a `Digester` says of a statement that stands in a line as JSON; null where it says nothing. */
function digestInLine(digester: Digester, sql: string): string | null {
  const line = Buffer.from(`{"sql":${JSON.stringify(sql)}}\n`);
  const start = '{"sql":"'.length;
  const digest = digester.ofJson(line, start, (from, to) => {
    return String(JSON.parse(line.toString('utf8', from - 1, to + 1)));
  });
  if (digest !== null) expect(line.toString('utf8', digester.end)).toBe('"}\n');
  return digest?.text ?? null;
}

test('a Digester says the same of the bytes of a line, where it says anything', () => {
  const digester = new Digester();
  const written = random.map((next) => new StatementText(next).of(new StatementForms(next).next()));
  fc.assert(
    fc.property(fc.oneof(text, written), (sql) => {
      expect([digestText(sql), null]).toContain(digestInLine(digester, sql));
      expect([digestText(`${sql}\n`), null]).toContain(digestInLine(digester, `${sql}\n`));
    }),
    { numRuns: 500 },
  );
});

test.each([
  ['numbers', 'SELECT a FROM t WHERE b = 1.5e-3 AND c = 2e5 AND d IN (0x1F, 0b01)'],
  ['strings of other kinds', "UPDATE t SET a = x'1F', b = b'01', c = N'd' WHERE e = -5"],
  ['quotes and line ends', `SELECT "a" FROM t\nWHERE b = 'it''s \\\\' # c\n AND d = 1 -- e\n`],
  ['code in comments', '/*!40101 SET NAMES utf8 */;'],
  ['hints', 'SELECT /*+ MAX_EXECUTION_TIME(1000) */ a FROM t'],
  ['names in quotes', 'SELECT `a``b` FROM `größe` WHERE größe = 1'],
  ['rows', "INSERT INTO t (a) VALUES (1, NULL, TRUE), (2, 'b', NULL), (NULL, 'c', 3)"],
])('statements with %s are told from the bytes of their line', (_, sql) => {
  expect(digestInLine(new Digester(), sql)).toBe(digestText(sql));
});

test.each([
  ["SELECT b'1'", 'SELECT b/**/0x1F'],
  ["SELECT x'1F'", 'SELECT x\n0x1F'],
  ["SELECT n'a'", "SELECT n/*! N'a'*/"],
  ["SELECT b'1'", "SELECT b/*! b'1'*/"],
  ["SELECT (b'1')", 'SELECT (b/**/0x1F)'],
  ['SELECT a->b', 'SELECT a-\n>b'],
  ['SELECT a->b', 'SELECT a-/**/>b'],
  ["SELECT a->>'$.b'", "SELECT a-\r>>'$.b'"],
  ["SELECT a->>'$.b'", "SELECT a->\n>'$.b'"],
  ['SELECT a = ->b', 'SELECT a = - >b'],
  ['SELECT a =->>b', 'SELECT a =-/**/>>b'],
  ['SELECT (->b)', 'SELECT (-/**/>b)'],
  ['SELECT a = - <= b', 'SELECT a = - <\n= b'],
  ['SELECT a = -@@b', 'SELECT a = -@/**/@b'],
  ['SELECT /*! a <= */ b', 'SELECT /*! a < */= b'],
])('%j and %j are two statements, whichever was seen first', (one, other) => {
  for (const [first, second] of [
    [one, other],
    [other, one],
  ] as const) {
    expect(digestText(first)).not.toBe(digestText(second));
    const ofTexts = new Digester();
    const ofLines = new Digester();
    for (const sql of [first, second]) {
      expect(ofTexts.of(sql).text).toBe(digestText(sql));
      expect([digestText(sql), null]).toContain(digestInLine(ofLines, sql));
    }
  }
});

test('a line that is none has no digest', () => {
  const digester = new Digester();
  for (const line of [
    'SELECT 1',
    'SELECT 1\n"',
    "SELECT 'a\n'\"",
    'SELECT \\x"',
    'SELECT `a\t`"',
  ]) {
    expect(digester.ofJson(Buffer.from(`${line}\n`), 0, () => line)).toBeNull();
  }
});

test('an id is made of the text alone', () => {
  expect(digestId('SELECT ?')).toBe('66cbb3a40d4bbd15');
});

test('a long digest is cut, and its rest still counts', () => {
  const columns = Array.from({ length: 2000 }, (_, i) => `column_${i}`).join(', ');
  const [first = '', ...others] = [
    `SELECT ${columns} FROM t WHERE a = 1`,
    `SELECT ${columns} FROM t WHERE a = 'other'`,
    `SELECT ${columns} FROM u WHERE a = 1`,
    `SELECT ${columns} FROM t WHERE a = 1 LIMIT 1`,
  ].map(digestText);
  expect(first.length).toBeLessThanOrEqual(LONGEST_DIGEST);
  expect(first).toMatch(/^SELECT column_0, .*, column_\d+,?\.\.\.x[0-9a-f]{16}$/);
  expect(others[0]).toBe(first);
  expect(new Set([first, ...others]).size).toBe(3);
  expect(digestText(first)).toBe(first);
});

test('an INSERT has one digest with one row and with 20,000', () => {
  const row = "(1, 'it''s', NULL, DEFAULT, NOW())";
  const one = `INSERT INTO t VALUES ${row} ON DUPLICATE KEY UPDATE a = 1`;
  const many = `INSERT INTO t VALUES ${Array.from({ length: 20_000 }, () => row).join(',')} ON DUPLICATE KEY UPDATE a = 2`;
  expect(digestText(one)).toBe(
    'INSERT INTO t VALUES (?, ?, ?, DEFAULT, NOW()) ON DUPLICATE KEY UPDATE a = ?',
  );
  expect(digestText(many)).toBe(digestText(one));
  expect(new Digester().of(many).text).toBe(digestText(one));
});

test.each([
  '(',
  ')',
  '((1,',
  '(1),',
  "'",
  '`',
  '/*',
  '/*+',
  'SELECT /*+ ',
  '-',
  '+(',
  '- ',
  ';',
  'a.',
  '@',
  'CASE ',
  'VALUES (',
  'a(1),',
  '/*!',
  '\\',
  "''",
  '(?+)',
])('a long text of %s takes time in proportion to its length', (part) => {
  const timeOf = (length: number): number => {
    const sql = part.repeat(length / part.length);
    const start = process.cpuUsage();
    digestText(sql);
    new Digester().of(`VALUES ${sql}`);
    return process.cpuUsage(start).user / 1000;
  };
  // Quadratic, the second would take 64 times as long as the first.
  const short = timeOf(15_000);
  expect(timeOf(120_000)).toBeLessThan(24 * Math.max(short, 20));
});
