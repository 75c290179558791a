import { AppError } from '../../../core/errors.ts';
import type { ServerInstant } from '../../../core/source.ts';
import type { MysqlConnection } from './mysql-connection.ts';

/** The server's `2026-11-21 20:00:00.123456` as ISO-8601; our sessions are in UTC. */
export function instant(text: string | null | undefined): ServerInstant {
  if (text == null) throw new AppError('remote_failed', 'The server does not say what time it is');
  return `${text.replace(' ', 'T')}Z`;
}

export async function serverNow(connection: MysqlConnection): Promise<ServerInstant> {
  return instant(await connection.value('SELECT UTC_TIMESTAMP(6)'));
}
