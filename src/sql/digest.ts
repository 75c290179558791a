import { hash } from 'node:crypto';
import { writeDigest } from './digest-writer.ts';
import { StatementShape } from './statement-shape.ts';

/**
 * To be raised with every change of what digest or class a statement has: what was counted by other rules is
 * counted again.
 */
export const DIGEST_RULES = 3;

/** A statement without its values. */
export interface Digest {
  /** The statement with `?` for its values: see docs/digests.md. */
  readonly text: string;
  /** 16 hexadecimal digits, made from the text. */
  readonly id: string;
}

/**
 * The statement with its values taken out: two texts that differ in values, white space and comments
 * alone have one. Any text has one, also one that cannot be parsed; linear in the text.
 */
export function digestText(sql: string): string {
  return writeDigest(sql);
}

/** The id of a digest text: the first 16 hexadecimal digits of its SHA-256. */
export function digestId(text: string): string {
  return hash('sha256', text).slice(0, 16);
}

/** A power of two. */
const SLOTS = 1 << 15;
/** Of more than half of them taken, a search would be long. */
const MOST_KNOWN = SLOTS / 2;
const MOST_CHARACTERS = 8 * 1024 * 1024;

/**
 * Digests of a stream of statements: one of a shape that was seen before costs no building of its
 * text. Remembers some thousand digests, in a bounded memory.
 */
export class Digester {
  readonly #shape = new StatementShape();
  readonly #lows = new Int32Array(SLOTS);
  readonly #highs = new Int32Array(SLOTS);
  #digests = new Array<Digest | undefined>(SLOTS);
  #count = 0;
  #characters = 0;

  /** Any text has a digest. Linear in the text. */
  of(sql: string): Digest {
    const shape = this.#shape;
    if (!shape.read(sql)) return digestOf(sql);
    const { low, high } = shape;
    let slot = (low ^ (low >>> 15) ^ high) & (SLOTS - 1);
    for (;;) {
      const known = this.#digests[slot];
      if (known === undefined) break;
      if (this.#lows[slot] === low && this.#highs[slot] === high) return known;
      slot = (slot + 1) & (SLOTS - 1);
    }
    const digest = digestOf(sql);
    this.#count++;
    this.#characters += digest.text.length;
    if (this.#count > MOST_KNOWN || this.#characters > MOST_CHARACTERS) {
      this.#forget();
      return digest;
    }
    this.#lows[slot] = low;
    this.#highs[slot] = high;
    this.#digests[slot] = digest;
    return digest;
  }

  #forget(): void {
    this.#digests = new Array<Digest | undefined>(SLOTS);
    this.#count = 0;
    this.#characters = 0;
  }
}

function digestOf(sql: string): Digest {
  const text = digestText(sql);
  return { text, id: digestId(text) };
}
