import { randomUUID } from 'node:crypto';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { TextSpool } from '../core/statements.ts';
import { characterEnd } from '../sql/characters.ts';
import { diskFailure } from './disk-errors.ts';

// A piece of 32 KiB is at most 192 KiB as JSON: larger ones cost memory and are not faster.
const PIECE_BYTES = 32 * 1024;

/**
 * One text at a time in a file that has no name, so that nothing of it outlives the process: what
 * statements hold is confidential, and may be more than the memory of a small machine. Close it.
 */
export class FileSpool implements TextSpool {
  readonly #folder: string;
  #file: FileHandle | null = null;
  #length = 0;

  /** @param folder on a disk with room: in /tmp it could be memory again. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  async begin(): Promise<void> {
    await this.#tried('write', async () => {
      this.#length = 0;
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
    await this.#tried('write', async () => {
      await this.#file?.write(bytes, 0, bytes.length, this.#length);
      this.#length += bytes.length;
    });
  }

  async *pieces(bytes: number): AsyncGenerator<Buffer> {
    const piece = Buffer.allocUnsafe(PIECE_BYTES);
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
    await file?.close().catch(() => undefined);
  }

  async #tried<T>(doing: string, work: () => T | Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw diskFailure(error, `${doing} a long statement in`, this.#folder);
    }
  }
}
