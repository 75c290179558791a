import type { Database } from 'better-sqlite3';
import type { PasswordAttempts, PasswordAttemptTable } from '../core/users/password-gate.ts';

interface Row {
  failures: number;
  checking: number;
  last_at: number;
}

export function passwordAttemptTable(db: Database): PasswordAttemptTable {
  const find = db.prepare<[number], Row>(
    'SELECT failures, checking, last_at FROM password_attempts WHERE bucket = ?',
  );
  const put = db.prepare<[number, number, number, number]>(
    'INSERT OR REPLACE INTO password_attempts (bucket, failures, checking, last_at) VALUES (?, ?, ?, ?)',
  );
  const remove = db.prepare<[number]>('DELETE FROM password_attempts WHERE bucket = ?');
  return {
    find(bucket): PasswordAttempts | null {
      const row = find.get(bucket);
      if (row === undefined) return null;
      return { failures: row.failures, checking: row.checking, lastAt: row.last_at };
    },
    put: (bucket, { failures, checking, lastAt }) =>
      void put.run(bucket, failures, checking, lastAt),
    delete: (bucket) => void remove.run(bucket),
  };
}
