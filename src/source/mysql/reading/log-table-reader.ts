import type { BatchPart } from '../../../core/source.ts';
import type { LoggedStatement, TextSpool } from '../../../core/workloads/statements.ts';
import type { MysqlConnection } from '../connection/mysql-connection.ts';
import { BYTES_A_VALUE, MOST_ANSWER_BYTES } from '../connection/open-answers.ts';
import { AnswerTooLarge } from '../connection/server-errors.ts';
import type { OwnConnections } from '../connection/own-connections.ts';
import { ResultStream, ServerError } from '../connection/result-stream.ts';
import type { SessionTracker } from './session-tracker.ts';
import { LongRow } from './long-row.ts';
import { type PacketSpan, textsOf } from '../connection/row-packets.ts';
import { maySwitchLogOff, switchedOffByClient } from '../log/log-switches.ts';
import { DECODED_COLUMNS, type RowForm, StatementDecoder } from './statement-decoder.ts';

// Enough rows that what is done per batch costs nothing per row, few enough to stay in the cache.
const BATCH_ROWS = 1000;
// A batch of long statements ends earlier, so that memory does not grow with them.
const BATCH_CHARACTERS = 512 * 1024;
// While a long row is read: as often as somebody has to say that we are alive.
const TELL_MS = 1_000;
const ALL_ROWS = '18446744073709551615';

/**
 * Streams log tables over a connection of its own. One table at a time; a read that was not followed
 * to its end leaves the connection unusable (`isUsable`).
 */
export class LogTableReader {
  readonly #connection: MysqlConnection;
  readonly #results: ResultStream;
  #busy = false;
  #hasSentinel = false;

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

  /** Whether the table that was read last, from its beginning, began with a sentinel. */
  get hasSentinel(): boolean {
    return this.#hasSentinel;
  }

  /**
   * Reads a table in the order in which its rows were written, from row `skip` on.
   * @param spool as `OpenSource.read`.
   * @throws ServerError, or Node's error when the connection breaks: the caller knows what they mean;
   *   what the spool throws.
   */
  async *read(
    table: string,
    skip: number,
    tracker: SessionTracker,
    own: OwnConnections,
    form: RowForm,
    spool: TextSpool | null,
  ): AsyncGenerator<BatchPart> {
    this.#busy = true;
    this.#hasSentinel = false;
    let isFirst = true;
    const decoder = new StatementDecoder(tracker, own, form);
    let rows = 0;
    let characters = 0;
    let statements: LoggedStatement[] = [];
    // Ended early, each by an interruption or a long row, within what is one chunk of the socket.
    const ended: (BatchPart | LongRow)[] = [];
    // To be ended by the next row, whosever it is: nobody knows better when all was well again.
    const open: BatchPart[] = [];
    let long: LongRow | null = null;
    const end = (interruption: BatchPart['interruption']): BatchPart => {
      const batch = { rows, statements, interruption };
      rows = 0;
      characters = 0;
      statements = [];
      return batch;
    };
    const endOpen = (): void => {
      if (open.length > 0) ended.push(...open.splice(0).map((one) => until(one, decoder.time)));
    };
    const take = (span: PacketSpan): void => {
      rows++;
      const statement = decoder.decode(span);
      endOpen();
      if (statement !== null) {
        statements.push(statement);
        characters += statement.sql.length;
        if (maySwitchLogOff(statement)) ended.push(end(switchedOffByClient(statement.time)));
      } else {
        const sentinel = decoder.takeSentinel();
        if (isFirst) this.#hasSentinel = sentinel !== null;
        const interruption = sentinel?.interruption ?? null;
        if (interruption !== null) {
          const isOver = interruption.to !== null || interruption.cause === null;
          (isOver ? ended : open).push(end(interruption));
        }
      }
      isFirst = false;
    };
    const piece = (bytes: Buffer, isLast: boolean): void => {
      isFirst = false;
      if (long === null && rows > 0) ended.push(end(null));
      long ??= new LongRow(decoder, form, spool);
      if (long.push(bytes, isLast)) endOpen();
      if (!isLast) return;
      ended.push(long);
      long = null;
    };
    const underWay = (): LongRow | null => long;
    const limit = skip === 0 ? '' : ` LIMIT ${skip}, ${ALL_ROWS}`;
    const query = `SELECT ${DECODED_COLUMNS} FROM ${table}${limit}`;
    this.#connection.countSent(query);
    const progress = this.#results.rows(query, { take, piece });
    let toldAt = performance.now();
    while ((await progress.next()).done !== true) {
      for (let next = ended.shift(); next !== undefined; next = ended.shift()) {
        if (next instanceof LongRow) {
          await next.store();
          next = await next.batch();
        }
        yield next;
      }
      await underWay()?.store();
      const now = performance.now();
      if (rows >= BATCH_ROWS || characters >= BATCH_CHARACTERS) yield end(null);
      // One row can take minutes: the reader has to know that the server still sends.
      else if (underWay() !== null && now - toldAt >= TELL_MS) yield end(null);
      else continue;
      toldAt = now;
    }
    this.#busy = false;
    yield* open;
    if (rows > 0) yield end(null);
  }

  /**
   * The rows of another statement, as text; none for one that returns none.
   * @param mostBytes of its answer.
   * @throws as `read`; AnswerTooLarge. The connection is closed then, but for a ServerError.
   */
  async rowsOf(sql: string, mostBytes = MOST_ANSWER_BYTES): Promise<(string | null)[][]> {
    this.#connection.countSent(sql);
    const rows: (string | null)[][] = [];
    const before = this.#results.received;
    let values = 0;
    this.#busy = true;
    try {
      const progress = this.#results.rows(sql, {
        take: (span) => {
          const row = textsOf(span);
          values += row.length;
          rows.push(row);
        },
        piece: () => {
          throw new AnswerTooLarge();
        },
      });
      while ((await progress.next()).done !== true) {
        const bytes = this.#results.received - before + values * BYTES_A_VALUE;
        if (bytes > mostBytes) throw new AnswerTooLarge();
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
function until(batch: BatchPart, time: string): BatchPart {
  const { interruption } = batch;
  return interruption === null ? batch : { ...batch, interruption: { ...interruption, to: time } };
}
