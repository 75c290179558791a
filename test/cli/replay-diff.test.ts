import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ReplayReport } from '../../src/core/replays/replay-report.ts';
import type { ReplayComparison } from '../../src/core/reports/replay-comparison.ts';
import { UNLIMITED, type Actor } from '../../src/core/access.ts';
import { systemClock } from '../../src/core/clock.ts';
import { workloadFiles } from '../../src/workload/stored-workloads.ts';
import { runCaptures, type CliResult } from '../support/cli.ts';
import { temporaryFolder, TestStore } from '../support/stores.ts';
import { addUser } from '../support/users.ts';
import { EMPTY_REPORT } from '../support/reports.ts';
import { randomNumbers } from '../support/simulated-load.ts';
import { replayOf, simulatedRecord, simulatedReplay } from '../support/simulated-replays.ts';

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
  const skipped = { interrupted: 900 };
  const stopped = replayOf(old.result.rows, { ended: { why: 'interrupted' }, skipped });
  const { statements } = stopped.result;
  write('stopped.json', {
    ...named(stopped, 'stopped'),
    result: { ...stopped.result, statements: { ...statements, skipped } },
  });
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
      'B differs from A: 1 digest slower, 1 new error, other rows of 1 digest; otherwise B is as fast as A.',
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

  it('fail where they cannot be compared as wholes, whatever is named, and say so first', async () => {
    const reason =
      'B was not replayed whole: it was ended before its record did; 900 of 12,048 statements were not sent';
    const named = ['old.json', 'stopped.json', '--fail-on', 'faster'];
    const found = await diff(...named, '-o', 'table');
    expect([found.status, found.stderr]).toEqual([8, `captures: ${reason}\n`]);
    const verdict = found.stdout.split('\n\n')[0]?.replaceAll('\n', ' ');
    expect(verdict).toMatch(new RegExp(`^${reason}\\. `));
    const json = await diff(...named, '--json');
    expect(json.status).toBe(8);
    expect((JSON.parse(json.stdout) as ReplayComparison).incomparable).toEqual([reason]);
    expect((await diff('old.json', 'stopped.json')).status).toBe(0);
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

describe('two replays of a store', () => {
  /** Two replays that ada has kept, and what runs a command as her. */
  async function kept(): Promise<(...argv: string[]) => Promise<CliResult>> {
    const test = new TestStore(systemClock);
    const { store } = test;
    const env = addUser(store.directory, 'ada');
    const userId = store.users.findByName('ada')?.id ?? 0;
    const actor: Actor = { userId, userName: 'ada', isStoreAdmin: false, scope: UNLIMITED };
    const environmentId = test.environment({ admin: [actor] }, { name: 'next' }).id;
    const keep = async (file: string, isOver = true): Promise<void> => {
      const { name, replay, result } = JSON.parse(
        readFileSync(join(folder, file), 'utf8'),
      ) as ReplayReport;
      const start = systemClock.now() - 60_000;
      const { id } = store.captures.insert(
        {
          name: isOver ? name : `${name}-open`,
          environmentId,
          ownerId: userId,
          type: 'REPLAY',
          status: isOver ? 'DONE' : 'RUNNING',
          start,
          scheduledStart: null,
          scheduledEnd: null,
          end: isOver ? start + 50_000 : null,
          duration: null,
          reason: null,
          recordsStatements: false,
        },
        start,
      );
      const { source, options, target } = replay;
      const by = { host: 'here', pid: process.pid, heardAt: systemClock.now() };
      store.replays.insert({ captureId: id, source, options, ...by });
      store.replays.saveTarget(id, target);
      if (isOver) await workloadFiles(store).writeReplayResult(id, result);
    };
    await keep('old.json');
    await keep('next.json');
    await keep('old.json', false);
    return (...argv) =>
      runCaptures(argv, { home: store.directory, cwd: folder, env: { ...env, NO_COLOR: '1' } });
  }

  it('are compared by their names, with each other and with files', async () => {
    const run = await kept();
    const failOn = ['--fail-on', 'slower,errors', '-q'];
    const both = await run('diff', 'on-old', 'next/on-next', '--json');
    expect([both.status, both.stderr]).toEqual([0, '']);
    const { slower, a, b } = JSON.parse(both.stdout) as ReplayComparison;
    expect([a.name, b.name, slower.length]).toEqual(['on-old', 'on-next', 1]);
    expect((await run('diff', 'old.json', 'on-next', ...failOn)).status).toBe(8);
    expect((await run('diff', 'old.json', 'on-old', ...failOn)).status).toBe(0);
  });

  it('are taken where a file has the same name, and that is said', async () => {
    const run = await kept();
    writeFileSync(join(folder, 'on-old'), readFileSync(join(folder, 'next.json')));
    const named = await run('diff', 'on-old', 'on-next', '--json');
    expect(named.stderr).toBe(
      'warning: on-old is taken for the capture of that name, not for the file in this folder: that is ./on-old\n',
    );
    expect((JSON.parse(named.stdout) as ReplayComparison).a.name).toBe('on-old');
    const file = await run('diff', './on-old', 'on-next', '--json');
    expect(file.stderr).toBe('');
    expect((JSON.parse(file.stdout) as ReplayComparison).a.name).toBe('on-next');
    rmSync(join(folder, 'on-old'));
  });

  it('are kept in files by report, and are pages by it', async () => {
    const run = await kept();
    const report = await run('report', 'on-next', '--json');
    expect(report.status).toBe(0);
    writeFileSync(join(folder, 'kept.json'), report.stdout);
    const found = await run('diff', 'old.json', 'kept.json', '--json');
    expect((JSON.parse(found.stdout) as ReplayComparison).newErrors).toHaveLength(2);
    const page = await run('report', 'on-next', '--html', 'next.html', '--sort', 'p99');
    expect([page.status, page.stdout]).toEqual([0, '']);
    const html = readFileSync(join(folder, 'next.html'), 'utf8');
    expect(html).toContain('<h1>next/on-next</h1>');
    expect(html).toMatch(/aria-sort="descending">99 %/);
  });

  it('cannot be compared with a capture, or before they are over', async () => {
    const run = await kept();
    const mixed = await run('diff', 'on-old', 'capture.json');
    expect([mixed.status, mixed.stderr.split('\n')[0]]).toEqual([
      2,
      'captures: on-old is a replay and capture.json a capture',
    ]);
    const open = await run('diff', 'on-old', 'on-old-open');
    expect([open.status, open.stderr.split('\n')[0]]).toEqual([
      6,
      'captures: next/on-old-open is still being replayed: it has no result yet',
    ]);
  });
});
