/**
 * What a byte of UTF-8 begins, outside of literals. Behind ASCII: a word, but for the no-break space, which
 * begins with a byte of its own class.
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
const STAR = 14;
const SYMBOL = 15;
const HIGH = 16;

const CLASSES = new Uint8Array(256);
function setClass(characters: string, kind: number): void {
  for (const character of characters) CLASSES[character.charCodeAt(0)] = kind;
}
CLASSES.fill(WORD, 0x80);
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
setClass('*', STAR);
setClass('=<>!|&%^~@:;{}[]', SYMBOL);
/** Of a no-break space the first byte; it begins letters as well. */
const NO_BREAK_FIRST = 0xc2;
const NO_BREAK_SECOND = 0xa0;
CLASSES[NO_BREAK_FIRST] = HIGH;

/** 1 for what goes on in a word. */
const IS_WORD_BYTE = CLASSES.map((kind) => (kind === WORD || kind === DIGIT ? 1 : 0));
/** 1 for what goes on in a literal, whatever it is in: no quote, backslash or control character. */
const IS_PLAIN = CLASSES.map((kind, byte) => (kind === STRING || byte === 0x5c ? 0 : 1));
IS_PLAIN.fill(0, 0, 0x20);

// What the last token was, and what is hashed for it; others are hashed as their character. Words are
// hashed four bytes at a time: what is left of one has 1 to 8 in its highest byte, as no four bytes have.
const IS_NOTHING = 0;
const IS_WORD = 1;
const IS_VALUES = 2;
const IS_TEXT = 3;
const IS_NUMBER = 4;
const IS_LIST = 5;
const IS_GAP = 6;
const IS_BYTES = 7;
const IS_HINT = 8;
const IS_NATIONAL = 9;
/** A literal whose letter is hashed before it: `b 0x1F` is another statement than `b'1'`. */
const IS_PREFIXED = 10;

// What bytes are to a run: text outside of brackets that has no literal, comment or name in quotes in it.
const IN_RUN = 0;
const IN_WORD = 1;
const IN_DIGITS = 2;
const ENDS_RUN = 3;
const RUN_CLASSES = CLASSES.map((kind, byte) => {
  if (kind === WORD) return IN_WORD;
  if (kind === DIGIT) return IN_DIGITS;
  const isIn = kind === COMMA || kind === DOT || kind === STAR || kind === SYMBOL || byte === 0x20;
  return isIn ? IN_RUN : ENDS_RUN;
});
/** Of the class of a byte and of the four behind it, two bits each: 1 where a run ends in the four. */
const RUN_ENDS = new Uint8Array(1 << 10);
for (let kinds = 0; kinds < RUN_ENDS.length; kinds++) {
  for (let at = 2; at < 10; at += 2) {
    const kind = (kinds >> at) & 3;
    // A digit behind no letter begins a number.
    const isNumber = kind === IN_DIGITS && ((kinds >> (at - 2)) & 3) === IN_RUN;
    if (kind === ENDS_RUN || isNumber) RUN_ENDS[kinds] = 1;
  }
}

const DEEPEST = 100;
const LOWER = 0x20;
const BACKSLASH = 0x5c;
const DOUBLE_QUOTE = 0x22;
const SINGLE_QUOTE = 0x27;
const BACKQUOTE = 0x60;
const SEMICOLON = 0x3b;
const AT = 0x40;

/** Only the tokenizer knows what the text is. */
export const UNKNOWN = -1;
/** There is an escape of JSON in the text, or a comment that ends with its line: to be read without. */
export const ESCAPED = -2;

/**
 * A hash of 64 bits of a statement without its values, for `Digester`: texts of one shape have one
 * digest, though not the other way round. It knows what most statements are made of and leaves the
 * rest to the tokenizer. 1 to 3 ns a byte.
 */
export class StatementShape {
  /** The halves of the hash of the text that `read` saw last. */
  low = 0;
  high = 0;

  /** What was read last, to be read four bytes at a time. */
  #bytes: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(this.#bytes.buffer);
  readonly #seedLow: number;
  readonly #seedHigh: number;

  /** @param seed so that nobody can make two statements of one hash on purpose. */
  constructor(seed: number = Math.random()) {
    this.#seedLow = (seed * 0x7fffffff) | 0;
    this.#seedHigh = Math.imul(this.#seedLow ^ 0x5bd1e995, 0x2c1b3c6d);
  }

  /**
   * Reads a text in UTF-8. Linear in it.
   * @param isJson the text is the inside of a JSON string, and ends with its quote.
   * @returns where it ended, or `UNKNOWN` or, of JSON alone, `ESCAPED`.
   */
  read(bytes: Uint8Array, start: number, end: number, isJson: boolean): number {
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    const view = this.#view;
    const ending = isJson ? DOUBLE_QUOTE : -1;
    let low = this.#seedLow;
    let high = this.#seedHigh;
    let last = IS_NOTHING;
    /** A sign that is left out when a literal follows; 0 for none. */
    let sign = 0;
    let isGap = false;
    let depth = 0;
    /** Comments that hold code, and are open. */
    let marks = 0;
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

    let i = start;
    while (i < end) {
      if (depth === 0 && marks === 0 && sign === 0) {
        // A run four bytes at a time, with its spaces: token by token it takes twice as long.
        let to = i;
        let before = IN_RUN;
        for (;;) {
          while (to + 4 <= end) {
            const four = view.getInt32(to, true);
            const kinds =
              (RUN_CLASSES[four & 0xff] ?? 0) |
              ((RUN_CLASSES[(four >>> 8) & 0xff] ?? 0) << 2) |
              ((RUN_CLASSES[(four >>> 16) & 0xff] ?? 0) << 4) |
              ((RUN_CLASSES[four >>> 24] ?? 0) << 6);
            if (RUN_ENDS[before | (kinds << 2)] === 1) break;
            low = mixLow(low, four);
            high = mixHigh(high, four);
            before = kinds >> 6;
            to += 4;
          }
          let rest = 0;
          let shift = 0;
          for (; shift < 32 && to < end; to++) {
            const next = bytes[to] ?? 0;
            const kind = RUN_CLASSES[next] ?? ENDS_RUN;
            if (kind === ENDS_RUN) {
              const isLetter = next === NO_BREAK_FIRST && bytes[to + 1] !== NO_BREAK_SECOND;
              if (!isLetter) break;
              before = IN_WORD;
            } else if (kind === IN_DIGITS && before === IN_RUN) break;
            else before = kind;
            rest |= next << shift;
            shift += 8;
          }
          if (shift < 32) {
            // None of those has less than 32 in its highest byte. A gap before the run counts: `->` is one
            // operator, `-` and `>` in the next line are two.
            rest |= ((shift >> 3) + (isGap ? 5 : 1)) << 24;
            if (to > i) {
              low = mixLow(low, rest);
              high = mixHigh(high, rest);
            }
            break;
          }
          low = mixLow(low, rest);
          high = mixHigh(high, rest);
        }
        if (to > i) {
          let at = to - 1;
          while (at >= i && bytes[at] === 0x20) at--;
          isGap = at < to - 1;
          if (at >= i) {
            last = bytes[at] ?? 0;
            if (rowsDepth === 0 && !isCommas(bytes, i, at)) rowsDepth = -1;
            if (RUN_CLASSES[last] !== IN_RUN) {
              last = IS_WORD;
              if (bytes[to] === 0x28 && isValues(bytes, i, at + 1)) {
                last = IS_VALUES;
                rowsDepth = 0;
                isFirstRow = true;
              }
            }
          }
          i = to;
          if (i === end) break;
        }
      }
      const code = bytes[i] ?? 0;
      const kind = CLASSES[code] ?? ODD;
      let token = 0;
      switch (kind) {
        case SPACE:
          if (isJson && code < 0x20) return UNKNOWN;
          i++;
          isGap = true;
          continue;
        case HIGH:
        case WORD: {
          if (code === NO_BREAK_FIRST && bytes[i + 1] === NO_BREAK_SECOND) return UNKNOWN;
          const wordStart = i;
          const hasSign = sign !== 0;
          if (hasSign) {
            low = mixLow(low, sign);
            high = mixHigh(high, sign);
            sign = 0;
          }
          let wordLow = low;
          let wordHigh = high;
          let next = code;
          let unit = 0;
          let shift = 0;
          for (;;) {
            if (shift === 32) {
              wordLow = mixLow(wordLow, unit);
              wordHigh = mixHigh(wordHigh, unit);
              unit = 0;
              shift = 0;
            }
            unit |= next << shift;
            shift += 8;
            next = ++i < end ? (bytes[i] ?? 0) : 0;
            if (IS_WORD_BYTE[next] === 1) continue;
            if (next !== NO_BREAK_FIRST || bytes[i + 1] === NO_BREAK_SECOND) break;
          }
          if (shift === 32) {
            wordLow = mixLow(wordLow, unit);
            wordHigh = mixHigh(wordHigh, unit);
            unit = 0;
            shift = 0;
          }
          // A no-break space, and a byte that MariaDB logs as `\xE9`.
          if (next === NO_BREAK_FIRST) return UNKNOWN;
          if (next === BACKSLASH) return isJson ? ESCAPED : UNKNOWN;
          const length = i - wordStart;
          if (length === 1 && next === SINGLE_QUOTE) {
            // N'…', x'…', b'…'
            const prefix = code | LOWER;
            if (last === AT || (prefix !== 0x6e && prefix !== 0x78 && prefix !== 0x62)) {
              return UNKNOWN;
            }
            i = endOfLiteral(bytes, i, end, isJson);
            if (i < 0) return i;
            token = prefix === 0x6e ? IS_NATIONAL : IS_BYTES;
            break;
          }
          if (
            !hasSign &&
            (length === 4 || length === 5) &&
            (last === 0x28 || last === 0x2c || last === 0x3d) &&
            isConstant(bytes, wordStart, length)
          ) {
            token = IS_NUMBER;
            break;
          }
          isList = false;
          unit |= ((shift >> 3) + 1) << 24;
          low = mixLow(wordLow, unit);
          high = mixHigh(wordHigh, unit);
          if (!isInRow) rowsDepth = -1;
          const beginsRows =
            length === 6 &&
            !isInRow &&
            last !== 0x2e &&
            last !== AT &&
            isSpelt(bytes, wordStart, VALUES);
          if (beginsRows) {
            rowsDepth = depth;
            isFirstRow = true;
          }
          last = beginsRows ? IS_VALUES : IS_WORD;
          isGap = false;
          continue;
        }
        case DIGIT: {
          // A name in `t.1`.
          if (last === 0x2e) return UNKNOWN;
          token = IS_NUMBER;
          let next = i + 1 < end ? (bytes[i + 1] ?? 0) : 0;
          const prefix = next | LOWER;
          if (code === 0x30 && (prefix === 0x78 || prefix === 0x62)) {
            i = endOfDigits(bytes, i + 2, end, prefix === 0x78);
            if (i < 0) return UNKNOWN;
            token = IS_BYTES;
          } else {
            while (next >= 0x30 && next <= 0x39) next = ++i + 1 < end ? (bytes[i + 1] ?? 0) : 0;
            i++;
            if (next === 0x2e) {
              do next = ++i < end ? (bytes[i] ?? 0) : 0;
              while (next >= 0x30 && next <= 0x39);
            }
            if ((next | LOWER) === 0x65) {
              i++;
              const exponent = bytes[i] ?? 0;
              if (exponent === 0x2b || exponent === 0x2d) i++;
              const digits = i;
              for (next = bytes[i] ?? 0; i < end && next >= 0x30 && next <= 0x39;) {
                next = bytes[++i] ?? 0;
              }
              if (i === digits) return UNKNOWN;
            }
          }
          next = i < end ? (bytes[i] ?? 0) : 0;
          if (next === BACKSLASH) return isJson ? ESCAPED : UNKNOWN;
          if (next >= 0x80 || next === 0x2e || IS_WORD_BYTE[next] === 1) return UNKNOWN;
          break;
        }
        case STRING: {
          if (code === ending) {
            if (sign !== 0 || depth > 0) return UNKNOWN;
            this.low = low;
            this.high = high;
            return i;
          }
          // The name of a variable, or a host.
          if (last === AT) return UNKNOWN;
          token = IS_TEXT;
          if (last === IS_WORD && !isGap && code === SINGLE_QUOTE && depth === 0) {
            // Of N'…', x'…', b'…' the letter is in the run before it.
            const before = i - 2 >= start ? (bytes[i - 2] ?? 0) : 0;
            if (IS_WORD_BYTE[before] === 0 && before < 0x80) {
              const prefix = (bytes[i - 1] ?? 0) | LOWER;
              const isPrefix = prefix === 0x6e || prefix === 0x78 || prefix === 0x62;
              if (!isPrefix || before === AT) return UNKNOWN;
              token = IS_PREFIXED;
            }
          }
          i = endOfLiteral(bytes, i, end, isJson);
          if (i < 0) return i;
          break;
        }
        case PLACEHOLDER:
          i++;
          token = IS_NUMBER;
          break;
        case NAME: {
          if (sign !== 0) {
            low = mixLow(low, sign);
            high = mixHigh(high, sign);
            sign = 0;
          }
          const from = i + 1;
          const to = endOfName(bytes, from, end, isJson);
          if (to < 0) return to;
          low = mixLow(mixLow(low, code), to - from);
          high = mixHigh(mixHigh(high, code), to - from);
          for (i = from; i < to; i += 4) {
            const unit = unitAt(bytes, i, to);
            low = mixLow(low, unit);
            high = mixHigh(high, unit);
          }
          i = to + 1;
          isList = false;
          if (!isInRow) rowsDepth = -1;
          last = IS_WORD;
          isGap = false;
          continue;
        }
        case SLASH: {
          if (bytes[i + 1] !== 0x2a || i + 1 >= end) break;
          const next = bytes[i + 2] ?? 0;
          isGap = true;
          if (next === 0x21 || (next === 0x4d && bytes[i + 3] === 0x21)) {
            // Holds code, whatever its version: five or six digits.
            i += next === 0x21 ? 3 : 4;
            let to = i;
            while (to < i + 6 && CLASSES[bytes[to] ?? 0] === DIGIT) to++;
            if (to - i >= 5) i = to;
            if (i > end) return UNKNOWN;
            marks++;
            continue;
          }
          const from = i + 2;
          i = endOfComment(bytes, from, end, isJson);
          if (i < 0) return i;
          if (next === 0x2b) {
            // Counts where the server reads hints; hashed with its values: few have any that change.
            low = mixLow(mixLow(low, IS_HINT), i - from);
            high = mixHigh(mixHigh(high, IS_HINT), i - from);
            for (let at = from; at < i; at += 4) {
              const unit = unitAt(bytes, at, i);
              low = mixLow(low, unit);
              high = mixHigh(high, unit);
            }
            isList = false;
          }
          continue;
        }
        case STAR:
          if (marks > 0 && bytes[i + 1] === 0x2f && i + 1 < end) {
            marks--;
            i += 2;
            isGap = true;
            continue;
          }
          break;
        case HASH:
          if (isJson) return ESCAPED;
          i = endOfLine(bytes, i, end);
          isGap = true;
          continue;
        case SIGN: {
          const next = i + 1 < end ? (bytes[i + 1] ?? 0) : 0;
          if (code === 0x2d && next === 0x2d) {
            if (isJson) return ESCAPED;
            if (i + 2 >= end || (bytes[i + 2] ?? 0) > 0x20) return UNKNOWN;
            i = endOfLine(bytes, i, end);
            isGap = true;
            continue;
          }
          if (sign !== 0) return UNKNOWN;
          const isArrow = code === 0x2d && next === 0x3e;
          if (!isArrow && (last === 0x28 || last === 0x2c || last === 0x3d)) {
            sign = code;
            i++;
            continue;
          }
          break;
        }
        case DOT: {
          const next = i + 1 < end ? (bytes[i + 1] ?? 0) : 0;
          if (next >= 0x30 && next <= 0x39) return UNKNOWN;
          break;
        }
        case ODD:
          return isJson && code === BACKSLASH ? ESCAPED : UNKNOWN;
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
        if (++depth > DEEPEST) return UNKNOWN;
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
        if (--depth < 0) return UNKNOWN;
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
        if (code === SEMICOLON && depth > 0) return UNKNOWN;
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
    if (isJson || sign !== 0 || depth > 0) return UNKNOWN;
    this.low = low;
    this.high = high;
    return end;
  }
}

/** Turned, so that a bit of it comes to depend on every bit of what is mixed in. */
function mixLow(hash: number, value: number): number {
  return Math.imul(((hash << 13) | (hash >>> 19)) ^ value, 0x85ebca6b);
}

/** Turned by another number of bits, so that the halves do not depend on the same. */
function mixHigh(hash: number, value: number): number {
  return Math.imul(((hash << 5) | (hash >>> 27)) ^ value, 0x5bd1e995);
}

/** Whether there are commas and spaces only, up to a place and at it. */
function isCommas(bytes: Uint8Array, start: number, last: number): boolean {
  for (let i = start; i <= last; i++) {
    const code = bytes[i];
    if (code !== 0x2c && code !== 0x20) return false;
  }
  return true;
}

/** Whether the last word of a run is `VALUES`, and no name behind a dot or `@`. */
function isValues(bytes: Uint8Array, start: number, end: number): boolean {
  let at = end - VALUES.length;
  if (at < start || !isSpelt(bytes, at, VALUES)) return false;
  at--;
  while (at >= start && bytes[at] === 0x20) at--;
  const before = at >= start ? (bytes[at] ?? 0) : 0;
  if (before === 0x2e || before === AT) return false;
  return at < end - VALUES.length - 1 || RUN_CLASSES[before] === IN_RUN;
}

/** Four bytes, or as many as there are up to `end`. */
function unitAt(bytes: Uint8Array, at: number, end: number): number {
  let unit = bytes[at] ?? 0;
  if (at + 1 < end) unit |= (bytes[at + 1] ?? 0) << 8;
  if (at + 2 < end) unit |= (bytes[at + 2] ?? 0) << 16;
  if (at + 3 < end) unit |= (bytes[at + 3] ?? 0) << 24;
  return unit;
}

/** Behind the closing quote of the literal that begins here. */
function endOfLiteral(bytes: Uint8Array, start: number, end: number, isJson: boolean): number {
  const mark = bytes[start];
  for (let i = start + 1; i < end; i++) {
    const code = bytes[i] ?? 0;
    if (IS_PLAIN[code] === 1) continue;
    if (code === mark) {
      if (i + 1 >= end || bytes[i + 1] !== mark) return i + 1;
      i++;
    } else if (isJson) return code === BACKSLASH ? ESCAPED : UNKNOWN;
    else if (code === BACKSLASH) i++;
  }
  return UNKNOWN;
}

/** Where the closing quote of a name stands, behind whose opening one this is. */
function endOfName(bytes: Uint8Array, start: number, end: number, isJson: boolean): number {
  for (let i = start; i < end; i++) {
    const code = bytes[i] ?? 0;
    if (code === BACKQUOTE) {
      if (i + 1 >= end || bytes[i + 1] !== BACKQUOTE) return i;
      i++;
    } else if (isJson && IS_PLAIN[code] === 0 && code !== SINGLE_QUOTE) {
      return code === BACKSLASH ? ESCAPED : UNKNOWN;
    }
  }
  return UNKNOWN;
}

/** Behind the end of a comment. @param start behind its beginning. */
function endOfComment(bytes: Uint8Array, start: number, end: number, isJson: boolean): number {
  for (let i = start; i < end; i++) {
    const code = bytes[i] ?? 0;
    if (code === 0x2a && i + 1 < end && bytes[i + 1] === 0x2f) return i + 2;
    if (isJson && IS_PLAIN[code] === 0 && code !== SINGLE_QUOTE) {
      return code === BACKSLASH ? ESCAPED : UNKNOWN;
    }
  }
  return UNKNOWN;
}

function endOfLine(bytes: Uint8Array, start: number, end: number): number {
  for (let i = start; i < end; i++) if (bytes[i] === 0x0a) return i + 1;
  return end;
}

/** Behind the digits of `0x…` or `0b…`; `UNKNOWN` where they are none. */
function endOfDigits(bytes: Uint8Array, start: number, end: number, isHex: boolean): number {
  let i = start;
  for (; i < end; i++) {
    const code = bytes[i] ?? 0;
    const isDigit = isHex
      ? (code >= 0x30 && code <= 0x39) || ((code | LOWER) >= 0x61 && (code | LOWER) <= 0x66)
      : code === 0x30 || code === 0x31;
    if (!isDigit) break;
  }
  return i === start ? UNKNOWN : i;
}

const [NULL, TRUE, FALSE, VALUES] = ['null', 'true', 'false', 'values'].map((word) =>
  new TextEncoder().encode(word),
) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];

/** Whether a word is a value, where one stands. */
function isConstant(bytes: Uint8Array, start: number, length: number): boolean {
  if (length === 5) return isSpelt(bytes, start, FALSE);
  return isSpelt(bytes, start, NULL) || isSpelt(bytes, start, TRUE);
}

function isSpelt(bytes: Uint8Array, start: number, word: Uint8Array): boolean {
  for (let i = 0; i < word.length; i++) {
    if (((bytes[start + i] ?? 0) | LOWER) !== word[i]) return false;
  }
  return true;
}
