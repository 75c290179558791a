import { join } from 'node:path';
import type { Capture } from '../core/captures/capture.ts';
import type { Gap } from '../core/workloads/gaps.ts';
import type { RecordingOptions } from '../core/captures/recording-options.ts';
import type { Recycled } from '../core/warm-ups/source-sessions.ts';
import type { LoggedStatement } from '../core/workloads/statements.ts';
import type { Recording, RecordingProgress, Store } from '../core/store.ts';
import { StatementSelection, type SelectionState } from '../sql/selection.ts';
import { WorkloadCounters } from '../workload/counters.ts';
import { ServerCountTally } from '../workload/server-count-tally.ts';
import { writeManifest } from '../workload/manifest.ts';
import { SegmentWriter } from '../workload/segment-writer.ts';
import type { LineTail } from '../workload/statement-line.ts';
import { WorkloadRates } from '../workload/workload-rates.ts';
import type { StatementBatch } from './statement-batch.ts';
import { NO_WINDOW, type RecordingFacts, type SegmentFacts } from '../core/workloads/workload.ts';
import {
  committedCounters,
  committedPosition,
  type CommittedCounters,
} from '../core/workloads/committed.ts';
import { Redaction } from './redaction.ts';

export function workloadFolder(storeDirectory: string, captureId: number): string {
  return join(storeDirectory, 'captures', String(captureId));
}

/** With what the selection remembers. */
interface RecorderCounters extends CommittedCounters {
  /** null where nothing is left out; absent before that was known. */
  readonly selection?: SelectionState | null;
}

interface RecorderContext {
  readonly store: Store;
  readonly programVersion: string;
  /** As `TapContext.commit`: proves that the lease is still ours. */
  readonly commit: <T>(work: () => T) => T;
}

/** Records one capture: its segment files, counters and manifest. */
export class Recorder {
  readonly captureId: number;
  facts: RecordingFacts;
  /** Statements of this batch and later are the capture's; null until its window opens. */
  firstBatch: number | null;
  /** Statements of this batch and earlier are; null while its window is open. */
  lastBatch: number | null;

  readonly #context: RecorderContext;
  readonly #folder: string;
  readonly #environment: { id: number; name: string };
  readonly #options: RecordingOptions;
  readonly #writer: SegmentWriter;
  readonly #counters: WorkloadCounters;
  /** null where every statement is recorded. */
  readonly #selection: StatementSelection | null;
  /** null where statements are recorded as they came. */
  readonly #redaction: Redaction | null;
  readonly #rates = new WorkloadRates();
  readonly #serverCounts: ServerCountTally | null;
  #segmentsInManifest = 0;
  /** When the last statement was received that it was shown, recorded or not. */
  #lastTime: string | null;
  #hasNews = false;

  private constructor(
    context: RecorderContext,
    capture: Capture,
    environment: { id: number; name: string },
    recording: Recording,
    facts: RecordingFacts,
    writer: SegmentWriter,
  ) {
    this.#context = context;
    this.captureId = capture.id;
    this.#environment = { id: environment.id, name: environment.name };
    this.#folder = workloadFolder(context.store.directory, capture.id);
    this.#options = capture.options;
    this.#writer = writer;
    const committed: RecorderCounters | null = committedCounters(recording);
    this.#counters = new WorkloadCounters(committed);
    this.#serverCounts =
      committed === null || committed.heard != null
        ? new ServerCountTally(committed?.heard ?? null)
        : null;
    this.#selection = StatementSelection.of(
      capture.options,
      `${context.store.id}/${capture.id}`,
      this.#counters,
      committed?.selection ?? null,
    );
    this.#lastTime = committedPosition(recording)?.lastTime ?? null;
    this.#redaction =
      capture.options.redact === 'literals' ? new Redaction(context.store.pseudonymKey()) : null;
    this.facts = facts;
    this.firstBatch = recording.firstBatch;
    this.lastBatch = recording.lastBatch;
  }

  /**
   * Opens a recording where it was committed to: what was written after that is cut off.
   * @throws AppError `store_unusable` when the files are damaged or the disk fails.
   */
  static async open(
    context: RecorderContext,
    capture: Capture,
    environment: { id: number; name: string },
    recording: Recording,
    fresh: Pick<RecordingFacts, 'server' | 'settingsBefore' | 'warnings'>,
  ): Promise<Recorder> {
    const { store } = context;
    const facts: RecordingFacts =
      recording.facts === null
        ? { ...fresh, ...NO_WINDOW, gaps: [], endReason: null }
        : (JSON.parse(recording.facts) as RecordingFacts);
    const folder = workloadFolder(store.directory, capture.id);
    const writer = await SegmentWriter.open(folder, committedPosition(recording), {
      fileMode: store.isShared ? 0o660 : 0o600,
      folderMode: store.isShared ? 0o2770 : 0o700,
      prove: () => {
        context.commit(() => undefined);
      },
    });
    const recorder = new Recorder(context, capture, environment, recording, facts, writer);
    try {
      await recorder.writeManifest(false);
    } catch (error) {
      await writer.close();
      throw error;
    }
    return recorder;
  }

  /** Whether the statements of a batch are this capture's. */
  wants(batch: number): boolean {
    return (
      this.firstBatch !== null &&
      batch >= this.firstBatch &&
      (this.lastBatch === null || batch <= this.lastBatch)
    );
  }

  /** The last instant of which it is known that statements arrived; null before its window opens. */
  get knownUntil(): string | null {
    return this.#lastTime ?? this.facts.start?.time ?? null;
  }

  /** `seq` of the last record; 0 before the first. */
  get seq(): number {
    return this.#writer.seq;
  }

  /** Whether its facts have changed since they were last in the manifest: to be saved with the rows. */
  get hasNews(): boolean {
    return this.#hasNews;
  }

  /** Notes an interval in which statements may be missing. */
  noteGap(gap: Gap): void {
    this.facts = { ...this.facts, gaps: [...this.facts.gaps, gap] };
    this.#hasNews = true;
  }

  /** Notes whether its dead-man switch can act. */
  noteDeadMan(obstacle: string | null): void {
    if ((this.facts.deadManObstacle ?? null) === obstacle) return;
    this.facts = { ...this.facts, deadManObstacle: obstacle };
    this.#hasNews = true;
  }

  noteRecycled(recycled: Recycled): void {
    this.facts = { ...this.facts, recycled };
    this.#hasNews = true;
  }

  noteWarning(warning: string): void {
    if (this.facts.warnings.includes(warning)) return;
    this.facts = { ...this.facts, warnings: [...this.facts.warnings, warning] };
    this.#hasNews = true;
  }

  /** Adds what of a batch is to be recorded, and counts what is not. */
  async write(batch: StatementBatch): Promise<void> {
    this.#lastTime = batch.statements.at(-1)?.time ?? this.#lastTime;
    const { statements, tails } = this.#chosen(batch);
    this.#serverCounts?.merge(batch.serverCounts());
    this.#counters.add(statements);
    this.#rates.add(statements);
    await this.#writer.write(tails);
  }

  #chosen(batch: StatementBatch): {
    statements: readonly LoggedStatement[];
    tails: readonly LineTail[];
  } {
    const { statements } = batch;
    const places = this.#selection?.select(statements);
    if (places === undefined || places.length === statements.length) {
      return this.#redaction?.apply(statements) ?? { statements, tails: batch.tails() };
    }
    const chosen = batch.statementsAt(places);
    return this.#redaction?.apply(chosen) ?? { statements: chosen, tails: batch.tailsAt(places) };
  }

  /** Puts everything written on the disk and says what to commit. */
  async flush(): Promise<RecordingProgress> {
    const position = await this.#writer.flush();
    return {
      captureId: this.captureId,
      records: position.totalRecords,
      textBytes: position.totalText,
      fileBytes: position.totalBytes,
      position: JSON.stringify(position),
      counters: JSON.stringify(this.#committed()),
      rates: this.#rates.take(),
    };
  }

  #committed(): RecorderCounters {
    return {
      ...this.#counters.state(),
      selection: this.#selection?.state() ?? null,
      heard: this.#serverCounts?.counts() ?? null,
    };
  }

  /** Brings the manifest up to date when a segment was finished, or a gap noted, since then. */
  async refreshManifest(): Promise<void> {
    const isNew = this.#writer.segments().length !== this.#segmentsInManifest;
    if (isNew || this.#hasNews) await this.writeManifest(false);
  }

  /** Replaces the manifest with what is known now; `complete` says that nothing more will come. */
  async writeManifest(complete: boolean): Promise<void> {
    const { server, settingsBefore, start, end, gaps, warnings } = this.facts;
    const { sessionsAtStart, sessionsAtEnd, transactionsAtStart, transactionsAtEnd } = this.facts;
    const { recycled } = this.facts;
    const segments: SegmentFacts[] = this.#writer.segments();
    const capture = this.#context.store.captures.find(this.captureId);
    await writeManifest(
      this.#folder,
      {
        program: { name: 'captures', version: this.#context.programVersion },
        complete,
        capture: { id: this.captureId, name: capture?.name ?? '' },
        environment: this.#environment,
        options: this.#options,
        server,
        settingsBefore,
        start,
        end,
        sessionsAtStart,
        sessionsAtEnd,
        transactionsAtStart,
        transactionsAtEnd,
        segments,
        counters: this.#counters.counts(),
        heard: this.#serverCounts?.counts() ?? null,
        gaps,
        warnings,
        ...(recycled === undefined ? {} : { recycled }),
      },
      this.#context.store.isShared ? 0o660 : 0o600,
    );
    this.#segmentsInManifest = segments.length;
    this.#hasNews = false;
  }

  /** Lets go of the files; what was not flushed is cut off by the next `open`. Never throws. */
  async close(): Promise<void> {
    await this.#writer.close();
  }
}
