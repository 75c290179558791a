import type { PrivilegeNeed } from '../../../core/environments/server-inspection.ts';
import type { MysqlConnection } from './mysql-connection.ts';
import type { Flavor, ImpliedPrivilege } from './flavor.ts';
import { RECORDER_SCHEMA } from '../log/recorder-schema.ts';

/** One line of SHOW GRANTS: privileges on `*.*`, on a database (perhaps a pattern) or on a table. */
interface Grant {
  /** A REVOKE: what is given on `*.*` is taken back on a database (MySQL's partial_revokes). */
  readonly isTaken: boolean;
  readonly privileges: ReadonlySet<string>;
  readonly database: string;
  readonly table: string;
}

/** The lines of SHOW GRANTS with those of the roles that are switched on; null when refused. */
export async function readGrants(connection: MysqlConnection): Promise<string[] | null> {
  try {
    const lines = await connection.rows('SHOW GRANTS');
    const role = await connection.value('SELECT CURRENT_ROLE()').catch(() => null);
    const ofRoles =
      role === null || role === 'NONE' || role === ''
        ? []
        : await connection.rows(
            role.includes('`')
              ? `SHOW GRANTS FOR CURRENT_USER() USING ${role}`
              : 'SHOW GRANTS FOR CURRENT_ROLE',
          );
    return [...lines, ...ofRoles].map(([line]) => line ?? '');
  } catch (error) {
    if (connection.isLost) throw error;
    return null;
  }
}

/** Reads the lines of SHOW GRANTS; lines that grant roles, PROXY or routines are left out. */
export function parseGrants(lines: readonly string[]): Grant[] {
  const grants: Grant[] = [];
  for (const line of lines) {
    const match =
      /^(GRANT|REVOKE) (.+?) ON (?:TABLE )?(\*|`(?:[^`]|``)+`|[^ .]+)\.(\*|`(?:[^`]|``)+`|[^ ]+) (?:TO|FROM) /.exec(
        line,
      );
    if (match === null) continue;
    const [, verb, privileges = '', database = '', table = ''] = match;
    grants.push({
      isTaken: verb === 'REVOKE',
      // A privilege on columns alone ("SELECT (a, b)") is not one on the table.
      privileges: new Set(
        privileges
          .replace(/[A-Z ]+\([^)]*\)/g, '')
          .split(',')
          .map((privilege) => privilege.trim().toUpperCase())
          .filter((privilege) => privilege !== ''),
      ),
      database: unquoted(database),
      table: unquoted(table),
    });
  }
  return grants;
}

function unquoted(name: string): string {
  return name.startsWith('`') ? name.slice(1, -1).replaceAll('``', '`') : name;
}

/** Database names of grants are patterns: `_` and `%` stand for anything unless escaped. */
function matchesDatabase(pattern: string, database: string): boolean {
  if (pattern === '*') return true;
  const expression = pattern.replace(
    /\\([_%])|[%_]|[.*+?^${}()|[\]\\]/g,
    (part, escaped?: string) => {
      if (escaped !== undefined) return escaped;
      if (part === '%') return '.*';
      if (part === '_') return '.';
      return `\\${part}`;
    },
  );
  return new RegExp(`^${expression}$`, 'i').test(database);
}

// Of ALL PRIVILEGES on *.*, for every server here: nothing that the recorder needs is left out.
const ALL = ['ALL', 'ALL PRIVILEGES'];

/** Whether grants give a privilege on a database's table (`*` for all). */
export function has(
  grants: readonly Grant[],
  privilege: string,
  database: string,
  table: string,
): boolean {
  const names = [privilege, ...ALL];
  const isAmong = ({ privileges }: Grant): boolean => names.some((name) => privileges.has(name));
  const isTaken = grants.some(
    (grant) => grant.isTaken && grant.database === database && isAmong(grant),
  );
  return grants.some((grant) => {
    if (grant.isTaken) return false;
    const covers =
      (grant.database === '*' && !isTaken) ||
      (database !== '*' &&
        grant.database !== '*' &&
        matchesDatabase(grant.database, database) &&
        (grant.table === '*' || grant.table === table));
    return covers && isAmong(grant);
  });
}

/** Whether grants give a privilege on everything, or one that implies it. */
export function hasOneOf(
  grants: readonly Grant[],
  { privilege, alternatives }: ImpliedPrivilege,
): boolean {
  return [privilege, ...alternatives].some((one) => has(grants, one, '*', '*'));
}

interface NeedTerms {
  readonly privilege: string;
  readonly purpose: string;
  readonly required: boolean;
  readonly scope: string;
  readonly isPresent: boolean;
}

const LOG_TABLE_PRIVILEGES = ['SELECT', 'INSERT', 'CREATE', 'DROP', 'ALTER'];
const SCHEMA_PRIVILEGES = ['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'CREATE', 'DROP', 'ALTER'];

/** What of the server's own configuration makes further privileges necessary. */
interface ServerCircumstances {
  readonly isReadOnly: boolean;
  readonly writesBinaryLog: boolean;
  /** Whether the owner's general log goes to its table. */
  readonly logsToTable: boolean;
  /** Whether it has performance_schema on. */
  readonly measuresStatements: boolean;
}

/**
 * What the recorder needs, what of it the account has, and the GRANT for each.
 * @param lines of SHOW GRANTS, the roles that are switched on among them; null where the server did
 *   not tell, which makes every state `unknown`.
 * @param account as the server names it: `user@host`.
 */
export function privilegeNeeds(
  lines: readonly string[] | null,
  account: string,
  flavor: Flavor,
  circumstances: ServerCircumstances,
): PrivilegeNeed[] {
  const grants = parseGrants(lines ?? []);
  const global = (privilege: string): boolean => has(grants, privilege, '*', '*');
  const needs: NeedTerms[] = [
    {
      privilege: flavor.switchPrivilege,
      purpose: 'switches the general log on and off',
      required: true,
      scope: '*.*',
      isPresent: [flavor.switchPrivilege, ...flavor.switchAlternatives].some(global),
    },
    {
      privilege: 'PROCESS',
      purpose: 'knows the user, host and database of sessions that are open before the start',
      required: false,
      scope: '*.*',
      isPresent: global('PROCESS'),
    },
    {
      privilege: LOG_TABLE_PRIVILEGES.join(', '),
      purpose: "puts the recorder's log table in the place of the server's, and back",
      required: true,
      scope: 'mysql.general_log',
      isPresent: LOG_TABLE_PRIVILEGES.every((one) => has(grants, one, 'mysql', 'general_log')),
    },
    {
      privilege: 'ALL PRIVILEGES',
      purpose: "keeps the recorder's own tables in a schema of their own",
      required: true,
      scope: `${RECORDER_SCHEMA}.*`,
      isPresent: SCHEMA_PRIVILEGES.every((one) => has(grants, one, RECORDER_SCHEMA, '*')),
    },
    {
      privilege: 'EVENT',
      purpose: 'lets the server switch its log off if the recorder never returns',
      required: false,
      scope: `${RECORDER_SCHEMA}.*`,
      isPresent: has(grants, 'EVENT', RECORDER_SCHEMA, '*'),
    },
    ...flavor.wishes.map(({ privilege, database, table, purpose }) => ({
      privilege,
      purpose,
      required: false,
      scope: `${database}.${table}`,
      isPresent: privilege.split(', ').every((one) => has(grants, one, database, table)),
    })),
  ];
  const readsTimes = flavor.wishes.some(({ database }) => database === MEASUREMENTS);
  if (circumstances.measuresStatements && !readsTimes) needs.push(timesTerms(grants));
  const hasAny = (implied: ImpliedPrivilege): boolean => hasOneOf(grants, implied);
  if (flavor.logOff !== null) {
    needs.push({
      privilege: flavor.logOff.privilege,
      purpose:
        "keeps the recorder's own statements out of the log; needed where the server logs to its table already",
      required:
        circumstances.logsToTable ||
        (circumstances.isReadOnly && flavor.logOff.privilege === flavor.readOnly.privilege),
      scope: '*.*',
      isPresent: hasAny(flavor.logOff),
    });
  }
  const isAskedFor = needs.some(({ privilege }) => privilege === flavor.readOnly.privilege);
  if (circumstances.isReadOnly && !isAskedFor) {
    needs.push({
      privilege: flavor.readOnly.privilege,
      purpose: 'changes log tables on a server that is read-only',
      required: true,
      scope: '*.*',
      isPresent: hasAny(flavor.readOnly),
    });
  }
  if (circumstances.writesBinaryLog && flavor.binaryLog !== null) {
    needs.push({
      privilege: flavor.binaryLog.privilege,
      purpose:
        'keeps the swaps of log tables out of the binary log, where replicas would follow them',
      required: true,
      scope: '*.*',
      isPresent: hasAny(flavor.binaryLog),
    });
  }
  return needs.map((terms) => needOf(terms, lines, account));
}

/** What reading how long statements took needs. @param lines as of `privilegeNeeds`. */
export function timesNeed(lines: readonly string[] | null, account: string): PrivilegeNeed {
  return needOf(timesTerms(parseGrants(lines ?? [])), lines, account);
}

const MEASUREMENTS = 'performance_schema';

const timesTerms = (grants: readonly Grant[]): NeedTerms => ({
  privilege: 'SELECT',
  purpose: 'reads how long statements took',
  required: false,
  scope: `${MEASUREMENTS}.*`,
  isPresent: has(grants, 'SELECT', MEASUREMENTS, '*'),
});

/** @param lines as of `privilegeNeeds`. */
export function needOf(
  { privilege, purpose, required, scope, isPresent }: NeedTerms,
  lines: readonly string[] | null,
  account: string,
): PrivilegeNeed {
  return {
    privilege: scope === '*.*' ? privilege : `${privilege} on ${scope}`,
    purpose,
    required,
    state: lines === null ? 'unknown' : isPresent ? 'present' : 'missing',
    grant: `GRANT ${privilege} ON ${scope} TO ${quotedAccount(account)}`,
  };
}

/**
 * What ending other accounts' sessions needs.
 * @param listsLocks whether the server lists who holds a lock without our doing.
 */
export function recyclingNeeds(
  lines: readonly string[] | null,
  account: string,
  { anyConnections }: Flavor,
  listsLocks: boolean,
): PrivilegeNeed[] {
  const grants = parseGrants(lines ?? []);
  const need = (
    privilege: string,
    scope: string,
    purpose: string,
    isPresent: boolean,
  ): PrivilegeNeed =>
    needOf({ privilege, scope, purpose, required: true, isPresent }, lines, account);
  const end = anyConnections ?? { privilege: 'SUPER', alternatives: [] };
  return [
    need('PROCESS', '*.*', 'sees the sessions of others', has(grants, 'PROCESS', '*', '*')),
    need(end.privilege, '*.*', 'ends the sessions of others', hasOneOf(grants, end)),
    need(
      'INSERT, DELETE',
      'mysql.plugin',
      'installs metadata_lock_info, which shows who holds a lock, and removes it afterwards',
      listsLocks || ['INSERT', 'DELETE'].every((one) => has(grants, one, 'mysql', 'plugin')),
    ),
  ];
}

/** `user@host` as GRANT wants it: each part in backticks. The host follows the last `@`. */
export function quotedAccount(account: string): string {
  const at = account.lastIndexOf('@');
  const quote = (name: string): string => `\`${name.replaceAll('`', '``')}\``;
  return at === -1
    ? quote(account)
    : `${quote(account.slice(0, at))}@${quote(account.slice(at + 1))}`;
}
