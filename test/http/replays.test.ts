import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Actor } from '../../src/core/access.ts';
import type { Confinement } from '../../src/core/environments/confinement.ts';
import type { Environment } from '../../src/core/environments/environment.ts';
import { AppError, type Failure } from '../../src/core/errors.ts';
import { resultOf } from '../../src/core/progress.ts';
import type { ReplayEvent } from '../../src/core/replays/replay.ts';
import { UserService } from '../../src/core/users/user-service.ts';
import type { RemoteApi } from '../../src/http/client/remote-api.ts';
import { HeavyQueue } from '../../src/http/server/heavy-queue.ts';
import { Refusal } from '../../src/http/server/refusal.ts';
import { serveStore, type TestServer } from '../support/api-server.ts';
import { ENDLESS, ReplayBench, replayRequest, RESULT } from '../support/replay-bench.ts';
import { systemClock } from '../../src/core/clock.ts';
import { eventually } from '../support/processes.ts';
import { SERVER, TestStore } from '../support/stores.ts';

let test: TestStore;
let bench: ReplayBench;
let server: TestServer;
let remote: RemoteApi;
let secret: string;
let ada: Actor;
let staging: Environment;
const never = new AbortController().signal;

/** Allows whatever lies below /allowed. */
const CONFINED: Confinement = {
  check: () => undefined,
  allowsPassword: ({ passwordFrom }) => passwordFrom?.startsWith('file:/allowed/') === true,
  namesOf: (path) => [path],
};

beforeEach(async () => {
  test = new TestStore(systemClock);
  bench = new ReplayBench(test);
  ada = test.user('ada', true);
  staging = test.environment({ admin: [ada] }, { name: 'staging', server: SERVER });
  await bench.recorded(ada);
  const { replayPlayer, replayTargets, workloads } = bench.outside;
  const confinement = (): Promise<Confinement> => Promise.resolve(CONFINED);
  const outside = { replayPlayer, replayTargets, workloads, confinement };
  server = await serveStore(test.store, systemClock, outside);
  remote = server.client();
  secret = (await new UserService(test.store, systemClock).createToken(ada, 'script')).secret;
  await remote.users.authenticate(secret);
});
afterEach(() => server.close());

async function refusal(work: () => Promise<unknown>): Promise<Failure> {
  try {
    await work();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('It was not refused');
}

const named = (name: string) => test.store.captures.findByName(name, ada)[0];

describe('a replay over HTTP', () => {
  it('is planned and run as in the same process, with the same events, and read as there', async () => {
    const request = replayRequest(
      staging,
      {
        speed: null,
        sessions: 4,
        databases: [{ recorded: 'shop', target: 'shop2' }],
        users: [{ recorded: '*', user: 'replay', passwordFrom: null }],
        deadline: 1_500,
        search: { ...replayRequest(staging).options.search, users: ['app'], sessions: [7] },
      },
      { name: 'upgrade', confirmed: 'staging' },
    );
    const plan = await resultOf(remote.replays.plan(ada, 'friday', request, never));
    expect(plan).toEqual(await resultOf(server.local.replays.plan(ada, 'friday', request, never)));
    const events: ReplayEvent[] = [];
    const replay = await resultOf(
      remote.replays.run(ada, 'friday', request, never),
      (event) => void events.push(event),
    );
    expect(events.map(({ type }) => type)).toEqual(['planning', 'planned', 'started', 'played']);
    expect(replay.stored.options).toEqual(request.options);
    expect(replay.result).toEqual(RESULT);
    expect(replay).toEqual(await server.local.replays.get(ada, 'upgrade'));
    expect(await remote.replays.get(ada, 'staging/upgrade')).toEqual(replay);
  });

  it('is asked for by any program with a capture and an environment, and answered with the result', async () => {
    const asked = (path: string, body?: object): Promise<Response> =>
      fetch(`${server.url}${path}`, {
        method: body === undefined ? 'GET' : 'POST',
        headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    const response = await asked('/api/replays', { capture: 'friday', environment: 'staging' });
    const replay = (await response.json()) as Record<string, unknown>;
    expect(response.status).toBe(200);
    expect(replay).toMatchObject({
      name: 'friday on staging',
      type: 'REPLAY',
      status: 'DONE',
      format: 'captures-replay',
      formatVersion: 1,
      replay: {
        source: { captureName: 'friday' },
        options: { speed: 1, writes: false, deadline: 60, search: { since: null } },
      },
      result: { sent: 2, skipped: { writes: 1 } },
    });
    const again = await asked(`/api/captures/${String(replay['id'])}/replay`);
    expect(await again.json()).toEqual(replay);
    const listed = await asked('/api/captures?type=REPLAY');
    expect(await listed.json()).toMatchObject([{ name: 'friday on staging', type: 'REPLAY' }]);
    const options = { serial: true };
    const serial = await asked('/api/replays', {
      capture: 'friday',
      environment: 'staging',
      options,
    });
    expect(await serial.json()).toMatchObject({ replay: { options: { speed: null } } });
    const refused = await asked('/api/replays', { capture: 'friday', environment: 'shop' });
    expect(refused.status).toBe(409);
    for (const wrong of [{}, { capture: 'friday' }, { capture: 7, environment: 'staging' }]) {
      expect((await asked('/api/replays', wrong)).status).toBe(400);
    }
  });

  it('ends when its client goes, and is settled', async () => {
    bench.player.part = ENDLESS;
    const controller = new AbortController();
    const running = resultOf(
      remote.replays.run(ada, 'friday', replayRequest(staging), controller.signal),
      ({ type }) => {
        if (type === 'played') controller.abort(new Error('Ctrl-C'));
      },
    );
    await expect(running).rejects.toThrow('Ctrl-C');
    await eventually('its end', () => named('friday on staging')?.status === 'DONE');
    await eventually('the end of its connections', () => bench.open === 0);
    expect(named('friday on staging')?.reason).toBe('interrupted');
    const kept = await remote.replays.get(ada, 'friday on staging');
    expect(kept.result).toMatchObject({ sent: 1, ended: { why: 'interrupted' } });
  });

  it('is stopped by another request', async () => {
    bench.player.part = ENDLESS;
    const stops: Promise<unknown>[] = [];
    const running = resultOf(
      remote.replays.run(ada, 'friday', replayRequest(staging), never),
      ({ type }) => {
        if (type !== 'played') return;
        const how = { reason: null, waits: true };
        stops.push(resultOf(remote.captures.stop(ada, 'friday on staging', how, never)));
      },
    );
    expect((await running).capture).toMatchObject({ status: 'DONE', reason: 'stopped by ada' });
    await Promise.all(stops);
  });

  it('says which name has to be given', async () => {
    const shop = test.store.environments.findByName('shop') as Environment;
    const running = (): Promise<unknown> =>
      resultOf(remote.replays.run(ada, 'friday', replayRequest(shop), never));
    expect(await refusal(running)).toMatchObject({
      code: 'conflict',
      hint: { code: 'confirm_target', environment: 'shop', why: 'source' },
    });
  });
});

describe('passwords of users that a replay logs in as', () => {
  const asUser = (passwordFrom: string, api: RemoteApi = remote): Promise<unknown> => {
    const users = [{ recorded: '*', user: 'replay', passwordFrom }];
    return resultOf(api.replays.run(ada, 'friday', replayRequest(staging, { users }), never));
  };
  const REFUSED = 'The server does not allow this password reference';

  it('are named by administrators of the store, where the server allows it, again and again', async () => {
    await asUser('file:/allowed/replay');
    await asUser('file:/allowed/replay');
    expect((await refusal(() => asUser('file:/etc/passwd'))).message).toBe(REFUSED);
  });

  it('are not named by anybody else', async () => {
    const mia = test.user('mia');
    for (const name of ['shop', 'staging']) {
      const { id } = test.store.environments.findByName(name) ?? { id: 0 };
      test.store.members.insert(id, mia.userId, 'member');
    }
    const other = server.client();
    const { secret: own } = await new UserService(test.store, systemClock).createToken(mia, 'x');
    await other.users.authenticate(own);
    expect((await refusal(() => asUser('file:/allowed/replay', other))).message).toBe(REFUSED);
  });

  it('go to no other server than the one that they were described for', async () => {
    const passwordFrom = 'file:/allowed/prod';
    await remote.environments.create(ada, {
      name: 'prod',
      server: { url: 'mysql://app@db9:3306', passwordFrom },
    });
    expect((await refusal(() => asUser(passwordFrom))).message).toBe(REFUSED);
  });

  it('are not noted by who only plans', async () => {
    const users = [{ recorded: '*', user: 'replay', passwordFrom: 'file:/allowed/other' }];
    const before = test.store.references.list().length;
    await resultOf(remote.replays.plan(ada, 'friday', replayRequest(staging, { users }), never));
    expect(test.store.references.list()).toHaveLength(before);
  });
});

it('one replay of a user runs at once, two in all, and nobody waits for them', async () => {
  const limits = { working: 2, workingOfOne: 1, running: 2, runningOfOne: 1 };
  const none = { goingOn: 0, goingOnOfOne: 0, waiting: 0, waitingOfOne: 0 };
  const queue = new HeavyQueue({ ...limits, ...none }, 'replays');
  const turn = (client: string) => queue.turn({ client, goesOn: false }, never);
  const first = await turn('ada');
  const why = async (client: string): Promise<unknown> => {
    const error: unknown = await Promise.resolve()
      .then(() => turn(client))
      .catch((thrown: unknown) => thrown);
    return error instanceof Refusal ? [error.status, error.message] : error;
  };
  expect(await why('ada')).toEqual([
    429,
    'You run as many replays at once as one user may (1): try again later',
  ]);
  const second = await turn('linus');
  expect(await why('grace')).toEqual([503, 'Too many replays: try again later']);
  first.end();
  second.setWorking(false);
  await turn('grace');
  expect(await why('ada')).toEqual([503, 'Too many replays: try again later']);
});
