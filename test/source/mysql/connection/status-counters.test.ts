import { expect, test } from 'vitest';
import { untorn } from '../../../../src/source/mysql/connection/status-counters.ts';

test.each([
  ['as they grow', [500, 510], [505], 505],
  ['one that is too low', [500, 508, 515], [205, 511], 511],
  ['one that is too high', [500, 510, 514], [690, 512], 512],
  ['one before that is too high', [800, 510, 514], [505, 512], 512],
])('of %s the one is taken that lies between', async (_what, around, readings, expected) => {
  const take = (from: number[]) => (): Promise<number> => Promise.resolve(from.shift() ?? 900);
  expect(await untorn(take([...around]), take([...readings]), (count) => count)).toBe(expected);
});

test('where none does the last of five is taken', async () => {
  let readings = 0;
  const reading = await untorn(
    () => Promise.resolve(1_000),
    () => Promise.resolve(++readings),
    (count) => count,
  );
  expect(reading).toBe(5);
});
