import type { StatementSearch } from '../core/workloads/statement-search.ts';

/** Texts of which one has to stand in a statement. */
export class SearchedTexts {
  readonly #plain: readonly string[];
  /** For those that are found in any case; null where there are none. */
  readonly #anyCase: RegExp | null;
  readonly #longest: number;

  constructor({ texts, matchesCase }: StatementSearch) {
    const folded = matchesCase ? [] : texts.filter(hasNoCapital);
    this.#plain = texts.filter((text) => !folded.includes(text));
    this.#anyCase = folded.length === 0 ? null : new RegExp(folded.map(literal).join('|'), 'i');
    this.#longest = Math.max(0, ...texts.map(({ length }) => length));
  }

  get isEmpty(): boolean {
    return this.#longest === 0;
  }

  areIn(sql: string): boolean {
    return this.#plain.some((text) => sql.includes(text)) || this.#anyCase?.test(sql) === true;
  }

  /** Looks for them in a text that comes piece by piece. */
  inPieces(): { readonly push: (piece: string) => void; readonly found: () => boolean } {
    let found = this.isEmpty;
    let before = '';
    return {
      push: (piece) => {
        if (found) return;
        const text = before + piece;
        found = this.areIn(text);
        before = this.#longest < 2 ? '' : text.slice(1 - this.#longest);
      },
      found: () => found,
    };
  }
}

/** Bytes that stand in every line that can match; `isExact` is false where other letters' cases do as well. */
interface Trace {
  readonly bytes: string;
  readonly isAnyCase: boolean;
}

/**
 * Finds places in the bytes of many lines at which one of them may match, so that the others need not be
 * looked at. A line is JSON, so what is looked for is what JSON makes of a text.
 */
export class CandidateFinder {
  readonly #only: string | null;
  readonly #any: RegExp | null;

  private constructor(traces: readonly Trace[]) {
    const [first, second] = traces;
    const isOne = first !== undefined && second === undefined && !first.isAnyCase;
    this.#only = isOne ? first.bytes : null;
    const flags = traces.some(({ isAnyCase }) => isAnyCase) ? 'gi' : 'g';
    this.#any = isOne
      ? null
      : new RegExp(traces.map(({ bytes }) => literal(bytes)).join('|'), flags);
  }

  /** @returns null where a search leaves no trace to look for. */
  static of(search: StatementSearch): CandidateFinder | null {
    const { texts, tables, matchesCase } = search;
    const traces =
      texts.length > 0
        ? texts.map((text) => traceOfText(text, matchesCase))
        : tables.map(traceOfTable);
    const known = traces.filter((trace) => trace !== null);
    return traces.length === 0 || known.length < traces.length ? null : new CandidateFinder(known);
  }

  /**
   * The first place from `from` on; -1 when there is none.
   * @param bytes as latin1.
   */
  next(bytes: string, from: number): number {
    if (this.#only !== null) return bytes.indexOf(this.#only, from);
    if (this.#any === null) return -1;
    this.#any.lastIndex = from;
    return this.#any.exec(bytes)?.index ?? -1;
  }
}

function traceOfText(text: string, matchesCase: boolean): Trace | null {
  const json = JSON.stringify(text).slice(1, -1);
  if (matchesCase || !hasNoCapital(text)) {
    return { bytes: Buffer.from(json).toString('latin1'), isAnyCase: false };
  }
  // Letters beyond ASCII have other bytes in the other case.
  return longestRun(json, /[\x20-\x7e]+/g);
}

/** The longest part of a table's name that stands in a statement as it is, however it is quoted. */
function traceOfTable(pattern: string): Trace | null {
  return longestRun(pattern.slice(pattern.indexOf('.') + 1), /[A-Za-z0-9_$]+/g);
}

function longestRun(text: string, run: RegExp): Trace | null {
  const runs = text.match(run) ?? [];
  const bytes = runs.reduce((longest, one) => (one.length > longest.length ? one : longest), '');
  return bytes === '' ? null : { bytes, isAnyCase: true };
}

function hasNoCapital(text: string): boolean {
  return text === text.toLowerCase();
}

function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
