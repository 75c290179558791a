import { AppError, isAppError } from '../../core/errors.ts';
import type { Hint } from '../../core/hints.ts';
import { getCapture } from '../contract/capture-lookup-routes.ts';
import type { Connection } from './connection.ts';

/**
 * The id of a capture, for what lasts: when the server is asked again after an outage, its name may be another's.
 * @param ref as it was typed.
 * @throws AppError as `getCapture`.
 */
export async function idOf(server: Connection, ref: string, signal?: AbortSignal): Promise<string> {
  // A name is never of digits alone.
  if (/^\d+$/.test(ref)) return ref;
  const capture = await server.value(getCapture, { params: { capture: ref }, query: {} }, signal);
  return String(capture.id);
}

/** Does with a capture, by its id, what lasts. @throws AppError as `idOf`, and what `begin` throws. */
export async function* byId<Event, Result>(
  server: Connection,
  ref: string,
  signal: AbortSignal | undefined,
  begin: (id: string) => AsyncGenerator<Event, Result, void>,
): AsyncGenerator<Event, Result, void> {
  const id = await idOf(server, ref, signal);
  try {
    return yield* begin(id);
  } catch (error) {
    throw named(error, id, ref);
  }
}

/** The same failure, whose hint calls the capture what its user did. */
function named(error: unknown, id: string, ref: string): unknown {
  if (!isAppError(error) || error.hint === null || typeof error.hint === 'string') return error;
  if (!namesCapture(error.hint) || error.hint.capture !== id) return error;
  const hint = { ...error.hint, capture: ref };
  return new AppError(error.code, error.message, { hint, cause: error });
}

function namesCapture(hint: Hint): hint is Extract<Hint, { readonly capture: string }> {
  return 'capture' in hint && typeof hint.capture === 'string';
}
