import { splitAtEmoji } from '../core/names.ts';

// Cc: control, Cf: format (bidi and zero-width among them), Zl/Zp: line and paragraph separators,
// Cs: lone surrogates. Soft hyphens and tags are in Cf as well.
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** The same for text of several lines: line ends and tabs stay. */
export function escapeLines(text: string): string {
  return text.replace(/[^\n\t]+/g, escapeText);
}

/** JSON that a terminal can show: the same values, with escapes for what it would obey or hide. */
export function escapeJson(json: string): string {
  return json.replace(UNSAFE, (character) =>
    character === '\n'
      ? character
      : Array.from(
          { length: character.length },
          (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`,
        ).join(''),
  );
}

/**
 * Text that is not ours, made safe to show: what a terminal would obey or hide becomes a visible
 * escape such as `\n`, `\x1b` or `\u{202e}`. Emoji that are joined of several stay as they are.
 */
export function escapeText(text: string): string {
  return splitAtEmoji(text)
    .map((part, index) => (index % 2 === 1 ? part : escaped(part)))
    .join('');
}

function escaped(text: string): string {
  return text.replace(UNSAFE, (character) => {
    const short = SHORT[character];
    if (short !== undefined) return short;
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}
