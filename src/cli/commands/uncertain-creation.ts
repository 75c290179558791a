import { ALL_CAPTURES } from '../../core/captures/capture-list.ts';
import type { CreatedCapture } from '../../core/captures/capture-creation.ts';
import type { CaptureRequest } from '../../core/captures/capture-timing.ts';
import { isAppError } from '../../core/errors.ts';
import { fullName } from '../render/full-name.ts';
import { captureWord, shellQuoted } from '../render/shell-quoting.ts';
import { mayBeDone, withMore } from '../output/server-loss.ts';
import type { Context } from '../runtime/context.ts';
import type { HeldSignals } from '../runtime/held-signals.ts';
import { Interrupted } from '../runtime/signals.ts';

/** Who pressed Ctrl-C waits no longer than that to be told what is there. */
const LAST_LOOK_MS = 2_000;
/** Longer than a server that is started anew is asked again. */
const LONG_LOOK_MS = 120_000;
/** A new capture is among the newest of its environment. */
const NEWEST = 20;

/**
 * Creates a capture. On a server its answer may be lost, or no longer waited for, when the capture is there already:
 * then the server is asked once more, and what it knows of the capture is said.
 * @param held taken over from here on; released where no capture was created, to prompts too.
 * @param create is given what ends it.
 * @throws what `create` does; where the answer was lost, with what is known.
 */
export async function keepingSight(
  context: Context,
  request: Pick<CaptureRequest, 'name' | 'environment'>,
  held: HeldSignals,
  create: (interrupted: AbortSignal) => Promise<CreatedCapture>,
): Promise<CreatedCapture> {
  let isCreated = false;
  held.take();
  try {
    const created = await create(held.interrupted);
    isCreated = true;
    return created;
  } catch (error) {
    if (context.server === null) throw error;
    if (error instanceof Interrupted) {
      await context.note(await whatIsThere(context, context.server.name, request, LAST_LOOK_MS));
    }
    if (!mayBeDone(error) || !isAppError(error)) throw error;
    const known = await whatIsThere(context, context.server.name, request, LONG_LOOK_MS);
    throw withMore(error, known);
  } finally {
    if (!isCreated) held.release();
  }
}

/** What the server knows of a capture by now; it gets a little time to say that. A second signal ends it, too. */
async function whatIsThere(
  context: Context,
  server: string,
  { name, environment }: Pick<CaptureRequest, 'name' | 'environment'>,
  patience: number,
): Promise<string> {
  const { api, world } = context;
  const actor = await context.actor();
  const enough = new AbortController();
  const stopListening = world.signals.listen(() => enough.abort());
  try {
    const request = { ...ALL_CAPTURES, environment, limit: NEWEST };
    const look = context.untilAnswered(() => api.captures.list(actor, request));
    const isTooLate = world.clock.sleep(patience, enough.signal).then(() => null);
    const newest = await Promise.race([look.catch(() => null), isTooLate]);
    if (newest === null) {
      return `It is not known whether "${name}" was created on ${server}. To look: captures list --env ${shellQuoted(environment)}`;
    }
    const found = newest.find((one) => one.name.toLowerCase() === name.toLowerCase());
    if (found === undefined) return `Nothing was created: ${server} has no new capture "${name}".`;
    const { id, status, ownerName } = found;
    return `${server} has ${fullName(found)} (id ${id}, of ${ownerName}), which is ${status}. To look at it: captures get ${captureWord(found)}; to delete it: captures delete ${captureWord(found)}`;
  } finally {
    enough.abort();
    stopListening();
  }
}
