const NO_WIDTH = /[\p{Mn}\p{Me}\p{Cf}]/u;
// East Asian wide and full-width characters, and emoji drawn as pictures: two columns each.
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;

// What makes one emoji of several characters: joiner, variation selector, keycap, flags, skin tones, tags.
const IN_EMOJI =
  /\u200d|\ufe0f|\u20e3|[\u{1f1e6}-\u{1f1ff}]|[\u{1f3fb}-\u{1f3ff}]|[\u{e0020}-\u{e007f}]/u;

/** What a terminal draws one by one: characters, and emoji however many characters they are made of. */
function drawn(text: string): Iterable<string> {
  // No literal, which V8 reads with the function around it: all emoji take 14 ms.
  return IN_EMOJI.test(text)
    ? (text.match(new RegExp(String.raw`\p{RGI_Emoji}|[^]`, 'gv')) ?? [])
    : text;
}

function characterWidth(character: string): number {
  if (character < '\u0300' && character.length === 1) return 1;
  if (character.length > String.fromCodePoint(character.codePointAt(0) ?? 0).length) return 2;
  if (NO_WIDTH.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

/** Columns that a text without control characters takes on a terminal. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const character of drawn(text)) width += characterWidth(character);
  return width;
}

/** The text cut to at most `width` columns, ending in `…` where something was cut. */
export function truncate(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let kept = '';
  let used = 0;
  for (const character of drawn(text)) {
    used += characterWidth(character);
    if (used > width - 1) break;
    kept += character;
  }
  return width < 1 ? '' : `${kept}…`;
}

/**
 * As `truncate`, but in the middle of a name that ends with a number: the runs of a schedule differ there. The end that
 * stays begins with a whole number or word, if it has one.
 */
export function truncateName(text: string, width: number): string {
  if (displayWidth(text) <= width || !/\d$/.test(text)) return truncate(text, width);
  const room = width - displayWidth(truncate(text, Math.floor((width + 2) / 3)));
  const characters = Array.from(drawn(text));
  let tail = '';
  let left = characters.length;
  for (; left > 0; left -= 1) {
    const longer = (characters[left - 1] ?? '') + tail;
    if (displayWidth(longer) > room) break;
    tail = longer;
  }
  const isInWord = /[\p{L}\p{N}]/u.test(characters[left - 1] ?? '');
  const whole = isInWord ? tail.replace(/^[\p{L}\p{N}]+[^\p{L}\p{N}]+(?=.)/u, '') : tail;
  return truncate(text, width - displayWidth(whole)) + whole;
}

/** The text filled with spaces to `width` columns. */
export function pad(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const space = ' '.repeat(Math.max(width - displayWidth(text), 0));
  return align === 'right' ? space + text : text + space;
}

const BETWEEN_WORDS = /(?<!\d) | (?!(?:%|\/s|[KMGT]?i?B|[mµ]?s)(?![a-z]))/i;

/** The words of a sentence for `fillLines`: a number and its unit are one. */
export function wordsOf(sentence: string): string[] {
  return sentence.split(BETWEEN_WORDS);
}

/**
 * Fills lines of at most `width` columns with words, the separator between them; every line but the first
 * has `indent` columns less. A word that is wider gets a line of its own.
 */
export function fillLines(
  words: readonly string[],
  width: number,
  { separator = ' ', indent = 0 }: { separator?: string; indent?: number } = {},
): string[] {
  const lines: string[] = [];
  for (const word of words) {
    const line = lines.at(-1);
    const longer = line === undefined || line === '' ? word : `${line}${separator}${word}`;
    const room = lines.length < 2 ? width : width - indent;
    const fits = line === '' || displayWidth(longer) <= room;
    if (line !== undefined && fits) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}
