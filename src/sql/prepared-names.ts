import type { ClassBits } from './classes.ts';

/** Session, name, and what it stands for; null where that is not known. */
export type PreparedName = readonly [number, string, ClassBits | null];

/** Sessions that prepare ever new names and give none up must not fill the memory. */
const REMEMBERED_NAMES = 10_000;

/** What the names of the text protocol's prepared statements stand for, session by session. */
export class PreparedNames {
  readonly #sessions = new Map<number, Map<string, ClassBits | null>>();
  /** By session: the names whose Prepare row is still to come, in the order in which it will. */
  readonly #waiting = new Map<number, Set<string>>();
  #count = 0;

  /** For `classesOf`. */
  of(session: number): (name: string) => ClassBits | null {
    const names = this.#sessions.get(session);
    return names === undefined ? unknown : (name) => names.get(name) ?? null;
  }

  set(session: number, name: string, bits: ClassBits | null): void {
    // Prepared anew it stands behind the others again, as its Prepare row does.
    this.delete(session, name);
    if (this.#count >= REMEMBERED_NAMES) {
      this.#sessions.clear();
      this.#waiting.clear();
      this.#count = 0;
    }
    const names = this.#sessions.get(session) ?? new Map<string, ClassBits | null>();
    this.#sessions.set(session, names);
    names.set(name, bits);
    this.#count++;
    if (bits !== null) return;
    const waiting = this.#waiting.get(session) ?? new Set<string>();
    this.#waiting.set(session, waiting);
    waiting.add(name);
  }

  /** The server's Prepare row says what the first name stands for of those that are not known. */
  learn(session: number, bits: ClassBits): void {
    const [name] = this.#waiting.get(session) ?? [];
    if (name === undefined) return;
    this.#stopWaiting(session, name);
    this.#sessions.get(session)?.set(name, bits);
  }

  /**
   * The session runs another text: a name whose Prepare row has not come stands for nothing, because
   * its PREPARE failed. Else the next Prepare row would be taken for its own.
   */
  giveUpWaiting(session: number): void {
    for (const name of this.#waiting.get(session) ?? []) this.delete(session, name);
  }

  delete(session: number, name: string): void {
    const names = this.#sessions.get(session);
    if (names === undefined) return;
    this.#stopWaiting(session, name);
    if (names.delete(name)) this.#count--;
    if (names.size === 0) this.#sessions.delete(session);
  }

  /** The session is over, or begins anew. */
  forget(session: number): void {
    this.#waiting.delete(session);
    this.#count -= this.#sessions.get(session)?.size ?? 0;
    this.#sessions.delete(session);
  }

  /** Plain JSON for `restore`. */
  entries(): PreparedName[] {
    return Array.from(this.#sessions).flatMap(([session, names]) =>
      Array.from(names, ([name, bits]): PreparedName => [session, name, bits]),
    );
  }

  restore(entries: readonly PreparedName[]): void {
    for (const [session, name, bits] of entries) this.set(session, name, bits);
  }

  #stopWaiting(session: number, name: string): void {
    const waiting = this.#waiting.get(session);
    if (waiting?.delete(name) === true && waiting.size === 0) this.#waiting.delete(session);
  }
}

const unknown = (): null => null;
