import { AppError } from '../errors.ts';
import type { TimesAbsence } from './report.ts';
import type { TimeSums } from './statement-times.ts';
import type { NumberedText, TimesTable } from './times-table.ts';

/** Compared with every text that is written so: the compiler keeps it complete. */
const ABSENCES: Readonly<Record<TimesAbsence, true>> = {
  off: true,
  not_permitted: true,
  not_supported: true,
  failed: true,
  not_recorded: true,
  restarted: true,
  truncated: true,
  full: true,
};

type Sums = readonly [
  number: number,
  count: number,
  micros: number,
  rowsSent: number,
  rowsExamined: number,
  errors: number,
];

/** One line of the times in an archive: JSON with one of these fields. A text comes before its first sums. */
type TimesLine =
  | { readonly text: NumberedText }
  | {
      readonly interval: {
        readonly from: number;
        readonly to: number | null;
        readonly why: TimesAbsence | null;
        readonly sums: readonly Sums[];
      };
    };

/** Everything that a store has of a capture's times, as lines without their ends. */
export function timesLines(times: Pick<TimesTable, 'intervalsOf'>, captureId: number): string[] {
  const lines: TimesLine[] = [];
  const numbers = new Map<string, number>();
  for (const { from, to, why, digests } of times.intervalsOf(captureId)) {
    const sums = digests.map(
      ({ db, text, count, micros, rowsSent, rowsExamined, errors }): Sums => {
        const key = JSON.stringify([db, text]);
        let number = numbers.get(key);
        if (number === undefined) {
          number = numbers.size;
          numbers.set(key, number);
          lines.push({ text: { number, db, text } });
        }
        return [number, count, micros, rowsSent, rowsExamined, errors];
      },
    );
    lines.push({ interval: { from, to, why, sums } });
  }
  return lines.map((line) => JSON.stringify(line));
}

/** Stores what `timesLines` made as that of another capture. @throws AppError `invalid` for a line that is none. */
export function storeTimesLines(
  times: Pick<TimesTable, 'add' | 'setOpen'>,
  captureId: number,
  lines: Iterable<string>,
): void {
  let texts: NumberedText[] = [];
  let digests = 0;
  for (const text of lines) {
    const line = parsedLine(text, digests);
    if ('text' in line) {
      texts.push(line.text);
      digests++;
      continue;
    }
    const { from, to, why, sums } = line.interval;
    if (to === null) {
      times.setOpen(captureId, from, why ?? 'not_recorded');
      continue;
    }
    times.add(captureId, { from, to, why, digests, texts, sums: sums.map(numbered) });
    texts = [];
  }
}

function numbered([number, count, micros, rowsSent, rowsExamined, errors]: Sums): [
  number,
  TimeSums,
] {
  return [number, { count, micros, rowsSent, rowsExamined, errors }];
}

function parsedLine(text: string, digests: number): TimesLine {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw noLine(error);
  }
  if (isObject(value) && Object.keys(value).length === 1) {
    const { text: of, interval } = value;
    if (isText(of, digests) || isInterval(interval, digests)) return value as TimesLine;
  }
  throw noLine();
}

function isText(value: unknown, digests: number): boolean {
  if (!isObject(value)) return false;
  const { number, db, text } = value;
  return number === digests && (db === null || typeof db === 'string') && typeof text === 'string';
}

function isInterval(value: unknown, digests: number): boolean {
  if (!isObject(value)) return false;
  const { from, to, why, sums } = value;
  return (
    isCount(from) &&
    (to === null || (isCount(to) && to >= from)) &&
    (why === null || (typeof why === 'string' && Object.hasOwn(ABSENCES, why))) &&
    Array.isArray(sums) &&
    sums.every((row) => areSums(row, digests))
  );
}

function areSums(value: unknown, digests: number): boolean {
  if (!Array.isArray(value) || value.length !== 6 || !value.every(isCount)) return false;
  return Number(value[0]) < digests;
}

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function noLine(cause?: unknown): AppError {
  return new AppError('invalid', 'This is no export that can be imported: its times are damaged', {
    hint: { code: 'give_an_export' },
    cause,
  });
}
