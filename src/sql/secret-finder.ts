import type { Token } from './lexer.ts';
import {
  AUTHENTICATION,
  BEFORE_PLUGIN,
  BEFORE_SECRET,
  WRITES_ROWS,
  TEXT_TYPE,
  PASSWORD_WORD,
  BEFORE_UNQUOTED,
  BEHIND_ACCOUNT,
  BEHIND_OPTION,
  BEHIND_PLUGIN,
  DEFINES,
  DESCRIBES_ACCOUNT,
  DESCRIBES_CLIENT,
  EXPLAINS,
  JOINING_FUNCTIONS,
  NO_SECRET,
  OF_SET_PASSWORD,
  OF_SECRETS,
  ON_ROWS,
  OPTION_SECRET,
  PASSWORD_FUNCTIONS,
  PLUGIN,
  SECRET_NAME,
  SECRET_PROCEDURE,
  SECRET_TABLES,
  SECRET_VARIABLE,
  TAKES_OPTIONS,
  TAKES_ROWS,
} from './secret-words.ts';
import { StatementPlace } from './statement-place.ts';

/** A piece of a statement that is, or holds, a secret. */
export interface Span {
  readonly start: number;
  end: number;
  /** What is to stand there instead; null for a redacted literal. */
  readonly text: string | null;
  /** False when the text ended before the secret did. */
  readonly isClosed: boolean;
}

/** A text that is a statement, or that a server is to run; or one in which a statement may be quoted. */
export type TextKind = 'statement' | 'prose';

/** What literals, or a comment, hold. */
export interface HeldSecrets {
  /** Of the text around them. */
  readonly spans: readonly Span[];
  /** A secret begins and does not end in them: what follows goes on with it. */
  readonly isOpen: boolean;
  /** A placeholder stands where a secret can. */
  readonly takesSecret: boolean;
}

/** Looks for secrets in the value of literals, taken together, or of a comment. */
export type LookInto = (tokens: readonly Token[], kind: TextKind) => HeldSecrets | null;

/**
 * What MySQL writes to its log in the place of a password, without quotes but for a few statements.
 * What it cannot rewrite (with `log_raw`, in bodies of procedures) it logs as it came.
 */
export const HIDDEN = '<secret>';

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

/** Literals that make one text: the arguments of CONCAT, what a variable is set to. */
interface Pieces {
  readonly tokens: Token[];
  readonly kind: TextKind;
  /** A parenthesis that closes below this depth, or a comma at it, ends the text. */
  readonly depth: number;
  readonly endsAtComma: boolean;
}

/**
 * Reads the tokens of a text, one by one, and remembers which of them are secrets. A statement that
 * the server refuses is in its log too, so nothing here relies on a whole statement: it goes by the
 * places at which a secret can stand, and what stands there without being one of the words that may
 * is taken for a secret.
 */
export class SecretFinder {
  readonly #sql: string;
  #isProse: boolean;
  readonly #look: LookInto;
  readonly #place: StatementPlace;
  readonly #spans: Span[] = [];

  #expects: Expectation = 'none';
  /** Depth of parentheses from which on the statement works on rows; Infinity when it does not. */
  #rowsDepth = Infinity;
  /** Depth outside of the parentheses whose literals are secrets; -1 outside of all. */
  #secretFrom = -1;
  /** Depth at which a comma ends `value`. */
  #valueDepth = 0;
  #isLastSecret = false;
  /** Where the server's mark for a secret ended: its tokens are no others. */
  #hiddenEnd = 0;
  /** Where the last literal ended. */
  #literalEnd = -1;
  /** A literal ended within a secret: what follows goes on with it. */
  #isOpen = false;
  #pieces: Pieces | null = null;
  /** The statement's literals, where what they are selected into may come behind them. */
  readonly #selected: Token[] = [];
  readonly #hasInto: boolean;
  #isInto = false;
  #takesSecret = false;
  #hasPlaceholder = false;

  constructor(sql: string, kind: TextKind, look: LookInto) {
    this.#sql = sql;
    this.#isProse = kind === 'prose';
    this.#look = look;
    this.#place = new StatementPlace(sql, this.#isProse);
    this.#hasInto = /into/i.test(sql);
  }

  /** @param next the token behind this one that is no comment. */
  see(token: Token, next: Token | null): void {
    if (token.start < this.#hiddenEnd) return;
    switch (token.kind) {
      case 'space':
        return;
      case 'comment':
        this.#hold([token], 'prose');
        return;
      case 'string':
      case 'hex':
      case 'bit':
      case 'number':
        this.#literal(token, next);
        return;
      case 'name':
        this.#name(token, next);
        return;
      case 'word':
        this.#word(token, next);
        return;
      case 'placeholder':
        this.#placeholder();
        return;
      case 'symbol':
        this.#symbol(token, next);
        return;
    }
  }

  finish(): { spans: Span[]; takesSecret: boolean } {
    this.#endPieces();
    // `… IDENTIFIED BY` and then nothing: in a literal, the secret is in the next one.
    if (this.#expects === 'secret' || this.#expects === 'value') {
      const { length } = this.#sql;
      this.#spans.push({ start: length, end: length, text: '', isClosed: false });
    }
    return { spans: this.#spans, takesSecret: this.#takesSecret };
  }

  #literal(token: Token, next: Token | null): void {
    const isText = token.kind !== 'number';
    if (this.#isSecret(token, next)) {
      this.#literalEnd = token.end;
      this.#add(token);
      return;
    }
    this.#literalEnd = token.end;
    this.#isLastSecret = false;
    if (token.kind === 'string' && this.#isQuotedName(token, next)) {
      const name = unquoted(this.#sql, token);
      this.#named(name, token, next);
      this.#place.pass(`\`${name}`);
      return;
    }
    const isHeld = token.kind === 'string' || (token.kind === 'hex' && this.#hasInto);
    if (token.kind === 'string' && this.#expects === 'connection') this.#connection(token, next);
    else if (isText && this.#isPiece()) this.#pieces?.tokens.push(token);
    else if (isHeld && !this.#hold([token], this.#kindOfLiterals()) && token.kind === 'string') {
      this.#options(token);
    }
    if (token.kind === 'string') this.#authentication(token);
    if (isText && this.#hasInto && !TAKES_ROWS.has(this.#place.first)) this.#selected.push(token);
    if (this.#expects !== 'none' && AWAITS.has(this.#expects)) this.#expects = 'none';
    this.#place.pass("'");
  }

  #isSecret(token: Token, next: Token | null): boolean {
    const isText = token.kind !== 'number';
    // Literals next to each other are one.
    if (this.#isLastSecret && isText) return true;
    if (this.#isOpen) return isText;
    if (this.#secretFrom >= 0) {
      return (
        isText ||
        this.#place.isBody ||
        !(DEFINES.test(this.#place.first) || this.#place.first === 'CALL')
      );
    }
    switch (this.#expects) {
      case 'secret':
      case 'value':
        return true;
      case 'all':
      case 'password':
        return !this.#isUser(next);
      case 'named':
        return isText && (!this.#isProse || this.#takesOptions());
      case 'identified':
        return isText && !this.#isProse && this.#isOfAccounts();
      case 'account':
        return (
          isText && !this.#isUser(next) && !this.#isDescription() && !this.#isPlugin(token, next)
        );
      case 'none':
      case 'connection':
        return false;
    }
  }

  /** Whether a string names a user or host: `'a'@'b'`, or between the parts of a list of users. */
  #isUser(next: Token | null): boolean {
    if (this.#place.before === '@' || this.#place.before === 'FOR') return true;
    // Nobody stands where a password is to.
    if (this.#isAssigned() || BEFORE_SECRET.has(this.#place.before)) return false;
    const behind = next === null ? '' : this.#textOf(next);
    return behind === '@' || (this.#place.before === ',' && /^ident/i.test(behind));
  }

  /** Whether a string is a name: `@"password"`; and `"PASSWORD"(`, `"mysql".`, `SET "pwd" =` with ANSI_QUOTES. */
  #isQuotedName(token: Token, next: Token | null): boolean {
    const { before, first } = this.#place;
    const behind = next === null ? '' : this.#textOf(next);
    if (before === '@' || behind === '(') return true;
    if (this.#sql.charAt(token.quote) !== '"') return false;
    if (behind === '.' || before === '.') return true;
    if (this.#place.isBody && (first === 'DECLARE' || this.#isInto)) return true;
    return (before === 'SET' || before === ',') && (behind === '=' || behind === ':=');
  }

  /** Whether a string says something of an account, or where CLONE INSTANCE is to write. */
  #isDescription(): boolean {
    return (
      DESCRIBES_CLIENT.has(this.#place.before) ||
      (DESCRIBES_ACCOUNT.has(this.#place.before) && this.#place.defines) ||
      (this.#place.before === '=' ? this.#place.beforeThat : this.#place.before) === 'DIRECTORY'
    );
  }

  /** Whether a string names the plugin of an account: `WITH 'sha256_password' BY`. */
  #isPlugin(token: Token, next: Token | null): boolean {
    if (token.kind !== 'string' || !BEFORE_PLUGIN.has(this.#place.before)) return false;
    if (next?.kind === 'word' && BEHIND_PLUGIN.has(this.#textOf(next).toUpperCase())) return true;
    return PLUGIN.test(this.#sql.slice(token.quote + 1, token.end - 1));
  }

  #name(token: Token, next: Token | null): void {
    const isPassword = this.#expects === 'password' && this.#isAssigned();
    const isOfOption = !this.#isProse && this.#isOption();
    const isNamed = this.#expects === 'named' && isOfOption;
    const isValue = this.#expects === 'value' && isOfOption && this.#isAssigned();
    if (this.#expects === 'secret' || isPassword || isNamed || isValue) {
      this.#add(token);
      return;
    }
    const name = unquoted(this.#sql, token);
    this.#isLastSecret = false;
    if (this.#expects === 'none') this.#named(name, token, next);
    else if (this.#expects === 'named' || this.#expects === 'identified') this.#expects = 'none';
    this.#place.pass(`\`${name}`);
  }

  #word(token: Token, next: Token | null): void {
    const word = this.#textOf(token);
    // A quote is missing somewhere before: CREATE USER 'x IDENTIFIED BY 'secret'
    if (this.#literalEnd === token.start && (this.#isOpen || this.#isLastSecret)) {
      this.#rest(token.start);
      return;
    }
    // An introducer belongs to the literal behind it: _utf8'x'.
    if (word.startsWith('_') && next?.kind === 'string' && this.#expects !== 'none') return;
    const upper = word.length > 64 ? '' : word.toUpperCase();
    this.#note(upper, next);
    const { start } = token;
    const wasSecret = this.#isLastSecret;
    this.#isLastSecret = false;
    if (!this.#expected(start, upper, next, wasSecret)) this.#begin(token, upper, next);
    this.#place.pass(upper);
  }

  /** Follows what the statement is. */
  #note(word: string, next: Token | null): void {
    const place = this.#place;
    const isBody = place.isBody;
    const where = place.word(word, next, this.#expects === 'none');
    // In the middle of a body, without a `;` before it.
    const isInBody = where === 'begins' && isBody;
    if (where === 'ends' || isInBody) this.#begins();
    if (isInBody) this.#isProse = false;
    if (OF_SECRETS.has(`${place.first} ${place.second}`)) this.#isProse = false;
    const isOnRows =
      word === 'SELECT' ||
      word === 'WHERE' ||
      (ON_ROWS.has(word) && (place.first === word || EXPLAINS.has(place.first)));
    // SELECT says nothing of what follows in a body.
    if (isOnRows && !place.isBody) this.#rowsDepth = Math.min(this.#rowsDepth, place.depth);
  }

  /** @returns whether the word was one of those that can stand here; else it may begin something. */
  #expected(start: number, word: string, next: Token | null, isBehindSecret: boolean): boolean {
    const isCall = next !== null && this.#textOf(next) === '(';
    switch (this.#expects) {
      case 'secret':
        if (word === 'PASSWORD') return true;
        // Without quotes it is an error, and a password all the same; where it ends nobody knows.
        if (word === 'RANDOM' || this.#place.before === '@') this.#expects = 'account';
        else if (!this.#isProse || this.#takesOptions()) this.#rest(start);
        else this.#expects = 'none';
        return true;
      case 'identified': {
        const isRollup = next !== null && /^rollup$/i.test(this.#textOf(next));
        this.#expects = 'none';
        if (word === 'BY') this.#expects = 'secret';
        else if (word === 'VIA' || (word === 'WITH' && !isRollup)) this.#expects = 'account';
        else if (this.#isProse || !this.#isOfAccounts()) return false;
        else if (word === 'AS' || word === 'PASSWORD') this.#expects = 'secret';
        else this.#rest(start);
        return this.#expects !== 'none';
      }
      case 'account':
        if (word === 'BY') this.#expects = 'secret';
        else if (isBehindSecret && !BEHIND_ACCOUNT.has(word)) this.#rest(start);
        else if (BEFORE_UNQUOTED.has(this.#place.before) && !isCall && word !== 'PASSWORD') {
          if (this.#isOfAccounts()) this.#rest(start);
        }
        return true;
      case 'password':
        if (
          OF_SET_PASSWORD.has(word) ||
          isCall ||
          this.#place.before === '@' ||
          this.#place.before === 'FOR'
        ) {
          return !PASSWORD_FUNCTIONS.has(word) || !isCall;
        }
        if (this.#place.before !== ',' && this.#place.before !== '.') this.#rest(start);
        return true;
      case 'all':
        return true;
      case 'value':
        if (word === 'WHERE' || (this.#place.first === 'START' && BEHIND_OPTION.has(word))) {
          this.#expects = 'none';
        } else if (this.#isAssigned()) {
          // In a body it is rather a variable of the routine.
          if (NO_SECRET.has(word) || (this.#place.isBody && !isCall)) this.#expects = 'none';
          else if (!isCall && !this.#isProse) this.#rest(start);
        } else if (isBehindSecret && this.#isOption() && !BEHIND_OPTION.has(word)) {
          this.#rest(start);
        }
        return true;
      case 'named':
        this.#expects = 'none';
        // SET autocommit = 1, PASSWORD FOR a = 'x'
        if (
          word === 'FOR' &&
          PASSWORD_WORD.test(this.#place.before) &&
          this.#place.first === 'SET'
        ) {
          this.#expects = 'password';
          return true;
        }
        if (!this.#isProse && this.#isOption() && !BEHIND_OPTION.has(word)) this.#rest(start);
        return false;
      case 'connection':
        this.#expects = 'none';
        return false;
      case 'none':
        return false;
    }
  }

  /** What a word says of what follows, where nothing was expected. */
  #begin(token: Token, word: string, next: Token | null): void {
    if (!this.#place.isPart && this.#beginsPlace(word)) return;
    if (!this.#place.isPart) this.#beginPieces(word, next !== null && this.#textOf(next) === '(');
    this.#named(word, token, next);
  }

  #beginsPlace(word: string): boolean {
    const isOption = !this.#isOnRows() && (!this.#isProse || this.#takesOptions());
    if (word.startsWith('IDENT')) this.#expects = 'identified';
    // A misspelt IDENTIFIED.
    else if (word === 'BY' && this.#isOfAccounts()) this.#expects = 'secret';
    else if (PASSWORD_WORD.test(word) && this.#isSetPassword()) {
      if (!this.#isProse || this.#place.beforeThat === '') this.#expects = 'password';
      return true;
    } else if (word === 'CONNECTION' && isOption) this.#expects = 'connection';
    // ALTER USER … FINISH REGISTRATION SET CHALLENGE_RESPONSE AS 'x'
    else if (word === 'CHALLENGE_RESPONSE' && this.#place.defines) this.#expects = 'account';
    else if (word === 'INTO' && !TAKES_ROWS.has(this.#place.first)) this.#isInto = true;
    else if (word === 'FROM' || word === 'WHERE') this.#isInto = false;
    else if (word === 'USING' && this.#place.first === 'EXECUTE') this.#endPieces();
    return this.#expects !== 'none';
  }

  /** Whether a word like PASSWORD is what is set, and no column: SET PASSWORD, but not UPDATE t SET password. */
  #isSetPassword(): boolean {
    return this.#place.before === 'SET' && this.#place.first !== 'UPDATE' && !this.#isOnRows();
  }

  /** What the name of something says of what follows, in quotes or not. */
  #named(name: string, token: Token, next: Token | null): void {
    const behind = next === null ? '' : this.#textOf(next);
    // validate_password.policy
    if (behind === '.') return;
    const isCall = behind === '(';
    if (this.#place.before === '@') {
      if (!SECRET_VARIABLE.test(name) && !SECRET_NAME.test(name)) return;
      if (this.#isInto) this.#selectedSecrets();
      else this.#expects = 'named';
      return;
    }
    if (PASSWORD_FUNCTIONS.has(name) && isCall && !this.#isDeclared()) {
      if (this.#secretFrom < 0) this.#secretFrom = this.#place.depth;
      return;
    }
    if (SECRET_PROCEDURE.test(name)) {
      this.#secretFrom = this.#place.depth;
      return;
    }
    if (
      this.#place.before === '.' &&
      /^`?MYSQL$/.test(this.#place.beforeThat) &&
      SECRET_TABLES.has(name)
    ) {
      if (WRITES_ROWS.has(this.#place.first)) this.#expects = 'all';
      return;
    }
    if (name === 'CONNECTION' && token.kind === 'name' && behind === '=' && !this.#isOnRows()) {
      this.#expects = 'connection';
      return;
    }
    if (SECRET_NAME.test(name)) {
      // RETAIN CURRENT PASSWORD, DISCARD OLD PASSWORD
      if (this.#place.before === 'CURRENT' || this.#place.before === 'OLD') return;
      if (this.#place.isBody && this.#isInto) this.#selectedSecrets();
      else if (this.#place.isBody && (this.#place.first === 'DECLARE' || TEXT_TYPE.test(behind))) {
        this.#expects = 'account';
      } else if (/^(?:MASTER|SOURCE)_/.test(name)) {
        // Nobody writes that in prose, but where quotes are read the wrong way round.
        if (!this.#sql.includes(HIDDEN)) this.#isProse = false;
        this.#expects = 'named';
      } else if (!this.#isOnRows()) {
        // A backquoted name in prose is a column's.
        if (token.kind !== 'name' || !this.#isProse) this.#expects = 'named';
      }
      return;
    }
    if (!AUTHENTICATION.test(name) || this.#place.first === 'SELECT') return;
    // Of a list of columns nobody counts which value is which.
    const isListed = this.#place.depth > 0 && /^(?:INSERT|REPLACE)$/.test(this.#place.first);
    this.#expects = isListed ? 'all' : 'named';
  }

  #placeholder(): void {
    const isExpected = this.#expects === 'named' || !AWAITS.has(this.#expects);
    if (this.#secretFrom >= 0 || (this.#expects !== 'none' && isExpected)) this.#takesSecret = true;
    this.#hasPlaceholder = true;
    if (this.#expects === 'secret' || this.#expects === 'named') this.#expects = 'account';
    this.#place.pass('?');
  }

  #symbol(token: Token, next: Token | null): void {
    const symbol = this.#textOf(token);
    if (symbol === '<' && this.#isHidden(token.start)) {
      this.#hide(token.start);
      return;
    }
    const wasSecret = this.#isLastSecret;
    this.#isLastSecret = false;
    if (this.#place.symbol(symbol, next)) {
      this.#endPieces();
      this.#begins();
      return;
    }
    switch (symbol) {
      case '(':
        if (this.#expects === 'secret') this.#expects = 'all';
        break;
      case ')':
        if (this.#place.depth <= this.#secretFrom) this.#secretFrom = -1;
        if (this.#place.depth < this.#rowsDepth) this.#rowsDepth = Infinity;
        if (this.#pieces !== null && this.#place.depth < this.#pieces.depth) this.#endPieces();
        if (this.#expects === 'value' && this.#place.depth < this.#valueDepth)
          this.#expects = 'none';
        break;
      case ',':
        if (this.#pieces?.endsAtComma === true && this.#place.depth <= this.#pieces.depth) {
          this.#endPieces();
        }
        if (this.#expects === 'value' && this.#place.depth <= this.#valueDepth)
          this.#expects = 'none';
        if (this.#expects === 'named' || this.#expects === 'identified') this.#expects = 'none';
        // SET PASSWORD FOR `a`=<secret>,SESSION autocommit=1 (MySQL 5.6)
        if (this.#expects === 'password' && this.#place.before === HIDDEN) this.#expects = 'none';
        break;
      case '=':
      case ':=':
        this.#assign(symbol);
        break;
      case ':':
      case '@':
      case '.':
        break;
      default:
        if (this.#expects === 'secret') this.#rest(token.start);
        else if (wasSecret && this.#isWithoutOperators()) this.#rest(token.start);
        else if (this.#expects === 'named' || this.#expects === 'identified') {
          this.#expects = 'none';
        }
    }
    this.#place.pass(symbol);
    if (symbol === '=' || symbol === ':=') this.#beginPieces(symbol, false);
  }

  #assign(symbol: string): void {
    if (this.#expects === 'named') {
      const isValue = !this.#isProse || this.#takesOptions() || symbol === ':=';
      this.#expects = isValue ? 'value' : 'none';
      this.#valueDepth = this.#place.depth;
    } else if (this.#expects === 'identified' && symbol === '=') {
      // `WHERE identified = 'x'`, unless an account is meant.
      this.#expects = !this.#isProse && this.#isOfAccounts() ? 'secret' : 'none';
    }
  }

  /** Whether only options and passwords can stand here, none that is computed. */
  #isWithoutOperators(): boolean {
    if (this.#secretFrom >= 0 || this.#isProse) return false;
    if (this.#expects === 'account' || this.#expects === 'password') return true;
    return this.#expects === 'value' && this.#isOption();
  }

  /** Whether the server's mark for a secret stands here, where a secret can. */
  #isHidden(start: number): boolean {
    if (!this.#sql.startsWith(HIDDEN, start)) return false;
    // The server puts nothing right behind it: `<secret>x` is somebody's password.
    if (!/[\s,;)]/.test(this.#sql.charAt(start + HIDDEN.length) || ' ')) return false;
    if (this.#secretFrom >= 0) return this.#place.before === '(' || this.#place.before === ',';
    switch (this.#expects) {
      case 'secret':
      case 'account':
      case 'password':
      case 'all':
        return true;
      case 'named':
        return !this.#isProse || this.#takesOptions();
      case 'value':
        return this.#isAssigned();
      case 'none':
      case 'identified':
      case 'connection':
        return false;
    }
  }

  /** Takes out the server's mark, which is one secret and no more: what follows is read as ever. */
  #hide(start: number): void {
    this.#hiddenEnd = start + HIDDEN.length;
    this.#spans.push({ start, end: this.#hiddenEnd, text: null, isClosed: true });
    this.#isLastSecret = true;
    if (this.#expects === 'secret') this.#expects = 'account';
    else if (this.#expects === 'named' || this.#expects === 'value') this.#expects = 'none';
    this.#place.pass(HIDDEN);
  }

  /** Whether this token is what is assigned. */
  #isAssigned(): boolean {
    return this.#place.before === '=' || this.#place.before === ':=';
  }

  #isOnRows(): boolean {
    return this.#place.depth >= this.#rowsDepth;
  }

  #isOfAccounts(): boolean {
    if (/^(?:GRANT|CLONE)$/.test(this.#place.first)) return true;
    return DEFINES.test(this.#place.first) && this.#place.second.startsWith('USER');
  }

  /** Whether secrets are given as options here, each to a name: SERVER, CHANGE, START, SET. */
  #isOption(): boolean {
    if (/^(?:CHANGE|START)$/.test(this.#place.first)) return true;
    if (this.#place.first === 'SET') return !this.#isOnRows();
    return this.#place.defines && /^(?:SERVER|USER)/.test(this.#place.second);
  }

  /** Another statement begins: nothing is left of the one before. */
  #begins(): void {
    this.#expects = 'none';
    this.#rowsDepth = Infinity;
    this.#secretFrom = -1;
    this.#isOpen = false;
    this.#selected.length = 0;
    this.#isInto = false;
  }

  #textOf({ start, end }: Token): string {
    return this.#sql.slice(start, end);
  }

  /** Whether the statement is one whose options can be secrets. */
  #takesOptions(): boolean {
    return this.#place.isBody || TAKES_OPTIONS.test(this.#place.first);
  }

  /** Whether a name before a parenthesis is that of a table. */
  #isDeclared(): boolean {
    const { before, isBody } = this.#place;
    return /^(?:TABLE|EXISTS)$/.test(before) || (before === '.' && !isBody && this.#place.defines);
  }

  #add(token: Token): void {
    const last = this.#spans.at(-1);
    if (this.#isLastSecret && last !== undefined) {
      last.end = token.end;
    } else {
      const { start, end, isClosed } = token;
      this.#spans.push({ start, end, text: null, isClosed });
    }
    this.#isLastSecret = true;
    if (this.#expects === 'secret' || this.#expects === 'identified') this.#expects = 'account';
    if (this.#expects === 'named') {
      this.#expects = 'value';
      this.#valueDepth = this.#place.depth;
    }
    this.#place.pass("'");
  }

  /** Everything from here on is taken for a secret. */
  #rest(start: number): void {
    this.#spans.push({ start, end: this.#sql.length, text: null, isClosed: true });
    this.#expects = 'all';
  }

  /** SELECT 'x' INTO @password */
  #selectedSecrets(): void {
    for (const { start, end, isClosed } of this.#selected) {
      this.#spans.push({ start, end, text: null, isClosed });
    }
    if (this.#hasPlaceholder) this.#takesSecret = true;
    this.#expects = 'all';
  }

  /** Takes out what literals or a comment hold that is a statement with secrets itself. */
  #hold(tokens: readonly Token[], kind: TextKind): boolean {
    const found = this.#look(tokens, kind);
    if (found === null) return false;
    this.#spans.push(...found.spans);
    // No secret goes on behind a comment.
    if (found.isOpen && tokens[0]?.kind !== 'comment') this.#isOpen = true;
    // EXECUTE IMMEDIATE 'SELECT PASSWORD(?)' USING 'x'
    if (found.takesSecret && this.#place.first === 'EXECUTE') this.#expects = 'all';
    return found.spans.length > 0;
  }

  /** What is put together, or is to be run, is looked at as one text. */
  #beginPieces(what: string, isCall: boolean): void {
    if (this.#pieces !== null || this.#expects !== 'none') return;
    const depth = this.#place.depth;
    const isRun =
      (what === 'IMMEDIATE' && this.#place.before === 'EXECUTE') ||
      (what === 'FROM' && this.#place.first === 'PREPARE');
    const isAssigned =
      what === ':=' ||
      (what === '=' && (this.#place.first === 'SET' || this.#place.isBody)) ||
      (what === 'DEFAULT' && this.#place.isBody);
    if (isRun || isAssigned) {
      this.#pieces = { tokens: [], kind: 'statement', depth, endsAtComma: !isRun };
    } else if (isCall && JOINING_FUNCTIONS.has(what)) {
      this.#pieces = { tokens: [], kind: 'prose', depth: depth + 1, endsAtComma: false };
    }
  }

  /** What is selected into a variable is likely to be run. */
  #kindOfLiterals(): TextKind {
    return this.#hasInto && !TAKES_ROWS.has(this.#place.first) ? 'statement' : 'prose';
  }

  #isPiece(): boolean {
    if (this.#pieces === null) return false;
    return this.#expects === 'none' || this.#expects === 'connection';
  }

  #endPieces(): void {
    const pieces = this.#pieces;
    this.#pieces = null;
    if (pieces !== null && pieces.tokens.length > 0) this.#hold(pieces.tokens, pieces.kind);
  }

  /** `mysql://user:password@host`, of tables that lie elsewhere. */
  #connection(token: Token, next: Token | null): void {
    const text = this.#textOf(token);
    if (next?.kind === 'string') {
      // Literals next to each other are one.
      this.#add(token);
      return;
    }
    if (!/[:@]|pwd|passw/i.test(text) || /^.\w+:\/\/[^:]*$/.test(text)) return;
    const url = /^(.\w+:\/\/[^:@/]*:).*(@[^@]*)$/s.exec(text);
    const redacted = url === null ? null : `${url[1] ?? ''}<redacted>${url[2] ?? ''}`;
    const { start, end, isClosed } = token;
    this.#spans.push({ start, end, text: redacted, isClosed });
    this.#isLastSecret = true;
  }

  /** `JSON_SET(priv, '$.authentication_string', …)`, and such a document whole. */
  #authentication(token: Token): void {
    if (this.#place.first === 'SELECT' || this.#isProse) return;
    const text = this.#textOf(token);
    if (!AUTHENTICATION.test(text)) return;
    this.#expects = 'all';
    if (!text.includes(':')) return;
    const { start, end, isClosed } = token;
    this.#spans.push({ start, end, text: null, isClosed });
  }

  /** `password "x"` in the COMMENT of a SPIDER table or the options of a CONNECT table. */
  #options(token: Token): void {
    const isOfTable = !this.#isOnRows() && this.#place.defines;
    if (!isOfTable && !this.#place.second.startsWith('SPIDER_')) return;
    const { start, end, isClosed } = token;
    // Without the closing quote: a comment that ends with `password` tells none.
    const text = this.#sql.slice(start, isClosed ? end - 1 : end);
    if (!OPTION_SECRET.test(text)) {
      // Unless a quote is missing before: CREATE SERVER 's … OPTIONS (PASSWORD 'secret')
      const isGlued = /[\w$\u0080-\uffff]/.test(this.#sql.charAt(end));
      if (isGlued && OPTION_SECRET.test(`${text}'`)) this.#isOpen = true;
      return;
    }
    this.#spans.push({ start, end, text: null, isClosed });
  }
}

/** The name between quotes, in capitals. */
function unquoted(sql: string, { quote, end, isClosed }: Token): string {
  const mark = sql.charAt(quote);
  const text = sql.slice(quote + 1, isClosed ? end - 1 : end);
  return text.length > 256 ? '' : text.replaceAll(mark + mark, mark).toUpperCase();
}
