import { ownStatements } from './session-statements.ts';
import { Words } from './words.ts';

/** What it runs is not seen here: procedures, blocks. */
const RUNS_OTHERS: ReadonlySet<string> = new Set([
  'CALL',
  'IF',
  'CASE',
  'LOOP',
  'WHILE',
  'REPEAT',
  'FOR',
]);
const WRITES: ReadonlySet<string> = new Set(['INSERT', 'UPDATE', 'DELETE', 'REPLACE']);

/**
 * What a statement says of its session's transaction:
 * - opens: one is open behind it, which may hold no lock that the server lists;
 * - ends: none is;
 * - touches: it reads or writes a table, so that one which is open holds a lock that the server lists;
 * - keeps: from now on nothing that the log says makes it sure that the session loses nothing;
 * - hides: it runs statements that are not seen here;
 * - nothing: anything else.
 */
export type TransactionStep = 'opens' | 'ends' | 'touches' | 'keeps' | 'hides' | 'nothing';

/**
 * Reads a text as the log has it: one step for each statement in it.
 * @param textOf what is prepared under a name; null or undefined where that is not known.
 */
export function transactionSteps(
  sql: string,
  textOf: (name: string) => string | null | undefined = () => null,
): TransactionStep[] {
  const semicolon = sql.indexOf(';');
  const isOne = semicolon === -1 || semicolon >= sql.length - 1;
  if (isOne) return [stepOf(sql, textOf)];
  const own = ownStatements(sql);
  const steps = own.map((statement) => stepOf(statement, textOf));
  // The body of a block is not split into statements.
  return own.length > 0 ? steps : ['hides'];
}

function stepOf(
  statement: string,
  textOf: (name: string) => string | null | undefined,
): TransactionStep {
  const words = new Words(statement);
  let first = words.next();
  while (first === '(') first = words.next();
  switch (first) {
    case 'BEGIN': {
      const second = words.next();
      const last = second === 'WORK' ? words.next() : second;
      return last === '' || last === ';' ? 'opens' : 'hides';
    }
    case 'START':
      return words.next() === 'TRANSACTION' ? 'opens' : 'nothing';
    case 'XA': {
      const second = words.next();
      if (second === 'START' || second === 'BEGIN') return 'opens';
      return second === 'COMMIT' || second === 'ROLLBACK' ? 'ends' : 'nothing';
    }
    case 'COMMIT':
    case 'ROLLBACK': {
      const second = words.next();
      if ((second === 'WORK' ? words.next() : second) === 'TO') return 'nothing';
      return words.find('CHAIN') && words.before !== 'NO' ? 'opens' : 'ends';
    }
    // From here on COMMIT begins the next transaction by itself.
    case 'SET':
      return words.find('COMPLETION_TYPE', '`COMPLETION_TYPE`') ? 'keeps' : 'nothing';
    case 'CREATE': {
      const second = words.next();
      const kind = second === 'OR' && words.next() === 'REPLACE' ? words.next() : second;
      return kind === 'TEMPORARY' ? 'keeps' : 'nothing';
    }
    case 'EXECUTE': {
      const text = words.next() === 'IMMEDIATE' ? null : textOf((words.name ?? '').toLowerCase());
      // What is prepared cannot execute what is prepared: a text that says so would be read for ever.
      return text == null ? 'hides' : stepOf(text, () => null);
    }
    case 'SELECT':
    case 'WITH':
      while (words.find('FROM')) if (words.next() !== 'DUAL') return 'touches';
      return 'nothing';
    default:
      if (RUNS_OTHERS.has(first)) return 'hides';
      return WRITES.has(first) ? 'touches' : 'nothing';
  }
}
