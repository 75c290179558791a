import type { Affected, SessionName } from '../core/workloads/workload.ts';
import type { StatementRecord } from '../core/workloads/statements.ts';

const REMEMBERED_SESSIONS = 10_000;
const EXAMPLES = 3;

/** Collects the sessions that records with a property are of, in bounded memory. */
export class AffectedSessions {
  readonly #examples: SessionName[] = [];
  readonly #sessions = new Set<number>();
  #records = 0;
  #isAll = true;

  add({ session, user, host }: StatementRecord): void {
    this.#records++;
    if (this.#sessions.has(session)) return;
    if (this.#sessions.size >= REMEMBERED_SESSIONS) {
      this.#isAll = false;
      return;
    }
    this.#sessions.add(session);
    if (this.#examples.length < EXAMPLES) this.#examples.push({ session, user, host });
  }

  result(): Affected {
    return {
      records: this.#records,
      sessions: this.#sessions.size,
      isAll: this.#isAll,
      examples: this.#examples,
    };
  }
}
