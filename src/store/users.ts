import type { Database } from 'better-sqlite3';
import { AppError } from '../core/errors.ts';
import { nameKey } from '../core/names.ts';
import type { User, UserTable } from '../core/store.ts';
import { isUniqueViolation, returned } from './database.ts';

interface Row {
  id: number;
  name: string;
  is_admin: number;
  password_hash: string;
  created_at: number;
}

const COLUMNS = 'id, name, is_admin, password_hash, created_at';

function toUser(row: Row): User {
  return {
    id: row.id,
    name: row.name,
    isAdmin: row.is_admin === 1,
    passwordHash: row.password_hash,
    createdAt: row.created_at,
  };
}

export function userTable(db: Database): UserTable {
  const insert = db.prepare<[string, string, number, string, number], Row>(
    `INSERT INTO users (name, name_key, is_admin, password_hash, created_at)
     VALUES (?, ?, ?, ?, ?) RETURNING ${COLUMNS}`,
  );
  const find = db.prepare<[number], Row>(`SELECT ${COLUMNS} FROM users WHERE id = ?`);
  const findByName = db.prepare<[string], Row>(`SELECT ${COLUMNS} FROM users WHERE name_key = ?`);
  const list = db.prepare<[], Row>(`SELECT ${COLUMNS} FROM users ORDER BY name_key`);
  const setPassword = db.prepare('UPDATE users SET password_hash = ? WHERE id = ?');
  const leaveEnvironments = db.prepare('DELETE FROM members WHERE user_id = ?');
  const remove = db.prepare('DELETE FROM users WHERE id = ?');
  return {
    insert(user, now) {
      try {
        const row = returned(
          insert,
          user.name,
          nameKey(user.name),
          user.isAdmin ? 1 : 0,
          user.passwordHash,
          now,
        );
        if (row === undefined) throw new Error('INSERT … RETURNING gave no row');
        return toUser(row);
      } catch (error) {
        if (isUniqueViolation(error)) {
          throw new AppError('conflict', `There is already a user named ${user.name}`);
        }
        throw error;
      }
    },
    find(id) {
      const row = find.get(id);
      return row === undefined ? null : toUser(row);
    },
    findByName(name) {
      const row = findByName.get(nameKey(name));
      return row === undefined ? null : toUser(row);
    },
    list: () => list.all().map(toUser),
    setPassword: (id, passwordHash) => void setPassword.run(passwordHash, id),
    delete(id) {
      leaveEnvironments.run(id);
      remove.run(id);
    },
  };
}
