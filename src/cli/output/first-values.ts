import type { FirstValues } from '../../core/captures/values-after-start.ts';
import type { ListedCapture } from '../../core/store.ts';
import {
  shareText,
  shareWithValues,
  type ValueCounts,
} from '../../core/verification/value-counts.ts';
import type { Context } from '../runtime/context.ts';
import { counted, formatDuration } from '../../core/units.ts';
import { lackingText } from '../render/values.ts';

/** Who pressed Ctrl-C waits no longer than that for what was seen until then. */
const LAST_ANSWER_MS = 2_000;

/**
 * Warns, after the first seconds of a capture, how many executes lack their values, and whose.
 * @param interrupted ends the look; what was seen by then is said.
 * @returns the capture as it is then; where the look was ended, as it was given.
 */
export async function tellFirstValues(
  context: Context,
  capture: ListedCapture,
  interrupted: AbortSignal,
): Promise<ListedCapture> {
  const { id, options } = capture;
  const actor = await context.actor();
  const { captures } = context.api;
  const look = (): Promise<FirstValues | null> =>
    captures.firstValues(actor, String(id), interrupted);
  const first = await answered(context, look, interrupted);
  if (first !== null && first.counts.withoutValues > 0) {
    const time = formatDuration(Math.max(first.forMs, 1_000));
    const next =
      options.recycleUsers === null
        ? 'Sessions that reconnect during the capture are recorded with values. For next time: captures help values'
        : 'Idle sessions are being ended to reduce this';
    await context.warn(`${lacking(first.counts, ` of the first ${time}`)}. ${next}`);
  }
  if (interrupted.aborted) return capture;
  const get = (): Promise<ListedCapture> => captures.get(actor, String(id));
  return (await answered(context, get, interrupted)) ?? capture;
}

/** Asks until there is an answer. Once that is interrupted it has to come soon: null where it does not. */
async function answered<Value>(
  context: Context,
  ask: () => Promise<Value>,
  interrupted: AbortSignal,
): Promise<Value | null> {
  const { clock } = context.world;
  const done = new AbortController();
  const isTooLate = new Promise<null>((resolve) => {
    const wait = (): void => {
      void clock.sleep(LAST_ANSWER_MS, done.signal).then(() => resolve(null));
    };
    if (interrupted.aborted) wait();
    else interrupted.addEventListener('abort', wait, { once: true, signal: done.signal });
  });
  try {
    return await Promise.race([context.untilAnswered(ask, interrupted), isTooLate]);
  } catch (error) {
    if (interrupted.aborted) return null;
    throw error;
  } finally {
    done.abort();
  }
}

/** Warns, at the end of a capture, how many executes lacked their values, if any did. */
export async function tellLackingValues(context: Context, { id }: ListedCapture): Promise<void> {
  const actor = await context.actor();
  const counts = await context.untilAnswered(() =>
    context.api.captures.valueCounts(actor, String(id)),
  );
  if (counts === null || counts.withoutValues === 0) return;
  await context.warn(`${lacking(counts, '')}. What helps: captures help values`);
}

function lacking(counts: ValueCounts, when: string): string {
  const share = shareText(shareWithValues(counts) ?? 1);
  const executes = counted(counts.executes, 'execute');
  return `values are known for ${share} of the ${executes}${when}; without: ${lackingText(counts)}. They were prepared before the log was on and cannot be replayed`;
}
