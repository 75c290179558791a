import type { OrphanedWorkload } from '../../core/workloads/workload-files.ts';
import type { Column, Noun } from './column.ts';
import { formatBytes } from '../../core/units.ts';

const COLUMNS: readonly Column<OrphanedWorkload>[] = [
  { field: 'id', header: 'ID', align: 'right', cell: ({ captureId }) => String(captureId) },
  { field: 'bytes', header: 'ON DISK', align: 'right', cell: ({ bytes }) => formatBytes(bytes) },
  { field: 'folder', header: 'FOLDER', shrinks: true, cell: ({ folder }) => folder },
];

/** Workloads that belong to no capture. */
export const orphanNoun: Noun<OrphanedWorkload> = {
  fields: ['id', 'bytes', 'folder'],
  toJson: ({ captureId, bytes, folder }) => ({ id: captureId, bytes, folder }),
  columns: COLUMNS,
  reference: ({ folder }) => folder,
  none: 'Every workload belongs to a capture.',
};
