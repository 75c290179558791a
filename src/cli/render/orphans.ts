import type { OrphanedWorkload } from '../../core/workloads/workload-files.ts';
import { column, jsonFields, type Noun } from './column.ts';
import { formatBytes } from '../../core/units.ts';

export const orphanNoun: Noun<OrphanedWorkload> = {
  ...jsonFields<OrphanedWorkload>({
    id: ({ captureId }) => captureId,
    bytes: ({ bytes }) => bytes,
    folder: ({ folder }) => folder,
  }),
  columns: [
    column('id', 'ID', ({ captureId }) => String(captureId), { align: 'right' }),
    column('bytes', 'ON DISK', ({ bytes }) => formatBytes(bytes), { align: 'right' }),
    column('folder', 'FOLDER', ({ folder }) => folder, { shrinks: true }),
  ],
  reference: ({ folder }) => folder,
  none: 'Every workload belongs to a capture.',
};
