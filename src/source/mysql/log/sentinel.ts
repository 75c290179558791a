import type { LogInterruption } from '../../../core/source.ts';
import { literal, type MysqlConnection } from '../connection/mysql-connection.ts';
import { instant } from '../connection/server-clock.ts';

/**
 * The first row of every log table of ours, written while it is not a log table yet. A table that was
 * truncated, or that another program put in the place of ours, begins without it: that is how a change
 * of the log table is noticed. It is in no record, no count and not in the owner's log.
 */
export interface Sentinel {
  /** Whose table it is: the store and its tap. */
  readonly tap: string;
  /** The generation that the table will be frozen as. */
  readonly generation: number;
  /** When the server started, in whole seconds of its clock: its connection ids begin anew then. */
  readonly serverStart: number;
  /** What may be missing before the rows that follow; null for nothing. */
  readonly interruption: LogInterruption | null;
}

const USER_HOST = 'captures recorder';
const COMMAND = 'captures';
/** `user_host` of a sentinel, as it stands in a row packet. No client's has it: theirs have brackets. */
export const SENTINEL_USER_HOST = Buffer.from(USER_HOST, 'utf8');
/** Connection id of a sentinel; the server's own begin with 1. */
export const SENTINEL_THREAD = 0;

/** The condition under which a row of a log table is a client's, not a sentinel. */
export const NO_SENTINEL = `NOT (thread_id = ${SENTINEL_THREAD} AND command_type = '${COMMAND}' AND user_host = '${USER_HOST}')`;

/** Appends a sentinel to a table of ours that is not live. */
export async function addSentinel(
  connection: MysqlConnection,
  table: string,
  sentinel: Sentinel,
): Promise<void> {
  await connection.run(
    `INSERT INTO ${table} (user_host, thread_id, server_id, command_type, argument) VALUES ('${USER_HOST}', ${SENTINEL_THREAD}, 0, '${COMMAND}', ${literal(JSON.stringify(sentinel))})`,
  );
}

/** The sentinel that a table begins with, and when it was written; null when it begins otherwise. */
export async function readSentinel(
  connection: MysqlConnection,
  table: string,
): Promise<(Sentinel & { readonly writtenAt: string }) | null> {
  const row = await connection.row(
    `SELECT thread_id, user_host, command_type, argument, event_time FROM ${table} LIMIT 1`,
  );
  const [thread, userHost, command, text, time] = row ?? [];
  if (thread !== String(SENTINEL_THREAD) || userHost !== USER_HOST || command !== COMMAND) {
    return null;
  }
  const sentinel = parseSentinel(text ?? '');
  return sentinel === null ? null : { ...sentinel, writtenAt: instant(time) };
}

/** What a sentinel's text says; null for a text that is none. */
export function parseSentinel(text: string): Sentinel | null {
  try {
    const value = JSON.parse(text) as Partial<Sentinel> | null;
    const { generation } = value ?? {};
    // It goes into statements; JSON knows numbers that are none.
    const isCount = Number.isSafeInteger(generation) && Number(generation) >= 0;
    return isCount ? (value as Sentinel) : null;
  } catch {
    return null;
  }
}

/** Whether a sentinel's tap is the one expected: any, where no tap is (a recorder's that is gone). */
export function isOfTap(tap: string, expected: string): boolean {
  return expected === '' || tap === expected;
}
