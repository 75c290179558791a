import type { ReplayRow } from '../replays/replay.ts';
import { holm, spreadOf, studentTail, weightedMedian, type Spread } from './rate-statistics.ts';
import type { SharedChange } from './report-comparison.ts';
import { FEWEST_STATEMENTS } from './rate-tests.ts';

/** How probable it is, at most, that chance alone makes one digest of all slower or faster; or all of them. */
const LEVEL = 0.01;
const LEVEL_OF_ALL = 0.003;
/** Parts of the record that a latency is judged by, at least. */
const FEWEST_PARTS = 8;
/** Answers in a part, on either side, at least: parts with less are put together with the next. */
const FEWEST_IN_A_PART = 2;
/** Counts of answers may differ by this share: the rest failed, or was not sent. */
const MOST_MISSING = 0.1;
/** What two replays on the same server may differ by on the whole, as a logarithm: caches, placement of memory. */
const RUN_TO_RUN = 0.1;
/**
 * Milliseconds that an execution has to differ by. Latencies are measured by the client, and its own part of them,
 * waiting for the processor and the network, is not the server's.
 */
const LEAST_MS = 0.05;
/** Parts further from the middle than so many times the usual distance count as that far. */
const OUTLIER = 3;
const REACH = 4;
const CLEARLY = 2;

export interface LatencyPair {
  readonly a: ReplayRow;
  readonly b: ReplayRow;
}

export interface LatencyJudgement {
  readonly verdict: 'slower' | 'faster' | 'unchanged';
  /** B ÷ A of a usual part of the record. */
  readonly ratio: number;
  readonly interval: readonly [number, number];
  readonly together: boolean;
  /** B ÷ A of what it was judged beside; 1 where it was judged by itself. */
  readonly beside: number;
}

/** Several slices of the record, one after the other. */
interface Part {
  readonly first: number;
  readonly last: number;
  /** Logarithm of the average latency of B ÷ that of A. */
  readonly value: number;
}

interface Measured {
  readonly index: number;
  readonly parts: readonly Part[];
  readonly own: Spread;
  readonly weight: number;
  /** Milliseconds of an execution in A, in a usual part. */
  readonly usualMs: number;
}

/**
 * Judges latencies part by part of the record: in a part of it both servers had the same statements, so what is
 * slow by itself is slow on both sides and cancels out. What all digests did in a part, as when the machine had
 * something else to do, is taken out as well, but a change counts only if it is one without that, too.
 * @returns null for a pair that has too few answers, or not the same ones; `common` is null where none can be judged.
 */
export function judgeLatencies(
  pairs: readonly LatencyPair[],
  threshold: number,
): {
  readonly rows: readonly (LatencyJudgement | null)[];
  readonly common: SharedChange | null;
} {
  const least = Math.log1p(threshold);
  const rows: (LatencyJudgement | null)[] = pairs.map(() => null);
  const measured = pairs.flatMap((pair, index) => measuredOf(pair, index) ?? []);
  if (measured.length === 0) return { rows, common: null };
  const shared = sharedOf(measured);
  const common = commonOf(measured, shared, least);
  // Where all moved, they hardly move by the same.
  const leastBeside = Math.max(least, Math.abs(Math.log(common.factor)) / 2);
  const tests = measured.map((one) => {
    const { own, parts, usualMs } = one;
    const beside =
      shared === null
        ? own
        : spreadOf(winsorised(parts.map(({ value, ...part }) => value - meanOf(shared, part))));
    const isLarge =
      own.mean * beside.mean > 0 &&
      Math.abs(own.mean) >= least &&
      Math.abs(own.mean) >= CLEARLY * Math.sqrt(own.variance) &&
      Math.abs(beside.mean) >= leastBeside &&
      Math.abs(Math.expm1(own.mean)) * usualMs >= LEAST_MS;
    const error = Math.sqrt(beside.variance);
    const surely = Math.abs(beside.mean) - RUN_TO_RUN;
    const probability =
      surely <= 0 ? 1 : studentTail(error === 0 ? Infinity : surely / error, beside.freedom);
    return { one, beside, isLarge, probability };
  });
  const holds = holm(
    tests.map(({ probability }) => probability),
    LEVEL,
  );
  for (const [rank, { one, beside, isLarge }] of tests.entries()) {
    const { own, index } = one;
    const isChange = isLarge && holds[rank] === true;
    const error = Math.sqrt(own.variance);
    rows[index] = {
      verdict: !isChange ? 'unchanged' : beside.mean > 0 ? 'slower' : 'faster',
      ratio: Math.exp(own.mean),
      interval: [Math.exp(own.mean - 1.96 * error), Math.exp(own.mean + 1.96 * error)],
      together: common.together > 0 && !isChange && isNear(one, Math.log(common.factor)),
      beside: common.together > 0 ? common.factor : 1,
    };
  }
  return { rows, common };
}

function measuredOf({ a, b }: LatencyPair, index: number): Measured | null {
  const fewest = Math.min(a.count, b.count);
  if (fewest < FEWEST_STATEMENTS) return null;
  if (fewest < (1 - MOST_MISSING) * Math.max(a.count, b.count)) return null;
  const parts = partsOf(a, b);
  if (parts.length < FEWEST_PARTS) return null;
  const own = spreadOf(winsorised(parts.map(({ value }) => value)));
  const usual = parts.map(({ first, last }) => averageOf(a, first, last)).sort((x, y) => x - y);
  return {
    index,
    parts,
    own,
    weight: 1 / (own.variance + RUN_TO_RUN ** 2),
    usualMs: usual[usual.length >> 1] ?? 0,
  };
}

function partsOf(a: ReplayRow, b: ReplayRow): Part[] {
  const slices = Math.min(a.slices.count.length, b.slices.count.length);
  const enough = Math.max(
    FEWEST_IN_A_PART,
    Math.floor(Math.min(a.count, b.count) / (2 * Math.max(slices, 1))),
  );
  const edges: { first: number; last: number }[] = [];
  let first = 0;
  let [inA, inB] = [0, 0];
  for (let slice = 0; slice < slices; slice++) {
    inA += a.slices.count[slice] ?? 0;
    inB += b.slices.count[slice] ?? 0;
    if (inA < enough || inB < enough) continue;
    edges.push({ first, last: slice });
    first = slice + 1;
    [inA, inB] = [0, 0];
  }
  // What is left is too little for a part of its own.
  const end = edges.at(-1);
  if (end !== undefined) end.last = slices - 1;
  return edges.map((edge) => ({
    ...edge,
    value: Math.log(averageOf(b, edge.first, edge.last) / averageOf(a, edge.first, edge.last)),
  }));
}

/** Milliseconds; what is shorter than a microsecond is not measured. */
function averageOf({ slices }: ReplayRow, first: number, last: number): number {
  let [count, totalMs] = [0, 0];
  for (let slice = first; slice <= last; slice++) {
    count += slices.count[slice] ?? 0;
    totalMs += slices.totalMs[slice] ?? 0;
  }
  return Math.max(totalMs / Math.max(count, 1), 0.001);
}

/** A single wait of a minute must not decide on all of a digest. */
function winsorised(values: readonly number[]): Float64Array {
  const middle = medianOf(values);
  const usual = 1.4826 * medianOf(values.map((value) => Math.abs(value - middle)));
  if (usual === 0) return Float64Array.from(values);
  const most = OUTLIER * usual;
  return Float64Array.from(values, (value) =>
    Math.min(Math.max(value, middle - most), middle + most),
  );
}

function medianOf(values: readonly number[]): number {
  return weightedMedian(values.map((value) => ({ value, weight: 1 })));
}

/** What digests have in common, slice by slice; null where there are too few to say. */
function sharedOf(measured: readonly Measured[]): Float64Array | null {
  if (measured.length < FEWEST_IN_COMMON) return null;
  const slices = 1 + Math.max(...measured.map(({ parts }) => parts.at(-1)?.last ?? 0));
  const all = measured.map(({ own, weight }) => ({ value: own.mean, weight }));
  const middle = weightedMedian(all);
  return Float64Array.from({ length: slices }, (_, slice) => {
    const here = measured.flatMap(({ parts, weight }) => {
      const part = parts.find(({ first, last }) => first <= slice && slice <= last);
      return part === undefined ? [] : [{ value: part.value, weight }];
    });
    return here.length < FEWEST_IN_COMMON ? middle : weightedMedian(here);
  });
}

const FEWEST_IN_COMMON = 3;

function meanOf(values: Float64Array, { first, last }: Omit<Part, 'value'>): number {
  let sum = 0;
  for (let slice = first; slice <= last; slice++) sum += values[slice] ?? 0;
  return sum / (last - first + 1);
}

function commonOf(
  measured: readonly Measured[],
  shared: Float64Array | null,
  least: number,
): SharedChange {
  const rows = measured.length;
  const nothing = { factor: 1, rows, together: 0, isChange: false };
  if (shared === null) return nothing;
  const middle = weightedMedian(measured.map(({ own, weight }) => ({ value: own.mean, weight })));
  const together = measured.filter((one) => isNear(one, middle)).length;
  const { variance, freedom } = spreadOf(winsorised([...shared]));
  const surely = Math.abs(middle) - RUN_TO_RUN / 2;
  const isCommon =
    together >= Math.min(rows - 1, 0.75 * rows) &&
    surely > 0 &&
    studentTail(variance === 0 ? Infinity : surely / Math.sqrt(variance), freedom) < LEVEL_OF_ALL;
  if (!isCommon) return nothing;
  return { factor: Math.exp(middle), rows, together, isChange: Math.abs(middle) >= least };
}

function isNear({ own, weight }: Measured, middle: number): boolean {
  return Math.abs(own.mean - middle) <= REACH / Math.sqrt(weight);
}
