import type { LiveFacts } from '../../core/captures/live-facts.ts';
import type { ListedCapture } from '../../core/store.ts';
import type { Context } from '../runtime/context.ts';
import { captureNoun } from '../render/captures.ts';
import { pick } from '../render/column.ts';
import { escapeJson, escapeText } from '../../display/escape.ts';
import { liveJson, liveLine } from '../render/live.ts';
import { isoTime } from '../render/moments.ts';
import { fullName } from '../render/full-name.ts';
import { truncate } from '../render/width.ts';
import type { OutputStream } from '../runtime/world.ts';

/** A terminal's line is redrawn each second; elsewhere a line is added every ten seconds. */
const REDRAW_MS = 1_000;
const LINE_MS = 10_000;
const CLEAR_LINE = '\r\u001b[K';

/** A capture as one line of NDJSON, with only the --fields if they were given. */
export function watchedJson(context: Context, capture: ListedCapture, live: LiveFacts): string {
  const json = liveJson(capture, live, context.now());
  const { fields } = context.options;
  const text = JSON.stringify(fields === null ? json : pick(json, fields));
  return `${context.world.stdout.isTTY ? escapeJson(text) : text}\n`;
}

/** How a capture goes, as a line of a log. */
export function progressLine(capture: ListedCapture, live: LiveFacts, now: number): string {
  const text = `${fullName(capture)}: ${liveLine(capture, live, now)}`;
  return `${isoTime(now) ?? ''} ${escapeText(text)}\n`;
}

/**
 * Shows how one capture goes while a command waits for it: a live line on a terminal, a line every ten
 * seconds elsewhere, NDJSON on stdout with --json. With --watch JSON comes every second, and in every
 * mode a change of status is shown at once; without it a wait of less than ten seconds is one object.
 */
export class Progress {
  readonly #context: Context;
  readonly #stream: OutputStream;
  readonly #mode: 'live' | 'lines' | 'json' | 'none';
  readonly #isData: boolean;
  readonly #pause: number;
  #next = 0;
  #status: string | null = null;
  #isDrawn = false;

  /**
   * @param options.isData the lines are what was asked for: they go to stdout, and --quiet leaves them.
   */
  constructor(context: Context, options: { isData: boolean }) {
    const { world } = context;
    this.#context = context;
    const isOnTerminal = world.stderr.isTTY && (!options.isData || world.stdout.isTTY);
    if (context.isJson) this.#mode = 'json';
    else if (context.options.quiet && !options.isData) this.#mode = 'none';
    else this.#mode = isOnTerminal ? 'live' : 'lines';
    const isForStdout = this.#mode === 'json' || (options.isData && !context.isDataAsked);
    this.#stream = isForStdout && !isOnTerminal ? world.stdout : world.stderr;
    if (this.#mode === 'json') this.#stream = world.stdout;
    this.#isData = options.isData;
    const isOften = this.#mode === 'live' || (this.#mode === 'json' && options.isData);
    this.#pause = isOften ? REDRAW_MS : LINE_MS;
    if (this.#mode === 'live') context.keepClear(() => this.clear());
  }

  /** Call it with each new state; it decides what to show. */
  readonly show = async (capture: ListedCapture, live: LiveFacts): Promise<void> => {
    const now = this.#context.now();
    // A script wants the result: for a short wait it gets that one object only.
    const isNews = capture.status !== this.#status && (this.#isData || this.#mode !== 'json');
    // The first state is known already: a short wait shows only its result.
    if (this.#status === null && this.#mode !== 'live' && !this.#isData) {
      this.#next = now + LINE_MS;
    } else if (!isNews && now < this.#next) {
      return;
    } else {
      this.#next = now + this.#pause;
      await this.#write(capture, live, now);
    }
    this.#status = capture.status;
  };

  /** Removes the live line. */
  async clear(): Promise<void> {
    if (!this.#isDrawn) return;
    this.#isDrawn = false;
    await this.#stream.write(CLEAR_LINE);
  }

  /** Prints the capture at the end of the wait: in JSON mode as a line of NDJSON, else as always. */
  async result(capture: ListedCapture): Promise<void> {
    await this.clear();
    if (this.#mode === 'json') {
      await this.#stream.write(watchedJson(this.#context, capture, await this.#liveOf(capture)));
    } else {
      await this.#context.printOne(captureNoun, capture);
    }
  }

  /** Shows the end: one more line where there are lines, else the whole capture. */
  async end(capture: ListedCapture): Promise<void> {
    await this.clear();
    const isInLines = this.#mode === 'json' || this.#stream === this.#context.world.stdout;
    if (isInLines) await this.#write(capture, await this.#liveOf(capture), this.#context.now());
    else await this.#context.printOne(captureNoun, capture);
  }

  async #liveOf({ id }: ListedCapture): Promise<LiveFacts> {
    const context = this.#context;
    const actor = await context.actor();
    return context.untilAnswered(() => context.api.captures.live(actor, String(id)));
  }

  async #write(capture: ListedCapture, live: LiveFacts, now: number): Promise<void> {
    const { world } = this.#context;
    switch (this.#mode) {
      case 'none':
        return;
      case 'json':
        return this.#stream.write(watchedJson(this.#context, capture, live));
      case 'live': {
        const text = escapeText(liveLine(capture, live, now));
        this.#isDrawn = true;
        // The last column is left free: some terminals wrap when it is filled.
        const width = (world.stderr.columns ?? this.#context.columns) - 1;
        return this.#stream.write(`${CLEAR_LINE}${truncate(text, width)}`);
      }
      case 'lines':
        return this.#stream.write(progressLine(capture, live, now));
    }
  }
}
