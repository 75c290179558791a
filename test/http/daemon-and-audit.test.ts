import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApi } from '../../src/core/api.ts';
import { AppError } from '../../src/core/errors.ts';
import { resultOf } from '../../src/core/progress.ts';
import type { AuthenticatedActor } from '../../src/core/users/user-service.ts';
import type { RemoteApi } from '../../src/http/client/remote-api.ts';
import { serveStore, type TestServer } from '../support/api-server.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { FakeSource, inspectionOf } from '../support/server-inspection.ts';
import { outsideOf, SERVER, TestStore } from '../support/stores.ts';

const test = new TestStore(new ManualClock());
const { store, clock } = test;
const orphans = [{ captureId: 9, folder: '/captures/9', bytes: 1_024 }];
const outside = {
  servers: () => Promise.resolve(new FakeSource(inspectionOf({ clockAheadMs: 5_000 }))),
  workloads: () => Promise.resolve({ findOrphans: () => Promise.resolve(orphans) } as never),
  metricSources: () => Promise.reject(new AppError('remote_failed', 'No metrics', { hint: 'x' })),
};
const local = createApi({ ...outsideOf(store, clock), ...outside });
let server: TestServer;
let remote: RemoteApi;
let ada: AuthenticatedActor;
let eve: AuthenticatedActor;
let remoteOfEve: RemoteApi;

beforeAll(async () => {
  server = await serveStore(store, clock, outside);
  const loggedIn = async (name: string): Promise<[RemoteApi, AuthenticatedActor]> => {
    const { secret } = await local.users.createToken(test.user(name), 'script');
    const client = server.client();
    return [client, await client.users.authenticate(secret)];
  };
  [remote, ada] = await loggedIn('ada');
  [remoteOfEve, eve] = await loggedIn('eve');
  const shop = test.environment(
    { admin: [ada] },
    { name: 'shop', server: SERVER, instance: 'shop-1', region: 'eu-central-1' },
  );
  test.environment({ admin: [eve] }, { name: "eve's", server: SERVER });
  const { id } = test.capture(ada, shop, { name: 'friday' });
  for (const [from, to] of [
    ['STARTED', 'STARTING'],
    ['STARTING', 'RUNNING'],
  ] as const) {
    store.captures.move(id, from, to, to === 'RUNNING' ? { start: clock.now() } : {});
  }
  const tap = store.taps.insert(
    {
      serverKey: 'key',
      nonce: 'nonce',
      environmentId: shop.id,
      settings: { generalLog: false, logOutput: 'FILE', slowLog: false, tableEngine: 'CSV' },
    },
    clock.now(),
  );
  store.recordings.begin(id, tap.id);
  store.taps.saveTrouble(tap.id, { since: clock.now(), reason: 'it does not answer' });
  const scheduledStart = clock.now() + 3_600_000;
  test.capture(ada, shop, { name: 'later', status: 'SCHEDULED', scheduledStart });
});
afterAll(() => server.close());

describe('the daemon over HTTP', () => {
  it('says what it says in the same process, of the environments of who asks', async () => {
    for (const isAlive of [false, true]) {
      if (isAlive) {
        const lease = { holder: 'daemon', host: 'db', pid: 7, background: true };
        store.lease.claim(lease, clock.now(), 3_000);
      }
      const { daemon } = remote;
      expect(await daemon.status()).toEqual(await local.daemon.status());
      expect(await daemon.unattended()).toEqual(await local.daemon.unattended());
      expect(await daemon.neglected(ada)).toEqual(await local.daemon.neglected(ada));
      expect(await daemon.neglected(ada)).toMatchObject({
        servers: [{ environmentName: 'shop', trouble: { reason: 'it does not answer' } }],
        hasDaemon: isAlive,
      });
    }
    expect(await remote.daemon.status()).toMatchObject({
      holder: { host: 'db', pid: 7, background: true, since: clock.now() },
      recording: [{ name: 'friday', status: 'RUNNING' }],
      nextStarts: [{ name: 'later', at: clock.now() + 3_600_000 }],
    });
  });

  it('tells nothing of the environments of others, and nobody who is not logged in', async () => {
    expect(await remoteOfEve.daemon.status()).toMatchObject({
      holder: { host: 'db' },
      recording: [],
      warmUps: [],
      nextStarts: [],
    });
    expect(await remoteOfEve.daemon.unattended()).toEqual({ captures: 0, hasServers: false });
    expect(await remoteOfEve.daemon.neglected(eve)).toMatchObject({ servers: [] });
    const stranger = server.client().daemon;
    expect(await stranger.unattended()).toEqual({ captures: 0, hasServers: false });
    await expect(stranger.status()).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  it('is answered as the command line prints it', async () => {
    const { secret } = await local.users.createToken(ada, 'curl');
    const headers = { authorization: `Bearer ${secret}` };
    const answer = await fetch(`${server.url}/api/daemon`, { headers });
    expect(await answer.json()).toMatchObject({
      alive: true,
      host: 'db',
      since: new Date(clock.now()).toISOString(),
      recording: [{ name: 'friday', environment: 'shop', lag: null }],
    });
  });
});

describe('a diagnosis over HTTP', () => {
  it('finds what it finds in the same process', async () => {
    const here = await local.diagnosis.ofEnvironments(ada);
    expect(here.map(({ fact }) => fact.is)).toEqual([
      'server_neglected',
      'server_ready',
      'clock_apart',
      'failure',
    ]);
    expect(JSON.stringify(await remote.diagnosis.ofEnvironments(ada))).toBe(JSON.stringify(here));
  });

  it('of the store is for its administrators', async () => {
    expect(await remote.diagnosis.ofStore()).toEqual([]);
    const root = store.users.insert({ name: 'root', isAdmin: true, passwordHash: 'none' }, 0);
    const { secret } = await local.users.createToken(
      { ...test.user('x'), userId: root.id, isStoreAdmin: true },
      'script',
    );
    const client = server.client();
    await client.users.authenticate(secret);
    const here = await local.diagnosis.ofStore();
    expect(here.map(({ fact }) => fact.is)).toEqual(['orphaned_workloads', 'daemon_alive']);
    expect(await client.diagnosis.ofStore()).toEqual(here);
  });
});

describe('the audit trail over HTTP', () => {
  it.each([
    { environment: null, capture: null, since: null, limit: null },
    { environment: 'shop', capture: null, since: null, limit: 2 },
    { environment: null, capture: 'friday', since: clock.now() - 1, limit: null },
    { environment: null, capture: null, since: clock.now() + 1, limit: null },
    { environment: "eve's", capture: null, since: null, limit: null },
    { environment: null, capture: '99', since: null, limit: null },
  ])('is that of the same process: %o', async (request) => {
    const failure = ({ code, message, hint }: AppError): object => ({ code, message, hint });
    const here = await local.audit.list(ada, request).catch(failure);
    expect(await remote.audit.list(ada, request).catch(failure)).toEqual(here);
  });
});

describe('recovery', () => {
  it('is for the machine of the server, and says so', async () => {
    const { recovery } = remote;
    const request = { environment: null, saveTo: null, discard: false, force: false };
    const { signal } = new AbortController();
    for (const asked of [
      resultOf(recovery.check(ada, request, signal)),
      resultOf(recovery.restore(ada, { targets: [] }, signal)),
      recovery.checkForgetting(ada, 'shop', signal),
      recovery.forget(ada, 'shop'),
    ]) {
      await expect(asked).rejects.toMatchObject({ code: 'invalid' });
    }
  });
});
