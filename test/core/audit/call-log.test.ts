import { expect, it } from 'vitest';
import type { Actor } from '../../../src/core/access.ts';
import {
  CALLS_KEPT_MS,
  CallLog,
  type AnsweredCall,
  type ApiCall,
} from '../../../src/core/audit/call-log.ts';
import { createApi } from '../../../src/core/api.ts';
import { StoreBusy } from '../../../src/core/errors.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { outsideOf, TestStore } from '../../support/stores.ts';

function prepared() {
  const clock = new ManualClock();
  const test = new TestStore(clock);
  return { clock, test, log: new CallLog(test.store, clock) };
}

function call(path: string, actor: AnsweredCall['actor'] = null): AnsweredCall {
  return { method: 'GET', path, address: '192.0.2.1', actor, status: 200, took: 12.4 };
}

function kept(test: TestStore): ApiCall[] {
  const everything = { userId: null, credentialId: null, since: null, limit: null };
  return test.store.calls.list(everything);
}

it('calls are written together once a second, and those of the last second at the end', async () => {
  const { clock, test, log } = prepared();
  const leaving = new AbortController();
  const running = log.run(leaving.signal);
  for (let i = 0; i < 100; i += 1) log.note(call(`/api/captures/${i}`));
  expect(kept(test)).toEqual([]);
  await clock.advance(1_000);
  expect(kept(test)).toHaveLength(100);
  log.note({ ...call('/api/captures'), status: null });
  leaving.abort();
  await running;
  const [last] = kept(test);
  expect(last).toMatchObject({ path: '/api/captures', status: 499, userId: null, ms: 12 });
});

it('calls wait while the store cannot be written', () => {
  const { clock, test } = prepared();
  let isLocked = true;
  const log = new CallLog(
    {
      calls: test.store.calls,
      transaction: (work) => {
        if (isLocked) throw new StoreBusy('locked');
        return test.store.transaction(work);
      },
    },
    clock,
  );
  log.note(call('/api/whoami'));
  log.flush();
  isLocked = false;
  log.flush();
  log.flush();
  expect(kept(test)).toHaveLength(1);
});

it('calls are kept for a while, and so many of them', () => {
  const { clock, test, log } = prepared();
  for (let i = 0; i < 10; i += 1) log.note(call(`/api/captures/${i}`));
  log.flush();
  test.store.calls.prune(0, 4);
  expect(kept(test).map(({ path }) => path)).toEqual([9, 8, 7, 6].map((i) => `/api/captures/${i}`));
  test.store.calls.prune(0, 4);
  expect(kept(test)).toHaveLength(4);
  clock.set(clock.now() + CALLS_KEPT_MS + 1_000);
  new CallLog(test.store, clock).flush();
  expect(kept(test)).toEqual([]);
});

it('administrators of the store see every call, others their own, a token for environments its own', async () => {
  const { clock, test, log } = prepared();
  const { users, audit } = createApi(outsideOf(test.store, clock));
  const root = { ...test.user('root'), isStoreAdmin: true };
  test.store.users.insert({ name: 'boss', isAdmin: true, passwordHash: 'none' }, 0);
  const ada = test.user('ada');
  test.environment({ admin: [ada] }, { name: 'shop' });
  const by = async (user: Actor, name: string, environments: string[] | null) => {
    const scope = { isReadOnly: false, environments };
    const { secret } = await users.createToken(user, name, 60_000, scope);
    return { ...(await users.authenticate(secret)), isStoreAdmin: user.isStoreAdmin };
  };
  const [admin, all, narrow] = [
    await by(root, 'a', null),
    await by(ada, 'b', null),
    await by(ada, 'c', ['shop']),
  ];
  for (const [path, actor] of [
    ['1', admin],
    ['2', all],
    ['3', narrow],
    ['4', null],
  ] as const) {
    log.note(call(path, actor));
  }
  log.flush();
  const seen = async (actor: typeof admin): Promise<string[]> =>
    (await audit.listCalls(actor, { since: null, limit: null })).map(({ path }) => path);
  expect(await seen(admin)).toEqual(['4', '3', '2', '1']);
  expect(await seen(all)).toEqual(['3', '2']);
  expect(await seen(narrow)).toEqual(['3']);
});

it('refused calls of strangers are kept up to so many a minute; those of others always', async () => {
  const { clock, test, log } = prepared();
  const refused = { ...call('/api/captures'), status: 401 };
  for (let i = 0; i < 1_000; i += 1) log.note(refused);
  log.note(call('/api/openapi.json'));
  log.note({
    ...refused,
    actor: { userId: test.user('ada').userId, userName: 'ada', credentialId: 1 },
  });
  log.flush();
  expect(kept(test)).toHaveLength(62);
  await clock.advance(60_000);
  log.note(refused);
  log.flush();
  expect(kept(test)).toHaveLength(63);
});
