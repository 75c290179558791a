/**
 * What happens, for one who takes it when there is time: nothing waits for them. Of news that replace one another
 * only the last is kept.
 */
export class LatestEvents<Event> implements AsyncIterable<Event> {
  readonly #isReplaced: (event: Event) => boolean;
  readonly #waiting: Event[] = [];
  #wake: (() => void) | null = null;
  #isOver = false;

  /** @param isReplaced whether one is out of date when the next of its kind comes. */
  constructor(isReplaced: (event: Event) => boolean) {
    this.#isReplaced = isReplaced;
  }

  push(event: Event): void {
    const last = this.#waiting.at(-1);
    if (last !== undefined && this.#isReplaced(last) && this.#isReplaced(event)) {
      this.#waiting.pop();
    }
    this.#waiting.push(event);
    this.#wake?.();
  }

  /** Nothing more comes. */
  end(): void {
    this.#isOver = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Event, void, void> {
    for (;;) {
      const event = this.#waiting.shift();
      if (event !== undefined) yield event;
      else if (this.#isOver) return;
      else await new Promise<void>((wake) => (this.#wake = wake));
    }
  }
}
