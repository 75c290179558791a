import type { Duplex } from 'node:stream';
import { AppError } from '../../../core/errors.ts';
import { NoAnswer } from './server-errors.ts';
import { PacketCutter, type PacketSpan, type PacketTaker } from './row-packets.ts';
import { SilenceWatch } from '../log/silence-watch.ts';

const COM_QUERY = 0x03;
const OK_PACKET = 0x00;
const ERROR_PACKET = 0xff;
const END_PACKET = 0xfe;
const LONGEST_END_PACKET = 9;
// Chunks of 64 KiB that may wait for the consumer before the socket is told to stop.
const WAITING_CHUNKS = 4;
/** Nothing comes for so long while the consumer waits: the connection is lost. */
const SILENCE_LIMIT_MS = 30_000;

/** An error packet of the server: its number stands in for the driver's code. */
export class ServerError extends Error {
  readonly code: string;
  readonly errno: number;

  constructor(errno: number, message: string) {
    super(message);
    this.name = 'ServerError';
    this.errno = errno;
    this.code = `ER_${errno}`;
  }
}

/**
 * One query's rows as raw packets, straight off the socket, with back-pressure: at most a few chunks
 * wait here, then the socket is paused and the server waits. The driver's own row parser makes about
 * twice as much work of a row (measured, see bench/).
 */
export class ResultStream {
  readonly #stream: Duplex;
  readonly #chunks: Buffer[] = [];
  #failure: Error | null = null;
  #received = 0;
  #wake: (() => void) | null = null;

  readonly #onData = (chunk: Buffer): void => {
    this.#chunks.push(chunk);
    if (this.#chunks.length >= WAITING_CHUNKS) this.#stream.pause();
    this.#wake?.();
  };
  readonly #onClose = (): void => {
    this.#failure ??= Object.assign(new Error('The server closed the connection.'), {
      code: 'PROTOCOL_CONNECTION_LOST',
    });
    this.#wake?.();
  };
  readonly #onError = (error: Error): void => {
    this.#failure ??= error;
    this.#wake?.();
  };

  /** @param stream of a connection that is logged in and idle; it is ours until `release`. */
  constructor(stream: Duplex) {
    this.#stream = stream;
    stream.on('data', this.#onData);
    stream.on('close', this.#onClose);
    stream.on('error', this.#onError);
  }

  /**
   * Sends a query and yields after each chunk of the socket, having handed on every row in it; a row of
   * `LONG_TEXT` bytes and more in pieces. When the consumer stops early, the rest of the answer is still
   * to come: drop the connection.
   * @throws ServerError for the server's refusal, Node's own error when the connection breaks.
   */
  async *rows(sql: string, rows: PacketTaker): AsyncGenerator<undefined> {
    const text = Buffer.from(sql, 'utf8');
    const packet = Buffer.alloc(5 + text.length);
    packet.writeUIntLE(text.length + 1, 0, 3);
    packet[4] = COM_QUERY;
    text.copy(packet, 5);
    this.#stream.write(packet);

    const cutter = new PacketCutter();
    // Ends of the list of columns and of the rows; before the first end nothing is a row.
    let ends = 0;
    let isAnswered = false;
    let error: ServerError | null = null;
    const take = (span: PacketSpan): void => {
      const first = span.buffer[span.start];
      const isBeginning = !isAnswered;
      isAnswered = true;
      if (isBeginning && first === OK_PACKET) {
        // A statement without rows; later a packet that begins so is a row.
        ends = 2;
      } else if (first === ERROR_PACKET) {
        error = errorOf(span);
      } else if (first === END_PACKET && span.end - span.start < LONGEST_END_PACKET) {
        ends++;
      } else if (ends === 1) {
        rows.take(span);
      }
    };
    const piece = (bytes: Buffer, isLast: boolean): void => {
      // Names of columns are not of a megabyte.
      if (ends !== 1) throw new AppError('remote_failed', 'The server sent an invalid answer');
      rows.piece(bytes, isLast);
    };
    const taker = { take, piece };
    const refusal = (): ServerError | null => error;
    while (ends < 2) {
      const chunk = await this.#next();
      cutter.push(chunk, taker);
      const refused = refusal();
      if (refused !== null) throw refused;
      yield undefined;
    }
  }

  /** Bytes that were handed on of all answers. */
  get received(): number {
    return this.#received;
  }

  /** Lets go of the stream; rows that are being read fail as of a connection that was lost. */
  release(): void {
    this.#stream.off('data', this.#onData);
    this.#stream.off('close', this.#onClose);
    this.#stream.off('error', this.#onError);
    this.#onClose();
  }

  async #next(): Promise<Buffer> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) {
        this.#received += chunk.length;
        if (this.#chunks.length < WAITING_CHUNKS && this.#stream.isPaused()) this.#stream.resume();
        return chunk;
      }
      if (this.#failure !== null) throw this.#failure;
      const watch = new SilenceWatch(SILENCE_LIMIT_MS, () => {
        this.#onError(new NoAnswer(SILENCE_LIMIT_MS));
      });
      await new Promise<void>((resolve) => (this.#wake = resolve));
      watch.stop();
      this.#wake = null;
    }
  }
}

/** Number, then `#` and five characters of state, then the message. */
function errorOf(span: PacketSpan): ServerError {
  const { buffer, start, end } = span;
  const errno = buffer.readUInt16LE(start + 1);
  const textAt = buffer[start + 3] === 0x23 ? start + 9 : start + 3;
  return new ServerError(errno, buffer.toString('utf8', textAt, end));
}
