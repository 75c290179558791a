import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import type { Actor } from '../../src/core/access.ts';
import { ALL_CAPTURES } from '../../src/core/captures/capture-list.ts';
import type { Environment } from '../../src/core/environments/environment.ts';
import {
  ScheduleService,
  type ScheduleRequest,
} from '../../src/core/schedules/schedule-service.ts';
import type { ListedSchedule } from '../../src/core/schedules/schedule.ts';
import type { ListedCapture } from '../../src/core/store.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { outsideOf, TestStore } from '../support/stores.ts';
import { DAY, HOUR, MINUTE, startDaemon } from './daemons.ts';

// A Sunday; New York is five hours behind.
const NOON = Date.parse('2026-11-22T12:00:00Z');

class Bench {
  readonly clock: ManualClock;
  readonly test: TestStore;
  readonly alice: Actor;
  readonly environment: Environment;
  readonly schedules: ScheduleService;

  constructor(now = NOON) {
    this.clock = new ManualClock(now);
    this.test = new TestStore(this.clock);
    this.alice = this.test.user('alice');
    this.environment = this.test.environment({ admin: [this.alice] }, { name: 'prod' });
    this.schedules = new ScheduleService(outsideOf(this.test.store, this.clock));
  }

  create(request: Partial<ScheduleRequest> = {}): Promise<ListedSchedule> {
    return this.schedules.create(this.alice, {
      name: 'hourly',
      environment: 'prod',
      cron: '0 * * * *',
      timeZone: 'UTC',
      duration: 15 * MINUTE,
      overlap: 'skip',
      count: null,
      until: null,
      retain: null,
      ...request,
    });
  }

  /** Lets hours pass: the minutes in which something may happen, and leaves out those between. */
  async pass(ms: number): Promise<void> {
    const end = this.clock.now() + ms;
    const quarter = 15 * MINUTE;
    for (;;) {
      const next = (Math.floor(this.clock.now() / quarter) + 1) * quarter;
      if (next > end) break;
      this.clock.set(Math.max(next - 6_000, this.clock.now()));
      await this.clock.advance(next - this.clock.now());
    }
    await this.clock.advance(Math.min(end - this.clock.now(), 1_000));
    this.clock.set(end);
  }

  /** Every capture, oldest first. */
  captures(): ListedCapture[] {
    return this.test.captures.list(this.alice, { ...ALL_CAPTURES, descending: false });
  }

  shown(): string[] {
    return this.captures().map(({ name, status }) => `${name} ${status}`);
  }

  daemon(options: { graceMs?: number } = {}) {
    return startDaemon(this.test.store.directory, this.clock, options);
  }

  schedule(id: number): ListedSchedule {
    const found = this.test.store.schedules.find(id);
    if (found === null) throw new Error('the schedule is gone');
    return found;
  }
}

describe('a recurring schedule', () => {
  it('makes its first capture at once, and each next one when the one before has started', async () => {
    const bench = new Bench();
    await bench.create();
    expect(bench.shown()).toEqual(['hourly 2026-11-22 13:00 SCHEDULED']);
    bench.daemon();
    await bench.pass(HOUR + 250);
    expect(bench.shown()).toEqual([
      'hourly 2026-11-22 13:00 RUNNING',
      'hourly 2026-11-22 14:00 SCHEDULED',
    ]);
    await bench.pass(HOUR);
    expect(bench.shown()).toEqual([
      'hourly 2026-11-22 13:00 DONE',
      'hourly 2026-11-22 14:00 RUNNING',
      'hourly 2026-11-22 15:00 SCHEDULED',
    ]);
    const [first] = bench.captures();
    expect((first?.end ?? 0) - (first?.start ?? 0)).toBe(15 * MINUTE);
    expect(first?.ownerName).toBe('alice');
  });

  it('tells two occurrences of one local time apart by their offsets', async () => {
    const bench = new Bench(Date.parse('2026-10-25T00:00:00Z'));
    await bench.create({ timeZone: 'Europe/Berlin', cron: '30 * * * *' });
    bench.daemon();
    await bench.pass(3 * HOUR);
    expect(bench.captures().map(({ name }) => name)).toEqual([
      'hourly 2026-10-25 02:30 +02:00',
      'hourly 2026-10-25 02:30 +01:00',
      'hourly 2026-10-25 03:30',
      'hourly 2026-10-25 04:30',
    ]);
  });

  it('takes another name where somebody has its own', async () => {
    const bench = new Bench();
    bench.test.capture(bench.alice, bench.environment, { name: 'HOURLY 2026-11-22 13:00' });
    await bench.create();
    expect(bench.captures().at(-1)?.name).toBe('hourly 2026-11-22 13:00 (2)');
    await Promise.resolve();
  });

  it('is over after its count', async () => {
    const bench = new Bench();
    const { id } = await bench.create({ count: 2 });
    bench.daemon();
    await bench.pass(5 * HOUR);
    expect(bench.captures()).toHaveLength(2);
    expect(bench.schedule(id)).toMatchObject({ state: 'over', passed: 2 });
  });

  it('is over after its last instant, which counts', async () => {
    const bench = new Bench();
    const { id } = await bench.create({ until: NOON + 2 * HOUR });
    bench.daemon();
    await bench.pass(5 * HOUR);
    expect(bench.captures()).toHaveLength(2);
    expect(bench.schedule(id).state).toBe('over');
  });

  it('leaves out an occurrence whose capture somebody deleted', async () => {
    const bench = new Bench();
    await bench.create();
    const [first] = bench.captures();
    bench.test.captures.delete(bench.alice, String(first?.id));
    bench.daemon();
    await bench.clock.advance(250);
    expect(bench.shown()).toEqual(['hourly 2026-11-22 14:00 SCHEDULED']);
  });

  it('goes on beside a capture of its own that somebody moved', async () => {
    const bench = new Bench();
    await bench.create();
    const [first] = bench.captures();
    bench.test.captures.edit(bench.alice, String(first?.id), {
      name: null,
      scheduledStart: NOON + DAY,
      duration: null,
    });
    bench.daemon();
    await bench.pass(2 * HOUR + 250);
    expect(bench.shown()).toEqual([
      'hourly 2026-11-22 13:00 SCHEDULED',
      'hourly 2026-11-22 14:00 RUNNING',
      'hourly 2026-11-22 15:00 SCHEDULED',
    ]);
  });

  it('takes its capture back while it is paused, and misses nothing by that', async () => {
    const bench = new Bench();
    const { id } = await bench.create();
    await bench.schedules.pause(bench.alice, 'hourly', 'freeze');
    expect(bench.captures()).toEqual([]);
    bench.daemon();
    await bench.pass(5 * HOUR);
    expect(bench.captures()).toEqual([]);
    await bench.schedules.resume(bench.alice, 'hourly');
    expect(bench.shown()).toEqual(['hourly 2026-11-22 18:00 SCHEDULED']);
    expect(bench.schedule(id)).toMatchObject({ state: 'active', missed: 0 });
  });

  it('makes its capture anew when it is edited, and lets one that has begun go on', async () => {
    const bench = new Bench();
    await bench.create();
    bench.daemon();
    await bench.pass(HOUR + 250);
    await bench.schedules.edit(bench.alice, 'hourly', { cron: '30 * * * *', name: 'half' });
    expect(bench.shown()).toEqual([
      'hourly 2026-11-22 13:00 RUNNING',
      'half 2026-11-22 13:30 SCHEDULED',
    ]);
  });

  it('leaves its captures when it is deleted, all but the one to come', async () => {
    const bench = new Bench();
    await bench.create();
    bench.daemon();
    await bench.pass(HOUR + 250);
    await bench.schedules.delete(bench.alice, 'hourly');
    await bench.pass(2 * HOUR);
    expect(bench.shown()).toEqual(['hourly 2026-11-22 13:00 DONE']);
  });

  it('starts months ahead at its instant, further than any timer reaches', async () => {
    const bench = new Bench();
    await bench.create({ name: 'quarterly', cron: '0 0 1 1,4,7,10 *' });
    const due = Date.parse('2027-01-01T00:00:00Z');
    // Daemons come and go; the time between them passes without any.
    bench.clock.set(due - MINUTE);
    bench.daemon();
    await bench.clock.advance(MINUTE + 250);
    const [first] = bench.captures();
    expect((first?.start ?? 0) - due).toBeLessThanOrEqual(250);
    expect(bench.captures().at(-1)?.name).toBe('quarterly 2027-04-01 00:00');
  });
});

describe('occurrences that were missed', () => {
  it('are one FAILED capture that says how many, from when to when, and why', async () => {
    const bench = new Bench();
    const { id } = await bench.create({ timeZone: 'America/New_York' });
    bench.clock.set(NOON + 7.5 * HOUR);
    bench.daemon();
    await bench.clock.advance(250);
    expect(bench.shown()).toEqual([
      'hourly 2026-11-22 08:00 FAILED',
      'hourly 2026-11-22 15:00 SCHEDULED',
    ]);
    expect(bench.captures()[0]?.reason).toBe(
      'missed 7 starts from 2026-11-22 08:00 -05:00 to 2026-11-22 14:00 -05:00 (America/New_York): no daemon was running',
    );
    expect(bench.schedule(id)).toMatchObject({ passed: 7, missed: 7 });
  });

  it('let the last of them start late when that is within the grace', async () => {
    const bench = new Bench();
    await bench.create();
    bench.clock.set(NOON + 3 * HOUR + 5 * MINUTE);
    bench.daemon();
    await bench.clock.advance(250);
    expect(bench.shown()).toEqual([
      'hourly 2026-11-22 13:00 FAILED',
      'hourly 2026-11-22 15:00 RUNNING',
      'hourly 2026-11-22 16:00 SCHEDULED',
    ]);
    expect(bench.captures()[0]?.reason).toContain('missed 2 starts');
    const late = bench.captures()[1];
    expect((late?.scheduledEnd ?? 0) - (late?.start ?? 0)).toBe(15 * MINUTE);
  });

  it('are never a burst, however often they recur', async () => {
    const bench = new Bench();
    await bench.create({ name: 'minutely', cron: '* * * * *', duration: MINUTE });
    bench.clock.set(NOON + 30 * DAY + 30_000);
    bench.daemon();
    await bench.clock.advance(250);
    expect(bench.shown()).toEqual([
      'minutely 2026-11-22 12:01 FAILED',
      'minutely 2026-12-22 12:00 RUNNING',
      'minutely 2026-12-22 12:01 SCHEDULED',
    ]);
    expect(bench.captures()[0]?.reason).toContain('missed more than 4999 starts');
  });

  it('say that it was the clock when a daemon was there all the time', async () => {
    const bench = new Bench();
    await bench.create();
    bench.daemon();
    await bench.clock.advance(MINUTE);
    bench.clock.set(bench.clock.now() + 4.5 * HOUR);
    await bench.clock.advance(4_000);
    expect(bench.captures()[0]).toMatchObject({ status: 'FAILED' });
    expect(bench.captures()[0]?.reason).toMatch(
      /^missed 4 starts .*: the machine was asleep or its clock was set forward$/,
    );
  });

  it('count towards the count, which can end the schedule among them', async () => {
    const bench = new Bench();
    const { id } = await bench.create({ count: 3 });
    bench.clock.set(NOON + DAY);
    bench.daemon();
    await bench.clock.advance(250);
    expect(bench.shown()).toEqual(['hourly 2026-11-22 13:00 FAILED']);
    expect(bench.captures()[0]?.reason).toContain('missed 3 starts');
    expect(bench.schedule(id)).toMatchObject({ state: 'over', passed: 3 });
  });
});

describe('occurrences that overlap', () => {
  it('are skipped while the one before runs, and the trail says so', async () => {
    const bench = new Bench();
    const { id } = await bench.create({ duration: 90 * MINUTE });
    bench.daemon();
    await bench.pass(3 * HOUR + 250);
    expect(bench.shown()).toEqual([
      'hourly 2026-11-22 13:00 DONE',
      'hourly 2026-11-22 15:00 RUNNING',
      'hourly 2026-11-22 16:00 SCHEDULED',
    ]);
    expect(bench.schedule(id)).toMatchObject({ passed: 3, skipped: 1, missed: 0 });
    const skip = bench.test.store.audit
      .list({
        environmentIds: [bench.environment.id],
        ownOf: null,
        everythingElse: false,
        subject: null,
        since: null,
        limit: null,
      })
      .find(({ action }) => action === 'schedule.skip');
    expect(skip).toMatchObject({
      author: { userName: 'daemon' },
      details: { capture: 'hourly 2026-11-22 14:00' },
      reason: expect.stringMatching(/^hourly 2026-11-22 13:00 \(id \d+\) was still running$/),
    });
  });

  it('run side by side where that is allowed', async () => {
    const bench = new Bench();
    await bench.create({ duration: 90 * MINUTE, overlap: 'allow' });
    bench.daemon();
    await bench.pass(2 * HOUR + 250);
    expect(bench.shown()).toEqual([
      'hourly 2026-11-22 13:00 RUNNING',
      'hourly 2026-11-22 14:00 RUNNING',
      'hourly 2026-11-22 15:00 SCHEDULED',
    ]);
  });

  it('do not when one ends at the instant at which the next begins', async () => {
    const bench = new Bench();
    const { id } = await bench.create({ duration: HOUR });
    bench.daemon();
    await bench.pass(4 * HOUR + 250);
    expect(bench.schedule(id)).toMatchObject({ passed: 4, skipped: 0, missed: 0 });
  });
});

describe('a row that is broken', () => {
  /** Changes the store as nobody should, or as a newer version would have. */
  function tamper(bench: Bench, sql: string): void {
    const db = new Database(join(bench.test.store.directory, 'captures.db'));
    db.exec(sql);
    db.close();
  }

  it.each([
    [
      'a time zone that this Node does not know',
      "UPDATE schedules SET time_zone = 'Mars/Olympus' WHERE id = 1",
      'There is no time zone "Mars/Olympus"',
    ],
    [
      'an expression that cannot be read',
      "UPDATE schedules SET cron = 'every day' WHERE id = 1",
      'The cron expression "every day" cannot be read',
    ],
    [
      'an instant that is none',
      'UPDATE schedules SET cursor_at = 9000000000000000, pending_at = 8999999999999999, pending_capture_id = NULL WHERE id = 1',
      'Invalid',
    ],
  ])('with %s pauses one schedule and keeps no other from its start', async (_what, sql, why) => {
    const bench = new Bench();
    const broken = await bench.create({ name: 'broken' });
    const well = await bench.create({ name: 'well' });
    tamper(bench, sql);
    const daemon = bench.daemon();
    await bench.pass(2 * HOUR);
    expect(bench.shown()).toContain('well 2026-11-22 14:00 RUNNING');
    expect(bench.schedule(well.id)).toMatchObject({ state: 'active', trouble: null });
    expect(bench.schedule(broken.id).state).toBe('paused');
    expect(bench.schedule(broken.id).trouble).toContain(why);
    expect(daemon.events.filter((event) => event === 'schedule paused')).toHaveLength(1);
    expect(await bench.schedules.list(bench.alice, null)).toHaveLength(2);
  });

  it('says what is wrong when it is resumed, and goes on once that is put right', async () => {
    const bench = new Bench();
    const { id } = await bench.create();
    tamper(bench, "UPDATE schedules SET time_zone = 'Mars/Olympus'");
    bench.daemon();
    await bench.pass(HOUR);
    expect(bench.shown()).toEqual(['hourly 2026-11-22 13:00 FAILED']);
    expect(bench.captures()[0]?.reason).toContain('There is no time zone "Mars/Olympus"');
    await expect(bench.schedules.resume(bench.alice, 'hourly')).rejects.toThrow(
      'There is no time zone',
    );
    await bench.schedules.edit(bench.alice, 'hourly', { timeZone: 'UTC' });
    expect(bench.schedule(id)).toMatchObject({
      state: 'active',
      trouble: null,
      pendingAt: NOON + 2 * HOUR,
    });
  });

  it('and can be neither started nor failed is said once, and the others start', async () => {
    const bench = new Bench();
    const at = NOON + 15 * MINUTE;
    const [broken, well] = ['broken', 'well'].map((name) =>
      bench.test.capture(bench.alice, bench.environment, { name, scheduledStart: at }),
    );
    tamper(
      bench,
      `CREATE TRIGGER broken BEFORE UPDATE ON captures WHEN old.id = ${broken?.id}
       BEGIN SELECT RAISE(ABORT, 'row is broken'); END`,
    );
    const daemon = bench.daemon();
    await bench.pass(15 * MINUTE);
    expect(bench.shown()).toEqual(['broken SCHEDULED', 'well RUNNING']);
    expect(bench.captures()[1]?.id).toBe(well?.id);
    const later = bench.test.capture(bench.alice, bench.environment, {
      scheduledStart: NOON + 30 * MINUTE,
    });
    await bench.pass(15 * MINUTE);
    expect(bench.test.store.captures.find(later.id)?.status).toBe('RUNNING');
    expect(daemon.details.filter((event) => event.includes('row is broken'))).toEqual([
      'row of the store not readable {"message":"row is broken"}',
    ]);
  });
});

describe('a clock that jumps', () => {
  it('back by an hour repeats no start', async () => {
    const bench = new Bench();
    await bench.create();
    const daemon = bench.daemon();
    await bench.pass(HOUR + 250);
    bench.clock.set(bench.clock.now() - HOUR);
    await bench.pass(HOUR);
    expect(bench.shown()).toEqual([
      'hourly 2026-11-22 13:00 RUNNING',
      'hourly 2026-11-22 14:00 SCHEDULED',
    ]);
    await bench.pass(HOUR);
    expect(bench.shown()).toEqual([
      'hourly 2026-11-22 13:00 DONE',
      'hourly 2026-11-22 14:00 RUNNING',
      'hourly 2026-11-22 15:00 SCHEDULED',
    ]);
    expect(daemon.events).not.toContain('another daemon took over');
  });

  it('forward by an hour skips no start: one within the grace is late, one beyond is said to be missed', async () => {
    const bench = new Bench();
    const near = bench.test.capture(bench.alice, bench.environment, {
      scheduledStart: NOON + 65 * MINUTE,
      duration: 30 * MINUTE,
    });
    const far = bench.test.capture(bench.alice, bench.environment, {
      scheduledStart: NOON + 30 * MINUTE,
    });
    bench.daemon();
    await bench.clock.advance(10 * MINUTE);
    bench.clock.set(bench.clock.now() + HOUR);
    await bench.clock.advance(4_000);
    expect(bench.test.store.captures.find(near.id)).toMatchObject({ status: 'RUNNING' });
    expect(bench.test.store.captures.find(far.id)).toMatchObject({
      status: 'FAILED',
      reason: 'missed its start: the machine was asleep or its clock was set forward',
    });
  });

  it.each([
    ['a year', 365 * DAY, null],
    ['three hours', 3 * HOUR, null],
    ['a year, past its last instant', 365 * DAY, { until: NOON + 2 * DAY }],
    ['a year, past its count', 365 * DAY, { count: 5 }],
  ])('ahead by %s for eight seconds leaves no schedule idle', async (_what, ahead, request) => {
    const bench = new Bench();
    const { id } = await bench.create(request ?? {});
    bench.daemon();
    await bench.clock.advance(1_000);
    bench.clock.set(bench.clock.now() + ahead - 30 * MINUTE);
    await bench.clock.advance(8_000);
    expect(bench.schedule(id).missed).toBeGreaterThan(0);
    bench.clock.set(bench.clock.now() - ahead + 30 * MINUTE);
    await bench.clock.advance(1_000);
    expect(bench.schedule(id)).toMatchObject({
      state: 'active',
      pendingAt: NOON + HOUR,
      passed: 0,
      missed: 0,
    });
    await bench.pass(2 * HOUR);
    const ran = bench.shown().filter((line) => line.startsWith('hourly 2026-11-22 1'));
    expect(ran).toContain('hourly 2026-11-22 14:00 RUNNING');
    expect(bench.schedule(id)).toMatchObject({ passed: 2, missed: 0, pendingAt: NOON + 3 * HOUR });
  });

  it('back by some minutes does not bring back an occurrence that somebody deleted', async () => {
    const bench = new Bench();
    const { id } = await bench.create();
    bench.daemon();
    await bench.pass(20 * MINUTE);
    bench.test.captures.delete(bench.alice, String(bench.captures()[0]?.id));
    await bench.clock.advance(1_000);
    expect(bench.schedule(id)).toMatchObject({ pendingAt: NOON + 2 * HOUR, passed: 1 });
    bench.clock.set(bench.clock.now() - 10 * MINUTE);
    await bench.clock.advance(1_000);
    expect(bench.schedule(id)).toMatchObject({ pendingAt: NOON + 2 * HOUR, passed: 1 });
  });

  it('back by a year does not keep others standing by for a lease from the future', async () => {
    const bench = new Bench(NOON + 365 * DAY);
    bench.test.store.lease.claim(
      { holder: 'dead', host: 'here', pid: 9, background: false },
      bench.clock.now(),
      3_000,
    );
    bench.clock.set(NOON);
    const daemon = bench.daemon();
    await bench.clock.advance(5_000);
    expect(daemon.events).toContain('daemon active');
  });

  it('back by an hour does not keep a lease alive whose daemon is dead', async () => {
    const bench = new Bench();
    bench.test.store.lease.claim(
      { holder: 'dead', host: 'here', pid: 9, background: false },
      bench.clock.now(),
      3_000,
    );
    bench.clock.set(bench.clock.now() - HOUR);
    const daemon = bench.daemon();
    await bench.clock.advance(2_500);
    expect(daemon.events).toEqual([
      'another daemon is active: standing by, takes over when it ends',
    ]);
    await bench.clock.advance(2_500);
    expect(daemon.events).toContain('daemon active');
  });

  it('back by an hour leaves the lease with its holder while that is alive', async () => {
    const bench = new Bench();
    const first = bench.daemon();
    await bench.clock.advance(2_000);
    const second = bench.daemon();
    bench.clock.set(bench.clock.now() - HOUR);
    await bench.clock.advance(20_000);
    expect(first.events).toContain('daemon active');
    expect(first.events).not.toContain('another daemon took over');
    expect(second.events).toEqual([
      'another daemon is active: standing by, takes over when it ends',
    ]);
  });
});
