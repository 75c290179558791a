import { describe, expect, it } from 'vitest';
import { UNLIMITED, type Actor } from '../../../src/core/access.ts';
import { AuditLog } from '../../../src/core/audit/audit-log.ts';
import { UNKNOWN_ORIGIN } from '../../../src/core/audit/audit-trail.ts';
import { ALL_CAPTURES } from '../../../src/core/captures/capture-list.ts';
import { EnvironmentService } from '../../../src/core/environments/environment-service.ts';
import { MemberService } from '../../../src/core/members/member-service.ts';
import { isAppError } from '../../../src/core/errors.ts';
import { hashPassword } from '../../../src/core/users/passwords.ts';
import { UserService } from '../../../src/core/users/user-service.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { CHEAP_HASH } from '../../support/users.ts';
import { SERVER, outsideOf, TestStore } from '../../support/stores.ts';

const DAY = 86_400_000;

async function refusal(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    if (isAppError(error)) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'no refusal';
}

async function setUp() {
  const clock = new ManualClock();
  const test = new TestStore(clock);
  const people = new UserService(test.store, clock, UNKNOWN_ORIGIN, CHEAP_HASH);
  const environments = new EnvironmentService(outsideOf(test.store, clock));
  const members = new MemberService(test.store, clock);
  const root: Actor = { ...test.user('root'), isStoreAdmin: true };
  const made = async (name: string): Promise<Actor> => {
    const user = await people.createUser(root, {
      name,
      password: `${name}-password`,
      isAdmin: false,
    });
    return { userId: user.id, userName: user.name, isStoreAdmin: false, scope: UNLIMITED };
  };
  const alice = await made('alice');
  const bob = await made('bob');
  const environment = test.environment(
    { admin: [alice], member: [bob] },
    { name: 'prod', server: SERVER },
  );
  return { clock, test, people, environments, members, root, alice, bob, environment, made };
}

describe('users', () => {
  it('are managed by administrators of the store alone', async () => {
    const { people, alice, root } = await setUp();
    const user = { name: 'eve', password: 'long enough', isAdmin: true };
    expect(await refusal(() => people.createUser(alice, user))).toBe(
      'forbidden: Only an administrator of the store may create users',
    );
    expect(await refusal(() => people.listUsers(alice))).toMatch(/^forbidden/);
    expect(await refusal(() => people.deleteUser(alice, 'bob'))).toMatch(/^forbidden/);
    expect((await people.listUsers(root)).map((u) => u.name)).toEqual(['alice', 'bob', 'root']);
  });

  it('have names of their own, ignoring case', async () => {
    const { people, root } = await setUp();
    const user = { name: 'ALICE', password: 'long enough', isAdmin: false };
    expect(await refusal(() => people.createUser(root, user))).toBe(
      'conflict: There is already a user named ALICE',
    );
  });

  it('that are deleted hand their captures on to an admin of the environment', async () => {
    const { people, test, root, bob, alice, environment } = await setUp();
    const { id } = test.capture(bob, environment);
    expect(await people.deleteUser(root, 'bob')).toMatchObject({
      handedOn: [{ to: 'alice', captures: 1 }],
    });
    expect(test.store.captures.find(id)?.ownerName).toBe('alice');
    expect(test.store.members.roleOf(environment.id, bob)).toBeNull();
    expect(test.captures.get(alice, String(id)).ownerId).toBe(alice.userId);
  });

  it('that are the last admin of an environment or of the store cannot be deleted', async () => {
    const { people, test, root } = await setUp();
    expect(await refusal(() => people.deleteUser(root, 'alice'))).toBe(
      'conflict: alice is the last admin of the environment "prod"',
    );
    const only = await people.createUser(root, {
      name: 'only',
      password: 'long enough',
      isAdmin: true,
    });
    expect(await refusal(() => people.deleteUser(root, only.name))).toBe(
      'conflict: only is the last administrator of the store',
    );
    expect(test.store.users.findByName('alice')).not.toBeNull();
  });

  it('that administer the store and no environment hear what they can do about its last admin', async () => {
    const { people, test, root, environment } = await setUp();
    await expect(people.deleteUser(root, 'alice')).rejects.toMatchObject({
      hint: { code: 'let_make_admin', environment: 'prod', user: 'alice' },
    });
    test.store.members.insert(environment.id, root.userId, 'admin');
    expect(await people.deleteUser(root, 'alice')).toMatchObject({ name: 'alice' });
  });
});

describe('a password', () => {
  it('is changed by its user with the old one, which ends the other sessions', async () => {
    const { people, clock } = await setUp();
    const here = await people.login('alice', 'alice-password');
    const there = await people.login('alice', 'alice-password');
    const actor = await people.authenticate(here.secret);
    const change = { user: null, current: 'wrong', password: 'brand new one', keepTokens: false };
    expect(await refusal(() => people.setPassword(actor, change))).toBe(
      'unauthenticated: The current password is wrong',
    );
    await people.setPassword(actor, { ...change, current: 'alice-password' });
    expect((await people.authenticate(here.secret)).userName).toBe('alice');
    expect(await refusal(() => people.authenticate(there.secret))).toMatch(/^unauthenticated/);
    await clock.advance(10_000);
    expect((await people.login('alice', 'brand new one')).user.name).toBe('alice');
  });

  it('is set for somebody else by an administrator alone', async () => {
    const { people, test } = await setUp();
    const bob = await people.authenticate((await people.login('bob', 'bob-password')).secret);
    const change = { user: 'alice', current: null, password: 'brand new one', keepTokens: false };
    expect(await refusal(() => people.setPassword(bob, change))).toMatch(/^forbidden/);
    // Who was one when they logged in is asked again.
    const pretended = { ...bob, isStoreAdmin: true };
    expect(await refusal(() => people.setPassword(pretended, change))).toMatch(/^forbidden/);
    const passwordHash = await hashPassword('boss-password', CHEAP_HASH);
    test.store.users.insert({ name: 'boss', isAdmin: true, passwordHash }, 0);
    const boss = await people.authenticate((await people.login('boss', 'boss-password')).secret);
    await people.setPassword(boss, change);
    await people.login('alice', 'brand new one');
  });

  it('that is changed takes the user’s tokens along, unless they are to be kept', async () => {
    const { people, test } = await setUp();
    const alice = await people.authenticate((await people.login('alice', 'alice-password')).secret);
    const { secret } = await people.createToken(alice, 'ci', DAY);
    await people.createToken(alice, 'nightly', DAY);
    const change = { user: null, current: 'alice-password', password: 'alice-password' };
    const keeping = { ...change, keepTokens: true };
    expect((await people.setPassword(alice, keeping)).tokens).toBe(2);
    expect((await people.authenticate(secret)).userName).toBe('alice');
    const revoking = { ...change, keepTokens: false };
    expect((await people.setPassword(alice, revoking)).tokens).toBe(2);
    expect(await refusal(() => people.authenticate(secret))).toMatch(/^unauthenticated/);
    const trail = await new AuditLog(test.store, test.captures).list(alice, {
      capture: null,
      environment: null,
      since: null,
      limit: 2,
    });
    expect(trail.map(({ action, details }) => [action, details])).toEqual([
      ['user.password', { tokensRevoked: 2 }],
      ['user.password', { tokensKept: 2 }],
    ]);
  });
});

describe('a token', () => {
  it('is its user until it expires or is revoked', async () => {
    const { people, clock, alice, bob } = await setUp();
    const { secret, token } = await people.createToken(alice, 'ci', 30 * DAY);
    expect(await people.authenticate(secret)).toMatchObject({ userName: 'alice', kind: 'token' });
    expect(await refusal(() => people.createToken(alice, 'CI', DAY))).toMatch(/^conflict/);
    expect(await refusal(() => people.revokeToken(bob, String(token.id)))).toMatch(/^not_found/);
    await people.revokeToken(alice, 'ci');
    expect(await refusal(() => people.authenticate(secret))).toMatch(/^unauthenticated/);
    const other = await people.createToken(alice, 'ci', 30 * DAY);
    await clock.advance(30 * DAY);
    expect(await refusal(() => people.authenticate(other.secret))).toBe(
      'unauthenticated: Your token has expired',
    );
  });
});

describe('members', () => {
  it('are managed by admins of the environment alone, and may leave by themselves', async () => {
    const { environments, alice, bob, root, made, members } = await setUp();
    await made('carol');
    expect(await refusal(() => members.add(bob, 'prod', 'carol', 'member'))).toBe(
      'forbidden: Only an admin of the environment "prod" (alice) may do this',
    );
    expect(await refusal(() => members.add(root, 'prod', 'carol', 'member'))).toBe(
      'not_found: Environment does not exist',
    );
    await members.add(alice, 'prod', 'carol', 'admin');
    expect((await members.list(bob, 'prod')).map((m) => `${m.userName} ${m.role}`)).toEqual([
      'alice admin',
      'bob member',
      'carol admin',
    ]);
    await members.remove(bob, 'prod', 'BOB');
    expect(await refusal(() => environments.get(bob, 'prod'))).toBe(
      'not_found: Environment does not exist',
    );
    await members.set(alice, 'prod', 'carol', 'member');
  });

  it('see whose captures are in their environments, and of nobody else whether they exist', async () => {
    const { test, alice, bob, root, environment, made, members } = await setUp();
    await made('carol');
    const listed = (actor: Actor, owner: string) =>
      refusal(() => test.captures.list(actor, { ...ALL_CAPTURES, owner }));
    const unseen = (name: string) =>
      `not_found: There is no user named "${name}" in your environments`;
    expect(await listed(alice, 'carol')).toBe(unseen('carol'));
    expect(await listed(alice, 'nobody')).toBe(unseen('nobody'));
    expect(await listed(alice, 'bob')).toBe('no refusal');
    expect(await listed(root, 'carol')).toBe('no refusal');
    test.capture(bob, environment);
    await members.remove(bob, 'prod', 'bob');
    expect(await listed(bob, 'alice')).toBe(unseen('alice'));
    expect(await listed(bob, 'BOB')).toBe('no refusal');
    expect(test.captures.list(alice, { ...ALL_CAPTURES, owner: 'bob' })).toHaveLength(1);
  });

  it('of which the last admin cannot leave or be demoted', async () => {
    const { alice, members } = await setUp();
    for (const work of [
      () => members.remove(alice, 'prod', 'alice'),
      () => members.set(alice, 'prod', 'alice', 'member'),
    ]) {
      expect(await refusal(work)).toBe('conflict: alice is the last admin of "prod"');
    }
  });

  it('who own a capture and left have no more rights in it than any outsider', async () => {
    const { test, bob, environment, members } = await setUp();
    const { id } = test.capture(bob, environment);
    await members.remove(bob, 'prod', 'bob');
    expect(await refusal(() => test.captures.requestStop(bob, String(id)))).toBe(
      'not_found: Capture not found',
    );
  });
});

describe('an environment', () => {
  it('keeps its server while that server’s log is switched on', async () => {
    const { environments, test, alice, environment, clock } = await setUp();
    const settings = { generalLog: false, logOutput: 'FILE', slowLog: false, tableEngine: 'CSV' };
    test.store.taps.insert(
      { serverKey: 'k', nonce: 'nonce', environmentId: environment.id, settings },
      clock.now(),
    );
    expect(
      await refusal(() =>
        environments.edit(alice, 'prod', { server: { url: 'mysql://root@127.0.0.1:3307' } }),
      ),
    ).toMatch(/^conflict: The log of the server of "prod" is switched on/);
    expect(
      await environments.edit(alice, 'prod', { name: 'live', region: 'eu-west-1' }),
    ).toMatchObject({
      name: 'live',
      region: 'eu-west-1',
    });
    expect(await refusal(() => environments.delete(alice, 'live'))).toMatch(/^conflict/);
  });

  it('is deleted by an admin once it has no captures', async () => {
    const { environments, test, alice, bob, environment } = await setUp();
    const { id } = test.capture(bob, environment, { scheduledStart: test.clock.now() + DAY });
    expect(await refusal(() => environments.delete(bob, 'prod'))).toMatch(/^forbidden/);
    expect(await refusal(() => environments.delete(alice, 'prod'))).toBe(
      'conflict: The environment "prod" has 1 capture',
    );
    test.captures.delete(alice, String(id));
    await environments.delete(alice, 'prod');
    expect(test.store.environments.find(environment.id)).toBeNull();
  });
});
