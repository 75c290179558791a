import type { Database } from 'better-sqlite3';
import type { StoredOwnCommands } from '../core/verification/own-commands.ts';
import type { OwnConnection, ServerSettings, SessionState, SourceMemory } from '../core/source.ts';
import type { TapRow, TapTable, Trouble } from '../core/store.ts';
import { sessionMemories } from './migrations/0017-session-memories.ts';
import { prepareProgress } from './recordings.ts';
import { inserted, orNull } from './database.ts';

interface Row extends Omit<TapRow, 'settings' | 'ownCommands' | 'trouble'> {
  settings: string;
  ownCommands: string | null;
  trouble: string | null;
}

interface SessionRow extends Omit<SessionState, 'memory'> {
  readonly memory: string | null;
}

const toSession = ({ session, user, host, db, memory }: SessionRow): SessionState => ({
  session,
  user,
  host,
  db,
  memory: memory === null ? null : (JSON.parse(memory) as SourceMemory),
});

const COLUMNS = `id, identity AS serverKey, server_key AS nonce, environment_id AS environmentId, settings, generation AS batch,
  row, opened_at AS openedAt, server_start AS serverStart, own_commands AS ownCommands, trouble`;

function toTap(row: Row): TapRow {
  return {
    ...row,
    settings: JSON.parse(row.settings) as ServerSettings,
    ownCommands:
      row.ownCommands === null ? null : (JSON.parse(row.ownCommands) as StoredOwnCommands),
    trouble: troubleOf(row.trouble),
  };
}

/** What the column says. */
export function troubleOf(text: string | null): Trouble | null {
  return text === null ? null : (JSON.parse(text) as Trouble);
}

export function tapTable(db: Database): TapTable {
  const insert = db.prepare<[string, string, number, string, number], Row>(
    `INSERT INTO taps (identity, server_key, environment_id, settings, opened_at) VALUES (?, ?, ?, ?, ?)
     RETURNING ${COLUMNS}`,
  );
  const find = db.prepare<[number], Row>(`SELECT ${COLUMNS} FROM taps WHERE id = ?`);
  const listByServer = db.prepare<[string], Row>(
    `SELECT ${COLUMNS} FROM taps WHERE identity = ? ORDER BY id`,
  );
  const list = db.prepare<[], Row>(`SELECT ${COLUMNS} FROM taps ORDER BY id`);
  const addConnection = db.prepare(
    'INSERT OR IGNORE INTO own_connections (tap_id, connection_id, server_start) VALUES (?, ?, ?)',
  );
  const forgetUnknown = db.prepare(
    'DELETE FROM own_connections WHERE tap_id = ? AND connection_id = ? AND server_start = 0',
  );
  const connectionsOf = db.prepare<[number], OwnConnection>(
    `SELECT connection_id AS connectionId, NULLIF(server_start, 0) AS serverStart
     FROM own_connections WHERE tap_id = ?`,
  );
  const forgetBefore = db.prepare(
    'DELETE FROM own_connections WHERE tap_id = ? AND server_start < ?',
  );
  const setInstalled = db.prepare('UPDATE taps SET server_start = ? WHERE id = ?');
  const sessionsOf = db.prepare<[number], SessionRow & { isText: number }>(
    `SELECT session, user, host, db, memory, NOT COALESCE(json_valid(memory), 1) AS isText
     FROM tap_sessions WHERE tap_id = ?`,
  );
  const insertSession = db.prepare<SessionRow & { tapId: number }>(
    `INSERT INTO tap_sessions (tap_id, session, user, host, db, memory)
     VALUES (@tapId, @session, @user, @host, @db, @memory)
     ON CONFLICT (tap_id, session) DO UPDATE SET
       user = excluded.user, host = excluded.host, db = excluded.db, memory = excluded.memory`,
  );
  const saveSession = (tapId: number, { memory, ...session }: SessionState): void => {
    const text = memory === null ? null : JSON.stringify(memory);
    insertSession.run({ ...session, memory: text, tapId });
  };
  const forgetSession = db.prepare('DELETE FROM tap_sessions WHERE tap_id = ? AND session = ?');
  const forgetSessions = db.prepare('DELETE FROM tap_sessions WHERE tap_id = ?');
  const advance = db.prepare('UPDATE taps SET generation = ?, row = ? WHERE id = ?');
  const saveOwn = db.prepare('UPDATE taps SET own_commands = ? WHERE id = ?');
  const saveTrouble = db.prepare('UPDATE taps SET trouble = ? WHERE id = ?');
  const saveProgress = prepareProgress(db);
  const remove = db.prepare('DELETE FROM taps WHERE id = ?');
  return {
    insert({ serverKey, nonce, environmentId, settings }, now) {
      const text = JSON.stringify(settings);
      return toTap(inserted(insert, serverKey, nonce, environmentId, text, now));
    },
    find: (id) => orNull(find.get(id), toTap),
    listByServer: (serverKey) => listByServer.all(serverKey).map(toTap),
    list: () => list.all().map(toTap),
    addConnection(tapId, { connectionId, serverStart }) {
      addConnection.run(tapId, connectionId, serverStart ?? 0);
      if (serverStart !== null) forgetUnknown.run(tapId, connectionId);
    },
    forgetConnectionsBefore: (tapId, serverStart) => void forgetBefore.run(tapId, serverStart),
    setInstalled: (tapId, serverStart) => void setInstalled.run(serverStart, tapId),
    connectionsOf: (tapId) => connectionsOf.all(tapId),
    sessionsOf(tapId) {
      const rows = sessionsOf.all(tapId);
      if (rows.every(({ isText }) => isText === 0)) return rows.map(toSession);
      db.exec(sessionMemories);
      return sessionsOf.all(tapId).map(toSession);
    },
    replaceSessions(tapId, sessions) {
      forgetSessions.run(tapId);
      for (const session of sessions) saveSession(tapId, session);
    },
    saveTrouble: (tapId, trouble) =>
      void saveTrouble.run(trouble === null ? null : JSON.stringify(trouble), tapId),
    saveOwnCommands: (tapId, own) => void saveOwn.run(JSON.stringify(own), tapId),
    commit({ tapId, batch, row, own, changedSessions, endedSessions, recordings }) {
      advance.run(batch, row, tapId);
      saveOwn.run(JSON.stringify(own), tapId);
      for (const session of changedSessions) saveSession(tapId, session);
      for (const session of endedSessions) forgetSession.run(tapId, session);
      for (const progress of recordings) saveProgress(progress);
    },
    delete: (id) => void remove.run(id),
  };
}
