import { messageOf } from '../../../core/errors.ts';
import type { MysqlConnection, Row } from './mysql-connection.ts';
import { LogTableReader } from '../reading/log-table-reader.ts';
import { MOST_ANSWER_BYTES, MOST_LIST_BYTES } from './open-answers.ts';
import { ServerError } from './result-stream.ts';

/** Of the stream's errors, which have numbers only, those that are told apart by their names. */
const NAMES: Readonly<Record<number, string>> = {
  1146: 'ER_NO_SUCH_TABLE',
  1205: 'ER_LOCK_WAIT_TIMEOUT',
};

/**
 * A connection that holds a table's lock and streams the table itself: a second one would have to wait
 * for the lock behind what waits for the first to let go (tried: it timed out). One statement at a
 * time.
 */
export class GuardConnection {
  readonly reader: LogTableReader;
  readonly #connection: MysqlConnection;

  /** @param connection ours from now on. */
  constructor(connection: MysqlConnection) {
    this.#connection = connection;
    this.reader = new LogTableReader(connection);
  }

  get isLost(): boolean {
    return !this.reader.isUsable;
  }

  /** The rows of a statement; none for one that returns none. @throws AppError `remote_failed`. */
  rows(sql: string): Promise<readonly Row[]> {
    return this.#rows(sql, MOST_ANSWER_BYTES);
  }

  /** As `MysqlConnection.list`. */
  list(sql: string): Promise<readonly Row[]> {
    return this.#rows(sql, MOST_LIST_BYTES);
  }

  close(): void {
    this.reader.close();
  }

  async #rows(sql: string, mostBytes: number): Promise<readonly Row[]> {
    try {
      return await this.reader.rowsOf(sql, mostBytes);
    } catch (error) {
      const name = error instanceof ServerError ? NAMES[error.errno] : undefined;
      throw this.#connection.translate(
        name === undefined ? error : Object.assign(new Error(messageOf(error)), { code: name }),
      );
    }
  }
}
