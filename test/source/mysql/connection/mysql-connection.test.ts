import type { Socket } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { MysqlConnection } from '../../../../src/source/mysql/connection/mysql-connection.ts';
import { GuardConnection } from '../../../../src/source/mysql/connection/guard-connection.ts';
import { SilenceWatch } from '../../../../src/source/mysql/log/silence-watch.ts';
import {
  greeting,
  OK,
  packet,
  refusal,
  startFakeServer,
  WELCOME,
} from '../../../support/fake-server.ts';
import { waitUntil } from '../../../support/waiting.ts';

const GREETING = greeting();
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
  const peer = await startFakeServer(GREETING, (socket, said) => {
    if (!login(socket, said)) return;
    socket.write(COLUMNS);
    pour(socket, rows);
  });
  const connection = await MysqlConnection.open(peer.address, null);
  const message = `What answers at 127.0.0.1:${peer.address.port} sent far more than requested; the connection was dropped`;
  await expect(connection.rows('SELECT a')).rejects.toMatchObject({ message });
  expect(connection.isLost).toBe(true);
  const lists = await Promise.all(
    Array.from({ length: 4 }, () => MysqlConnection.open(peer.address, null)),
  );
  for (const outcome of await Promise.allSettled(lists.map((one) => one.list('SELECT a')))) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { message } });
  }
  // Of what is read past the driver, too.
  const guard = new GuardConnection(await MysqlConnection.open(peer.address, null));
  await expect(guard.rows('SELECT a')).rejects.toMatchObject({ message });
  expect(guard.isLost).toBe(true);
  await waitUntil(() => peer.open() === 0);
});

test('a greeting without end, a refused first statement and one that is not answered leave no socket', async () => {
  const endless = await startFakeServer(packet(0, Buffer.alloc(0xffffff, 10)), (socket) =>
    pour(socket, VALUE),
  );
  const stuck = await startFakeServer(GREETING, login);
  const refuse = await startFakeServer(GREETING, (socket, said) => {
    if (said === 1) socket.write(WELCOME);
    else {
      const text =
        "User 'max_updates' has exceeded the 'max_questions' resource (current value: 300)";
      socket.write(refusal(1, 1226, text));
    }
  });
  const late = async (): Promise<void> => {
    const connection = await MysqlConnection.open(stuck.address, null);
    await connection.rows('SELECT a', 2_000);
  };
  await Promise.all([
    expect(MysqlConnection.open(endless.address, null)).rejects.toMatchObject({
      message: `What answers at 127.0.0.1:${endless.address.port} sent far more than requested; the connection was dropped`,
    }),
    expect(late()).rejects.toMatchObject({
      message: `The server at 127.0.0.1:${stuck.address.port} did not answer for 2 s`,
    }),
    expect(MysqlConnection.open(refuse.address, null)).rejects.toMatchObject({
      message: `"recorder" has used up its MAX_QUERIES_PER_HOUR (300) on the server at 127.0.0.1:${refuse.address.port}`,
    }),
  ]);
  for (const { open } of [endless, stuck, refuse]) await waitUntil(() => open() === 0);
});

const ok = packet(3, Buffer.from([0, 0, 0, 2, 0, 0, 0]));
const LOST = 'The connection to the server at PLACE was lost';
const STRANGE =
  'What answers at PLACE does not speak as a MySQL or MariaDB server does; the connection was dropped';

/** Whatever it is that a server says behind its welcome, or in answer to the first statement. */
test.each<[string, (socket: Socket, said: number) => unknown, string]>([
  [
    'an error right behind the welcome',
    (socket) => socket.write(Buffer.concat([WELCOME, refusal(0, 1053, 'shutting down')])),
    LOST,
  ],
  [
    'one more welcome right behind it',
    (socket) => socket.write(Buffer.concat([WELCOME, ok])),
    LOST,
  ],
  ['a hang-up behind the welcome', (socket) => void socket.end(WELCOME), LOST],
  [
    'a hang-up in answer to the first statement',
    (socket, said) => (said === 1 ? socket.write(WELCOME) : socket.end()),
    LOST,
  ],
  [
    'a refusal',
    (socket, said) => void socket.write(said === 1 ? WELCOME : refusal(1, 1064, 'no SET today')),
    'The server at PLACE answered: no SET today',
  ],
  [
    'a refusal that has the number of another packet',
    (socket, said) => void socket.write(said === 1 ? WELCOME : refusal(5, 1064, 'no SET today')),
    'The server at PLACE answered: no SET today',
  ],
  [
    'an answer that has the number of another packet',
    (socket, said) => void socket.write(said === 1 ? WELCOME : ok),
    STRANGE,
  ],
  [
    'an empty answer',
    (socket, said) => void socket.write(said === 1 ? WELCOME : packet(1, Buffer.alloc(0))),
    STRANGE,
  ],
  [
    'an error cut short',
    (socket, said) => void socket.write(said === 1 ? WELCOME : packet(1, Buffer.from([0xff]))),
    STRANGE,
  ],
  ['no packet of a login', (socket) => void socket.write(packet(2, Buffer.alloc(3, 5))), STRANGE],
])('%s is one sentence, and leaves no socket', async (_what, answer, message) => {
  const peer = await startFakeServer(GREETING, answer);
  await expect(MysqlConnection.open(peer.address, null)).rejects.toMatchObject({
    code: 'remote_failed',
    message: message.replace('PLACE', `127.0.0.1:${peer.address.port}`),
  });
  await waitUntil(() => peer.open() === 0);
});

afterEach(() => {
  vi.useRealTimers();
});

test('an answer that drips in has as little time as none at all', () => {
  vi.useFakeTimers();
  const ends: number[] = [];
  const watch = new SilenceWatch(10_000, () => ends.push(Date.now()));
  const begin = Date.now();
  const drip = setInterval(() => watch.heard(1), 3_000);
  vi.advanceTimersByTime(60_000);
  clearInterval(drip);
  expect(ends).toEqual([begin + 10_000]);
});

test('an answer that goes on has the time that it takes', () => {
  vi.useFakeTimers();
  const ends: number[] = [];
  const watch = new SilenceWatch(10_000, () => ends.push(Date.now()));
  const flow = setInterval(() => watch.heard(16 * 1024), 2_000);
  vi.advanceTimersByTime(600_000);
  clearInterval(flow);
  expect(ends).toEqual([]);
  watch.stop();
});
