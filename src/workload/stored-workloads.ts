import type { Store } from '../core/store.ts';
import type { WorkloadFiles } from '../core/workloads/workload-files.ts';
import type { StatementRecord } from '../core/workloads/statements.ts';
import type { RecordFormat } from '../core/workloads/transfer.ts';
import type { Manifest } from '../core/workloads/workload.ts';
import {
  findOrphanedWorkloads,
  removeDeletedWorkloads,
  workloadFolder,
  workloadsFolder,
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
    async *read(captureId, spans, query) {
      const { searchLines } = await import('./workload-search.ts');
      yield* searchLines(folderOf(captureId), spans, query);
    },
    async *records(captureId, spans, query) {
      const { searchRecords } = await import('./workload-search.ts');
      yield* searchRecords(folderOf(captureId), spans, query);
    },
    async *readSql(captureId, spans, query) {
      const [{ searchRecords }, { sqlOf }] = await Promise.all([
        import('./workload-search.ts'),
        import('./sql-text.ts'),
      ]);
      return yield* sqlOf(searchRecords(folderOf(captureId), spans, query), query.search);
    },
    async openTally(captureId) {
      const { openTally } = await import('./tally/workload-tally.ts');
      return openTally(folderOf(captureId));
    },
    async *formatted(records, format, server) {
      yield* FORMATTERS[format](records, server);
    },
    async describe(captureId, until) {
      const { describeSegments } = await import('./segment-opening.ts');
      return describeSegments(folderOf(captureId), until);
    },
    async *archive(contents) {
      const { writeArchive } = await import('./archive-writer.ts');
      yield* writeArchive(folderOf(contents.captureId), contents);
    },
    async unpack(archive, look) {
      const { unpackArchive } = await import('./archive-staging.ts');
      const place = { workloads: workloadsFolder(store), folderOf, isShared: store.isShared };
      return unpackArchive(place, archive, look);
    },
    async writeReplayResult(captureId, result) {
      const { writeResult } = await import('./replay-result-file.ts');
      await writeResult(folderOf(captureId), captureId, result, store.isShared);
    },
    async readReplayResult(captureId) {
      const { readResult } = await import('./replay-result-file.ts');
      return readResult(folderOf(captureId));
    },
    ...folderReader,
  };
}

type Formatter = (
  records: AsyncIterable<readonly StatementRecord[]>,
  server: Pick<Manifest['server'], 'version'> | null,
) => AsyncIterable<Uint8Array>;

const FORMATTERS: Readonly<Record<RecordFormat, Formatter>> = {
  async *csv(records) {
    const { formatCsv } = await import('./csv-format.ts');
    yield* formatCsv(records);
  },
  async *'general-log'(records, server) {
    const { formatGeneralLog } = await import('./general-log-format.ts');
    yield* formatGeneralLog(records, server);
  },
  async *parquet(records) {
    const { formatParquet } = await import('./parquet-format.ts');
    yield* formatParquet(records);
  },
};
