import { beforeAll, expect, it } from 'vitest';
import type { Actor } from '../../../src/core/access.ts';
import { createApi } from '../../../src/core/api.ts';
import { ALL_CAPTURES } from '../../../src/core/captures/capture-list.ts';
import type { Environment } from '../../../src/core/environments/environment.ts';
import type { TokenScope } from '../../../src/core/users/token-rules.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { outsideOf, TestStore } from '../../support/stores.ts';

const test = new TestStore(new ManualClock());
const api = createApi(outsideOf(test.store, test.clock));
const root = { ...test.user('root'), isStoreAdmin: true };
let shop: Environment;
let hr: Environment;

beforeAll(() => {
  test.store.users.insert({ name: 'boss', isAdmin: true, passwordHash: 'none' }, 0);
  shop = test.environment({ admin: [root] }, { name: 'shop' });
  hr = test.environment({ admin: [root] }, { name: 'hr' });
  test.capture(root, shop, { name: 'friday' });
  test.capture(root, hr, { name: 'friday' });
  test.capture(root, hr, { name: 'salaries' });
});

let tokens = 0;
async function withToken(user: Actor, scope: Partial<TokenScope>) {
  const asked = { isReadOnly: false, environments: null, ...scope };
  const { token, secret } = await api.users.createToken(user, `t${++tokens}`, 60_000, asked);
  return { token, actor: await api.users.authenticate(secret) };
}

it('a token is shown with what it is for', async () => {
  const { token } = await withToken(root, {
    isReadOnly: true,
    environments: ['SHOP', String(hr.id)],
  });
  expect(token).toMatchObject({ scope: { isReadOnly: true }, environments: ['hr', 'shop'] });
  expect(await api.users.listTokens(root)).toContainEqual(token);
});

it('a token cannot be made for an environment of which its user is no member', async () => {
  const bob = test.user('bob');
  for (const ref of ['shop', String(shop.id), 'none']) {
    await expect(withToken(bob, { environments: [ref] })).rejects.toMatchObject({
      code: 'not_found',
      message: 'Environment does not exist',
    });
  }
});

it('of other environments than its own a token learns nothing', async () => {
  const { actor } = await withToken(root, { environments: ['shop'] });
  expect(await api.environments.list(actor)).toHaveLength(1);
  const captures = await api.captures.list(actor, ALL_CAPTURES);
  expect(captures.map(({ environmentName }) => environmentName)).toEqual(['shop']);
  // The name is ambiguous for its user, not for it.
  expect(await api.captures.get(actor, 'friday')).toMatchObject({ environmentName: 'shop' });
  const near = await api.captures.get(actor, 'salary').catch((error: unknown) => error);
  expect(near).toMatchObject({ hint: { near: [] } });
  await expect(api.environments.get(actor, 'hr')).rejects.toMatchObject({
    code: 'not_found',
    hint: { near: [] },
  });
  const request = { capture: null, environment: null, since: null, limit: null };
  const entries = await api.audit.list(actor, request);
  expect(new Set(entries.map(({ subject }) => subject.environmentId))).toEqual(new Set([shop.id]));
});

it('a token for an environment administers no store', async () => {
  const { actor } = await withToken(root, { environments: ['shop'] });
  expect(actor.isStoreAdmin).toBe(false);
  const message = /^Your token is for its environments alone: it cannot /;
  const password = { user: null, current: 'x', password: 'long enough', keepTokens: true };
  for (const attempt of [
    () => api.users.listUsers(actor),
    () => api.users.createUser(actor, { name: 'eve', password: 'long enough', isAdmin: true }),
    () => api.users.deleteUser(actor, 'bob'),
    () => api.users.setPassword(actor, password),
    () => api.users.createToken(actor, 'wider'),
    () => api.users.listTokens(actor),
    () => api.users.revokeToken(actor, '1'),
    () => api.environments.create(actor, { name: 'mine' }),
  ]) {
    await expect(attempt()).rejects.toMatchObject({
      code: 'forbidden',
      message: expect.stringMatching(message) as string,
    });
  }
});

it('a token outlives its environment and sees nothing then', async () => {
  const gone = test.environment({ admin: [root] }, { name: 'gone' });
  const { actor, token } = await withToken(root, { environments: ['gone'] });
  await api.environments.delete(root, String(gone.id));
  expect(await api.environments.list(actor)).toEqual([]);
  const listed = await api.users.listTokens(root);
  expect(listed.find(({ id }) => id === token.id)).toMatchObject({ environments: [] });
});

it('a change that no rule refuses to a read-only token is rolled back by the audit trail', async () => {
  const { actor } = await withToken(root, { isReadOnly: true });
  const { AuditTrail } = await import('../../../src/core/audit/audit-trail.ts');
  const origin = { userName: 'u', hostName: 'h', pid: 1 };
  const trail = new AuditTrail(test.store, test.clock, origin);
  const subject = {
    kind: 'environment',
    id: shop.id,
    name: 'shop',
    environmentId: shop.id,
  } as const;
  const change = (): void =>
    test.store.transaction(() => {
      test.store.environments.update({ ...shop, region: 'changed' });
      trail.record(actor, 'environment.edit', subject);
    });
  expect(change).toThrow('read-only');
  expect(test.store.environments.find(shop.id)?.region).toBeNull();
});
