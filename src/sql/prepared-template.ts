import type { BoundValue } from '../core/replays/target.ts';
import { Lexer, type Escapes } from './lexer.ts';
import { loggedValueAt } from './logged-values.ts';
import { trimmed } from './session-statements.ts';

/**
 * A text that was prepared, to be found again in what the server logs for its executes: the same text with a value
 * in the place of each `?` (`logged-values.ts` says how).
 */
export class PreparedTemplate {
  /** What stands around the values; one more than there are values. */
  readonly #parts: readonly string[];
  readonly #escapes: Escapes;
  /** The same in a session in which no backslash escapes; null where that is no other. */
  readonly #plain: PreparedTemplate | null;

  /** With a character for each byte; made when it is asked for. */
  #byteParts: readonly string[] | null = null;

  /** @param escapes how the session's literals escape; null where that is not known. */
  constructor(text: string, escapes: Escapes | null = null) {
    this.#escapes = escapes ?? 'always';
    this.#parts = partsOf(trimmed(text), this.#escapes);
    this.#plain = escapes === null ? new PreparedTemplate(text, 'never') : null;
  }

  /** How many values an execute has. */
  get placeholders(): number {
    return this.#parts.length - 1;
  }

  /** Whether a text can be an execute of it. Says no at the first difference: linear in what is the same. */
  matches(executed: string | Uint8Array): boolean {
    return this.valuesOf(executed) !== null;
  }

  /**
   * What an execute had bound, in the order of the placeholders. Types are those that the text tells: a number
   * without point and exponent is an integer.
   * @param executed as the server logged it; in bytes where they are no UTF-8.
   * @param escapes how the session's literals escaped, as far as it is known: a text that is no execute in that
   *   reading is one in the other, perhaps.
   * @returns null where the text is no execute of this one, or its values were not logged.
   */
  valuesOf(
    executed: string | Uint8Array,
    escapes: Escapes = 'always',
  ): readonly BoundValue[] | null {
    const plain = escapes === 'never' ? (this.#plain?.valuesOf(executed) ?? null) : null;
    return plain ?? this.#valuesOf(executed);
  }

  #valuesOf(executed: string | Uint8Array): readonly BoundValue[] | null {
    if (typeof executed === 'string') {
      return this.#read(executed, this.#parts, true) ?? this.#plain?.valuesOf(executed) ?? null;
    }
    this.#byteParts ??= this.#parts.map((part) => Buffer.from(part).toString('latin1'));
    const text = Buffer.from(executed).toString('latin1');
    const values = this.#read(text, this.#byteParts, false);
    if (values === null) return this.#plain?.valuesOf(executed) ?? null;
    return values.map((value) =>
      typeof value?.text === 'string' && value.type === 'text'
        ? { type: 'text', text: Buffer.from(value.text, 'latin1') }
        : value,
    );
  }

  #read(text: string, parts: readonly string[], hasLoggedBytes: boolean): BoundValue[] | null {
    const [first = ''] = parts;
    const executed = text.endsWith(';') || text.endsWith(' ') ? trimmed(text) : text;
    if (!executed.startsWith(first) || !executed.endsWith(parts.at(-1) ?? '')) return null;
    const values: BoundValue[] = [];
    let at = first.length;
    for (let index = 1; index < parts.length; index++) {
      const found = loggedValueAt(executed, at, this.#escapes, hasLoggedBytes);
      if (found === null) return null;
      values.push(found.value);
      const part = parts[index] ?? '';
      if (!executed.startsWith(part, found.end)) return null;
      at = found.end + part.length;
    }
    return at === executed.length ? values : null;
  }
}

/** The pieces of a text around its placeholders. */
function partsOf(text: string, escapes: Escapes): string[] {
  const parts: string[] = [];
  const lexer = new Lexer(text, { escapes });
  let at = 0;
  while (lexer.next()) {
    if (lexer.kind !== 'placeholder') continue;
    parts.push(text.slice(at, lexer.start));
    at = lexer.end;
  }
  parts.push(text.slice(at));
  return parts;
}
