import type { StatementSearch } from '../core/workloads/statement-search.ts';
import { StatementFilter, type Place } from './statement-filter.ts';
import { parseStatementLine, WrongLine } from './statement-line.ts';
import { CandidateFinder } from './text-search.ts';

const DIGIT_ZERO = 0x30;
const DIGIT_NINE = 0x39;
const QUOTE = 0x22;

/** A line as the recorder writes it; between these stand digits, a time of so many characters, a word. */
const BEFORE_SEQ = '{"seq":';
const BEFORE_TIME = ',"time":"';
const TIME_CHARACTERS = '2026-11-22T02:00:00.000000Z'.length;
const BEFORE_PLACE = '","session":';
const BEFORE_KIND = ',"kind":"';
const BEFORE_TEXT = '","sql":"';

const LONGEST_HEAD = 64 * 1024;

/** More than are open at once on most servers; beyond it the cache starts afresh. */
const CACHED_PLACES = 16_384;

/** Where in a line its text, what is of its session, and its kind begin. */
interface Head {
  readonly textAt: number;
  readonly placeAt: number;
  readonly kindAt: number;
}

/**
 * Finds the lines that a search means among many, in their bytes: only what may match is read as JSON. A line
 * that is not as the recorder writes it is read as a whole.
 */
export class LineSearch {
  readonly filter: StatementFilter;
  readonly #finder: CandidateFinder | null;
  readonly #places = new Map<string, boolean>();

  constructor(search: StatementSearch) {
    this.filter = new StatementFilter(search);
    this.#finder = CandidateFinder.of(search);
  }

  /**
   * The lines that match, as places in the chunk: each but the first follows the end of one that does not.
   * @param chunk whole lines.
   * @param most so many lines at most.
   * @throws AppError `store_unusable` for a line that is none, where it had to be read.
   */
  matchesIn(chunk: Buffer, most: number): { readonly ranges: number[]; readonly lines: number } {
    // One byte a character, so that places are the same, and comparing needs no calls out of JavaScript.
    const bytes = chunk.toString('latin1');
    const ranges: number[] = [];
    let lines = 0;
    for (let at = 0; at < bytes.length && lines < most;) {
      let start = at;
      if (this.#finder !== null) {
        const candidate = this.#finder.next(bytes, at);
        if (candidate === -1) break;
        start = bytes.lastIndexOf('\n', candidate) + 1;
      }
      const newline = bytes.indexOf('\n', start);
      const end = newline === -1 ? bytes.length : newline;
      at = end + 1;
      if (!this.#isMatch(chunk, bytes, start, end)) continue;
      lines++;
      if (ranges.at(-1) === start) ranges[ranges.length - 1] = at;
      else ranges.push(start, at);
    }
    return { ranges, lines };
  }

  /** Whether what a line begins with says already that it does not match. */
  isRefused(beginning: Buffer): boolean {
    return this.#head(beginning.toString('latin1', 0, LONGEST_HEAD), 0) === 'refused';
  }

  #isMatch(chunk: Buffer, bytes: string, start: number, end: number): boolean {
    const head = this.#head(bytes, start);
    if (head === 'refused') return false;
    if (head === null || head.textAt > end) return this.#isMatchAsRecord(chunk, start, end);
    if (!this.filter.readsTexts) return true;
    const { placeAt, kindAt, textAt } = head;
    const db = (): string | null => placeOf(bytes.slice(placeAt, kindAt)).db;
    const textOf = (from: number, to: number): string => {
      return String(JSON.parse(chunk.toString('utf8', from - 1, to + 1)));
    };
    const isFound = this.filter.hasJson(chunk, textAt, textOf, db);
    if (isFound !== null) return isFound;
    const quote = bytes.indexOf('"', textAt);
    const isPlain = quote < end && !bytes.slice(textAt, quote).includes('\\');
    if (!isPlain) return this.#isMatchAsRecord(chunk, start, end);
    const sql = chunk.toString('utf8', textAt, quote);
    return this.filter.hasText(sql, db);
  }

  #isMatchAsRecord(chunk: Buffer, start: number, end: number): boolean {
    const record = parseStatementLine(chunk.toString('utf8', start, end));
    if (!this.filter.hasHead(record)) return false;
    return this.filter.hasText(record.sql, () => record.db);
  }

  /** What a line begins with; null where it is not as the recorder writes it. */
  #head(bytes: string, start: number): Head | 'refused' | null {
    const timeAt = timeIn(bytes, start);
    if (timeAt === -1) return null;
    const placeAt = timeAt + TIME_CHARACTERS + BEFORE_PLACE.length;
    const { filter } = this;
    if (filter.choosesTimes && !filter.isInTime(bytes.slice(timeAt, timeAt + TIME_CHARACTERS))) {
      return 'refused';
    }
    // A quote in a name has a backslash before it, so nothing in one looks like this.
    const kindAt = bytes.indexOf(BEFORE_KIND, placeAt);
    if (kindAt === -1) return null;
    if (filter.choosesPlaces && !this.#hasPlace(bytes.slice(placeAt, kindAt))) return 'refused';
    const wordAt = kindAt + BEFORE_KIND.length;
    const wordEnd = bytes.indexOf('"', wordAt);
    if (!bytes.startsWith(BEFORE_TEXT, wordEnd)) return null;
    if (filter.choosesKinds && !filter.hasKind(bytes.slice(wordAt, wordEnd))) return 'refused';
    return { textAt: wordEnd + BEFORE_TEXT.length, placeAt, kindAt };
  }

  #hasPlace(text: string): boolean {
    const known = this.#places.get(text);
    if (known !== undefined) return known;
    const isIn = this.filter.hasPlace(placeOf(text));
    if (this.#places.size >= CACHED_PLACES) this.#places.clear();
    // A copy: the slice would keep the whole chunk in memory.
    this.#places.set(Buffer.from(text, 'latin1').toString('latin1'), isIn);
    return isIn;
  }
}

/** Where the time of a line begins; -1 when the line does not begin as the recorder's do. */
function timeIn(bytes: string, start: number): number {
  if (!bytes.startsWith(BEFORE_SEQ, start)) return -1;
  let at = start + BEFORE_SEQ.length;
  for (let code = bytes.charCodeAt(at); code >= DIGIT_ZERO && code <= DIGIT_NINE;) {
    code = bytes.charCodeAt(++at);
  }
  if (!bytes.startsWith(BEFORE_TIME, at)) return -1;
  const timeAt = at + BEFORE_TIME.length;
  const timeEnd = timeAt + TIME_CHARACTERS;
  return bytes.charCodeAt(timeEnd) === QUOTE && bytes.startsWith(BEFORE_PLACE, timeEnd)
    ? timeAt
    : -1;
}

/**
 * @param text `7,"user":"app","host":…`, as latin1.
 * @throws AppError `store_unusable` when it is none.
 */
function placeOf(text: string): Place {
  const json = Buffer.from(`{"session":${text}}`, 'latin1').toString('utf8');
  try {
    return JSON.parse(json) as Place;
  } catch (error) {
    throw new WrongLine('a line is not JSON', error);
  }
}
