import { createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { SERVER } from './stores.ts';

/** A peer that speaks the protocol of a server as far as a test wants. */
export interface FakeServer {
  readonly address: typeof SERVER;
  /** Connections that are open. */
  readonly open: () => number;
  /** Everything that was said to it. */
  readonly heard: () => Buffer;
}

/** @param answer told the number of each thing that is said to it, the login being the first. */
export async function startFakeServer(
  greeting: Buffer | null,
  answer: (socket: Socket, said: number, bytes: Buffer) => void = () => undefined,
): Promise<FakeServer> {
  const sockets = new Set<Socket>();
  const heard: Buffer[] = [];
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined);
    if (greeting !== null) socket.write(greeting);
    let said = 0;
    socket.on('data', (bytes: Buffer) => {
      heard.push(bytes);
      answer(socket, ++said, bytes);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const listening = server.address();
  const port = typeof listening === 'object' && listening !== null ? listening.port : 0;
  return {
    address: { ...SERVER, host: '127.0.0.1', port, socket: null, sslMode: 'DISABLED' },
    open: () => sockets.size,
    heard: () => Buffer.concat(heard),
  };
}

/** Bytes with the header of a packet before them. */
export function packet(sequence: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(4);
  header.writeUIntLE(payload.length, 0, 3);
  header[3] = sequence;
  return Buffer.concat([header, payload]);
}

export const SCRAMBLE = '12345678901234567890';

/** What a server says first: of MySQL 8.0, with the login of this plugin. */
export function greeting({
  plugin = 'mysql_native_password',
  offersTls = false,
}: { plugin?: string; offersTls?: boolean } = {}): Buffer {
  return packet(
    0,
    Buffer.concat([
      Buffer.from('\n8.0.0\0', 'latin1'),
      Buffer.from([7, 0, 0, 0]),
      Buffer.from(`${SCRAMBLE.slice(0, 8)}\0`, 'latin1'),
      // The protocol of 4.1 and plugins of its logins.
      Buffer.from([0x00, offersTls ? 0xaa : 0xa2, 0x21, 0x02, 0x00, 0x08, 0x00, 21]),
      Buffer.alloc(10),
      Buffer.from(`${SCRAMBLE.slice(8)}\0${plugin}\0`, 'latin1'),
    ]),
  );
}

const DONE = Buffer.from([0, 0, 0, 2, 0, 0, 0]);
/** The login, or a statement, is done. */
export const WELCOME = packet(2, DONE);
export const OK = packet(1, DONE);

/** An error of the server. */
export function refusal(sequence: number, errno: number, text: string): Buffer {
  const number = Buffer.from([0xff, errno & 0xff, errno >> 8]);
  return packet(sequence, Buffer.concat([number, Buffer.from(`#42000${text}`, 'latin1')]));
}

/** "Log in by that plugin instead." */
export function authSwitch(sequence: number, plugin: string, scramble = SCRAMBLE): Buffer {
  return packet(sequence, Buffer.from(`\xfe${plugin}\0${scramble}\0`, 'latin1'));
}

/** What a plugin's server side has to say in the middle of a login. */
export function authMore(sequence: number, data: Buffer): Buffer {
  return packet(sequence, Buffer.concat([Buffer.from([1]), data]));
}
