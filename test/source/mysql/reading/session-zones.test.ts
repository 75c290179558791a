import { describe, expect, test } from 'vitest';
import { SessionZones } from '../../../../src/source/mysql/reading/session-zones.ts';

const HOUR = 3_600_000;

function zonesOf(after: string | null, before: string, serverOffset = 0): SessionZones {
  const zones = new SessionZones(serverOffset);
  zones.setBounds(after, before);
  return zones;
}

describe('a time in its session’s zone', () => {
  test.each([
    ['2026-11-21T20:00:00.250001Z', '+00:00'],
    ['2026-11-22T01:00:00.250001Z', '+05:00'],
    ['2026-11-22T01:45:00.250001Z', '+05:45'],
    ['2026-11-21T13:00:00.250001Z', '-07:00'],
    ['2026-11-21T16:30:00.250001Z', '-03:30'],
    ['2026-11-22T10:00:00.250001Z', '+14:00'],
    ['2026-11-22T01:37:00.250001Z', '+05:37, which is no multiple of 15 minutes'],
  ])('%s is put right to the microsecond (%s)', (time) => {
    const zones = zonesOf('2026-11-21T20:00:00.000000Z', '2026-11-21T20:00:00.500000Z');
    expect(zones.correct(7, time)).toBe('2026-11-21T20:00:00.250001Z');
    expect(zones.guessed).toBe(0);
  });

  test('is found anew when the session changes its zone', () => {
    const zones = zonesOf('2026-11-21T20:00:00.000000Z', '2026-11-21T20:00:00.500000Z');
    expect(zones.correct(7, '2026-11-22T01:00:00.100000Z')).toBe('2026-11-21T20:00:00.100000Z');
    expect(zones.minutesOf(7)).toBe(300);
    expect(zones.correct(7, '2026-11-21T20:00:00.200000Z')).toBe('2026-11-21T20:00:00.200000Z');
    expect(zones.minutesOf(7)).toBeNull();
    expect(zones.takeChanged()).toEqual([7]);
  });

  test('may be a little before the rotation: rows are written after they are received', () => {
    const zones = zonesOf('2026-11-21T20:00:00.000000Z', '2026-11-21T20:00:00.500000Z');
    expect(zones.correct(7, '2026-11-21T19:59:58.000000Z')).toBe('2026-11-21T19:59:58.000000Z');
  });

  test('is the one known before, where the table spans hours', () => {
    const zones = zonesOf('2026-11-21T12:00:00.000000Z', '2026-11-21T20:00:00.000000Z');
    zones.restore(7, 300);
    expect(zones.correct(7, '2026-11-21T18:00:00.000000Z')).toBe('2026-11-21T13:00:00.000000Z');
    expect(zones.correct(8, '2026-11-21T18:00:00.000000Z')).toBe('2026-11-21T18:00:00.000000Z');
  });

  test("is the server's where nothing else is known, and never in the future", () => {
    const zones = zonesOf(null, '2026-11-21T20:00:00.000000Z', 2 * HOUR);
    expect(zones.correct(7, '2026-11-21T21:00:00.000000Z')).toBe('2026-11-21T19:00:00.000000Z');
    const late = zones.correct(8, '2026-11-22T01:00:00.000000Z');
    expect(late <= '2026-11-21T20:01:00').toBe(true);
  });
});
