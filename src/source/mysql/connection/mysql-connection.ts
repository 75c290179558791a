import { createPublicKey, X509Certificate, type KeyObject } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { createConnection, type Connection, type ConnectionOptions } from 'mysql2';
import type { ServerAddress } from '../../../core/environments/environment.ts';
import { AppError } from '../../../core/errors.ts';
import { CommandTally } from './command-tally.ts';
import {
  AnswerTooLarge,
  codeOf,
  endsConnection,
  isPlain,
  Malformed,
  nameMariadbError,
  NoAnswer,
  noteLogin,
  translateError,
} from './server-errors.ts';
import { loginPlugins, TlsSkipped, type LoginChannel } from './login-plugins.ts';
import { SilenceWatch } from '../log/silence-watch.ts';
import { readSmallFile, UnusableFile } from './small-file.ts';

/** A row as text: the server sends every value of a text-protocol result as such. */
export type Row = readonly (string | null)[];

const LOGIN_LIMIT_MS = 10_000;
/** What a server says until it lets us in is some hundred bytes, and a certificate. */
const MOST_LOGIN_BYTES = 1024 * 1024;
const LOOK_AT_LOGIN_MS = 50;
const KEEP_ALIVE_AFTER_MS = 30_000;

/** So long nothing may come while a statement is waited for; then its connection is lost. */
const STATEMENT_LIMIT_MS = 10_000;
/**
 * For statements that go through a whole table, or mend one, and say nothing until they are done. They
 * would begin anew on the next connection: what is given up too early never ends.
 */
export const WHOLE_TABLE_MS = 30 * 60_000;
/** For a DROP of a table that may be large: of some tens of gigabytes it takes seconds. */
export const DROP_MS = 60_000;

/**
 * What one answer may take: the longest that we ask for is a process list, which by this count reaches it
 * at some 90,000 connections. The log itself is read by `ResultStream`.
 */
export const MOST_ANSWER_BYTES = 64 * 1024 * 1024;
/** What a value takes here besides its bytes on the wire; of empty ones there would be no end. */
export const BYTES_A_VALUE = 64;

/** What we use of the driver's inside, whose version is pinned; its published types leave it out. */
interface DriverInternals {
  /** The socket, or the TLS layer over it, which knows why it did not trust the server. */
  readonly stream: Duplex & { readonly authorizationError?: string | null };
  /** The number that the next packet has to have. */
  sequenceId: number;
  handlePacket: (packet?: { readonly sequenceId: number; isError(): boolean }) => void;
}

interface LoggedIn {
  readonly connection: Connection;
  readonly socket: Socket;
  readonly id: number;
  readonly isMariadb: boolean;
}

/** A statement whose answer is waited for. */
interface Pending {
  bytes: number;
  readonly watch: SilenceWatch;
  readonly fail: (error: Error) => void;
}

/**
 * One connection to a MySQL-family server: text in, text out, every failure an AppError. Its session
 * is in UTC and has an sql_mode of its own, so that what we send means the same on every server.
 * Every statement ends: when nothing comes for as long as its limit, or far too much, the connection is
 * destroyed, which is all that can be done about a peer that stands still.
 */
export class MysqlConnection {
  /** The server's id of this connection. */
  readonly id: number;
  readonly #connection: Connection;
  readonly #socket: Socket;
  readonly #tally: CommandTally;
  readonly #isMariadb: boolean;
  readonly #signal: AbortSignal | null;
  readonly #pending = new Set<Pending>();
  readonly #onAbort = (): void => this.destroy();
  /** How to reach the server again: a server that offers no TLS is not asked twice. */
  readonly address: ServerAddress;
  #lost = false;
  #closing = false;

  private constructor(
    { connection, socket, id, isMariadb }: LoggedIn,
    address: ServerAddress,
    tally: CommandTally,
    signal: AbortSignal | null,
  ) {
    this.#connection = connection;
    this.#socket = socket;
    this.#signal = signal;
    this.#tally = tally;
    this.#isMariadb = isMariadb;
    this.id = id;
    this.address = address;
    connection.on('error', (error: Error) => this.destroy(error));
    connection.on('end', () => (this.#lost = true));
    signal?.addEventListener('abort', this.#onAbort);
    // Before the driver's own listener, which settles the statement that the bytes are for.
    this.#stream.prependListener('data', (chunk: Buffer) => this.#hear(chunk.length));
  }

  /**
   * Connects and logs in, with the TLS modes of the mysql client
   * (https://dev.mysql.com/doc/refman/8.4/en/connection-options.html#option_general_ssl-mode).
   * @param onId called with the connection's id before we log in, so before the server can log
   *   anything of this connection.
   * @param tally counts what is sent.
   * @param signal destroys the connection when it is aborted, also while it is being made.
   * @throws AppError `remote_failed`, within about 10 s when the server does not answer; what `onId`
   *   throws, with nothing said to the server. No socket is left then.
   */
  static async open(
    address: ServerAddress,
    password: string | null,
    onId: (id: number) => void = () => undefined,
    tally: CommandTally = new CommandTally(),
    signal: AbortSignal | null = null,
  ): Promise<MysqlConnection> {
    const ca = address.sslCa === null ? null : await readAuthority(address.sslCa);
    const serverKey =
      address.serverPublicKey === null ? null : await readServerKey(address.serverPublicKey);
    const preferred = address.sslMode === 'PREFERRED';
    const enter = (at: ServerAddress, ssl: TlsOptions | null): Promise<MysqlConnection> =>
      login(
        { address: at, password, ssl, serverKey, onId, signal },
        // At once: what the server says right behind its welcome has to find a listener.
        (loggedIn) => new MysqlConnection(loggedIn, at, tally, signal),
      );
    let connection: MysqlConnection;
    let reached = address;
    try {
      connection = await enter(address, isPlain(address) ? null : tlsOptions(address, ca));
    } catch (error) {
      if (error instanceof Unannounced) throw error.cause;
      if (!preferred || codeOf(error) !== 'HANDSHAKE_NO_SSL_SUPPORT') {
        throw translateError(error, address);
      }
      try {
        reached = { ...address, sslMode: 'DISABLED' };
        connection = await enter(reached, null);
      } catch (second) {
        if (second instanceof Unannounced) throw second.cause;
        throw translateError(second, reached);
      }
    }
    // No ANSI_QUOTES, no NO_BACKSLASH_ESCAPES, no strictness for rows copied between logs; and a table
    // of another engine than the one asked for is an error. With autocommit off, which can be the
    // server's default, a reader would hold its metadata lock and keep us from dropping what it read.
    try {
      await connection.run(
        "SET SESSION sql_mode = 'NO_ENGINE_SUBSTITUTION', time_zone = '+00:00', autocommit = 1, completion_type = NO_CHAIN",
      );
      return connection;
    } catch (error) {
      // An account whose hour's queries are used up may log in and say nothing.
      connection.destroy();
      throw error;
    }
  }

  get isLost(): boolean {
    return this.#lost;
  }

  /**
   * @param limitMs the connection is lost when nothing comes for so long; the same for all of these.
   * @throws AppError `remote_failed`, also for an answer of more than 64 MiB.
   */
  async rows(sql: string, limitMs = STATEMENT_LIMIT_MS): Promise<readonly Row[]> {
    const result = await this.#query(sql, limitMs);
    return Array.isArray(result) ? result : [];
  }

  /** The first row, or null when there is none. */
  async row(sql: string, limitMs = STATEMENT_LIMIT_MS): Promise<Row | null> {
    return (await this.rows(sql, limitMs))[0] ?? null;
  }

  /** The first value of the first row; null also when there is no row. */
  async value(sql: string, limitMs = STATEMENT_LIMIT_MS): Promise<string | null> {
    return (await this.row(sql, limitMs))?.[0] ?? null;
  }

  /** Runs a statement that returns no rows. @returns how many rows it changed. */
  async run(sql: string, limitMs = STATEMENT_LIMIT_MS): Promise<number> {
    const result = await this.#query(sql, limitMs);
    return 'affectedRows' in result ? result.affectedRows : 0;
  }

  /** Runs a statement that we can do without. @returns whether the server did it. */
  async attempt(sql: string): Promise<boolean> {
    try {
      await this.run(sql);
      return true;
    } catch (error) {
      if (this.#lost || !(error instanceof AppError)) throw error;
      return false;
    }
  }

  /**
   * The stream below the driver, for a reader of its own result sets. The driver sees nothing of it
   * any more: after this only `close` may be called.
   */
  takeStream(): Duplex {
    const stream = this.#stream;
    stream.removeAllListeners('data');
    return stream;
  }

  get #stream(): DriverInternals['stream'] {
    return (this.#connection as unknown as DriverInternals).stream;
  }

  /** Counts a statement before it is sent on the stream. @throws what keeps it from being sent. */
  countSent(sql: string): void {
    this.#tally.query(sql);
  }

  /** Says of one that was sent on the stream that it was not answered to its end. */
  countUnanswered(): void {
    this.#tally.unanswered();
  }

  /** The error of this connection in words for the user. */
  translate(error: unknown): AppError {
    if (this.#isMariadb) nameMariadbError(error);
    if (endsConnection(error)) this.#lost = true;
    return translateError(error, this.address);
  }

  /** Says good-bye to the server when it still listens; never throws. */
  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    if (!this.#lost) {
      if (this.#mayQuit() && !(await this.#quit())) this.#tally.unanswered();
    }
    this.destroy();
  }

  /** Drops the connection at once; statements that wait for their answer fail. */
  destroy(reason: Error = closed()): void {
    this.#closing = true;
    this.#lost = true;
    this.#signal?.removeEventListener('abort', this.#onAbort);
    drop(this.#connection, this.#socket);
    for (const { fail } of this.#pending) fail(reason);
  }

  /** Bytes came: of the answer to the statement that has waited longest. */
  #hear(bytes: number): void {
    const [first] = this.#pending;
    if (first !== undefined) this.#count(first, bytes);
    for (const { watch } of this.#pending) watch.heard(bytes);
  }

  #count(pending: Pending, bytes: number): void {
    pending.bytes += bytes;
    if (pending.bytes > MOST_ANSWER_BYTES && this.#pending.has(pending)) {
      this.destroy(new AnswerTooLarge());
    }
  }

  #mayQuit(): boolean {
    try {
      this.#tally.quit();
      return true;
    } catch {
      return false;
    }
  }

  /** @returns whether the server has received it: it closes the connection then. */
  #quit(): Promise<boolean> {
    return new Promise((resolve) => {
      // A server that does not answer the good-bye must not hold us.
      const timer = setTimeout(() => resolve(false), 1000);
      const stream = this.#stream;
      for (const [event, isAnswer] of [
        ['end', true],
        ['close', false],
      ] as const) {
        stream.once(event, () => {
          clearTimeout(timer);
          resolve(isAnswer);
        });
      }
      this.#connection.end();
    });
  }

  #query(sql: string, limitMs: number): Promise<Row[] | { affectedRows: number }> {
    // The driver would say that commands cannot be added to a closed connection.
    if (this.#lost) return Promise.reject(this.translate(closed()));
    this.#tally.query(sql);
    return new Promise((resolve, reject) => {
      const settle = (): boolean => {
        pending.watch.stop();
        return this.#pending.delete(pending);
      };
      const pending: Pending = {
        bytes: 0,
        watch: new SilenceWatch(limitMs, () => this.destroy(new NoAnswer(limitMs))),
        fail: (error) => {
          // The driver tells nobody of a connection that we drop, and of others what we know already.
          if (!settle()) return;
          const translated = this.translate(error);
          if (this.#lost) this.#tally.unanswered();
          reject(translated);
        },
      };
      this.#pending.add(pending);
      this.#connection.query(
        {
          sql,
          rowsAsArray: true,
          typeCast: (field) => {
            this.#count(pending, BYTES_A_VALUE);
            return field.string();
          },
        },
        (error: Error | null, result) => {
          if (error !== null) pending.fail(error);
          else if (settle()) resolve(result as unknown as Row[] | { affectedRows: number });
        },
      );
    });
  }
}

/**
 * Ends a connection for good: the driver's own `destroy` says good-bye to the socket's other end and
 * waits for it to do the same, and a server that is in the middle of an answer does not (seen: it held
 * its locks for the hour of net_write_timeout).
 */
function drop(connection: Connection, socket: Socket): void {
  connection.destroy();
  (connection as unknown as DriverInternals).stream.destroy();
  socket.destroy();
}

function closed(): Error {
  return Object.assign(new Error('the connection is closed'), { code: 'PROTOCOL_CONNECTION_LOST' });
}

/** A string as an SQL literal, for sessions with our sql_mode and utf8mb4. */
export function literal(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''").replaceAll('\0', '\\0')}'`;
}

async function readAuthority(path: string): Promise<string> {
  const what = `The file of certificate authorities ${path}`;
  const text = (await readNamedFile(path, what)).toString('utf8');
  try {
    // Node takes a file without a certificate for an empty list and then blames the server's.
    new X509Certificate(text);
  } catch (error) {
    throw new AppError('invalid', `${what} holds no certificate`, {
      hint: 'It must be PEM: -----BEGIN CERTIFICATE-----.',
      cause: error,
    });
  }
  return text;
}

async function readServerKey(path: string): Promise<KeyObject> {
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

type TlsOptions = Exclude<NonNullable<ConnectionOptions['ssl']>, string>;

function tlsOptions(address: ServerAddress, ca: string | null): TlsOptions {
  const verified = address.sslMode === 'VERIFY_CA' || address.sslMode === 'VERIFY_IDENTITY';
  return {
    rejectUnauthorized: verified,
    verifyIdentity: address.sslMode === 'VERIFY_IDENTITY',
    ...(ca === null ? {} : { ca }),
  };
}

/** The caller could not note the connection's id; `cause` is what it threw. */
class Unannounced extends Error {
  constructor(cause: unknown) {
    super('the connection was not announced', { cause });
  }
}

interface LoginRequest {
  readonly address: ServerAddress;
  readonly password: string | null;
  /** null to ask for no TLS. */
  readonly ssl: TlsOptions | null;
  readonly serverKey: KeyObject | null;
  readonly onId: (id: number) => void;
  readonly signal: AbortSignal | null;
}

/** @param adopt called in the very event that says that we are logged in. */
function login<T>(
  { address, password, ssl, serverKey, onId, signal }: LoginRequest,
  adopt: (loggedIn: LoggedIn) => T,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let isMariadb = false;
    let offersTls = false;
    const socket = openSocket(address);
    const channel = (): LoginChannel => {
      if (ssl !== null) return isSecured(internals.stream, ssl) ? 'tls' : 'pending';
      return address.socket === null ? 'plain' : 'socket';
    };
    const connection = createConnection({
      host: address.host,
      port: address.port,
      user: address.user,
      ...(password === null ? {} : { password }),
      ...(address.database === null ? {} : { database: address.database }),
      ...(ssl === null ? {} : { ssl }),
      stream: () => socket,
      authPlugins: loginPlugins({ password: password ?? '', channel, serverKey }),
      charset: 'utf8mb4',
      // Ours counts the whole of the login, and not the time that this process slept.
      connectTimeout: 0,
      // The reader speaks COM_QUERY in its plain form, and no server may ask us for a file.
      flags: ['-CLIENT_QUERY_ATTRIBUTES', '-SESSION_TRACK', '-LOCAL_FILES'],
      disableEval: true,
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
      resolve(adopt({ connection, socket, id: connection.threadId, isMariadb }));
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

function openSocket(address: ServerAddress): Socket {
  const socket =
    address.socket === null
      ? connect({
          host: address.host,
          port: address.port,
          noDelay: true,
          keepAlive: true,
          keepAliveInitialDelay: KEEP_ALIVE_AFTER_MS,
        })
      : connect(address.socket);
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
