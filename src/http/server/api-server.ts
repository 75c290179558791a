import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createDispatch, type Dispatching } from './dispatch.ts';
import { nodeExchange } from './node-exchange.ts';

/** Serves the API. */
export class ApiServer {
  readonly #server: Server;

  constructor(parts: Dispatching) {
    const dispatch = createDispatch(parts);
    this.#server = createServer((request, response) => {
      const address = request.socket.remoteAddress ?? '';
      void dispatch(nodeExchange(request, response, address));
    });
  }

  /** @returns its port. */
  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        resolve((this.#server.address() as AddressInfo).port);
      });
    });
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeIdleConnections();
    });
  }
}
