import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApi } from '../../src/core/api.ts';
import { resultOf } from '../../src/core/progress.ts';
import type { AuthenticatedActor } from '../../src/core/users/user-service.ts';
import type { RemoteApi } from '../../src/http/client/remote-api.ts';
import { serveStore, type TestServer } from '../support/api-server.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { FakeSource, inspectionOf } from '../support/server-inspection.ts';
import { outsideOf, SERVER, TestStore } from '../support/stores.ts';

const test = new TestStore(new ManualClock());
const { store, clock } = test;
const logs = new FakeSource(inspectionOf());
const outside = {
  servers: () => Promise.resolve(logs),
  logSwitchCommands: () => Promise.resolve(['aws rds modify-db-parameter-group']),
  daemons: { start: () => Promise.reject(new Error('none')), isRunning: () => true },
};
const local = createApi({ ...outsideOf(store, clock), ...outside });
let server: TestServer;
let remote: RemoteApi;
let ada: AuthenticatedActor;
const bob = test.user('bob');
const signal = new AbortController().signal;

beforeAll(async () => {
  server = await serveStore(store, clock, outside);
  const { secret } = await local.users.createToken(test.user('ada', true), 'script');
  remote = server.client();
  ada = await remote.users.authenticate(secret);
});
afterAll(() => server.close());

async function failureOf(asked: Promise<unknown>): Promise<unknown> {
  try {
    await asked;
  } catch (error) {
    const { code, message, hint } = error as Record<string, unknown>;
    return { code, message, hint };
  }
  return 'none';
}

describe('environments over HTTP', () => {
  it('are created, found, changed and deleted as in the same process', async () => {
    const request = {
      name: 'shop',
      server: {
        url: 'mysql://recorder@db1:3307/shop?socket=/run/mysqld.sock',
        passwordFrom: 'env:SHOP_PASSWORD',
        sslMode: 'VERIFY_CA',
        sslCa: '/etc/ca.pem',
      },
      region: 'eu-central-1',
      instance: null,
    } as const;
    const made = await remote.environments.create(ada, request);
    expect(made).toEqual(await local.environments.get(ada, 'shop'));
    expect(made.server).toMatchObject({
      host: 'db1',
      port: 3307,
      passwordFrom: 'env:SHOP_PASSWORD',
    });
    expect(await remote.environments.list(ada)).toEqual(await local.environments.list(ada));
    expect(await remote.environments.get(ada, String(made.id), 'environment.edit')).toEqual(made);

    // What is absent stays, and null takes away.
    const edited = await remote.environments.edit(ada, 'shop', {
      name: 'shop-eu',
      region: null,
      server: { passwordFrom: null, sslMode: 'REQUIRED' },
    });
    expect(edited).toEqual({
      ...made,
      name: 'shop-eu',
      region: null,
      server: { ...made.server, passwordFrom: null, sslMode: 'REQUIRED' },
    });
    expect(edited).toEqual(await local.environments.get(ada, 'shop-eu'));
    expect(await remote.environments.edit(ada, 'shop-eu', {})).toEqual(edited);
    expect((await remote.environments.edit(ada, 'shop-eu', { server: null })).server).toBeNull();

    const last = await local.environments.get(ada, 'shop-eu');
    expect(await remote.environments.checkDeletion(ada, 'shop-eu', false)).toEqual(last);
    expect(await remote.environments.delete(ada, 'shop-eu')).toEqual(last);
    expect(await remote.environments.list(ada)).toEqual([]);
  });

  it('fail with the same words and hints', async () => {
    await remote.environments.create(ada, { name: 'cart' });
    for (const ref of ['car', '99', '', '..', '.', 'a/b', 'é ?#%00', '\u001b[31m']) {
      const asked = failureOf(remote.environments.get(ada, ref));
      expect(await asked).toEqual(await failureOf(local.environments.get(ada, ref)));
    }
    const secret = { name: 'x', server: { url: 'mysql://me:hunter2@db1/' } };
    const refused = await failureOf(remote.environments.create(ada, secret));
    expect(refused).toEqual(await failureOf(local.environments.create(ada, secret)));
    expect(refused).toMatchObject({ code: 'invalid' });
    expect(JSON.stringify(refused)).not.toContain('hunter2');
    expect(await failureOf(remote.environments.create(ada, { name: 'CART' }))).toMatchObject({
      code: 'conflict',
    });
    expect(await failureOf(remote.environments.check(ada, 'cart'))).toEqual(
      await failureOf(local.environments.check(ada, 'cart')),
    );
  });

  it('have a name that would be a step in a path', async () => {
    const made = await remote.environments.create(ada, { name: '..' });
    expect(await remote.environments.get(ada, '..')).toEqual(made);
    await remote.environments.delete(ada, '..');
  });

  it('are looked at by the server', async () => {
    const { id } = test.environment({ admin: [ada] }, { name: 'db1', server: SERVER });
    const { environment, ...found } = await local.environments.check(ada, 'db1');
    expect(await remote.environments.check(ada, 'db1')).toEqual({
      ...found,
      environment: { ...store.environments.find(id), role: undefined },
    });
    expect(environment.server).toEqual(SERVER);
    logs.inspection = inspectionOf({
      lockHolder: { connectionId: 7, user: 'other', host: 'host' },
      schema: { state: 'other-store', storeId: 'x', nonce: null },
      logSwitch: 'owner',
    });
    const { refusal, logOff } = await remote.environments.check(ada, 'db1');
    const here = await local.environments.check(ada, 'db1');
    expect(refusal).toMatchObject({ code: 'conflict', message: here.refusal?.message });
    expect(logOff).toMatchObject({ message: here.logOff?.message, hint: here.logOff?.hint });
    logs.inspection = inspectionOf();
  });
});

describe('the API of environments', () => {
  let secret: string | null = null;
  const ask = async (path: string, init: RequestInit = {}): Promise<Response> => {
    secret ??= (await local.users.createToken(ada, 'asks')).secret;
    const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' };
    return fetch(server.url + path, { ...init, headers });
  };

  it('takes and answers the fields that the command line prints', async () => {
    const body = { name: 'wire', url: 'mysql://me@db2', passwordFrom: 'file:/p', owner: 'bob' };
    const answer = await ask('/api/environments', { method: 'POST', body: JSON.stringify(body) });
    expect(await answer.json()).toEqual({
      id: store.environments.findByName('wire')?.id,
      name: 'wire',
      url: 'mysql://me@db2:3306',
      passwordFrom: 'file:/p',
      sslMode: 'PREFERRED',
      sslCa: null,
      serverPublicKey: null,
      region: null,
      instance: null,
      profile: null,
      endpointUrl: null,
      createdAt: new Date(clock.now()).toISOString(),
      server: {
        engine: 'mysql',
        user: 'me',
        host: 'db2',
        port: 3306,
        socket: null,
        database: null,
        isConfined: true,
      },
      role: 'admin',
    });
    const edit = await ask('/api/environments/wire', {
      method: 'PUT',
      body: '{"url":null,"passwordFrom":"env:X"}',
    });
    expect(await edit.json()).toMatchObject({ url: null, passwordFrom: null, server: null });
  });

  it('refuses what has the wrong type, and a password without a server', async () => {
    for (const body of ['{"name":1}', '{}', '{"name":"y","sslMode":"NONE","url":"mysql://a@b"}']) {
      expect((await ask('/api/environments', { method: 'POST', body })).status).toBe(400);
    }
    const answer = await ask('/api/environments', {
      method: 'POST',
      body: '{"name":"y","passwordFrom":"env:X"}',
    });
    expect(await answer.json()).toEqual({
      code: 400,
      message: 'The body needs a "url" for its server',
    });
  });
});

describe('members over HTTP', () => {
  it('are added, listed, changed and removed as in the same process', async () => {
    const { members } = remote;
    test.environment({ admin: [ada] }, { name: 'team' });
    const added = await members.add(ada, 'team', 'bob', 'member');
    expect(await members.list(ada, 'team')).toEqual(await local.members.list(ada, 'team'));
    expect(await members.list(ada, 'team')).toContainEqual(added);
    const failed = await failureOf(members.add(ada, 'team', 'BOB', 'admin'));
    expect(failed).toEqual(await failureOf(local.members.add(ada, 'team', 'BOB', 'admin')));
    expect(await members.set(ada, 'team', 'bob', 'admin')).toEqual({ ...added, role: 'admin' });
    expect(await members.set(ada, 'team', 'bob', 'member')).toEqual(added);
    expect(await members.remove(ada, 'team', 'bob')).toEqual(added);
    for (const name of ['bob', 'nobody', 'ada']) {
      const asked = failureOf(members.remove(ada, 'team', name));
      expect(await asked).toEqual(await failureOf(local.members.remove(ada, 'team', name)));
    }
    expect(await failureOf(local.members.list(bob, 'team'))).toMatchObject({ code: 'not_found' });
  });
});

describe('warm-ups over HTTP', () => {
  it('are begun, listed and ended, with what happens meanwhile', async () => {
    const { warmUps } = remote;
    test.environment({ admin: [ada] }, { name: 'warm', server: SERVER });
    store.lease.claim(
      { holder: 'daemon', host: 'db', pid: 1, background: false },
      clock.now(),
      3_000,
    );
    const options = { lengthMs: 3_600_000, waits: false, approved: [] as const };
    const events: unknown[] = [];
    const begun = await resultOf(warmUps.begin(ada, 'warm', options, signal), (event) => {
      events.push(event);
    });
    expect(begun).toEqual((await local.warmUps.list(ada, 'warm')).warmUps[0]);
    expect(events).toEqual([
      { type: 'requested', warmUp: begun, slowLog: expect.anything(), endsByItself: true },
    ]);
    const { environment, warmUps: listed } = await warmUps.list(ada, 'warm');
    expect({ environment, listed }).toMatchObject({
      environment: store.environments.findByName('warm'),
      listed: [begun],
    });
    expect(await warmUps.listOpen(ada)).toEqual(await local.warmUps.listOpen(ada));
    const { status } = await local.warmUps.status(ada, 'warm');
    expect((await warmUps.status(ada, 'warm')).status).toEqual(status);
    expect(status).toMatchObject({ state: 'waiting', until: clock.now() + 3_600_000 });

    const ending: unknown[] = [];
    const run = warmUps.end(ada, 'warm', { waits: false }, signal);
    await resultOf(run, (event) => {
      ending.push(event);
    });
    expect(ending).toEqual([{ type: 'ending', ended: 1, goingOn: [] }]);
    expect(await failureOf(warmUps.status(ada, 'nope'))).toMatchObject({ code: 'not_found' });
  });

  it('ask for approval of what disturbs others', async () => {
    const { values } = logs.inspection;
    const slowLog = { ...values.slowLog, output: 'FILE', longerThan: 0 };
    logs.inspection = inspectionOf({ values: { ...values, slowLog } });
    const options = { lengthMs: 3_600_000, waits: false, approved: [] as const };
    const failed = await failureOf(resultOf(remote.warmUps.begin(ada, 'warm', options, signal)));
    expect(failed).toMatchObject({ code: 'invalid', hint: { code: 'approve' } });
    expect(failed).toEqual(
      await failureOf(resultOf(local.warmUps.begin(ada, 'warm', options, signal))),
    );
    logs.inspection = inspectionOf();
  });
});
