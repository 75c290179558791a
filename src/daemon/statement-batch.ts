import type { LoggedStatement } from '../core/statements.ts';
import type { LineSerialiser, LineTail } from '../workload/statement-line.ts';

/** Statements on their way to the recorders: each serialised once at most, however many record it. */
export class StatementBatch {
  readonly statements: readonly LoggedStatement[];
  readonly #lines: LineSerialiser;
  readonly #some: LineTail[] = [];
  #all: readonly LineTail[] | null = null;

  constructor(statements: readonly LoggedStatement[], lines: LineSerialiser) {
    this.statements = statements;
    this.#lines = lines;
  }

  /** Every statement's line. */
  tails(): readonly LineTail[] {
    return (this.#all ??=
      this.#some.length === 0
        ? this.#lines.tails(this.statements)
        : this.statements.map((one, place) => this.#some[place] ?? this.#lines.tail(one)));
  }

  /** The lines of the statements at these places. */
  tailsAt(places: readonly number[]): LineTail[] {
    const all = this.#all;
    if (all !== null) return places.map((place) => all[place] ?? '');
    return places.map((place) => {
      const statement = this.statements[place];
      return (this.#some[place] ??= statement === undefined ? '' : this.#lines.tail(statement));
    });
  }
}
