import { Parser, type ReadEntry } from 'tar';
import { AppError } from '../core/errors.ts';

/** A regular file in an archive. */
export interface ArchiveEntry {
  readonly path: string;
  /** As it is declared. */
  readonly size: number;
  /** Its bytes, once; what is not read is skipped. */
  bytes(): AsyncIterable<Buffer>;
}

/** A name of a file that is longer is none of ours. */
const LONGEST_EXTENDED_HEADER = 64 * 1024;
/** A tar is filled up to a multiple of 10 KiB; who writes more into a pipe is not read to the end. */
const MOST_BEHIND_END = 1024 * 1024;
const COMPRESSED: readonly (readonly [string, readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a]],
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['zip', [0x50, 0x4b, 0x03, 0x04]],
];

/** Why an archive is refused. */
export function refusedArchive(what: string, cause?: unknown): AppError {
  return new AppError('invalid', `This is no export that can be imported: ${what}`, {
    hint: { code: 'give_an_export' },
    cause,
  });
}

/**
 * The files of a tar, one at a time and no faster than they are read. Folders are passed over.
 * @throws AppError `invalid` for everything that is no regular file (a link, a device), for a tar that is cut short or damaged,
 *   and for what is none.
 */
export async function* entriesOf(archive: AsyncIterable<Uint8Array>): AsyncGenerator<ArchiveEntry> {
  const parsed = new ParsedArchive();
  const feeding = parsed.feed(archive);
  // Its failure is thrown where the entries are waited for.
  feeding.catch(() => undefined);
  try {
    for (let entry = await parsed.next(); entry !== null; entry = await parsed.next()) {
      const { path, size, type } = entry;
      if (type === 'Directory') {
        entry.resume();
        continue;
      }
      if (type !== 'File' && type !== 'OldFile') {
        throw refusedArchive(`"${path}" in it is no regular file (${type})`);
      }
      const reading = entry;
      yield { path, size, bytes: () => parsed.bytesOf(reading) };
      reading.resume();
    }
    await feeding;
  } finally {
    parsed.stop();
  }
}

/** The parser calls back; whoever reads an archive asks for the next file. */
class ParsedArchive {
  readonly #parser: Parser;
  readonly #entries: ReadEntry[] = [];
  #failure: Error | null = null;
  #isOver = false;
  #isAtEnd = false;
  #isStopped = false;
  #wake: () => void = () => undefined;
  #onStop: () => void = () => undefined;

  constructor() {
    const parser = new Parser({ strict: true, maxMetaEntrySize: LONGEST_EXTENDED_HEADER });
    this.#parser = parser;
    parser.on('entry', (entry: ReadEntry) => {
      this.#entries.push(entry);
      this.#wake();
    });
    parser.on('ignoredEntry', ({ path }: ReadEntry) => {
      this.#fail(refusedArchive(`"${path}" in it has a header that is too long`));
    });
    parser.on('error', (error: Error) => this.#fail(refusedArchive(reasonOf(error), error)));
    parser.on('eof', () => {
      this.#isAtEnd = true;
    });
    parser.on('end', () => {
      this.#isOver = true;
      this.#wake();
    });
  }

  /** Hands the archive to the parser, as fast as its files are read. */
  async feed(archive: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      let isBeginning = true;
      let behind = 0;
      for await (const chunk of archive) {
        if (isBeginning && chunk.length > 0) {
          refuseCompressed(chunk);
          isBeginning = false;
        }
        if (this.#isStopped || this.#failure !== null) return;
        if (this.#isAtEnd) {
          behind += chunk.length;
          if (behind > MOST_BEHIND_END) break;
          continue;
        }
        const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
        if (!this.#parser.write(bytes)) await this.#drained();
      }
      this.#parser.end();
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #drained(): Promise<void> {
    if (this.#isStopped || this.#failure !== null) return Promise.resolve();
    return new Promise((resolve) => {
      this.#parser.once('drain', resolve);
      this.#onStop = resolve;
    });
  }

  /** The next file or folder; null at the end. */
  async next(): Promise<ReadEntry | null> {
    for (;;) {
      if (this.#failure !== null) throw this.#failure;
      const entry = this.#entries.shift();
      if (entry !== undefined) return entry;
      if (this.#isOver) return null;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** What a file holds. Once, and not beside `next`: there is one who waits. */
  async *bytesOf(entry: ReadEntry): AsyncGenerator<Buffer> {
    const state = { isDone: false };
    const pieces: Buffer[] = [];
    const keep = (piece: Buffer): void => {
      pieces.push(piece);
      entry.pause();
      this.#wake();
    };
    entry.once('end', () => {
      state.isDone = true;
      this.#wake();
    });
    entry.on('data', keep);
    try {
      for (;;) {
        if (this.#failure !== null) throw this.#failure;
        const piece = pieces.shift();
        if (piece !== undefined) {
          yield piece;
          continue;
        }
        if (state.isDone) return;
        const woken = new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        entry.resume();
        await woken;
      }
    } finally {
      entry.off('data', keep);
    }
  }

  /** Nobody reads on. */
  stop(): void {
    this.#isStopped = true;
    this.#onStop();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#onStop();
    this.#wake();
  }
}

function refuseCompressed(beginning: Uint8Array): void {
  for (const [name, magic] of COMPRESSED) {
    if (magic.every((byte, index) => beginning[index] === byte)) {
      throw refusedArchive(`it is compressed (${name}); unpack it first`);
    }
  }
}

function reasonOf({ message }: Error): string {
  if (/Truncated/.test(message)) return 'it is cut short';
  if (/checksum failure|Unrecognized archive/.test(message)) return 'it is damaged, or no tar';
  return `it is no tar, or damaged (${message.replace(/^TAR_\w+: /, '')})`;
}
