import { IF_EXISTS } from './definition-nature.ts';
import type { NatureCursor } from './nature-cursor.ts';
import type { NatureDraft } from './nature-draft.ts';
import { wordSet } from './words.ts';

/** Words of a body behind which a statement begins. */
const BEFORE_STATEMENT = wordSet('BEGIN ATOMIC THEN ELSE DO LOOP REPEAT AS IS');
const NESTS = wordSet('BEGIN CASE IF LOOP WHILE REPEAT FOR');
export const BLOCKS = wordSet('CASE FOR IF LOOP REPEAT WHILE DECLARE');
/** What a statement of a body begins with, where its header says nothing of where the body begins. */
const HEADER_VERBS = wordSet(
  'CREATE ALTER DROP RENAME TRUNCATE GRANT REVOKE SET SELECT INSERT UPDATE DELETE REPLACE CALL PREPARE EXECUTE LOAD START STOP RESET SHUTDOWN RESTART KILL INSTALL UNINSTALL CHANGE PURGE FLUSH BINLOG CLONE BACKUP CACHE LOCK WITH IMPORT HANDLER',
);
const NOT_BEFORE_VERB = wordSet('BEFORE AFTER OR CHARACTER ON . @ COLUMN');
/**
 * Reads a program, and all behind it, to the end of the text: what looks like a statement is one, for a statement
 * too many does less harm here than one too few.
 * @param isStored whether a header comes first: the cursor stands at PROCEDURE, FUNCTION …
 * @param isOuter whether it is in no other program.
 * @param readStatement where a statement begins that is no block.
 */
export function readProgram(
  cursor: NatureCursor,
  draft: NatureDraft,
  isStored: boolean,
  isOuter: boolean,
  readStatement: () => void,
): void {
  let isHeader = isStored;
  if (isHeader) {
    cursor.advance();
    cursor.pass('BODY');
    cursor.passAll(IF_EXISTS);
    // Its own name may be a verb.
    cursor.advance();
    while (cursor.pass('.')) cursor.advance();
  }
  let isStart = !isHeader;
  /** Blocks that are open, and CASE as an expression, whose THEN and ELSE begin no statement. */
  let nesting = 0;
  let cases = 0;
  const { depth } = cursor;
  while (!cursor.isEnd) {
    const { word } = cursor;
    if (word === ';') {
      isStart = true;
      isHeader = false;
      if (isOuter && nesting <= 0 && cursor.next !== '') draft.count++;
      cursor.advance();
      continue;
    }
    if (isStart && (word === 'NOT' || word === 'ATOMIC')) {
      // BEGIN NOT ATOMIC
      cursor.advance();
      continue;
    }
    if (isStart ? isVerb(word) : isHeader && cursor.depth === depth && isHeaderVerb(cursor)) {
      isStart = isHeader = false;
      readStatement();
      continue;
    }
    if (word === 'SONAME') draft.refuse('server');
    if (word === 'END') {
      if (cases > 0) cases--;
      else nesting--;
      if (NESTS.has(cursor.next)) cursor.advance();
    } else if (word === 'CASE' && !isStart) cases++;
    else if (isStart && NESTS.has(word)) nesting++;
    // DECLARE … HANDLER FOR … has a statement without a word before it.
    if (isStart && word === 'DECLARE') isHeader = true;
    isStart = cases === 0 && (word === ':' || (BEFORE_STATEMENT.has(word) && cursor.next !== '('));
    if (isStart && word !== 'AS' && word !== 'IS') isHeader = false;
    cursor.advance();
  }
}

/** Whether a statement that is no block begins with this word. */
function isVerb(word: string): boolean {
  const isBlock = BLOCKS.has(word) || word === 'BEGIN' || word === 'END';
  return !isBlock && /^[A-Z(`]/.test(word);
}

function isHeaderVerb({ word, next, before }: NatureCursor): boolean {
  if (!HEADER_VERBS.has(word) || NOT_BEFORE_VERB.has(before)) return false;
  // A type, and a function.
  return next !== '(' || (word !== 'SET' && word !== 'REPLACE');
}
