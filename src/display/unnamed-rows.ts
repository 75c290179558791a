import type { Report } from '../core/reports/report.ts';

/** What rows without a name are of. */
export const UNNAMED: Readonly<Record<Report['by'], string>> = {
  digest: '-',
  table: '(no table)',
  user: '(unknown)',
  host: '(unknown)',
  db: '(none)',
  class: 'other',
  session: '-',
};
