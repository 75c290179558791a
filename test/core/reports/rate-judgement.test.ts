import { describe, expect, it } from 'vitest';
import { compareReports, USUAL_THRESHOLD } from '../../../src/core/reports/comparison-rules.ts';
import type { Comparison } from '../../../src/core/reports/report-comparison.ts';
import type { Report } from '../../../src/core/reports/report.ts';
import { isInFull } from '../../support/proportion.ts';
import {
  fallingRates,
  LOADS,
  randomNumbers,
  simulatedReport,
  type Load,
} from '../../support/simulated-load.ts';

const PROGRAM = { name: 'captures', version: '0.1.0' };

interface Setting {
  readonly digests: number;
  /** Statements/s of all. */
  readonly total: number;
  /** Seconds of the two windows. */
  readonly windows: readonly [number, number];
  readonly pairs: number;
}

/** In full length: the figures of docs/diff.md. */
const SETTINGS: readonly Setting[] = isInFull
  ? [
      { digests: 5, total: 200, windows: [10, 10], pairs: 400 },
      { digests: 5, total: 20, windows: [60, 60], pairs: 400 },
      { digests: 40, total: 500, windows: [20, 20], pairs: 400 },
      { digests: 40, total: 500, windows: [20, 300], pairs: 200 },
      { digests: 300, total: 300, windows: [60, 60], pairs: 200 },
      { digests: 40, total: 5, windows: [3_600, 3_600], pairs: 200 },
      { digests: 5_000, total: 3_000, windows: [30, 30], pairs: 20 },
    ]
  : [
      { digests: 5, total: 200, windows: [10, 10], pairs: 20 },
      { digests: 40, total: 500, windows: [20, 20], pairs: 20 },
      { digests: 40, total: 5, windows: [600, 3_600], pairs: 10 },
    ];

function compared(a: Report, b: Report): Comparison {
  return compareReports(a, b, { threshold: USUAL_THRESHOLD, per: null }, PROGRAM);
}

/** What is claimed: what chance may have made is not. */
function claims(comparison: Comparison): string[] {
  const { more, fewer } = comparison;
  const named = (kind: string, rows: Comparison['new']): string[] =>
    rows.filter(({ mayBeChance }) => !mayBeChance).map(({ name }) => `${kind} ${name ?? ''}`);
  return [
    ...named('new', comparison.new),
    ...named('gone', comparison.gone),
    ...named('more', more),
    ...named('fewer', fewer),
  ];
}

function pairOf(
  load: Load,
  { digests, total, windows }: Setting,
  random: () => number,
  change: (rates: number[]) => number[] = (rates) => rates,
): Comparison {
  const rates = fallingRates(digests, total);
  const [seconds, other] = windows;
  return compared(
    simulatedReport({ load, seconds, rates, random }),
    simulatedReport({ load, seconds: other, rates: change([...rates]), random }),
  );
}

describe('two windows of one load', () => {
  it.each(LOADS)('differ in nothing: %s', { timeout: 600_000 }, (load) => {
    const random = randomNumbers(20);
    let falsePairs = 0;
    let pairs = 0;
    for (const setting of SETTINGS) {
      for (let pair = 0; pair < setting.pairs; pair += 1) {
        pairs += 1;
        if (claims(pairOf(load, setting, random)).length > 0) falsePairs += 1;
      }
    }
    if (isInFull) console.log(`${load}: ${falsePairs} of ${pairs} pairs of equal load differ`);
    expect(falsePairs).toBeLessThanOrEqual(isInFull ? pairs * 0.003 : 1);
  });
});

describe('of a load that changed', () => {
  const planted: Setting = { digests: 10, total: 2_000, windows: [30, 30], pairs: 20 };

  it.each([
    ['a digest that is 20 % more frequent', 1, 1.2, 'more d1'],
    ['a digest that is 20 % less frequent', 1, 0.8, 'fewer d1'],
    ['a new digest', 3, Infinity, 'new d3'],
    ['a digest that is gone', 3, 0, 'gone d3'],
  ])('%s is found each time, and nothing else', (_, digest, factor, expected) => {
    const random = randomNumbers(21);
    for (const load of ['steady', 'ramp', 'closed loop'] as const) {
      for (let pair = 0; pair < planted.pairs; pair += 1) {
        const rates = fallingRates(planted.digests, planted.total);
        const without = rates.map((rate, index) => (index === digest ? 0 : rate));
        const changed = rates.map((rate, index) =>
          index === digest && Number.isFinite(factor) ? rate * factor : rate,
        );
        const comparison = compared(
          simulatedReport({
            load,
            seconds: 30,
            rates: factor === Infinity ? without : rates,
            random,
          }),
          simulatedReport({ load, seconds: 30, rates: changed, random }),
        );
        expect(claims(comparison), `${load}, pair ${pair}`).toEqual([expected]);
      }
    }
  });

  it('a client that is twice as fast is one finding, and what changed besides is found beside it', () => {
    const random = randomNumbers(22);
    const found = pairOf('closed loop', planted, random, (rates) =>
      rates.map((rate, index) => rate * (index === 6 ? 3 : 2)),
    );
    expect(found.common).toMatchObject({ rows: 10, isChange: true });
    expect(found.common.factor).toBeGreaterThan(1.6);
    expect(claims(found)).toEqual(['more d6']);
  });
});
