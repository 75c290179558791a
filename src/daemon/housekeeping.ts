import { join } from 'node:path';
import { DAEMON } from '../core/audit.ts';
import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import type { RetentionService } from '../core/retention.ts';
import type { Store } from '../core/store.ts';
import { sweepDeleted } from '../workload/workload-folder.ts';
import type { DaemonLog } from './log.ts';
import { LeaseLost } from './tap-context.ts';

const EVERY_MS = 60_000;

const RETAINED_LONG_ENOUGH = 'kept as long as its schedule wants';

/**
 * Clears away what is not wanted any more until `signal` is aborted: deletions that a crash interrupted,
 * once, and every minute captures that were kept as long as their schedule's --retain says.
 */
export async function keepHouse(
  context: { store: Store; clock: Clock; log: DaemonLog; retention: RetentionService },
  signal: AbortSignal,
): Promise<void> {
  const { store, clock, log, retention } = context;
  const tidy = async (what: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      // Whoever leads now does it; the rest is tried again in a minute.
      if (!(error instanceof LeaseLost)) log('warn', what, { message: messageOf(error) });
    }
  };
  await tidy('deleted workloads not cleared away', async () => {
    await retention.finishInterrupted();
    await sweepDeleted(join(store.directory, 'captures'));
  });
  while (!signal.aborted) {
    await tidy('old captures not deleted', async () => {
      for (const id of store.schedules.listExpired(clock.now())) {
        if (signal.aborted) return;
        if (await retention.prune(DAEMON, id, RETAINED_LONG_ENOUGH)) {
          log('info', 'capture pruned', { capture: id });
        }
      }
    });
    await clock.sleep(EVERY_MS, signal);
  }
}
