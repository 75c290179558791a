import { ESCAPED, StatementShape, UNKNOWN } from './statement-shape.ts';
import { UnescapedJson } from './unescaped-json.ts';

/** A power of two. */
const SLOTS = 1 << 15;
/** Of more than half of them taken, a search would be long. */
const MOST_KNOWN = SLOTS / 2;
const MOST_CHARACTERS = 8 * 1024 * 1024;
/** Texts that only the tokenizer knows, which are remembered as they are. */
const MOST_TEXTS = 1_000;
const LONGEST_TEXT = 2_048;

/**
 * Something about each of a stream of statements that is the same for all of one digest: made once for each
 * shape. Remembers that of some thousand, in a bounded memory.
 */
export class ShapeCache<T extends object> {
  readonly #shape = new StatementShape();
  readonly #lows = new Int32Array(SLOTS);
  readonly #highs = new Int32Array(SLOTS);
  #values = new Array<T | undefined>(SLOTS);
  #count = 0;
  #characters = 0;
  readonly #text = new UnescapedJson();
  readonly #texts = new Map<string, T>();
  /** Where the closing quote stands of the string that `ofJson` was asked about last. */
  end = 0;
  readonly #make: (sql: string) => T;
  readonly #charactersOf: (value: T) => number;

  /**
   * @param make what is to be known of a statement; linear in its text.
   * @param charactersOf what of it has to be kept, in characters.
   */
  constructor(make: (sql: string) => T, charactersOf: (value: T) => number) {
    this.#make = make;
    this.#charactersOf = charactersOf;
  }

  /** Of any text. Linear in it. */
  of(sql: string): T {
    const isRead = this.#text.write(sql) && this.#readText();
    return isRead ? (this.#find() ?? this.#learn(sql)) : this.ofOther(sql);
  }

  /**
   * Of a statement that is a JSON string in UTF-8, of which no string is made unless its shape is new. Linear
   * in the text, which ends with a quote or a control character at the latest.
   * @param start behind its opening quote.
   * @param textOf the statement between two places, without its escapes.
   * @returns null where only `ofOther` can tell; else the closing quote is at `end`.
   */
  ofJson(
    bytes: Uint8Array,
    start: number,
    textOf: (start: number, end: number) => string,
  ): T | null {
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

  /** Of the shape that was read last. */
  #find(): T | undefined {
    const { low, high } = this.#shape;
    let slot = firstSlot(low, high);
    for (;;) {
      const known = this.#values[slot];
      if (known === undefined) return undefined;
      if (this.#lows[slot] === low && this.#highs[slot] === high) return known;
      slot = (slot + 1) & (SLOTS - 1);
    }
  }

  #learn(sql: string): T {
    const { low, high } = this.#shape;
    const value = this.#make(sql);
    this.#count++;
    this.#characters += this.#charactersOf(value);
    if (this.#count > MOST_KNOWN || this.#characters > MOST_CHARACTERS) {
      this.#forget();
      return value;
    }
    let slot = firstSlot(low, high);
    while (this.#values[slot] !== undefined) slot = (slot + 1) & (SLOTS - 1);
    this.#lows[slot] = low;
    this.#highs[slot] = high;
    this.#values[slot] = value;
    return value;
  }

  /** The same as `of`, of a text that `ofJson` could not tell anything of. */
  ofOther(sql: string): T {
    const known = this.#texts.get(sql);
    if (known !== undefined) return known;
    const value = this.#make(sql);
    if (sql.length > LONGEST_TEXT) return value;
    if (this.#texts.size >= MOST_TEXTS) this.#texts.clear();
    this.#texts.set(sql, value);
    return value;
  }

  #forget(): void {
    this.#values = new Array<T | undefined>(SLOTS);
    this.#count = 0;
    this.#characters = 0;
  }
}

function firstSlot(low: number, high: number): number {
  return (low ^ (low >>> 15) ^ high ^ (high >>> 15)) & (SLOTS - 1);
}
