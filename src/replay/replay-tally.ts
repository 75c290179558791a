import { LatencyHistogram } from '../core/replays/latency-histogram.ts';
import type { TargetAnswer } from '../core/replays/target.ts';
import type { StatementNature } from '../sql/statement-nature.ts';
import { Accounts, type Outcome } from './record-accounts.ts';
import { DigestRows } from './digest-rows.ts';
import { PreparedTransactions } from './prepared-transactions.ts';
import type { RecordedSession } from './recorded-session.ts';
import type { ReplayItem } from './replay-item.ts';

/** How far the lateness of just now reaches back, in statements. */
const LATE_NOW = 200;
const MOST_ERRORS = 200;
const MOST_TABLES = 1_000;
const DEADLOCK = 1213;

/** Everything that is counted while a record is played. */
export class ReplayTally {
  readonly accounts = new Accounts();
  readonly rows = new DigestRows();
  readonly lateness = new LatencyHistogram();
  readonly latencies = new LatencyHistogram();
  /** By the server's number; the first of them. */
  readonly errors = new Map<number, { count: number; message: string }>();
  /** `database.table` of tables that were written; not more than some. */
  readonly written = new Set<string>();
  /** Sessions that wrote, by their first record. */
  readonly writers = new Set<number>();
  readonly prepared = new PreparedTransactions();
  /** Distributed transactions that were rolled back at the end. */
  rolledBack = 0;
  opened = 0;
  mostAtOnce = 0;
  lost = 0;
  brokenOff = 0;
  deadlocks = 0;
  executes = { binary: 0, text: 0 };
  setUpFailures = 0;
  /** SET and USE of the record that the target refused. */
  refusedSettings = 0;
  /** Statements that waited for another session's lock, played one at a time. */
  overlapped = 0;
  /** Sessions that had to wait for another walk over the record, by their first record. */
  readonly putOff = new Set<number>();
  /** Connections that are open. */
  open = 0;
  /** Milliseconds. */
  lateNow = 0;

  connected(): void {
    this.opened++;
    this.open++;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.open);
  }

  count({ row, screened: { record } }: ReplayItem, outcome: Outcome): void {
    this.accounts.add(record.kind, outcome);
    row?.add(outcome);
  }

  /** @param late milliseconds. */
  sending(late: number): void {
    this.lateness.add(Math.round(late * 1_000));
    this.lateNow += (late - this.lateNow) / LATE_NOW;
  }

  answered(item: ReplayItem, answer: TargetAnswer, session: RecordedSession): void {
    this.latencies.add(answer.micros);
    item.row?.answered(answer, item.slice);
    const { code } = answer;
    if (code === DEADLOCK) this.deadlocks++;
    const { nature, record, sql } = item.screened;
    if (code !== 0 && nature?.isSetting === true) this.refusedSettings++;
    if (nature !== null && mayPrepare(nature)) this.prepared.follow(sql, nature);
    if (code !== 0 || nature?.class !== 'writes' || nature.writtenTables.length === 0) return;
    this.writers.add(session.first);
    for (const table of nature.writtenTables) {
      if (this.written.size >= MOST_TABLES) break;
      this.written.add(table.includes('.') ? table : `${record.db ?? ''}.${table}`);
    }
  }

  countError(code: number, message: string): void {
    const known = this.errors.get(code);
    if (known !== undefined) known.count++;
    else if (this.errors.size < MOST_ERRORS) this.errors.set(code, { count: 1, message });
  }
}

/** Whether a text may prepare a distributed transaction: by far the most read or write, and are one statement. */
function mayPrepare({ class: kind, isSeveral, texts }: StatementNature): boolean {
  return (kind !== 'reads' && kind !== 'writes') || isSeveral || texts.length > 0;
}
