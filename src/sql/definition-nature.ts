import type { NatureCursor } from './nature-cursor.ts';
import type { NatureDraft } from './nature-draft.ts';
import type { StatementRefusal } from './statement-nature.ts';
import { schemaRefusal } from './system-schemas.ts';
import { wordSet } from './words.ts';

/** What CREATE, ALTER, DROP and RENAME do this to is never touched. */
const REFUSED_OBJECTS: ReadonlyMap<string, StatementRefusal> = new Map([
  ['USER', 'accounts'],
  ['USERS', 'accounts'],
  ['ROLE', 'accounts'],
  ['ROLES', 'accounts'],
  ['SERVER', 'server'],
  ['TABLESPACE', 'server'],
  ['UNDO', 'server'],
  ['LOGFILE', 'server'],
  ['RESOURCE', 'server'],
  ['INSTANCE', 'server'],
  ['SPATIAL', 'server'],
  ['CATALOG', 'server'],
]);
/** What the search for an object ends with. */
const OBJECTS = wordSet(
  'TABLE TABLES VIEW INDEX DATABASE DATABASES SCHEMA SEQUENCE PREPARE LIBRARY PROCEDURE FUNCTION TRIGGER EVENT PACKAGE USER USERS ROLE ROLES SERVER TABLESPACE UNDO LOGFILE RESOURCE INSTANCE CATALOG',
);
/** Tables of these are files, or tables of other servers. */
export const OUTSIDE_ENGINES = /^(?:FEDERATED|FEDERATEDX|CONNECT|SPIDER|S3|ARCHIVE_S3)$/i;
const FOLDERS = wordSet('DATA INDEX');
/** Between the kind of an object and its name. */
export const IF_EXISTS = wordSet('IF NOT EXISTS');

/**
 * Reads what CREATE, ALTER, DROP or RENAME is about.
 * @param cursor stands at the verb; then at the kind of object.
 */
export function readObject(
  cursor: NatureCursor,
  draft: NatureDraft,
): { readonly object: string; readonly isTemporary: boolean } {
  let isTemporary = false;
  cursor.advance();
  const { depth } = cursor;
  while (!cursor.isStatementEnd) {
    if (cursor.depth <= depth && cursor.before !== '=') {
      if (OBJECTS.has(cursor.word)) break;
      if (cursor.word === 'SPATIAL' && cursor.next === 'REFERENCE') break;
      if (cursor.word === 'TEMPORARY') isTemporary = true;
    }
    cursor.advance();
  }
  const object = cursor.word;
  const reason = REFUSED_OBJECTS.get(object);
  if (reason !== undefined) draft.refuse(reason);
  if (object === 'DATABASE' || object === 'SCHEMA') readDatabase(cursor, draft);
  return { object, isTemporary };
}

function readDatabase(cursor: NatureCursor, draft: NatureDraft): void {
  cursor.advance();
  cursor.passAll(IF_EXISTS);
  const reason = schemaRefusal(cursor.name);
  if (reason !== null) draft.refuse(reason);
}

/** What a definition says of files and of other servers, to the end of the statement. */
export function readOptions(cursor: NatureCursor, draft: NatureDraft): void {
  while (!cursor.isStatementEnd) {
    const { word, before } = cursor;
    if (word === 'DIRECTORY' && FOLDERS.has(before)) draft.refuse('files');
    else if (word === 'TABLESPACE' && before === 'IMPORT') draft.refuse('files');
    else if (before === 'ENGINE' || (before === '=' && cursor.beforeThat === 'ENGINE')) {
      if (OUTSIDE_ENGINES.test(cursor.string ?? cursor.name)) draft.refuse('server');
    }
    cursor.advance();
  }
}
