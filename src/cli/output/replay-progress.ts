import type { ReplayEvent, ReplayProgress } from '../../core/replays/replay.ts';
import { counted, formatCount, formatDuration } from '../../core/units.ts';
import { escapeText } from '../../display/escape.ts';
import { millisecondsText, rateText } from '../../display/report-numbers.ts';
import { isoTime } from '../render/moments.ts';
import { fullName } from '../render/full-name.ts';
import { planSentence } from '../render/replay/replay-plan.ts';
import { truncate } from '../render/width.ts';
import type { Context } from '../runtime/context.ts';
import { speaksUnicode } from './unicode.ts';

/** A terminal's line is redrawn each second; elsewhere a line is added every ten seconds. */
const REDRAW_MS = 1_000;
const LINE_MS = 10_000;
const CLEAR_LINE = '\r\u001b[K';
/** The rate is that of so many milliseconds. */
const RATE_MS = 5_000;

interface Seen {
  readonly at: number;
  readonly done: number;
}

/** Says on stderr how a replay goes: a live line on a terminal, a line every ten seconds elsewhere. */
export class ReplayProgressLine {
  readonly #context: Context;
  readonly #isLive: boolean;
  readonly #isQuiet: boolean;
  #seen: Seen[] = [];
  #nextAt = 0;
  #endsAt: number | null = null;
  #length: number | null = null;
  #isDrawn = false;

  constructor(context: Context) {
    this.#context = context;
    this.#isQuiet = context.options.quiet || (context.isJson && !context.world.stderr.isTTY);
    this.#isLive = context.world.stderr.isTTY && !context.options.quiet;
    if (this.#isLive) context.keepClear(() => this.clear());
  }

  readonly tell = async (event: ReplayEvent): Promise<void> => {
    const context = this.#context;
    switch (event.type) {
      case 'planning':
        return this.#show(`planning: read ${ofAll(event.records, event.of)}`);
      case 'planned': {
        await this.clear();
        this.#length = event.plan.length;
        const sentence = planSentence(event.plan, context.now(), context.timeZone);
        await context.note(`plan: ${sentence}`);
        for (const warning of event.plan.warnings) await context.warn(warning);
        return;
      }
      case 'started': {
        await this.clear();
        if (this.#length !== null) this.#endsAt = context.now() + this.#length;
        const { capture } = event;
        await context.note(`replay: ${fullName(capture)} (id ${capture.id}). Ctrl-C ends it.`);
        return;
      }
      case 'played':
        return this.#show(this.#playedText(event.progress, event.of));
      case 'summing':
        return this.#show(`checksum of ${event.table}`);
    }
  };

  /** Removes the live line. */
  async clear(): Promise<void> {
    if (!this.#isDrawn) return;
    this.#isDrawn = false;
    await this.#context.world.stderr.write(CLEAR_LINE);
  }

  /** `12,345 of 80,000 records · 9,800/s · 32 sessions · 4.2ms late · 2m 10s left`. */
  #playedText(progress: ReplayProgress, of: number): string {
    const { world } = this.#context;
    const now = this.#context.now();
    const ascii = !speaksUnicode(world.env);
    const done = progress.sent + progress.skipped + progress.failed;
    const seen = [...this.#seen.filter(({ at }) => now - at <= RATE_MS), { at: now, done }];
    this.#seen = seen;
    const [first] = seen;
    const passed = first === undefined ? 0 : now - first.at;
    const perSecond =
      first === undefined || passed < 500 ? null : ((done - first.done) * 1_000) / passed;
    const left = this.#timeLeft(of - done, perSecond, now);
    const parts = [
      ofAll(done, of),
      perSecond === null ? null : `${rateText(Math.max(perSecond, 0))}/s`,
      counted(progress.open, 'session'),
      progress.failed === 0 ? null : `${formatCount(progress.failed)} failed`,
      progress.lateMs === null ? null : `${millisecondsText(progress.lateMs, { ascii })} late`,
      left === null ? null : `${formatDuration(left)} left`,
    ].filter((part) => part !== null);
    const line = (some: readonly string[]): string => some.join(ascii ? ' | ' : ' · ');
    // Where there is no room for all of it, the sessions are what is missed least.
    return line(parts).length <= this.#width || !this.#isLive
      ? line(parts)
      : line(parts.filter((part) => !/ sessions?$/.test(part))).replace(/ records?\b/, '');
  }

  /** The last column is left free: some terminals wrap when it is filled. */
  get #width(): number {
    return (this.#context.world.stderr.columns ?? this.#context.columns) - 1;
  }

  /** By the schedule, or by the rate where there is none; null where neither says it. */
  #timeLeft(records: number, perSecond: number | null, now: number): number | null {
    const bySchedule = this.#endsAt === null ? null : this.#endsAt - now;
    const byRate = perSecond === null || perSecond <= 0 ? null : (records * 1_000) / perSecond;
    // Behind its schedule, the rate says it.
    const left = bySchedule === null || bySchedule < 1_000 ? byRate : bySchedule;
    return left === null || left < 1_000 ? null : Math.round(left / 1_000) * 1_000;
  }

  async #show(text: string): Promise<void> {
    if (this.#isQuiet) return;
    const now = this.#context.now();
    if (now < this.#nextAt) return;
    const { stderr } = this.#context.world;
    if (this.#isLive) {
      this.#nextAt = now + REDRAW_MS / 2;
      this.#isDrawn = true;
      await stderr.write(`${CLEAR_LINE}${truncate(escapeText(text), this.#width)}`);
      return;
    }
    const isFirst = this.#nextAt === 0;
    this.#nextAt = now + LINE_MS;
    if (!isFirst) await stderr.write(`${isoTime(now) ?? ''} ${escapeText(text)}\n`);
  }
}

function ofAll(count: number, of: number): string {
  return `${formatCount(Math.min(count, of))} of ${counted(of, 'record')}`;
}
