import type { StatementRecord } from '../../core/workloads/statements.ts';
import type { OutputMode } from '../input/global-options.ts';
import { pick, type JsonObject } from '../render/column.ts';
import { statementNoun } from '../render/recorded-statements.ts';
import type { Context } from '../runtime/context.ts';
import { checkFields } from './output.ts';

/** How statements are printed as data; NDJSON has an object a line. */
export type StatementMode = OutputMode | 'ndjson';

/** Turns records into text of one form, part by part. */
interface Form {
  /** Before the first record, and alone where there is none. */
  readonly header?: string;
  readonly part: (records: readonly StatementRecord[], isFirst: boolean) => string;
  /** Behind the last record. */
  readonly end?: string;
  /** Where there is no record at all. */
  readonly none?: string;
}

/**
 * Prints records as they come, so that there may be millions of them and that those that are followed are
 * seen at once. What came before a failure is printed, in a form that can be read.
 * @returns how many there were.
 * @throws what `parts` throws.
 */
export async function printStatements(
  parts: AsyncIterable<readonly StatementRecord[]>,
  mode: StatementMode,
  context: Context,
): Promise<number> {
  const { stdout, signals } = context.world;
  const { header = '', part, end = '', none = '' } = await formOf(mode, context);
  let count = 0;
  let isWhole = false;
  try {
    for await (const records of parts) {
      if (records.length === 0) continue;
      await stdout.write((count === 0 ? header : '') + part(records, count === 0));
      count += records.length;
      signals.interrupted.throwIfAborted();
    }
    isWhole = true;
  } finally {
    const rest = count > 0 ? end : isWhole ? header + none : '';
    if (rest !== '') await stdout.write(rest);
  }
  return count;
}

async function formOf(mode: StatementMode, context: Context): Promise<Form> {
  const { world, options } = context;
  const { stdout } = world;
  const fields = checkFields(statementNoun, options.fields);
  const json = (record: StatementRecord): JsonObject =>
    options.fields === null
      ? statementNoun.toJson(record)
      : pick(statementNoun.toJson(record), fields);
  const { escapeJson, escapeLines } = await import('../../display/escape.ts');
  const shown = stdout.isTTY ? escapeJson : (text: string): string => text;
  switch (mode) {
    case 'ndjson':
      return {
        part: (records) =>
          records.map((record) => `${shown(JSON.stringify(json(record)))}\n`).join(''),
      };
    case 'json':
      return {
        part: (records, isFirst) =>
          (isFirst ? '[\n  ' : ',\n  ') +
          records
            .map((record) => shown(JSON.stringify(json(record), null, 2)).replaceAll('\n', '\n  '))
            .join(',\n  '),
        end: '\n]\n',
        none: '[]\n',
      };
    case 'yaml': {
      const { yamlDocument } = await import('../render/yaml.ts');
      return {
        part: (records) => records.map((record) => yamlDocument([json(record)])).join(''),
        none: yamlDocument([]),
      };
    }
    case 'csv':
    case 'tsv': {
      const { csvHeader, csvRow, tsvHeader, tsvRow } = await import('../render/delimited.ts');
      const [header, row] = mode === 'csv' ? [csvHeader, csvRow] : [tsvHeader, tsvRow];
      const line = (record: StatementRecord): string => {
        const text = row(statementNoun.toJson(record), fields);
        // On a terminal: one line a row, with control characters escaped.
        return stdout.isTTY ? `${escapeLines(text.trimEnd().replaceAll('\n', '\\n'))}\n` : text;
      };
      return {
        ...(options.headers ? { header: header(fields) } : {}),
        part: (records) => records.map(line).join(''),
      };
    }
    case 'name':
      return {
        part: (records) => records.map((one) => `${statementNoun.reference(one)}\n`).join(''),
      };
    case 'table': {
      const { StatementTable } = await import('../render/recorded-statements.ts');
      const view = {
        width: context.columns,
        now: context.now(),
        zone: context.timeZone,
        isDetail: false,
      };
      const table = new StatementTable(options.fields, view, await context.paint());
      return {
        part: (records) => table.rows(records, options.headers),
        none: `${statementNoun.none}\n`,
      };
    }
  }
}
