import { SAMPLED_COUNTERS } from '../core/server-metrics.ts';
import type { MysqlConnection } from './connection.ts';

/**
 * The server's counters, by the names it gives them; those that it does not have are absent. Asks for
 * these alone: the whole of SHOW GLOBAL STATUS is 600 rows.
 */
export async function readCounters(
  connection: MysqlConnection,
  wanted: readonly string[] = SAMPLED_COUNTERS,
): Promise<Record<string, number>> {
  const names = wanted.map((name) => `'${name}'`).join(', ');
  const rows = await connection.rows(`SHOW GLOBAL STATUS WHERE Variable_name IN (${names})`);
  const counters: Record<string, number> = {};
  for (const [name, value] of rows) {
    const count = Number(value ?? NaN);
    if (name != null && Number.isFinite(count)) counters[name] = count;
  }
  return counters;
}
