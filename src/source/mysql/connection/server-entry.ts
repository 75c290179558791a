import type { KeyObject } from 'node:crypto';
import type { ServerAddress } from '../../../core/environments/environment.ts';
import { isPlain, translateError } from './error-translation.ts';
import {
  login,
  readAuthority,
  readServerKey,
  tlsOptions,
  Unannounced,
  type LoggedIn,
  type LoginRequest,
  type TlsOptions,
} from './mysql-login.ts';
import { codeOf } from './server-errors.ts';

/** What of a server's description lies in files: read once, however often we log in. */
export interface LoginFiles {
  readonly ca: string | null;
  readonly serverKey: KeyObject | null;
}

/** @throws AppError `invalid` for a file that cannot be used. */
export async function readLoginFiles(address: ServerAddress): Promise<LoginFiles> {
  return {
    ca: address.sslCa === null ? null : await readAuthority(address.sslCa),
    serverKey:
      address.serverPublicKey === null ? null : await readServerKey(address.serverPublicKey),
  };
}

/**
 * Connects and logs in, with the TLS modes of the mysql client
 * (https://dev.mysql.com/doc/refman/8.4/en/connection-options.html#option_general_ssl-mode).
 * @param adopt called in the very event that says that we are logged in, with how the server was reached: one
 *   that offers no TLS need not be asked twice.
 * @throws AppError `remote_failed`, within about 10 s when the server does not answer; what `onId` throws,
 *   with nothing said to the server. No socket is left then.
 */
export async function enterServer<T>(
  request: Omit<LoginRequest, 'ssl' | 'serverKey'> & { readonly files: LoginFiles },
  adopt: (loggedIn: LoggedIn, reached: ServerAddress) => T,
): Promise<T> {
  const { address, files, ...rest } = request;
  const { ca, serverKey } = files;
  const enter = (at: ServerAddress, ssl: TlsOptions | null): Promise<T> =>
    login({ ...rest, address: at, ssl, serverKey }, (loggedIn) => adopt(loggedIn, at));
  try {
    return await enter(address, isPlain(address) ? null : tlsOptions(address, ca));
  } catch (error) {
    if (error instanceof Unannounced) throw error.cause;
    if (address.sslMode !== 'PREFERRED' || codeOf(error) !== 'HANDSHAKE_NO_SSL_SUPPORT') {
      throw translateError(error, address);
    }
  }
  const reached: ServerAddress = { ...address, sslMode: 'DISABLED' };
  try {
    return await enter(reached, null);
  } catch (error) {
    if (error instanceof Unannounced) throw error.cause;
    throw translateError(error, reached);
  }
}
