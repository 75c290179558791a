import { describe, expect, it } from 'vitest';
import { RetentionService } from '../../../src/core/captures/retention.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { TestStore } from '../../support/stores.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;
const NOW = Date.parse('2026-11-22T12:00:00Z');

function setUp() {
  const clock = new ManualClock(NOW);
  const test = new TestStore(clock);
  const ada = test.user('ada');
  const bob = test.user('bob');
  const environment = test.environment({ admin: [ada], member: [bob] }, { name: 'prod' });
  const retention = new RetentionService(test.store, clock);
  /** A capture that ended so many days ago. */
  const ended = (name: string, daysAgo: number, actor = ada): number => {
    const start = NOW - daysAgo * DAY - MINUTE;
    return test.capture(actor, environment, { name, start, duration: MINUTE }).id;
  };
  const plan = (actor = ada, keep: number | null = null) =>
    retention.plan(actor, { olderThan: 30 * DAY, keep, environment: null });
  return { test, ada, bob, environment, retention, ended, plan };
}

describe('a prune', () => {
  it('takes what is over and old enough, the oldest first', () => {
    const { test, ada, environment, ended, plan } = setUp();
    ended('young', 29);
    ended('old', 31);
    ended('older', 90);
    test.capture(ada, environment, { name: 'running', start: NOW - 90 * DAY });
    expect(plan().captures.map(({ name }) => name)).toEqual(['older', 'old']);
  });

  it('keeps the newest of each environment, however old', () => {
    const { ended, plan } = setUp();
    for (const days of [40, 50, 60, 70]) ended(`d${days}`, days);
    expect(plan(undefined, 3).captures.map(({ name }) => name)).toEqual(['d70']);
    expect(plan(undefined, 9).captures).toEqual([]);
  });

  it("leaves others' captures alone, and counts them", () => {
    const { ada, bob, ended, plan } = setUp();
    ended('hers', 60);
    ended('his', 60, bob);
    expect(plan(bob).captures.map(({ name }) => name)).toEqual(['his']);
    expect(plan(bob).notOurs).toBe(1);
    expect(plan(ada).captures).toHaveLength(2);
  });

  it('deletes the row, and the trail keeps that', () => {
    const { test, ada, environment, retention, ended } = setUp();
    const id = ended('old', 60);
    expect(retention.prune(ada, id, 'older than 30d')).toBe(true);
    expect(test.store.captures.find(id)).toBeNull();
    const [entry] = test.store.audit.list({
      environmentIds: [environment.id],
      ownOf: null,
      everythingElse: false,
      subject: { kind: 'capture', id },
      since: null,
      limit: 1,
    });
    expect(entry).toMatchObject({ action: 'capture.prune', reason: 'older than 30d' });
  });

  it('does not touch a capture that is not over', () => {
    const { test, ada, environment, retention } = setUp();
    const { id } = test.capture(ada, environment, { name: 'running' });
    expect(retention.prune(ada, id, 'x')).toBe(false);
    expect(test.store.captures.find(id)).not.toBeNull();
  });
});
