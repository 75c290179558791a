import { describe, expect, it } from 'vitest';
import { ALL_CAPTURES } from '../../src/core/captures/capture-list.ts';
import { LEASE_MS, MISSED_START } from '../../src/daemon/daemon.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { SERVER, TestStore } from '../support/stores.ts';
import { startDaemon, type RunningDaemon } from './daemons.ts';

const MINUTE = 60_000;

function start(
  test: TestStore,
  options: { background?: boolean; graceMs?: number; pid?: number } = {},
): RunningDaemon {
  return startDaemon(test.store.directory, test.clock, options);
}

function setUp() {
  const clock = new ManualClock();
  const test = new TestStore(clock);
  const alice = test.user();
  return { clock, test, alice, environment: test.environment({ admin: [alice] }) };
}

describe('a metrics-only capture', () => {
  it('starts at its instant and ends after its duration', async () => {
    const { clock, test, alice, environment } = setUp();
    const due = clock.now() + 5 * MINUTE;
    const { id } = test.capture(alice, environment, { scheduledStart: due, duration: 2 * MINUTE });
    start(test);
    await clock.advance(5 * MINUTE - 1);
    expect(test.store.captures.find(id)?.status).toBe('SCHEDULED');
    await clock.advance(250);
    const startedAt = test.store.captures.find(id)?.start ?? 0;
    expect(test.store.captures.find(id)?.status).toBe('RUNNING');
    expect(startedAt - due).toBeLessThanOrEqual(250);
    await clock.advance(2 * MINUTE);
    expect(test.store.captures.find(id)).toMatchObject({
      status: 'DONE',
      end: startedAt + 2 * MINUTE,
      reason: 'reached its scheduled end',
    });
  });

  it('that was missed within the grace starts late and keeps its full duration', async () => {
    const { clock, test, alice, environment } = setUp();
    const { id } = test.capture(alice, environment, {
      scheduledStart: clock.now() + MINUTE,
      duration: 2 * MINUTE,
    });
    await clock.advance(6 * MINUTE);
    start(test);
    await clock.advance(0);
    expect(test.store.captures.find(id)).toMatchObject({
      status: 'RUNNING',
      start: clock.now(),
      scheduledEnd: clock.now() + 2 * MINUTE,
    });
  });

  it('that was missed by more than the grace fails and says so', async () => {
    const { clock, test, alice, environment } = setUp();
    const { id } = test.capture(alice, environment, { scheduledStart: clock.now() + MINUTE });
    await clock.advance(12 * MINUTE);
    start(test);
    await clock.advance(0);
    expect(test.store.captures.find(id)).toMatchObject({ status: 'FAILED', reason: MISSED_START });
  });

  it('starts on time with 999 others due at the same instant', async () => {
    const { clock, test, alice, environment } = setUp();
    const due = clock.now() + MINUTE;
    for (let i = 0; i < 1_000; i++) test.capture(alice, environment, { scheduledStart: due });
    start(test);
    await clock.advance(MINUTE + 250);
    const statuses = test.captures
      .list(alice, { ...ALL_CAPTURES, statuses: ['RUNNING'] })
      .map((capture) => capture.start ?? 0);
    expect(statuses).toHaveLength(1_000);
    expect(Math.max(...statuses) - due).toBeLessThanOrEqual(250);
  });
});

describe('captures that end', () => {
  it('do so one by one at their instants, however close these are', async () => {
    const { clock, test, alice, environment } = setUp();
    const ids = Array.from(
      { length: 40 },
      (_, index) => test.capture(alice, environment, { duration: MINUTE + index * 30 }).id,
    );
    const daemon = start(test);
    const late: number[] = [];
    await clock.advance(MINUTE - 1_000);
    for (let ms = 0; ms < 3_000; ms += 10) {
      await clock.advance(10);
      for (const id of ids) {
        const { status, scheduledEnd } = test.store.captures.find(id) ?? {};
        if (status !== 'RUNNING' || (scheduledEnd ?? 0) > clock.now()) continue;
        late.push(clock.now() - (scheduledEnd ?? 0));
      }
    }
    expect(Math.max(0, ...late)).toBeLessThanOrEqual(20);
    expect(test.captures.list(alice, { ...ALL_CAPTURES, statuses: ['DONE'] })).toHaveLength(40);
    await daemon.leave();
  });
});

describe('a capture whose server is down', () => {
  it('fails with the reason and the time, and nothing is left to restore', async () => {
    const { clock, test, alice } = setUp();
    const environment = test.environment({ admin: [alice] }, { server: SERVER });
    const { id } = test.capture(alice, environment);
    start(test);
    await clock.advance(1_000);
    const capture = test.store.captures.find(id);
    expect(capture?.status).toBe('FAILED');
    expect(capture?.reason).toMatch(
      /^The server cannot be reached \(daemon on here, pid 1, at 2026-11-22T12:00:0\d\.\d{3}Z\)$/,
    );
    expect(test.store.taps.list()).toEqual([]);
  });
});

describe('the lease', () => {
  it('lets a second daemon take over when the first is gone without a word', async () => {
    const { clock, test } = setUp();
    test.store.lease.claim(
      { holder: 'dead', host: 'here', pid: 9, background: false },
      clock.now(),
      LEASE_MS,
    );
    const second = start(test);
    await clock.advance(LEASE_MS - 500);
    expect(second.events).toEqual([
      'another daemon is active: standing by, takes over when it ends',
    ]);
    await clock.advance(1_000);
    expect(second.events).toContain('daemon active');
  });

  it('is held by one of two daemons started at once, and passes on when that one leaves', async () => {
    const { clock, test } = setUp();
    const first = start(test, { pid: 1 });
    const second = start(test, { pid: 2 });
    await clock.advance(10_000);
    expect(test.store.lease.find()?.pid).toBe(1);
    await first.leave();
    await clock.advance(500);
    expect(second.events).toContain('daemon active');
    expect(test.store.lease.find()?.pid).toBe(2);
  });

  it('is given up without a write by a daemon that was asleep while another took over', async () => {
    const { clock, test } = setUp();
    const first = start(test);
    await clock.advance(0);
    clock.set(clock.now() + 60_000);
    test.store.lease.claim(
      { holder: 'other', host: 'there', pid: 7, background: false },
      clock.now(),
      MINUTE,
    );
    await clock.advance(1_500);
    expect(first.events).toContain('another daemon took over');
    expect(test.store.lease.find()?.holder).toBe('other');
  });
});

describe('a background daemon', () => {
  it('leaves when nothing is left to do, and releases the lease', async () => {
    const { clock, test } = setUp();
    const daemon = start(test, { background: true });
    await clock.advance(1_000);
    await daemon.done;
    expect(test.store.lease.find()).toBeNull();
  });

  it('leaves at once when another daemon is running', async () => {
    const { clock, test } = setUp();
    start(test);
    await clock.advance(0);
    const background = start(test, { background: true });
    await clock.advance(2_000);
    await background.done;
    expect(background.events).toEqual([
      'another daemon is active: standing by, takes over when it ends',
    ]);
  });
});
