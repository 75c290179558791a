import { canEndOperand } from './digest-writer.ts';
import { knownWord } from './keyword-positions.ts';
import { Lexer } from './lexer.ts';

/**
 * A coarse form of a digest text, ours or a server's (`DIGEST_TEXT` of `performance_schema`), to join
 * the two: the same for both whenever the server counts a statement of ours under its text. Several
 * digests may have one form: case, quotes, lists, brackets around values, hints and synonyms count for
 * nothing in it. Of a text that the server cut it is the form of its beginning, and so is ours of one
 * that is too long for the server.
 */
export function serverDigestKey(text: string): string {
  const cut = CUT.exec(text);
  const { tokens, cost } = readTokens(cut === null ? text : text.slice(0, cut.index));
  const key: string[] = [];
  withoutEqualRows(tokens, key);
  if (cut !== null || cost > SERVER_LENGTH) shorten(key);
  return key.join(' ');
}

/** What a text that was cut ends with: the server's, not the end of a list (`?, ...`), and our own. */
const CUT = /(?<!\?, ?) ?\.\.\.(?:x[0-9a-f]{16})?$/;
/** `max_digest_length` of all servers, unless somebody changed it: bytes of tokens. */
const SERVER_LENGTH = 1024;
/** Of a text that was cut, as much is compared as is there for sure. */
const COMPARED_LENGTH = 896;

const VALUE = '?';

/** Words that the servers' grammars have one token for, by what they are called here. */
const SYNONYMS = new Map(
  [
    'SCHEMA DATABASE',
    'SCHEMAS DATABASES',
    'INT8 BIGINT',
    'CHARACTER CHAR',
    'CURDATE CURRENT_DATE',
    'CURTIME CURRENT_TIME',
    'NOW CURRENT_TIMESTAMP LOCALTIME LOCALTIMESTAMP',
    'DECIMAL DEC NUMERIC',
    'EXPLAIN DESCRIBE DESC',
    'DISTINCTROW DISTINCT',
    'FLOAT8 DOUBLE',
    'FLOAT4 FLOAT',
    'INTEGER INT INT4',
    'TINYINT INT1',
    'SMALLINT INT2',
    'MIDDLEINT MEDIUMINT INT3',
    'RLIKE REGEXP',
    'VARCHARACTER VARCHAR',
    'SOME ANY',
    'FIELDS COLUMNS',
    'INDEX KEY',
    'INDEXES KEYS',
    'GEOMETRYCOLLECTION GEOMCOLLECTION',
    'RELAY_THREAD IO_THREAD',
    'NDBCLUSTER NDB',
    'SYSTEM_USER USER SESSION_USER',
    'SUBSTRING SUBSTR MID',
    'VAR_POP VARIANCE',
    'STDDEV_POP STD STDDEV',
    'ADDDATE DATE_ADD',
    'SUBDATE DATE_SUB',
    'REPLICA SLAVE',
    'REPLICAS SLAVES',
    'CHARSET CHARACTER_SET',
    'MICROSECOND SQL_TSI_MICROSECOND SQL_TSI_FRAC_SECOND',
    ...['SECOND', 'MINUTE', 'HOUR', 'DAY', 'WEEK', 'MONTH', 'QUARTER', 'YEAR'].map(
      (unit) => `${unit} SQL_TSI_${unit}`,
    ),
  ].flatMap((group) => {
    const [name = '', ...others] = group.split(' ');
    return others.map((other) => [other, name] as const);
  }),
);

/** How MySQL tells an execute of the binary protocol, whose statement has a name nowhere. */
const EXECUTED = /^EXECUTE (?=([A-Z_]+|\())/;

/** The tokens of a text as the key has them, and how many bytes a server needs for them at least. */
function readTokens(text: string): { tokens: string[]; cost: number } {
  const first = EXECUTED.exec(text)?.[1];
  const isExecuted = first === '(' || (first !== undefined && knownWord(first) !== null);
  const lexer = new Lexer(text, {}, isExecuted ? 'EXECUTE '.length : 0);
  const tokens: string[] = [];
  let cost = 0;
  while (lexer.next()) {
    const { kind, start, end } = lexer;
    if (kind === 'space' || kind === 'comment') continue;
    const before = tokens.at(-1);
    cost += 2;
    if (kind === 'word' || kind === 'name') {
      if (kind === 'name' || /[a-z]/.test(text.slice(start, end))) cost += 2 + end - start;
      // The server leaves out what a variable is called.
      if (before === '@') continue;
      addWord(
        tokens,
        kind === 'word' ? lexer.text : text.slice(start + 1, lexer.isClosed ? end - 1 : end),
      );
    } else if (kind !== 'symbol') {
      if (before !== '@') addValue(tokens);
    } else addSymbol(tokens, text.slice(start, end));
  }
  return { tokens, cost };
}

function addWord(tokens: string[], text: string): void {
  const word = text.toUpperCase();
  const before = tokens.at(-1);
  const isConstant = word === 'TRUE' || word === 'FALSE' || word === 'NULL';
  if (isConstant && before !== 'IS' && before !== 'NOT' && before !== '.') addValue(tokens);
  else tokens.push(SYNONYMS.get(word) ?? word);
}

function addValue(tokens: string[]): void {
  const before = tokens.at(-1);
  if (before === 'DATE' || before === 'TIME' || before === 'TIMESTAMP') tokens.pop();
  tokens.push(VALUE);
}

/** Operators of several characters come one by one, which is the same for both texts. */
function addSymbol(tokens: string[], symbol: string): void {
  const last = tokens.length - 1;
  // Of our lists, `(?+)`.
  if (symbol === ')' && tokens[last] === '+' && tokens[last - 1] === VALUE) {
    tokens[last] = symbol;
  } else if (symbol === ')' && tokens[last - 1] === '(') {
    // Of literals: `(_charset) ?`, and MariaDB has no other word for some.
    if (tokens[last] === '_CHARSET') tokens.length -= 2;
    else if (tokens[last] === '(UNKNOWN)' || tokens[last] === 'UNKNOWN') {
      tokens.length -= 2;
      addValue(tokens);
    } else tokens.push(symbol);
  } else if (symbol === '.' && tokens[last] === '.' && tokens[last - 1] === '.') {
    tokens.length -= 2;
    addValue(tokens);
  } else if (symbol === '>' && tokens[last] === '<') tokens.splice(last, 1, '!', '=');
  else tokens.push(symbol);
}

/** A list of values, whatever is in it. It is one in the key, so that its length counts for nothing. */
const LIST = '(?)';

/**
 * Adds tokens to a key: signs before values and brackets around them are left out, lists beside one
 * another are one, and of values beside one another two are left.
 */
function addToKey(key: string[], tokens: readonly string[]): void {
  for (const token of tokens) {
    if (token === VALUE) addOperand(key, VALUE);
    else if (token === ')' && endsList(key)) addOperand(key, LIST);
    else key.push(token);
  }
}

function addOperand(key: string[], operand: typeof VALUE | typeof LIST): void {
  while (isSign(key.at(-1)) && !endsOperand(key, key.length - 2)) key.pop();
  const last = key.at(-1);
  if (isValue(last)) {
    // Adjacent strings.
    if (operand === VALUE) return;
  } else if (last === ',') {
    const before = key.at(-2);
    const isOneMore =
      operand === LIST
        ? before === LIST
        : before === VALUE && key.at(-3) === ',' && key.at(-4) === VALUE;
    if (isOneMore) {
      key.pop();
      return;
    }
  }
  key.push(operand);
}

/** Takes the open bracket and what is in it from the end of a key, if that is values and nothing else. */
function endsList(key: string[]): boolean {
  let at = key.length - 1;
  if (!isValue(key[at])) return false;
  while (isValue(key[at]) || key[at] === ',') at--;
  if (key[at] !== '(') return false;
  key.length = at;
  return true;
}

/** Takes from the end of a key what may be the beginning of a list. */
function withoutOpenList(key: string[]): void {
  for (let last = key.at(-1); last === '(' || last === ',' || isValue(last); last = key.at(-1)) {
    key.pop();
  }
}

const isSign = (token: string | undefined): boolean => token === '+' || token === '-';
const isValue = (token: string | undefined): boolean => token === VALUE || token === LIST;

function endsOperand(key: readonly string[], at: number): boolean {
  const token = key[at];
  if (token === undefined) return false;
  return (
    isValue(token) || token === ')' || token === '@' || (/^\w/.test(token) && canEndOperand(token))
  );
}

/** Adds tokens to a key, without the rows behind `VALUES` that equal the one before. */
function withoutEqualRows(tokens: readonly string[], key: string[]): void {
  let at = 0;
  while (at < tokens.length) {
    const values = nextRows(tokens, at);
    addToKey(key, tokens.slice(at, values));
    at = values;
    let last = '';
    while (isRow(tokens, at) || (tokens[at] === ',' && isRow(tokens, at + 1))) {
      const end = endOfRow(tokens, tokens[at] === ',' ? at + 1 : at);
      const row: string[] = [];
      addToKey(row, tokens.slice(tokens[at] === ',' ? at + 1 : at, end));
      if (end === tokens.length && tokens.at(-1) !== ')') withoutOpenList(row);
      const form = row.join(' ');
      // The last row of a text that was cut is the beginning of one.
      const isEqual = form === last || (end === tokens.length && last.startsWith(form));
      if (!isEqual) addToKey(key, tokens.slice(at, end));
      last = form;
      at = end;
    }
  }
}

/** Behind the next `VALUES`, or the end. */
function nextRows(tokens: readonly string[], from: number): number {
  for (let i = from; i < tokens.length; i++) {
    if (tokens[i] === 'VALUES' || tokens[i] === 'VALUE') return i + 1;
  }
  return tokens.length;
}

function isRow(tokens: readonly string[], at: number): boolean {
  return tokens[at] === '(' || (tokens[at] === 'ROW' && tokens[at + 1] === '(');
}

/** Behind the bracket that closes the row which begins here, or the end. */
function endOfRow(tokens: readonly string[], start: number): number {
  let depth = 0;
  for (let i = start; i < tokens.length; i++) {
    if (tokens[i] === '(') depth++;
    else if (tokens[i] === ')' && --depth === 0) return i + 1;
  }
  return tokens.length;
}

/** Cuts a key to what the server has of it for sure. */
function shorten(key: string[]): void {
  let cost = 0;
  for (let i = 0; i < key.length; i++) {
    cost += 4 + (key[i]?.length ?? 0);
    if (cost <= COMPARED_LENGTH) continue;
    key.length = i;
    return;
  }
}
