import type { Database } from 'better-sqlite3';
import type { ReferenceTable } from '../core/environments/confinement.ts';

export function referenceTable(db: Database): ReferenceTable {
  const list = db.prepare<[], { reference: string; place: string }>(
    'SELECT reference, place FROM password_references ORDER BY reference, place',
  );
  const note = db.prepare<[string, string, string]>(
    'INSERT OR IGNORE INTO password_references (source, reference, place) VALUES (?, ?, ?)',
  );
  return {
    list: () => list.all(),
    note: (source, reference, place) => void note.run(source, reference, place),
  };
}
