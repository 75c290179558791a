import { AppError, messageOf } from '../../../core/errors.ts';

/** What the driver and Node say went wrong: a code, perhaps a server's error number. */
interface DriverError {
  readonly code: string | null;
  readonly errno: number | null;
  readonly message: string;
}

export function describe(error: unknown): DriverError {
  if (!(error instanceof Error)) return { code: null, errno: null, message: messageOf(error) };
  const { code, errno } = error as { code?: unknown; errno?: unknown };
  // Node tries every address of a name and throws them together; the first one says enough.
  if (error instanceof AggregateError && code === undefined && error.errors.length > 0) {
    return describe(error.errors[0]);
  }
  return {
    code: typeof code === 'string' ? code : null,
    errno: typeof errno === 'number' ? errno : null,
    message: error.message,
  };
}

/** The driver's or the system's code of whatever was thrown; null where there is none. */
export function codeOf(error: unknown): string | null {
  if (error instanceof AppError) return codeOf(error.cause);
  return describe(error).code;
}

/** Nothing came from the server while a statement was waited for: its connection is given up. */
export class NoAnswer extends Error {
  readonly code = 'CAPTURES_NO_ANSWER';
  readonly seconds: number;

  constructor(limitMs: number) {
    super('the server does not answer');
    this.seconds = Math.round(limitMs / 1_000);
  }
}

/** More came in answer to one statement than there is an end in sight to: its connection is given up. */
export class AnswerTooLarge extends Error {
  readonly code = 'CAPTURES_ANSWER_TOO_LARGE';

  constructor() {
    super('the answer is too large');
  }
}

/** The peer does not keep to the protocol: its connection is given up. */
export class Malformed extends Error {
  readonly code = 'CAPTURES_MALFORMED';
}

/** What the driver and Node's buffers throw over bytes that no server sends: nothing with a number or name. */
export function isMalformed(error: unknown): boolean {
  const { code, errno } = describe(error);
  if (errno !== null || !(error instanceof Error)) return false;
  return code === null || MALFORMED.has(code);
}

const MALFORMED: ReadonlySet<string> = new Set([
  'CAPTURES_MALFORMED',
  'ERR_BUFFER_OUT_OF_BOUNDS',
  'ERR_OUT_OF_RANGE',
  'HANDSHAKE_UNKNOWN_ERROR',
  'PROTOCOL_UNEXPECTED_PACKET',
]);

/** What else is known of a login that failed. */
interface LoginFacts {
  /** Whether the server would have encrypted it. */
  readonly offersTls: boolean;
  /** Whether we were given a key of the server's. */
  readonly hasServerKey: boolean;
}

const FACTS = Symbol('login');

/** Notes with an error of a login how it was made. */
export function noteLogin(error: Error, facts: LoginFacts): void {
  Object.assign(error, { [FACTS]: facts });
}

export function factsOf(error: unknown): LoginFacts {
  const noted = error instanceof Error ? (error as { [FACTS]?: LoginFacts })[FACTS] : undefined;
  return noted ?? { offersTls: false, hasServerKey: false };
}

/** The server's number of an error, for those that the driver has no name for; null where there is none. */
export function errnoOf(error: unknown): number | null {
  return error instanceof AppError ? errnoOf(error.cause) : describe(error).errno;
}

const ER_GET_ERRNO = 1030;

/**
 * The storage engine's own error number (my_base.h), where the server has no error for it and passes
 * it on; null for every other error. The number is the first of the text in each of its languages.
 */
export function storageErrorOf(error: unknown): number | null {
  if (error instanceof AppError) return storageErrorOf(error.cause);
  const { errno, message } = describe(error);
  const number = errno === ER_GET_ERRNO ? /\d+/.exec(message)?.[0] : undefined;
  return number === undefined ? null : Number(number);
}

/** Also of a file that the server could not write or make: the system's number is in the text. */
const NO_SPACE = /\b(?:errno|errcode):? 28\b/i;
const DISK_FULL: ReadonlySet<string> = new Set([
  'ER_DISK_FULL',
  'ER_RECORD_FILE_FULL',
  'EE_DISK_FULL',
]);

/** Whether the server could not do something because its disk is full. */
export function saysDiskFull(error: unknown): boolean {
  if (error instanceof AppError) return error.cause !== undefined && saysDiskFull(error.cause);
  const { code, message } = describe(error);
  return DISK_FULL.has(code ?? '') || NO_SPACE.test(message);
}

/** ENOENT, as the server's errors of a file and the messages of a repair end with it. */
const NO_FILE = /\b(?:errno|errcode):? 2\b/i;

/** Whether the server could not find a file, which a table is in. */
export function saysFileMissing(error: unknown): boolean {
  if (error instanceof AppError) return error.cause !== undefined && saysFileMissing(error.cause);
  return NO_FILE.test(typeof error === 'string' ? error : describe(error).message);
}

/** Errors of MariaDB's own that something here depends on. */
const MARIADB_NAMES: Readonly<Record<number, string>> = {
  1927: 'ER_CONNECTION_KILLED',
  4150: 'ER_USER_IS_BLOCKED',
  4151: 'ER_ACCOUNT_HAS_BEEN_LOCKED',
};

/**
 * Sets the code of an error that a MariaDB server sent: the driver knows MySQL's names, and from 1900
 * to 1999 and from 4000 on MariaDB's numbers mean something else ("account locked" was
 * ER_BULK_PARSER_INCOMPLETE_ESCAPE_SEQUENCE). Changes nothing of other errors.
 */
export function nameMariadbError(error: unknown): void {
  const { errno } = describe(error);
  if (errno === null || !((errno >= 1900 && errno < 2000) || errno >= 4000)) return;
  Object.assign(error as Error, { code: MARIADB_NAMES[errno] ?? `ER_${errno}` });
}
