import type { Lexer } from './lexer.ts';

const DDL = /^(?:CREATE|ALTER|DROP|TRUNCATE|RENAME|ANALYZE|OPTIMIZE|CHECK|REPAIR)$/;
/** Statements about the server, whose numbers are its own. */
const ADMINISTRATION = /^(?:KILL|CHANGE|START|STOP|PURGE|FLUSH|SHOW|RESET|SHUTDOWN)$/;
const ACCOUNTS = /^(?:USER|ROLE)$/;

const words = (list: string): ReadonlySet<string> => new Set(list.split(' '));

const TYPES = words(
  'VARCHAR NCHAR NVARCHAR VARBINARY DECIMAL NUMERIC DEC FIXED FLOAT DOUBLE REAL INT INTEGER TINYINT SMALLINT MEDIUMINT BIGINT BIT SIGNED UNSIGNED TEXT BLOB',
);
/** Types as well as functions, with a precision of one digit. */
const PRECISE = words(
  'TIME DATETIME TIMESTAMP NOW SYSDATE CURTIME CURRENT_TIME CURRENT_TIMESTAMP LOCALTIME LOCALTIMESTAMP UTC_TIME UTC_TIMESTAMP',
);
/** Behind these a string is a name or part of the syntax. */
const NAMING = words('COLLATE CHARSET NAMES ENGINE SQLSTATE ESCAPE AS');
const DELIMITING = words('TERMINATED ENCLOSED ESCAPED STARTING');
/** Words that end an ORDER BY or GROUP BY, or a LIMIT. */
const BEHIND_ORDER = words(
  'LIMIT HAVING UNION INTO FOR LOCK WINDOW PROCEDURE OFFSET FETCH ROWS RANGE',
);
const ROW_SOURCES = words('SELECT INSERT UPDATE DELETE BEGIN DO CALL VALUES');
const SCOPES = words('GLOBAL SESSION LOCAL PERSIST PERSIST_ONLY');

/** Format of a date or number: `%Y-%m-%d`. */
const FORMAT = /^(?=.*%)(?:%[a-zA-Z%]|[\s\-/:.,T])+$/;
/** Separators and the like. */
const PUNCTUATION = /^[\s!-/:-@[-`{-~]{1,3}$/;

/**
 * Where in a statement a literal stands, as far as it decides whether it is data: everything is,
 * but what the statement could not be understood without.
 */
export class StatementContext {
  readonly #sql: string;
  #first = '';
  #second = '';
  /** The words or symbols before this token. */
  #before = '';
  #beforeThat = '';
  #depth = 0;
  #hasRows = false;
  /** Depth of the list of ORDER BY or GROUP BY; -1 outside. */
  #orderDepth = -1;
  #isInLimit = false;
  /** How many digits a number may have to be a length in these parentheses; 0 outside. */
  #lengthDigits = 0;
  #lengthDepth = -1;
  /** In SET: whether what is set is a variable of the session's own, `@a`. */
  #isUserVariable = false;

  constructor(sql: string) {
    this.#sql = sql;
  }

  /** Takes note of a token, after it was asked about. */
  see(token: Lexer): void {
    if (token.kind === 'word') this.#word(token.text.toUpperCase());
    else if (token.kind === 'symbol') this.#symbol(token);
    else this.#pass(token.kind === 'name' ? '`' : "'");
  }

  /** Whether literals are settings of the server. */
  keepsSettings(): boolean {
    return this.#first === 'SET' && !this.#isUserVariable && !this.#hasRows;
  }

  keepsNumber(text: string): boolean {
    if (this.keepsSettings() || ADMINISTRATION.test(this.#first)) return true;
    if (DDL.test(this.#first) && !this.#hasRows) return true;
    if (this.#isInLimit) return true;
    switch (this.#before) {
      case 'INTERVAL':
      case 'IGNORE':
      case 'FIRST':
      case 'NEXT':
        return true;
      case 'BY':
        if (this.#orderDepth >= 0 && text.length <= 3) return true;
        break;
      case ',':
        if (this.#orderDepth === this.#depth && text.length <= 3) return true;
        break;
      default:
    }
    return this.#lengthDigits > 0 && text.length <= this.#lengthDigits;
  }

  /** @param end where the literal ends. */
  keepsString(value: string, end: number): boolean {
    if (this.keepsSettings() || this.#isOfAccounts()) return true;
    const { length } = this.#sql;
    let next = end;
    while (next < length && this.#sql.charCodeAt(next) <= 0x20) next++;
    if (this.#before === '@' || this.#sql.charAt(next) === '@') return true;
    if (this.#before === 'INTERVAL' || NAMING.has(this.#before)) return true;
    switch (this.#before) {
      case '=':
        if (NAMING.has(this.#beforeThat)) return true;
        break;
      case 'USING':
        if (this.#first !== 'EXECUTE') return true;
        break;
      case 'SET':
        if (this.#beforeThat === 'CHARACTER') return true;
        break;
      case 'VALUE':
        if (this.#beforeThat === 'SQLSTATE') return true;
        break;
      case 'BY':
        if (DELIMITING.has(this.#beforeThat)) return true;
        break;
      default:
    }
    return PUNCTUATION.test(value) || (FORMAT.test(value) && !this.isPattern());
  }

  /** Whether a string is a pattern, whose `%` stay. */
  isPattern(): boolean {
    return this.#before === 'LIKE';
  }

  /** Whether a string is a statement itself. */
  isStatement(): boolean {
    if (this.#first === 'PREPARE') return this.#before === 'FROM';
    return this.#first === 'EXECUTE' && this.#before === 'IMMEDIATE';
  }

  #isOfAccounts(): boolean {
    if (this.#first === 'GRANT' || this.#first === 'REVOKE') return true;
    return DDL.test(this.#first) && ACCOUNTS.test(this.#second);
  }

  #word(word: string): void {
    if (this.#first === '') this.#first = word;
    else if (this.#second === '' && word !== 'OR' && word !== 'REPLACE') this.#second = word;
    if (ROW_SOURCES.has(word)) this.#hasRows = true;
    if (word === 'FOR' && this.#first === 'SET' && this.#second === 'STATEMENT') {
      this.#reset();
      return;
    }
    if (word === 'LIMIT' || word === 'OFFSET') this.#isInLimit = true;
    else if (word !== 'EXAMINED' && word !== 'ROWS') this.#isInLimit = false;
    if (word === 'BY' && (this.#before === 'ORDER' || this.#before === 'GROUP')) {
      this.#orderDepth = this.#depth;
    } else if (BEHIND_ORDER.has(word)) {
      this.#orderDepth = -1;
    }
    // SET GLOBAL a = 1: the scope does not hide that this is where a name begins.
    if (!SCOPES.has(word)) this.#pass(word);
  }

  #symbol(token: Lexer): void {
    const symbol = token.text;
    switch (symbol) {
      case ';':
        this.#reset();
        return;
      case '(':
        this.#depth++;
        if (TYPES.has(this.#before)) this.#lengthDigits = 5;
        else if (PRECISE.has(this.#before)) this.#lengthDigits = 1;
        else if (/^(?:CHAR|BINARY)$/.test(this.#before) && this.#beforeThat === 'AS') {
          this.#lengthDigits = 5;
        } else {
          this.#lengthDigits = 0;
        }
        this.#lengthDepth = this.#depth;
        break;
      case ')':
        if (this.#depth === this.#lengthDepth) this.#lengthDigits = 0;
        this.#depth--;
        if (this.#depth < this.#orderDepth) this.#orderDepth = -1;
        this.#isInLimit = false;
        break;
      case '@':
        if (this.#first === 'SET' && (this.#before === 'SET' || this.#before === ',')) {
          this.#isUserVariable = this.#sql.charAt(token.end) !== '@';
        }
        break;
      case ',':
        if (this.#depth === 0) this.#isUserVariable = false;
        break;
      default:
    }
    this.#pass(symbol);
  }

  #reset(): void {
    this.#first = '';
    this.#second = '';
    this.#before = '';
    this.#beforeThat = '';
    this.#depth = 0;
    this.#hasRows = false;
    this.#orderDepth = -1;
    this.#isInLimit = false;
    this.#lengthDigits = 0;
    this.#isUserVariable = false;
  }

  #pass(what: string): void {
    this.#beforeThat = this.#before;
    this.#before = what;
  }
}
