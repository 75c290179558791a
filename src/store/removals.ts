import type { Database } from 'better-sqlite3';
import type { RemovalTable } from '../core/captures/workload-removals.ts';

export function removalTable(db: Database): RemovalTable {
  const insert = db.prepare('INSERT OR IGNORE INTO removals (capture_id, is_kept) VALUES (?, ?)');
  const list = db
    .prepare<[number], number>('SELECT capture_id FROM removals WHERE is_kept = ? ORDER BY 1')
    .pluck();
  const remove = db.prepare('DELETE FROM removals WHERE capture_id = ? AND is_kept = 0');
  return {
    insert: (captureId) => void insert.run(captureId, 0),
    keep: (captureId) => void insert.run(captureId, 1),
    list: () => list.all(0),
    listKept: () => list.all(1),
    delete: (captureId) => void remove.run(captureId),
  };
}
