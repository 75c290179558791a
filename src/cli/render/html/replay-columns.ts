import { errorsOf } from '../../../core/replays/replay-row-order.ts';
import { SKIP_REASONS, type ReplayRow } from '../../../core/replays/replay.ts';
import { counted, formatCount } from '../../../core/units.ts';
import { escapeLines, escapeText } from '../../../display/escape.ts';
import { latencyShape, type LatencyScale } from '../../../display/latency-shape.ts';
import { lengthText, rateText } from '../../../display/report-numbers.ts';
import { highestOf, sparkText } from '../../../display/sparks.ts';
import type { RowDetail } from '../../../display/table-data.ts';
import { SKIP_TEXTS } from '../replay/skip-texts.ts';
import { cutText, type Cut } from './cuts.ts';
import { timeText } from './row-columns.ts';
import type { TableColumn } from './row-table.ts';
import { scaleText } from './latency-figures.ts';

/** Beginning, and most, of what a replayed digest is known by. */
type Named = Pick<ReplayRow, 'digest' | 'text' | 'db' | 'class'>;

export function statementColumn<Row extends Named>(): TableColumn<Row> {
  return {
    kind: 'code',
    header: 'Statement',
    about: '',
    cell: ({ text, db }) => (db === null ? text : `${db}: ${text}`),
    key: null,
  };
}

/** A column of numbers; null is an empty cell. */
export function numberColumn<Row>(
  header: string,
  about: string,
  of: (row: Row) => number | null,
  text: (value: number) => string = formatCount,
): TableColumn<Row> {
  return {
    kind: 'number',
    header,
    about,
    cell: (row) => {
      const value = of(row);
      return value === null ? '' : text(value);
    },
    key: of,
  };
}

export function textColumn<Row>(header: string, cell: (row: Row) => string): TableColumn<Row> {
  return { kind: 'text', header, about: '', cell, key: null };
}

/** How the latencies of a digest are spread, drawn by the page's script. */
export function shapeColumn<Row>(scale: LatencyScale | null, what: string): TableColumn<Row> {
  const range = scale === null ? '' : ` from ${scaleText(scale)}`;
  return { kind: 'when', header: 'Spread', about: `${what}${range}`, cell: () => '', key: null };
}

/** The columns of the digests of one replay. */
export function replayColumns(scale: LatencyScale | null): TableColumn<ReplayRow>[] {
  return [
    statementColumn(),
    numberColumn(
      'Answers',
      'Answers of the server, also those that are an error',
      (row) => row.count,
    ),
    numberColumn('Errors', '', errorsOf),
    shapeColumn(scale, 'How long answers took, on a logarithmic scale'),
    numberColumn('Average', '', (row) => (row.count === 0 ? null : row.averageMs), timeText),
    numberColumn('50 %', '', (row) => (row.count === 0 ? null : row.p50Ms), timeText),
    numberColumn('95 %', '', (row) => (row.count === 0 ? null : row.p95Ms), timeText),
    numberColumn('99 %', '', (row) => (row.count === 0 ? null : row.p99Ms), timeText),
    numberColumn('Longest', '', (row) => (row.count === 0 ? null : row.maxMs), timeText),
    numberColumn(
      'Total',
      'Time of all answers',
      (row) => row.totalMs,
      (ms) => lengthText(ms, { ascii: false }),
    ),
    numberColumn('Rows', 'Rows that came back', (row) => row.rowsReturned),
    numberColumn('Changed', 'Rows that were changed', (row) => row.rowsChanged),
  ];
}

/**
 * What a digest shows when it is opened.
 * @param sides one replay, or two: the picture of the first is above that of the second. null where it has none.
 */
export function replayDetail(
  row: Named,
  sides: readonly (readonly [name: string, side: ReplayRow | null])[],
  scale: LatencyScale | null,
  cut: Cut,
): RowDetail {
  const facts: [string, string][] = [];
  const add = (name: string, value: string): void => {
    if (value !== '') facts.push([name, escapeText(value)]);
  };
  for (const [name, side] of sides) {
    const label = (what: string): string => (name === '' ? what : `${what} in ${name}`);
    if (side === null) {
      add(label('Statements'), 'none');
      continue;
    }
    add(label('Statements'), sideText(side));
    add(label('Latency'), latencyText(side));
    add(
      label('Rows'),
      `${formatCount(side.rowsReturned)} returned, ${formatCount(side.rowsChanged)} changed`,
    );
    add(
      label('Rate'),
      `${rateText(side.perSecond)}/s, recorded ${rateText(side.recordedPerSecond)}/s`,
    );
  }
  add('Digest', row.digest);
  add('Class', row.class ?? '');
  add('Database', row.db === null ? '' : cutText(row.db, cut.inName));
  const shapes = sides.map(([, side]) =>
    side === null || scale === null ? [] : shares(latencyShape([side.histogram], scale)),
  );
  const highest = highestOf(...shapes);
  return {
    facts,
    times: [],
    texts: [['Statement', escapeLines(cutText(row.text, cut.inDetail))]],
    sparks: shapes.map((shape) => sparkText(shape, highest)),
  };
}

function shares(counts: readonly number[]): number[] {
  const sum = counts.reduce((one, other) => one + other, 0);
  return counts.map((count) => count / Math.max(sum, 1));
}

function sideText(side: ReplayRow): string {
  const skipped = SKIP_REASONS.flatMap((reason) => {
    const count = side.skipped[reason] ?? 0;
    return count === 0 ? [] : [`${formatCount(count)} skipped (${SKIP_TEXTS[reason]})`];
  });
  const failed = Object.entries(side.failed).map(
    ([code, count]) => `${formatCount(count)} failed with ${code}`,
  );
  return [
    `${counted(side.recorded, 'record')}: ${formatCount(side.sent)} sent`,
    ...skipped,
    ...failed,
  ].join(', ');
}

function latencyText({ count, averageMs, p50Ms, p95Ms, p99Ms, maxMs }: ReplayRow): string {
  if (count === 0) return '';
  return `average ${timeText(averageMs)}, 50 % ${timeText(p50Ms)}, 95 % ${timeText(p95Ms)}, 99 % ${timeText(p99Ms)}, longest ${timeText(maxMs)}`;
}
