import type { OnReadOpts, Socket } from 'node:net';

/** Told of bytes that came: they are there until it returns. */
type BytesTaker = (buffer: Buffer, length: number) => void;

/**
 * All connections of this process that read so do it one after another: what came is looked at before the next
 * read. Not on Windows, where the system fills the buffers of all of them at the same time.
 */
const SHARED_BUFFER = Buffer.allocUnsafeSlow(64 * 1024);

/**
 * What is read of a socket in the clear, without a buffer of its own and a turn through Node's streams for every
 * read: 4 µs of CPU of 24 a statement (bench/replay-target.ts). The driver hears of it by the event that it waits
 * for, until somebody takes over.
 */
export class DirectReads {
  static readonly arePossible = process.platform !== 'win32';
  #take: BytesTaker | null = null;

  takeOver(take: BytesTaker): void {
    this.#take = take;
  }

  /** Options for the socket to be made with. @param socket the one that was. */
  optionsFor(socket: () => Socket): { readonly onread: OnReadOpts } {
    return {
      onread: {
        buffer: SHARED_BUFFER,
        callback: (length) => {
          if (this.#take !== null) this.#take(SHARED_BUFFER, length);
          else socket().emit('data', Buffer.from(SHARED_BUFFER.subarray(0, length)));
          return true;
        },
      },
    };
  }
}
