import { codeOf } from './session-statements.ts';

const STEP = /^(?:begin|start|xa|commit|rollback)\b/i;
const AND_CHAIN = /\band\s+chain\b/i;
const OPENS =
  /^(?:begin(?:\s+work)?\s*;|begin(?:\s+work)?\s*$|start\s+transaction\b|xa\s+(?:start|begin)\b)/i;
const ENDS = /^(?:(?:commit|rollback)\b(?!\s+(?:work\s+)?to\b)|xa\s+(?:commit|rollback)\b)/i;
const TOUCHES_TABLE =
  /^(?:insert|update|delete|replace)\b|^(?:select|with|\()[^]{0,2000}?\bfrom\b(?!\s+dual\b)/i;
const TEMPORARY = /^create\s+(?:or\s+replace\s+)?temporary\b/i;

/**
 * What a statement says of its session's transaction:
 * - opens: one is open behind it, which may hold no lock that the server lists;
 * - ends: none is;
 * - touches: it reads or writes a table, so that one which is open holds a lock that the server lists;
 * - keeps: the session has something that it would lose without knowing, a temporary table;
 * - nothing: anything else.
 */
export type TransactionStep = 'opens' | 'ends' | 'touches' | 'keeps' | 'nothing';

/** Reads a statement as the log has it. Of several in one text the first counts. */
export function transactionStep(sql: string): TransactionStep {
  const code = codeOf(sql);
  if (STEP.test(code)) {
    if (OPENS.test(code)) return 'opens';
    if (!ENDS.test(code)) return 'nothing';
    return AND_CHAIN.test(code) && !/\bno\s+chain\b/i.test(code) ? 'opens' : 'ends';
  }
  if (TEMPORARY.test(code)) return 'keeps';
  return TOUCHES_TABLE.test(code) ? 'touches' : 'nothing';
}
