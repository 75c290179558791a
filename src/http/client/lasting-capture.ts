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
  return yield* begin(await idOf(server, ref, signal));
}
