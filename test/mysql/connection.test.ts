import { createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { MysqlConnection } from '../../src/mysql/connection.ts';
import { GuardConnection } from '../../src/mysql/guard-connection.ts';
import { SERVER } from '../support/stores.ts';

/** What a peer says that is no server, or a server that has lost its mind. */
interface Peer {
  readonly address: typeof SERVER;
  /** Connections that are open. */
  readonly open: () => number;
}

/** @param answer told the number of each thing that is said to it, the login being the first. */
async function startPeer(
  greeting: Buffer | null,
  answer: (socket: Socket, said: number) => void = () => undefined,
): Promise<Peer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined);
    if (greeting !== null) socket.write(greeting);
    let said = 0;
    socket.on('data', () => answer(socket, ++said));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const listening = server.address();
  const port = typeof listening === 'object' && listening !== null ? listening.port : 0;
  return {
    address: { ...SERVER, host: '127.0.0.1', port, socket: null, sslMode: 'DISABLED' },
    open: () => sockets.size,
  };
}

function packet(sequence: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(4);
  header.writeUIntLE(payload.length, 0, 3);
  header[3] = sequence;
  return Buffer.concat([header, payload]);
}

const GREETING = packet(
  0,
  Buffer.concat([
    Buffer.from('\n8.0.0\0', 'latin1'),
    Buffer.from([7, 0, 0, 0]),
    Buffer.from('12345678\0', 'latin1'),
    // No TLS; the protocol of 4.1 and plugins of its logins.
    Buffer.from([0x00, 0xa2, 0x21, 0x02, 0x00, 0x08, 0x00, 21]),
    Buffer.alloc(10),
    Buffer.from('123456789012\0mysql_native_password\0', 'latin1'),
  ]),
);
const DONE = Buffer.from([0, 0, 0, 2, 0, 0, 0]);
const WELCOME = packet(2, DONE);
const OK = packet(1, DONE);
const END = Buffer.from([0xfe, 0, 0, 2, 0]);
/** One column, `a`, a text of utf8mb4. */
const COLUMNS = Buffer.concat([
  packet(1, Buffer.from([1])),
  packet(
    2,
    Buffer.concat([
      Buffer.from('\x03def\0\0\0\x01a\0\x0c', 'latin1'),
      Buffer.from([45, 0, 255, 255, 255, 0, 0xfc, 0, 0, 0, 0, 0]),
    ]),
  ),
  packet(3, END),
]);

/** Writes the same bytes for ever, as fast as they are taken. */
function pour(socket: Socket, bytes: Buffer): void {
  const write = (): void => {
    while (!socket.destroyed && socket.write(bytes));
  };
  socket.on('drain', write);
  write();
}

function login(socket: Socket, said: number): boolean {
  if (said === 1) socket.write(WELCOME);
  if (said === 2) socket.write(OK);
  return said > 2;
}

// Packets with numbers that follow one another, as the driver wants them.
const EMPTY_VALUES = Buffer.concat(
  Array.from({ length: 256 }, (_, index) => packet((index + 4) % 256, Buffer.from([0]))),
);
// The greatest packet there is says that more of the same value follows.
const VALUE = packet(4, Buffer.alloc(0xffffff, 0xfe));

test.each([
  ['endless rows of nothing', EMPTY_VALUES],
  ['a value without end', VALUE],
])('%s in answer to a statement end the connection', async (_what, rows) => {
  const peer = await startPeer(GREETING, (socket, said) => {
    if (!login(socket, said)) return;
    socket.write(COLUMNS);
    pour(socket, rows);
  });
  const connection = await MysqlConnection.open(peer.address, null);
  const message = `What answers at 127.0.0.1:${peer.address.port} sent far more than was asked for; the connection was dropped`;
  await expect(connection.rows('SELECT a')).rejects.toMatchObject({ message });
  expect(connection.isLost).toBe(true);
  // Of what is read past the driver, too.
  const guard = new GuardConnection(await MysqlConnection.open(peer.address, null));
  await expect(guard.rows('SELECT a')).rejects.toMatchObject({ message });
  expect(guard.isLost).toBe(true);
  await vi.waitUntil(() => peer.open() === 0);
});

test('a greeting without end, a refused first statement and one that is not answered leave no socket', async () => {
  const endless = await startPeer(packet(0, Buffer.alloc(0xffffff, 10)), (socket) =>
    pour(socket, VALUE),
  );
  const stuck = await startPeer(GREETING, login);
  const refuse = await startPeer(GREETING, (socket, said) => {
    if (said === 1) socket.write(WELCOME);
    else
      socket.write(
        packet(
          1,
          Buffer.from(
            "\xff\xca\x04#42000User 'max_updates' has exceeded the 'max_questions' resource (current value: 300)",
            'latin1',
          ),
        ),
      );
  });
  const late = async (): Promise<void> => {
    const connection = await MysqlConnection.open(stuck.address, null);
    await connection.rows('SELECT a', 2_000);
  };
  await Promise.all([
    expect(MysqlConnection.open(endless.address, null)).rejects.toMatchObject({
      message: `What answers at 127.0.0.1:${endless.address.port} sent far more than was asked for; the connection was dropped`,
    }),
    expect(late()).rejects.toMatchObject({
      message: `The server at 127.0.0.1:${stuck.address.port} did not answer for 2 s`,
    }),
    expect(MysqlConnection.open(refuse.address, null)).rejects.toMatchObject({
      message: `"recorder" has used up its MAX_QUERIES_PER_HOUR (300) on the server at 127.0.0.1:${refuse.address.port}`,
    }),
  ]);
  for (const { open } of [endless, stuck, refuse]) await vi.waitUntil(() => open() === 0);
});
