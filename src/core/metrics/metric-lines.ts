import { AppError } from '../errors.ts';
import type { Store } from '../store.ts';
import type { CounterSample, MetricTrack } from './metric-source.ts';
import type { MetricFetch } from './metric-store.ts';
import type { WorkloadRate } from './workload-metrics.ts';

/** An hour of samples, or some hours of rates. */
const ROWS_A_LINE = 720;
/** Of more than a year. */
const MOST_RATES = 4_000_000;

type Fetched = NonNullable<MetricFetch['fetched']>;
type Columns = Readonly<Record<string, readonly (number | null)[]>>;

/** One line of the metrics in an archive: JSON with one of these fields. Times are milliseconds since the epoch. */
type MetricLine =
  /** What was fetched from the provider. */
  | { readonly fetched: Fetched }
  | { readonly track: MetricTrack }
  /** The server's counters, a column each; null where one was not read. */
  | { readonly samples: { readonly times: readonly number[]; readonly counters: Columns } }
  /** What was recorded, by time: columns, too. */
  | {
      readonly rates: {
        readonly times: readonly number[];
        readonly statements: readonly number[];
        readonly sessions: readonly number[];
      };
    };

/** Everything that a store has of a capture's metrics, as lines without their ends. */
export function metricLines({ metrics }: Pick<Store, 'metrics'>, captureId: number): string[] {
  const fetched = metrics.findFetch(captureId)?.fetched ?? null;
  const lines: MetricLine[] = [
    ...(fetched === null ? [] : [{ fetched }]),
    ...metrics.tracksOf(captureId).map((track) => ({ track })),
    ...inLines(metrics.samplesOf(captureId)).map((samples) => ({ samples: columnsOf(samples) })),
    ...inLines(metrics.ratesOf(captureId)).map((rates) => ({
      rates: {
        times: rates.map(({ at }) => at),
        statements: rates.map(({ statements }) => statements),
        sessions: rates.map(({ sessions }) => sessions),
      },
    })),
  ];
  return lines.map((line) => JSON.stringify(line));
}

function inLines<Row>(rows: readonly Row[]): Row[][] {
  const lines: Row[][] = [];
  for (let at = 0; at < rows.length; at += ROWS_A_LINE)
    lines.push(rows.slice(at, at + ROWS_A_LINE));
  return lines;
}

function columnsOf(samples: readonly CounterSample[]): {
  times: number[];
  counters: Record<string, (number | null)[]>;
} {
  const labels = new Set(samples.flatMap(({ counters }) => Object.keys(counters)));
  const column = (label: string): (number | null)[] =>
    samples.map(({ counters }) => counters[label] ?? null);
  return {
    times: samples.map(({ at }) => at),
    counters: Object.fromEntries(Array.from(labels, (label) => [label, column(label)])),
  };
}

/**
 * Stores what `metricLines` made as that of another capture. What a provider has of it is not asked for again:
 * its server may be another one here.
 * @returns the rates, which are stored with the recording.
 * @throws AppError `invalid` for a line that is none.
 */
export function storeMetricLines(
  { metrics }: Pick<Store, 'metrics'>,
  captureId: number,
  lines: Iterable<string>,
): WorkloadRate[] {
  const rates: WorkloadRate[] = [];
  let fetched: Fetched | null = null;
  const save = (tracks: readonly MetricTrack[]): void =>
    metrics.saveFetch({ captureId, fetched, nextAt: null, failures: 0, failure: null }, tracks);
  for (const text of lines) {
    const line = parsedLine(text);
    if ('fetched' in line) {
      ({ fetched } = line);
      save([]);
    } else if ('track' in line) {
      save([line.track]);
    } else if ('rates' in line) {
      const { times, statements, sessions } = line.rates;
      if (rates.length + times.length > MOST_RATES) throw noLine();
      for (const [index, at] of times.entries()) {
        rates.push({ at, statements: statements[index] ?? 0, sessions: sessions[index] ?? 0 });
      }
    } else {
      for (const sample of samplesIn(line.samples)) metrics.addSample([captureId], sample);
    }
  }
  metrics.packSamples(captureId);
  // Whoever stores a capture of an environment with a provider notes that it is to be fetched.
  if (fetched === null && metrics.findFetch(captureId) !== null) save([]);
  return rates;
}

function* samplesIn({
  times,
  counters,
}: {
  times: readonly number[];
  counters: Columns;
}): Generator<CounterSample> {
  const labels = Object.keys(counters);
  for (const [index, at] of times.entries()) {
    const values: Record<string, number> = {};
    for (const label of labels) {
      const value = counters[label]?.[index] ?? null;
      if (value !== null) values[label] = value;
    }
    yield { at, counters: values };
  }
}

function parsedLine(text: string): MetricLine {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw noLine(error);
  }
  if (!isObject(value)) throw noLine();
  const [[kind, content] = ['', null], ...more] = Object.entries(value);
  if (more.length > 0 || !isObject(content) || !isOfKind(kind, content)) throw noLine();
  return value as MetricLine;
}

function isOfKind(kind: string, content: Record<string, unknown>): boolean {
  switch (kind) {
    case 'fetched': {
      const { window, period, at } = content;
      return (
        isObject(window) &&
        [window['from'], window['to'], period, at].every(isWhole) &&
        Number(period) > 0
      );
    }
    case 'track': {
      const { label, statistic, times, values } = content;
      return isName(label) && isName(statistic) && areColumns(times, [values]);
    }
    case 'samples': {
      const { times, counters } = content;
      if (!isObject(counters)) return false;
      return (
        Object.keys(counters).every(isName) && areColumns(times, Object.values(counters), true)
      );
    }
    case 'rates': {
      const { times, statements, sessions } = content;
      const counts = [statements, sessions];
      return (
        areColumns(times, counts) && counts.every((count) => (count as unknown[]).every(isWhole))
      );
    }
    default:
      return false;
  }
}

function areColumns(times: unknown, columns: readonly unknown[], mayLack = false): boolean {
  if (!Array.isArray(times) || !areTimes(times)) return false;
  const isValue = (value: unknown): boolean =>
    Number.isFinite(value) || (mayLack && value === null);
  return columns.every(
    (column) => Array.isArray(column) && column.length === times.length && column.every(isValue),
  );
}

/** The year 3084. Differences of differences of times have to be whole numbers that a double holds. */
const LATEST = 2 ** 45;

function areTimes(times: readonly unknown[]): boolean {
  let before = -1;
  for (const time of times) {
    if (!isWhole(time) || Number(time) <= before || Number(time) > LATEST) return false;
    before = Number(time);
  }
  return true;
}

const LONGEST_NAME = 256;
const isName = (value: unknown): boolean =>
  typeof value === 'string' && value !== '' && value.length <= LONGEST_NAME;
const isWhole = (value: unknown): boolean => Number.isSafeInteger(value);
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function noLine(cause?: unknown): AppError {
  return new AppError(
    'invalid',
    'This is no export that can be imported: its metrics are damaged',
    {
      hint: { code: 'give_an_export' },
      cause,
    },
  );
}
