import { AppError } from '../../core/errors.ts';
import type { ServerFault } from '../../core/hints.ts';
import { failureOf, type FailureOnWire } from '../contract/failure-form.ts';
import { NoAnswer, TooMuch } from './outage.ts';

/** What the client says of a server that it cannot understand, or not reach. */
export class ServerFailures {
  readonly #url: URL;
  /** Of this program. */
  readonly #version: string;
  readonly #hasProxy: boolean;
  /** Of the server's; null until it has said so. */
  theirVersion: string | null = null;

  /** @param hasProxy whether the user's environment names a proxy for it. */
  constructor(url: URL, version: string, hasProxy = false) {
    this.#url = url;
    this.#version = version;
    this.#hasProxy = hasProxy;
  }

  /** @param error of the system, of TLS or of the reader of HTTP. */
  unreachable(error: unknown): AppError {
    if (error instanceof AppError) return error;
    const { code = '', message, cert } = error as TlsError;
    const host = this.#url.host;
    const [text, fault] = TLS_FAULTS[code] ??
      FAULTS[code] ?? [`Cannot reach the server %: ${message}`, 'silent'];
    if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
      const names = cert?.subjectaltname?.replaceAll(/(DNS|IP Address):/g, '');
      return this.#fault(
        `The certificate of the server ${host} is for ${names ?? 'another name'}`,
        'other_name',
        error,
      );
    }
    if (code.startsWith('HPE_')) {
      return this.#fault(`${host} does not answer as a server of captures does`, 'not_ours', error);
    }
    // One that has answered so before speaks it.
    const isInClear =
      fault === 'lost' && this.#url.protocol === 'http:' && this.theirVersion === null;
    const isPassing = PASSING.includes(fault);
    const mayBeProxy = this.#hasProxy && isPassing && this.theirVersion === null;
    const says = `${text.replace('%', host)}${mayBeProxy ? ' (HTTPS_PROXY is set: does that proxy lead there?)' : ''}`;
    return isPassing
      ? this.#passing(says, isInClear ? 'lost_in_clear' : fault, error)
      : this.#fault(says, fault, error);
  }

  silent(ms: number): AppError {
    return this.#passing(
      `The server ${this.#url.host} did not answer within ${ms / 1_000} seconds`,
      'silent',
    );
  }

  lost(cause?: unknown): AppError {
    return this.#passing(
      `The connection to the server ${this.#url.host} was lost before its answer was complete`,
      'lost',
      cause,
    );
  }

  /** It was asked over http. */
  speaksTls(): AppError {
    const { host } = this.#url;
    return this.#fault(
      `The server ${host} speaks https, and was asked over http`,
      'only_encrypted',
    );
  }

  /** @param location where it says that it is; null where it says nothing. */
  moved(location: string | null): AppError {
    const to = location === null ? 'elsewhere' : `to ${location}`;
    return this.#fault(`${this.#url.host} sends its clients ${to}`, 'moved');
  }

  /** @param said its status and the type of its answer. */
  notOurs(status: number, type: string): AppError {
    const { host } = this.#url;
    if (status === 502 || status === 504 || status === 503) {
      return this.#passing(
        `The proxy ${host} cannot reach the server behind it (it says ${status})`,
        'proxy',
      );
    }
    return this.#fault(
      `${host} is not a server of captures: it answered ${status}${type === '' ? '' : ` with ${type.split(';')[0]}`}`,
      'not_ours',
    );
  }

  /**
   * It is one of captures, as far as its headers say, and its answer is not.
   * @param came what, in brackets: a type, a status, which part.
   */
  notUnderstood(came: string, cause?: unknown): AppError {
    if (this.isOtherVersion) return this.otherVersion('its answer cannot be understood', cause);
    return this.#fault(
      `The server ${this.#url.host} answered with something that captures does not understand (${came})`,
      'not_understood',
      cause,
    );
  }

  /** What the server says instead of an answer. */
  said(failure: unknown): AppError {
    if (!isFailure(failure)) return this.notUnderstood('a failure of another form');
    const { code, message, isRefused } = failure;
    // It is being stopped, or the process of the request has died.
    if (isRefused === true && code === 503) return this.#passing(message, 'busy');
    if (isRefused === true && code === 429) return new TooMuch(message, 'busy', this.#url.origin);
    return failureOf(failure);
  }

  /** It has other routes, or other forms. @param what follows the two versions: a sentence without its end. */
  otherVersion(what: string, cause?: unknown): AppError {
    const { host } = this.#url;
    const theirs = this.theirVersion ?? 'another version';
    return new AppError(
      'remote_failed',
      `The server ${host} runs captures ${theirs}, this is ${this.#version}: ${what}`,
      { hint: { code: 'other_version', isServerNewer: isNewer(theirs, this.#version) }, cause },
    );
  }

  /** What to say of rows that have not the form that this program knows. */
  leftOut(count: number): string {
    const rows = count === 1 ? '1 row is' : `${count} rows are`;
    const versions = this.isOtherVersion
      ? `it runs captures ${this.theirVersion}, this is ${this.#version}`
      : 'they have another form';
    return `${rows} left out that the server ${this.#url.host} gave and this program does not understand: ${versions}`;
  }

  get isOtherVersion(): boolean {
    return this.theirVersion !== null && this.theirVersion !== this.#version;
  }

  #passing(message: string, fault: ServerFault, cause?: unknown): AppError {
    return new NoAnswer(message, fault, this.#url.origin, cause);
  }

  #fault(message: string, fault: ServerFault, cause?: unknown): AppError {
    const hint = { code: 'check_server', fault, url: this.#url.origin } as const;
    return new AppError('remote_failed', message, { hint, cause });
  }
}

/** Those that may be over in a moment; the others stay until somebody does something. */
const PASSING: readonly ServerFault[] = ['refused', 'silent', 'lost', 'no_such_host'];

export function isFailure(value: unknown): value is FailureOnWire {
  if (typeof value !== 'object' || value === null) return false;
  const { code, message } = value as Partial<FailureOnWire>;
  return typeof code === 'number' && typeof message === 'string';
}

interface TlsError extends Error {
  readonly code?: string;
  readonly cert?: { readonly subjectaltname?: string };
}

type Faults = Readonly<Record<string, readonly [message: string, fault: ServerFault]>>;

const NOT_TRUSTED = ['The certificate of the server % is not trusted', 'not_trusted'] as const;
const NO_SUCH_HOST = [
  'Cannot reach the server %: there is no host of that name',
  'no_such_host',
] as const;
const NO_WAY = ['Cannot reach the server %: the network has no way to it', 'silent'] as const;

const FAULTS: Faults = {
  ECONNREFUSED: ['Cannot reach the server %: nothing listens there', 'refused'],
  ENOTFOUND: NO_SUCH_HOST,
  EAI_NONAME: NO_SUCH_HOST,
  EAI_AGAIN: ['Cannot reach the server %: its name cannot be looked up just now', 'no_such_host'],
  ETIMEDOUT: ['Cannot reach the server %: it does not answer', 'silent'],
  EHOSTUNREACH: NO_WAY,
  ENETUNREACH: NO_WAY,
  ECONNRESET: ['The server % closed the connection before it answered', 'lost'],
  EPIPE: ['The server % closed the connection before it answered', 'lost'],
};

const NO_TLS = [
  'The server % was asked over https, and does not speak TLS',
  'no_encryption',
] as const;

const TLS_FAULTS: Faults = {
  CERT_HAS_EXPIRED: ['The certificate of the server % has expired', 'expired'],
  CERT_NOT_YET_VALID: ['The certificate of the server % is not valid yet', 'expired'],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: NOT_TRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: NOT_TRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: NOT_TRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: NOT_TRUSTED,
  DEPTH_ZERO_SELF_SIGNED_CERT: NOT_TRUSTED,
  CERT_UNTRUSTED: NOT_TRUSTED,
  CERT_SIGNATURE_FAILURE: NOT_TRUSTED,
  INVALID_CA: NOT_TRUSTED,
  EPROTO: NO_TLS,
  ERR_SSL_WRONG_VERSION_NUMBER: NO_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NO_TLS,
};

/** Whether a version is later than another; of texts that are no versions, false. */
function isNewer(one: string, other: string): boolean {
  const [a, b] = [one, other].map((text) => text.split(/[.-]/).map(Number));
  for (const [index, part] of (a ?? []).entries()) {
    const difference = part - (b?.[index] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return false;
}
