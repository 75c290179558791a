import { OUTSIDE_ENGINES } from './definition-nature.ts';
import type { NatureCursor } from './nature-cursor.ts';
import type { NatureDraft } from './nature-draft.ts';
import { readAccess } from './transaction-nature.ts';

/** Settings of a session that hide it from the binary log or from the log, or change how it replicates. */
const OF_REPLICATION =
  /^(?:sql_log_bin|sql_log_off|sql_log_update|server_id|skip_replication|read_only|super_read_only|offline_mode|(?:binlog|wsrep|gtid|pseudo|original|immediate|rpl|slave|replica|rbr|debug)(?:_\w+)?)$/;
const READ_ONLY = /^(?:transaction|tx)_read_only$/;
const ENGINE = /^(?:default_|default_tmp_|enforce_)?storage_engine$/;
const ON = /^(?:1|ON|TRUE)$/i;
const CHAIN = /^(?:1|CHAIN)$/i;
const OFF = /^(?:0|OFF|FALSE)$/i;

/**
 * Reads what is set, up to the end of the statement, or to the FOR of `SET STATEMENT`.
 * @param cursor stands behind SET.
 * @param isInBody whether it may be a variable of a routine that is set.
 */
export function readSettings(
  cursor: NatureCursor,
  draft: NatureDraft,
  isInBody: boolean,
  isForStatement: boolean,
): void {
  if (cursor.word === 'RESOURCE' && cursor.next === 'GROUP') draft.refuse('server');
  if (cursor.word === 'DEFAULT' && cursor.next === 'ROLE') draft.refuse('accounts');
  const depth = cursor.depth;
  while (!cursor.isStatementEnd) {
    if (isForStatement && cursor.word === 'FOR' && cursor.depth === depth) return;
    readSetting(cursor, draft, isInBody, depth, isForStatement);
    cursor.pass(',');
  }
}

/** One of the list. */
function readSetting(
  cursor: NatureCursor,
  draft: NatureDraft,
  isInBody: boolean,
  depth: number,
  isForStatement: boolean,
): void {
  switch (cursor.word) {
    case 'NAMES':
    case 'CHARACTER':
    case 'CHARSET':
      if (cursor.next !== '=' && cursor.next !== ':=') {
        passValue(cursor, depth, false);
        return;
      }
      break;
    case 'PASSWORD':
      draft.refuse('accounts');
      break;
    case 'AUTHORIZATION':
      draft.refuse('accounts');
      break;
    default:
  }
  let scope = '';
  if (SCOPES.test(cursor.word)) {
    scope = cursor.word;
    cursor.advance();
    if (cursor.word === 'AUTHORIZATION') draft.refuse('accounts');
  }
  if (cursor.word === 'TRANSACTION') {
    if (isServerWide(scope)) draft.refuse('server');
    readAccess(cursor, draft);
    return;
  }
  let signs = 0;
  while (cursor.word === '@') {
    signs++;
    cursor.advance();
  }
  // A variable of the session's own, which may be named in quotes.
  if (signs === 1) {
    const name = cursor.name;
    cursor.advance();
    const text = !isInBody && cursor.pass('=', ':=') ? literalAt(cursor) : null;
    passValue(cursor, depth, isForStatement);
    // Of others a server may take several for one: `@é` for `@e`.
    if (text === null || !/^[a-z\d_]+$/i.test(name)) draft.variables.clear();
    else draft.variables.set(name.toLowerCase(), text);
    return;
  }
  const parts: string[] = [];
  while (cursor.name !== '') {
    parts.push(cursor.name.toLowerCase());
    cursor.advance();
    if (!cursor.pass('.')) break;
  }
  const first = (parts[0] ?? '').toUpperCase();
  if (parts.length > 1 && SCOPES.test(first)) scope = first;
  if (isServerWide(scope)) draft.refuse('server');
  const name = parts.at(-1) ?? '';
  if (!cursor.pass('=', ':=')) {
    passValue(cursor, depth, isForStatement);
    return;
  }
  const value = valueAt(cursor);
  // What is worked out may run a function, which can set a variable.
  if (value === '') draft.variables.clear();
  passValue(cursor, depth, isForStatement);
  // NEW.timestamp of a trigger.
  if (isInBody && parts.length > 1 && !SCOPES.test(first)) return;
  note(draft, name, value, isForStatement);
}

const SCOPES = /^(?:GLOBAL|SESSION|LOCAL|PERSIST|PERSIST_ONLY)$/;

function isServerWide(scope: string): boolean {
  return scope === 'GLOBAL' || scope.startsWith('PERSIST');
}

function note(draft: NatureDraft, name: string, value: string, isForStatement: boolean): void {
  if (OF_REPLICATION.test(name)) draft.refuse('server');
  if (READ_ONLY.test(name) && !ON.test(value)) draft.isReadOnly = false;
  // What is put together may be the name of one.
  if (ENGINE.test(name) && (value === '' || OUTSIDE_ENGINES.test(value))) draft.refuse('server');
  if (isForStatement) return;
  if (name === 'timestamp') {
    draft.timestamp = /^(?:default|0+(?:\.0*)?)$/i.test(value) ? 'default' : 'set';
  } else if (name === 'autocommit') {
    draft.effect(OFF.test(value) ? 'autocommit_off' : 'autocommit_on');
  } else if (name === 'completion_type') {
    draft.effect(CHAIN.test(value) ? 'chains_on' : 'chains_off');
  }
}

/** The value where it is one word, number or string, which ends the item; empty for anything else. */
function valueAt(cursor: NatureCursor): string {
  const isAlone =
    cursor.next === ',' || cursor.next === ';' || cursor.next === '' || cursor.next === 'FOR';
  if (!isAlone) return '';
  return cursor.string ?? cursor.sql.slice(cursor.start, cursor.end);
}

/** The value where it is one string, which ends the item; null for anything else. */
function literalAt(cursor: NatureCursor): string | null {
  const isAlone = cursor.next === ',' || cursor.next === ';' || cursor.next === '';
  return isAlone && cursor.word === "'" ? cursor.string : null;
}

function passValue(cursor: NatureCursor, depth: number, isForStatement: boolean): void {
  while (!cursor.isStatementEnd) {
    if (cursor.depth === depth && cursor.word === ',') return;
    if (isForStatement && cursor.depth === depth && cursor.word === 'FOR') return;
    cursor.advance();
  }
}
