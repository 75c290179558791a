import {
  SENT_NOTHING,
  sumOf,
  type OwnCommands,
  type OwnTally,
} from '../../../core/verification/own-commands.ts';

/**
 * Counts what our connections to one server send, as its own counters will: our sessions are not in
 * its log, and yet in its Questions. What the handshake and the login say is in none of them (tried).
 */
export class CommandTally {
  readonly #tally: OwnTally;

  /** @param tally what outlives the connections, for what is sent by others of before and after. */
  constructor(tally: OwnTally = new Sum()) {
    this.#tally = tally;
  }

  /** Call it before the statement is sent. @throws what the tally throws: do not send it then. */
  query(sql: string): void {
    const isSet = /^set\b/i.test(sql);
    const isStatus = !isSet && /^show\b.*\bstatus\b/i.test(sql);
    this.#tally.add({
      questions: 1,
      sets: isSet ? 1 : 0,
      statuses: isStatus ? 1 : 0,
      doubtful: 0,
    });
  }

  /** The connection broke before the answer to a statement that was counted. */
  unanswered(): void {
    this.#tally.add({ ...SENT_NOTHING, doubtful: 1 });
  }

  /** So many statements ran inside of one that was counted. */
  inside(statements: number): void {
    this.#tally.add({ ...SENT_NOTHING, inside: statements });
  }

  quit(): void {
    this.#tally.add({ ...SENT_NOTHING, questions: 1 });
  }

  counts(): OwnCommands {
    return this.#tally.counts();
  }
}

class Sum implements OwnTally {
  #counts = SENT_NOTHING;

  add(commands: OwnCommands): void {
    this.#counts = sumOf(this.#counts, commands);
  }

  counts(): OwnCommands {
    return this.#counts;
  }
}
