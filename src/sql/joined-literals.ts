import type { Token } from './lexer.ts';
import type { SecretPlace, TextKind } from './secret-place.ts';
import { JOINING_FUNCTIONS } from './secret-words.ts';

interface Text {
  readonly tokens: Token[];
  readonly kind: TextKind;
  /** A parenthesis that closes below this depth, or a comma at it, ends the text. */
  readonly depth: number;
  readonly endsAtComma: boolean;
}

/**
 * Gathers the literals that are put together (the arguments of CONCAT), set to a variable or run: they
 * are looked at as one text.
 */
export class JoinedLiterals {
  readonly #place: SecretPlace;
  #text: Text | null = null;

  constructor(place: SecretPlace) {
    this.#place = place;
  }

  /** Begins a text behind this word or symbol, where one begins and none has begun. */
  begin(what: string, isCall: boolean): void {
    if (this.#text !== null) return;
    const { before, depth, first, isBody } = this.#place;
    const isRun =
      (what === 'IMMEDIATE' && before === 'EXECUTE') || (what === 'FROM' && first === 'PREPARE');
    const isAssigned =
      what === ':=' ||
      (what === '=' && (first === 'SET' || isBody)) ||
      (what === 'DEFAULT' && isBody);
    if (isRun || isAssigned) {
      this.#text = { tokens: [], kind: 'statement', depth, endsAtComma: !isRun };
    } else if (isCall && JOINING_FUNCTIONS.has(what)) {
      this.#text = { tokens: [], kind: 'prose', depth: depth + 1, endsAtComma: false };
    }
  }

  /** @returns false where no text has begun. */
  add(token: Token): boolean {
    this.#text?.tokens.push(token);
    return this.#text !== null;
  }

  /** Whether a symbol that the place has taken note of ends the text. */
  endsAt(symbol: string): boolean {
    if (this.#text === null) return false;
    const { depth, endsAtComma } = this.#text;
    if (symbol === ')') return this.#place.depth < depth;
    return symbol === ',' && endsAtComma && this.#place.depth <= depth;
  }

  /** Ends the text. @returns null when no literal is in it. */
  take(): Pick<Text, 'tokens' | 'kind'> | null {
    const text = this.#text;
    this.#text = null;
    return text === null || text.tokens.length === 0 ? null : text;
  }
}
