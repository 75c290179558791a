import { scalarText, valueAt, type JsonObject } from './column.ts';
import { escapeText } from './escape.ts';

/** One row of tab-separated text, untruncated; tabs and line ends in values are escaped. */
export function tsvRow(json: JsonObject, fields: readonly string[]): string {
  return `${fields.map((field) => escapeText(scalarText(valueAt(json, field)))).join('\t')}\n`;
}

export function tsvHeader(fields: readonly string[]): string {
  return `${fields.join('\t')}\n`;
}

/** One row of CSV as RFC 4180 has it: CRLF, quotes around what needs them. */
export function csvRow(json: JsonObject, fields: readonly string[]): string {
  return `${fields.map((field) => csvCell(escapeText(scalarText(valueAt(json, field))))).join(',')}\r\n`;
}

export function csvHeader(fields: readonly string[]): string {
  return `${fields.map(csvCell).join(',')}\r\n`;
}

function csvCell(text: string): string {
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
