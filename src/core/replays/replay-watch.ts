import type { Actor } from '../access.ts';
import type { CaptureRules } from '../captures/capture-rules.ts';
import type { Clock } from '../clock.ts';
import { isAppError } from '../errors.ts';
import { CounterSampling } from '../metrics/counter-sampling.ts';
import type { Outside } from '../outside.ts';
import type { ListedCapture, Store } from '../store.ts';
import {
  REPLAY_HEARTBEAT_MS,
  type ReplayOptions,
  type ReplayProgress,
  type ReplayResult,
} from './replay.ts';
import type { ReplayTarget } from './target.ts';

/** How often it is looked whether somebody stops it: a look costs some microseconds. */
const LOOK_MS = 200;
/** The last sample of the target's counters is not waited for any longer. */
const EDGE_PATIENCE_MS = 300;
/** One that was ended before its time is over within this, whatever its target does. */
const ENDING_MS = 1_000;
/** Its connections have so long at least. */
const CLOSING_MS = 200;

const INTERRUPTED = 'interrupted';

interface Watched {
  readonly actor: Actor;
  readonly capture: ListedCapture;
  /** Of the record. */
  readonly prepared: { readonly capture: ListedCapture; readonly options: ReplayOptions };
  readonly target: ReplayTarget;
  readonly skew: number;
}

/**
 * What goes on beside a replay that is played: the store is told that it is, and how far; it is ended when somebody
 * stops or deletes it, or when who runs it may not do so any more; and the target's counters are sampled.
 */
export class ReplayWatch {
  readonly skew: number;
  /** How far the player has come. */
  progress: ReplayProgress | null = null;
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #rules: CaptureRules;
  readonly #watched: Watched;
  readonly #sampling: CounterSampling;
  readonly #ending = new AbortController();
  readonly #over = new AbortController();
  readonly #unlisten: () => void;
  #interruption: string | null = null;
  /** When it was ended before its time; null for not. */
  #endedAt: number | null = null;
  #hasBegun = false;
  #watching: Promise<void> = Promise.resolve();
  #sample: Promise<void> = Promise.resolve();
  #lastSample: Promise<void> | null = null;

  /** @param asked ends the replay. */
  constructor(
    { store, clock }: Outside,
    rules: CaptureRules,
    watched: Watched,
    asked: AbortSignal,
  ) {
    this.#store = store;
    this.#clock = clock;
    this.#rules = rules;
    this.#watched = watched;
    this.skew = watched.skew;
    // A replay without its target's counters is one all the same.
    this.#sampling = new CounterSampling(clock, () => undefined);
    const listener = (): void => {
      this.end();
    };
    asked.addEventListener('abort', listener);
    this.#unlisten = () => {
      asked.removeEventListener('abort', listener);
    };
    if (asked.aborted) listener();
  }

  /** Ends the player. */
  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  /** Why it was ended before its time; null where nobody did, and where it was deleted or settled by somebody. */
  get interruption(): string | null {
    return this.#interruption;
  }

  /** How long its connections may take to end, in milliseconds; null for as long as they do. */
  get closingTime(): number | null {
    if (this.#endedAt === null) return null;
    const passed = Math.max(0, this.#clock.now() - this.#endedAt);
    return Math.max(CLOSING_MS, ENDING_MS - passed);
  }

  /** Who asked for it does not wait for it any more. */
  end(): void {
    this.#end(INTERRUPTED);
  }

  async begin(): Promise<void> {
    await this.#sampleEdge();
    this.#hasBegun = true;
    this.#watching = this.#watch();
  }

  /** Ends what goes on beside it; what came of it is noted. Never throws. */
  async leave(result: ReplayResult | null): Promise<void> {
    this.#unlisten();
    this.#over.abort();
    await this.#watching;
    if (result?.ended.why !== 'target_lost') await (this.#lastSample ?? this.#sampleEdge());
    if (result !== null) this.progress = progressOf(result);
    try {
      this.#beat();
    } catch {
      // What follows says the same, or fails for the same reason.
    }
  }

  #end(why: string | null): void {
    if (this.#ending.signal.aborted || this.#over.signal.aborted) return;
    this.#interruption = why;
    this.#endedAt = this.#clock.now();
    this.#ending.abort();
    // While the player ends: both wait for the target.
    if (this.#hasBegun) this.#lastSample = this.#sampleEdge();
  }

  async #watch(): Promise<void> {
    let beatAt = this.#clock.now();
    while (!this.#over.signal.aborted) {
      await this.#clock.sleep(LOOK_MS, this.#over.signal);
      const now = this.#clock.now();
      // A clock may be set back.
      const isBeat = now >= beatAt + REPLAY_HEARTBEAT_MS || now < beatAt;
      try {
        // Each time: who stops it may have the same connection to the store, whose changes it does not count.
        this.#look();
        if (!isBeat) continue;
        beatAt = now;
        this.#beat();
        this.#sample = this.#takeSample(false);
      } catch (error) {
        this.#endFor(error);
      }
    }
  }

  /** A store that is locked, or full, just now is looked at again. */
  #endFor(error: unknown): void {
    const codes = ['unauthenticated', 'forbidden', 'not_found'] as const;
    if (codes.some((code) => isAppError(error, code))) this.#end((error as Error).message);
  }

  #look(): void {
    const { actor, capture, prepared } = this.#watched;
    const now = this.#store.captures.find(capture.id);
    // Stopped, deleted, or, of a machine that slept, settled by somebody who looked.
    if (now?.status !== 'RUNNING') {
      this.#end(now?.status === 'STOPPING' ? this.#stopper() : null);
      return;
    }
    const { writes } = prepared.options;
    this.#rules.requireStill(actor, prepared.capture, 'capture.replay');
    this.#rules.requireStill(actor, capture, writes ? 'replay.write' : 'replay.run');
  }

  /** `stopped by ada: too much load`; the audit trail of a stop is written with it. */
  #stopper(): string {
    const { id, environmentId } = this.#watched.capture;
    const [stop] = this.#store.audit
      .list({
        environmentIds: [environmentId],
        ownOf: null,
        everythingElse: false,
        subject: { kind: 'capture', id },
        since: null,
        limit: null,
      })
      .filter(({ action }) => action === 'capture.stop');
    if (stop === undefined) return 'stopped by another command';
    const { author, reason } = stop;
    return `stopped by ${author.userName}${reason === null ? '' : `: ${reason}`}`;
  }

  #beat(): void {
    this.#store.replays.heard(this.#watched.capture.id, this.progress, this.#clock.now());
  }

  async #takeSample(isEdge: boolean): Promise<void> {
    const { target, capture, skew } = this.#watched;
    await this.#sampling.sample(target, { skew, isEdge }, (sample) => {
      this.#store.metrics.addSample([capture.id], sample);
    });
  }

  async #sampleEdge(): Promise<void> {
    const patience = new AbortController();
    const taken = this.#sample
      .then(() => this.#takeSample(true))
      .finally(() => {
        patience.abort();
      });
    await Promise.race([taken, this.#clock.sleep(EDGE_PATIENCE_MS, patience.signal)]);
  }
}

function progressOf({ records, sent, skipped, failed }: ReplayResult): ReplayProgress {
  const sum = (counts: Readonly<Record<string, number>>): number =>
    Object.values(counts).reduce((total, count) => total + count, 0);
  return { records, sent, skipped: sum(skipped), failed: sum(failed), open: 0, lateMs: null };
}
