import { randomUUID } from 'node:crypto';
import { AppError } from '../../../core/errors.ts';
import { type MysqlConnection, WHOLE_TABLE_MS } from '../connection/mysql-connection.ts';
import type { LogSlots } from './log-slots.ts';
import { REPAIRED, repairIfDamaged } from './log-table.ts';
import type { Sentinel } from './sentinel.ts';

/**
 * Proves that a statement of another connection arrives in the log, for a damaged log table makes the
 * server drop statements without a word. Freezes the live table.
 * @param connect opens a connection as any client's: its statements are logged.
 * @param live the generation of the live table, which none that is frozen has.
 * @returns the generation of the live table then.
 * @throws AppError `remote_failed` when the statement did not arrive.
 */
export async function proveLogging(
  control: MysqlConnection,
  connect: () => Promise<MysqlConnection>,
  slots: LogSlots,
  sentinelOf: (generation: number) => Sentinel,
  live: number,
): Promise<{ warnings: string[]; live: number }> {
  const warnings: string[] = [];
  // A live table of ours that a crash of the server damaged fails the first proof, which takes it
  // away; the second one has a new table.
  for (let generation = live; generation < live + 2; generation++) {
    const tag = `captures proof ${randomUUID()}`;
    const prover = await connect();
    try {
      await prover.rows(`SELECT '${tag}'`);
    } finally {
      await prover.close();
    }
    await slots.swap(generation, sentinelOf(generation + 1));
    const frozen = slots.tableOf(generation);
    if (await repairIfDamaged(control, frozen)) warnings.push(REPAIRED);
    const arrived = await control.value(
      `SELECT COUNT(*) FROM ${frozen} WHERE thread_id = ${prover.id} AND argument LIKE '%${tag}%'`,
      WHOLE_TABLE_MS,
    );
    if (arrived !== '0') return { warnings, live: generation + 1 };
  }
  throw new AppError(
    'remote_failed',
    'The general log is on, and yet the server does not log the statements of a new connection',
    { hint: 'See sql_log_off in its configuration, and its error log.' },
  );
}
