import { ALL_CAPTURES } from '../../core/captures/capture-list.ts';
import { isOver } from '../../core/captures/capture.ts';
import type { CreatedCapture } from '../../core/captures/capture-creation.ts';
import type { CaptureRequest } from '../../core/captures/capture-timing.ts';
import { isAppError } from '../../core/errors.ts';
import type { ListedCapture } from '../../core/store.ts';
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
 * then the server is asked once more. One that is known to be this one, and has to be ended or to be told of, is
 * returned; else what the server knows is said.
 * @param held taken over from here on; released where no capture was created, to prompts too.
 * @param how.isForCommand nothing else would end the capture.
 * @param create is given what ends it.
 * @throws what `create` does; where the answer was lost, with what is known.
 */
export async function keepingSight(
  context: Context,
  request: Pick<CaptureRequest, 'name' | 'environment'>,
  held: HeldSignals,
  how: { readonly isForCommand: boolean },
  create: (interrupted: AbortSignal) => Promise<CreatedCapture>,
): Promise<CreatedCapture> {
  let isCreated = false;
  held.take();
  const since = context.serverNow;
  try {
    const created = await create(held.interrupted);
    isCreated = true;
    return created;
  } catch (error) {
    if (context.server === null) throw error;
    const isLeft = error instanceof Interrupted;
    if (!isLeft && (!mayBeDone(error) || !isAppError(error))) throw error;
    const newest = await newestOf(context, request, isLeft ? LAST_LOOK_MS : LONG_LOOK_MS);
    const found = newest?.find((one) => isNamed(one, request.name)) ?? null;
    if (found !== null && isOpen(found) && (isLeft || how.isForCommand)) {
      if (await isOurs(context, found, since)) {
        isCreated = true;
        // It began without being looked at.
        return { ...found, mayLackValues: false };
      }
    }
    const known =
      newest === null
        ? `It is not known whether "${request.name}" was created on ${context.server.name}. To look: captures list --env ${shellQuoted(request.environment)}`
        : whatIsKnown(context.server.name, request.name, found);
    if (!isLeft) throw withMore(error, known);
    await context.note(known);
    throw error;
  } finally {
    if (!isCreated) held.release();
  }
}

function isNamed({ name }: ListedCapture, wanted: string): boolean {
  return name.toLowerCase() === wanted.toLowerCase();
}

/** Whether it records now, or soon. */
function isOpen({ status }: ListedCapture): boolean {
  return status !== 'SCHEDULED' && !isOver(status);
}

/**
 * Whether a capture is the one that was asked for: made by this user, not before that. The name is unique in its
 * environment, so one that was there before was a refusal.
 * @param since by the server's clock; null where that is not known.
 */
async function isOurs(
  context: Context,
  { ownerId, createdAt }: ListedCapture,
  since: number | null,
): Promise<boolean> {
  const { userId } = await context.actor();
  return ownerId === userId && since !== null && createdAt >= since;
}

function whatIsKnown(server: string, name: string, found: ListedCapture | null): string {
  if (found === null) return `Nothing was created: ${server} has no new capture "${name}".`;
  const { id, status, ownerName } = found;
  return `${server} has ${fullName(found)} (id ${id}, of ${ownerName}), which is ${status}. To look at it: captures get ${captureWord(found)}; to delete it: captures delete ${captureWord(found)}`;
}

/** The newest captures of its environment; null where the server does not say soon. A second signal ends it, too. */
async function newestOf(
  context: Context,
  { environment }: Pick<CaptureRequest, 'environment'>,
  patience: number,
): Promise<readonly ListedCapture[] | null> {
  const { api, world } = context;
  const actor = await context.actor();
  const enough = new AbortController();
  const stopListening = world.signals.listen(() => enough.abort());
  try {
    const request = { ...ALL_CAPTURES, type: 'CAPTURE', environment, limit: NEWEST } as const;
    const look = context.untilAnswered(() => api.captures.list(actor, request));
    const isTooLate = world.clock.sleep(patience, enough.signal).then(() => null);
    return await Promise.race([look.catch(() => null), isTooLate]);
  } finally {
    enough.abort();
    stopListening();
  }
}
