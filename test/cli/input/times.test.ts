import fc from '../../support/properties.ts';
import { describe, expect, it } from 'vitest';
import { checkTimeZone, offsetAt, wallClockAt } from '../../../src/core/time-zones.ts';
import { formatTime, parseTime } from '../../../src/cli/input/times.ts';
import { AppError } from '../../../src/core/errors.ts';

const NOW = Date.parse('2026-11-21T23:30:00Z');
const BERLIN = 'Europe/Berlin';
const ZONES = [
  'UTC',
  BERLIN,
  'America/New_York',
  'Asia/Kolkata',
  'Australia/Lord_Howe',
  'Pacific/Apia',
  'America/St_Johns',
];
const LAST = Date.parse('9999-12-30T00:00:00Z');

function parse(text: string, zone = BERLIN): string {
  return new Date(parseTime(text, { now: NOW, zone, looksBack: false })).toISOString();
}

function failure(text: string, zone = BERLIN): AppError {
  try {
    parseTime(text, { now: NOW, zone, looksBack: false });
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error(`"${text}" was read`);
}

describe('a time', () => {
  it.each([
    ['now', '2026-11-21T23:30:00.000Z'],
    ['2026-11-22T02:00:00Z', '2026-11-22T02:00:00.000Z'],
    ['2026-11-22t02:00:00.1239z', '2026-11-22T02:00:00.123Z'],
    ['2026-11-22T02:00+05:30', '2026-11-21T20:30:00.000Z'],
    ['2026-11-22 02:00:00 -0800', '2026-11-22T10:00:00.000Z'],
    ['2026-11-22 02:00', '2026-11-22T01:00:00.000Z'],
    ['2018-05-19 12:00:00', '2018-05-19T10:00:00.000Z'],
    ['2026-11-22', '2026-11-21T23:00:00.000Z'],
    ['+15m', '2026-11-21T23:45:00.000Z'],
    ['+90', '2026-11-21T23:31:30.000Z'],
    ['-2h', '2026-11-21T21:30:00.000Z'],
    // In Berlin it is 00:30 on the 22nd already.
    ['today 14:00', '2026-11-22T13:00:00.000Z'],
    ['Tomorrow 02:00', '2026-11-23T01:00:00.000Z'],
    ['tomorrow at 2:00', '2026-11-23T01:00:00.000Z'],
    ['yesterday 23:59:59', '2026-11-21T22:59:59.000Z'],
    ['yesterday 23:59:59.25', '2026-11-21T22:59:59.250Z'],
    [' tomorrow ', '2026-11-22T23:00:00.000Z'],
  ])('%s is understood', (text, expected) => {
    expect(parse(text)).toBe(expected);
  });

  it.each([
    ['2026-13-01', '"2026-13-01" is not a date: there is no month 13'],
    ['2026-00-01', '"2026-00-01" is not a date: there is no month 0'],
    ['2026-02-29 02:00', '"2026-02-29 02:00" is not a date: February 2026 has 28 days'],
    ['2028-02-30', '"2028-02-30" is not a date: February 2028 has 29 days'],
    ['2026-04-31', '"2026-04-31" is not a date: April 2026 has 30 days'],
    ['2026-04-00', '"2026-04-00" is not a date: April 2026 has 30 days'],
    ['2026-11-22 24:00', '"2026-11-22 24:00" is not a time: a day goes from 00:00 to 23:59:59'],
    ['today 12:60', '"today 12:60" is not a time: a day goes from 00:00 to 23:59:59'],
    [
      '2026-11-22T02:00:60Z',
      '"2026-11-22T02:00:60Z" is not a time: a day goes from 00:00 to 23:59:59',
    ],
    ['2026-11-22T02:00+99:00', '"2026-11-22T02:00+99:00" has an offset that no place on Earth has'],
    ['0001-01-01', '"0001-01-01" is out of range: times go from 1970 to 9999'],
    ['1969-12-31', '"1969-12-31" is out of range: times go from 1970 to 9999'],
    ['+99999999999w', '"+99999999999w" is out of range: times go from 1970 to 9999'],
    ['', 'The time "" cannot be read'],
    ['soon', 'The time "soon" cannot be read'],
    ['14:00', 'The time "14:00" cannot be read'],
    ['2026-1-2', 'The time "2026-1-2" cannot be read'],
    ['11/22/2026', 'The time "11/22/2026" cannot be read'],
    ['2026-11-22T02:00:00Z and more', 'The time "2026-11-22T02:00:00Z and more" cannot be read'],
    ['+1 fortnight', 'The duration "1 fortnight" cannot be read'],
  ])('%s is refused with a sentence', (text, message) => {
    const error = failure(text);
    expect([error.code, error.message]).toEqual(['invalid', message]);
  });

  // In Berlin it is 00:30 on the 22nd.
  it.each([
    ['00:30', '2026-11-21T23:30:00.000Z'],
    ['0:10:05', '2026-11-21T23:10:05.000Z'],
    ['0:10:05.5', '2026-11-21T23:10:05.500Z'],
    ['00:31', '2026-11-20T23:31:00.000Z'],
    ['14:00', '2026-11-21T13:00:00.000Z'],
    ['tomorrow 02:00', '2026-11-23T01:00:00.000Z'],
  ])('of the past, %s alone is the last such time', (text, expected) => {
    const at = parseTime(text, { now: NOW, zone: BERLIN, looksBack: true });
    expect(new Date(at).toISOString()).toBe(expected);
  });

  it('that looks back and cannot be read is answered with times of the past', () => {
    const past = (text: string) => parseTime(text, { now: NOW, zone: BERLIN, looksBack: true });
    expect(() => past('25:00')).toThrow('"25:00" is not a time');
    expect(() => past('soon')).toThrow(
      expect.objectContaining({ hint: expect.stringMatching(/yesterday 02:00.*-5m/) as unknown }),
    );
  });

  it('that the clocks skip is refused, with both readings to choose from', () => {
    const error = failure('2026-03-29 02:30');
    expect(error.message).toBe(
      '"2026-03-29 02:30" does not exist in Europe/Berlin: the clocks skip it',
    );
    expect(error.hint).toBe(
      'Say which offset you mean: 2026-03-29T02:30:00+01:00 or 2026-03-29T02:30:00+02:00',
    );
  });

  it('that comes twice is refused, with both readings to choose from', () => {
    const error = failure('2026-10-25 02:30');
    expect(error.message).toBe(
      '"2026-10-25 02:30" happens twice in Europe/Berlin: the clocks go back',
    );
    expect(error.hint).toBe(
      'Say which you mean: 2026-10-25T02:30:00+02:00 or 2026-10-25T02:30:00+01:00',
    );
    expect(parse('2026-10-25T02:30:00+02:00')).toBe('2026-10-25T00:30:00.000Z');
    expect(parse('2026-10-25T02:30:00+01:00')).toBe('2026-10-25T01:30:00.000Z');
  });

  it('on a day that a zone left out does not exist there', () => {
    expect(failure('2011-12-30 12:00', 'Pacific/Apia').message).toContain('does not exist');
    expect(parse('2011-12-31 12:00', 'Pacific/Apia')).toBe('2011-12-30T22:00:00.000Z');
  });

  it('as it is shown is read back as the same instant, in any zone', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 86_400_000, max: LAST }),
        fc.constantFrom(...ZONES),
        fc.constantFrom(...ZONES),
        (at, shownIn, readIn) => {
          const offset = offsetAt(at, shownIn);
          // Old local mean times have offsets with seconds, which no ISO-8601 offset can say.
          fc.pre(offset % 60_000 === 0);
          expect(
            parseTime(formatTime(at, shownIn), { now: NOW, zone: readIn, looksBack: false }),
          ).toBe(at);
        },
      ),
    );
  });

  it('on the wall clock means the instant at which that clock shows it, or is refused', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 86_400_000, max: LAST }),
        fc.constantFrom(...ZONES),
        (wall, zone) => {
          const text = new Date(wall).toISOString().slice(0, 23).replace('T', ' ');
          let at: number;
          try {
            at = parseTime(text, { now: NOW, zone, looksBack: false });
          } catch (error) {
            expect((error as AppError).message).toMatch(/does not exist in|happens twice in/);
            return;
          }
          expect(wallClockAt(at, zone)).toBe(wall);
        },
      ),
    );
  });

  it('is refused as one that comes twice, or not at all, only where that is so', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: Date.UTC(1972, 0, 1), max: Date.UTC(2037, 11, 31) }),
        fc.constantFrom(...ZONES),
        (instant, zone) => {
          const text = new Date(wallClockAt(instant, zone)).toISOString().slice(0, 23);
          // Every instant within a day, by the quarter hours that offsets differ by.
          const wall = wallClockAt(instant, zone);
          const same = Array.from(
            { length: 192 },
            (_unused, n) => instant + (n - 96) * 900_000,
          ).filter((at) => wallClockAt(at, zone) === wall);
          if (same.length === 1)
            expect(parseTime(text, { now: NOW, zone, looksBack: false })).toBe(instant);
          else expect(failure(text, zone).message).toContain('happens twice in');
        },
      ),
      { numRuns: 300 },
    );
  });

  it('of a day that is in no calendar is refused, and every other day is read', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1970, max: 9999 }),
        fc.integer({ min: 0, max: 99 }),
        fc.integer({ min: 0, max: 99 }),
        (year, month, day) => {
          const two = (n: number): string => String(n).padStart(2, '0');
          const text = `${year}-${two(month)}-${two(day)}`;
          const date = new Date(Date.UTC(year, month - 1, day));
          const exists =
            date.getUTCFullYear() === year &&
            date.getUTCMonth() === month - 1 &&
            date.getUTCDate() === day;
          if (exists)
            expect(parseTime(text, { now: NOW, zone: 'UTC', looksBack: false })).toBe(
              date.getTime(),
            );
          else expect(failure(text, 'UTC').message).toContain('is not a date');
        },
      ),
    );
  });

  it('so far away that no date is left is refused, not wrapped', () => {
    fc.assert(
      fc.property(fc.constantFrom('+', '-'), fc.bigInt({ min: 1n, max: 10n ** 30n }), (sign, n) => {
        const at = (() => {
          try {
            return parseTime(`${sign}${n}`, { now: NOW, zone: 'UTC', looksBack: false });
          } catch (error) {
            expect((error as AppError).message).toContain(
              'out of range: times go from 1970 to 9999',
            );
            return null;
          }
        })();
        if (at !== null) expect(at).toBe(NOW + Number(`${sign}${n}`) * 1_000);
      }),
    );
  });

  it('of any text is read or refused, never anything else', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: 'grapheme' })), (text) => {
        try {
          expect(
            Number.isSafeInteger(parseTime(text, { now: NOW, zone: BERLIN, looksBack: false })),
          ).toBe(true);
        } catch (error) {
          expect((error as AppError).code).toBe('invalid');
        }
      }),
    );
  });
});

describe('a time zone', () => {
  it.each(ZONES)('%s is known', (zone) => {
    expect(checkTimeZone(zone)).toBe(zone);
  });

  it.each(['Europe/Nowhere', '', 'CEST!', 'a'.repeat(1_000)])('"%s" is refused', (zone) => {
    expect(() => checkTimeZone(zone)).toThrow(`There is no time zone "${zone}"`);
  });
});
