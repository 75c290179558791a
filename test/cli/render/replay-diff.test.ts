import { describe, expect, it } from 'vitest';
import { renderReplayDiff } from '../../../src/cli/render/diff/replay-diff-screen.ts';
import { TIMING_ERRORS } from '../../../src/cli/render/diff/timing-errors.ts';
import { plainPaint } from '../../../src/cli/render/paint.ts';
import type { ReportView } from '../../../src/cli/render/report/report-view.ts';
import { displayWidth } from '../../../src/cli/render/width.ts';
import type { ReplayReport } from '../../../src/core/replays/replay-report.ts';
import { compareReplays } from '../../../src/core/reports/replay-comparison-rules.ts';
import type { ReplayComparison } from '../../../src/core/reports/replay-comparison.ts';
import { randomNumbers } from '../../support/simulated-load.ts';
import {
  replayOf,
  replayRow,
  simulatedRecord,
  simulatedReplay,
} from '../../support/simulated-replays.ts';

const view: ReportView = {
  width: 80,
  wallClock: (at) => at,
  zone: 'UTC',
  ascii: false,
  paint: plainPaint,
};
const HOSTILE = 'SELECT \u001b]0;pwned\u0007 \u202e FROM t\n\twhere "<b>"';

function compared(a: ReplayReport, b: ReplayReport): ReplayComparison {
  const program = { name: 'captures', version: '0.1.0' };
  return compareReplays(a, b, { threshold: 0.2, chanceErrors: TIMING_ERRORS }, program);
}

/** With a finding of each kind, all of hostile statements. */
function everyKind(): ReplayComparison {
  const random = randomNumbers(8);
  const record = simulatedRecord(20, 20_000, random);
  const slowness = (digest: number): number => (digest === 1 ? 4 : digest === 2 ? 0.25 : 1);
  const hostile = ({ result }: ReplayReport) =>
    result.rows.map((row) => ({ ...row, text: HOSTILE, db: HOSTILE }));
  const before = hostile(simulatedReplay(record, { random }));
  const after = hostile(simulatedReplay(record, { random, slowness })).map((row, index) =>
    index === 4
      ? { ...row, sent: row.sent - 4, failed: { '1055': 3, '1213': 1 } }
      : index === 5
        ? { ...row, rowsReturned: 0 }
        : row,
  );
  const write = replayRow(99, [[500]], { text: HOSTILE });
  const skipped = replayRow(99, [], { text: HOSTILE, recorded: 1, skipped: { writes: 1 } });
  const errors = [{ code: '1055', count: 3, message: HOSTILE }];
  return compared(
    replayOf([...before, write], { checksums: [{ table: HOSTILE, checksum: '1' }] }),
    {
      ...replayOf([...after, skipped], { errors, checksums: [{ table: HOSTILE, checksum: '2' }] }),
      name: HOSTILE,
      id: 9,
    },
  );
}

const parts = { limit: null, all: true, metrics: [] };

describe('two replays on the screen', () => {
  it.each([80, 120])('fit %d columns, whatever their statements have in them', (width) => {
    const screen = renderReplayDiff(everyKind(), parts, { ...view, width });
    for (const line of screen.split('\n')) {
      expect(displayWidth(line), line).toBeLessThanOrEqual(width);
      expect(line).not.toMatch(/[\p{Cc}\u202e]/u);
    }
    for (const title of [
      'SLOWER 1 in B',
      'FASTER 1 in B',
      'NEW ERRORS 2 in B',
      'OTHER ROWS 1 though sent as often',
      'OTHER TABLES 1 by their sums',
      'ONLY IN A 1 was sent',
      'AS FAST 18',
    ]) {
      expect(screen).toContain(title);
    }
    expect(screen).toContain('1213?');
  });

  it('are ASCII where nothing else can be shown', () => {
    const screen = renderReplayDiff(everyKind(), parts, { ...view, ascii: true });
    expect(screen.replaceAll('\n', '')).toMatch(/^[ -~]+$/);
  });

  it('have fewer rows of a kind on a low terminal', () => {
    const random = randomNumbers(2);
    const record = simulatedRecord(30, 60_000, random);
    const slowness = (digest: number): number => (digest % 3 === 0 ? 3 : 1);
    const comparison = compared(
      simulatedReplay(record, { random }),
      simulatedReplay(record, { random, slowness }),
    );
    expect(comparison.slower.length).toBeGreaterThan(6);
    const all = renderReplayDiff(comparison, { ...parts, all: false }, view).split('\n');
    const low = renderReplayDiff(comparison, { ...parts, all: false }, view, 36).split('\n');
    expect(all.length).toBeGreaterThan(40);
    expect(low.length).toBeLessThanOrEqual(36);
    expect(low.join('\n')).toContain('(--limit N for more)');
  });

  it('say what all did together before what is different beside it', () => {
    const random = randomNumbers(4);
    const record = simulatedRecord(20, 20_000, random);
    const screen = renderReplayDiff(
      compared(
        simulatedReplay(record, { random }),
        simulatedReplay(record, { random, slowness: (digest) => (digest === 3 ? 6 : 1.7) }),
      ),
      { ...parts, all: false },
      view,
    );
    expect(screen).toMatch(/^B is 1\.\d times as slow as A; besides 1 digest slower\.\n/);
    expect(screen.replaceAll('\n', ' ')).toMatch(
      /\d+ of 20 digests changed together, \d+ % slower/,
    );
  });
});
