import type { Finding } from '../../core/diagnosis/finding.ts';
import type { ErrorCode } from '../../core/errors.ts';
import { column, jsonFields, type Noun } from './column.ts';
import { escapeText } from '../../display/escape.ts';
import type { Paint, Tone } from './paint.ts';
import { displayWidth, fillLines, pad } from './width.ts';

type FindingStatus = Finding['status'];

export interface ShownFinding {
  /** `store`, `session`, … or `environment NAME`. */
  readonly check: string;
  readonly status: FindingStatus;
  readonly detail: string;
  /** What to type; null if nothing has to be done. */
  readonly fix: string | null;
  /** What kind of failure it is; null unless it failed. */
  readonly code: ErrorCode | null;
}

const TONES: Record<FindingStatus, Tone> = { ok: 'good', warn: 'busy', fail: 'bad' };
const FIX = 'fix: ';
const WIDEST_CHECK = 24;

/** For scripts; a terminal shows `renderFindings`. */
export const findingNoun: Noun<ShownFinding> = {
  ...jsonFields<ShownFinding>({
    check: ({ check }) => check,
    status: ({ status }) => status,
    detail: ({ detail }) => detail,
    fix: ({ fix }) => fix,
  }),
  columns: [
    column('status', 'STATUS', ({ status }) => status, { tone: ({ status }) => TONES[status] }),
    column('check', 'CHECK', ({ check }) => check),
    column('detail', 'DETAIL', ({ detail }) => detail, { shrinks: true }),
    column('fix', 'FIX', ({ fix }) => fix ?? '', { shrinks: true }),
  ],
  reference: ({ check }) => check,
  none: 'Nothing was checked.',
};

/** The report for a terminal: a line a finding, what to do about it below. */
export function renderFindings(
  findings: readonly ShownFinding[],
  options: { width: number; paint: Paint },
): string {
  const { width, paint } = options;
  const checks = findings.map(({ check }) => escapeText(check));
  const checkWidth = Math.min(Math.max(...checks.map(displayWidth)), WIDEST_CHECK);
  const indent = ' '.repeat(4 + 2 + checkWidth + 2);
  const room = Math.max(width - indent.length, 30);
  const lines = findings.flatMap(({ status, detail, fix }, index) => {
    const check = checks[index] ?? '';
    const [first = '', ...more] = fillLines(escapeText(detail).split(' '), room);
    const head = `${paint(TONES[status], pad(status, 4))}  ${pad(check, checkWidth)}  `;
    const isLong = displayWidth(check) > checkWidth;
    return [
      ...(isLong ? [head.trimEnd(), `${indent}${first}`] : [`${head}${first}`]),
      ...more.map((line) => `${indent}${line}`),
      // Shown once for neighbours with the same fix.
      ...(fix === null || fix === findings[index + 1]?.fix ? [] : fixLines(fix, room)).map(
        (line, row) => `${indent}${paint('dim', row === 0 ? FIX : ' '.repeat(FIX.length))}${line}`,
      ),
    ];
  });
  return `${[...lines, '', summary(findings, paint)].join('\n')}\n`;
}

/** Wraps sentences; commands to copy stay on one line. */
function fixLines(fix: string, room: number): string[] {
  return fix
    .split('\n')
    .map(escapeText)
    .flatMap((line) =>
      /^[A-Z][a-z]/.test(line) ? fillLines(line.split(' '), room - FIX.length) : [line],
    );
}

function summary(findings: readonly ShownFinding[], paint: Paint): string {
  const count = (status: FindingStatus): number =>
    findings.filter((finding) => finding.status === status).length;
  const failures = count('fail');
  const warnings = count('warn');
  if (failures + warnings === 0) return paint('good', 'No problems found.');
  const words = [
    ...(failures === 0 ? [] : [`${failures} failed`]),
    ...(warnings === 0 ? [] : [`${warnings} to look at`]),
  ].join(', ');
  return paint(failures === 0 ? 'busy' : 'bad', `${words}.`);
}
