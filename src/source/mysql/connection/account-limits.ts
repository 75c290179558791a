import type { Obstacle } from '../../../core/environments/server-inspection.ts';
import type { MysqlConnection } from './mysql-connection.ts';
import type { Flavor } from './flavor.ts';
import { hasOneOf, parseGrants, quotedAccount } from './privileges.ts';

/**
 * What a recording needs of each limit that an account can have, in an hour. Measured on MariaDB 10.11
 * and MySQL 9.7, of a daemon that drains every 500 ms: 150,000 statements and 43,000 changes; where the
 * server logs to its table already, and the owner's rows go back to it, 225,000 and 72,000; 3 to 7
 * connections for a start and an end, and 3 for each time that the server could not be reached.
 */
const NEEDED: Readonly<Record<string, number>> = {
  MAX_QUERIES_PER_HOUR: 300_000,
  MAX_UPDATES_PER_HOUR: 100_000,
  MAX_CONNECTIONS_PER_HOUR: 60,
};
/** The recorder's own: one that controls, one that reads, one that tries something or makes way. */
const CONNECTIONS = 3;
/** What is asked for: commands look at the server meanwhile. */
const CONNECTIONS_TO_SPARE = 6;

/**
 * Limits of the account that would end a recording, as one obstacle with the statement that helps.
 * `MAX_STATEMENT_TIME` is none: a session may lift it for itself, as the recorder's do (tried on 10.11).
 * @param grants lines of SHOW GRANTS; null where the server did not tell.
 * @param account as the server names it: `user@host`.
 */
export async function limitObstacles(
  connection: MysqlConnection,
  flavor: Flavor,
  grants: readonly string[] | null,
  account: string,
): Promise<Obstacle[]> {
  const limits = parseLimits(
    flavor.name === 'mariadb' ? (grants ?? []) : await readOwnUser(connection),
  );
  const found: string[] = [];
  const changes: string[] = [];
  for (const [name, needed] of Object.entries(NEEDED)) {
    const limit = limits.get(name) ?? 0;
    if (limit === 0 || limit >= needed) continue;
    found.push(`${name} ${limit} (it needs ${needed.toLocaleString('en-US')})`);
    changes.push(`${name} 0`);
  }
  const own = limits.get('MAX_USER_CONNECTIONS') ?? 0;
  const isExempt =
    flavor.anyConnections !== null && hasOneOf(parseGrants(grants ?? []), flavor.anyConnections);
  const ofServer = Number(await connection.value('SELECT @@GLOBAL.max_user_connections'));
  const connections = own > 0 ? own : isExempt ? 0 : ofServer;
  if (connections > 0 && connections < CONNECTIONS) {
    const name = own > 0 ? 'MAX_USER_CONNECTIONS' : "the server's max_user_connections";
    found.push(`${name} ${connections} (it needs ${CONNECTIONS})`);
    changes.push(`MAX_USER_CONNECTIONS ${CONNECTIONS_TO_SPARE}`);
  }
  if (found.length === 0) return [];
  return [
    {
      what: `The limits of the account ${account} would end a recording: ${found.join(', ')}`,
      hint: `Run there as an administrator: ALTER USER ${quotedAccount(account)} WITH ${changes.join(' ')};`,
    },
  ];
}

/** MySQL says in SHOW GRANTS nothing of limits; an account may look at itself. */
async function readOwnUser(connection: MysqlConnection): Promise<string[]> {
  try {
    const line = await connection.value('SHOW CREATE USER CURRENT_USER()');
    return line === null ? [] : [line];
  } catch (error) {
    if (connection.isLost) throw error;
    return [];
  }
}

/**
 * Limits by their names, from lines of SHOW GRANTS (MariaDB) or SHOW CREATE USER (MySQL). What stands
 * between quotes is a name or a password, whatever it spells.
 */
function parseLimits(lines: readonly string[]): Map<string, number> {
  const limits = new Map<string, number>();
  for (const line of lines) {
    const bare = line.replace(/`(?:[^`]|``)*`|'(?:[^'\\]|''|\\.)*'/g, '');
    for (const [, name = '', value] of bare.matchAll(
      /\b(MAX_(?:QUERIES|UPDATES|CONNECTIONS)_PER_HOUR|MAX_USER_CONNECTIONS) (\d+)/g,
    )) {
      limits.set(name, Number(value));
    }
  }
  return limits;
}
