import type { Database } from 'better-sqlite3';
import type { DaemonStatusTable, SavedStatus } from '../core/daemon/daemon-status.ts';

export function daemonStatusTable(db: Database): DaemonStatusTable {
  const find = db.prepare<[], { holder: string; at: number; taps: string }>(
    'SELECT holder, at, taps FROM daemon_status',
  );
  const save = db.prepare(
    `INSERT INTO daemon_status (only_row, holder, at, taps) VALUES (1, ?, ?, ?)
     ON CONFLICT (only_row) DO UPDATE SET
       holder = excluded.holder, at = excluded.at, taps = excluded.taps`,
  );
  return {
    find() {
      const row = find.get();
      if (row === undefined) return null;
      return { ...row, taps: JSON.parse(row.taps) as SavedStatus['taps'] };
    },
    save: ({ holder, at, taps }) => void save.run(holder, at, JSON.stringify(taps)),
  };
}
