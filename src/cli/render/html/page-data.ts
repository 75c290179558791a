import type { ChartData } from '../../../display/chart-data.ts';
import type { TableData } from '../../../display/table-data.ts';

/** What the script of a page works with; in the page it is compressed. */
export interface PageData {
  readonly charts: readonly ChartData[];
  readonly tables: readonly TableData[];
}
