import type { replayFailures } from '../../../core/reports/replay-comparison-rules.ts';
import type {
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

/** What `--fail-on` says of what it found: a sentence, and a line for each row. */
export function replayFailureTexts(
  comparison: ReplayComparison,
  failures: ReturnType<typeof replayFailures>,
): { readonly message: string; readonly hint: string } {
  const lines = failures.flatMap(({ kind }) => linesOf(comparison, kind));
  const more = lines.length - MOST_ROWS;
  return {
    message: `B differs from A: ${failures.map(({ kind, count }) => kindText(comparison, kind, count)).join(', ')}`,
    hint: [
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
      return sure(comparison.newErrors).map((row) => {
        const { code, message, failedInA, failedInB } = row;
        const said = message === null ? '' : ` (${truncate(message, LONGEST_TEXT)})`;
        return `error ${code}: ${formatCount(failedInA)}, then ${formatCount(failedInB)}${said}: ${statementText(row)}`;
      });
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

function sure<Row extends { readonly mayBeChance: boolean }>(rows: readonly Row[]): Row[] {
  return rows.filter(({ mayBeChance }) => !mayBeChance);
}

function statementText({ digest, text, db }: ReplayedDigest): string {
  const where = db === null ? '' : `${db}: `;
  return truncate(`${digest.slice(0, SHOWN_DIGITS)} ${where}${text}`, LONGEST_TEXT);
}
