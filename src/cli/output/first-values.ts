import type { ServerInspection } from '../../core/environments/server-inspection.ts';
import type { ListedCapture } from '../../core/store.ts';
import { coverageOf } from '../../core/warm-ups/value-coverage.ts';
import {
  shareText,
  shareWithValues,
  type ValueCounts,
} from '../../core/verification/value-counts.ts';
import type { Context } from '../runtime/context.ts';
import { counted, formatDuration } from '../../core/units.ts';
import type { CountersState } from '../../core/workloads/workload.ts';
import { lackingText } from '../render/values.ts';

/** How long the first executes of a capture are waited for. */
const PATIENCE_MS = 3_000;
/** So many without values say enough, a second after the start. */
const ENOUGH = 100;
const SHORTEST_MS = 1_000;
const POLL_MS = 100;
const REMEDY =
  'Sessions that reconnect during the capture are recorded with values. For next time: captures help values';

/**
 * Says, after the first seconds of a capture, how many executes come without their values, and whose. Waits
 * only where some may: statements that were prepared before, by sessions that nothing covered.
 */
export async function sayFirstValues(
  context: Context,
  capture: ListedCapture,
  inspection: ServerInspection,
): Promise<void> {
  const { store, world } = context;
  const { values } = inspection;
  if (values.logged === 'always' || values.prepared === 0) return;
  const { sessions, covered } = coverageOf(values, store.warmUps.listOf(capture.environmentId));
  if (sessions === covered) return;
  const began = context.now();
  const { interrupted } = world.signals;
  for (;;) {
    const waited = context.now() - began;
    const counts = valuesOf(context, capture.id);
    const isEnough = counts !== null && counts.withoutValues >= ENOUGH && waited >= SHORTEST_MS;
    if (isEnough || waited >= PATIENCE_MS || interrupted.aborted) {
      if (counts !== null && counts.withoutValues > 0) await warn(context, capture, counts, waited);
      return;
    }
    await world.clock.sleep(POLL_MS, interrupted);
  }
}

function valuesOf({ store }: Context, captureId: number): ValueCounts | null {
  const counters = store.recordings.find(captureId)?.counters ?? null;
  return counters === null ? null : ((JSON.parse(counters) as CountersState).values ?? null);
}

/** Says at the end of a capture how many executes came without their values, where some did. */
export async function sayLackingValues(context: Context, capture: ListedCapture): Promise<void> {
  const counts = valuesOf(context, capture.id);
  if (counts === null || counts.withoutValues === 0) return;
  await context.warn(`${lacking(counts, '')}. What helps: captures help values`);
}

async function warn(
  context: Context,
  { options }: ListedCapture,
  counts: ValueCounts,
  waited: number,
): Promise<void> {
  const recycling =
    options.recycleUsers === null
      ? REMEDY
      : 'Idle sessions are being ended, so that fewer lack them';
  const time = formatDuration(Math.max(waited, 1_000));
  await context.warn(`${lacking(counts, ` of the first ${time}`)}. ${recycling}`);
}

function lacking(counts: ValueCounts, when: string): string {
  const share = shareText(shareWithValues(counts) ?? 1);
  const executes = counted(counts.executes, 'execute');
  return `values are known for ${share} of the ${executes}${when}; without: ${lackingText(counts)}. They were prepared before the log was on and cannot be replayed`;
}
