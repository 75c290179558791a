import type { Database } from 'better-sqlite3';
import type { Credential, CredentialTable } from '../core/store.ts';
import { returned } from './database.ts';

interface Row {
  id: number;
  user_id: number;
  kind: Credential['kind'];
  name: string | null;
  created_at: number;
  expires_at: number;
}

const COLUMNS = 'id, user_id, kind, name, created_at, expires_at';

function toCredential(row: Row): Credential {
  return {
    id: row.id,
    userId: row.user_id,
    kind: row.kind,
    name: row.name,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  };
}

export function credentialTable(db: Database): CredentialTable {
  const insert = db.prepare<[number, string, string | null, Buffer, number, number], Row>(
    `INSERT INTO credentials (user_id, kind, name, secret_hash, created_at, expires_at)
     VALUES (?, ?, ?, ?, ?, ?) RETURNING ${COLUMNS}`,
  );
  const findBySecret = db.prepare<[Buffer], Row>(
    `SELECT ${COLUMNS} FROM credentials WHERE secret_hash = ?`,
  );
  const find = db.prepare<[number], Row>(`SELECT ${COLUMNS} FROM credentials WHERE id = ?`);
  const listOf = db.prepare<[number, string], Row>(
    `SELECT ${COLUMNS} FROM credentials WHERE user_id = ? AND kind = ? ORDER BY id`,
  );
  const removeOtherSessions = db.prepare(
    "DELETE FROM credentials WHERE user_id = ? AND kind = 'session' AND id IS NOT ?",
  );
  const removeTokens = db.prepare("DELETE FROM credentials WHERE user_id = ? AND kind = 'token'");
  const remove = db.prepare('DELETE FROM credentials WHERE id = ?');
  const removeExpired = db.prepare('DELETE FROM credentials WHERE expires_at <= ?');
  return {
    insert({ userId, kind, name, secretHash, expiresAt }, now) {
      const row = returned(insert, userId, kind, name, secretHash, now, expiresAt);
      if (row === undefined) throw new Error('INSERT … RETURNING gave no row');
      return toCredential(row);
    },
    findBySecret(secretHash) {
      const row = findBySecret.get(secretHash);
      return row === undefined ? null : toCredential(row);
    },
    find(id) {
      const row = find.get(id);
      return row === undefined ? null : toCredential(row);
    },
    listOf: (userId, kind) => listOf.all(userId, kind).map(toCredential),
    deleteOtherSessions: (userId, keepId) => void removeOtherSessions.run(userId, keepId),
    deleteTokens: (userId) => void removeTokens.run(userId),
    delete(id) {
      remove.run(id);
    },
    deleteExpired(now) {
      removeExpired.run(now);
    },
  };
}
