import type { replayFailures } from '../../../core/reports/replay-comparison-rules.ts';
import type {
  ComparedError,
  ReplayChange,
  ReplayComparison,
  ReplayedDigest,
} from '../../../core/reports/replay-comparison.ts';
import { counted, formatCount } from '../../../core/units.ts';
import { millisecondsText } from '../../../display/report-numbers.ts';
import { SHOWN_DIGITS } from '../report/report-rows.ts';
import { truncate } from '../width.ts';

/** Rows that are named one by one. */
const MOST_ROWS = 20;
const LONGEST_TEXT = 160;

/** What `--fail-on` says of what it found, or of why it cannot know: a sentence, and a line for each row. */
export function replayFailureTexts(
  comparison: ReplayComparison,
  failures: ReturnType<typeof replayFailures>,
): { readonly message: string; readonly hint: string } {
  const lines = failures.flatMap(({ kind }) => linesOf(comparison, kind));
  const more = lines.length - MOST_ROWS;
  const found = `B differs from A: ${failures.map(({ kind, count }) => kindText(comparison, kind, count)).join(', ')}`;
  const [why, ...others] = comparison.incomparable;
  return {
    message: why ?? found,
    hint: [
      ...others,
      ...(why === undefined || failures.length === 0 ? [] : [found]),
      ...lines.slice(0, MOST_ROWS),
      ...(more > 0 ? [`and ${formatCount(more)} more: all of them are in the output`] : []),
    ].join('\n'),
  };
}

function kindText({ checksums }: ReplayComparison, kind: ReplayChange, count: number): string {
  switch (kind) {
    case 'slower':
    case 'faster':
      return `${counted(count, 'digest')} ${kind}`;
    case 'errors':
      return counted(count, 'new error');
    case 'rows':
      return `other rows of ${counted(count, 'digest')}`;
    case 'checksums':
      return checksums.incomparable === null
        ? `${counted(count, 'table')} with another sum`
        : 'sums of tables could not be compared';
  }
}

function linesOf(comparison: ReplayComparison, kind: ReplayChange): string[] {
  const { common, checksums } = comparison;
  const ms = (value: number | undefined): string =>
    value === undefined ? '?' : millisecondsText(value, { ascii: false });
  const times = ({ a, b }: ReplayedDigest): string => `${ms(a?.averageMs)} to ${ms(b?.averageMs)}`;
  switch (kind) {
    case 'slower':
    case 'faster': {
      const all =
        common?.isChange === true && common.factor > 1 === (kind === 'slower')
          ? [
              `${kind}: all together, x${common.factor.toFixed(2)} (${counted(common.together, 'digest')})`,
            ]
          : [];
      return [
        ...all,
        ...comparison[kind].map((row) => `${kind}: ${times(row)}: ${statementText(row)}`),
      ];
    }
    case 'errors':
      return [
        ...sure(comparison.newErrors).map((row) =>
          errorLine(row, `${formatCount(row.failedInA)}, then ${formatCount(row.failedInB)}`),
        ),
        ...sure(comparison.errorsOnlyInB).map((row) =>
          errorLine(row, `${formatCount(row.failedInB)}, sent by B alone`),
        ),
      ];
    case 'rows':
      return sure(comparison.otherRows).map((row) => {
        const { returned, changed } = row;
        const counts = [
          ...(returned.a === returned.b
            ? []
            : [`${formatCount(returned.a)} returned, then ${formatCount(returned.b)}`]),
          ...(changed.a === changed.b
            ? []
            : [`${formatCount(changed.a)} changed, then ${formatCount(changed.b)}`]),
        ];
        return `rows: ${counts.join('; ')}: ${statementText(row)}`;
      });
    case 'checksums':
      return checksums.incomparable === null
        ? checksums.other.map(
            ({ table, a, b }) => `checksum: ${table}: ${a ?? '?'}, then ${b ?? '?'}`,
          )
        : [`checksums: ${checksums.incomparable}`];
  }
}

function errorLine(row: ComparedError, counts: string): string {
  const { code, message } = row;
  const said = message === null ? '' : ` (${truncate(message, LONGEST_TEXT)})`;
  return `error ${code}: ${counts}${said}: ${statementText(row)}`;
}

function sure<Row extends { readonly mayBeChance: boolean }>(rows: readonly Row[]): Row[] {
  return rows.filter(({ mayBeChance }) => !mayBeChance);
}

function statementText({ digest, text, db }: ReplayedDigest): string {
  const where = db === null ? '' : `${db}: `;
  return truncate(`${digest.slice(0, SHOWN_DIGITS)} ${where}${text}`, LONGEST_TEXT);
}
