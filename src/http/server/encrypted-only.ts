import type { Socket } from 'node:net';
import type { Server } from 'node:tls';
import { NEEDS_TLS_HEADER } from '../contract/failure-form.ts';
import { answerRaw } from './raw-answers.ts';

const MESSAGE = 'This port speaks HTTPS: begin the URL with https://';

/**
 * Has a TLS server answer plain HTTP with a sentence, where it would close the connection. It looks at the first byte
 * of each connection: that of a request is a letter, that of a TLS handshake is none.
 * @param ms the first byte has to have come by then: the server's own limit begins with the handshake.
 * @param ending aborted: those that have sent nothing are closed.
 */
export function refusePlainHttp(server: Server, ms: number, ending: AbortSignal): void {
  const [shakeHands] = server.listeners('connection') as ((this: Server, socket: Socket) => void)[];
  if (shakeHands === undefined) throw new Error('A TLS server that takes no connections');
  server.off('connection', shakeHands);
  const silent = new Set<Socket>();
  ending.addEventListener('abort', () => {
    for (const socket of silent) socket.destroy();
  });
  server.on('connection', (socket: Socket) => {
    silent.add(socket);
    // Who goes before there is a handshake is nobody's error.
    socket.on('error', () => undefined);
    const tooLate = setTimeout(() => socket.destroy(), ms);
    const hear = (): void => {
      clearTimeout(tooLate);
      silent.delete(socket);
    };
    socket.once('close', hear);
    socket.once('readable', () => {
      hear();
      const first = socket.read() as Buffer | null;
      if (first === null) {
        socket.destroy();
      } else if (isLetter(first[0] ?? 0)) {
        answerRaw(socket, 400, MESSAGE, { [NEEDS_TLS_HEADER]: '1' });
      } else {
        socket.unshift(first);
        shakeHands.call(server, socket);
      }
    });
  });
}

function isLetter(byte: number): boolean {
  return /[a-z]/i.test(String.fromCharCode(byte));
}
