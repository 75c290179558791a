import type { FailureOnWire } from './failure-form.ts';

/**
 * Bytes for our own client, with a result or an error behind them that no proxy drops, as one drops trailers: each
 * piece with its length before it (four bytes, the highest first), then a length of 0 and JSON.
 */

export const FRAMES_TYPE = 'application/vnd.captures.frames';

/** What follows the bytes. */
export type FramesEnd = { readonly result: unknown } | { readonly error: FailureOnWire };

const HEAD_BYTES = 4;

/** What goes before a piece of so many bytes. */
export function frameHead(length: number): Uint8Array {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(length);
  return head;
}

export function framesEnd(end: FramesEnd): Uint8Array {
  return Buffer.concat([frameHead(0), Buffer.from(JSON.stringify(end))]);
}

/**
 * The bytes, in pieces as they come.
 * @returns what follows them; null where the body ends before it.
 */
export async function* readFrames(
  body: AsyncIterable<unknown>,
): AsyncGenerator<Uint8Array, FramesEnd | null, void> {
  const head = Buffer.alloc(HEAD_BYTES);
  let headBytes = 0;
  let left = 0;
  const end: Uint8Array[] = [];
  let isEnd = false;
  for await (const chunk of body) {
    let rest = chunk as Uint8Array;
    while (rest.length > 0) {
      if (isEnd) {
        end.push(rest);
        break;
      }
      if (left === 0) {
        const taken = Math.min(HEAD_BYTES - headBytes, rest.length);
        head.set(rest.subarray(0, taken), headBytes);
        headBytes += taken;
        rest = rest.subarray(taken);
        if (headBytes < HEAD_BYTES) continue;
        headBytes = 0;
        left = head.readUInt32BE();
        isEnd = left === 0;
        continue;
      }
      const piece = rest.subarray(0, left);
      left -= piece.length;
      rest = rest.subarray(piece.length);
      yield piece;
    }
  }
  if (!isEnd) return null;
  try {
    return JSON.parse(Buffer.concat(end).toString('utf8')) as FramesEnd;
  } catch {
    // Cut short.
    return null;
  }
}
