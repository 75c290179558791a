import { createServer, request, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What becomes of a request: it goes through, it and its answer are lost, or its answer alone; it is held before, or its answer is. */
type Fate = 'through' | 'lost' | 'answer lost' | 'held' | 'answer held';

/** What is in front of a server, and loses what it is told to. */
export class Between {
  readonly #server: Server;
  /** The port behind it. */
  to: number;
  fateOf: (asked: IncomingMessage) => Fate = () => 'through';
  /** Told when something is held. */
  onHeld: () => void = () => undefined;

  constructor(to: number) {
    this.to = to;
    this.#server = createServer((asked, answer) => {
      const fate = this.fateOf(asked);
      if (fate === 'lost') {
        asked.socket.destroy();
        return;
      }
      if (fate === 'held') {
        asked.resume();
        this.onHeld();
        return;
      }
      const { method = '', url = '', headers } = asked;
      const on = request({ host: '127.0.0.1', port: this.to, method, path: url, headers });
      on.on('error', () => asked.socket.destroy());
      on.once('response', (given: IncomingMessage) => {
        if (fate === 'through') {
          answer.writeHead(given.statusCode ?? 0, given.headers);
          given.on('error', () => answer.destroy());
          given.pipe(answer);
          return;
        }
        given.resume().once('end', () => {
          if (fate === 'answer lost') asked.socket.destroy();
          else this.onHeld();
        });
      });
      if (fate === 'through') answer.once('close', () => on.destroy());
      asked.pipe(on);
    });
  }

  listen(): Promise<void> {
    return new Promise((resolve) => void this.#server.listen(0, '127.0.0.1', resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Breaks off what is under way. */
  cut(): void {
    this.#server.closeAllConnections();
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
