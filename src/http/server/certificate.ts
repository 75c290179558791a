import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { AppError } from '../../core/errors.ts';

/** A certificate with its key, both as PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** One that was looked at. */
export interface CheckedCertificate extends Certificate {
  /** Milliseconds since the epoch. */
  readonly validUntil: number;
}

const DAY_MS = 86_400_000;
/** Whoever renews it by hand needs some days. */
const WARNED_AHEAD_MS = 14 * DAY_MS;

/**
 * Reads a certificate, with those above it behind it, and its key.
 * @throws AppError `store_unusable` for a file that cannot be read, one that others may read the key of, a key that is not the
 *   certificate's, and a certificate that is not valid now. A file on a disk that does not answer, and a pipe that
 *   nobody writes to, are waited for.
 */
export async function readCertificate(
  files: { readonly cert: string; readonly key: string },
  now: number,
): Promise<CheckedCertificate> {
  const cert = await read(files.cert, 'certificate');
  const key = await read(files.key, 'key');
  if (((await stat(files.key)).mode & 0o007) !== 0) {
    throw unusable(`The key ${files.key} can be read by every user`, `chmod o= ${files.key}`);
  }
  const parsed = certificateOf(cert, files.cert);
  if (!parsed.checkPrivateKey(keyOf(key, files.key))) {
    throw unusable(`The key ${files.key} is not that of the certificate ${files.cert}`);
  }
  const from = Date.parse(parsed.validFrom);
  const validUntil = Date.parse(parsed.validTo);
  if (now >= validUntil) {
    throw unusable(`The certificate ${files.cert} expired on ${day(validUntil)}`, 'Renew it.');
  }
  if (now < from) {
    throw unusable(`The certificate ${files.cert} is not valid before ${day(from)}`);
  }
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    throw unusable(`The certificate ${files.cert} cannot be used: ${(error as Error).message}`);
  }
  return { cert, key, validUntil };
}

/** Days until it expires, where that is soon; else null. */
export function expiresSoon({ validUntil }: CheckedCertificate, now: number): number | null {
  const left = validUntil - now;
  return left > WARNED_AHEAD_MS ? null : Math.max(0, Math.floor(left / DAY_MS));
}

async function read(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    throw unusable(`The ${what} ${path} cannot be read: ${WHY[code] ?? code}`);
  }
}

const WHY: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'no permission',
  EISDIR: 'it is a folder',
};

function certificateOf(text: string, path: string): X509Certificate {
  try {
    return new X509Certificate(text);
  } catch {
    throw unusable(`${path} holds no certificate in PEM`);
  }
}

function keyOf(text: string, path: string): KeyObject {
  if (/ENCRYPTED/.test(text)) {
    throw unusable(`The key ${path} is encrypted: nobody could type its passphrase`);
  }
  try {
    return createPrivateKey(text);
  } catch {
    throw unusable(`${path} holds no private key in PEM`);
  }
}

function day(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

function unusable(message: string, hint: string | null = null): AppError {
  return new AppError('store_unusable', message, { hint });
}
