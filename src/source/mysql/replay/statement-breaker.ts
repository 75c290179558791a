import type { Duplex } from 'node:stream';
import type { MysqlConnection } from '../connection/mysql-connection.ts';
import { query, QUIT } from './command-packets.ts';

/** What asks is not held up for longer by a server that does not answer. */
const LIMIT_MS = 2_000;

/**
 * Asks a server to break statements off, over a connection that is kept for it: what controls the target may
 * be busy with a sum over a table, and a server that has no connection to spare opens none when it is needed.
 */
export class StatementBreaker {
  readonly #isMariadb: boolean;
  readonly #connect: (signal: AbortSignal) => Promise<MysqlConnection>;
  #connection: MysqlConnection;
  #connecting: Promise<MysqlConnection> | null = null;
  /** Aborted when nothing is asked any more. */
  readonly #ending = new AbortController();
  /** Aborted when nothing is said any more, either. */
  readonly #gone = new AbortController();
  /** Whether the connection is another one than at first. */
  #isReplaced = false;
  #isClosed = false;

  /** @param connect makes another connection where the one that is kept was lost. */
  constructor(
    connection: MysqlConnection,
    isMariadb: boolean,
    connect: (signal: AbortSignal) => Promise<MysqlConnection>,
  ) {
    this.#connection = connection;
    this.#isMariadb = isMariadb;
    this.#connect = connect;
  }

  /** Ends what the server's connection of this id is doing; not the connection. Never throws, takes 2 s at most. */
  async breakOff(id: number): Promise<void> {
    await this.#ask(async (connection) => {
      await connection.run(`KILL QUERY ${id}`);
      return true;
    });
  }

  /** @returns what a question has for an answer; null where there is none within 2 s. Never throws. */
  async #ask<T>(question: (connection: MysqlConnection) => Promise<T>): Promise<T | null> {
    const ending = this.#ending.signal;
    if (ending.aborted) return null;
    const controller = new AbortController();
    let giveUp: () => void = () => undefined;
    const limit = new Promise<null>((resolve) => {
      giveUp = () => {
        controller.abort();
        resolve(null);
      };
    });
    const timer = setTimeout(giveUp, LIMIT_MS);
    ending.addEventListener('abort', giveUp);
    try {
      return await Promise.race([this.#try(question, controller.signal), limit]);
    } finally {
      clearTimeout(timer);
      ending.removeEventListener('abort', giveUp);
    }
  }

  async #try<T>(
    question: (connection: MysqlConnection) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T | null> {
    try {
      return await question(this.#connection);
    } catch {
      if (!this.#connection.isLost || this.#isClosed) return null;
    }
    try {
      return await question(await this.#reconnect(signal));
    } catch {
      return null;
    }
  }

  /** One for all who ask meanwhile. */
  #reconnect(signal: AbortSignal): Promise<MysqlConnection> {
    this.#connecting ??= this.#connect(signal)
      .then((connection) => {
        if (this.#isClosed || signal.aborted) connection.destroy();
        this.#connection = connection;
        this.#isReplaced = true;
        return connection;
      })
      .finally(() => (this.#connecting = null));
    return this.#connecting;
  }

  /**
   * Whether a connection waits for a lock. `trx_state` needs PROCESS, and is of InnoDB alone; what the list of
   * processes says is there for connections of our own account always. null where neither tells.
   */
  isBlocked(id: number): Promise<boolean | null> {
    return this.#ask(async (connection) => {
      const rows = await connection.list('SHOW PROCESSLIST');
      const process = rows.find(([one]) => Number(one) === id);
      if (LOCK_STATE.test(process?.[6] ?? '')) return true;
      const state = await connection
        .value(
          `SELECT trx_state FROM information_schema.INNODB_TRX WHERE trx_mysql_thread_id = ${id}`,
        )
        .catch((error: unknown) => {
          if (connection.isLost) throw error;
          return undefined;
        });
      if (state === undefined) return null;
      return state === 'LOCK WAIT' ? true : process === undefined ? null : false;
    });
  }

  /**
   * Says good-bye. Resolves when the server has ended the connection; never rejects.
   * @param ids connections that are ended before, with what they are doing. Nobody waits for the answers: a server
   *   that is held up does it when it goes on, also where we have left.
   */
  async close(ids: readonly number[]): Promise<void> {
    this.#ending.abort();
    const stream = await this.#takeStream();
    this.#isClosed = true;
    if (stream === null) return;
    const over = new Promise<void>((resolve) => {
      stream.once('end', resolve);
      stream.once('close', resolve);
    });
    // A server that was started anew meanwhile counts from 1 again: these may be connections of others.
    const kills = this.#isReplaced ? [] : this.#kills(ids);
    stream.end(Buffer.concat([...kills, QUIT]));
    await over;
  }

  destroy(): void {
    this.#isClosed = true;
    this.#ending.abort();
    this.#gone.abort();
    this.#connection.destroy();
  }

  /** In MariaDB it is one command: of several it reads none behind the first answer that nobody takes. */
  #kills(ids: readonly number[]): Buffer[] {
    const all = ids.map((id) => `KILL ${id}`);
    if (!this.#isMariadb || all.length < 2) return all.map(query);
    return [
      query(
        `BEGIN NOT ATOMIC DECLARE CONTINUE HANDLER FOR SQLEXCEPTION BEGIN END; ${all.join('; ')}; END`,
      ),
    ];
  }

  /** @returns null where there is no connection. */
  async #takeStream(): Promise<Duplex | null> {
    try {
      const isThere = !this.#connection.isLost;
      return silenced(isThere ? this.#connection : await this.#reconnect(this.#gone.signal));
    } catch {
      return null;
    }
  }
}

/** Its answers are read all the same: a connection that is closed with some unread is reset, and what it said lost. */
function silenced(connection: MysqlConnection): Duplex {
  const stream = connection.takeStream();
  stream.on('error', () => undefined);
  return stream.resume();
}

/** What a thread says of itself that waits for another one, on MariaDB and MySQL. */
const LOCK_STATE = /^(?:Waiting for .*\block\b|User lock$|Table lock$|System lock$)/i;
