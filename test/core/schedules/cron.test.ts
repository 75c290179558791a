import { describe, expect, it } from 'vitest';
import {
  checkRecurrence,
  lastOccurrence,
  nextOccurrence,
  occurrencesBetween,
} from '../../../src/core/schedules/cron.ts';
import { occurrenceNames } from '../../../src/core/schedules/schedule.ts';
import { localTimeOf } from '../../../src/core/time-zones.ts';

const at = (text: string): number => Date.parse(text);
const iso = (time: number | null): string | null =>
  time === null ? null : new Date(time).toISOString();

function following(cron: string, timeZone: string, from: string, count: number): string[] {
  const instants: string[] = [];
  let last = at(from);
  while (instants.length < count) {
    const next = nextOccurrence({ cron, timeZone }, last);
    if (next === null) break;
    instants.push(new Date(next).toISOString());
    last = next;
  }
  return instants;
}

describe('a recurrence', () => {
  it('stays at its local time when the offset changes', () => {
    expect(following('0 9 * * 1-5', 'America/New_York', '2026-10-30T00:00:00Z', 3)).toEqual([
      '2026-10-30T13:00:00.000Z',
      '2026-11-02T14:00:00.000Z',
      '2026-11-03T14:00:00.000Z',
    ]);
  });

  it('happens when the clocks go on, where they skip its local time', () => {
    expect(following('30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z', 2)).toEqual([
      '2026-03-29T01:00:00.000Z',
      '2026-03-30T00:30:00.000Z',
    ]);
  });

  it('happens once at a fixed time that occurs twice, and both times when it repeats', () => {
    expect(following('30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z', 2)).toEqual([
      '2026-10-25T00:30:00.000Z',
      '2026-10-26T01:30:00.000Z',
    ]);
    expect(following('30 * * * *', 'Europe/Berlin', '2026-10-24T23:40:00Z', 3)).toEqual([
      '2026-10-25T00:30:00.000Z',
      '2026-10-25T01:30:00.000Z',
      '2026-10-25T02:30:00.000Z',
    ]);
  });

  it.each([
    ['0 9 * * *', 'UTC'],
    ['*/20 * * * *', 'Europe/Berlin'],
    ['30 2 * * *', 'Europe/Berlin'],
    ['15 1-3 * * 0', 'America/New_York'],
    ['0 0 1 * *', 'Pacific/Auckland'],
    ['0 2 */2 * 1', 'Europe/Berlin'],
    ['0 2 13 * 1-5', 'UTC'],
  ])('%s in %s has the same past and future, DST or not', (cron, timeZone) => {
    for (const start of ['2026-03-27T00:00:00Z', '2026-10-23T00:00:00Z', '2026-11-01T03:00:00Z']) {
      const instants = following(cron, timeZone, start, 60).map(at);
      for (const [index, instant] of instants.entries()) {
        expect(iso(lastOccurrence({ cron, timeZone }, instant))).toBe(iso(instant));
        const before = instants[index - 1];
        if (before !== undefined) {
          expect(iso(lastOccurrence({ cron, timeZone }, instant - 1))).toBe(iso(before));
        }
      }
    }
  });

  it.each([
    // A field that begins with * restricts nothing by itself: both have to fit.
    ['0 2 */2 * 1', ['11-09', '11-23', '12-07', '12-21']],
    ['0 2 13 * */2', ['12-13', '02-13', '03-13', '04-13']],
    ['0 2 *,13 * 1', ['11-02', '11-09', '11-16', '11-23']],
    ['0 2 */2 * *', ['11-01', '11-03', '11-05', '11-07']],
    ['0 2 * * 1', ['11-02', '11-09', '11-16', '11-23']],
    ['0 2 13 * *', ['11-13', '12-13', '01-13', '02-13']],
    // Both are restricted: either is enough.
    ['0 2 1-31/2 * 1', ['11-01', '11-02', '11-03', '11-05']],
    ['0 2 13 * 5', ['11-06', '11-13', '11-20', '11-27']],
    ['  0 2 13,14 * Mon ', ['11-02', '11-09', '11-13', '11-14']],
  ])('%s means the days that it means to Vixie cron', (cron, days) => {
    const found = following(cron, 'UTC', '2026-11-01T00:00:00Z', 4);
    expect(found.map((instant) => instant.slice(5, 10))).toEqual(days);
  });

  it('counts what is between two instants, both included', () => {
    const hourly = { cron: '0 * * * *', timeZone: 'UTC' };
    expect(
      occurrencesBetween(hourly, at('2026-11-22T09:00:00Z'), at('2026-11-22T12:00:00Z')),
    ).toEqual({
      count: 4,
      isMore: false,
      first: at('2026-11-22T09:00:00Z'),
      last: at('2026-11-22T12:00:00Z'),
    });
    expect(
      occurrencesBetween(hourly, at('2026-11-22T09:00:01Z'), at('2026-11-22T09:59:59Z')),
    ).toBeNull();
  });

  it('stops counting after 5,000, and knows the last one all the same', () => {
    const minutely = { cron: '* * * * *', timeZone: 'UTC' };
    const found = occurrencesBetween(
      minutely,
      at('2026-01-01T00:00:00Z'),
      at('2026-02-01T00:00:30Z'),
    );
    expect(found).toMatchObject({ count: 5_000, isMore: true, last: at('2026-02-01T00:00:00Z') });
  });

  it.each([
    ['* * * * * *', /cannot be read: it has 6 fields, not five$/],
    ['61 * * * *', /cannot be read.*minute: 61/],
    ['', /cannot be read/],
    ['every day', /cannot be read: it has 2 fields, not five$/],
    ['@reboot', /cannot be read/],
    ['0 0 30 2 *', /never matches/],
  ])('refuses %j', (cron, message) => {
    expect(() => checkRecurrence({ cron, timeZone: 'UTC' })).toThrow(message);
  });

  it('refuses a time zone that nobody knows', () => {
    expect(() => checkRecurrence({ cron: '@daily', timeZone: 'Mars/Olympus' })).toThrow(
      'There is no time zone "Mars/Olympus"',
    );
  });
});

describe('a local time', () => {
  it.each([
    ['2026-11-22T14:00:00Z', 'America/New_York', '2026-11-22 09:00', '-05:00', false],
    ['2026-10-25T00:30:00Z', 'Europe/Berlin', '2026-10-25 02:30', '+02:00', true],
    ['2026-10-25T01:30:00Z', 'Europe/Berlin', '2026-10-25 02:30', '+01:00', true],
    ['2026-10-25T02:30:00Z', 'Europe/Berlin', '2026-10-25 03:30', '+01:00', false],
    ['2026-10-24T23:30:00Z', 'Europe/Berlin', '2026-10-25 01:30', '+02:00', false],
    ['2026-04-04T14:45:00Z', 'Australia/Lord_Howe', '2026-04-05 01:45', '+11:00', true],
    ['2026-11-22T00:00:00Z', 'Asia/Kathmandu', '2026-11-22 05:45', '+05:45', false],
  ])('of %s in %s is %s %s', (time, zone, local, offset, isTwice) => {
    expect(localTimeOf(at(time), zone)).toEqual({ local, offset, isTwice });
  });
});

describe("an occurrence's name", () => {
  it('is the schedule and its local time, with the offset where that occurs twice', () => {
    expect(occurrenceNames('nightly', '2026-11-22 09:00', null).next().value).toBe(
      'nightly 2026-11-22 09:00',
    );
    expect(occurrenceNames('nightly', '2026-10-25 02:30', '+02:00').next().value).toBe(
      'nightly 2026-10-25 02:30 +02:00',
    );
  });

  it('never has more than 64 characters, nor a space at the cut', () => {
    const names = occurrenceNames(`${'x'.repeat(46)} ${'y'.repeat(17)}`, '2026-11-22 09:00', null);
    expect(names.next().value).toBe(`${'x'.repeat(46)} 2026-11-22 09:00`);
    expect(names.next().value).toBe(`${'x'.repeat(43)} 2026-11-22 09:00 (2)`);
    const emoji = occurrenceNames('🦊'.repeat(64), '2026-10-25 02:30', '+02:00').next().value ?? '';
    expect(Array.from(String(emoji))).toHaveLength(64);
  });
});
