import { isAppError, messageOf, type ErrorCode } from '../core/errors.ts';
import { hintText } from './output/hints.ts';
import type { Finding } from './render/diagnosis.ts';

export function ok(check: string, detail: string): Finding {
  return { check, status: 'ok', detail, fix: null, code: null };
}

/** @param fix what to type; null where nothing helps. */
export function warning(check: string, detail: string, fix: string | null): Finding {
  return { check, status: 'warn', detail, fix, code: null };
}

/** @param code what kind of failure it is: the first one's is the exit status. */
export function failure(
  check: string,
  code: ErrorCode,
  detail: string,
  fix: string | null,
): Finding {
  return { check, status: 'fail', detail, fix, code };
}

/** What a failure that was thrown says as a finding. */
export function findingOf(check: string, error: unknown): Finding {
  if (isAppError(error)) return failure(check, error.code, error.message, hintText(error.hint));
  return failure(check, 'internal', messageOf(error), null);
}
