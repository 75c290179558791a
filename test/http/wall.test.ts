import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  OPERATIONS,
  READS,
  RULES,
  UNLIMITED,
  type Actor,
  type Operation,
  type Relation,
  type Scope,
} from '../../src/core/access.ts';
import { createApi } from '../../src/core/api.ts';
import { CAPTURE_STATUSES, type CaptureStatus } from '../../src/core/captures/capture.ts';
import type { Environment } from '../../src/core/environments/environment.ts';
import type { MetricSources } from '../../src/core/metrics/metric-source.ts';
import { ScheduleService } from '../../src/core/schedules/schedule-service.ts';
import { sha256 } from '../../src/core/users/sha256.ts';
import type { Handler } from '../../src/http/server/handler.ts';
import { ApiServer } from '../../src/http/server/api-server.ts';
import { allHandlers } from '../../src/http/server/handlers/all-handlers.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { PATIENCE_MS } from '../support/processes.ts';
import { outsideOf, SERVER, TestStore } from '../support/stores.ts';
import { ROUTES, type About } from './wall-routes.ts';

const clock = new ManualClock();
const test = new TestStore(clock);
const handlers = allHandlers('0.0.0');
const handled = new Map(handlers.map((handler) => [handler.route.id, handler]));
const ids = Object.keys(ROUTES);
const guarded = ids.filter((id) => ROUTES[id]?.is !== 'open');

const people = {
  outsider: test.user('oscar'),
  member: test.user('mia'),
  owner: test.user('olga'),
  admin: test.user('anna'),
} satisfies Record<Relation, Actor>;
const RELATIONS = Object.keys(people) as Relation[];

/** What store calls were made, in their order. */
let work: string[] = [];
let server: ApiServer;
let url: string;
let shop: Environment;
let other: Environment;

beforeAll(async () => {
  test.store.users.insert({ name: 'root', isAdmin: true, passwordHash: 'none' }, 0);
  shop = test.environment(
    { admin: [people.admin], member: [people.member, people.owner] },
    { name: 'shop', server: SERVER },
  );
  other = test.environment({ admin: [people.admin, people.outsider] }, { name: 'other' });
  const store = counted(test.store);
  server = new ApiServer({
    version: '0.0.0',
    handlers,
    apiFor: (address) =>
      createApi({
        ...outsideOf(store, clock, { userName: 'c', hostName: 'server', pid: 1, address }),
        // Loaded before it is known whether anything is asked of them.
        metricSources: () => Promise.resolve({} as MetricSources),
      }),
    // What is let through finds no servers, no daemons and no files here: see `wasLetThrough`.
    onBug: () => undefined,
  });
  url = `http://127.0.0.1:${await server.listen('127.0.0.1', 0)}`;
});
afterAll(() => server.close(0));

/** The same store, whose calls are noted. */
function counted<Part extends object>(part: Part, name = ''): Part {
  return new Proxy(part, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target);
      const called = name === '' ? String(property) : `${name}.${String(property)}`;
      if (typeof value === 'function') {
        return (...args: unknown[]): unknown => {
          work.push(called);
          return (value as (...args: unknown[]) => unknown).apply(target, args);
        };
      }
      return typeof value === 'object' && value !== null && !Array.isArray(value) && name === ''
        ? counted(value, called)
        : value;
    },
  });
}

let tokens = 0;
function tokenOf(actor: Actor, scope: Scope = UNLIMITED, lengthMs = 3_600_000): string {
  const secret = `captures_token_${++tokens}`;
  test.store.credentials.insert(
    {
      userId: actor.userId,
      kind: 'token',
      name: secret,
      secretHash: sha256(secret),
      expiresAt: clock.now() + lengthMs,
      scope,
    },
    clock.now(),
  );
  return secret;
}

function captureIn(status: CaptureStatus, recordsStatements = false): string {
  const times = { start: 1_000, scheduledStart: 1_000, scheduledEnd: null, end: 2_000 };
  const { id } = test.store.captures.insert(
    {
      name: `capture${++tokens}`,
      environmentId: shop.id,
      ownerId: people.owner.userId,
      status,
      ...times,
      duration: null,
      reason: 'made by a test',
      recordsStatements,
    },
    0,
  );
  return String(id);
}

/** A capture with a record, in the environment of the outsider. */
function recordedElsewhere(): number {
  const { id } = test.store.captures.insert(
    {
      // Like no other: names that may have been meant are those that one can see.
      name: `${++tokens}: of somebody else`,
      environmentId: other.id,
      ownerId: people.outsider.userId,
      status: 'DONE',
      ...{ start: 1_000, scheduledStart: null, scheduledEnd: null, end: 2_000 },
      duration: null,
      reason: null,
      recordsStatements: true,
    },
    0,
  );
  const nothing = { otherCommands: 0, lookQuestions: 0, lookSets: 0, lookStatuses: 0, rates: [] };
  const size = { records: 1, textBytes: 1, fileBytes: 1, position: null };
  test.store.recordings.insertFinished({
    captureId: id,
    ...size,
    ...nothing,
    counters: '{}',
    facts: '{}',
  });
  return id;
}

const schedules = new ScheduleService(outsideOf(test.store, clock));
async function scheduleOf(): Promise<string> {
  const { id } = await schedules.create(people.owner, {
    name: `schedule${++tokens}`,
    environment: 'shop',
    cron: '0 2 * * *',
    timeZone: 'UTC',
    duration: 60_000,
    overlap: 'skip',
    count: null,
    until: null,
    retain: null,
  });
  return String(id);
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** What a request names. */
interface Target {
  readonly capture?: string;
  readonly schedule?: string;
  readonly environment?: string;
}

/** @param mayWait whether it is let through, and then perhaps waits for a daemon: a refusal waits for nothing. */
async function ask(
  id: string,
  token: string | null,
  target: Target = {},
  mayWait = false,
): Promise<Answer> {
  const { route } = handled.get(id) as Handler;
  const { environmentIn, captureIn, query = '', body } = ROUTES[id] as About;
  const { environment = 'shop' } = target;
  const named: Record<string, string> = {
    capture: target.capture ?? '1',
    schedule: target.schedule ?? '1',
    environment,
    // Who is not in the table as the one who asks: to leave is another right.
    user: route.path.includes('/members') ? 'anna' : 'mia',
    token: '999999',
  };
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(named[name] ?? ''),
  );
  const inQuery = environmentIn === 'query' ? `env=${encodeURIComponent(environment)}` : '';
  const search = [query, inQuery].filter((part) => part !== '').join('&');
  const inBody =
    environmentIn !== 'body'
      ? {}
      : body !== undefined && 'envId' in body
        ? { envId: undefined, environment }
        : { environment };
  const ofBody = captureIn === 'body' ? { capture: named['capture'] } : {};
  const isJson = route.body !== null && route.body !== 'bytes';
  const asked = fetch(`${url}${path}${search === '' ? '' : `?${search}`}`, {
    signal: AbortSignal.timeout(mayWait ? 200 : PATIENCE_MS),
    method: route.method,
    headers: {
      'captures-client': '0.0.0',
      ...(isJson ? { 'content-type': 'application/json' } : {}),
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(isJson ? { body: JSON.stringify({ ...body, ...inBody, ...ofBody }) } : {}),
  });
  try {
    const response = await asked;
    return { status: response.status, text: await response.text() };
  } catch (error) {
    if (!mayWait) throw error;
    return { status: 200, text: '' };
  }
}

/** Not refused by a rule. What it does then may well fail here, where nothing is outside. */
function wasLetThrough({ status, text }: Answer): boolean {
  if (status === 404)
    return !/(Capture|Environment|Schedule) (not found|does not exist)/.test(text);
  return status !== 401 && status !== 403;
}

const isAbout = (noun: string) => (id: string) => {
  const { path } = (handled.get(id) as Handler).route;
  return path.includes(`{${noun}}`);
};
const ofCaptures = ids.filter(
  (id) => isAbout('capture')(id) || ROUTES[id]?.captureIn !== undefined,
);
const ofSchedules = ids.filter(isAbout('schedule'));
const ofEnvironments = ids.filter(
  (id) => isAbout('environment')(id) || ROUTES[id]?.environmentIn !== undefined,
);

/** Pairs of what is there and what is not: to who may not see it they are the same. */
async function pairsOf(id: string): Promise<[Target, Target][]> {
  if (ofCaptures.includes(id)) {
    const capture = captureIn('RUNNING', true);
    const { name = '' } = test.store.captures.find(Number(capture)) ?? {};
    const own = ROUTES[id]?.captureIn === 'body' ? String(recordedElsewhere()) : null;
    return [
      // A capture of their own, to what is there and what is not.
      ...(own === null
        ? []
        : [shop.name, String(shop.id)].map((environment): [Target, Target] => [
            { capture: own, environment },
            { capture: own, environment: environment === shop.name ? 'none' : '999999' },
          ])),
      [{ capture }, { capture: '999999' }],
      [{ capture: name }, { capture: `${name}x` }],
      [{ capture: `shop/${name}` }, { capture: `shop/${name}x` }],
      [{ capture: `shop/${name}` }, { capture: `none/${name}` }],
    ];
  }
  if (ofSchedules.includes(id)) {
    const schedule = await scheduleOf();
    return [[{ schedule }, { schedule: '999999' }]];
  }
  return [
    [{ environment: 'shop' }, { environment: 'none' }],
    [{ environment: String(shop.id) }, { environment: '999999' }],
  ];
}

it('every route is listed with what it is about, and every operation of the rules has one', () => {
  expect(ids.toSorted()).toEqual([...handled.keys()].sort());
  const walked = new Set(Object.values(ROUTES).map(({ is }) => is));
  // Restoring servers is done on their store's machine; who removes themselves leaves.
  // A replay that writes is one of the same route.
  const without = ['replay.write', 'environment.recover', 'environment.reclaim', 'member.leave'];
  expect(OPERATIONS.filter((operation) => !walked.has(operation))).toEqual(without);
});

describe('who is not logged in', () => {
  it.each(guarded)(
    'gets 401 from %s, with nothing, a wrong, an expired or a revoked token',
    async (id) => {
      const expired = tokenOf(people.admin, UNLIMITED, -1);
      const revoked = tokenOf(people.admin);
      const found = test.store.credentials.findBySecret(sha256(revoked));
      test.store.credentials.delete(found?.id ?? 0);
      for (const token of [null, 'captures_token_wrong', expired, revoked]) {
        expect((await ask(id, token)).status).toBe(401);
      }
    },
  );

  it('gets the same of what is there and of what is not', async () => {
    for (const path of [
      '/api/captures/1',
      '/api/captures/999999',
      '/api/none',
      '/api/captures/1/none',
    ]) {
      const response = await fetch(url + path);
      expect([response.status, await response.text()]).toEqual([
        401,
        '{"code":401,"message":"You are not logged in"}',
      ]);
    }
  });

  it('is not logged in by a token in the query, in a cookie, or by another scheme', async () => {
    const token = tokenOf(people.admin);
    const asked = [
      fetch(`${url}/api/whoami?token=${token}&access_token=${token}`),
      fetch(`${url}/api/whoami`, { headers: { cookie: `token=${token}` } }),
      fetch(`${url}/api/whoami`, { headers: { authorization: `Basic ${btoa(`x:${token}`)}` } }),
    ];
    for (const response of await Promise.all(asked)) expect(response.status).toBe(401);
  });

  it('is told nothing by a preflight: no other origin may ask', async () => {
    const headers = { origin: 'https://evil.example.com', 'access-control-request-method': 'GET' };
    const response = await fetch(`${url}/api/captures`, { method: 'OPTIONS', headers });
    expect(response.status).toBe(401);
    const allowed = await fetch(`${url}/api/captures`, {
      headers: { ...headers, authorization: `Bearer ${tokenOf(people.admin)}` },
    });
    for (const one of [response, allowed]) {
      expect(
        [...one.headers.keys()].filter((name) => /^(access-control|set-cookie)/.test(name)),
      ).toEqual([]);
    }
  });
});

describe.each([
  ['an outsider', () => tokenOf({ ...people.outsider })],
  [
    'a token of another environment',
    () => tokenOf(people.admin, { isReadOnly: false, environmentIds: [other.id] }),
  ],
] as const)('%s', (_who, make) => {
  const hiding = ids.filter((id) =>
    [...ofCaptures, ...ofSchedules, ...ofEnvironments].includes(id),
  );
  it.each(hiding)('cannot tell what is there from what is not, by %s', async (id) => {
    const token = make();
    for (const [there, missing] of await pairsOf(id)) {
      work = [];
      const first = await ask(id, token, there);
      const worked = work;
      work = [];
      const second = await ask(id, token, missing);
      expect(first.status).toBe(404);
      expect(first).toEqual(second);
      // By the clock neither: the same is asked of the store.
      expect(worked).toEqual(work);
    }
  });

  it.each(ofCaptures.filter(isAbout('capture')))(
    'whose body and query are bad learns no more, by %s',
    async (id) => {
      const { route } = handled.get(id) as Handler;
      const token = make();
      const answers = [];
      for (const capture of [captureIn('RUNNING', true), '999999']) {
        const response = await fetch(
          `${url}${route.path.replace('{capture}', capture)}?until=never&limit=x`,
          {
            method: route.method,
            headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
            ...(route.method === 'GET' ? {} : { body: '{"name": 7, "reason": []}' }),
          },
        );
        answers.push([response.status, await response.text()]);
      }
      expect(answers[0]).toEqual(answers[1]);
    },
  );
});

it('who asks for the captures of a user whom they may not see learns nothing, nor by the clock', async () => {
  const token = tokenOf(people.outsider);
  captureIn('DONE');
  const answers = [];
  for (const owner of ['olga', 'mia', 'nobody']) {
    work = [];
    const response = await fetch(`${url}/api/captures?owner=${owner}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const text = (await response.text()).replace(owner, 'NAME');
    answers.push({ status: response.status, text, work });
  }
  expect(answers[0]?.status).toBe(404);
  expect(answers[1]).toEqual(answers[0]);
  expect(answers[2]).toEqual(answers[0]);
});

it('a token of another environment sees nothing of this one in any list', async () => {
  const token = tokenOf(people.admin, { isReadOnly: false, environmentIds: [other.id] });
  captureIn('RUNNING', true);
  await scheduleOf();
  for (const id of guarded.filter((one) => ROUTES[one]?.is === 'own')) {
    const { text } = await ask(id, token);
    expect(text, id).not.toMatch(/shop|schedule\d|capture\d+"|anna's/);
  }
});

describe('a read-only token', () => {
  it.each(guarded)('of an admin changes nothing, by %s', async (id) => {
    const { route } = handled.get(id) as Handler;
    const about = ROUTES[id]?.is ?? 'own';
    const token = tokenOf(people.admin, { isReadOnly: true, environmentIds: null });
    const target = { capture: captureIn('DONE'), schedule: await scheduleOf() };
    const before = test.store.audit.list(EVERYTHING).length;
    const answer = await ask(id, token, target, WAITING.includes(id) && route.isRead);
    expect(test.store.audit.list(EVERYTHING)).toHaveLength(before);
    const isRefused = !route.isRead || (about !== 'own' && about !== 'open' && !READS.has(about));
    if (isRefused) expect(answer.status).toBe(403);
    if (!route.isRead) expect(answer.text).toContain('Your token is read-only');
    else if (!isRefused && !/Only an administrator of the store/.test(answer.text)) {
      expect(wasLetThrough(answer), answer.text).toBe(true);
    }
  });
});

const EVERYTHING = {
  environmentIds: [1, 2, 3],
  ownOf: null,
  everythingElse: true,
  subject: null,
  since: null,
  limit: null,
};

/** Of these the answer goes on while the capture does. */
const ENDLESS = ['watchCapture', 'waitForCapture', 'followWorkload', 'watchReport', 'endCapture'];
/** These wait for the daemon, or for values that nobody records here. */
const WAITING = ['firstValuesOfCapture', 'giveUpCapture', 'deleteCapture'];

describe('docs/permissions.md over HTTP', () => {
  describe.each(ofCaptures)('%s', (id) => {
    const operation = ROUTES[id]?.is as Operation;
    const statuses = ENDLESS.includes(id) ? (['DONE', 'FAILED'] as const) : CAPTURE_STATUSES;
    it.each(RELATIONS)('by the %s, of a capture of every status', async (relation) => {
      const token = tokenOf(people[relation]);
      for (const status of statuses) {
        const mayWait = WAITING.includes(id) && RULES[operation].includes(relation);
        const answer = await ask(id, token, { capture: captureIn(status) }, mayWait);
        expectRuled(operation, relation, answer);
      }
    });
  });

  describe.each(ofSchedules)('%s', (id) => {
    it.each(RELATIONS)('by the %s', async (relation) => {
      const answer = await ask(id, tokenOf(people[relation]), { schedule: await scheduleOf() });
      expectRuled(ROUTES[id]?.is as Operation, relation, answer);
    });
  });

  describe.each(ofEnvironments)('%s', (id) => {
    it.each(RELATIONS)('by the %s', async (relation) => {
      const { id: environment } = test.environment(
        { admin: [people.admin], member: [people.member, people.owner] },
        { name: `fresh${++tokens}`, server: SERVER },
      );
      const answer = await ask(id, tokenOf(people[relation]), { environment: String(environment) });
      // Of an environment nobody is the owner: there an owner is a member.
      expectRuled(ROUTES[id]?.is as Operation, relation === 'owner' ? 'member' : relation, answer);
    });
  });

  function expectRuled(operation: Operation, relation: Relation, answer: Answer): void {
    if (RULES[operation].includes(relation)) expect(wasLetThrough(answer), answer.text).toBe(true);
    else
      expect([answer.status, answer.text]).toEqual([
        relation === 'outsider' ? 404 : 403,
        expect.stringMatching(
          relation === 'outsider' ? /not found|does not exist/ : /Only .* may /,
        ),
      ]);
  }

  it.each(guarded.filter((id) => /^(user|token)\./.test(ROUTES[id]?.is ?? '')))(
    '%s of others is for administrators of the store, tokens are one’s own',
    async (id) => {
      const { status, text } = await ask(id, tokenOf(people.admin));
      if (ROUTES[id]?.is.startsWith('token')) expect(status).not.toBe(403);
      else
        expect([status, text]).toEqual([
          403,
          expect.stringContaining('Only an administrator of the store'),
        ]);
    },
  );
});
