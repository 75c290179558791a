import type { Database } from 'better-sqlite3';
import type { PasswordAttempts, PasswordAttemptTable } from '../core/users/password-gate.ts';

export function passwordAttemptTable(db: Database): PasswordAttemptTable {
  const find = db.prepare<[number], PasswordAttempts>(
    'SELECT failures, checking, last_at AS lastAt FROM password_attempts WHERE bucket = ?',
  );
  const put = db.prepare<[number, number, number, number]>(
    'INSERT OR REPLACE INTO password_attempts (bucket, failures, checking, last_at) VALUES (?, ?, ?, ?)',
  );
  const remove = db.prepare<[number]>('DELETE FROM password_attempts WHERE bucket = ?');
  return {
    find: (bucket) => find.get(bucket) ?? null,
    put: (bucket, { failures, checking, lastAt }) =>
      void put.run(bucket, failures, checking, lastAt),
    delete: (bucket) => void remove.run(bucket),
  };
}
