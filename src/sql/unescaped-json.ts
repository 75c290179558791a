const BACKSLASH = 0x5c;
const QUOTE = 0x22;
const LOWER_U = 0x75;
const ZERO = 0x30;
const SPACE = 0x20;
/** Of texts beyond it no copy is made: the memory has to end somewhere. A dump's INSERTs are shorter. */
const LONGEST = 4 * 1024 * 1024;
const FIRST_BYTES = 4 * 1024;
/** Of a longer text the memory is not kept. */
const LONGEST_KEPT = 256 * 1024;

const ENCODER = new TextEncoder();

/** What a letter behind a backslash stands for; 0 for nothing. */
const STANDS_FOR = new Uint8Array(256);
for (const [letter, character] of ['b\b', 't\t', 'n\n', 'f\f', 'r\r', '""', '\\\\', '//']) {
  STANDS_FOR[letter?.charCodeAt(0) ?? 0] = character?.charCodeAt(0) ?? 0;
}

/** The text of a JSON string in UTF-8, without its escapes; one object serves for many, one by one. */
export class UnescapedJson {
  bytes = new Uint8Array(FIRST_BYTES);
  /** Of the text, in `bytes`. */
  length = 0;
  /** Where the closing quote stands in what was read. */
  end = 0;

  /**
   * @param start behind the opening quote.
   * @returns false for what is no JSON string, or too long, or has something in it that is not in UTF-8.
   */
  read(source: Uint8Array, start: number): boolean {
    this.#shrink();
    let to = 0;
    for (let at = start; at - start < LONGEST; at++) {
      let code = source[at] ?? 0;
      if (code === QUOTE) {
        this.length = to;
        this.end = at;
        return true;
      }
      if (code < SPACE) return false;
      if (code === BACKSLASH) {
        const letter = source[++at] ?? 0;
        if (letter === LOWER_U) {
          code = controlAt(source, at + 1);
          if (code === -1) return false;
          at += 4;
        } else {
          code = STANDS_FOR[letter] ?? 0;
          if (code === 0) return false;
        }
      }
      if (to === this.bytes.length) this.#grow();
      this.bytes[to++] = code;
    }
    return false;
  }

  /** Writes a text, which then is what was read. @returns false for one that is too long. */
  write(text: string): boolean {
    if (text.length > LONGEST) return false;
    this.#shrink();
    // What a long one needs is counted; of a short one the most that it may.
    const needed = text.length > FIRST_BYTES ? Buffer.byteLength(text) : text.length * 3;
    if (this.bytes.length < needed) this.#grow(needed);
    this.length = ENCODER.encodeInto(text, this.bytes).written;
    return true;
  }

  #shrink(): void {
    if (this.bytes.length > LONGEST_KEPT) this.#replaceBy(new Uint8Array(FIRST_BYTES));
  }

  #grow(least = 0): void {
    const larger = new Uint8Array(Math.max(this.bytes.length * 2, least));
    larger.set(this.bytes);
    this.#replaceBy(larger);
  }

  /** The collector would let tens of megabytes of those before lie around. */
  #replaceBy(bytes: Uint8Array<ArrayBuffer>): void {
    this.bytes.buffer.transfer(0);
    this.bytes = bytes;
  }
}

/** The ASCII character of `\\u00XX`; -1 for another one: those are in UTF-8, or no characters. */
function controlAt(source: Uint8Array, at: number): number {
  if (source[at] !== ZERO || source[at + 1] !== ZERO) return -1;
  const code = hexAt(source, at + 2) * 16 + hexAt(source, at + 3);
  return code >= 0 && code < 0x80 ? code : -1;
}

/** Of a hexadecimal digit; very negative for none. */
function hexAt(source: Uint8Array, at: number): number {
  const code = source[at] ?? 0;
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1024;
}
