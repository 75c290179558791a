import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { AppError } from '../../core/errors.ts';
import { errnoOf } from './private-files.ts';

/** Where the file was all right when it was named. */
const MOVED =
  'Log in again with the file that it is now: captures login NAME --server URL --server-ca FILE';

/**
 * The certificates in a PEM file.
 * @param hint what to do where it cannot be read; null for nothing.
 * @throws AppError `invalid` where it cannot be read or holds none.
 */
export function readCertificates(path: string, hint: string | null = MOVED): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new AppError(
      'invalid',
      `The file of certificates ${path} cannot be read: ${errnoOf(error)}`,
      { hint, cause: error },
    );
  }
  try {
    if (new X509Certificate(text).raw.length === 0) throw new Error('it is empty');
  } catch (error) {
    throw new AppError('invalid', `The file ${path} holds no certificate`, {
      hint: 'It must be PEM: its first line is -----BEGIN CERTIFICATE-----',
      cause: error,
    });
  }
  return text;
}
