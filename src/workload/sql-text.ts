import type { Progress } from '../core/progress.ts';
import type { StatementSearch } from '../core/workloads/statement-search.ts';
import type { StatementRecord } from '../core/workloads/statements.ts';
import type { StatementsNotRun } from '../core/workloads/workload-files.ts';
import { formatSql, SQL_HEADER } from './sql-format.ts';

/**
 * Records that a search found, as SQL for a client, with what stands before it.
 * @returns how many are comments only, by why.
 */
export async function* sqlOf(
  parts: AsyncIterable<readonly StatementRecord[]>,
  search: StatementSearch,
): Progress<Uint8Array, readonly StatementsNotRun[]> {
  let header: string | null = SQL_HEADER;
  let db: string | null = null;
  const unprepared = new Map<number, string>();
  const notRun = new Map<string, number>();
  for await (const records of parts) {
    if (header !== null) yield new TextEncoder().encode(header);
    header = null;
    const formatted = formatSql(withoutEchoes(records, search), db, unprepared, notRun);
    db = formatted.db;
    // Not `yield*`: an array's iterator has no `throw`, which ends a use case.
    for (const piece of formatted.pieces) yield piece;
  }
  if (header !== null) yield new TextEncoder().encode(header);
  return Array.from(notRun, ([reason, count]) => ({ reason, count }));
}

/** Where digests or tables are searched for, an echo is found without the EXECUTE that it repeats: it stands for it. */
function withoutEchoes(
  records: readonly StatementRecord[],
  search: StatementSearch,
): readonly StatementRecord[] {
  if (search.digests.length === 0 && search.tables.length === 0) return records;
  return records.map((record) =>
    record.flags?.includes('echo') === true
      ? { ...record, flags: record.flags.filter((flag) => flag !== 'echo') }
      : record,
  );
}
