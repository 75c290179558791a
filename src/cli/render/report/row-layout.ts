import { displayWidth, pad } from '../width.ts';
import { cut, type ReportView } from './report-view.ts';

/** A column of the rows of a report. */
export interface RowColumn {
  readonly header: string;
  readonly cells: readonly string[];
  readonly align: 'left' | 'right';
  /** It may be cut to so many columns; null: it is shown whole or not at all. */
  readonly least: number | null;
  /** Columns of less weight go first where there is no room for all. */
  readonly weight: number;
  /** Drawn anew in the width that is left, which is at most so many columns. */
  readonly drawn?: { readonly most: number; readonly draw: (width: number) => readonly string[] };
}

const GAP = 2;
/** Most names of hosts and tables are seen as a whole in so many columns. */
export const READABLE = 16;

/** Lays columns out in at most `width` columns: what does not fit is cut, or left out. A line a row. */
export function layoutRows(
  columns: readonly RowColumn[],
  width: number,
  view: ReportView,
): { readonly header: string; readonly lines: readonly string[] } {
  const shown = [...columns];
  const least = (column: RowColumn): number =>
    Math.min(natural(column), column.drawn === undefined ? (column.least ?? Infinity) : Infinity);
  const total = (): number =>
    shown.reduce((sum, column) => sum + leastOf(column, least), 0) + GAP * (shown.length - 1);
  while (total() > width && shown.length > 1) {
    const lightest = Math.min(...shown.map(({ weight }) => weight));
    shown.splice(
      shown.findLastIndex(({ weight }) => weight === lightest),
      1,
    );
  }
  const widths = shown.map((column) => leastOf(column, least));
  let spare = Math.max(width - total(), 0);
  const byWeight = shown
    .map((column, index) => ({ column, index }))
    .sort((one, other) => other.column.weight - one.column.weight);
  const widen = (wantedOf: (column: RowColumn) => number): void => {
    for (const { column, index } of byWeight) {
      const more = Math.min(Math.max(wantedOf(column) - (widths[index] ?? 0), 0), spare);
      widths[index] = (widths[index] ?? 0) + more;
      spare -= more;
    }
  };
  // A name that is cut says less than a drawing that is short.
  widen((column) => (column.drawn === undefined ? Math.min(natural(column), READABLE) : 0));
  widen((column) => column.drawn?.most ?? natural(column));
  const cells = shown.map((column, index) =>
    column.drawn === undefined ? column.cells : column.drawn.draw(widths[index] ?? 0),
  );
  const line = (of: (column: RowColumn, index: number) => string): string =>
    shown
      .map((column, index) => {
        const room = widths[index] ?? 0;
        return pad(cut(of(column, index), room, view), room, column.align);
      })
      .join(' '.repeat(GAP))
      .trimEnd();
  const rows = columns[0]?.cells.length ?? 0;
  return {
    header: line(({ header }) => header),
    lines: Array.from({ length: rows }, (_, row) =>
      line((_column, index) => cells[index]?.[row] ?? ''),
    ),
  };
}

function natural({ header, cells }: RowColumn): number {
  return cells.reduce((widest, cell) => Math.max(widest, displayWidth(cell)), displayWidth(header));
}

function leastOf(column: RowColumn, least: (column: RowColumn) => number): number {
  if (column.drawn !== undefined) return Math.max(column.least ?? 1, displayWidth(column.header));
  return least(column);
}
