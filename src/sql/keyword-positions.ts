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

const known = new Map<string, KnownWord>();
for (const text of [...RESERVED, ...KEYWORDS, ...FUNCTIONS]) {
  const word = { text, isReserved: RESERVED.has(text) };
  known.set(text, word);
  known.set(text.toLowerCase(), word);
}
const LONGEST = Math.max(...[...known.keys()].map((text) => text.length));

/** The keyword that a text spells in whatever case; null for a text that can be a name only. */
export function knownWord(text: string): KnownWord | null {
  if (text.length > LONGEST) return null;
  return known.get(text) ?? known.get(text.toUpperCase()) ?? null;
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
