import { ShortenedText } from '../sql/shortened-text.ts';
import type { LineSearch } from './line-search.ts';
import { LongLineReader } from './long-line-reader.ts';

/** Says of a line that comes in pieces whether a search means it. */
export class LongLineSearch {
  /** Where the frame begins in the file in whose text the line begins, and where in that text. */
  readonly offset: number;
  readonly start: number;

  readonly #search: LineSearch;
  readonly #texts: ReturnType<LineSearch['filter']['texts']['inPieces']>;
  /** What digests and tables are made from; null where nobody asks for them. */
  readonly #shortened: ShortenedText | null;
  readonly #reader: LongLineReader;
  #isRefused: boolean | null = null;

  constructor(search: LineSearch, offset: number, start: number) {
    this.offset = offset;
    this.start = start;
    this.#search = search;
    this.#texts = search.filter.texts.inPieces();
    this.#shortened = search.filter.isForStatements ? new ShortenedText() : null;
    this.#reader = new LongLineReader((text) => {
      this.#texts.push(text);
      this.#shortened?.push(text);
    });
  }

  push(piece: Buffer): void {
    this.#isRefused ??= this.#search.isRefused(piece);
    if (!this.#isRefused) this.#reader.push(piece);
  }

  /** Once the line is whole, without its end. @throws AppError `store_unusable` when it is none. */
  isFound(): boolean {
    if (this.#isRefused !== false) return false;
    const { filter } = this.#search;
    const record = this.#reader.record();
    if (!filter.hasHead(record) || !this.#texts.found()) return false;
    return filter.isStatement(this.#shortened?.text() ?? '', () => record.db);
  }
}
