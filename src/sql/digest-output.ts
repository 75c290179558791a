/** No digest text is longer, in characters. */
export const LONGEST_DIGEST = 8192;

/** What stands in a digest text for the rest of it: told apart by its hash. */
const REST = /\.\.\.x[0-9a-f]{16}$/;
const REST_LENGTH = 20;

/** Where a digest text was cut, or its length where it was not. */
export function endOfCutDigest(text: string): number {
  const isCut = text.length <= LONGEST_DIGEST && REST.test(text.slice(-REST_LENGTH));
  return isCut ? text.length - REST_LENGTH : text.length;
}

/** A place in what was written, to go back to. */
export interface Mark {
  readonly length: number;
  /** null as long as nothing is left out. */
  readonly rest: Hash | null;
  /** null outside of an item. */
  readonly item: Hash | null;
}

/** 64 bits of the texts that were written since a place. */
type Hash = readonly [number, number];

const SEED: Hash = [0x811c9dc5, 0x2545f491];
const MOST_KEPT = LONGEST_DIGEST - REST_LENGTH;

/** Of outputs that are done with, for the next: making one takes 1 µs. */
const spares: Uint16Array[] = [];

/** What is written of a digest: of a long one the beginning, and a hash of the rest. */
export class DigestOutput {
  /** What is kept, as UTF-16: in pieces of text it takes three times as long. */
  readonly #codes = spares.pop() ?? new Uint16Array(MOST_KEPT);
  #length = 0;
  /** Of all codes that were written. */
  #bits = 0;
  #rest: Hash | null = null;
  #item: Hash | null = null;

  /** Writes a text, and what parts it from the one before; both or nothing of them is kept. */
  write(space: string, text: string): void {
    if (this.#item !== null) this.#item = mixed(mixed(this.#item, space), text);
    let at = this.#length;
    if (this.#rest !== null || at + space.length + text.length > MOST_KEPT) {
      this.#rest = mixed(mixed(this.#rest ?? SEED, space), text);
      return;
    }
    for (let i = 0; i < space.length; i++) this.#codes[at++] = space.charCodeAt(i);
    let bits = this.#bits;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      bits |= code;
      this.#codes[at++] = code;
    }
    this.#bits = bits;
    this.#length = at;
  }

  mark(): Mark {
    return { length: this.#length, rest: this.#rest, item: this.#item };
  }

  /** Takes back what was written since. */
  restore(mark: Mark): void {
    this.#length = mark.length;
    this.#rest = mark.rest;
    this.#item = mark.item;
  }

  /** Begins to hash what is written, for `endItem`. */
  beginItem(): void {
    this.#item = SEED;
  }

  /** The hash of what was written since `beginItem`, which ends with it. */
  endItem(): string {
    const text = hex(this.#item ?? SEED);
    this.#item = null;
    return text;
  }

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  /** All of it; the output is of no more use. */
  text(): string {
    const text = textOf(this.#codes.subarray(0, this.#length), this.#bits);
    spares.push(this.#codes);
    return this.#rest === null ? text : `${text}...x${hex(this.#rest)}`;
  }
}

function textOf(codes: Uint16Array, bits: number): string {
  // Of one byte a character in memory as well.
  if (bits >= 0x100) {
    return Buffer.from(codes.buffer, codes.byteOffset, codes.byteLength).toString('utf16le');
  }
  const bytes = Buffer.allocUnsafe(codes.length);
  bytes.set(codes);
  return bytes.toString('latin1');
}

function mixed([a, b]: Hash, text: string): Hash {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    a = Math.imul(a ^ code, 0x01000193);
    b = Math.imul(b ^ code, 0x5bd1e995);
    b ^= b >>> 15;
  }
  return [a, b];
}

function hex(hash: Hash): string {
  return hash.map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('');
}
