import { hash } from 'node:crypto';
import { writeDigest } from './digest-writer.ts';
import { ESCAPED, StatementShape, UNKNOWN } from './statement-shape.ts';
import { UnescapedJson } from './unescaped-json.ts';

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
/** Texts that only the tokenizer knows, which are remembered as they are. */
const MOST_TEXTS = 1_000;
const LONGEST_TEXT = 2_048;

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
  readonly #text = new UnescapedJson();
  readonly #texts = new Map<string, Digest>();
  /** Where the closing quote stands of the string that `ofJson` was asked about last. */
  end = 0;

  /** Any text has a digest. Linear in the text. */
  of(sql: string): Digest {
    const isRead = this.#text.write(sql) && this.#readText();
    return isRead ? (this.#find() ?? this.#learn(sql)) : this.ofOther(sql);
  }

  /**
   * The digest of a statement that is a JSON string in UTF-8, of which no string is made unless the digest
   * is new. Linear in the text, which ends with a quote or a control character at the latest.
   * @param start behind its opening quote.
   * @param textOf the statement between two places, without its escapes.
   * @returns null where only `ofOther` can tell; else the closing quote is at `end`.
   */
  ofJson(
    bytes: Uint8Array,
    start: number,
    textOf: (start: number, end: number) => string,
  ): Digest | null {
    this.end = this.#shape.read(bytes, start, bytes.length, true);
    if (this.end === ESCAPED) {
      if (!this.#text.read(bytes, start) || !this.#readText()) return null;
      this.end = this.#text.end;
    } else if (this.end === UNKNOWN) return null;
    return this.#find() ?? this.#learn(textOf(start, this.end));
  }

  #readText(): boolean {
    const { bytes, length } = this.#text;
    return this.#shape.read(bytes, 0, length, false) !== UNKNOWN;
  }

  /** The digest of the shape that was read last. */
  #find(): Digest | undefined {
    const { low, high } = this.#shape;
    let slot = firstSlot(low, high);
    for (;;) {
      const known = this.#digests[slot];
      if (known === undefined) return undefined;
      if (this.#lows[slot] === low && this.#highs[slot] === high) return known;
      slot = (slot + 1) & (SLOTS - 1);
    }
  }

  #learn(sql: string): Digest {
    const { low, high } = this.#shape;
    const digest = digestOf(sql);
    this.#count++;
    this.#characters += digest.text.length;
    if (this.#count > MOST_KNOWN || this.#characters > MOST_CHARACTERS) {
      this.#forget();
      return digest;
    }
    let slot = firstSlot(low, high);
    while (this.#digests[slot] !== undefined) slot = (slot + 1) & (SLOTS - 1);
    this.#lows[slot] = low;
    this.#highs[slot] = high;
    this.#digests[slot] = digest;
    return digest;
  }

  /** The same as `of`, of a text that `ofJson` could not tell the digest of. */
  ofOther(sql: string): Digest {
    const known = this.#texts.get(sql);
    if (known !== undefined) return known;
    const digest = digestOf(sql);
    if (sql.length > LONGEST_TEXT) return digest;
    if (this.#texts.size >= MOST_TEXTS) this.#texts.clear();
    this.#texts.set(sql, digest);
    return digest;
  }

  #forget(): void {
    this.#digests = new Array<Digest | undefined>(SLOTS);
    this.#count = 0;
    this.#characters = 0;
  }
}

function firstSlot(low: number, high: number): number {
  return (low ^ (low >>> 15) ^ high ^ (high >>> 15)) & (SLOTS - 1);
}

function digestOf(sql: string): Digest {
  const text = digestText(sql);
  return { text, id: digestId(text) };
}
