import { ANY_LOGGED_BYTE } from '../sql/lexer.ts';

/**
 * A name, as servers may compare it: without case; without accents, and `ß` like `s`, `ı` like `i`, as utf8mb3_general_ci
 * has it; and in the character set of a session, which a record does not say, so that any character beyond ASCII may
 * be any other.
 */
export class ComparedName {
  readonly text: string;
  /** null where it is ASCII. */
  readonly #pattern: RegExp | null;

  constructor(name: string) {
    this.text = name.toLowerCase();
    this.#pattern = isAscii(name) ? null : new RegExp(`^${doubtful(this.text)}$`, 's');
  }

  /** Whether it is ASCII, so that it is one thing alone. */
  get isCertain(): boolean {
    return this.#pattern === null;
  }

  /** Whether a server may take both for one. */
  mayBe(other: ComparedName): boolean {
    return (
      this.text === other.text ||
      this.#pattern?.test(other.text) === true ||
      other.#pattern?.test(this.text) === true
    );
  }
}

/** Whether a text is what it says in whatever character set its session has. */
export function isCertainText(sql: string): boolean {
  return isAscii(sql) && !ANY_LOGGED_BYTE.test(sql);
}

function isAscii(text: string): boolean {
  return /^[\x00-\x7f]*$/.test(text);
}

/** A character beyond ASCII is as many others at most as it has bytes. */
function doubtful(name: string): string {
  return name
    .replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
    .replace(/[^\x00-\x7f]+/g, (run) => `.{0,${Buffer.byteLength(run)}}`);
}
