import { messageOf } from '../../../core/errors.ts';
import type { TimesAbsence } from '../../../core/reports/report.ts';
import type {
  DigestTotals,
  NoTimes,
  ServerTimes,
  TimesReading,
} from '../../../core/reports/server-times.ts';
import { RECORDER_SCHEMA } from '../log/recorder-schema.ts';
import type { Flavor } from '../connection/flavor.ts';
import { literal, type MysqlConnection } from '../connection/mysql-connection.ts';
import { OWN_DATABASE } from '../connection/mysql-login.ts';
import { instant } from '../connection/server-clock.ts';
import { codeOf } from '../connection/server-errors.ts';
import { readSessionCounters } from '../connection/status-counters.ts';

const DIGESTS = 'performance_schema.events_statements_summary_by_digest';
/** Both have to be on for anything to be counted. */
const CONSUMERS = ['global_instrumentation', 'statements_digest'];
/** The server has 10,000 unless it was told otherwise; of more than these nothing is read. */
const MOST_READ = 20_000;
/** The server gives a statement of ours up then. */
const SERVER_LIMIT_S = 5;
/** Of which an account needs one more than the recorder does: see `account-limits.ts`. */
const CONNECTIONS_TO_SPARE = 5;
const TEXTS_AT_ONCE = 1_000;
/** The server keeps 1,024 bytes of a digest unless it was told otherwise. */
const LONGEST_TEXT = 16_384;
/** The edge of a window waits no longer than this for a statement that is under way. */
const HUSH_MS = 250;

/**
 * How long statements took, by the digests that `performance_schema` keeps. One SELECT goes through the
 * whole table, whatever it asks for, because the server makes the text of each row: of 10,000 digests on
 * MySQL 9.7.4 it took 122 ms (86 ms of the server's CPU, 38 ms of ours, 1.1 MB; 97 ms where a WHERE left one
 * row of it), of 5,000 on MariaDB 10.11 35 ms. So all of it is read, which also shows what was truncated.
 *
 * Our own statements are told by the default database of our connections, which is part of a digest's key.
 */
export class StatementDigests implements ServerTimes {
  readonly #connect: () => Promise<MysqlConnection>;
  readonly #flavor: Flavor['name'];
  /** For as long as the server runs. */
  readonly #absent: NoTimes | null;
  #connection: MysqlConnection | null = null;
  /** What it has sent and been sent, as of the last reading; null where it is not open. */
  #share: Readonly<Record<string, number>> | null = null;
  #lastLost: number | null = null;
  #call: Promise<unknown> | null = null;
  #gate: Promise<void> = Promise.resolve();

  /**
   * @param connect opens a connection that leaves no trace in the log.
   * @param absent why there is nothing to be read, for as long as the server runs; null where there is.
   */
  constructor(
    connect: () => Promise<MysqlConnection>,
    flavor: Flavor['name'],
    absent: NoTimes | null,
  ) {
    this.#connect = connect;
    this.#flavor = flavor;
    this.#absent = absent;
  }

  get isBusy(): boolean {
    return this.#call !== null;
  }

  /** What the server's counters have of this connection; null where it is not open. */
  get share(): Readonly<Record<string, number>> | null {
    return this.#share;
  }

  /** Id of the connection that was lost last; null where none was. */
  get lastLost(): number | null {
    return this.#lastLost;
  }

  async prepare(): Promise<void> {
    if (this.#absent !== null) return;
    await this.#beside(() => Promise.resolve()).catch(() => undefined);
  }

  async read(): Promise<TimesReading | NoTimes> {
    if (this.#absent !== null) return this.#absent;
    try {
      return await this.#beside(async (connection) => {
        const state = await connection.row(
          `SELECT UTC_TIMESTAMP(6), COUNT(*) FROM performance_schema.setup_consumers
           WHERE ENABLED = 'YES' AND NAME IN (${CONSUMERS.map(literal).join(', ')})`,
        );
        const { lost, totals } = await readTotals(connection);
        if (totals.size > MOST_READ) {
          return absent('failed', `The server has more than ${MOST_READ} digests of statements`);
        }
        const at = Date.parse(instant(state?.[0]));
        const isCounting = Number(state?.[1]) === CONSUMERS.length;
        return { is: 'read', at, isCounting, lost, totals };
      });
    } catch (error) {
      return absent(whyOf(error), messageOf(error));
    }
  }

  async textsOf(
    names: readonly string[],
    limitMs: number,
  ): Promise<ReadonlyMap<string, { readonly db: string | null; readonly text: string }>> {
    const texts = new Map<string, { db: string | null; text: string }>();
    const began = performance.now();
    const wanted = new Set(names);
    try {
      await this.#beside(async (connection) => {
        for (let at = 0; at < names.length; at += TEXTS_AT_ONCE) {
          if (performance.now() - began >= limitMs) return;
          const digests = names.slice(at, at + TEXTS_AT_ONCE).map((name) => digestOf(name));
          const rows = await connection.list(
            `SELECT SCHEMA_NAME, DIGEST, LEFT(DIGEST_TEXT, ${LONGEST_TEXT}) FROM ${DIGESTS}
             WHERE DIGEST IN (${digests.map(literal).join(', ')})`,
          );
          for (const [db = null, digest = '', text] of rows) {
            const name = nameOf(db, digest ?? '');
            if (wanted.has(name) && text != null) texts.set(name, { db, text: text.trimEnd() });
          }
        }
      });
    } catch {
      // They are asked for again.
    }
    return texts;
  }

  /**
   * Waits until nothing of ours is under way, and keeps it so: what the server and we have counted of our
   * own statements is the same then. What takes long is given up.
   * @returns what lets it go on.
   */
  async hush(): Promise<() => void> {
    let letGo = (): void => undefined;
    this.#gate = new Promise((resolve) => (letGo = resolve));
    const call = this.#call;
    if (call !== null) {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, HUSH_MS)));
      await Promise.race([call.catch(() => undefined), late]);
      clearTimeout(timer);
      if (this.#call === call) this.#drop();
    }
    return letGo;
  }

  /** Closes the connection; never throws. */
  async close(): Promise<void> {
    if (this.isBusy) this.#drop();
    else await this.#connection?.close();
  }

  async #beside<T>(work: (connection: MysqlConnection) => Promise<T>): Promise<T> {
    // What is under way ends first: a reading that finds its connection being opened.
    const before = this.#call ?? Promise.resolve();
    const call = Promise.all([this.#gate, before.catch(() => undefined)]).then(() =>
      this.#run(work),
    );
    this.#call = call;
    try {
      return await call;
    } finally {
      if (this.#call === call) this.#call = null;
    }
  }

  async #run<T>(work: (connection: MysqlConnection) => Promise<T>): Promise<T> {
    try {
      const connection = (this.#connection ??= await this.#open());
      const result = await work(connection);
      this.#share = await readSessionCounters(connection);
      return result;
    } finally {
      if (this.#connection?.isLost === true) this.#drop();
    }
  }

  async #open(): Promise<MysqlConnection> {
    const connection = await this.#connect();
    const limit =
      this.#flavor === 'mysql'
        ? `max_execution_time = ${SERVER_LIMIT_S * 1_000}`
        : `max_statement_time = ${SERVER_LIMIT_S}`;
    try {
      await connection.run(`SET SESSION ${limit}`);
      return connection;
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  #drop(): void {
    if (this.#connection === null) return;
    this.#lastLost = this.#connection.id;
    this.#connection.destroy();
    this.#connection = null;
    this.#share = null;
  }
}

/**
 * Why a server has no times, for as long as it runs; null where it may have some.
 * @throws AppError `remote_failed` where the connection is lost.
 */
export async function whyNoTimes(connection: MysqlConnection): Promise<NoTimes | null> {
  try {
    const row = await connection.row(
      'SELECT @@GLOBAL.performance_schema, @@SESSION.max_user_connections',
    );
    if (row?.[0] !== '1') return absent('off', 'performance_schema is off');
    const connections = Number(row[1]);
    if (connections === 0 || connections >= CONNECTIONS_TO_SPARE) return null;
    return absent('failed', `The account may have ${connections} connections only`);
  } catch (error) {
    if (connection.isLost) throw error;
    // MySQL can be built without it.
    return absent('not_supported', messageOf(error));
  }
}

async function readTotals(
  connection: MysqlConnection,
): Promise<Pick<TimesReading, 'lost' | 'totals'>> {
  const rows = await connection.list(
    `SELECT SCHEMA_NAME, DIGEST, COUNT_STAR, SUM_TIMER_WAIT DIV 1000000, SUM_ROWS_SENT,
       SUM_ROWS_EXAMINED, SUM_ERRORS, FIRST_SEEN
     FROM ${DIGESTS}
     WHERE SCHEMA_NAME IS NULL OR SCHEMA_NAME NOT IN (${OWN_SCHEMAS})
     LIMIT ${MOST_READ + 2}`,
  );
  const totals = new Map<string, DigestTotals>();
  let lost = 0;
  for (const [db = null, digest = null, count, micros, sent, examined, errors, since] of rows) {
    // The row of everything that came when the table was full.
    if (digest === null) {
      lost += Number(count);
      continue;
    }
    totals.set(nameOf(db, digest), {
      count: Number(count),
      micros: Number(micros),
      rowsSent: Number(sent),
      rowsExamined: Number(examined),
      errors: Number(errors),
      since: since ?? '',
    });
  }
  return { lost, totals };
}

/** What the recorder sends, and the events that it leaves on the server. */
const OWN_SCHEMAS = [OWN_DATABASE, RECORDER_SCHEMA].map(literal).join(', ');

const nameOf = (db: string | null, digest: string): string => `${digest} ${db ?? ''}`;
const digestOf = (name: string): string => name.slice(0, name.indexOf(' '));

const absent = (why: TimesAbsence, message: string): NoTimes => ({ is: 'absent', why, message });

const DENIED: ReadonlySet<string> = new Set([
  'ER_TABLEACCESS_DENIED_ERROR',
  'ER_COLUMNACCESS_DENIED_ERROR',
  'ER_DBACCESS_DENIED_ERROR',
  'ER_ACCESS_DENIED_ERROR',
  'ER_SPECIFIC_ACCESS_DENIED_ERROR',
]);

function whyOf(error: unknown): TimesAbsence {
  const code = codeOf(error) ?? '';
  if (DENIED.has(code)) return 'not_permitted';
  return code === 'ER_NO_SUCH_TABLE' ? 'not_supported' : 'failed';
}
