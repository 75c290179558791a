import { join } from 'node:path';
import type { Recording, Store } from '../core/store.ts';
import type { ReadablePosition } from '../workload/workload-reader.ts';

/** The folder of a capture's workload. */
export function workloadFolder(store: Pick<Store, 'directory'>, captureId: number): string {
  return join(store.directory, 'captures', String(captureId));
}

/** How far a workload may be read: what is committed; null before the first commit. */
export function committedPosition(recording: Recording | null): ReadablePosition | null {
  return recording?.position == null ? null : (JSON.parse(recording.position) as ReadablePosition);
}
