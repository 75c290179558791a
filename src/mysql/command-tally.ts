import type { OwnCommands } from '../core/received.ts';

/**
 * Counts what our connections to one server send, as its own counters will: our sessions are not in
 * its log, and yet in its Questions. What the handshake and the login say is in none of them (tried).
 */
export class CommandTally {
  #questions = 0;
  #sets = 0;
  #statuses = 0;

  query(sql: string): void {
    this.#questions++;
    if (/^set\b/i.test(sql)) this.#sets++;
    else if (/^show\b.*\bstatus\b/i.test(sql)) this.#statuses++;
  }

  quit(): void {
    this.#questions++;
  }

  counts(): OwnCommands {
    return { questions: this.#questions, sets: this.#sets, statuses: this.#statuses };
  }
}
