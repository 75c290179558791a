import type { Report, ReportInRows, ReportRow } from '../../../core/reports/report.ts';
import { paths, type JsonObject, type Noun } from '../column.ts';

/** A report is plain data as it is: its JSON is what a comparison reads. */
export const reportNoun: Noun<Report> = {
  fields:
    paths(`format formatVersion program capture window verdict gaps statements perSecond digests
    coverage sessions byClass byFlag users hosts dbs tables axis slices by sort rows otherRows
    unlisted`),
  toJson: (report) => report as unknown as JsonObject,
  reference: ({ capture }) => `${capture.environment}/${capture.name}`,
  none: 'No report.',
};

/** A row by itself, for spreadsheets and scripts: `slices` alone is left out of it. */
export const reportRowNoun: Noun<ReportRow> = {
  fields:
    paths(`name digest text db class count share perSecond first last users hosts tables digests
    withoutValues opened closed times.count times.totalMs times.averageMs times.rowsSent
    times.rowsExamined times.errors times.sharedBy example`),
  toJson: (row) => ({ ...row, example: row.example?.sql ?? null }) as unknown as JsonObject,
  reference: ({ name }) => name ?? '-',
  none: 'No statements.',
};

/**
 * A report as JSON, a field a line and a row a line, piece by piece: a report of 20,000 digests is some
 * 30 MB, and a number a line would make it five times as long.
 */
export function* reportJson({
  rows,
  otherRows,
  unlisted,
  ...head
}: ReportInRows): Generator<string, void, void> {
  const fields = Object.entries(head).map(
    ([name, value]) => `  ${JSON.stringify(name)}: ${JSON.stringify(value)}`,
  );
  yield `{\n${fields.join(',\n')},\n  "rows": [`;
  let separator = '';
  for (const row of rows) {
    yield `${separator}\n    ${JSON.stringify(row)}`;
    separator = ',';
  }
  yield `${separator === '' ? '' : '\n  '}],\n  "otherRows": ${JSON.stringify(otherRows)},\n  "unlisted": ${JSON.stringify(unlisted)}\n}\n`;
}
