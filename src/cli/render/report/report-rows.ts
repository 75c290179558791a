import type { NamedCount, Report, ReportRow } from '../../../core/reports/report.ts';
import { formatCount } from '../../../core/units.ts';
import { escapeText } from '../../../display/escape.ts';
import { localTime } from '../moments.ts';
import { layoutRows, READABLE, type RowColumn } from './row-layout.ts';
import { cut, rateLine, type ReportView } from './report-view.ts';
import { columnRates, drawnWindow } from '../../../display/slice-rates.ts';
import { rateText } from '../../../display/report-numbers.ts';
import { OTHER, otherRow } from './report-unlisted.ts';
import { sorted } from './row-order.ts';
import { timeColumns } from './row-times.ts';
import { UNNAMED } from '../../../display/unnamed-rows.ts';

/** Hex digits of a digest that are shown: enough to ask for it. */
export const SHOWN_DIGITS = 8;
const BAR_WIDTH = 8;
const BARS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** The rows of a report: the numbers of each in a line, and below them its statement. */
export function renderReportRows(report: Report, view: ReportView): string[] {
  const other = otherRow(report);
  const rows = other === null ? report.rows : [...report.rows, other];
  if (rows.length === 0) return [];
  const { header, lines } = layoutRows(
    columnsOf({ ...report, rows }, other, view),
    view.width,
    view,
  );
  return [
    view.paint('strong', header),
    ...rows.flatMap((row, index) => {
      const line = lines[index] ?? '';
      if (row === other && report.by === 'digest')
        return [line, view.paint('dim', otherLine(report))];
      return row.text === null ? [line] : [line, statementLine(row, report, view)];
    }),
  ];
}

function otherLine({ digests }: Report): string {
  return `    ${OTHER}  all but the ${formatCount(digests)} digests that are told apart`;
}

/** `shop: `, where statements are of several databases: one text may be of each. */
export function databaseBefore({ db }: Pick<ReportRow, 'db'>, dbs: Report['dbs']): string {
  return dbs.length > 1 && db !== null ? `${db}: ` : '';
}

/** `    a1b2c3d4  SELECT …` cut to the width. */
function statementLine({ digest, text, db }: ReportRow, report: Report, view: ReportView): string {
  const id = (digest ?? '').slice(0, SHOWN_DIGITS);
  const where = escapeText(databaseBefore({ db }, report.dbs));
  const room = view.width - 4 - id.length - 2;
  const words = cut(`${where}${escapeText(text ?? '')}`, Math.max(room, 10), view);
  return `    ${view.paint('dim', id)}  ${words}`.trimEnd();
}

/** @param other the row among them that has neither a number nor a time. */
function columnsOf(report: Report, other: ReportRow | null, view: ReportView): RowColumn[] {
  const { rows, by } = report;
  const all = (of: (row: ReportRow, index: number) => string): string[] => rows.map(of);
  const right = (header: string, weight: number, cells: string[]): RowColumn => ({
    header,
    cells,
    align: 'right',
    least: null,
    weight,
  });
  const columns: RowColumn[] = [
    right(
      '#',
      90,
      all((row, index) => (row === other ? '' : String(index + 1))),
    ),
  ];
  if (by !== 'digest') columns.push(nameColumn(report));
  const byTime = report.sort === 'time' ? report.coverage.timesMs : null;
  if (byTime !== null && byTime > 0) {
    const ofTime = ({ times }: ReportRow): string =>
      times === null ? '-' : percentText(Math.min(times.totalMs / byTime, 1));
    columns.push(right('TIME %', 100, all(ofTime)), barColumn(report, view));
  }
  columns.push(
    right(
      'SHARE',
      byTime === null ? 100 : 19,
      all(({ share }) => percentText(share)),
    ),
    ...(byTime === null ? [barColumn(report, view)] : []),
    right(
      sorted('COUNT', 'count', report, view),
      95,
      all(({ count }) => formatCount(count)),
    ),
    right(
      sorted('PER S', 'rate', report, view),
      94,
      all(({ perSecond }) => rateText(perSecond)),
    ),
  );
  if (rows.some(({ times }) => times !== null)) columns.push(...timeColumns(report, view));
  columns.push(...momentColumn(report, view));
  const when = whenColumn(report, view);
  if (when !== null) columns.push(when);
  columns.push(...ownColumns(report, view));
  return columns;
}

const NAME_HEADERS: Readonly<Record<Report['by'], string>> = {
  digest: 'DIGEST',
  table: 'TABLE',
  user: 'USER',
  host: 'HOST',
  db: 'DATABASE',
  class: 'CLASS',
  session: 'SESSION',
};

function nameColumn({ rows, by }: Report): RowColumn {
  return {
    header: NAME_HEADERS[by],
    cells: rows.map(({ name }) => (name === null ? UNNAMED[by] : escapeText(name))),
    align: 'left',
    least: 20,
    weight: 99,
  };
}

/** When rows were first or last, where they are in that order. */
function momentColumn({ rows, sort }: Report, view: ReportView): RowColumn[] {
  if (sort !== 'first' && sort !== 'last') return [];
  return [
    {
      header: `${view.ascii ? 'v' : '↓'}${sort.toUpperCase()}`,
      cells: rows.map((row) =>
        row[sort] === '' ? '-' : localTime(Date.parse(row[sort]), view.zone).slice(11),
      ),
      align: 'right',
      least: null,
      weight: 93,
    },
  ];
}

/** How long a row is beside the longest: by time where the rows are sorted by that, else by count. */
function barColumn({ rows, sort }: Report, view: ReportView): RowColumn {
  const sizes = rows.map(({ count, times }) => (sort === 'time' ? (times?.totalMs ?? 0) : count));
  const most = sizes.reduce((highest, size) => Math.max(highest, size), Number.MIN_VALUE);
  return {
    header: '',
    cells: sizes.map((size) => bar(size / most, view).padEnd(BAR_WIDTH)),
    align: 'left',
    least: null,
    weight: 20,
  };
}

function bar(share: number, { ascii }: ReportView): string {
  if (ascii) return '#'.repeat(Math.round(share * BAR_WIDTH));
  const eighths = Math.round(share * BAR_WIDTH * 8);
  return '█'.repeat(Math.floor(eighths / 8)) + (BARS[eighths % 8] ?? '');
}

function whenColumn(report: Report, view: ReportView): RowColumn | null {
  const window = drawnWindow(report);
  if (window === null) return null;
  const { rows } = report;
  const frame = view.ascii ? 2 : 0;
  const draw = (width: number): string[] =>
    rows.map(({ slices }) => {
      const line = rateLine(columnRates(slices, window, Math.max(width - frame, 1)), view);
      return view.ascii ? `|${line}|` : line;
    });
  return {
    header: 'WHEN',
    cells: rows.map(() => ''),
    align: 'left',
    least: 8 + frame,
    weight: 60,
    drawn: { most: view.width >= 110 ? 32 : 16, draw },
  };
}

/** What rows of one dimension have besides. */
function ownColumns({ rows, by, coverage }: Report, view: ReportView): RowColumn[] {
  const names = (
    header: string,
    weight: number,
    of: (row: ReportRow) => readonly NamedCount[],
    unnamed: string,
  ): RowColumn => ({
    header,
    cells: rows.map((row) => shortList(of(row), unnamed)),
    align: 'left',
    // The statement below a digest names its tables; elsewhere half a name is of no use.
    least: by === 'digest' ? 8 : READABLE,
    weight,
  });
  const users = (weight: number): RowColumn =>
    names('USERS', weight, (row) => row.users, UNNAMED.user);
  const hosts = (weight: number): RowColumn =>
    names('HOSTS', weight, (row) => row.hosts, UNNAMED.host);
  const tables = (weight: number): RowColumn => names('TABLES', weight, withoutDefault, '');
  const number = (header: string, weight: number, of: (row: ReportRow) => string): RowColumn => ({
    header,
    cells: rows.map(of),
    align: 'right',
    least: null,
    weight,
  });
  // Of digests that are not told apart it is not known whether they are in a row.
  const more = coverage.unlisted.digests > 0 ? '+' : '';
  const digests = number('DIGESTS', 30, (row) =>
    row.digests === null ? '-' : `${formatCount(row.digests)}${more}`,
  );
  switch (by) {
    case 'digest':
      return [users(40), tables(35)];
    case 'table': {
      const own = (access: 'reads' | 'writes') => (row: ReportRow) =>
        row.first === ''
          ? '-'
          : formatCount(row.tables.find(({ name }) => name === row.name)?.[access] ?? 0);
      return [
        number('READS', 70, own('reads')),
        number('WRITES', 70, own('writes')),
        digests,
        users(28),
      ];
    }
    case 'user':
      return [hosts(40), digests, tables(28)];
    case 'host':
      return [users(40), digests, tables(28)];
    case 'db':
    case 'class':
      return [digests, users(29), tables(28)];
    case 'session': {
      const moment = (at: string | null): string =>
        at === null ? '-' : localTime(Date.parse(at), view.zone).slice(11);
      return [
        users(40),
        hosts(35),
        number('LOGIN', 38, ({ opened }) => moment(opened)),
        number('END', 37, ({ closed }) => moment(closed)),
      ];
    }
  }
}

/** The tables of a row, those of its default database without the name of that. */
function withoutDefault({ tables, db }: ReportRow): NamedCount[] {
  return tables.map(({ name, count }) => {
    const isThere = db !== null && name?.startsWith(`${db}.`) === true;
    return { name: isThere ? name.slice(db.length + 1) : name, count };
  });
}

/** `app`, `app +2`: the first, and how many more there are. */
function shortList(names: readonly NamedCount[], unnamed: string): string {
  const [first] = names;
  if (first === undefined) return '';
  const name = first.name === null ? unnamed : escapeText(first.name);
  return names.length === 1 ? name : `${name} +${names.length - 1}`;
}

/** `34.0 %`; `<0.1 %` for what is not nothing. */
export function percentText(share: number): string {
  const percent = share * 100;
  if (percent > 0 && percent < 0.05) return '<0.1 %';
  return `${percent.toFixed(1)} %`;
}
