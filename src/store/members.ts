import type { Database } from 'better-sqlite3';
import type { Role } from '../core/access.ts';
import type { Member, MemberTable } from '../core/store.ts';

export function memberTable(db: Database): MemberTable {
  const insert = db.prepare('INSERT INTO members (environment_id, user_id, role) VALUES (?, ?, ?)');
  const roleOf = db
    .prepare<[number, number], Role>(
      'SELECT role FROM members WHERE environment_id = ? AND user_id = ?',
    )
    .pluck();
  const listOf = db.prepare<[number], Member>(
    `SELECT environment_id AS environmentId, user_id AS userId, users.name AS userName, role
     FROM members JOIN users ON users.id = members.user_id
     WHERE environment_id = ? ORDER BY users.name_key`,
  );
  return {
    insert(environmentId, userId, role) {
      insert.run(environmentId, userId, role);
    },
    roleOf: (environmentId, userId) => roleOf.get(environmentId, userId) ?? null,
    listOf: (environmentId) => listOf.all(environmentId),
  };
}
