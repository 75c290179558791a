import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/** Makes a certificate of its own authority for this machine, valid from now for so many days. */
export function makeCertificate(folder: string, name: string, days: number): CertificateFiles {
  const cert = join(folder, `${name}.pem`);
  const key = join(folder, `${name}.key`);
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
      ...[
        '-subj',
        `/CN=${name}`,
        '-addext',
        'subjectAltName=DNS:localhost,DNS:captures.test,IP:127.0.0.1',
      ],
      ...['-days', String(days), '-keyout', key, '-out', cert],
    ],
    { stdio: 'ignore' },
  );
  return { cert, key };
}

/** Writes a certificate that expired on 1 January 2021. Nothing but tests uses its key. */
export function expiredCertificate(folder: string): CertificateFiles {
  const cert = join(folder, 'expired.pem');
  const key = join(folder, 'expired.key');
  writeFileSync(cert, EXPIRED);
  writeFileSync(key, EXPIRED_KEY, { mode: 0o600 });
  return { cert, key };
}

const EXPIRED = `-----BEGIN CERTIFICATE-----
MIIBEDCBtgIBATAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwHhcN
MjAwMTAxMDAwMDAwWhcNMjEwMTAxMDAwMDAwWjAUMRIwEAYDVQQDDAlsb2NhbGhv
c3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAR7mmNaibprPnFSdUDkLd4ASpWi
nXqUlVIcbY32nEEVFakaWTJBKPWHxbOqPsV8uj+/Em6B3YMm4QdT5310f6AWMAoG
CCqGSM49BAMCA0kAMEYCIQCyFi4gqzPnRkw9dHJ47DXXlJCr62tNoy+zYw34ZARZ
3QIhAPoaykMLzCXF8m5REFW9Y9ImOVTbB0jM2FevDWM8XJQk
-----END CERTIFICATE-----
`;

const EXPIRED_KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgujyMRMWV+rPLofM4
CAOeyot8y0ojX/a/4u/3Bn1hElGhRANCAAR7mmNaibprPnFSdUDkLd4ASpWinXqU
lVIcbY32nEEVFakaWTJBKPWHxbOqPsV8uj+/Em6B3YMm4QdT5310f6AW
-----END PRIVATE KEY-----
`;
