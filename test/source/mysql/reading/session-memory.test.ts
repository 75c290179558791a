import { expect, it } from 'vitest';
import {
  recalled,
  remembered,
  withZone,
  zoneOf,
} from '../../../../src/source/mysql/reading/session-memory.ts';

it('is what was remembered, with or without the zone, and nothing where there was nothing', () => {
  const memory = { prepares: 2, isHidden: true, executes: 1, transaction: 'open' } as const;
  expect(recalled(remembered(memory))).toEqual(memory);
  const zoned = withZone(remembered(memory), -90);
  expect([recalled(zoned), zoneOf(zoned)]).toEqual([memory, -90]);
  const nothing = { prepares: 0, isHidden: false, executes: 0, transaction: null };
  expect(remembered(nothing)).toBeNull();
  expect([recalled(null), zoneOf(null)]).toEqual([nothing, null]);
  expect(recalled(withZone(null, 60))).toEqual(nothing);
});
