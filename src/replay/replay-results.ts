import type { ReplayedRecord } from '../core/replays/replay-player.ts';
import type {
  ReplayOptions,
  ReplayPlan,
  ReplayResult,
  ReplayRow,
  SkipReason,
  TableChecksum,
} from '../core/replays/replay.ts';
import { counted, formatCount } from '../core/units.ts';
import type { Engine } from './engine.ts';
import type { ReplayTally } from './replay-tally.ts';

/** What came of it, once it is over; the tally's rows are in it, and no more in the tally. @param tookMs how long it took. */
export function resultOf(
  engine: Engine,
  record: ReplayedRecord,
  options: ReplayOptions,
  plan: ReplayPlan,
  tookMs: number,
  checksums: readonly TableChecksum[],
): ReplayResult {
  const { tally, ended } = engine;
  const { accounts, lateness, latencies } = tally;
  const { from, to } = plan;
  const recordedMs = from === null || to === null ? 0 : Date.parse(to) - Date.parse(from);
  const rows: ReplayRow[] = [];
  let unsteady = 0;
  for (const row of tally.rows.drain()) {
    if (row.isUnsteady && isWrite(row)) unsteady += row.sent;
    rows.push(row.row(recordedMs / 1_000, tookMs / 1_000));
  }
  rows.sort((a, b) => b.totalMs - a.totalMs || b.recorded - a.recorded);
  const statements = accounts.statements.accounting();
  return {
    ...accounts.all.accounting(),
    ended,
    statements,
    tookMs,
    recordedMs,
    lateMs: lateness.spread(),
    latency: latencies.spread(),
    perSecond: tookMs > 0 ? (latencies.count / tookMs) * 1_000 : 0,
    sessions: {
      recorded: plan.sessions,
      opened: tally.opened,
      mostAtOnce: tally.mostAtOnce,
      lost: tally.lost,
    },
    brokenOff: tally.brokenOff,
    deadlocks: tally.deadlocks,
    executes: { ...tally.executes },
    errors: [...tally.errors]
      .map(([code, error]) => ({ code: String(code), ...error }))
      .sort((a, b) => b.count - a.count),
    rows,
    unlisted: tally.rows.unlisted,
    checksums,
    warnings: [...plan.warnings, ...warningsOf(engine, record)],
    divergence: divergenceOf(tally, options, rows, unsteady),
  };
}

function warningsOf(engine: Engine, record: ReplayedRecord): string[] {
  const { ended, tally } = engine;
  const { putOff, setUpFailures, overlapped, refusedSettings } = tally;
  const warnings: string[] = [];
  const unsent = tally.accounts.all.skipped.get('session_lost') ?? 0;
  if (unsent > 0) {
    warnings.push(
      `${counted(tally.lost, 'session')} lost their connection, or got none: ${formatCount(unsent)} of their records were not sent`,
    );
  }
  if (putOff.size > 0) {
    warnings.push(
      `${counted(putOff.size, 'session')} had to wait until others were over: there was no connection for all of them at once`,
    );
  }
  if (setUpFailures > 0) {
    warnings.push(
      `The target refused ${counted(setUpFailures, 'setting')} that the record's sessions had: what depends on them may differ`,
    );
  }
  if (refusedSettings > 0) {
    warnings.push(
      `${counted(refusedSettings, 'setting')} of the record (SET, USE) failed on the target: what their sessions did afterwards may differ`,
    );
  }
  const { sent: answered, failed: codes, records: all } = tally.accounts.statements.accounting();
  const failed = Object.values(codes).reduce((sum, count) => sum + count, 0);
  if (answered === 0 && failed > 0) {
    warnings.push(
      `All ${counted(failed, 'statement')} that were sent failed, of ${formatCount(all)} in the record: see the errors`,
    );
  }
  if (tally.rolledBack > 0) {
    warnings.push(
      `${counted(tally.rolledBack, 'transaction')} that XA PREPARE left were rolled back at the end: the record does not say what became of them`,
    );
  }
  const { left } = tally.prepared;
  if (left.length > 0) {
    const ids = left.slice(0, MOST_LEFT).map((id) => `XA ROLLBACK ${id}`);
    const more = left.length > MOST_LEFT ? ' …' : '';
    warnings.push(
      `${counted(left.length, 'transaction')} that XA PREPARE left since the start are still there, with their locks. If they are of the replay: ${ids.join('; ')}${more}`,
    );
  }
  if (overlapped > 0) {
    warnings.push(
      `${counted(overlapped, 'statement')} waited, as for a lock of another session: others went on meanwhile, as when it was recorded`,
    );
  }
  if ('message' in ended) {
    const what = ended.why === 'target_lost' ? 'The target was lost' : 'The record was lost';
    warnings.push(
      `${what} (${ended.message}) after ${formatCount(tally.accounts.all.sent)} of ${formatCount(record.records)} records`,
    );
  }
  return warnings;
}

/** Transactions that a warning names. */
const MOST_LEFT = 10;

const NOT_THERE: readonly SkipReason[] = [
  'without_values',
  'cut_short',
  'redacted',
  'half_transaction',
  'files',
  'unseen',
  'transaction_lost',
  'session_lost',
];

function isWrite(row: Pick<ReplayRow, 'class'>): boolean {
  return row.class === 'writes' || row.class === 'ddl';
}

/** Why the target's tables may differ from those of the server that was recorded. @param unsteady such writes. */
function divergenceOf(
  tally: ReplayTally,
  options: ReplayOptions,
  rows: readonly ReplayRow[],
  unsteady: number,
): string[] {
  if (!options.writes) return [];
  const reasons: string[] = [];
  const writers = tally.writers.size;
  if (writers > 1 && !options.serial) {
    reasons.push(
      `${counted(writers, 'session')} wrote beside one another: the record does not say in which order they committed`,
    );
  }
  if (writers > 1 && options.serial) {
    reasons.push(
      `${counted(writers, 'session')} wrote: the record has the order in which the server received their statements; of two that came within moments the second may have been done first (numbers of AUTO_INCREMENT show it)`,
    );
  }
  if (options.serial && tally.overlapped > 0) {
    reasons.push(
      `${counted(tally.overlapped, 'statement')} waited, as for a lock of another session: which of several waiting ones goes on is the server's choice`,
    );
  }
  let missing = 0;
  let failed = 0;
  for (const row of rows) {
    if (!isWrite(row)) continue;
    for (const reason of NOT_THERE) missing += row.skipped[reason] ?? 0;
    for (const count of Object.values(row.failed)) failed += count;
  }
  if (missing > 0) reasons.push(`${counted(missing, 'write')} of the record could not be sent`);
  if (failed > 0) {
    reasons.push(
      `${counted(failed, 'write')} failed: the record does not say which failed when it was recorded`,
    );
  }
  if (unsteady > 0) {
    reasons.push(
      `${counted(unsteady, 'write')} used RAND(), UUID() or others that give another result each time`,
    );
  }
  if (!options.recordedTime) reasons.push('NOW() was the real time, not the recorded one');
  return reasons;
}
