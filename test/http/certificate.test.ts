import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { expiresSoon, readCertificate } from '../../src/http/server/certificate.ts';
import { makeCertificate, type CertificateFiles } from '../support/certificates.ts';
import { temporaryFolder } from '../support/stores.ts';

const DAY_MS = 86_400_000;
const folder = temporaryFolder();
let files: CertificateFiles;
let other: CertificateFiles;
let now: number;

beforeAll(() => {
  files = makeCertificate(folder, 'one', 30);
  other = makeCertificate(folder, 'other', 30);
  // Behind them: they are valid from the second in which they were made.
  now = Date.now();
});

describe('a certificate', () => {
  it('is taken with its key, and says until when it is valid', async () => {
    const { validUntil } = await readCertificate(files, now);
    expect(Math.abs(validUntil - (now + 30 * DAY_MS))).toBeLessThan(DAY_MS / 24);
  });

  it('is warned of from 14 days before its end', async () => {
    const certificate = await readCertificate(files, now);
    const { validUntil } = certificate;
    expect(expiresSoon(certificate, now)).toBeNull();
    expect(expiresSoon(certificate, validUntil - 14 * DAY_MS - 1)).toBeNull();
    expect(expiresSoon(certificate, validUntil - 14 * DAY_MS)).toBe(14);
    expect(expiresSoon(certificate, validUntil - 1)).toBe(0);
  });

  const write = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };

  it.each([
    ['is not there', () => ({ ...files, cert: '/none.pem' }), /cannot be read: there is no such/],
    ['has a key that is not there', () => ({ ...files, key: '/none' }), /key \/none cannot be/],
    ['is a folder', () => ({ ...files, cert: folder }), /it is a folder/],
    ['has the key of another', () => ({ ...files, key: other.key }), /is not that of the/],
    ['is a key', () => ({ ...files, cert: files.key }), /holds no certificate in PEM/],
    ['has a certificate for a key', () => ({ ...files, key: files.cert }), /holds no private key/],
    ['has an empty key', () => ({ ...files, key: write('empty', '') }), /holds no private key/],
    [
      'has an encrypted key',
      () => ({ ...files, key: write('secret', '-----BEGIN ENCRYPTED PRIVATE KEY-----') }),
      /is encrypted/,
    ],
  ])('that %s is refused', async (_what, those, message) => {
    // The certificate is made readable to all, as it is; this is about keys.
    chmodSync(files.cert, 0o640);
    await expect(readCertificate(those(), now)).rejects.toThrow(message);
  });

  it('that has expired, or is not valid yet, is refused', async () => {
    await expect(readCertificate(files, now + 31 * DAY_MS)).rejects.toThrow(
      /expired on \d{4}-\d\d-\d\d$/,
    );
    await expect(readCertificate(files, now - 2 * DAY_MS)).rejects.toThrow(/is not valid before/);
  });

  it('whose key everybody may read is refused', async () => {
    const open = makeCertificate(folder, 'open', 30);
    chmodSync(open.key, 0o644);
    await expect(readCertificate(open, now)).rejects.toThrow(/can be read by every user/);
  });
});
