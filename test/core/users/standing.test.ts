import { describe, expect, it } from 'vitest';
import { createApi } from '../../../src/core/api.ts';
import type { Outside } from '../../../src/core/outside.ts';
import { hashPassword } from '../../../src/core/users/passwords.ts';
import type { AuthenticatedActor } from '../../../src/core/users/user-service.ts';
import type { CaptureRequest } from '../../../src/core/captures/capture-timing.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { outsideOf, TestStore } from '../../support/stores.ts';
import { CHEAP_HASH } from '../../support/users.ts';

const PASSWORD = 'correct horse';
const DAY = 86_400_000;

/** A store with an administrator who is logged in, and has an environment with a capture in it. */
async function setUp(outside: Partial<Outside> = {}) {
  const clock = new ManualClock();
  const test = new TestStore(clock);
  const api = createApi({ ...outsideOf(test.store, clock), ...outside });
  const add = async (name: string): Promise<AuthenticatedActor> => {
    const passwordHash = await hashPassword(PASSWORD, CHEAP_HASH);
    test.store.users.insert({ name, isAdmin: true, passwordHash }, clock.now());
    return api.users.authenticate((await api.users.login(name, PASSWORD)).secret);
  };
  const root = await add('root');
  const other = await add('other');
  const shop = test.environment({ admin: [root, other] }, { name: 'shop' });
  const capture = test.capture(root, shop, { name: 'friday' });
  return { clock, test, api, root, other, shop, capture };
}
type Bench = Awaited<ReturnType<typeof setUp>>;

const signal = new AbortController().signal;
const request = (name: string): CaptureRequest => ({
  name,
  environment: 'shop',
  status: null,
  start: null,
  scheduledStart: null,
  duration: null,
});

const CHANGES: readonly [string, (bench: Bench) => Promise<unknown>][] = [
  [
    'a user',
    ({ api, root }) =>
      api.users.createUser(root, { name: 'eve', password: PASSWORD, isAdmin: true }),
  ],
  ['the deletion of a user', ({ api, root }) => api.users.deleteUser(root, 'other')],
  ['a token', ({ api, root }) => api.users.createToken(root, 'script')],
  [
    'the password of somebody else',
    ({ api, root }) =>
      api.users.setPassword(root, {
        user: 'other',
        current: null,
        password: 'another horse',
        keepTokens: true,
      }),
  ],
  ['an environment', ({ api, root }) => api.environments.create(root, { name: 'new' })],
  ['a capture', ({ api, root }) => api.captures.create(root, request('monday')).next()],
  [
    'the end of a capture',
    ({ api, root }) =>
      api.captures.stop(root, 'friday', { reason: null, waits: false }, signal).next(),
  ],
];

describe('a change of who was logged in when they asked for it', () => {
  it.each(CHANGES)('is made while they still are: %s', async (_what, change) => {
    const bench = await setUp();
    await expect(change(bench)).resolves.toBeDefined();
  });

  it.each(CHANGES)('is refused once the session has ended: %s', async (_what, change) => {
    const bench = await setUp();
    const { test, root } = bench;
    test.store.credentials.delete(root.credentialId);
    const before = test.store.users.list();
    await expect(change(bench)).rejects.toMatchObject({ code: 'unauthenticated' });
    expect(test.store.users.list()).toEqual(before);
    expect(test.store.environments.findByName('new')).toBeNull();
  });

  it.each(CHANGES)('is refused once they were deleted: %s', async (_what, change) => {
    const bench = await setUp();
    const { api, other } = bench;
    await api.users.deleteUser(other, 'root');
    await expect(change(bench)).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  it.each(CHANGES)('is refused once the session has expired: %s', async (_what, change) => {
    const bench = await setUp();
    await bench.clock.advance(30 * DAY);
    await expect(change(bench)).rejects.toMatchObject({
      code: 'unauthenticated',
      message: 'Your session has expired',
    });
  });

  it('is refused where it ends while a hash waits for its turn', async () => {
    const { test, api, root } = await setUp();
    const making = api.users.createUser(root, { name: 'eve', password: PASSWORD, isAdmin: true });
    test.store.credentials.delete(root.credentialId);
    await expect(making).rejects.toMatchObject({ code: 'unauthenticated' });
    expect(test.store.users.findByName('eve')).toBeNull();
  });
});

describe('a change that ends the login of who makes it', () => {
  it('is made: the end of the own token, the own password, the deletion of oneself', async () => {
    const { api, root, other } = await setUp();
    const { secret, token } = await api.users.createToken(root, 'script');
    const script = await api.users.authenticate(secret);
    expect(await api.users.revokeToken(script, 'script')).toMatchObject({ id: token.id });
    const again = await api.users.createToken(root, 'script');
    const change = { user: null, current: PASSWORD, password: 'another horse', keepTokens: false };
    const withToken = await api.users.authenticate(again.secret);
    expect(await api.users.setPassword(withToken, change)).toMatchObject({ tokens: 1 });
    expect(await api.users.deleteUser(other, 'other')).toMatchObject({ name: 'other' });
  });
});

describe('a password that is changed while it is checked', () => {
  it('does not log in', async () => {
    const { test, api, root } = await setUp();
    const passwordHash = await hashPassword('another horse', CHEAP_HASH);
    const login = api.users.login('root', PASSWORD);
    test.store.users.setPassword(root.userId, passwordHash);
    await expect(login).rejects.toMatchObject({ message: 'Wrong user name or password' });
    expect(test.store.credentials.listOf(root.userId, 'session')).toHaveLength(1);
  });

  it('changes no password', async () => {
    const { test, api, root } = await setUp();
    const passwordHash = await hashPassword('another horse', CHEAP_HASH);
    const change = { user: null, current: PASSWORD, password: 'third horse', keepTokens: false };
    const changing = api.users.setPassword(root, change);
    test.store.users.setPassword(root.userId, passwordHash);
    await expect(changing).rejects.toMatchObject({ message: 'The current password is wrong' });
    expect(test.store.users.find(root.userId)?.passwordHash).toBe(passwordHash);
  });
});

it('a capture that is recorded for who was logged out meanwhile is taken back', async () => {
  const { test, other, capture } = await setUp();
  test.store.credentials.delete(other.credentialId);
  test.captures.withdraw(other, capture);
  expect(test.store.captures.find(capture.id)).toBeNull();
});
