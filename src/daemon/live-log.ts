import type { ServerLog, SessionState } from '../core/source.ts';
import type { TapRow } from '../core/store.ts';
import type { TapContext } from './tap-context.ts';

/** A log that was switched on just now, or again. */
export interface FreshLog {
  /** The first generation that was written to since. */
  readonly since: number;
  readonly sessions: readonly SessionState[];
}

/** The server's log, once it goes to our table. */
export interface LiveLog {
  /** The generation that the live table will be frozen as. */
  readonly generation: number;
  /** null where the log was on already: everything since it was read last is in its tables. */
  readonly fresh: FreshLog | null;
  readonly warnings: readonly string[];
  /** As `InstalledLog.deadManObstacle`; undefined where nothing was switched on. */
  readonly deadManObstacle?: string | null;
}

/** The generation of the live table: behind everything that is frozen or was read. */
export async function findLive(server: ServerLog, row: TapRow): Promise<number> {
  const { frozen } = await server.state(row.generation);
  return Math.max(row.generation, frozen.at(-1) ?? 0) + 1;
}

/**
 * Makes sure that the server logs to our table, switching its log on where it is off, is not ours, or
 * was not proven to be on since the server's last start.
 */
export async function tapLog(
  { store, log }: TapContext,
  environmentName: string,
  server: ServerLog,
  row: TapRow,
  deadManMs: number | null,
): Promise<LiveLog> {
  const { installed, logging, marked } = await server.state(row.generation);
  const generation = await findLive(server, row);
  server.restoreSessions(store.taps.sessionsOf(row.id));
  if (installed && logging && marked && row.serverStart === server.serverStart) {
    return { generation, fresh: null, warnings: [] };
  }
  const live = await server.install(row.settings, generation, deadManMs);
  for (const warning of live.warnings) {
    log('warn', 'log switched on with a warning', { environment: environmentName, warning });
  }
  const fresh = { since: live.since, sessions: await server.sessions() };
  const { warnings, deadManObstacle } = live;
  return { generation: live.generation, fresh, warnings, deadManObstacle };
}
