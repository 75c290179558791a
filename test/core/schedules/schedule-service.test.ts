import { describe, expect, it } from 'vitest';
import type { Actor } from '../../../src/core/access.ts';
import { AppError } from '../../../src/core/errors.ts';
import {
  ScheduleService,
  type ScheduleRequest,
} from '../../../src/core/schedules/schedule-service.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { outsideOf, TestStore } from '../../support/stores.ts';

const MINUTE = 60_000;
const NOON = Date.parse('2026-11-22T12:00:00Z');

function setUp() {
  const clock = new ManualClock(NOON);
  const test = new TestStore(clock);
  const people = {
    outsider: test.user('oscar'),
    member: test.user('mia'),
    owner: test.user('olga'),
    admin: test.user('anna'),
  };
  const environment = test.environment(
    { admin: [people.admin], member: [people.member, people.owner] },
    { name: 'prod' },
  );
  const schedules = new ScheduleService(outsideOf(test.store, clock));
  const create = (request: Partial<ScheduleRequest> = {}, actor: Actor = people.owner) =>
    schedules.create(actor, {
      name: 'hourly',
      environment: 'prod',
      cron: '0 * * * *',
      timeZone: 'UTC',
      duration: 15 * MINUTE,
      overlap: 'skip',
      count: null,
      until: null,
      retain: null,
      ...request,
    });
  return { clock, test, people, environment, schedules, create };
}

async function outcome(work: () => unknown): Promise<string> {
  try {
    await work();
    return 'ok';
  } catch (error) {
    if (error instanceof AppError) return `${error.code}: ${error.message}`;
    throw error;
  }
}

describe('who may do what with a schedule', () => {
  const READS = ['get', 'next'];
  const operations: Record<
    string,
    (schedules: ScheduleService, actor: Actor, ref: string) => unknown
  > = {
    get: (schedules, actor, ref) => schedules.get(actor, ref),
    next: (schedules, actor, ref) => schedules.next(actor, ref, 3),
    edit: (schedules, actor, ref) => schedules.edit(actor, ref, { cron: '30 * * * *' }),
    pause: (schedules, actor, ref) => schedules.pause(actor, ref),
    delete: (schedules, actor, ref) => schedules.delete(actor, ref),
  };

  it.each(Object.keys(operations))('%s', async (operation) => {
    for (const person of ['outsider', 'member', 'owner', 'admin'] as const) {
      const { people, schedules, create } = setUp();
      const { id } = await create();
      const actual = await outcome(() =>
        operations[operation]?.(schedules, people[person], String(id)),
      );
      const expected =
        person === 'outsider'
          ? 'not_found: Schedule not found'
          : person === 'member' && !READS.includes(operation)
            ? `forbidden: Only the owner of the schedule (olga) or an admin of its environment (anna) may ${operation} it`
            : 'ok';
      expect({ person, actual }).toEqual({ person, actual: expected });
    }
  });

  it('members list and make schedules, outsiders do not know the environment', async () => {
    const { people, schedules, create } = setUp();
    await create({}, people.member);
    expect(await schedules.list(people.owner, 'prod')).toHaveLength(1);
    expect(await schedules.list(people.outsider, null)).toEqual([]);
    expect(await outcome(() => schedules.list(people.outsider, 'prod'))).toBe(
      'not_found: Environment does not exist',
    );
    expect(await outcome(() => create({}, people.outsider))).toBe(
      'not_found: Environment does not exist',
    );
  });

  it('who may do it is named once, also where the owner is an admin', async () => {
    const { people, schedules, create } = setUp();
    await create({}, people.admin);
    expect(await outcome(() => schedules.delete(people.member, 'hourly'))).toBe(
      'forbidden: Only the owner of the schedule (anna) may delete it',
    );
  });

  it('an owner who left has no more rights than any other outsider', async () => {
    const { test, people, environment, schedules, create } = setUp();
    await create();
    test.store.members.delete(environment.id, people.owner.userId);
    expect(await outcome(() => schedules.pause(people.owner, 'hourly'))).toBe(
      'not_found: Schedule not found',
    );
  });
});

describe('a schedule is refused', () => {
  it.each<[string, Partial<ScheduleRequest>, RegExp]>([
    ['without a readable expression', { cron: '99 * * * *' }, /^invalid: The cron expression/],
    ['in a zone that is none', { timeZone: 'Mars' }, /^invalid: There is no time zone "Mars"/],
    ['with a length under a minute', { duration: 59_999 }, /^invalid: Duration must be at least/],
    ['that would end before it begins', { until: NOON + MINUTE }, /^invalid: .* never start/],
    ['with a count of nothing', { count: 0 }, /^invalid: The count/],
    ['that would keep nothing', { retain: 30 }, /^invalid: Captures must be retained/],
    ['with a name that is an id', { name: '17' }, /^invalid: The schedule name/],
  ])('%s, and nothing is stored', async (_why, request, message) => {
    const { test, people, schedules, create } = setUp();
    expect(await outcome(() => create(request))).toMatch(message);
    expect(await schedules.list(people.owner, null)).toEqual([]);
    expect(test.store.captures.nextDue()).toBeNull();
  });

  it('under a name that is taken in its environment, in any case of letters', async () => {
    const { create } = setUp();
    await create();
    expect(await outcome(() => create({ name: 'HOURLY' }))).toBe(
      'invalid: Schedule with the same name already exists in this environment',
    );
  });

  it('to be paused twice, or resumed while it is active', async () => {
    const { people, schedules, create } = setUp();
    await create();
    expect(await outcome(() => schedules.resume(people.owner, 'hourly'))).toMatch(
      /^conflict: .* not paused/,
    );
    await schedules.pause(people.owner, 'hourly');
    expect(await outcome(() => schedules.pause(people.owner, 'hourly'))).toMatch(
      /^conflict: .* already/,
    );
  });
});

describe('the next starts', () => {
  it('are instants on the clocks of its zone, across a change of the offset', async () => {
    const { people, schedules, create } = setUp();
    const { id } = await create({ cron: '0 9 * * 1-5', timeZone: 'America/New_York' });
    const { instants } = await schedules.next(people.member, String(id), 85);
    const iso = instants.map((at) => new Date(at).toISOString());
    expect(iso.slice(0, 2)).toEqual(['2026-11-23T14:00:00.000Z', '2026-11-24T14:00:00.000Z']);
    // 14 March 2027 sets the clocks forward.
    expect(iso).toContain('2027-03-12T14:00:00.000Z');
    expect(iso).toContain('2027-03-15T13:00:00.000Z');
  });

  it('are none after the year 9999, nor does a schedule end then', async () => {
    const { create, schedules, people } = setUp();
    expect(await outcome(() => create({ until: Date.UTC(10_000, 0) }))).toBe(
      'invalid: The end of a schedule must be between the years 1970 and 9999',
    );
    expect(await outcome(() => create({ retain: 1e300 }))).toBe(
      'invalid: Captures can be retained for at most 1,000 years',
    );
    await create({ cron: '0 0 29 2 *' });
    const { instants } = await schedules.next(people.owner, 'hourly', 3_000);
    expect(instants.every((at) => at < Date.UTC(10_000, 0))).toBe(true);
  });

  it('end with its count or its last instant, and there are none while it is paused', async () => {
    const { people, schedules, create } = setUp();
    const hour = 60 * MINUTE;
    const next = async (name: string) => (await schedules.next(people.member, name, 10)).instants;
    await create({ name: 'a', count: 3 });
    expect(await next('a')).toHaveLength(3);
    await create({ name: 'b', until: NOON + 4 * hour });
    expect(await next('b')).toHaveLength(4);
    await create({ name: 'c' });
    await schedules.pause(people.owner, 'c');
    expect(await next('c')).toEqual([]);
  });
});

describe('a user who is deleted', () => {
  it('leaves schedules to an admin of their environment', async () => {
    const { test, people, clock, schedules, create } = setUp();
    await create();
    const { UserService } = await import('../../../src/core/users/user-service.ts');
    const root = { ...test.user('root'), isStoreAdmin: true };
    await new UserService(test.store, clock).deleteUser(root, 'olga');
    expect((await schedules.get(people.admin, 'hourly')).ownerName).toBe('anna');
  });
});
