const NEWLINE = 10;
const SEQ = /^\{"seq":(\d+)/;
/** `{"seq":` with a number behind it. */
const HEAD_BYTES = 40;

/**
 * Lines of statements that come in pieces of any size, and go on in another answer where one ends in the middle:
 * what came of a line that was cut is left out of the next answer, which begins with that line.
 */
export class ContinuedLines {
  #last: number | null;
  #count = 0;
  /** Of the line that has begun. */
  #head: Buffer = Buffer.alloc(0);
  #begun = 0;
  /** Bytes that are there already. */
  #skipped = 0;

  /** @param after the `seq` of the record before the first one; null for none. */
  constructor(after: number | null) {
    this.#last = after;
  }

  /** The `seq` of the last whole line; null before the first. */
  get last(): number | null {
    return this.#last;
  }

  /** Whole lines. */
  get count(): number {
    return this.#count;
  }

  /** Another answer begins, behind the last whole line. */
  begin(): void {
    this.#skipped += this.#begun;
    this.#begun = 0;
    this.#head = Buffer.alloc(0);
  }

  /** @returns what of a piece was not there before. */
  added(piece: Uint8Array): Uint8Array {
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.length);
    for (let at = 0; at < bytes.length;) {
      const newline = bytes.indexOf(NEWLINE, at);
      const end = newline === -1 ? bytes.length : newline + 1;
      if (this.#head.length < HEAD_BYTES) {
        const more = bytes.subarray(at, Math.min(end, at + HEAD_BYTES - this.#head.length));
        this.#head = this.#head.length === 0 ? more : Buffer.concat([this.#head, more]);
      }
      this.#begun += end - at;
      at = end;
      if (newline === -1) {
        // The piece is not kept for the sake of a few bytes.
        this.#head = Buffer.from(this.#head);
        break;
      }
      const seq = SEQ.exec(this.#head.toString('latin1'))?.[1];
      if (seq !== undefined) this.#last = Number(seq);
      this.#count += 1;
      this.#begun = 0;
      this.#head = Buffer.alloc(0);
    }
    const skipped = Math.min(this.#skipped, bytes.length);
    this.#skipped -= skipped;
    return bytes.subarray(skipped);
  }
}
