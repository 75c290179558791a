import type { MysqlConnection } from '../connection/mysql-connection.ts';

/** What a row of the log takes besides its text: 110 to 130 were measured. */
const ROW_BYTES = 120;

/**
 * How large the unread part of the log is, where the server does not say: of a CSV table its
 * DATA_LENGTH is 0, on MariaDB and MySQL. By the server's counters, as fast as they grew between the
 * last two looks.
 */
export class LogGrowth {
  readonly #connection: MysqlConnection;
  #last: { readonly bytes: number; readonly at: number } | null = null;
  /** Everything that was logged until then is read; of `performance.now()`. */
  #readUntil = performance.now();

  constructor(connection: MysqlConnection) {
    this.#connection = connection;
  }

  readUntil(instant: number): void {
    this.#readUntil = instant;
  }

  /** Bytes, about; 0 at the first look. */
  async unread(): Promise<number> {
    const rows = await this.#connection.rows(
      "SHOW GLOBAL STATUS WHERE Variable_name IN ('Questions', 'Bytes_received')",
    );
    const counters = new Map(rows.map(([name, value]) => [name?.toLowerCase(), Number(value)]));
    const bytes =
      (counters.get('questions') ?? 0) * ROW_BYTES + (counters.get('bytes_received') ?? 0);
    const now = performance.now();
    const before = this.#last;
    this.#last = { bytes, at: now };
    if (before === null || now <= before.at) return 0;
    const perMs = Math.max(0, bytes - before.bytes) / (now - before.at);
    return Math.round(perMs * Math.max(0, now - this.#readUntil));
  }
}
