import type { ServerEnvironment } from '../environments/environment.ts';
import type { Leftovers } from '../environments/server-inspection.ts';
import type { ServerSettings } from '../source.ts';
import type { TapRow } from '../store.ts';

/** Restores one server that this store changed. @throws AppError `remote_failed`. */
export type RestoreServer = (
  environment: ServerEnvironment,
  tap: TapRow,
  /** Done first, in a transaction that proves the lease: what ends the captures that still run. */
  begin: () => void,
) => Promise<{ readonly warnings: readonly string[] }>;

/** A server that was taken from a recorder of which this store knows nothing, and restored. */
export interface Reclaimed {
  /** What its log is set to now. */
  readonly settings: ServerSettings;
  /** Statements written to the folder. */
  readonly saved: number;
  /** Rows that went into the owner's own log table, because they log to it; null where not counted. */
  readonly returned: number | null;
  /** Rows of the log that are nowhere any more; null where they could not be counted. */
  readonly dropped: number | null;
  readonly warnings: readonly string[];
}

/** Restores servers in the place of a daemon: handed in where the program is put together. */
export interface Restorer {
  /** @throws AppError `conflict` naming the daemon that is at work; what `signal` is aborted with. */
  requireNoDaemon(signal: AbortSignal): Promise<void>;
  /**
   * Does `work` as the store's one daemon: no other can begin before it is over. Killed at any instant,
   * it leaves what a killed daemon leaves.
   * @throws AppError `conflict` when a daemon is at work; what `signal` is aborted with.
   */
  asOnlyDaemon<T>(signal: AbortSignal, work: (restore: RestoreServer) => Promise<T>): Promise<T>;
  /** @throws AppError `invalid` for a folder with something in it; `store_unusable`. */
  requireEmptyFolder(folder: string): Promise<void>;
  /**
   * Restores a server from what a lost recorder wrote on it.
   * @param agreed what a look at the server found, and the user agreed to.
   * @param saveTo a folder for what is logged and not read, to become a workload; null to drop it.
   * @returns null when there was nothing left to restore.
   * @throws AppError `conflict` when a recorder is at work there after all; `remote_failed`;
   *   `store_unusable` when the folder cannot be written.
   */
  reclaim(
    environment: ServerEnvironment,
    agreed: Leftovers,
    saveTo: string | null,
  ): Promise<Reclaimed | null>;
}
