/**
 * What filters and samples cost: CPU a statement of choosing, serialising and counting (all that a
 * recorder does before its file), against the same without a filter, in one run.
 *
 *     node bench/filters.ts [statements]
 */
import {
  RECORD_EVERYTHING,
  type RecordingOptions,
} from '../src/core/captures/recording-options.ts';
import type { LoggedStatement } from '../src/core/workloads/statements.ts';
import { StatementBatch } from '../src/daemon/statement-batch.ts';
import { StatementSelection } from '../src/sql/selection.ts';
import { WorkloadCounters } from '../src/workload/counters.ts';
import { LineSerialiser } from '../src/workload/statement-line.ts';
import { aSysbenchStatement } from './sysbench-statements.ts';

const COUNT = Number(process.argv[2] ?? 2_000_000);
const BATCH = 4096;
const REPEATS = 5;

const POOL = Array.from({ length: 50_000 }, (_, i) => aSysbenchStatement(i));

const FILTERS: Record<string, Partial<RecordingOptions>> = {
  'no filter': {},
  'users, all of them match': { includeUsers: ['a*'] },
  'users, none of them matches': { excludeUsers: ['app'] },
  'databases, all of them match': { includeDatabases: ['shop'] },
  'databases, none of them matches': { excludeDatabases: ['shop'] },
  'only reads: half of it': { only: ['reads'] },
  'only reads and writes: all of it': { only: ['reads', 'writes'] },
  'only ddl: nothing of it': { only: ['ddl'] },
  'sample 1/2': { sample: 2 },
  'everything at once, all of it': {
    includeUsers: ['app*'],
    excludeUsers: ['root', '*_ro'],
    includeHosts: ['10.*'],
    includeDatabases: ['shop'],
    only: ['reads', 'writes'],
  },
};

/** Microseconds of CPU a statement, and the share that is recorded. */
function measure(options: Partial<RecordingOptions>): { cost: number; share: number } {
  const lines = new LineSerialiser();
  const counters = new WorkloadCounters();
  const all = { ...RECORD_EVERYTHING, ...options };
  const selection = StatementSelection.of(all, 'bench', counters, null);
  const cpu = process.cpuUsage();
  for (let done = 0; done < COUNT;) {
    const from = done % (POOL.length - BATCH);
    const statements = POOL.slice(from, from + Math.min(BATCH, COUNT - done));
    done += statements.length;
    const batch = new StatementBatch(statements, lines);
    counters.add(chosen(batch, selection));
  }
  const { user, system } = process.cpuUsage(cpu);
  return { cost: (user + system) / COUNT, share: counters.counts().records / COUNT };
}

function chosen(
  batch: StatementBatch,
  selection: StatementSelection | null,
): readonly LoggedStatement[] {
  const { statements } = batch;
  const places = selection?.select(statements);
  if (places === undefined || places.length === statements.length) {
    batch.tails();
    return statements;
  }
  batch.tailsAt(places);
  return batch.statementsAt(places);
}

const costs = new Map<string, number[]>();
const shares = new Map<string, number>();
for (let repeat = 0; repeat < REPEATS; repeat++) {
  for (const [name, options] of Object.entries(FILTERS)) {
    const { cost, share } = measure(options);
    costs.set(name, [...(costs.get(name) ?? []), cost]);
    shares.set(name, share);
  }
}

const median = (values: readonly number[]): number =>
  values.toSorted((one, other) => one - other)[values.length >> 1] ?? 0;

console.log(`${COUNT} statements, median of ${REPEATS}; CPU a statement`);
for (const [name, values] of costs) {
  const share = `${((shares.get(name) ?? 0) * 100).toFixed(0)} %`;
  console.log(`${name.padEnd(34)} ${median(values).toFixed(3)} µs   recorded ${share}`);
}
