import { ESCAPED, StatementShape, UNKNOWN } from './statement-shape.ts';
import { UnescapedJson } from './unescaped-json.ts';

/** Both are powers of two. A shape has its place in one set of slots. */
const SLOTS = 1 << 15;
const SLOTS_A_SET = 8;
const MOST_CHARACTERS = 8 * 1024 * 1024;
/** Where one needs room for more than this, the others would all go for it. */
const MOST_OF_ONE = MOST_CHARACTERS / 16;
/**
 * Where there is no room, one of so many takes the place of another. Were it each of them, a workload that runs
 * through more shapes than there is room for, again and again, would find none of them: with 25,000 digests each
 * statement was read anew, for 90 µs. So it finds most, and still follows a workload that changes.
 */
const ONE_OF = 8;
/** Texts that only the tokenizer knows, which are remembered as they are. */
const MOST_TEXTS = 1_000;
const LONGEST_TEXT = 2_048;

/**
 * Something about each of a stream of statements that is the same for all of one digest: made once for each
 * shape. Remembers that of some ten thousand, in a bounded memory.
 */
export class ShapeCache<T extends object> {
  readonly #shape = new StatementShape();
  readonly #lows = new Int32Array(SLOTS);
  readonly #highs = new Int32Array(SLOTS);
  readonly #values = new Array<T | undefined>(SLOTS);
  #characters = 0;
  #unkept = 0;
  #chance = 1;
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
    const first = firstSlot(low, high);
    for (let slot = first; slot < first + SLOTS_A_SET; slot++) {
      if (this.#lows[slot] !== low || this.#highs[slot] !== high) continue;
      const known = this.#values[slot];
      if (known !== undefined) return known;
    }
    return undefined;
  }

  #learn(sql: string): T {
    const { low, high } = this.#shape;
    const value = this.#make(sql);
    const slot = this.#slotFor(low, high, this.#charactersOf(value));
    if (slot !== null) {
      this.#lows[slot] = low;
      this.#highs[slot] = high;
      this.#values[slot] = value;
    }
    return value;
  }

  /** @returns null for one that is not remembered. */
  #slotFor(low: number, high: number, characters: number): number | null {
    const first = firstSlot(low, high);
    let free: number | null = null;
    for (let slot = first; free === null && slot < first + SLOTS_A_SET; slot++) {
      if (this.#values[slot] === undefined) free = slot;
    }
    if (characters > MOST_OF_ONE) return null;
    if (free === null || this.#characters + characters > MOST_CHARACTERS) {
      this.#unkept = (this.#unkept + 1) % ONE_OF;
      if (this.#unkept !== 0) return null;
      // Which one is chance, so that no order of statements is the worst.
      this.#chance = (Math.imul(this.#chance, 1_664_525) + 1_013_904_223) >>> 0;
      if (free === null) {
        free = first + ((this.#chance >>> 16) % SLOTS_A_SET);
        this.#forget(free);
      }
      for (
        let slot = this.#chance % SLOTS;
        this.#characters + characters > MOST_CHARACTERS;
        slot = (slot + 1) % SLOTS
      ) {
        this.#forget(slot);
      }
    }
    this.#characters += characters;
    return free;
  }

  #forget(slot: number): void {
    const value = this.#values[slot];
    if (value === undefined) return;
    this.#characters -= this.#charactersOf(value);
    this.#values[slot] = undefined;
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
}

function firstSlot(low: number, high: number): number {
  return (low ^ (low >>> 15) ^ high ^ (high >>> 15)) & (SLOTS - SLOTS_A_SET);
}
