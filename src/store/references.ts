import type { Database } from 'better-sqlite3';
import type { ReferenceTable } from '../core/environments/confinement.ts';

export function referenceTable(db: Database): ReferenceTable {
  const listOf = db.prepare<[string], { reference: string; place: string }>(
    'SELECT reference, place FROM password_references WHERE source = ? ORDER BY reference, place',
  );
  const note = db.prepare<[string, string, string]>(
    'INSERT OR IGNORE INTO password_references (source, reference, place) VALUES (?, ?, ?)',
  );
  return {
    listOf: (source) => listOf.all(source),
    note: (source, reference, place) => void note.run(source, reference, place),
  };
}
