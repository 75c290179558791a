import type { LogInterruption } from '../../../core/source.ts';
import { DROP_MS, type MysqlConnection, WHOLE_TABLE_MS } from '../connection/mysql-connection.ts';
import { instant, serverNow } from '../connection/server-clock.ts';
import type { Flavor } from '../connection/flavor.ts';
import { ofTable } from './log-engine.ts';
import { LOG_COLUMNS, makeLogTable } from './log-table.ts';
import { OUR_COMMENT, RECORDER_SCHEMA, strayTable, TABLES } from './recorder-schema.ts';
import { addSentinel, isOfTap, NO_SENTINEL, readSentinel, type Sentinel } from './sentinel.ts';

/** How long a text may take from its start until the table is there that it puts in the log's place. */
const LONGEST_MOVE_S = 10;

/** By the server's clock. */
interface GenerationTimes {
  /** Read before the swap that it begins with: what came until then is in earlier ones; null where unknown. */
  readonly since: string | null;
  /**
   * Read behind that swap: what others moved away with a last row of before is recorded in the generation
   * before; null where unknown.
   */
  readonly movedSince: string | null;
  /** Read behind the swap that it ends with: what came later is in a later one; null where unknown. */
  readonly until: string | null;
}

/** A log table, or what is left of one, that belongs to a generation. */
interface Piece {
  readonly table: string;
  /** By the server's clock, in whole seconds; null where it does not say. */
  readonly createdAt: string | null;
  readonly first: string | null;
  readonly last: string | null;
}

/**
 * Makes whole the frozen table of a generation that does not begin with its sentinel: while it was
 * live, another program put an empty table in its place, or emptied it. Tables that were moved away
 * are found by their comment and their sentinel; their rows are put back in their place, before those
 * that came later, and the tables are left where they are: they belong to the program that moved them. What
 * cannot be found is an interruption, written down at its place among the rows.
 *
 * Everything is built aside and put in place by one RENAME, so that a crash leaves the table as it was
 * or whole. Afterwards it begins with its sentinel.
 *
 * @param frozen the table of the generation.
 */
export async function rebuildGeneration(
  connection: MysqlConnection,
  flavor: Flavor,
  frozen: string,
  expected: Pick<Sentinel, 'tap' | 'generation' | 'serverStart'>,
  times: GenerationTimes,
): Promise<void> {
  const { since } = times;
  const { origin, later, serverStart } = await findDisplaced(connection, expected, times);
  const found = origin === null ? later : [origin, ...later];
  const last = await pieceOf(connection, frozen);
  const sentinel = { ...expected, serverStart: serverStart ?? expected.serverStart };

  await connection.run(`DROP TABLE IF EXISTS ${TABLES.joined}`, DROP_MS);
  await makeLogTable(connection, flavor, TABLES.joined);
  const say = (interruption: LogInterruption | null): Promise<void> =>
    addSentinel(connection, TABLES.joined, { ...sentinel, interruption });

  const names = found.map(({ table }) => table.replaceAll('`', '')).join(', ');
  const lost = (from: string | null, to: string | null): LogInterruption => ({
    cause: 'log_table_changed',
    from,
    to,
    reason:
      names === ''
        ? "Another program emptied or replaced the server's log table: what it held is gone, or in a table that the recorder may not read"
        : `Another program emptied or replaced the server's log table; what was found of it, in ${names}, is recorded`,
  });
  const pieces = [...found, last];
  if (origin === null) {
    const to = pieces.find(({ first }) => first !== null)?.first ?? null;
    await say(lost(since, to ?? (await serverNow(connection))));
  } else {
    await say({
      cause: null,
      from: null,
      to: null,
      reason: `Another program moved the server's log table away while it was recorded; nothing is missing, and it is left as ${names}`,
    });
  }
  let before: Piece | null = null;
  for (const piece of pieces) {
    if (before !== null && !(await isBehind(connection, piece, before, since))) {
      await say(lost(before.last ?? before.first, piece.first ?? (await serverNow(connection))));
    }
    await connection.run(
      `INSERT INTO ${TABLES.joined} (${LOG_COLUMNS}, argument) SELECT ${LOG_COLUMNS}, argument FROM ${piece.table} WHERE ${NO_SENTINEL}`,
      WHOLE_TABLE_MS,
    );
    before = piece;
  }

  const [part] = TABLES.joinedParts;
  const isOurs = (await ofTable(connection, frozen, 'TABLE_COMMENT')) === OUR_COMMENT;
  // Somebody else's work is kept, whatever it was for.
  const away = isOurs ? part : strayTable();
  await connection.run(`DROP TABLE IF EXISTS ${part}`, DROP_MS);
  await connection.run(`RENAME TABLE ${frozen} TO ${away}, ${TABLES.joined} TO ${frozen}`);
  await connection.run(`DROP TABLE IF EXISTS ${part}`, DROP_MS);
}

/**
 * Whether nothing can lie between two tables: the second one was there before the first one was moved
 * away, and has not been emptied since, which would have made it anew (tried: TRUNCATE sets the time
 * of its creation). The statement that moves a table is its last row, or nearly; a table without rows
 * was moved as soon as it was there: its mover had been waiting for our swap.
 */
async function isBehind(
  connection: MysqlConnection,
  piece: Piece,
  before: Piece,
  since: string | null,
): Promise<boolean> {
  const moved = before.last ?? since;
  if (piece.createdAt === null || moved === null) return false;
  const createdAt = piece.createdAt.slice(0, 19);
  return createdAt <= moved.slice(0, 19) || isMadeByItsMover(connection, before, createdAt);
}

/**
 * Whether a table was moved away by a text that also made the one which took its place at `createdAt`.
 * MariaDB logs a text of several statements as one row, at its start, so that what it makes may be of a
 * later second (seen on a busy machine: some milliseconds, over the end of a second).
 */
async function isMadeByItsMover(
  connection: MysqlConnection,
  { table }: Piece,
  createdAt: string,
): Promise<boolean> {
  const at = `TIMESTAMP('${createdAt.replace('T', ' ')}')`;
  const row = await connection.row(
    `SELECT 1 FROM ${table}
     WHERE event_time BETWEEN ${at} - INTERVAL ${LONGEST_MOVE_S} SECOND AND ${at} + INTERVAL 1 SECOND
       AND CONVERT(argument USING utf8mb4) LIKE '%CREATE TABLE%;%RENAME TABLE%' LIMIT 1`,
    WHOLE_TABLE_MS,
  );
  return row !== null;
}

/** Log tables of ours outside of our schema that belong to a generation, in the order of their rows. */
async function findDisplaced(
  connection: MysqlConnection,
  expected: Pick<Sentinel, 'tap' | 'generation'>,
  { since: begun, movedSince, until }: GenerationTimes,
): Promise<{ origin: Piece | null; later: Piece[]; serverStart: number | null }> {
  const since = movedSince ?? begun;
  let origin: Piece | null = null;
  let serverStart: number | null = null;
  let writtenAt: string | null = null;
  const others: Piece[] = [];
  for (const table of await displacedTables(connection, null)) {
    const sentinel = await readable(() => readSentinel(connection, table));
    const piece = await readable(() => pieceOf(connection, table));
    if (sentinel === undefined || piece === undefined) continue;
    if (sentinel === null) {
      others.push(piece);
    } else if (isOfTap(sentinel.tap, expected.tap) && sentinel.generation === expected.generation) {
      origin = piece;
      serverStart = sentinel.serverStart;
      writtenAt = sentinel.writtenAt;
    }
  }
  // Without a bound they may be of an earlier generation, and recorded long ago.
  const isBounded = since !== null || writtenAt !== null;
  const later = others.filter(({ first, last }) => {
    if (!isBounded || first === null || last === null) return false;
    // The sentinel was written while the generation before was still live.
    if (writtenAt !== null && first <= writtenAt) return false;
    // By its last row: the clock is read some milliseconds behind a swap, and a program that waits for
    // the swap to move the table has its own in place by then, with rows in it.
    return (since === null || last > since) && (until === null || last <= until);
  });
  later.sort((one, other) => ((one.first ?? '') < (other.first ?? '') ? -1 : 1));
  return { origin, later, serverStart };
}

/**
 * Log tables of ours, or copies of them, that somebody moved out of our schema.
 * @param schema where to look; null for everywhere, which makes the server open every table it has.
 */
export async function displacedTables(
  connection: MysqlConnection,
  schema: 'mysql' | null,
): Promise<string[]> {
  const where =
    schema === null ? `TABLE_SCHEMA <> '${RECORDER_SCHEMA}'` : `TABLE_SCHEMA = '${schema}'`;
  const rows = await connection.rows(
    `SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES
     WHERE ${where} AND TABLE_COMMENT = '${OUR_COMMENT}'
       AND NOT (TABLE_SCHEMA = 'mysql' AND TABLE_NAME = 'general_log')
     ORDER BY TABLE_SCHEMA, TABLE_NAME`,
    WHOLE_TABLE_MS,
  );
  return rows.map(([inSchema, name]) => `${quoted(inSchema)}.${quoted(name)}`);
}

/** What `read` gives; undefined when the table cannot be read: refused, damaged, or gone by now. */
async function readable<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch {
    return undefined;
  }
}

async function pieceOf(connection: MysqlConnection, table: string): Promise<Piece> {
  const row = await connection.row(
    `SELECT MIN(event_time), MAX(event_time) FROM ${table} WHERE ${NO_SENTINEL}`,
    WHOLE_TABLE_MS,
  );
  const [first, last] = row ?? [];
  const createdAt = await ofTable(connection, table, 'CREATE_TIME');
  return {
    table,
    createdAt: createdAt === null ? null : instant(createdAt),
    first: first == null ? null : instant(first),
    last: last == null ? null : instant(last),
  };
}

function quoted(name: string | null | undefined): string {
  return `\`${(name ?? '').replaceAll('`', '``')}\``;
}
