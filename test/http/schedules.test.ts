import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ScheduleRequest } from '../../src/core/schedules/schedule-service.ts';
import { RECORD_EVERYTHING } from '../../src/core/captures/recording-options.ts';
import { AppError } from '../../src/core/errors.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { bothWays, type BothWays } from '../support/same-over-http.ts';
import { FakeSource, inspectionOf } from '../support/server-inspection.ts';
import { SERVER, TestStore } from '../support/stores.ts';

const test = new TestStore(new ManualClock());
const ada = test.user('ada');
test.environment({ admin: [ada] }, { name: 'shop' });
test.environment({ admin: [ada] }, { name: 'db', server: SERVER });
let both: BothWays;

beforeAll(async () => {
  both = await bothWays(test, ada, {
    servers: () => Promise.resolve(new FakeSource(inspectionOf())),
  });
});
afterAll(() => both.server.close());

const request: ScheduleRequest = {
  name: 'nightly',
  environment: 'db',
  cron: '0 2 * * *',
  timeZone: 'Europe/Berlin',
  duration: 900_000,
  overlap: 'allow',
  count: 5,
  until: Date.parse('2027-01-01T00:00:00Z'),
  retain: 86_400_000,
  options: { ...RECORD_EVERYTHING, warmUp: 600_000 },
};

function failureOf(run: Promise<unknown>): Promise<unknown> {
  return run.then(
    () => 'nothing',
    (error: unknown) => error,
  );
}

describe('schedules over HTTP', () => {
  it('are created, listed and looked at as in the same process', async () => {
    const { local, remote } = both;
    const here = await local.schedules.create(ada, { ...request, name: 'here' });
    const there = await remote.schedules.create(ada, { ...request, name: 'there' });
    expect(here.notices.length).toBeGreaterThan(1);
    const { id, name, pendingCaptureId } = here;
    expect({ ...there, id, name, pendingCaptureId }).toEqual(here);
    for (const environment of [null, 'db', 'shop']) {
      expect(await remote.schedules.list(ada, environment)).toEqual(
        await local.schedules.list(ada, environment),
      );
    }
    expect(await remote.schedules.get(ada, 'db/there', 'schedule.edit')).toEqual(
      await local.schedules.get(ada, 'there'),
    );
    expect(await remote.schedules.next(ada, 'there', 3)).toEqual(
      await local.schedules.next(ada, 'there', 3),
    );
  });

  it('are edited: what is absent stays, null takes away', async () => {
    const { local, remote } = both;
    const edited = await remote.schedules.edit(ada, 'there', { count: null, timeZone: 'UTC' });
    expect(edited).toMatchObject({ count: null, timeZone: 'UTC', retain: 86_400_000 });
    expect(edited).toEqual(await local.schedules.get(ada, 'there'));
    const renamed = await remote.schedules.edit(ada, 'there', { name: 'renamed', retain: null });
    expect(renamed).toEqual(await local.schedules.get(ada, 'renamed'));
  });

  it('are paused, resumed and deleted, and refuse what they refuse', async () => {
    const { local, remote } = both;
    const paused = await remote.schedules.pause(ada, 'renamed', 'no need');
    expect(paused).toEqual(await local.schedules.get(ada, 'renamed'));
    const again = await failureOf(remote.schedules.pause(ada, 'renamed'));
    expect(again).toBeInstanceOf(AppError);
    expect(again).toEqual(await failureOf(local.schedules.pause(ada, 'renamed')));
    const resumed = await remote.schedules.resume(ada, 'renamed');
    expect(resumed).toEqual(await local.schedules.get(ada, 'renamed'));
    expect(await remote.schedules.delete(ada, 'renamed', null)).toEqual(resumed);
    expect(await failureOf(remote.schedules.get(ada, 'renamed'))).toEqual(
      await failureOf(local.schedules.get(ada, 'renamed')),
    );
  });

  it.each([
    { cron: '99 * * * *' },
    { timeZone: 'Mars/Olympus' },
    { duration: 5 },
    { count: 1.5 },
    { retain: 5 },
    { name: 'here' },
    { environment: 'nowhere' },
    { until: 0 },
    { options: { ...RECORD_EVERYTHING, recycleUsers: [] } },
  ])('say the same of %j', async (changes) => {
    const asked = { ...request, name: 'refused', ...changes };
    const there = await failureOf(both.remote.schedules.create(ada, asked));
    expect(there).toBeInstanceOf(AppError);
    expect(there).toEqual(await failureOf(both.local.schedules.create(ada, asked)));
  });
});
