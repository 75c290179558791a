import { randomUUID } from 'node:crypto';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { TextSpool } from '../core/workloads/statements.ts';
import { characterEnd } from '../sql/characters.ts';
import { diskFailure } from './disk-errors.ts';
import { writeAll } from './segment-files.ts';

// Every trip to the disk waits for a turn of the CPU, 50 ms at a load of 30: with pieces as they come
// from the socket, 16 MiB of a BLOB took over 80 s there.
const WRITTEN_BYTES = 512 * 1024;
const PIECE_BYTES = 256 * 1024;

/**
 * One text at a time in a file that has no name, so that nothing of it outlives the process: what
 * statements hold is confidential, and may be more than the memory of a small machine. Close it.
 */
export class FileSpool implements TextSpool {
  readonly #folder: string;
  #file: FileHandle | null = null;
  /** Bytes in the file, and what comes behind them. */
  #length = 0;
  #buffer: Buffer | null = null;
  #buffered = 0;

  /** @param folder on a disk with room: in /tmp it could be memory again. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  async begin(): Promise<void> {
    await this.#tried('write', async () => {
      this.#length = 0;
      this.#buffered = 0;
      this.#buffer ??= Buffer.allocUnsafeSlow(WRITTEN_BYTES);
      if (this.#file !== null) {
        await this.#file.truncate();
        return;
      }
      const path = join(this.#folder, `spool-${randomUUID()}`);
      this.#file = await open(path, 'wx+', 0o600);
      await rm(path);
    });
  }

  async add(bytes: Buffer): Promise<void> {
    const buffer = this.#buffer;
    if (buffer === null) throw new Error('no text was begun');
    for (let at = 0; at < bytes.length;) {
      const copied = bytes.copy(buffer, this.#buffered, at);
      at += copied;
      this.#buffered += copied;
      if (this.#buffered === buffer.length) await this.#write();
    }
  }

  async *pieces(bytes: number): AsyncGenerator<Buffer> {
    await this.#write();
    const piece = Buffer.allocUnsafeSlow(Math.min(PIECE_BYTES, bytes));
    for (let at = 0; at < bytes;) {
      const wanted = Math.min(PIECE_BYTES, bytes - at);
      const read = await this.#tried('read', () => this.#file?.read(piece, 0, wanted, at));
      const { bytesRead = 0 } = read ?? {};
      if (bytesRead === 0) throw new Error('the spool has less than was put in');
      const end = at + bytesRead === bytes ? bytesRead : characterEnd(piece, bytesRead);
      yield piece.subarray(0, end);
      at += end;
    }
  }

  /** Never throws. */
  async close(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    this.#buffer = null;
    this.#buffered = 0;
    await file?.close().catch(() => undefined);
  }

  async #write(): Promise<void> {
    const [file, buffer] = [this.#file, this.#buffer];
    if (file === null || buffer === null || this.#buffered === 0) return;
    const bytes = buffer.subarray(0, this.#buffered);
    await this.#tried('write', () => writeAll(file, bytes, this.#length));
    this.#length += this.#buffered;
    this.#buffered = 0;
  }

  async #tried<T>(doing: string, work: () => T | Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw diskFailure(error, `${doing} a long statement in`, this.#folder);
    }
  }
}
