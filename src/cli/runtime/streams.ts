import { fstatSync, statSync, writeSync, type Stats } from 'node:fs';
import { readLine } from '../input/first-line.ts';
import { ClosedPipe, OutputFailure, type InputStream, type OutputStream } from './world.ts';

/**
 * An output stream of this process. A file, a pipe or /dev/null is written to directly, which waits for its
 * reader as Node's own stream of it does; making that loads net and stream, 5 ms. Anything else, a
 * terminal above all, is Node's stream, made when it is first used.
 */
export class ProcessOutput implements OutputStream {
  readonly #descriptor: number;
  readonly #open: () => NodeJS.WriteStream;
  readonly #isNeeded: boolean;
  #opened: NodeJS.WriteStream | null = null;
  #direct: boolean | null = null;
  #failure: Error | null = null;

  /** @param isNeeded false for notes: where they cannot be written, the work goes on without them. */
  constructor(descriptor: number, open: () => NodeJS.WriteStream, isNeeded: boolean) {
    this.#descriptor = descriptor;
    this.#open = open;
    this.#isNeeded = isNeeded;
  }

  get #isDirect(): boolean {
    if (this.#direct === null) {
      const kind = fstatSync(this.#descriptor);
      this.#direct = kind.isFile() || kind.isFIFO() || kind.isSocket() || isNullDevice(kind);
    }
    return this.#direct;
  }

  get #stream(): NodeJS.WriteStream {
    if (this.#opened !== null) return this.#opened;
    const stream = this.#open();
    this.#opened = stream;
    // Without a listener a reader that goes away would end the program with a stack trace.
    stream.on('error', (error: NodeJS.ErrnoException) => {
      this.#failure = failureOf(error);
    });
    return stream;
  }

  get isTTY(): boolean {
    return !this.#isDirect && this.#stream.isTTY;
  }

  get columns(): number | null {
    return this.isTTY && this.#stream.columns > 0 ? this.#stream.columns : null;
  }

  get rows(): number | null {
    return this.isTTY && this.#stream.rows > 0 ? this.#stream.rows : null;
  }

  async write(data: string | Uint8Array): Promise<void> {
    try {
      await this.#write(data);
    } catch (error) {
      if (this.#isNeeded) throw error;
    }
  }

  async #write(data: string | Uint8Array): Promise<void> {
    if (!this.#isDirect) return this.#writeToStream(data);
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    let written = 0;
    try {
      while (written < bytes.length) written += writeSync(this.#descriptor, bytes, written);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EAGAIN') throw failureOf(error as NodeJS.ErrnoException);
      // Another process that shares the pipe has made it non-blocking: Node's stream waits for it.
      this.#direct = false;
      await this.#writeToStream(bytes.subarray(written));
    }
  }

  #writeToStream(data: string | Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== null) {
        reject(this.#failure);
        return;
      }
      this.#stream.write(data, (error) => {
        if (error === null || error === undefined) resolve();
        else reject(failureOf(error));
      });
    });
  }
}

function isNullDevice(kind: Stats): boolean {
  const device = statSync('/dev/null', { throwIfNoEntry: false });
  return kind.isCharacterDevice() && kind.rdev === device?.rdev;
}

/** A stdout that was closed before the program began: nothing can be written to it. */
export class ClosedOutput implements OutputStream {
  readonly isTTY = false;
  readonly columns = null;
  readonly rows = null;

  write(): Promise<void> {
    return Promise.reject(failureOf(Object.assign(new Error(), { code: 'EBADF' })));
  }
}

function failureOf(error: NodeJS.ErrnoException): Error {
  if (error.code === 'EPIPE') return new ClosedPipe();
  const why = WHY[error.code ?? ''] ?? error.message;
  return new OutputFailure(`Cannot write the output: ${why}`, { cause: error });
}

const WHY: Readonly<Record<string, string>> = {
  ENOSPC: 'no space left on device',
  EDQUOT: 'disk quota exceeded',
  EFBIG: 'file too large',
  EIO: 'input/output error',
  EBADF: 'bad file descriptor',
  EROFS: 'read-only file system',
};

/** The standard input of this process; not touched before something is read from it. */
export class ProcessInput implements InputStream {
  get isTTY(): boolean {
    return process.stdin.isTTY;
  }

  async readFirstLine(signal: AbortSignal, longest?: number): Promise<string | null> {
    const stop = (): void => void process.stdin.destroy();
    signal.addEventListener('abort', stop, { once: true });
    try {
      return await readLine(process.stdin as AsyncIterable<Buffer>, 'on stdin', longest);
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  async *chunks(signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const stop = (): void => void process.stdin.destroy();
    signal.addEventListener('abort', stop, { once: true });
    try {
      yield* process.stdin as AsyncIterable<Buffer>;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  onKeys(listener: (keys: string) => void): () => void {
    const { stdin } = process;
    const hear = (data: Buffer): void => listener(data.toString('latin1'));
    stdin.setRawMode(true);
    stdin.on('data', hear);
    return () => {
      stdin.off('data', hear);
      stdin.setRawMode(false);
      stdin.pause();
    };
  }
}
