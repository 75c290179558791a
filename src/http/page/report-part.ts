import type { NamedCount, ReportRow, SortKey } from '../../core/reports/report.ts';
import { counted, formatCount } from '../../core/units.ts';
import { enliven } from '../../display/browser/live-table.ts';
import { drawChart, type DrawnChart } from '../../display/browser/line-chart.ts';
import { escapeLines, escapeText } from '../../display/escape.ts';
import { rateChart } from '../../display/rate-chart.ts';
import {
  lengthText,
  millisecondsText,
  rateText,
  roundedShare,
} from '../../display/report-numbers.ts';
import { drawnWindow } from '../../display/slice-rates.ts';
import { highestOf, sparkRates, sparkText } from '../../display/sparks.ts';
import type { RowDetail } from '../../display/table-data.ts';
import { UNNAMED } from '../../display/unnamed-rows.ts';
import { el, fact } from './elements.ts';
import { isAbort } from './page-api.ts';
import type { PageContext } from './page-view.ts';
import { readingProgress } from './reading-progress.ts';
import { wholeTime } from './shown-times.ts';
import type { ReadingEvent, ReportAnswer } from './wire-data.ts';

/** Digests in the table. */
const ROWS = 100;
/** Longer texts are cut: a browser that has to lay out a megabyte answers nothing meanwhile. */
const LONGEST_TEXT = 20_000;
const LONGEST_IN_TABLE = 300;
const UNITS = { ascii: false };

/** What a workload was: counted when it is looked at. */
export function reportPart({ api }: PageContext, path: string) {
  const controller = new AbortController();
  const { signal } = controller;
  const progress = readingProgress('Counting the statements …');
  const element = el('div', { class: 'report' }, progress.element);
  let chart: DrawnChart | null = null;

  const read = async (): Promise<void> => {
    const query = { limit: String(ROWS) };
    const run = api.follow<ReadingEvent, ReportAnswer>('GET', `${path}/report`, { query, signal });
    try {
      const report = await progress.until(run);
      element.replaceChildren(...reportElements(report));
      const figure = element.querySelector('figure');
      const data = rateChart(report);
      if (figure !== null && data !== null) {
        chart = drawChart({ ...data, clock: 'viewer' }, figure, 'first');
      }
      for (const table of element.querySelectorAll<HTMLTableElement>('table.rows')) {
        enliven({ id: table.id, keys: keysOf(report), details: detailsOf(report) });
      }
    } catch (error) {
      if (!isAbort(error)) progress.fail(error);
    }
  };
  void read();
  return {
    element,
    redraw: () => chart?.redraw(),
    leave: () => {
      controller.abort();
      chart?.remove();
    },
  };
}

function reportElements(report: ReportAnswer): HTMLElement[] {
  const { verdict, window, rows, otherRows } = report;
  const others =
    otherRows.rows === 0
      ? ''
      : ` ${counted(otherRows.rows, 'more digest')} with ${counted(otherRows.statements, 'statement')} are not in this table.`;
  return [
    el('p', { class: `verdict ${verdict.verdict}` }, verdict.line),
    ...sentences(verdict.problems.map(({ what }) => what)),
    ...sentences(verdict.notes),
    el(
      'dl',
      { class: 'facts' },
      bigFact('Statements', formatCount(report.statements)),
      bigFact('Rate', `${rateText(report.perSecond)}/s`),
      bigFact('Digests', formatCount(report.digests)),
      bigFact('Sessions', formatCount(report.sessions.seen)),
      bigFact('Window', lengthText(window.seconds * 1_000, UNITS)),
      ...(window.from === null ? [] : [fact('From', wholeTime(window.from))]),
      ...(window.to === null ? [] : [fact('To', wholeTime(window.to))]),
    ),
    el(
      'section',
      {},
      el('h2', {}, 'Statements a second'),
      report.gaps.length === 0 ? null : el('p', { class: 'soft' }, gapsText(report.gaps.length)),
      el('figure'),
    ),
    el(
      'section',
      { 'aria-labelledby': 'statements-h' },
      el('h2', { id: 'statements-h' }, 'Top statements'),
      el('p', { class: 'soft' }, `A row opens with its whole text and an example.${others}`),
      rows.length === 0 ? el('p', {}, 'No statements.') : statementTable(report),
    ),
    el(
      'div',
      { class: 'counts' },
      countTable('Classes', report.byClass, report.statements, UNNAMED.class),
      countTable('Tables', report.tables, report.statements, UNNAMED.table),
      countTable('Users', report.users, report.statements, UNNAMED.user),
      countTable('Hosts', report.hosts, report.statements, UNNAMED.host),
      countTable('Databases', report.dbs, report.statements, UNNAMED.db),
    ),
  ];
}

function gapsText(gaps: number): string {
  return `${counted(gaps, 'gap')} in the record: statements may be missing where it is shaded.`;
}

function sentences(texts: readonly string[]): HTMLElement[] {
  if (texts.length === 0) return [];
  return [el('ul', {}, ...texts.map((text) => el('li', {}, text)))];
}

function bigFact(name: string, value: string): HTMLElement {
  const element = fact(name, value);
  element.lastElementChild?.classList.add('big');
  return element;
}

/** A column of numbers. */
interface NumberColumn {
  readonly header: string;
  /** What the report may be ordered by. */
  readonly sort: SortKey;
  readonly value: (row: ReportRow) => number | null;
  readonly text: (value: number) => string;
}

const COUNTS: readonly NumberColumn[] = [
  { header: 'Count', sort: 'count', value: ({ count }) => count, text: formatCount },
  { header: 'Share', sort: 'count', value: ({ share }) => share, text: roundedShare },
  {
    header: 'Rate',
    sort: 'rate',
    value: ({ perSecond }) => perSecond,
    text: (value) => `${rateText(value)}/s`,
  },
];
const TIMES: readonly NumberColumn[] = [
  {
    header: 'Average',
    sort: 'average',
    value: ({ times }) => times?.averageMs ?? null,
    text: (value) => millisecondsText(value, UNITS),
  },
  {
    header: 'Total',
    sort: 'time',
    value: ({ times }) => times?.totalMs ?? null,
    text: (value) => lengthText(value, UNITS),
  },
];

/** Those of times where the server said how long any of them took. */
function numberColumns({ rows }: ReportAnswer): NumberColumn[] {
  return [...COUNTS, ...(rows.some(({ times }) => times !== null) ? TIMES : [])];
}

function statementTable(report: ReportAnswer): HTMLElement {
  const columns = numberColumns(report);
  const ordered = columns.find(({ sort }) => sort === report.sort)?.header;
  const header = (text: string, kind: string): HTMLElement => {
    const sort = text === ordered ? 'descending' : null;
    return el('th', { scope: 'col', class: kind, 'data-kind': kind, 'aria-sort': sort }, text);
  };
  const lines = report.rows.map((row) => {
    const numbers = columns.map(({ value, text }) => {
      const number = value(row);
      return el('td', { class: 'number' }, number === null ? '' : text(number));
    });
    const statement = el('code', {}, oneLine(row.text ?? row.name ?? UNNAMED[report.by]));
    return el('tr', {}, el('td', {}, statement), ...numbers, el('td'));
  });
  return el(
    'div',
    { class: 'scroll', role: 'region', 'aria-labelledby': 'statements-h', tabindex: 0 },
    el(
      'table',
      { id: 'statements', class: 'rows' },
      el(
        'thead',
        {},
        el(
          'tr',
          {},
          header('Statement', 'code'),
          ...columns.map((column) => header(column.header, 'number')),
          header('When', 'when'),
        ),
      ),
      el('tbody', {}, ...lines),
    ),
  );
}

/** What the table is sorted by, column by column. */
function keysOf(report: ReportAnswer) {
  const numbers = numberColumns(report).map(({ value }) => report.rows.map(value));
  return [null, ...numbers, null];
}

/** What rows show when they are opened, and when their statements came. */
function detailsOf(report: ReportAnswer): RowDetail[] {
  const window = drawnWindow(report);
  const rates = report.rows.map(({ slices }) => sparkRates(slices, window));
  return report.rows.map((row, index) => {
    const own = rates[index] ?? [];
    return { ...detailOf(row), sparks: [sparkText(own, highestOf(own))] };
  });
}

/** Everything in it is made safe to show. */
function detailOf(row: ReportRow): Omit<RowDetail, 'sparks'> {
  const { example, users, hosts, tables, times, first, last } = row;
  const facts: [string, string][] = [];
  const add = (name: string, text: string): void => {
    if (text !== '') facts.push([name, escapeText(text)]);
  };
  add('Digest', row.digest ?? '');
  add('Database', row.db ?? '');
  add('Class', row.class ?? UNNAMED.class);
  add('Tables', namesText(tables, UNNAMED.table));
  add('Users', namesText(users, UNNAMED.user));
  add('Hosts', namesText(hosts, UNNAMED.host));
  if (times !== null) {
    add('Rows examined', formatCount(times.rowsExamined));
    add('Rows sent', formatCount(times.rowsSent));
    add('Errors', formatCount(times.errors));
  }
  const texts: [string, string][] = [];
  if (row.text !== null) texts.push(['Statement', shortened(row.text)]);
  if (example !== null) {
    const cut = example.isCut ? ' (its beginning)' : '';
    texts.push([`Example${cut}`, shortened(example.sql)]);
  }
  return {
    facts,
    times: [
      ['First', first],
      ['Last', last],
    ],
    texts,
  };
}

function namesText(names: readonly NamedCount[], unnamed: string): string {
  return names.map(({ name, count }) => `${name ?? unnamed} ${formatCount(count)}`).join(', ');
}

function shortened(text: string): string {
  if (text.length <= LONGEST_TEXT) return escapeLines(text);
  return `${escapeLines(text.slice(0, LONGEST_TEXT))}\n… ${formatCount(text.length - LONGEST_TEXT)} more characters`;
}

function oneLine(text: string): string {
  const start = text
    .slice(0, 4 * LONGEST_IN_TABLE)
    .replaceAll(/\s+/g, ' ')
    .trim();
  return start.length > LONGEST_IN_TABLE || text.length > 4 * LONGEST_IN_TABLE
    ? `${start.slice(0, LONGEST_IN_TABLE)}…`
    : start;
}

/** Names with their counts, and a bar for each. */
function countTable(
  title: string,
  counts: readonly NamedCount[],
  of: number,
  unnamed: string,
): HTMLElement {
  return el(
    'table',
    {},
    el('caption', {}, title),
    el(
      'thead',
      { class: 'unseen' },
      el(
        'tr',
        {},
        ...['Name', 'Statements', 'Share'].map((text) => el('th', { scope: 'col' }, text)),
      ),
    ),
    el(
      'tbody',
      {},
      ...counts.map(({ name, count }) => {
        const share = of === 0 ? 0 : count / of;
        return el(
          'tr',
          {},
          el('th', { scope: 'row' }, name ?? unnamed),
          el('td', { class: 'number' }, formatCount(count)),
          el(
            'td',
            { class: 'share' },
            el('meter', { min: 0, max: 1, value: Math.min(share, 1), 'aria-hidden': 'true' }),
            el('span', {}, roundedShare(share)),
          ),
        );
      }),
    ),
  );
}
