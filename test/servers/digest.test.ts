import type { Connection, RowDataPacket } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chosenServer } from '../../scripts/server-programs.ts';
import { digestText } from '../../src/sql/digest.ts';
import { KEYWORDS } from '../../src/sql/keywords.ts';
import { serverDigestKey } from '../../src/sql/server-digest.ts';
import {
  KEYWORD_NAMES,
  NAMES,
  randomFrom,
  StatementForms,
  StatementText,
  TABLES,
} from '../sql/statement-forms.ts';
import { startServer, type DatabaseServer } from '../support/database-server.ts';
import { needs } from '../support/skips.ts';

const { kind } = chosenServer(() => undefined);
const hasFunction = kind === 'mysql-9.7';

/** `DIGEST_SEED=n` looks at other statements. */
const SEED = Number(process.env['DIGEST_SEED'] ?? 16);
const STATEMENTS = 10_000;
/** Texts of one form: they differ in what no digest may show. */
const TEXTS_OF_FORM = 4;

/**
 * A deliberate difference from the server's digests, told by what takes it out of the texts: `theirs`
 * where ours puts together more, `ours` where the server does. docs/digests.md says why.
 */
interface Rule {
  readonly name: string;
  readonly theirs?: (text: string) => string;
  readonly ours?: (text: string) => string;
}

const SYNONYMS = new Map([
  ['<>', '!='],
  ['CHAR', 'CHARACTER'],
  ['CURRENT_TIMESTAMP', 'NOW'],
  ['DAY', 'SQL_TSI_DAY'],
  ['DESCRIBE', 'EXPLAIN'],
  ['DISTINCT', 'DISTINCTROW'],
  ['HOUR', 'SQL_TSI_HOUR'],
  ['INT', 'INTEGER'],
  ['COLUMNS', 'FIELDS'],
  ['MONTH', 'SQL_TSI_MONTH'],
  ['REGEXP', 'RLIKE'],
  ['SECOND', 'SQL_TSI_SECOND'],
  ['VARCHAR', 'VARCHARACTER'],
]);

/** Until it changes nothing more. */
function repeated(text: string, change: (text: string) => string): string {
  const changed = change(text);
  return changed === text ? text : repeated(changed, change);
}

const LITERAL = String.raw`(?:\?|\(\?\+\))`;

const RULES: readonly Rule[] = [
  {
    name: 'TRUE and FALSE are values',
    theirs: (text) => text.replaceAll(/(?<!IS |IS NOT )\b(?:TRUE|FALSE)\b/g, '?'),
  },
  {
    name: 'a character set before a literal belongs to it',
    theirs: (text) => text.replaceAll('(_charset) ?', '?'),
  },
  {
    name: 'DATE, TIME and TIMESTAMP before a literal belong to it',
    theirs: (text) => text.replaceAll(/\b(?:DATE|TIME|TIMESTAMP) \?/g, '?'),
  },
  {
    name: 'a sign before a literal belongs to it',
    theirs: (text) =>
      text.replaceAll(/(?<=\b(?:DISTINCTROW|ALL|SQL_NO_CACHE|STRAIGHT_JOIN)|\*\/) [-+] \?/g, ' ?'),
  },
  {
    name: 'adjacent string literals are one',
    theirs: (text) => repeated(text, (one) => one.replaceAll(/(\?|\.\.\.) \?/g, '$1')),
  },
  {
    name: 'a number in ORDER BY and GROUP BY is a value',
    theirs: (text) =>
      text.replaceAll(
        /(?<=BY (?:.*, )?)\b\d+\b(?= ,| ASC| DESC| \)| LIMIT| FOR| LOCK| ON|$)/g,
        '?',
      ),
  },
  {
    name: 'a list of literals is (?+), whatever is in it',
    theirs: (text) =>
      repeated(
        text
          .replaceAll(/\((?:\?|\.\.\.)\)(?: \/\* , \.\.\. \*\/)?/g, '(?+)')
          .replaceAll(/\?(?:, \.\.\.)+/g, '?'),
        (one) =>
          one.replaceAll(
            new RegExp(
              String.raw`\( ${LITERAL}(?: , ${LITERAL})* \)|\(\?\+\) , \(\?\+\)(?= [,)])`,
              'g',
            ),
            '(?+)',
          ),
      ),
  },
  {
    name: 'literals and lists beside one another are counted, but for rows',
    theirs: (text) => repeated(text, (one) => one.replaceAll(/(\?|\(\?\+\)) , \1/g, '$1')),
    ours: (text) => repeated(text, (one) => one.replaceAll(/(\?|\(\?\+\)), \1/g, '$1')),
  },
  {
    name: 'a row behind VALUES that equals the one before it counts once',
    theirs: (text) =>
      repeated(text, (one) =>
        one.replaceAll(/(?<=VALUES? .*)((?:ROW )?\((?:[^()]|\( \)|\(\?\+\))*\)) , \1/g, '$1'),
      ),
  },
  {
    name: 'the case of a name that is a word of the grammar counts, and its quotes do not',
    theirs: (text) =>
      text.replaceAll(/`(\w+)`/g, (name, word: string) =>
        KEYWORDS.has(word.toUpperCase()) ? word.toUpperCase() : name,
      ),
    ours: (text) =>
      text.replaceAll(/`?\b(\w+)\b`?/g, (name, word: string) =>
        KEYWORDS.has(word.toUpperCase()) ? word.toUpperCase() : name,
      ),
  },
  {
    name: 'synonyms are told apart',
    theirs: (text) => text.replaceAll(/<>|\b[A-Z]+\b/g, (word) => SYNONYMS.get(word) ?? word),
    ours: (text) => text.replaceAll(/<>|\b[A-Z]+\b/g, (word) => SYNONYMS.get(word) ?? word),
  },
  {
    name: 'the name of a variable counts',
    ours: (text) => text.replaceAll(/@\w+/g, '@?'),
  },
];

/** Statements that are one for the one side and two for the other: both, and both texts of both. */
function disagreements(
  statements: readonly string[],
  theirs: readonly string[],
  ours: readonly string[],
  rules: readonly Rule[],
): string[][] {
  const sides = [
    theirs.map((text) => rules.reduce((one, rule) => rule.theirs?.(one) ?? one, text)),
    ours.map((text) => rules.reduce((one, rule) => rule.ours?.(one) ?? one, text)),
  ];
  return [sides, sides.toReversed()].flatMap(([these = [], others = []]) => {
    const first = new Map<string, number>();
    return these.flatMap((text, i) => {
      const other = first.get(text);
      if (other === undefined) first.set(text, i);
      if (other === undefined || others[other] === others[i]) return [];
      return [
        [statements[other] ?? '', statements[i] ?? '', text, others[other] ?? '', others[i] ?? ''],
      ];
    });
  });
}

let server: DatabaseServer;
let connection: Connection;

beforeAll(async () => {
  server = await startServer({ options: ['--performance-schema=ON'] });
  connection = await server.admin();
  const columns = [...NAMES, ...KEYWORD_NAMES].map((name) => `\`${name}\` INT`);
  const wide = Array.from({ length: 120 }, (_, i) => `column_${i} INT`);
  // The names of columns have no case.
  const all = [...new Map([...columns, ...wide].map((one) => [one.toLowerCase(), one])).values()];
  await connection.query(
    `CREATE DATABASE shop; CREATE DATABASE digests; USE digests; SET NAMES utf8mb4; ${TABLES.map(
      (table) => `CREATE TABLE \`${table.replace('.', '`.`')}\` (${all.join(', ')});`,
    ).join(' ')}`,
  );
});
afterAll(async () => {
  await connection.end();
  await server.stop();
});

/** They change how the session reads what comes, or what the server does. */
const LEFT_OUT = /^\W*(?:\/\*.*\*\/ )?(?:set|kill|lock|flush|use|create|drop|alter|truncate)\b/i;

test('every digest that the server counts is found under the key of ours', async () => {
  const random = randomFrom(SEED);
  const forms = new StatementForms(random);
  const texts = new StatementText(random);
  const wide = Array.from({ length: 120 }, (_, i) => `t.column_${i}`).join(', ');
  const written = [
    `SELECT ${wide} FROM t WHERE a = 1`,
    `INSERT INTO t (a, b) VALUES ${Array.from({ length: 400 }, () => '(1, NOW())').join(', ')}`,
    `SELECT * FROM t WHERE a IN (${Array.from({ length: 3000 }, (_, i) => i).join(', ')})`,
    ...Array.from({ length: 400 }, () => texts.of(forms.next())).filter(
      (sql) => !LEFT_OUT.test(sql),
    ),
  ];
  await connection.query('TRUNCATE performance_schema.events_statements_summary_by_digest');
  const counted: string[] = [];
  for (const [i, sql] of written.entries()) {
    try {
      // On MariaDB, executes of the binary protocol are in no digest.
      await (server.family === 'mysql' && i % 2 === 0
        ? connection.execute(sql)
        : connection.query(sql));
      counted.push(sql);
    } catch (error) {
      // What the server cannot read has no digest; what fails later has one, though not always.
      if (!(error instanceof Error)) throw error;
    }
  }
  const [rows] = await connection.query<RowDataPacket[]>(
    'SELECT DIGEST_TEXT AS text FROM performance_schema.events_statements_summary_by_digest WHERE DIGEST_TEXT IS NOT NULL',
  );
  const keys = new Set(rows.map((row) => serverDigestKey(String(row['text']))));
  expect(counted.filter((sql) => !keys.has(serverDigestKey(digestText(sql))))).toEqual([]);
  expect(counted.length).toBeGreaterThan(50);
});

test('operators and commas between operands tell digests apart, as on the server', async () => {
  const written = [
    ...['1', '1 + 1', '1 - 1', '1, 2', '1 * 2', '(1) + a', '(1), a', '1, a'],
    ...['a + 1', 'a - 1', 'a, 1', "a 'x'", 'a, 1, a', 'a + 1, a', 'a, 1 - a', '-a', '@a - 1'],
    ...['abs(1) - 1', 'abs(1), 1', 'COUNT(*) - 1', 'COUNT(*), 1', 'concat(a, 1)', 'concat(1, a)'],
  ].map((columns) => `SELECT ${columns} FROM t`);
  // With a sign, of each a server's digest or two: all are found.
  const signed = [
    ...['a = -1', 'a > - -1', 'a - -1', 'a IN (-1, 2)', 'NOT -1', '(-1)', 'a BETWEEN -1 AND +1'],
    ...['-(1)', '-(1) + 2', 'a - (-1)', 'CASE -1 WHEN -1 THEN -1 ELSE -1 END', '~-1', 'a * -1'],
  ].map((condition) => `SELECT a FROM t WHERE ${condition}`);
  await connection.query('TRUNCATE performance_schema.events_statements_summary_by_digest');
  for (const sql of [...written, ...signed]) await connection.query(sql);
  const [rows] = await connection.query<RowDataPacket[]>(
    "SELECT DIGEST_TEXT AS text FROM performance_schema.events_statements_summary_by_digest WHERE DIGEST_TEXT LIKE 'SELECT %'",
  );
  const keys = new Set(rows.map((row) => serverDigestKey(String(row['text']))));
  const ours = (statements: string[]) => statements.map((sql) => serverDigestKey(digestText(sql)));
  expect(new Set(ours(written)).size).toBe(written.length);
  expect([...written, ...signed].filter((sql) => !keys.has(ours([sql])[0] ?? ''))).toEqual([]);
});

describe(
  'agreement with the digests of MySQL',
  needs(hasFunction, 'this server has no STATEMENT_DIGEST_TEXT'),
  () => {
    const statements: string[] = [];
    const theirs: string[] = [];
    let ours: string[] = [];

    beforeAll(async () => {
      const random = randomFrom(SEED);
      const forms = new StatementForms(random);
      const texts = new StatementText(random);
      let refused = 0;
      while (statements.length < STATEMENTS) {
        const form = forms.next();
        const written = Array.from({ length: TEXTS_OF_FORM }, () => texts.of(form));
        const digests = await askFor(connection, written);
        if (digests === null) refused++;
        else {
          statements.push(...written);
          theirs.push(...digests);
        }
      }
      expect(refused * TEXTS_OF_FORM).toBeLessThan(STATEMENTS / 5);
      ours = statements.map((sql) => digestText(sql));
    });
    test('10,000 statements fall into the same groups, but for the differences that we want', () => {
      expect(disagreements(statements, theirs, ours, RULES).slice(0, 3)).toEqual([]);
      expect(new Set(ours).size).toBeGreaterThan(1000);
    });

    test.each(RULES)('a difference that we want is there: $name', (rule) => {
      const others = RULES.filter((one) => one !== rule);
      expect(disagreements(statements, theirs, ours, others)).not.toEqual([]);
    });
  },
);

/** The server's digest texts; null when it refuses one of the statements. */
async function askFor(
  connection: Connection,
  statements: readonly string[],
): Promise<string[] | null> {
  const columns = statements.map((_, i) => `STATEMENT_DIGEST_TEXT(?) AS d${i}`);
  try {
    const [[row]] = await connection.query<RowDataPacket[]>(`SELECT ${columns.join(', ')}`, [
      ...statements,
    ]);
    return statements.map((_, i) => String(row?.[`d${i}`]));
  } catch {
    return null;
  }
}
