import { describe, expect, it } from 'vitest';
import { renderDiff } from '../../../src/cli/render/diff/diff-screen.ts';
import { plainPaint } from '../../../src/cli/render/paint.ts';
import type { ReportView } from '../../../src/cli/render/report/report-view.ts';
import { compareReports, USUAL_THRESHOLD } from '../../../src/core/reports/comparison-rules.ts';
import type { Comparison } from '../../../src/core/reports/report-comparison.ts';
import type { Report } from '../../../src/core/reports/report.ts';
import { fallingRates, randomNumbers, simulatedReport } from '../../support/simulated-load.ts';

const RATES = fallingRates(8, 800);
const view: ReportView = {
  width: 80,
  wallClock: (at) => at,
  zone: 'UTC',
  ascii: false,
  paint: plainPaint,
};

function loadOf(seed: number, rates: readonly number[] = RATES, seconds = 30): Report {
  return simulatedReport({ load: 'steady', seconds, rates, random: randomNumbers(seed) });
}

function compared(a: Report, b: Report): Comparison {
  const program = { name: 'captures', version: '0.1.0' };
  return compareReports(a, b, { threshold: USUAL_THRESHOLD, per: null }, program);
}

function screen(comparison: Comparison, height: number | null = null, limit: number | null = null) {
  return renderDiff(comparison, { limit, all: false, metrics: [] }, view, height);
}

/** The report of a window that goes on for as long again, without a statement, or begins so. */
function withIdle(
  report: Report,
  where: 'before' | 'behind',
  length = report.window.seconds,
): Report {
  const { window } = report;
  const at = (time: string | null, seconds: number): string =>
    new Date(Date.parse(time ?? '') + seconds * 1_000).toISOString().replace('Z', '000Z');
  const { from, to, seconds } = window;
  const longer =
    where === 'before' ? { from: at(from, -length), to } : { from, to: at(to, length) };
  const share = seconds / (seconds + length);
  const rows = report.rows.map((row) => ({ ...row, perSecond: row.perSecond * share }));
  return {
    ...report,
    perSecond: report.perSecond * share,
    rows,
    window: { ...window, ...longer, seconds: seconds + length },
  };
}

const said = (text: string): string => text.replace(/\s+/g, ' ');

describe('a window that is idle for half of its time', () => {
  it.each([
    ['behind', '--until 2026-11-22T02:00:31Z'],
    ['before', '--since 2026-11-22T02:00:00Z'],
  ] as const)('%s its load is told, and how to leave that out', (where, option) => {
    const a = withIdle(loadOf(1), where);
    const comparison = compared(a, { ...loadOf(2), capture: { ...a.capture, name: 'tuesday' } });
    expect(comparison.cautions.join()).toMatch(/^A has no statements from .* \(50 % of it\): its/);
    const text = said(screen(comparison));
    expect(text).toContain(`captures report shop/monday ${option} --json > a.json`);
    expect(text).not.toContain('their client');
  });

  it('on both sides is none, and neither is a rare statement', () => {
    const both = compared(withIdle(loadOf(1), 'behind'), withIdle(loadOf(2), 'behind'));
    expect(both.cautions.join()).not.toContain('no statements');
    const short = (seed: number): Report => loadOf(seed, RATES, 3);
    expect(compared(withIdle(short(1), 'behind', 1.9), short(2)).cautions.join()).not.toContain(
      'no statements',
    );
    const longer = compared(withIdle(short(1), 'behind', 3), short(2)).cautions.join();
    const [, from = '', to = ''] = /from (\S+ \S+) UTC to (\S+ \S+) UTC/.exec(longer) ?? [];
    expect(from < to, longer).toBe(true);
    const rare = compared(loadOf(1, [0.3], 60), loadOf(2, [0.4], 60));
    expect(rare.cautions.join()).not.toContain('no statements');
  });
});

it('a record that cannot be read as a whole is not idle, but a cause', () => {
  const a = withIdle(loadOf(1), 'behind');
  const records = { committed: 2 * a.statements, read: a.statements };
  const damaged = { ...a, coverage: { ...a.coverage, records } };
  const comparison = compared(damaged, loadOf(2));
  expect(comparison.cautions.join()).not.toContain('no statements');
  expect(said(screen(comparison))).toMatch(/one change: A could not be read as a whole, which may/);
});

describe('rows that changed together', () => {
  const loop = (rates: readonly number[]): Report =>
    simulatedReport({ load: 'closed loop', seconds: 60, rates, random: randomNumbers(7) });
  const halved = RATES.map((rate, index) => (index === 1 ? rate : rate / 2));
  const comparison = compared(loop(RATES), loop(halved));

  it('are not those that are listed by themselves', () => {
    expect(comparison.more.map(({ name }) => name)).toEqual(['d1']);
    const { common, unchangedRows } = comparison;
    expect(common.names).not.toContain('d1');
    expect(unchangedRows.filter(({ name }) => common.names.includes(name))).toHaveLength(
      common.together,
    );
    expect(said(screen(comparison))).toContain(`${common.together} of 5 rows changed together`);
  });

  it('are named with what they are, and counted as unchanged by nobody', () => {
    const text = said(screen(comparison));
    expect(text).toMatch(/fewer in B: d0 "SELECT d0", d2 "SELECT d2", d3 "SELECT d3", 1 more\./);
    expect(text).not.toContain('0 rows unchanged');
  });
});

describe('on a terminal', () => {
  const rates = fallingRates(40, 4_000);
  const before = rates.map((rate, index) => (index % 3 === 0 ? 0 : rate));
  const after = rates.map((rate, index) => (index % 3 === 1 ? 0 : index === 2 ? rate * 2 : rate));
  const comparison = compared(loadOf(3, before), loadOf(4, after));
  const linesOf = (text: string): number => text.split('\n').length - 1;

  it.each([100, 60, 40, 24])('of %i lines it fits, with rows of each kind', (height) => {
    const text = screen(comparison, height);
    expect(linesOf(text)).toBeLessThan(height);
    expect(linesOf(text)).toBeGreaterThan(height === 100 ? 70 : height - 8);
    expect(text).toMatch(/^A {2}shop/);
    for (const title of ['NEW', 'GONE', 'MORE']) {
      expect(text).toMatch(new RegExp(`^${title} \\d+ in (?:A|B)(?:.|\\n)*? ([a-z]\\d+)  `, 'm'));
    }
  });

  it('that is too low it shows a row of each kind, and a limit that was asked for stays', () => {
    expect(screen(comparison, 5)).toMatch(/NEW \d+ .*the first 1 .*/);
    expect(screen(comparison, 24, 7)).toBe(screen(comparison, null, 7));
  });

  it('a number and its unit are in one line', () => {
    for (const width of [40, 47, 53, 61, 80]) {
      const text = renderDiff(comparison, { limit: 1, all: true, metrics: [] }, { ...view, width });
      expect(text).not.toMatch(/\d\n%/);
    }
  });
});

it('B that is older than A is a caution', () => {
  const [a, b] = [loadOf(1), loadOf(2)];
  const later = { ...a, window: { ...a.window, from: '2026-11-22T02:00:01.000000Z' } };
  expect(compared(later, b).cautions).toContain(
    'B is older than A: what is listed as new came first, and is gone in A',
  );
  expect(compared(b, later).cautions).toEqual([]);
});

it('a list of values that is gone and single ones that are new are a hint of N+1', () => {
  const texts = (report: Report, text: string): Report => ({
    ...report,
    rows: report.rows.map((row, index) =>
      index > 0
        ? row
        : {
            ...row,
            name: text,
            digest: text.length.toString().padStart(16, '0'),
            text,
            class: 'reads',
            tables: [{ name: 'shop.items', count: row.count, reads: row.count, writes: 0 }],
          },
    ),
  });
  const a = texts(loadOf(1), 'SELECT * FROM items WHERE id IN (?+)');
  const b = texts(loadOf(2, [900, ...RATES.slice(1)]), 'SELECT * FROM items WHERE id = ?');
  expect(said(screen(compared(a, b)))).toContain(
    'N+1? 00000000 on shop.items has one value where 00000000 had a list, IN (…), which B sends no more.',
  );
  expect(screen(compared(b, a))).not.toContain('N+1');
});

it('no row that changed is said otherwise where all together changed', () => {
  const twice = (report: Report): Report => ({ ...report, statements: report.statements * 2 });
  const comparison = compared(loadOf(1), twice(loadOf(2)));
  expect(said(screen(comparison))).toContain('No statement differs by more than chance may have');
  expect(screen(compared(loadOf(1), loadOf(2)))).toContain('\nNo differences.\n');
});
