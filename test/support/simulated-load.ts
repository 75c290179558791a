import type { Report, ReportRow } from '../../src/core/reports/report.ts';
import type { SliceAxis } from '../../src/core/reports/tally.ts';
import { EMPTY_REPORT, EMPTY_ROW } from './reports.ts';

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

type Random = () => number;

function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

function poisson(mean: number, random: Random): number {
  if (mean <= 0) return 0;
  if (mean > 60) return Math.max(Math.round(mean + Math.sqrt(mean) * normal(random)), 0);
  const limit = Math.exp(-mean);
  let product = random();
  let count = 0;
  while (product > limit) {
    product *= random();
    count += 1;
  }
  return count;
}

export const LOADS = ['steady', 'bursts', 'ramp', 'periods', 'closed loop'] as const;
export type Load = (typeof LOADS)[number];

export interface SimulatedWindow {
  readonly load: Load;
  readonly seconds: number;
  /** Statements of the digests in a second, on average. */
  readonly rates: readonly number[];
  readonly random: Random;
}

/** Rates of digests that fall off as those of real servers do: the n-th has 1/n of the first. */
export function fallingRates(digests: number, total: number): number[] {
  const shares = Array.from({ length: digests }, (_, index) => 1 / (index + 1));
  const sum = shares.reduce((one, other) => one + other, 0);
  return shares.map((share) => (share / sum) * total);
}

/** A report of statements that were drawn by chance. */
export function simulatedReport(window: SimulatedWindow): Report {
  const { seconds } = window;
  const from = Date.parse('2026-11-22T02:00:00.123Z');
  let width = 16;
  while ((seconds * 1_000) / width > 254) width *= 2;
  const begin = Math.floor(from / width) * width;
  const count = Math.ceil((from + seconds * 1_000 - begin) / width);
  const axis: SliceAxis = { from: begin, width, count };
  const shares = Array.from({ length: count }, (_, index) => {
    const start = Math.max(begin + index * width, from);
    const end = Math.min(begin + (index + 1) * width, from + seconds * 1_000);
    return (end - start) / 1_000;
  });
  const slices = drawn(window, shares);
  return reportOf(
    slices.map((row, index) => ({ name: `d${index}`, slices: row })),
    { from, seconds, axis },
  );
}

/** The statements of each digest in each slice. @param lengths of the slices, in seconds. */
function drawn(
  { load, rates, random, seconds }: SimulatedWindow,
  lengths: readonly number[],
): number[][] {
  const level = new Float64Array(lengths.length).fill(1);
  if (load === 'ramp' || load === 'closed loop') {
    // No two runs are equally fast, and a run does not begin with warm caches.
    const drift = 1 + 0.16 * (random() - 0.5);
    const warm = load === 'ramp' ? seconds * (0.3 + 0.3 * random()) : seconds * 0.1 * random();
    let wander = 0;
    let at = 0;
    for (const [slice, length] of lengths.entries()) {
      wander = 0.9 * wander + 0.05 * normal(random);
      at += length;
      level[slice] = drift * Math.min(0.4 + (0.6 * at) / (warm + 1e-9), 1) * Math.exp(wander);
    }
  }
  if (load === 'closed loop') return closedLoop(rates, random, lengths, level);
  return rates.map((rate, digest) => {
    // Of the digest, not of the run.
    const trait = ((digest + 1) * 0.618_034) % 1;
    const period = seconds / (2 + 20 * trait);
    const phase = 2 * Math.PI * random();
    let at = 0;
    if (load !== 'bursts') {
      return lengths.map((length, slice) => {
        at += length;
        const wave = load === 'periods' ? 1 + Math.sin((2 * Math.PI * at) / period + phase) : 1;
        return poisson(rate * length * wave * (level[slice] ?? 1), random);
      });
    }
    // Bursts of 1 to many statements, their sizes far apart, which go on for some slices.
    const row = lengths.map(() => 0);
    const size = 1 + 50 * trait ** 3;
    for (let burst = poisson((rate * seconds) / size, random); burst > 0; burst -= 1) {
      let left = 1 + poisson((size - 1) * -Math.log(1 - random()), random);
      // Some began before the window, and some go on after it.
      let slice = Math.floor(random() * row.length);
      while (left > 0) {
        const here = Math.ceil(left * random());
        row[slice] = (row[slice] ?? 0) + here;
        left -= here;
        slice = (slice + 1) % row.length;
      }
    }
    return row;
  });
}

/** A client that waits for the server: transactions of several digests, as many as the server lets it. */
function closedLoop(
  rates: readonly number[],
  random: Random,
  lengths: readonly number[],
  level: Float64Array,
): number[][] {
  const rows = rates.map(() => lengths.map(() => 0));
  for (let first = 0; first < rates.length; first += 5) {
    const members = rates.slice(first, first + 5);
    const transactions = Math.min(...members.filter((rate) => rate > 0));
    for (const [slice, length] of lengths.entries()) {
      const begun = poisson(transactions * length * (level[slice] ?? 1), random);
      for (const [member, rate] of members.entries()) {
        const each = rate / transactions;
        const row = rows[first + member];
        // As many in each transaction, but for the fraction.
        if (row !== undefined) {
          row[slice] = begun * Math.floor(each) + binomial(begun, each % 1, random);
        }
      }
    }
  }
  return rows;
}

function binomial(of: number, share: number, random: Random): number {
  if (of > 60) {
    const spread = Math.sqrt(of * share * (1 - share));
    return Math.min(Math.max(Math.round(of * share + spread * normal(random)), 0), of);
  }
  let count = 0;
  for (let one = 0; one < of; one += 1) if (random() < share) count += 1;
  return count;
}

interface DrawnRow {
  readonly name: string;
  readonly slices: readonly number[];
}

/** A report of these rows; rows without a statement are not in it. */
function reportOf(
  drawnRows: readonly DrawnRow[],
  window: { readonly from: number; readonly seconds: number; readonly axis: SliceAxis },
): Report {
  const { axis, from, seconds } = window;
  const counted = drawnRows.map((row) => ({
    ...row,
    count: row.slices.reduce((sum, here) => sum + here, 0),
  }));
  const present = counted.filter(({ count }) => count > 0);
  const statements = present.reduce((sum, { count }) => sum + count, 0);
  const rows = present.map(({ name, slices, count }): ReportRow => ({
    ...EMPTY_ROW,
    name,
    digest: name,
    text: `SELECT ${name}`,
    count,
    share: count / statements,
    perSecond: count / seconds,
    slices,
  }));
  const iso = (at: number): string => new Date(at).toISOString().replace('Z', '000Z');
  return {
    ...EMPTY_REPORT,
    window: { from: iso(from), to: iso(from + seconds * 1_000), seconds, isOpen: false },
    statements,
    perSecond: statements / seconds,
    digests: rows.length,
    axis,
    slices: Array.from({ length: axis.count }, (_, slice) =>
      rows.reduce((sum, row) => sum + (row.slices[slice] ?? 0), 0),
    ),
    rows,
  };
}
