import { connect, createServer, type Server, type Socket } from 'node:net';

/** Stands between the recorder and the server and, when told to, passes nothing on or lets nobody in. */
export class StallingProxy {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;
  readonly #mode: { now: 'pass' | 'stall' | 'refuse' };

  private constructor(
    server: Server,
    sockets: Set<Socket>,
    mode: { now: 'pass' | 'stall' | 'refuse' },
  ) {
    this.#server = server;
    this.#sockets = sockets;
    this.#mode = mode;
    const address = server.address();
    this.port = typeof address === 'object' && address !== null ? address.port : 0;
  }

  static async start(serverPort: number): Promise<StallingProxy> {
    const sockets = new Set<Socket>();
    const mode: { now: 'pass' | 'stall' | 'refuse' } = { now: 'pass' };
    const server = createServer((client) => {
      if (mode.now === 'refuse') {
        client.destroy();
        return;
      }
      const upstream = connect(serverPort, '127.0.0.1');
      for (const [from, to] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        sockets.add(from);
        from.on('error', () => undefined);
        from.on('close', () => {
          sockets.delete(from);
          to.destroy();
        });
        from.on('data', (data: Buffer) => to.write(data));
        if (mode.now === 'stall') from.pause();
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new StallingProxy(server, sockets, mode);
  }

  /** Holds everything that comes, as a network that drops packets does. */
  stall(): void {
    this.#mode.now = 'stall';
    for (const socket of this.#sockets) socket.pause();
  }

  /** Breaks every connection and lets nobody in. */
  refuse(): void {
    this.#mode.now = 'refuse';
    for (const socket of this.#sockets) socket.destroy();
  }

  resume(): void {
    this.#mode.now = 'pass';
    for (const socket of this.#sockets) socket.resume();
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
