import type { Report, SortKey } from '../../../core/reports/report.ts';
import type { ReportView } from './report-view.ts';

/** What the server has to have measured. */
export const MEASURED: readonly SortKey[] = ['time', 'average', 'examined', 'sent', 'errors'];
const NEVER_MEASURED: readonly Report['by'][] = ['user', 'host', 'session'];

/** Whether servers measure what rows by a dimension have in common. */
export function isMeasured(by: Report['by']): boolean {
  return !NEVER_MEASURED.includes(by);
}

/** Whether rows can have times. */
export function hasTimes({ by, coverage }: Pick<Report, 'by' | 'coverage'>): boolean {
  return isMeasured(by) && (coverage.times ?? 0) > 0;
}

/** What rows are in the order of: by count where what they would be sorted by is not known of any. */
export function shownOrder(report: Pick<Report, 'sort' | 'by' | 'coverage'>): SortKey {
  return MEASURED.includes(report.sort) && !hasTimes(report) ? 'count' : report.sort;
}

/** A header, marked where the rows are sorted by its column. */
export function sorted(
  header: string,
  key: SortKey,
  { sort }: Pick<Report, 'sort'>,
  { ascii }: Pick<ReportView, 'ascii'>,
): string {
  return sort === key ? `${ascii ? 'v' : '↓'}${header}` : header;
}
