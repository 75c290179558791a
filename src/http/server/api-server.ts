import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerOptions as HttpOptions,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { systemClock } from '../../core/clock.ts';
import { networkOf } from '../../core/users/address-gate.ts';
import {
  API_VERSION,
  API_VERSION_HEADER,
  TIME_HEADER,
  VERSION_HEADER,
} from '../contract/failure-form.ts';
import type { Certificate } from './certificate.ts';
import { clientAddress, type ProxyHeader } from './client-address.ts';
import { createDispatch, type Dispatching } from './dispatch.ts';
import { refusePlainHttp } from './encrypted-only.ts';
import { nodeExchange, type ReaderLimits } from './node-exchange.ts';
import type { PageServer } from './page-server.ts';
import { Refusal, serverEnds } from './refusal.ts';
import { answerRaw, refuseUnreadable } from './raw-answers.ts';

export interface ServerOptions extends Dispatching {
  /** Of the program; null where it is not said. */
  readonly version?: string;
  /** Absent: without TLS. */
  readonly certificate?: Certificate;
  /** In which header a proxy says who the clients are: see `clientAddress`. Absent, null: there is no proxy. */
  readonly proxyHeader?: ProxyHeader | null;
  /** Absent: there is no page at `/`. */
  readonly page?: PageServer;
  /** A request on one more is refused. */
  readonly mostConnections?: number;
  /** The same for those of one network, where no proxy stands in front of them. */
  readonly mostConnectionsOfOne?: number;
  /** A request's head has to have come by then. Absent: in ten seconds. */
  readonly headersMs?: number;
  /** How slowly answers may be taken. */
  readonly readers?: ReaderLimits;
}

const HEADERS_MS = 10_000;
const LARGEST_HEADERS_BYTES = 16_384;
/** A connection without a request is closed then; proxies keep theirs for less. */
const IDLE_MS = 75_000;
const MOST_CONNECTIONS = 1_000;
const MOST_CONNECTIONS_OF_ONE = 200;
/** Nothing more is read from a connection on which more requests wait for those before them. */
const MOST_PIPELINED = 64;
/** Of the body of a request that is answered already, so much longer is read. */
const LINGER_MS = 2_000;

/** Serves the API. */
export class ApiServer {
  readonly #options: ServerOptions;
  readonly #server: Server | TlsServer;
  readonly #dispatch: ReturnType<typeof createDispatch>;
  readonly #ending = new AbortController();
  /** How many connections each network has, those in the middle of their TLS handshake among them. */
  readonly #networks = new Map<string, number>();
  /** All connections, those in the middle of their TLS handshake among them. */
  readonly #sockets = new Set<Socket>();
  /** Those on which requests come, with the answers of each that are not over, and what makes them in their turn. */
  readonly #connections = new Map<Socket, Map<ServerResponse, () => void>>();

  /** Those from which nothing is read now. */
  readonly #paused = new WeakSet<Socket>();

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#dispatch = createDispatch(options);
    const { certificate, headersMs = HEADERS_MS } = options;
    const limits = {
      headersTimeout: headersMs,
      // Bodies have limits of their own: an upload may take hours.
      requestTimeout: 0,
      connectionsCheckingInterval: Math.min(1_000, headersMs),
      keepAliveTimeout: IDLE_MS,
      maxHeaderSize: LARGEST_HEADERS_BYTES,
      // Answered in our words.
      requireHostHeader: false,
      noDelay: true,
      keepAlive: true,
    };
    this.#server =
      certificate === undefined ? createServer(limits) : this.#encrypted(limits, certificate);
    const connected = certificate === undefined ? 'connection' : 'secureConnection';
    this.#server.on('connection', (socket: Socket) => this.#countNetwork(socket));
    this.#server.on(connected, (socket: Socket) => this.#connect(socket));
    this.#server.on('request', this.#answer(false));
    this.#server.on('checkContinue', this.#answer(true));
    this.#server.on('checkExpectation', this.#answer(false, unknownExpectation()));
    this.#server.on('connect', (_request, socket: Socket) =>
      answerRaw(socket, 405, 'This is no proxy'),
    );
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) =>
      refuseUnreadable(error, socket, this.#isAnswering(socket)),
    );
    // Those whose TLS handshake is not over are among these.
    this.#server.maxConnections = 2 * (options.mostConnections ?? MOST_CONNECTIONS);
  }

  /** @returns its port. @throws the system's error where it cannot. */
  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject);
        resolve((this.#server.address() as AddressInfo).port);
      });
    });
  }

  /** Connections from now on use another certificate. */
  renew(certificate: Certificate): void {
    if ('setSecureContext' in this.#server) this.#server.setSecureContext(certificate);
  }

  /**
   * Accepts nothing more, ends streams that would go on, and closes the connections as their requests are answered.
   * @param patience milliseconds; those that are not by then are broken off.
   */
  async close(patience = 0): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#ending.abort(serverEnds());
    for (const [socket, { size }] of this.#connections) if (size === 0) socket.destroy();
    const breakOff = setTimeout(() => {
      this.#server.closeAllConnections();
      // Node's server does not know of those in the middle of their TLS handshake.
      for (const socket of this.#sockets) socket.destroy();
    }, patience);
    await closed;
    clearTimeout(breakOff);
  }

  #connect(socket: Socket): void {
    const answers = new Map<ServerResponse, () => void>();
    this.#connections.set(socket, answers);
    socket.once('close', () => {
      this.#connections.delete(socket);
      // Node tells it only the one whose turn it was; those behind it would wait for ever, with all that they hold.
      for (const answer of answers.keys()) if (answer.socket === null) answer.emit('close');
    });
  }

  #encrypted(limits: HttpOptions, certificate: Certificate): TlsServer {
    const { headersMs = HEADERS_MS } = this.#options;
    // A half for the first byte, a half for the handshake.
    const server = createTlsServer({
      ...limits,
      ...certificate,
      handshakeTimeout: headersMs / 2,
    });
    refusePlainHttp(server, headersMs / 2, this.#ending.signal);
    return server;
  }

  get #mostOfOne(): number {
    const { proxyHeader = null, mostConnectionsOfOne = MOST_CONNECTIONS_OF_ONE } = this.#options;
    return proxyHeader === null ? mostConnectionsOfOne : Infinity;
  }

  /** Those beyond a network's share are answered that; those beyond twice as many are closed. */
  #countNetwork(socket: Socket): void {
    this.#sockets.add(socket);
    const network = networkOf(socket.remoteAddress ?? '');
    const open = (this.#networks.get(network) ?? 0) + 1;
    this.#networks.set(network, open);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      const left = (this.#networks.get(network) ?? 1) - 1;
      if (left === 0) this.#networks.delete(network);
      else this.#networks.set(network, left);
    });
    if (open > 2 * this.#mostOfOne) socket.destroy();
  }

  #answer(waitsToSend: boolean, refused: Refusal | null = null) {
    return (request: IncomingMessage, response: ServerResponse): void => {
      const { socket } = request;
      const answers = this.#connections.get(socket);
      const begin = (): void => this.#begin(request, response, waitsToSend, refused);
      answers?.set(response, begin);
      response.once('close', () => this.#over(request, response));
      const { size = 1 } = answers ?? {};
      if (size === 1) begin();
      else if (size > MOST_PIPELINED) this.#pause(socket);
    };
  }

  #pause(socket: Socket): void {
    this.#paused.add(socket);
    socket.pause();
  }

  #begin(
    request: IncomingMessage,
    response: ServerResponse,
    waitsToSend: boolean,
    refused: Refusal | null,
  ): void {
    response.setHeader(API_VERSION_HEADER, String(API_VERSION));
    response.setHeader(VERSION_HEADER, this.#options.version ?? '');
    response.setHeader(TIME_HEADER, String(systemClock.now()));
    response.setHeader('x-content-type-options', 'nosniff');
    response.setHeader('cache-control', 'no-store');
    const refusal = refused ?? this.#refusalOf(request);
    if (refusal !== null || this.#ending.signal.aborted) response.shouldKeepAlive = false;
    const address = clientAddress(
      request.socket.remoteAddress ?? '',
      request.headers,
      this.#options.proxyHeader ?? null,
    );
    const ending = this.#ending.signal;
    const { readers, page, limits } = this.#options;
    const exchange = nodeExchange(request, response, {
      ...{ address, ending, waitsToSend, refusal },
      ...(readers === undefined ? {} : { readers }),
    });
    const shown = refusal === null ? page?.(exchange, limits?.strangers) : null;
    void (shown ?? this.#dispatch(exchange));
  }

  /** What is refused whatever it asks for. */
  #refusalOf({ headers, httpVersion, socket }: IncomingMessage): Refusal | null {
    if (this.#ending.signal.aborted) return serverEnds();
    if ((this.#networks.get(networkOf(socket.remoteAddress ?? '')) ?? 0) > this.#mostOfOne) {
      return new Refusal(429, 'Too many connections from your address: close some', {
        'retry-after': '10',
      });
    }
    if (this.#connections.size > (this.#options.mostConnections ?? MOST_CONNECTIONS)) {
      return new Refusal(503, 'Too many connections: try again later', { 'retry-after': '10' });
    }
    if (headers.host === undefined && httpVersion === '1.1') {
      return new Refusal(400, 'The request has no Host header');
    }
    return null;
  }

  /** Whether a word on it would get into the middle of an answer, or be taken for that to another request. */
  #isAnswering(socket: Socket): boolean {
    const answers = [...(this.#connections.get(socket)?.keys() ?? [])];
    return answers.length > 1 || answers.some(({ headersSent }) => headersSent);
  }

  /** Makes the next answer of a connection: made at once it would wait in memory for those before it. */
  #goOn(socket: Socket, answers: ReadonlyMap<ServerResponse, () => void> | undefined): void {
    if ((answers?.size ?? 0) <= MOST_PIPELINED && this.#paused.delete(socket)) socket.resume();
    const [begin] = answers?.values() ?? [];
    begin?.();
  }

  #over(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    const answers = this.#connections.get(socket);
    answers?.delete(response);
    if (!socket.destroyed) this.#goOn(socket, answers);
    if (this.#ending.signal.aborted && answers?.size === 0) socket.destroySoon();
    if (request.complete || socket.destroyed) return;
    // Closed at once, the system would throw the answer away with what was not read: it is read for a while.
    request.resume();
    const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref();
    request.once('close', () => clearTimeout(timer));
  }
}

function unknownExpectation(): Refusal {
  return new Refusal(417, 'Of what a request may expect, the server knows 100-continue alone');
}
