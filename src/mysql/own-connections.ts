import { parseUserHost } from './session-tracker.ts';

// How long rows of a connection from before a crash may still be written after we opened ours.
const OVERLAP_MS = 60_000;

/**
 * Which rows are the recorder's own. An id alone does not say: the server numbers its connections from
 * 1 again after a restart, and then a client's rows of before it can bear the id of a connection of
 * ours (tried: a test that restarts the server lost one client of eight that way). So an id counts
 * only with our account's name, and only on the side of the restart where it is ours.
 */
export class OwnConnections {
  readonly #user: string;
  /** Opened by this process, so since the server's last start. */
  readonly #current = new Set<number>();
  /** Of recorders before this one. */
  readonly #earlier = new Set<number>();
  #serverStart = '';
  #earlierUntil = '\uffff';

  /** @param user the name that the recorder logs in with. */
  constructor(user: string) {
    this.#user = user;
  }

  /** Sets the instants that ids are told apart by: when the server started, and now, by its clock. */
  setInstants(serverStart: Date, now: Date): void {
    this.#serverStart = serverStart.toISOString();
    this.#earlierUntil = new Date(now.getTime() + OVERLAP_MS).toISOString();
  }

  add(id: number): void {
    this.#current.add(id);
  }

  /** Adds ids that the store remembers; those that are known as current stay so. */
  addRemembered(ids: readonly number[]): void {
    for (const id of ids) if (!this.#current.has(id)) this.#earlier.add(id);
  }

  /** Whether a row with this id can be ours: cheap, and asked for every row. */
  mayOwn(id: number): boolean {
    return this.#current.has(id) || this.#earlier.has(id);
  }

  /** Whether a row is ours. @param time ISO-8601 UTC. @param userHost the row's column. */
  owns(id: number, time: string, userHost: string): boolean {
    const isOurs =
      (this.#current.has(id) && time >= this.#serverStart) ||
      (this.#earlier.has(id) && time < this.#earlierUntil);
    return isOurs && parseUserHost(userHost).user === this.#user;
  }

  /** Whether a session that is there now is ours. */
  ownsSession(id: number, user: string | null): boolean {
    return this.mayOwn(id) && (user === null || user === this.#user);
  }
}
