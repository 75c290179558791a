import type { Database } from 'better-sqlite3';
import { isWithin, type Role } from '../core/access.ts';
import type { Member, MemberTable } from '../core/store.ts';

export function memberTable(db: Database): MemberTable {
  const insert = db.prepare('INSERT INTO members (environment_id, user_id, role) VALUES (?, ?, ?)');
  const setRole = db.prepare(
    'UPDATE members SET role = ? WHERE environment_id = ? AND user_id = ?',
  );
  const remove = db.prepare('DELETE FROM members WHERE environment_id = ? AND user_id = ?');
  const listFor = db.prepare<[number], { environmentId: number; role: Role }>(
    'SELECT environment_id AS environmentId, role FROM members WHERE user_id = ? ORDER BY environment_id',
  );
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
    insert: (environmentId, userId, role) => void insert.run(environmentId, userId, role),
    setRole: (environmentId, userId, role) =>
      setRole.run(role, environmentId, userId).changes === 1,
    delete: (environmentId, userId) => remove.run(environmentId, userId).changes === 1,
    listFor: ({ userId, scope }) =>
      listFor.all(userId).filter(({ environmentId }) => isWithin(scope, environmentId)),
    roleOf: (environmentId, { userId, scope }) =>
      isWithin(scope, environmentId) ? (roleOf.get(environmentId, userId) ?? null) : null,
    listOf: (environmentId) => listOf.all(environmentId),
  };
}
