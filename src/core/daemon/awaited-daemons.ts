import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import type { Store } from '../store.ts';
import { hasLiveDaemon, type DaemonProcesses } from './daemon-starter.ts';

// A daemon that stands by takes over within four seconds of the death of the one before it.
const PATIENCE_MS = 10_000;
const LOOK_MS = 100;

/** For a process that lives beside its daemon and must not start another one: it waits for one to take over. */
export function awaitedDaemons(
  { store, clock }: { readonly store: Pick<Store, 'lease'>; readonly clock: Clock },
  isRunning: (pid: number) => boolean,
): DaemonProcesses {
  return {
    isRunning,
    /** @throws AppError `store_unusable` when none does. */
    start: async () => {
      const began = clock.now();
      while (clock.now() - began < PATIENCE_MS) {
        if (hasLiveDaemon(store, clock.now())) return null;
        await clock.sleep(LOOK_MS);
      }
      throw new AppError('store_unusable', 'No daemon is running at the moment', {
        hint: 'Try again in a minute; if that does not help, tell who runs the server.',
      });
    },
  };
}
