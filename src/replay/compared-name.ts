import { ANY_LOGGED_BYTE } from '../sql/lexer.ts';

/**
 * A name, as servers may compare it: without case; without accents, and `ß` like `s`, `ı` like `i`, as utf8mb3_general_ci
 * has it; and in the character set of a session, which a record does not say, so that any character beyond ASCII may
 * be any other. What is ASCII is that in every character set that a client can have.
 */
export class ComparedName {
  readonly text: string;
  /** Whether it is ASCII. */
  readonly isCertain: boolean;
  readonly #name: string;
  #pattern: RegExp | null = null;

  constructor(name: string) {
    this.#name = name;
    this.text = name.toLowerCase();
    this.isCertain = isAscii(name);
  }

  /** Whether a server that has a thing of this name may take a name in a text for it. */
  mayBeNamed(written: ComparedName): boolean {
    if (this.text === written.text) return true;
    if (this.isCertain && written.isCertain) return false;
    return written.#asPattern().test(this.#name);
  }

  #asPattern(): RegExp {
    this.#pattern ??= new RegExp(`^${doubtful(this.#name)}$`, 'isu');
    return this.#pattern;
  }
}

/** Whether a text is what it says in whatever character set its session has. */
export function isCertainText(sql: string): boolean {
  return isAscii(sql) && !ANY_LOGGED_BYTE.test(sql);
}

function isAscii(text: string): boolean {
  return /^[\x00-\x7f]*$/.test(text);
}

/** Of letters beyond ASCII the collation takes some of the Latin script for one of ASCII, each for one. */
const ALIKE = '(?![a-z])\\p{Script=Latin}';

/** A character beyond ASCII is as many others at most as it has bytes. */
function doubtful(name: string): string {
  return name
    .replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
    .replace(/[a-z]/gi, (letter) => `(?:${letter}|${ALIKE})`)
    .replace(/[^\x00-\x7f]+/g, (run) => `.{0,${Buffer.byteLength(run)}}`);
}
