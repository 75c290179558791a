import type { ListedCapture } from '../../core/store.ts';
import {
  shareText,
  shareWithValues,
  type ValueCounts,
} from '../../core/verification/value-counts.ts';
import type { Context } from '../runtime/context.ts';
import { counted, formatDuration } from '../../core/units.ts';
import { lackingText } from '../render/values.ts';

/** Warns, after the first seconds of a capture, how many executes lack their values, and whose. */
export async function tellFirstValues(
  context: Context,
  { id, options }: ListedCapture,
): Promise<ListedCapture> {
  const actor = await context.actor();
  const { captures } = context.api;
  const { interrupted } = context.world.signals;
  const first = await context.untilAnswered(() =>
    captures.firstValues(actor, String(id), interrupted),
  );
  if (first !== null && first.counts.withoutValues > 0) {
    const time = formatDuration(Math.max(first.forMs, 1_000));
    const next =
      options.recycleUsers === null
        ? 'Sessions that reconnect during the capture are recorded with values. For next time: captures help values'
        : 'Idle sessions are being ended to reduce this';
    await context.warn(`${lacking(first.counts, ` of the first ${time}`)}. ${next}`);
  }
  return context.untilAnswered(() => captures.get(actor, String(id)));
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
