import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { createConnection } from 'mysql2/promise';

const DIGITS =
  '(SELECT 0 AS d UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9)';

/** Rows of the table `bench.points` that the clients read. */
export const POINTS = 10_000;
export const POINTS_SCHEMA = `
CREATE DATABASE bench;
USE bench;
CREATE TABLE points (id INT NOT NULL PRIMARY KEY, pad CHAR(60) NOT NULL) ENGINE=InnoDB;
INSERT INTO points SELECT 1 + a.d + 10 * b.d + 100 * c.d + 1000 * e.d, REPEAT('x', 60)
  FROM ${DIGITS} a, ${DIGITS} b, ${DIGITS} c, ${DIGITS} e;
`;

export interface ClientOptions {
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly connections: number;
  /** Queries a second over all connections; null for as many as are answered. */
  readonly rate: number | null;
}

/** What a client has to say in the end; latencies in milliseconds from when a query was due. */
export interface ClientReport {
  readonly answered: number;
  readonly median: number;
  readonly p95: number;
}

/**
 * A process whose connections ask one point select after the other, as fast as they are answered or
 * at a fixed rate: then a query that is due while every connection is busy waits, and that counts.
 */
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

  /** Lets every connection finish. */
  async stop(): Promise<ClientReport> {
    this.#child.send('stop');
    const [report] = (await once(this.#child, 'message')) as [ClientReport];
    await this.#ended;
    return report;
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
  readonly #onAnswer: (reader: PointReader) => void;

  constructor(socket: Socket, first: number, onAnswer: (reader: PointReader) => void) {
    this.#socket = socket;
    this.#id = first;
    this.#onAnswer = onAnswer;
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
  stop(isIdle: boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#onEnd = resolve;
      if (isIdle) this.#leave(resolve);
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
    if (this.#onEnd === null) this.#onAnswer(this);
    else this.#leave(this.#onEnd);
  }

  #leave(onEnd: () => void): void {
    this.#socket.once('close', onEnd);
    this.#socket.end(Buffer.from([1, 0, 0, 0, COM_QUIT]));
  }
}

/** Hands queries out to connections that are free, at a rate; remembers how long each took. */
class Pace {
  readonly latencies: number[] = [];
  readonly idle = new Set<PointReader>();
  readonly #asked = new Map<PointReader, number>();
  readonly #due: number[] = [];
  readonly #began = performance.now();
  readonly #rate: number;
  #handedOut = 0;

  constructor(rate: number) {
    this.#rate = rate;
  }

  /** What came due since the last tick. */
  tick(): void {
    const now = performance.now();
    const due = Math.floor(((now - this.#began) / 1_000) * this.#rate);
    for (; this.#handedOut < due; this.#handedOut++) this.#due.push(now);
    for (const reader of this.idle) if (!this.#give(reader)) break;
  }

  answered(reader: PointReader): void {
    const asked = this.#asked.get(reader);
    if (asked !== undefined) this.latencies.push(performance.now() - asked);
    this.idle.add(reader);
    this.#give(reader);
  }

  #give(reader: PointReader): boolean {
    const due = this.#due.shift();
    if (due === undefined) return false;
    this.idle.delete(reader);
    this.#asked.set(reader, due);
    reader.ask();
    return true;
  }
}

async function main(options: ClientOptions): Promise<void> {
  const { port, user, password, rate } = options;
  const pace = rate === null ? null : new Pace(rate);
  const readers: PointReader[] = [];
  for (let n = 0; n < options.connections; n++) {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    await createConnection({
      stream: socket,
      user,
      password,
      // What follows speaks COM_QUERY in its plain form.
      flags: ['-CLIENT_QUERY_ATTRIBUTES', '-SESSION_TRACK'],
    });
    const onAnswer = (reader: PointReader): void =>
      pace === null ? reader.ask() : pace.answered(reader);
    readers.push(new PointReader(socket, n * 1_009, onAnswer));
  }
  for (const reader of readers) {
    if (pace === null) reader.ask();
    else pace.idle.add(reader);
  }
  const ticking = setInterval(() => pace?.tick(), 1);
  const answered = (): number => readers.reduce((sum, reader) => sum + reader.answered, 0);
  const stop = async (): Promise<void> => {
    clearInterval(ticking);
    await Promise.all(readers.map((reader) => reader.stop(pace?.idle.has(reader) === true)));
  };
  process.on('disconnect', () => void stop());
  process.on('message', (message) => {
    if (message === 'count') process.send?.(answered());
    else {
      void stop().then(() => {
        const sorted = Float64Array.from(pace?.latencies ?? []).sort();
        const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? NaN;
        const report: ClientReport = { answered: answered(), median: at(0.5), p95: at(0.95) };
        process.send?.(report);
        process.disconnect();
      });
    }
  });
}

if (import.meta.main) await main(JSON.parse(process.argv[2] ?? '{}') as ClientOptions);
