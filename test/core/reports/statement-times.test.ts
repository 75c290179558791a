import { describe, expect, it } from 'vitest';
import {
  grownBetween,
  NOTHING_COUNTED,
  type DigestTotals,
} from '../../../src/core/reports/server-times.ts';
import {
  joinTimes,
  timesOf,
  type DigestTimes,
  type TimesInterval,
} from '../../../src/core/reports/statement-times.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import fc from '../../support/properties.ts';
import { TestStore } from '../../support/stores.ts';

const sums = (count: number) => ({
  count,
  micros: 1_000 * count,
  rowsSent: 2 * count,
  rowsExamined: 3 * count,
  errors: 0,
});
const times = (text: string, count: number, db: string | null = 'shop'): DigestTimes => {
  return { db, text, ...sums(count) };
};

describe('what a server counted between two readings', () => {
  type Step =
    { readonly ask: number; readonly times: number } | { readonly what: 'truncate' | 'read' };
  const anyStep: fc.Arbitrary<Step> = fc.oneof(
    { weight: 6, arbitrary: fc.record({ ask: fc.nat(3), times: fc.integer({ min: 1, max: 9 }) }) },
    { weight: 3, arbitrary: fc.constant({ what: 'read' as const }) },
    { weight: 1, arbitrary: fc.constant({ what: 'truncate' as const }) },
  );

  it('is never more than was executed, and all of it where nothing was truncated', () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 60 }), (steps) => {
        const table = new Map<string, DigestTotals>();
        const executed = [0, 0, 0, 0];
        const counted = [0, 0, 0, 0];
        let last = NOTHING_COUNTED;
        let truncations = 0;
        let noticed = 0;
        let isTold = false;
        const read = (): void => {
          const totals = new Map(table);
          const { grown, isTruncated } = grownBetween(last, { lost: 0, totals });
          for (const { name, sums: grew } of grown) {
            counted[Number(name)] = (counted[Number(name)] ?? 0) + grew.count;
            expect(grew.micros).toBe(1_000 * grew.count);
          }
          if (isTruncated) noticed += 1;
          expect(isTruncated).toBe(isTold && last.totals.size > 0);
          isTold = false;
          last = { lost: 0, totals };
        };
        for (const [at, step] of [...steps, { what: 'read' as const }].entries()) {
          if ('ask' in step) {
            const name = String(step.ask);
            const before = table.get(name);
            const count = (before?.count ?? 0) + step.times;
            table.set(name, { ...sums(count), since: before?.since ?? String(at) });
            executed[step.ask] = (executed[step.ask] ?? 0) + step.times;
          } else if (step.what === 'read') read();
          else {
            table.clear();
            truncations += 1;
            isTold = true;
          }
        }
        expect(noticed).toBeLessThanOrEqual(truncations);
        for (const [index, all] of executed.entries()) {
          expect(counted[index]).toBeLessThanOrEqual(all);
          if (truncations === 0) expect(counted[index]).toBe(all);
        }
      }),
    );
  });

  it('has the executions that no digest had room for, also behind a truncation', () => {
    const reading = (lost: number) => ({ lost, totals: new Map<string, DigestTotals>() });
    expect(grownBetween(reading(3), reading(10))).toMatchObject({ lost: 7, isTruncated: false });
    expect(grownBetween(reading(10), reading(3))).toMatchObject({ lost: 3, isTruncated: true });
  });
});

describe('the times of a window', () => {
  const stored = (intervals: readonly TimesInterval[]) => ({ intervalsOf: () => [...intervals] });
  const interval = (minute: number, count: number): TimesInterval => ({
    from: minute * 60_000,
    to: (minute + 1) * 60_000,
    why: null,
    digests: [times('SELECT 1', count)],
  });
  const hour = stored([interval(0, 1), interval(1, 10), interval(2, 100)]);

  it.each([
    ['all of it', null, null, 111, { from: 0, to: 180_000 }],
    ['its end', 60_000, null, 110, { from: 60_000, to: 180_000 }],
    ['whole intervals alone', 50_000, 130_000, 10, null],
    [
      'its edges, which are read some moments later',
      60_500,
      120_000,
      10,
      { from: 60_000, to: 120_000 },
    ],
    ['edges that are read some moments before it', 59_000, 121_000, 10, null],
    ['less than an interval', 70_000, 80_000, 0, null],
  ])('are of %s', (_what, since, until, count, read) => {
    const found = timesOf(hour, 1, since, until);
    expect(found.digests.reduce((sum, one) => sum + one.count, 0)).toBe(count);
    expect(found.read).toEqual(read);
  });

  it('say from when to when something is missing, and nothing twice', () => {
    const full: TimesInterval[] = [0, 1, 2].map((minute) => ({
      ...interval(minute, 1),
      why: minute < 2 ? 'full' : 'truncated',
    }));
    expect(timesOf(stored(full), 1, null, null).absence).toEqual([
      { why: 'full', from: '1970-01-01T00:00:00.000Z', to: '1970-01-01T00:02:00.000Z' },
      { why: 'truncated', from: '1970-01-01T00:02:00.000Z', to: '1970-01-01T00:03:00.000Z' },
    ]);
    expect(timesOf(stored(full), 1, 120_000, null).absence).toHaveLength(1);
  });

  it.each([
    ['as a whole', 70_000, 80_000, [null, null]],
    ['as a whole, across a reading', 50_000, 70_000, [null, null]],
    ['at its beginning', 30_000, 120_000, ['1970-01-01T00:00:30.000Z', '1970-01-01T00:01:00.000Z']],
    ['at its end', 60_000, 130_000, ['1970-01-01T00:02:00.000Z', '1970-01-01T00:02:10.000Z']],
  ])('of a part that lies between two readings %s say so', (_what, since, until, [from, to]) => {
    const { absence } = timesOf(hour, 1, since, until);
    expect(absence).toEqual([{ why: 'between_readings', from, to }]);
  });

  it.each([
    ['not_recorded', []],
    ['off', [{ from: 5, to: null, why: 'off', digests: [] }]],
  ] as const)('are %s for the whole window', (why, intervals) => {
    expect(timesOf(stored(intervals), 1, null, null)).toEqual({
      digests: [],
      absence: [{ why, from: null, to: null }],
      read: null,
    });
  });
});

describe('times joined with digests', () => {
  const ours = (text: string, count: number, db: string | null = 'shop') => ({ db, text, count });
  const keyOf = (text: string): string => text.toLowerCase().replace(/\d+/g, '?');

  it('are those of the digest, and the coverage is bounded by what was recorded', () => {
    const digests = [ours('select a', 10), ours('select b', 30), ours('select a', 5, null)];
    const joined = joinTimes(
      digests,
      50,
      [times('SELECT A', 8), times('SELECT B', 99), times('SELECT C', 7)],
      keyOf,
    );
    expect(joined.timesOf(ours('select a', 10))).toEqual({
      count: 8,
      totalMs: 8,
      averageMs: 1,
      rowsSent: 16,
      rowsExamined: 24,
      errors: 0,
      sharedBy: 1,
    });
    expect(joined.timesOf(ours('select a', 5, null))).toBeNull();
    expect(joined.coverage).toBe((8 + 30) / 50);
  });

  it('belong to several together where the server counts them as one', () => {
    const digests = [ours('in 1', 4), ours('in 2', 6)];
    const joined = joinTimes(digests, 10, [times('IN 3', 4), times('IN 4', 1)], keyOf);
    for (const digest of digests) {
      expect(joined.timesOf(digest)).toMatchObject({ count: 5, averageMs: 1, sharedBy: 2 });
    }
    expect(joined.coverage).toBe(0.5);
    // Once, though it is in the times of both.
    expect(joined.totalMs).toBe(5);
  });

  it('are none of what the server counted and did not time', () => {
    const untimed = [{ ...times('SELECT A', 8), micros: 0 }];
    const joined = joinTimes([ours('select a', 8)], 8, untimed, keyOf);
    expect([joined.timesOf(ours('select a', 8)), joined.coverage]).toEqual([null, 0]);
  });

  it('have no coverage where there are none', () => {
    expect(joinTimes([ours('select a', 8)], 8, [], keyOf).coverage).toBeNull();
  });
});

describe('stored times', () => {
  function setUp() {
    const test = new TestStore(new ManualClock());
    const alice = test.user();
    const environment = test.environment({ admin: [alice] });
    const capture = () => test.capture(alice, environment).id;
    return { test, capture, table: test.store.times };
  }
  const interval = (from: number, texts: readonly [number, string][], counts: number[]) => ({
    from,
    to: from + 60_000,
    why: null,
    digests: 2,
    texts: texts.map(([number, text]) => ({ number, db: null, text })),
    sums: counts.map((count, number) => [number, sums(count)] as const),
  });

  it('have each text once, also one that came later than its first sums', () => {
    const { table, capture } = setUp();
    const id = capture();
    table.add(id, interval(0, [[0, 'A']], [1, 2]));
    table.add(id, interval(60_000, [[1, 'B']], [10, 20]));
    const digests = table.intervalsOf(id).map((one) => one.digests);
    expect(digests).toEqual([
      [times('A', 1, null), times('B', 2, null)],
      [times('A', 10, null), times('B', 20, null)],
    ]);
    expect(table.digestsOf(id)).toBe(2);
    expect(table.intervalsOf(capture())).toEqual([]);
  });

  it('have an open interval until something was read', () => {
    const { table, capture } = setUp();
    const id = capture();
    table.setOpen(id, 5, 'off');
    table.setOpen(id, 5, 'failed');
    expect(table.intervalsOf(id)).toEqual([{ from: 5, to: null, why: 'failed', digests: [] }]);
    table.closeOpen(id, 9);
    table.add(id, interval(9, [[0, 'A']], [1]));
    table.setOpen(id, 60_009, 'failed');
    table.add(id, interval(60_009, [], [1]));
    const kept = table.intervalsOf(id).map(({ from, to, why }) => [from, to, why]);
    expect(kept).toEqual([
      [5, 9, 'failed'],
      [9, 60_009, null],
      [60_009, 120_009, null],
    ]);
  });

  it('go with their capture', () => {
    const { test, table, capture } = setUp();
    const id = capture();
    table.add(id, interval(0, [[0, 'A']], [1]));
    test.store.captures.delete(id, ['RUNNING']);
    expect(table.intervalsOf(id)).toEqual([]);
  });
});
