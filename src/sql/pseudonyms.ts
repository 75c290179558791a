import { createCipheriv, hash } from 'node:crypto';

const BLOCK_BYTES = 64;
const DIGEST_BYTES = 32;
const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
const SAFE = 'abcdefghijklmnopqrstuvwxyz234567';
/** Numbers of so many digits are exchanged among themselves: no two become the same. */
const PERMUTED_DIGITS = 5;
const CACHED = 20_000;
const LONGEST_CACHED = 100;

const INTEGER = /^\d+$/;
const NUMBER = /^([+-]?)(\d+)(?:(\.)(\d*))?((?:e[+-]?\d+)?)$/i;
const FRACTION = /^([+-]?)\.(\d+)((?:e[+-]?\d+)?)$/i;
const DATE = /^(\d{4}|\d{2})([-/.])(\d{1,2})\2(\d{1,2})(?:([ T])(.+))?$/;
const COMPACT_DATE = /^((?:19|20)\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(\d{6})?$/;
const TIME = /^([+-]?)(\d{1,3}):([0-5]\d)(?::([0-5]\d)(?:\.(\d{1,6}))?)?$/;
const NO_TIME = /^[0:.]+$/;
const JSON_PATH = /^\$(?:\.[\w*]+|\[[\d*]+\]|\*\*)*$/;

/**
 * Stands for values by HMAC-SHA-256 under one key: the same value becomes the same token wherever it
 * stands, and without the key nobody can tell which value a token is, other than by trying all there
 * are: that is little work for somebody who has the key, and none for values of one or two characters
 * that are known to be few. Type and length are kept; what looks like a date, a number or a path into
 * a document is another one afterwards.
 */
export class Pseudonyms {
  readonly #inner: Buffer;
  readonly #outer: Buffer;
  readonly #key: Buffer;
  readonly #known = new Map<string, string>();
  readonly #permutations = new Map<number, Uint32Array>();

  /** @param key 32 bytes, see `Store.pseudonymKey`. */
  constructor(key: Buffer) {
    this.#key = key;
    this.#inner = padded(key, 0x36, LONGEST_CACHED * 4);
    this.#outer = padded(key, 0x5c, DIGEST_BYTES);
  }

  /** HMAC-SHA-256 of a text; by two one-shot hashes, which take a fifth of `createHmac`'s time. */
  digest(text: string): Buffer {
    let message: Buffer;
    if (text.length <= LONGEST_CACHED) {
      const length = this.#inner.write(text, BLOCK_BYTES);
      message = this.#inner.subarray(0, BLOCK_BYTES + length);
    } else {
      message = Buffer.concat([this.#inner.subarray(0, BLOCK_BYTES), Buffer.from(text)]);
    }
    hash('sha256', message, 'buffer').copy(this.#outer, BLOCK_BYTES);
    return hash('sha256', this.#outer, 'buffer');
  }

  /** What stands for a string, of as many characters. */
  string(value: string): string {
    return this.#remembered(`s${value}`, () => this.#string(value));
  }

  /** What stands for a number as it is spelt, of as many digits; 0 and 1 stay. */
  number(text: string): string {
    return this.#remembered(`n${text}`, () => this.#number(text) ?? this.#integer(text));
  }

  /** What stands for as many hexadecimal digits. */
  hex(digits: string): string {
    return this.#remembered(`h${digits}`, () =>
      repeated(this.digest(`h${digits.toLowerCase()}`).toString('hex'), digits.length),
    );
  }

  /** What stands for as many bits; one alone stays. */
  bits(digits: string): string {
    if (digits.length <= 1) return digits;
    const bits = Array.from(this.digest(`b${digits}`), (byte) => byte & 1).join('');
    return repeated(bits, digits.length);
  }

  #remembered(key: string, make: () => string): string {
    if (key.length > LONGEST_CACHED) return make();
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const token = make();
    if (this.#known.size >= CACHED) this.#known.clear();
    this.#known.set(key, token);
    return token;
  }

  #string(value: string): string {
    if (value.length < 40) {
      const token = this.#number(value) ?? this.#date(value) ?? this.#time(value);
      if (token !== null) return token;
      if (JSON_PATH.test(value))
        return value.replaceAll(/[A-Za-z_]\w*/g, (key) => this.#pathKey(key));
    }
    return this.#word(value);
  }

  /** A key of a JSON path, which MySQL does not let begin with a digit. */
  #pathKey(key: string): string {
    const lower = key.toLowerCase();
    const place = key.length === 1 ? LETTERS.indexOf(lower) : -1;
    if (place === -1) return this.#word(key);
    const token = LETTERS.charAt(this.#permutation(-1, LETTERS.length)[place] ?? 0);
    return lower === key ? token : token.toUpperCase();
  }

  #word(value: string): string {
    // Characters, not UTF-16 units: an emoji is one.
    const length = /^[\0-\x7f]*$/.test(value) ? value.length : Array.from(value).length;
    if (length === 1) return this.#character(value);
    const digest = this.digest(`s${value}`);
    let token = LETTERS.charAt((digest[0] ?? 0) % 26);
    const fresh = Math.min(length, DIGEST_BYTES);
    for (let i = 1; i < fresh; i++) token += SAFE.charAt((digest[i] ?? 0) & 31);
    return repeated(token, length);
  }

  /** Letters and digits are exchanged among themselves, so that `Y` and `N` stay two. */
  #character(value: string): string {
    const lower = value.toLowerCase();
    const place = SAFE.indexOf(lower);
    if (place === -1) return SAFE.charAt((this.digest(`s${value}`)[0] ?? 0) & 31);
    const token = SAFE.charAt(this.#permutation(0, SAFE.length)[place] ?? 0);
    return lower === value ? token : token.toUpperCase();
  }

  #number(text: string): string | null {
    const match = NUMBER.exec(text);
    if (match !== null) {
      const [, sign = '', whole = '', point = '', fraction = '', exponent = ''] = match;
      const compact = fraction === '' && exponent === '' ? this.#compactDate(whole) : null;
      const rest = point + this.#digits(`f${whole}.`, fraction);
      return sign + (compact ?? this.#integer(whole)) + rest + exponent;
    }
    const [, sign, fraction, exponent] = FRACTION.exec(text) ?? [];
    if (sign === undefined || fraction === undefined) return null;
    return `${sign}.${this.#digits('f0.', fraction)}${exponent ?? ''}`;
  }

  #integer(text: string): string {
    if (!INTEGER.test(text)) return text;
    // 0 and 1 are hardly ever data, and WHERE 1 = 0 must stay what it is.
    const zeros = /^0*(?=\d)/.exec(text)?.[0] ?? '';
    const digits = text.slice(zeros.length);
    const { length } = digits;
    if (digits === '0' || digits === '1') return text;
    if (length <= PERMUTED_DIGITS) {
      const least = length === 1 ? 2 : 10 ** (length - 1);
      const table = this.#permutation(length, 10 ** length - least);
      return zeros + String(least + (table[Number(digits) - least] ?? 0));
    }
    const token = this.#digits('i', digits);
    const first = token.charAt(0) === '0' ? '5' : token.charAt(0);
    // The largest INT, BIGINT and BIGINT UNSIGNED have these lengths: none becomes larger than they.
    if (length === 10 || length === 19) return `${zeros}1${token.slice(1)}`;
    if (length === 20) return `${zeros}10${token.slice(2)}`;
    return zeros + first + token.slice(1);
  }

  #digits(kind: string, digits: string): string {
    if (digits === '' || /^0+$/.test(digits)) return digits;
    const digest = this.digest(kind + digits);
    let token = '';
    const fresh = Math.min(digits.length, DIGEST_BYTES);
    for (let i = 0; i < fresh; i++) token += String((digest[i] ?? 0) % 10);
    return repeated(token, digits.length);
  }

  #date(text: string): string | null {
    const [, year, mark, month, day, between = '', time = ''] = DATE.exec(text) ?? [];
    if (year === undefined || mark === undefined || month === undefined || day === undefined) {
      return null;
    }
    if (Number(month) > 12 || Number(day) > 31) return null;
    const timeToken = time === '' ? '' : NO_TIME.test(time) ? time : this.#time(time);
    if (timeToken === null) return null;
    if (Number(year) === 0 && Number(month) === 0 && Number(day) === 0) return text;
    const date = this.#day(`${year}-${Number(month)}-${Number(day)}`);
    const parts = [
      String(date.year).slice(-year.length),
      width(date.month, month.length),
      width(date.day, day.length),
    ];
    return parts.join(mark) + between + timeToken;
  }

  #compactDate(digits: string): string | null {
    const [, year = '', month = '', day = '', time = ''] = COMPACT_DATE.exec(digits) ?? [];
    if (year === '') return null;
    const date = this.#day(`${year}-${Number(month)}-${Number(day)}`);
    const clock =
      time === '' || NO_TIME.test(time)
        ? time
        : (this.#time(time.replaceAll(/(\d\d)(?=\d)/g, '$1:')) ?? '12:00:00').replaceAll(':', '');
    return `${date.year}${width(date.month, 2)}${width(date.day, 2)}${clock}`;
  }

  #day(key: string): { year: number; month: number; day: number } {
    const [a = 0, b = 0, c = 0] = this.digest(`d${key}`);
    // Within what a TIMESTAMP can hold, in every zone.
    return { year: 1971 + (a % 66), month: 1 + (b % 12), day: 1 + (c % 28) };
  }

  #time(text: string): string | null {
    const [, sign = '', hours, minutes, seconds, fraction] = TIME.exec(text) ?? [];
    if (hours === undefined || minutes === undefined) return null;
    if (NO_TIME.test(text)) return text;
    const clock = `${Number(hours)}:${minutes}:${seconds ?? '00'}`;
    const [a = 0, b = 0, c = 0] = this.digest(`t${clock}`);
    // Not before 4: on some nights there is no 02:30.
    const hour = hours.length === 1 ? 4 + (a % 6) : 4 + (a % 20);
    let token = `${sign}${width(hour, hours.length)}:${width(b % 60, 2)}`;
    if (seconds !== undefined) token += `:${width(c % 60, 2)}`;
    if (fraction !== undefined) token += `.${this.#digits(`f${clock}.`, fraction)}`;
    return token;
  }

  /** The numbers from 0 to `size` - 1 in an order that the key decides (Fisher and Yates). */
  #permutation(name: number, size: number): Uint32Array {
    const made = this.#permutations.get(name);
    if (made !== undefined) return made;
    const table = Uint32Array.from({ length: size }, (_, index) => index);
    const cipher = createCipheriv('aes-256-ctr', this.digest(`p${name}`), Buffer.alloc(16));
    const random = cipher.update(Buffer.alloc(size * 4));
    for (let i = size - 1; i > 0; i--) {
      const other = random.readUInt32LE(i * 4) % (i + 1);
      const swapped = table[i] ?? 0;
      table[i] = table[other] ?? 0;
      table[other] = swapped;
    }
    this.#permutations.set(name, table);
    return table;
  }

  /** For messages: never the key. */
  toJSON(): string {
    return `pseudonyms under a key of ${this.#key.length} bytes`;
  }
}

function padded(key: Buffer, mark: number, room: number): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES + room, 0);
  key.copy(block);
  for (let i = 0; i < BLOCK_BYTES; i++) block[i] = (block[i] ?? 0) ^ mark;
  return block;
}

function repeated(text: string, length: number): string {
  if (length <= text.length) return text.slice(0, length);
  return text.repeat(Math.ceil(length / text.length)).slice(0, length);
}

/** A number in so many digits; one that has more is cut to what fits. */
function width(value: number, digits: number): string {
  if (digits === 1 && value > 9) return String(1 + (value % 9));
  return String(value).padStart(digits, '0');
}
