import type { AuthenticatedActor } from '../users/user-service.ts';
import type { Clock } from '../clock.ts';
import { isAppError } from '../errors.ts';
import type { Store } from '../store.ts';

/** Calls are kept for so long, and so many of them: what they changed is in the audit trail for good. */
export const CALLS_KEPT_MS = 30 * 86_400_000;
const CALLS_KEPT = 200_000;

const FLUSH_MS = 1_000;
/** While the store cannot be written, the newest so many wait. */
const MOST_WAITING = 10_000;
/** Of refused requests that nobody proved to be theirs, so many a minute are kept: more would push out the others. */
const MOST_OF_STRANGERS = 60;
const MINUTE_MS = 60_000;
const FLUSHES_BETWEEN_PRUNES = 60;
const LONGEST_PATH = 300;

/** One request to the API. */
export interface ApiCall {
  readonly id: number;
  readonly at: number;
  /** Who asked; null for one that nobody proved to be. */
  readonly userId: number | null;
  readonly userName: string | null;
  /** Their session or token. */
  readonly credentialId: number | null;
  readonly address: string;
  readonly method: string;
  /** Without its query, in which anything may stand. */
  readonly path: string;
  /** 499 where the client went before there was an answer. */
  readonly status: number;
  /** Until the end of its answer. */
  readonly ms: number;
}

type NewCall = Omit<ApiCall, 'id'>;

interface CallFilter {
  /** null for everybody's. */
  readonly userId: number | null;
  /** Only those with this session or token; null for any. */
  readonly credentialId: number | null;
  readonly since: number | null;
  readonly limit: number | null;
}

export interface CallTable {
  insert(call: NewCall): void;
  /** Newest first. */
  list(filter: CallFilter): ApiCall[];
  /** Deletes those from before `since`, and all but the newest `most`. */
  prune(since: number, most: number): void;
}

/** A request that was answered, as it is noted. */
export interface AnsweredCall {
  readonly method: string;
  readonly path: string;
  readonly address: string;
  readonly actor: Pick<AuthenticatedActor, 'userId' | 'userName' | 'credentialId'> | null;
  readonly status: number | null;
  /** Milliseconds. */
  readonly took: number;
}

/**
 * Writes down every call of the API, once a second in one transaction, so that no request waits for it. A process
 * that is killed loses the last second; what a call changed is in the audit trail with the change.
 */
export class CallLog {
  readonly #store: Pick<Store, 'calls' | 'transaction'>;
  readonly #clock: Clock;
  #waiting: NewCall[] = [];
  #flushes = 0;
  #strangers = { since: -Infinity, count: 0 };

  constructor(store: Pick<Store, 'calls' | 'transaction'>, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Notes a call, unless it is one of very many of strangers. Writes nothing yet. */
  note({ method, path, address, actor, status, took }: AnsweredCall): void {
    const isRefused = status === null || status >= 400;
    if (actor === null && isRefused && !this.#hasRoomForStranger()) return;
    if (this.#waiting.length >= MOST_WAITING) this.#waiting.shift();
    this.#waiting.push({
      at: this.#clock.now() - Math.round(took),
      userId: actor?.userId ?? null,
      userName: actor?.userName ?? null,
      credentialId: actor?.credentialId ?? null,
      address,
      method: method.slice(0, 16),
      path: path.slice(0, LONGEST_PATH),
      status: status ?? 499,
      ms: Math.round(took),
    });
  }

  #hasRoomForStranger(): boolean {
    const now = this.#clock.now();
    // A clock that was set back begins another minute.
    if (Math.abs(now - this.#strangers.since) >= MINUTE_MS) {
      this.#strangers = { since: now, count: 0 };
    }
    this.#strangers.count += 1;
    return this.#strangers.count <= MOST_OF_STRANGERS;
  }

  /** Writes what was noted; where the store cannot be written, it stays for the next time. */
  flush(): void {
    const calls = this.#waiting;
    try {
      const isToPrune = this.#flushes % FLUSHES_BETWEEN_PRUNES === 0;
      if (calls.length > 0 || isToPrune) {
        this.#store.transaction(() => {
          for (const call of calls) this.#store.calls.insert(call);
          if (isToPrune) this.#store.calls.prune(this.#clock.now() - CALLS_KEPT_MS, CALLS_KEPT);
        });
      }
      this.#waiting = [];
      this.#flushes += 1;
    } catch (error) {
      if (!isAppError(error, 'store_unusable')) throw error;
    }
  }

  /** Flushes each second until the signal, and once more then. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.flush();
      await this.#clock.sleep(FLUSH_MS, signal);
    }
    this.flush();
  }
}
