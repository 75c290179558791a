import type { LoggedBatch } from '../core/server-log.ts';
import type { LoggedStatement } from '../core/statements.ts';
import { BYTES_A_VALUE, MOST_ANSWER_BYTES, type MysqlConnection } from './connection.ts';
import { AnswerTooLarge } from './errors.ts';
import type { OwnConnections } from './own-connections.ts';
import { ResultStream, ServerError } from './result-stream.ts';
import type { SessionTracker } from './session-tracker.ts';
import { textsOf } from './row-packets.ts';
import { maySwitchLogOff, switchedOffByClient } from './log-switches.ts';
import { DECODED_COLUMNS, type RowForm, StatementDecoder } from './statement-decoder.ts';

// Enough rows that what is done per batch costs nothing per row, few enough to stay in the cache.
const BATCH_ROWS = 1000;
// A batch of long statements ends earlier, so that memory does not grow with them.
const BATCH_CHARACTERS = 1024 * 1024;
const ALL_ROWS = '18446744073709551615';

/**
 * Streams log tables over a connection of its own. One table at a time; a read that was not followed
 * to its end leaves the connection unusable (`isUsable`).
 */
export class LogTableReader {
  readonly #connection: MysqlConnection;
  readonly #results: ResultStream;
  #busy = false;

  constructor(connection: MysqlConnection) {
    this.#connection = connection;
    this.#results = new ResultStream(connection.takeStream());
  }

  /** The server's id of the connection. */
  get connectionId(): number {
    return this.#connection.id;
  }

  get isUsable(): boolean {
    return !this.#busy && !this.#connection.isLost;
  }

  /**
   * Reads a table in the order in which its rows were written, from row `skip` on.
   * @throws ServerError, or Node's error when the connection breaks: the caller knows what they mean.
   */
  async *read(
    table: string,
    skip: number,
    tracker: SessionTracker,
    own: OwnConnections,
    form: RowForm,
  ): AsyncGenerator<LoggedBatch> {
    this.#busy = true;
    const decoder = new StatementDecoder(tracker, own, form);
    let rows = 0;
    let characters = 0;
    let statements: LoggedStatement[] = [];
    // Ended early, each by an interruption, within what is one chunk of the socket.
    let ended: LoggedBatch[] = [];
    // To be ended by the next row, whosever it is: nobody knows better when all was well again.
    const open: LoggedBatch[] = [];
    const end = (interruption: LoggedBatch['interruption']): LoggedBatch => {
      const batch = { rows, statements, interruption };
      rows = 0;
      characters = 0;
      statements = [];
      return batch;
    };
    const limit = skip === 0 ? '' : ` LIMIT ${skip}, ${ALL_ROWS}`;
    const query = `SELECT ${DECODED_COLUMNS} FROM ${table}${limit}`;
    this.#connection.countSent(query);
    const progress = this.#results.rows(query, (span) => {
      rows++;
      const statement = decoder.decode(span);
      if (open.length > 0) ended.push(...open.splice(0).map((one) => until(one, decoder.time)));
      if (statement !== null) {
        statements.push(statement);
        characters += statement.sql.length;
        if (maySwitchLogOff(statement)) ended.push(end(switchedOffByClient(statement.time)));
      } else {
        const interruption = decoder.takeSentinel()?.interruption ?? null;
        if (interruption !== null) {
          const isOver = interruption.to !== null || interruption.cause === null;
          (isOver ? ended : open).push(end(interruption));
        }
      }
    });
    while ((await progress.next()).done !== true) {
      if (ended.length > 0) {
        yield* ended;
        ended = [];
      }
      if (rows >= BATCH_ROWS || characters >= BATCH_CHARACTERS) yield end(null);
    }
    this.#busy = false;
    yield* open;
    if (rows > 0) yield end(null);
  }

  /**
   * The rows of another statement, as text; none for one that returns none.
   * @throws as `read`; AnswerTooLarge. The connection is closed then, but for a ServerError.
   */
  async rowsOf(sql: string): Promise<(string | null)[][]> {
    this.#connection.countSent(sql);
    const rows: (string | null)[][] = [];
    const before = this.#results.received;
    let values = 0;
    this.#busy = true;
    try {
      const progress = this.#results.rows(sql, (span) => {
        const row = textsOf(span);
        values += row.length;
        rows.push(row);
      });
      while ((await progress.next()).done !== true) {
        const bytes = this.#results.received - before + values * BYTES_A_VALUE;
        if (bytes > MOST_ANSWER_BYTES) throw new AnswerTooLarge();
      }
    } catch (error) {
      // Refused, the answer is over.
      if (error instanceof ServerError) this.#busy = false;
      else this.close();
      throw error;
    }
    this.#busy = false;
    return rows;
  }

  close(): void {
    if (this.#busy) this.#connection.countUnanswered();
    this.#results.release();
    this.#connection.destroy();
  }
}

/** A batch whose interruption lasted until a row behind it. */
function until(batch: LoggedBatch, time: string): LoggedBatch {
  const { interruption } = batch;
  return interruption === null ? batch : { ...batch, interruption: { ...interruption, to: time } };
}
