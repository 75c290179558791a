import type { Accounting, SkipReason } from '../core/replays/replay.ts';
import type { StatementKind } from '../core/workloads/statements.ts';

/** What became of a record: why it was not sent, the number of the target's error, or 0. */
export type Outcome = SkipReason | number;

/** Counts what became of records. */
class Count {
  records = 0;
  sent = 0;
  readonly skipped = new Map<SkipReason, number>();
  readonly failed = new Map<number, number>();

  add(outcome: Outcome, times: number): void {
    this.records += times;
    if (outcome === 0) this.sent += times;
    else if (typeof outcome === 'number') raise(this.failed, outcome, times);
    else raise(this.skipped, outcome, times);
  }

  accounting(): Accounting {
    const { records, sent } = this;
    const skipped = Object.fromEntries([...this.skipped].filter(([, count]) => count > 0));
    const failed = Object.fromEntries(
      [...this.failed].map(([code, count]) => [String(code), count]),
    );
    return { records, sent, skipped, failed };
  }
}

/** Counts what became of all records, and of those that are statements to run. */
export class Accounts {
  readonly all = new Count();
  readonly statements = new Count();

  /** @param times may be negative: what was counted otherwise before. */
  add(kind: StatementKind, outcome: Outcome, times = 1): void {
    this.all.add(outcome, times);
    if (isStatement(kind)) this.statements.add(outcome, times);
  }

  /** Counts what was not come to, so that all that there is is counted. */
  addRest(records: number, statements: number, reason: SkipReason): void {
    this.all.add(reason, Math.max(records - this.all.records, 0));
    this.statements.add(reason, Math.max(statements - this.statements.records, 0));
  }

  get skipped(): number {
    return sumOf(this.all.skipped);
  }

  get failed(): number {
    return sumOf(this.all.failed);
  }
}

export function isStatement(kind: StatementKind): boolean {
  return kind === 'query' || kind === 'execute';
}

export function raise<Key>(counts: Map<Key, number>, key: Key, by = 1): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}

function sumOf(counts: ReadonlyMap<unknown, number>): number {
  let sum = 0;
  for (const count of counts.values()) sum += count;
  return sum;
}
