import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import { nameKey } from '../names.ts';
import { AddressGate } from './address-gate.ts';
import { bucketOf, type AttemptCounter } from './attempt-counters.ts';
import type { Store } from '../store.ts';

// The sixth wrong password in a row waits one second, then twice as long each time.
const FREE_ATTEMPTS = 5;
const LONGEST_LOCK_MS = 15 * 60_000;
/** An attempt that was not settled by then, because its process was killed, counts as a wrong one. */
const LONGEST_CHECK_MS = 10_000;
const LOOK_AGAIN_MS = 50;

/** Attempts at the password of one name, since the last right one. */
export interface PasswordAttempts {
  readonly failures: number;
  /** Attempts that are let in and not settled yet. */
  readonly checking: number;
  /** When the last one was let in or settled. */
  readonly lastAt: number;
}

/** Attempts by `bucket`, a number from 0 to 65,535 that stands for a name. */
export interface PasswordAttemptTable {
  find(bucket: number): PasswordAttempts | null;
  put(bucket: number, attempts: PasswordAttempts): void;
  delete(bucket: number): void;
}

/**
 * Slows down who guesses passwords. An attempt is counted before the password is looked at, so that
 * many at once are no more than many in a row; and by the name as typed, so that a name that nobody
 * has is answered as any other.
 */
export class PasswordGate {
  readonly #store: Store;
  readonly #clock: Clock;
  /** null on this machine. */
  readonly address: AddressGate | null;

  /** @param address of who asks over the network, which has a gate of its own; undefined on this machine. */
  constructor(store: Store, clock: Clock, address?: string) {
    this.#store = store;
    this.#clock = clock;
    this.address = address === undefined ? null : new AddressGate(store, clock, address);
  }

  /**
   * Runs `check`, which says whether a password is right, and counts the attempt.
   * @throws AppError `unauthenticated` while repeated failures have to wait; then `check` is not run.
   */
  async attempt(name: string, check: () => Promise<boolean>): Promise<boolean> {
    const gate = this.address;
    if (gate === null) return this.#attempt(['name', nameKey(name)], check);
    return gate.pass(name, () => this.#attempt(gate.counterOf(name), check));
  }

  async #attempt(counter: AttemptCounter, check: () => Promise<boolean>): Promise<boolean> {
    // Where others that are being checked may still turn out right, their outcome is waited for.
    while (!this.#letIn(counter)) await this.#clock.sleep(LOOK_AGAIN_MS);
    const isRight = await check();
    this.#store.transaction(() => {
      const before = this.#read(counter);
      const checking = Math.max(before.checking - 1, 0);
      const failures = isRight ? 0 : before.failures + 1;
      this.#write(counter, { failures, checking });
    });
    return isRight;
  }

  /** Forgets what was wrong: the password is a new one. */
  forget(name: string): void {
    const plain: AttemptCounter = ['name', nameKey(name)];
    for (const counter of [plain, this.address?.counterOf(name) ?? plain]) {
      this.#store.passwordAttempts.delete(bucketOf(this.#store, counter));
    }
  }

  /** @returns false to ask again in a moment. */
  #letIn(counter: AttemptCounter): boolean {
    return this.#store.transaction(() => {
      const { failures, checking, lastAt } = this.#read(counter);
      const counted = failures + checking;
      if (counted >= FREE_ATTEMPTS) {
        if (failures < FREE_ATTEMPTS) return false;
        const lock = Math.min(2 ** (counted - FREE_ATTEMPTS) * 1_000, LONGEST_LOCK_MS);
        const left = lastAt + lock - this.#clock.now();
        // A clock that was set back must not lock anyone out for longer than the lock itself.
        if (left > 0 && left <= lock) {
          throw new AppError('unauthenticated', 'Too many wrong passwords', {
            hint: `Try again in ${Math.ceil(left / 1_000)} s.`,
          });
        }
      }
      this.#write(counter, { failures, checking: checking + 1 });
      return true;
    });
  }

  #read(counter: AttemptCounter): PasswordAttempts {
    const found = this.#store.passwordAttempts.find(bucketOf(this.#store, counter));
    if (found === null) return { failures: 0, checking: 0, lastAt: this.#clock.now() };
    const age = this.#clock.now() - found.lastAt;
    if (age >= 0 && age < LONGEST_CHECK_MS) return found;
    return { ...found, failures: found.failures + found.checking, checking: 0 };
  }

  #write(counter: AttemptCounter, attempts: Omit<PasswordAttempts, 'lastAt'>): void {
    const bucket = bucketOf(this.#store, counter);
    if (attempts.failures + attempts.checking === 0) this.#store.passwordAttempts.delete(bucket);
    else this.#store.passwordAttempts.put(bucket, { ...attempts, lastAt: this.#clock.now() });
  }
}
