import type { Column, View } from './column.ts';
import { escapeText } from '../../display/escape.ts';
import type { Paint } from './paint.ts';
import { displayWidth, fillLines, pad, truncate, truncateName } from './width.ts';

const GAP = '  ';
/** Names are not cut below this while a less important column can go instead. */
const NARROWEST = 12;
/** This many columns stay, however narrow the terminal is. */
const FEWEST = 2;
// cli-table3 takes 0.55 s for 1,000 rows, and 1.5 s of CPU for 10,000 drawn 50 at a time; joining the same
// cells takes 15 ms.
const LAYOUT_ROWS = 100;
const NO_FRAME = Object.fromEntries(
  ['top', 'bottom', 'left', 'right'].flatMap((side) =>
    [side, `${side}-mid`, `${side}-left`, `${side}-right`].map((name) => [name, '']),
  ),
);
const CHARS = { ...NO_FRAME, mid: '─', 'mid-mid': '──', middle: GAP };
const STYLE = { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true };

interface Cell {
  readonly text: string;
  readonly tone: Parameters<Paint>[0] | null;
}

/** A table, and the columns that it has no room for. */
export interface FittedTable<Row> {
  readonly text: string;
  readonly left: readonly Column<Row>[];
}

/** Lays a list of things out as a table that fits the view's width, cutting cells with `…`. */
export async function renderTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  options: { view: View; paint: Paint; headers: boolean },
): Promise<FittedTable<Row>> {
  const { view, paint, headers } = options;
  const cells = rows.map((row) =>
    columns.map((column): Cell => ({
      text: escapeText(column.cell(row, view)),
      tone: column.tone?.(row) ?? null,
    })),
  );
  const natural = columns.map((column, index) =>
    cells.reduce(
      (widest, row) => Math.max(widest, displayWidth(row[index]?.text ?? '')),
      headers ? displayWidth(column.header) : 0,
    ),
  );
  const fitted = fit(natural, columns, view.width);
  const shown = fitted.flatMap(({ index, width }) => {
    const column = columns[index];
    return column === undefined ? [] : [{ column, index, width }];
  });
  const lines = cells.map((row) =>
    shown.map(({ column, index, width }) => {
      const { text, tone } = row[index] ?? { text: '', tone: null };
      const cut = column.keepsEnd === true ? truncateName : truncate;
      const padded = pad(cut(text, width), width, column.align);
      return tone === null ? padded : paint(tone, padded);
    }),
  );
  const head = shown.map(({ column, width }) =>
    paint('strong', pad(truncate(column.header, width), width, column.align)),
  );
  // cli-table3 counts the width of emoji differently: it draws only cells whose characters are one column wide.
  const isPlain = cells.flat().every(({ text }) => displayWidth(text) === text.length);
  const text =
    rows.length <= LAYOUT_ROWS && isPlain
      ? await drawn(lines, headers ? head : null)
      : plain(
          lines,
          headers ? head : null,
          shown.map(({ width }) => width),
        );
  const left = columns.filter((_, index) => fitted.every((one) => one.index !== index));
  return { text, left };
}

interface FittedColumn {
  readonly index: number;
  readonly width: number;
}

/**
 * Widths that fit: first columns go that give way; then names are cut, the widest first; then the last columns go;
 * then any column is cut. What is kept stays as it is, even where the table gets wider than the terminal.
 */
function fit(
  natural: readonly number[],
  columns: readonly Pick<Column<never>, 'shrinks' | 'isKept' | 'givesWay'>[],
  available: number,
): FittedColumn[] {
  const total = (): number =>
    fitted.reduce((sum, { width }) => sum + width, 0) + GAP.length * (fitted.length - 1);
  let fitted = columns.map(({ shrinks = false, isKept = false, givesWay = false }, index) => ({
    ...{ index, shrinks, isKept, givesWay },
    width: natural[index] ?? 0,
  }));
  if (total() > available) fitted = fitted.filter(({ givesWay }) => !givesWay);
  while (total() > available) {
    const name = widestOf(fitted.filter(({ shrinks, width }) => shrinks && width > NARROWEST));
    const last = fitted.findLast(({ isKept }) => !isKept);
    const widest = widestOf(fitted.filter(({ isKept, width }) => !isKept && width > 0));
    if (name !== undefined) name.width -= 1;
    else if (fitted.length > FEWEST && last !== undefined) fitted.splice(fitted.indexOf(last), 1);
    else if (widest !== undefined) widest.width -= 1;
    else break;
  }
  // Space that dropped columns left goes back to columns that were cut.
  for (const one of fitted) {
    one.width = Math.min(natural[one.index] ?? 0, one.width + Math.max(available - total(), 0));
  }
  return fitted;
}

function widestOf<One extends { readonly width: number }>(all: readonly One[]): One | undefined {
  return all.reduce<One | undefined>(
    (widest, one) => (widest === undefined || one.width > widest.width ? one : widest),
    undefined,
  );
}

async function drawn(lines: readonly string[][], head: readonly string[] | null): Promise<string> {
  const { default: Table } = await import('cli-table3');
  const table = new Table({
    chars: CHARS,
    style: STYLE,
    ...(head === null ? {} : { head: [...head] }),
  });
  table.push(...lines);
  return `${trimLines(table.toString())}\n`;
}

function plain(
  lines: readonly string[][],
  head: readonly string[] | null,
  widths: readonly number[],
): string {
  const rule = widths.map((width) => '─'.repeat(width)).join('──');
  const top = head === null ? [] : [head.join(GAP), rule];
  return `${trimLines([...top, ...lines.map((line) => line.join(GAP))].join('\n'))}\n`;
}

function trimLines(text: string): string {
  return text.replace(/ +$/gm, '');
}

/** One thing, a line a field; a long value is wrapped in its own column. */
export function renderDetail<Row>(
  row: Row,
  columns: readonly Column<Row>[],
  options: { view: View; paint: Paint },
): string {
  const { view, paint } = options;
  const labels = columns.map((column) => column.header.toLowerCase());
  const width = Math.max(...labels.map(displayWidth));
  const room = view.width - width - GAP.length;
  const below = `\n${' '.repeat(width)}${GAP}`;
  return columns
    .map((column, index) => {
      const text = escapeText(column.cell(row, view));
      const tone = column.tone?.(row) ?? null;
      const label = paint('dim', pad(labels[index] ?? '', width));
      const filled = displayWidth(text) <= room ? [text] : fillLines(text.split(' '), room);
      const lines = filled.map((line) => (tone === null ? line : paint(tone, line)));
      return `${label}${GAP}${lines.join(below)}`.trimEnd();
    })
    .join('\n')
    .concat('\n');
}
