import type { Database } from 'better-sqlite3';
import type { Credential, CredentialTable } from '../core/store.ts';
import { inserted, orNull } from './database.ts';

interface Row extends Omit<Credential, 'scope'> {
  isReadOnly: 0 | 1;
  environments: string | null;
}

const COLUMNS = `id, user_id AS userId, kind, name, created_at AS createdAt, expires_at AS expiresAt,
  read_only AS isReadOnly, environments`;

function toCredential({ isReadOnly, environments, ...row }: Row): Credential {
  const environmentIds = environments === null ? null : (JSON.parse(environments) as number[]);
  return { ...row, scope: { isReadOnly: isReadOnly === 1, environmentIds } };
}

export function credentialTable(db: Database): CredentialTable {
  const insert = db.prepare<
    [number, string, string | null, Buffer, number, number, number, string | null],
    Row
  >(
    `INSERT INTO credentials (user_id, kind, name, secret_hash, created_at, expires_at, read_only, environments)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING ${COLUMNS}`,
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
    insert({ userId, kind, name, secretHash, expiresAt, scope }, now) {
      const { isReadOnly, environmentIds } = scope;
      const environments = environmentIds === null ? null : JSON.stringify(environmentIds);
      return toCredential(
        inserted(
          insert,
          userId,
          kind,
          name,
          secretHash,
          now,
          expiresAt,
          isReadOnly ? 1 : 0,
          environments,
        ),
      );
    },
    findBySecret: (secretHash) => orNull(findBySecret.get(secretHash), toCredential),
    find: (id) => orNull(find.get(id), toCredential),
    listOf: (userId, kind) => listOf.all(userId, kind).map(toCredential),
    deleteOtherSessions: (userId, keepId) => void removeOtherSessions.run(userId, keepId),
    deleteTokens: (userId) => void removeTokens.run(userId),
    delete: (id) => void remove.run(id),
    deleteExpired: (now) => void removeExpired.run(now),
  };
}
