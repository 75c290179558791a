import { IF_EXISTS } from './definition-nature.ts';
import type { NatureCursor } from './nature-cursor.ts';
import { wordSet } from './words.ts';

/** Words of a body behind which a statement begins. */
const BEFORE_STATEMENT = wordSet('BEGIN ATOMIC THEN ELSE DO LOOP REPEAT AS IS');
const NESTS = wordSet('BEGIN CASE IF LOOP WHILE REPEAT FOR');
export const BLOCKS = wordSet('CASE FOR IF LOOP REPEAT WHILE DECLARE');
/** What a statement of a body begins with, where its header says nothing of where the body begins. */
const HEADER_VERBS = wordSet(
  'CREATE ALTER DROP RENAME TRUNCATE GRANT REVOKE SET SELECT INSERT UPDATE DELETE REPLACE CALL PREPARE EXECUTE LOAD START STOP RESET SHUTDOWN RESTART KILL INSTALL UNINSTALL CHANGE PURGE FLUSH BINLOG CLONE BACKUP CACHE LOCK WITH IMPORT',
);
const NOT_BEFORE_VERB = wordSet('BEFORE AFTER OR CHARACTER ON . @ COLUMN');
/** What stands where a statement of a program could begin, and begins none. */
const CONNECTORS = wordSet(
  'BEGIN END ELSE ELSEIF ELSIF THEN WHEN UNTIL DO NOT ATOMIC EXCEPTION PROCEDURE FUNCTION',
);

/** Who is told what a program consists of. */
export interface ProgramListener {
  /** A statement begins that is no block: has to be read up to its end. */
  statement(): void;
  /** The program is over, and something follows. */
  over(): void;
  /** It is a function of a library. */
  library(): void;
}

/**
 * Reads a program, and all behind it, to the end of the text: what looks like a statement is one, for a statement
 * too many does less harm here than one too few.
 * @param isStored whether a header comes first: the cursor stands at PROCEDURE, FUNCTION …
 */
export function readProgram(
  cursor: NatureCursor,
  isStored: boolean,
  listener: ProgramListener,
): void {
  let header: 'create' | 'declare' | null = isStored ? 'create' : null;
  if (isStored) {
    cursor.advance();
    cursor.pass('BODY');
    cursor.passAll(IF_EXISTS);
    // Its own name may be a verb.
    cursor.advance();
    while (cursor.pass('.')) cursor.advance();
  }
  let isStart = !isStored;
  /** Blocks that are open, and CASE as an expression, whose THEN and ELSE begin no statement. */
  let nesting = 0;
  let cases = 0;
  const depth = cursor.word === '(' ? cursor.depth - 1 : cursor.depth;
  while (!cursor.isEnd) {
    const { word } = cursor;
    if (word === ';') {
      isStart = true;
      header = null;
      if (nesting <= 0 && cursor.next !== '') listener.over();
      cursor.advance();
      continue;
    }
    const isInHeader = header !== null && cursor.depth === depth;
    if (isStart ? isVerb(word) : isInHeader && isHeaderVerb(cursor)) {
      isStart = false;
      header = null;
      listener.statement();
      continue;
    }
    if (word === 'SONAME') listener.library();
    if (word === 'END') {
      if (cases > 0) cases--;
      else nesting--;
      if (NESTS.has(cursor.next)) cursor.advance();
    } else if (NESTS.has(word)) {
      const isBlock = isStart || (isInHeader && word !== 'FOR');
      if (isBlock) nesting++;
      else if (word === 'CASE') cases++;
    }
    // DECLARE … HANDLER FOR … has a statement without a word before it.
    if (isStart && word === 'DECLARE') header = 'declare';
    const isName = word === ':' && header === null;
    const isBehind = BEFORE_STATEMENT.has(word) && cursor.next !== '(';
    isStart = cases === 0 && (isName || isBehind || (isStart && word === 'NOT'));
    if (isStart && word !== 'AS' && word !== 'IS') header = null;
    cursor.advance();
  }
}

/** Whether a statement that is no block begins with this word. */
function isVerb(word: string): boolean {
  return !BLOCKS.has(word) && !CONNECTORS.has(word) && /^[A-Z(`]/.test(word);
}

function isHeaderVerb({ word, next, before }: NatureCursor): boolean {
  if (!HEADER_VERBS.has(word) || NOT_BEFORE_VERB.has(before)) return false;
  // A type, and a function.
  return next !== '(' || (word !== 'SET' && word !== 'REPLACE');
}
