import { setImmediate } from 'node:timers/promises';
import { isOver } from '../core/captures/capture.ts';
import type { Gap, LogPosition } from '../core/workloads/gaps.ts';
import type { FreshStart, LogInterruption, OpenSource, ServerInstant } from '../core/source.ts';
import type { RecordingProgress, TapRow } from '../core/store.ts';
import { FileSpool } from '../workload/text-spool.ts';
import { LineSerialiser } from '../workload/statement-line.ts';
import type { Guards } from './guard-watch.ts';
import type { Recorder } from './recorder.ts';
import { StatementBatch } from './statement-batch.ts';
import { tapRowOf, type TapContext, type TapMemory } from './tap-context.ts';
import { milliseconds } from './window.ts';

/** Within one batch (a backlog) the cursor is committed each time this much was read. */
const COMMIT_EVERY_ROWS = 500_000;
/** … or this long ago: of long statements there are few. */
const COMMIT_EVERY_MS = 5_000;

/** The event loop is let go when a recorder ends behind this, in milliseconds. */
const HELD_MS = 50;

/** What is known of a batch that was ended besides its rows. */
interface BatchEdges {
  /** The cut before it: everything received until then is in earlier ones. null where unknown. */
  readonly since: ServerInstant | null;
  /** The cut that ended it, behind which recording was seen to be on; null where unknown. */
  readonly until: ServerInstant | null;
  /** What happened behind its last row; null for nothing. */
  readonly interruption: LogInterruption | null;
}

/** Of a batch that an earlier session froze. */
const UNKNOWN_EDGES: BatchEdges = { since: null, until: null, interruption: null };

/** Batches behind the committed one that are not there to be read any more. */
class SkippedBatches {
  /** The captures whose statements were in them. */
  readonly losers: readonly Recorder[];
  readonly after: LogPosition;
  readonly before: LogPosition;
  isNoted = false;

  /** @param next the first one that is there. */
  constructor(row: TapRow, next: number, recorders: readonly Recorder[]) {
    const first = row.batch + 1;
    this.after = { generation: first, row: row.row };
    this.before = { generation: next, row: 0 };
    this.losers = recorders.filter(
      ({ firstBatch, lastBatch }) =>
        firstBatch !== null &&
        Math.max(first, firstBatch) < Math.min(next, (lastBatch ?? Infinity) + 1),
    );
  }
}

type GapPlace = Readonly<Record<'after' | 'before', LogPosition>>;

interface BegunBatch {
  readonly batch: number;
  readonly captures: ReadonlyMap<
    number,
    { readonly knownUntil: string | null; readonly seq: number }
  >;
}

/** Reads batches into the recorders, and commits how far it came. */
export class LogDrain {
  readonly #context: TapContext;
  readonly #environmentName: string;
  readonly #server: OpenSource;
  readonly #tapId: number;
  readonly #recorders: Iterable<Recorder>;
  readonly #guards: Guards;
  readonly #checkGuards: () => Promise<void>;
  readonly #memory: Pick<TapMemory, 'own' | 'progressAt'>;
  readonly #lines = new LineSerialiser();
  /** How far each capture had come where the batch began that was read last. */
  #begun: BegunBatch | null = null;
  /** What may go on in the next batch; null for nothing. */
  #late: LogInterruption | null = null;
  readonly #spool: FileSpool;

  constructor(
    context: TapContext,
    environmentName: string,
    server: OpenSource,
    tapId: number,
    recorders: Iterable<Recorder>,
    guards: Guards,
    checkGuards: () => Promise<void>,
    memory: Pick<TapMemory, 'own' | 'progressAt'>,
  ) {
    this.#memory = memory;
    this.#context = context;
    this.#environmentName = environmentName;
    this.#server = server;
    this.#tapId = tapId;
    this.#recorders = recorders;
    this.#guards = guards;
    this.#checkGuards = checkGuards;
    this.#spool = new FileSpool(context.store.directory);
  }

  /** Reads a part into every capture whose window it is in, commits, and releases it. */
  async drain(batch: number, edges: BatchEdges): Promise<void> {
    const row = tapRowOf(this.#context, this.#tapId);
    if (batch > row.batch) {
      try {
        await this.#read(row, batch, edges);
      } finally {
        await this.#spool.close();
      }
    }
    await this.#server.release(batch);
  }

  /** Reads what was ended and not read: of before recording was switched on first, then of since. */
  async catchUp(fresh: FreshStart | null): Promise<void> {
    const { store, commit } = this.#context;
    const { serverStart } = this.#server;
    const { unread } = await this.#server.state();
    const isOlder = (batch: number): boolean => fresh !== null && batch < fresh.since;
    for (const batch of unread.filter(isOlder)) {
      await this.drain(batch, UNKNOWN_EDGES);
    }
    if (fresh !== null) {
      // An id of before the log was on may be another session's now.
      this.#server.restoreSessions(fresh.sessions);
      commit(() => {
        store.taps.replaceSessions(this.#tapId, fresh.sessions);
        store.taps.setInstalled(this.#tapId, serverStart);
      });
    }
    for (const batch of unread.filter((one) => !isOlder(one))) {
      await this.drain(batch, UNKNOWN_EDGES);
    }
    // The live table was made since the server's start: older rows are read, all of them.
    commit(() => store.taps.forgetConnectionsBefore(this.#tapId, serverStart));
  }

  async #read(row: TapRow, batch: number, edges: BatchEdges): Promise<void> {
    const readers = [...this.#recorders].filter((r) => r.wants(batch));
    const skipped = new SkippedBatches(row, batch, [...this.#recorders]);
    const changed = [...new Set([...readers, ...skipped.losers])];
    const since = edges.since ?? latest(readers.map((recorder) => recorder.knownUntil));
    let position = batch === row.batch + 1 ? row.row : 0;
    const previous = this.#begun?.batch === batch - 1 ? this.#begun : null;
    // Where it is read from the middle on, nobody knows any more how it began.
    this.#begun = position === 0 ? begun(batch, readers) : null;
    if (this.#late !== null) this.#noteLate(this.#late, readers, batch, edges.until);
    let late: LogInterruption | null = null;
    let isEndNoted = false;
    let uncommitted = 0;
    let committedAt = this.#guards.now();
    let breathed = performance.now();
    // Commands look at servers as well, with connections that they leave word of.
    const own = this.#context.store.taps.connectionsOf(row.id);
    const options = { skip: position, since, spool: this.#spool, own };
    for await (const part of this.#server.read(batch, options)) {
      position += part.rows;
      this.#memory.progressAt = performance.now();
      uncommitted += part.rows;
      const [first] = part.statements;
      if (first !== undefined) this.#noteSkipped(skipped, first.time);
      if (readers.length > 0) {
        const statements = new StatementBatch(part.statements, this.#lines);
        for (const recorder of readers) {
          await recorder.write(statements);
          // Of many captures with filters each takes its time, and the lease is to be renewed.
          if (performance.now() - breathed < HELD_MS) continue;
          await setImmediate();
          breathed = performance.now();
        }
      }
      if (part.interruption !== null) {
        // The row that says so lies between what is recorded before and after it.
        const after = { generation: batch, row: Math.max(0, position - 1) };
        const { interruption: found } = part;
        // Of a log that somebody switched off and that is off at the cut, both speak of the same.
        const { interruption: atEnd } = edges;
        const isSame = atEnd !== null && found.to === null && found.cause === atEnd.cause;
        isEndNoted ||= isSame;
        const known = isSame ? atEnd : found;
        const interruption = { ...known, from: found.from, to: known.to ?? edges.until };
        // What switches the log off is logged before it runs: just before a cut, it may run behind it.
        if (found.to === null && isJustBefore(found.from, edges.until)) late = found;
        const place = { after, before: { generation: batch, row: position } };
        // What a table begins with was found when it took the place of the one before, and may lie
        // anywhere among that one's rows: a server that was restarted can have logged to it again.
        const isFound =
          position === 1 && found.from !== null && found.cause !== 'log_table_changed';
        const since = isFound ? previous : null;
        this.#note(readers, interruption, place, since);
      }
      const isLongAgo = this.#guards.now() - committedAt >= COMMIT_EVERY_MS;
      if (uncommitted >= COMMIT_EVERY_ROWS || isLongAgo) {
        await this.#commit(batch - 1, position, changed);
        uncommitted = 0;
        committedAt = this.#guards.now();
        await this.#checkGuards();
      }
    }
    this.#noteSkipped(skipped, edges.until);
    if (edges.interruption !== null && !isEndNoted) {
      const before = { generation: batch + 1, row: 0 };
      this.#note(readers, edges.interruption, {
        after: { generation: batch, row: position },
        before,
      });
    }
    await this.#commit(batch, 0, changed);
    this.#late = late;
    for (const recorder of changed) await recorder.refreshManifest();
  }

  /** Notes an interruption of the batch before in this one, to whose end it may go on. */
  #noteLate(
    late: LogInterruption,
    readers: readonly Recorder[],
    batch: number,
    to: ServerInstant | null,
  ): void {
    this.#late = null;
    const after = { generation: batch, row: 0 };
    this.#note(readers, { ...late, to }, { after, before: { generation: batch + 1, row: 0 } });
  }

  /**
   * Notes that what lay in skipped batches is missing from the captures that wanted it, once.
   * @param until the first instant that is known again; null where none is.
   */
  #noteSkipped(skipped: SkippedBatches, until: ServerInstant | null): void {
    const { losers, isNoted, after, before } = skipped;
    if (isNoted || losers.length === 0) return;
    skipped.isNoted = true;
    const reason =
      "Log tables that were frozen and not read yet are gone: somebody dropped them, or rotated the server's log";
    for (const recorder of losers) {
      // A window that ended among them ends there, whatever came behind it.
      const end = recorder.facts.end?.time ?? null;
      const to = end !== null && !recorder.wants(before.generation) ? end : until;
      const interruption: LogInterruption = { cause: 'log_table_changed', from: null, to, reason };
      this.#note([recorder], interruption, { after, before });
    }
  }

  /**
   * Notes what happened to the log in every capture that was recording; committed with the rows.
   * @param since the batch in which it may have begun; null where it is behind what was read.
   */
  #note(
    readers: readonly Recorder[],
    interruption: LogInterruption,
    { after, before }: GapPlace,
    since: BegunBatch | null = null,
  ): void {
    const { from, to, cause, reason } = interruption;
    for (const recorder of readers) {
      const capture = recorder.captureId;
      const environment = this.#environmentName;
      if (cause === null) {
        recorder.noteWarning(reason);
        this.#context.log('warn', 'log moved while recording', { capture, environment, reason });
        continue;
      }
      const begun = since?.captures.get(capture) ?? null;
      const { knownUntil, seq } = begun ?? recorder;
      // What was recorded up to here is not missing; of damage, and of rows that a full disk had no room
      // for, nobody knows where it lies.
      const isAmong = cause === 'log_table_damaged' || cause === 'disk_full';
      const known = isAmong ? from : latest([from, knownUntil]);
      // Of a window, what was before it is no part.
      const began = latest([known, recorder.facts.start?.time ?? null]);
      const gap: Gap = {
        // By a clock that was set back nobody can say from when.
        from: began !== null && to !== null && began > to ? null : began,
        to,
        cause,
        reason,
        after: since !== null && begun !== null ? { generation: since.batch, row: 0 } : after,
        before,
        afterSeq: seq,
        missing: null,
      };
      recorder.noteGap(gap);
      this.#context.log('warn', 'statements may be missing', {
        capture,
        environment,
        from: gap.from,
        to,
        cause,
        reason,
        afterSeq: gap.afterSeq,
      });
    }
  }

  async #commit(batch: number, row: number, readers: readonly Recorder[]): Promise<void> {
    const { store, commit } = this.#context;
    const recordings: RecordingProgress[] = [];
    for (const recorder of readers) recordings.push(await recorder.flush());
    const { changed, ended } = this.#server.takeSessionChanges();
    const own = this.#memory.own.toStore();
    commit(() => {
      store.taps.commit({
        tapId: this.#tapId,
        batch,
        row,
        own,
        changedSessions: changed,
        endedSessions: ended,
        recordings,
      });
      for (const { captureId, facts, hasNews } of readers) {
        const status = hasNews ? store.captures.find(captureId)?.status : undefined;
        // Of one that was given up the store knows more.
        if (status !== undefined && !isOver(status))
          store.recordings.saveFacts(captureId, JSON.stringify(facts));
      }
    });
    this.#memory.own.stored(own);
    this.#guards.note(recordings);
  }
}

function begun(batch: number, readers: readonly Recorder[]): BegunBatch {
  const captures = readers.map(({ captureId, knownUntil, seq }) => {
    return [captureId, { knownUntil, seq }] as const;
  });
  return { batch, captures: new Map(captures) };
}

/** How long what was logged just before a cut may wait to run, on a server with more to do than it can. */
const LATE_MS = 100;

function isJustBefore(from: ServerInstant | null, cut: ServerInstant | null): boolean {
  return from !== null && cut !== null && milliseconds(cut) - milliseconds(from) < LATE_MS;
}

/** The latest of instants that are written alike; null when none is known. */
function latest(instants: readonly (ServerInstant | null)[]): ServerInstant | null {
  return instants.reduce((one, other) => {
    return one === null || (other !== null && other > one) ? other : one;
  }, null);
}
