import type { SkipReason } from '../core/replays/replay.ts';
import type { StatementNature, TransactionEffect } from '../sql/statement-nature.ts';
import { raise } from './record-accounts.ts';

/** Statements as they would be counted were they not of half a transaction. */
export type Provisional = ReadonlyMap<SkipReason | null, number>;

const NO_COUNTS: Provisional = new Map();

/**
 * Follows the transactions of one session through the record, to tell which of them the record has only a half of.
 * What a session was in when the record began, its first ends say: a COMMIT without a BEGIN ends a transaction that
 * began before the record, or one of a session with autocommit off; the second says which.
 */
export class TransactionEdges {
  /** Whether it is in a transaction that began before the record, and has not ended. */
  #isLead: boolean;
  #isExplicit = false;
  #autocommit: 'on' | 'off' | 'unknown';
  /** Whether COMMIT and ROLLBACK begin another one, by `completion_type`. */
  #chains = false;
  /** Ends of transactions that nothing in the record began. */
  #unbegun = 0;
  #isDecided = false;
  /** Where the transaction began that is open now, or may be. */
  #from: number | null = null;
  #hasWrites = false;
  /** null for none: of a hundred thousand sessions empty maps would take 17 MB. */
  #counts: Map<SkipReason | null, number> | null = null;
  #wasLead = false;
  readonly #leads: (until: number, counts: Provisional) => void;

  /**
   * @param isFromStart whether the session was open when the record began.
   * @param isInTransaction whether it was in a transaction then, as far as the server said.
   * @param leads is told up to where its statements are of that transaction.
   */
  constructor(
    isFromStart: boolean,
    isInTransaction: boolean,
    leads: (until: number, counts: Provisional) => void,
  ) {
    this.#isLead = isFromStart && isInTransaction;
    this.#autocommit = isFromStart ? 'unknown' : 'on';
    this.#leads = leads;
    if (this.#isLead) this.#from = 0;
  }

  /** @param isCounted whether it is left out with the others of half a transaction. */
  follow(
    seq: number,
    nature: StatementNature,
    reason: SkipReason | null,
    isCounted: boolean,
  ): void {
    let isDone = false;
    const count = (): void => {
      if (isDone) return;
      isDone = true;
      if (isCounted) raise((this.#counts ??= new Map<SkipReason | null, number>()), reason);
      if (nature.class === 'writes' || nature.class === 'ddl') this.#hasWrites = true;
    };
    for (const effect of nature.transaction) this.#step(effect, seq, count);
    if (this.#from !== null) count();
  }

  /** The user was changed: what was open was rolled back, and the session is as behind a login. */
  startAnew(seq: number): void {
    this.#close(seq - 1);
    this.#autocommit = 'on';
    this.#isDecided = true;
    this.#chains = false;
  }

  #step(effect: TransactionEffect, seq: number, count: () => void): void {
    switch (effect) {
      case 'begins':
        this.#close(seq - 1);
        // Whoever begins transactions does not have autocommit off.
        this.#isDecided = true;
        this.#isExplicit = true;
        this.#from = seq;
        return;
      case 'ends':
      case 'ends_alone':
      case 'ends_and_begins':
        if (this.#from !== null) count();
        this.#end(seq);
        if (effect === 'ends_and_begins' || (effect === 'ends' && this.#chains)) {
          this.#isExplicit = true;
          this.#from = seq + 1;
        }
        return;
      case 'commits':
        this.#close(seq - 1);
        return;
      case 'chains_on':
      case 'chains_off':
        this.#chains = effect === 'chains_on';
        return;
      case 'autocommit_on':
      case 'autocommit_off':
        if (effect === 'autocommit_on') this.#close(seq - 1);
        this.#autocommit = effect === 'autocommit_on' ? 'on' : 'off';
        this.#isDecided = true;
        return;
      case 'works':
        if (this.#autocommit !== 'on') this.#from ??= seq;
        return;
      case 'nothing':
        return;
    }
  }

  #end(seq: number): void {
    const hasWorked = this.#from !== null;
    if (!this.#isExplicit && !this.#isDecided && hasWorked) this.#unbegun++;
    this.#wasLead ||= this.#isLead;
    this.#close(seq);
  }

  #close(until: number): void {
    if (this.#isLead && until > 0) this.#leads(until, this.#counts ?? NO_COUNTS);
    this.#isLead = false;
    this.#isExplicit = false;
    this.#from = null;
    this.#hasWrites = false;
    this.#counts = null;
  }

  /** Whether all that it will say is what one says of a session that begins now. */
  get isPlain(): boolean {
    const isInNothing = this.#from === null && !this.#isExplicit && !this.#isLead;
    const isAsBegun = this.#autocommit === 'on' && !this.#chains;
    return isInNothing && isAsBegun && this.#unbegun === 0 && !this.#wasLead;
  }

  /** How autocommit was when the record began. */
  get autocommitOff(): 'always' | 'once' | null {
    if (this.#unbegun >= 2) return 'always';
    return this.#unbegun === 1 && !this.#wasLead ? 'once' : null;
  }

  /** Where the transaction began that is open at the end of the record, with writes in it; null where none is. */
  get tail(): { readonly from: number; readonly counts: Provisional } | null {
    if (this.#from === null || !this.#hasWrites) return null;
    // One that never ended anything has autocommit on, unless it was in a transaction from the beginning.
    const isOpen =
      this.#isExplicit || this.#isLead || this.#autocommit === 'off' || this.#unbegun >= 2;
    return isOpen ? { from: this.#from, counts: this.#counts ?? NO_COUNTS } : null;
  }
}
