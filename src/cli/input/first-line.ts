import { AppError } from '../../core/errors.ts';

/** Far longer than any secret: what is longer is another file, or a stream that never ends. */
export const LONGEST_LINE_BYTES = 64 * 1024;

/** The first line of a text, without its end. */
export function firstLineOf(text: string): string {
  return text.split('\n', 1)[0]?.replace(/\r$/, '') ?? '';
}

/**
 * Reads a stream up to the end of its first line, and no further.
 * @param where names the stream in the failure.
 * @param longest bytes.
 * @returns null when the stream is empty.
 * @throws AppError `invalid` for a line that is longer.
 */
export async function readLine(
  chunks: AsyncIterable<Buffer>,
  where: string,
  longest = LONGEST_LINE_BYTES,
): Promise<string | null> {
  const kept: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    const end = chunk.indexOf(0x0a);
    kept.push(end === -1 ? chunk : chunk.subarray(0, end));
    bytes += end === -1 ? chunk.length : end;
    if (bytes > longest) throw tooLong(where, longest);
    if (end !== -1) break;
  }
  if (kept.length === 0) return null;
  return firstLineOf(Buffer.concat(kept).toString('utf8'));
}

/**
 * Reads the first line of a stream that goes on.
 * @returns null when the stream ends before the line does; else the line, and what comes behind it.
 * @throws AppError `invalid` for a line that is longer than `longest` bytes.
 */
export async function splitFirstLine(
  chunks: AsyncIterable<Uint8Array>,
  longest = LONGEST_LINE_BYTES,
): Promise<{ readonly line: string; readonly rest: AsyncIterable<Uint8Array> } | null> {
  const reading = chunks[Symbol.asyncIterator]();
  let bytes = Buffer.alloc(0);
  for (;;) {
    const step = await reading.next();
    if (step.done === true) return null;
    bytes = Buffer.concat([bytes, step.value]);
    const end = bytes.indexOf(0x0a);
    if ((end === -1 ? bytes.length : end) > longest) throw tooLong('on stdin', longest);
    if (end === -1) continue;
    const line = bytes.subarray(0, end).toString('utf8');
    return { line, rest: restOf(bytes.subarray(end + 1), reading) };
  }
}

async function* restOf(
  first: Uint8Array,
  reading: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void, void> {
  if (first.length > 0) yield first;
  for (;;) {
    const step = await reading.next();
    if (step.done === true) return;
    yield step.value;
  }
}

export function tooLong(where: string, longest = LONGEST_LINE_BYTES): AppError {
  return new AppError('invalid', `The first line ${where} is longer than ${longest / 1024} KiB`);
}
