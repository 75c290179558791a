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
  readonly parts: number;
  readonly length: number;
  /** null as long as nothing is left out. */
  readonly rest: Hash | null;
  /** null outside of an item. */
  readonly item: Hash | null;
}

/** 64 bits of the texts that were written since a place. */
type Hash = readonly [number, number];

const SEED: Hash = [0x811c9dc5, 0x2545f491];

/** What is written of a digest: of a long one the beginning, and a hash of the rest. */
export class DigestOutput {
  readonly #parts: string[] = [];
  #length = 0;
  #rest: Hash | null = null;
  #item: Hash | null = null;

  write(part: string): void {
    if (this.#item !== null) this.#item = mixed(this.#item, part);
    if (this.#rest === null && this.#length + part.length <= LONGEST_DIGEST - REST_LENGTH) {
      this.#parts.push(part);
      this.#length += part.length;
    } else this.#rest = mixed(this.#rest ?? SEED, part);
  }

  mark(): Mark {
    return { parts: this.#parts.length, length: this.#length, rest: this.#rest, item: this.#item };
  }

  /** Takes back what was written since. */
  restore(mark: Mark): void {
    this.#parts.length = mark.parts;
    this.#length = mark.length;
    this.#rest = mark.rest;
    this.#item = mark.item;
  }

  /** Begins to hash what is written, for `itemHash`. */
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

  text(): string {
    const text = this.#parts.join('');
    return this.#rest === null ? text : `${text}...x${hex(this.#rest)}`;
  }
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
