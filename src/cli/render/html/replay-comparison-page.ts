import type { MetricReport } from '../../../core/metrics/metric-service.ts';
import type { ReplayRow } from '../../../core/replays/replay.ts';
import type {
  ComparedError,
  ComparedLatency,
  ComparedRows,
  OneSidedDigest,
  ReplayComparison,
  ReplayedDigest,
  ReplayHead,
} from '../../../core/reports/replay-comparison.ts';
import { formatCount } from '../../../core/units.ts';
import type { LatencyScale } from '../../../display/latency-shape.ts';
import { signedChange } from '../diff/change-text.ts';
import {
  answersOf,
  commonTexts,
  otherCautions,
  restTexts,
  sideBySide,
  verdictText,
  verdictTone,
} from '../diff/replay-verdict.ts';
import { SKIP_TEXTS } from '../replay/skip-texts.ts';
import { chartSection, comparedMetrics } from './charts.ts';
import { type Cut, drawWithin } from './cuts.ts';
import { listOf, timeMarkup } from './head.ts';
import { latencyChart, spreadFigure, sparkScale } from './latency-figures.ts';
import { markup, type Markup, NOTHING } from './markup.ts';
import {
  numberColumn,
  replayDetail,
  shapeColumn,
  statementColumn,
  textColumn,
} from './replay-columns.ts';
import { optionsText } from './replay-head.ts';
import { footer, navigation } from './report-page.ts';
import { timeText } from './row-columns.ts';
import { drawTable, type TableColumn } from './row-table.ts';
import { type PageParts, pageOf, roomFor } from './shell.ts';

/** What a page shows of two replays. */
export interface ReplayComparisonPage {
  readonly comparison: ReplayComparison;
  /** Of both results: what is drawn of all digests together is of these. */
  readonly rows: { readonly a: readonly ReplayRow[]; readonly b: readonly ReplayRow[] };
  /** Rows of each kind at most. */
  readonly limit: number;
  /** Of both targets; null where one has none. */
  readonly metrics: { readonly a: MetricReport; readonly b: MetricReport } | null;
}

/**
 * What is different between two replays as one page of HTML that asks the network for nothing; as small as that
 * of a report, by the same cuts.
 * @param parts the script and the style sheet, as built.
 */
export function replayComparisonPage(page: ReplayComparisonPage, parts: PageParts): string {
  const { comparison, limit } = page;
  const kinds = [
    comparison.slower,
    comparison.faster,
    comparison.newErrors,
    comparison.goneErrors,
    comparison.errorsOnlyInA,
    comparison.errorsOnlyInB,
    comparison.otherRows,
    comparison.onlyInA,
    comparison.onlyInB,
  ];
  const rows = kinds.reduce((sum, { length }) => sum + Math.min(length, limit), 0);
  return drawWithin(roomFor(rows + comparison.unchanged), (cut) => draw(page, cut, parts));
}

type Table = ReturnType<typeof drawTable>;

function draw(
  { comparison, rows, limit, metrics }: ReplayComparisonPage,
  cut: Cut,
  parts: PageParts,
): string {
  const { a, b, program } = comparison;
  const cautions = otherCautions(comparison);
  const names = { a: `A: ${nameOf(a)}`, b: `B: ${nameOf(b)}` };
  const sides = [
    { name: names.a, rows: rows.a },
    { name: names.b, rows: rows.b },
  ];
  const latency = latencyChart(sides, a.result.recordedMs);
  const first = latency === null ? [] : [latency];
  const charts = [
    ...first,
    ...(metrics === null ? [] : comparedMetrics([names.a, metrics.a], [names.b, metrics.b])),
  ];
  const found = tablesOf(comparison, { limit, scale: sparkScale(sides), cut });
  const places = found.map(
    ({ id, heading, count }) => [`${id}-h`, `${heading} (${formatCount(count)})`] as const,
  );
  const body = markup`<header>
      <p class="kind">captures diff: two replays</p>
      <h1>${nameOf(a)} and ${nameOf(b)}</h1>
      ${navigation([
        ['both', 'Both replays'],
        ['latency', 'Latency'],
        ...places,
        ...(charts.length > first.length ? [['metrics', 'Metrics'] as const] : []),
      ])}
    </header>
    <main>
      <p class="verdict ${VERDICT_CLASSES[verdictTone(comparison)]}">${verdictText(comparison)}</p>
      ${
        cautions.length === 0
          ? NOTHING
          : markup`<section class="caution" aria-label="Cautions">${listOf(cautions)}</section>`
      }
      ${listOf([...commonTexts(comparison), ...restTexts(comparison)])}
      <section aria-labelledby="both">
        <h2 id="both">Both replays</h2>
        ${sidesTable(comparison)}
      </section>
      <section aria-labelledby="latency">
        <h2 id="latency">Latency</h2>
        ${spreadFigure(sides)}
      </section>
      ${chartSection('over-time', 'Over the record', first, 0)}
      ${found.map(({ table }) => table.section)}
      ${sumsOf(comparison)}
      ${chartSection('metrics', 'Metrics of the targets', charts.slice(first.length), first.length)}
    </main>
    ${footer(program.version, cut)}`;
  const data = { charts, tables: found.map(({ table }) => table.data) };
  return pageOf({ title: `${nameOf(a)} and ${nameOf(b)}: diff`, body, data }, parts);
}

const VERDICT_CLASSES = { bad: 'not_whole', busy: 'doubtful', good: 'whole' } as const;

/** `next/friday-again`. */
function nameOf({ environment, name }: ReplayHead): string {
  return `${environment}/${name}`;
}

function sidesTable(comparison: ReplayComparison): Markup {
  const { a, b } = comparison;
  const row = (name: string, cell: (side: ReplayHead) => Markup | string): Markup =>
    markup`<tr><th scope="row">${name}</th><td class="words">${cell(a)}</td><td class="words">${cell(b)}</td><td></td></tr>`;
  return markup`<div class="scroll" role="region" aria-labelledby="both" tabindex="0"><table class="sides">
      <thead><tr><td></td><th scope="col">A: ${nameOf(a)}</th><th scope="col">B: ${nameOf(b)}</th><th scope="col">Change</th></tr></thead>
      <tbody>
        ${row('Target', ({ replay: { target } }) => (target === null ? 'unknown' : `${target.flavor} ${target.version}`))}
        ${row('Record', ({ replay: { source } }) => `${source.environmentName}/${source.captureName}`)}
        ${row('How', ({ replay: { options } }) => optionsText(options))}
        ${row('Start', ({ start }) => (start === null ? 'unknown' : timeMarkup(start)))}
        ${sideBySide(comparison, { ascii: false }).map(({ name, a: ofA, b: ofB, change }) => {
          const label = name.startsWith('  ')
            ? markup`<th scope="row" class="part">${name.trim()}</th>`
            : markup`<th scope="row">${name.charAt(0).toUpperCase()}${name.slice(1)}</th>`;
          return markup`<tr>${label}<td>${ofA}</td><td>${ofB}</td><td>${change}</td></tr>`;
        })}
      </tbody>
    </table></div>`;
}

interface How {
  readonly limit: number;
  readonly scale: LatencyScale | null;
  readonly cut: Cut;
}

interface NamedTable {
  readonly id: string;
  readonly heading: string;
  readonly count: number;
  readonly table: Table;
}

function tablesOf(comparison: ReplayComparison, how: How): NamedTable[] {
  const { slower, faster, newErrors, goneErrors, errorsOnlyInA, errorsOnlyInB } = comparison;
  const { otherRows, onlyInA, onlyInB, unchangedRows } = comparison;
  const { common } = comparison;
  const latencies = latencyColumns(how.scale, (common?.together ?? 0) > 0);
  const [same, why] =
    common?.isChange === true
      ? ['Unchanged', 'beside the others']
      : ['As fast', 'by less than counts, or than chance makes'];
  const errors: TableColumn<ComparedError>[] = [
    statementColumn(),
    textColumn('Error', ({ code, mayBeChance }) => `${code}${mayBeChance ? '?' : ''}`),
    numberColumn('In A', '', ({ failedInA }) => failedInA),
    numberColumn('In B', '', ({ failedInB }) => failedInB),
    numberColumn('Answers', 'Of the statement', answersOf),
    textColumn('Message', ({ message }) => message ?? ''),
  ];
  const rows: TableColumn<ComparedRows>[] = [
    statementColumn(),
    numberColumn('A rows', 'Rows that came back', ({ returned }) => returned.a),
    numberColumn('B rows', 'Rows that came back', ({ returned }) => returned.b),
    numberColumn('A changed', 'Rows that were changed', ({ changed }) => changed.a),
    numberColumn('B changed', 'Rows that were changed', ({ changed }) => changed.b),
    numberColumn('Sent', '', ({ b }) => b?.sent ?? null),
    textColumn('', ({ mayBeChance }) => (mayBeChance ? 'may be chance' : '')),
  ];
  const oneSided: TableColumn<OneSidedDigest>[] = [
    statementColumn(),
    numberColumn('Count', '', ({ statements }) => statements),
    textColumn('Why not in the other', ({ why }) =>
      why === null ? 'not listed' : SKIP_TEXTS[why],
    ),
  ];
  const few = { ...how, limit: Math.min(how.limit, how.cut.rows) };
  return [
    tableOf('slower', 'Slower', 'in B', slower, latencies, how),
    tableOf('errors', 'New errors', 'in B', newErrors, errors, how),
    ...optional(tableOf('errors-b', 'Errors', 'of what only B sent', errorsOnlyInB, errors, how)),
    tableOf('rows', 'Other rows', 'though sent as often', otherRows, rows, how),
    tableOf('faster', 'Faster', 'in B', faster, latencies, how),
    ...optional(tableOf('gone', 'Gone errors', 'in A, and not in B', goneErrors, errors, how)),
    ...optional(tableOf('errors-a', 'Errors', 'of what only A sent', errorsOnlyInA, errors, how)),
    ...optional(tableOf('only-a', 'Only in A', 'was sent', onlyInA, oneSided, how)),
    ...optional(tableOf('only-b', 'Only in B', 'was sent', onlyInB, oneSided, how)),
    ...optional(tableOf('same', same, why, unchangedRows, latencies, few)),
  ];
}

function optional(table: NamedTable): NamedTable[] {
  return table.count === 0 ? [] : [table];
}

function tableOf<Row extends ReplayedDigest>(
  id: string,
  heading: string,
  what: string,
  all: readonly Row[],
  columns: readonly TableColumn<Row>[],
  { limit, scale, cut }: How,
): NamedTable {
  const rows = all.slice(0, limit);
  const first = rows.length < all.length ? `, the first ${formatCount(rows.length)}` : '';
  const table = drawTable<Row>(
    {
      id,
      heading: `${heading} ${what}: ${formatCount(all.length)}${first}`,
      intro: NOTHING,
      none: 'None.',
      columns,
      order: null,
      rows,
      detail: (row) =>
        replayDetail(
          row,
          [
            ['A', row.a],
            ['B', row.b],
          ],
          scale,
          cut,
        ),
    },
    cut,
  );
  return { id, heading, count: all.length, table };
}

function latencyColumns(
  scale: LatencyScale | null,
  isBeside: boolean,
): TableColumn<ComparedLatency>[] {
  const ms = (
    header: string,
    side: 'a' | 'b',
    of: (row: ReplayRow) => number,
  ): TableColumn<ComparedLatency> =>
    numberColumn(
      `${side.toUpperCase()}${header}`,
      header === '' ? 'Average of all answers' : '',
      (row) => {
        const one = row[side];
        return one === null ? null : of(one);
      },
      timeText,
    );
  return [
    statementColumn(),
    ms('', 'a', ({ averageMs }) => averageMs),
    ms('', 'b', ({ averageMs }) => averageMs),
    numberColumn(
      'Change',
      'Of the average, B compared with A',
      ({ change }) => change,
      signedChange,
    ),
    ...(isBeside
      ? [
          numberColumn<ComparedLatency>(
            'Judged',
            'The change in a usual part of the record, beside what all digests have in common',
            ({ judged }) => judged,
            signedChange,
          ),
        ]
      : []),
    shapeColumn(scale, 'How long answers took, A above B, on a logarithmic scale'),
    ms(' 95 %', 'a', ({ p95Ms }) => p95Ms),
    ms(' 95 %', 'b', ({ p95Ms }) => p95Ms),
    ms(' 99 %', 'a', ({ p99Ms }) => p99Ms),
    ms(' 99 %', 'b', ({ p99Ms }) => p99Ms),
    numberColumn('Count', 'Answers in B', ({ b }) => b?.count ?? null),
  ];
}

function sumsOf({ checksums }: ReplayComparison): Markup {
  const { tables, other, incomparable } = checksums;
  if (tables === 0 || incomparable !== null || other.length === 0) return NOTHING;
  return markup`<section aria-labelledby="sums">
    <h2 id="sums">Tables with another sum: ${formatCount(other.length)} of ${formatCount(tables)}</h2>
    <div class="scroll" role="region" aria-labelledby="sums" tabindex="0"><table class="sides">
      <thead><tr><th scope="col">Table</th><th scope="col">A</th><th scope="col">B</th></tr></thead>
      <tbody>${other.map(({ table, a, b }) => markup`<tr><th scope="row">${table}</th><td>${a ?? 'none'}</td><td>${b ?? 'none'}</td></tr>`)}</tbody>
    </table></div>
  </section>`;
}
