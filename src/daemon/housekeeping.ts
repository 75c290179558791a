import { DAEMON } from '../core/audit/audit-trail.ts';
import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import type { RetentionService } from '../core/captures/retention.ts';
import type { Store } from '../core/store.ts';
import { removeDeletedWorkloads } from '../workload/deleted-workloads.ts';
import type { DaemonLog } from './daemon-log.ts';
import { LeaseLost } from './tap-context.ts';

const EVERY_MS = 60_000;

const RETAINED_LONG_ENOUGH = 'kept as long as its schedule wants';

/**
 * Clears away what is not wanted any more, every minute until `signal` is aborted: captures that were kept
 * as long as their schedule retains them, and the workloads of deleted captures, also where a crash
 * interrupted that.
 * @param context.commit runs its work in one transaction that proves the lease.
 */
export async function keepHouse(
  context: {
    store: Store;
    clock: Clock;
    log: DaemonLog;
    retention: RetentionService;
    commit: Store['transaction'];
  },
  signal: AbortSignal,
): Promise<void> {
  const { store, clock, log, retention, commit } = context;
  const tidy = async (what: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      // The daemon that leads now does it; the rest is tried again in a minute.
      if (!(error instanceof LeaseLost)) log('warn', what, { message: messageOf(error) });
    }
  };
  while (!signal.aborted) {
    await tidy('deleted workloads not cleared away', async () => {
      await removeDeletedWorkloads(store, { commit });
    });
    await tidy('old captures not deleted', async () => {
      for (const id of store.schedules.listExpired(clock.now())) {
        if (signal.aborted) return;
        if (!retention.prune(DAEMON, id, RETAINED_LONG_ENOUGH)) continue;
        log('info', 'capture pruned', { capture: id });
        await removeDeletedWorkloads(store, { commit });
      }
    });
    await clock.sleep(EVERY_MS, signal);
  }
}
