import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UNLIMITED } from '../../src/core/access.ts';
import { createApi } from '../../src/core/api.ts';
import type { AuthenticatedActor } from '../../src/core/users/user-service.ts';
import type { RemoteApi } from '../../src/http/client/remote-api.ts';
import { serveStore, type TestServer } from '../support/api-server.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { outsideOf, TestStore } from '../support/stores.ts';

const test = new TestStore(new ManualClock());
const { store, clock } = test;
const { users: local } = createApi(outsideOf(store, clock));
let server: TestServer;
let root: AuthenticatedActor;
let remote: RemoteApi['users'];

beforeAll(async () => {
  server = await serveStore(store, clock);
  const admin = store.users.insert({ name: 'root', isAdmin: true, passwordHash: 'none' }, 0);
  const { secret } = await local.createToken(
    { userId: admin.id, userName: 'root', isStoreAdmin: true, scope: UNLIMITED },
    'root',
  );
  remote = server.client().users;
  root = await remote.authenticate(secret);
});
afterAll(() => server.close());

describe('users over HTTP', () => {
  it('are who they are in the same process', async () => {
    const made = await remote.createUser(root, {
      name: 'Ada L',
      password: 'correct horse',
      isAdmin: false,
    });
    expect(await remote.listUsers(root)).toEqual(await local.listUsers(root));
    expect(made).toEqual((await local.listUsers(root)).find(({ name }) => name === 'Ada L'));
    expect(JSON.stringify(await remote.listUsers(root))).not.toContain('assword');

    await expect(remote.checkNewUser(root, 'ada l')).rejects.toMatchObject({
      code: 'conflict',
      message: 'There is already a user named ada l',
    });
    await remote.checkNewUser(root, 'Søren é?#%');
    expect(await remote.checkDeletion(root, 'Ada L')).toEqual(made);
    expect(await remote.deleteUser(root, 'Ada L')).toEqual({ ...made, handedOn: [] });
    await expect(remote.deleteUser(root, 'Ada L')).rejects.toMatchObject({
      code: 'not_found',
      hint: { code: 'list_users' },
    });
  });

  it('say who has the captures of somebody who is deleted', async () => {
    const [leaving, heir] = [test.user('leaving'), test.user('heir')];
    const environment = test.environment({ admin: [heir], member: [leaving] });
    test.capture(leaving, environment);
    expect(await remote.deleteUser(root, 'leaving')).toMatchObject({
      handedOn: [{ to: 'heir', captures: 1 }],
    });
  });

  it('log in, and out again', async () => {
    await local.createUser(root, { name: 'grace', password: 'of hopper', isAdmin: false });
    const { users } = server.client();
    expect(await users.whoLogsIn()).toBeNull();
    await expect(users.login('grace', 'wrong word')).rejects.toMatchObject({
      code: 'unauthenticated',
      hint: { code: 'ask_for_password' },
    });
    const session = await users.login('grace', 'of hopper', 3_600_000);
    expect(session.expiresAt).toBe(clock.now() + 3_600_000);
    const grace = await users.authenticate(session.secret);
    expect(grace).toEqual(await local.authenticate(session.secret));
    expect(session.user).toMatchObject({ id: grace.userId, name: 'grace', isAdmin: false });
    await expect(users.listUsers(grace)).rejects.toMatchObject({ code: 'forbidden' });

    await users.logout(session.secret);
    await expect(users.authenticate(session.secret)).rejects.toMatchObject({
      code: 'unauthenticated',
    });
    await users.logout(session.secret);
  });

  it('change passwords: their own, and as an administrator those of others', async () => {
    await local.createUser(root, { name: 'linus', password: 'of helsinki', isAdmin: false });
    const { users } = server.client();
    const { secret } = await users.login('linus', 'of helsinki');
    const linus = await users.authenticate(secret);
    await users.createToken(linus, 'script');
    const asked = await users.checkPasswordChange(linus, null);
    expect(asked).toEqual(await local.checkPasswordChange(linus, null));
    expect(asked).toMatchObject({ isOwn: true, tokens: 1 });

    await users.checkCurrentPassword(linus, 'of helsinki');
    await expect(users.checkCurrentPassword(linus, 'no such word')).rejects.toMatchObject({
      code: 'unauthenticated',
      message: 'The current password is wrong',
    });

    const change = { user: null, password: 'of portland', keepTokens: true };
    await expect(
      users.setPassword(linus, { ...change, current: 'no such word' }),
    ).rejects.toMatchObject({ message: 'The current password is wrong' });
    expect(await users.setPassword(linus, { ...change, current: 'of helsinki' })).toMatchObject({
      user: { name: 'linus' },
      tokens: 1,
    });
    // The session that changed it goes on.
    expect(await users.listTokens(linus)).toHaveLength(1);

    expect(await remote.checkPasswordChange(root, 'linus')).toMatchObject({ isOwn: false });
    const set = { user: 'linus', current: null, password: 'as root says', keepTokens: false };
    expect(await remote.setPassword(root, set)).toMatchObject({ tokens: 1 });
    await expect(users.listTokens(linus)).rejects.toMatchObject({ code: 'unauthenticated' });
    expect(await users.login('linus', 'as root says')).toMatchObject({ user: { name: 'linus' } });
  });

  it('have tokens, whose secrets are shown once', async () => {
    const made = await remote.createToken(root, 'nightly', 86_400_000);
    expect(made.token).toMatchObject({ name: 'nightly', expiresAt: clock.now() + 86_400_000 });
    expect(await local.authenticate(made.secret)).toMatchObject({ userName: 'root' });
    const listed = await remote.listTokens(root);
    expect(listed).toEqual(await local.listTokens(root));
    expect(listed).toContainEqual(made.token);
    expect(JSON.stringify(listed)).not.toContain(made.secret);

    expect(await remote.revokeToken(root, 'nightly')).toEqual(made.token);
    await expect(remote.revokeToken(root, 'nightly')).rejects.toMatchObject({
      code: 'not_found',
      hint: { code: 'list_tokens' },
    });
  });
});

describe('POST /api/login', () => {
  it('answers a token, for everybody who asks it of this program or another', async () => {
    await local.createUser(root, { name: 'curl', password: 'of stenberg', isAdmin: false });
    const ask = (body: object): Promise<Response> =>
      fetch(`${server.url}/api/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    const answer = await ask({ name: 'curl', password: 'of stenberg', storeAdmin: true });
    const { token, ...rest } = (await answer.json()) as { token: string };
    expect(rest).toEqual({
      expiresAt: new Date(clock.now() + 30 * 86_400_000).toISOString(),
      user: {
        id: (await local.authenticate(token)).userId,
        name: 'curl',
        storeAdmin: false,
        createdAt: new Date(clock.now()).toISOString(),
      },
    });
    const wrong = await ask({ name: 'curl', password: 'wrong' });
    expect(wrong.status).toBe(401);
    expect(await wrong.json()).toEqual({ code: 401, message: 'Wrong user name or password' });
    expect((await ask({ name: 'curl' })).status).toBe(400);
    expect((await ask({ name: 1, password: 'wrong' })).status).toBe(400);
  });
});
