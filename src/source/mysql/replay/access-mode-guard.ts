import type { MysqlConnection } from '../connection/mysql-connection.ts';
import { BY_OTHERS } from './target-programs.ts';

/**
 * What can make a session writable again. Functions cannot put SQL together, so that the text is enough; they can call
 * procedures.
 */
const CHANGES_MODE = `LOWER(ROUTINE_DEFINITION) LIKE '%read_only%' OR LOWER(ROUTINE_DEFINITION) LIKE '%transaction%write%'`;

/** Which sessions have to be told anew in front of every command that they may not write. */
export interface AccessModeRisk {
  /** Those of the environment's own account. */
  readonly own: boolean;
  /** Those of other accounts, which may reach programs that ours does not see. */
  readonly others: boolean;
}

/**
 * Whether a function that a SELECT calls may say `SET SESSION TRANSACTION READ WRITE`: then a later statement of its
 * session could write (seen on MariaDB 10.11 and MySQL 9.7; in one statement it cannot, for the servers look at all
 * tables of its functions before they run any). What cannot be seen may. One row, however many routines there are.
 * @throws AppError `remote_failed`.
 */
export async function readAccessModeRisk(control: MysqlConnection): Promise<AccessModeRisk> {
  const routines = await control.value(
    `SELECT COUNT(*) FROM information_schema.ROUTINES WHERE ${BY_OTHERS} AND (ROUTINE_DEFINITION IS NULL OR ROUTINE_BODY <> 'SQL' OR ${CHANGES_MODE})`,
    LOOK_MS,
  );
  const seesAll = await seesEveryBody(control);
  if (Number(routines) > 0) return { own: true, others: true };
  return { own: !seesAll && (await hasForeignRights(control)), others: !seesAll };
}

/** On a server with many databases the lists are made from files. */
const LOOK_MS = 60_000;

/** SELECT on everything, and SHOW_ROUTINE of MySQL 8 show all bodies. */
async function seesEveryBody(control: MysqlConnection): Promise<boolean> {
  const count = await control.value(
    `SELECT COUNT(*) FROM information_schema.USER_PRIVILEGES WHERE PRIVILEGE_TYPE IN ('SELECT', 'SHOW_ROUTINE') AND GRANTEE = CONCAT('''', REPLACE(CURRENT_USER(), '@', '''@'''), '''')`,
  );
  return Number(count) > 0;
}

/** Whether there is a view or routine that runs with the rights of who made it: it may call what we do not see. */
async function hasForeignRights(control: MysqlConnection): Promise<boolean> {
  const found = await control.value(
    `SELECT EXISTS (SELECT 1 FROM information_schema.VIEWS WHERE SECURITY_TYPE = 'DEFINER' AND ${BY_OTHERS}) OR EXISTS (SELECT 1 FROM information_schema.ROUTINES WHERE SECURITY_TYPE = 'DEFINER' AND ${BY_OTHERS})`,
    LOOK_MS,
  );
  return found !== '0';
}
