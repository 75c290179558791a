import type { MetricReport } from '../../../core/metrics/metric-service.ts';
import type { Report } from '../../../core/reports/report.ts';
import { counted, formatCount } from '../../../core/units.ts';
import { sharedNote } from '../report/row-times.ts';
import { unlistedWarning } from '../report/report-unlisted.ts';
import { drawnWindow } from '../../../display/slice-rates.ts';
import { chartSection, metricCharts, metricsAtZero } from './charts.ts';
import { rateChart } from '../../../display/rate-chart.ts';
import { type Cut, drawWithin } from './cuts.ts';
import { coverageMarkup, nameOf, verdictMarkup, windowFacts } from './head.ts';
import { markup, type Markup, NOTHING } from './markup.ts';
import { columnsFor, detailOf, DIMENSION_WORDS, orderOf } from './row-columns.ts';
import { drawTable } from './row-table.ts';
import { type PageParts, pageOf, roomFor } from './shell.ts';

/** What a page shows: reports of one capture by different dimensions, and its metrics. */
export interface ReportPage {
  readonly report: Report;
  /** The same by other dimensions: their tables follow. */
  readonly others: readonly Report[];
  /** null where there are none. */
  readonly metrics: MetricReport | null;
}

/**
 * A report as one page of HTML that asks the network for nothing. At most 300 KB for 500 rows, and as much a
 * row beyond: long statements and long lists of names are cut until it fits, and the page says so.
 * @param parts the script and the style sheet, as built.
 */
export function reportPage(page: ReportPage, parts: PageParts): string {
  return drawWithin(roomFor(page.report.rows.length), (cut) => draw(page, cut, parts));
}

function draw({ report, others, metrics }: ReportPage, cut: Cut, parts: PageParts): string {
  const rate = rateChart(report);
  const rates = rate === null ? [] : [rate];
  const charts = [...rates, ...(metrics === null ? [] : metricCharts(metrics))];
  const tables = [
    tableOf(report, cut),
    ...others.map((one) => tableOf(firstRows(one, cut.rows), cut)),
  ];
  const name = nameOf(report);
  const places = [
    ...(rate === null ? [] : [['rate', 'Rate'] as const]),
    ...[report, ...others].map(({ by }) => [`by-${by}-h`, DIMENSION_WORDS[by][1]] as const),
    ...(charts.length > rates.length ? [['metrics', 'Metrics'] as const] : []),
  ];
  const body = markup`<header>
      <p class="kind">captures report</p>
      <h1>${name}</h1>
      ${windowFacts(report)}
      ${navigation(places)}
    </header>
    <main>
      <section aria-labelledby="covers">
        <h2 id="covers">Coverage</h2>
        ${verdictMarkup(report)}
        ${coverageMarkup(report)}
      </section>
      ${chartSection('rate', 'Rate over time', rates, 0)}
      ${tables.map(({ section }) => section)}
      ${chartSection('metrics', 'Metrics', charts.slice(rates.length), rates.length)}
      ${unmoved(metrics)}
    </main>
    ${footer(report.program.version, cut)}`;
  const data = { charts, tables: tables.map((table) => table.data) };
  return pageOf({ title: `${name}: report`, body, data }, parts);
}

function tableOf(report: Report, cut: Cut): ReturnType<typeof drawTable> {
  const { by, rows, otherRows, unlisted } = report;
  const window = drawnWindow(report);
  const shared = sharedNote(report);
  const intro = [
    ...(otherRows.rows === 0 ? [] : [listedWords(report)]),
    ...(unlisted === null ? [] : [`${unlistedWarning(unlisted.count, by)}.`]),
    ...(shared === null ? [] : [`${shared}.`]),
  ];
  return drawTable(
    {
      id: `by-${by}`,
      heading: DIMENSION_WORDS[by][1],
      intro: markup`${intro.map((text) => markup`<p>${text}</p>`)}`,
      none: 'No statements.',
      columns: columnsFor(report),
      order: orderOf(report),
      rows,
      detail: (row) => detailOf(row, cut, window),
    },
    cut,
  );
}

function firstRows(report: Report, most: number): Report {
  const { rows, otherRows } = report;
  const left = rows.slice(most);
  return {
    ...report,
    rows: rows.slice(0, most),
    otherRows: {
      rows: otherRows.rows + left.length,
      statements: left.reduce((sum, { count }) => sum + count, otherRows.statements),
    },
  };
}

function listedWords({ by, rows, otherRows }: Report): string {
  const [, all] = DIMENSION_WORDS[by];
  const what = by === 'digest' ? 'digests' : all.toLowerCase();
  const rest = `${formatCount(otherRows.rows)} more, with ${counted(otherRows.statements, 'statement')}, ${otherRows.rows === 1 ? 'is' : 'are'} not listed`;
  return `The first ${formatCount(rows.length)} ${what}. ${rest}. captures report --by ${by} lists all.`;
}

/** Links to the sections of a page. */
export function navigation(places: readonly (readonly [id: string, name: string])[]): Markup {
  return markup`<nav aria-label="Sections">${places.map(([id, name]) => markup`<a href="#${id}">${name}</a> `)}</nav>`;
}

/** Metrics that were zero all the time are named, not drawn. */
function unmoved(metrics: MetricReport | null): Markup {
  const names = metrics === null ? [] : metricsAtZero(metrics);
  return names.length === 0 ? NOTHING : markup`<p>Zero all the time: ${names.join(', ')}.</p>`;
}

/** What made the page, and what was cut in it. */
export function footer(version: string, cut: Cut): Markup {
  return markup`<footer>
    <p>
      To keep this file small, statements are cut after ${formatCount(cut.inDetail)} characters, and
      lists of users, hosts and tables after ${cut.names}. <code>captures workload</code> has every
      statement in full.
    </p>
    <p>
      Made by captures ${version}. This file loads nothing from anywhere. Charts:
      <a href="https://github.com/leeoniya/uPlot" rel="noreferrer">uPlot</a>, MIT licence.
    </p>
  </footer>`;
}
