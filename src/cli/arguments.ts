import { CAPTURE_STATUSES, type CaptureStatus } from '../core/captures.ts';
import { AppError } from '../core/errors.ts';

/**
 * The choice that a value means, in any case.
 * @throws AppError `invalid` naming what there is to choose from.
 */
export function oneOf<T extends string>(choices: readonly T[], value: string, what: string): T {
  const found = choices.find((choice) => choice.toLowerCase() === value.toLowerCase());
  if (found !== undefined) return found;
  throw new AppError('invalid', `${what} has no value "${value}"`, {
    hint: `Choose from: ${choices.join(', ')}`,
  });
}

/** A whole number from 1 on, as --limit takes it. */
export function parseCount(value: string, what: string): number {
  const count = /^\d+$/.test(value) ? Number(value) : NaN;
  if (Number.isSafeInteger(count) && count > 0) return count;
  throw new AppError('invalid', `${what} takes a whole number from 1 on, not "${value}"`);
}

/** Statuses with commas between them, in any case. */
export function parseStatuses(value: string): CaptureStatus[] {
  return value.split(',').map((status) => oneOf(CAPTURE_STATUSES, status.trim(), '--status'));
}

/** Words for a list: `a`, `a or b`, `a, b or c`. */
export function orList(words: readonly string[]): string {
  return words.length < 2
    ? words.join('')
    : `${words.slice(0, -1).join(', ')} or ${words.at(-1) ?? ''}`;
}
