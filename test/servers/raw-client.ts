import { once } from 'node:events';
import { createConnection } from 'node:net';
import type { DatabaseServer } from '../support/database-server.ts';

/** Commands of the protocol by their number (MariaDB's and MySQL's include/mysql_com.h, `my_command.h`). */
export const COMMAND = {
  sleep: 0,
  quit: 1,
  initDb: 2,
  query: 3,
  fieldList: 4,
  createDb: 5,
  dropDb: 6,
  refresh: 7,
  statistics: 9,
  processInfo: 10,
  connect: 11,
  processKill: 12,
  debug: 13,
  ping: 14,
  time: 15,
  delayedInsert: 16,
  changeUser: 17,
  binlogDump: 18,
  tableDump: 19,
  connectOut: 20,
  prepare: 22,
  execute: 23,
  longData: 24,
  close: 25,
  reset: 26,
  setOption: 27,
  fetch: 28,
  daemon: 29,
  binlogDumpGtid: 30,
  resetConnection: 31,
  bulkExecute: 250,
} as const;

/** One command as a client sends it: its number and what follows. */
export function command(number: number, ...parts: readonly (string | Buffer)[]): Buffer {
  return Buffer.concat([
    Buffer.from([number]),
    ...parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)),
  ]);
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}

const CAPABILITIES = {
  /** Not sent: to MariaDB it says that there are no capabilities of its own. */
  mysql: 1,
  connectWithDb: 8,
  protocol41: 0x200,
  transactions: 0x2000,
  secureConnection: 0x8000,
  multiStatements: 0x10000,
  multiResults: 0x20000,
  preparedMultiResults: 0x40000,
  pluginAuth: 0x80000,
};

/** MARIADB_CLIENT_STMT_BULK_OPERATIONS, of the capabilities beyond 32 bits. */
const MARIADB_BULK = 4;

/**
 * Logs in as root without a password, sends all of the commands at once and waits until the server has
 * done them, answered or not, and the connection is closed: what a driver would never send arrives, too.
 * @param how.isPolite false: the socket's end says that it is over, in the place of a Quit.
 */
export async function sendRaw(
  server: DatabaseServer,
  commands: readonly Buffer[],
  { isPolite = true }: { isPolite?: boolean } = {},
): Promise<void> {
  const socket = createConnection(server.socket);
  const [greeting] = (await once(socket, 'data')) as [Buffer];
  const plugin = pluginOf(greeting);
  const capabilities =
    (server.family === 'mysql' ? CAPABILITIES.mysql : 0) |
    CAPABILITIES.protocol41 |
    CAPABILITIES.transactions |
    CAPABILITIES.secureConnection |
    CAPABILITIES.multiStatements |
    CAPABILITIES.multiResults |
    CAPABILITIES.preparedMultiResults |
    CAPABILITIES.pluginAuth;
  const utf8mb4 = 45;
  const login = Buffer.concat([
    int32(capabilities),
    int32(0x40000000),
    Buffer.from([utf8mb4]),
    Buffer.alloc(19),
    server.family === 'mysql' ? int32(0) : int32(MARIADB_BULK),
    Buffer.from('root\0'),
    Buffer.from([0]),
    Buffer.from(`${plugin}\0`),
  ]);
  socket.write(packet(login, 1));
  // An OK, or a request for another plugin, which an empty answer satisfies.
  for (;;) {
    const [answer] = (await once(socket, 'data')) as [Buffer];
    if (answer[4] === 0) break;
    if (answer[4] !== 0xfe) throw new Error(`Login refused: ${answer.subarray(4).toString()}`);
    socket.write(packet(Buffer.alloc(0), (answer[3] ?? 0) + 1));
  }
  socket.on('error', () => undefined);
  socket.resume();
  const closed = once(socket, 'close');
  for (const one of commands) socket.write(packet(one, 0));
  if (isPolite) socket.write(packet(command(COMMAND.quit), 0));
  socket.end();
  await closed;
}

/** Packets of 16 MiB less a byte, as the protocol cuts them. */
function packet(payload: Buffer, sequence: number): Buffer {
  const most = 0xffffff;
  const parts: Buffer[] = [];
  for (let at = 0, number = sequence; ; number++) {
    const part = payload.subarray(at, at + most);
    const header = int32(part.length);
    header[3] = number & 0xff;
    parts.push(header, part);
    at += part.length;
    if (part.length < most) break;
  }
  return Buffer.concat(parts);
}

function pluginOf(greeting: Buffer): string {
  const end = greeting.lastIndexOf(0);
  const begin = greeting.lastIndexOf(0, end - 1);
  return greeting.subarray(begin + 1, end).toString();
}
