import type { ClassBits } from './classes.ts';

/** Session, name, and what it stands for; null where that is not known. */
export type PreparedName = readonly [number, string, ClassBits | null];

/** Sessions that prepare ever new names and give none up must not fill the memory. */
const REMEMBERED_NAMES = 10_000;

/** What the names of the text protocol's prepared statements stand for, session by session. */
export class PreparedNames {
  readonly #sessions = new Map<number, Map<string, ClassBits | null>>();
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
      this.#count = 0;
    }
    const names = this.#sessions.get(session) ?? new Map<string, ClassBits | null>();
    this.#sessions.set(session, names);
    names.set(name, bits);
    this.#count++;
  }

  /** The server's Prepare row says what the first name stands for of those that are not known. */
  learn(session: number, bits: ClassBits): void {
    const names = this.#sessions.get(session);
    if (names === undefined) return;
    for (const [name, known] of names) {
      if (known !== null) continue;
      names.set(name, bits);
      return;
    }
  }

  delete(session: number, name: string): void {
    const names = this.#sessions.get(session);
    if (names === undefined) return;
    if (names.delete(name)) this.#count--;
    if (names.size === 0) this.#sessions.delete(session);
  }

  /** The session is over, or begins anew. */
  forget(session: number): void {
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
}

const unknown = (): null => null;
