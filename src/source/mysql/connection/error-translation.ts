import { AppError, type Failure } from '../../../core/errors.ts';
import { placeOf, type ServerAddress } from '../../../core/environments/environment.ts';
import { quotedAccount } from './privileges.ts';
import { ReadableLogin, SUPPORTED_LOGINS, TlsSkipped, UnsupportedLogin } from './login-plugins.ts';
import {
  AnswerTooLarge,
  NoAnswer,
  codeOf,
  describe,
  factsOf,
  isMalformed,
  saysDiskFull,
} from './server-errors.ts';

/** MySQL's `super_read_only`: no privilege helps. */
export const READ_ONLY_FOR_ALL = {
  what: 'The server is read-only for everybody (super_read_only), so that the recorder can make no table there',
  hint: 'Record its primary, or SET GLOBAL super_read_only = OFF.',
};

interface Translation {
  readonly message: (place: string, address: ServerAddress) => string;
  readonly hint: Failure['hint'] | ((address: ServerAddress) => string);
}

const GONE = 'The daemon will reconnect; check that the server is up, and its error log.';
const TLS_HINT = 'Check the SSL mode and SSL CA of the environment.';
const NETWORK_HINT = 'Check the host, and that no firewall is in between.';

const gone: Translation = {
  message: (place) => `The connection to the server at ${place} was lost`,
  hint: GONE,
};
const timedOut: Translation = {
  message: (place) => `The server at ${place} did not answer in time`,
  hint: NETWORK_HINT,
};
const accessDenied: Translation = {
  message: (place, address) => `The server at ${place} refused the login of "${address.user}"`,
  // No server says that an account demands TLS or a client's certificate; nor does MariaDB 10.11
  // when require_secure_transport does.
  hint: (address) =>
    `Check the user, its password and from which hosts it may log in. To create it, run there: CREATE USER ${quotedAccount(`${address.user}@%`)} IDENTIFIED BY '…'.${
      isPlain(address)
        ? ' If the server or the account demands TLS, use SSL mode REQUIRED.'
        : ' An account that demands a client certificate (REQUIRE X509) cannot be used.'
    }`,
};
/**
 * A server that has require_secure_transport ON says so on MySQL 9.7 and MariaDB 11.8, before it looks
 * at the password; MariaDB 10.11 says "access denied", and so does every server of an account that
 * demands TLS (REQUIRE SSL), whatever the password (tried).
 */
const deniedInPlain: Translation = {
  message: (place, address) =>
    `The server at ${place} refused the login of "${address.user}" without TLS: either TLS is demanded there, or the user or password is wrong`,
  hint: 'The server offers TLS: use SSL mode REQUIRED. If that is refused too, check the user, its password and from which hosts it may log in.',
};
/** What it cannot decrypt a server takes for a wrong password (MySQL 9.7, tried). */
const deniedWithKey: Translation = {
  message: (place, address) =>
    `The server at ${place} refused the login of "${address.user}" without TLS: the user or password is wrong, or the server key of the environment is not that of this server`,
  hint: (address) =>
    `Check the user and its password, and compare ${address.serverPublicKey ?? 'the key'} with public_key.pem in the server's data folder.`,
};
/** Any of the three may be the reason. The hint is TLS, which needs no key. */
const deniedInPlainWithKey: Translation = {
  message: (place, address) =>
    `${deniedInPlain.message(place, address)}, or the server key of the environment is not that of this server`,
  hint: deniedInPlain.hint,
};
const locked: Translation = {
  message: (place, address) => `The account "${address.user}" is locked on the server at ${place}`,
  hint: 'ALTER USER … ACCOUNT UNLOCK on the server unlocks it.',
};
const lockedByFailures: Translation = {
  message: (place, address) =>
    `The server at ${place} has blocked the account "${address.user}" after too many wrong passwords`,
  hint: 'ALTER USER … ACCOUNT UNLOCK (MariaDB: FLUSH PRIVILEGES) on the server unblocks it.',
};
const expired: Translation = {
  message: (_place, address) => `The password of "${address.user}" has expired on the server`,
  hint: 'Log in by hand and set a new one.',
};
const unsupportedLogin: Translation = {
  message: (place) => `The server at ${place} asks for a way of logging in that is not supported`,
  hint: `Supported are ${SUPPORTED_LOGINS}.`,
};
const unreachable: Translation = {
  message: (place) => `The server at ${place} cannot be reached`,
  hint: NETWORK_HINT,
};
const unknownHost: Translation = {
  message: (_place, address) => `The host "${address.host}" is unknown`,
  hint: 'Check the host in the URL of the environment.',
};
const untrusted: Translation = {
  message: (place) => `The certificate of the server at ${place} is not trusted`,
  hint: TLS_HINT,
};
const tooManyOfAccount: Translation = {
  message: (place, address) =>
    `"${address.user}" has as many connections to the server at ${place} as max_user_connections allows`,
  hint: 'Close some, or run there: ALTER USER … WITH MAX_USER_CONNECTIONS 0 (where it is the default of the server, a higher number).',
};
/** Limits of an account, by how ALTER USER names them. */
const ACCOUNT_LIMIT =
  /max_(?:questions|queries_per_hour|updates(?:_per_hour)?|connections_per_hour|user_connections)/gi;
const ACCOUNT_LIMITS: Readonly<Record<string, string>> = {
  max_questions: 'MAX_QUERIES_PER_HOUR',
  max_updates: 'MAX_UPDATES_PER_HOUR',
};

/** Whether we ask for no TLS: as the mysql client we do not encrypt a local socket unasked. */
export function isPlain(address: ServerAddress): boolean {
  return (
    address.sslMode === 'DISABLED' || (address.sslMode === 'PREFERRED' && address.socket !== null)
  );
}

/** By code of the driver, of Node, or of the server; what is not here keeps the server's own words. */
const TRANSLATIONS: Readonly<Record<string, Translation>> = {
  ECONNREFUSED: {
    message: (place) => `The server at ${place} refused the connection`,
    hint: 'Check that it is running and listens there.',
  },
  ENOENT: {
    message: (place) => `There is no socket at ${place}`,
    hint: 'Check that the server is running, and where its socket is.',
  },
  EACCES: {
    message: (place) => `The socket at ${place} may not be opened by this user`,
    hint: 'Check the permissions of the socket and of its folder.',
  },
  EHOSTUNREACH: unreachable,
  ENETUNREACH: unreachable,
  ENOTFOUND: unknownHost,
  EAI_AGAIN: {
    message: (_place, address) => `The host "${address.host}" could not be looked up`,
    hint: 'The name server did not answer.',
  },
  ETIMEDOUT: timedOut,
  PROTOCOL_SEQUENCE_TIMEOUT: timedOut,
  ER_ACCESS_DENIED_ERROR: accessDenied,
  ER_DBACCESS_DENIED_ERROR: {
    message: (place, address) =>
      `"${address.user}" may not use the database "${address.database ?? ''}" of the server at ${place}`,
    hint: 'Leave the database out of the URL: the recorder needs none.',
  },
  ER_ACCESS_DENIED_NO_PASSWORD_ERROR: {
    message: accessDenied.message,
    hint: 'The account logs in without a password, as a user of the operating system (unix_socket, auth_socket). Use one with a password.',
  },
  ER_BAD_DB_ERROR: {
    message: (place, address) =>
      `The server at ${place} has no database "${address.database ?? ''}"`,
    hint: 'Leave it out of the URL: the recorder needs none.',
  },
  ER_HOST_NOT_PRIVILEGED: {
    message: (place) => `The server at ${place} accepts no connections from this machine`,
    hint: 'Check from which hosts the account may log in.',
  },
  ER_HOST_IS_BLOCKED: {
    message: (place) =>
      `The server at ${place} has blocked this machine after many failed connections`,
    hint: 'FLUSH HOSTS on the server unblocks it (from MySQL 8.4: TRUNCATE TABLE performance_schema.host_cache).',
  },
  ER_ACCOUNT_HAS_BEEN_LOCKED: locked,
  ER_USER_IS_BLOCKED: lockedByFailures,
  ER_USER_ACCESS_DENIED_FOR_USER_ACCOUNT_BLOCKED_BY_PASSWORD_LOCK: lockedByFailures,
  ER_MUST_CHANGE_PASSWORD: expired,
  ER_MUST_CHANGE_PASSWORD_LOGIN: expired,
  ER_SECURE_TRANSPORT_REQUIRED: {
    message: (place) => `The server at ${place} admits encrypted connections only`,
    hint: 'Use SSL mode REQUIRED (require_secure_transport is ON).',
  },
  ER_CON_COUNT_ERROR: {
    message: (place) => `The server at ${place} has no connection to spare`,
    hint: 'Raise max_connections, or close some.',
  },
  ER_TOO_MANY_USER_CONNECTIONS: tooManyOfAccount,
  ER_NOT_SUPPORTED_AUTH_MODE: unsupportedLogin,
  HANDSHAKE_NO_SSL_SUPPORT: {
    message: (place) => `The server at ${place} does not offer encrypted connections`,
    hint: TLS_HINT,
  },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    message: (place) => `The certificate of the server at ${place} is for another host`,
    hint: TLS_HINT,
  },
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  UNABLE_TO_GET_ISSUER_CERT: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  CERT_HAS_EXPIRED: untrusted,
  CERT_NOT_YET_VALID: untrusted,
  PROTOCOL_CONNECTION_LOST: gone,
  ECONNRESET: gone,
  EPIPE: gone,
  ER_SERVER_SHUTDOWN: gone,
  ER_CONNECTION_KILLED: gone,
  ER_CLIENT_INTERACTION_TIMEOUT: gone,
  ER_NET_READ_INTERRUPTED: gone,
  ER_NET_WRITE_INTERRUPTED: gone,
  ER_NET_READ_ERROR: gone,
  ER_NET_ERROR_ON_WRITE: gone,
  ER_LOCK_WAIT_TIMEOUT: {
    message: (place) => `A session reads the log table of the server at ${place} for too long`,
    hint: 'End the statement that reads mysql.general_log; the recorder tries again.',
  },
  ER_OPTION_PREVENTS_STATEMENT: {
    message: (place) => `The server at ${place} is read-only for this account`,
    hint: { code: 'see_privileges', environment: null, before: 'Record its primary.' },
  },
  ER_DISK_FULL: {
    message: (place) => `The disk of the server at ${place} is full`,
    hint: 'Free space on the disk of its data folder.',
  },
};

const LOGIN_HINT = `Use an account with one of ${SUPPORTED_LOGINS}. MariaDB also asks this of a user that it does not know: check the user first.`;

const CLEAR_TEXT_HINT = `It sends the password in clear text. Use an account with one of ${SUPPORTED_LOGINS}.`;

/** By the name of a plugin that is not supported; else LOGIN_HINT. */
const LOGIN_HINTS: Readonly<Record<string, string>> = {
  mysql_clear_password: CLEAR_TEXT_HINT,
  dialog: CLEAR_TEXT_HINT,
  mysql_old_password:
    'It is the login from before MySQL 4.1. Give the account a new password with old_passwords = 0.',
};

/** OpenSSL's reasons when the server has no version of TLS that Node accepts: 1.2 and later. */
const OLD_TLS: ReadonlySet<string> = new Set([
  'tlsv1 alert protocol version',
  'unsupported protocol',
]);
const OLD_TLS_HINT =
  'The server has no TLS 1.2 or later. Have it offer that, or use SSL mode DISABLED.';

function isTlsFailure(code: string | null): boolean {
  if (code === null) return false;
  return (
    code === 'HANDSHAKE_SSL_ERROR' || code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_')
  );
}

const CONNECTION_CODES: ReadonlySet<string> = new Set([
  ...Object.entries(TRANSLATIONS)
    .filter(([, translation]) => translation === gone)
    .map(([code]) => code),
  'CAPTURES_NO_ANSWER',
  'CAPTURES_ANSWER_TOO_LARGE',
]);

/** Whether an error of this code means that the connection is lost. */
export function endsConnection(error: unknown): boolean {
  const code = codeOf(error);
  return isMalformed(error) || (code !== null && CONNECTION_CODES.has(code));
}

const ER_USER_LIMIT_REACHED = 1226;

/**
 * Which limit of an account is used up: the server's text has its name and its value in every language,
 * behind the user's name, which may be anything.
 */
function limitReached(text: string, place: string, user: string): Translation {
  const name = text.match(ACCOUNT_LIMIT)?.at(-1)?.toLowerCase() ?? null;
  if (name === 'max_user_connections') return tooManyOfAccount;
  const limit = name === null ? null : (ACCOUNT_LIMITS[name] ?? name.toUpperCase());
  const value = /(\d+)\D*$/.exec(text)?.[1];
  const of = value === undefined ? '' : ` (${value})`;
  return {
    message: () =>
      limit === null
        ? `"${user}" has used up a limit of its account on the server at ${place}: ${text}`
        : `"${user}" has used up its ${limit}${of} on the server at ${place}`,
    hint: `It may continue when the hour is over. To lift the limit, run there: ALTER USER … WITH ${limit ?? '…'} 0`,
  };
}

/** What is said of an error in words of ours; undefined where the server's own do. */
function translationOf(error: unknown, address: ServerAddress): Translation | undefined {
  const { code, errno, message } = describe(error);
  if (code === 'ER_ACCESS_DENIED_ERROR' && isPlain(address)) {
    const { offersTls, hasServerKey } = factsOf(error);
    const sentKey = hasServerKey && address.socket === null;
    if (offersTls) return sentKey ? deniedInPlainWithKey : deniedInPlain;
    if (sentKey) return deniedWithKey;
  }
  if (errno === ER_USER_LIMIT_REACHED) return limitReached(message, placeOf(address), address.user);
  // Of the login's database it speaks only where there is one; else a privilege on a schema is missing.
  if (code === 'ER_DBACCESS_DENIED_ERROR' && address.database === null) return undefined;
  if (saysDiskFull(error)) return TRANSLATIONS['ER_DISK_FULL'];
  // The TLS layer's own code lies one level down.
  const inner = error instanceof Error ? codeOf(error.cause) : null;
  return TRANSLATIONS[code ?? ''] ?? TRANSLATIONS[inner ?? ''];
}

/**
 * Turns what the driver threw into one sentence for the user, by its code. Never a password: the
 * server's own words, which stand in for codes not known here, do not repeat it.
 */
export function translateError(error: unknown, address: ServerAddress): AppError {
  if (error instanceof AppError) return error;
  const { code, message } = describe(error);
  const place = placeOf(address);
  if (error instanceof NoAnswer) {
    return new AppError(
      'remote_failed',
      `The server at ${place} did not answer for ${error.seconds} s`,
      {
        hint: 'The daemon will reconnect; check whether the server or the network is stuck.',
        cause: error,
      },
    );
  }
  if (error instanceof AnswerTooLarge) {
    return new AppError(
      'remote_failed',
      `What answers at ${place} sent far more than requested; the connection was dropped`,
      { hint: 'Check that it is the server, and what is in between.', cause: error },
    );
  }
  if (error instanceof UnsupportedLogin) {
    return new AppError(
      'remote_failed',
      `The server at ${place} asks "${address.user}" to log in by ${error.plugin}, which is not supported`,
      { hint: LOGIN_HINTS[error.plugin] ?? LOGIN_HINT, cause: error },
    );
  }
  if (error instanceof ReadableLogin) {
    const { offersTls } = factsOf(error);
    return new AppError(
      'remote_failed',
      `The server at ${place} wants the password of "${address.user}" itself (${error.plugin}), and without TLS others could read it: nothing was sent`,
      {
        hint: `${offersTls ? 'The server offers TLS: use SSL mode REQUIRED, or better VERIFY_IDENTITY.' : 'Have the server offer TLS and use SSL mode REQUIRED.'} Or give its RSA key as the server key.`,
        cause: error,
      },
    );
  }
  if (error instanceof TlsSkipped) {
    return new AppError(
      'remote_failed',
      `What answers at ${place} continues without the TLS that it agreed to: nothing was sent`,
      { hint: 'Somebody on the way there may be posing as the server.', cause: error },
    );
  }
  const known = translationOf(error, address);
  if (known !== undefined) {
    return new AppError('remote_failed', known.message(place, address), {
      hint: typeof known.hint === 'function' ? known.hint(address) : known.hint,
      cause: error,
    });
  }
  if (code === 'AUTH_SWITCH_PLUGIN_ERROR') {
    return new AppError('remote_failed', `The login to the server at ${place} failed: ${message}`, {
      cause: error,
    });
  }
  if (isTlsFailure(code)) {
    const { reason } = error as { reason?: unknown };
    const what = `The encrypted connection to the server at ${place} could not be made`;
    return new AppError('remote_failed', typeof reason === 'string' ? `${what}: ${reason}` : what, {
      hint: typeof reason === 'string' && OLD_TLS.has(reason) ? OLD_TLS_HINT : TLS_HINT,
      cause: error,
    });
  }
  if (isMalformed(error)) {
    return new AppError(
      'remote_failed',
      `What answers at ${place} does not speak as a MySQL or MariaDB server does; the connection was dropped`,
      { hint: 'Check host and port, and what is in between.', cause: error },
    );
  }
  const refusal = code?.startsWith('ER_') === true && code.includes('ACCESS_DENIED');
  return new AppError('remote_failed', `The server at ${place} answered: ${message}`, {
    hint: refusal ? { code: 'see_privileges', environment: null, before: null } : null,
    cause: error,
  });
}
