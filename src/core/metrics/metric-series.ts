import type { MetricSeries, MetricTrack, TimeWindow } from './metric-source.ts';

/** What happened to a metric in one column of a chart. */
export interface Cell {
  readonly min: number;
  readonly max: number;
}

/** The numbers that an overview shows; null for a series without points. */
export interface Summary {
  readonly min: number;
  readonly avg: number;
  readonly p95: number;
  readonly max: number;
  readonly last: number;
  readonly points: number;
}

/** The index of the first time that is not before `at`. */
function firstFrom(times: readonly number[], at: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((times[middle] ?? 0) < at) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The points whose time is in the window. */
export function cutTrack(track: MetricTrack, window: TimeWindow): MetricTrack {
  const start = firstFrom(track.times, window.from);
  const end = firstFrom(track.times, window.to);
  if (start === 0 && end === track.times.length) return track;
  return {
    ...track,
    times: track.times.slice(start, end),
    values: track.values.slice(start, end),
    ...(track.ends === undefined ? {} : { ends: track.ends.slice(start, end) }),
  };
}

/**
 * Divides a window into `count` cells and says for each what the lowest and the highest value in it
 * was: no spike and no dip is lost, whatever the number of points. Where cells are shorter than the
 * points reach, a point fills every cell that it stands for. A cell without any is null: a gap.
 * @param end where the last point ends; null when it may stand for its whole reach.
 */
export function resample(
  track: Pick<MetricTrack, 'times' | 'values'>,
  reach: number,
  window: TimeWindow,
  count: number,
  end: number | null = null,
): (Cell | null)[] {
  const cells: (Cell | null)[] = new Array<Cell | null>(count).fill(null);
  const span = window.to - window.from;
  if (span <= 0) return cells;
  // In this order the numbers stay whole, so that a point on a cell's edge is not moved by rounding.
  const position = (time: number): number => ((time - window.from) * count) / span;
  const isFine = reach * count <= span;
  const { times, values } = track;
  for (let index = firstFrom(times, window.from - reach); index < times.length; index += 1) {
    const time = times[index] ?? 0;
    if (time >= window.to) break;
    const value = values[index] ?? 0;
    const until = Math.min(time + reach, times[index + 1] ?? end ?? Infinity, window.to);
    const first = Math.floor(position(time));
    // A point that is shorter than a cell is in one cell, not smeared over two.
    const last = isFine ? first : Math.max(Math.ceil(position(until)) - 1, first);
    for (let cell = Math.max(first, 0); cell <= Math.min(last, count - 1); cell += 1) {
      const before = cells[cell] ?? null;
      cells[cell] =
        before === null
          ? { min: value, max: value }
          : { min: Math.min(before.min, value), max: Math.max(before.max, value) };
    }
  }
  return cells;
}

/** The cells to draw of a series: of its worst, or of the statistic that was asked for. */
export function drawnCells(
  series: MetricSeries,
  statistic: string | null,
  window: TimeWindow,
  count: number,
): (Cell | null)[] {
  const track = drawnTrack(series, statistic) ?? { times: [], values: [] };
  return resample(track, series.reach, window, count, series.end);
}

/** The track of a statistic; null when the series has none. */
function trackOf(series: MetricSeries, statistic: string): MetricTrack | null {
  return series.tracks.find((track) => track.statistic === statistic) ?? null;
}

/**
 * The track that is drawn: of one statistic when that was asked for, else the one that shows the worst
 * there was. null when there are no points of it.
 */
export function drawnTrack(series: MetricSeries, statistic: string | null): MetricTrack | null {
  const worst = series.metric.lowIsBad ? ['Minimum', 'Average'] : ['Maximum', 'Average'];
  for (const name of statistic === null ? [...worst, 'Maximum'] : [statistic]) {
    const track = trackOf(series, name);
    if (track !== null && track.times.length > 0) return track;
  }
  return null;
}

/**
 * The numbers of a series within a window: the lowest and highest value there was, and average, 95th
 * percentile (nearest rank) and last value of the points' averages. In the average a point weighs as much as
 * the time that it stands for: a rate over 60 s is twelve times one over 5 s.
 * @param statistic only this one's track; null for the best there is for each number.
 */
export function summarise(
  series: MetricSeries,
  window: TimeWindow,
  statistic: string | null,
): Summary | null {
  const { measured = series } = series;
  const pick = (...names: string[]): Pick<MetricTrack, 'times' | 'values' | 'ends'> => {
    for (const name of statistic === null ? names : [statistic]) {
      const track = trackOf(measured, name);
      if (track !== null && track.times.length > 0) return cutTrack(track, window);
    }
    return { times: [], values: [] };
  };
  const track = pick('Average', 'Maximum');
  const { values: middle } = track;
  const { values: low } = pick('Minimum', 'Average', 'Maximum');
  const { values: high } = pick('Maximum', 'Average');
  const last = middle.at(-1);
  if (last === undefined) return null;
  const sorted = Float64Array.from(middle).sort();
  return {
    min: extreme(low, Math.min),
    avg: weightedMean(middle, lengthsOf(track, measured)),
    p95: sorted[Math.ceil(sorted.length * 0.95) - 1] ?? last,
    max: extreme(high, Math.max),
    last,
    points: middle.length,
  };
}

/** Milliseconds that each point stands for. */
function lengthsOf(
  { times, ends }: Pick<MetricTrack, 'times' | 'ends'>,
  { reach, end }: Pick<MetricSeries, 'reach' | 'end'>,
): number[] {
  return times.map((time, index) => {
    const until = ends?.[index] ?? Math.min(time + reach, times[index + 1] ?? end ?? Infinity);
    return Math.max(until - time, 0);
  });
}

/** The mean of values that weigh differently; none of them is left out where all weigh nothing. */
function weightedMean(values: readonly number[], weights: readonly number[]): number {
  const [first] = weights;
  if (weights.every((weight) => weight === first)) return sum(values) / values.length;
  const total = values.reduce((so, value, index) => so + value * (weights[index] ?? 0), 0);
  return total / sum(weights);
}

function extreme(values: readonly number[], choose: (a: number, b: number) => number): number {
  return values.reduce((found, value) => choose(found, value));
}

/**
 * Points of a longer period made of shorter ones: the highest Maximum, the lowest Minimum, the sum of
 * sums and counts, the mean of averages. Periods are the clock's; one that contains `from` begins anew there,
 * so that it has nothing of before.
 * @param lengths milliseconds that each point weighs in a mean; null where all weigh the same.
 * @returns null for a statistic that cannot be computed from shorter periods: a percentile.
 */
export function aggregate(
  track: MetricTrack,
  period: number,
  from = -Infinity,
  lengths: readonly number[] | null = null,
): MetricTrack | null {
  const combine = COMBINATIONS[track.statistic];
  if (combine === undefined) return null;
  const times: number[] = [];
  const groups: { readonly values: number[]; readonly weights: number[] }[] = [];
  for (const [index, time] of track.times.entries()) {
    const onClock = Math.floor(time / period) * period;
    const start = time < from ? onClock : Math.max(onClock, from);
    if (times.at(-1) !== start) {
      times.push(start);
      groups.push({ values: [], weights: [] });
    }
    const group = groups.at(-1);
    group?.values.push(track.values[index] ?? 0);
    group?.weights.push(lengths?.[index] ?? 1);
  }
  const { label, statistic } = track;
  const values = groups.map((group) => combine(group.values, group.weights));
  return { label, statistic, times, values };
}

const sum = (values: readonly number[]): number =>
  values.reduce((total, value) => total + value, 0);
type Combination = (values: readonly number[], weights: readonly number[]) => number;
const COMBINATIONS: Readonly<Record<string, Combination>> = {
  Average: weightedMean,
  Maximum: (values) => extreme(values, Math.max),
  Minimum: (values) => extreme(values, Math.min),
  Sum: sum,
  SampleCount: sum,
};

/** The series with every track at a longer period; tracks that cannot be had there are left out. */
export function aggregateSeries(
  series: MetricSeries,
  period: number,
  from = -Infinity,
): MetricSeries {
  const tracks = series.tracks.flatMap(
    (track) => aggregate(track, period, from, lengthsOf(track, series)) ?? [],
  );
  return { ...series, period, reach: period, end: null, tracks };
}

/** One data point with all its statistics, as the reference API shows it. */
export interface DataPoint {
  readonly at: number;
  /** null where the source has no such statistic for this time. */
  readonly values: ReadonlyMap<string, number>;
}

/** The points of all tracks joined by time, ascending. */
export function dataPoints(series: MetricSeries, window: TimeWindow): DataPoint[] {
  const byTime = new Map<number, Map<string, number>>();
  for (const track of series.tracks) {
    const { times, values, statistic } = cutTrack(track, window);
    for (const [index, at] of times.entries()) {
      let point = byTime.get(at);
      if (point === undefined) byTime.set(at, (point = new Map<string, number>()));
      point.set(statistic, values[index] ?? 0);
    }
  }
  return Array.from(byTime, ([at, values]) => ({ at, values })).sort((a, b) => a.at - b.at);
}
