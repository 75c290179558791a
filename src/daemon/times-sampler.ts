import { messageOf } from '../core/errors.ts';
import type { TimesAbsence } from '../core/reports/report.ts';
import {
  grownBetween,
  NOTHING_COUNTED,
  type GrownTimes,
  type NoTimes,
  type TimesReading,
} from '../core/reports/server-times.ts';
import type { AddedInterval, NumberedText, StoredReading } from '../core/reports/times-table.ts';
import type { OpenSource } from '../core/source.ts';
import { NumberedDigests } from './numbered-digests.ts';
import { LeaseLost, type TapContext } from './tap-context.ts';

export type TimesContext = Pick<TapContext, 'store' | 'clock' | 'log' | 'commit'>;

const INTERVAL_MS = 60_000;
/** Of the time that passes, reading may take one part in so many. */
const SPARING = 100;
/** For the texts of digests that are new; the rest of them comes with the next reading. */
const TEXTS_MS = 500;
/** A capture that ends waits no longer than this for its last reading … */
const PATIENCE_MS = 300;
/** … which goes on behind its end, where nothing else is left to do. */
const LATE_MS = 1_500;

/** The captures that a reading is for. */
interface Captures {
  /** Their window was open when it began. */
  readonly open: ReadonlySet<number>;
  /** Their window closed since the reading before. */
  readonly ended: ReadonlySet<number>;
}

/**
 * Reads how long statements took at both ends of each capture and each minute between, beside the
 * recording: nothing of it is waited for, but for a moment where a capture ends. What fails is stored as
 * the reason why times are missing, and what a server counted meanwhile comes with the next reading. The
 * last reading lies in the store, so that after a crash the interval goes on from it.
 */
export class TimesSampler {
  readonly #context: TimesContext;
  readonly #environmentName: string;
  readonly #tapId: number;
  readonly #server: OpenSource;
  readonly #digests: NumberedDigests;
  /** What was read last; undefined before the store was asked. */
  #last: StoredReading | null | undefined;
  #open: ReadonlySet<number> = new Set();
  readonly #ended = new Set<number>();
  #beganAt = 0;
  #nextAt = 0;
  /** Why there is nothing to be read for a capture, as the store has it. */
  readonly #absence = new Map<number, TimesAbsence>();
  #isClosed = false;
  #reading: Promise<void> | null = null;
  /** A window has opened or closed while a reading was under way, which began too early for it. */
  #isDueAgain = false;
  #isFailing = false;

  constructor(context: TimesContext, environmentName: string, tapId: number, server: OpenSource) {
    this.#context = context;
    this.#environmentName = environmentName;
    this.#tapId = tapId;
    this.#server = server;
    this.#digests = new NumberedDigests(context.store.times);
  }

  /** Whether a reading is under way. */
  get isReading(): boolean {
    return this.#reading !== null;
  }

  /**
   * Begins a reading where one is due.
   * @param open captures whose window is open.
   * @param ended those whose window was closed just now.
   */
  tend(open: readonly number[], ended: readonly number[]): void {
    const isEdge = ended.length > 0 || open.some((id) => !this.#open.has(id));
    this.#open = new Set(open);
    for (const id of ended) this.#ended.add(id);
    const now = this.#context.clock.now();
    // A clock that was set back must not put it off.
    const isDue = isEdge || now >= this.#nextAt || now < this.#beganAt;
    if (!isDue || (open.length === 0 && this.#ended.size === 0)) return;
    if (this.#reading === null) this.#begin();
    else this.#isDueAgain ||= isEdge;
  }

  /** Waits a moment for what is under way: until it comes, it is missing. @throws LeaseLost. */
  async settle(): Promise<void> {
    if (await this.#isDoneWithin(PATIENCE_MS)) return;
    const message = `Nothing came within ${PATIENCE_MS} ms`;
    this.#noteAbsence({ is: 'absent', why: 'failed', message }, this.#ended);
  }

  /**
   * A reading that comes in later is not used.
   * @param mayBeLate whether there is some time for the last reading of captures that ended.
   */
  async close(mayBeLate: boolean): Promise<void> {
    if (mayBeLate && this.#ended.size > 0) await this.#isDoneWithin(LATE_MS);
    this.#isClosed = true;
  }

  async #isDoneWithin(ms: number): Promise<boolean> {
    if (this.#reading === null) return true;
    const waited = new AbortController();
    const late = this.#context.clock.sleep(ms, waited.signal).then(() => true);
    let isLate = false;
    while (this.isReading && !isLate) {
      isLate = await Promise.race([this.#reading.then(() => false), late]);
    }
    waited.abort();
    return !isLate;
  }

  #begin(): void {
    this.#isDueAgain = false;
    this.#reading = this.#read().finally(() => {
      this.#reading = null;
      if (this.#isDueAgain && !this.#isClosed) this.#begin();
    });
  }

  async #read(): Promise<void> {
    const captures = { open: this.#open, ended: new Set(this.#ended) };
    const began = performance.now();
    this.#beganAt = this.#context.clock.now();
    try {
      const reading = await this.#server.times.read();
      if (this.#isClosed) return;
      if (reading.is === 'absent') {
        this.#noteAbsence(reading, [...captures.open, ...captures.ended]);
      } else await this.#take(reading, captures);
    } catch (error) {
      // The drain finds it out by itself.
      if (error instanceof LeaseLost) return;
      const environment = this.#environmentName;
      this.#context.log('warn', 'times not stored', { environment, message: messageOf(error) });
    } finally {
      const took = performance.now() - began;
      this.#nextAt = this.#context.clock.now() + Math.max(INTERVAL_MS, took * SPARING);
    }
    for (const id of captures.ended) this.#forget(id);
  }

  #forget(captureId: number): void {
    this.#ended.delete(captureId);
    this.#absence.delete(captureId);
    this.#digests.forget(captureId);
  }

  #noteAbsence({ why, message }: NoTimes, captureIds: Iterable<number>): void {
    const { store, commit, log } = this.#context;
    const last = this.#lastReading();
    const news = [...captureIds].filter((id) => this.#absence.get(id) !== why);
    if (news.length === 0) return;
    commit(() => {
      for (const id of news) {
        const capture = store.captures.find(id);
        if (capture?.start == null) continue;
        const isMember = last?.captures.includes(id) === true;
        store.times.setOpen(id, isMember ? last.at : capture.start, why);
      }
    });
    for (const id of news) this.#absence.set(id, why);
    if (this.#isFailing || why === 'off') return;
    this.#isFailing = true;
    log('warn', 'times not read', { environment: this.#environmentName, why, message });
  }

  async #take(reading: TimesReading, captures: Captures): Promise<void> {
    const { store, commit } = this.#context;
    const { serverStart } = this.#server;
    const last = this.#lastReading();
    const isRestarted = last !== null && last.serverStart !== serverStart;
    const before = last === null || isRestarted ? NOTHING_COUNTED : last;
    const growth = grownBetween(before, reading);
    const members = (last?.captures ?? []).filter(
      (id) => captures.open.has(id) || captures.ended.has(id),
    );
    const counting = reading.isCounting && last?.isCounting !== false;
    const why = whyLess(growth, isRestarted, counting);
    const texts = await this.#textsFor(growth, members);
    if (this.#isClosed) return;
    const next: StoredReading = { ...reading, serverStart, captures: [...captures.open] };
    commit(() => {
      for (const id of members) {
        if (last === null || store.captures.find(id) === null) continue;
        const { isFull, ...numbered } = this.#digests.number(id, growth.grown, texts);
        const added: AddedInterval = {
          from: last.at,
          to: reading.at,
          why: why ?? (isFull ? 'full' : null),
          ...numbered,
        };
        store.times.add(id, added);
      }
      for (const id of captures.open) {
        if (!members.includes(id)) store.times.closeOpen(id, reading.at);
      }
      this.#noteLosses(last, captures);
      if (store.taps.find(this.#tapId) !== null) store.times.saveReading(this.#tapId, next);
    });
    this.#last = next;
    this.#absence.clear();
    this.#isFailing = false;
  }

  /** Of captures whose window closed and that no reading came for. */
  #noteLosses(last: StoredReading | null, { open, ended }: Captures): void {
    const { store } = this.#context;
    for (const id of last?.captures ?? []) {
      if (open.has(id) || ended.has(id)) continue;
      const status = store.captures.find(id)?.status ?? 'DONE';
      if (status === 'DONE') continue;
      store.times.setOpen(id, last?.at ?? 0, 'failed');
    }
  }

  async #textsFor(
    { grown }: GrownTimes,
    members: readonly number[],
  ): Promise<ReadonlyMap<string, Omit<NumberedText, 'number'>>> {
    const names = this.#digests.withoutText(members, grown);
    if (names.length === 0) return new Map();
    return this.#server.times.textsOf(names, TEXTS_MS);
  }

  #lastReading(): StoredReading | null {
    this.#last ??= this.#context.store.times.findReading(this.#tapId);
    return this.#last;
  }
}

/** Why executions of an interval are missing; null where none are known to be. */
function whyLess(
  { isTruncated, lost }: GrownTimes,
  isRestarted: boolean,
  isCounting: boolean,
): TimesAbsence | null {
  if (isRestarted) return 'restarted';
  if (isTruncated) return 'truncated';
  if (!isCounting) return 'off';
  return lost > 0 ? 'full' : null;
}
