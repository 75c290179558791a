import { connect, createServer, type Socket } from 'node:net';

/**
 * Stands between the recorder and the server, counts what the recorder sends, and at one message
 * breaks every connection at once: what a crash at that message looks like to the server.
 */
export interface CuttingProxy {
  readonly port: number;
  /** Messages passed on since the last call of `cutAt`. */
  readonly count: number;
  /** Whether the cut was made. */
  readonly wasCut: boolean;
  /**
   * Cuts at the message with this number (from 1): before it is passed on, or after it, when the
   * server carries it out and its answer is lost.
   */
  cutAt(message: number, when: 'before' | 'after'): void;
  /** Connections of the recorder's that are open. */
  readonly connections: number;
  /** Passes nothing on, in either direction, and breaks nothing: a network that swallows everything. */
  stall(): void;
  /** Passes on what was held up, and all that follows. */
  goOn(): void;
  stop(): Promise<void>;
}

export async function startCuttingProxy(serverPort: number): Promise<CuttingProxy> {
  const sockets = new Set<Socket>();
  const clients = new Set<Socket>();
  let isStalled = false;
  let count = 0;
  let cutMessage = Infinity;
  let cutWhen: 'before' | 'after' = 'before';
  let wasCut = false;

  const cut = (): void => {
    wasCut = true;
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  const server = createServer((client) => {
    const upstream = connect(serverPort, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => sockets.delete(socket));
      if (isStalled) socket.pause();
    }
    clients.add(client);
    client.on('close', () => clients.delete(client));
    client.on('data', (data) => {
      count++;
      if (count !== cutMessage) {
        upstream.write(data);
      } else if (cutWhen === 'before') {
        cut();
      } else {
        sockets.delete(upstream);
        upstream.removeAllListeners('data');
        // The server carries the statement out; its answer says that it has, and goes nowhere.
        upstream.once('data', () => upstream.destroy());
        upstream.write(data);
        cut();
      }
    });
    upstream.on('data', (data) => client.write(data));
    client.on('close', () => {
      if (!wasCut) upstream.destroy();
    });
    upstream.on('close', () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    get count() {
      return count;
    },
    get wasCut() {
      return wasCut;
    },
    cutAt(message, when) {
      count = 0;
      cutMessage = message;
      cutWhen = when;
      wasCut = false;
    },
    get connections() {
      return clients.size;
    },
    stall() {
      isStalled = true;
      for (const socket of sockets) socket.pause();
    },
    goOn() {
      isStalled = false;
      for (const socket of sockets) socket.resume();
    },
    async stop() {
      cut();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
