import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createConnection, type Connection, type ConnectionOptions } from 'mysql2';
import type { ServerAddress } from '../core/environments.ts';
import { AppError } from '../core/errors.ts';
import { CommandTally } from './command-tally.ts';
import { codeOf, endsConnection, isPlain, nameMariadbError, translateError } from './errors.ts';
import { loginPlugins } from './login-plugins.ts';

/** A row as text: the server sends every value of a text-protocol result as such. */
export type Row = readonly (string | null)[];

const CONNECT_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_AFTER_MS = 30_000;

/** What the reader takes over from the driver; its published types leave it out. */
interface DriverInternals {
  /** The socket, or the TLS layer over it, which knows why it did not trust the server. */
  readonly stream: Duplex & { readonly authorizationError?: string | null };
}

interface LoggedIn {
  readonly connection: Connection;
  readonly id: number;
  readonly isMariadb: boolean;
}

/**
 * One connection to a MySQL-family server: text in, text out, every failure an AppError. Its session
 * is in UTC and has an sql_mode of its own, so that what we send means the same on every server.
 */
export class MysqlConnection {
  /** The server's id of this connection. */
  readonly id: number;
  readonly #connection: Connection;
  readonly #tally: CommandTally;
  readonly #isMariadb: boolean;
  /** How to reach the server again: a server that offers no TLS is not asked twice. */
  readonly address: ServerAddress;
  #lost = false;
  #closing = false;

  private constructor(
    { connection, id, isMariadb }: LoggedIn,
    address: ServerAddress,
    tally: CommandTally,
  ) {
    this.#connection = connection;
    this.#tally = tally;
    this.#isMariadb = isMariadb;
    this.id = id;
    this.address = address;
    connection.on('error', () => (this.#lost = true));
    connection.on('end', () => (this.#lost = true));
  }

  /**
   * Connects and logs in, with the TLS modes of the mysql client
   * (https://dev.mysql.com/doc/refman/8.4/en/connection-options.html#option_general_ssl-mode).
   * @param onId called with the connection's id before we log in, so before the server can log
   *   anything of this connection.
   * @param tally counts what is sent.
   * @throws AppError `remote_failed`, within about 10 s when the server does not answer; what `onId`
   *   throws, with nothing said to the server.
   */
  static async open(
    address: ServerAddress,
    password: string | null,
    onId: (id: number) => void = () => undefined,
    tally: CommandTally = new CommandTally(),
  ): Promise<MysqlConnection> {
    const ca = address.sslCa === null ? null : await readAuthority(address.sslCa);
    const preferred = address.sslMode === 'PREFERRED';
    let opened: LoggedIn;
    let reached = address;
    try {
      opened = await login(
        address,
        password,
        isPlain(address) ? null : tlsOptions(address, ca),
        onId,
      );
    } catch (error) {
      if (error instanceof Unannounced) throw error.cause;
      if (!preferred || codeOf(error) !== 'HANDSHAKE_NO_SSL_SUPPORT') {
        throw translateError(error, address);
      }
      try {
        reached = { ...address, sslMode: 'DISABLED' };
        opened = await login(reached, password, null, onId);
      } catch (second) {
        if (second instanceof Unannounced) throw second.cause;
        throw translateError(second, reached);
      }
    }
    const connection = new MysqlConnection(opened, reached, tally);
    // No ANSI_QUOTES, no NO_BACKSLASH_ESCAPES, no strictness for rows copied between logs; and a table
    // of another engine than the one asked for is an error. With autocommit off, which can be the
    // server's default, a reader would hold its metadata lock and keep us from dropping what it read.
    await connection.run(
      "SET SESSION sql_mode = 'NO_ENGINE_SUBSTITUTION', time_zone = '+00:00', autocommit = 1, completion_type = NO_CHAIN",
    );
    return connection;
  }

  get isLost(): boolean {
    return this.#lost;
  }

  /** @throws AppError `remote_failed`. */
  async rows(sql: string): Promise<readonly Row[]> {
    const result = await this.#query(sql);
    return Array.isArray(result) ? result : [];
  }

  /** The first row, or null when there is none. */
  async row(sql: string): Promise<Row | null> {
    return (await this.rows(sql))[0] ?? null;
  }

  /** The first value of the first row; null also when there is no row. */
  async value(sql: string): Promise<string | null> {
    return (await this.row(sql))?.[0] ?? null;
  }

  /** Runs a statement that returns no rows. @returns how many rows it changed. */
  async run(sql: string): Promise<number> {
    const result = await this.#query(sql);
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
    const { stream } = this.#connection as unknown as DriverInternals;
    stream.removeAllListeners('data');
    return stream;
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

  /** Drops the connection at once. */
  destroy(): void {
    this.#closing = true;
    this.#lost = true;
    this.#connection.destroy();
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
      const { stream } = this.#connection as unknown as DriverInternals;
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

  #query(sql: string): Promise<Row[] | { affectedRows: number }> {
    // The driver would say that commands cannot be added to a closed connection.
    if (this.#lost) return Promise.reject(this.translate(closed()));
    this.#tally.query(sql);
    return new Promise((resolve, reject) => {
      this.#connection.query(
        {
          sql,
          rowsAsArray: true,
          typeCast: (field) => field.string(),
        },
        (error: Error | null, result) => {
          if (error === null) resolve(result as unknown as Row[] | { affectedRows: number });
          else {
            const translated = this.translate(error);
            if (this.#lost) this.#tally.unanswered();
            reject(translated);
          }
        },
      );
    });
  }
}

function closed(): Error {
  return Object.assign(new Error('the connection is closed'), { code: 'PROTOCOL_CONNECTION_LOST' });
}

/** A string as an SQL literal, for sessions with our sql_mode and utf8mb4. */
export function literal(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''").replaceAll('\0', '\\0')}'`;
}

async function readAuthority(path: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new AppError('invalid', `The file of certificate authorities ${path} cannot be read`, {
      cause: error,
    });
  }
  try {
    // Node takes a file without a certificate for an empty list and then blames the server's.
    new X509Certificate(text);
  } catch (error) {
    throw new AppError(
      'invalid',
      `The file of certificate authorities ${path} holds no certificate`,
      { hint: 'It must be PEM: -----BEGIN CERTIFICATE-----.', cause: error },
    );
  }
  return text;
}

function tlsOptions(
  address: ServerAddress,
  ca: string | null,
): NonNullable<ConnectionOptions['ssl']> {
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

function login(
  address: ServerAddress,
  password: string | null,
  ssl: NonNullable<ConnectionOptions['ssl']> | null,
  onId: (id: number) => void,
): Promise<LoggedIn> {
  return new Promise((resolve, reject) => {
    let isMariadb = false;
    const connection = createConnection({
      host: address.host,
      port: address.port,
      user: address.user,
      ...(password === null ? {} : { password }),
      ...(address.database === null ? {} : { database: address.database }),
      ...(ssl === null ? {} : { ssl }),
      stream: () =>
        openSocket(address, ({ id, version }) => {
          isMariadb = /mariadb/i.test(version);
          try {
            onId(id);
          } catch (error) {
            // Thrown in a socket's event it would end the process.
            connection.on('error', () => undefined);
            connection.destroy();
            reject(new Unannounced(error));
          }
        }),
      authPlugins: loginPlugins(password ?? ''),
      charset: 'utf8mb4',
      connectTimeout: CONNECT_TIMEOUT_MS,
      // The reader speaks COM_QUERY in its plain form, and no server may ask us for a file.
      flags: ['-CLIENT_QUERY_ATTRIBUTES', '-SESSION_TRACK', '-LOCAL_FILES'],
      disableEval: true,
    } as ConnectionOptions);
    const failed = (error: Error): void => {
      // The driver puts one code of its own in the place of every TLS error's. Only then: where the
      // certificate is not verified, what is wrong with it is noted all the same, and is not why a
      // login failed.
      const { authorizationError } = (connection as unknown as DriverInternals).stream;
      const isTls = codeOf(error) === 'HANDSHAKE_SSL_ERROR';
      connection.destroy();
      if (isMariadb) nameMariadbError(error);
      reject(
        isTls && authorizationError != null
          ? Object.assign(error, { code: authorizationError })
          : error,
      );
    };
    connection.once('error', failed);
    connection.once('connect', () => {
      connection.removeListener('error', failed);
      resolve({ connection, id: connection.threadId, isMariadb });
    });
  });
}

function openSocket(address: ServerAddress, onGreeting: (greeting: Greeting) => void): Socket {
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
  Object.assign(socket, { _host: address.host });
  // The driver's own listener comes after this one: the id is known before it answers.
  socket.once('data', (packet: Buffer) => {
    const greeting = parseGreeting(packet);
    if (greeting !== null) onGreeting(greeting);
  });
  return socket;
}

const PROTOCOL_VERSION = 10;

interface Greeting {
  readonly id: number;
  readonly version: string;
}

/**
 * What the server says first: after the packet header a protocol version, the server's version ended
 * by a zero byte, then the connection's id in four bytes, least significant first
 * (https://mariadb.com/kb/en/connection/#initial-handshake-packet).
 */
function parseGreeting(packet: Buffer): Greeting | null {
  if (packet[4] !== PROTOCOL_VERSION) return null;
  const end = packet.indexOf(0, 5);
  if (end === -1 || end + 5 > packet.length) return null;
  return { id: packet.readUInt32LE(end + 1), version: packet.toString('latin1', 5, end) };
}
