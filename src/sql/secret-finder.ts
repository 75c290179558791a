import type { Lexer } from './lexer.ts';

/** A piece of a statement that is, or holds, a secret. */
export interface Span {
  readonly start: number;
  end: number;
  /** What is to stand there instead; null for a redacted literal. */
  readonly text: string | null;
  /** False when the text ended before the secret did. */
  readonly isClosed: boolean;
}

type Nested = (token: Lexer) => { text: string; isOpen: boolean } | null;

/** Functions of the server whose arguments are passwords. */
const PASSWORD_FUNCTIONS: ReadonlySet<string> = new Set([
  'PASSWORD',
  'OLD_PASSWORD',
  'ED25519_PASSWORD',
  'ENCRYPT',
  'VALIDATE_PASSWORD_STRENGTH',
]);

/** Procedures of RDS that are told a password or key. */
const SECRET_PROCEDURE = /^RDS_(?:SET_EXTERNAL_|IMPORT_BINLOG_SSL)/;

/** A setting, option or user variable that is named after what it holds. */
const SECRET_NAME = /(?:PASSWORD|PASSWD|PASSPHRASE|(?:^|_)PWD|SECRET_KEY|ACCESS_KEY|SST_AUTH)\d*$/;

/** `password=x` or `password "x"` among the options in a string; its quotes may be escaped. */
const OPTION_SECRET = /(?:password|passwd|pwd)[\s\\]*[="']/i;

const AUTHENTICATION = /authentication_string/i;

/** Words behind which a statement works on rows: `password = 'x'` is an application's own there. */
const ON_ROWS: ReadonlySet<string> = new Set([
  'SELECT',
  'INSERT',
  'UPDATE',
  'DELETE',
  'REPLACE',
  'LOAD',
  'WHERE',
  'CALL',
  'RETURN',
  'WHEN',
  'ELSEIF',
]);

/** First words of statements that define something; a letter may be missing. */
const DEFINES = /^(?:CREA|ALT)/;

/** What can follow `=` in the place of a literal without being a secret. */
const NO_SECRET: ReadonlySet<string> = new Set([
  'DEFAULT',
  'NULL',
  'ON',
  'OFF',
  'TRUE',
  'FALSE',
  'TO',
]);

/** Names of what is no secret though it stands behind IDENTIFIED. */
const DESCRIBES_CLIENT: ReadonlySet<string> = new Set(['SUBJECT', 'ISSUER', 'CIPHER']);

/** The same where something is defined; it is looked at for a password in it, as a table's is. */
const DESCRIBES_ACCOUNT: ReadonlySet<string> = new Set(['COMMENT', 'ATTRIBUTE']);

/** What follows `PASSWORD = 'x'` in START REPLICA, without a comma between. */
const BEHIND_PASSWORD: ReadonlySet<string> = new Set(['DEFAULT_AUTH', 'PLUGIN_DIR', 'FOR']);

/** Words before the name of an authentication plugin, and words behind one. */
const BEFORE_PLUGIN: ReadonlySet<string> = new Set(['WITH', 'VIA', 'OR']);
const BEHIND_PLUGIN =
  /^(?:\s|\/\*(?:[^*]|\*(?!\/))*\*\/)*(?:BY|AS|USING|INITIAL\s+AUTHENTICATION)(?![\w$])/i;

/** Plugins of the servers: behind these names nothing has to follow for them to be no password. */
const PLUGIN =
  /^(?:caching_sha2_password|sha256_password|mysql_(?:native|old)_password|mysql_no_login|auth_socket|unix_socket|ed25519|parsec|pam|gssapi|named_pipe|authentication_(?:pam|windows|ldap_simple|ldap_sasl|kerberos|fido|webauthn|oci|openid_connect)|AWSAuthenticationPlugin)$/i;

/**
 * What MySQL writes to its log in the place of a password, without quotes but for a few statements.
 * What it cannot rewrite (with `log_raw`, in bodies of procedures) it logs as it came.
 */
export const HIDDEN = '<secret>';

/** What to do with the next literals of the statement. */
type Expectation =
  /** Nothing in particular. */
  | 'none'
  /** `IDENT…` was read: BY, WITH, VIA or AS makes it `account`. */
  | 'identified'
  /** Every literal is a secret but the names of users. */
  | 'account'
  /** As `account`; the very next token is the secret, whatever it is. */
  | 'secret'
  /** The name of a secret was read: a literal or `=` makes it one. */
  | 'named'
  /** Literals are secrets up to the next comma. */
  | 'value'
  /** The next literal is a connection string. */
  | 'connection'
  /** Every literal is a secret. */
  | 'all';

/**
 * Reads the tokens of a text, one by one, and remembers which of them are secrets. A statement that
 * the server refuses is in its log too, so nothing here relies on a whole statement: it looks for the
 * words that come before secrets.
 */
export class SecretFinder {
  readonly #sql: string;
  /** The text is a literal's or a comment's: prose is likelier than a statement with an error. */
  readonly #isNested: boolean;
  readonly #nested: Nested;
  readonly #spans: Span[] = [];

  #expects: Expectation = 'none';
  #first = '';
  #second = '';
  #isOnRows = false;
  /** The word, or the symbol, before this token. */
  #before = '';
  #beforeThat = '';
  #depth = 0;
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

  constructor(sql: string, isNested: boolean, nested: Nested) {
    this.#sql = sql;
    this.#isNested = isNested;
    this.#nested = nested;
  }

  see(token: Lexer): void {
    if (token.start < this.#hiddenEnd) return;
    switch (token.kind) {
      case 'space':
        return;
      case 'comment':
        this.#look(token);
        return;
      case 'string':
      case 'hex':
      case 'bit':
      case 'number':
        this.#literal(token);
        return;
      case 'name':
        this.#name(token);
        return;
      case 'word':
        this.#word(token);
        return;
      case 'placeholder':
        if (this.#expects === 'secret' || this.#expects === 'named') this.#expects = 'account';
        this.#pass('?');
        return;
      case 'symbol':
        this.#symbol(token);
        return;
    }
  }

  finish(): Span[] {
    // `… IDENTIFIED BY` and then nothing: in a literal, the secret is in the next one.
    if (this.#isNested && (this.#expects === 'secret' || this.#expects === 'value')) {
      const { length } = this.#sql;
      this.#spans.push({ start: length, end: length, text: '', isClosed: false });
    }
    return this.#spans;
  }

  #literal(token: Lexer): void {
    const isText = token.kind !== 'number';
    this.#literalEnd = token.end;
    if (this.#isSecret(token, isText)) {
      this.#add(token);
      return;
    }
    if (token.kind === 'string') {
      if (this.#expects === 'connection') this.#connection(token);
      else if (!this.#look(token)) this.#options(token);
      this.#authentication(token);
    }
    this.#isLastSecret = false;
    if (this.#expects === 'identified' || this.#expects === 'named') this.#expects = 'none';
    if (this.#expects === 'connection') this.#expects = 'none';
    this.#pass("'");
  }

  #isSecret(token: Lexer, isText: boolean): boolean {
    // Literals next to each other are one.
    if (this.#isLastSecret && isText) return true;
    if (this.#isOpen) return isText;
    if (this.#secretFrom >= 0) {
      return isText || !(DEFINES.test(this.#first) || this.#first === 'CALL');
    }
    switch (this.#expects) {
      case 'secret':
      case 'all':
        return !this.#isUser(token);
      case 'value':
        return true;
      case 'named':
        return isText && (!this.#isNested || this.#isKnown());
      case 'account':
        return isText && !this.#isUser(token) && !this.#isDescription() && !this.#isPlugin(token);
      case 'none':
      case 'identified':
      case 'connection':
        return false;
    }
  }

  /** Whether a string names a user or host: `'a'@'b'`, or between the parts of a list of users. */
  #isUser(token: Lexer): boolean {
    if (this.#before === '@' || this.#before === 'FOR') return true;
    let i = token.end;
    while (i < this.#sql.length && this.#sql.charCodeAt(i) <= 0x20) i++;
    if (this.#sql.charAt(i) === '@') return true;
    return this.#before === ',' && /^ident/i.test(this.#sql.slice(i, i + 5));
  }

  /** Whether a string says something of an account, or where CLONE INSTANCE is to write. */
  #isDescription(): boolean {
    return (
      DESCRIBES_CLIENT.has(this.#before) ||
      (DESCRIBES_ACCOUNT.has(this.#before) && DEFINES.test(this.#first)) ||
      (this.#before === '=' ? this.#beforeThat : this.#before) === 'DIRECTORY'
    );
  }

  /** Whether a string names the plugin of an account: `WITH 'sha256_password' BY`. */
  #isPlugin(token: Lexer): boolean {
    if (token.kind !== 'string' || !BEFORE_PLUGIN.has(this.#before)) return false;
    return (
      BEHIND_PLUGIN.test(this.#sql.slice(token.end, token.end + 200)) ||
      PLUGIN.test(this.#sql.slice(token.quote + 1, token.end - 1))
    );
  }

  #name(token: Lexer): void {
    if (this.#expects === 'secret') this.#add(token);
    else if (this.#expects === 'none') {
      const name = token.text.slice(1, -1).toUpperCase();
      if (this.#before === '@' && SECRET_NAME.test(name)) this.#expects = 'named';
      else if (SECRET_PROCEDURE.test(name)) this.#secretFrom = this.#depth;
      else if (name === 'PASSWORD' && !this.#isOnRows && !this.#isNested) this.#expects = 'named';
      else this.#beginAuthentication(name);
    }
    this.#pass('`');
  }

  #word(token: Lexer): void {
    const word = token.text;
    // A quote is missing somewhere before: CREATE USER 'x IDENTIFIED BY 'secret'
    if (this.#isOpen && this.#before === "'" && this.#literalEnd === token.start) {
      this.#rest(token.start);
      return;
    }
    // An introducer belongs to the literal behind it: _utf8'x'.
    if (word.startsWith('_') && this.#expects !== 'none') return;
    const upper = word.length > 64 ? '' : word.toUpperCase();
    if (this.#first === '') this.#first = upper;
    else if (this.#second === '') this.#second = upper;
    this.#expect(token, upper);
    this.#isLastSecret = false;
    this.#pass(upper);
  }

  #expect(token: Lexer, word: string): void {
    switch (this.#expects) {
      case 'secret':
        if (word === 'PASSWORD') return;
        // Without quotes it is an error, and a password all the same; where it ends nobody knows.
        if (word === 'RANDOM' || this.#before === '@') this.#expects = 'account';
        else if (!this.#isNested || this.#isKnown()) this.#rest(token.start);
        else this.#expects = 'none';
        return;
      case 'identified':
        this.#expects = 'none';
        if (word === 'BY') this.#expects = 'secret';
        else if (word === 'VIA') this.#expects = 'account';
        else if (word === 'WITH' && !this.#isBefore(token, 'ROLLUP')) this.#expects = 'account';
        if (this.#expects !== 'none') return;
        break;
      case 'account':
        if (word === 'BY') this.#expects = 'secret';
        return;
      case 'all':
        return;
      case 'value':
        if (word === 'WHERE' || (this.#first === 'START' && BEHIND_PASSWORD.has(word))) {
          this.#expects = 'none';
        } else if (this.#isAssigned()) {
          if (NO_SECRET.has(word)) this.#expects = 'none';
          else if (!this.#isCall(token) && !this.#isNested) this.#rest(token.start);
        }
        return;
      case 'named':
      case 'connection':
        this.#expects = 'none';
        // SET autocommit = 1, PASSWORD FOR a = 'x'
        if (word === 'FOR' && this.#before === 'PASSWORD' && this.#first === 'SET') {
          this.#expects = 'all';
          return;
        }
        break;
      case 'none':
    }
    this.#begin(token, word);
  }

  /** Whether a word is followed by another. */
  #isBefore(token: Lexer, word: string): boolean {
    return this.#sql.slice(token.end).trimStart().slice(0, word.length).toUpperCase() === word;
  }

  /** What a word says of what follows, where nothing was expected. */
  #begin(token: Lexer, word: string): void {
    if (word.startsWith('IDENT') && !this.#isPart()) {
      this.#expects = 'identified';
      return;
    }
    // A misspelt IDENTIFIED.
    if (word === 'BY' && DEFINES.test(this.#first) && this.#second.startsWith('USER')) {
      this.#expects = 'secret';
      return;
    }
    if (ON_ROWS.has(word)) {
      if (word === 'REPLACE' && this.#before === 'OR') return;
      this.#isOnRows = true;
    }
    if (PASSWORD_FUNCTIONS.has(word) && this.#isCall(token) && !this.#isDeclared()) {
      if (this.#secretFrom < 0) this.#secretFrom = this.#depth;
      return;
    }
    if (SECRET_PROCEDURE.test(word)) {
      this.#secretFrom = this.#depth;
      return;
    }
    if (word === 'PASSWORD' && this.#before === 'SET' && !this.#isOnRows) {
      if (!this.#isNested || this.#beforeThat === '') this.#expects = 'all';
      return;
    }
    if (SECRET_NAME.test(word)) {
      if (!this.#isOnRows || this.#before === '@' || word.startsWith('MASTER_')) {
        this.#expects = 'named';
      }
      return;
    }
    if (word === 'CONNECTION' && !this.#isOnRows) this.#expects = 'connection';
    // ALTER USER … FINISH REGISTRATION SET CHALLENGE_RESPONSE AS 'x'
    if (word === 'CHALLENGE_RESPONSE' && DEFINES.test(this.#first)) this.#expects = 'account';
    this.#beginAuthentication(word);
  }

  #beginAuthentication(name: string): void {
    if (!AUTHENTICATION.test(name) || this.#first === 'SELECT') return;
    // Of a list of columns nobody counts which value is which.
    const isListed = this.#depth > 0 && /^(?:INSERT|REPLACE)$/.test(this.#first);
    this.#expects = isListed ? 'all' : 'named';
  }

  #symbol(token: Lexer): void {
    const symbol = token.text;
    if (symbol === '<' && this.#isHidden(token.start)) {
      this.#hide(token.start);
      return;
    }
    this.#isLastSecret = false;
    switch (symbol) {
      case ';':
        this.#reset();
        return;
      case '(':
        if (this.#expects === 'secret') this.#expects = 'all';
        this.#depth++;
        break;
      case ')':
        this.#depth--;
        if (this.#depth <= this.#secretFrom) this.#secretFrom = -1;
        if (this.#expects === 'value' && this.#depth < this.#valueDepth) this.#expects = 'none';
        break;
      case ',':
        if (this.#expects === 'value' && this.#depth <= this.#valueDepth) this.#expects = 'none';
        if (this.#expects === 'named') this.#expects = 'none';
        // SET PASSWORD FOR `a`=<secret>,SESSION autocommit=1 (MySQL 5.6)
        if (this.#expects === 'all' && this.#before === HIDDEN) this.#expects = 'none';
        break;
      case '=':
      case ':=':
        if (this.#expects === 'named') {
          const isKnown = !this.#isNested || this.#isKnown();
          this.#expects = isKnown ? 'value' : 'none';
          this.#valueDepth = this.#depth;
        }
        break;
      case '@':
        break;
      default:
        if (this.#expects === 'secret') this.#rest(token.start);
        else if (this.#expects === 'named' || this.#expects === 'identified')
          this.#expects = 'none';
    }
    this.#pass(symbol);
  }

  /** Whether the server's mark for a secret stands here, where a secret can. */
  #isHidden(start: number): boolean {
    if (!this.#sql.startsWith(HIDDEN, start)) return false;
    // The server puts nothing right behind it: `<secret>x` is somebody's password.
    if (!/[\s,;)]/.test(this.#sql.charAt(start + HIDDEN.length) || ' ')) return false;
    if (this.#secretFrom >= 0) return this.#before === '(' || this.#before === ',';
    switch (this.#expects) {
      case 'secret':
      case 'account':
      case 'all':
        return true;
      case 'named':
        return !this.#isNested || this.#isKnown();
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
    this.#pass(HIDDEN);
  }

  /** Whether this token is what is assigned. */
  #isAssigned(): boolean {
    return this.#before === '=' || this.#before === ':=';
  }

  #reset(): void {
    this.#expects = 'none';
    this.#first = '';
    this.#second = '';
    this.#isOnRows = false;
    this.#before = '';
    this.#beforeThat = '';
    this.#depth = 0;
    this.#secretFrom = -1;
    this.#isOpen = false;
  }

  #pass(what: string): void {
    this.#beforeThat = this.#before;
    this.#before = what;
  }

  /** Whether a word is part of a longer name: `t.identity`, `@identity`. */
  #isPart(): boolean {
    return this.#before === '.' || this.#before === '@';
  }

  /** Whether the statement is one whose options can be secrets. */
  #isKnown(): boolean {
    return /^(?:CHANGE|START|CREATE|ALTER|SET|GRANT)$/.test(this.#first);
  }

  /** Whether a word is followed by an opening parenthesis, with white space and comments between. */
  #isCall(token: Lexer): boolean {
    return /^(?:\s|\/\*(?:[^*]|\*(?!\/))*\*\/)*\(/.test(
      this.#sql.slice(token.end, token.end + 200),
    );
  }

  /** Whether a name before a parenthesis is that of a table, column or index. */
  #isDeclared(): boolean {
    return (
      this.#isPart() ||
      /^(?:TABLE|EXISTS|INTO|KEY|INDEX|UNIQUE|REFERENCES|ON|CONSTRAINT|JOIN)$/.test(this.#before)
    );
  }

  #add(token: Lexer): void {
    const last = this.#spans.at(-1);
    if (this.#isLastSecret && last !== undefined) {
      last.end = token.end;
    } else {
      const { start, end, isClosed } = token;
      this.#spans.push({ start, end, text: null, isClosed });
    }
    this.#isLastSecret = true;
    if (this.#expects === 'secret') this.#expects = 'account';
    if (this.#expects === 'named') {
      this.#expects = 'value';
      this.#valueDepth = this.#depth;
    }
    this.#pass("'");
  }

  /** Everything from here on is taken for a secret. */
  #rest(start: number): void {
    this.#spans.push({ start, end: this.#sql.length, text: null, isClosed: false });
    this.#expects = 'all';
  }

  /** Takes out what a literal or comment holds that is a statement with secrets itself. */
  #look(token: Lexer): boolean {
    const found = this.#nested(token);
    if (found === null) return false;
    this.#spans.push({ start: token.start, end: token.end, text: found.text, isClosed: true });
    if (found.isOpen) this.#isOpen = true;
    return true;
  }

  /** `mysql://user:password@host`, of tables that lie elsewhere. */
  #connection(token: Lexer): void {
    const text = this.#sql.slice(token.start, token.end);
    if (!/[:@]|pwd|passw/i.test(text) || /^.\w+:\/\/[^:]*$/.test(text)) return;
    const url = /^(.\w+:\/\/[^:@/]*:).*(@[^@]*)$/s.exec(text);
    const redacted = url === null ? null : `${url[1] ?? ''}<redacted>${url[2] ?? ''}`;
    const { start, end, isClosed } = token;
    this.#spans.push({ start, end, text: redacted, isClosed });
    this.#isLastSecret = true;
  }

  /** `JSON_SET(priv, '$.authentication_string', …)`, and such a document whole. */
  #authentication(token: Lexer): void {
    if (this.#first === 'SELECT' || this.#isNested) return;
    const text = this.#sql.slice(token.start, token.end);
    if (!AUTHENTICATION.test(text)) return;
    this.#expects = 'all';
    if (!text.includes(':')) return;
    const { start, end, isClosed } = token;
    this.#spans.push({ start, end, text: null, isClosed });
  }

  /** `password "x"` in the COMMENT of a SPIDER table or the options of a CONNECT table. */
  #options(token: Lexer): void {
    const isOfTable = !this.#isOnRows && DEFINES.test(this.#first);
    if (!isOfTable && !this.#second.startsWith('SPIDER_')) return;
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
