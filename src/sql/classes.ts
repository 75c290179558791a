import type { StatementClass } from '../core/captures/recording-options.ts';
import type { DigestClass } from '../core/reports/tally.ts';
import { Lexer } from './lexer.ts';
import { preparedName } from './session-statements.ts';
import { splitStatements, withoutLeadingComments } from './text.ts';

/** A set of classes as bits, so that a text with several statements costs no more than one. */
export type ClassBits = number;

const READS = 1;
const WRITES = 2;
const DDL = 4;
const ALL = READS | WRITES | DDL;
/** BEGIN, COMMIT and their like: nothing by themselves, but writes cannot be run again without. */
const TRANSACTION = 8;
/** SET, USE and their like: what comes after them in the session depends on them. */
const SESSION = 16;

const BITS: Record<StatementClass, ClassBits> = { reads: READS, writes: WRITES, ddl: DDL };

/** The bits to ask `classesOf`'s answer for. */
export function bitsOf(classes: readonly StatementClass[]): ClassBits {
  return classes.reduce((bits, one) => bits | BITS[one], 0);
}

/** What the statement prepared under this name (of the text protocol) is; null where unknown. */
type PreparedClasses = (name: string) => ClassBits | null;

const NONE_PREPARED: PreparedClasses = () => null;

/**
 * What a statement's text does, by its first word: reads (SELECT with or without a lock or INTO, SHOW,
 * EXPLAIN …), writes (INSERT, UPDATE, CALL …: also what may write where the text does not say) or ddl
 * (CREATE, DROP, TRUNCATE, GRANT …). Transaction control goes with the writes, SET of a session and
 * USE with every class; administration (FLUSH, KILL, SET GLOBAL …) is of none: 0. A text with several
 * statements is of each of their classes, a stored program's body of its CREATE's alone.
 * Linear in the text; one that begins with its word and has no `;` costs some 60 ns.
 * @param enough looks no further than the first statement when it is of one of these: a dump's INSERT
 *   of a megabyte need not be read for a `;` that is no end.
 */
export function classesOf(
  sql: string,
  prepared: PreparedClasses = NONE_PREPARED,
  enough: ClassBits = 0,
): ClassBits {
  const bits = bitsIn(sql, prepared, enough);
  if ((bits & ALL) !== 0) return bits & ALL;
  if ((bits & TRANSACTION) !== 0) return WRITES;
  return bits === SESSION ? ALL : 0;
}

/**
 * What a text does, in one word; of several statements the one that changes most.
 * @returns null for administration, and for what begins with no known word.
 */
export function classOf(sql: string): DigestClass | null {
  const bits = bitsIn(sql, NONE_PREPARED, 0);
  return BY_CHANGE.find(([bit]) => (bits & bit) !== 0)?.[1] ?? null;
}

const BY_CHANGE: readonly (readonly [ClassBits, DigestClass])[] = [
  [DDL, 'ddl'],
  [WRITES, 'writes'],
  [READS, 'reads'],
  [TRANSACTION, 'transactions'],
  [SESSION, 'settings'],
];

function bitsIn(sql: string, prepared: PreparedClasses, enough: ClassBits): ClassBits {
  let bits = classOfOne(sql, prepared);
  if ((bits & enough) !== 0) return bits;
  const semicolon = sql.indexOf(';');
  if (semicolon !== -1 && semicolon < sql.length - 1 && !isCompound(sql)) {
    bits = 0;
    for (const statement of splitStatements(sql)) {
      bits |= classOfOne(statement, prepared);
      if (isCompound(statement)) break;
    }
  }
  return bits;
}

const PREPARE_FROM = /^prepare\s+(?:`(?:[^`]|``)+`|\S+)\s+from\s*/i;

type Rule = ClassBits | ((code: string, prepared: PreparedClasses) => ClassBits);

// In the order of MySQL's manual, chapter "SQL Statements", then what MariaDB has besides.
const RULES: Readonly<Record<string, Rule>> = {
  ALTER: DDL,
  CREATE: DDL,
  DROP: (code, prepared) => (/^drop\s+prepare\b/i.test(code) ? deallocate(code, prepared) : DDL),
  RENAME: DDL,
  TRUNCATE: DDL,
  IMPORT: DDL,

  CALL: WRITES,
  DELETE: WRITES,
  DO: READS,
  HANDLER: READS,
  INSERT: WRITES,
  LOAD: (code) => (/^load\s+index\b/i.test(code) ? 0 : WRITES),
  MERGE: WRITES,
  REPLACE: WRITES,
  SELECT: READS,
  TABLE: READS,
  UPDATE: WRITES,
  VALUES: READS,
  WITH: (code, prepared) => {
    const at = findWord(code, 4, /^(?:select|table|values|update|delete|insert|replace)$/i);
    return at === null ? READS : classOfOne(code.slice(at), prepared);
  },

  START: (code) => (/^start\s+transaction\b/i.test(code) ? TRANSACTION : 0),
  BEGIN: (code) => (isCompound(code) ? WRITES : TRANSACTION),
  COMMIT: TRANSACTION,
  ROLLBACK: TRANSACTION,
  SAVEPOINT: TRANSACTION,
  RELEASE: TRANSACTION,
  LOCK: TRANSACTION,
  UNLOCK: TRANSACTION,
  XA: TRANSACTION,

  PREPARE: (code, prepared) => {
    const match = PREPARE_FROM.exec(code);
    return match === null ? SESSION : (classOfLiteral(code, match[0].length, prepared) ?? SESSION);
  },
  EXECUTE: (code, prepared) => {
    const immediate = /^execute\s+immediate\b\s*/i.exec(code);
    if (immediate !== null) return classOfLiteral(code, immediate[0].length, prepared) ?? WRITES;
    return prepared(preparedName(code)) ?? WRITES;
  },
  DEALLOCATE: (code, prepared) => deallocate(code, prepared),

  GRANT: DDL,
  REVOKE: DDL,
  SET: classOfSet,
  CHECK: READS,
  CHECKSUM: READS,
  ANALYZE: (code, prepared) => {
    if (/^analyze\s+(?:(?:no_write_to_binlog|local)\s+)?tables?\b/i.test(code)) return 0;
    return classOfAnalyzed(code, prepared);
  },
  SHOW: READS,
  BINLOG: WRITES,
  DESC: classOfExplained,
  DESCRIBE: classOfExplained,
  EXPLAIN: classOfExplained,
  HELP: READS,
  USE: SESSION,

  // Blocks outside of stored programs.
  CASE: WRITES,
  FOR: WRITES,
  IF: WRITES,
  LOOP: WRITES,
  REPEAT: WRITES,
  WHILE: WRITES,
  GET: READS,
};
// A Map, for a statement's first word may be `constructor`.
const RULE_OF = new Map(
  Object.entries(RULES).flatMap(([word, rule]) => [
    [word, rule] as const,
    [word.toLowerCase(), rule] as const,
  ]),
);
const LONGEST_WORD = Math.max(...Object.keys(RULES).map((word) => word.length));

function classOfOne(sql: string, prepared: PreparedClasses): ClassBits {
  const code = isLetter(sql.charCodeAt(0)) ? sql : beginningOf(sql);
  let end = 0;
  while (end <= LONGEST_WORD && isLetter(code.charCodeAt(end))) end++;
  const word = code.slice(0, end);
  const rule = RULE_OF.get(word) ?? RULE_OF.get(word.toUpperCase()) ?? 0;
  return typeof rule === 'number' ? rule : rule(code, prepared);
}

/** The text from its first word on: behind comments, brackets and the marks of `/*! … *\/`. */
function beginningOf(sql: string): string {
  let code = sql;
  for (;;) {
    const rest = withoutLeadingComments(code).replace(/^(?:\(|;|\/\*M?!\d*|\*\/)/, '');
    if (rest.length === code.length) return code;
    code = rest;
  }
}

function isLetter(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a);
}

/** `EXPLAIN ANALYZE` runs what it explains. */
function classOfExplained(code: string, prepared: PreparedClasses): ClassBits {
  const match = /^\w+\s+(?:format\s*=\s*\w+\s+)?(?=analyze\b)/i.exec(code);
  return match === null ? READS : classOfAnalyzed(code.slice(match[0].length), prepared) || READS;
}

/** @param code begins with ANALYZE, of a statement. */
function classOfAnalyzed(code: string, prepared: PreparedClasses): ClassBits {
  const behind = beginningOf(code.slice('analyze'.length));
  const statement = beginningOf(behind.replace(/^format\s*=\s*\w+/i, ''));
  // Nothing else is analyzed; and it must not go on for ever.
  return ANALYZED.test(statement) ? classOfOne(statement, prepared) : 0;
}

const ANALYZED = /^(?:select|with|table|values|insert|replace|update|delete)\b/i;

function classOfSet(code: string, prepared: PreparedClasses): ClassBits {
  const match = /^set\s+([@\w]+)(?:\s+(\w+))?/i.exec(code);
  const word = match?.[1]?.toUpperCase() ?? '';
  const next = match?.[2]?.toUpperCase() ?? '';
  if (word === 'STATEMENT') {
    const at = findWord(code, 'set statement'.length, /^for$/i);
    if (at === null) return SESSION;
    const statement = beginningOf(code.slice(at + 'for'.length));
    // One in the other no server takes.
    return /^set\b/i.test(statement) ? SESSION : classOfOne(statement, prepared);
  }
  if (word === 'PASSWORD' || (word === 'DEFAULT' && next === 'ROLE')) return DDL;
  return /^(?:@@)?(?:GLOBAL|PERSIST|PERSIST_ONLY)$/.test(word) ? 0 : SESSION;
}

function deallocate(code: string, prepared: PreparedClasses): ClassBits {
  return prepared(preparedName(code)) ?? SESSION;
}

/** The class of the statement in a string literal at `start`; null where there is none. */
function classOfLiteral(code: string, start: number, prepared: PreparedClasses): ClassBits | null {
  const match = /^(?:_\w+\s*|n(?='))?(['"])/i.exec(code.slice(start, start + 64));
  if (match === null) return null;
  const statement = beginningOf(code.slice(start + match[0].length));
  // What is prepared cannot prepare.
  return /^(?:prepare|execute)\b/i.test(statement) ? null : classOfOne(statement, prepared);
}

/** What a statement does to the names of prepared statements; null for nothing. */
interface PreparedNameChange {
  readonly name: string;
  /** undefined for a name that is given up; null where the text does not say what it stands for. */
  readonly bits: ClassBits | null | undefined;
}

const PREPARED_NAMES = /^(?:prepare|deallocate|drop)\b/i;
const ANY_PREPARED_NAMES = /\b(?:prepare|deallocate)\b/i;
const NO_CHANGES: readonly PreparedNameChange[] = Object.freeze([]);

/** The names that a text gives to prepared statements and gives up, in its order. */
export function preparedNamesIn(sql: string): readonly PreparedNameChange[] {
  const code = isLetter(sql.charCodeAt(0)) ? sql : beginningOf(sql);
  if (!PREPARED_NAMES.test(code) && !sql.includes(';')) return NO_CHANGES;
  if (!ANY_PREPARED_NAMES.test(sql)) return NO_CHANGES;
  return splitStatements(sql).flatMap((statement) => {
    const code = beginningOf(statement);
    if (/^(?:deallocate|drop)\s+prepare\b/i.test(code)) {
      return { name: preparedName(code), bits: undefined };
    }
    const match = PREPARE_FROM.exec(code);
    if (match === null) return [];
    const bits = classOfLiteral(code, match[0].length, NONE_PREPARED);
    return { name: preparedName(code), bits };
  });
}

const NAME = String.raw`(?:'[^']*'|"[^"]*"|\x60[^\x60]*\x60|[\w$.%-]+)`;
const PROGRAM = new RegExp(
  String.raw`^(?:create|alter)\s+(?:(?:or|replace|aggregate|definer\s*=\s*(?:current_user(?:\s*\(\s*\))?|${NAME}(?:\s*@\s*${NAME})?))\s+)*(?:procedure|function|trigger|event|package)\b`,
  'i',
);
const BLOCK = /^(?:begin\s+not\b|(?:case|for|if|loop|repeat|while)\b)/i;
/** No beginning of a stored program that can be told from its first words is longer. */
const PROGRAM_BEGINNING = 512;

/** Whether the text begins a program of several statements, whose `;` do not end it. */
function isCompound(sql: string): boolean {
  const code = isLetter(sql.charCodeAt(0)) ? sql : beginningOf(sql);
  switch (code.charCodeAt(0) | 0x20) {
    case 0x61: // a
    case 0x63: // c
    case 0x62: // b
    case 0x66: // f
    case 0x69: // i
    case 0x6c: // l
    case 0x72: // r
    case 0x77: // w
      break;
    default:
      return false;
  }
  const beginning = code.slice(0, PROGRAM_BEGINNING).replaceAll(/\/\*M?!\d*|\*\//g, ' ');
  return BLOCK.test(beginning) || PROGRAM.test(beginning);
}

/** Where the first such word outside of brackets, literals, quoted names and comments stands. */
function findWord(code: string, from: number, wanted: RegExp): number | null {
  const lexer = new Lexer(code, {}, from);
  let depth = 0;
  while (lexer.next()) {
    if (lexer.kind === 'word') {
      if (depth === 0 && wanted.test(lexer.text)) return lexer.start;
    } else if (lexer.kind === 'symbol') {
      const symbol = code.charAt(lexer.start);
      if (symbol === '(') depth++;
      else if (symbol === ')') depth--;
    }
  }
  return null;
}
