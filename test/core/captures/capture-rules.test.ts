import { describe, expect, it } from 'vitest';
import { ALL_CAPTURES } from '../../../src/core/captures/capture-list.ts';
import type { CaptureRequest } from '../../../src/core/captures/capture-timing.ts';
import { isAppError } from '../../../src/core/errors.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { SERVER, TestStore } from '../../support/stores.ts';

const MINUTE = 60_000;

function setUp(options: { hasServer?: boolean } = {}) {
  const clock = new ManualClock();
  const test = new TestStore(clock);
  const alice = test.user('alice');
  const environment = test.environment(
    { admin: [alice] },
    { name: 'prod', ...(options.hasServer === true ? { server: SERVER } : {}) },
  );
  return { clock, now: clock.now(), test, alice, environment };
}

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (isAppError(error)) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'no refusal';
}

describe('create', () => {
  const { test, alice, environment, now } = setUp({ hasServer: true });
  const wrong: [string, Partial<CaptureRequest>, string][] = [
    [
      'a duration under 60 seconds',
      { duration: 59_999 },
      'invalid: Duration must be at least 60 seconds',
    ],
    [
      'a duration that is no number',
      { duration: NaN },
      'invalid: Duration must be at least 60 seconds',
    ],
    [
      'SCHEDULED without a start',
      { status: 'SCHEDULED' },
      'invalid: Cannot schedule without a schedule start time',
    ],
    [
      'a scheduled start after the year 9999',
      { scheduledStart: Date.UTC(10_000, 0) },
      'invalid: The scheduled start must be between the years 1970 and 9999',
    ],
    [
      'an end after the year 9999',
      { scheduledStart: Date.UTC(9999, 11, 31, 23, 59, 59), duration: MINUTE },
      'invalid: The scheduled end must be between the years 1970 and 9999',
    ],
    [
      'a start before 1970',
      { start: -1, duration: MINUTE },
      'invalid: The start must be between the years 1970 and 9999',
    ],
    [
      'a scheduled start in the past',
      { scheduledStart: now - 1 },
      'invalid: The scheduled start is in the past',
    ],
    [
      'a start in the future',
      { start: now + 1 },
      'invalid: The start of a capture cannot be in the future',
    ],
    [
      'a past start where statements are recorded',
      { start: now - MINUTE },
      'invalid: A capture that records statements cannot have started before now',
    ],
    [
      'a status against its scheduled start',
      { status: 'STARTED', scheduledStart: now + MINUTE },
      'invalid: A capture with a scheduled start has not started: its status is SCHEDULED',
    ],
    ['an empty name', { name: '' }, 'invalid: The capture name is empty'],
    [
      'a name of digits',
      { name: '42' },
      'invalid: The capture name is only digits, which would read as an id',
    ],
    ['a name with a slash', { name: 'a/b' }, 'invalid: The capture name contains "/"'],
    [
      'a name with an escape',
      { name: 'a\u001b[31m' },
      'invalid: The capture name has a character that cannot be printed',
    ],
    [
      'a name with a bidi override',
      { name: 'a\u202Eb' },
      'invalid: The capture name has a character that cannot be printed',
    ],
    [
      'a name of 65 characters',
      { name: 'x'.repeat(65) },
      'invalid: The capture name is longer than 64 characters',
    ],
    ['an unknown environment', { environment: 'nowhere' }, 'not_found: Environment does not exist'],
  ];
  it.each(wrong)('refuses %s and stores nothing', (_title, request, message) => {
    expect(refusal(() => test.capture(alice, environment, request))).toBe(message);
    expect(test.captures.list(alice, ALL_CAPTURES)).toEqual([]);
  });

  it('refuses a name that is taken in the environment, ignoring case', () => {
    const fresh = setUp();
    fresh.test.capture(fresh.alice, fresh.environment, { name: 'Nightly' });
    expect(
      refusal(() => fresh.test.capture(fresh.alice, fresh.environment, { name: 'NIGHTLY' })),
    ).toBe('invalid: Capture with the same name already exists in this environment');
    const other = fresh.test.environment({ admin: [fresh.alice] });
    expect(fresh.test.capture(fresh.alice, other, { name: 'nightly' }).status).toBe('RUNNING');
  });

  it('hands one that records to the daemon and runs a metrics-only one at once', () => {
    const recording = setUp({ hasServer: true });
    expect(recording.test.capture(recording.alice, recording.environment)).toMatchObject({
      status: 'STARTED',
      start: null,
      scheduledEnd: null,
    });
    const metrics = setUp();
    expect(
      metrics.test.capture(metrics.alice, metrics.environment, { duration: MINUTE }),
    ).toMatchObject({ status: 'RUNNING', start: metrics.now, scheduledEnd: metrics.now + MINUTE });
  });

  it('registers a window that has passed as DONE', () => {
    const fresh = setUp({ hasServer: true });
    const start = fresh.now - 10 * MINUTE;
    const capture = fresh.test.capture(fresh.alice, fresh.environment, {
      start,
      duration: 5 * MINUTE,
    });
    expect(capture).toMatchObject({
      status: 'DONE',
      start,
      end: start + 5 * MINUTE,
      scheduledEnd: start + 5 * MINUTE,
      recordsStatements: false,
    });
  });
});

describe('a metrics-only capture', () => {
  it('is settled with the end it was to have by whoever looks next', async () => {
    const { clock, test, alice, environment, now } = setUp();
    const { id } = test.capture(alice, environment, { duration: MINUTE });
    await clock.advance(10 * MINUTE);
    expect(test.captures.get(alice, String(id))).toMatchObject({
      status: 'DONE',
      end: now + MINUTE,
    });
    expect(refusal(() => test.captures.requestStop(alice, String(id)))).toBe(
      'conflict: This capture has already been stopped',
    );
  });

  it('is DONE at once when it is stopped', () => {
    const { test, alice, environment, now } = setUp();
    const { id } = test.capture(alice, environment);
    expect(test.captures.requestStop(alice, String(id))).toMatchObject({
      status: 'DONE',
      end: now,
      reason: null,
    });
  });
});

describe('edit', () => {
  it('moves a schedule, and the end of one that runs', async () => {
    const { clock, test, alice, environment, now } = setUp();
    const { id } = test.capture(alice, environment, {
      scheduledStart: now + MINUTE,
      duration: MINUTE,
    });
    const edit = { name: null, scheduledStart: now + 5 * MINUTE, duration: 2 * MINUTE };
    expect(test.captures.edit(alice, String(id), edit)).toMatchObject({
      scheduledStart: now + 5 * MINUTE,
      scheduledEnd: now + 7 * MINUTE,
    });
    const running = test.capture(alice, environment, { duration: 2 * MINUTE });
    await clock.advance(MINUTE);
    const longer = { name: null, scheduledStart: null, duration: 3 * MINUTE };
    expect(test.captures.edit(alice, String(running.id), longer).scheduledEnd).toBe(
      now + 3 * MINUTE,
    );
    expect(
      refusal(() => test.captures.edit(alice, String(running.id), { ...longer, duration: MINUTE })),
    ).toBe('invalid: With this duration the capture would already have ended');
  });

  it('refuses a name that is taken, and allows a change of case', () => {
    const { test, alice, environment } = setUp();
    const nothing = { scheduledStart: null, duration: null };
    test.capture(alice, environment, { name: 'one' });
    test.capture(alice, environment, { name: 'two' });
    expect(refusal(() => test.captures.edit(alice, 'two', { name: 'ONE', ...nothing }))).toBe(
      'invalid: Capture with the same name already exists in this environment',
    );
    expect(test.captures.edit(alice, 'two', { name: 'TWO', ...nothing }).name).toBe('TWO');
  });
});

describe('a capture is found', () => {
  it('by id, by name, and by environment and name', () => {
    const { test, alice, environment } = setUp();
    const { id } = test.capture(alice, environment, { name: 'nightly' });
    for (const ref of [
      String(id),
      'nightly',
      'Nightly',
      'prod/nightly',
      `${environment.id}/nightly`,
    ]) {
      expect(test.captures.get(alice, ref).id).toBe(id);
    }
    expect(refusal(() => test.captures.get(alice, 'other/nightly'))).toBe(
      'not_found: Capture not found',
    );
  });

  it('not by a name that is ambiguous: the candidates are listed', () => {
    const { test, alice, environment } = setUp();
    const stage = test.environment({ admin: [alice] }, { name: 'stage' });
    test.capture(alice, environment, { name: 'nightly' });
    test.capture(alice, stage, { name: 'nightly' });
    try {
      test.captures.get(alice, 'nightly');
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({
        code: 'invalid',
        hint: {
          code: 'say_which',
          candidates: [
            { environmentName: 'prod', name: 'nightly', id: 1 },
            { environmentName: 'stage', name: 'nightly', id: 2 },
          ],
        },
      });
    }
  });
});

describe('data of programs that no compiler checked', () => {
  const { test, alice, environment, now } = setUp({ hasServer: true });
  const create = (data: object) => () => test.capture(alice, environment, data);
  const list = (data: object) => () => test.captures.list(alice, { ...ALL_CAPTURES, ...data });
  it.each([
    ['a duration of half a millisecond', create({ duration: 60_000.5 }), 'Duration'],
    [
      'a scheduled start that is a Date',
      create({ scheduledStart: new Date(now + 1) }),
      'scheduled',
    ],
    ['a scheduled start that is no number', create({ scheduledStart: NaN }), 'scheduled start'],
    ['a start that is no number', create({ start: NaN }), 'start'],
    [
      'a status that no new capture has',
      create({ status: 'DONE' }),
      'SCHEDULED, STARTED, STARTING',
    ],
    ['an order that there is not', list({ order: 'size' }), 'created, name, start, end'],
    ['a list since a Date', list({ since: new Date(now) }), 'beginning'],
  ])('is refused: %s', (_what, work, words) => {
    expect(refusal(work)).toMatch(new RegExp(`^invalid: .*${words}`));
  });
});
