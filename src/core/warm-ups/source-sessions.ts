/**
 * What a source can do with clients' sessions, so that what they prepare is recorded with its values: a part of
 * `OpenSource` that an engine may not need, or not allow.
 */

/** What a server does not allow, or does not need. */
export interface Unavailable {
  /** Why, as half a sentence. */
  readonly unavailable: string;
}

/** Covers sessions before recording begins, so that what they prepare comes with its values later. */
export interface WarmUps {
  /**
   * Keeps a warm-up on while nothing is recorded. Call it again every few seconds, which also says that
   * the recorder is there. `start` ends it (recording covers more), and so does `stop`.
   * @param forMs how long it is to last yet: the server ends it by itself a minute later.
   */
  keepOn(forMs: number): Promise<WarmUpAnswer>;
  /** The id of the newest session that a warm-up covers; null where none is on. */
  newestCovered(): Promise<number | null>;
}

/**
 * What became of a warm-up:
 * - `on`: sessions with an id greater than `after` are covered: what they prepare comes with its values;
 * - `goes_on`: it was on already, as it was left;
 * - `needless`: sessions are covered without it, and nothing was changed;
 * - `ended`: somebody else ended it, which is respected.
 */
export type WarmUpAnswer =
  | { readonly is: 'on'; readonly after: number }
  | { readonly is: 'goes_on' }
  | { readonly is: 'needless' | 'ended'; readonly why: string };

/** Ends clients' sessions that are free, so that they connect anew and prepare while recording is on. */
export interface SessionRecycling {
  /**
   * Ends up to `most` of the sessions that are wanted: those alone that are idle, have no open
   * transaction and hold no lock, and whose login was not recorded, for of the others all values are. A
   * session that is not known may have said BEGIN and nothing else: it has to be idle for a second. Call
   * it when every batch that was ended is read.
   * @throws AppError `remote_failed` where the account may not, or it cannot be known who holds a lock.
   */
  end(isWanted: (session: ServerSession) => boolean, most: number): Promise<RecycleStep>;
  /**
   * Restores what `end` changed on the server.
   * @throws AppError `remote_failed` where that stays there.
   */
  finish(): Promise<void>;
}

/** A client's session that is there now. */
export interface ServerSession {
  readonly id: number;
  readonly user: string | null;
  readonly host: string | null;
  /** Seconds since its last command ended, or since the one began that it is at. */
  readonly seconds: number;
  readonly isIdle: boolean;
}

/** A client's session that the recorder ended, so that its pool connects anew. */
export interface EndedSession {
  readonly session: number;
  readonly user: string | null;
  readonly host: string | null;
  readonly db: string | null;
  readonly idleSeconds: number;
}

/** What one look at the sessions to be ended came to. */
export interface RecycleStep {
  readonly ended: readonly EndedSession[];
  /** How many that are wanted are still there. */
  readonly left: number;
  /** The newest of those whose login was not recorded. */
  readonly newest: number;
  /** Whether the server was changed to tell which sessions are free. */
  readonly changedServer: boolean;
}

/** What became of `recycleUsers` of a capture, for its manifest. */
export interface Recycled {
  /** ISO-8601 UTC, by our clock. */
  readonly since: string;
  /** How many sessions were ended; the first thousand of them are in `sessions`. */
  readonly ended: number;
  readonly sessions: readonly EndedSession[];
  /** Sessions that were to be ended and never were found free. */
  readonly left: number;
  /** Those with a greater id came when recording was on already. */
  readonly newest: number;
  /** Whether the recorder installed what lists locks for that time; it is gone when it is over. */
  readonly installedPlugin: boolean;
  readonly isOver: boolean;
}
