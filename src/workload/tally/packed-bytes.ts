import { freeAtOnce } from './freed-memory.ts';

const FIRST_BYTES = 64 * 1024;
/** Of a number as `count` writes it. */
const LONGEST_NUMBER = 8;
const NOTHING = 0;
const NEW_TEXT = 1;
const KNOWN_TEXTS = 2;

/** Bytes that are not what `PackedWriter` writes. */
export class MalformedBytes extends Error {}

/** Writes numbers and texts into bytes. */
export class PackedWriter {
  #bytes: Buffer;
  #used = 0;
  readonly #texts = new Map<string, number>();

  /** @param expected bytes: room for too few is copied, and what is not written to takes no memory. */
  constructor(expected = 0) {
    this.#bytes = Buffer.allocUnsafeSlow(FIRST_BYTES + expected);
  }

  /** A whole number that is not negative. */
  count(value: number): void {
    this.#reserve(LONGEST_NUMBER);
    let left = value;
    while (left >= 0x80) {
      this.#bytes[this.#used++] = (left % 0x80) | 0x80;
      left = Math.floor(left / 0x80);
    }
    this.#bytes[this.#used++] = left;
  }

  /** Any number, NaN and infinities too. */
  number(value: number): void {
    this.#reserve(8);
    this.#used = this.#bytes.writeDoubleLE(value, this.#used);
  }

  flag(value: boolean): void {
    this.count(value ? 1 : 0);
  }

  text(value: string): void {
    const length = Buffer.byteLength(value);
    this.count(length);
    this.#reserve(length);
    this.#used += this.#bytes.write(value, this.#used, 'utf8');
  }

  /** A text that is likely to come again. */
  name(value: string | null): void {
    if (value === null) {
      this.count(NOTHING);
      return;
    }
    const known = this.#texts.get(value);
    if (known !== undefined) {
      this.count(known + KNOWN_TEXTS);
      return;
    }
    this.#texts.set(value, this.#texts.size);
    this.count(NEW_TEXT);
    this.text(value);
  }

  /** What was written; the writer is of no more use. */
  bytes(): Buffer {
    return this.#bytes.subarray(0, this.#used);
  }

  #reserve(bytes: number): void {
    if (this.#used + bytes + LONGEST_NUMBER <= this.#bytes.length) return;
    const wanted = Math.max(this.#bytes.length * 2, this.#used + bytes + FIRST_BYTES);
    const larger = Buffer.allocUnsafeSlow(wanted);
    this.#bytes.copy(larger, 0, 0, this.#used);
    freeAtOnce(this.#bytes);
    this.#bytes = larger;
  }
}

/** Reads what `PackedWriter` wrote, in the same order. @throws MalformedBytes where it cannot be that. */
export class PackedReader {
  readonly #bytes: Buffer;
  #at = 0;
  readonly #texts: string[] = [];

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  count(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < LONGEST_NUMBER; i++) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw new MalformedBytes('it ends too early');
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
    throw new MalformedBytes('a number is too long');
  }

  number(): number {
    if (this.#at + 8 > this.#bytes.length) throw new MalformedBytes('it ends too early');
    const value = this.#bytes.readDoubleLE(this.#at);
    this.#at += 8;
    return value;
  }

  flag(): boolean {
    return this.count() !== 0;
  }

  text(): string {
    const length = this.count();
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new MalformedBytes('it ends too early');
    const text = this.#bytes.toString('utf8', this.#at, end);
    this.#at = end;
    return text;
  }

  /** Passes over a text. */
  skipText(): void {
    const end = this.count() + this.#at;
    if (end > this.#bytes.length) throw new MalformedBytes('it ends too early');
    this.#at = end;
  }

  name(): string | null {
    const which = this.count();
    if (which === NOTHING) return null;
    if (which === NEW_TEXT) {
      const text = this.text();
      this.#texts.push(text);
      return text;
    }
    const known = this.#texts[which - KNOWN_TEXTS];
    if (known === undefined) throw new MalformedBytes('a text that is not there');
    return known;
  }

  /** One of some words. */
  word<T extends string>(words: readonly T[]): T {
    const word = words[this.count()];
    if (word === undefined) throw new MalformedBytes('a word that is not there');
    return word;
  }

  /** All that was not read yet. */
  rest(): Buffer {
    return this.#bytes.subarray(this.#at);
  }

  /** @throws MalformedBytes where there is more. */
  end(): void {
    if (this.#at !== this.#bytes.length) throw new MalformedBytes('it goes on');
  }
}
