/**
 * What only a walk over the whole record tells of its sessions, by the `seq` of their first record. Only of those
 * of which there is something to tell: a record of a million sessions takes no more memory than those that it
 * cuts through.
 */
export interface Cuts {
  /** Statements up to this `seq` are of a transaction that began before the record. */
  readonly leadUntil: ReadonlyMap<number, number>;
  /** Statements from this `seq` on are of a transaction that ended behind it. */
  readonly tailFrom: ReadonlyMap<number, number>;
  /** Sessions that had autocommit off when the record began: for good, or until their first transaction ended. */
  readonly autocommitOff: ReadonlyMap<number, 'always' | 'once'>;
  /** The last `seq` of sessions that do not say that they end. */
  readonly lastOf: ReadonlyMap<number, number>;
}

export const NO_CUTS: Cuts = {
  leadUntil: new Map(),
  tailFrom: new Map(),
  autocommitOff: new Map(),
  lastOf: new Map(),
};
