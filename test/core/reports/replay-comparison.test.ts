import { describe, expect, it } from 'vitest';
import { readReplayReport } from '../../../src/core/replays/replay-report-reader.ts';
import type { ReplayReport } from '../../../src/core/replays/replay-report.ts';
import {
  compareReplays,
  replayFailures,
} from '../../../src/core/reports/replay-comparison-rules.ts';
import type { ReplayComparison } from '../../../src/core/reports/replay-comparison.ts';
import { isInFull } from '../../support/proportion.ts';
import { randomNumbers } from '../../support/simulated-load.ts';
import {
  replayOf,
  replayRow,
  simulatedRecord,
  simulatedReplay,
  type SimulatedServer,
} from '../../support/simulated-replays.ts';

const DEADLOCK = '1213';
const PROGRAM = { name: 'captures', version: '0.1.0' };

function compared(a: ReplayReport, b: ReplayReport): ReplayComparison {
  return compareReplays(a, b, { threshold: 0.2, chanceErrors: new Set([DEADLOCK]) }, PROGRAM);
}

function simulated(
  seed: number,
  more: Partial<SimulatedServer>,
  ofA: Partial<SimulatedServer> = {},
) {
  const random = randomNumbers(seed);
  const record = simulatedRecord(20, 20_000, random);
  return {
    a: simulatedReplay(record, { random, ...ofA }),
    b: simulatedReplay(record, { random, ...more }),
  };
}

const idOf = (digest: number): string => digest.toString(16).padStart(16, '0');

/** Answers at one pace: 10 in each slice, of so many microseconds. */
function evenly(micros: number, perSlice = 10): number[][] {
  return Array.from({ length: 24 }, (_, slice) =>
    Array.from({ length: perSlice }, (_one, index) => micros + ((slice * 7 + index * 3) % 11)),
  );
}

describe('latencies', () => {
  it('of two replays on one server are equal, however restless it is', () => {
    const pairs = isInFull ? 200 : 20;
    for (const unrest of [0.03, 0.1]) {
      for (let seed = 1; seed <= pairs; seed++) {
        const { a, b } = simulated(seed, { unrest }, { unrest });
        const { slower, faster, common } = compared(a, b);
        expect({ seed, slower, faster }).toEqual({ seed, slower: [], faster: [] });
        expect({ seed, isChange: common?.isChange }).toEqual({ seed, isChange: false });
      }
    }
  });

  it('of a digest that is twice as slow are found, and of nothing else', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const { a, b } = simulated(seed, { slowness: (digest) => (digest === 3 ? 2 : 1) });
      const found = compared(a, b);
      expect(found.slower.map(({ digest }) => digest)).toEqual([idOf(3)]);
      expect(found.faster).toEqual([]);
      expect(compared(b, a).faster.map(({ digest }) => digest)).toEqual([idOf(3)]);
    }
  });

  it('of all digests that are slower are one finding, beside which the rest is judged', () => {
    const { a, b } = simulated(1, { slowness: (digest) => (digest === 3 ? 4 : 1.6) });
    const { common, slower, faster } = compared(a, b);
    expect(common).toMatchObject({ isChange: true, rows: 20 });
    expect(common?.factor).toBeGreaterThan(1.3);
    expect(common?.factor).toBeLessThan(1.7);
    expect(slower.map(({ digest }) => digest)).toEqual([idOf(3)]);
    expect(faster).toEqual([]);
  });

  it('are not judged by one wait of a minute', () => {
    const slow = evenly(500).map((slice, index) =>
      index === 5 ? [...slice.slice(1), 6e7] : slice,
    );
    const { slower, unchanged } = compared(
      replayOf([replayRow(1, evenly(500))]),
      replayOf([replayRow(1, slow)]),
    );
    expect({ slower, unchanged }).toEqual({ slower: [], unchanged: 1 });
  });

  it('are not told apart below what a client can measure', () => {
    const pair = (a: number, b: number) =>
      compared(replayOf([replayRow(1, evenly(a))]), replayOf([replayRow(1, evenly(b))]));
    expect(pair(60, 100).slower).toEqual([]);
    expect(pair(600, 1_000).slower).toHaveLength(1);
  });

  it('of too few answers, or not of the same ones, are not judged', () => {
    const few = compared(
      replayOf([replayRow(1, evenly(500, 1).slice(0, 7))]),
      replayOf([replayRow(1, evenly(5_000, 1).slice(0, 7))]),
    );
    expect(few).toMatchObject({ unjudged: { rows: 1, statements: 7 }, unchanged: 0 });
    const half = compared(
      replayOf([replayRow(1, evenly(500))]),
      replayOf([replayRow(1, evenly(5_000, 5), { recorded: 240, skipped: { session_lost: 120 } })]),
    );
    expect(half.unjudged.rows).toBe(1);
  });
});

describe('errors and rows', () => {
  const base = replayRow(1, evenly(500));
  const failing = (failed: Record<string, number>) =>
    replayRow(1, evenly(500), {
      failed,
      sent: base.count - Object.values(failed).reduce((sum, count) => sum + count, 0),
    });

  it('one error that the other replay has not is listed, with what the server said', () => {
    const [a, b] = [replayOf([base]), replayOf([failing({ '1292': 1 })])];
    const found = compared(a, b);
    expect(found.newErrors).toMatchObject([
      { code: '1292', message: 'error 1292', failedInA: 0, failedInB: 1, mayBeChance: false },
    ]);
    expect(found.otherRows).toEqual([]);
    expect(compared(b, a).goneErrors).toHaveLength(1);
    expect(replayFailures(found, ['errors', 'rows'])).toEqual([{ kind: 'errors', count: 1 }]);
    expect(replayFailures(compared(b, a), ['errors'])).toEqual([]);
  });

  it('one that depends on what else went on is chance, until it comes too often for that', () => {
    const one = compared(replayOf([base]), replayOf([failing({ [DEADLOCK]: 2 })]));
    expect(one.newErrors).toMatchObject([{ mayBeChance: true }]);
    expect(replayFailures(one, ['errors'])).toEqual([]);
    const many = compared(replayOf([base]), replayOf([failing({ [DEADLOCK]: 40 })]));
    expect(replayFailures(many, ['errors'])).toEqual([{ kind: 'errors', count: 1 }]);
  });

  it('an error that both have is listed where it comes much more often', () => {
    const pair = (a: number, b: number) =>
      compared(replayOf([failing({ '1062': a })]), replayOf([failing({ '1062': b })])).newErrors;
    expect(pair(5, 9)).toEqual([]);
    expect(pair(5, 60)).toHaveLength(1);
  });

  it('other rows of a digest that was done as often are listed', () => {
    const other = compared(
      replayOf([base]),
      replayOf([replayRow(1, evenly(500), { rowsReturned: base.count - 1 })]),
    );
    expect(other.otherRows).toMatchObject([
      { returned: { a: 240, b: 239 }, changed: { a: 0, b: 0 }, mayBeChance: false },
    ]);
    expect(replayFailures(other, ['rows'])).toEqual([{ kind: 'rows', count: 1 }]);
  });

  it('a small difference may be the order of sessions that write', () => {
    const write = (row: typeof base) => replayOf([row], {}, { writes: true });
    const small = replayRow(1, evenly(500), { rowsReturned: base.count - 1 });
    const none = replayRow(1, evenly(500), { rowsReturned: 0 });
    expect(compared(write(base), write(small)).otherRows).toMatchObject([{ mayBeChance: true }]);
    expect(compared(write(base), write(none)).otherRows).toMatchObject([{ mayBeChance: false }]);
  });

  it('what one replay did not send is in the other alone, with the reason', () => {
    const skipped = replayRow(1, [], { recorded: 240, skipped: { writes: 240 } });
    const found = compared(replayOf([skipped]), replayOf([base], {}, { writes: true }));
    expect(found.onlyInB).toMatchObject([{ statements: 240, why: 'writes' }]);
    expect(found.cautions.join()).toContain('A was read-only and B wrote');
    expect(found.sameLoad).toBe(false);
  });
});

describe('what cannot be compared as a whole', () => {
  const row = replayRow(1, evenly(500));
  const whole = replayOf([row]);
  const cut = (count: number, skipped: Record<string, number>) =>
    replayRow(1, evenly(500, count), { recorded: 240, skipped });
  const texts = (a: ReplayReport, b: ReplayReport): readonly string[] =>
    compared(a, b).incomparable;

  it('is said of a replay that sent nothing, lost sessions, or was ended', () => {
    expect(texts(whole, replayOf([cut(0, { session_lost: 240 })]))).toEqual([
      'B was not replayed whole: 240 of 240 statements were not sent, because connections were refused or lost',
    ]);
    const stopped = replayOf([cut(2, { interrupted: 180, session_lost: 12 })], {
      ended: { why: 'interrupted' },
    });
    const sentence =
      'B was not replayed whole: it was ended before its record did; 192 of 240 statements were not sent, 12 of them because connections were refused or lost';
    expect(texts(whole, stopped)).toEqual([sentence]);
    expect(texts(stopped, whole)).toEqual([sentence.replace('B', 'A')]);
    const failed = { ...whole, status: 'FAILED', reason: 'its player died' } as const;
    expect(texts(whole, failed)).toEqual(['B was not replayed whole: it failed (its player died)']);
  });

  it('is said of replays of other parts of the record, and of those that do not write alike', () => {
    const search = { ...whole.replay.options.search, tables: ['t1'] };
    expect(texts(whole, replayOf([row], {}, { search })).join()).toContain('different parts');
    expect(texts(whole, replayOf([row], {}, { writes: true })).join()).toContain('B wrote');
    expect(texts(whole, replayOf([row], {}, { speed: null, serial: true }))).toEqual([]);
  });

  it('is said where one has more than 1 % fewer answers than the other, whatever the reason', () => {
    const lost = (count: number) =>
      replayOf([
        row,
        replayRow(2, evenly(500).slice(0, -1), {
          count: 240 - count,
          recorded: 240,
          skipped: { transaction_lost: count },
        }),
      ]);
    const all = replayOf([row, replayRow(2, evenly(500))]);
    expect(texts(all, lost(4))).toEqual([]);
    expect(texts(all, lost(6))).toEqual([
      'A has 480 answers and B 474: their servers did not have the same to do',
    ]);
    expect(compared(all, lost(6)).sameLoad).toBe(false);
  });

  it('has errors of what only one sent', () => {
    const skipped = replayRow(1, [], { recorded: 240, skipped: { writes: 240 } });
    const failing = replayRow(1, evenly(500), { sent: 188, failed: { '1064': 52 } });
    const [a, b] = [replayOf([skipped]), replayOf([failing], {}, { writes: true })];
    const found = compared(a, b);
    expect(found).toMatchObject({
      newErrors: [],
      errorsOnlyInA: [],
      errorsOnlyInB: [{ code: '1064', failedInA: 0, failedInB: 52, mayBeChance: false }],
    });
    expect(replayFailures(found, ['errors'])).toEqual([{ kind: 'errors', count: 1 }]);
    expect(compared(b, a)).toMatchObject({ newErrors: [], errorsOnlyInA: [{ code: '1064' }] });
    expect(replayFailures(compared(b, a), ['errors'])).toEqual([]);
  });
});

describe('two replays', () => {
  it('of different records are refused', () => {
    const a = replayOf([replayRow(1, evenly(500))]);
    const { source } = a.replay;
    const other = (more: Partial<typeof source>): ReplayReport => ({
      ...a,
      replay: { ...a.replay, source: { ...source, ...more } },
    });
    expect(() => compared(a, other({ captureId: 9, captureName: 'monday' }))).toThrow(
      'A replayed shop/friday, and B shop/monday',
    );
    expect(compared(a, other({ captureId: 9 })).cautions).toEqual([
      'A and B are the same replay: there is nothing to find',
    ]);
    const longer = replayOf([replayRow(1, evenly(500, 12))]);
    expect(() => compared(a, longer)).toThrow('both named shop/friday');
  });

  it('with other paces, ends or lateness have cautions', () => {
    const rows = [replayRow(1, evenly(500))];
    const late = { count: 240, averageMs: 900, p50Ms: 800, p95Ms: 1e3, p99Ms: 2_000, maxMs: 9e3 };
    const a = replayOf(rows, { ended: { why: 'target_lost', message: 'the server went away' } });
    const b = replayOf(rows, { lateMs: late }, { speed: null });
    expect(compared({ ...a, id: 7 }, b).cautions).toEqual([
      'A was not replayed whole: its target was lost (the server went away)',
      'A was replayed as fast as recorded, B as fast as each session goes: latencies are of different loads',
      'B was late: 1 of 100 statements by 2s or more. The load was not as recorded, and latencies are of another load',
    ]);
  });

  it('are compared by the sums of their tables where their servers are of one kind', () => {
    const sums = (checksum: string) => ({ checksums: [{ table: 'shop.a', checksum }] });
    const a = replayOf([], sums('1'));
    const b = replayOf([], sums('2'));
    const found = compared(a, b);
    expect(found.checksums).toEqual({
      tables: 1,
      other: [{ table: 'shop.a', a: '1', b: '2' }],
      incomparable: null,
    });
    expect(replayFailures(found, ['checksums'])).toEqual([{ kind: 'checksums', count: 1 }]);
    expect(compared(a, a).checksums.other).toEqual([]);
    const target = { flavor: 'MySQL', version: '9.7.0', hostname: 'db', port: 1 } as const;
    const other = compared(a, { ...b, replay: { ...b.replay, target } }).checksums;
    expect(other).toMatchObject({ tables: 1, other: [] });
    expect(other.incomparable).toContain('MariaDB 10.11, MySQL 9.7');
    expect(compared(a, replayOf([])).checksums.incomparable).toBe('B did not sum its tables up');
  });
});

describe('a file with a replay', () => {
  const report = replayOf([replayRow(1, evenly(500))]);
  const written = (): unknown => {
    const { options } = report.replay;
    const search = { ...options.search, since: '2026-11-22T02:00:00.000Z' };
    const json = {
      ...report,
      replay: { ...report.replay, options: { ...options, deadline: 60, search } },
    };
    return JSON.parse(JSON.stringify(json));
  };

  it('is read, times and deadline as options have them', () => {
    const read = readReplayReport(written(), 'r.json');
    expect(read.replay.options.deadline).toBe(60_000);
    expect(read.replay.options.search.since).toBe(Date.parse('2026-11-22T02:00:00Z'));
    expect(read.result).toEqual(report.result);
  });

  it.each([
    [{ format: 'captures-report', type: 'x' }, /is not a replay: /],
    [{ formatVersion: 2 }, /newer version/],
    [{ result: null }, /had no result yet/],
    [{ result: { ...report.result, rows: 1 } }, /damaged replay: result\.rows is not a list/],
    [
      { result: { ...report.result, rows: [...report.result.rows, ...report.result.rows] } },
      /row 2 is there twice/,
    ],
    [
      { result: { ...report.result, rows: [{ ...report.result.rows[0], histogram: '////' }] } },
      /histogram is not a histogram/,
    ],
  ])('is refused where it is not one: %o', (more, message) => {
    expect(() => readReplayReport({ ...(written() as object), ...more }, 'r.json')).toThrow(
      message,
    );
  });
});
