import type { Database } from 'better-sqlite3';
import type { ApiCall, CallTable } from '../core/audit/call-log.ts';

const COLUMNS = `id, at, user_id AS userId, user_name AS userName, credential_id AS credentialId, address, method,
  path, status, ms`;

export function callTable(db: Database): CallTable {
  const insert = db.prepare<[Omit<ApiCall, 'id'>]>(
    `INSERT INTO calls (at, user_id, user_name, credential_id, address, method, path, status, ms)
     VALUES (@at, @userId, @userName, @credentialId, @address, @method, @path, @status, @ms)`,
  );
  const narrowed = `(@credentialId IS NULL OR credential_id = @credentialId)
      AND (@since IS NULL OR at >= @since) ORDER BY id DESC LIMIT @limit`;
  const listAll = db.prepare<[Record<string, unknown>], ApiCall>(
    `SELECT ${COLUMNS} FROM calls WHERE ${narrowed}`,
  );
  const listOf = db.prepare<[Record<string, unknown>], ApiCall>(
    `SELECT ${COLUMNS} FROM calls WHERE user_id = @userId AND ${narrowed}`,
  );
  const pruneOld = db.prepare<[number]>('DELETE FROM calls WHERE at < ?');
  const pruneMany = db.prepare<[number]>(
    'DELETE FROM calls WHERE id <= (SELECT id FROM calls ORDER BY id DESC LIMIT 1 OFFSET ?)',
  );
  return {
    insert: (call) => void insert.run(call),
    list({ limit, ...filter }) {
      const asked = { ...filter, limit: limit ?? -1 };
      return filter.userId === null ? listAll.all(asked) : listOf.all(asked);
    },
    prune(since, most) {
      pruneOld.run(since);
      pruneMany.run(most);
    },
  };
}
