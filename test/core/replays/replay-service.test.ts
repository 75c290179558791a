import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Actor } from '../../../src/core/access.ts';
import { createApi, type Api } from '../../../src/core/api.ts';
import { ALL_CAPTURES } from '../../../src/core/captures/capture-list.ts';
import type { Environment } from '../../../src/core/environments/environment.ts';
import { AppError, type Failure } from '../../../src/core/errors.ts';
import { resultOf } from '../../../src/core/progress.ts';
import type { ReplayRequest } from '../../../src/core/replays/replay-request.ts';
import {
  REPLAY_SILENCE_MS,
  type Replay,
  type ReplayEvent,
} from '../../../src/core/replays/replay.ts';
import type { ListedCapture } from '../../../src/core/store.ts';
import { workloadFolder } from '../../../src/workload/deleted-workloads.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import {
  ENDLESS,
  OTHER_SERVER,
  PLAN,
  PROGRESS,
  RECORDED_SERVER,
  ReplayBench,
  replayRequest,
  RESULT,
} from '../../support/replay-bench.ts';
import { SERVER, TestStore } from '../../support/stores.ts';

let clock: ManualClock;
let test: TestStore;
let bench: ReplayBench;
let api: Api;
let ada: Actor;
let staging: Environment;
let never: AbortSignal;

beforeEach(async () => {
  clock = new ManualClock();
  test = new TestStore(clock);
  bench = new ReplayBench(test);
  api = createApi(bench.outside);
  ada = test.user('ada');
  staging = test.environment({ admin: [ada] }, { name: 'staging', server: SERVER });
  never = new AbortController().signal;
  await bench.recorded(ada);
});

async function refusal(work: () => Promise<unknown>): Promise<Failure> {
  try {
    await work();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('It was not refused');
}

/** Runs a replay, on the manual clock: its time goes on until it is over. */
async function run(
  request: ReplayRequest = replayRequest(staging),
  options: { actor?: Actor; signal?: AbortSignal; show?: (event: ReplayEvent) => void } = {},
): Promise<Replay> {
  const { actor = ada, signal = never, show } = options;
  return whileTimeGoesOn(resultOf(api.replays.run(actor, 'friday', request, signal), show));
}

async function whileTimeGoesOn<Result>(work: Promise<Result>): Promise<Result> {
  const over = new AbortController();
  const settled = work.finally(() => {
    over.abort();
  });
  settled.catch(() => undefined);
  while (!over.signal.aborted) await clock.advance(100);
  return settled;
}

/** One that goes on, once it is played. */
async function begun(signal: AbortSignal): Promise<{ readonly over: Promise<Replay> }> {
  bench.player.part = ENDLESS;
  return new Promise((resolve, reject) => {
    const over: Promise<Replay> = resultOf(
      api.replays.run(ada, 'friday', replayRequest(staging), signal),
      ({ type }) => {
        if (type === 'played') resolve({ over });
      },
    );
    over.catch(reject);
  });
}

const named = (name: string) => test.store.captures.findByName(name, ada)[0];

describe('a replay', () => {
  it('is planned, begun, played and kept, and its events tell that', async () => {
    const events: string[] = [];
    const replay = await run(replayRequest(staging), {
      show: ({ type }) => {
        events.push(type);
      },
    });
    expect(events).toEqual(['planning', 'planned', 'started', 'played']);
    expect(replay.capture).toMatchObject({
      name: 'friday on staging',
      environmentName: 'staging',
      ownerName: 'ada',
      type: 'REPLAY',
      status: 'DONE',
      reason: null,
      recordsStatements: false,
      records: null,
    });
    expect(replay.capture.start).not.toBeNull();
    expect(replay.capture.end).toBeGreaterThanOrEqual(replay.capture.start ?? Infinity);
    expect(replay.stored).toMatchObject({
      source: {
        captureName: 'friday',
        environmentName: 'shop',
        server: { flavor: 'MariaDB', version: '10.11.14' },
      },
      target: { flavor: 'MariaDB', version: '11.8.3', hostname: 'db2', port: 3306 },
      plan: PLAN,
      progress: { records: 3, sent: 2, skipped: 1, failed: 0, open: 0 },
      host: 'here',
      pid: 4711,
    });
    expect(replay.result).toEqual(RESULT);
    expect(await api.replays.get(ada, 'friday on staging')).toEqual(replay);
    expect(bench.open).toBe(0);
  });

  it('has the counters of its target from its beginning to its end', async () => {
    const controller = new AbortController();
    bench.player.part = ENDLESS;
    const began = clock.now();
    const { capture } = await run(replayRequest(staging), {
      signal: controller.signal,
      show: ({ type }) => {
        if (type === 'started') void clock.sleep(12_000).then(() => controller.abort());
      },
    });
    const { id, start, end } = capture;
    const samples = test.store.metrics.samplesOf(id).map(({ at }) => at);
    expect(samples.length).toBeGreaterThanOrEqual(4);
    expect(samples[0]).toBe(start);
    expect(samples.at(-1)).toBe(end);
    expect(start).toBeGreaterThanOrEqual(began);
  });

  it('is named after the capture and the environment, numbered where that is taken', async () => {
    const names = [];
    for (let n = 0; n < 3; n += 1) names.push((await run()).capture.name);
    names.push((await run(replayRequest(staging, {}, { name: 'upgrade' }))).capture.name);
    expect(names).toEqual([
      'friday on staging',
      'friday on staging 2',
      'friday on staging 3',
      'upgrade',
    ]);
    expect(await refusal(() => run(replayRequest(staging, {}, { name: 'Upgrade' })))).toMatchObject(
      {
        code: 'invalid',
        message: 'Capture with the same name already exists in this environment',
      },
    );
  });

  it.each([
    ['f'.repeat(64), 's'.repeat(64)],
    ['f'.repeat(64), 'prod'],
    ['👩‍💻'.repeat(60), 's'.repeat(64)],
    [`${'f '.repeat(31)}f`, 's'.repeat(40)],
  ])('has a name that is none too long: %s', async (capture, environment) => {
    await bench.recorded(ada, capture);
    const place = test.environment({ admin: [ada] }, { name: environment, server: SERVER });
    for (const number of ['', ' 2']) {
      const running = api.replays.run(ada, `shop/${capture}`, replayRequest(place), never);
      const { capture: made } = await resultOf(running);
      expect(made.name.endsWith(number)).toBe(true);
      expect(made.name).toContain(' on ');
    }
  });

  it('says how far it is, each second, and that it is still played', async () => {
    const controller = new AbortController();
    bench.player.part = ENDLESS;
    const running = await begun(controller.signal);
    await clock.advance(5_000);
    const { id } = named('friday on staging') ?? { id: 0 };
    const { stored, result } = await api.replays.get(ada, String(id));
    expect(stored.progress).toEqual(PROGRESS);
    expect(result).toBeNull();
    expect(clock.now() - stored.heardAt).toBeLessThanOrEqual(1_000);
    controller.abort();
    await clock.advance(1_000);
    await running.over;
  });

  it('says in the audit trail what was replayed where', async () => {
    await run(replayRequest(staging, { writes: true }, { approvesWrites: true }));
    const entries = test.store.audit.list({
      environmentIds: [staging.id],
      ownOf: null,
      everythingElse: false,
      subject: null,
      since: null,
      limit: null,
    });
    expect(entries.map(({ action, author }) => `${author.userName}: ${action}`)).toEqual([
      'captures: capture.status',
      'ada: replay.run',
      'captures: capture.status',
    ]);
    expect(entries[1]?.details).toEqual({ source: 'shop/friday', writes: true });
  });
});

describe('a replay that is not played to its end', () => {
  /** Ends an endless one, once it is played, by `end`. */
  async function ended(end: (replay: string) => unknown): Promise<Replay> {
    bench.player.part = ENDLESS;
    return run(replayRequest(staging), {
      show: (event) => {
        if (event.type === 'played') void end('friday on staging');
      },
    });
  }

  it('is DONE when it was interrupted, with a result, and says so', async () => {
    const controller = new AbortController();
    bench.player.part = ENDLESS;
    const replay = await run(replayRequest(staging), {
      signal: controller.signal,
      show: ({ type }) => {
        if (type === 'played') controller.abort();
      },
    });
    expect(replay.capture).toMatchObject({ status: 'DONE', reason: 'interrupted' });
    expect(replay.result).toMatchObject({
      sent: 1,
      skipped: { writes: 1, interrupted: 1 },
      ended: { why: 'interrupted' },
    });
    expect(bench.open).toBe(0);
  });

  it('is DONE when it was stopped, and says who did, and why', async () => {
    const stops: Promise<unknown>[] = [];
    const { capture, result } = await ended((name) => {
      const how = { reason: 'enough', waits: true };
      stops.push(resultOf(api.captures.stop(ada, name, how, never)));
    });
    expect(capture).toMatchObject({ status: 'DONE', reason: 'stopped by ada: enough' });
    expect(result?.ended.why).toBe('interrupted');
    const [stopped] = await whileTimeGoesOn(Promise.all(stops));
    expect(stopped).toMatchObject({ id: capture.id, status: 'DONE' });
  });

  it('is stopped by who deletes it, and nothing is left', async () => {
    const deletions: Promise<ListedCapture>[] = [];
    const how = { reason: null, keepsWorkload: false };
    const replay = ended((name) => {
      deletions.push(resultOf(api.captures.delete(ada, name, how, never)));
    });
    // Who replayed it has its result, or hears that it is gone: whoever was faster.
    await Promise.allSettled([replay]);
    const [deleted] = await whileTimeGoesOn(Promise.all(deletions));
    expect(named('friday on staging')).toBeUndefined();
    expect(test.store.replays.find(deleted?.id ?? 0)).toBeNull();
    const folder = (await bench.outside.workloads()).folderOf(deleted?.id ?? 0);
    expect(existsSync(folder)).toBe(false);
  });

  it('ends when who runs it is no member any more', async () => {
    const { capture } = await ended(() => test.store.members.delete(staging.id, ada.userId));
    expect(capture).toMatchObject({ status: 'DONE', reason: 'Capture not found' });
  });

  it('is FAILED when its target was lost, and what was done until then is kept', async () => {
    const lost = { ...RESULT, ended: { why: 'target_lost', message: 'db2 is gone' } } as const;
    bench.player.part = async function* () {
      await Promise.resolve();
      yield { type: 'played', progress: PROGRESS, of: 3 } as const;
      return lost;
    };
    const { capture, result } = await run();
    expect(capture).toMatchObject({ status: 'FAILED', reason: 'db2 is gone' });
    expect(result).toEqual(lost);
    expect((await api.replays.get(ada, String(capture.id))).result).toEqual(lost);
  });

  it('is given to who runs it also where its result cannot be stored, and that is said', async () => {
    const { capture, result, unkept } = await run(replayRequest(staging), {
      show: (event) => {
        // As a full disk: its folder cannot be made.
        if (event.type !== 'started') return;
        const folder = workloadFolder(test.store, event.capture.id);
        mkdirSync(dirname(folder), { recursive: true });
        writeFileSync(folder, '');
      },
    });
    expect(result).toEqual(RESULT);
    expect(unkept).toContain('Cannot write');
    expect(capture).toMatchObject({ status: 'FAILED', reason: unkept });
    expect(named('friday on staging')).toMatchObject({ status: 'FAILED', reason: unkept });
  });

  it('is FAILED when its player fails, and that is thrown', async () => {
    bench.player.part = async function* () {
      yield { type: 'played', progress: PROGRESS, of: 3 } as const;
      await Promise.resolve();
      throw new AppError('store_unusable', 'The record is damaged');
    };
    expect((await refusal(run)).message).toBe('The record is damaged');
    expect(named('friday on staging')).toMatchObject({
      status: 'FAILED',
      reason: 'The record is damaged',
    });
    expect(bench.open).toBe(0);
  });

  it('is settled when nobody takes its events any more', async () => {
    bench.player.part = ENDLESS;
    const running = api.replays.run(ada, 'friday', replayRequest(staging), never);
    for await (const { type } of { [Symbol.asyncIterator]: () => running }) {
      if (type === 'started') break;
    }
    const returned = running.return(undefined as never);
    await clock.advance(1_000);
    await returned;
    expect(named('friday on staging')).toMatchObject({ status: 'DONE', reason: 'interrupted' });
    expect(bench.open).toBe(0);
  });

  it('stores nothing when it is interrupted before anything is sent', async () => {
    const controller = new AbortController();
    const running = run(replayRequest(staging), {
      signal: controller.signal,
      show: ({ type }) => {
        if (type === 'planning') controller.abort(new Error('Ctrl-C'));
      },
    });
    await expect(running).rejects.toThrow('Ctrl-C');
    expect(named('friday on staging')).toBeUndefined();
    expect(bench.open).toBe(0);
  });

  it('is FAILED by whoever looks next when its process was killed', async () => {
    const { id } = test.store.captures.insert(
      {
        name: 'lost',
        environmentId: staging.id,
        ownerId: ada.userId,
        type: 'REPLAY',
        status: 'RUNNING',
        start: clock.now(),
        scheduledStart: null,
        scheduledEnd: null,
        end: null,
        duration: null,
        reason: null,
        recordsStatements: false,
      },
      clock.now(),
    );
    const source = {
      captureId: 1,
      captureName: 'friday',
      environmentName: 'shop',
      server: null,
    };
    const { options } = replayRequest(staging);
    const heardAt = clock.now();
    test.store.replays.insert({ captureId: id, source, options, host: 'there', pid: 99, heardAt });
    const status = async (): Promise<string> => (await api.captures.get(ada, 'lost')).status;
    await clock.advance(REPLAY_SILENCE_MS);
    expect(await status()).toBe('RUNNING');
    await clock.advance(1);
    expect(await status()).toBe('FAILED');
    const { capture, result } = await api.replays.get(ada, 'lost');
    expect(capture).toMatchObject({
      end: heardAt,
      reason: 'The process that replayed it (pid 99 on there) ended without a word',
    });
    expect(result).toBeNull();
  });
});

describe('a target that has to be meant', () => {
  const hint = (environment: string, why: string) => ({ code: 'confirm_target', environment, why });

  it('is the server that the record is from, by its environment and by what it calls itself', async () => {
    bench.target = RECORDED_SERVER;
    const shop = test.store.environments.findByName('shop');
    if (shop === null) throw new Error('The bench makes it');
    expect(await refusal(() => run(replayRequest(shop)))).toMatchObject({
      code: 'conflict',
      message: '"shop" (127.0.0.1:3306) is the server that "friday" was recorded on',
      hint: hint('shop', 'source'),
    });
    expect((await refusal(run)).hint).toEqual(hint('staging', 'source'));
    bench.target = OTHER_SERVER;
    expect((await refusal(() => run(replayRequest(shop)))).hint).toEqual(hint('shop', 'source'));
  });

  it('is one that another capture recorded, also when that is deleted', async () => {
    const other = test.environment({ admin: [ada] }, { name: 'other', server: SERVER });
    const { id } = test.capture(ada, other);
    test.store.recordings.begin(id, tapOf(other));
    const { hostname, port, uuid, flavor, version } = OTHER_SERVER;
    const facts = { server: { hostname, port, uuid, flavor, version } };
    test.store.recordings.open(id, 1, JSON.stringify(facts));
    test.store.recordings.detach(id);
    for (const { id: tap } of test.store.taps.list()) test.store.taps.delete(tap);
    test.store.captures.delete(id, ['STARTED']);
    expect(await refusal(run)).toMatchObject({
      code: 'conflict',
      hint: hint('staging', 'recorded'),
    });
    bench.target = { ...OTHER_SERVER, hostname: 'db3' };
    expect((await refusal(() => run(replayRequest(other)))).hint).toEqual(
      hint('other', 'recorded'),
    );
    expect((await run()).capture.status).toBe('DONE');
  });

  it('is one that is being recorded', async () => {
    tapOf(staging);
    expect((await refusal(run)).hint).toEqual(hint('staging', 'recorded'));
  });

  it('is any where the replay writes, which may also be approved otherwise', async () => {
    const writes = { writes: true };
    expect(await refusal(() => run(replayRequest(staging, writes)))).toMatchObject({
      code: 'conflict',
      message: 'A replay with writes changes the data on "staging" (127.0.0.1:3306)',
      hint: hint('staging', 'writes'),
    });
    const approved = replayRequest(staging, writes, { approvesWrites: true });
    expect((await run(approved)).capture.status).toBe('DONE');
    const confirmed = replayRequest(staging, writes, { confirmed: 'staging' });
    expect((await run(confirmed)).capture.status).toBe('DONE');
    bench.target = RECORDED_SERVER;
    expect((await refusal(() => run(approved))).hint).toEqual(hint('staging', 'source'));
  });

  it('is taken when its name is given, exactly', async () => {
    bench.target = RECORDED_SERVER;
    const confirmed = (name: string): ReplayRequest =>
      replayRequest(staging, {}, { confirmed: name });
    for (const wrong of ['Staging', 'staging ', '', 'friday', String(staging.id)]) {
      expect((await refusal(() => run(confirmed(wrong)))).hint).toEqual(hint('staging', 'source'));
    }
    expect((await run(confirmed('staging'))).capture.status).toBe('DONE');
    expect(bench.open).toBe(0);
  });

  it('is not asked for by who plans, who hears of it', async () => {
    bench.target = RECORDED_SERVER;
    const request = replayRequest(staging, { writes: true });
    const planned = await resultOf(api.replays.plan(ada, 'friday', request, never));
    expect(planned).toEqual({
      plan: PLAN,
      source: {
        captureId: expect.any(Number) as number,
        captureName: 'friday',
        environmentName: 'shop',
        server: { flavor: 'MariaDB', version: '10.11.14' },
      },
      target: {
        environment: 'staging',
        place: '127.0.0.1:3306',
        server: { flavor: 'MariaDB', version: '10.11.14', hostname: 'db1', port: 3306 },
        isSource: true,
        isRecorded: true,
      },
    });
    expect(test.captures.list(ada, { ...ALL_CAPTURES, type: 'REPLAY' })).toEqual([]);
    expect(bench.open).toBe(0);
  });

  function tapOf(environment: Environment): number {
    const settings = { generalLog: false };
    const tap = { serverKey: 'k', nonce: 'n', environmentId: environment.id, settings };
    return test.store.taps.insert(tap, 0).id;
  }
});

describe('before anything is stored or sent, refused is', () => {
  it.each<[string, Partial<ReplayRequest['options']>, RegExp]>([
    ['a speed of nothing', { speed: 0 }, /^A speed is a number from 0.001 to 1000$/],
    ['a negative speed', { speed: -1 }, /^A speed/],
    ['a speed beyond all bounds', { speed: 1_001 }, /^A speed/],
    ['a speed that is no number', { speed: NaN }, /^A speed/],
    ['no session', { sessions: 0 }, /^Sessions at once are a number from 1/],
    ['half a session', { sessions: 1.5 }, /^Sessions at once/],
    ['a deadline of an instant', { deadline: 999 }, /^A deadline is 1 s at least/],
    ['one at a time at a speed', { serial: true, speed: 1 }, /^One statement at a time goes/],
    [
      'a database that is mapped twice',
      {
        databases: [
          { recorded: 'shop', target: 'a' },
          { recorded: 'shop', target: 'b' },
        ],
      },
      /^The database "shop" is mapped twice$/,
    ],
    ['a database without a name', { databases: [{ recorded: 'a', target: '' }] }, /^A database/],
    [
      'a user that is mapped twice',
      {
        users: [
          { recorded: '*', user: 'a', passwordFrom: null },
          { recorded: '*', user: 'b', passwordFrom: null },
        ],
      },
      /^The user "\*" is mapped twice$/,
    ],
    [
      'a password in place of a reference to one',
      { users: [{ recorded: 'a', user: 'b', passwordFrom: 'secret' }] },
      /^The password reference cannot be read$/,
    ],
    [
      'a time outside of the window',
      {
        search: {
          ...replayRequest({ name: '' } as Environment).options.search,
          since: Date.parse('2027-01-01'),
        },
      },
      /^The capture has nothing/,
    ],
  ])('%s', async (_what, options, message) => {
    const refused = await refusal(() => run(replayRequest(staging, options)));
    expect(refused.code).toBe('invalid');
    expect(refused.message).toMatch(message);
    expect(test.captures.list(ada, { ...ALL_CAPTURES, type: 'REPLAY' })).toEqual([]);
  });

  it('a target of which there are metrics alone', async () => {
    const metrics = test.environment({ admin: [ada] }, { name: 'metrics' });
    expect(await refusal(() => run(replayRequest(metrics)))).toMatchObject({
      code: 'invalid',
      message: 'The environment "metrics" has no server to replay to: it is metrics-only',
    });
  });

  it('a capture that goes on, that recorded nothing, and a replay', async () => {
    const { capture } = await run();
    const running = test.capture(
      ada,
      test.environment({ admin: [ada] }, { name: 'two', server: SERVER }),
      { name: 'running' },
    );
    const metrics = test.capture(ada, test.environment({ admin: [ada] }), { name: 'metrics' });
    const of = (ref: number): Promise<Failure> =>
      refusal(() => resultOf(api.replays.run(ada, String(ref), replayRequest(staging), never)));
    expect(await of(running.id)).toMatchObject({
      code: 'conflict',
      message: 'The capture "running" is STARTED',
      hint: { code: 'replay_when_over' },
    });
    expect(await of(metrics.id)).toMatchObject({
      code: 'not_found',
      message: 'The capture "metrics" has no workload',
    });
    expect(await of(capture.id)).toMatchObject({
      code: 'invalid',
      message: '"friday on staging" is a replay: it has no record of its own',
      hint: { code: 'replay_source', capture: { environmentName: 'shop', name: 'friday' } },
    });
  });

  it('a stranger, who learns nothing, and a member who wants to write', async () => {
    const oscar = test.user('oscar');
    const mia = test.user('mia');
    const shop = test.store.environments.findByName('shop');
    test.store.members.insert(staging.id, mia.userId, 'member');
    const as = (actor: Actor, options = {}): Promise<Failure> => {
      const request = replayRequest(staging, options, { approvesWrites: true });
      return refusal(() => run(request, { actor }));
    };
    expect(await as(oscar)).toMatchObject({ code: 'not_found', message: 'Capture not found' });
    expect(await as(mia)).toMatchObject({ code: 'not_found', message: 'Capture not found' });
    test.store.members.insert(shop?.id ?? 0, mia.userId, 'member');
    expect(await as(mia, { writes: true })).toMatchObject({
      code: 'forbidden',
      message: 'Only an admin of the environment "staging" (ada) may do this',
    });
    expect((await run(replayRequest(staging), { actor: mia })).capture.ownerName).toBe('mia');
    test.store.members.delete(staging.id, mia.userId);
    expect(await as(mia)).toMatchObject({
      code: 'not_found',
      message: 'Environment does not exist',
    });
  });

  it('a token that only reads, which may plan', async () => {
    const reader = { ...ada, scope: { isReadOnly: true, environmentIds: null } };
    expect(await refusal(() => run(replayRequest(staging), { actor: reader }))).toMatchObject({
      code: 'forbidden',
    });
    const planning = api.replays.plan(reader, 'friday', replayRequest(staging), never);
    expect((await resultOf(planning)).plan).toEqual(PLAN);
  });
});

describe('what is said of a replay elsewhere', () => {
  const NO_RECORD = '"friday on staging" is a replay: it has no record of its own';

  it('is that it has no record: workload, verify, export and report', async () => {
    await run();
    const ref = 'friday on staging';
    const request = {
      by: 'digest',
      sort: null,
      limit: null,
      since: null,
      until: null,
      digest: null,
    };
    const attempts: (() => Promise<unknown>)[] = [
      () => api.workloads.read(ada, ref).next(),
      () => resultOf(api.verification.verify(ada, ref, null)),
      () => api.transfers.exportable(ada, ref, null),
      () => resultOf(api.reports.report(ada, ref, request as never)),
    ];
    for (const attempt of attempts) {
      expect(await refusal(attempt)).toMatchObject({
        code: 'not_found',
        message: NO_RECORD,
        hint: { code: 'see_replay', capture: { environmentName: 'staging', name: ref } },
      });
    }
  });

  it('is its row in lists, alone or with captures, in every order', async () => {
    await run();
    await run();
    for (const order of ['created', 'name', 'start', 'end'] as const) {
      const names = (type: 'CAPTURE' | 'REPLAY' | null): string[] =>
        test.captures
          .list(ada, { ...ALL_CAPTURES, type, order, descending: false, limit: 10 })
          .map(({ name }) => name);
      expect(names('REPLAY')).toEqual(['friday on staging', 'friday on staging 2']);
      expect(names('CAPTURE')).toEqual(['friday']);
      expect(names(null)).toHaveLength(3);
    }
  });

  it('is no work for a daemon, and no capture of an environment that is open', async () => {
    bench.player.part = ENDLESS;
    const controller = new AbortController();
    const running = await begun(controller.signal);
    expect(named('friday on staging')?.status).toBe('RUNNING');
    expect(test.captures.listActive()).toEqual([]);
    expect(test.store.captures.listByStatus(['RUNNING', 'STOPPING'])).toEqual([]);
    controller.abort();
    await clock.advance(1_000);
    await running.over;
  });

  it('is a name that can be changed, but no times', async () => {
    await run();
    const edit = { name: 'upgrade', scheduledStart: null, duration: null };
    await resultOf(api.captures.edit(ada, 'friday on staging', edit));
    expect((await api.replays.get(ada, 'upgrade')).capture.status).toBe('DONE');
    const later = { ...edit, name: null, duration: 60_000 };
    expect(await refusal(() => resultOf(api.captures.edit(ada, 'upgrade', later)))).toMatchObject({
      code: 'invalid',
      message: 'A replay has no times to change: it ends with its record',
    });
  });

  it('is nothing when it is deleted, or pruned: its result goes, too', async () => {
    const replays = [(await run()).capture, (await run()).capture];
    const workloads = await bench.outside.workloads();
    expect(replays.every(({ id }) => existsSync(workloads.folderOf(id)))).toBe(true);
    const [first, second] = replays;
    const how = { reason: null, keepsWorkload: false };
    await resultOf(api.captures.delete(ada, String(first?.id), how, never));
    await api.captures.prune(ada, [second?.id ?? 0], 'old', never);
    expect(replays.some(({ id }) => existsSync(workloads.folderOf(id)))).toBe(false);
    expect(replays.map(({ id }) => test.store.replays.find(id))).toEqual([null, null]);
  });

  it('is that a capture is none', async () => {
    expect(await refusal(() => api.replays.get(ada, 'friday'))).toMatchObject({
      code: 'invalid',
      message: '"friday" is a capture, not a replay',
    });
  });
});
