import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { ALL_CAPTURES } from '../../src/core/captures/capture-list.ts';
import {
  OPERATIONS,
  READS,
  RULES,
  STORE_OPERATIONS,
  STORE_RULES,
  type Actor,
  type Operation,
  type Relation,
  type StoreOperation,
} from '../../src/core/access.ts';
import { CAPTURE_STATUSES, type CaptureStatus } from '../../src/core/captures/capture.ts';
import { AppError } from '../../src/core/errors.ts';
import type { Environment } from '../../src/core/environments/environment.ts';
import {
  EnvironmentService,
  getEnvironment,
} from '../../src/core/environments/environment-service.ts';
import { UserService } from '../../src/core/users/user-service.ts';
import { MemberService } from '../../src/core/members/member-service.ts';
import { ScheduleService } from '../../src/core/schedules/schedule-service.ts';
import { WarmUpRules } from '../../src/core/warm-ups/warm-up-rules.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { SERVER, outsideOf, TestStore } from '../support/stores.ts';
import { permissionsPage } from './permissions-page.ts';

type Outcome = 'ok' | `${string}: ${string}`;

const test = new TestStore(new ManualClock());
const people = {
  outsider: test.user('oscar'),
  member: test.user('mia'),
  owner: test.user('olga'),
  'owner who left': test.user('leo'),
  admin: test.user('anna'),
  'store administrator': { ...test.user('root'), isStoreAdmin: true },
} satisfies Record<string, Actor>;
type Person = keyof typeof people;

let environment: Environment;
beforeAll(() => {
  environment = test.environment(
    { admin: [people.admin], member: [people.member, people.owner] },
    { name: 'prod', server: SERVER },
  );
});

let captures = 0;
function captureIn(status: CaptureStatus, ownerId: number): number {
  const times = { start: 1_000, scheduledStart: 1_000, scheduledEnd: null, end: 2_000 };
  return test.store.captures.insert(
    {
      name: `capture${++captures}`,
      environmentId: environment.id,
      ownerId,
      status,
      ...times,
      duration: null,
      reason: 'made by a test',
      recordsStatements: true,
    },
    0,
  ).id;
}

async function outcome(work: () => unknown): Promise<Outcome> {
  try {
    await work();
    return 'ok';
  } catch (error) {
    if (error instanceof AppError) return `${error.code}: ${error.message}`;
    throw error;
  }
}

const operations: Partial<Record<Operation, (actor: Actor, id: string) => unknown>> = {
  'capture.get': (actor, id) => test.captures.get(actor, id),
  'capture.metrics': (actor, id) => test.captures.get(actor, id, 'capture.metrics'),
  'capture.workload': (actor, id) => test.captures.get(actor, id, 'capture.workload'),
  'capture.verify': (actor, id) => test.captures.get(actor, id, 'capture.verify'),
  'capture.report': (actor, id) => test.captures.get(actor, id, 'capture.report'),
  'capture.export': (actor, id) => test.captures.get(actor, id, 'capture.export'),
  'capture.replay': (actor, id) => test.captures.get(actor, id, 'capture.replay'),
  'capture.stop': (actor, id) => test.captures.requestStop(actor, id),
  'capture.edit': (actor, id) =>
    test.captures.edit(actor, id, {
      name: `renamed${++captures}`,
      scheduledStart: null,
      duration: null,
    }),
  'capture.delete': (actor, id) => test.captures.delete(actor, id),
};

const relation: Record<Person, Relation> = {
  outsider: 'outsider',
  member: 'member',
  owner: 'owner',
  'owner who left': 'outsider',
  admin: 'admin',
  'store administrator': 'outsider',
};

const STOPPED = 'conflict: This capture has already been stopped';
const NOT_YET = 'conflict: Cannot stop a capture until it has started completely. Try again soon.';
const stops: Record<CaptureStatus, Outcome> = {
  SCHEDULED: NOT_YET,
  STARTED: NOT_YET,
  STARTING: NOT_YET,
  RUNNING: 'ok',
  STOPPING: STOPPED,
  DONE: STOPPED,
  FAILED: 'conflict: This capture failed and is no longer running',
};

function expected(operation: string, person: Person, status: CaptureStatus): Outcome {
  const isRead = /^capture\.(get|metrics|workload|verify|report|export|replay)$/.test(operation);
  switch (relation[person]) {
    case 'outsider':
      return `not_found: ${isRead ? "Capture's environment not found" : 'Capture not found'}`;
    case 'member':
      if (isRead) return 'ok';
      return `forbidden: Only the owner of the capture (mia's colleague) or an admin of its environment (anna) may ${operation.slice(8)} it`;
    case 'owner':
    case 'admin':
      return operation === 'capture.stop' ? stops[status] : 'ok';
  }
}

describe.each(Object.keys(operations) as (keyof typeof operations)[])('%s', (operation) => {
  describe.each(Object.keys(people) as Person[])('by %s', (person) => {
    it.each(CAPTURE_STATUSES)('of a capture that is %s', async (status) => {
      const owner = person.startsWith('owner') ? people[person] : people.owner;
      const id = captureIn(status, owner.userId);
      const actual = await outcome(() => operations[operation]?.(people[person], String(id)));
      expect(actual.replace('(olga)', "(mia's colleague)")).toBe(
        expected(operation, person, status),
      );
    });
  });
});

it('an unknown id is "Capture not found" for everybody', async () => {
  for (const actor of Object.values(people)) {
    for (const run of Object.values(operations)) {
      expect(await outcome(() => run(actor, '999999'))).toBe('not_found: Capture not found');
    }
  }
});

it('an environment one is no member of does not exist, for list and create', async () => {
  for (const actor of [people.outsider, people['store administrator']]) {
    const request = {
      name: 'x',
      environment: 'prod',
      status: null,
      start: null,
      scheduledStart: null,
      duration: null,
    };
    expect(await outcome(() => test.captures.create(actor, request))).toBe(
      'not_found: Environment does not exist',
    );
    expect(
      await outcome(() => test.captures.list(actor, { ...ALL_CAPTURES, environment: 'prod' })),
    ).toBe('not_found: Environment does not exist');
    expect(test.captures.list(actor, ALL_CAPTURES)).toEqual([]);
  }
});

describe('docs/permissions.md', () => {
  it('says what the rules say; to write it anew: UPDATE_DOCS=1 npx vitest run test/core/permissions.test.ts', () => {
    const path = resolve(import.meta.dirname, '../../docs/permissions.md');
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(path, permissionsPage());
    expect(readFileSync(path, 'utf8')).toBe(permissionsPage());
  });
});

/** Each operation about an environment, or about a thing in it that mia's colleague olga owns. */
const environments = new EnvironmentService(outsideOf(test.store, test.clock));
const members = new MemberService(test.store, test.clock);
const schedules = new ScheduleService(outsideOf(test.store, test.clock));
const warmUps = new WarmUpRules(test.store, test.clock);
let serial = 0;

/** An environment of its own, so that nothing is left of what another case did. */
function freshEnvironment(): string {
  serial += 1;
  const name = `fresh${serial}`;
  test.environment(
    { admin: [people.admin], member: [people.member, people.owner] },
    { name, server: SERVER },
  );
  return name;
}

async function scheduleOf(owner: Actor, ref: string): Promise<string> {
  const role = test.store.members.roleOf(test.store.environments.findByName(ref)?.id ?? 0, owner);
  const id = test.store.environments.findByName(ref)?.id ?? 0;
  if (role === null) test.store.members.insert(id, owner.userId, 'member');
  const schedule = await schedules.create(owner, {
    name: `schedule${++serial}`,
    environment: ref,
    cron: '0 2 * * *',
    timeZone: 'UTC',
    duration: 60_000,
    overlap: 'skip',
    count: null,
    until: null,
    retain: null,
  });
  if (role === null) test.store.members.delete(id, owner.userId);
  return String(schedule.id);
}

const inEnvironment: Record<
  Exclude<
    Operation,
    | 'capture.get'
    | 'capture.metrics'
    | 'capture.workload'
    | 'capture.verify'
    | 'capture.report'
    | 'capture.export'
    | 'capture.replay'
    | 'capture.stop'
    | 'capture.edit'
    | 'capture.delete'
  >,
  (actor: Actor, ref: string, owner: Actor) => () => unknown
> = {
  'capture.list': (actor, ref) => () =>
    test.captures.list(actor, { ...ALL_CAPTURES, environment: ref }),
  'capture.create': (actor, ref) => () =>
    test.captures.create(actor, {
      name: `created${++serial}`,
      environment: ref,
      status: null,
      start: null,
      scheduledStart: null,
      duration: null,
    }),
  'capture.import': (actor, ref) => () => getEnvironment(test.store, actor, 'capture.import', ref),
  'replay.run': (actor, ref) => () => getEnvironment(test.store, actor, 'replay.run', ref),
  'replay.write': (actor, ref) => () => getEnvironment(test.store, actor, 'replay.write', ref),
  'schedule.list': (actor, ref) => () => schedules.list(actor, ref),
  'schedule.get': (actor, ref, owner) => async () => {
    const id = await scheduleOf(owner, ref);
    return schedules.get(actor, id);
  },
  'schedule.create': (actor, ref) => () =>
    schedules.create(actor, {
      name: `schedule${++serial}`,
      environment: ref,
      cron: '0 2 * * *',
      timeZone: 'UTC',
      duration: 60_000,
      overlap: 'skip',
      count: null,
      until: null,
      retain: null,
    }),
  'schedule.edit': (actor, ref, owner) => async () => {
    const id = await scheduleOf(owner, ref);
    return schedules.edit(actor, id, { name: `renamed${++serial}` });
  },
  'schedule.pause': (actor, ref, owner) => async () => {
    const id = await scheduleOf(owner, ref);
    return schedules.pause(actor, id);
  },
  'schedule.resume': (actor, ref, owner) => async () => {
    const id = await scheduleOf(owner, ref);
    await schedules.pause(people.admin, id);
    return schedules.resume(actor, id);
  },
  'schedule.delete': (actor, ref, owner) => async () => {
    const id = await scheduleOf(owner, ref);
    return schedules.delete(actor, id);
  },
  'environment.get': (actor, ref) => () => environments.get(actor, ref),
  'environment.check': (actor, ref) => () => environments.get(actor, ref, 'environment.check'),
  'environment.warm-up': (actor, ref) => () => warmUps.begin(actor, ref, 60_000),
  'environment.recover': (actor, ref) => () => environments.get(actor, ref, 'environment.recover'),
  'environment.reclaim': (actor, ref) => () => environments.get(actor, ref, 'environment.reclaim'),
  'environment.edit': (actor, ref) => () => environments.edit(actor, ref, { region: 'r' }),
  'environment.delete': (actor, ref) => () => environments.delete(actor, ref),
  'member.list': (actor, ref) => () => members.list(actor, ref),
  'member.add': (actor, ref) => () => members.add(actor, ref, 'oscar', 'member'),
  'member.set': (actor, ref) => () => members.set(actor, ref, 'mia', 'admin'),
  'member.remove': (actor, ref) => () => members.remove(actor, ref, newcomer(ref)),
  'member.leave': (actor, ref) => () => {
    const id = test.store.environments.findByName(ref)?.id ?? 0;
    test.store.members.insert(id, test.user().userId, 'admin');
    return members.remove(actor, ref, actor.userName);
  },
};

/** A member whom nobody in the table is: to leave by oneself is another right. */
function newcomer(ref: string): string {
  const user = test.user(`newcomer${++serial}`);
  const id = test.store.environments.findByName(ref)?.id ?? 0;
  test.store.members.insert(id, user.userId, 'member');
  return user.userName;
}

describe.each(Object.keys(inEnvironment) as (keyof typeof inEnvironment)[])('%s', (operation) => {
  it.each(Object.keys(people) as Person[])('by %s', async (person) => {
    const ref = freshEnvironment();
    const owner = person.startsWith('owner') ? people[person] : people.owner;
    const actual = await outcome(inEnvironment[operation](people[person], ref, owner));
    // Of an environment nobody is the owner: there an owner is a member.
    const isOwned = /^schedule\.(?!list|create)/.test(operation);
    const found = relation[person] === 'owner' && !isOwned ? ('member' as const) : relation[person];
    if (RULES[operation].includes(found)) expect(actual).toBe('ok');
    else if (found === 'outsider') {
      expect(actual).toMatch(/^not_found: (Environment does not exist|Schedule not found)$/);
    } else expect(actual).toMatch(/^forbidden: Only .* may /);
  });
});

describe('an admin with a token', () => {
  const READ_ONLY = 'forbidden: Your token is read-only: it cannot change anything';

  it.each(OPERATIONS)('that is read-only: %s', async (operation) => {
    const actor = { ...people.admin, scope: { isReadOnly: true, environmentIds: null } };
    const actual = await outcome(() => attempt(operation, actor));
    expect(actual).toBe(READS.has(operation) ? 'ok' : READ_ONLY);
  });

  it.each(OPERATIONS)('for another environment: %s', async (operation) => {
    const other = test.environment({ admin: [people.admin] });
    const actor = { ...people.admin, scope: { isReadOnly: false, environmentIds: [other.id] } };
    const actual = await outcome(() => attempt(operation, actor));
    expect(actual).toMatch(/^not_found: /);
    expect(actual).toBe(await outcome(() => attempt(operation, people.outsider)));
  });

  it.each(OPERATIONS)('for this environment: %s', async (operation) => {
    const ref = freshEnvironment();
    const { id } = test.store.environments.findByName(ref) ?? { id: 0 };
    const environmentIds = [id, environment.id];
    const actor = { ...people.admin, scope: { isReadOnly: false, environmentIds } };
    expect(await outcome(() => attempt(operation, actor, ref))).toBe('ok');
  });

  /** On something of olga's, where it is about something. */
  function attempt(operation: Operation, actor: Actor, ref = freshEnvironment()): unknown {
    if (operation in inEnvironment) {
      return inEnvironment[operation as keyof typeof inEnvironment](actor, ref, people.owner)();
    }
    return operations[operation]?.(actor, String(captureIn('RUNNING', people.owner.userId)));
  }
});

it('every operation of the rules is walked', () => {
  const walked = [...Object.keys(operations), ...Object.keys(inEnvironment)];
  expect(walked.sort()).toEqual([...OPERATIONS].sort());
});

describe('outside environments', () => {
  const service = new UserService(test.store, test.clock);
  const inStore: Record<StoreOperation, (actor: Actor, target: string) => unknown> = {
    'user.list': (actor) => service.listUsers(actor),
    'user.create': (actor) => service.checkNewUser(actor, `new${++serial}`),
    'user.delete': (actor, target) => service.deleteUser(actor, target),
    'user.password': (actor, target) => service.checkPasswordChange(actor, target),
    'token.create': (actor) => service.createToken(actor, `t${++serial}`, 60_000),
    'token.list': (actor) => service.listTokens(actor),
    'token.revoke': async (actor) => {
      const { token } = await service.createToken(actor, `t${++serial}`, 60_000);
      return service.revokeToken(actor, String(token.id));
    },
    'environment.create': (actor) => environments.create(actor, { name: `made${++serial}` }),
  };

  it.each(STORE_OPERATIONS)('%s is for whom the table says', async (operation) => {
    const [user, other] = [test.user(), test.user()];
    test.store.users.insert({ name: `root${++serial}`, isAdmin: true, passwordHash: 'none' }, 0);
    const admin = { ...test.user(), isStoreAdmin: true };
    const rules = STORE_RULES[operation];
    const isAboutOneself = /^token/.test(operation);
    const mayUser = rules.includes(isAboutOneself ? 'self' : 'user');
    expect(await outcome(() => inStore[operation](user, other.userName))).toMatch(
      mayUser ? /^ok$/ : /^forbidden: Only an administrator of the store may /,
    );
    const mayAdmin = rules.includes('store administrator') || isAboutOneself;
    expect(await outcome(() => inStore[operation](admin, other.userName))).toMatch(
      mayAdmin ? /^ok$/ : /^forbidden/,
    );
    if (operation === 'user.password') {
      expect(await outcome(() => inStore[operation](user, user.userName))).toBe('ok');
    }
  });

  it('a token of somebody else is not found, even for an administrator', async () => {
    const { token } = await service.createToken(people.member, 'secret', 60_000);
    for (const actor of [people.outsider, people['store administrator']]) {
      expect(await outcome(() => service.revokeToken(actor, String(token.id)))).toBe(
        `not_found: You have no token "${token.id}"`,
      );
    }
  });
});
