import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ReplayReport } from '../../src/core/replays/replay-report.ts';
import type { ReplayComparison } from '../../src/core/reports/replay-comparison.ts';
import { runCaptures, type CliResult } from '../support/cli.ts';
import { EMPTY_REPORT } from '../support/reports.ts';
import { randomNumbers } from '../support/simulated-load.ts';
import { replayOf, simulatedRecord, simulatedReplay } from '../support/simulated-replays.ts';
import { temporaryFolder } from '../support/stores.ts';

let folder: string;
beforeAll(() => {
  folder = temporaryFolder();
  const random = randomNumbers(3);
  const record = simulatedRecord(12, 12_000, random);
  const old = simulatedReplay(record, { random });
  const next = simulatedReplay(record, { random, slowness: (digest) => (digest === 2 ? 3 : 1) });
  write('old.json', named(old, 'on-old'));
  write('again.json', named(simulatedReplay(record, { random }), 'on-old-again'));
  const rows = next.result.rows.map((row, index) =>
    index === 4
      ? { ...row, sent: row.sent - 3, failed: { '1055': 2, '1213': 1 } }
      : index === 5
        ? { ...row, rowsReturned: row.rowsReturned - 1 }
        : row,
  );
  write('next.json', named(replayOf(rows), 'on-next'));
  write('other.json', named(replayOf(rows.slice(1)), 'of-another'));
  write('capture.json', EMPTY_REPORT);
});

function named(replay: ReplayReport, name: string): ReplayReport {
  return { ...replay, name, id: name.length };
}

/** As `report --json` writes it: the deadline in seconds. */
function write(name: string, content: unknown): void {
  const text = JSON.stringify(content, (key, value: unknown) => (key === 'deadline' ? 60 : value));
  writeFileSync(join(folder, name), text);
}

function diff(...argv: readonly string[]): Promise<CliResult> {
  return runCaptures(['diff', ...argv], { cwd: folder });
}

describe('two replays in files', () => {
  it('are compared without a store and without a login', async () => {
    const { status, stdout, stderr } = await diff('old.json', 'next.json', '--json');
    expect([status, stderr]).toEqual([0, '']);
    const found = JSON.parse(stdout) as ReplayComparison;
    expect(found).toMatchObject({ format: 'captures-replay-diff', sameLoad: true, cautions: [] });
    expect(found.slower.map(({ text }) => text)).toEqual(['SELECT * FROM t2 WHERE id = ?']);
    expect(found.faster).toEqual([]);
    expect(found.newErrors.map(({ code, mayBeChance }) => [code, mayBeChance])).toEqual([
      ['1055', false],
      ['1213', true],
    ]);
    expect(found.otherRows.map(({ text }) => text)).toEqual(['SELECT * FROM t5 WHERE id = ?']);
  });

  it('begin with the verdict on the screen, and have a row a finding in TSV', async () => {
    const screen = await diff('old.json', 'next.json', '-o', 'table');
    expect(screen.stdout.split('\n\n')[0]?.replaceAll('\n', ' ')).toBe(
      'B differs from A: 1 digest slower, 1 new error, other rows of 1 digest; otherwise it is as fast.',
    );
    const { stdout } = await diff('old.json', 'next.json', '--fields', 'kind,code,text');
    expect(stdout).toBe(
      [
        'kind\tcode\ttext',
        'slower\t\tSELECT * FROM t2 WHERE id = ?',
        'new_error\t1055\tSELECT * FROM t4 WHERE id = ?',
        'new_error\t1213\tSELECT * FROM t4 WHERE id = ?',
        'other_rows\t\tSELECT * FROM t5 WHERE id = ?',
        '',
      ].join('\n'),
    );
  });

  it('on one server are equal', async () => {
    const { status, stdout } = await diff(
      'old.json',
      'again.json',
      '-o',
      'table',
      '--fail-on',
      'slower,faster,errors,rows',
    );
    expect(status).toBe(0);
    expect(stdout.split('\n')[0]).toBe('B is as fast as A, with the same errors and rows.');
  });

  it('fail on what is named, and on nothing else', async () => {
    const found = await diff('old.json', 'next.json', '--fail-on', 'slower,errors,rows', '-q');
    expect(found.status).toBe(8);
    expect(found.stderr).toMatch(
      /^captures: B differs from A: 1 digest slower, 1 new error, other rows of 1 digest\n/,
    );
    expect(found.stderr).toContain('error 1055: 0, then 2 (error 1055): ');
    expect((await diff('old.json', 'next.json', '--fail-on', 'faster')).status).toBe(0);
    // Asked for, and nobody knows: that is no success.
    const sums = await diff('old.json', 'next.json', '--fail-on', 'checksums');
    expect([sums.status, sums.stderr]).toEqual([
      8,
      'captures: B differs from A: sums of tables could not be compared\n  checksums: neither replay summed its tables up\n',
    ]);
  });

  it('are a page with --html', async () => {
    const { status, stdout, stderr } = await diff('old.json', 'next.json', '--html', 'diff.html');
    expect([status, stdout]).toEqual([0, '']);
    expect(stderr).toMatch(/^Wrote diff\.html/);
    const page = readFileSync(join(folder, 'diff.html'), 'utf8');
    expect(page).toContain('<h1>next/on-old and next/on-next</h1>');
    expect(page).toContain('1 digest slower');
  });

  it.each([
    [['old.json', 'capture.json'], 'old.json is a replay and capture.json a capture'],
    [['old.json', 'other.json'], /^A replayed a record of \d+ records, and B one of \d+/],
    [['old.json', 'next.json', '--fail-on', 'more'], '--fail-on more is not for replays'],
    [['capture.json', 'capture.json', '--fail-on', 'rows'], '--fail-on rows is not for captures'],
    [['old.json', 'next.json', '--per', '1,2'], '--per is for captures'],
    [['old.json', 'next.json', '--by', 'user'], 'Replays are compared by digest'],
  ])('%j is refused', async (argv, message) => {
    const { status, stderr } = await diff(...argv);
    expect(status).toBe(2);
    expect(stderr.replace(/^captures: /, '')).toMatch(message);
  });

  it('that are damaged are refused in one sentence', async () => {
    mkdirSync(join(folder, 'x'), { recursive: true });
    write('half.json', { ...named(replayOf([]), 'x'), result: { sent: 1 } });
    const { status, stderr } = await diff('half.json', 'old.json');
    expect(status).toBe(2);
    expect(stderr).toMatch(/^captures: half\.json is a damaged replay: result\.\w+ is missing\n/);
  });
});
