import { eachDigestToken, type DigestTokenKind } from './digest-tokens.ts';
import { DigestOutput, endOfCutDigest, type Mark } from './digest-output.ts';
import {
  isKeyword,
  knownWord,
  NAME,
  VALUE,
  type KnownWord,
  type Place,
} from './keyword-positions.ts';
import { wordSet } from './words.ts';

/** A list of literals, of rows of them, or of one. */
const LIST = '(?+)';

/** A bracket that is open; the outermost stands for the statement. */
interface Bracket {
  /** What was written before it, and with what. */
  readonly mark: Mark;
  readonly before: string;
  readonly beforeThat: string;
  readonly space: string;
  /** Whether there is nothing but values in it, and lists of such. */
  isList: boolean;
  isEmpty: boolean;
}

/** The rows behind `VALUES`: one that equals the one before it is not written. */
interface Rows {
  readonly depth: number;
  isInRow: boolean;
  last: string;
  end: Mark | null;
}

/** Lists in deeper brackets are not put together: the memory has to end somewhere. */
const DEEPEST = 256;
/** More signs than that are none of a value. */
const MOST_SIGNS = 8;

const DATA = wordSet('SELECT INSERT UPDATE DELETE REPLACE WITH VALUES TABLE CALL DO');
const TURNS_TO_DATA = wordSet('SELECT INSERT UPDATE DELETE REPLACE');
const STAYS = wordSet('GRANT REVOKE SHOW');
const BEFORE_EVENT = wordSet('ON BEFORE AFTER OR FOR');
const ENDS_INTERVAL = wordSet('SELECT FROM WHERE AND OR AS ON');
const SCOPES = wordSet('GLOBAL SESSION LOCAL PERSIST PERSIST_ONLY');
const CONSTANTS = wordSet('NULL TRUE FALSE');
/** In a definition, `NULL` is a value behind these and symbols alone. */
const BEFORE_DEFINED_NULL = wordSet('DEFAULT SELECT WHEN THEN ELSE RETURN AND OR LIKE');
/** A bracket is written close to these, as to the name of a function. */
const CLOSE = wordSet(
  'IF LEFT RIGHT MOD REPEAT CHAR CONVERT DATABASE SCHEMA CURRENT_TIMESTAMP CURRENT_DATE CURRENT_TIME CURRENT_USER UTC_DATE UTC_TIME UTC_TIMESTAMP LOCALTIME LOCALTIMESTAMP INT TINYINT SMALLINT MEDIUMINT BIGINT INTEGER DECIMAL NUMERIC FLOAT DOUBLE CHARACTER VARCHAR BINARY VARBINARY BLOB',
);
/** Not to these, which are no reserved words. */
const APART = wordSet('VALUE AGAINST OVER ANY SOME OF LATERAL COLUMNS EXCEPT INTERSECT');
const BEFORE_NAME_WITH_LIST = wordSet(
  'INTO TABLE EXISTS REFERENCES KEY INDEX VIEW IGNORE INSERT REPLACE WITH RECURSIVE AS CONSTRAINT ON',
);
/** Words that are not reserved and have an expression behind them. */
const BEFORE_OPERAND = wordSet(
  'DO SQL_NO_CACHE SQL_CACHE SQL_BUFFER_RESULT RETURNING OFFSET ESCAPE MINVALUE VALUE ROW',
);
/** Reserved words that can be the end of an expression: a sign behind one is an operator. */
const OPERANDS = wordSet(
  'NULL TRUE FALSE CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER LOCALTIME LOCALTIMESTAMP UTC_DATE UTC_TIME UTC_TIMESTAMP MAXVALUE DAY_HOUR DAY_MICROSECOND DAY_MINUTE DAY_SECOND HOUR_MICROSECOND HOUR_MINUTE HOUR_SECOND MINUTE_MICROSECOND MINUTE_SECOND SECOND_MICROSECOND YEAR_MONTH',
);

/** Whether a sign behind this word is an operator, as far as a word alone can say: in doubt it is not. */
export function canEndOperand(word: string): boolean {
  const isReserved = knownWord(word)?.isReserved ?? false;
  return isReserved ? OPERANDS.has(word) : !BEFORE_OPERAND.has(word);
}

/** The digest text of a statement. Linear in its length; see docs/digests.md for its rules. */
export function writeDigest(sql: string): string {
  const end = endOfCutDigest(sql);
  const text = new DigestWriter(false).write(end === sql.length ? sql : sql.slice(0, end));
  return text + sql.slice(end);
}

class DigestWriter implements Place {
  readonly #isHint: boolean;
  readonly #out = new DigestOutput();
  /** The token that is written when the next is known; no object each, there are many. */
  #pendingKind: DigestTokenKind | null = null;
  #pendingText = '';
  #pendingWord: KnownWord | null = null;
  #brackets: Bracket[] = [];
  /** Brackets that are open beyond `DEEPEST`. */
  #deeper = 0;
  #rows: Rows | null = null;
  /** Signs that belong to the value behind them, if there is one. */
  #signs: string[] = [];
  #isClose = true;
  /** What is before the name that was written, which can have dots in it. */
  #beforeName = '';
  #isOver = false;
  #caseDepth = 0;
  #intervalDepth = -1;

  before = '';
  beforeThat = '';
  next = '';
  isBehindOperand = false;
  isStatement: 'data' | 'other' = 'data';
  definesObject = false;

  constructor(isHint: boolean) {
    this.#isHint = isHint;
  }

  get isInCast(): boolean {
    const word = this.#brackets.at(-1)?.before;
    return word === 'CAST' || word === 'CONVERT';
  }

  get isInInterval(): boolean {
    return this.#intervalDepth === this.#brackets.length;
  }

  get isInCase(): boolean {
    return this.#caseDepth > 0;
  }

  write(sql: string): string {
    eachDigestToken(sql, (kind, text, word) => {
      if (kind === 'hint') {
        if (this.#isHint) return;
        this.#flush('');
        this.#hint(text);
        return;
      }
      this.#flush(asNext(kind, text, word));
      this.#pendingKind = kind;
      this.#pendingText = text;
      this.#pendingWord = word;
    });
    this.#flush('');
    this.#writeSigns();
    return this.#out.text();
  }

  #flush(next: string): void {
    const kind = this.#pendingKind;
    if (kind === null) return;
    const text = this.#pendingText;
    this.#pendingKind = null;
    this.next = next === ';' ? '' : next;
    if (kind === 'value') this.#value();
    else if (kind === 'symbol') this.#symbol(text);
    else if (kind === 'name') this.#quotedName(text);
    else this.#word(text, this.#pendingWord);
  }

  #hint(text: string): void {
    const hint = new DigestWriter(true).write(text);
    if (hint !== '') this.#out.write(' /*+ ', `${hint} */`);
  }

  /** Writes a token that is no value. */
  #token(text: string, is: string, isOperand: boolean, space = ' '): void {
    this.#writeSigns();
    const bracket = this.#brackets.at(-1);
    if (bracket !== undefined) bracket.isList = bracket.isEmpty = false;
    this.#put(text, is, isOperand, space);
  }

  #put(text: string, is: string, isOperand: boolean, space = ' '): void {
    this.#writeSemicolon();
    this.#out.write(this.#isClose ? '' : space, text);
    this.#isClose = false;
    this.beforeThat = this.before;
    this.before = is;
    this.isBehindOperand = isOperand;
  }

  /** None is written behind the last statement. */
  #writeSemicolon(): void {
    if (this.#isOver) this.#out.write('', ';');
    this.#isOver = false;
  }

  #writeSigns(): void {
    if (this.#signs.length === 0) return;
    const signs = this.#signs;
    this.#signs = [];
    for (const sign of signs) {
      const isTwice = this.before === sign && this.#isClose;
      if (isTwice) this.#isClose = false;
      this.#token(sign, sign, false);
      this.#isClose = true;
    }
  }

  #value(): void {
    this.#signs.length = 0;
    const bracket = this.#brackets.at(-1);
    if (bracket !== undefined) bracket.isEmpty = false;
    this.#endRows();
    this.#put(VALUE, VALUE, true);
  }

  #word(text: string, known: KnownWord | null): void {
    if (this.#isHint) {
      this.#name(this.next === '(' ? text.toUpperCase() : text);
      return;
    }
    if (this.before === '.' || this.before.startsWith('@')) {
      const upper = this.before === '@@' && this.next === '.' ? text.toUpperCase() : '';
      this.#name(SCOPES.has(upper) ? upper : text);
      return;
    }
    if (known === null) this.#name(text);
    else if (known.isReserved) this.#reserved(known.text);
    else if (this.next !== '.' && this.#isKeyword(known.text)) this.#keyword(known.text);
    else this.#name(text);
  }

  #isKeyword(word: string): boolean {
    return this.#signs.length === 0 ? isKeyword(word, this) : this.next === '(';
  }

  #quotedName(text: string): void {
    const isBehindDot = this.before === '.' || this.before.startsWith('@');
    if (this.#isHint || !WITHOUT_QUOTES.test(text)) {
      this.#name(text, this.next === '(' || !WITHOUT_QUOTES.test(text));
      return;
    }
    const known = isBehindDot ? null : knownWord(text);
    const needsQuotes =
      known !== null && (known.isReserved || (this.next !== '.' && this.#isKeyword(known.text)));
    this.#name(text, needsQuotes);
  }

  #name(text: string, isQuoted = false): void {
    const isBehindDot = this.before === '.';
    const needsQuotes = isQuoted || (isBehindDot && isDigit(text.charCodeAt(0)));
    if (!isBehindDot) this.#beforeName = this.before;
    this.#beginStatement('');
    this.#endRows();
    this.#token(needsQuotes ? `\`${text}\`` : text, NAME, true);
  }

  #reserved(word: string): void {
    if (CONSTANTS.has(word) && this.#isConstantValue(word)) {
      this.#value();
      return;
    }
    this.#beginStatement(word);
    if (word !== 'VALUES') this.#endRows();
    if (word === 'CASE') this.#caseDepth++;
    else if (word === 'INTERVAL') this.#intervalDepth = this.#brackets.length;
    else if (this.isInInterval && ENDS_INTERVAL.has(word)) this.#intervalDepth = -1;
    this.#token(word, word, OPERANDS.has(word));
    if (word === 'VALUES') this.#beginRows();
  }

  #keyword(word: string): void {
    const isRow = word === 'ROW' && this.#beginsRow();
    this.#beginStatement(word);
    if (!isRow) this.#endRows();
    if (word === 'END') this.#caseDepth = Math.max(0, this.#caseDepth - 1);
    if (this.isInInterval && this.isBehindOperand) this.#intervalDepth = -1;
    this.#token(word, word, !BEFORE_OPERAND.has(word));
    if (word === 'VALUE') this.#beginRows();
  }

  /** Whether `NULL`, `TRUE` or `FALSE` is a value here: not in `IS NULL`, `NOT NULL`, `SET NULL`. */
  #isConstantValue(word: string): boolean {
    const { before } = this;
    if (this.isBehindOperand || before === 'IS') return false;
    if (before === 'NOT') return word !== 'NULL' && this.beforeThat !== 'IS';
    if (word !== 'NULL' || !this.definesObject) return true;
    return !isWord(before) || BEFORE_DEFINED_NULL.has(before);
  }

  #beginStatement(word: string): void {
    if (this.before === '') {
      this.isStatement = DATA.has(word) ? 'data' : 'other';
      this.definesObject = word === 'CREATE' || word === 'ALTER';
      this.#canTurn = !STAYS.has(word);
    } else if (
      word !== '' &&
      this.#canTurn &&
      TURNS_TO_DATA.has(word) &&
      !BEFORE_EVENT.has(this.before)
    ) {
      this.isStatement = 'data';
      this.definesObject = false;
    }
  }
  #canTurn = true;

  #symbol(text: string): void {
    switch (text) {
      case ',':
        this.#writeSigns();
        if (this.isInInterval) this.#intervalDepth = -1;
        this.#put(text, text, false, '');
        return;
      case '.':
        this.#token(text, text, false, '');
        this.#isClose = true;
        return;
      case '@':
      case '@@': {
        this.#writeSigns();
        this.#partOperators();
        const isHost = this.before === NAME || this.before === VALUE;
        this.#token(text, text, false, isHost ? '' : ' ');
        this.#isClose = true;
        return;
      }
      case ';':
        this.#endStatement();
        return;
      case '(':
        this.#open();
        return;
      case ')':
        this.#close();
        return;
      case '+':
      case '-':
        this.#sign(text);
        return;
      case '!':
      case '~':
        this.#endRows();
        this.#writeSigns();
        this.#partOperators();
        this.#token(text, text, false);
        this.#isClose = true;
        return;
      default:
        this.#endRows();
        this.#writeSigns();
        this.#partOperators();
        this.#token(text, text, text === '}');
    }
  }

  /** Written close to one another they would be another operator. */
  #partOperators(): void {
    const { before } = this;
    if (before !== '' && before !== '(' && before !== '.') this.#isClose = false;
  }

  #sign(text: string): void {
    if (!this.isBehindOperand && this.#signs.length < MOST_SIGNS) {
      this.#signs.push(text);
      return;
    }
    // `(?+)` of a digest.
    if (text === '+' && this.next === ')' && this.#brackets.at(-1)?.isList === true) return;
    this.#endRows();
    this.#token(text, text, false);
  }

  #endStatement(): void {
    this.#writeSigns();
    this.#rows = null;
    this.#brackets.length = 0;
    this.#deeper = 0;
    this.#intervalDepth = -1;
    this.before = '';
    this.beforeThat = '';
    this.isBehindOperand = false;
    if (!this.#out.isEmpty) this.#isOver = true;
  }

  #open(): void {
    this.#writeSigns();
    if (this.before === '') this.#beginStatement('SELECT');
    if (this.before !== 'ROW' && !this.#beginsRow()) this.#endRows();
    const space = this.#isClose || this.#isCloseToBracket() ? '' : ' ';
    if (this.#brackets.length === DEEPEST) {
      this.#deeper++;
      this.#token('(', '(', false, space);
    } else {
      const { before, beforeThat } = this;
      this.#writeSemicolon();
      const mark = this.#out.mark();
      this.#brackets.push({ mark, before, beforeThat, space, isList: true, isEmpty: true });
      this.#put('(', '(', false, space);
    }
    this.#isClose = true;
  }

  #isCloseToBracket(): boolean {
    const { before } = this;
    if (before === NAME) return !BEFORE_NAME_WITH_LIST.has(this.#beforeName);
    return CLOSE.has(before) || (this.isBehindOperand && isWord(before) && !APART.has(before));
  }

  #close(): void {
    this.#writeSigns();
    if (this.#deeper > 0) {
      this.#deeper--;
      this.#isClose = false;
      this.#token(')', ')', true, '');
      return;
    }
    const bracket = this.#brackets.pop();
    if (this.#intervalDepth > this.#brackets.length) this.#intervalDepth = -1;
    if (bracket !== undefined && bracket.isList && !bracket.isEmpty) {
      this.#out.restore(bracket.mark);
      this.before = bracket.before;
      this.beforeThat = bracket.beforeThat;
      const outer = this.#brackets.at(-1);
      if (outer !== undefined) outer.isEmpty = false;
      this.#put(LIST, ')', true, bracket.space);
    } else {
      this.#isClose = false;
      this.#token(')', ')', true, '');
    }
    this.#endRow();
  }

  #beginRows(): void {
    if (this.#rows !== null) return;
    this.#rows = { depth: this.#brackets.length, isInRow: false, last: '', end: null };
  }

  /** Whether a row begins with what comes; then it does. */
  #beginsRow(): boolean {
    const rows = this.#rows;
    if (rows?.depth !== this.#brackets.length || this.#deeper > 0 || rows.isInRow) return false;
    if (this.before !== 'VALUES' && this.before !== 'VALUE' && this.before !== ',') return false;
    rows.isInRow = true;
    this.#out.beginItem();
    return true;
  }

  #endRow(): void {
    const rows = this.#rows;
    if (rows === null || !rows.isInRow || rows.depth < this.#brackets.length) return;
    if (this.#deeper > 0) return;
    rows.isInRow = false;
    const row = this.#out.endItem();
    if (rows.end !== null && row === rows.last) this.#out.restore(rows.end);
    rows.last = row;
    rows.end = this.#out.mark();
  }

  /** Anything but a row ends the rows, where it stands beside them. */
  #endRows(): void {
    const rows = this.#rows;
    if (rows === null || rows.isInRow || rows.depth < this.#brackets.length) return;
    this.#rows = null;
  }
}

/** Names that can stand without quotes; the others have something in them that needs some. */
const WITHOUT_QUOTES = /^(?!\d+(?:e\d+)?$|0x[\da-f]+$|0b[01]+$)[\w$\u0080-\u009f\u00a1-\uffff]+$/i;

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

function isWord(token: string): boolean {
  const code = token.charCodeAt(0);
  return (code >= 0x41 && code <= 0x5a) || token === NAME;
}

/** What a token is to the one before it. */
function asNext(kind: DigestTokenKind, text: string, word: KnownWord | null): string {
  if (kind === 'name') return NAME;
  if (kind !== 'word') return text;
  return word?.text ?? NAME;
}
