import type { NatureCursor } from './nature-cursor.ts';
import type { NatureDraft } from './nature-draft.ts';
import type { TransactionEffect } from './statement-nature.ts';

/** START TRANSACTION. @returns false for any other START, which is refused. */
export function readStart(cursor: NatureCursor, draft: NatureDraft): boolean {
  cursor.advance();
  if (!cursor.pass('TRANSACTION')) {
    draft.refuse('server');
    return false;
  }
  draft.effect('begins');
  readAccess(cursor, draft);
  return true;
}

/** The characteristics of a transaction, to the end of the statement. `READ COMMITTED` is a level. */
export function readAccess(cursor: NatureCursor, draft: NatureDraft): void {
  while (!cursor.isStatementEnd) {
    if (cursor.word === 'READ' && cursor.next === 'WRITE') draft.isReadOnly = false;
    cursor.advance();
  }
}

/** COMMIT and ROLLBACK. */
export function readEnd(cursor: NatureCursor, draft: NatureDraft): void {
  cursor.advance();
  cursor.pass('WORK');
  if (cursor.word === 'TO') return;
  let effect: TransactionEffect = 'ends';
  while (!cursor.isStatementEnd) {
    if (cursor.word === 'CHAIN') effect = cursor.before === 'NO' ? 'ends_alone' : 'ends_and_begins';
    cursor.advance();
  }
  draft.effect(effect);
}

export function readXa(cursor: NatureCursor, draft: NatureDraft): void {
  cursor.advance();
  if (cursor.word !== 'RECOVER') draft.isReadOnly = false;
  if (cursor.word === 'START' || cursor.word === 'BEGIN') draft.effect('begins');
  else if (cursor.word === 'COMMIT' || cursor.word === 'ROLLBACK') draft.effect('ends_alone');
}
