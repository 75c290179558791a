import type { SliceAxis } from './tally.ts';

/** Rates of a window are judged by at least this many slices of equal length. */
export const FEWEST_BLOCKS = 20;
const MOST_BLOCKS = 64;
const SHORTEST_REACH = 2;

/** A window cut into stretches of equal length, each of several whole slices of its axis. */
export interface Blocks {
  /** The first slice that lies in the window as a whole; an axis begins with the first statement, or later. */
  readonly first: number;
  /** Slices in one block. */
  readonly size: number;
  readonly count: number;
  /** Of one block. */
  readonly seconds: number;
}

/**
 * Cuts a window into at most 64 blocks, of which the first and the last are left out where enough remain: sessions
 * wait while a log is switched on, and catch up at once (seen: four times the usual rate for a quarter of a
 * second). So are slices that the window begins or ends in.
 * @returns null where fewer than `FEWEST_BLOCKS` slices lie in it.
 */
export function blocksOf(axis: SliceAxis, from: number, to: number): Blocks | null {
  const first = Math.ceil((from - axis.from) / axis.width);
  const slices = Math.floor((to - axis.from) / axis.width) - first;
  if (!(slices >= FEWEST_BLOCKS)) return null;
  const size = Math.ceil(slices / MOST_BLOCKS);
  const count = Math.floor(slices / size);
  const seconds = (size * axis.width) / 1_000;
  return count < FEWEST_BLOCKS + 2
    ? { first, size, count, seconds }
    : { first: first + size, size, count: count - 2, seconds };
}

/** Statements in each block. */
export function inBlocks(slices: readonly number[], { first, size, count }: Blocks): Float64Array {
  const sums = new Float64Array(count);
  for (const [slice, here] of slices.entries()) {
    const block = Math.floor((slice - first) / size);
    if (block >= 0 && block < count) sums[block] = (sums[block] ?? 0) + here;
  }
  return sums;
}

/** How sure a mean is. */
export interface Spread {
  readonly mean: number;
  /** Of the mean, not of the values. */
  readonly variance: number;
  /** Degrees of freedom that the variance is known with. */
  readonly freedom: number;
}

/**
 * The mean of values that follow one another, and its variance: neighbours that go up and down together, as in a
 * burst or a ramp, count as less than as many values. The largest of the estimates with neighbours up to so
 * many blocks apart (Newey and West's), and never less than that of independent values.
 */
export function spreadOf(values: Float64Array): Spread {
  const count = values.length;
  let mean = 0;
  for (const value of values) mean += value;
  mean /= count;
  const furthest = Math.floor(count / 5);
  const products = new Float64Array(furthest + 1);
  for (let lag = 0; lag <= furthest; lag += 1) {
    let sum = 0;
    for (let index = lag; index < count; index += 1) {
      sum += ((values[index] ?? 0) - mean) * ((values[index - lag] ?? 0) - mean);
    }
    products[lag] = sum / (count - 1);
  }
  let largest = 0;
  let reach = SHORTEST_REACH;
  for (let most = SHORTEST_REACH; most <= furthest; most *= 2) {
    let sum = products[0] ?? 0;
    for (let lag = 1; lag <= most; lag += 1) {
      sum += 2 * (1 - lag / (most + 1)) * (products[lag] ?? 0);
    }
    if (sum <= largest) continue;
    largest = sum;
    reach = most;
  }
  return { mean, variance: largest / count, freedom: Math.max(count / (1 + reach / 2) - 1, 3) };
}

/** What the values of one series are beside those of another: value less its share of `base`. */
export function beside(values: Float64Array, base: Float64Array): Float64Array {
  let own = 0;
  let other = 0;
  for (const [index, value] of values.entries()) {
    own += value;
    other += base[index] ?? 0;
  }
  const share = other === 0 ? 0 : own / other;
  return values.map((value, index) => value - share * (base[index] ?? 0));
}

/** The middle of values: as much weight lies below as above. NaN for none. */
export function weightedMedian(values: readonly { value: number; weight: number }[]): number {
  const sorted = values.toSorted((one, other) => one.value - other.value);
  const half = sorted.reduce((sum, { weight }) => sum + weight, 0) / 2;
  let below = 0;
  for (const { value, weight } of sorted) {
    below += weight;
    if (below >= half) return value;
  }
  return NaN;
}

/**
 * Which of many findings hold, by their probabilities under chance: with Holm's correction the probability
 * that chance makes even one of them is at most `level`.
 */
export function holm(probabilities: readonly number[], level: number): boolean[] {
  const order = [...probabilities.keys()].sort(
    (one, other) => (probabilities[one] ?? 1) - (probabilities[other] ?? 1),
  );
  const holds = probabilities.map(() => false);
  for (const [rank, index] of order.entries()) {
    if ((probabilities[index] ?? 1) > level / (order.length - rank)) break;
    holds[index] = true;
  }
  return holds;
}

/** How probable chance makes a distance of at least `t` standard errors, to either side (Student's t). */
export function studentTail(t: number, freedom: number): number {
  return incompleteBeta(freedom / (freedom + t * t), freedom / 2, 1 / 2);
}

/** The regularised incomplete beta function, by its continued fraction (Lentz). */
function incompleteBeta(x: number, a: number, b: number): number {
  if (!(x > 0)) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const tiny = 1e-300;
  const front = Math.exp(
    logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x),
  );
  let c = 1;
  let d = 1 - ((a + b) * x) / (a + 1);
  d = 1 / (Math.abs(d) < tiny ? tiny : d);
  let fraction = d;
  for (let m = 1; m <= 300; m += 1) {
    const steps = [
      (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m)),
      (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1)),
    ];
    let change = 1;
    for (const step of steps) {
      d = 1 + step * d;
      d = 1 / (Math.abs(d) < tiny ? tiny : d);
      c = 1 + step / c;
      if (Math.abs(c) < tiny) c = tiny;
      change = c * d;
      fraction *= change;
    }
    if (Math.abs(change - 1) < 1e-12) break;
  }
  return Math.min((front * fraction) / a, 1);
}

const LANCZOS = [
  76.180091729471, -86.505320329416, 24.014098240831, -1.231739572450155, 1.208650973866e-3,
  -5.395239384953e-6,
];

function logGamma(x: number): number {
  const base = x + 5.5;
  let series = 1.00000000019;
  for (const [index, term] of LANCZOS.entries()) series += term / (x + 1 + index);
  return (x + 0.5) * Math.log(base) - base + Math.log((Math.sqrt(2 * Math.PI) * series) / x);
}

/** How probable at least `count` of `all` are, each with the probability `share` (the binomial distribution). */
export function binomialTail(count: number, all: number, share: number): number {
  return count <= 0 ? 1 : incompleteBeta(share, count, all - count + 1);
}
