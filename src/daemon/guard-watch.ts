import type { Capture } from '../core/captures/capture.ts';
import {
  brokenGuard,
  guardReason,
  nearGuards,
  serverGuardReason,
  type DiskSpace,
  type GuardReadings,
} from '../core/captures/guards.ts';
import type { OpenSource } from '../core/source.ts';
import type { RecordingProgress } from '../core/store.ts';
import { diskSpace } from '../workload/disk-space.ts';
import type { TapContext } from './tap-context.ts';

const DISK_EVERY_MS = 1_000;
/** The server reads this from the files of its tables: little, but not for every drain. */
const LOG_EVERY_MS = 5_000;

interface GuardSources {
  /** Milliseconds of a clock that nobody sets. */
  readonly monotonic: () => number;
  readonly disk: (folder: string) => Promise<DiskSpace | null>;
}

export const SYSTEM_SOURCES: GuardSources = {
  monotonic: () => performance.now(),
  disk: diskSpace,
};

/**
 * Decides when a capture of a tap is to end before its time: its files are large enough, the disk
 * here or the log there is too full, the record is too far behind. What it decided holds until the
 * capture's window is closed, at the next cut; after a restart of the daemon it is measured again.
 */
export class Guards {
  readonly #context: Pick<TapContext, 'store' | 'clock' | 'log'>;
  readonly #sources: GuardSources;
  readonly #reasons = new Map<number, string>();
  readonly #warned = new Set<string>();
  readonly #fileBytes = new Map<number, number>();
  #disk: DiskSpace | null = null;
  #diskAt = -Infinity;
  #logBytes: number | null = null;
  #logAt = -Infinity;
  /** Everything received before this instant, by the clock that nobody sets, is committed. */
  #caughtUpTo: number;

  /** @param caughtUpTo of an earlier connection, by the same clock; now, where there was none. */
  constructor(
    context: Pick<TapContext, 'store' | 'clock' | 'log'>,
    sources: GuardSources = SYSTEM_SOURCES,
    caughtUpTo: number = sources.monotonic(),
  ) {
    this.#context = context;
    this.#sources = sources;
    this.#caughtUpTo = caughtUpTo;
  }

  /** Now, for `caughtUp`. */
  now(): number {
    return this.#sources.monotonic();
  }

  /** Takes down that everything received before `instant`, a value of `now`, is committed. */
  caughtUp(instant: number): void {
    this.#caughtUpTo = instant;
  }

  /** Why a capture is to end; null when it is not. */
  reasonOf(captureId: number): string | null {
    return this.#reasons.get(captureId) ?? null;
  }

  /** Ends captures for their server's sake. */
  end(captureIds: readonly number[], what: string): void {
    const { clock, log } = this.#context;
    for (const id of captureIds) {
      if (this.#reasons.has(id)) continue;
      const reason = serverGuardReason(what, clock.now());
      this.#reasons.set(id, reason);
      log('warn', 'capture ends by a guard', { capture: id, reason });
    }
  }

  /** Forgets a capture that is over. */
  forget(captureId: number): void {
    this.#reasons.delete(captureId);
    this.#fileBytes.delete(captureId);
  }

  /** Takes down what a commit says of the captures' files. */
  note(recordings: readonly Pick<RecordingProgress, 'captureId' | 'fileBytes'>[]): void {
    for (const { captureId, fileBytes } of recordings) this.#fileBytes.set(captureId, fileBytes);
  }

  /**
   * Measures what is due to be measured and decides. Cheap enough to be called after every drain and
   * after every commit within one. What the server does not tell is left out.
   * @throws what `backlogBytes` throws when the connection is lost.
   */
  async check(
    server: Pick<OpenSource, 'backlogBytes'>,
    captureIds: readonly number[],
  ): Promise<void> {
    if (captureIds.length === 0) return;
    await this.#measure(server);
    const lagMs = this.now() - this.#caughtUpTo;
    for (const id of captureIds) {
      const capture = this.#context.store.captures.find(id);
      if (capture?.status !== 'RUNNING' || this.#reasons.has(id)) continue;
      const fileBytes = this.#fileBytes.get(id) ?? null;
      this.#check(capture, { fileBytes, disk: this.#disk, logBytes: this.#logBytes, lagMs });
    }
  }

  async #measure(server: Pick<OpenSource, 'backlogBytes'>): Promise<void> {
    const now = this.now();
    if (now - this.#diskAt >= DISK_EVERY_MS) {
      this.#diskAt = now;
      this.#disk = await this.#sources.disk(this.#context.store.directory);
    }
    if (now - this.#logAt >= LOG_EVERY_MS) {
      this.#logAt = now;
      this.#logBytes = await server.backlogBytes();
    }
  }

  #check(capture: Capture, readings: GuardReadings): void {
    const { clock, log } = this.#context;
    const { id, options } = capture;
    const broken = brokenGuard(options, readings);
    if (broken !== null) {
      const reason = guardReason(broken, clock.now());
      this.#reasons.set(id, reason);
      log('warn', 'capture ends by a guard', { capture: id, reason });
      return;
    }
    for (const near of nearGuards(options, readings)) {
      const key = `${id} ${near.guard}`;
      if (this.#warned.has(key)) continue;
      this.#warned.add(key);
      log('warn', 'capture is near a guard', {
        capture: id,
        guard: near.guard,
        limit: near.limit,
        value: Math.round(near.value),
      });
    }
  }
}
