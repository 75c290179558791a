import { scalarText, valueAt, type JsonObject } from './column.ts';

const TSV_ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\t': '\\t',
  '\n': '\\n',
  '\r': '\\r',
};

/**
 * One row of tab-separated text, untruncated. Tab, line feed, carriage return and the backslash itself are
 * escaped with a backslash, as `mysql --batch` and COPY of PostgreSQL do, so that every value can be read
 * back; null is empty.
 */
export function tsvRow(json: JsonObject, fields: readonly string[]): string {
  const cells = fields.map((field) =>
    scalarText(valueAt(json, field)).replace(
      /[\\\t\n\r]/g,
      (character) => TSV_ESCAPES[character] ?? '',
    ),
  );
  return `${cells.join('\t')}\n`;
}

export function tsvHeader(fields: readonly string[]): string {
  return `${fields.join('\t')}\n`;
}

/**
 * One row of CSV as RFC 4180 has it: CRLF, quotes around what needs them; line ends in a value are line
 * ends. null is empty and the empty text is `""`.
 */
export function csvRow(json: JsonObject, fields: readonly string[]): string {
  const cells = fields.map((field) => {
    const value = valueAt(json, field);
    return value === '' ? '""' : csvCell(scalarText(value));
  });
  return `${cells.join(',')}\r\n`;
}

export function csvHeader(fields: readonly string[]): string {
  return `${fields.map(csvCell).join(',')}\r\n`;
}

function csvCell(text: string): string {
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
