import { isOver } from '../../core/captures/capture.ts';
import type { LiveReport, ReportRequest, SortKey } from '../../core/reports/report.ts';
import type { TallyProgress } from '../../core/reports/tally.ts';
import type { Context } from '../runtime/context.ts';
import { interruption } from '../runtime/signals.ts';
import { escapeJson } from '../../display/escape.ts';
import { LIVE_KEYS, liveLines, renderLive, whyNotSorted } from '../render/report/report-live.ts';
import type { ReportView } from '../render/report/report-view.ts';
import { renderReport } from '../render/report/report-screen.ts';
import { LateProgress } from './late-progress.ts';

// Another screen, so that what was on the terminal is there again afterwards; and no cursor on it.
const ENTER = '\u001b[?1049h\u001b[?25l\u001b[2J';
const LEAVE = '\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const CLEAR_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';
const DEFAULT_ROWS = 24;
/** Rows where the user does not say how many: what fits a large screen, or these. */
const MOST_ROWS = 20;
/** A key, or another size of the terminal, is seen after this long. */
const GLANCE_MS = 50;
/** Long enough to be read, and gone with the look after it. */
const NOTICE_MS = 4_000;
const MOST_RECENT = 512;
/** So many intervals a rate of now is one. */
const KEPT_INTERVALS = 5;
const CTRL_C = '\u0003';

/** What is watched, and how. */
export interface WatchedReport {
  readonly capture: string;
  readonly request: ReportRequest;
  /** Milliseconds between two looks. */
  readonly interval: number;
  readonly viewOf: () => Promise<ReportView>;
  readonly progressText: (event: TallyProgress) => string;
}

/**
 * Shows the report of a RUNNING capture until it is over, `q` or Ctrl-C: on a terminal as a screen that is drawn
 * in place, with --json an object a line, elsewhere a block of lines for each look. The terminal is as it was
 * before on every way out; when the capture ends, its whole report stays.
 * @throws Interrupted.
 */
export async function watchReport(context: Context, watched: WatchedReport): Promise<void> {
  const watch = new ReportWatch(context, watched);
  try {
    await Promise.race([watch.run(), interruption(context.world.signals.interrupted)]);
  } finally {
    await watch.leave();
  }
}

class ReportWatch {
  readonly #context: Context;
  readonly #watched: WatchedReport;
  readonly #progress: LateProgress;
  readonly #left = new AbortController();
  #sort: SortKey;
  #keys: string[] = [];
  #recent: number[] = [];
  #stopKeys: (() => void) | null = null;
  #notice: string | null = null;
  #noticeUntil = 0;
  #drawn: LiveReport | null = null;
  #rate: { readonly perSecond: number; readonly until: number } | null = null;
  #isEntered = false;
  #isLook = true;

  constructor(context: Context, watched: WatchedReport) {
    this.#context = context;
    this.#watched = watched;
    this.#progress = new LateProgress(context);
    this.#sort = watched.request.sort ?? 'rate';
  }

  get #isScreen(): boolean {
    return this.#context.world.stdout.isTTY && !this.#context.isJson;
  }

  async run(): Promise<void> {
    const { api } = this.#context;
    const { capture, request, interval } = this.#watched;
    const { stdout } = this.#context.world;
    const fits = this.#isScreen ? () => Math.max(stdout.rows ?? 0, MOST_ROWS) : () => MOST_ROWS;
    const asked = {
      request: () => ({ ...request, sort: this.#sort, limit: request.limit ?? fits() }),
      interval,
    };
    const actor = await this.#context.actor();
    const looks = api.reports.watch(actor, capture, asked, this.#left.signal);
    let last: LiveReport | null = null;
    for await (const look of looks) {
      if (look.type === 'counted') {
        if (!this.#isEntered) this.#progress.show(this.#watched.progressText(look));
        continue;
      }
      await this.#progress.clear();
      last = look;
      if (isOver(look.report.capture.status)) break;
      await this.#show(look);
      if (!(await this.#pause(look))) return;
    }
    // Who has left wants no more of it.
    if (last !== null && !this.#left.signal.aborted) await this.#end(last);
  }

  /** Restores the terminal, and ends what is watched. */
  async leave(): Promise<void> {
    this.#left.abort();
    this.#stopKeys?.();
    this.#stopKeys = null;
    await this.#progress.clear();
    if (!this.#isEntered) return;
    this.#isEntered = false;
    this.#context.showOutagesBy(null);
    await this.#context.world.stdout.write(LEAVE);
  }

  async #show(look: LiveReport): Promise<void> {
    const { stdout } = this.#context.world;
    if (this.#context.isJson) return stdout.write(this.#asJson(look));
    if (!this.#isScreen) return stdout.write(liveLines(look, this.#context.now()));
    await this.#enter();
    if (this.#context.now() >= this.#noticeUntil) this.#notice = null;
    // A key is no look: the rate of now is the one before it still.
    if (look.interval !== null && this.#isLook) {
      this.#recent = [...this.#recent, look.interval.perSecond].slice(-MOST_RECENT);
    }
    return this.#draw(look);
  }

  #asJson({ report, interval }: LiveReport): string {
    const text = JSON.stringify({ ...report, interval });
    return `${this.#context.world.stdout.isTTY ? escapeJson(text) : text}\n`;
  }

  async #enter(): Promise<void> {
    if (this.#isEntered) return;
    this.#isEntered = true;
    const { stdin, stdout, signals } = this.#context.world;
    if (stdin.isTTY) {
      // While single keys are read, the terminal does not make Ctrl-C a signal.
      this.#stopKeys =
        stdin.onKeys?.((keys) => {
          if (keys.includes(CTRL_C)) signals.deliver('SIGINT');
          else this.#keys.push(...Array.from(keys));
        }) ?? null;
    }
    await stdout.write(ENTER);
    this.#context.showOutagesBy((text) => this.#showOutage(text));
  }

  /** @param text null when the server answers again. */
  async #showOutage(text: string | null): Promise<void> {
    this.#notice = text === null ? null : `${text} Ctrl-C ends this view only.`;
    this.#noticeUntil = text === null ? 0 : Infinity;
    if (this.#drawn !== null) await this.#draw(this.#drawn);
  }

  async #draw(look: LiveReport): Promise<void> {
    this.#drawn = look;
    const { stdout } = this.#context.world;
    const view = await this.#watched.viewOf();
    const lines = renderLive(this.#withRate(look), {
      ...view,
      rows: stdout.rows ?? DEFAULT_ROWS,
      now: this.#context.now(),
      interval: this.#watched.interval,
      recent: this.#recent,
      part: this.#watched.request,
      notice: this.#notice,
    });
    // Each line is cleared after its end: no flicker, and nothing old is left.
    const frame = lines.map((line) => `${line}${CLEAR_LINE}`).join('\n');
    await stdout.write(`${HOME}${frame}${CLEAR_BELOW}`);
  }

  /**
   * A look without a rate of now, as a server gives in another order or after a restart, gets that of the look before
   * it; of its rows none is known.
   */
  #withRate(look: LiveReport): LiveReport {
    const now = this.#context.now();
    const { interval } = this.#watched;
    if (look.interval !== null) {
      const { perSecond } = look.interval;
      this.#rate = { perSecond, until: now + KEPT_INTERVALS * interval };
    } else if (this.#rate !== null && now < this.#rate.until) {
      const { perSecond } = this.#rate;
      return { ...look, interval: { seconds: interval / 1_000, perSecond, rows: [] } };
    }
    return look;
  }

  /**
   * Waits for the next look, or for a key that wants another order at once.
   * @returns false to end.
   */
  async #pause(look: LiveReport): Promise<boolean> {
    const { clock, stdout, signals } = this.#context.world;
    this.#isLook = true;
    const until = clock.now() + this.#watched.interval;
    let size = `${stdout.columns ?? ''} ${stdout.rows ?? ''}`;
    while (clock.now() < until && !this.#left.signal.aborted) {
      const left = until - clock.now();
      await clock.sleep(this.#isScreen ? Math.min(GLANCE_MS, left) : left, signals.interrupted);
      signals.interrupted.throwIfAborted();
      for (const key of this.#keys.splice(0)) {
        if (key === 'q' || key === 'Q') return false;
        const sort = LIVE_KEYS[key];
        if (sort === undefined) continue;
        this.#notice = whyNotSorted(sort, look.report, await this.#watched.viewOf());
        this.#noticeUntil = clock.now() + NOTICE_MS;
        if (this.#notice !== null) await this.#draw(look);
        if (this.#notice !== null || sort === this.#sort) continue;
        this.#sort = sort;
        this.#isLook = false;
        return true;
      }
      const now = `${stdout.columns ?? ''} ${stdout.rows ?? ''}`;
      if (this.#isScreen && now !== size) {
        size = now;
        await this.#draw(look);
      }
    }
    return true;
  }

  /** What stays: the report of a capture that is over. */
  async #end(look: LiveReport): Promise<void> {
    const { stdout } = this.#context.world;
    await this.leave();
    if (this.#context.isJson) return stdout.write(this.#asJson(look));
    if (this.#isScreen) {
      const { request } = this.#watched;
      const height = request.limit === null ? (stdout.rows ?? null) : null;
      const view = await this.#watched.viewOf();
      await stdout.write(renderReport(look.report, view, height, request));
    } else {
      await stdout.write(liveLines(look, this.#context.now()));
    }
    await this.#context.note('The capture is over: this is its report.');
  }
}
