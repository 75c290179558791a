import { unpackedLatencies } from '../../../core/replays/latency-histogram.ts';
import { errorsOf } from '../../../core/replays/replay-row-order.ts';
import type { Replay, ReplayResult, ReplayRow } from '../../../core/replays/replay.ts';
import { counted, formatCount } from '../../../core/units.ts';
import {
  lengthText,
  millisecondsText,
  rateText,
  roundedShare,
} from '../../../display/report-numbers.ts';
import { escapeText } from '../../../display/escape.ts';
import { textLines } from '../report/report-detail.ts';
import { layoutRows } from '../report/row-layout.ts';
import { labelled, rateLine, type ReportView } from '../report/report-view.ts';
import { entriesOf, errorText } from './replay-accounting.ts';
import { titleLines } from './replay-screen.ts';
import { SKIP_TEXTS } from './skip-texts.ts';
import type { SkipReason } from '../../../core/replays/replay.ts';

/** One digest of a replay with everything that is known of it. */
export function renderReplayDigest(
  row: ReplayRow,
  replay: Replay,
  result: ReplayResult,
  view: ReportView,
): string {
  const lines = titleLines(replay, view);
  const add = (label: string, text: string): void => {
    lines.push(...labelled(label, escapeText(text).split(' '), view));
  };
  const ms = (value: number): string => millisecondsText(value, view);
  const database = row.db === null ? '' : `, database ${row.db}`;
  add('digest', `${row.digest}${row.class === null ? '' : `, ${row.class}`}${database}`);
  const skipped = entriesOf(row.skipped);
  const failed = entriesOf(row.failed);
  const sumOfSkipped = skipped.reduce((sum, [, count]) => sum + count, 0);
  add(
    'statements',
    `${formatCount(row.recorded)} = ${formatCount(row.sent)} sent + ${formatCount(sumOfSkipped)} skipped + ${formatCount(errorsOf(row))} failed`,
  );
  for (const [reason, count] of skipped) {
    add('', `${formatCount(count)} skipped: ${SKIP_TEXTS[reason as SkipReason]}`);
  }
  for (const [code, count] of failed) {
    const message = result.errors.find((error) => error.code === code)?.message ?? '';
    add('', `${formatCount(count)} failed: ${errorText(code, message)}`);
  }
  add('rate', `${rateText(row.perSecond)}/s, recorded ${rateText(row.recordedPerSecond)}/s`);
  add('rows', `${formatCount(row.rowsReturned)} returned, ${formatCount(row.rowsChanged)} changed`);
  if (row.count > 0) {
    add(
      'latency',
      `${ms(row.averageMs)} on average, ${lengthText(row.totalMs, view)} in all; p50 ${ms(row.p50Ms)}, p95 ${ms(row.p95Ms)}, p99 ${ms(row.p99Ms)}, most ${ms(row.maxMs)}`,
    );
    const averages = row.slices.count.map((count, index) =>
      count === 0 ? 0 : (row.slices.totalMs[index] ?? 0) / count,
    );
    const line = rateLine(averages, view);
    add('over time', view.ascii ? `|${line}|` : line);
    lines.push('', ...distributionLines(row, view));
  }
  lines.push('', view.paint('strong', 'Statement'), ...textLines(row.text, view));
  return `${lines.join('\n')}\n`;
}

const MOST_BAR = 50;
/** Where there would be more lines, each is twice as long as the one before; else one and a half times. */
const MOST_LINES = 16;

/** How many answers took how long: a line for each range of latencies from the first to the last. */
function distributionLines({ histogram, count }: ReplayRow, view: ReportView): string[] {
  const buckets = unpackedLatencies(histogram);
  if (buckets === null || buckets.length === 0) return [];
  const logarithm = (micros: number): number => Math.log2(Math.max(micros, 1));
  const [shortest, longest] = [buckets[0]?.micros ?? 1, buckets.at(-1)?.micros ?? 1];
  const steps = logarithm(longest) - logarithm(shortest) > MOST_LINES / 2 ? 1 : 2;
  const counts = new Map<number, number>();
  for (const { micros, count: many } of buckets) {
    const power = Math.floor(logarithm(micros) * steps);
    counts.set(power, (counts.get(power) ?? 0) + many);
  }
  const first = Math.min(...counts.keys());
  const last = Math.max(...counts.keys());
  const powers = Array.from({ length: last - first + 1 }, (_, index) => first + index);
  const most = Math.max(...counts.values());
  const shown = powers.map((power) => counts.get(power) ?? 0);
  const { header, lines } = layoutRows(
    [
      {
        header: 'UP TO',
        cells: powers.map((power) => millisecondsText(2 ** ((power + 1) / steps) / 1_000, view)),
        align: 'right',
        least: null,
        weight: 99,
      },
      {
        header: 'ANSWERS',
        cells: shown.map(formatCount),
        align: 'right',
        least: null,
        weight: 98,
      },
      {
        header: 'SHARE',
        cells: shown.map((many) => (many === 0 ? '-' : roundedShare(many / count))),
        align: 'right',
        least: null,
        weight: 97,
      },
      {
        header: '',
        cells: powers.map(() => ''),
        align: 'left',
        least: 5,
        weight: 96,
        drawn: {
          most: MOST_BAR,
          draw: (width) =>
            shown.map((many) => {
              const length = Math.round((many / most) * width);
              // Something is never nothing.
              return (view.ascii ? '#' : '█').repeat(many > 0 ? Math.max(length, 1) : 0);
            }),
        },
      },
    ],
    view.width,
    view,
  );
  return [view.paint('strong', `Latency of ${counted(count, 'answer')}`), header, ...lines];
}
