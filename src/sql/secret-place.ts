import type { Token } from './lexer.ts';
import {
  BEFORE_PLUGIN,
  BEFORE_SECRET,
  BEHIND_PLUGIN,
  DESCRIBES_ACCOUNT,
  DESCRIBES_CLIENT,
  EXPLAINS,
  HIDDEN,
  OF_SECRETS,
  ON_ROWS,
  PLUGIN,
  TAKES_OPTIONS,
} from './secret-words.ts';
import { DEFINES, StatementPlace } from './statement-place.ts';

/** A text that is a statement, or that a server is to run; or one in which a statement may be quoted. */
export type TextKind = 'statement' | 'prose';

/** Where in a text a token stands, as far as it decides whether a secret can stand there. */
export class SecretPlace extends StatementPlace {
  readonly #sql: string;
  /** Depth of parentheses from which on the statement works on rows; Infinity when it does not. */
  #rowsDepth = Infinity;
  /** Until what is quoted turns out to be a statement. */
  isProse: boolean;
  /** Behind INTO: what is named there is what is selected into. */
  isInto = false;

  constructor(sql: string, kind: TextKind) {
    super(sql, kind === 'prose');
    this.#sql = sql;
    this.isProse = kind === 'prose';
  }

  /**
   * Takes note of a word, before `pass`.
   * @param mayBegin as of `word`.
   * @returns whether nothing is left of the statement before.
   */
  begins(word: string, next: Token | null, mayBegin: boolean): boolean {
    const { isBody } = this;
    const where = this.word(word, next, mayBegin);
    // In the middle of a body, without a `;` before it.
    const isInBody = where === 'begins' && isBody;
    if (isInBody || OF_SECRETS.has(`${this.first} ${this.second}`)) this.isProse = false;
    const isOnRows =
      word === 'SELECT' ||
      word === 'WHERE' ||
      (ON_ROWS.has(word) && (this.first === word || EXPLAINS.has(this.first)));
    // SELECT says nothing of what follows in a body.
    if (isOnRows && !this.isBody) this.#rowsDepth = Math.min(this.#rowsDepth, this.depth);
    return where === 'ends' || isInBody;
  }

  override symbol(symbol: string, next: Token | null): boolean {
    const isBehind = super.symbol(symbol, next);
    if (symbol === ')' && this.depth < this.#rowsDepth) this.#rowsDepth = Infinity;
    return isBehind;
  }

  override reset(): void {
    super.reset();
    this.#rowsDepth = Infinity;
    this.isInto = false;
  }

  /** Nobody writes this in prose, but where quotes are read the wrong way round. */
  takeForStatement(): void {
    if (!this.#sql.includes(HIDDEN)) this.isProse = false;
  }

  /** Whether this token is what is assigned. */
  get isAssigned(): boolean {
    return this.before === '=' || this.before === ':=';
  }

  get isOnRows(): boolean {
    return this.depth >= this.#rowsDepth;
  }

  get isOfAccounts(): boolean {
    if (/^(?:GRANT|CLONE)$/.test(this.first)) return true;
    return DEFINES.test(this.first) && this.second.startsWith('USER');
  }

  /** Whether secrets are given as options here, each to a name: SERVER, CHANGE, START, SET. */
  get isOption(): boolean {
    if (/^(?:CHANGE|START)$/.test(this.first)) return true;
    if (this.first === 'SET') return !this.isOnRows;
    return this.defines && /^(?:SERVER|USER)/.test(this.second);
  }

  /** Whether the statement is one whose options can be secrets. */
  get takesOptions(): boolean {
    return this.isBody || TAKES_OPTIONS.test(this.first);
  }

  /** Whether a name before a parenthesis is that of a table. */
  get isDeclared(): boolean {
    if (/^(?:TABLE|EXISTS)$/.test(this.before)) return true;
    return this.before === '.' && !this.isBody && this.defines;
  }

  /** Whether a word like PASSWORD is what is set, and no column: SET PASSWORD, but not UPDATE t SET password. */
  get isSetPassword(): boolean {
    return this.before === 'SET' && this.first !== 'UPDATE' && !this.isOnRows;
  }

  /** Whether a string names a user or host: `'a'@'b'`, or between the parts of a list of users. */
  isUser(next: Token | null): boolean {
    if (this.before === '@' || this.before === 'FOR') return true;
    // Nobody stands where a password is to.
    if (this.isAssigned || BEFORE_SECRET.has(this.before)) return false;
    const behind = this.textOf(next);
    return behind === '@' || (this.before === ',' && /^ident/i.test(behind));
  }

  /** Whether a string is a name: `@"password"`; and `"PASSWORD"(`, `"mysql".`, `SET "pwd" =` with ANSI_QUOTES. */
  isQuotedName(token: Token, next: Token | null): boolean {
    const behind = this.textOf(next);
    if (this.before === '@' || behind === '(') return true;
    if (this.#sql.charAt(token.quote) !== '"') return false;
    if (behind === '.' || this.before === '.') return true;
    if (this.isBody && (this.first === 'DECLARE' || this.isInto)) return true;
    return (this.before === 'SET' || this.before === ',') && (behind === '=' || behind === ':=');
  }

  /** Whether a string says something of an account, or where CLONE INSTANCE is to write. */
  get isDescription(): boolean {
    return (
      DESCRIBES_CLIENT.has(this.before) ||
      (DESCRIBES_ACCOUNT.has(this.before) && this.defines) ||
      (this.before === '=' ? this.beforeThat : this.before) === 'DIRECTORY'
    );
  }

  /** Whether a string names the plugin of an account: `WITH 'sha256_password' BY`. */
  isPlugin(token: Token, next: Token | null): boolean {
    if (token.kind !== 'string' || !BEFORE_PLUGIN.has(this.before)) return false;
    if (next?.kind === 'word' && BEHIND_PLUGIN.has(this.textOf(next).toUpperCase())) return true;
    return PLUGIN.test(this.#sql.slice(token.quote + 1, token.end - 1));
  }

  textOf(token: Token | null): string {
    return token === null ? '' : this.#sql.slice(token.start, token.end);
  }

  /** The name between quotes, in capitals. */
  nameOf({ quote, end, isClosed }: Token): string {
    const mark = this.#sql.charAt(quote);
    const text = this.#sql.slice(quote + 1, isClosed ? end - 1 : end);
    return text.length > 256 ? '' : text.replaceAll(mark + mark, mark).toUpperCase();
  }
}
