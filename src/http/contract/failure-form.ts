import * as z from 'zod/mini';
import { API_CODES, AppError, type ErrorCode, type Failure } from '../../core/errors.ts';
import type { Hint } from '../../core/hints.ts';
import { plain, type Form } from './wire.ts';

/** The program's own clients say this header, and read more of a failure than its message. */
export const CLIENT_HEADER = 'captures-client';
/** Both sides say theirs. It is counted up when a client of the other one would misunderstand. */
export const API_VERSION = 1;
export const API_VERSION_HEADER = 'captures-api';
/** Told to our own client with what it reads: `0` where nothing goes on unattended, of which a command would warn. */
export const ATTENTION_HEADER = 'captures-attention';
/** When the server got the request, by its clock: milliseconds since the epoch. */
export const TIME_HEADER = 'captures-time';
/** Said by a port that speaks TLS to who speaks plain HTTP. */
export const NEEDS_TLS_HEADER = 'captures-needs-tls';
/** Of the program. */
export const VERSION_HEADER = 'captures-version';

/** A failure on the wire. */
export interface FailureOnWire {
  readonly code: number;
  readonly message: string;
  /** For our own client alone: what to do next. */
  readonly hint?: Hint | string | null;
  /** For our own client alone: true where no use case saw the request. */
  readonly isRefused?: true;
}

/** @param isOwnClient whether who asks knows what hints mean. */
export function failureOnWire(failure: Failure, isOwnClient: boolean): FailureOnWire {
  const { message, hint } = failure;
  const code = API_CODES[failure.code];
  return isOwnClient ? { code, message, hint } : { code, message };
}

/** What the core would have thrown. */
export function failureOf({ code, message, hint = null, isRefused }: FailureOnWire): AppError {
  // The server is busy, or about to end: no store is.
  if (isRefused === true && code > 428) return new AppError('remote_failed', message);
  const found = Object.entries(API_CODES).find(([, number]) => number === code);
  return new AppError((found?.[0] ?? 'remote_failed') as ErrorCode, message, { hint });
}

/** A failure that is part of an answer: what would be refused, and why. */
export const failure: Form<AppError> = z.codec(
  z.object({
    code: z.enum(Object.keys(API_CODES) as ErrorCode[]),
    message: z.string(),
    hint: plain<Hint | string | null>('What to do next: a code with its data, or a text'),
  }),
  z.custom<AppError>(),
  {
    decode: ({ code, message, hint }) => new AppError(code, message, { hint }),
    encode: ({ code, message, hint }) => ({ code, message, hint }),
  },
);
