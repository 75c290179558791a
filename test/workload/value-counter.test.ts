import fc from '../support/properties.ts';
import { describe, expect, it } from 'vitest';
import type { StatementFlag } from '../../src/core/workloads/statements.ts';
import { ValueCounter } from '../../src/workload/value-counter.ts';

interface Execute {
  readonly session: number;
  readonly user: string | null;
  readonly host: string | null;
  readonly flags: readonly StatementFlag[];
}

const execute = (session: number, lacks: boolean, user: string | null = 'app'): Execute => ({
  session,
  user,
  host: 'web1',
  flags: lacks ? ['lossy', 'unreplayable'] : ['lossy'],
});

const sum = (counted: readonly { executes: number; withoutValues: number }[]) => ({
  executes: counted.reduce((all, { executes }) => all + executes, 0),
  withoutValues: counted.reduce((all, { withoutValues }) => all + withoutValues, 0),
});

describe('executes with and without values', () => {
  it('are counted by user and by session', () => {
    const counter = new ValueCounter();
    counter.add(execute(7, true));
    counter.add(execute(8, false, 'batch'));
    counter.add(execute(7, false));
    expect(counter.counts()).toEqual({
      executes: 3,
      withoutValues: 1,
      users: [
        { user: 'app', executes: 2, withoutValues: 1 },
        { user: 'batch', executes: 1, withoutValues: 0 },
      ],
      otherUsers: { executes: 0, withoutValues: 0 },
      sessions: [
        { session: 7, user: 'app', host: 'web1', executes: 2, withoutValues: 1 },
        { session: 8, user: 'batch', host: 'web1', executes: 1, withoutValues: 0 },
      ],
      otherSessions: { executes: 0, withoutValues: 0 },
    });
  });

  it('keep the sessions that lack some, also those that end', () => {
    const counter = new ValueCounter();
    counter.add(execute(1, true));
    counter.add(execute(2, false));
    counter.end(1);
    counter.end(2);
    const { sessions, otherSessions } = counter.counts();
    expect(sessions.map(({ session }) => session)).toEqual([1]);
    expect(otherSessions).toEqual({ executes: 1, withoutValues: 0 });
  });

  it('remember those that lack some rather than those that lack none, and not too many', () => {
    const counter = new ValueCounter();
    for (let session = 1; session <= 100; session++) counter.add(execute(session, false));
    for (let session = 101; session <= 250; session++) counter.add(execute(session, true));
    const { sessions, otherSessions, executes, withoutValues } = counter.counts();
    expect(sessions).toHaveLength(100);
    expect(sessions.every((one) => one.withoutValues === 1)).toBe(true);
    expect(otherSessions).toEqual({ executes: 150, withoutValues: 50 });
    expect({ executes, withoutValues }).toEqual({ executes: 250, withoutValues: 150 });
  });

  it('count users by the hundred together', () => {
    const counter = new ValueCounter();
    for (let number = 1; number <= 80; number++) counter.add(execute(1, true, `user${number}`));
    const { users, otherUsers } = counter.counts();
    expect(users).toHaveLength(50);
    expect(otherUsers).toEqual({ executes: 30, withoutValues: 30 });
  });

  it('are the same wherever it was put down and taken up again, and every list adds up', () => {
    const step = fc.record({
      session: fc.integer({ min: 1, max: 160 }),
      what: fc.constantFrom<'lacks' | 'has' | 'end'>('lacks', 'has', 'has', 'end'),
      user: fc.constantFrom(null, ...Array.from({ length: 60 }, (_, number) => `u${number}`)),
    });
    const steps = fc.array(step, { minLength: 100, maxLength: 600, size: 'max' });
    fc.assert(
      fc.property(steps, fc.nat(600), (all, cut) => {
        const whole = new ValueCounter();
        let parted = new ValueCounter();
        for (const [index, { session, what, user }] of all.entries()) {
          if (index === cut) {
            parted = new ValueCounter(
              JSON.parse(JSON.stringify(parted.counts())) as ReturnType<ValueCounter['counts']>,
            );
          }
          for (const counter of [whole, parted]) {
            if (what === 'end') counter.end(session);
            else counter.add(execute(session, what === 'lacks', user));
          }
        }
        const counts = whole.counts();
        expect(parted.counts()).toEqual(counts);
        const { executes, withoutValues } = counts;
        expect(sum([...counts.users, counts.otherUsers])).toEqual({ executes, withoutValues });
        expect(sum([...counts.sessions, counts.otherSessions])).toEqual({
          executes,
          withoutValues,
        });
      }),
      { numRuns: 200 },
    );
  });
});
