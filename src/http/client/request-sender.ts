import { Agent, request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';
import { getCACertificates } from 'node:tls';
import type { ServerFailures } from './server-failures.ts';

/** A request, ready to be sent. */
export interface Outgoing {
  readonly method: string;
  readonly url: URL;
  /** And query, as it is sent: a URL would take a name like `..` for a step. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON; null for none. */
  readonly body: string | null;
  /** Bytes in place of it; null for none. */
  readonly upload: AsyncIterable<Uint8Array> | null;
  /** Milliseconds until the head of an answer must have come; null for no limit. */
  readonly patience: number | null;
}

/** What a user's environment says of a proxy, in the forms that `curl` reads. */
export interface HttpsProxy {
  /** `http://proxy.example.com:3128`. */
  readonly url: string;
  /** Hosts and domains, with commas between them. */
  readonly notFor: string;
}

/** Sends requests. Sockets are kept for the next one until `close`, which ends those that are open. */
export class RequestSender {
  readonly #agent: Agent;
  readonly #isTls: boolean;
  readonly #failures: ServerFailures;
  readonly #closing = new AbortController();

  /**
   * @param ca certificates to trust besides the usual ones, as PEM; null for none.
   * @param proxy the proxy for https and whom it is not for; null for none. Node before 22.21 and 24.5 knows of none.
   */
  constructor(url: URL, ca: string | null, proxy: HttpsProxy | null, failures: ServerFailures) {
    this.#failures = failures;
    this.#isTls = url.protocol === 'https:';
    const options = { keepAlive: true, maxSockets: 8 };
    this.#agent = this.#isTls
      ? new TlsAgent({
          ...options,
          // `default` has those of NODE_EXTRA_CA_CERTS and of the system where Node is told to use them.
          ...(ca === null ? {} : { ca: [...getCACertificates('default'), ca] }),
          ...(proxy === null
            ? {}
            : { proxyEnv: { HTTPS_PROXY: proxy.url, NO_PROXY: proxy.notFor } }),
        })
      : new Agent(options);
  }

  /**
   * @returns the answer, of whatever status, once its head is there.
   * @throws AppError `remote_failed` where there is none; the signal's reason when it is aborted.
   */
  async send(outgoing: Outgoing, signal: AbortSignal): Promise<IncomingMessage> {
    const ended = AbortSignal.any([signal, this.#closing.signal]);
    ended.throwIfAborted();
    const { method, url, path, headers, body, upload, patience } = outgoing;
    const send = this.#isTls ? tlsRequest : httpRequest;
    const request = send(url, { method, path, agent: this.#agent, headers });
    // Not by the request's own `signal`. Where all of an answer has come, and not all of it was read, Node takes its
    // listener from the socket before that says why it was destroyed.
    const abort = (): void => {
      request.socket?.on('error', () => undefined);
      request.destroy(ended.reason as Error);
    };
    ended.addEventListener('abort', abort, { once: true });
    request.once('close', () => ended.removeEventListener('abort', abort));
    const silence =
      patience === null
        ? null
        : setTimeout(() => request.destroy(this.#failures.silent(patience)), patience);
    try {
      return await new Promise<IncomingMessage>((resolve, reject) => {
        // Once it is settled, later errors of the socket are those of who reads the answer.
        request.on('error', reject);
        request.once('response', (response: IncomingMessage) => {
          response.once('end', () => ended.removeEventListener('abort', abort));
          resolve(response);
        });
        if (upload === null) request.end(body ?? undefined);
        else void pump(upload, request);
      });
    } catch (error) {
      if (error instanceof UploadFailure) throw error.cause;
      throw ended.aborted ? ended.reason : this.#failures.unreachable(error);
    } finally {
      if (silence !== null) clearTimeout(silence);
    }
  }

  close(): void {
    this.#closing.abort(new Error('The connection to the server is closed'));
    this.#agent.destroy();
  }
}

/** What was to be sent could not be read; the cause is what its reader is told. */
export class UploadFailure extends Error {
  constructor(cause: unknown) {
    super('What was to be sent could not be read', { cause });
  }
}

/** Sends bytes as fast as they are taken, until there are no more or an answer has come. */
async function pump(upload: AsyncIterable<Uint8Array>, request: ClientRequest): Promise<void> {
  const answers: IncomingMessage[] = [];
  request.once('response', (response: IncomingMessage) => answers.push(response));
  try {
    for await (const chunk of upload) {
      // A refusal does not wait for the rest, and need not have it.
      if (request.destroyed || answers.some(({ statusCode }) => statusCode !== 200)) break;
      if (!request.write(chunk)) await roomIn(request);
    }
    request.end();
  } catch (error) {
    const failure = new UploadFailure(error);
    for (const answer of answers) answer.destroy(failure);
    request.destroy(failure);
  }
}

function roomIn(request: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      for (const event of ['drain', 'close', 'response']) request.off(event, go);
      resolve();
    };
    for (const event of ['drain', 'close', 'response']) request.once(event, go);
  });
}
