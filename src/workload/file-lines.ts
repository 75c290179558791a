import { closeSync, openSync, readSync } from 'node:fs';
import { diskFailure } from './disk-errors.ts';

const PIECE = 256 * 1024;
const NEWLINE = 10;

/**
 * The lines of a file, without their ends, one in memory at a time; read as they are asked for, without a
 * pause in between, so that it can be done within a transaction. null in the place of a line that is longer
 * than `longest` bytes; nothing comes behind it.
 * @throws AppError `store_unusable` when the disk fails.
 */
export function* linesOf(path: string, longest: number): Generator<string | null> {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (error) {
    throw diskFailure(error, 'read', path);
  }
  try {
    let begun: Buffer[] = [];
    let begunBytes = 0;
    for (;;) {
      const piece = Buffer.allocUnsafe(PIECE);
      const bytes = piece.subarray(0, read(descriptor, piece, path));
      if (bytes.length === 0) break;
      let from = 0;
      for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, from)) {
        begun.push(bytes.subarray(from, end));
        yield Buffer.concat(begun).toString('utf8');
        begun = [];
        begunBytes = 0;
        from = end + 1;
      }
      begun.push(bytes.subarray(from));
      begunBytes += bytes.length - from;
      if (begunBytes > longest) {
        yield null;
        return;
      }
    }
    if (begunBytes > 0) yield Buffer.concat(begun).toString('utf8');
  } finally {
    closeSync(descriptor);
  }
}

function read(descriptor: number, piece: Buffer, path: string): number {
  try {
    return readSync(descriptor, piece, 0, piece.length, null);
  } catch (error) {
    throw diskFailure(error, 'read', path);
  }
}
