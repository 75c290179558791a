import { AppError } from '../../core/errors.ts';
import type { GlobalOptions, OutputMode } from '../input/global-options.ts';
import { pick, scalarText, valueAt, type Column, type Noun, type View } from '../render/column.ts';
import type { Paint } from '../render/paint.ts';
import type { OutputStream } from '../runtime/world.ts';

// A million captures are more text than one string can hold.
const ROWS_A_WRITE = 1_000;

export interface OutputSettings {
  readonly mode: OutputMode;
  readonly options: Pick<GlobalOptions, 'fields' | 'headers'>;
  readonly view: () => Omit<View, 'isDetail'>;
  readonly paint: () => Promise<Paint>;
  /** Says something on stderr. */
  readonly note: (text: string) => Promise<void>;
}

/**
 * Prints a list in the mode asked for. Rows are taken and written block by block, for there may be a million
 * of them; only a table, whose widths depend on every row, is collected first.
 */
export async function printList<Row>(
  noun: Noun<Row>,
  rows: Rows<Row>,
  stdout: OutputStream,
  settings: OutputSettings,
): Promise<void> {
  const { mode, options } = settings;
  const fields = checkFields(noun, options.fields);
  const json = (row: Row) =>
    options.fields === null ? noun.toJson(row) : pick(noun.toJson(row), options.fields);
  switch (mode) {
    case 'json': {
      const shown = await jsonFor(stdout);
      const isEmpty = await writeRows(stdout, rows, (row, index) => {
        const text = shown(JSON.stringify(json(row), null, 2)).replaceAll('\n', '\n  ');
        return `${index === 0 ? '[' : ','}\n  ${text}`;
      });
      return stdout.write(isEmpty ? '[]\n' : '\n]\n');
    }
    case 'yaml': {
      const { yamlDocument } = await import('../render/yaml.ts');
      const isEmpty = await writeRows(stdout, rows, (row) => yamlDocument([json(row)]));
      return isEmpty ? stdout.write(yamlDocument([])) : undefined;
    }
    case 'tsv':
    case 'csv': {
      const { csvHeader, csvRow, tsvHeader, tsvRow } = await import('../render/delimited.ts');
      const [header, line] = mode === 'csv' ? [csvHeader, csvRow] : [tsvHeader, tsvRow];
      const shown = stdout.isTTY ? (await import('../../display/escape.ts')).escapeLines : null;
      if (options.headers) await stdout.write(header(fields));
      await writeRows(stdout, rows, (row) => {
        const text = line(noun.toJson(row), fields);
        // On a terminal: one line a row, with control characters escaped.
        return shown === null ? text : `${shown(text.trimEnd().replaceAll('\n', '\\n'))}\n`;
      });
      return;
    }
    case 'name':
      return writeNames(noun, rows, stdout);
    case 'table': {
      const all: Row[] = [];
      for await (const row of rows) all.push(row);
      if (all.length === 0) return stdout.write(`${noun.none}\n`);
      const { renderTable } = await import('../render/table.ts');
      const own = options.fields === null ? noun.columns : null;
      const columns = own ?? columnsOf(noun, fields).map((one) => shapedAs(one, noun, all));
      const view = { ...settings.view(), isDetail: false };
      const paint = await settings.paint();
      const headers = options.headers;
      const table = await renderTable(all, columns, { view, paint, headers });
      await stdout.write(table.text);
      if (own === null && table.left.length > 0) {
        const left = table.left.map(({ field }) => field).join(', ');
        await settings.note(`No room for ${left}: -o tsv and a wider terminal have all fields`);
      }
      return;
    }
  }
}

/** The rows of a list; they may come in while it is printed. */
export type Rows<Row> = Iterable<Row> | AsyncIterable<Row>;

/** Prints one thing in the mode asked for: an object, not a list of one. */
export async function printOne<Row>(
  noun: Noun<Row>,
  row: Row,
  stdout: OutputStream,
  settings: OutputSettings,
): Promise<void> {
  const { mode, options } = settings;
  const fields = checkFields(noun, options.fields);
  const whole = noun.toJson(row);
  const json = options.fields === null ? whole : pick(whole, options.fields);
  switch (mode) {
    case 'json':
      return stdout.write(`${(await jsonFor(stdout))(JSON.stringify(json, null, 2))}\n`);
    case 'yaml': {
      const { yamlDocument } = await import('../render/yaml.ts');
      return stdout.write(yamlDocument(json));
    }
    case 'table': {
      const { renderDetail } = await import('../render/table.ts');
      const own = options.fields === null ? (noun.detail ?? noun.columns) : null;
      const columns = own ?? columnsOf(noun, fields);
      const view = { ...settings.view(), isDetail: true };
      return stdout.write(renderDetail(row, columns, { view, paint: await settings.paint() }));
    }
    case 'csv':
    case 'tsv':
    case 'name':
      return printList(noun, [row], stdout, settings);
  }
}

/** JSON with the same values everywhere; on a terminal, control characters are escaped. */
async function jsonFor(stdout: OutputStream): Promise<(json: string) => string> {
  return stdout.isTTY ? (await import('../../display/escape.ts')).escapeJson : (json) => json;
}

async function writeNames<Row>(
  noun: Noun<Row>,
  rows: Rows<Row>,
  stdout: OutputStream,
): Promise<void> {
  const { escapeText } = await import('../../display/escape.ts');
  await writeRows(stdout, rows, (row) => `${escapeText(noun.reference(row))}\n`);
}

/** @returns whether there was no row. */
async function writeRows<Row>(
  stdout: OutputStream,
  rows: Rows<Row>,
  line: (row: Row, index: number) => string,
): Promise<boolean> {
  let count = 0;
  let block: string[] = [];
  for await (const row of rows) {
    block.push(line(row, count));
    count += 1;
    if (block.length < ROWS_A_WRITE) continue;
    await stdout.write(block.join(''));
    block = [];
  }
  if (block.length > 0) await stdout.write(block.join(''));
  return count === 0;
}

/**
 * The fields to print, one a column; a group such as `workload` stands for the fields in it.
 * @throws AppError `invalid` for a field that the noun does not have.
 */
export function checkFields(
  noun: Pick<Noun<never>, 'fields'>,
  asked: readonly string[] | null,
): readonly string[] {
  if (asked === null) return noun.fields;
  return asked.flatMap((field) => {
    const matches = noun.fields.filter((name) => name === field || name.startsWith(`${field}.`));
    if (matches.length > 0) return matches;
    throw new AppError('invalid', `There is no field "${field}"`, {
      hint: `The fields are: ${noun.fields.join(', ')}`,
    });
  });
}

const LOOKED_AT = 100;

/** Numbers on the right; texts may be cut before a column that was asked for is left out. */
function shapedAs<Row>(column: Column<Row>, noun: Noun<Row>, rows: readonly Row[]): Column<Row> {
  // Those of a table are short, but for names.
  if (noun.columns?.includes(column) === true) return column;
  const values = rows.slice(0, LOOKED_AT).map((row) => valueAt(noun.toJson(row), column.field));
  const isNumber =
    values.some((value) => value !== null) &&
    values.every((value) => value === null || typeof value === 'number');
  return isNumber ? { ...column, align: 'right' } : { ...column, shrinks: true };
}

function columnsOf<Row>(noun: Noun<Row>, fields: readonly string[]): Column<Row>[] {
  return fields.map((field) => {
    const isField = (column: Column<Row>): boolean => column.field === field;
    return (
      noun.columns?.find(isField) ??
      noun.detail?.find(isField) ?? {
        field,
        header: field.toUpperCase(),
        cell: (row) => scalarText(valueAt(noun.toJson(row), field)),
      }
    );
  });
}
