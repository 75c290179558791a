import type { Database } from 'better-sqlite3';
import type { AddressAttemptTable } from '../core/users/address-gate.ts';

export function addressAttemptTable(db: Database): AddressAttemptTable {
  const find = db.prepare<[string, number], { failures: number; lastAt: number }>(
    'SELECT failures, last_at AS lastAt FROM address_attempts WHERE kind = ? AND bucket = ?',
  );
  const put = db.prepare<[string, number, number, number]>(
    'INSERT OR REPLACE INTO address_attempts (kind, bucket, failures, last_at) VALUES (?, ?, ?, ?)',
  );
  return {
    find: (kind, bucket) => find.get(kind, bucket) ?? null,
    put: (kind, bucket, failures, lastAt) => void put.run(kind, bucket, failures, lastAt),
  };
}
