import { describe, expect, it } from 'vitest';
import { renderDigest } from '../../../src/cli/render/report/report-detail.ts';
import { liveLines, renderLive, whyNotSorted } from '../../../src/cli/render/report/report-live.ts';
import { renderReport } from '../../../src/cli/render/report/report-screen.ts';
import { type ReportView } from '../../../src/cli/render/report/report-view.ts';
import { columnRates } from '../../../src/display/slice-rates.ts';
import { plainPaint } from '../../../src/cli/render/paint.ts';
import { displayWidth } from '../../../src/cli/render/width.ts';
import type { Report, ReportRow } from '../../../src/core/reports/report.ts';
import fc from '../../support/properties.ts';
import { reportOf, rowOf, timeAt, timedRow } from '../../support/reports.ts';

const ROWS = Array.from({ length: 20 }, (_, index) => rowOf(index));
const TIMED = Array.from({ length: 20 }, (_, index) => timedRow(index));
const WITH_TIMES = reportOf(TIMED, {
  sort: 'time',
  coverage: { ...reportOf([]).coverage, times: 0.97, timesMs: 4e6, timesAbsence: [] },
});

/** Nothing asked, and nothing to say. */
const QUIET = { notice: null, part: { since: null, until: null } };

const LISTED = reportOf([]).coverage.unlisted;
const UNLISTED = { count: 719_608, share: 0.5, perSecond: 199.9, slices: rowOf(3).slices };

function viewOf(width: number, changes: Partial<ReportView> = {}): ReportView {
  return {
    width,
    wallClock: (at) => at,
    zone: 'UTC',
    ascii: false,
    paint: plainPaint,
    ...changes,
  };
}

const BY_OTHERS: [string, Report][] = (
  ['table', 'user', 'host', 'db', 'class', 'session'] as const
).map((by) => [
  `by ${by}`,
  reportOf(
    ROWS.map((row, index) => ({
      ...row,
      digest: null,
      text: null,
      name: index === 3 ? null : `${by}_${'x'.repeat(index * 4)}`,
      opened: by === 'session' ? timeAt(index) : null,
    })),
    { by },
  ),
]);

const DAMAGED = reportOf(ROWS, {
  verdict: {
    verdict: 'not_whole',
    whole: false,
    line: 'NOT WHOLE: 1,400,000 commands are recorded, the server counted 1,400,123: 2 gaps, 123 missing',
    problems: Array.from({ length: 6 }, (_, index) => ({
      kind: 'gap',
      what: `A gap between ${timeAt(index)} and ${timeAt(index + 1)}: the server was restarted`,
      segment: null,
    })),
    notes: [],
  },
  gaps: [
    {
      from: timeAt(1_800),
      to: timeAt(2_000),
      cause: 'server_restarted',
      reason: 'the server was restarted',
      after: null,
      before: null,
      afterSeq: 9,
      missing: 123,
    },
  ],
});

const NASTY = "\u001b]0;owned\u0007\u009b31m \u202e\ttab\n'/* 日本語 */ \u0000 😀";
function hostile(row: ReportRow): ReportRow {
  const named = [{ name: NASTY, count: 3, reads: 1, writes: 1 }];
  const example = row.example === null ? null : { ...row.example, sql: NASTY, user: NASTY };
  return { ...row, text: NASTY, db: NASTY, users: named, hosts: named, tables: named, example };
}
const HOSTILE = reportOf(ROWS.map(hostile), {
  capture: {
    ...reportOf([]).capture,
    environment: NASTY,
    name: NASTY,
    server: { flavor: NASTY, version: NASTY },
  },
  verdict: {
    ...DAMAGED.verdict,
    line: NASTY,
    problems: [{ kind: 'gap', what: NASTY, segment: 1 }],
  },
  users: [{ name: NASTY, count: 9 }],
  dbs: [
    { name: NASTY, count: 9 },
    { name: null, count: 1 },
  ],
  tables: [{ name: NASTY, count: 9, reads: 9, writes: 0 }],
});
const RAW = /[^\P{Cc}\n]|\p{Cf}/u;

const REPORTS: [string, Report][] = [
  ['by digest', reportOf(ROWS)],
  ['with times', WITH_TIMES],
  ['that is not whole', DAMAGED],
  ['of nothing', reportOf([])],
  ['with names of others', HOSTILE],
  ...BY_OTHERS,
];

function never(): never {
  throw new Error('a row without times');
}

describe.each(REPORTS)('a report %s', (_what, report) => {
  it.each([
    [80, false],
    [120, false],
    [80, true],
    [40, false],
  ])('fits %i columns, ASCII %s, and shows nothing that a terminal obeys', (width, ascii) => {
    const view = viewOf(width, { ascii });
    const texts = [
      renderReport(report, view),
      ...report.rows.slice(0, 1).map((row) => renderDigest(row, report, view)),
      ...[24, 50].map((rows) =>
        renderLive(
          {
            type: 'reported',
            report,
            interval: { seconds: 2, perSecond: 90, rows: report.rows.map(({ count }) => count) },
          },
          { ...view, rows, now: 0, interval: 2_000, recent: [1, 2, 0, 4], ...QUIET },
        ).join('\n'),
      ),
    ];
    for (const text of texts) {
      expect(RAW.test(text)).toBe(false);
      // Commands to paste are not broken.
      const lines = text.split('\n').filter((line) => !/captures (verify|report|help)/.test(line));
      const wide = lines.filter((line) => displayWidth(line) > width);
      expect(wide).toEqual([]);
      if (ascii && report !== HOSTILE) expect(text).toMatch(/^[\x20-\x7e\n]*$/);
    }
  });
});

describe('the first screen of a report', () => {
  const screen = (report: Report, width = 80): string[] =>
    renderReport(report, viewOf(width)).split('\n').slice(0, 24);

  it('says what hits the database: window, verdict, rate, classes, and the first statements', () => {
    const lines = screen(WITH_TIMES);
    expect(lines[0]).toMatch(/^shop\/friday · DONE · 2026-11-29 21:00:00 to 22:00:00 \(1h\)/);
    expect(lines.join('\n')).toMatch(/WHOLE: 1,400,123 commands are recorded/);
    expect(lines.join('\n')).toMatch(/times +known for 97 % of the statements/);
    expect(lines.join('\n')).toMatch(/rate +[▁▂▃▄▅▆▇█]{20,} +\d+\/s, most \d+\/s in/);
    expect(lines.join('\n')).toMatch(/reads .*80 %.*writes .*20 %/);
    expect(lines.join('\n')).toMatch(/# {2}TIME % +COUNT +PER S +↓TOTAL +AVERAGE +EXAM EACH/);
    expect(lines.filter((line) => /^ {4}[0-9a-f]{8} {2}(SELECT|UPDATE) /.test(line)).length).toBe(
      6,
    );
  });

  it('writes large numbers of rows as it writes counts', () => {
    const [row] = TIMED;
    if (row?.times == null) throw new Error('no times');
    const times = { ...row.times, count: 10, rowsExamined: 262_000 };
    const text = screen({ ...WITH_TIMES, rows: [{ ...row, times }] }).join('\n');
    expect(text).toContain(' 26,200 ');
  });

  it('marks gaps under the rate, and lists the first of the problems', () => {
    const text = screen(DAMAGED).join('\n');
    expect(text).toMatch(/ ─+×+─+ {2}× gap/);
    expect(text.match(/^gap +A gap between/gm)).toHaveLength(4);
    expect(text).toContain('2 problems more: captures verify shop/friday');
  });

  it('has columns for users and tables where there is room', () => {
    expect(screen(WITH_TIMES, 70).join('\n')).not.toMatch(/TABLES/);
    expect(screen(WITH_TIMES, 120).join('\n')).toMatch(/USERS +TABLES/);
  });

  it.each([
    [
      { times: null, timesAbsence: [{ why: 'off', from: null, to: null }] },
      'times       unknown: the',
    ],
    [
      { times: 0.5, timesAbsence: [{ why: 'restarted', from: timeAt(60), to: timeAt(90) }] },
      'the server was restarted from 21:01:00 to 21:01:30',
    ],
    [{ times: null, timesAbsence: [] }, "unknown: the server's counts were not read at both ends"],
    [
      { times: 0.35, timesAbsence: [], unmeasured: 14_256 },
      "by the server's own count: this server does not measure executes of prepared statements (14,256)",
    ],
    [{ isRedacted: true, sample: 10 }, 'only        1 session of 10; literals redacted'],
    [{ leftOut: 12_345 }, '12,345 rows of the log left out'],
    [
      { unlisted: { ...LISTED, digests: 7_000 } },
      'not listed  7,000 statements (1 %): only the first 20 digests are told apart. These are counted by class, database, user and host; their tables are not known',
    ],
    [
      { unlisted: { ...LISTED, sessions: 7_000 } },
      '7,000 statements (1 %): only the first 61 sessions are told apart',
    ],
    [
      { unlisted: { ...LISTED, sessions: 1 } },
      'sessions    more than 61 sent statements; 12 logged in',
    ],
    [{ unlisted: { ...LISTED, digests: 1 } }, 'statements  719,608 of more than 20 digests: reads'],
    [{ unlisted: { ...LISTED, users: 1 } }, 'there are too many users to tell all of them apart'],
    [{ unlisted: { ...LISTED, hosts: 1 } }, 'there are too many hosts to tell all of them apart'],
    [
      { unlisted: { ...LISTED, databases: 1 } },
      'there are too many databases to tell all of them apart',
    ],
    [{ records: { committed: 100, read: 60 } }, 'covers      60 of 100 records (60 %)'],
  ] as const)('says what the numbers cover: %j', (changes, line) => {
    const base = reportOf(ROWS);
    const report = { ...base, coverage: { ...base.coverage, ...changes } } as Report;
    expect(
      screen(report)
        .join(' ')
        .replaceAll(/ {13,}/g, ' '),
    ).toContain(line);
  });

  it('says of a digest without times why that may be', () => {
    const coverage = { ...WITH_TIMES.coverage, unmeasured: 9 };
    const text = renderDigest(rowOf(1), { ...WITH_TIMES, coverage }, viewOf(120));
    expect(text).toContain('it does not measure executes of prepared statements');
    expect(renderDigest(rowOf(1), WITH_TIMES, viewOf(120))).not.toContain('it does not measure');
  });

  it('says of a RUNNING capture that times come with the first reading', () => {
    const base = reportOf(ROWS);
    const timesAbsence = [{ why: 'not_recorded', from: null, to: null }] as const;
    const coverage = { ...base.coverage, times: null, timesAbsence };
    const open = { ...base, coverage, window: { ...base.window, isOpen: true } };
    expect(screen(open).join('\n')).toContain('times       not read yet: the server');
    expect(screen({ ...base, coverage }).join('\n')).toContain('unknown: none were recorded');
  });

  it('says of a capture without statements that there are none', () => {
    const open = reportOf([], { window: { ...reportOf([]).window, isOpen: true } });
    expect(screen(open).join('\n')).toContain('No statement was recorded yet.');
  });
});

describe('a report on a terminal without --limit', () => {
  it.each([
    [24, 5, false],
    [30, 8, false],
    [50, 10, true],
  ])('of %i lines fits it, with %i rows at least and names: %s', (height, least, hasNames) => {
    const text = renderReport(WITH_TIMES, viewOf(80), height);
    const rows = text.match(/^ {4}[0-9a-f]{8} /gm) ?? [];
    expect(text.split('\n').length).toBeLessThanOrEqual(height);
    expect(rows.length).toBeGreaterThanOrEqual(least);
    expect(/^users /m.test(text)).toBe(hasNames);
    expect(text).toContain(`${20 - rows.length} more rows, `);
  });
});

describe('statements that no row can be made of', () => {
  const all = reportOf(ROWS, {
    statements: 1_439_216,
    digests: 20_000,
    unlisted: UNLISTED,
    coverage: {
      ...reportOf([]).coverage,
      unlisted: { ...LISTED, digests: 719_608 },
    },
  });

  it.each([80, 120])('are the last row at %i columns, with their share and when', (width) => {
    const lines = renderReport(all, viewOf(width)).split('\n');
    const index = lines.findIndex((line) => / 50\.0 % /.test(line));
    expect(lines[index]).toMatch(/^ +50\.0 % +█+ +719,608 +200 +[▁-█]{8,}$/);
    expect(lines[index + 1]).toBe('    (other)  all but the 20,000 digests that are told apart');
    expect(lines[index - 1]).toMatch(/^ {4}[0-9a-f]{8} /);
  });

  it('have a name where rows have one, and no reads and writes by table', () => {
    const text = renderReport({ ...all, by: 'table' }, viewOf(120));
    expect(text).toMatch(/^ +\(other\) +50\.0 % .* 719,608 .* - +- +- *$/m);
  });

  it('are named behind the names that are known', () => {
    const dbs = [{ name: 'shop', count: all.statements }];
    const text = renderReport({ ...all, dbs }, viewOf(120));
    expect(text).toMatch(/^users +app 719,608 \(50 %\), \(other\) 719,608 \(50 %\)$/m);
    expect(text).toMatch(/^databases +shop 1,439,216 \(100 %\)$/m);
    expect(text).toMatch(/^\(not known\) +50\.0 % +719,608 +- +-$/m);
    expect(renderReport({ ...all, by: 'class' }, viewOf(120))).toMatch(/ 1\+ /);
  });

  it('are said in each look of a report that is watched', () => {
    const view = { ...viewOf(120), rows: 30, now: 0, interval: 2_000, recent: [], ...QUIET };
    const live = { type: 'reported', report: all, interval: null } as const;
    expect(renderLive(live, view)[1]).toContain(
      'of more than 20,000 digests · 61 sessions · 50.0 % (other)',
    );
    expect(liveLines(live, 0)).toMatch(/ 50\.0 % +719,608 +\(other\)\n$/);
  });
});

describe('the order of rows', () => {
  const cells = (report: Report): string => renderReport(report, viewOf(120));

  it('by time has shares of time, and says where what is not measured stands', () => {
    const [row, unknown] = [timedRow(0), rowOf(1)];
    const timesMs = (row.times?.totalMs ?? 0) * 4;
    const coverage = { ...WITH_TIMES.coverage, timesMs };
    const text = cells({ ...WITH_TIMES, coverage, rows: [row, unknown] });
    expect(text).toMatch(/^1 +25\.0 % /m);
    expect(text).toMatch(/^2 +- /m);
    expect(text).toContain('- not measured: ranked as if each took the average time');
  });

  it.each([
    ['rate', '↓PER S'],
    ['sent', '↓SENT'],
    ['errors', '↓ERRORS'],
    ['examined', '↓EXAMINED'],
    ['first', '↓FIRST'],
    ['last', '↓LAST'],
  ] as const)('by %s has the column %s', (sort, header) => {
    expect(cells({ ...WITH_TIMES, sort, unlisted: UNLISTED })).toContain(header);
  });

  it('by time says of what is shared that it is in several rows', () => {
    const times = { ...(timedRow(0).times ?? never()), sharedBy: 2 };
    const shared = [timedRow(0), timedRow(1)].map((row) => ({ ...row, times }));
    const text = cells({ ...WITH_TIMES, rows: shared });
    expect(text.match(/ \d\S*s\* +\d\S*s\* /g)).toHaveLength(2);
    expect(text.replaceAll(/\s+/g, ' ')).toContain(
      'each of their rows has all of it: TIME % adds up to more than 100 %',
    );
  });

  it('by errors says whose errors are not known', () => {
    expect(cells({ ...WITH_TIMES, sort: 'errors' })).toMatch(/that the server cannot parse/);
  });

  it('by time is that by count, in all columns, where rows have no times', () => {
    const text = cells({ ...WITH_TIMES, by: 'session', rows: ROWS });
    expect(text).toMatch(/^order +by count: no session has times to sort by time$/m);
    expect(text).toMatch(/ SHARE +↓COUNT /);
    expect(text).toMatch(/█/);
    expect(text).not.toMatch(/TIME %|not measured/);
  });

  it('that cannot be had is said to be another', () => {
    const text = cells(reportOf(ROWS, { by: 'user', sort: 'average' }));
    expect(text).toMatch(/^order +by count: no user has times to sort by average$/m);
  });
});

describe('the columns of rows', () => {
  it.each([
    ['user', / app +14\.3 % .* 10\.0\.4\.17 .* orders \+1$/m],
    ['table', / shop\.order_items_2026 +14\.3 % /],
  ] as const)('by %s show names before they draw, at 80 columns', (by, line) => {
    const name = by === 'user' ? 'app' : 'shop.order_items_2026';
    const hosts = [{ name: '10.0.4.17', count: 9 }];
    const tables = ['shop.orders', 'shop.stock'].map((table) => ({
      ...{ name: table, count: 9, reads: 9, writes: 0 },
    }));
    const rows = [rowOf(0, { name, digest: null, text: null, hosts, tables })];
    expect(renderReport(reportOf(rows, { by }), viewOf(80))).toMatch(line);
  });
});

describe('a part of the window', () => {
  it.each([
    [-86_400, null, /^part +since 2026-11-28 21:00:00, before the capture began$/m],
    [60.5, null, /^part +since 2026-11-29 21:01:00\.500$/m],
    [60, 9_000, /^part +since .* 21:01:00; until .* 23:30:00, after the capture ended$/m],
  ])('is said as it was understood: since %f until %f', (since, until, line) => {
    const from = timeAt(Math.max(since, 0));
    const report = reportOf(ROWS, { window: { ...reportOf([]).window, from } });
    const at = (seconds: number | null) => (seconds === null ? null : Date.parse(timeAt(seconds)));
    const part = { since: at(since), until: at(until) };
    expect(renderReport(report, viewOf(100), null, part)).toMatch(line);
    expect(renderDigest(rowOf(1), report, viewOf(100), part)).toMatch(line);
    const live = { ...viewOf(100), rows: 24, now: 0, interval: 2_000, recent: [], ...QUIET, part };
    const look = { type: 'reported', report, interval: null } as const;
    expect(renderLive(look, live).join('\n')).toMatch(line);
  });
});

describe('a record of which a part is lost', () => {
  it('has counts and rates that are at least so much, and times of all', () => {
    const records = { committed: 1_500, read: 407 };
    const report = { ...WITH_TIMES, coverage: { ...WITH_TIMES.coverage, records } };
    const text = renderReport(report, viewOf(160));
    expect(text).toMatch(/^covers +407 of 1,500 .* so counts and rates are at least these$/m);
    expect(text).toMatch(/^times .* own count, which has those that cannot be read as well$/m);
  });
});

describe('the notes below the rows', () => {
  it('say how many more there are, in lines of the width', () => {
    const capture = { ...reportOf([]).capture, name: 'tuesday_night_before_the_deploy' };
    const report = reportOf(ROWS, { capture, otherRows: { rows: 24, statements: 215_600 } });
    const lines = renderReport(report, viewOf(80)).split('\n');
    const index = lines.findIndex((line) =>
      /^24 more rows, \d+\.\d % of the statements:$/.test(line),
    );
    expect(index).toBeGreaterThan(0);
    expect(lines[index + 1]).toMatch(/^ *captures report \S+ --limit N$/);
  });
});

describe('one digest in full', () => {
  it('rounds its times as the rows do', () => {
    const times = { ...(timedRow(2).times ?? never()), totalMs: 28_790 };
    const row = { ...timedRow(2), times };
    expect(renderDigest(row, WITH_TIMES, viewOf(80))).toContain('28.8s in all');
    expect(renderReport({ ...WITH_TIMES, rows: [row] }, viewOf(80))).toMatch(/ 28\.8s /);
    const one = { ...row, times: { ...times, rowsExamined: times.count } };
    expect(renderDigest(one, WITH_TIMES, viewOf(80))).toContain(' 1 row examined,');
  });

  it('has its whole text and an example, whatever their length', () => {
    const sql = `SELECT ${'long_column_name, '.repeat(200)}${'x'.repeat(300)}`;
    const row = timedRow(2);
    const example = row.example === null ? null : { ...row.example, sql, isCut: true };
    const text = renderDigest({ ...row, text: sql, example }, WITH_TIMES, viewOf(80));
    const shown = text.replaceAll(/\n {2}/g, '');
    expect(shown.split('x'.repeat(300))).toHaveLength(3);
    expect(shown.match(/long_column_name,/g)).toHaveLength(400);
    expect(text.split(/\s+/).join(' ')).toContain('cut here, whole in the workload');
    expect(text).toMatch(/times .*on average, .*in all,/);
  });
});

describe('slices brought to columns', () => {
  it('keep every statement, and none gets out of the window', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(1_000), { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: -5_000, max: 5_000 }),
        fc.integer({ min: 100, max: 100_000 }),
        (slices, columns, offset, length) => {
          const axis = { from: 1_000_000, width: 1_024, count: slices.length };
          const from = 1_000_000 + offset;
          const rates = columnRates(slices, { axis, from, to: from + length }, columns);
          const sum = rates.reduce((total, rate) => total + (rate * length) / columns / 1_000, 0);
          const all = slices.reduce((total, count) => total + count, 0);
          expect(rates).toHaveLength(columns);
          expect(sum).toBeCloseTo(all, 3);
        },
      ),
    );
  });
});

describe('a report that is watched, on a screen', () => {
  const screen = (width: number): string[] =>
    renderLive(
      { type: 'reported', report: WITH_TIMES, interval: null },
      { ...viewOf(width), rows: 24, now: 0, interval: 2_000, recent: [], ...QUIET },
    );

  it('has digests where there is room, how old times are, and how to quit', () => {
    expect(screen(120).join('\n')).toMatch(/ DIGEST +STATEMENT\n/);
    for (const width of [60, 80, 120]) {
      expect(screen(width).join('\n')).toContain('times are read once a minute');
    }
    expect(screen(40).at(-1)).toMatch(/^q quit /);
  });
});

describe('a key of a report that is watched', () => {
  const unread = reportOf(ROWS, { coverage: { ...WITH_TIMES.coverage, times: null } });
  const open = { ...unread, window: { ...unread.window, isOpen: true } };
  it.each([
    ['time', WITH_TIMES, null],
    ['count', open, null],
    ['time', open, "times not read yet: the server's counts are read once a minute"],
    ['average', reportOf(ROWS), /^times unknown: .*performance_schema does not count/],
    ['examined', { ...open, by: 'user' }, 'times unknown: the server does not measure by user'],
  ] as const)('that asks for %s says why it cannot be had', (key, report, why) => {
    const found = whyNotSorted(key, report, viewOf(80));
    if (why === null) expect(found).toBeNull();
    else expect(found).toMatch(why);
  });
});

describe('a report that is watched, as lines', () => {
  it('is a line with the time and a line for each row', () => {
    const report = reportOf(ROWS.slice(0, 2));
    const interval = { seconds: 2, perSecond: 50, rows: [40, 0.5] };
    const lines = liveLines({ type: 'reported', report, interval }, Date.parse(timeAt(9)));
    expect(lines.split('\n')).toEqual([
      expect.stringMatching(/^2026-11-29T21:00:09.000Z shop\/friday: DONE 1h, .* 50\/s now$/),
      expect.stringMatching(/^ +40\/s +80.0 % +200,003 {2}[0-9a-f]{8} {2}SELECT o\.id/),
      expect.stringMatching(/^ +0.500\/s +1.0 % +100,003 {2}/),
      '',
    ]);
  });
});
