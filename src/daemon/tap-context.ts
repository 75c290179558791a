import type { AuditTrail } from '../core/audit/audit-trail.ts';
import type { Clock } from '../core/clock.ts';
import type { TapTally } from '../core/verification/own-commands.ts';
import type { Source } from '../core/source.ts';
import type { Store, TapRow } from '../core/store.ts';
import type { DaemonLog } from './daemon-log.ts';
import type { TapLife } from './tap-life.ts';

/** Another daemon has the lease, or the store is gone: nothing may be written any more. */
export class LeaseLost extends Error {}

export interface TapContext {
  readonly store: Store;
  readonly clock: Clock;
  readonly source: Source;
  readonly log: DaemonLog;
  readonly programVersion: string;
  /** For the reasons of failures: host and pid. */
  readonly daemonName: string;
  readonly audit: AuditTrail;
  /**
   * Runs `work` in one store transaction that also proves the lease is still ours.
   * @throws LeaseLost.
   */
  readonly commit: <T>(work: () => T) => T;
}

/** The row of a tap. @throws LeaseLost where it is gone: another daemon ended the tap. */
export function tapRowOf({ store }: Pick<TapContext, 'store'>, tapId: number): TapRow {
  const row = store.taps.find(tapId);
  if (row === null) throw new LeaseLost('the tap is not in the store any more');
  return row;
}

/** What outlives one connection to the server. */
export interface TapMemory {
  readonly life: TapLife;
  /** What the server calls itself; null until it was reached. */
  serverKey: string | null;
  row: TapRow | null;
  /** Server clock minus ours, in milliseconds, as of the last cut. */
  skew: number;
  /** What all of its connections have sent. */
  readonly own: TapTally;
  /** Everything received before this is committed, by `performance.now()`; time without a daemon does not count. */
  caughtUpAt: number;
  /** When rows came last, by `performance.now()`. */
  progressAt: number;
  /** Why an earlier session had to switch the log off: what it recorded then ends. null otherwise. */
  stopped: string | null;
}

/** A capture that is STARTING: its window opens at the first cut from `notBefore` (our clock) on. */
export interface Waiting {
  readonly captureId: number;
  readonly notBefore: number;
}

/** The server turned out to be one that another tap reads already. */
export class ServerTaken extends Error {
  readonly tapId: number;
  constructor(tapId: number) {
    super('another tap reads this server');
    this.tapId = tapId;
  }
}
