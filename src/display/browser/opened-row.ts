import type { RowDetail } from '../table-data.ts';
import { addViewerTimes } from './viewer-times.ts';

/** The row below an opened one. Everything in it is text: nothing of it can be markup. */
export function openedRow(
  { facts, times, texts }: RowDetail,
  columns: number,
): HTMLTableRowElement {
  const row = document.createElement('tr');
  row.className = 'detail';
  const cell = row.insertCell();
  cell.colSpan = columns;
  const box = added(cell, 'div');
  for (const [heading, text] of texts) {
    added(box, 'h3', heading);
    added(added(box, 'pre'), 'code', text);
  }
  const list = added(box, 'dl');
  const pair = (name: string): HTMLElement => {
    const both = added(list, 'div');
    added(both, 'dt', name);
    return added(both, 'dd');
  };
  for (const [name, value] of facts) pair(name).textContent = value;
  for (const [name, value] of times) added(pair(name), 'time', utc(value)).dateTime = value;
  addViewerTimes(cell);
  return row;
}

/** `2026-11-22 02:00:05.123456 UTC` */
function utc(time: string): string {
  return `${time.replace('T', ' ').replace(/Z$/, '')} UTC`;
}

function added<Name extends keyof HTMLElementTagNameMap>(
  to: Element,
  name: Name,
  text = '',
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  element.textContent = text;
  to.append(element);
  return element;
}
