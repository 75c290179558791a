import { messageOf } from '../../../core/errors.ts';
import type {
  RecycleStep,
  ServerSession,
  SessionRecycling,
} from '../../../core/warm-ups/source-sessions.ts';
import type { CommandTally } from '../connection/command-tally.ts';
import type { OwnConnections } from '../connection/own-connections.ts';
import { clientSessions } from '../inspection/values-outlook.ts';
import type { SessionTracker } from '../reading/session-tracker.ts';
import type { Marker } from './marker.ts';
import { readSchema } from './recorder-schema.ts';
import type { RecorderTables } from './recorder-tables.ts';
import { endFree, installLockPlugin, removeLockPlugin } from './session-ending.ts';

/** A session that the log knows nothing of may be in a transaction that it has only begun. */
const LEAST_IDLE_MS = 1_000;

interface KnownSessions {
  readonly own: OwnConnections;
  readonly tracker: SessionTracker;
  readonly tally: CommandTally;
}

/** Ends sessions of before the log, with what the log says of them beside what the server lists. */
export class IdleSessionRecycling implements SessionRecycling {
  readonly #tables: RecorderTables;
  readonly #sessions: KnownSessions;
  /** As the store knows it; the marker, which others can drop, knows it, too. */
  #hasLockPlugin = false;

  constructor(tables: RecorderTables, sessions: KnownSessions) {
    this.#tables = tables;
    this.#sessions = sessions;
  }

  /** Goes on from what another connection did. */
  resume({ hasLockPlugin, isUnderWay }: { hasLockPlugin: boolean; isUnderWay: boolean }): void {
    this.#hasLockPlugin = hasLockPlugin;
    if (isUnderWay) this.#sessions.tracker.followTransactions(true);
  }

  /**
   * Whether the plugin that lists locks is on the server because of us. Also without the marker or its
   * row: a crash of the server can take it, and others can drop it.
   */
  hasLockPlugin(marker: Marker | null): boolean {
    return marker?.hasLockPlugin ?? this.#hasLockPlugin;
  }

  async end(isWanted: (session: ServerSession) => boolean, most: number): Promise<RecycleStep> {
    // Everybody's values are logged, whenever they prepared.
    if (this.#tables.flavor.hasValues === 'always') {
      return { ended: [], left: 0, newest: 0, changedServer: false };
    }
    const control = this.#tables.control;
    this.#sessions.tracker.followTransactions(true);
    if (await installLockPlugin(control)) this.#hasLockPlugin = true;
    const isToEnd = (session: ServerSession): boolean =>
      isWanted(session) &&
      session.user !== control.address.user &&
      !this.#sessions.own.ownsSession(session.id, session.user) &&
      !this.#sessions.tracker.sawLogin(session.id);
    const isFree = (session: ServerSession): boolean =>
      isToEnd(session) && !this.#mayHold(session.id, session.seconds * 1_000);
    const ended = await endFree(control, isFree, most, (statements) =>
      this.#sessions.tally.inside(statements),
    );
    const gone = new Set(ended.map(({ session }) => session));
    const wanted = (await clientSessions(control)).filter(isToEnd);
    return {
      ended,
      left: wanted.filter(({ id }) => !gone.has(id)).length,
      newest: Math.max(0, ...gone, ...wanted.map(({ id }) => id)),
      changedServer: this.#hasLockPlugin,
    };
  }

  /** Whether a session that holds no lock may be in a transaction, or lose what it does not know of. */
  #mayHold(id: number, idleMs: number): boolean {
    // What it did since the last swap is not read yet.
    const sinceSwapMs =
      this.#tables.lastSwap === null ? Infinity : performance.now() - this.#tables.lastSwap.at;
    return this.#sessions.tracker.mayHold(id, idleMs >= sinceSwapMs) ?? idleMs < LEAST_IDLE_MS;
  }

  async finish(): Promise<void> {
    this.#sessions.tracker.followTransactions(false);
    const { marker } = await readSchema(this.#tables.control, this.#tables.storeId);
    if (marker?.hasLockPlugin ?? this.#hasLockPlugin) {
      await removeLockPlugin(this.#tables.control, marker !== null);
    }
    this.#hasLockPlugin = false;
  }

  /** @returns a warning where what listed locks stays there. */
  async finishAnyway(): Promise<string[]> {
    try {
      await this.finish();
      return [];
    } catch (error) {
      if (this.#tables.control.isLost) throw error;
      return [`${messageOf(error)}; to remove it: UNINSTALL SONAME 'metadata_lock_info'`];
    }
  }
}
