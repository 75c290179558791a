import type { Report, ReportTimes, SortKey } from '../../../core/reports/report.ts';
import { formatCount } from '../../../core/units.ts';
import { formatScaled, scaleFor } from '../../../display/metrics-units.ts';
import { type ReportView } from './report-view.ts';
import { lengthText, millisecondsText, rateText } from '../../../display/report-numbers.ts';
import type { RowColumn } from './row-layout.ts';
import { sorted } from './row-order.ts';

/** Marks what the server counts together with others. */
export function sharedMark({ sharedBy }: Pick<ReportTimes, 'sharedBy'>): string {
  return sharedBy > 1 ? '*' : '';
}

/** What the mark means; null where no row has it. */
export function sharedNote({ rows, sort }: Pick<Report, 'rows' | 'sort'>): string | null {
  if (!rows.some(({ times }) => times !== null && times.sharedBy > 1)) return null;
  const sum = sort === 'time' ? ': TIME % adds up to more than 100 %' : '';
  return `* the time of several digests, which the server counts as one; each of their rows has all of it${sum}`;
}

/** What the server measured, a column each. */
export function timeColumns(report: Report, view: ReportView): RowColumn[] {
  const { rows } = report;
  const column: TimesColumn = (header, weight, of) => ({
    header,
    cells: rows.map(({ times }) => (times === null ? '-' : of(times))),
    align: 'right',
    least: null,
    weight,
  });
  return [
    column(
      sorted('TOTAL', 'time', report, view),
      80,
      (times) => `${lengthText(times.totalMs, view)}${sharedMark(times)}`,
    ),
    column(
      sorted('AVERAGE', 'average', report, view),
      82,
      (times) => `${millisecondsText(times.averageMs, view)}${sharedMark(times)}`,
    ),
    sumColumn(report, view, column) ??
      column('EXAM EACH', 50, ({ rowsExamined, count }) =>
        count === 0 ? '-' : rateText(rowsExamined / count),
      ),
  ];
}

type TimesColumn = (
  header: string,
  weight: number,
  of: (times: ReportTimes) => string,
) => RowColumn;

/** The sum that rows are sorted by; null where they are sorted by none. */
function sumColumn(report: Report, view: ReportView, column: TimesColumn): RowColumn | null {
  const { sort } = report;
  const header = SUM_HEADERS[sort];
  if (header === undefined) return null;
  return column(sorted(header, sort, report, view), 85, ({ rowsExamined, rowsSent, errors }) =>
    sort === 'errors' ? formatCount(errors) : inUnits(sort === 'sent' ? rowsSent : rowsExamined),
  );
}

const SUM_HEADERS: Readonly<Partial<Record<SortKey, string>>> = {
  examined: 'EXAMINED',
  sent: 'SENT',
  errors: 'ERRORS',
};

/** `12.3k`, `4.56M`. */
function inUnits(rows: number): string {
  const scale = scaleFor('Count', rows);
  return `${formatScaled(rows, scale)}${scale.unit}`;
}
