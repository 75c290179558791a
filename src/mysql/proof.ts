import { randomUUID } from 'node:crypto';
import { AppError } from '../core/errors.ts';
import type { MysqlConnection } from './connection.ts';
import type { Flavor } from './flavor.ts';
import { exchange, makeNextTable, REPAIRED, repairIfDamaged } from './log-table.ts';
import { frozenTable, readSchema, TABLES } from './recorder-schema.ts';

/**
 * Proves that a statement of another connection arrives in the log, for a damaged log table makes the
 * server drop statements without a word. Freezes the live table as `generation`; where an
 * installation that was interrupted has frozen that one already, the rows are added to it.
 * @param connect opens a connection as any client's: its statements are logged.
 * @throws AppError `remote_failed` when the statement did not arrive.
 */
export async function proveLogging(
  control: MysqlConnection,
  connect: () => Promise<MysqlConnection>,
  flavor: Flavor,
  storeId: string,
  generation: number,
): Promise<{ warnings: string[]; ownConnectionIds: number[] }> {
  const warnings: string[] = [];
  const ownConnectionIds: number[] = [];
  // A live table of ours that a crash of the server damaged fails the first proof, which takes it
  // away; the second one has a new table.
  for (let attempt = 1; attempt <= 2; attempt++) {
    const tag = `captures proof ${randomUUID()}`;
    const prover = await connect();
    try {
      await prover.rows(`SELECT '${tag}'`);
    } finally {
      await prover.close();
    }
    ownConnectionIds.push(prover.id);

    const { frozen, tables } = await readSchema(control, storeId);
    const isAgain = frozen.includes(generation) || tables.has('proof_log');
    if (isAgain) await joinProof(control, storeId, generation);
    const target = isAgain ? TABLES.proof : frozenTable(generation);
    await makeNextTable(control, flavor);
    await exchange(control, target, TABLES.next);
    if (await repairIfDamaged(control, target)) warnings.push(REPAIRED);
    const arrived = await control.value(
      `SELECT COUNT(*) FROM ${target} WHERE thread_id = ${prover.id} AND argument LIKE '%${tag}%'`,
    );
    if (isAgain) await joinProof(control, storeId, generation);
    await makeNextTable(control, flavor);
    if (arrived !== '0') return { warnings, ownConnectionIds };
  }
  throw new AppError(
    'remote_failed',
    'The general log is on, and yet the server does not log the statements of a new connection',
    { hint: 'See sql_log_off in its configuration, and its error log.' },
  );
}

/**
 * Adds the rows of the proof's table to its generation's, which came before them. What was frozen
 * and what is added change places in one RENAME, so that a crash leaves either all or nothing done.
 */
async function joinProof(
  control: MysqlConnection,
  storeId: string,
  generation: number,
): Promise<void> {
  const { frozen, tables } = await readSchema(control, storeId);
  const [first, second] = TABLES.joinedParts;
  if (tables.has('proof_log')) {
    const target = frozenTable(generation);
    if (frozen.includes(generation)) {
      await control.run(`DROP TABLE IF EXISTS ${TABLES.joined}`);
      await control.run(`CREATE TABLE ${TABLES.joined} LIKE ${target}`);
      await control.run(`INSERT INTO ${TABLES.joined} SELECT * FROM ${target}`);
      await control.run(`INSERT INTO ${TABLES.joined} SELECT * FROM ${TABLES.proof}`);
      await control.run(`DROP TABLE IF EXISTS ${first}, ${second}`);
      await control.run(
        `RENAME TABLE ${target} TO ${first}, ${TABLES.joined} TO ${target}, ${TABLES.proof} TO ${second}`,
      );
    } else {
      await control.run(`RENAME TABLE ${TABLES.proof} TO ${target}`);
    }
  }
  await control.run(`DROP TABLE IF EXISTS ${first}, ${second}`);
}
