import type { TargetOptions } from '../../../core/replays/target.ts';
import type { MysqlConnection } from '../connection/mysql-connection.ts';
import { listProcesses } from '../connection/processlist.ts';
import type { SessionSettings } from './wire-session.ts';

/** Connections that are left to who looks after the server. */
const TO_SPARE = 5;

interface Limits {
  readonly room: number;
  readonly longestText: number;
  readonly settings: Omit<SessionSettings, 'guardsEvery'>;
}

/** What a server admits of sessions, and what they are told there. @throws AppError `remote_failed`. */
export async function readLimits(
  control: MysqlConnection,
  user: string,
  options: TargetOptions,
): Promise<Limits> {
  const rows = await control.rows(
    `SHOW GLOBAL VARIABLES WHERE Variable_name IN ('max_connections', 'max_allowed_packet', 'lock_wait_timeout', 'innodb_lock_wait_timeout', 'character_set_server')`,
  );
  const variables = new Map(rows.map(([name, value]) => [name, Number(value)]));
  const characters = rows.find(([name]) => name === 'character_set_server')?.[1];
  return {
    room: await readRoom(control, user, variables.get('max_connections') ?? 1),
    longestText: variables.get('max_allowed_packet') ?? 0,
    settings: settingsOf(options, variables, characters === 'utf8mb4'),
  };
}

/** As the login says: texts go in UTF-8 whatever the server's own character set is. */
const NAMES = 'SET NAMES utf8mb4 COLLATE utf8mb4_general_ci';

/**
 * @param isUtf8 whether the server's own character set is UTF-8. Another one would be the session's where the server
 *   does not listen to what a login says (`skip_character_set_client_handshake`); and MySQL, unlike MariaDB, gives it
 *   to a session that is reset (seen on 9.7.4).
 */
function settingsOf(
  { readOnly, lockWait }: TargetOptions,
  variables: ReadonlyMap<string | null | undefined, number>,
  isUtf8: boolean,
): Limits['settings'] {
  const longest = Math.max(1, Math.ceil(lockWait / 1_000));
  const waits: string[] = [];
  for (const name of ['innodb_lock_wait_timeout', 'lock_wait_timeout']) {
    const own = variables.get(name);
    if (own !== undefined) waits.push(`${name} = ${Math.min(own, longest)}`);
  }
  return {
    guard: readOnly ? 'SET SESSION TRANSACTION READ ONLY' : null,
    others: [
      ...(isUtf8 ? [] : [NAMES]),
      ...(waits.length === 0 ? [] : [`SET SESSION ${waits.join(', ')}`]),
    ],
    afterReset: isUtf8 ? [NAMES] : [],
  };
}

/** By the server's own limit and by that of the account, whichever leaves less. */
async function readRoom(control: MysqlConnection, user: string, most: number): Promise<number> {
  const there = Number((await control.row("SHOW GLOBAL STATUS LIKE 'Threads_connected'"))?.[1]);
  let room = most - there - TO_SPARE;
  // Of a session it is what holds for its account: the account's own, or else the server's.
  const ofAccount = Number(await control.value('SELECT @@SESSION.max_user_connections'));
  if (ofAccount > 0) {
    const own = (await listProcesses(control)).filter((process) => process.user === user).length;
    room = Math.min(room, ofAccount - own);
  }
  return Math.max(1, room);
}
