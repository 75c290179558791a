import type { Database } from 'better-sqlite3';
import { AppError } from '../core/errors.ts';
import { nameKey } from '../core/names.ts';
import type { User, UserTable } from '../core/store.ts';
import { inserted, orNull, unlessTaken } from './database.ts';

interface Row extends Omit<User, 'isAdmin'> {
  isAdmin: number;
}

const COLUMNS =
  'id, name, is_admin AS isAdmin, password_hash AS passwordHash, created_at AS createdAt';

function toUser(row: Row): User {
  return { ...row, isAdmin: row.isAdmin === 1 };
}

export function userTable(db: Database): UserTable {
  const insert = db.prepare<[Record<string, unknown>], Row>(
    `INSERT INTO users (name, name_key, is_admin, password_hash, created_at)
     VALUES (@name, @nameKey, @isAdmin, @passwordHash, @now) RETURNING ${COLUMNS}`,
  );
  const find = db.prepare<[number], Row>(`SELECT ${COLUMNS} FROM users WHERE id = ?`);
  const findByName = db.prepare<[string], Row>(`SELECT ${COLUMNS} FROM users WHERE name_key = ?`);
  const list = db.prepare<[], Row>(`SELECT ${COLUMNS} FROM users ORDER BY name_key`);
  const setPassword = db.prepare('UPDATE users SET password_hash = ? WHERE id = ?');
  const leaveEnvironments = db.prepare('DELETE FROM members WHERE user_id = ?');
  const remove = db.prepare('DELETE FROM users WHERE id = ?');
  return {
    insert({ name, isAdmin, passwordHash }, now) {
      const user = { name, nameKey: nameKey(name), isAdmin: isAdmin ? 1 : 0, passwordHash, now };
      return toUser(
        unlessTaken(
          () => inserted(insert, user),
          () => new AppError('conflict', `There is already a user named ${name}`),
        ),
      );
    },
    find: (id) => orNull(find.get(id), toUser),
    findByName: (name) => orNull(findByName.get(nameKey(name)), toUser),
    list: () => list.all().map(toUser),
    setPassword: (id, passwordHash) => void setPassword.run(passwordHash, id),
    delete(id) {
      leaveEnvironments.run(id);
      remove.run(id);
    },
  };
}
