import { AppError } from '../../core/errors.ts';

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
  t: 2 ** 40,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
};

/**
 * Reads a size: bytes, or a number with a unit. `500M` and `500MiB` are powers of two, as mysql and
 * restic read them; `500MB` is 500,000,000.
 * @returns whole bytes.
 * @throws AppError `invalid`.
 */
export function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim());
  const unit = UNITS[(match?.[2] ?? '?').toLowerCase()];
  const bytes = unit === undefined ? NaN : Math.round(Number(match?.[1]) * unit);
  if (Number.isSafeInteger(bytes)) return bytes;
  throw new AppError('invalid', `The size "${text}" cannot be read`, {
    hint: 'Give bytes, or a number with K, M, G or T: 500M, 10GiB, 1.5G.',
  });
}
