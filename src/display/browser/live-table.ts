import type { RowDetail, TableData } from '../table-data.ts';
import { openedRow } from './opened-row.ts';
import { sparkline } from './spark-drawing.ts';

interface Row {
  readonly index: number;
  readonly element: HTMLTableRowElement;
  readonly button: HTMLButtonElement;
  readonly detail: RowDetail;
  /** The row below that has the details; null until it is opened for the first time. */
  below: HTMLTableRowElement | null;
}

export interface LiveTable {
  /** Opens every row, for print. */
  readonly openAll: () => void;
  /** Closes those that `openAll` opened. */
  readonly closeOpened: () => void;
}

/** Makes a table of the page sortable, its rows open, and gives it a filter; null where it has no rows. */
export function enliven({ id, keys, details }: TableData): LiveTable | null {
  const table = document.getElementById(id);
  const body = table instanceof HTMLTableElement ? table.tBodies[0] : undefined;
  if (!(table instanceof HTMLTableElement) || body === undefined) return null;
  const headers = [...(table.tHead?.rows[0]?.cells ?? [])];
  const when = headers.findIndex((header) => header.dataset['kind'] === 'when');
  const rows = [...body.rows].map((element, index): Row => {
    const detail = details[index] ?? { facts: [], times: [], texts: [], sparks: [] };
    const button = toggleButton(element.cells[0]?.textContent ?? '');
    element.cells[0]?.prepend(button);
    element.cells[when]?.append(...detail.sparks.map(sparkline));
    return { index, element, button, detail, below: null };
  });
  const setOpen = (row: Row, isOpen: boolean): void => {
    row.button.ariaExpanded = String(isOpen);
    row.element.classList.toggle('open', isOpen);
    if (isOpen && row.below === null) {
      row.below = openedRow(row.detail, headers.length);
      row.below.id = `${id}-row-${row.index}`;
      row.button.setAttribute('aria-controls', row.below.id);
      row.element.after(row.below);
    }
    if (row.below !== null) row.below.hidden = !isOpen || row.element.hidden;
  };
  for (const row of rows) {
    row.element.addEventListener('click', (event) => {
      // Who selects text to copy it does not mean to open the row.
      if (getSelection()?.isCollapsed === false && event.target !== row.button) return;
      setOpen(row, !isOpen(row));
    });
  }
  addSorting(headers, keys, rows, (order) => {
    const elements = order.map(({ element, below }) =>
      below === null ? [element] : [element, below],
    );
    body.append(...elements.flat());
  });
  if (rows.length > 1) {
    addFilter(table, rows, () => rows.forEach((row) => setOpen(row, isOpen(row))));
  }
  let opened: Row[] = [];
  return {
    openAll: () => {
      opened = rows.filter((row) => !isOpen(row));
      for (const row of opened) setOpen(row, true);
    },
    closeOpened: () => {
      for (const row of opened) setOpen(row, false);
    },
  };
}

function isOpen({ button }: Row): boolean {
  return button.ariaExpanded === 'true';
}

function toggleButton(name: string): HTMLButtonElement {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'toggle';
  button.ariaExpanded = 'false';
  button.ariaLabel = `Details of ${name.slice(0, 60)}`;
  return button;
}

/** Numbers from the largest down at the first click, texts from A. */
function addSorting(
  headers: readonly HTMLTableCellElement[],
  keys: TableData['keys'],
  rows: readonly Row[],
  place: (order: readonly Row[]) => void,
): void {
  for (const [column, header] of headers.entries()) {
    const { kind } = header.dataset;
    if (kind === 'when') continue;
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'sort';
    button.append(...header.childNodes);
    header.append(button);
    button.addEventListener('click', () => {
      const first = kind === 'number' ? 'descending' : 'ascending';
      const second = kind === 'number' ? 'ascending' : 'descending';
      const direction = header.ariaSort === first ? second : first;
      for (const other of headers) other.removeAttribute('aria-sort');
      header.ariaSort = direction;
      place(sorted(rows, column, keys[column] ?? null, direction === 'ascending' ? 1 : -1));
    });
  }
}

/** What is unknown comes last in both directions; what is equal keeps its order. */
function sorted(
  rows: readonly Row[],
  column: number,
  keys: readonly (number | null)[] | null,
  sign: 1 | -1,
): Row[] {
  if (keys !== null) {
    return [...rows].sort((a, b) => {
      const [keyA, keyB] = [keys[a.index] ?? null, keys[b.index] ?? null];
      if (keyA === null || keyB === null) return Number(keyA === null) - Number(keyB === null);
      return (keyA - keyB) * sign;
    });
  }
  const { compare } = new Intl.Collator('en', { numeric: true });
  const texts = new Map(rows.map((row) => [row, row.element.cells[column]?.textContent ?? '']));
  return [...rows].sort((a, b) => {
    const [textA, textB] = [texts.get(a) ?? '', texts.get(b) ?? ''];
    if (textA === '' || textB === '') return Number(textA === '') - Number(textB === '');
    return compare(textA, textB) * sign;
  });
}

/** @param refresh shows or hides the opened parts of rows that were shown or hidden. */
function addFilter(table: HTMLTableElement, rows: readonly Row[], refresh: () => void): void {
  const label = document.createElement('label');
  label.className = 'filter';
  const input = document.createElement('input');
  input.type = 'search';
  input.placeholder = 'Filter';
  input.ariaLabel = 'Show only rows that contain this text';
  const count = document.createElement('output');
  label.append(input, count);
  table.parentElement?.before(label);
  let texts: string[] | null = null;
  input.addEventListener('input', () => {
    texts ??= rows.map(searchText);
    const words = input.value.toLowerCase().split(/\s+/);
    let shown = 0;
    for (const row of rows) {
      const text = texts[row.index] ?? '';
      row.element.hidden = !words.every((word) => text.includes(word));
      if (!row.element.hidden) shown += 1;
    }
    count.textContent = shown === rows.length ? '' : `${shown} of ${rows.length}`;
    refresh();
  });
}

function searchText({ element, detail }: Row): string {
  return [element.textContent, ...detail.facts.flat(), ...detail.texts.flat()]
    .join('\n')
    .toLowerCase();
}
