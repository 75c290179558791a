import { AppError } from '../errors.ts';

export const SSL_MODES = [
  'DISABLED',
  'PREFERRED',
  'REQUIRED',
  'VERIFY_CA',
  'VERIFY_IDENTITY',
] as const;
export type SslMode = (typeof SSL_MODES)[number];

/** Where a database server is and as whom to log in. The password is a reference, never the secret. */
export interface ServerAddress {
  readonly engine: 'mysql';
  readonly user: string;
  readonly host: string;
  readonly port: number;
  /** Path of a local socket; wins over host and port. */
  readonly socket: string | null;
  readonly database: string | null;
  /** `env:NAME`, `file:PATH` or `cnf:PATH#GROUP`; null to log in without a password. */
  readonly passwordFrom: string | null;
  readonly sslMode: SslMode;
  /** Path of a PEM file with the authorities to trust; null for the system's. */
  readonly sslCa: string | null;
  /** Path of a PEM file with the server's RSA key, to log in without TLS; null without one. */
  readonly serverPublicKey: string | null;
}

/** A database server (or RDS instance) that can be captured. */
export interface Environment {
  readonly id: number;
  readonly name: string;
  /** null: metrics-only. */
  readonly server: ServerAddress | null;
  readonly region: string | null;
  /** CloudWatch's DBInstanceIdentifier. */
  readonly instance: string | null;
  readonly profile: string | null;
  readonly endpointUrl: string | null;
  readonly createdAt: number;
}

/** An environment with a server: one whose statements can be recorded. */
export type ServerEnvironment = Environment & { readonly server: ServerAddress };

/**
 * Reads `mysql://USER@HOST[:PORT][/DB][?socket=PATH]`.
 * @throws AppError `invalid`; a password in the URL is refused, because the URL is stored and shown.
 */
export function parseServerUrl(
  url: string,
): Pick<ServerAddress, 'engine' | 'user' | 'host' | 'port' | 'socket' | 'database'> {
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
      {
        hint: 'Leave it out of the URL and say where it is: --password-from env:NAME, file:PATH or cnf:PATH#GROUP.',
      },
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
    throw new AppError('invalid', 'The server URL has a "%" that is no valid escape', {
      hint: 'Write a percent sign as %25.',
    });
  }
}

/** The URL of a server as `parseServerUrl` reads it; it never holds a password. */
export function formatServerUrl(server: ServerAddress): string {
  const host = server.host.includes(':') ? `[${server.host}]` : server.host;
  const database = server.database === null ? '' : `/${encodeURIComponent(server.database)}`;
  const socket = server.socket === null ? '' : `?socket=${server.socket}`;
  return `mysql://${encodeURIComponent(server.user)}@${host}:${server.port}${database}${socket}`;
}

export type PasswordReference =
  | { readonly from: 'env'; readonly name: string }
  | { readonly from: 'file'; readonly path: string }
  | { readonly from: 'cnf'; readonly path: string; readonly group: string };

/**
 * Reads `env:NAME`, `file:PATH` or `cnf:PATH#GROUP` (a MySQL option file; the group is `client`
 * when none is named).
 * @throws AppError `invalid`. The text is never echoed: people type the password itself here.
 */
export function parsePasswordReference(reference: string): PasswordReference {
  const hint =
    'The forms are env:NAME, file:PATH and cnf:PATH#GROUP; the password itself is never stored.';
  const colon = reference.indexOf(':');
  const scheme = reference.slice(0, Math.max(colon, 0));
  const rest = reference.slice(colon + 1);
  if (scheme === 'env') {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(rest)) {
      throw new AppError('invalid', 'The password reference names no environment variable', {
        hint,
      });
    }
    return { from: 'env', name: rest };
  }
  if (scheme === 'file' && rest !== '') return { from: 'file', path: rest };
  if (scheme === 'cnf' && rest !== '') {
    const hash = rest.lastIndexOf('#');
    const path = hash === -1 ? rest : rest.slice(0, hash);
    const group = hash === -1 ? 'client' : rest.slice(hash + 1);
    if (path !== '' && group !== '') return { from: 'cnf', path, group };
  }
  throw new AppError('invalid', 'The password reference cannot be read', { hint });
}
