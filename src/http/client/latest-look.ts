/**
 * A stream of looks that is read as they come, of which who asks gets the latest: one that asks seldom sees
 * nothing old.
 */
export class LatestLook<Look> {
  readonly #closed = new AbortController();
  readonly #isProgress: (look: Look) => boolean;
  #progress: Look | null = null;
  #latest: Look | null = null;
  #end: { readonly error: unknown } | 'ended' | null = null;
  #wake: () => void = () => undefined;

  /**
   * @param open opens the stream, which ends when the signal aborts.
   * @param isProgress whether a look only says that there is more to come: another one replaces it.
   */
  constructor(
    open: (closed: AbortSignal) => AsyncIterable<Look>,
    isProgress: (look: Look) => boolean,
  ) {
    this.#isProgress = isProgress;
    void this.#read(open(this.#closed.signal));
  }

  /** @returns null when it is over and all was seen. @throws what the stream throws, behind the latest look. */
  async next(): Promise<Look | null> {
    for (;;) {
      const look = this.#latest ?? this.#progress;
      this.#latest = null;
      this.#progress = null;
      if (look !== null) return look;
      if (this.#end === 'ended') return null;
      if (this.#end !== null) throw this.#end.error;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  close(): void {
    this.#closed.abort();
  }

  async #read(looks: AsyncIterable<Look>): Promise<void> {
    try {
      for await (const look of looks) {
        if (this.#isProgress(look)) this.#progress = look;
        else {
          this.#latest = look;
          this.#progress = null;
        }
        this.#wake();
      }
      this.#end = 'ended';
    } catch (error) {
      this.#end = { error };
    }
    this.#wake();
  }
}
