import type { LogInterruption, ServerInstant } from '../../../core/source.ts';
import type { LoggedStatement } from '../../../core/workloads/statements.ts';
import { FirstWords } from '../../../sql/first-words.ts';
import { Lexer } from '../../../sql/lexer.ts';

const SET = new FirstWords('set');
// Parts of general_log and log_output alike in length: V8 skips ahead then.
const NAMES = /eneral_log|log_output/i;

/** Behind these words of a compound statement another statement begins; FOR is SET STATEMENT's. */
const BEFORE_STATEMENT: ReadonlySet<string> = new Set([
  'BEGIN',
  'ATOMIC',
  'THEN',
  'ELSE',
  'DO',
  'LOOP',
  'REPEAT',
  'FOR',
]);

/** MariaDB 10.5 logs an EXECUTE behind its run, so that of one that switches the log off there is none. */
const COUNTED: ReadonlySet<LoggedStatement['kind']> = new Set(['query', 'prepare', 'execute']);

/** Words of a SET that say whose value is set, and whether that is the one the server goes by. */
const SCOPES: Readonly<Record<string, boolean>> = {
  GLOBAL: true,
  PERSIST: true,
  PERSIST_ONLY: false,
  SESSION: false,
  LOCAL: false,
};

/**
 * Whether a statement may switch the server's general log off, or its output away from the table: what
 * follows on it is not logged. A statement that the server refuses, or that was only prepared, looks
 * the same. One that is in the body of a procedure or an event is not seen: only its CALL is logged.
 * Asked for every statement that is executed: 30 to 130 ns on a busy machine; of one with `;` in it,
 * 2.5 ms for 1 MB.
 */
export function maySwitchLogOff({ kind, sql }: Pick<LoggedStatement, 'kind' | 'sql'>): boolean {
  return COUNTED.has(kind) && SET.mayBeIn(sql) && NAMES.test(sql) && setsLogOff(sql);
}

/** What may be missing behind a statement that may have switched the log off, logged at `time`. */
export function switchedOffByClient(time: ServerInstant): LogInterruption {
  return {
    cause: 'log_switched_off',
    from: time,
    // The row behind it may have been written before it ran, and what switched the log on again is not
    // in the log either: it is known to be on behind the next swap.
    to: null,
    reason:
      "A client's statement may have switched the server's log off for a while: general_log or log_output was set",
  };
}

interface Token {
  readonly text: string;
  /** As the server compares words and names; of another token its text. */
  readonly word: string;
  /** A word that is not in quotes. */
  readonly isWord: boolean;
}

function setsLogOff(sql: string): boolean {
  let tokens: Token[] = [];
  // The body of what is created does not run now; its statements end with END.
  let isBody = false;
  const lexer = new Lexer(sql);
  for (;;) {
    const isMore = lexer.next();
    if (isMore && (lexer.kind === 'space' || lexer.kind === 'comment')) continue;
    if (isMore && lexer.text !== ';') {
      tokens.push(tokenOf(lexer));
      continue;
    }
    if (isBody) isBody = !endsBody(tokens);
    else if (beginsBody(tokens)) isBody = true;
    else if (assignsLogOff(tokens)) return true;
    tokens = [];
    if (!isMore) return false;
  }
}

function tokenOf({ kind, text }: Lexer): Token {
  // With ANSI_QUOTES, which the text does not tell of, a name can stand in double quotes.
  const isQuoted = kind === 'name' || kind === 'string';
  const word = (isQuoted ? text.slice(1, -1) : text).toUpperCase();
  return { text, word, isWord: kind === 'word' };
}

function beginsBody(tokens: readonly Token[]): boolean {
  const [first] = tokens;
  return isCreation(first) && tokens.some(({ word, isWord }) => isWord && word === 'BEGIN');
}

function isCreation(first: Token | undefined): boolean {
  return first?.isWord === true && (first.word === 'CREATE' || first.word === 'ALTER');
}

function endsBody([first, next]: readonly Token[]): boolean {
  return first?.word === 'END' && !/^(?:IF|CASE|LOOP|WHILE|REPEAT|FOR)$/.test(next?.word ?? '');
}

/** Whether one statement has a SET that sets the log off. */
function assignsLogOff(tokens: readonly Token[]): boolean {
  if (isCreation(tokens[0])) return false;
  return tokens.some(({ word, isWord }, at) => {
    if (!isWord || word !== 'SET') return false;
    const before = tokens[at - 1];
    if (before !== undefined && !(before.isWord && BEFORE_STATEMENT.has(before.word))) return false;
    return assignmentsOf(tokens.slice(at + 1)).some(([name, value]) =>
      name === 'GENERAL_LOG' ? !isOn(value) : name === 'LOG_OUTPUT' && !isToTable(value),
    );
  });
}

/** The assignments to the server's own variables, as names and values. */
function assignmentsOf(tokens: readonly Token[]): [name: string, value: readonly Token[]][] {
  const found: [string, readonly Token[]][] = [];
  // One without a word of its own has the last one's (tried on MariaDB and MySQL).
  let isGlobal = false;
  for (const part of partsOf(tokens)) {
    let at = 0;
    const scope = part[0]?.isWord === true ? SCOPES[part[0].word] : undefined;
    if (scope !== undefined) {
      isGlobal = scope;
      at = 1;
    }
    let isThisGlobal = isGlobal;
    if (part[at]?.text === '@') {
      // `@@global.name`; a user's own variable has one sign.
      if (part[at + 1]?.text !== '@') continue;
      at += 2;
      isThisGlobal = false;
      if (part[at + 1]?.text === '.') {
        isThisGlobal = SCOPES[part[at]?.word ?? ''] === true;
        at += 2;
      }
    }
    const sign = part[at + 1]?.text;
    if (isThisGlobal && (sign === '=' || sign === ':=')) {
      found.push([part[at]?.word ?? '', part.slice(at + 2)]);
    }
  }
  return found;
}

/** The parts between commas that are not in brackets. */
function partsOf(tokens: readonly Token[]): Token[][] {
  const parts: Token[][] = [[]];
  let depth = 0;
  for (const token of tokens) {
    if (token.text === '(') depth++;
    else if (token.text === ')') depth--;
    if (token.text === ',' && depth === 0) parts.push([]);
    else parts.at(-1)?.push(token);
  }
  return parts;
}

/** Whether a value says plainly that the log is on. Of any other nobody knows. */
function isOn([value, next]: readonly Token[]): boolean {
  return (
    next === undefined && (value?.word === 'ON' || value?.word === 'TRUE' || value?.text === '1')
  );
}

/** The same of the output: its names, or the number that they make: FILE is 2, TABLE 4, NONE 1. */
function isToTable([value, next]: readonly Token[]): boolean {
  if (value === undefined || next !== undefined) return false;
  if (value.text === '4' || value.text === '6') return true;
  const outputs = value.word.split(',').map((output) => output.trim());
  return outputs.includes('TABLE') && !outputs.includes('NONE');
}
