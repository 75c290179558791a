import type { Token } from './lexer.ts';
import type { NameMeaning } from './secret-names.ts';
import type { SecretPlace } from './secret-place.ts';
import {
  BEFORE_UNQUOTED,
  BEHIND_ACCOUNT,
  BEHIND_OPTION,
  HIDDEN,
  NO_SECRET,
  OF_SET_PASSWORD,
  PASSWORD_FUNCTIONS,
  PASSWORD_WORD,
  TAKES_ROWS,
} from './secret-words.ts';
import { DEFINES } from './statement-place.ts';

/** What to do with the next tokens of the statement. */
type Expectation =
  /** Nothing in particular. */
  | 'none'
  /** `IDENT…` was read: BY, WITH, VIA or AS makes it `account`. */
  | 'identified'
  /** Every literal is a secret but the names of users. */
  | 'account'
  /** As `account`; the very next token is the secret, whatever it is. */
  | 'secret'
  /** SET PASSWORD: every literal is a secret but the names of users. */
  | 'password'
  /** The name of a secret was read: a literal or `=` makes it one. */
  | 'named'
  /** Literals are secrets up to the next comma. */
  | 'value'
  /** The next literal is a connection string. */
  | 'connection'
  /** Every literal is a secret. */
  | 'all';

/** What the next token that is no part of it ends. */
const AWAITS: ReadonlySet<Expectation> = new Set(['identified', 'named', 'connection']);

/** What a word is: a secret with all that follows; one that can stand there; one that may begin something. */
type WordMeaning = 'rest' | 'expected' | 'free';

/** Which of the next tokens are secrets, by what was read of the statement. */
export class SecretExpectation {
  readonly #place: SecretPlace;
  #now: Expectation = 'none';
  /** Depth outside of the parentheses whose literals are secrets; -1 outside of all. */
  #callDepth = -1;
  /** Depth at which a comma ends `value`. */
  #valueDepth = 0;

  constructor(place: SecretPlace) {
    this.#place = place;
  }

  get now(): Expectation {
    return this.#now;
  }

  /** Another statement begins. */
  reset(): void {
    this.#now = 'none';
    this.#callDepth = -1;
  }

  expectAll(): void {
    this.#now = 'all';
  }

  /** Whether a literal is a secret. */
  isSecret(token: Token, next: Token | null): boolean {
    const place = this.#place;
    const isText = token.kind !== 'number';
    if (this.#callDepth >= 0) {
      return isText || place.isBody || !(DEFINES.test(place.first) || place.first === 'CALL');
    }
    switch (this.#now) {
      case 'secret':
      case 'value':
        return true;
      case 'all':
      case 'password':
        return !place.isUser(next);
      case 'named':
        return isText && (!place.isProse || place.takesOptions);
      case 'identified':
        return isText && !place.isProse && place.isOfAccounts;
      case 'account':
        return (
          isText && !place.isUser(next) && !place.isDescription && !place.isPlugin(token, next)
        );
      case 'none':
      case 'connection':
        return false;
    }
  }

  /** Whether a name in backquotes is a secret. */
  get isSecretName(): boolean {
    if (this.#now === 'secret') return true;
    const { isAssigned, isProse, isOption } = this.#place;
    if (this.#now === 'password') return isAssigned;
    if (isProse || !isOption) return false;
    return this.#now === 'named' || (this.#now === 'value' && isAssigned);
  }

  /** Whether the server's mark for a secret can stand here. */
  get takesMark(): boolean {
    const place = this.#place;
    if (this.#callDepth >= 0) return place.before === '(' || place.before === ',';
    if (this.#now === 'named') return !place.isProse || place.takesOptions;
    if (this.#now === 'value') return place.isAssigned;
    return this.#now !== 'none' && !AWAITS.has(this.#now);
  }

  /** Goes on behind a secret. */
  passSecret(): void {
    if (this.#now === 'secret' || this.#now === 'identified') this.#now = 'account';
    if (this.#now === 'named') this.#expectValue();
  }

  /** Goes on behind the server's mark. */
  passMark(): void {
    if (this.#now === 'secret') this.#now = 'account';
    else if (this.#now === 'named' || this.#now === 'value') this.#now = 'none';
  }

  /** Goes on behind a literal that is no secret. */
  passLiteral(): void {
    if (AWAITS.has(this.#now)) this.#now = 'none';
  }

  /** Goes on behind a name in backquotes that is no secret. */
  passName(): void {
    if (this.#now === 'named' || this.#now === 'identified') this.#now = 'none';
  }

  /** Goes on behind a placeholder. @returns whether a secret can stand there. */
  passPlaceholder(): boolean {
    const isExpected = this.#now === 'named' || !AWAITS.has(this.#now);
    const takesSecret = this.#callDepth >= 0 || (this.#now !== 'none' && isExpected);
    if (this.#now === 'secret' || this.#now === 'named') this.#now = 'account';
    return takesSecret;
  }

  /** @param isBehindSecret whether the token before was a secret. */
  word(word: string, next: Token | null, isBehindSecret: boolean): WordMeaning {
    const place = this.#place;
    const isCall = place.textOf(next) === '(';
    switch (this.#now) {
      case 'secret':
        if (word === 'PASSWORD') return 'expected';
        // Without quotes it is an error, and a password all the same; where it ends nobody knows.
        if (word === 'RANDOM' || place.before === '@') this.#now = 'account';
        else if (!place.isProse || place.takesOptions) return 'rest';
        else this.#now = 'none';
        return 'expected';
      case 'identified':
        return this.#identified(word, next);
      case 'account':
        if (word === 'BY') this.#now = 'secret';
        else if (isBehindSecret && !BEHIND_ACCOUNT.has(word)) return 'rest';
        else if (BEFORE_UNQUOTED.has(place.before) && !isCall && word !== 'PASSWORD') {
          if (place.isOfAccounts) return 'rest';
        }
        return 'expected';
      case 'password':
        if (OF_SET_PASSWORD.has(word) || isCall || place.before === '@' || place.before === 'FOR') {
          return PASSWORD_FUNCTIONS.has(word) && isCall ? 'free' : 'expected';
        }
        return place.before === ',' || place.before === '.' ? 'expected' : 'rest';
      case 'value':
        if (word === 'WHERE' || (place.first === 'START' && BEHIND_OPTION.has(word))) {
          this.#now = 'none';
        } else if (place.isAssigned) {
          // In a body it is rather a variable of the routine.
          if (NO_SECRET.has(word) || (place.isBody && !isCall)) this.#now = 'none';
          else if (!isCall && !place.isProse) return 'rest';
        } else if (isBehindSecret && place.isOption && !BEHIND_OPTION.has(word)) {
          return 'rest';
        }
        return 'expected';
      case 'named':
        this.#now = 'none';
        // SET autocommit = 1, PASSWORD FOR a = 'x'
        if (word === 'FOR' && PASSWORD_WORD.test(place.before) && place.first === 'SET') {
          this.#now = 'password';
          return 'expected';
        }
        return !place.isProse && place.isOption && !BEHIND_OPTION.has(word) ? 'rest' : 'free';
      case 'connection':
        this.#now = 'none';
        return 'free';
      case 'all':
        return 'expected';
      case 'none':
        return 'free';
    }
  }

  #identified(word: string, next: Token | null): WordMeaning {
    const place = this.#place;
    const isRollup = /^rollup$/i.test(place.textOf(next));
    this.#now = 'none';
    if (word === 'BY') this.#now = 'secret';
    else if (word === 'VIA' || (word === 'WITH' && !isRollup)) this.#now = 'account';
    else if (place.isProse || !place.isOfAccounts) return 'free';
    else if (word === 'AS' || word === 'PASSWORD') this.#now = 'secret';
    else return 'rest';
    return 'expected';
  }

  /** What a word says where nothing was expected. @returns whether it says something. */
  begin(word: string): boolean {
    const place = this.#place;
    const isOption = !place.isOnRows && (!place.isProse || place.takesOptions);
    if (word.startsWith('IDENT')) this.#now = 'identified';
    // A misspelt IDENTIFIED.
    else if (word === 'BY' && place.isOfAccounts) this.#now = 'secret';
    else if (PASSWORD_WORD.test(word) && place.isSetPassword) {
      if (!place.isProse || place.beforeThat === '') this.#now = 'password';
      return true;
    } else if (word === 'CONNECTION' && isOption) this.#now = 'connection';
    // ALTER USER … FINISH REGISTRATION SET CHALLENGE_RESPONSE AS 'x'
    else if (word === 'CHALLENGE_RESPONSE' && place.defines) this.#now = 'account';
    else if (word === 'INTO' && !TAKES_ROWS.has(place.first)) place.isInto = true;
    else if (word === 'FROM' || word === 'WHERE') place.isInto = false;
    return this.#now !== 'none';
  }

  /** What a name says. */
  name(meaning: Exclude<NameMeaning, 'selected'>): void {
    if (meaning === 'nothing') return;
    if (meaning === 'procedure' || (meaning === 'call' && this.#callDepth < 0)) {
      this.#callDepth = this.#place.depth;
    } else if (meaning !== 'call') this.#now = meaning;
  }

  /**
   * Goes on behind a symbol that the place has taken note of.
   * @param isBehindSecret whether the token before was a secret.
   * @returns whether it is a secret with all that follows.
   */
  symbol(symbol: string, isBehindSecret: boolean): boolean {
    const { before, depth } = this.#place;
    switch (symbol) {
      case '(':
        if (this.#now === 'secret') this.#now = 'all';
        return false;
      case ')':
        if (depth <= this.#callDepth) this.#callDepth = -1;
        if (this.#now === 'value' && depth < this.#valueDepth) this.#now = 'none';
        return false;
      case ',':
        if (this.#now === 'value' && depth <= this.#valueDepth) this.#now = 'none';
        if (this.#now === 'named' || this.#now === 'identified') this.#now = 'none';
        // SET PASSWORD FOR `a`=<secret>,SESSION autocommit=1 (MySQL 5.6)
        if (this.#now === 'password' && before === HIDDEN) this.#now = 'none';
        return false;
      case '=':
      case ':=':
        this.#assign(symbol);
        return false;
      case ':':
      case '@':
      case '.':
        return false;
      default:
        if (this.#now === 'secret' || (isBehindSecret && this.#isWithoutOperators)) return true;
        if (this.#now === 'named' || this.#now === 'identified') this.#now = 'none';
        return false;
    }
  }

  #assign(symbol: string): void {
    const place = this.#place;
    if (this.#now === 'named') {
      if (!place.isProse || place.takesOptions || symbol === ':=') this.#expectValue();
      else this.#now = 'none';
    } else if (this.#now === 'identified' && symbol === '=') {
      // `WHERE identified = 'x'`, unless an account is meant.
      this.#now = !place.isProse && place.isOfAccounts ? 'secret' : 'none';
    }
  }

  #expectValue(): void {
    this.#now = 'value';
    this.#valueDepth = this.#place.depth;
  }

  /** Whether only options and passwords can stand here, none that is computed. */
  get #isWithoutOperators(): boolean {
    if (this.#callDepth >= 0 || this.#place.isProse) return false;
    if (this.#now === 'account' || this.#now === 'password') return true;
    return this.#now === 'value' && this.#place.isOption;
  }
}
