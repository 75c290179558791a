import type { Recording } from '../core/store.ts';
import type { ReadablePosition } from '../workload/workload-reader.ts';

export { workloadFolder } from '../workload/deleted-workloads.ts';

/** How far a workload may be read: what is committed; null before the first commit. */
export function committedPosition(recording: Recording | null): ReadablePosition | null {
  return recording?.position == null ? null : (JSON.parse(recording.position) as ReadablePosition);
}
