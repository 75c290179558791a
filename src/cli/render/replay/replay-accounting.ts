import type { Accounting, ReplayError, SkipReason } from '../../../core/replays/replay.ts';
import { formatCount } from '../../../core/units.ts';
import { escapeText } from '../../../display/escape.ts';
import type { Tone } from '../paint.ts';
import type { ReportView } from '../report/report-view.ts';
import { fillLines, truncate, wordsOf } from '../width.ts';
import { SKIP_TEXTS } from './skip-texts.ts';

const HEADERS = ['RECORDS', 'STATEMENTS'] as const;
const GAP = '  ';
/** Codes of errors with a line each. */
const MOST_CODES = 20;
/** Lines that a server's message may take. */
const MOST_LINES = 3;

/** Reasons that say that the replay did not come to the end of the record. */
const ENDS: readonly string[] = ['interrupted', 'target_lost'] satisfies readonly SkipReason[];

interface Line {
  readonly records: number;
  readonly statements: number;
  readonly what: 'sent' | 'skipped' | 'failed' | '';
  readonly text: string;
  readonly tone: Tone | null;
}

/**
 * What became of every record, and of the queries and executes among them: lines that add up to the last one.
 * @param isPlanned nothing has been sent yet.
 */
export function accountingLines(
  all: Accounting,
  statements: Accounting,
  { errors, isPlanned }: { readonly errors: readonly ReplayError[]; readonly isPlanned: boolean },
  view: ReportView,
): string[] {
  const lines: Line[] = [
    {
      records: all.sent,
      statements: statements.sent,
      what: 'sent',
      text: isPlanned ? '' : 'done without an error',
      tone: null,
    },
    ...entriesOf(all.skipped).map(([reason, records]): Line => ({
      records,
      statements: statements.skipped[reason as SkipReason] ?? 0,
      what: 'skipped',
      text: `${reason}: ${SKIP_TEXTS[reason as SkipReason]}`,
      tone: ENDS.includes(reason) ? 'bad' : null,
    })),
    ...failedLines(all, statements, errors),
  ];
  const total: Line = {
    records: all.records,
    statements: statements.records,
    what: '',
    text: 'in the record',
    tone: 'strong',
  };
  const widths = [
    Math.max(HEADERS[0].length, formatCount(all.records).length),
    Math.max(HEADERS[1].length, formatCount(statements.records).length),
  ] as const;
  const dash = view.ascii ? '-' : '─';
  return [
    view.paint(
      'strong',
      `${HEADERS[0].padStart(widths[0])}${GAP}${HEADERS[1].padStart(widths[1])}`,
    ),
    ...lines.flatMap((line) => drawn(line, widths, view)),
    view.paint('dim', widths.map((width) => dash.repeat(width)).join(GAP)),
    ...drawn(total, widths, view),
  ];
}

function failedLines(
  all: Accounting,
  statements: Accounting,
  errors: readonly ReplayError[],
): Line[] {
  const codes = entriesOf(all.failed);
  const lines = codes.slice(0, MOST_CODES).map(([code, records]): Line => ({
    records,
    statements: statements.failed[code] ?? 0,
    what: 'failed',
    text: errorText(code, errors.find((error) => error.code === code)?.message ?? ''),
    tone: 'bad',
  }));
  const others = codes.slice(MOST_CODES);
  if (others.length === 0) return lines;
  const sum = (of: Accounting): number =>
    others.reduce((some, [code]) => some + (of.failed[code] ?? 0), 0);
  const text = `${others.length} other codes`;
  return [
    ...lines,
    { records: sum(all), statements: sum(statements), what: 'failed', text, tone: 'bad' },
  ];
}

/** Without what every message about the syntax says, so that there is room for where it is wrong. */
export function shortMessage(message: string): string {
  return message.replace(MANUAL, '');
}

const MANUAL =
  /; check the manual that corresponds to your \w+ server version for the right syntax to use/;

/** `1213: Deadlock found …`; what has no number of the server's says so. */
export function errorText(code: string, message: string): string {
  const name = code === '-1' || code === '0' ? 'connection' : code;
  return message === '' ? name : `${name}: ${shortMessage(message)}`;
}

/** Those that there are, most first. */
export function entriesOf(
  counts: Readonly<Record<string, number | undefined>>,
): (readonly [string, number])[] {
  return Object.entries(counts)
    .flatMap(([key, count = 0]) => (count > 0 ? [[key, count] as const] : []))
    .sort(([, one], [, other]) => other - one);
}

function drawn(line: Line, widths: readonly [number, number], view: ReportView): string[] {
  const { paint } = view;
  const numbers = [line.records, line.statements]
    .map((count, index) => formatCount(count).padStart(widths[index] ?? 0))
    .join(GAP);
  const what = line.what === '' ? '' : line.what.padEnd('skipped'.length);
  const head = `${numbers}${GAP}${what === '' ? '' : `${what}${GAP}`}`;
  const room = Math.max(view.width - head.length, 10);
  const words = wordsOf(escapeText(line.text)).map((word) => truncate(word, room));
  const lines = fillLines(words, room);
  const shown = lines.slice(0, MOST_LINES);
  if (lines.length > shown.length)
    shown[MOST_LINES - 1] = truncate(`${shown.at(-1) ?? ''} …`, room);
  const toned = (text: string): string =>
    line.tone === null || text === '' ? text : paint(line.tone, text);
  const numbersShown = line.tone === 'strong' ? paint('strong', numbers) : numbers;
  return shown.map((text, index) =>
    index === 0
      ? `${numbersShown}${GAP}${what === '' ? '' : `${toned(what)}${GAP}`}${toned(text)}`.trimEnd()
      : `${' '.repeat(head.length)}${toned(text)}`,
  );
}
