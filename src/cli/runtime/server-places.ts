import { isIP } from 'node:net';
import { AppError } from '../../core/errors.ts';

/** Where a server of captures is. */
export interface ServerPlace {
  /** `https://captures.example.com`: scheme, host and port alone. */
  readonly url: string;
  /** The host, with the port where it is not that of the scheme. */
  readonly name: string;
}

const FORMS =
  'For example: --server https://captures.example.com, or on this machine http://127.0.0.1:8080';

/**
 * Reads where a server is: a URL, or `host:port`, which is https unless the host is this machine.
 * @throws AppError `invalid` for what is no such place, and for http to another machine: a password would
 *   go over the network in the clear.
 */
export function parseServerPlace(text: string): ServerPlace {
  const given = text.trim();
  const url = urlOf(given);
  if (url === null || url.hostname === '' || !['http:', 'https:'].includes(url.protocol)) {
    throw new AppError('invalid', `"${given}" is not the URL of a server`, { hint: FORMS });
  }
  if (url.username !== '' || url.password !== '') {
    throw new AppError('invalid', 'The URL of a server names no user', {
      hint: 'Name the user before it: captures login NAME --server URL',
    });
  }
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '' || given.endsWith('?')) {
    throw new AppError('invalid', 'The URL of a server has no path and no query', { hint: FORMS });
  }
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    throw new AppError('invalid', `Your password would go to ${url.host} in the clear`, {
      hint: `Use https://${url.host}. Or make a tunnel: ssh -L 8080:localhost:PORT ${url.hostname}, and use http://127.0.0.1:8080`,
    });
  }
  return { url: url.origin, name: url.host };
}

/** Whether a word can only be meant as a place, not as the name of a server. */
export function looksLikePlace(word: string): boolean {
  return /[.:/]/.test(word);
}

function urlOf(given: string): URL | null {
  if (/\s/.test(given)) return null;
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(given)) return parsed(given);
  const url = parsed(`https://${given}`);
  return url !== null && isLoopback(url.hostname) ? parsed(`http://${given}`) : url;
}

function parsed(text: string): URL | null {
  return URL.canParse(text) ? new URL(text) : null;
}

/** Whether what is sent to a host stays on this machine. */
function isLoopback(host: string): boolean {
  return (
    host === 'localhost' ||
    host.endsWith('.localhost') ||
    host === '[::1]' ||
    (isIP(host) === 4 && host.startsWith('127.'))
  );
}
