import type { Database } from 'better-sqlite3';
import type { RemovalTable } from '../core/retention.ts';

interface Row {
  capture_id: number;
  user_id: number | null;
  user_name: string;
  reason: string;
}

export function removalTable(db: Database): RemovalTable {
  const insert = db.prepare(
    'INSERT OR IGNORE INTO removals (capture_id, user_id, user_name, reason) VALUES (?, ?, ?, ?)',
  );
  const list = db.prepare<[], Row>(
    'SELECT capture_id, user_id, user_name, reason FROM removals ORDER BY capture_id',
  );
  return {
    insert: ({ captureId, author, reason }) =>
      void insert.run(captureId, author.userId, author.userName, reason),
    list: () =>
      list.all().map((row) => ({
        captureId: row.capture_id,
        author: { userId: row.user_id, userName: row.user_name },
        reason: row.reason,
      })),
  };
}
