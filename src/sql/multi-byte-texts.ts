import { sentBytes } from './logged-bytes.ts';

/**
 * Bytes of the character sets a client may have in which a backslash or a backquote can be the second byte of a
 * character (https://dev.mysql.com/doc/refman/9.7/en/charset-asian-sets.html): then it neither escapes nor closes.
 * What is read as a literal may be code there, and the other way round.
 */
interface DoubleBytes {
  readonly isFirst: (byte: number) => boolean;
  readonly isSecond: (byte: number) => boolean;
}

const GBK: DoubleBytes = {
  isFirst: (byte) => byte >= 0x81 && byte <= 0xfe,
  isSecond: (byte) => byte >= 0x40 && byte <= 0xfe && byte !== 0x7f,
};
const BIG5: DoubleBytes = {
  isFirst: (byte) => byte >= 0xa1 && byte <= 0xf9,
  isSecond: (byte) => (byte >= 0x40 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xfe),
};
const SJIS: DoubleBytes = {
  isFirst: (byte) => (byte >= 0x81 && byte <= 0x9f) || (byte >= 0xe0 && byte <= 0xfc),
  isSecond: (byte) => byte >= 0x40 && byte <= 0xfc && byte !== 0x7f,
};
const CHARACTER_SETS = [GBK, BIG5, SJIS];

/** A byte beyond ASCII, as it is or as the log writes it, in front of a backslash or a backquote. */
const DOUBTFUL = /(?:[^\x00-\x7f]|\\x[89A-F][0-9A-F])[\\`]/;
const BACKSLASH = 0x5c;
const BACKQUOTE = 0x60;
/** Stands for any byte beyond ASCII: a letter, whatever it was. */
const LETTER = 0xff;

/**
 * A text as it is in a session whose character set has characters of two bytes that end like a backslash or a
 * backquote (gbk, gb18030, big5, sjis, cp932), where that differs from the text itself: there such a character is two
 * letters, and so is every other byte beyond ASCII a letter. Linear in the text.
 */
export function multiByteTexts(sql: string): string[] {
  if (!DOUBTFUL.test(sql)) return [];
  const sent = [sentBytes(sql), sentBytes(sql, true), Buffer.from(sql)];
  const texts = sent.flatMap((bytes) =>
    bytes === null ? [] : CHARACTER_SETS.flatMap((one) => read(bytes, one) ?? []),
  );
  return [...new Set(texts)];
}

/** null where no character ends so. */
function read(bytes: Uint8Array, { isFirst, isSecond }: DoubleBytes): string | null {
  const letters = Buffer.from(bytes);
  let isOther = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] ?? 0;
    if (byte < 0x80) continue;
    letters[i] = LETTER;
    const second = bytes[i + 1] ?? 0;
    if (!isFirst(byte) || !isSecond(second)) continue;
    letters[++i] = LETTER;
    isOther ||= second === BACKSLASH || second === BACKQUOTE;
  }
  return isOther ? letters.toString('latin1') : null;
}
