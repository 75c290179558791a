import fc from '../../support/properties.ts';
import { describe, expect, it } from 'vitest';
import { parseDuration } from '../../../src/cli/input/durations.ts';
import { formatDuration, formatExactDuration } from '../../../src/core/units.ts';
import type { AppError } from '../../../src/core/errors.ts';

describe('a duration', () => {
  it.each([
    ['90', 90_000],
    ['0', 0],
    ['-5', -5_000],
    ['1.5', 1_500],
    ['59.9', 59_900],
    ['15m', 900_000],
    ['1h30m', 5_400_000],
    ['1H30M', 5_400_000],
    ['1.5h', 5_400_000],
    ['1d', 86_400_000],
    ['1w', 604_800_000],
    ['1w2d3h4m5s', 788_645_000],
    [' 90 ', 90_000],
    ['9'.repeat(400), Number.MAX_SAFE_INTEGER],
    [`${'9'.repeat(400)}w`, Number.MAX_SAFE_INTEGER],
  ])('%s is understood', (text, expected) => {
    expect(parseDuration(text)).toBe(expected);
  });

  it.each([
    '',
    ' ',
    'm',
    '15 m',
    '1h 30m',
    '30m1h',
    '1h1h',
    '1M30',
    '1y',
    '1e3',
    '0x10',
    '1h-5m',
    'ten',
  ])('"%s" is refused with the forms it may have', (text) => {
    expect(() => parseDuration(text)).toThrow(
      expect.objectContaining({
        code: 'invalid',
        message: `The duration "${text}" cannot be read`,
        hint: expect.stringContaining('90, 15m, 1h30m, 1d, 1w') as string,
      }),
    );
  });

  it('written exactly is read back as the same length', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10 * 366 * 86_400_000 }), (ms) => {
        expect(parseDuration(formatExactDuration(ms))).toBe(ms);
      }),
    );
  });

  it('of any text is read as a whole number of milliseconds or refused', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9.smhdw+-]*$/)), (text) => {
        try {
          expect(Number.isSafeInteger(parseDuration(text))).toBe(true);
        } catch (error) {
          expect((error as AppError).code).toBe('invalid');
        }
      }),
    );
  });

  it.each([
    [0, '0ms'],
    [428, '428ms'],
    [1_000, '1s'],
    [59_999, '59s'],
    [826_000, '13m 46s'],
    [3_600_000, '1h'],
    [3_605_000, '1h'],
    [5_400_000, '1h 30m'],
    [187_200_000, '2d 4h'],
    [-1_000, '-1s'],
  ])('of %i ms is shown as %s', (ms, expected) => {
    expect(formatDuration(ms)).toBe(expected);
  });
});
