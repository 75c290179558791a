import { AppError } from '../../../core/errors.ts';
import type { MysqlConnection } from './mysql-connection.ts';
import { codeOf } from './server-errors.ts';
import { PendingStatement } from '../reading/pending-statement.ts';
import { listProcesses } from './processlist.ts';
import { RECORDER_SCHEMA } from '../log/recorder-schema.ts';

/**
 * What holds every change of tables of a server up, by the state of a thread that waits for it
 * (MariaDB 10.5 to 11.8 and MySQL 9.7, tried).
 */
const HOLDERS: readonly { readonly state: RegExp; readonly what: string }[] = [
  {
    state: /^Waiting for backup lock$/i,
    what: 'a backup (LOCK INSTANCE FOR BACKUP, BACKUP STAGE or FLUSH TABLES WITH READ LOCK)',
  },
  {
    state: /^Waiting for (?:global read|commit) lock$/i,
    what: 'FLUSH TABLES WITH READ LOCK',
  },
];

/**
 * Says of a statement that waited in vain for a lock what it waited for: a lock on the whole server, or
 * else, as the error has it, somebody who reads the log table. Asks by changing nothing: a DROP TABLE
 * IF EXISTS of a table that is never made waits for the server's locks and for no table's.
 * @param connect opens a connection whose statements leave no trace.
 * @returns the error to be thrown; `error` itself when it is about something else.
 */
export async function explainedLock(
  error: unknown,
  control: MysqlConnection,
  connect: () => Promise<MysqlConnection>,
): Promise<unknown> {
  if (codeOf(error) !== 'ER_LOCK_WAIT_TIMEOUT' || control.isLost) return error;
  try {
    const holder = await findHolder(control, connect);
    if (holder === null) return error;
    return new AppError('remote_failed', `The server is locked by ${holder}`, {
      hint: 'The recorder continues when that lock is released.',
      cause: error,
    });
  } catch {
    // What the server says now must not hide what it said first.
    return error;
  }
}

async function findHolder(
  control: MysqlConnection,
  connect: () => Promise<MysqlConnection>,
): Promise<string | null> {
  const prober = await connect();
  const probe = new PendingStatement(
    prober.run(`DROP TABLE IF EXISTS ${RECORDER_SCHEMA}.lock_probe`),
  );
  try {
    while (!probe.isOver) {
      const process = (await listProcesses(control)).find(({ id }) => id === prober.id);
      const holder = HOLDERS.find(({ state }) => state.test(process?.state ?? ''));
      if (holder !== undefined) return holder.what;
    }
    return null;
  } finally {
    // A second at the most; a statement whose answer is not waited for makes `verify` less exact.
    await probe.end;
    await prober.close();
  }
}
