import fc from '../../support/properties.ts';
import { describe, expect, it } from 'vitest';
import type { Json } from '../../../src/cli/render/column.ts';
import { csvHeader, csvRow, tsvHeader, tsvRow } from '../../../src/cli/render/delimited.ts';

const FIELDS = ['a', 'b', 'c'];
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc
    .array(
      fc.constantFrom('\n', '\r', '\t', '\\', 'n', 'r', 't', '"', ',', ' ', 'N', '\u202e', '\0'),
    )
    .map((parts) => parts.join('')),
);

/** RFC 4180, written from its grammar: unquoted and empty is null. */
function readCsv(csv: string): (string | null)[][] {
  const rows: (string | null)[][] = [[]];
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/gy;
  while (cell.lastIndex < csv.length) {
    const found = cell.exec(csv);
    if (found === null) throw new Error('not CSV');
    const [, quoted, plain, end] = found;
    rows
      .at(-1)
      ?.push(
        quoted === undefined
          ? plain === ''
            ? null
            : (plain ?? null)
          : quoted.replaceAll('""', '"'),
      );
    if (end === '\r\n') rows.push([]);
  }
  return rows.slice(0, -1);
}

function readTsv(tsv: string): string[][] {
  const names: Record<string, string> = { n: '\n', r: '\r', t: '\t', '\\': '\\' };
  return tsv
    .split('\n')
    .slice(0, -1)
    .map((line) =>
      line
        .split('\t')
        .map((cell) => cell.replace(/\\(.)/g, (_, name: string) => names[name] ?? '?')),
    );
}

function rowOf(values: readonly Json[]): Record<string, Json> {
  return Object.fromEntries(FIELDS.map((field, index) => [field, values[index] ?? null]));
}

describe('delimited text', () => {
  it('as CSV is read back as it was, null and empty text told apart', () => {
    const rows = fc.array(fc.tuple(...FIELDS.map(() => fc.option(text, { nil: null }))));
    fc.assert(
      fc.property(rows, (values) => {
        const csv = csvHeader(FIELDS) + values.map((row) => csvRow(rowOf(row), FIELDS)).join('');
        expect(readCsv(csv)).toEqual([FIELDS, ...values]);
      }),
    );
  });

  it('as TSV is read back as it was; null is empty', () => {
    const rows = fc.array(fc.tuple(...FIELDS.map(() => fc.option(text, { nil: null }))));
    fc.assert(
      fc.property(rows, (values) => {
        const tsv = tsvHeader(FIELDS) + values.map((row) => tsvRow(rowOf(row), FIELDS)).join('');
        expect(readTsv(tsv)).toEqual([
          FIELDS,
          ...values.map((row) => row.map((value) => value ?? '')),
        ]);
      }),
    );
  });

  it.each([
    ['a\nb', 'a\\nb'],
    [String.raw`a\nb`, String.raw`a\\nb`],
    ['tab\tcr\r', String.raw`tab\tcr\r`],
    ['bell\u0007', 'bell\u0007'],
  ])('%j as TSV is %j', (value, expected) => {
    expect(tsvRow({ a: value }, ['a'])).toBe(`${expected}\n`);
  });
});
