import type { MysqlConnection } from '../connection/mysql-connection.ts';

/** What asks is not held up for longer by a server that does not answer. */
const LIMIT_MS = 2_000;

/**
 * Asks a server to break statements off, over a connection that is kept for it: what controls the target may
 * be busy with a sum over a table, and a server that has no connection to spare opens none when it is needed.
 */
export class StatementBreaker {
  readonly #connect: (signal: AbortSignal) => Promise<MysqlConnection>;
  #connection: MysqlConnection;
  #connecting: Promise<MysqlConnection> | null = null;
  #isClosed = false;

  /** @param connect makes another connection where the one that is kept was lost. */
  constructor(
    connection: MysqlConnection,
    connect: (signal: AbortSignal) => Promise<MysqlConnection>,
  ) {
    this.#connection = connection;
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
    const controller = new AbortController();
    let giveUp: ReturnType<typeof setTimeout> | undefined;
    const limit = new Promise<null>((resolve) => {
      giveUp = setTimeout(() => {
        controller.abort();
        resolve(null);
      }, LIMIT_MS);
    });
    try {
      return await Promise.race([this.#try(question, controller.signal), limit]);
    } finally {
      clearTimeout(giveUp);
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

  close(): Promise<void> {
    this.#isClosed = true;
    return this.#connection.close();
  }

  destroy(): void {
    this.#isClosed = true;
    this.#connection.destroy();
  }
}

/** What a thread says of itself that waits for another one, on MariaDB and MySQL. */
const LOCK_STATE = /^(?:Waiting for .*\block\b|User lock$|Table lock$|System lock$)/i;
