import { codeOf, ownStatements, preparedName } from './session-statements.ts';

/**
 * White space and comments; what the server runs of a comment is no gap. There is one way to read a text by
 * it: a hostile one must not be tried in all.
 */
const GAP = String.raw`(?:\s|/\*(?!M?!)(?:[^*]|\*(?!/))*\*/|(?:--(?=\s)|#)[^\n]*(?:\n|$))`;

const pattern = (source: string): RegExp => new RegExp(source.replaceAll(' ', `${GAP}+`), 'i');

const OPENS = pattern(
  String.raw`^(?:begin(?: work)?${GAP}*(?:;${GAP}*)?$|start transaction\b|xa (?:start|begin)\b)`,
);
const ENDS = pattern(
  String.raw`^(?:(?:commit|rollback)\b(?!(?: work)? to\b)|xa (?:commit|rollback)\b)`,
);
const CHAINS = pattern(String.raw`\band chain\b`);
/** What it runs is not seen here: procedures, blocks, texts. */
const RUNS_OTHERS = /^(?:call|execute|begin|if|case|loop|while|repeat|for)\b/i;
const TOUCHES_TABLE =
  /^(?:insert|update|delete|replace)\b|^(?:select|with|\()[^]{0,2000}?\bfrom\b(?!\s+dual\b)/i;
/** A temporary table; and that COMMIT begins the next transaction by itself. */
const KEEPS = pattern(
  String.raw`^create(?: or replace)? temporary\b|^set\b[^]*\bcompletion_type\b`,
);
const EXECUTE = pattern(String.raw`^execute (?!immediate\b)`);

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
  if (isOne) return [stepOf(codeOf(sql), textOf)];
  const own = ownStatements(sql);
  const steps = own.map((statement) => stepOf(codeOf(statement), textOf));
  // The body of a block is not split into statements.
  return own.length > 0 ? steps : ['hides'];
}

function stepOf(
  code: string,
  textOf: (name: string) => string | null | undefined,
): TransactionStep {
  if (OPENS.test(code)) return 'opens';
  if (ENDS.test(code)) return CHAINS.test(code) ? 'opens' : 'ends';
  if (KEEPS.test(code)) return 'keeps';
  if (RUNS_OTHERS.test(code)) {
    const execute = EXECUTE.exec(code);
    const text = execute === null ? null : textOf(preparedName(code.slice(execute[0].length)));
    // What is prepared cannot execute what is prepared: a text that says so would be read for ever.
    return text == null ? 'hides' : stepOf(codeOf(text), () => null);
  }
  return TOUCHES_TABLE.test(code) ? 'touches' : 'nothing';
}
