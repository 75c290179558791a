const LONGEST_CHARACTER = 4;

/** The last place up to `end` at which no character of UTF-8 is cut. */
export function characterEnd(buffer: Buffer, end: number): number {
  for (let at = end - 1; at >= 0 && at > end - LONGEST_CHARACTER; at--) {
    const byte = buffer[at] ?? 0;
    if (byte < 0x80) return end;
    if (byte >= 0xc0) {
      const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return at + length > end ? at : end;
    }
  }
  return end;
}
