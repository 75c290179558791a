import { describe, expect, it } from 'vitest';
import { judgeTimes } from '../../../src/core/reports/time-judgement.ts';
import type { ReportRow, ReportTimes } from '../../../src/core/reports/report.ts';
import { EMPTY_ROW } from '../../support/reports.ts';

function timed(averageMs: number, count = 20_000, over: Partial<ReportTimes> = {}): ReportRow {
  const sums = { totalMs: averageMs * count, rowsSent: 0, rowsExamined: 0, errors: 0 };
  return { ...EMPTY_ROW, count, times: { ...sums, count, averageMs, sharedBy: 1, ...over } };
}

const STEADY = [2, 3, 4].map((ms) => ({ a: timed(ms), b: timed(ms) }));

describe('average times', () => {
  it.each([
    ['twice as long', timed(1), timed(2), 'slower'],
    ['half as long', timed(2), timed(1), 'faster'],
    ['hardly longer', timed(1), timed(1.3), 'unchanged'],
    ['twice as long with few executions', timed(1, 100), timed(2, 100), 'unchanged'],
    ['of fewer than 30 executions', timed(1, 29), timed(90, 29), null],
    ['of several digests together', timed(1), timed(9, 20_000, { sharedBy: 2 }), null],
    ['of a small part of the executions', timed(1), timed(9, 20_000, { count: 9_000 }), null],
    ['of one side', timed(1), { ...timed(9), times: null }, null],
  ])('%s', (_, a, b, expected) => {
    const { rows } = judgeTimes([...STEADY, { a, b }], 0.2);
    expect(rows.at(-1)?.verdict ?? null).toBe(expected);
  });

  it('of a slower machine are one finding', () => {
    const pairs = [1, 2, 3, 4, 5].map((ms) => ({ a: timed(ms), b: timed(2 * ms) }));
    const { rows, common } = judgeTimes(pairs, 0.2);
    expect(common).toMatchObject({ rows: 5, together: 5, isChange: true });
    expect(common?.factor).toBeCloseTo(2);
    expect(rows.map((row) => row?.verdict)).toEqual(Array(5).fill('unchanged'));
  });
});
