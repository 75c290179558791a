import { knownWordAt } from './keyword-positions.ts';
import { Lexer, type Reading, type TokenKind } from './lexer.ts';
import { unescaped } from './string-literals.ts';
import { SYSTEM_SCHEMAS } from './system-schemas.ts';
import { wordSet } from './words.ts';

/** What tokens of a statement say wherever they stand in it. */
export interface Findings {
  /** It reads or writes files of the server. */
  usesFiles: boolean;
  /** It asks for the lock of our own recorder. */
  takesOurLock: boolean;
  /** A function that changes the server, or runs something elsewhere. */
  changesServer: boolean;
  /** It takes numbers of a sequence, which is a write. */
  takesNumbers: boolean;
  readsClock: boolean;
  /** The server's own tables that it names, and those of our recorder: `mysql.user`, in small letters. */
  readonly systemTables: Set<string>;
}

const CLOCK_CALLS = wordSet('NOW CURDATE CURTIME UNIX_TIMESTAMP');
const CLOCKS = wordSet(
  'CURRENT_TIMESTAMP CURRENT_DATE CURRENT_TIME LOCALTIME LOCALTIMESTAMP UTC_DATE UTC_TIME UTC_TIMESTAMP',
);
const SEQUENCE_CALLS = wordSet('NEXTVAL SETVAL');
/** Functions of plugins that are kept by many, see the manuals of MySQL Enterprise, Group Replication and Spider. */
const SERVER_CALLS =
  /^(?:SYS_EXEC|SYS_EVAL|SYS_SET|SPIDER_\w+|KEYRING_KEY_(?:STORE|REMOVE|GENERATE)|GROUP_REPLICATION_\w+|ASYNCHRONOUS_CONNECTION_FAILOVER_\w+|AUDIT_(?:LOG|API)_\w+|VERSION_TOKENS_\w+|(?:SET|READ)_FIREWALL_\w+|MYSQL_FIREWALL_\w+|GEN_DICTIONARY_LOAD|MASKING_DICTIONARY\w*|MYSQLX_\w+|CREATE_DIGEST_\w+)$/;
const OUR_LOCK = /captures/i;
/** Behind these a string is a name, where double quotes hold names. */
const BEFORE_NAME = wordSet(
  '. INTO OUTFILE UPDATE FROM JOIN TABLE INSERT REPLACE IGNORE LOW_PRIORITY HIGH_PRIORITY DELAYED QUICK ONLY',
);

/**
 * The tokens of a text one by one, without white space and comments, with what the next one is. Notes on the
 * way what they say wherever they stand. Linear in the text.
 */
export class NatureCursor {
  readonly sql: string;
  readonly #lexer: Lexer;
  readonly #reading: Partial<Reading>;
  #kind = '';
  #nextKind = '';
  #nextStart = 0;
  #nextEnd = 0;
  #nextQuote = -1;
  #quote = -1;
  #isNextClosed = true;
  #isClosed = true;
  #system = '';
  /** Of the brackets of a GET_LOCK; 0 outside. */
  #lockDepth = 0;

  /**
   * A word in capitals; `` ` `` for a name in quotes, behind a dot or `@`, or before a dot; `'` for a string,
   * `0` for a number, `x` for `0x1F` and `b'1'`, `?`; a symbol. Empty behind the last.
   */
  word = '';
  next = '';
  before = '';
  beforeThat = '';
  start = 0;
  end = 0;
  /** Brackets that are open. */
  depth = 0;
  /** Whether what the text does hangs on what stands in its literals, or in numbers. */
  hasTellingLiterals = false;
  found: Findings = nothingFound();

  constructor(sql: string, reading: Partial<Reading>) {
    this.sql = sql;
    this.#reading = reading;
    this.#lexer = new Lexer(sql, reading);
    this.#readNext();
    this.advance();
  }

  get isEnd(): boolean {
    return this.word === '';
  }

  get isStatementEnd(): boolean {
    return this.word === '' || this.word === ';';
  }

  advance(): void {
    this.beforeThat = this.before;
    this.before = this.word;
    this.#kind = this.#nextKind;
    this.start = this.#nextStart;
    this.end = this.#nextEnd;
    this.#quote = this.#nextQuote;
    this.#isClosed = this.#isNextClosed;
    this.word = this.next;
    if (this.word === '') return;
    if (this.word === ';' && this.depth > 0) {
      // No server parses that, nor looks at anything behind it.
      this.word = this.next = '';
      return;
    }
    this.#readNext();
    if (this.#kind === 'word' && this.#isName()) this.word = '`';
    if (this.word === '(') this.depth++;
    else if (this.word === ')') {
      this.depth--;
      if (this.depth < this.#lockDepth) this.#lockDepth = 0;
    }
    this.#look();
  }

  /** Passes over a word where it is the next one. */
  pass(...words: readonly string[]): boolean {
    const isThere = words.includes(this.word) && this.word !== '';
    if (isThere) this.advance();
    return isThere;
  }

  passAll(words: ReadonlySet<string>): void {
    while (words.has(this.word)) this.advance();
  }

  /** What the token is where it can be a name, without its quotes; empty for none. */
  get name(): string {
    const text = this.sql.slice(this.start, this.end);
    if (this.#kind === 'word') return text;
    if (this.#kind !== 'name') return '';
    const mark = text.charAt(0);
    return text.slice(1, this.#isClosed ? -1 : undefined).replaceAll(mark + mark, mark);
  }

  /** The value of a string, or of `0x1F` in the characters of its bytes; null for anything else. */
  get string(): string | null {
    if (this.#kind === 'string') {
      const mark = this.sql.charAt(this.#quote);
      const text = this.sql.slice(this.#quote + 1, this.#isClosed ? this.end - 1 : this.end);
      return unescaped(text, mark, this.#reading.escapes ?? 'always');
    }
    // What a server takes for a name there it refuses.
    if (this.#kind === 'name' && this.sql.charAt(this.start) === '"') return this.name;
    if (this.#kind !== 'hex') return null;
    const digits = this.sql.slice(this.start + 2, this.end).replace(/'$/, '');
    return Buffer.from(digits, 'hex').toString('latin1');
  }

  /** Begins to note anew. @returns what was found up to here, this token included. */
  take(): Findings {
    const found = this.found;
    this.found = nothingFound();
    this.#look();
    return found;
  }

  #isName(): boolean {
    if (this.before === '.' || this.before === '@') return true;
    if (this.next !== '.') return false;
    return knownWordAt(this.sql, this.start, this.end)?.isReserved !== true;
  }

  #readNext(): void {
    const lexer = this.#lexer;
    this.next = '';
    while (lexer.next()) {
      const { kind } = lexer;
      if (kind === 'space' || kind === 'comment') continue;
      this.#nextKind = kind;
      this.#nextStart = lexer.start;
      this.#nextEnd = lexer.end;
      this.#nextQuote = lexer.quote;
      this.#isNextClosed = lexer.isClosed;
      this.next = wordOf(lexer);
      return;
    }
    this.#nextStart = this.#nextEnd = this.sql.length;
  }

  #look(): void {
    const { found, next } = this;
    if (this.#kind === 'string' || this.#kind === 'hex') {
      if (this.#lockDepth > 0 && OUR_LOCK.test(this.string ?? '')) found.takesOurLock = true;
      if (next === '.' || next === '(' || BEFORE_NAME.has(this.before))
        this.hasTellingLiterals = true;
      return;
    }
    if (this.#kind !== 'word' && this.#kind !== 'name') return;
    const isWord = this.#kind === 'word' && this.word !== '`';
    const word = isWord ? this.word : this.name.toUpperCase();
    if (next === '.' && this.before !== '@' && this.before !== '.') {
      const schema = word.toLowerCase();
      this.#system = SYSTEM_SCHEMAS.has(schema) ? schema : '';
    } else if (this.before === '.' && this.#system !== '') {
      found.systemTables.add(`${this.#system}.${word.toLowerCase()}`);
      this.#system = '';
    }
    if (next === '(') this.#call(word);
    if (this.before === 'INTO' && (word === 'OUTFILE' || word === 'DUMPFILE')) {
      found.usesFiles = true;
    }
    if (isWord) {
      if (CLOCKS.has(word)) found.readsClock = true;
      else if (word === 'NEXT' && next === 'VALUE') found.takesNumbers = true;
    } else if (this.before === '.' && (word === 'NEXTVAL' || word === 'SETVAL')) {
      found.takesNumbers = true;
    } else if (this.before === '@' && this.beforeThat === '@' && word === 'TIMESTAMP') {
      found.readsClock = true;
    }
  }

  #call(name: string): void {
    const { found } = this;
    if (CLOCK_CALLS.has(name) || CLOCKS.has(name)) found.readsClock = true;
    else if (SEQUENCE_CALLS.has(name)) found.takesNumbers = true;
    else if (name === 'LOAD_FILE') found.usesFiles = true;
    else if (name === 'GET_LOCK') {
      this.#lockDepth = this.depth + 1;
      this.hasTellingLiterals = true;
    } else if (SERVER_CALLS.test(name)) found.changesServer = true;
  }
}

function nothingFound(): Findings {
  return {
    usesFiles: false,
    takesOurLock: false,
    changesServer: false,
    takesNumbers: false,
    readsClock: false,
    systemTables: new Set(),
  };
}

const WORDS: Readonly<Partial<Record<TokenKind, string>>> = {
  name: '`',
  string: "'",
  number: '0',
  hex: 'x',
  bit: 'x',
};

function wordOf({ kind, text }: Lexer): string {
  return kind === 'word' ? text.toUpperCase() : (WORDS[kind] ?? text);
}
