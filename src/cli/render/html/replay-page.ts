import type { MetricReport } from '../../../core/metrics/metric-service.ts';
import type { ReplayReport } from '../../../core/replays/replay-report.ts';
import type { ReplaySortKey } from '../../../core/replays/replay-row-order.ts';
import type { ReplayResult, ReplayRow, Spread } from '../../../core/replays/replay.ts';
import { counted, formatCount } from '../../../core/units.ts';
import { chartSection, metricCharts } from './charts.ts';
import { type Cut, drawWithin } from './cuts.ts';
import { listOf } from './head.ts';
import { latencyChart, spreadFigure, sparkScale } from './latency-figures.ts';
import { markup, type Markup, NOTHING } from './markup.ts';
import { replayColumns, replayDetail } from './replay-columns.ts';
import { accountingTable, replayFacts } from './replay-head.ts';
import { footer, navigation } from './report-page.ts';
import { timeText } from './row-columns.ts';
import { drawTable, type RowTable } from './row-table.ts';
import { type PageParts, pageOf, roomFor } from './shell.ts';

/** What a page shows of a replay. */
export interface ReplayPage {
  readonly replay: ReplayReport;
  /** Digests that are listed, in the order asked for: of its result. */
  readonly rows: readonly ReplayRow[];
  /** What they are in the order of; null for that of the result: most time first. */
  readonly sort: ReplaySortKey | null;
  /** Digests at most. */
  readonly limit: number;
  /** Of the target; null where there are none. */
  readonly metrics: MetricReport | null;
  /** Of this program. */
  readonly version: string;
}

/**
 * A replay as one page of HTML that asks the network for nothing; as small as that of a report, by the same cuts.
 * @param parts the script and the style sheet, as built.
 */
export function replayPage(page: ReplayPage, parts: PageParts): string {
  const rows = Math.min(page.rows.length, page.limit);
  return drawWithin(roomFor(rows), (cut) => draw(page, cut, parts));
}

function draw(page: ReplayPage, cut: Cut, parts: PageParts): string {
  const { replay, rows: all, sort, limit, metrics, version } = page;
  const { result, environment, name } = replay;
  const sides = [{ name: '', rows: result.rows }];
  const latency = latencyChart(sides, result.recordedMs);
  const first = latency === null ? [] : [latency];
  const charts = [...first, ...(metrics === null ? [] : metricCharts(metrics))];
  const scale = sparkScale(sides);
  const rows = all.slice(0, limit);
  const table = drawTable<ReplayRow>(
    {
      id: 'digests',
      heading: `Statements: ${counted(all.length, 'digest')}${rows.length < all.length ? `, the first ${formatCount(rows.length)}` : ''}`,
      intro:
        result.unlisted === 0
          ? NOTHING
          : markup`<p>${counted(result.unlisted, 'statement')} of more digests are not told apart.</p>`,
      none: 'No statement was sent.',
      columns: replayColumns(scale),
      order: orderOf(sort),
      rows,
      detail: (row) => replayDetail(row, [['', row]], scale, cut),
    },
    cut,
  );
  const ended = endText(replay);
  const full = `${environment}/${name}`;
  const body = markup`<header>
      <p class="kind">captures report: a replay</p>
      <h1>${full}</h1>
      ${replayFacts(replay)}
      ${navigation([
        ['accounting', 'Accounting'],
        ['latency', 'Latency'],
        ...(result.checksums.length > 0 ? [['sums', 'Checksums'] as const] : []),
        ['digests-h', 'Statements'],
        ...(charts.length > first.length ? [['metrics', 'Metrics'] as const] : []),
      ])}
    </header>
    <main>
      ${ended === null ? NOTHING : markup`<p class="verdict not_whole">${ended}</p>`}
      <section aria-labelledby="accounting">
        <h2 id="accounting">Accounting</h2>
        ${accountingTable(replay)}
        ${listOf([
          `${counted(result.deadlocks, 'deadlock')}; ${counted(result.brokenOff, 'statement')} broken off without an answer`,
          `Executes: ${formatCount(result.executes.binary)} as binary ones, ${formatCount(result.executes.text)} as text`,
          ...result.warnings,
          ...result.divergence,
        ])}
      </section>
      <section aria-labelledby="latency">
        <h2 id="latency">Latency</h2>
        ${spreads([
          ['Latency', result.latency],
          ['Later than scheduled', result.lateMs],
        ])}
        ${spreadFigure(sides)}
      </section>
      ${sumsOf(result.checksums)}
      ${chartSection('over-time', 'Over the record', first, 0)}
      ${table.section}
      ${chartSection('metrics', 'Metrics of the target', charts.slice(first.length), first.length)}
    </main>
    ${footer(version, cut)}`;
  const data = { charts, tables: [table.data] };
  return pageOf({ title: `${full}: replay`, body, data }, parts);
}

/** Tables as the replay left them. */
function sumsOf(checksums: ReplayResult['checksums']): Markup {
  if (checksums.length === 0) return NOTHING;
  return markup`<section aria-labelledby="sums">
    <h2 id="sums">Checksums: ${counted(checksums.length, 'table')}</h2>
    <div class="scroll" role="region" aria-labelledby="sums" tabindex="0"><table class="sides">
      <thead><tr><th scope="col">Table</th><th scope="col">CHECKSUM TABLE</th></tr></thead>
      <tbody>${checksums.map(({ table, checksum }) => markup`<tr><th scope="row">${table}</th><td>${checksum ?? 'none'}</td></tr>`)}</tbody>
    </table></div>
  </section>`;
}

/** The column that shows the order; null where none does. */
function orderOf(sort: ReplaySortKey | null): RowTable<ReplayRow>['order'] {
  if (sort === 'name') return null;
  const header = ORDERS[sort ?? 'time'];
  return header === undefined ? null : { header, direction: 'descending' };
}

const ORDERS: Readonly<Partial<Record<ReplaySortKey, string>>> = {
  time: 'Total',
  average: 'Average',
  p50: '50 %',
  p95: '95 %',
  p99: '99 %',
  max: 'Longest',
  errors: 'Errors',
  count: 'Answers',
  returned: 'Rows',
  changed: 'Changed',
};

/** Why it did not come to the record's end; null where it did. */
function endText({ result: { ended }, status, reason }: ReplayReport): string | null {
  if ('message' in ended) return `It ended before the record did: ${ended.message}`;
  if (ended.why === 'interrupted') return 'It was ended before the record did';
  return status === 'FAILED' ? `It failed: ${reason ?? 'no reason is known'}` : null;
}

function spreads(all: readonly (readonly [name: string, spread: Spread | null])[]): Markup {
  const rows = all.flatMap(([name, spread]) => (spread === null ? [] : [{ name, spread }]));
  if (rows.length === 0) return NOTHING;
  return markup`<div class="scroll" role="region" aria-labelledby="latency" tabindex="0"><table class="sides">
      <thead><tr><td></td><th scope="col">Average</th><th scope="col">50 %</th><th scope="col">95 %</th><th scope="col">99 %</th><th scope="col">Longest</th></tr></thead>
      <tbody>${rows.map(
        ({ name, spread }) =>
          markup`<tr><th scope="row">${name}</th><td>${timeText(spread.averageMs)}</td><td>${timeText(spread.p50Ms)}</td><td>${timeText(spread.p95Ms)}</td><td>${timeText(spread.p99Ms)}</td><td>${timeText(spread.maxMs)}</td></tr>`,
      )}</tbody>
    </table></div>`;
}
