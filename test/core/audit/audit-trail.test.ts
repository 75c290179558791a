import { describe, expect, it } from 'vitest';
import type { Actor } from '../../../src/core/access.ts';
import { AuditLog, type AuditRequest } from '../../../src/core/audit/audit-log.ts';
import type { AuditEntry } from '../../../src/core/audit/audit-trail.ts';
import { CaptureRules } from '../../../src/core/captures/capture-rules.ts';
import { EnvironmentService } from '../../../src/core/environments/environment-service.ts';
import { MemberService } from '../../../src/core/members/member-service.ts';
import { ScheduleService } from '../../../src/core/schedules/schedule-service.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { outsideOf, TestStore } from '../../support/stores.ts';

const MINUTE = 60_000;
const ORIGIN = { userName: 'unix-ada', hostName: 'db1', pid: 4711 };
const EVERYTHING: AuditRequest = { capture: null, environment: null, since: null, limit: null };

function setUp() {
  const clock = new ManualClock();
  const test = new TestStore(clock);
  const ada = test.user('ada');
  const bob = test.user('bob');
  const environment = test.environment({ admin: [ada] }, { name: 'prod' });
  const captures = new CaptureRules(test.store, clock, ORIGIN);
  const environments = new EnvironmentService(outsideOf(test.store, clock, ORIGIN));
  const members = new MemberService(test.store, clock, ORIGIN);
  const schedules = new ScheduleService(outsideOf(test.store, clock, ORIGIN));
  const log = (actor: Actor, request: Partial<AuditRequest> = {}): Promise<AuditEntry[]> =>
    new AuditLog(test.store, captures).list(actor, { ...EVERYTHING, ...request });
  const actions = async (actor: Actor, request: Partial<AuditRequest> = {}): Promise<string[]> =>
    (await log(actor, request))
      .map(({ action, author }) => `${author.userName} ${action}`)
      .reverse();
  const create = (name: string, duration: number | null = null) =>
    captures.create(ada, {
      name,
      environment: 'prod',
      status: null,
      start: null,
      scheduledStart: null,
      duration,
    });
  return {
    clock,
    test,
    ada,
    bob,
    environment,
    captures,
    environments,
    members,
    schedules,
    log,
    actions,
    create,
  };
}

describe('the audit trail', () => {
  it('says who did what to a capture, when, from where and why', async () => {
    const { clock, ada, captures, log, actions, create } = setUp();
    const { id } = create('one');
    captures.edit(ada, 'one', { name: 'uno', scheduledStart: null, duration: null });
    captures.requestStop(ada, 'uno', 'too much load');
    captures.delete(ada, 'uno', 'not needed');
    expect(await actions(ada, { capture: String(id) })).toEqual([
      'ada capture.create',
      'ada capture.edit',
      'ada capture.stop',
      'ada capture.delete',
    ]);
    const [deletion, stop, edit] = await log(ada, { capture: String(id) });
    expect(deletion).toMatchObject({
      at: clock.now(),
      origin: ORIGIN,
      reason: 'not needed',
      subject: { kind: 'capture', id, name: 'uno' },
    });
    expect(stop?.reason).toBe('too much load');
    expect(edit?.details).toEqual({ from: 'one', to: 'uno' });
  });

  it('names the program where nobody did it', async () => {
    const { clock, ada, captures, actions, create } = setUp();
    create('short', MINUTE);
    await clock.advance(2 * MINUTE);
    captures.settle();
    expect(await actions(ada, { capture: 'short' })).toEqual([
      'ada capture.create',
      'captures capture.status',
    ]);
  });

  it('has nothing of a change that did not happen', async () => {
    const { ada, bob, captures, actions, create, members } = setUp();
    create('one');
    expect(() => create('one')).toThrow('same name');
    expect(() => captures.requestStop(bob, '1')).toThrow();
    await expect(members.remove(ada, 'prod', 'ada')).rejects.toThrow('last admin');
    expect(await actions(ada)).toEqual(['ada capture.create']);
  });

  it('is rolled back with the change', async () => {
    const { test, ada, actions, create } = setUp();
    expect(() =>
      test.store.transaction(() => {
        create('one');
        throw new Error('the power failed');
      }),
    ).toThrow('the power failed');
    expect(await actions(ada)).toEqual([]);
  });

  it('covers environments, members and schedules', async () => {
    const { ada, environments, schedules, actions, members } = setUp();
    await environments.edit(ada, 'prod', { region: 'eu-west-1' });
    await members.add(ada, 'prod', 'bob', 'member');
    await members.set(ada, 'prod', 'bob', 'admin');
    await members.remove(ada, 'prod', 'bob');
    await schedules.create(ada, {
      name: 'hourly',
      environment: 'prod',
      cron: '@hourly',
      timeZone: 'UTC',
      duration: MINUTE,
      overlap: 'skip',
      count: null,
      until: null,
      retain: null,
    });
    await schedules.pause(ada, 'hourly', 'freeze');
    await schedules.resume(ada, 'hourly');
    await schedules.edit(ada, 'hourly', { duration: 2 * MINUTE });
    await schedules.delete(ada, 'hourly');
    expect((await actions(ada)).map((line) => line.replace('ada ', ''))).toEqual([
      'environment.edit',
      'member.add',
      'member.set',
      'member.remove',
      'schedule.create',
      'capture.create',
      'schedule.pause',
      'schedule.resume',
      'capture.create',
      'schedule.edit',
      'capture.create',
      'schedule.delete',
    ]);
  });

  it('is seen by members of the environment, and by nobody else', async () => {
    const { ada, bob, log, actions, create, members } = setUp();
    const { id } = create('one');
    expect(await log(bob)).toEqual([]);
    await expect(log(bob, { environment: 'prod' })).rejects.toThrow('Environment does not exist');
    await expect(log(bob, { capture: String(id) })).rejects.toThrow(
      "Capture's environment not found",
    );
    await members.add(ada, 'prod', 'bob', 'member');
    expect(await actions(bob)).toEqual(['ada capture.create', 'ada member.add']);
  });

  it('names the schedules that went with an environment', async () => {
    const { ada, bob, environments, schedules, log } = setUp();
    await schedules.create(ada, {
      name: 'hourly',
      environment: 'prod',
      cron: '@hourly',
      timeZone: 'UTC',
      duration: MINUTE,
      overlap: 'skip',
      count: null,
      until: null,
      retain: null,
    });
    await schedules.pause(ada, 'hourly');
    await environments.delete(ada, 'prod');
    expect(await schedules.list(ada, null)).toEqual([]);
    expect((await log({ ...bob, isStoreAdmin: true }))[0]).toMatchObject({
      action: 'environment.delete',
      details: { schedules: 'hourly' },
    });
  });

  it('keeps a deleted environment for the administrators of the store', async () => {
    const { ada, bob, environments, actions } = setUp();
    await environments.delete(ada, 'prod');
    expect(await actions(ada)).toEqual([]);
    expect(await actions({ ...bob, isStoreAdmin: true })).toEqual(['ada environment.delete']);
  });
});
