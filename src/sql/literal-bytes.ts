/** `'text'`, `"text"`, `X'6869'` and `0x6869`. */
const LITERAL =
  /\b(?:x'([0-9a-f]*)'|0x([0-9a-f]+))|'((?:[^'\\]|''|\\.)*)'|"((?:[^"\\]|""|\\.)*)"/gis;

/** The bytes of the literals in a text, each in hexadecimal digits (small letters), in order. Linear in the text. */
export function literalBytes(sql: string): string[] {
  return [...sql.matchAll(LITERAL)].map(([, quoted, plain, single, double]) => {
    const digits = quoted ?? plain;
    if (digits !== undefined) return digits.toLowerCase();
    const text = single?.replaceAll("''", "'") ?? double?.replaceAll('""', '"') ?? '';
    return Buffer.from(text.replace(/\\(.)/gs, '$1')).toString('hex');
  });
}
