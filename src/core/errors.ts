import type { Hint } from './hints.ts';

/**
 * Every failure a user can meet has one of these codes; anything else that is thrown is a bug.
 * The numbers are those of the reference API and, where it has none, the nearest that the web has.
 */
export const API_CODES = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  capture_failed: 424,
  declined: 499,
  internal: 500,
  remote_failed: 502,
  store_unusable: 503,
} as const;

export type ErrorCode = keyof typeof API_CODES;

/** What an AppError says, as plain data. */
export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  /** A text says what to do in words that suit every reader; null where nothing helps. */
  readonly hint: Hint | string | null;
}

/** A failure with a sentence for the user and, where there is one, a hint that says what to do next. */
export class AppError extends Error implements Failure {
  readonly code: ErrorCode;
  readonly hint: Hint | string | null;

  constructor(
    code: ErrorCode,
    message: string,
    options: { hint?: Hint | string | null; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.hint = options.hint ?? null;
  }
}

/** The store is locked by another process just now: one that waits, waits; a command says so. */
export class StoreBusy extends AppError {
  constructor(message: string, options: { hint?: Hint | string | null; cause?: unknown } = {}) {
    super('store_unusable', message, options);
  }
}

export function isAppError(error: unknown, code?: ErrorCode): error is AppError {
  return error instanceof AppError && (code === undefined || error.code === code);
}

/** The message of whatever was thrown, for logs and for reasons kept with a capture. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
