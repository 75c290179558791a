import type { OwnConnection } from '../../../core/source.ts';
import { parseUserHost } from '../reading/accounts.ts';

/**
 * Which rows are the recorder's own. An id alone does not say: the server numbers its connections from
 * 1 again after a restart, and then a client can bear the id that a connection of ours had, even with
 * the same account (tried: a test that restarts the server lost one client of eight that way). So an
 * id counts only with our account's name, and only in rows of the start of the server it belongs to.
 */
export class OwnConnections {
  readonly #user: string;
  /** By id: the starts of the server in which it was ours; null for one that is not known. */
  readonly #starts = new Map<number, Set<number | null>>();
  /** Opened here before the server had said when it started. */
  readonly #early: number[] = [];
  #current: number | null = null;
  /** The start of the server that the rows being read were written in, but for those of the current one. */
  #tableStart: number | null = null;
  #startedFrom = '\uffff';
  #startedUntil = '\uffff';

  /** @param user the name that the recorder logs in with. */
  constructor(user: string) {
    this.#user = user;
  }

  /** Says when the server started, in seconds of its clock. */
  setServerStart(seconds: number): void {
    this.#current = seconds;
    this.#tableStart ??= seconds;
    this.#startedFrom = second(seconds);
    this.#startedUntil = second(seconds + 1);
    for (const id of this.#early) this.#note(id, seconds);
    this.#early.length = 0;
  }

  add(id: number): void {
    if (this.#current === null) this.#early.push(id);
    else this.#note(id, this.#current);
  }

  /** Adds connections that the store remembers. */
  addRemembered(own: readonly OwnConnection[]): void {
    for (const { connectionId, serverStart } of own) this.#note(connectionId, serverStart);
  }

  /** Says in which start of the server the table was made that is read next. */
  setTable(serverStart: number): void {
    this.#tableStart = serverStart;
  }

  /** Whether a row with this id can be ours: cheap, and asked for every row. */
  mayOwn(id: number): boolean {
    return this.#starts.has(id);
  }

  /** Whether a row is ours. @param time ISO-8601 UTC. @param userHost the row's column. */
  owns(id: number, time: string, userHost: string): boolean {
    // A server that comes up with its log on goes on with the table of before.
    const isAfter = time >= this.#startedUntil;
    const isOurs = this.#isOurs(id, isAfter ? this.#current : this.#tableStart);
    if (!isOurs || parseUserHost(userHost).user !== this.#user) return false;
    // Within the second of the start a row can be of either side: a row of ours too many in the record
    // is better than a client's too few.
    return isAfter || time < this.#startedFrom || this.#isOurs(id, this.#current);
  }

  /** Whether a session that is there now is ours. */
  ownsSession(id: number, user: string | null): boolean {
    return this.#isOurs(id, this.#current) && (user === null || user === this.#user);
  }

  #note(id: number, start: number | null): void {
    const known = this.#starts.get(id);
    if (known === undefined) this.#starts.set(id, new Set([start]));
    else known.add(start);
  }

  #isOurs(id: number, start: number | null): boolean {
    const starts = this.#starts.get(id);
    return starts !== undefined && (starts.has(start) || starts.has(null));
  }
}

/** How the instants of a second begin, as ISO-8601. */
function second(seconds: number): string {
  return new Date(seconds * 1_000).toISOString().slice(0, 19);
}
