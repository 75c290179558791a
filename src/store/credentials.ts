import type { Database } from 'better-sqlite3';
import type { Credential, CredentialTable } from '../core/store.ts';
import { inserted } from './database.ts';

const COLUMNS =
  'id, user_id AS userId, kind, name, created_at AS createdAt, expires_at AS expiresAt';

export function credentialTable(db: Database): CredentialTable {
  const insert = db.prepare<[number, string, string | null, Buffer, number, number], Credential>(
    `INSERT INTO credentials (user_id, kind, name, secret_hash, created_at, expires_at)
     VALUES (?, ?, ?, ?, ?, ?) RETURNING ${COLUMNS}`,
  );
  const findBySecret = db.prepare<[Buffer], Credential>(
    `SELECT ${COLUMNS} FROM credentials WHERE secret_hash = ?`,
  );
  const find = db.prepare<[number], Credential>(`SELECT ${COLUMNS} FROM credentials WHERE id = ?`);
  const listOf = db.prepare<[number, string], Credential>(
    `SELECT ${COLUMNS} FROM credentials WHERE user_id = ? AND kind = ? ORDER BY id`,
  );
  const removeOtherSessions = db.prepare(
    "DELETE FROM credentials WHERE user_id = ? AND kind = 'session' AND id IS NOT ?",
  );
  const removeTokens = db.prepare("DELETE FROM credentials WHERE user_id = ? AND kind = 'token'");
  const remove = db.prepare('DELETE FROM credentials WHERE id = ?');
  const removeExpired = db.prepare('DELETE FROM credentials WHERE expires_at <= ?');
  return {
    insert: ({ userId, kind, name, secretHash, expiresAt }, now) =>
      inserted(insert, userId, kind, name, secretHash, now, expiresAt),
    findBySecret: (secretHash) => findBySecret.get(secretHash) ?? null,
    find: (id) => find.get(id) ?? null,
    listOf: (userId, kind) => listOf.all(userId, kind),
    deleteOtherSessions: (userId, keepId) => void removeOtherSessions.run(userId, keepId),
    deleteTokens: (userId) => void removeTokens.run(userId),
    delete: (id) => void remove.run(id),
    deleteExpired: (now) => void removeExpired.run(now),
  };
}
