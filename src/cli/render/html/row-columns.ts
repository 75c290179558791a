import type {
  Dimension,
  NamedCount,
  Report,
  ReportRow,
  SortKey,
  TableCount,
} from '../../../core/reports/report.ts';
import { counted, formatCount, formatUtc } from '../../../core/units.ts';
import { cutText, type Cut } from './cuts.ts';
import { escapeLines, escapeText } from '../../../display/escape.ts';
import { databaseBefore, percentText } from '../report/report-rows.ts';
import { sharedMark } from '../report/row-times.ts';
import { shownOrder } from '../report/row-order.ts';
import { lengthText, millisecondsText, rateText } from '../../../display/report-numbers.ts';
import { type DrawnWindow } from '../../../display/slice-rates.ts';
import type { RowDetail } from '../../../display/table-data.ts';
import type { RowTable, TableColumn } from './row-table.ts';
import { highestOf, sparkRates, sparkText } from '../../../display/sparks.ts';
import { UNNAMED } from '../../../display/unnamed-rows.ts';

/** What a dimension is called: one, and all of it. */
export const DIMENSION_WORDS: Readonly<Record<Dimension, readonly [one: string, all: string]>> = {
  digest: ['Statement', 'Statements'],
  table: ['Table', 'Tables'],
  user: ['User', 'Users'],
  host: ['Host', 'Hosts'],
  db: ['Database', 'Databases'],
  class: ['Class', 'Classes'],
  session: ['Session', 'Sessions'],
};

/** `1.25ms` */
export function timeText(ms: number): string {
  return millisecondsText(ms, { ascii: false });
}

type ReportColumn = TableColumn<ReportRow>;

const NUMBER = { kind: 'number', about: '' } as const;
const TEXT = { kind: 'text', about: '', key: null } as const;

const COUNT: ReportColumn = {
  ...NUMBER,
  header: 'Count',
  cell: ({ count }) => formatCount(count),
  key: ({ count }) => count,
};
const SHARE: ReportColumn = {
  ...NUMBER,
  header: 'Share',
  about: 'Of all statements of the report',
  cell: ({ share }) => percentText(share),
  key: ({ share }) => share,
};
const RATE: ReportColumn = {
  ...NUMBER,
  header: 'Rate',
  about: 'Statements a second, on average over the window',
  cell: ({ perSecond }) => `${rateText(perSecond)}/s`,
  key: ({ perSecond }) => perSecond,
};
const WHEN: ReportColumn = {
  kind: 'when',
  header: 'When',
  about: 'The rate over the window',
  cell: () => '',
  key: null,
};
const AVERAGE: ReportColumn = {
  ...NUMBER,
  header: 'Average',
  about: 'Average time of one execution, by the server',
  cell: ({ times }) => (times === null ? '' : `${timeText(times.averageMs)}${sharedMark(times)}`),
  key: ({ times }) => times?.averageMs ?? null,
};
const TOTAL: ReportColumn = {
  ...NUMBER,
  header: 'Total',
  about: 'Time of all executions, by the server',
  cell: ({ times }) =>
    times === null ? '' : `${lengthText(times.totalMs, { ascii: false })}${sharedMark(times)}`,
  key: ({ times }) => times?.totalMs ?? null,
};
const EXAMINED: ReportColumn = {
  ...NUMBER,
  header: 'Rows read',
  about: 'Rows examined by all executions, by the server',
  cell: ({ times }) => (times === null ? '' : formatCount(times.rowsExamined)),
  key: ({ times }) => times?.rowsExamined ?? null,
};

/** A row's part of all time that the server measured. */
function shareOfTime(timesMs: number): ReportColumn {
  const of = ({ times }: ReportRow): number | null =>
    times === null ? null : Math.min(times.totalMs / timesMs, 1);
  return {
    ...NUMBER,
    header: 'Time %',
    about: 'Of all time that the server measured',
    cell: (row) => {
      const share = of(row);
      return share === null ? '' : percentText(share);
    },
    key: of,
  };
}

/** The columns of a table of rows: what they have in common, numbers, and what they are made of. */
export function columnsFor({
  by,
  rows,
  dbs,
  coverage: { timesMs },
}: Pick<Report, 'by' | 'rows' | 'dbs' | 'coverage'>): ReportColumn[] {
  const times = rows.some((row) => row.times !== null)
    ? [
        AVERAGE,
        TOTAL,
        ...(timesMs === null || timesMs <= 0 ? [] : [shareOfTime(timesMs)]),
        EXAMINED,
      ]
    : [];
  const name: ReportColumn =
    by === 'digest'
      ? {
          ...TEXT,
          kind: 'code',
          header: 'Statement',
          cell: (row) => `${databaseBefore(row, dbs)}${row.text ?? UNNAMED.digest}`,
        }
      : { ...TEXT, header: DIMENSION_WORDS[by][0], cell: (row) => row.name ?? UNNAMED[by] };
  const numbers = [name, COUNT, SHARE, RATE, WHEN, ...times];
  const reads = rowsSum('Reads', 'reads');
  const writes = rowsSum('Writes', 'writes');
  switch (by) {
    case 'digest':
      return [
        ...numbers,
        listed('Users', (row) => row.users),
        listed('Tables', (row) => row.tables),
      ];
    case 'table':
      return [...numbers, reads, writes, listed('Users', (row) => row.users), digestsOfRow];
    case 'session':
      return [
        ...numbers,
        listed('User', (row) => row.users),
        listed('Host', (row) => row.hosts),
        { ...TEXT, header: 'Logged in', cell: ({ opened }) => timeOrNot(opened) },
        { ...TEXT, header: 'Ended', cell: ({ closed }) => timeOrNot(closed) },
      ];
    case 'user':
    case 'host':
    case 'db':
    case 'class':
      return [
        ...numbers,
        ...(by === 'user' ? [] : [listed('Users', (row) => row.users)]),
        ...(by === 'host' ? [] : [listed('Hosts', (row) => row.hosts)]),
        listed('Tables', (row) => row.tables),
        digestsOfRow,
      ];
  }
}

/** Instead of a name that nobody knows. */
const UNKNOWN = UNNAMED.user;

/** The column that shows the order of a report; null where none does. */
export function orderOf(
  report: Pick<Report, 'sort' | 'by' | 'coverage'>,
): RowTable<ReportRow>['order'] {
  const { by } = report;
  const sort = shownOrder(report);
  const header = ORDERS[sort];
  if (sort === 'name') return { header: DIMENSION_WORDS[by][0], direction: 'ascending' };
  return header === undefined ? null : { header, direction: 'descending' };
}

const ORDERS: Readonly<Partial<Record<SortKey, string>>> = {
  count: COUNT.header,
  time: TOTAL.header,
  average: AVERAGE.header,
  examined: EXAMINED.header,
};

const digestsOfRow: ReportColumn = {
  ...NUMBER,
  header: 'Digests',
  cell: ({ digests }) => (digests === null ? '' : formatCount(digests)),
  key: ({ digests }) => digests,
};

/** Reads or writes of the table that a row is of: the first of its tables. */
function rowsSum(header: string, access: 'reads' | 'writes'): ReportColumn {
  const of = ({ tables, name }: ReportRow): number | null =>
    tables.find((table) => table.name === name)?.[access] ?? null;
  return {
    ...NUMBER,
    header,
    cell: (row) => {
      const count = of(row);
      return count === null ? '' : formatCount(count);
    },
    key: of,
  };
}

function listed(header: string, of: (row: ReportRow) => readonly NamedCount[]): ReportColumn {
  return {
    ...TEXT,
    header,
    cell: (row) => firstOf(of(row)),
  };
}

/** `app +2`: the first of some names, and how many more there are. */
export function firstOf([first, ...others]: readonly NamedCount[]): string {
  if (first === undefined) return '';
  return `${first.name ?? UNKNOWN}${others.length === 0 ? '' : ` +${others.length}`}`;
}

function timeOrNot(time: string | null): string {
  return time === null ? '' : formatUtc(time);
}

/** What a row shows when it is opened. @param window of its report; null where nothing was recorded. */
export function detailOf(row: ReportRow, cut: Cut, window: DrawnWindow | null): RowDetail {
  const rates = sparkRates(row.slices, window);
  const highest = highestOf(rates);
  return {
    ...aboutRow(row, cut),
    facts: [...factsOf(row, cut), ['Highest rate', `${rateText(highest)}/s`]],
    times: [
      ['First', row.first],
      ['Last', row.last],
      ...(row.opened === null ? [] : [['Logged in', row.opened] as const]),
      ...(row.closed === null ? [] : [['Ended', row.closed] as const]),
    ],
    sparks: [sparkText(rates, highest)],
  };
}

/** The texts of a row: its digest, where that is longer than the table shows, and its example. */
export function aboutRow(
  { text, example }: Pick<ReportRow, 'text' | 'example'>,
  cut: Cut,
): Pick<RowDetail, 'texts'> {
  const shown = (sql: string): string => escapeLines(cutText(sql, cut.inDetail));
  const texts: [string, string][] = [];
  if (text !== null) texts.push(['Statement', shown(text)]);
  if (example !== null) {
    const { sql, isCut, seq, session, user, time, flags } = example;
    const parts = [
      `session ${session}`,
      cutText(user ?? UNKNOWN, cut.inName),
      formatUtc(time),
      `record ${formatCount(seq)}`,
      ...flags,
      ...(isCut || sql.length > cut.inDetail ? ['cut short'] : []),
    ];
    texts.push([escapeText(`Example: ${parts.join(', ')}`), shown(sql)]);
  }
  return { texts };
}

/** Names and numbers of a row that the table has no room for. */
function factsOf(row: ReportRow, cut: Cut): [string, string][] {
  const { digest, db, times, withoutValues, tables } = row;
  const facts: [string, string][] = [];
  const add = (name: string, value: string | null): void => {
    if (value !== null && value !== '') facts.push([name, escapeText(value)]);
  };
  add('Digest', digest);
  add('Class', row.class);
  add('Database', db === null ? null : cutText(db, cut.inName));
  add('Users', namesOf(row.users, cut));
  add('Hosts', namesOf(row.hosts, cut));
  add('Tables', namesOf(tables, cut, accessText));
  if (withoutValues !== null && withoutValues > 0) {
    add('Values', `unknown for ${counted(withoutValues, 'execute')}`);
  }
  if (times !== null) {
    const shared = times.sharedBy > 1 ? `; the server counts ${times.sharedBy} digests as one` : '';
    add(
      'Times',
      `${counted(times.count, 'execution')}, ${timeText(times.averageMs)} each, ${lengthText(times.totalMs, { ascii: false })} in all${shared}`,
    );
    add(
      'Rows',
      `${formatCount(times.rowsExamined)} examined, ${formatCount(times.rowsSent)} sent, ${counted(times.errors, 'error')}`,
    );
  }
  return facts;
}

/** `12 reads, 3 writes` */
export function accessText({ reads, writes }: TableCount): string {
  const parts = [
    ...(reads > 0 ? [counted(reads, 'read')] : []),
    ...(writes > 0 ? [counted(writes, 'write')] : []),
  ];
  return parts.join(', ');
}

/** `app (1,234), root (3), 2 more` */
export function namesOf<Named extends NamedCount>(
  names: readonly Named[],
  { names: most, inName }: Cut,
  numbers: (named: Named) => string = ({ count }) => formatCount(count),
): string {
  const shown = names
    .slice(0, most)
    .map((named) => `${cutText(named.name ?? UNKNOWN, inName)} (${numbers(named)})`);
  const rest = names.length - shown.length;
  return [...shown, ...(rest > 0 ? [`${rest} more`] : [])].join(', ');
}
