import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { ALL_CAPTURES } from '../../src/core/captures/capture-list.ts';
import { CaptureRules } from '../../src/core/captures/capture-rules.ts';
import { ScheduleService } from '../../src/core/schedules/schedule-service.ts';
import { openStore } from '../../src/store/sqlite-store.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { run } from '../support/processes.ts';
import { temporaryFolder, outsideOf, TestStore } from '../support/stores.ts';
import { DAY, HOUR, MINUTE, startDaemon } from './daemons.ts';

const NOON = Date.parse('2026-11-22T12:00:00Z');
const BEGIN = NOON + HOUR - 10_000;
const CHILD = resolve(import.meta.dirname, 'crash-child.ts');

/**
 * A store with everything that a daemon writes for metrics-only captures: a start, an end, a recurring
 * schedule with one to come, one whose occurrences were missed, and a capture to be pruned.
 */
async function makeStore() {
  const clock = new ManualClock(NOON - 3 * DAY);
  const test = new TestStore(clock);
  const alice = test.user('alice');
  const environment = test.environment({ admin: [alice] }, { name: 'prod' });
  const schedules = new ScheduleService(outsideOf(test.store, clock));
  const common = {
    environment: 'prod',
    timeZone: 'UTC',
    duration: 5 * MINUTE,
    overlap: 'skip' as const,
    count: null,
    until: null,
    retain: null,
  };
  await schedules.create(alice, { ...common, name: 'missed', cron: '30 8 * * *' });
  const kept = await schedules.create(alice, {
    ...common,
    name: 'kept',
    cron: '0 13 1 * *',
    retain: 2 * DAY,
  });
  const old = test.capture(alice, environment, {
    name: 'old',
    start: clock.now() - HOUR,
    duration: MINUTE,
  });
  test.store.schedules.addOccurrence(old.id, kept.id, clock.now() - HOUR);
  const folder = join(test.store.directory, 'captures', String(old.id));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'manifest.json'), '{}');
  clock.set(NOON);
  await schedules.create(alice, { ...common, name: 'hourly', cron: '0 * * * *' });
  test.capture(alice, environment, {
    name: 'single',
    scheduledStart: NOON + HOUR,
    duration: 5 * MINUTE,
  });
  test.store.close();
  return { directory: test.store.directory, alice, oldFolder: folder };
}

/** Lets a daemon finish whatever the killed one left, and says what there is afterwards. */
async function finish(made: Awaited<ReturnType<typeof makeStore>>, directory: string) {
  const clock = new ManualClock(BEGIN + 5.9 * MINUTE);
  const daemon = startDaemon(directory, clock);
  await clock.advance(10_000);
  clock.set(clock.now() + 6 * MINUTE);
  await clock.advance(5_000);
  await daemon.leave();
  const store = openStore(directory);
  try {
    const captures = new CaptureRules(store, clock)
      .list(made.alice, { ...ALL_CAPTURES, descending: false })
      .map(({ name, status, reason }) => `${name} ${status} ${reason ?? ''}`.trim())
      .sort();
    const schedules = store.schedules
      .list([1])
      .map(({ name, state, passed, missed, pendingAt }) => ({
        name,
        state,
        passed,
        missed,
        pendingAt,
      }));
    const workloads = readdirSync(join(directory, 'captures'));
    const trail = store.audit
      .list({
        environmentIds: [1],
        ownOf: null,
        everythingElse: false,
        subject: null,
        since: null,
        limit: null,
      })
      .filter(({ author }) => author.userName === 'daemon')
      .map(
        ({ action, subject, details }) =>
          `${action} ${subject.name} ${String(details['from'] ?? '')} ${String(details['to'] ?? '')}`,
      )
      .sort();
    return { captures, schedules, workloads, trail, removals: store.removals.list() };
  } finally {
    store.close();
  }
}

test('a daemon killed after any of its commits leaves a store that the next one finishes to the same end', async () => {
  const made = await makeStore();
  const copy = (): string => {
    const directory = join(temporaryFolder(), 'home');
    cpSync(made.directory, directory, { recursive: true, preserveTimestamps: true });
    return directory;
  };
  const copies = temporaryFolder();
  const child = (directory: string, killAt: number, into = temporaryFolder()) =>
    run(process.execPath, [CHILD, directory, String(BEGIN), into, String(killAt)]);

  const whole = copy();
  const { status, stderr } = await child(whole, 0, copies);
  expect({ status, stderr }).toEqual({ status: 0, stderr });
  const commits = readdirSync(copies).length;
  expect(commits).toBeGreaterThan(20);
  const expected = await finish(made, whole);
  expect(expected.captures).toEqual([
    'hourly 2026-11-22 13:00 DONE reached its scheduled end',
    'hourly 2026-11-22 14:00 SCHEDULED',
    'kept 2026-12-01 13:00 SCHEDULED',
    expect.stringMatching(/^missed 2026-11-20 08:30 FAILED missed 3 starts from .* no daemon was/),
    'missed 2026-11-23 08:30 SCHEDULED',
    'single DONE reached its scheduled end',
  ]);
  expect(expected.workloads).toEqual([]);

  const differences: unknown[] = [];
  for (let at = 1; at < commits; at++) {
    const actual = await finish(made, join(copies, String(at)));
    if (JSON.stringify(actual) !== JSON.stringify(expected)) differences.push({ at, actual });
  }
  expect(differences).toEqual([]);
  // And killed indeed: a copy is what is left then.
  for (const killAt of [1, commits >> 1, commits - 1]) {
    const directory = copy();
    expect((await child(directory, killAt)).signal).toBe('SIGKILL');
    expect({ killAt, ...(await finish(made, directory)) }).toEqual({ killAt, ...expected });
  }
  expect(existsSync(made.oldFolder)).toBe(true);
});
