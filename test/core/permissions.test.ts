import { beforeAll, describe, expect, it } from 'vitest';
import { ALL_CAPTURES } from '../../src/core/capture-service.ts';
import type { Actor, Operation, Relation } from '../../src/core/access.ts';
import { CAPTURE_STATUSES, type CaptureStatus } from '../../src/core/captures.ts';
import { AppError } from '../../src/core/errors.ts';
import type { Environment } from '../../src/core/environments.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { SERVER, TestStore } from '../support/stores.ts';

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

function outcome(work: () => unknown): Outcome {
  try {
    work();
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
  const isRead = ['capture.get', 'capture.metrics', 'capture.workload'].includes(operation);
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
    it.each(CAPTURE_STATUSES)('of a capture that is %s', (status) => {
      const owner = person.startsWith('owner') ? people[person] : people.owner;
      const id = captureIn(status, owner.userId);
      const actual = outcome(() => operations[operation]?.(people[person], String(id)));
      expect(actual.replace('(olga)', "(mia's colleague)")).toBe(
        expected(operation, person, status),
      );
    });
  });
});

it('an unknown id is "Capture not found" for everybody', () => {
  for (const actor of Object.values(people)) {
    for (const run of Object.values(operations)) {
      expect(outcome(() => run(actor, '999999'))).toBe('not_found: Capture not found');
    }
  }
});

it('an environment one is no member of does not exist, for list and create', () => {
  for (const actor of [people.outsider, people['store administrator']]) {
    const request = {
      name: 'x',
      environment: 'prod',
      status: null,
      start: null,
      scheduledStart: null,
      duration: null,
    };
    expect(outcome(() => test.captures.create(actor, request))).toBe(
      'not_found: Environment does not exist',
    );
    expect(outcome(() => test.captures.list(actor, { ...ALL_CAPTURES, environment: 'prod' }))).toBe(
      'not_found: Environment does not exist',
    );
    expect(test.captures.list(actor, ALL_CAPTURES)).toEqual([]);
  }
});
