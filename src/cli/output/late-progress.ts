import type { Context } from '../runtime/context.ts';

/** Work that takes longer than this shows its progress. */
const SHOWN_AFTER_MS = 1_000;
const CLEAR_LINE = '\r\u001b[K';

/** How far something has come, in a line on stderr's terminal that is redrawn, once it takes a while. */
export class LateProgress {
  readonly #context: Context;
  readonly #isShown: boolean;
  readonly #shownFrom: number;
  #isDrawn = false;

  constructor(context: Context) {
    this.#context = context;
    this.#shownFrom = context.now() + SHOWN_AFTER_MS;
    this.#isShown = context.world.stderr.isTTY && !context.options.quiet;
  }

  show(line: string): void {
    if (!this.#isShown || this.#context.now() < this.#shownFrom) return;
    this.#isDrawn = true;
    // Progress that cannot be written is not an error.
    this.#context.world.stderr.write(`${CLEAR_LINE}${line}`).catch(() => undefined);
  }

  /** Removes the line. */
  async clear(): Promise<void> {
    if (!this.#isDrawn) return;
    this.#isDrawn = false;
    await this.#context.world.stderr.write(CLEAR_LINE);
  }
}
