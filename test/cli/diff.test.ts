import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Comparison } from '../../src/core/reports/report-comparison.ts';
import { ClosedPipe } from '../../src/cli/runtime/world.ts';
import type { Report } from '../../src/core/reports/report.ts';
import { initialisedHome, runCaptures, type CliResult } from '../support/cli.ts';
import { fallingRates, randomNumbers, simulatedReport } from '../support/simulated-load.ts';
import { temporaryFolder } from '../support/stores.ts';

const RATES = fallingRates(8, 800);

function reportOf(seed: number, rates: readonly number[] = RATES): Report {
  return simulatedReport({ load: 'steady', seconds: 30, rates, random: randomNumbers(seed) });
}

let folder: string;
beforeAll(() => {
  folder = temporaryFolder();
  write('main.json', reportOf(1));
  write('same.json', named(reportOf(2), 'tuesday'));
  const rates = RATES.map((rate, index) => (index === 1 ? rate * 3 : index === 6 ? 0 : rate));
  write('changed.json', named(reportOf(3, [...rates, 9]), 'tuesday'));
});

function named(report: Report, name: string): Report {
  return { ...report, capture: { ...report.capture, name } };
}

function write(name: string, content: unknown): void {
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  writeFileSync(join(folder, name), text);
}

function diff(argv: readonly string[], options: object = {}): Promise<CliResult> {
  return runCaptures(['diff', ...argv], { cwd: folder, ...options });
}

describe('two files', () => {
  it('are compared without a store and without a login', async () => {
    const { status, stdout, stderr } = await diff(['main.json', 'changed.json', '--json']);
    expect([status, stderr]).toEqual([0, '']);
    const comparison = JSON.parse(stdout) as Comparison;
    expect(comparison.format).toBe('captures-diff');
    expect(comparison.new.map(({ name, a, change }) => [name, a, change])).toEqual([
      ['d8', null, null],
    ]);
    expect(comparison.gone.map(({ name, b }) => [name, b])).toEqual([['d6', null]]);
    expect(comparison.more.map(({ name }) => name)).toEqual(['d1']);
    expect(comparison.more[0]?.change).toBeCloseTo(3, 0);
    expect(comparison.fewer).toEqual([]);
    expect(comparison.unchanged).toBe(6);
    expect(comparison.unchangedRows.map(({ name }) => name).toSorted()).toEqual(
      'd0 d2 d3 d4 d5 d7'.split(' '),
    );
    for (const { change, interval } of comparison.unchangedRows) {
      expect(interval?.[0]).toBeLessThan(change ?? 0);
      expect(interval?.[1]).toBeGreaterThan(change ?? 0);
    }
    expect(Object.keys(comparison.a)).not.toContain('rows');
  });

  it('of equal load have no differences', async () => {
    const { status, stdout } = await diff(['main.json', 'same.json', '-o', 'table']);
    expect(status).toBe(0);
    expect(stdout).toContain('No differences.');
    expect(stdout).toContain('8 rows unchanged');
  });

  it('are a row a change in TSV, and their names with -o name', async () => {
    const { stdout } = await diff(['main.json', 'changed.json']);
    const [header, ...lines] = stdout.trimEnd().split('\n');
    expect(header?.split('\t').slice(0, 3)).toEqual(['kind', 'name', 'db']);
    expect(lines.map((line) => line.split('\t').slice(0, 2))).toEqual([
      ['new', 'd8'],
      ['gone', 'd6'],
      ['more', 'd1'],
    ]);
    expect((await diff(['main.json', 'changed.json', '-o', 'name'])).stdout).toBe('d8\nd6\nd1\n');
  });

  it('list what did not change with --all, with its rates', async () => {
    const argv = ['main.json', 'changed.json', '--all'];
    const { stdout } = await diff([...argv, '--limit', '2']);
    expect(stdout.split('\n').map((line) => line.split('\t').slice(0, 2).join(' '))).toEqual([
      'kind name',
      'new d8',
      'gone d6',
      'more d1',
      expect.stringMatching(/^unchanged d/),
      expect.stringMatching(/^unchanged d/),
      '',
    ]);
    const screen = await diff([...argv, '--color', 'never'], { tty: 120 });
    expect(screen.stdout).toMatch(/UNCHANGED 6 by rate\n *CHANGE .*\n( *[-+].*\/s .*\n.*\n){6}\n/);
    expect(screen.stdout).not.toContain('--all lists them');
  });

  it('say how many large changes were left to chance', async () => {
    const rates = [400, 300, 200, 1.5];
    write('few.json', reportOf(21, rates));
    write('fewer.json', named(reportOf(22, [400, 300, 200, 1]), 'tuesday'));
    const { stdout } = await diff(['few.json', 'fewer.json', '-o', 'table']);
    const text = stdout.replace(/\s+/g, ' ');
    expect(text).toContain(
      '4 rows unchanged (by less than 20 %, or no more than chance; --all lists',
    );
    expect(text).toContain('1 of the unchanged differs by 20 % or more, but chance may have made');
  });

  it('that changed together name their rows, which are listed by themselves', async () => {
    const loop = (rates: readonly number[]): Report =>
      simulatedReport({ load: 'closed loop', seconds: 60, rates, random: randomNumbers(7) });
    write('fast.json', loop(RATES));
    write('slow.json', named(loop(RATES.map((rate) => rate / 2)), 'tuesday'));
    const argv = ['fast.json', 'slow.json', '--all', '--color', 'never'];
    const { stdout } = await diff(argv, { tty: 100 });
    const text = stdout.replace(/\s+/g, ' ');
    expect(text).toMatch(
      /5 of 5 rows changed together, \d\d % fewer in B: d0 "SELECT d0", d1 "SELECT d1", d2 "SELECT d2", 2 more\. 3 rarer rows did the same/,
    );
    expect(text).toContain('This is one change: their client sends less, or waits longer');
    expect(text).toMatch(/No other differences\. TOGETHER 8 in B, as the others did/);
    expect(text).toContain('8 rows changed only as the others did. ');
  });

  it('one of which did not change with the others show what was judged, also when that fails', async () => {
    const loop = (rates: readonly number[]): Report =>
      simulatedReport({ load: 'closed loop', seconds: 60, rates, random: randomNumbers(7) });
    write('full.json', loop(RATES));
    const halved = RATES.map((rate, index) => (index === 1 ? rate : rate / 2));
    write('half.json', named(loop(halved), 'tuesday'));
    const argv = ['full.json', 'half.json', '--color', 'never', '--fail-on', 'more'];
    const { status, stdout, stderr } = await diff(argv, { tty: 80 });
    expect(status).toBe(8);
    const [header = '', row = ''] = /MORE 1 in B\n(.*)\n(.*)/.exec(stdout)?.slice(1) ?? [];
    expect(header).toMatch(/^ *CHANGE +JUDGED +A /);
    const [, change, judged] = /^ *([-+]\d[\d.]*) % +\+(\d+) %/.exec(row) ?? [];
    expect(Math.abs(Number(change))).toBeLessThan(15);
    expect(Number(judged)).toBeGreaterThan(80);
    expect(stderr.replace(/\s+/g, ' ')).toContain(`, +${judged} % beside the others: d1`);
    const both = await diff([
      'full.json',
      'half.json',
      '-o',
      'csv',
      '--fields',
      'name,change,judged',
    ]);
    expect(both.stdout).toMatch(/^name,change,judged\r\nd1,/);
    const same = await diff(['main.json', 'changed.json', '-o', 'table']);
    expect(same.stdout).not.toContain('JUDGED');
  });

  it('that became slower together say so, and --all shows the times', async () => {
    const timed = (report: Report, averageMs: number): Report => ({
      ...report,
      rows: report.rows.map((row) => {
        const { count } = row;
        const sums = { totalMs: averageMs * count, rowsSent: 0, rowsExamined: 0, errors: 0 };
        return { ...row, times: { count, averageMs, sharedBy: 1, ...sums } };
      }),
      coverage: { ...report.coverage, times: 1 },
    });
    write('quick.json', timed(reportOf(1), 2));
    write('busy.json', named(timed(reportOf(2), 5), 'tuesday'));
    const { stdout } = await diff(['quick.json', 'busy.json', '--all', '--color', 'never'], {
      tty: 140,
    });
    const text = stdout.replace(/\s+/g, ' ');
    expect(text).toContain(
      '8 of 8 rows changed together, 150 % slower in B: d0 "SELECT d0", d1 "SELECT d1", d2 "SELECT d2", 5 more.',
    );
    expect(text).toContain('This is one change: the server is busier, or slower, for all of them.');
    expect(text).toMatch(/UNCHANGED 8 by rate .* A AVERAGE B AVERAGE .* 2ms 5ms /);
  });

  it.each([[['-o', 'table']], [['--json']], [['-o', 'csv']]])(
    'fail also when nobody reads to the end, as %j',
    async (as) => {
      const onWrite = (): never => {
        throw new ClosedPipe();
      };
      const argv = ['main.json', 'changed.json', ...as];
      expect((await diff([...argv, '--fail-on', 'more'], { onWrite })).status).toBe(8);
      expect((await diff([...argv, '--fail-on', 'fewer'], { onWrite })).status).toBe(0);
    },
  );

  it('one of which may come from stdin', async () => {
    const stdin = JSON.stringify(reportOf(1));
    const { status, stdout } = await diff(['-', 'changed.json', '-o', 'name'], { stdin });
    expect([status, stdout]).toEqual([0, 'd8\nd6\nd1\n']);
    const both = await diff(['-', '-']);
    expect([both.status, both.stderr]).toEqual([
      2,
      'captures: Only one of the two can be read from stdin\n  Give a file or a capture for the other.\n',
    ]);
  });

  it.each([80, 120])('fill a screen of %i columns and no more', async (tty) => {
    const env = { LANG: 'C.UTF-8' };
    const { stdout } = await diff(['main.json', 'changed.json', '--color', 'never'], { tty, env });
    expect(stdout.split('\n').filter((line) => line.length > tty)).toEqual([]);
    const all = await diff(
      ['main.json', 'changed.json', '--all', '--limit', '2', '--color', 'never'],
      { tty, env },
    );
    expect(all.stdout).toContain('UNCHANGED 6 by rate, the first 2');
    expect(all.stdout).toContain('BETWEEN');
    expect(all.stdout.split('\n').filter((line) => line.length > tty)).toEqual([]);
    expect(stdout).toContain('NEW 1 in B alone');
    expect(stdout).toContain('GONE 1 in A alone');
    expect(stdout).toMatch(/MORE 1 in B\n *CHANGE +A +B .*\n *\+1\d\d %/);
    expect(stdout).toMatch(/ d1 {2}shop: SELECT d1/);
    const ascii = await diff(['main.json', 'changed.json', '--ascii', '--color', 'never'], {
      tty,
      env,
    });
    expect(ascii.stdout).toMatch(/^[\x20-\x7e\n]*$/);
  });
});

describe('--fail-on', () => {
  it('exits 8 with what it found on stderr, and prints the same as without', async () => {
    const argv = ['main.json', 'changed.json', '--json'];
    const plain = await diff(argv);
    const failed = await diff([...argv, '--fail-on', 'new,more']);
    expect(failed.status).toBe(8);
    expect(failed.stdout).toBe(plain.stdout);
    const { code, message, hint } = JSON.parse(failed.stderr) as Record<string, string>;
    expect([code, message]).toEqual([424, 'B differs from A: 1 new, 1 more']);
    expect(hint).toMatch(
      /^new: 0 to [\d.]+\/s \(0, then \d+\): d8 shop: SELECT d8\nmore: .*d1 shop/,
    );
  });

  it.each([
    [['--fail-on', 'fewer'], 'changed.json', 0],
    [['--fail-on', 'GONE'], 'changed.json', 8],
    [['--fail-on', 'more', '--threshold', '400%'], 'changed.json', 0],
    [['--fail-on', 'new,gone,more,fewer,slower,faster'], 'same.json', 0],
  ])('%j of %s exits %i', async (options, b, status) => {
    expect((await diff(['main.json', b, ...options])).status).toBe(status);
  });
});

describe('--per', () => {
  const tests = (counts: readonly number[]): Report => {
    const report = reportOf(5);
    const rows = report.rows.slice(0, counts.length).map((row, index) => ({
      ...row,
      count: counts[index] ?? 1,
      slices: row.slices.map((_, slice) => (slice === 9 ? (counts[index] ?? 1) : 0)),
    }));
    return { ...report, rows };
  };

  it.each([
    ['the same for each test', [412, 824, 10, 1], [418, 836, 10, 1], []],
    ['one more for each test', [412, 824], [836, 836], ['more d0']],
    ['one for each row of a list: N+1', [412, 10], [412, 42], ['more d1']],
    ['one that a single test sends', [412], [412, 1], ['new d1']],
    ['one that no test sends any more', [412, 1], [412], ['gone d1']],
    ['fewer, and by 20 % exactly', [500, 1_000], [500, 800], ['fewer d1']],
  ])('finds %s', async (_, before, after, expected) => {
    write('a.json', tests(before));
    write('b.json', tests(after));
    const per = `${before[0] ?? 1},${after === before ? 1 : after[0] === 836 ? 412 : (after[0] ?? 1)}`;
    const { stdout } = await diff(['a.json', 'b.json', '--per', per]);
    const found = stdout.trimEnd().split('\n').slice(1);
    expect(found.map((line) => line.split('\t').slice(0, 2).join(' '))).toEqual(expected);
  });
});

describe('what cannot be compared', () => {
  it.each([
    ['none.json', null, 'There is no file none.json'],
    ['./none', null, 'There is no file ./none'],
    ['empty.json', '', 'empty.json is empty: it is no report'],
    ['cut.json', 'CUT', 'cut.json is a damaged report: it ends too early'],
    [
      'nan.json',
      '{"format":"captures-report","formatVersion":1,"statements":NaN}\n',
      'nan.json is a damaged report: it is not valid JSON',
    ],
    ['text.json', 'hello', 'text.json is not a report: it is no JSON'],
    ['binary.json', '\u0000\ud800', 'binary.json is not a report: it is no JSON'],
    ['list.json', '[]', 'list.json is not a report: it is a list'],
    ['null.json', 'null', 'null.json is not a report: it is null'],
    ['diff.json', '{"format":"captures-diff"}', 'diff.json is not a report: it is a comparison'],
    ['other.json', '{"a":1}', 'other.json is not a report: it is an object with a'],
    [
      'newer.json',
      '{"format":"captures-report","formatVersion":3}',
      'newer.json was written by a newer version of this program',
    ],
    [
      'part.json',
      '{"format":"captures-report","formatVersion":2}',
      'part.json is a damaged report: program is missing',
    ],
    [
      'old-part.json',
      '{"format":"captures-report","formatVersion":1}',
      'old-part.json is a damaged report: program is missing',
    ],
    [
      'old.json',
      '{"format":"captures-report","formatVersion":1,"coverage":{"unlisted":7}}',
      'old.json was written by an older version of this program, which counted only some of its statements',
    ],
  ])('%s is refused in one sentence', async (name, content, sentence) => {
    if (content !== null) {
      write(name, content === 'CUT' ? JSON.stringify(reportOf(1)).slice(0, 2_000) : content);
    }
    const { status, stdout, stderr } = await diff(['main.json', name]);
    expect([status, stdout, stderr.split('\n')[0]]).toEqual([2, '', `captures: ${sentence}`]);
  });

  it.each([
    ['a negative count', (report: Report) => ({ ...report, statements: -1 })],
    [
      'an axis without width',
      (report: Report) => ({ ...report, axis: { ...report.axis, width: 0 } }),
    ],
    ['slices that are no list', (report: Report) => ({ ...report, slices: {} })],
    [
      'rows with too few slices',
      (report: Report) => ({
        ...report,
        rows: report.rows.map((row) => ({ ...row, slices: [1] })),
      }),
    ],
    ['a row twice', (report: Report) => ({ ...report, rows: [...report.rows, ...report.rows] })],
    [
      'a time that is none',
      (report: Report) => ({ ...report, window: { ...report.window, to: 'x' } }),
    ],
  ])('a report with %s is damaged', async (_, damage) => {
    write('bad.json', damage(reportOf(1)));
    const { status, stderr } = await diff(['bad.json', 'main.json']);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^captures: bad\.json is a damaged report: /);
  });

  it('a folder is no file, and a capture of its name is meant', async () => {
    mkdirSync(join(folder, 'shop'), { recursive: true });
    const home = await initialisedHome();
    const { status, stderr } = await diff(['main.json', 'shop'], { home });
    expect([status, stderr.split('\n')[0]]).toEqual([3, 'captures: Capture not found']);
  });

  it.each([
    [['--by', 'table'], 'main.json is a report by digest, not by table'],
    [['--by', 'session'], '--by cannot be "session"'],
    [['--threshold', '0.2'], '--threshold takes a percentage from 1 to 10000, not "0.2"'],
    ...['0,4', '3', '3,', '1,2,3'].map((per): [string[], string] => [
      ['--per', per],
      `--per takes two numbers, of the tests that A and of those that B ran, not "${per}"`,
    ]),
    [['--fail-on', 'worse'], '--fail-on cannot be "worse"'],
    [['--fields', 'nope'], 'There is no field "nope"'],
  ])('%j is refused', async (options, sentence) => {
    const { status, stderr } = await diff(['main.json', 'same.json', ...options]);
    expect([status, stderr.split('\n')[0]]).toEqual([2, `captures: ${sentence}`]);
  });
});

describe('cautions', () => {
  const longer = (report: Report): Report => named(report, 'tuesday');
  it.each<[string, (report: Report) => Report, RegExp]>([
    ['the same capture', (report) => report, /^A and B are the same capture/],
    [
      'a record that is not whole',
      (report) => ({
        ...longer(report),
        verdict: { ...report.verdict, whole: false, line: 'NOT WHOLE: 9 commands are missing' },
      }),
      /^B's record is not complete: NOT WHOLE: 9/,
    ],
    [
      'one that goes on',
      (report) => ({ ...longer(report), window: { ...report.window, isOpen: true } }),
      /^B is still being recorded/,
    ],
    [
      'damaged files',
      (report) => ({
        ...longer(report),
        coverage: { ...report.coverage, records: { committed: 1_000, read: 900 } },
      }),
      /^Of B 900 of 1,000 records could be read/,
    ],
    [
      'other filters',
      (report) => ({
        ...longer(report),
        coverage: {
          ...report.coverage,
          filters: { ...report.coverage.filters, includeUsers: ['app'] },
        },
      }),
      /different filters/,
    ],
    [
      'a sample',
      (report) => ({ ...longer(report), coverage: { ...report.coverage, sample: 4 } }),
      /^A has every session and B 1 of 4 sessions/,
    ],
    [
      'pseudonyms',
      (report) => ({ ...longer(report), coverage: { ...report.coverage, isRedacted: true } }),
      /^B was recorded with pseudonyms: digests are the same/,
    ],
    [
      'another server',
      (report) => ({
        ...longer(report),
        capture: { ...report.capture, name: 'x', server: { flavor: 'mysql', version: '9.7.0' } },
      }),
      /^A is of mariadb 11.8.2, B of mysql 9.7.0/,
    ],
    [
      'another version of the program',
      (report) => ({ ...longer(report), program: { name: 'captures', version: '0.2.0' } }),
      /^A was made by version 0.1.0 of this program, B by 0.2.0/,
    ],
    [
      'rows that are not listed',
      (report) => ({ ...longer(report), otherRows: { rows: 9, statements: 90 } }),
      /^B lists 8 of 17 rows: rows of A alone are not judged/,
    ],
    [
      'times on one side',
      (report) => ({ ...longer(report), coverage: { ...report.coverage, times: 0.9 } }),
      /^A has no times/,
    ],
  ])('of %s come first', async (_, change, expected) => {
    write('other.json', change(reportOf(1)));
    const { stdout } = await diff(['main.json', 'other.json', '--json']);
    const { cautions } = JSON.parse(stdout) as Comparison;
    expect(cautions).toEqual([expect.stringMatching(expected)]);
    const screen = await diff(['main.json', 'other.json'], { tty: 80 });
    expect(screen.stdout).toContain('caution ');
  });

  it('are none of a file of the version before, where all of its statements are in rows', async () => {
    const { unlisted, ...old } = reportOf(1);
    expect(unlisted).toBeNull();
    write('before.json', { ...old, formatVersion: 1, coverage: { ...old.coverage, unlisted: 0 } });
    const { status, stdout } = await diff(['before.json', 'same.json', '--json']);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ cautions: [], unchanged: 8 });
  });

  const LAST_ALONE = 'rows of A alone are not judged';
  it.each([
    ['db', 0, { unjudged: 0, gone: 1, unchanged: 7 }, null],
    ['db', 400, { unjudged: 1, gone: 0, unchanged: 7 }, LAST_ALONE],
    ['digest', 400, { unjudged: 1, gone: 0, unchanged: 7 }, LAST_ALONE],
    // A table that has 20 times as many is known well enough.
    [
      'table',
      400,
      { unjudged: 7, gone: 0, unchanged: 1 },
      'that these could change are not judged',
    ],
    [
      'table',
      9_000,
      { unjudged: 8, gone: 0, unchanged: 0 },
      'of 9,000 statements of B are not known',
    ],
  ] as const)('of statements in no row: by %s, %i of them', async (by, count, found, caution) => {
    const [a, b] = [reportOf(1), reportOf(2)];
    const unlisted =
      count === 0 ? null : { count, share: 0.1, perSecond: count / 30, slices: b.slices };
    write('all.json', { ...a, by });
    write('rest.json', named({ ...b, by, rows: b.rows.slice(0, 7), unlisted }, 'tuesday'));
    const { stdout } = await diff(['all.json', 'rest.json', '--json']);
    const { unjudged, gone, unchanged, cautions } = JSON.parse(stdout) as Comparison;
    expect({ unjudged: unjudged.rows, gone: gone.length, unchanged }).toEqual(found);
    expect(cautions).toEqual(caution === null ? [] : [expect.stringContaining(caution)]);
  });

  it('of rows that one report does not list: they are neither new nor gone', async () => {
    const all = reportOf(1);
    const first = { ...all, rows: all.rows.slice(0, 3), otherRows: { rows: 5, statements: 100 } };
    write('first.json', named(first, 'tuesday'));
    const { stdout } = await diff(['main.json', 'first.json', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ gone: [], unjudged: { rows: 5 }, unchanged: 3 });
  });

  it('an empty record is said to be empty, and all that was there is gone', async () => {
    const all = reportOf(1);
    const window = { from: null, to: null, seconds: 30, isOpen: false };
    write('nothing.json', named({ ...all, statements: 0, rows: [], window }, 'tuesday'));
    const { stdout } = await diff(['main.json', 'nothing.json', '--json']);
    const { cautions, gone } = JSON.parse(stdout) as Comparison;
    expect(cautions).toContain('B has no statements');
    expect(gone.map(({ mayBeChance }) => mayBeChance)).toEqual(Array(8).fill(false));
  });
});

it('hostile text is shown escaped, and JSON has it as it is', async () => {
  const report = reportOf(1);
  const text = 'SELECT `\u001b[2J\u202e` FROM \u0000t';
  const rows = [
    ...report.rows,
    { ...report.rows[0], name: 'evil', digest: 'evil', db: 'x\u001b[31m', text },
  ];
  write('evil.json', { ...named(report, 'tuesday'), rows });
  const { stdout } = await diff(['main.json', 'evil.json', '--color', 'never'], { tty: 120 });
  expect(stdout).not.toContain('\u001b[2J');
  expect(stdout).toContain(String.raw`x\x1b[31m: SELECT`);
  const failed = await diff(['main.json', 'evil.json', '--fail-on', 'new', '-o', 'name']);
  expect(failed.stderr).not.toContain('\u001b');
  const json = await diff(['main.json', 'evil.json', '--json']);
  expect((JSON.parse(json.stdout) as Comparison).new[0]?.text).toBe(text);
});
