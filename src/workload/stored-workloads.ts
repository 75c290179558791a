import type { Progress } from '../core/progress.ts';
import type { Store } from '../core/store.ts';
import type { StatementsNotRun, WorkloadFiles } from '../core/workloads/workload-files.ts';
import type { ReadablePosition } from '../core/workloads/workload.ts';
import {
  findOrphanedWorkloads,
  removeDeletedWorkloads,
  workloadFolder,
} from './deleted-workloads.ts';
import { listWorkloadFiles } from './workload-folder.ts';

/** Reads what is in a folder, also one of no store. */
export const folderReader: Pick<WorkloadFiles, 'readManifest' | 'verify'> = {
  async readManifest(folder) {
    const { readManifest } = await import('./manifest.ts');
    return readManifest(folder);
  },
  async verify(folder, expected, options) {
    const { verifyFiles } = await import('./file-verification.ts');
    return verifyFiles(folder, expected, options);
  },
};

/** The files of a store's workloads. What reads them is loaded when it is first needed. */
export function workloadFiles(store: Store): WorkloadFiles {
  const folderOf = (captureId: number): string => workloadFolder(store, captureId);
  return {
    folderOf,
    async diskSpace() {
      const { diskSpace } = await import('./disk-space.ts');
      return diskSpace(store.directory);
    },
    list: (captureId) => listWorkloadFiles(folderOf(captureId)),
    removeDeleted: (options) => removeDeletedWorkloads(store, options),
    findOrphans: () => findOrphanedWorkloads(store),
    async *read(captureId, until, limit) {
      const { readWorkload } = await import('./workload-reader.ts');
      yield* readWorkload(folderOf(captureId), until, { limit });
    },
    async *records(captureId, until) {
      const { readRecords } = await import('./workload-reader.ts');
      yield* readRecords(folderOf(captureId), until);
    },
    readSql: (captureId, until, limit) => sqlOf(folderOf(captureId), until, limit),
    openTally: () => Promise.reject(new Error('counting is not built yet')),
    ...folderReader,
  };
}

async function* sqlOf(
  folder: string,
  until: ReadablePosition | null,
  limit: number | null,
): Progress<Uint8Array, readonly StatementsNotRun[]> {
  const [{ readRecords }, { formatSql, SQL_HEADER }] = await Promise.all([
    import('./workload-reader.ts'),
    import('./sql-format.ts'),
  ]);
  yield new TextEncoder().encode(SQL_HEADER);
  let db: string | null = null;
  const unprepared = new Map<number, string>();
  const notRun = new Map<string, number>();
  for await (const records of readRecords(folder, until, { limit })) {
    const formatted = formatSql(records, db, unprepared, notRun);
    db = formatted.db;
    yield formatted.text;
  }
  return Array.from(notRun, ([reason, count]) => ({ reason, count }));
}
