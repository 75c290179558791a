import type { MetricReport } from '../../../core/metrics/metric-service.ts';
import {
  CHANGES,
  type Change,
  type ComparedRow,
  type Comparison,
  type ReportHead,
} from '../../../core/reports/report-comparison.ts';
import type { ReportRow } from '../../../core/reports/report.ts';
import { counted, formatCount, roundedDuration } from '../../../core/units.ts';
import { changeText } from '../diff/change-text.ts';
import { commonText, oneByOneTexts } from '../diff/diff-summary.ts';
import { digestsSeen, sessionsSeen } from '../report/report-unlisted.ts';
import { drawnWindow } from '../../../display/slice-rates.ts';
import { rateText } from '../../../display/report-numbers.ts';
import { chartSection, comparedMetrics, comparedRates } from './charts.ts';
import { changeColumns, changeDetail } from './change-columns.ts';
import { type Cut, drawWithin } from './cuts.ts';
import { listOf, nameOf, timeMarkup } from './head.ts';
import { markup, type Markup, NOTHING } from './markup.ts';
import { footer, navigation } from './report-page.ts';
import { drawTable } from './row-table.ts';
import { type PageParts, pageOf, roomFor } from './shell.ts';
import { valueText } from '../../../display/value-text.ts';

/** What a page shows of a comparison. */
export interface ComparisonPage {
  readonly comparison: Comparison;
  /** Rows of each kind at most. */
  readonly limit: number;
  /** Of both sides; null where one has none. */
  readonly metrics: { readonly a: MetricReport; readonly b: MetricReport } | null;
}

/**
 * What is different between two reports as one page of HTML that asks the network for nothing; as small as that
 * of a report, by the same cuts.
 * @param parts the script and the style sheet, as built.
 */
export function comparisonPage(page: ComparisonPage, parts: PageParts): string {
  const { comparison, limit } = page;
  const rows = CHANGES.reduce((sum, change) => sum + Math.min(comparison[change].length, limit), 0);
  return drawWithin(roomFor(rows), (cut) => draw(page, cut, parts));
}

const HEADINGS: Readonly<Record<Change, readonly [heading: string, what: string]>> = {
  new: ['New', 'in B alone'],
  gone: ['Gone', 'in A alone'],
  more: ['More', 'in B'],
  fewer: ['Fewer', 'in B'],
  slower: ['Slower', 'in B, by average time'],
  faster: ['Faster', 'in B, by average time'],
};

function draw({ comparison, limit, metrics }: ComparisonPage, cut: Cut, parts: PageParts): string {
  const { a, b, cautions, program } = comparison;
  const names = { a: `A: ${nameOf(a)}`, b: `B: ${nameOf(b)}` };
  const rates = comparedRates([names.a, a], [names.b, b]);
  const first = rates === null ? [] : [rates];
  const charts = [
    ...first,
    ...(metrics === null ? [] : comparedMetrics([names.a, metrics.a], [names.b, metrics.b])),
  ];
  const tables = CHANGES.map((change) => changeTable(comparison, change, limit, cut));
  const body = markup`<header>
      <p class="kind">captures diff</p>
      <h1>${nameOf(a)} and ${nameOf(b)}</h1>
      ${navigation([
        ...(rates === null ? [] : [['rate', 'Rate'] as const]),
        ...CHANGES.map((change) => {
          const [heading] = HEADINGS[change];
          return [`${change}-h`, `${heading} (${formatCount(comparison[change].length)})`] as const;
        }),
        ...(charts.length > first.length ? [['metrics', 'Metrics'] as const] : []),
      ])}
    </header>
    <main>
      ${
        cautions.length === 0
          ? NOTHING
          : markup`<section class="caution" aria-label="Cautions">${listOf(cautions)}</section>`
      }
      <section aria-labelledby="both">
        <h2 id="both">Both records</h2>
        ${sidesTable(comparison)}
        ${listOf(summaryOf(comparison))}
      </section>
      ${chartSection('rate', 'Rate over time', first, 0)}
      ${tables.map(({ section }) => section)}
      ${chartSection('metrics', 'Metrics', charts.slice(first.length), first.length)}
    </main>
    ${footer(program.version, cut)}`;
  const data = { charts, tables: tables.map((table) => table.data) };
  return pageOf({ title: `${nameOf(a)} and ${nameOf(b)}: diff`, body, data }, parts);
}

function sidesTable({ a, b }: Comparison): Markup {
  const row = (name: string, cell: (side: ReportHead) => Markup | string): Markup =>
    markup`<tr><th scope="row">${name}</th><td>${cell(a)}</td><td>${cell(b)}</td></tr>`;
  return markup`<div class="scroll" role="region" aria-labelledby="both" tabindex="0"><table class="sides">
      <thead><tr><td></td><th scope="col">A: ${nameOf(a)}</th><th scope="col">B: ${nameOf(b)}</th></tr></thead>
      <tbody>
        ${row('From', ({ window }) => (window.from === null ? 'unknown' : timeMarkup(window.from)))}
        ${row('To', ({ window }) => (window.to === null ? 'unknown' : timeMarkup(window.to)))}
        ${row('Length', ({ window }) => roundedDuration(window.seconds))}
        ${row('Statements', ({ statements }) => formatCount(statements))}
        ${row('Rate', ({ perSecond }) => `${rateText(perSecond)}/s`)}
        ${row('Digests', digestsSeen)}
        ${row('Sessions', sessionsSeen)}
        ${row('Record', ({ verdict }) => verdict.line)}
        ${row('Server', ({ capture }) => (capture.server === null ? 'unknown' : `${capture.server.flavor} ${capture.server.version}`))}
      </tbody>
    </table></div>`;
}

/** What holds for all rows. */
function summaryOf(comparison: Comparison): string[] {
  const { per, change, common, commonTime, threshold, unjudged, unchanged } = comparison;
  return [
    ...(per === null
      ? []
      : [`Counts are for each test: A ran ${formatCount(per.a)}, B ran ${formatCount(per.b)}`]),
    ...(change === null ? [] : [`All statements: ${changeText(change)} in B`]),
    ...[common, commonTime].flatMap((shared) => {
      const sentences = shared === null ? [] : commonText(comparison, shared);
      return sentences.length === 0 ? [] : [sentences.join(' ')];
    }),
    ...oneByOneTexts(comparison),
    `A change is at least ${Math.round(threshold * 100)} %`,
    `${counted(unchanged, 'row')} unchanged; ${counted(unjudged.rows, 'row')} not judged (${counted(unjudged.statements, 'statement')})`,
  ];
}

function changeTable(
  comparison: Comparison,
  change: Change,
  most: number,
  cut: Cut,
): ReturnType<typeof drawTable> {
  const { a, b, per, by } = comparison;
  const all = comparison[change];
  const rows = all.slice(0, most);
  const [heading, what] = HEADINGS[change];
  const first = rows.length < all.length ? `, the first ${formatCount(rows.length)}` : '';
  const valueOf = (side: 'a' | 'b') => (row: ReportRow) =>
    per === null ? row.perSecond : row.count / per[side];
  const sides = {
    a: { value: valueOf('a'), window: drawnWindow(a) },
    b: { value: valueOf('b'), window: drawnWindow(b) },
    text: (value: number) => (per === null ? `${rateText(value)}/s` : valueText(value, 'None')),
    unit: per === null ? 'Statements a second' : 'Statements a test',
  };
  return drawTable<ComparedRow>(
    {
      id: change,
      heading: `${heading} ${what}: ${formatCount(all.length)}${first}`,
      intro: NOTHING,
      none: 'None.',
      columns: changeColumns(by, rows, sides),
      order: null,
      rows,
      detail: (row) => changeDetail(row, cut, sides),
    },
    cut,
  );
}
