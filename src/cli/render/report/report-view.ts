import { DURATION_UNITS, formatCount, formatDuration } from '../../../core/units.ts';
import type { MetricView } from '../charts/metrics-overview.ts';
import { formatScaled, scaleFor } from '../../../display/metrics-units.ts';
import { sparkline } from '../charts/sparkline.ts';
import { escapeText } from '../../../display/escape.ts';
import { fillLines, truncate } from '../width.ts';
import type { NamedCount, Report } from '../../../core/reports/report.ts';
import type { SliceAxis } from '../../../core/reports/tally.ts';

/** How a report is drawn, as the terminal and the options decide. */
export type ReportView = Omit<MetricView, 'statistic'>;

/** Columns before the text of a line of the head. */
const LABEL_WIDTH = 12;

/** A label and a text beside it, in as many lines as it needs. The text is escaped already. */
export function labelled(label: string, words: readonly string[], view: ReportView): string[] {
  const room = Math.max(view.width - LABEL_WIDTH, 20);
  const shown = words.map((word) => cut(word, room, view));
  return fillLines(shown, room).map(
    (line, index) => `${view.paint('dim', (index === 0 ? label : '').padEnd(LABEL_WIDTH))}${line}`,
  );
}

/**
 * Names with how many of some statements are theirs, most first, and the others: `app 1,234 (98 %),`.
 * @param of statements in all, each of which is of one name.
 */
export function namesWords(
  names: readonly NamedCount[],
  of: number,
  most: number,
  unnamed: string,
): string[] {
  const numbers = (count: number): string =>
    `${formatCount(count)}${of === 0 ? '' : ` (${roundedShare(count / of)})`}`;
  const shown = names.slice(0, most);
  const other = of - shown.reduce((sum, { count }) => sum + count, 0);
  const words = [
    ...shown.map(
      ({ name, count }) => `${name === null ? unnamed : escapeText(name)} ${numbers(count)}`,
    ),
    ...(other > 0 ? [`(other) ${numbers(other)}`] : []),
  ];
  return words.map((word, index, all) => (index < all.length - 1 ? `${word},` : word));
}

/** A share in whole per cent: `80 %`; neither none nor all where it is not quite that. */
export function roundedShare(share: number): string {
  const percent = Math.round(share * 100);
  if (percent === 0 && share > 0) return '<1 %';
  return percent >= 100 && share < 1 ? '>99 %' : `${Math.min(percent, 100)} %`;
}

/** Cut to so many columns, with a mark that the terminal can show. */
export function cut(text: string, width: number, { ascii }: Pick<ReportView, 'ascii'>): string {
  const shorter = truncate(text, width);
  return ascii && shorter !== text ? shorter.replace(/…$/, '~') : shorter;
}

/** Statements/s as a screen shows it: `12,345`, `42.5`, `0.067`, `<0.001`. */
export function rateText(perSecond: number): string {
  if (perSecond >= 999.5) return formatCount(Math.round(perSecond));
  return formatScaled(perSecond, scaleFor('Count', 1));
}

/** A length of time in the unit that suits it: `120µs`, `1.25ms`, `3.1s`. */
export function millisecondsText(ms: number, { ascii }: Pick<ReportView, 'ascii'>): string {
  const scale = scaleFor('Seconds', ms / 1_000);
  const text = `${formatScaled(ms / 1_000, scale)}${scale.unit}`;
  return ascii ? text.replace('µ', 'u') : text;
}

/** A length of time, rounded: `1.25ms`, `28.7s`, `3m 12s`, `1h 30m`. */
export function lengthText(ms: number, view: Pick<ReportView, 'ascii'>): string {
  if (ms < DURATION_UNITS.m) return millisecondsText(ms, view);
  const { s, m, h, d } = DURATION_UNITS;
  const unit = ms < h ? s : ms < d ? m : h;
  return formatDuration(Math.round(ms / unit) * unit);
}

/** A window on an axis of slices; milliseconds since the epoch. */
export interface DrawnWindow {
  readonly axis: SliceAxis;
  readonly from: number;
  readonly to: number;
}

/** The window of a report, on its axis; null where there is nothing to draw. */
export function drawnWindow({ axis, window }: Pick<Report, 'axis' | 'window'>): DrawnWindow | null {
  if (window.from === null || window.to === null || axis.count === 0) return null;
  const from = Date.parse(window.from);
  const to = Date.parse(window.to);
  return to > from ? { axis, from, to } : null;
}

/**
 * Slices brought to so many columns of equal length, as statements/s. What lies in a slice is spread evenly
 * over the part of it that is in the window.
 */
export function columnRates(
  slices: readonly number[],
  { axis, from, to }: DrawnWindow,
  columns: number,
): number[] {
  const length = (to - from) / columns;
  const sums = new Array<number>(columns).fill(0);
  for (const [index, count] of slices.entries()) {
    if (count === 0) continue;
    const begin = axis.from + index * axis.width;
    // Times may be a little outside of the window: those count in the column at its edge.
    const left = Math.min(Math.max(begin, from), to - length / 2);
    const right = Math.max(Math.min(begin + axis.width, to), left + 1e-3);
    const first = Math.min(Math.floor((left - from) / length), columns - 1);
    const last = Math.min(Math.max(Math.ceil((right - from) / length) - 1, first), columns - 1);
    for (let column = first; column <= last; column++) {
      const overlap =
        Math.min(right, from + (column + 1) * length) - Math.max(left, from + column * length);
      const share = first === last ? 1 : Math.max(overlap, 0) / (right - left);
      sums[column] = (sums[column] ?? 0) + count * share;
    }
  }
  return sums.map((sum) => (sum * 1_000) / length);
}

/** When there was how much, one character a column; nothing is blank. */
export function rateLine(rates: readonly number[], { ascii }: Pick<ReportView, 'ascii'>): string {
  const high = Math.max(0, ...rates);
  return sparkline(
    rates.map((rate) => (rate > 0 ? { min: rate, max: rate } : null)),
    { low: 0, high, lowIsBad: false, ascii },
  );
}
