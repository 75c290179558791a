import type { CaptureStatus } from '../captures/capture.ts';
import { isAppError } from '../errors.ts';
import type { ListedCapture, Recording } from '../store.ts';
import { committedOf } from '../workloads/committed.ts';
import type { WorkloadFiles } from '../workloads/workload-files.ts';
import type {
  Damage,
  ExpectedSegment,
  Manifest,
  RecordingFacts,
  WorkloadCounts,
  WorkloadPosition,
} from '../workloads/workload.ts';
import type { CountedRows } from './server-counters.ts';
import type { ValueCounts } from './value-counts.ts';
import type { Evidence } from './verification.ts';

/** What is known of a record before its segments are read. */
export interface RecordStanding {
  readonly state: Evidence['state'];
  /** null when there is none that can be read. */
  readonly manifest: Manifest | null;
  readonly committed: ReturnType<typeof committedOf>;
  readonly facts: Pick<
    RecordingFacts,
    'start' | 'end' | 'gaps' | 'warnings' | 'transactionsAtStart' | 'transactionsAtEnd'
  > | null;
  /** What its segments have to be. */
  readonly expected: readonly ExpectedSegment[];
  /** What was counted while it was recorded; null where nothing says. */
  readonly counters: WorkloadCounts | null;
  readonly rows: CountedRows | null;
  readonly damage: readonly Damage[];
}

export interface RecordSubject {
  /** null for a folder alone. */
  readonly capture: ListedCapture | null;
  /** The store's row; null for a folder alone, and where nothing was ever recorded. */
  readonly recording: Recording | null;
  readonly folder: string;
}

/** Looks at the store's rows and the manifest of a record. @throws AppError when the disk fails. */
export async function lookAtRecord(
  files: Pick<WorkloadFiles, 'readManifest'>,
  { capture, recording, folder }: RecordSubject,
): Promise<RecordStanding> {
  const damage: Damage[] = [];
  const neverBegan = capture?.status === 'FAILED' && capture.start === null;
  const manifest = await manifestIn(files, folder, damage, neverBegan);
  const state = neverBegan ? 'never_began' : stateOf(capture?.status ?? null, manifest);
  const committed = committedOf(recording);
  const isOver = state === 'over';
  return {
    state,
    manifest,
    committed,
    facts: committed.facts ?? manifest,
    expected:
      isOver || committed.position === null
        ? (manifest?.segments ?? [])
        : segmentsUpTo(committed.position, manifest),
    counters: isOver ? (manifest?.counters ?? null) : committed.counters,
    rows: isOver ? (manifest?.heard ?? null) : (committed.counters?.heard ?? null),
    damage,
  };
}

/** What was found in the segments of a record. */
export interface FoundInSegments {
  readonly damage: readonly Damage[];
  readonly records: number;
  /** null where they were not counted. */
  readonly values: ValueCounts | null;
}

/** All that the verdict on a record is made from. @param minValues see `Evidence`. */
export function evidenceOf(
  { capture, recording }: RecordSubject,
  { state, manifest, facts, counters, rows }: RecordStanding,
  { damage, records, values }: FoundInSegments,
  minValues: number | null,
): Evidence {
  return {
    server: manifest?.server ?? null,
    state,
    reason: capture?.reason ?? null,
    damage,
    gaps: facts?.gaps ?? [],
    rows,
    leftOut: Object.values(counters?.skipped ?? {}).reduce((sum, many) => sum + many, 0),
    start: facts?.start?.counters ?? null,
    end: facts?.end?.counters ?? null,
    others: {
      atMost: recording?.otherCommands ?? 0,
      questions: recording?.lookQuestions ?? 0,
      sets: recording?.lookSets ?? 0,
      statuses: recording?.lookStatuses ?? 0,
    },
    seconds: secondsBetween(facts?.start?.time, facts?.end?.time),
    records,
    values,
    minValues,
  };
}

/** @param mayBeMissing whether a folder without one is in order: nothing was recorded there. */
async function manifestIn(
  files: Pick<WorkloadFiles, 'readManifest'>,
  folder: string,
  damage: Damage[],
  mayBeMissing: boolean,
): Promise<Manifest | null> {
  try {
    return await files.readManifest(folder);
  } catch (error) {
    if (mayBeMissing && isAppError(error, 'not_found')) return null;
    if (!isAppError(error, 'not_found') && !isAppError(error, 'store_unusable')) throw error;
    damage.push({ segment: null, what: error.message });
    return null;
  }
}

function stateOf(status: CaptureStatus | null, manifest: Manifest | null): Evidence['state'] {
  if (status === 'FAILED') return 'failed';
  if (status === 'DONE') return 'over';
  if (status !== null) return 'recording';
  return manifest?.complete === true ? 'over' : 'unfinished';
}

/** The segments of a capture that goes on or has failed: what is committed, whatever lies behind it. */
export function segmentsUpTo(
  position: WorkloadPosition,
  manifest: Manifest | null,
): ExpectedSegment[] {
  const known = new Map(manifest?.segments.map((one) => [one.segment, one]));
  const segments: ExpectedSegment[] = [];
  for (let segment = 1; segment < position.segment; segment++) {
    // The manifest is written when a segment was begun: of those before it, it says all.
    const next = known.has(segment + 1) ? known.get(segment) : undefined;
    segments.push(
      next ?? {
        segment,
        bytes: null,
        sha256: null,
        records: null,
        firstTime: null,
        lastTime: null,
      },
    );
  }
  const { segment, offset, sha256, records, firstTime, lastTime } = position;
  if (offset > 0) segments.push({ segment, bytes: offset, sha256, records, firstTime, lastTime });
  return segments;
}

function secondsBetween(from: string | undefined, to: string | undefined): number {
  if (from === undefined || to === undefined) return 0;
  return (Date.parse(to) - Date.parse(from)) / 1_000;
}
