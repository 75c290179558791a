import { type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type Connection, type QueryOptions } from 'mysql2';
import type { ServerAddress } from '../../../core/environments/environment.ts';
import { AppError } from '../../../core/errors.ts';
import { CommandTally } from './command-tally.ts';
import {
  BYTES_A_VALUE,
  MOST_ANSWER_BYTES,
  MOST_LIST_BYTES,
  OpenAnswers,
  type OpenAnswer,
} from './open-answers.ts';
import { AnswerTooLarge, nameMariadbError, NoAnswer } from './server-errors.ts';
import { endsConnection, translateError } from './error-translation.ts';
import { enterServer, readLoginFiles } from './server-entry.ts';
import { SilenceWatch } from '../log/silence-watch.ts';
import { OWN_DATABASE, type DriverInternals, type LoggedIn, drop, closed } from './mysql-login.ts';

/** A row as text: the server sends every value of a text-protocol result as such. */
export type Row = readonly (string | null)[];

/** So long nothing may come while a statement is waited for; then its connection is lost. */
const STATEMENT_LIMIT_MS = 10_000;
/**
 * For statements that go through a whole table, or mend one, and say nothing until they are done. They
 * would begin anew on the next connection: what is given up too early never ends.
 */
export const WHOLE_TABLE_MS = 30 * 60_000;
/** For a DROP of a table that may be large: of some tens of gigabytes it takes seconds. */
export const DROP_MS = 60_000;

/** Of all connections of this process. The log itself is read by `ResultStream`. */
const OPEN_ANSWERS = new OpenAnswers();

interface Pending extends OpenAnswer {
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
   * Connects and logs in.
   * @param onId called with the connection's id before we log in, so before the server can log
   *   anything of this connection.
   * @param tally counts what is sent.
   * @param signal destroys the connection when it is aborted, also while it is being made.
   * @throws what `enterServer` does.
   */
  static async open(
    address: ServerAddress,
    password: string | null,
    onId: (id: number) => void = () => undefined,
    tally: CommandTally = new CommandTally(),
    signal: AbortSignal | null = null,
  ): Promise<MysqlConnection> {
    const files = await readLoginFiles(address);
    const connection = await enterServer(
      { address, password, files, onId, signal, kind: 'ours' },
      // At once: what the server says right behind its welcome has to find a listener.
      (loggedIn, reached) => new MysqlConnection(loggedIn, reached, tally, signal),
    );
    // No ANSI_QUOTES, no NO_BACKSLASH_ESCAPES, no strictness for rows copied between logs; and a table
    // of another engine than the one asked for is an error. With autocommit off, which can be the
    // server's default, a reader would hold its metadata lock and keep us from dropping what it read.
    try {
      if (address.database !== null) await connection.run(`USE ${OWN_DATABASE}`);
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

  /** Whether a statement is not answered yet. */
  get isWaiting(): boolean {
    return this.#pending.size > 0;
  }

  /**
   * @param limitMs the connection is lost when nothing comes for so long; the same for all of these.
   * @throws AppError `remote_failed`, also for an answer of more than 4 MiB.
   */
  rows(sql: string, limitMs = STATEMENT_LIMIT_MS): Promise<readonly Row[]> {
    return this.#rows(sql, limitMs, MOST_ANSWER_BYTES);
  }

  /** Rows of which a busy server has as many as it likes. @throws AppError as `rows`, for more than 64 MiB. */
  list(sql: string, limitMs = STATEMENT_LIMIT_MS): Promise<readonly Row[]> {
    return this.#rows(sql, limitMs, MOST_LIST_BYTES);
  }

  /**
   * Looks at the rows of a list one by one, none of them kept.
   * @param take called with each as it comes.
   * @throws AppError as `list`.
   */
  async each(sql: string, take: (row: Row) => void, limitMs = STATEMENT_LIMIT_MS): Promise<void> {
    await this.#query(sql, limitMs, MOST_LIST_BYTES, take);
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
    const result = await this.#query(sql, limitMs, MOST_ANSWER_BYTES);
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
    if (first !== undefined) OPEN_ANSWERS.count(first, bytes);
    for (const { watch } of this.#pending) watch.heard(bytes);
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

  async #rows(sql: string, limitMs: number, mostBytes: number): Promise<readonly Row[]> {
    const result = await this.#query(sql, limitMs, mostBytes);
    return Array.isArray(result) ? result : [];
  }

  #query(
    sql: string,
    limitMs: number,
    mostBytes: number,
    take: ((row: Row) => void) | null = null,
  ): Promise<Row[] | { affectedRows: number }> {
    // The driver would say that commands cannot be added to a closed connection.
    if (this.#lost) return Promise.reject(this.translate(closed()));
    this.#tally.query(sql);
    return new Promise((resolve, reject) => {
      const settle = (): boolean => {
        pending.watch.stop();
        OPEN_ANSWERS.end(pending);
        return this.#pending.delete(pending);
      };
      const pending: Pending = {
        bytes: 0,
        mostBytes,
        drop: () => this.destroy(new AnswerTooLarge()),
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
      OPEN_ANSWERS.add(pending);
      const options: QueryOptions = {
        sql,
        rowsAsArray: true,
        typeCast: (field) => {
          OPEN_ANSWERS.count(pending, BYTES_A_VALUE);
          return field.string();
        },
      };
      if (take === null) {
        this.#connection.query(options, (error: Error | null, result) => {
          if (error !== null) pending.fail(error);
          else if (settle()) resolve(result as unknown as Row[] | { affectedRows: number });
        });
        return;
      }
      const query = this.#connection.query(options);
      query.on('error', pending.fail);
      query.on('result', (row) => take(row as unknown as Row));
      // Behind an error, too.
      query.on('end', () => {
        if (settle()) resolve([]);
      });
    });
  }
}

/** A string as an SQL literal, for sessions with our sql_mode and utf8mb4. */
export function literal(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''").replaceAll('\0', '\\0')}'`;
}
