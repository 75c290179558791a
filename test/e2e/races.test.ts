import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bucketOf } from '../../src/core/users/attempt-counters.ts';
import { openStore } from '../../src/store/sqlite-store.ts';
import { endStarted } from '../support/processes.ts';
import { isInFull } from '../support/proportion.ts';
import { Workplace } from './workplace.ts';

const ROUNDS = isInFull ? 5 : 3;

describe('processes that race', () => {
  let place: Workplace;
  beforeAll(async () => {
    place = await Workplace.make();
    await place.given(['env', 'create', 'numbers']);
  });
  afterAll(async () => {
    await endStarted();
    await place.close();
  });

  it('to stop a capture: one succeeds, the others hear that it has been stopped', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const name = `stopped ${round}.`;
      await place.ok(['create', name, '--env', 'numbers']);
      const outcomes = await Promise.all(
        [1, 2, 3, 4].map(() => place.captures(['stop', name, '--json'])),
      );
      expect(outcomes.map(({ status }) => status).sort()).toEqual([0, 6, 6, 6]);
      for (const { status, stderr } of outcomes.filter((outcome) => outcome.status !== 0)) {
        expect({ status, ...(JSON.parse(stderr) as object) }).toEqual({
          status: 6,
          code: 409,
          message: 'This capture has already been stopped',
        });
      }
      expect(await place.get(name)).toMatchObject({ status: 'DONE', reason: null });
    }
  });

  it('with its end: a stop succeeds or is too late, and nothing else', async () => {
    const seen = new Set<number | null>();
    for (let round = 0; round < ROUNDS; round += 1) {
      const name = `ending ${round}.`;
      // About as long as it takes to start the processes.
      endingSoon(name, Date.now() + 100 + round * 60);
      const outcomes = await Promise.all(
        [1, 2, 3, 4].map(() => place.captures(['stop', name, '--json'])),
      );
      for (const { status, stderr } of outcomes) {
        seen.add(status);
        if (status !== 0) {
          expect([status, JSON.parse(stderr)]).toEqual([
            6,
            { code: 409, message: 'This capture has already been stopped' },
          ]);
        }
      }
      const ended = await place.get(name);
      const wasStopped = outcomes.some(({ status }) => status === 0);
      expect([ended.status, ended.reason]).toEqual([
        'DONE',
        wasStopped ? null : 'reached its scheduled end',
      ]);
    }
    expect([...seen].filter((status) => status !== 0 && status !== 6)).toEqual([]);
  });

  it('to take a name: one gets it', async () => {
    const outcomes = await Promise.all(
      [1, 2, 3, 4].map(() => place.captures(['create', 'the one', '--env', 'numbers', '--json'])),
    );
    expect(outcomes.map(({ status }) => status).sort()).toEqual([0, 2, 2, 2]);
  });

  it('to delete, edit and stop one capture: each succeeds or says that it is gone or over', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const name = `fought over ${round}.`;
      const { id } = JSON.parse(
        (await place.ok(['create', name, '--env', 'numbers', '--json'])).stdout,
      ) as { id: number };
      const outcomes = await Promise.all([
        place.captures(['delete', String(id), '--yes', '--json']),
        place.captures(['delete', String(id), '--yes', '--json']),
        place.captures(['edit', String(id), '--name', `renamed ${round}.`, '--json']),
        place.captures(['stop', String(id), '--json']),
      ]);
      expect(
        outcomes
          .slice(0, 2)
          .map(({ status }) => status)
          .sort(),
      ).toEqual([0, 3]);
      for (const { status } of outcomes) expect([0, 3, 6]).toContain(status);
    }
  });

  it('to guess a password: one is checked, whether or not somebody has the name', async () => {
    // After a tenth wrong one, and the wait after that, one more may be tried.
    const store = openStore(place.home);
    for (const name of ['ada', 'nobody']) {
      const bucket = bucketOf(store, ['name', name]);
      store.passwordAttempts.put(bucket, {
        failures: 10,
        checking: 0,
        lastAt: Date.now() - 33_000,
      });
    }
    store.close();
    const input = 'not the password';
    const guess = (name: string) =>
      place.captures(['login', name, '--password-stdin', '--json'], { input });
    const names = ['ada', 'nobody', 'ada', 'nobody', 'ada', 'nobody'];
    const outcomes = await Promise.all(names.map(guess));
    for (const name of ['ada', 'nobody']) {
      const said = outcomes
        .filter((_, index) => names[index] === name)
        .map(({ stderr }) => (JSON.parse(stderr) as { message: string }).message);
      expect(said.sort()).toEqual([
        'Too many wrong passwords',
        'Too many wrong passwords',
        'Wrong user name or password',
      ]);
    }
  });

  /** A capture of a metrics-only environment that is RUNNING and ends by itself. */
  function endingSoon(name: string, end: number): void {
    const store = openStore(place.home);
    try {
      store.captures.insert(
        {
          name,
          environmentId: store.environments.findByName('numbers')?.id ?? 0,
          ownerId: store.users.findByName('ada')?.id ?? 0,
          status: 'RUNNING',
          start: end - 60_000,
          scheduledStart: null,
          scheduledEnd: end,
          end: null,
          duration: 60_000,
          reason: null,
          recordsStatements: false,
        },
        end - 60_000,
      );
    } finally {
      store.close();
    }
  }
});
