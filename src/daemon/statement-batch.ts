import type { LoggedStatement } from '../core/statements.ts';
import type { HeardCounts } from '../core/received.ts';
import { HeardCounter } from '../workload/heard-counter.ts';
import type { LineSerialiser, LineTail } from '../workload/statement-line.ts';

/** Statements on their way to the recorders: each serialised once at most, however many record it. */
export class StatementBatch {
  readonly statements: readonly LoggedStatement[];
  readonly #lines: LineSerialiser;
  readonly #some: LineTail[] = [];
  #all: readonly LineTail[] | null = null;
  #heard: HeardCounts | null = null;

  constructor(statements: readonly LoggedStatement[], lines: LineSerialiser) {
    this.statements = statements;
    this.#lines = lines;
  }

  /** The batch as the server's own counters see it. */
  heard(): HeardCounts {
    if (this.#heard === null) {
      const counter = new HeardCounter();
      counter.add(this.statements);
      this.#heard = counter.counts();
    }
    return this.#heard;
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
