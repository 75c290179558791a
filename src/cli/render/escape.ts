// Cc: control, Cf: format (bidi and zero-width among them), Zl/Zp: line and paragraph separators,
// Cs: lone surrogates. Soft hyphens and tags are in Cf as well.
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/**
 * Text that is not ours, made safe to show: what a terminal would obey or hide becomes a visible
 * escape such as `\n`, `\x1b` or `\u{202e}`.
 */
export function escapeText(text: string): string {
  return text.replace(UNSAFE, (character) => {
    const short = SHORT[character];
    if (short !== undefined) return short;
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}

/** Text as a shell takes it for one word. */
export function shellQuoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
