import { createPublicKey, X509Certificate, type KeyObject } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { createConnection, type Connection, type ConnectionOptions } from 'mysql2';
import type { ServerAddress } from '../../../core/environments/environment.ts';
import { AppError } from '../../../core/errors.ts';
import { AnswerTooLarge, codeOf, Malformed, nameMariadbError, noteLogin } from './server-errors.ts';
import { loginPlugins, TlsSkipped, type LoginChannel } from './login-plugins.ts';
import { DirectReads } from './direct-reads.ts';
import { SilenceWatch } from '../log/silence-watch.ts';
import { readSmallFile, UnusableFile } from './small-file.ts';

/**
 * The default database of our connections: everybody may use it, nothing of ours asks for a table without
 * naming its schema, and a server that counts statements counts ours apart.
 */
export const OWN_DATABASE = 'information_schema';

const LOGIN_LIMIT_MS = 10_000;
/** What a server says until it lets us in is some hundred bytes, and a certificate. */
const MOST_LOGIN_BYTES = 1024 * 1024;
const LOOK_AT_LOGIN_MS = 50;
const KEEP_ALIVE_AFTER_MS = 30_000;

/** What we use of the driver's inside, whose version is pinned; its published types leave it out. */
export interface DriverInternals {
  /** The socket, or the TLS layer over it, which knows why it did not trust the server. */
  readonly stream: Duplex & { readonly authorizationError?: string | null };
  /** The number that the next packet has to have. */
  sequenceId: number;
  handlePacket: (packet?: { readonly sequenceId: number; isError(): boolean }) => void;
}

export interface LoggedIn {
  readonly connection: Connection;
  readonly socket: Socket;
  readonly id: number;
  readonly isMariadb: boolean;
  /** null where the bytes come as the stream's `data`. */
  readonly reads: DirectReads | null;
}

/**
 * Ends a connection for good: the driver's own `destroy` says good-bye to the socket's other end and
 * waits for it to do the same, and a server that is in the middle of an answer does not (seen: it held
 * its locks for the hour of net_write_timeout).
 */
export function drop(connection: Connection, socket: Socket): void {
  connection.destroy();
  (connection as unknown as DriverInternals).stream.destroy();
  socket.destroy();
}

export function closed(): Error {
  return Object.assign(new Error('the connection is closed'), { code: 'PROTOCOL_CONNECTION_LOST' });
}

export async function readAuthority(path: string): Promise<string> {
  const what = `The file of certificate authorities ${path}`;
  const text = (await readNamedFile(path, what)).toString('utf8');
  try {
    // Node takes a file without a certificate for an empty list and then blames the server's.
    if (new X509Certificate(text).raw.length === 0) throw new Error('it is empty');
  } catch (error) {
    throw new AppError('invalid', `${what} holds no certificate`, {
      hint: 'It must be PEM: -----BEGIN CERTIFICATE-----.',
      cause: error,
    });
  }
  return text;
}

export async function readServerKey(path: string): Promise<KeyObject> {
  const what = `The file of the server's public key ${path}`;
  const text = await readNamedFile(path, what);
  let key: KeyObject;
  try {
    key = createPublicKey(text);
  } catch (error) {
    throw new AppError('invalid', `${what} holds no key`, { hint: SERVER_KEY_HINT, cause: error });
  }
  if (key.asymmetricKeyType === 'rsa') return key;
  throw new AppError('invalid', `${what} holds a key that is not RSA`, { hint: SERVER_KEY_HINT });
}

async function readNamedFile(path: string, what: string): Promise<Buffer> {
  try {
    return await readSmallFile(path);
  } catch (error) {
    if (!(error instanceof UnusableFile)) throw error;
    throw new AppError('invalid', `${what} ${error.message}`, { cause: error });
  }
}

const SERVER_KEY_HINT =
  "It must be PEM: -----BEGIN PUBLIC KEY-----, as public_key.pem in the server's data folder, or from SHOW STATUS LIKE '%rsa_public_key'.";

export type TlsOptions = Exclude<NonNullable<ConnectionOptions['ssl']>, string>;

export function tlsOptions(address: ServerAddress, ca: string | null): TlsOptions {
  const verified = address.sslMode === 'VERIFY_CA' || address.sslMode === 'VERIFY_IDENTITY';
  return {
    rejectUnauthorized: verified,
    verifyIdentity: address.sslMode === 'VERIFY_IDENTITY',
    ...(ca === null ? {} : { ca }),
  };
}

/** The caller could not note the connection's id; `cause` is what it threw. */
export class Unannounced extends Error {
  constructor(cause: unknown) {
    super('the connection was not announced', { cause });
  }
}

/**
 * What a connection says of itself at its login. `ours`: for what the program itself asks. `replayed`: as any
 * client's, so that what is replayed means what it did: of no default database, with the server's own sql_mode,
 * counting the rows that are changed and not those that are found, and taking several results of an execute.
 */
type SessionKind = 'ours' | 'replayed';

// The reader speaks COM_QUERY in its plain form, and no server may ask us for a file.
const NOT_WANTED = ['-CLIENT_QUERY_ATTRIBUTES', '-SESSION_TRACK', '-LOCAL_FILES'];
const FLAGS: Readonly<Record<SessionKind, readonly string[]>> = {
  ours: NOT_WANTED,
  replayed: [
    ...NOT_WANTED,
    '-CONNECT_WITH_DB',
    '-FOUND_ROWS',
    '-IGNORE_SPACE',
    '-ODBC',
    'PS_MULTI_RESULTS',
  ],
};

export interface LoginRequest {
  readonly address: ServerAddress;
  readonly password: string | null;
  /** null to ask for no TLS. */
  readonly ssl: TlsOptions | null;
  readonly serverKey: KeyObject | null;
  readonly kind: SessionKind;
  readonly onId: (id: number) => void;
  readonly signal: AbortSignal | null;
}

/** @param adopt called in the very event that says that we are logged in. */
export function login<T>(
  { address, password, ssl, serverKey, kind, onId, signal }: LoginRequest,
  adopt: (loggedIn: LoggedIn) => T,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let isMariadb = false;
    let offersTls = false;
    const reads =
      kind === 'replayed' && ssl === null && DirectReads.arePossible ? new DirectReads() : null;
    const socket = openSocket(address, reads);
    const channel = (): LoginChannel => {
      if (ssl !== null) return isSecured(internals.stream, ssl) ? 'tls' : 'pending';
      return address.socket === null ? 'plain' : 'socket';
    };
    const connection = createConnection({
      host: address.host,
      port: address.port,
      user: address.user,
      ...(password === null ? {} : { password }),
      ...(kind === 'ours' ? { database: address.database ?? OWN_DATABASE } : {}),
      ...(ssl === null ? {} : { ssl }),
      stream: () => socket,
      authPlugins: loginPlugins({ password: password ?? '', channel, serverKey }),
      charset: 'utf8mb4',
      // Ours counts the whole of the login, and not the time that this process slept.
      connectTimeout: 0,
      flags: FLAGS[kind],
      disableEval: true,
      // Nothing of ours uses the driver's prepared statements: room for 16,000 of them is half a megabyte, and
      // making it was half of the CPU of a login.
      maxPreparedStatements: 1,
    } as ConnectionOptions);
    const internals = connection as unknown as DriverInternals;
    keepOrder(connection, internals);
    const watch = new SilenceWatch(LOGIN_LIMIT_MS, () => failed(timedOut()));
    const size = setInterval(() => {
      if (socket.bytesRead > MOST_LOGIN_BYTES) failed(new AnswerTooLarge());
    }, LOOK_AT_LOGIN_MS);
    const aborted = (): void => failed(closed());
    const settle = (): void => {
      watch.stop();
      clearInterval(size);
      signal?.removeEventListener('abort', aborted);
    };
    const failed = (error: Error): void => {
      // The driver puts one code of its own in the place of every TLS error's. Only then: where the
      // certificate is not verified, what is wrong with it is noted all the same, and is not why a
      // login failed.
      const { authorizationError } = internals.stream;
      const isTls = codeOf(error) === 'HANDSHAKE_SSL_ERROR';
      settle();
      drop(connection, socket);
      if (isMariadb) nameMariadbError(error);
      noteLogin(error, { offersTls, hasServerKey: serverKey !== null });
      reject(
        isTls && authorizationError != null
          ? Object.assign(error, { code: authorizationError })
          : error,
      );
    };
    // Taken off by nobody but who listens from then on: what a connection that is dropped has to say must
    // not end the process.
    connection.on('error', failed);
    connection.once('connect', () => {
      if (channel() === 'pending') {
        failed(new TlsSkipped());
        return;
      }
      settle();
      resolve(adopt({ connection, socket, id: connection.threadId, isMariadb, reads }));
      connection.off('error', failed);
    });
    // The driver answers when this is over: the id is known before anything is said.
    socket.prependOnceListener('data', (packet: Buffer) => {
      const greeting = parseGreeting(packet);
      if (greeting === null) return;
      isMariadb = /mariadb/i.test(greeting.version);
      offersTls = greeting.offersTls;
      try {
        onId(greeting.id);
      } catch (error) {
        // Thrown in a socket's event it would end the process.
        failed(new Unannounced(error));
      }
    });
    signal?.addEventListener('abort', aborted);
    if (signal?.aborted === true) aborted();
  });
}

/** Whether the driver's stream is TLS that is up and, where that was asked for, with a server we trust. */
function isSecured(stream: Duplex, ssl: TlsOptions): boolean {
  if (!(stream instanceof TLSSocket)) return false;
  return ssl.rejectUnauthorized === true ? stream.authorized : stream.getFinished() !== undefined;
}

/**
 * The driver prints that packets came out of order and takes them for the answer; for us they end the
 * connection. What the server says when it ends the connection by itself may come at any time.
 */
function keepOrder(connection: Connection, internals: DriverInternals): void {
  const handle = internals.handlePacket.bind(connection);
  internals.handlePacket = (packet) => {
    if (packet !== undefined && packet.sequenceId !== internals.sequenceId) {
      if (!packet.isError()) {
        connection.emit('error', new Malformed('packets out of order'));
        return;
      }
      internals.sequenceId = packet.sequenceId;
    }
    handle(packet);
  };
}

function timedOut(): Error {
  return Object.assign(new Error('the login takes too long'), { code: 'ETIMEDOUT' });
}

function openSocket(address: ServerAddress, reads: DirectReads | null): Socket {
  const { host, port, socket: path } = address;
  const onread = reads === null ? {} : reads.optionsFor(() => socket);
  const socket: Socket =
    path === null
      ? connect({
          host,
          port,
          noDelay: true,
          keepAlive: true,
          keepAliveInitialDelay: KEEP_ALIVE_AFTER_MS,
          ...onread,
        })
      : connect({ path, ...onread });
  // The driver names no host to the TLS layer when it is an address, and Node then checks the
  // certificate for "localhost", unless the socket knows better (lib/_tls_wrap.js).
  return Object.assign(socket, { _host: address.host });
}

const PROTOCOL_VERSION = 10;

interface Greeting {
  readonly id: number;
  readonly version: string;
  readonly offersTls: boolean;
}

const CLIENT_SSL = 0x800;

/**
 * What the server says first: after the packet header a protocol version, the server's version ended
 * by a zero byte, the connection's id in four bytes, least significant first, nine bytes of a scramble
 * and the lower half of its capabilities
 * (https://mariadb.com/kb/en/connection/#initial-handshake-packet).
 */
function parseGreeting(packet: Buffer): Greeting | null {
  if (packet[4] !== PROTOCOL_VERSION) return null;
  const end = packet.indexOf(0, 5);
  if (end === -1 || end + 5 > packet.length) return null;
  const capabilities = end + 16 > packet.length ? 0 : packet.readUInt16LE(end + 14);
  return {
    id: packet.readUInt32LE(end + 1),
    version: packet.toString('latin1', 5, end),
    offersTls: (capabilities & CLIENT_SSL) !== 0,
  };
}
