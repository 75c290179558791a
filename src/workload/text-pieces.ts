/** Characters of a text that is turned into bytes piece by piece: as a whole it would be in memory twice more. */
export const LONG_TEXT = 1024 * 1024;

/** A text in pieces of so many characters, none of which is cut in two. */
export function* textPieces(text: string): Generator<string> {
  for (let at = 0; at < text.length;) {
    let end = Math.min(at + LONG_TEXT, text.length);
    const last = text.charCodeAt(end - 1);
    const isCut = end < text.length && last >= 0xd800 && last <= 0xdbff;
    if (isCut) end--;
    yield text.slice(at, end);
    at = end;
  }
}
