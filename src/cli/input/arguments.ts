import type { Role } from '../../core/access.ts';
import {
  CAPTURE_STATUSES,
  CAPTURE_TYPES,
  type CaptureStatus,
  type CaptureType,
} from '../../core/captures/capture.ts';
import { AppError } from '../../core/errors.ts';
import { CAPTURE_ORDERS, type CaptureOrder } from '../../core/store.ts';
import { choice, offering, oneOf } from './choices.ts';

/** Arguments and options that many commands take. */
export const CAPTURE = ['<capture>', 'id, name, or environment/name'] as const;
export const SCHEDULE = ['<schedule>', 'id, name, or environment/name'] as const;
export const ENVIRONMENT = ['<environment>', 'id or name'] as const;
export const YES = ['--yes', 'do not ask for confirmation'] as const;
export const REASON = ['--reason <text>', 'why, for the audit trail (captures log)'] as const;

/** The parser of an option that may be repeated. */
export function collected(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/** The parser of an option that takes a whole number from 1 on, as --limit does. */
export function count(option: string): (value: string) => number {
  return (value) => {
    const number = /^\d+$/.test(value) ? Number(value) : NaN;
    if (Number.isSafeInteger(number) && number > 0) return number;
    throw new AppError('invalid', `${option} takes a whole number from 1 on, not "${value}"`);
  };
}

/** Statuses with commas between them, in any case. */
export const parseStatuses = offering(
  CAPTURE_STATUSES,
  (value: string): CaptureStatus[] =>
    value.split(',').map((status) => oneOf(CAPTURE_STATUSES, status.trim(), '--status')),
  { isList: true },
);

/** CAPTURE or REPLAY, in any case. */
export const parseType = offering(CAPTURE_TYPES, (value: string): CaptureType =>
  oneOf(CAPTURE_TYPES, value, '--type'),
);

/** Words for a list: `a`, `a or b`, `a, b or c`. */
export function orList(words: readonly string[]): string {
  return words.length < 2
    ? words.join('')
    : `${words.slice(0, -1).join(', ')} or ${words.at(-1) ?? ''}`;
}

export interface ListOrder {
  readonly order: CaptureOrder;
  readonly isReversed: boolean;
}

/** What a list is ordered by; a `-` before it turns the order round. */
export const parseOrder = offering(CAPTURE_ORDERS, (value: string): ListOrder => {
  const isReversed = value.startsWith('-');
  return {
    order: oneOf(CAPTURE_ORDERS, isReversed ? value.slice(1) : value, '--sort'),
    isReversed,
  };
});

/** A role in an environment. */
export const parseRole = choice<Role>(['member', 'admin'], '--role');
