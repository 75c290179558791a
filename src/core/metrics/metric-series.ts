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

/** How far the points of a series may stand for what was measured. */
type Coverage = Pick<MetricSeries, 'reach' | 'end'>;

/** The end of what a point stands for: the next point, the end of all, or its whole reach. */
function endOf(times: readonly number[], index: number, { reach, end }: Coverage): number {
  return Math.min((times[index] ?? 0) + reach, times[index + 1] ?? end ?? Infinity);
}

/** Points with the time that each of them covers: from `times` until `ends`. */
interface CoveringTrack extends MetricTrack {
  readonly ends: readonly number[];
}

/** The points that cover a part of the window; one that began before it stands at its start. */
export function cutTrack(
  track: MetricTrack,
  coverage: Coverage,
  window: TimeWindow,
): CoveringTrack {
  let start = firstFrom(track.times, window.from);
  const end = Math.max(firstFrom(track.times, window.to), start);
  const isBegun =
    window.from < window.to &&
    track.times[start] !== window.from &&
    endOf(track.times, start - 1, coverage) > window.from;
  if (start > 0 && isBegun) start -= 1;
  const starts = track.times.slice(start, end);
  return {
    ...track,
    times: starts.map((time) => Math.max(time, window.from)),
    ends: starts.map((time, index) =>
      Math.max(Math.min(endOf(track.times, start + index, coverage), window.to), time),
    ),
    values: track.values.slice(start, end),
  };
}

/** The mean of values, each with the weight of the time that it covers. */
function weightedMean(values: readonly number[], weights: readonly number[]): number {
  const total = sum(weights);
  if (total === 0) return sum(values) / values.length;
  return sum(values.map((value, index) => value * (weights[index] ?? 0))) / total;
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
    const until = Math.min(endOf(times, index, { reach, end }), window.to);
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
 * The numbers of a series within a window: the lowest and highest value there was, and average (each
 * point with the weight of the time it covers), 95th percentile (nearest rank) and last value of the
 * points' averages.
 * @param statistic only this one's track; null for the best there is for each number.
 */
export function summarise(
  series: MetricSeries,
  window: TimeWindow,
  statistic: string | null,
): Summary | null {
  const pick = (...names: string[]): CoveringTrack | null => {
    for (const name of statistic === null ? names : [statistic]) {
      const track = trackOf(series, name);
      if (track !== null && track.times.length > 0) {
        return cutTrack(track, series, window);
      }
    }
    return null;
  };
  const middle = pick('Average', 'Maximum');
  const low = pick('Minimum', 'Average', 'Maximum')?.values ?? [];
  const high = pick('Maximum', 'Average')?.values ?? [];
  const last = middle?.values.at(-1);
  if (middle === null || last === undefined) return null;
  const sorted = Float64Array.from(middle.values).sort();
  return {
    min: extreme(low, Math.min),
    avg: weightedMean(middle.values, lengthsOf(middle)),
    p95: sorted[Math.ceil(sorted.length * 0.95) - 1] ?? last,
    max: extreme(high, Math.max),
    last,
    points: middle.values.length,
  };
}

function extreme(values: readonly number[], choose: (a: number, b: number) => number): number {
  return values.reduce((found, value) => choose(found, value));
}

function lengthsOf({ times, ends }: CoveringTrack): number[] {
  return times.map((time, index) => (ends[index] ?? time) - time);
}

/**
 * Points of a longer period made of shorter ones: the highest Maximum, the lowest Minimum, the sum of
 * sums and counts, the mean of averages by the time they cover. The periods are the clock's, divided
 * at the edges of `counted`, so that none mixes what is counted with what is not.
 * @returns null for a statistic that cannot be computed from shorter periods: a percentile.
 */
export function aggregate(
  track: MetricTrack,
  coverage: Coverage,
  period: number,
  counted: TimeWindow,
): MetricTrack | null {
  const combine = COMBINATIONS[track.statistic];
  if (combine === undefined) return null;
  const edges = [counted.from, counted.to];
  const groups = new Map<number, { values: number[]; weights: number[] }>();
  for (const [index, time] of track.times.entries()) {
    const until = endOf(track.times, index, coverage);
    let from = time;
    do {
      const clock = Math.floor(from / period) * period;
      const start = Math.max(clock, ...edges.filter((edge) => edge <= from));
      const end = Math.min(clock + period, ...edges.filter((edge) => edge > from));
      let group = groups.get(start);
      if (group === undefined) groups.set(start, (group = { values: [], weights: [] }));
      group.values.push(track.values[index] ?? 0);
      group.weights.push(Math.max(Math.min(until, end) - from, 0));
      from = end;
    } while (from < until);
  }
  const combined = Array.from(groups.values(), ({ values, weights }) => combine(values, weights));
  return { ...track, times: [...groups.keys()], values: combined };
}

const sum = (values: readonly number[]): number =>
  values.reduce((total, value) => total + value, 0);
const COMBINATIONS: Readonly<
  Record<string, (values: readonly number[], weights: readonly number[]) => number>
> = {
  Average: weightedMean,
  Maximum: (values) => extreme(values, Math.max),
  Minimum: (values) => extreme(values, Math.min),
  Sum: sum,
  SampleCount: sum,
};

/** Whether a longer period of a statistic can be made of shorter ones; null is the usual ones. */
export function isCombined(statistic: string | null): boolean {
  return statistic === null || statistic in COMBINATIONS;
}

/** The series with every track at a longer period; tracks that cannot be had there are left out. */
export function aggregateSeries(
  series: MetricSeries,
  period: number,
  counted: TimeWindow,
): MetricSeries {
  const tracks = series.tracks.flatMap((track) => aggregate(track, series, period, counted) ?? []);
  return { ...series, period, reach: period, tracks };
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
    const { times, values, statistic } = cutTrack(track, series, window);
    for (const [index, at] of times.entries()) {
      let point = byTime.get(at);
      if (point === undefined) byTime.set(at, (point = new Map<string, number>()));
      point.set(statistic, values[index] ?? 0);
    }
  }
  return Array.from(byTime, ([at, values]) => ({ at, values })).sort((a, b) => a.at - b.at);
}
