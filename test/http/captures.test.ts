import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ALL_CAPTURES } from '../../src/core/captures/capture-list.ts';
import type { CaptureRequest } from '../../src/core/captures/capture-timing.ts';
import { RECORD_EVERYTHING } from '../../src/core/captures/recording-options.ts';
import { AppError } from '../../src/core/errors.ts';
import { workloadFiles } from '../../src/workload/stored-workloads.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { recordedCapture } from '../support/recorded-captures.ts';
import { bothWays, outcomeOf, type BothWays } from '../support/same-over-http.ts';
import { FakeSource, inspectionOf } from '../support/server-inspection.ts';
import { SERVER, TestStore } from '../support/stores.ts';

const clock = new ManualClock();
const test = new TestStore(clock);
const { store } = test;
const ada = test.user('ada');
const shop = test.environment({ admin: [ada] }, { name: 'shop' });
const db = test.environment({ admin: [ada] }, { name: 'db', server: SERVER });
const source = new FakeSource(inspectionOf());
const { signal } = new AbortController();
let both: BothWays;

beforeAll(async () => {
  both = await bothWays(test, ada, {
    servers: () => Promise.resolve(source),
    workloads: () => Promise.resolve(workloadFiles(store)),
    daemons: {
      start: () => Promise.resolve({ pid: 1, logFile: 'daemon.log' }),
      isRunning: () => true,
    },
  });
});
afterAll(() => both.server.close());

const request: CaptureRequest = {
  name: 'friday',
  environment: 'shop',
  status: null,
  start: null,
  scheduledStart: null,
  duration: null,
};

/** Lets time pass until it is done. */
async function goingOn<Result>(work: Promise<Result>): Promise<Result> {
  const state = { isDone: false };
  const done = work.finally(() => (state.isDone = true));
  while (!state.isDone) {
    await clock.advance(500);
    await setImmediate();
  }
  return done;
}

/** What is another capture's, or another moment's, in either. */
const ALIKE = { id: 0, name: '' };

describe('times of captures', () => {
  it('beyond the year 9999 are refused, and read where a store has them already', async () => {
    const { local, remote, server, secret } = both;
    const late = { scheduledStart: '9999-12-31T23:59:59Z', duration: 60 };
    const response = await fetch(`${server.url}/api/captures`, {
      method: 'POST',
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'late', envId: shop.id, status: 'SCHEDULED', ...late }),
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({
      code: 400,
      message: 'The scheduled end must be between the years 1970 and 9999',
    });
    const { id } = test.capture(ada, shop, {
      name: 'of an older version',
      start: clock.now() - 120_000,
      duration: 60_000,
    });
    const far = { start: -8.64e15, end: 8.64e15 };
    store.captures.update(id, ['DONE'], far);
    expect(await remote.captures.list(ada, ALL_CAPTURES)).toEqual(
      await local.captures.list(ada, ALL_CAPTURES),
    );
    expect(await remote.captures.get(ada, String(id))).toMatchObject(far);
    store.captures.delete(id, ['DONE']);
  });
});

describe('captures over HTTP', () => {
  it('of which the first values are looked at: those so far when somebody looks no longer', async () => {
    const { local, remote } = both;
    const { id } = await recordedCapture(test, ada, db, { name: 'values', status: 'RUNNING' });
    const outcomes = await Promise.all(
      [local, remote].map(async ({ captures }) => {
        const leaving = new AbortController();
        const first = captures.firstValues(ada, String(id), leaving.signal);
        // Time stands still: without the end of its signal nobody comes back.
        await setImmediate();
        leaving.abort(new Error('Nobody looks'));
        return first;
      }),
    );
    expect(outcomes[0]?.counts).toBeDefined();
    expect(outcomes[1]?.counts).toEqual(outcomes[0]?.counts);
    store.captures.move(id, 'RUNNING', 'FAILED', { end: clock.now(), reason: 'the test is over' });
  });

  it('are recorded later with the same said of them', async () => {
    const { local, remote } = both;
    const asked = { ...request, environment: 'db', scheduledStart: clock.now() + 3_600_000 };
    const [here, there] = await Promise.all(
      [local, remote].map(({ captures }, index) =>
        outcomeOf(captures.record(ada, { ...asked, name: `later${index}` }, {}, signal)),
      ),
    );
    expect({ ...(there?.result as object), ...ALIKE }).toEqual({
      ...(here?.result as object),
      ...ALIKE,
    });
    expect(there?.result).not.toHaveProperty('mayLackValues');
  });

  it('are created as in the same process, with what is to be known of it', async () => {
    const { local, remote } = both;
    const later = { scheduledStart: clock.now() + 3_600_000, duration: 90_000 };
    const options = { ...RECORD_EVERYTHING, warmUp: 600_000, excludeUsers: ['a,b', '*'] };
    const asked = { ...request, ...later, environment: 'db', options };
    const here = await outcomeOf(local.captures.create(ada, { ...asked, name: 'here' }));
    const there = await outcomeOf(remote.captures.create(ada, { ...asked, name: 'there' }));
    expect(here.events.length).toBeGreaterThan(1);
    expect(there.events).toEqual(here.events);
    expect({ ...(there.result as object), ...ALIKE }).toEqual({
      ...(here.result as object),
      ...ALIKE,
    });
    const begun = { ...request, environment: 'db' };
    const started = await outcomeOf(local.captures.create(ada, { ...begun, name: 'now' }));
    const far = await outcomeOf(remote.captures.create(ada, { ...begun, name: 'now too' }));
    expect(far.events).toEqual(started.events);
    expect(far.result).toMatchObject({ status: 'STARTED', mayLackValues: false });
  });

  it('are refused as in the same process, with the hint as data', async () => {
    const { local, remote } = both;
    source.inspection = inspectionOf({
      values: {
        ...inspectionOf().values,
        prepared: 7,
        sessions: [{ id: 5, user: 'app', host: 'web1', seconds: 3, isIdle: true }],
      },
    });
    const options = { ...RECORD_EVERYTHING, recycleUsers: ['a*'] };
    for (const changes of [
      { environment: 'db', options },
      { environment: 'nowhere' },
      { name: '' },
      { name: 'friday/saturday' },
      { duration: 5 },
      { status: 'DONE' as never },
      { scheduledStart: 1 },
      { options },
    ]) {
      const asked = { ...request, name: 'refused', ...changes };
      const here = await outcomeOf(local.captures.create(ada, asked));
      const there = await outcomeOf(remote.captures.create(ada, asked));
      expect(here.error).toBeInstanceOf(AppError);
      expect(there.error).toBeInstanceOf(AppError);
      expect(there).toEqual(here);
    }
    const approved = await outcomeOf(
      remote.captures.create(
        ada,
        { ...request, environment: 'db', name: 'approved', options },
        { approved: ['recycling'] },
      ),
    );
    expect(approved.result).toMatchObject({ options, mayLackValues: true });
  });

  it('are planned as in the same process', async () => {
    const { local, remote } = both;
    const asked = { ...request, environment: 'db', duration: 3_600_000, name: 'now' };
    const runs = [local, remote].map((api) => outcomeOf(api.captures.plan(ada, asked, signal)));
    const [here, there] = await goingOn(Promise.all(runs));
    expect(here?.error).toBeNull();
    expect(here?.events).toHaveLength(1);
    const { disk } = (there?.result as { expectation: { disk: object } }).expectation;
    // Others write to the disk between the two.
    expect(disk).toEqual({ free: expect.any(Number), size: expect.any(Number) });
    Object.assign(disk, { free: expect.any(Number) });
    // But for what the environment has beyond its type.
    expect(here).toMatchObject(there ?? {});
    expect((there?.result as { refusals: unknown[] }).refusals[0]).toBeInstanceOf(AppError);
  });

  it('are looked at as in the same process', async () => {
    const { local, remote } = both;
    const { id } = await recordedCapture(test, ada, db, { name: 'recorded' });
    const { captures: here } = local;
    const { captures: there } = remote;
    for (const ref of ['recorded', 'db/recorded', String(id), 'here']) {
      expect(await there.get(ada, ref, 'capture.delete')).toEqual(await here.get(ada, ref));
      expect(await here.details(ada, ref)).toMatchObject(await there.details(ada, ref));
      expect(await there.live(ada, ref)).toEqual(await here.live(ada, ref));
      expect(await there.valueCounts(ada, ref)).toEqual(await here.valueCounts(ada, ref));
    }
    expect((await there.details(ada, 'recorded')).recorded).not.toBeNull();
    for (const ref of ['..', '.', '', 'a/b/c', 'none', '1.5', ' ', 'é'.repeat(300)]) {
      await expect(there.get(ada, ref)).rejects.toMatchObject({ code: 'not_found' });
    }
    for (const typed of ['', 're', 'db/re', '%', 'nowhere/']) {
      expect(await there.named(ada, typed, ['DONE', 'SCHEDULED'], 10)).toEqual(
        await here.named(ada, typed, ['DONE', 'SCHEDULED'], 10),
      );
    }
    const filters = [
      { order: 'name', descending: false, limit: 3 },
      { statuses: ['SCHEDULED', 'DONE'], owner: 'me' },
      { since: 0, until: clock.now(), name: 're*' },
      { statuses: [] },
      { environment: 'nowhere' },
      { owner: 'nobody' },
    ] as const;
    for (const filter of filters) {
      const asked = { ...ALL_CAPTURES, ...filter };
      const listed = await here.list(ada, asked).catch((error: unknown) => error);
      expect(await there.list(ada, asked).catch((error: unknown) => error)).toEqual(listed);
    }
  });

  it('are watched as in the same process, until the signal ends it', async () => {
    const { local, remote } = both;
    const { name } = test.capture(ada, shop, { duration: 60_000 });
    const runs = [local, remote].map((api) => outcomeOf(api.captures.watch(ada, name, signal)));
    const [here, there] = await goingOn(Promise.all(runs));
    expect(here?.result).toMatchObject({ status: 'DONE' });
    expect(there?.result).toEqual(here?.result);
    expect(there?.events[0]).toMatchObject({ type: 'seen', capture: { name, status: 'RUNNING' } });

    const open = test.capture(ada, shop);
    const leaving = new AbortController();
    const watch = remote.captures.watch(ada, open.name, leaving.signal);
    expect((await watch.next()).value).toMatchObject({ type: 'seen' });
    leaving.abort(new Error('interrupted'));
    await expect(watch.next()).rejects.toThrow('interrupted');
    expect(await local.captures.get(ada, open.name)).toMatchObject({ status: 'RUNNING' });
  });

  it('are waited for, stopped, ended, edited and deleted', async () => {
    const { local, remote } = both;
    const { captures } = remote;
    const { name } = test.capture(ada, shop);
    const waited = await outcomeOf(captures.wait(ada, name, 'begun', signal));
    expect(waited.result).toEqual(await local.captures.get(ada, name));
    const renamed = { name: 'renamed', scheduledStart: null, duration: null };
    const edited = await outcomeOf(captures.edit(ada, name, renamed));
    expect(edited.result).toEqual(await local.captures.get(ada, 'renamed'));
    const ended = await outcomeOf(captures.end(ada, 'renamed', 'why', signal));
    expect(ended.events).toMatchObject([{ type: 'stopping', capture: { status: 'RUNNING' } }]);
    expect(ended.result).toMatchObject({ status: 'DONE' });
    expect((await outcomeOf(captures.giveUp(ada, 'renamed', null, signal))).error).toMatchObject({
      code: 'conflict',
      message: 'This capture has already been stopped',
    });
    const how = { reason: 'no need', keepsWorkload: true };
    const deleted = await outcomeOf(captures.delete(ada, 'renamed', how, signal));
    expect(deleted.events).toEqual([
      { type: 'deleted', capture: deleted.result, workloadFolder: null },
    ]);
    expect((await outcomeOf(captures.delete(ada, 'renamed', how, signal))).error).toMatchObject({
      code: 'not_found',
    });
    store.captures.move((await local.captures.get(ada, 'now')).id, 'STARTED', 'FAILED', {
      reason: 'went away',
    });
    const failed = [local, remote].map((api) =>
      outcomeOf(api.captures.wait(ada, 'now', 'over', signal)),
    );
    const [here, there] = await Promise.all(failed);
    expect(here?.error).toMatchObject({ code: 'capture_failed' });
    expect(there).toEqual(here);
  });

  it('are recorded: created, and waited for until they have begun', async () => {
    const recorded = await outcomeOf(
      both.remote.captures.record(ada, { ...request, name: 'record' }, {}, signal),
    );
    expect(recorded.result).toEqual(await both.local.captures.get(ada, 'record'));
  });

  it('are pruned, and deleted with their environment', async () => {
    const { local, remote } = both;
    await clock.advance(86_400_000);
    const asked = { olderThan: 3_600_000, keep: 1, environment: 'shop' };
    const plan = await remote.captures.planPrune(ada, asked);
    expect(plan).toEqual(await local.captures.planPrune(ada, asked));
    const ids = plan.captures.map(({ id }) => id);
    expect(await remote.captures.prune(ada, ids, 'old', signal)).toEqual(plan.captures);
    expect(await remote.captures.prune(ada, ids, 'old', signal)).toEqual([]);
    const none = { ...asked, olderThan: 0 };
    await expect(remote.captures.planPrune(ada, none)).rejects.toEqual(
      await local.captures.planPrune(ada, none).catch((error: unknown) => error),
    );
    const deleted = await outcomeOf(remote.captures.deleteAllOf(ada, 'shop', signal));
    expect(deleted).toMatchObject({ result: undefined, error: null });
    expect(deleted.events.at(-1)).toMatchObject({ type: 'deleted' });
    expect(await local.captures.list(ada, { ...ALL_CAPTURES, environment: 'shop' })).toEqual([]);
  });
});
