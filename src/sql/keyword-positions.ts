import { FUNCTIONS, KEYWORDS, RESERVED } from './keywords.ts';
import { wordSet } from './words.ts';

/**
 * What a word is that no digest may fold without looking at its place:
 * `reserved` never is a name unless behind a dot or `@`, `other` is a keyword or a name by its place.
 */
export interface KnownWord {
  /** In capitals. */
  readonly text: string;
  readonly isReserved: boolean;
}

/** A power of two, and four times as many as there are words. */
const SLOTS = 1 << 12;
const table = new Array<KnownWord | undefined>(SLOTS).fill(undefined);
/** By the first and the last character of a word: a bit for each length that there are words of. */
const lengths = new Uint32Array(1 << 12);
let longest = 0;
for (const text of [...RESERVED, ...KEYWORDS, ...FUNCTIONS]) {
  longest = Math.max(longest, text.length);
  const ends = endsOf(text, 0, text.length);
  lengths[ends] = (lengths[ends] ?? 0) | (1 << (text.length & 31));
  let slot = slotOf(text, 0, text.length);
  while (table[slot] !== undefined && table[slot]?.text !== text) slot = (slot + 1) & (SLOTS - 1);
  table[slot] ??= { text, isReserved: RESERVED.has(text) };
}
const LONGEST = longest;

/** The keyword that a text spells in whatever case; null for a text that can be a name only. */
export function knownWord(text: string): KnownWord | null {
  return knownWordAt(text, 0, text.length);
}

/**
 * The same of a part of a text, which need not be cut out for that: names are the most of a statement, and
 * with a `Map` it was a quarter of the time of a digest.
 */
export function knownWordAt(sql: string, start: number, end: number): KnownWord | null {
  const length = end - start;
  if (length > LONGEST || length === 0) return null;
  if ((((lengths[endsOf(sql, start, end)] ?? 0) >>> (length & 31)) & 1) === 0) return null;
  for (let slot = slotOf(sql, start, end); ; slot = (slot + 1) & (SLOTS - 1)) {
    const word = table[slot];
    if (word === undefined) return null;
    if (isSpelt(word.text, sql, start, end)) return word;
  }
}

/** The first and the last character: most names have others than any word of their length. */
function endsOf(sql: string, start: number, end: number): number {
  return (sixBitsOf(sql.charCodeAt(start)) << 6) | sixBitsOf(sql.charCodeAt(end - 1));
}

/** The same for a capital and its small letter. */
function sixBitsOf(code: number): number {
  return (code & 0x1f) | ((code & 0x40) >> 1);
}

/** The same in capitals and in small letters. */
function slotOf(sql: string, start: number, end: number): number {
  let hash = end - start;
  for (let i = start; i < end; i++) hash = Math.imul(hash, 31) + (sql.charCodeAt(i) | 0x20);
  return (hash ^ (hash >>> 12)) & (SLOTS - 1);
}

/** Whether a text is the word, in capitals or in small letters of ASCII. */
function isSpelt(word: string, sql: string, start: number, end: number): boolean {
  if (word.length !== end - start) return false;
  for (let i = start; i < end; i++) {
    const code = sql.charCodeAt(i);
    const capital = code >= 0x61 && code <= 0x7a ? code & ~0x20 : code;
    if (capital !== word.charCodeAt(i - start)) return false;
  }
  return true;
}

/** Where a word stands. Tokens are as a digest has them: keywords in capitals, `?` for values. */
export interface Place {
  /** The token before, and the one before that; `NAME` for any name, empty where there is none. */
  readonly before: string;
  readonly beforeThat: string;
  /** Whether what is before can be the end of an expression. */
  readonly isBehindOperand: boolean;
  /** The token behind, a word in capitals; `NAME` for a name in quotes, empty where there is none. */
  readonly next: string;
  readonly isStatement: 'data' | 'other';
  readonly definesObject: boolean;
  /** Whether the innermost bracket is that of `CAST` or `CONVERT`. */
  readonly isInCast: boolean;
  readonly isInInterval: boolean;
  readonly isInCase: boolean;
}

/** Stands for every name in a `Place`. */
export const NAME = 'name';
/** Stands for every value. */
export const VALUE = '?';

/** What is followed by a name that may have a list in brackets behind it. */
const BEFORE_NAME_WITH_LIST = wordSet(
  'INTO TABLE EXISTS REFERENCES KEY INDEX VIEW IGNORE INSERT REPLACE DELAYED LOW_PRIORITY HIGH_PRIORITY WITH RECURSIVE AS PROCEDURE FUNCTION CALL CONSTRAINT COLUMN ADD AFTER CHANGE MODIFY',
);
/** What is followed by a name in a statement that is none of data. */
const BEFORE_NAME = wordSet(
  '. @ TABLE VIEW INDEX KEY COLUMN ADD CHANGE MODIFY ON FROM IN INTO DATABASE SCHEMA USE DESC DESCRIBE EXISTS REFERENCES CONSTRAINT AFTER PROCEDURE FUNCTION TRIGGER EVENT SAVEPOINT CALL PREPARE EXECUTE OPEN CLOSE DECLARE HANDLER USER ROLE TO',
);
const NOT_NAMES_BEHIND_ON = wordSet('SCHEDULE COMPLETION EMPTY ERROR');

/** Whether a word that is not reserved is a keyword here; else it is a name. */
export function isKeyword(word: string, at: Place): boolean {
  if (at.before === '') return at.next !== ':';
  if (at.next === '(' && !BEFORE_NAME_WITH_LIST.has(at.before))
    return at.before !== 'AS' || at.isInCast;
  if (FUNCTIONS.has(word) && !KEYWORDS.has(word)) return false;
  return at.isStatement === 'data'
    ? (IN_DATA_STATEMENTS.get(word)?.(at) ?? false)
    : isKeywordElsewhere(word, at);
}

function isKeywordElsewhere(word: string, at: Place): boolean {
  const { before, next } = at;
  if (before === '(' || before === ',') return !at.definesObject || next === '=';
  if (!BEFORE_NAME.has(before)) return before !== 'DROP' || (next !== '' && next !== ',');
  if (before === 'ON') return NOT_NAMES_BEHIND_ON.has(word);
  if (before === 'TO') return next === '=' || word === 'SAVEPOINT';
  if (before === 'KEY') return at.beforeThat === 'PRIMARY' || at.beforeThat === 'UNIQUE';
  if (before === 'EXECUTE') return word === 'IMMEDIATE';
  return before === 'CHANGE' && at.beforeThat === '';
}

type Rule = (at: Place) => boolean;

const ALWAYS: Rule = () => true;
const isBehind = (...words: readonly string[]): Rule => {
  return (at) => words.includes(at.before);
};
const isBefore = (...words: readonly string[]): Rule => {
  return (at) => words.includes(at.next);
};
const isBeforeBehindOperand = (...words: readonly string[]): Rule => {
  return (at) => at.isBehindOperand && words.includes(at.next);
};
const isUnit: Rule = (at) =>
  (at.isInInterval && at.isBehindOperand) ||
  (at.before === '(' &&
    (at.beforeThat === 'TIMESTAMPDIFF' || at.beforeThat === 'TIMESTAMPADD'
      ? at.next === ','
      : at.beforeThat === 'EXTRACT' && at.next === 'FROM'));
const isCastType: Rule = (at) =>
  at.isInCast && (at.before === 'AS' || (at.before === ',' && at.next === ')'));
const isLocking = wordSet('UPDATE SHARE');

/**
 * Where the words that are not reserved are keywords in statements that read and write rows; all others
 * are names there.
 */
const IN_DATA_STATEMENTS: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ['AGAINST', isBefore('(')],
  ['ANY', isBefore('(')],
  ['ARRAY', (at) => at.isInCast && !at.isBehindOperand],
  ['AT', isBeforeBehindOperand('TIME', 'LOCAL')],
  ['BERNOULLI', isBehind('TABLESAMPLE')],
  ['BOOLEAN', (at) => at.before === 'IN' && at.next === 'MODE'],
  ['COLUMNS', isBeforeBehindOperand('(', 'TERMINATED', 'ENCLOSED', 'OPTIONALLY', 'ESCAPED')],
  ['CURRENT', isBefore('ROW')],
  ['DATE', isCastType],
  ['DATETIME', isCastType],
  ['DUMPFILE', (at) => at.before === 'INTO' && at.next === VALUE],
  ['DUPLICATE', (at) => at.before === 'ON' && at.next === 'KEY'],
  ['EMPTY', isBehind('ON')],
  ['END', (at) => at.isInCase && (at.isBehindOperand || at.before === 'END')],
  ['ERROR', (at) => at.before === 'ON' && (at.next === ')' || at.next === ',')],
  ['ESCAPE', isBeforeBehindOperand(VALUE)],
  ['EXCEPT', isBeforeBehindOperand('SELECT', 'ALL', 'DISTINCT', '(', 'TABLE', 'VALUES')],
  ['EXCLUDE', isBefore('CURRENT', 'TIES', 'GROUP', 'NO')],
  ['EXPANSION', isBehind('QUERY')],
  ['FIELDS', isBeforeBehindOperand('TERMINATED', 'ENCLOSED', 'OPTIONALLY', 'ESCAPED')],
  ['FIRST', (at) => at.before === 'NULLS' || (at.before === 'FETCH' && at.next !== '')],
  ['FOLLOWING', (at) => at.before === 'UNBOUNDED' || at.before === VALUE],
  ['INTERSECT', isBeforeBehindOperand('SELECT', 'ALL', 'DISTINCT', '(', 'TABLE', 'VALUES')],
  ['JSON', isCastType],
  ['LANGUAGE', isBehind('NATURAL')],
  ['LAST', isBehind('NULLS')],
  ['LATERAL', isBefore('(')],
  ['LOCKED', isBehind('SKIP')],
  ['MEMBER', isBeforeBehindOperand('OF')],
  ['MICROSECOND', isUnit],
  ['SECOND', isUnit],
  ['MINUTE', isUnit],
  ['HOUR', isUnit],
  ['DAY', isUnit],
  ['WEEK', isUnit],
  ['MONTH', isUnit],
  ['QUARTER', isUnit],
  ['YEAR', (at) => isUnit(at) || isCastType(at)],
  ['MODE', isBehind('BOOLEAN', 'LANGUAGE', 'SHARE')],
  ['NCHAR', isCastType],
  ['NESTED', isBefore('PATH')],
  ['NEXT', isBehind('FETCH')],
  ['NOWAIT', (at) => isLocking.has(at.before) || at.before === 'MODE' || at.beforeThat === 'OF'],
  ['NULLS', isBehind('RESPECT', 'IGNORE')],
  ['OF', (at) => at.before === 'MEMBER' || isLocking.has(at.before)],
  ['OFFSET', (at) => at.beforeThat === 'LIMIT' || (at.isBehindOperand && at.next === VALUE)],
  ['ONLY', isBehind('ROW', 'ROWS')],
  ['ORDINALITY', isBehind('FOR')],
  ['OVER', (at) => at.before === ')' && at.next !== ',' && at.next !== 'FROM'],
  ['PATH', isBefore(VALUE)],
  ['PRECEDING', (at) => at.before === 'UNBOUNDED' || at.before === VALUE],
  ['QUERY', isBehind('WITH')],
  ['QUICK', (at) => at.before === 'DELETE' && at.next !== ','],
  ['RECURSIVE', isBehind('WITH')],
  ['RESPECT', isBefore('NULLS')],
  [
    'RETURNING',
    (at) => at.isBehindOperand && at.next !== ',' && at.next !== 'FROM' && at.next !== '',
  ],
  ['ROLLUP', isBehind('WITH')],
  ['ROW', (at) => at.before === 'CURRENT' || at.before === VALUE],
  ['ROWS', isBefore('BETWEEN', 'UNBOUNDED', 'CURRENT', 'ONLY', 'WITH', VALUE)],
  ['GROUPS', isBefore('BETWEEN', 'UNBOUNDED', 'CURRENT')],
  ['SHARE', (at) => at.before === 'FOR' || (at.before === 'IN' && at.next === 'MODE')],
  ['SIGNED', isCastType],
  ['SKIP', isBefore('LOCKED')],
  ['SOME', isBefore('(')],
  ['SOUNDS', isBefore('LIKE')],
  ['SQL_BUFFER_RESULT', ALWAYS],
  ['SQL_CACHE', ALWAYS],
  ['SQL_NO_CACHE', ALWAYS],
  ['SYSTEM', isBehind('TABLESAMPLE')],
  ['TABLESAMPLE', isBefore('BERNOULLI', 'SYSTEM')],
  ['TIES', isBehind('WITH', 'EXCLUDE')],
  ['TIME', (at) => isCastType(at) || (at.before === 'AT' && at.next === 'ZONE')],
  ['UNBOUNDED', isBefore('PRECEDING', 'FOLLOWING')],
  ['UNKNOWN', (at) => at.before === 'IS' || (at.before === 'NOT' && at.beforeThat === 'IS')],
  ['VALUE', isBeforeBehindOperand('(')],
  ['WAIT', (at) => isLocking.has(at.before) && at.next === VALUE],
  [
    'WINDOW',
    (at) => at.isBehindOperand && at.next !== ',' && at.next !== '' && !RESERVED.has(at.next),
  ],
  ['ZONE', isBehind('TIME')],
]);
