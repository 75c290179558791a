import type { MysqlConnection } from './mysql-connection.ts';

/** One connection as the server lists it. */
export interface Process {
  readonly id: number;
  readonly user: string | null;
  /** Without the port; null where the server says none. */
  readonly host: string | null;
  readonly db: string | null;
  readonly command: string;
  /** How long it has been at that command, or idle. */
  readonly seconds: number;
  readonly state: string;
  /** The first hundred characters of what it is doing. */
  readonly info: string | null;
}

/**
 * The connections that are there now: with PROCESS everybody's, without it those of our account. SHOW
 * is the one way that all servers have: `information_schema.PROCESSLIST` is on its way out of MySQL
 * (deprecated in 8.0.35), `performance_schema.processlist` is empty where that schema is off.
 */
export async function listProcesses(connection: Pick<MysqlConnection, 'list'>): Promise<Process[]> {
  const rows = await connection.list('SHOW PROCESSLIST');
  return rows.map(([id, user, host, db, command, seconds, state, info]) => ({
    id: Number(id),
    user: user ?? null,
    host: host == null || host === '' ? null : host.replace(/:\d+$/, ''),
    db: db ?? null,
    command: command ?? '',
    seconds: Math.max(Number(seconds ?? 0), 0),
    state: state ?? '',
    info: info ?? null,
  }));
}

/** The server's own threads, which receive no statements from anybody. */
const OWN_THREADS: ReadonlySet<string> = new Set([
  'Daemon',
  'Slave_IO',
  'Slave_SQL',
  'Slave_worker',
]);

/** Whether nobody sends it statements: the server's own threads, and those of replication and events. */
export function isOwnThread({ command, user }: Pick<Process, 'command' | 'user'>): boolean {
  return OWN_THREADS.has(command) || user === 'system user';
}
