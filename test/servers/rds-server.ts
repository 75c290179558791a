import type { ServerAddress } from '../../src/core/environments/environment.ts';
import {
  startServer,
  type ServerOptions,
  type DatabaseServer,
} from '../support/database-server.ts';
import { SERVER } from '../support/stores.ts';

/** A private server that behaves as RDS does towards an account that is not rdsadmin. */
export interface RdsServer extends DatabaseServer {
  readonly address: ServerAddress;
  /** Rotates as RDS itself does: on its own connection, without a word. */
  rotate(): Promise<void>;
}

const PASSWORD_VARIABLE = 'CAPTURES_TEST_RDS_PASSWORD';

/**
 * As RDS describes it (Appendix.MySQL.CommonDBATasks.Logs, and the manual's own recipe for rotating a
 * log table): the backup is deleted, then the live table takes its place.
 */
const ROTATE = `
  CREATE PROCEDURE mysql.rds_rotate_general_log() SQL SECURITY DEFINER
  BEGIN
    SET SESSION sql_log_bin = OFF;
    CREATE TABLE IF NOT EXISTS mysql.general_log2 LIKE mysql.general_log;
    DROP TABLE IF EXISTS mysql.general_log_backup;
    RENAME TABLE mysql.general_log TO mysql.general_log_backup, mysql.general_log2 TO mysql.general_log;
  END`;

const RDS_GRANTS = [
  'GRANT PROCESS ON *.* TO recorder@`%`',
  'GRANT SELECT ON mysql.general_log_backup TO recorder@`%`',
  'GRANT EXECUTE ON PROCEDURE mysql.rds_rotate_general_log TO recorder@`%`',
];

/** @param options.isLogging false: the log is off, as in a parameter group that nobody changed. */
export async function startRdsServer(
  options: ServerOptions & { readonly isLogging?: boolean } = {},
): Promise<RdsServer> {
  process.env[PASSWORD_VARIABLE] = 'secret';
  const server = await startServer(options);
  let admin = await server.admin();
  await admin.query(ROTATE);
  await admin.query('CALL mysql.rds_rotate_general_log()');
  await admin.query("CREATE USER recorder@`%` IDENTIFIED BY 'secret'");
  for (const grant of RDS_GRANTS) await admin.query(grant);
  if (options.isLogging !== false) {
    await admin.query("SET GLOBAL log_output = 'TABLE'; SET GLOBAL general_log = ON");
  }
  await admin.query('SET SESSION sql_log_off = 1');
  return {
    ...server,
    address: { ...SERVER, port: server.port, passwordFrom: `env:${PASSWORD_VARIABLE}` },
    async rotate() {
      try {
        await admin.query('CALL mysql.rds_rotate_general_log()');
      } catch (error) {
        // Of two rotations that meet between the DROP and the RENAME one fails: the other was made.
        const { code } = error as { code?: string };
        if (code !== 'ER_TABLE_EXISTS_ERROR' && code !== 'ER_NO_SUCH_TABLE') throw error;
      }
    },
    async restart() {
      await server.restart();
      admin = await server.admin();
      await admin.query('SET SESSION sql_log_off = 1');
    },
    async stop() {
      admin.destroy();
      await server.stop();
    },
  };
}
