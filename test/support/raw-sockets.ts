import { connect, type Socket } from 'node:net';

/** Sends bytes to a server as they are, and reads until it closes the connection. */
export function sendRaw(url: string, ...pieces: (string | Uint8Array)[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = openSocket(url);
    let text = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => (text += chunk));
    socket.on('close', () => resolve(text));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // What the server had to say came before.
      if (text === '' || !['ECONNRESET', 'EPIPE'].includes(error.code ?? '')) reject(error);
    });
    for (const piece of pieces) socket.write(piece);
  });
}

export function openSocket(url: string): Socket {
  return connect(Number(new URL(url).port), '127.0.0.1');
}

/** null where the server said nothing that is HTTP. */
export function statusOf(answer: string): number | null {
  const status = /^HTTP\/1\.1 (\d+)/.exec(answer)?.[1];
  return status === undefined ? null : Number(status);
}

/** What is JSON behind the head. */
export function bodyOf(answer: string): unknown {
  return JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4));
}
