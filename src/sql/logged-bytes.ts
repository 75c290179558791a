import { ANY_LOGGED_BYTE } from './lexer.ts';

/**
 * Backslashes in front of a byte that is logged as the text `\xHH`. The last belongs to the log; of those before
 * it, an odd number says that one is there to escape the byte, as client libraries and servers do it with what
 * begins no character of theirs.
 */
const LOGGED = /(\\+)x([89A-F][0-9A-F])/g;
/** What plain text has not: a NUL, escaped or not, and control characters. */
const BINARY = /\\0|[\0-\x08\x0e-\x1f]/;

/**
 * Of a statement in which the server's log has `\xHH` in the place of bytes (`lossy`, see docs/fidelity.md): the
 * bytes that the client most likely sent, in UTF-8 but for those. One backslash before `xHH`, or any odd number,
 * stands for a byte. An even number can be the client's own text, `'\\xFF'`, or a byte that was escaped: it is
 * taken for one where something else in the statement is binary. Linear in the text.
 * @param isExecute whether the server made the literals, of values that were bound: it escapes every such byte.
 * @returns null where no byte is to be put back: the text is as good as it can be.
 */
export function sentBytes(sql: string, isExecute = false): Uint8Array | null {
  if (!ANY_LOGGED_BYTE.test(sql)) return null;
  const isBinary = isExecute || BINARY.test(sql) || hasOddMark(sql);
  return withBytes(sql, (backslashes) => {
    if (backslashes % 2 === 1) return backslashes - 1;
    return isBinary ? backslashes - 1 : null;
  });
}

/** Of a text without its escapes but for backslashes that stand before such a byte, the bytes; null for none. */
function withBytes(
  text: string,
  /** How many backslashes stay before the byte; null where it is none. */
  left: (backslashes: number) => number | null,
): Uint8Array | null {
  const pieces: Uint8Array[] = [];
  let at = 0;
  for (const match of text.matchAll(LOGGED)) {
    const [whole, backslashes = '', digits = ''] = match;
    const kept = left(backslashes.length);
    if (kept === null) continue;
    pieces.push(Buffer.from(text.slice(at, match.index + kept)));
    pieces.push(Uint8Array.of(Number.parseInt(digits, 16)));
    at = match.index + whole.length;
  }
  if (pieces.length === 0) return null;
  pieces.push(Buffer.from(text.slice(at)));
  return Buffer.concat(pieces);
}

function hasOddMark(sql: string): boolean {
  for (const [, backslashes = ''] of sql.matchAll(LOGGED)) {
    if (backslashes.length % 2 === 1) return true;
  }
  return false;
}
