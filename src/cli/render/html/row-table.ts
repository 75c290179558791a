import { cutText, type Cut } from './cuts.ts';
import { markup, Markup, NOTHING } from './markup.ts';
import type { RowDetail, TableData } from '../../../display/table-data.ts';

/** A column of a table. */
export interface TableColumn<Row> {
  readonly header: string;
  /** What the header says when it is pointed at; empty for nothing. */
  readonly about: string;
  /** `when` columns are drawn by the script, of the rows' sparks. */
  readonly kind: 'text' | 'number' | 'code' | 'when';
  readonly cell: (row: Row) => string;
  /** What it is sorted by; null for its text. */
  readonly key: ((row: Row) => number | null) | null;
}

export interface RowTable<Row> {
  readonly id: string;
  readonly heading: string;
  /** What stands between heading and table. */
  readonly intro: Markup;
  /** Instead of a table without rows. */
  readonly none: string;
  readonly columns: readonly TableColumn<Row>[];
  /** Header of the column that the rows are ordered by, and how; null where it is none. */
  readonly order: {
    readonly header: string;
    readonly direction: 'ascending' | 'descending';
  } | null;
  readonly rows: readonly Row[];
  readonly detail: (row: Row) => RowDetail;
}

/** Names of users, hosts or tables are cut in tables after so many characters. */
const LONGEST_NAME = 48;

/** A section with a table that can be read without the script, and what the script adds to it. */
export function drawTable<Row>(
  table: RowTable<Row>,
  cut: Cut,
): { readonly section: Markup; readonly data: TableData } {
  const { id, heading, intro, columns, rows } = table;
  const data: TableData = {
    id,
    keys: columns.map(({ key }) => (key === null ? null : rows.map(key))),
    details: rows.map(table.detail),
  };
  // A closing tag of cells and rows may be left out: 5 to 60 bytes a row.
  const body = rows
    .map((row) => `<tr>${columns.map((column) => drawCell(column, row, cut)).join('')}`)
    .join('\n');
  const section = markup`<section aria-labelledby="${id}-h">
    <h2 id="${id}-h">${heading}</h2>
    ${intro}
    ${
      rows.length === 0
        ? markup`<p>${table.none}</p>`
        : markup`<div class="scroll" role="region" aria-labelledby="${id}-h" tabindex="0">
            <table id="${id}" class="rows ${classesOf(columns)}">
              <thead>
                <tr>
                  ${columns.map((column) => drawHeader(column, table.order))}
                </tr>
              </thead>
              <tbody>
                ${new Markup(body)}
              </tbody>
            </table>
          </div>`
    }
  </section>`;
  return { section, data };
}

function drawHeader<Row>(
  { header, about, kind }: TableColumn<Row>,
  order: RowTable<Row>['order'],
): Markup {
  const title = about === '' ? NOTHING : markup` title="${about}"`;
  const sort = order?.header === header ? markup` aria-sort="${order.direction}"` : NOTHING;
  return markup`<th scope="col" data-kind="${kind}"${title}${sort}>${header}</th>`;
}

function drawCell<Row>({ kind, cell }: TableColumn<Row>, row: Row, cut: Cut): string {
  if (kind === 'when') return '<td>';
  if (kind === 'number') return `<td>${cell(row)}`;
  if (kind === 'text')
    return `<td>${markup`${cutText(cell(row), Math.min(cut.inName, LONGEST_NAME))}`.text}`;
  return markup`<td><code>${oneLine(cell(row), cut.inTable)}</code>`.text;
}

/** The beginning of a statement, with one space where it has a line end or several. */
function oneLine(text: string, most: number): string {
  // Not of the whole text: it may be long.
  const start = text
    .slice(0, 4 * most)
    .replaceAll(/\s+/g, ' ')
    .trim();
  return cutText(text.length > 4 * most ? `${start}…` : start, most);
}

/** `n3`: the third column is a number; `w5`: the fifth shows when; `c2`: the second is code. */
function classesOf<Row>(columns: readonly TableColumn<Row>[]): string {
  return columns
    .flatMap(({ kind }, index) => (kind === 'text' ? [] : [`${kind.charAt(0)}${index + 1}`]))
    .join(' ');
}
