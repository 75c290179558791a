import { describe, expect, test } from 'vitest';
import type { ServerAddress } from '../../../../src/core/environments/environment.ts';
import { nameMariadbError } from '../../../../src/source/mysql/connection/server-errors.ts';
import {
  endsConnection,
  translateError,
} from '../../../../src/source/mysql/connection/error-translation.ts';
import { saysDamaged } from '../../../../src/source/mysql/log/log-table.ts';
import { UnsupportedLogin } from '../../../../src/source/mysql/connection/login-plugins.ts';

const address: ServerAddress = {
  engine: 'mysql',
  user: 'ada',
  host: 'db1',
  port: 3306,
  socket: null,
  database: null,
  passwordFrom: null,
  sslMode: 'PREFERRED',
  sslCa: null,
  serverPublicKey: null,
};

/** An error as the driver makes it of what a server sent. */
function sent(errno: number, code: string | undefined, message: string): Error {
  return Object.assign(new Error(message), { errno, code });
}

describe('the error of a login', () => {
  // As MySQL 9.7.4 and MariaDB 11.8.9 sent them, with the names that the driver gave them.
  test.each([
    [
      sent(3118, 'ER_ACCOUNT_HAS_BEEN_LOCKED', 'Access denied … Account is locked.'),
      'The account "ada" is locked on the server at db1:3306',
    ],
    [
      sent(
        3955,
        'ER_USER_ACCESS_DENIED_FOR_USER_ACCOUNT_BLOCKED_BY_PASSWORD_LOCK',
        'Account is blocked for 1 day(s) (1 day(s) remaining) due to 1 consecutive failed logins.',
      ),
      'The server at db1:3306 has blocked the account "ada" after too many wrong passwords',
    ],
    [
      sent(
        1862,
        'ER_MUST_CHANGE_PASSWORD_LOGIN',
        'Your password has expired. To log in you must …',
      ),
      'The password of "ada" has expired on the server',
    ],
    [
      sent(
        3159,
        'ER_SECURE_TRANSPORT_REQUIRED',
        'Connections using insecure transport are prohibited while --require_secure_transport=ON.',
      ),
      'The server at db1:3306 admits encrypted connections only',
    ],
    [
      Object.assign(new Error('error:0A00042E:SSL routines:ssl3_read_bytes:tlsv1 alert …'), {
        code: 'HANDSHAKE_SSL_ERROR',
        reason: 'tlsv1 alert protocol version',
      }),
      'The encrypted connection to the server at db1:3306 could not be made: tlsv1 alert protocol version',
    ],
  ])('%s names the cause', (error, message) => {
    expect(translateError(error, address)).toMatchObject({ code: 'remote_failed', message });
  });

  test.each([
    ['PREFERRED', null, 'REQUIRE X509'],
    ['DISABLED', null, 'use SSL mode REQUIRED'],
    ['PREFERRED', '/run/mysqld.sock', 'use SSL mode REQUIRED'],
    ['REQUIRED', '/run/mysqld.sock', 'REQUIRE X509'],
  ] as const)(
    'that is refused with %s and the socket %s hints at what the account may demand',
    (sslMode, socket, hint) => {
      const denied = sent(1045, 'ER_ACCESS_DENIED_ERROR', "Access denied for user 'ada'@'db2'");
      expect(translateError(denied, { ...address, sslMode, socket }).hint).toContain(hint);
    },
  );

  test.each([
    [
      'auth_gssapi_client',
      'ed25519, parsec. MariaDB also asks this of a user that it does not know',
    ],
    ['dialog', 'sends the password in clear text'],
    ['mysql_clear_password', 'sends the password in clear text'],
    ['mysql_old_password', 'before MySQL 4.1'],
  ])('names the plugin %s, which is not supported, and what helps', (plugin, hint) => {
    expect(translateError(new UnsupportedLogin(plugin), address)).toMatchObject({
      message: `The server at db1:3306 asks "ada" to log in by ${plugin}, which is not supported`,
      hint: expect.stringContaining(hint),
    });
  });
});

describe("MariaDB's own errors", () => {
  test.each([
    [4151, 'ER_BULK_PARSER_INCOMPLETE_ESCAPE_SEQUENCE', 'The account "ada" is locked'],
    [
      4150,
      'ER_BULK_PARSER_UNEXPECTED_CHAR_AFTER_COLUMN_TERMINATOR',
      'has blocked the account "ada"',
    ],
    [1927, undefined, 'was lost'],
  ])('as %i are not what MySQL calls by that number (%s)', (errno, code, message) => {
    const error = sent(errno, code, 'in their own words');
    nameMariadbError(error);
    expect(translateError(error, address).message).toContain(message);
  });

  test('have a code, whether it has a name or not', () => {
    const error = sent(
      1969,
      undefined,
      'Query execution was interrupted (max_statement_time exceeded)',
    );
    nameMariadbError(error);
    expect(error).toMatchObject({ code: 'ER_1969' });
  });

  test.each([
    [sent(1045, 'ER_ACCESS_DENIED_ERROR', '')],
    [new Error('no number')],
    ['no error'],
    [null],
  ])('are nothing else: %s stays as it is', (error) => {
    const before = JSON.stringify(error);
    nameMariadbError(error);
    expect(JSON.stringify(error)).toBe(before);
  });

  test('end the connection when they say so, and so does what MySQL says of an idle one', () => {
    const killed = sent(1927, undefined, 'Connection was killed');
    nameMariadbError(killed);
    expect(endsConnection(killed)).toBe(true);
    expect(endsConnection(sent(4031, 'ER_CLIENT_INTERACTION_TIMEOUT', ''))).toBe(true);
    const trigger = sent(4031, 'ER_CLIENT_INTERACTION_TIMEOUT', 'Referenced trigger …');
    nameMariadbError(trigger);
    expect(endsConnection(trigger)).toBe(false);
  });
});

describe('the error of a damaged table', () => {
  // As MySQL 9.7.4, MariaDB 10.11.19 and 10.5.23 sent them of log tables after a crash of the server.
  test.each([
    [sent(1194, 'ER_CRASHED_ON_USAGE', "Table 'frozen_2' is marked as crashed"), true],
    [
      sent(
        1030,
        'ER_GET_ERRNO',
        "Got error 175 - 'File too short; Expected more data in file' from storage engine",
      ),
      true,
    ],
    [sent(1032, 'ER_KEY_NOT_FOUND', "Can't find record in 'owners_log'"), true],
    // As the reader of packets has it, which does not go through the driver.
    [sent(1030, 'ER_1030', "Got error 175 - 'File too short' from storage engine"), true],
    [sent(1030, 'ER_GET_ERRNO', 'Got error 28 - "No space left" from storage engine'), false],
    [sent(1146, 'ER_NO_SUCH_TABLE', "Table 'captures.frozen_175' doesn't exist"), false],
    [new Error('175'), false],
  ])('%s: %s', (error, isDamage) => {
    expect(saysDamaged(error)).toBe(isDamage);
    expect(saysDamaged(translateError(error, address))).toBe(isDamage);
  });
});
