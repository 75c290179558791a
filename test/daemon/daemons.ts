import { afterEach } from 'vitest';
import type { Clock } from '../../src/core/clock.ts';
import type { Source } from '../../src/core/source.ts';
import { runDaemon } from '../../src/daemon/daemon.ts';
import { openStore } from '../../src/store/sqlite-store.ts';
import { MINUTE, noServers } from './no-servers.ts';

export { DAY, HOUR, MINUTE } from './no-servers.ts';

export interface RunningDaemon {
  readonly events: string[];
  /** The events with their facts, for the message of a test that failed. */
  readonly details: string[];
  readonly done: Promise<void>;
  readonly leave: () => Promise<void>;
}

const running: RunningDaemon[] = [];
afterEach(async () => {
  for (const daemon of running.splice(0)) await daemon.leave();
});

/** A daemon in this process, on a connection to the store of its own; it leaves after the test. */
export function startDaemon(
  folder: string,
  clock: Clock,
  options: { background?: boolean; graceMs?: number; pid?: number; source?: Source } = {},
): RunningDaemon {
  const events: string[] = [];
  const details: string[] = [];
  const controller = new AbortController();
  const store = openStore(folder);
  const done = runDaemon(
    {
      store,
      clock,
      source: options.source ?? noServers,
      log: (_level, event, fields) => {
        events.push(event);
        details.push(`${event} ${JSON.stringify(fields ?? {})}`);
      },
      hostname: 'here',
      pid: options.pid ?? 1,
      programVersion: '0',
    },
    {
      background: options.background ?? false,
      graceMs: options.graceMs ?? 10 * MINUTE,
      signal: controller.signal,
    },
  ).finally(() => store.close());
  const daemon = {
    events,
    details,
    done,
    leave: async () => {
      controller.abort();
      await done;
    },
  };
  running.push(daemon);
  return daemon;
}
