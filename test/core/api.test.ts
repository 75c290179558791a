import { expect, it } from 'vitest';
import { createApi } from '../../src/core/api.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { outsideOf, TestStore } from '../support/stores.ts';

const clock = new ManualClock();
const test = new TestStore(clock);
const api = createApi(outsideOf(test.store, clock));

it('has members that are loaded when used and are plain objects before that', async () => {
  await expect(Promise.resolve(api.schedules)).resolves.toBe(api.schedules);
  expect(JSON.parse(JSON.stringify(api))).toMatchObject({ schedules: {}, metrics: {} });
  for (const member of [api.schedules, api.metrics, api.diagnosis]) {
    expect(Reflect.get(member, 'misspelt')).toBeUndefined();
    expect(Reflect.get(member, Symbol.toPrimitive)).toBeUndefined();
  }
});

it('loads a member at its first use case', async () => {
  const alice = test.user('alice');
  await expect(api.schedules.list(alice, null)).resolves.toEqual([]);
  await expect(api.schedules.get(alice, '1')).rejects.toMatchObject({ code: 'not_found' });
});
