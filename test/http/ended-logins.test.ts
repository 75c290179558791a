import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Actor } from '../../src/core/access.ts';
import type { Outside } from '../../src/core/outside.ts';
import { hashPassword } from '../../src/core/users/passwords.ts';
import { UserService } from '../../src/core/users/user-service.ts';
import { compareCounters } from '../../src/source/mysql/counters/comparison.ts';
import { measuresExecutes } from '../../src/source/mysql/counters/measured-executes.ts';
import { serverDigestKey } from '../../src/sql/server-digest.ts';
import { workloadFiles } from '../../src/workload/stored-workloads.ts';
import { serveStore, type TestServer } from '../support/api-server.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { PATIENCE_MS } from '../support/processes.ts';
import { bodyOf, openSocket, statusOf } from '../support/raw-sockets.ts';
import { recordedCapture } from '../support/recorded-captures.ts';
import { SERVER, TestStore } from '../support/stores.ts';
import { CHEAP_HASH } from '../support/users.ts';
import { statements } from '../workload/recorded.ts';

const clock = new ManualClock();
const test = new TestStore(clock);
const { store } = test;
const outside: Partial<Outside> = {
  workloads: () => Promise.resolve(workloadFiles(store)),
  compareCounters: () => Promise.resolve(compareCounters),
  measuresExecutes: () => Promise.resolve(measuresExecutes),
  serverDigestKey: () => Promise.resolve(serverDigestKey),
  // Somebody else is about to start one.
  daemons: { start: () => Promise.resolve(null), isRunning: () => true },
};
const users = new UserService(store, clock);
const ada = test.user('ada');
const shop = test.environment({ admin: [ada] }, { name: 'shop', server: SERVER });
let server: TestServer;

beforeAll(async () => {
  server = await serveStore(store, clock, outside);
  await recordedCapture(test, ada, shop, {
    name: 'live',
    status: 'RUNNING',
    statements: statements(20),
  });
});
afterAll(() => server.close());

/** A user, an administrator of the store and a member of the environment, and a token of theirs. */
async function newcomer(): Promise<{ who: Actor; id: number; secret: string }> {
  const name = `user ${store.users.list().length}`;
  const passwordHash = await hashPassword('correct horse', CHEAP_HASH);
  const { id } = store.users.insert({ name, isAdmin: true, passwordHash }, clock.now());
  const made = await users.createToken(
    { ...ada, userId: id, userName: name, isStoreAdmin: true },
    'script',
  );
  store.members.insert(shop.id, id, 'member');
  const who = { ...ada, userId: id, userName: name, isStoreAdmin: true };
  return { who, id: made.token.id, secret: made.secret };
}
type Newcomer = Awaited<ReturnType<typeof newcomer>>;

const REMOVED = ({ who }: Newcomer): void => {
  store.members.delete(shop.id, who.userId);
};
const REVOKED = ({ id }: Newcomer): void => store.credentials.delete(id);
const DELETED = ({ who }: Newcomer): void => {
  store.members.delete(shop.id, who.userId);
  store.users.delete(who.userId);
};

/** What comes of an endless answer; time goes on meanwhile. */
async function ended(response: Promise<Response>): Promise<string> {
  const there = new AbortController();
  const text = response.then((one) => one.text()).finally(() => there.abort());
  text.catch(() => undefined);
  while (!there.signal.aborted) await clock.advance(100);
  return text;
}

describe('what goes on for long ends, over HTTP,', () => {
  const STREAMS = [
    'workload/events',
    'workload?follow=true',
    'watch',
    'wait?until=over',
    'report/live',
  ];
  const ENDS = [
    ['was removed from the environment', REMOVED, 404, 'not_found'],
    ['revoked the token', REVOKED, 401, 'unauthenticated'],
    ['was deleted', DELETED, 401, 'unauthenticated'],
  ] as const;

  it.each(
    STREAMS.flatMap((path) =>
      ENDS.map(([how, end, status, word]) => ({ path, how, end, status, word })),
    ),
  )('for who $how: $path', async ({ path, end, status, word }) => {
    const user = await newcomer();
    const leaving = new AbortController();
    const accept = path.includes('?follow') ? 'application/x-ndjson' : 'text/event-stream';
    const asked = fetch(`${server.url}/api/captures/live/${path}`, {
      method: /^wait/.test(path) ? 'POST' : 'GET',
      headers: { authorization: `Bearer ${user.secret}`, accept, 'captures-client': 'test' },
      signal: leaving.signal,
    });
    const response = await asked;
    if (!response.ok) throw new Error(await response.text());
    end(user);
    const late = setTimeout(() => leaving.abort(), PATIENCE_MS);
    const outcome = await ended(Promise.resolve(response)).catch((error: unknown) => String(error));
    clearTimeout(late);
    expect(leaving.signal.aborted).toBe(false);
    if (accept === 'text/event-stream') expect(outcome).toMatch(new RegExp(`${status}|${word}`));
  });
});

describe('a request whose body comes when its login has ended', () => {
  const ASKED = [
    ['POST /api/users', { name: 'mallory', password: 'correct horse', storeAdmin: true }],
    ['POST /api/tokens', { name: 'another' }],
    ['POST /api/environments', { name: 'theirs' }],
    ['POST /api/captures', { name: 'theirs', env: 'shop' }],
  ] as const;
  const ENDS = [
    ['revoked', REVOKED],
    ['of a deleted user', DELETED],
    [
      'of a user whose password was reset',
      ({ who }: Newcomer) => {
        store.credentials.deleteTokens(who.userId);
      },
    ],
  ] as const;

  it.each(ASKED.flatMap(([line, json]) => ENDS.map(([how, end]) => ({ line, json, how, end }))))(
    'is refused: $line with a token $how',
    async ({ line, json, end }) => {
      const user = await newcomer();
      const before = [store.users.list().length, store.environments.findByName('theirs')];
      const body = JSON.stringify(json);
      const socket = openSocket(server.url);
      socket.setEncoding('utf8');
      let text = '';
      const closed = new Promise((resolve) => socket.on('close', resolve));
      const isRead = new Promise<void>((resolve) => {
        socket.on('data', (chunk: string) => {
          text += chunk;
          if (text.includes('100 Continue')) resolve();
        });
      });
      const head = [
        `${line} HTTP/1.1`,
        'Host: x',
        'Connection: close',
        `Authorization: Bearer ${user.secret}`,
        'Content-Type: application/json',
        'Expect: 100-continue',
        `Content-Length: ${body.length}`,
      ];
      socket.write(`${head.join('\r\n')}\r\n\r\n`);
      // Asked for, so it was let in.
      await isRead;
      socket.write(body.slice(0, 1));
      end(user);
      socket.write(body.slice(1));
      await closed;
      const answer = text.slice(text.indexOf('\r\n\r\n') + 4);
      expect(statusOf(answer)).toBe(401);
      expect(bodyOf(answer)).toMatchObject({ code: 401 });
      const isGone = store.users.find(user.who.userId) === null ? 1 : 0;
      expect([store.users.list().length + isGone, store.environments.findByName('theirs')]).toEqual(
        before,
      );
    },
  );
});

it('an old password opens nothing that outlives the change of the password', async () => {
  const { who } = await newcomer();
  const name = who.userName;
  const post = async (method: string, path: string, body: object, secret?: string) => {
    const response = await fetch(`${server.url}${path}`, {
      method,
      headers: {
        'content-type': 'application/json',
        ...(secret === undefined ? {} : { authorization: `Bearer ${secret}` }),
      },
      body: JSON.stringify(body),
    });
    return (await response.json().catch(() => ({}))) as { token?: string };
  };
  const mine = await post('POST', '/api/login', { name, password: 'correct horse' });
  const change = { current: 'correct horse', password: 'another horse' };
  const login = { name, password: 'correct horse' };
  const attempts = [0, 1, 2].map(() => post('POST', '/api/login', login));
  const changed = post(
    'PUT',
    `/api/users/${encodeURIComponent(name)}/password`,
    change,
    mine.token,
  );
  attempts.push(...[0, 1, 2].map(() => post('POST', '/api/login', login)));
  await changed;
  const there = (await Promise.all(attempts)).flatMap(({ token }) => token ?? []);
  for (const secret of there) {
    await expect(users.authenticate(secret)).rejects.toMatchObject({ code: 'unauthenticated' });
  }
  await expect(users.login(name, 'another horse')).resolves.toMatchObject({ user: { name } });
});

describe('how long a login lasts', () => {
  it.each([1e15, 1e300, -1, 0, 59.999, 60.000_4, 366 * 86_400 + 1, 1e12])(
    'is not %d s: 400, and nothing is stored',
    async (expires) => {
      const isShort = expires === 60.000_4;
      const { who, secret } = await newcomer();
      const ask = (path: string, body: object) =>
        fetch(`${server.url}${path}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', authorization: `Bearer ${secret}` },
          body: JSON.stringify({ ...body, expires }),
        });
      const token = await ask('/api/tokens', { name: 'long' });
      const session = await ask('/api/login', { name: who.userName, password: 'correct horse' });
      // Less than a millisecond is rounded.
      expect([token.status, session.status]).toEqual(isShort ? [200, 200] : [400, 400]);
      if (isShort) return;
      expect(await token.json()).toMatchObject({
        message: 'A token lasts from 1 minute to 366 days',
      });
      expect(await session.json()).toMatchObject({
        message: 'A session lasts from 1 minute to 366 days',
      });
      expect(store.credentials.listOf(who.userId, 'token')).toHaveLength(1);
      expect(store.credentials.listOf(who.userId, 'session')).toHaveLength(0);
      const list = await fetch(`${server.url}/api/tokens`, {
        headers: { authorization: `Bearer ${secret}` },
      });
      expect(list.status).toBe(200);
    },
  );
});
