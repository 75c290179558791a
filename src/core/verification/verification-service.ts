import type { Actor } from '../access.ts';
import { CaptureRules } from '../captures/capture-rules.ts';
import type { CaptureStatus } from '../captures/capture.ts';
import type { Clock } from '../clock.ts';
import { AppError, isAppError } from '../errors.ts';
import type { Outside } from '../outside.ts';
import type { Progress } from '../progress.ts';
import type { ListedCapture, Recording } from '../store.ts';
import { committedOf } from '../workloads/committed.ts';
import type { WorkloadFiles } from '../workloads/workload-files.ts';
import type {
  Damage,
  ExpectedSegment,
  Manifest,
  RecordingFacts,
  VerifiedFiles,
  WorkloadPosition,
} from '../workloads/workload.ts';
import type { CompareCounters } from './server-counters.ts';
import type { Evidence, VerificationResult } from './verification.ts';

/** How far a verification has come. */
export interface VerificationProgress {
  readonly type: 'verified';
  readonly records: number;
  /** null where nobody knows how many there are. */
  readonly of: number | null;
}

const PROGRESS_MS = 200;

/** What `verify` found out about one workload. */
export interface Verification {
  /** null for a folder that no capture of this store was asked for. */
  readonly capture: ListedCapture | null;
  readonly folder: string;
  /** null when there is none that can be read. */
  readonly manifest: Manifest | null;
  readonly files: VerifiedFiles;
  readonly result: VerificationResult;
  /** Rows left out as asked for, by reason. */
  readonly leftOut: Readonly<Record<string, number>>;
  readonly facts: Pick<RecordingFacts, 'gaps' | 'warnings' | 'start' | 'end'>;
  readonly transactionsAtStart: number;
  readonly transactionsAtEnd: number | null;
  /** How long it took, in milliseconds. */
  readonly took: number;
}

export interface VerificationSubject {
  /** null for a folder alone. */
  readonly capture: ListedCapture | null;
  /** The store's row; null for a folder alone, and where nothing was ever recorded. */
  readonly recording: Recording | null;
  readonly folder: string;
  /** The least share of executes with values, from 0 to 1; null to ask for none. */
  readonly minValues: number | null;
}

/** How complete the record of a capture is. */
export class VerificationService {
  readonly #outside: Outside;
  readonly #rules: CaptureRules;

  constructor(outside: Outside) {
    this.#outside = outside;
    this.#rules = new CaptureRules(outside.store, outside.clock, outside.origin);
  }

  /**
   * Reads everything that a capture recorded and weighs it.
   * @param minValues the least share of executes with values, from 0 to 1; null to ask for none.
   * @throws AppError `not_found`; `invalid` for one that records nothing; `conflict` for one that has not
   *   begun; `store_unusable` when the disk fails.
   */
  async *verify(
    actor: Actor,
    ref: string,
    minValues: number | null,
  ): Progress<VerificationProgress, Verification> {
    const capture = this.#rules.get(actor, ref, 'capture.verify');
    const { id, name, status } = capture;
    if (!capture.recordsStatements) {
      throw new AppError('invalid', `The capture "${name}" has no statements to verify`, {
        hint: { code: 'metrics_only' },
      });
    }
    if (status === 'SCHEDULED' || status === 'STARTED' || status === 'STARTING') {
      throw new AppError('conflict', `The capture "${name}" is ${status}`, {
        hint: { code: 'verify_later' },
      });
    }
    const workloads = await this.#outside.workloads();
    const recording = this.#outside.store.recordings.find(id);
    const folder = workloads.folderOf(id);
    const subject = { capture, recording, folder, minValues };
    const compare = await this.#outside.compareCounters();
    return yield* verifyWorkload(workloads, compare, this.#outside.clock, subject);
  }
}

/** Reads the files of a workload and weighs what is in them. @throws AppError when the disk fails. */
export async function* verifyWorkload(
  files: Pick<WorkloadFiles, 'readManifest' | 'verify'>,
  compare: CompareCounters,
  clock: Clock,
  { capture, recording, folder, minValues }: VerificationSubject,
): Progress<VerificationProgress, Verification> {
  // Loaded here: most commands verify nothing.
  const { concludeVerification } = await import('./verification.ts');
  const { contradictions, miscounted, otherRows } = await import('./manifest-check.ts');
  const began = clock.now();
  const damage: Damage[] = [];
  const neverBegan = capture?.status === 'FAILED' && capture.start === null;
  const manifest = await manifestIn(files, folder, damage, neverBegan);
  const state = neverBegan ? 'never_began' : stateOf(capture?.status ?? null, manifest);
  const committed = committedOf(recording);
  const facts = committed.facts ?? manifest;
  const isOver = state === 'over';
  const expected =
    isOver || committed.position === null
      ? (manifest?.segments ?? [])
      : segmentsUpTo(committed.position, manifest);
  const total = isOver ? manifest?.counters.records : recording?.records;
  const found = yield* tellingProgress(
    clock,
    (onProgress) =>
      files.verify(folder, expected, {
        from: facts?.start?.time ?? null,
        to: facts?.end?.time ?? null,
        mayGoOn: !isOver,
        onProgress,
      }),
    total ?? null,
  );
  damage.push(...found.damage);
  const counters = isOver ? (manifest?.counters ?? null) : committed.counters;
  const rows = isOver ? (manifest?.heard ?? null) : (committed.counters?.heard ?? null);
  if (damage.length === 0) {
    if (counters !== null) damage.push(...miscounted(counters, found.counts));
    if (rows !== null && counters !== null) {
      damage.push(...otherRows(rows, found.rows, counters, manifest));
    }
    if (isOver && manifest !== null) damage.push(...contradictions(manifest, committed, capture));
  }
  const leftOut = counters?.skipped ?? {};
  const evidence: Evidence = {
    server: manifest?.server ?? null,
    state,
    reason: capture?.reason ?? null,
    damage,
    gaps: facts?.gaps ?? [],
    rows,
    leftOut: Object.values(leftOut).reduce((sum, rows) => sum + rows, 0),
    start: facts?.start?.counters ?? null,
    end: facts?.end?.counters ?? null,
    others: {
      atMost: recording?.otherCommands ?? 0,
      questions: recording?.lookQuestions ?? 0,
      sets: recording?.lookSets ?? 0,
      statuses: recording?.lookStatuses ?? 0,
    },
    seconds: secondsBetween(facts?.start?.time, facts?.end?.time),
    records: found.counts.records,
    values: found.counts.values ?? null,
    minValues,
  };
  return {
    capture,
    folder,
    manifest,
    files: found,
    result: concludeVerification(evidence, compare),
    leftOut,
    facts: {
      gaps: facts?.gaps ?? [],
      warnings: facts?.warnings ?? [],
      start: facts?.start ?? null,
      end: facts?.end ?? null,
    },
    transactionsAtStart: facts?.transactionsAtStart.length ?? 0,
    transactionsAtEnd: facts?.transactionsAtEnd?.length ?? null,
    took: clock.now() - began,
  };
}

/** Says how far the reading has come while it goes on. */
async function* tellingProgress<Result>(
  clock: Clock,
  read: (onProgress: (records: number) => void) => Promise<Result>,
  of: number | null,
): Progress<VerificationProgress, Result> {
  let records = 0;
  const done = new AbortController();
  const reading = read((count) => {
    records = count;
  }).finally(() => done.abort());
  // Its failure is thrown below, and not before.
  reading.catch(() => undefined);
  for (;;) {
    await clock.sleep(PROGRESS_MS, done.signal);
    if (done.signal.aborted) return reading;
    yield { type: 'verified', records, of };
  }
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
function segmentsUpTo(position: WorkloadPosition, manifest: Manifest | null): ExpectedSegment[] {
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
