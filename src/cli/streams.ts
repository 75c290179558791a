import { ClosedPipe, type InputStream, type OutputStream } from './world.ts';

/** An output stream of this process; made when it is first used, which costs some milliseconds. */
export class ProcessOutput implements OutputStream {
  readonly #open: () => NodeJS.WriteStream;
  #opened: NodeJS.WriteStream | null = null;
  #failure: Error | null = null;

  constructor(open: () => NodeJS.WriteStream) {
    this.#open = open;
  }

  get #stream(): NodeJS.WriteStream {
    if (this.#opened !== null) return this.#opened;
    const stream = this.#open();
    this.#opened = stream;
    // Without a listener a reader that goes away would end the program with a stack trace.
    stream.on('error', (error: NodeJS.ErrnoException) => {
      this.#failure = error.code === 'EPIPE' ? new ClosedPipe() : error;
    });
    return stream;
  }

  get isTTY(): boolean {
    return this.#stream.isTTY;
  }

  get columns(): number | null {
    return this.#stream.isTTY && this.#stream.columns > 0 ? this.#stream.columns : null;
  }

  get rows(): number | null {
    return this.#stream.isTTY && this.#stream.rows > 0 ? this.#stream.rows : null;
  }

  write(data: string | Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== null) {
        reject(this.#failure);
        return;
      }
      this.#stream.write(data, (error) => {
        if (error === null || error === undefined) resolve();
        else reject((error as NodeJS.ErrnoException).code === 'EPIPE' ? new ClosedPipe() : error);
      });
    });
  }
}

/** The standard input of this process; not touched before something is read from it. */
export class ProcessInput implements InputStream {
  get isTTY(): boolean {
    return process.stdin.isTTY;
  }

  async readFirstLine(signal: AbortSignal): Promise<string | null> {
    const chunks: Buffer[] = [];
    const stop = (): void => void process.stdin.destroy();
    signal.addEventListener('abort', stop, { once: true });
    try {
      for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
        chunks.push(chunk);
        if (chunk.includes(0x0a)) break;
      }
    } finally {
      signal.removeEventListener('abort', stop);
    }
    if (chunks.length === 0) return null;
    const text = Buffer.concat(chunks).toString('utf8');
    return text.split('\n', 1)[0]?.replace(/\r$/, '') ?? '';
  }
}
