import type { Token } from './lexer.ts';
import { StatementPlace } from './statement-place.ts';
import { wordSet } from './words.ts';

const DDL = /^(?:CREATE|ALTER|DROP|TRUNCATE|RENAME|ANALYZE|OPTIMIZE|CHECK|REPAIR)$/;
/** Statements about the server, whose numbers are its own. */
const ADMINISTRATION = /^(?:KILL|CHANGE|START|STOP|PURGE|FLUSH|SHOW|RESET|SHUTDOWN)$/;
const ACCOUNTS = /^(?:USER|ROLE)$/;

const TYPES = wordSet(
  'VARCHAR NCHAR NVARCHAR VARBINARY DECIMAL NUMERIC DEC FIXED FLOAT DOUBLE REAL INT INTEGER TINYINT SMALLINT MEDIUMINT BIGINT BIT SIGNED UNSIGNED TEXT BLOB',
);
/** Types as well as functions, with a precision of one digit. */
const PRECISE = wordSet(
  'TIME DATETIME TIMESTAMP NOW SYSDATE CURTIME CURRENT_TIME CURRENT_TIMESTAMP LOCALTIME LOCALTIMESTAMP UTC_TIME UTC_TIMESTAMP',
);
/** Behind these a string is a name or part of the syntax. */
const NAMING = wordSet('COLLATE CHARSET NAMES ENGINE SQLSTATE ESCAPE AS');
const DELIMITING = wordSet('TERMINATED ENCLOSED ESCAPED STARTING');
/** Words that end an ORDER BY or GROUP BY, or a LIMIT. */
const BEHIND_ORDER = wordSet(
  'LIMIT HAVING UNION INTO FOR LOCK WINDOW PROCEDURE OFFSET FETCH ROWS RANGE',
);
const ROW_SOURCES = wordSet('SELECT INSERT UPDATE DELETE BEGIN DO CALL VALUES');
const SCOPES = wordSet('GLOBAL SESSION LOCAL PERSIST PERSIST_ONLY');

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
  readonly #place: StatementPlace;
  #hasRows = false;
  /** Depth of the list of ORDER BY or GROUP BY; -1 outside. */
  #orderDepth = -1;
  #isInLimit = false;
  /** How many digits a number may have to be a length in these parentheses; 0 outside. */
  #lengthDigits = 0;
  #lengthDepth = -1;
  /** In SET: whether what is set is a variable of the session's own, `@a`. */
  #isUserVariable = false;
  /** In SET: whether it is said to be a setting, by GLOBAL or `@@`. */
  #isScoped = false;

  constructor(sql: string) {
    this.#sql = sql;
    this.#place = new StatementPlace(sql, false);
  }

  /**
   * Takes note of a token, after it was asked about.
   * @param next the one behind it that is no comment.
   */
  see(token: Token, next: Token | null): void {
    if (token.kind === 'word') this.#word(this.#textOf(token).toUpperCase(), next);
    else if (token.kind === 'symbol') this.#symbol(this.#textOf(token), next);
    else this.#place.pass(token.kind === 'name' ? '`' : "'");
  }

  /** Whether literals are settings of the server; in a body they are rather variables of its own. */
  keepsSettings(): boolean {
    if (this.#place.first !== 'SET' || this.#isUserVariable || this.#hasRows) return false;
    return !this.#place.isBody || this.#isScoped;
  }

  keepsNumber(text: string): boolean {
    const { first, before, depth, isBody } = this.#place;
    if (this.keepsSettings() || ADMINISTRATION.test(first)) return true;
    if (DDL.test(first) && !this.#hasRows && !isBody) return true;
    if (this.#isInLimit) return true;
    switch (before) {
      case 'EVERY':
      case 'INTERVAL':
      case 'IGNORE':
      case 'FIRST':
      case 'NEXT':
        return true;
      case 'BY':
        if (this.#orderDepth >= 0 && text.length <= 3) return true;
        break;
      case ',':
        if (this.#orderDepth === depth && text.length <= 3) return true;
        break;
      default:
    }
    return this.#lengthDigits > 0 && text.length <= this.#lengthDigits;
  }

  keepsString(value: string, next: Token | null): boolean {
    if (this.keepsSettings()) return true;
    const { first, before, beforeThat } = this.#place;
    if (this.#isOfAccounts()) return before !== 'COMMENT' && before !== 'ATTRIBUTE';
    if (before === '@' || (next !== null && this.#textOf(next) === '@')) return true;
    if (before === 'INTERVAL' || NAMING.has(before)) return true;
    switch (before) {
      case '=':
        // A column may have such a name.
        if (NAMING.has(beforeThat) && !this.#hasRows) return true;
        break;
      case 'USING':
        if (first !== 'EXECUTE') return true;
        break;
      case 'SET':
        if (beforeThat === 'CHARACTER') return true;
        break;
      case 'VALUE':
        if (beforeThat === 'SQLSTATE') return true;
        break;
      case 'BY':
        if (DELIMITING.has(beforeThat)) return true;
        break;
      default:
    }
    return PUNCTUATION.test(value) || (FORMAT.test(value) && !this.isPattern());
  }

  /** Whether a string is a JSON object: of an account. */
  isObject(): boolean {
    return this.#isOfAccounts() && this.#place.before === 'ATTRIBUTE';
  }

  /** Whether a string is a pattern, whose `%` stay. */
  isPattern(): boolean {
    return this.#place.before === 'LIKE';
  }

  /** Whether a string is a statement itself. */
  isStatement(): boolean {
    const { first, before } = this.#place;
    if (first === 'PREPARE') return before === 'FROM';
    return first === 'EXECUTE' && before === 'IMMEDIATE';
  }

  #isOfAccounts(): boolean {
    const { first, second } = this.#place;
    if (first === 'GRANT' || first === 'REVOKE') return true;
    return DDL.test(first) && ACCOUNTS.test(second);
  }

  #textOf({ start, end }: Token): string {
    return this.#sql.slice(start, end);
  }

  #word(word: string, next: Token | null): void {
    const place = this.#place;
    if (place.word(word, next, true) !== 'within') this.#begins();
    if (ROW_SOURCES.has(word) && !(place.isBody && word === 'BEGIN')) this.#hasRows = true;
    if (word === 'LIMIT' || word === 'OFFSET') this.#isInLimit = true;
    else if (word !== 'EXAMINED' && word !== 'ROWS') this.#isInLimit = false;
    if (word === 'BY' && (place.before === 'ORDER' || place.before === 'GROUP')) {
      this.#orderDepth = place.depth;
    } else if (BEHIND_ORDER.has(word)) {
      this.#orderDepth = -1;
    }
    // SET GLOBAL a = 1: the scope does not hide that this is where a name begins.
    if (SCOPES.has(word)) this.#isScoped = true;
    else place.pass(word);
  }

  #symbol(symbol: string, next: Token | null): void {
    const place = this.#place;
    const { before, beforeThat } = place;
    if (place.symbol(symbol, next)) {
      this.#begins();
      return;
    }
    switch (symbol) {
      case '(':
        if (TYPES.has(before)) this.#lengthDigits = 5;
        else if (PRECISE.has(before)) this.#lengthDigits = 1;
        else if (/^(?:CHAR|BINARY)$/.test(before) && (beforeThat === 'AS' || place.isBody)) {
          this.#lengthDigits = 5;
        } else {
          this.#lengthDigits = 0;
        }
        this.#lengthDepth = place.depth;
        break;
      case ')':
        if (place.depth + 1 === this.#lengthDepth) this.#lengthDigits = 0;
        if (place.depth < this.#orderDepth) this.#orderDepth = -1;
        this.#isInLimit = false;
        break;
      case '@':
        if (place.first === 'SET' && (before === 'SET' || before === ',')) {
          const isSetting = next !== null && this.#textOf(next) === '@';
          this.#isUserVariable = !isSetting;
          this.#isScoped = isSetting;
        }
        break;
      case '=':
        // A column that is named so.
        this.#isInLimit = false;
        break;
      case ',':
        if (place.depth === 0) this.#isUserVariable = this.#isScoped = false;
        break;
      default:
    }
    place.pass(symbol);
  }

  /** Another statement begins. */
  #begins(): void {
    this.#hasRows = false;
    this.#orderDepth = -1;
    this.#isInLimit = false;
    this.#lengthDigits = 0;
    this.#isUserVariable = false;
    this.#isScoped = false;
  }
}
