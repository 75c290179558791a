/**
 * What a character begins, by its code, outside of literals. Behind ASCII: a word, but for the no-break
 * space.
 */
const ODD = 0;
const SPACE = 1;
const WORD = 2;
const DIGIT = 3;
const STRING = 4;
const NAME = 5;
const OPEN = 6;
const CLOSE = 7;
const COMMA = 8;
const SIGN = 9;
const SLASH = 10;
const HASH = 11;
const PLACEHOLDER = 12;
const DOT = 13;
const SYMBOL = 14;

const CLASSES = new Uint8Array(128);
function setClass(characters: string, kind: number): void {
  for (const character of characters) CLASSES[character.charCodeAt(0)] = kind;
}
setClass(' \t\n\r\f\v', SPACE);
setClass('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_$', WORD);
setClass('0123456789', DIGIT);
setClass('\'"', STRING);
setClass('`', NAME);
setClass('(', OPEN);
setClass(')', CLOSE);
setClass(',', COMMA);
setClass('+-', SIGN);
setClass('/', SLASH);
setClass('#', HASH);
setClass('?', PLACEHOLDER);
setClass('.', DOT);
setClass('=<>!|&*%^~@:;{}[]', SYMBOL);

// What the last token was, and what is hashed for it; others are hashed as their character.
const IS_NOTHING = 0;
const IS_WORD = 1;
const IS_VALUES = 2;
const IS_TEXT = 3;
const IS_NUMBER = 4;
const IS_LIST = 5;
const IS_GAP = 6;

/** 1 for what goes on in a word. */
const IS_WORD_CODE = CLASSES.map((kind) => (kind === WORD || kind === DIGIT ? 1 : 0));

const DEEPEST = 100;
const NO_BREAK_SPACE = 0xa0;
const SEMICOLON = 0x3b;

/**
 * A hash of 64 bits of a statement without its values, for `Digester`: texts of one shape have one
 * digest, though not the other way round. It knows what most statements are made of and leaves the
 * rest to the tokenizer. 1 to 3 ns a character.
 */
export class StatementShape {
  /** The halves of the hash of the text that `read` saw last. */
  low = 0;
  high = 0;

  readonly #seedLow: number;
  readonly #seedHigh: number;

  /** @param seed so that nobody can make two statements of one hash on purpose. */
  constructor(seed: number = Math.random()) {
    this.#seedLow = (seed * 0x7fffffff) | 0;
    this.#seedHigh = Math.imul(this.#seedLow ^ 0x5bd1e995, 0x2c1b3c6d);
  }

  /** False when the text has something in it that only the tokenizer knows. Linear in the text. */
  read(sql: string): boolean {
    const { length } = sql;
    let low = this.#seedLow;
    let high = this.#seedHigh;
    let last = IS_NOTHING;
    /** A sign that is left out when a literal follows; 0 for none. */
    let sign = 0;
    let isGap = false;
    let depth = 0;
    // The bracket that was opened last, for lists of literals.
    let openLow = 0;
    let openHigh = 0;
    let isList = false;
    let listLength = 0;
    // The rows behind VALUES: each has a hash of its own, and one that equals the last is left out.
    let rowsDepth = -1;
    let isInRow = false;
    let beforeRowLow = 0;
    let beforeRowHigh = 0;
    let rowLow = 0;
    let rowHigh = 0;
    let rowsLow = 0;
    let rowsHigh = 0;
    let isFirstRow = true;

    let i = 0;
    while (i < length) {
      const code = sql.charCodeAt(i);
      const kind = code < 128 ? (CLASSES[code] ?? ODD) : code === NO_BREAK_SPACE ? ODD : WORD;
      let token = 0;
      switch (kind) {
        case SPACE:
          i++;
          isGap = true;
          continue;
        case WORD: {
          const start = i;
          let wordLow = low;
          let wordHigh = high;
          let next = code;
          do {
            wordLow = Math.imul(wordLow ^ next, 0x01000193);
            wordHigh = Math.imul(((wordHigh << 5) | (wordHigh >>> 27)) ^ next, 0x5bd1e995);
            next = ++i < length ? sql.charCodeAt(i) : 0;
          } while (next < 128 ? IS_WORD_CODE[next] === 1 : next !== NO_BREAK_SPACE);
          // N'…', x'…', b'…', and a byte that MariaDB logs as `\xE9`.
          if (next === 0x5c || (next === 0x27 && i === start + 1)) return false;
          if (
            i === start + 4 &&
            sign === 0 &&
            (last === 0x28 || last === 0x2c) &&
            isNull(sql, start)
          ) {
            token = IS_NUMBER;
            break;
          }
          isList = false;
          if (sign !== 0) {
            // Hashed before the word, which has to be hashed again.
            low = mixLow(low, sign);
            high = mixHigh(high, sign);
            sign = 0;
            wordLow = low;
            wordHigh = high;
            for (let at = start; at < i; at++) {
              wordLow = mixLow(wordLow, sql.charCodeAt(at));
              wordHigh = mixHigh(wordHigh, sql.charCodeAt(at));
            }
          }
          low = mixLow(wordLow, IS_WORD);
          high = mixHigh(wordHigh, IS_WORD);
          if (!isInRow) rowsDepth = -1;
          const isValues =
            i === start + 6 &&
            !isInRow &&
            last !== 0x2e &&
            last !== 0x40 &&
            isValuesWord(sql, start);
          if (isValues) {
            rowsDepth = depth;
            isFirstRow = true;
          }
          last = isValues ? IS_VALUES : IS_WORD;
          isGap = false;
          continue;
        }
        case DIGIT: {
          // A name in `t.1`.
          if (last === 0x2e) return false;
          let next: number;
          do next = ++i < length ? sql.charCodeAt(i) : 0;
          while (next >= 0x30 && next <= 0x39);
          if (next === 0x2e) {
            do next = ++i < length ? sql.charCodeAt(i) : 0;
            while (next >= 0x30 && next <= 0x39);
          }
          if (next >= 128 || next === 0x5c || next === 0x2e) return false;
          if (IS_WORD_CODE[next] === 1) return false;
          token = IS_NUMBER;
          break;
        }
        case STRING: {
          // The name of a variable, or a host.
          if (last === 0x40) return false;
          let isOpen = true;
          while (++i < length) {
            const next = sql.charCodeAt(i);
            if (next === 0x5c) i++;
            else if (next === code) {
              if (i + 1 >= length || sql.charCodeAt(i + 1) !== code) {
                isOpen = false;
                break;
              }
              i++;
            }
          }
          if (isOpen) return false;
          i++;
          token = IS_TEXT;
          break;
        }
        case PLACEHOLDER:
          i++;
          token = IS_NUMBER;
          break;
        case NAME: {
          const end = sql.indexOf('`', i + 1);
          if (end === -1 || sql.startsWith('`', end + 1)) return false;
          if (sign !== 0) {
            low = mixLow(low, sign);
            high = mixHigh(high, sign);
            sign = 0;
          }
          for (; i <= end; i++) {
            low = mixLow(low, sql.charCodeAt(i));
            high = mixHigh(high, sql.charCodeAt(i));
          }
          isList = false;
          if (!isInRow) rowsDepth = -1;
          last = IS_WORD;
          isGap = false;
          continue;
        }
        case SLASH:
          if (i + 2 < length && sql.charCodeAt(i + 1) === 0x2a) {
            const next = sql.charCodeAt(i + 2);
            if (next === 0x21 || next === 0x4d || next === 0x2b) return false;
            const end = sql.indexOf('*/', i + 2);
            if (end === -1) return false;
            i = end + 2;
            isGap = true;
            continue;
          }
          break;
        case HASH: {
          const end = sql.indexOf('\n', i);
          i = end === -1 ? length : end + 1;
          isGap = true;
          continue;
        }
        case SIGN: {
          const next = i + 1 < length ? sql.charCodeAt(i + 1) : 0;
          if (code === 0x2d && next === 0x2d) {
            if (i + 2 >= length || sql.charCodeAt(i + 2) > 0x20) return false;
            const end = sql.indexOf('\n', i);
            i = end === -1 ? length : end + 1;
            isGap = true;
            continue;
          }
          if (sign !== 0) return false;
          if (last === 0x28 || last === 0x2c || last === 0x3d) {
            sign = code;
            i++;
            continue;
          }
          break;
        }
        case DOT: {
          const next = i + 1 < length ? sql.charCodeAt(i + 1) : 0;
          if (next >= 0x30 && next <= 0x39) return false;
          break;
        }
        case ODD:
          return false;
        default:
          break;
      }
      if (token !== 0) {
        sign = 0;
        listLength++;
        if (!isInRow) rowsDepth = -1;
        low = mixLow(low, token);
        high = mixHigh(high, token);
        last = token;
        isGap = false;
        continue;
      }

      if (sign !== 0) {
        low = mixLow(low, sign);
        high = mixHigh(high, sign);
        isList = false;
        last = sign;
        sign = 0;
      }
      i++;
      if (kind === OPEN) {
        if (++depth > DEEPEST) return false;
        if (rowsDepth === depth - 1 && !isInRow && (last === IS_VALUES || last === 0x2c)) {
          isInRow = true;
          beforeRowLow = low;
          beforeRowHigh = high;
          low = this.#seedLow;
          high = this.#seedHigh;
        } else if (!isInRow) rowsDepth = -1;
        openLow = low;
        openHigh = high;
        isList = true;
        listLength = 0;
      } else if (kind === CLOSE) {
        if (--depth < 0) return false;
        if (isList && listLength > 0) {
          low = mixLow(openLow, IS_LIST);
          high = mixHigh(openHigh, IS_LIST);
        } else {
          low = mixLow(low, code);
          high = mixHigh(high, code);
        }
        isList = false;
        last = code;
        isGap = false;
        if (isInRow && depth === rowsDepth) {
          isInRow = false;
          if (!isFirstRow && low === rowLow && high === rowHigh) {
            low = rowsLow;
            high = rowsHigh;
          } else {
            rowLow = low;
            rowHigh = high;
            low = rowsLow = mixLow(beforeRowLow, low);
            high = rowsHigh = mixHigh(beforeRowHigh, high);
          }
          isFirstRow = false;
        } else if (depth < rowsDepth) rowsDepth = -1;
        continue;
      } else if (kind !== COMMA) {
        if (code === SEMICOLON && depth > 0) return false;
        isList = false;
        if (!isInRow) rowsDepth = -1;
        // `<=` is one operator, `< =` is none.
        if (isGap) {
          low = mixLow(low, IS_GAP);
          high = mixHigh(high, IS_GAP);
        }
      }
      low = mixLow(low, code);
      high = mixHigh(high, code);
      last = code;
      isGap = false;
    }
    if (sign !== 0 || depth > 0) return false;
    this.low = low;
    this.high = high;
    return true;
  }
}

function mixLow(hash: number, value: number): number {
  return Math.imul(hash ^ value, 0x01000193);
}

/** Turned, so that a bit of it depends on others than the same bit of the other half. */
function mixHigh(hash: number, value: number): number {
  return Math.imul(((hash << 5) | (hash >>> 27)) ^ value, 0x5bd1e995);
}

function isNull(sql: string, start: number): boolean {
  return (
    (sql.charCodeAt(start) | 0x20) === 0x6e &&
    (sql.charCodeAt(start + 1) | 0x20) === 0x75 &&
    (sql.charCodeAt(start + 2) | 0x20) === 0x6c &&
    (sql.charCodeAt(start + 3) | 0x20) === 0x6c
  );
}

function isValuesWord(sql: string, start: number): boolean {
  const first = sql.charCodeAt(start) | 0x20;
  return first === 0x76 && sql.slice(start, start + 6).toUpperCase() === 'VALUES';
}
