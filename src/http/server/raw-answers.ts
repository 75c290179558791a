import type { Socket } from 'node:net';
import { STATUS_CODES } from 'node:http';

/** What Node's parser says, and what it is. */
const KNOWN: Readonly<Record<string, readonly [status: number, message: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'The request line and headers are larger than 16 KiB'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'The chunk extensions are too large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request took too long to come'],
};

/** After an answer the other end has so long to take it. */
const LINGER_MS = 1_000;

/**
 * Answers what could not be read as a request.
 * @param isAnswering whether an answer is under way on that connection, which must not get words in its middle.
 */
export function refuseUnreadable(
  error: NodeJS.ErrnoException,
  socket: Socket,
  isAnswering: boolean,
): void {
  const isOver = error.code === 'ECONNRESET' || error.code === 'EPIPE' || !socket.writable;
  if (isOver || isAnswering) {
    socket.destroy();
    return;
  }
  const [status, message] = KNOWN[error.code ?? ''] ?? [400, 'This is not a valid HTTP request'];
  answerRaw(socket, status, message);
}

/** Answers on a connection that Node has no response for, and closes it. */
export function answerRaw(
  socket: Socket,
  status: number,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  const body = JSON.stringify({ code: status, message });
  socket.on('error', () => undefined);
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
      'content-type: application/json; charset=utf-8',
      `content-length: ${Buffer.byteLength(body)}`,
      'x-content-type-options: nosniff',
      'cache-control: no-store',
      ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
      'connection: close',
      '',
      body,
    ].join('\r\n'),
  );
  socket.resume();
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}
