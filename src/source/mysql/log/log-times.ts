import type { ServerInstant } from '../../../core/source.ts';
import { type MysqlConnection, WHOLE_TABLE_MS } from '../connection/mysql-connection.ts';
import { instant, serverNow } from '../connection/server-clock.ts';
import { engineOf } from './log-engine.ts';
import { readServerOffset } from './log-settings.ts';
import { NO_SENTINEL } from './sentinel.ts';
import { SessionZones } from '../reading/session-zones.ts';

/** The first and the last instant in a log table; null where it has no rows. */
interface TableTimes {
  readonly first: ServerInstant | null;
  readonly last: ServerInstant | null;
}

/**
 * The instants that the rows of a log table lie between, in UTC also where the table is CSV and has
 * each session's local time. Sentinels are left out.
 * @param bounds.since what the server received until then is in earlier tables; null where unknown.
 * @param bounds.before only rows of before then count; null for all.
 */
export async function timesIn(
  connection: MysqlConnection,
  table: string,
  {
    since,
    before,
  }: { readonly since: ServerInstant | null; readonly before: ServerInstant | null },
): Promise<TableTimes> {
  const isLocal = (await engineOf(connection, table)) === 'CSV';
  const offset = isLocal ? await readServerOffset(connection) : 0;
  const zones = new SessionZones(offset);
  zones.setBounds(since, await serverNow(connection));
  const until =
    before === null
      ? ''
      : ` AND event_time < '${new Date(Date.parse(before) + offset).toISOString().slice(0, 23).replace('T', ' ')}'`;
  const rows = await connection.rows(
    `SELECT ${isLocal ? 'thread_id' : '0'} AS thread, MIN(event_time), MAX(event_time) FROM ${table} WHERE ${NO_SENTINEL}${until} GROUP BY thread`,
    WHOLE_TABLE_MS,
  );
  let first: ServerInstant | null = null;
  let last: ServerInstant | null = null;
  for (const [thread, earliest, latest] of rows) {
    if (earliest == null || latest == null) continue;
    const from = corrected(zones, isLocal, Number(thread), earliest);
    const to = corrected(zones, isLocal, Number(thread), latest);
    if (first === null || from < first) first = from;
    if (last === null || to > last) last = to;
  }
  return { first, last };
}

function corrected(
  zones: SessionZones,
  isLocal: boolean,
  thread: number,
  time: string,
): ServerInstant {
  return isLocal ? zones.correct(thread, instant(time)) : instant(time);
}
