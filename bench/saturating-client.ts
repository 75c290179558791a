import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { createConnection } from 'mysql2/promise';

/** Rows of the table `bench.points` that the clients read. */
export const POINTS = 10_000;
export const POINTS_SCHEMA = `
CREATE DATABASE bench;
USE bench;
CREATE TABLE points (id INT NOT NULL PRIMARY KEY, pad CHAR(60) NOT NULL) ENGINE=InnoDB;
INSERT INTO points SELECT seq, REPEAT('x', 60) FROM seq_1_to_${POINTS};
`;

export interface ClientOptions {
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly connections: number;
}

/** A process whose connections ask one point select after the other, as fast as they are answered. */
export class SaturatingClient {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = once(child, 'exit');
  }

  static async start(options: ClientOptions): Promise<SaturatingClient> {
    const child = fork(fileURLToPath(import.meta.url), [JSON.stringify(options)], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const client = new SaturatingClient(child);
    await client.answered();
    return client;
  }

  /** How many were answered so far. */
  async answered(): Promise<number> {
    this.#child.send('count');
    const [count] = (await once(this.#child, 'message')) as [number];
    return count;
  }

  /** Lets every connection finish. @returns how many were answered in all. */
  async stop(): Promise<number> {
    this.#child.send('stop');
    const [count] = (await once(this.#child, 'message')) as [number];
    await this.#ended;
    return count;
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}

const COM_QUERY = 3;
const COM_QUIT = 1;
const EOF_MARK = 0xfe;

/**
 * Speaks just enough of the protocol after the login: the driver's own parsing would cost more than
 * the server's answer, and on two cores it would be the driver that is measured.
 */
class PointReader {
  answered = 0;
  readonly #socket: Socket;
  #rest: Buffer = Buffer.alloc(0);
  #ends = 0;
  #id: number;
  #onEnd: (() => void) | null = null;

  constructor(socket: Socket, first: number) {
    this.#socket = socket;
    this.#id = first;
    socket.removeAllListeners('data');
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
  }

  ask(): void {
    this.#id = (this.#id * 7919 + 1) % POINTS;
    const text = `SELECT pad FROM bench.points WHERE id = ${this.#id + 1} /* ${this.answered} */`;
    const packet = Buffer.allocUnsafe(5 + Buffer.byteLength(text));
    packet.writeUIntLE(packet.length - 4, 0, 3);
    packet[3] = 0;
    packet[4] = COM_QUERY;
    packet.write(text, 5);
    this.#socket.write(packet);
  }

  /** Ends after the answer that is under way. */
  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#onEnd = resolve;
    });
  }

  #take(chunk: Buffer): void {
    const data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (data.length - at >= 4) {
      const length = data.readUIntLE(at, 3);
      if (data.length - at < 4 + length) break;
      // A result set has two: behind the columns and behind the rows.
      if (data[at + 4] === EOF_MARK && length < 9) this.#ends++;
      if (data[at + 4] === 0xff) throw new Error(data.toString('latin1', at + 7, at + 4 + length));
      at += 4 + length;
      if (this.#ends === 2) this.#next();
    }
    this.#rest = data.subarray(at);
  }

  #next(): void {
    this.#ends = 0;
    this.answered++;
    if (this.#onEnd === null) {
      this.ask();
      return;
    }
    this.#socket.once('close', this.#onEnd);
    this.#socket.end(Buffer.from([1, 0, 0, 0, COM_QUIT]));
  }
}

async function main(options: ClientOptions): Promise<void> {
  const { port, user, password } = options;
  const readers: PointReader[] = [];
  for (let n = 0; n < options.connections; n++) {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    await createConnection({ stream: socket, user, password });
    readers.push(new PointReader(socket, n * 1_009));
  }
  const answered = (): number => readers.reduce((sum, reader) => sum + reader.answered, 0);
  for (const reader of readers) reader.ask();
  process.on('disconnect', () => readers.forEach((reader) => void reader.stop()));
  process.on('message', (message) => {
    if (message === 'count') process.send?.(answered());
    else {
      void Promise.all(readers.map((reader) => reader.stop())).then(() => {
        process.send?.(answered());
        process.disconnect();
      });
    }
  });
}

if (import.meta.main) await main(JSON.parse(process.argv[2] ?? '{}') as ClientOptions);
