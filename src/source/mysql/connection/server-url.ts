import type { ServerLocation } from '../../../core/environments/environment.ts';
import { AppError } from '../../../core/errors.ts';

/**
 * Reads `mysql://USER@HOST[:PORT][/DB][?socket=PATH]`.
 * @throws AppError `invalid`; a password in the URL is refused, because the URL is stored and shown.
 */
export function parseServerUrl(url: string): ServerLocation {
  const form = 'The form is mysql://USER@HOST[:PORT][/DB][?socket=PATH].';
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    // The text is not echoed: it may hold a password.
    throw new AppError('invalid', 'The server URL cannot be read', { hint: form });
  }
  if (parsed.protocol !== 'mysql:' && parsed.protocol !== 'mariadb:') {
    throw new AppError('invalid', `The server URL begins with "${parsed.protocol}//"`, {
      hint: `Only mysql:// (MySQL and MariaDB) can be captured. ${form}`,
    });
  }
  if (parsed.password !== '') {
    throw new AppError(
      'invalid',
      'The server URL contains a password, which would be stored and shown',
      { hint: { code: 'password_by_reference' } },
    );
  }
  if (parsed.username === '') {
    throw new AppError('invalid', 'The server URL names no user', { hint: form });
  }
  for (const key of parsed.searchParams.keys()) {
    if (key !== 'socket') {
      throw new AppError('invalid', `The server URL has an unknown setting "${key}"`, {
        hint: form,
      });
    }
  }
  if (parsed.hash !== '') {
    throw new AppError('invalid', 'The server URL has a "#" part', { hint: form });
  }
  const socket = parsed.searchParams.get('socket');
  if (socket !== null && !socket.startsWith('/')) {
    throw new AppError('invalid', 'The socket in the server URL is not an absolute path', {
      hint: form,
    });
  }
  const host = parsed.hostname.replace(/^\[|\]$/g, '');
  if (host === '' && socket === null) {
    throw new AppError('invalid', 'The server URL names no host', { hint: form });
  }
  const database = decoded(parsed.pathname.slice(1));
  if (database.includes('/')) {
    throw new AppError('invalid', 'The server URL names more than one database', { hint: form });
  }
  return {
    engine: 'mysql',
    user: decoded(parsed.username),
    host: host === '' ? 'localhost' : decoded(host),
    port: parsed.port === '' ? 3306 : Number(parsed.port),
    socket,
    database: database === '' ? null : database,
  };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new AppError('invalid', 'The server URL has a "%" that is not a valid escape', {
      hint: 'Write a percent sign as %25.',
    });
  }
}
