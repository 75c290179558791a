import type { Actor } from '../access.ts';
import { CaptureRules } from '../captures/capture-rules.ts';
import { withoutStatements } from '../captures/no-statements.ts';
import { hasBegun } from '../captures/capture.ts';
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import type { Outside } from '../outside.ts';
import type { Progress } from '../progress.ts';
import type { ListedCapture } from '../store.ts';
import type { WorkloadFiles } from '../workloads/workload-files.ts';
import type { Manifest, RecordingFacts, VerifiedFiles } from '../workloads/workload.ts';
import type { RecordSubject } from './record-standing.ts';
import type { CompareCounters } from './server-counters.ts';
import type { VerificationResult } from './verification.ts';

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

export interface VerificationSubject extends RecordSubject {
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
      throw withoutStatements(
        capture,
        () =>
          new AppError('invalid', `The capture "${name}" has no statements to verify`, {
            hint: { code: 'metrics_only' },
          }),
      );
    }
    if (!hasBegun(status)) {
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
  const { evidenceOf, lookAtRecord } = await import('./record-standing.ts');
  const began = clock.now();
  const subject = { capture, recording, folder };
  const standing = await lookAtRecord(files, subject);
  const { manifest, facts, committed, counters, rows } = standing;
  const isOver = standing.state === 'over';
  const total = isOver ? manifest?.counters.records : recording?.records;
  const found = yield* tellingProgress(
    clock,
    (onProgress) =>
      files.verify(folder, standing.expected, {
        from: facts?.start?.time ?? null,
        to: facts?.end?.time ?? null,
        mayGoOn: !isOver,
        onProgress,
      }),
    total ?? null,
  );
  const damage = [...standing.damage, ...found.damage];
  if (damage.length === 0) {
    if (counters !== null) damage.push(...miscounted(counters, found.counts));
    if (rows !== null && counters !== null) {
      damage.push(...otherRows(rows, found.rows, counters, manifest));
    }
    if (isOver && manifest !== null) damage.push(...contradictions(manifest, committed, capture));
  }
  const { records, values = null } = found.counts;
  const evidence = evidenceOf(subject, standing, { damage, records, values }, minValues);
  return {
    capture,
    folder,
    manifest,
    files: found,
    result: concludeVerification(evidence, compare),
    leftOut: counters?.skipped ?? {},
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
