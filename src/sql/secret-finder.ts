import { JoinedLiterals } from './joined-literals.ts';
import type { Token } from './lexer.ts';
import { hasOptionSecret, redactedConnection } from './literal-secrets.ts';
import { SecretExpectation } from './secret-expectation.ts';
import { meaningOf } from './secret-names.ts';
import { SecretPlace, type TextKind } from './secret-place.ts';
import { AUTHENTICATION, HIDDEN, TAKES_ROWS } from './secret-words.ts';
import type { Span } from './secret-spans.ts';

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
type LookInto = (tokens: readonly Token[], kind: TextKind) => HeldSecrets | null;

/**
 * Reads the tokens of a text, one by one, and remembers which of them are secrets. A statement that
 * the server refuses is in its log too, so nothing here relies on a whole statement: it goes by the
 * places at which a secret can stand, and what stands there without being one of the words that may
 * is taken for a secret.
 */
export class SecretFinder {
  readonly #sql: string;
  readonly #look: LookInto;
  readonly #place: SecretPlace;
  readonly #expectation: SecretExpectation;
  readonly #joined: JoinedLiterals;
  readonly #spans: Span[] = [];

  #isLastSecret = false;
  /** Where the server's mark for a secret ended: its tokens are no others. */
  #markEnd = 0;
  /** Where the last literal ended. */
  #literalEnd = -1;
  /** A literal ended within a secret: what follows goes on with it. */
  #isOpen = false;
  /** The statement's literals, where what they are selected into may come behind them. */
  readonly #selected: Token[] = [];
  readonly #hasInto: boolean;
  #takesSecret = false;
  #hasPlaceholder = false;

  constructor(sql: string, kind: TextKind, look: LookInto) {
    this.#sql = sql;
    this.#look = look;
    this.#place = new SecretPlace(sql, kind);
    this.#expectation = new SecretExpectation(this.#place);
    this.#joined = new JoinedLiterals(this.#place);
    this.#hasInto = /into/i.test(sql);
  }

  /** @param next the token behind this one that is no comment. */
  see(token: Token, next: Token | null): void {
    const { kind, start } = token;
    if (start < this.#markEnd || kind === 'space') return;
    if (kind === 'comment') this.#hold([token], 'prose');
    else if (kind === 'name') this.#name(token, next);
    else if (kind === 'word') this.#word(token, next);
    else if (kind === 'placeholder') this.#placeholder();
    else if (kind === 'symbol') this.#symbol(token, next);
    else this.#literal(token, next);
  }

  finish(): { spans: Span[]; takesSecret: boolean } {
    this.#endJoined();
    // `… IDENTIFIED BY` and then nothing: in a literal, the secret is in the next one.
    const { now } = this.#expectation;
    if (now === 'secret' || now === 'value') {
      const { length } = this.#sql;
      this.#spans.push({ start: length, end: length, text: '', isClosed: false });
    }
    return { spans: this.#spans, takesSecret: this.#takesSecret };
  }

  #literal(token: Token, next: Token | null): void {
    const isText = token.kind !== 'number';
    this.#literalEnd = token.end;
    // Literals next to each other are one.
    const goesOn = isText && (this.#isLastSecret || this.#isOpen);
    if (goesOn || (!this.#isOpen && this.#expectation.isSecret(token, next))) {
      this.#add(token);
      return;
    }
    this.#isLastSecret = false;
    if (token.kind === 'string' && this.#place.isQuotedName(token, next)) {
      const name = this.#place.nameOf(token);
      this.#named(name, token, next);
      this.#place.pass(`\`${name}`);
      return;
    }
    if (token.kind === 'string' && this.#expectation.now === 'connection') {
      this.#connection(token, next);
    } else if (!isText || !this.#join(token)) this.#lookInto(token);
    if (token.kind === 'string') this.#authentication(token);
    if (isText && this.#hasInto && !TAKES_ROWS.has(this.#place.first)) this.#selected.push(token);
    this.#expectation.passLiteral();
    this.#place.pass("'");
  }

  #name(token: Token, next: Token | null): void {
    if (this.#expectation.isSecretName) {
      this.#add(token);
      return;
    }
    const name = this.#place.nameOf(token);
    this.#isLastSecret = false;
    if (this.#expectation.now === 'none') this.#named(name, token, next);
    else this.#expectation.passName();
    this.#place.pass(`\`${name}`);
  }

  #word(token: Token, next: Token | null): void {
    const { start } = token;
    const word = this.#place.textOf(token);
    // A quote is missing somewhere before: CREATE USER 'x IDENTIFIED BY 'secret'
    if (this.#literalEnd === start && (this.#isOpen || this.#isLastSecret)) {
      this.#rest(start);
      return;
    }
    const isExpecting = this.#expectation.now !== 'none';
    // An introducer belongs to the literal behind it: _utf8'x'.
    if (word.startsWith('_') && next?.kind === 'string' && isExpecting) return;
    const upper = word.length > 64 ? '' : word.toUpperCase();
    if (this.#place.begins(upper, next, !isExpecting)) this.#begins();
    const wasSecret = this.#isLastSecret;
    this.#isLastSecret = false;
    const meaning = this.#expectation.word(upper, next, wasSecret);
    if (meaning === 'rest') this.#rest(start);
    else if (meaning === 'free') this.#free(upper, token, next);
    this.#place.pass(upper);
  }

  /** A word that may begin something. */
  #free(word: string, token: Token, next: Token | null): void {
    if (!this.#place.isPart) {
      if (word === 'USING' && this.#place.first === 'EXECUTE') this.#endJoined();
      if (this.#expectation.begin(word)) return;
      this.#joined.begin(word, this.#place.textOf(next) === '(');
    }
    this.#named(word, token, next);
  }

  #named(name: string, token: Token, next: Token | null): void {
    const behind = this.#place.textOf(next);
    const meaning = meaningOf(name, token.kind === 'name', behind, this.#place);
    if (meaning === 'selected') this.#selectedSecrets();
    else this.#expectation.name(meaning);
  }

  #placeholder(): void {
    if (this.#expectation.passPlaceholder()) this.#takesSecret = true;
    this.#hasPlaceholder = true;
    this.#place.pass('?');
  }

  #symbol(token: Token, next: Token | null): void {
    const { start } = token;
    const symbol = this.#place.textOf(token);
    if (symbol === '<' && this.#isMark(start)) {
      this.#passMark(start);
      return;
    }
    const wasSecret = this.#isLastSecret;
    this.#isLastSecret = false;
    if (this.#place.symbol(symbol, next)) {
      this.#endJoined();
      this.#begins();
      return;
    }
    if (this.#joined.endsAt(symbol)) this.#endJoined();
    if (this.#expectation.symbol(symbol, wasSecret)) this.#rest(start);
    this.#place.pass(symbol);
    const isAssignment = symbol === '=' || symbol === ':=';
    if (isAssignment && this.#expectation.now === 'none') this.#joined.begin(symbol, false);
  }

  /** Whether the server's mark for a secret stands here, where a secret can. */
  #isMark(start: number): boolean {
    if (!this.#sql.startsWith(HIDDEN, start)) return false;
    // The server puts nothing right behind it: `<secret>x` is somebody's password.
    if (!/[\s,;)]/.test(this.#sql.charAt(start + HIDDEN.length) || ' ')) return false;
    return this.#expectation.takesMark;
  }

  /** Takes out the server's mark, which is one secret and no more: what follows is read as ever. */
  #passMark(start: number): void {
    this.#markEnd = start + HIDDEN.length;
    this.#spans.push({ start, end: this.#markEnd, text: null, isClosed: true });
    this.#isLastSecret = true;
    this.#expectation.passMark();
    this.#place.pass(HIDDEN);
  }

  /** Another statement begins: nothing is left of the one before. */
  #begins(): void {
    this.#expectation.reset();
    this.#isOpen = false;
    this.#selected.length = 0;
  }

  #add(token: Token): void {
    const last = this.#spans.at(-1);
    if (this.#isLastSecret && last !== undefined) last.end = token.end;
    else this.#addWhole(token);
    this.#isLastSecret = true;
    this.#expectation.passSecret();
    this.#place.pass("'");
  }

  #addWhole({ start, end, isClosed }: Token, text: string | null = null): void {
    this.#spans.push({ start, end, text, isClosed });
  }

  /** Everything from here on is taken for a secret. */
  #rest(start: number): void {
    this.#spans.push({ start, end: this.#sql.length, text: null, isClosed: true });
    this.#expectation.expectAll();
  }

  /** SELECT 'x' INTO @password */
  #selectedSecrets(): void {
    for (const token of this.#selected) this.#addWhole(token);
    if (this.#hasPlaceholder) this.#takesSecret = true;
    this.#expectation.expectAll();
  }

  /** Takes out what literals or a comment hold that is a statement with secrets itself. */
  #hold(tokens: readonly Token[], kind: TextKind): boolean {
    const found = this.#look(tokens, kind);
    if (found === null) return false;
    this.#spans.push(...found.spans);
    // No secret goes on behind a comment.
    if (found.isOpen && tokens[0]?.kind !== 'comment') this.#isOpen = true;
    // EXECUTE IMMEDIATE 'SELECT PASSWORD(?)' USING 'x'
    if (found.takesSecret && this.#place.first === 'EXECUTE') this.#expectation.expectAll();
    return found.spans.length > 0;
  }

  #join(token: Token): boolean {
    const { now } = this.#expectation;
    return (now === 'none' || now === 'connection') && this.#joined.add(token);
  }

  #endJoined(): void {
    const joined = this.#joined.take();
    if (joined !== null) this.#hold(joined.tokens, joined.kind);
  }

  /** What a literal holds that stands for itself. */
  #lookInto(token: Token): void {
    if (token.kind !== 'string' && (token.kind !== 'hex' || !this.#hasInto)) return;
    // What is selected into a variable is likely to be run.
    const isToRun = this.#hasInto && !TAKES_ROWS.has(this.#place.first);
    const isHeld = this.#hold([token], isToRun ? 'statement' : 'prose');
    if (!isHeld && token.kind === 'string') this.#options(token);
  }

  #connection(token: Token, next: Token | null): void {
    const text = this.#place.textOf(token);
    if (next?.kind === 'string') {
      // Literals next to each other are one.
      this.#add(token);
      return;
    }
    const redacted = redactedConnection(text);
    if (redacted === null) return;
    this.#addWhole(token, redacted.text);
    this.#isLastSecret = true;
  }

  /** `JSON_SET(priv, '$.authentication_string', …)`, and such a document whole. */
  #authentication(token: Token): void {
    if (this.#place.first === 'SELECT' || this.#place.isProse) return;
    const text = this.#place.textOf(token);
    if (!AUTHENTICATION.test(text)) return;
    this.#expectation.expectAll();
    if (text.includes(':')) this.#addWhole(token);
  }

  /** The options of a table, in its COMMENT for example. */
  #options(token: Token): void {
    const isOfTable = !this.#place.isOnRows && this.#place.defines;
    if (!isOfTable && !this.#place.second.startsWith('SPIDER_')) return;
    const text = this.#place.textOf(token);
    const where = hasOptionSecret(text, token.isClosed, this.#sql.charAt(token.end));
    if (where === 'yes') this.#addWhole(token);
    else if (where === 'behind') this.#isOpen = true;
  }
}
