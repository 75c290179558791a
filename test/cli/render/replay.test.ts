import { describe, expect, it } from 'vitest';
import { plainPaint } from '../../../src/cli/render/paint.ts';
import { replayJsonPieces, replayNoun } from '../../../src/cli/render/replay/replay-noun.ts';
import { renderReplayDigest } from '../../../src/cli/render/replay/replay-digest.ts';
import { renderReplayPlan } from '../../../src/cli/render/replay/replay-plan.ts';
import { renderReplay } from '../../../src/cli/render/replay/replay-screen.ts';
import { accountingText, otherOptionTexts } from '../../../src/cli/render/replay/replay-words.ts';
import { displayWidth } from '../../../src/cli/render/width.ts';
import { REPLAY_SORT_KEYS, sortedReplayRows } from '../../../src/core/replays/replay-row-order.ts';
import { readReplayReport } from '../../../src/core/replays/replay-report-reader.ts';
import { EVERY_STATEMENT } from '../../../src/core/workloads/statement-search.ts';
import {
  replay,
  replayResult,
  replayRow,
  REPLAY_AS_USUAL,
  SOME_PLAN,
} from '../../support/replays.ts';

const VIEW = {
  width: 80,
  wallClock: (at: number) => at,
  zone: 'UTC',
  ascii: false,
  paint: plainPaint,
};
const ALL = { limit: null, sort: 'time' } as const;

/** Numbers of a table of accounting: those of its lines, and of the last one. */
function sumsOf(screen: string): { readonly lines: number[][]; readonly total: number[] } {
  const numbers = screen
    .split('\n')
    .map((line) => /^ *([\d,]+) +([\d,]+) +(?:sent|skipped|failed|in the record)/.exec(line))
    .flatMap((found) => (found === null ? [] : [found.slice(1, 3)]))
    .map((pair) => pair.map((text) => Number(text.replaceAll(',', ''))));
  return { lines: numbers.slice(0, -1), total: numbers.at(-1) ?? [] };
}

const HOSTILE = 'SELECT \u001b[31m\u202e\n\u0007 1';

describe('the screen of a replay', () => {
  it('accounts for every record: lines add up to the last one', () => {
    const { lines, total } = sumsOf(renderReplay(replay(), ALL, VIEW));
    expect(total).toEqual([80_312, 71_711]);
    expect(lines.length).toBe(6);
    for (const column of [0, 1]) {
      expect(lines.reduce((sum, line) => sum + (line[column] ?? 0), 0)).toBe(total[column]);
    }
  });

  it('adds up with more codes of errors than it has lines for', () => {
    const failed = Object.fromEntries(
      Array.from({ length: 60 }, (_, index) => [String(1_000 + index), index + 1]),
    );
    const sum = Object.values(failed).reduce((one, other) => one + other, 0);
    const all = { records: sum + 5, sent: 5, skipped: {}, failed };
    const result = replayResult({ ...all, statements: all, errors: [] });
    const screen = renderReplay(replay({ result }), ALL, VIEW);
    const { lines, total } = sumsOf(screen);
    expect(screen).toContain('40 other codes');
    expect(lines.reduce((one, line) => one + (line[0] ?? 0), 0)).toBe(total[0]);
  });

  it.each([40, 80, 120, 200])('fits %i columns, with texts that a terminal would obey', (width) => {
    const long = 'a very long text '.repeat(30);
    const result = replayResult({
      rows: [replayRow({ text: HOSTILE, db: HOSTILE }), replayRow({ text: long, db: null })],
      errors: [{ code: '1213', count: 100, message: `${HOSTILE}${long}` }],
      warnings: [HOSTILE, long],
      divergence: [long],
    });
    const one = replay({ result });
    const hostile = replay({
      result,
      capture: { ...one.capture, name: HOSTILE, environmentName: HOSTILE, reason: HOSTILE },
      stored: {
        ...one.stored,
        source: { ...one.stored.source, captureName: HOSTILE },
        target: { flavor: HOSTILE, version: HOSTILE, hostname: HOSTILE, port: 1 },
      },
    });
    const view = { ...VIEW, width };
    const row = result.rows[0] ?? replayRow();
    const target = {
      environment: HOSTILE,
      place: HOSTILE,
      server: { flavor: HOSTILE, version: HOSTILE, hostname: HOSTILE, port: 1 },
      isSource: true,
      isRecorded: true,
    };
    const plan = { ...SOME_PLAN, warnings: [HOSTILE], position: HOSTILE };
    const { source } = hostile.stored;
    const options = { ...REPLAY_AS_USUAL, databases: [{ recorded: HOSTILE, target: 'b' }] };
    for (const text of [
      renderReplay(hostile, ALL, view),
      renderReplayDigest(row, hostile, result, view),
      renderReplayPlan({ plan, source, target, options }, view),
    ]) {
      expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
      // Names that are typed again are never cut.
      const lines = text.split('\n').filter((line) => !/captures |mariadb-binlog/.test(line));
      expect(lines.filter((line) => displayWidth(line) > width)).toEqual([]);
    }
  });

  it('has as many digests as the terminal has room for', () => {
    const rows = Array.from({ length: 100 }, (_, index) =>
      replayRow({ digest: index.toString(16).padStart(16, '0'), count: 10 }),
    );
    const one = replay({ result: replayResult({ rows }) });
    const screen = renderReplay(one, ALL, VIEW, 50);
    expect(screen.split('\n').length).toBeLessThanOrEqual(50);
    expect(screen).toMatch(/9\d more digests: captures report 'copy\/friday on copy' --limit N/);
  });

  it('says why a replay ended before its end, and what was lost', () => {
    const one = replay();
    const screen = renderReplay(
      {
        ...one,
        capture: { ...one.capture, status: 'FAILED', reason: 'the target was lost' },
        result: replayResult({
          ended: { why: 'target_lost', message: 'connection refused' },
          sessions: { recorded: 5, opened: 5, mostAtOnce: 5, lost: 2 },
        }),
      },
      ALL,
      VIEW,
    );
    expect(screen).toContain('replay FAILED');
    expect(screen).toContain('ended       the target was lost');
    expect(screen).toContain('2 refused or lost');
  });

  it('says of one without a result how far it came', () => {
    const { stored } = replay();
    expect(renderReplay(replay({ result: null }), ALL, VIEW)).toContain('nothing was sent');
    const progress = { records: 10, sent: 4, skipped: 2, failed: 1, open: 3, lateMs: null };
    expect(
      renderReplay(replay({ result: null, stored: { ...stored, progress } }), ALL, VIEW),
    ).toContain('4 sent, 2 skipped, 1 failed of 10 records');
  });

  it('has ASCII alone where it is asked for', () => {
    const view = { ...VIEW, ascii: true };
    const result = replayResult();
    for (const row of result.rows) {
      expect(renderReplayDigest(row, replay(), result, view)).toMatch(/^[\x00-\x7f]*$/);
    }

    expect(renderReplay(replay(), ALL, view)).toMatch(/^[\x00-\x7f]*$/);
  });
});

describe('the JSON of a replay', () => {
  it('is the same piece by piece', () => {
    const one = replay();
    expect(JSON.parse([...replayJsonPieces(one)].join(''))).toEqual(replayNoun.toJson(one));
    const none = replay({ result: null });
    expect(JSON.parse([...replayJsonPieces(none)].join(''))).toEqual(replayNoun.toJson(none));
    const empty = replay({ result: replayResult({ rows: [] }) });
    expect(JSON.parse([...replayJsonPieces(empty)].join(''))).toEqual(replayNoun.toJson(empty));
  });

  it('is what captures diff reads', () => {
    const written: unknown = JSON.parse([...replayJsonPieces(replay())].join(''));
    const { replay: how, result } = readReplayReport(written, 'r.json');
    expect(how.options).toEqual(REPLAY_AS_USUAL);
    expect(result.rows.map(({ digest }) => digest)).toEqual(
      replayResult().rows.map(({ digest }) => digest),
    );
  });

  it('has the errors of a digest as one number, too', () => {
    const { result } = replayNoun.toJson(replay()) as { result: { rows: { errors: number }[] } };
    expect(result.rows.map(({ errors }) => errors)).toEqual([0, 0, 111]);
  });
});

describe('words of a replay', () => {
  it('sum up in one line', () => {
    const { records, sent, skipped, failed } = replayResult();
    expect(accountingText({ records, sent, skipped, failed })).toBe(
      '80,312 = 78,201 sent + 2,000 skipped (writes 1,500, echo 400, half_transaction 100) + 111 failed (1213: 100, 1146: 11)',
    );
    expect(accountingText({ records: 0, sent: 0, skipped: {}, failed: {} })).toBe(
      '0 = 0 sent + 0 skipped + 0 failed',
    );
  });

  it('say what was asked for', () => {
    const options = {
      ...REPLAY_AS_USUAL,
      sessions: 8,
      recordedTime: false,
      checksums: true,
      search: { ...EVERY_STATEMENT, users: ['app', 'web*'], texts: ['for update'] },
    };
    expect(otherOptionTexts(options, 'UTC')).toEqual([
      '8 connections at most',
      'NOW() is the real time',
      'a statement is broken off after 1m',
      'checksums of written tables',
      'only text "for update"',
      'only user app or web*',
    ]);
  });
});

describe('rows of a replay', () => {
  it.each(REPLAY_SORT_KEYS)('are sorted by %s, and none is lost', (key) => {
    const { rows } = replayResult();
    expect(sortedReplayRows(rows, key).toSorted()).toHaveLength(rows.length);
  });

  it('have the most first', () => {
    const rows = [replayRow({ p99Ms: 1 }), replayRow({ p99Ms: 3 }), replayRow({ p99Ms: 2 })];
    expect(sortedReplayRows(rows, 'p99').map(({ p99Ms }) => p99Ms)).toEqual([3, 2, 1]);
  });
});
