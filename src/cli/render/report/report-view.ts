import { formatCount } from '../../../core/units.ts';
import type { MetricView } from '../charts/metrics-overview.ts';
import { roundedShare } from '../../../display/report-numbers.ts';
import { sparkline } from '../charts/sparkline.ts';
import { escapeText } from '../../../display/escape.ts';
import { fillLines, truncate } from '../width.ts';
import type { NamedCount } from '../../../core/reports/report.ts';

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

/** Cut to so many columns, with a mark that the terminal can show. */
export function cut(text: string, width: number, { ascii }: Pick<ReportView, 'ascii'>): string {
  const shorter = truncate(text, width);
  return ascii && shorter !== text ? shorter.replace(/…$/, '~') : shorter;
}

/** When there was how much, one character a column; nothing is blank. */
export function rateLine(rates: readonly number[], { ascii }: Pick<ReportView, 'ascii'>): string {
  const high = Math.max(0, ...rates);
  return sparkline(
    rates.map((rate) => (rate > 0 ? { min: rate, max: rate } : null)),
    { low: 0, high, lowIsBad: false, ascii },
  );
}
