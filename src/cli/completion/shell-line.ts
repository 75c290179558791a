/** Reads a shell's line, and writes a value into it, by bash's rules (which hold for fish's words too). */

type OpenQuote = '' | "'" | '"';

/** What stands before the cursor. */
export interface ShellLine {
  /** The words, without their quotes; the last is the one that is being typed, `''` for a new one. */
  readonly words: readonly string[];
  /** The quote that the last word is in. */
  readonly quote: OpenQuote;
  /**
   * The part of the last word, without its quotes, that the shell leaves as it is: bash replaces what
   * stands behind the open quote or, without one, behind the last break (`=` and `:` among them).
   */
  readonly kept: string;
  /** Whether the last word is the file of a redirection. */
  readonly isRedirection: boolean;
}

interface Word {
  text: string;
  /** `""` is a word; no text is none. */
  isThere: boolean;
  afterBreak: number;
  afterQuote: number;
}

const ESCAPED_IN_DOUBLE = '$`"\\';
const NEW_WORD: Word = { text: '', isThere: false, afterBreak: 0, afterQuote: 0 };

/**
 * Reads a line as far as the cursor.
 * @param breaks the characters at which the shell's completion breaks words: COMP_WORDBREAKS.
 */
export function readShellLine(line: string, breaks: string): ShellLine {
  const words: string[] = [];
  let word = { ...NEW_WORD };
  let quote: OpenQuote = '';
  let isRedirection = false;
  const endWord = (): void => {
    if (!word.isThere) return;
    if (!isRedirection) words.push(word.text);
    isRedirection = false;
    word = { ...NEW_WORD };
  };
  for (let at = 0; at < line.length; at += 1) {
    const character = line.charAt(at);
    if (quote !== '' && character === quote) {
      quote = '';
    } else if (quote === "'") {
      word.text += character;
    } else if (character === '\\') {
      at += 1;
      const next = line.charAt(at);
      word.isThere = true;
      word.text += quote === '"' && !ESCAPED_IN_DOUBLE.includes(next) ? `\\${next}` : next;
    } else if (quote === '"') {
      word.text += character;
    } else if (character === "'" || character === '"') {
      quote = character;
      word.isThere = true;
      word.afterQuote = word.text.length;
    } else if (/\s/.test(character)) {
      endWord();
    } else if (character === '<' || character === '>') {
      // The number before it is that of a file, no word.
      if (/^\d+$/.test(word.text)) word = { ...NEW_WORD };
      endWord();
      isRedirection = true;
    } else {
      word.text += character;
      word.isThere = true;
      if (breaks.includes(character)) word.afterBreak = word.text.length;
    }
  }
  const kept = word.text.slice(0, quote === '' ? word.afterBreak : word.afterQuote);
  return { words: [...words, word.text], quote, kept, isRedirection };
}

// Of ASCII what no shell reads as anything else; beyond ASCII everything is text to bash.
const NEEDS_ESCAPE = /[^\w@%+=:,./\-\u0080-\u{10ffff}]/gu;

/** A value as bash reads it back: escaped, or fit for the quote that is open. */
export function quoteForBash(text: string, quote: OpenQuote): string {
  switch (quote) {
    case '':
      return text.replace(NEEDS_ESCAPE, '\\$&');
    case "'":
      return text.replaceAll("'", "'\\''");
    case '"':
      // ! cannot be escaped within double quotes: they are closed for it.
      return text.replace(/[$`"\\]/g, '\\$&').replaceAll('!', '"\\!"');
  }
}
