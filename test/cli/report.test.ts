import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { openCaptures, resultOf } from '../../src/index.ts';
import { displayWidth } from '../../src/cli/render/width.ts';
import { UNLIMITED, type Actor } from '../../src/core/access.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { Environment } from '../../src/core/environments/environment.ts';
import { DIMENSIONS, type Report } from '../../src/core/reports/report.ts';
import type { LoggedStatement } from '../../src/core/workloads/statements.ts';
import { runCaptures, type CliOptions, type CliResult } from '../support/cli.ts';
import { recordedCapture } from '../support/recorded-captures.ts';
import { SERVER, TestStore } from '../support/stores.ts';
import { addUser } from '../support/users.ts';
import { stamp, statements } from '../workload/recorded.ts';
import { DOCUMENTED } from './json-page.ts';

let test: TestStore;
let home: string;
let ada: { CAPTURES_TOKEN: string };
let actor: Actor;
let shop: Environment;

beforeEach(() => {
  test = new TestStore(systemClock);
  home = test.store.directory;
  ada = addUser(home, 'ada');
  actor = {
    userId: test.store.users.findByName('ada')?.id ?? 0,
    userName: 'ada',
    isStoreAdmin: false,
    scope: UNLIMITED,
  };
  shop = test.environment({ admin: [actor] }, { server: SERVER, name: 'shop' });
});

/** Progress is shown after a second, which a busy machine takes for this. */
const CLOCK = { ...systemClock, now: () => Date.parse('2026-11-22T03:00:00Z') };
const TERMINAL = { LANG: 'C.UTF-8', NO_COLOR: '1' };

function report(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const env = { ...ada, ...TERMINAL, ...options.env };
  return runCaptures(['report', ...args], { home, clock: CLOCK, ...options, env });
}

/** 600 ms: a SELECT a millisecond, every third one an UPDATE of another user. */
function mixed(): LoggedStatement[] {
  return statements(600).map((one, n) =>
    n % 3 === 0
      ? { ...one, user: 'jobs', host: 'batch', sql: `UPDATE stock SET n = ${n} WHERE id = ${n}` }
      : one,
  );
}

async function jsonOf(args: readonly string[]): Promise<Report> {
  const { status, stdout, stderr } = await report([...args, '--json']);
  expect([status, stderr]).toEqual([0, '']);
  return JSON.parse(stdout) as Report;
}

describe('captures report', () => {
  it.each([80, 120])(
    'shows on a terminal of %i columns what hits the database',
    async (columns) => {
      await recordedCapture(test, actor, shop, { statements: mixed() });
      const { status, stdout, stderr } = await report(['friday'], { tty: columns });
      expect([status, stderr]).toEqual([0, '']);
      const lines = stdout.split('\n');
      expect(lines.filter((line) => displayWidth(line) > columns)).toEqual([]);
      const first = lines.slice(0, 24).join('\n');
      expect(first).toContain('shop/friday · DONE · 2026-11-22 01:00:00 to 01:00:00 (600ms) · UTC');
      expect(first).toContain('WHOLE: 600 commands are recorded');
      expect(first).toContain('statements  600 of 2 digests: reads 400 (67 %), writes 200 (33 %)');
      expect(first).toMatch(/1 +66\.7 % .*400 +667 /);
      expect(first).toMatch(/[0-9a-f]{8} {2}SELECT \? FROM orders WHERE customer = \?/);
      expect(first).toMatch(/2 +33\.3 % .*200 +333 .*jobs +stock$/m);
      expect(stdout).toMatch(/shop\.stock +33\.3 % +200 +0 +200/);
    },
  );

  it('prints as JSON one object with the fields that are documented, all rows among them', async () => {
    await recordedCapture(test, actor, shop, { statements: mixed() });
    const { status, stdout } = await report(['friday', '--json']);
    const found = JSON.parse(stdout) as Report;
    expect(status).toBe(0);
    expect(Object.keys(found)).toEqual(DOCUMENTED['report']?.fields.map(([field]) => field));
    expect(found).toMatchObject({
      format: 'captures-report',
      capture: {
        name: 'friday',
        environment: 'shop',
        status: 'DONE',
        server: { flavor: 'mariadb' },
      },
      window: { from: stamp(0), to: stamp(600), seconds: 0.6, isOpen: false },
      verdict: { verdict: 'whole', whole: true, problems: [] },
      statements: 600,
      users: [
        { name: 'app', count: 400 },
        { name: 'jobs', count: 200 },
      ],
      coverage: { records: { committed: 600, read: 600 }, times: null },
      rows: [
        { count: 400, db: 'shop', class: 'reads', example: { seq: 2, user: 'app' } },
        { count: 200, class: 'writes', hosts: [{ name: 'batch', count: 200 }] },
      ],
      otherRows: { rows: 0, statements: 0 },
    });
    // A row a line: what `diff` and `grep` of a shell can read.
    expect(stdout.split('\n').filter((line) => line.startsWith('    {"name"'))).toHaveLength(2);
  });

  it.each(DIMENSIONS)('by %s is a file that diff reads, whatever was recorded', async (by) => {
    const texts = [
      'BEGIN',
      'COMMIT',
      'SET NAMES utf8',
      'FLUSH TABLES',
      'DROP TABLE t',
      'CALL p(1)',
      '',
    ];
    const every = statements(60).map((one, n) => ({ ...one, sql: texts[n % 8] ?? one.sql }));
    await recordedCapture(test, actor, shop, { statements: every });
    const file = join(home, 'main.json');
    writeFileSync(file, (await report(['friday', '--by', by, '--json'])).stdout);
    const { status, stderr } = await runCaptures(['diff', file, file, '--by', by], {
      home,
      env: ada,
    });
    if (by === 'session') expect([status, stderr]).toEqual([2, expect.stringContaining('session')]);
    else
      expect([status, stderr]).toEqual([
        0,
        expect.stringContaining('A and B are the same capture'),
      ]);
  });

  it('prints rows as TSV and CSV with a header, and names', async () => {
    await recordedCapture(test, actor, shop, { statements: mixed() });
    const tsv = await report(['friday', '--fields', 'count,class,text']);
    expect(tsv.stdout).toBe(
      'count\tclass\ttext\n400\treads\tSELECT ? FROM orders WHERE customer = ?\n' +
        '200\twrites\tUPDATE stock SET n = ? WHERE id = ?\n',
    );
    const csv = await report(['friday', '-o', 'csv', '--by', 'user', '--fields', 'name,share']);
    expect(csv.stdout).toMatch(/^name,share\r\napp,0.66\d+\r\njobs,0.33\d+\r\n$/);
    const names = await report(['friday', '-o', 'name', '--by', 'table']);
    expect(names.stdout).toBe('shop.orders\nshop.stock\n');
    const table = await report(['friday', '-o', 'table', '--fields', 'count,class']);
    expect(table.stdout).toMatch(/^COUNT +CLASS\n─+\n +400 +reads\n/);
  });

  it('shows as a table the fields that were asked for, and says which have no room', async () => {
    await recordedCapture(test, actor, shop, { statements: mixed() });
    const fields = ['--fields', 'name,count,text'];
    const { stdout, stderr } = await report(['friday', ...fields], { tty: 80 });
    expect(stdout).toMatch(/^NAME +COUNT {2}TEXT$/m);
    expect(stdout).toMatch(/^[0-9a-f]{16} {4}400 {2}SELECT \? FROM orders/m);
    expect(stderr).toBe('');
    const all = await report(['friday', '--fields', 'name,text,users,hosts,count'], { tty: 40 });
    expect(all.stdout).toMatch(/^NAME +TEXT +USERS$/m);
    expect(all.stderr).toMatch(/^No room for hosts, count: -o tsv/);
  });

  it('says on the screen how a time of day was understood', async () => {
    await recordedCapture(test, actor, shop, { statements: mixed() });
    const { stdout } = await report(['friday', '--since', '03:00:00.5'], { tty: 80 });
    expect(stdout).toMatch(/^part +since 2026-11-21 03:00:00\.500, before the capture began$/m);
    const later = await report(['friday', '--since', '02:00', '--until', '01:00'], { tty: 80 });
    expect([later.status, later.stderr]).toEqual([
      2,
      expect.stringContaining('--since is later than --until'),
    ]);
  });

  it('takes a part of the window, by the time of statements', async () => {
    await recordedCapture(test, actor, shop, { statements: mixed() });
    const bounds = ['--since', stamp(100), '--until', stamp(200)];
    const { stdout, stderr } = await report(['friday', ...bounds, '--json', '--by', 'class']);
    const found = JSON.parse(stdout) as Report;
    expect(stderr).toBe('');
    expect(found.window).toEqual({ from: stamp(100), to: stamp(200), seconds: 0.1, isOpen: false });
    expect(found.statements).toBe(100);
    expect(found.verdict.verdict).toBe('whole');
  });

  it('shows one digest in full', async () => {
    await recordedCapture(test, actor, shop, { statements: mixed() });
    const [row] = (await jsonOf(['friday'])).rows;
    const { stdout } = await report(['friday', '--digest', row?.digest?.slice(0, 6) ?? ''], {
      tty: 80,
    });
    expect(stdout).toMatch(new RegExp(`digest +${row?.digest ?? ''}, reads, database shop`));
    expect(stdout).toMatch(/Statement\n {2}SELECT \? FROM orders WHERE customer = \?\n/);
    expect(stdout).toMatch(
      /Example: seq 2, 2026-11-22 01:00:00.001000, session 11, app\n {2}SELECT 1 /,
    );
  });

  it('of a capture that recorded nothing says so, and succeeds', async () => {
    await recordedCapture(test, actor, shop, { statements: [], status: 'RUNNING' });
    const { status, stdout } = await report(['friday'], { tty: 80 });
    expect(status).toBe(0);
    expect(stdout).toContain('STILL RECORDING: what is committed so far is sound: 0 records');
    expect(stdout).toContain('No statement was recorded yet.');
    const lines = await report(['friday', '-o', 'tsv', '--fields', 'count']);
    expect(lines).toMatchObject({ status: 0, stdout: 'count\n' });
    expect(lines.stderr).toContain('No statement was recorded in this time.');
  });

  it('of a RUNNING capture is what is committed', async () => {
    await recordedCapture(test, actor, shop, { statements: mixed(), status: 'RUNNING' });
    // Without a daemon there are warnings.
    const found = JSON.parse((await report(['friday', '--json'])).stdout) as Report;
    expect(found).toMatchObject({ statements: 600, window: { isOpen: true } });
    expect(found.verdict.line).toBe(
      'STILL RECORDING: what is committed so far is sound: 600 records',
    );
  });

  it('of a capture that FAILED is what it recorded until then', async () => {
    await recordedCapture(test, actor, shop, { status: 'FAILED' });
    expect((await jsonOf(['friday'])).verdict).toMatchObject({
      verdict: 'not_whole',
      problems: [{ kind: 'failed', what: 'The capture failed: the server went away' }],
    });
  });
});

describe('a program', () => {
  it('has the same report by the library', async () => {
    await recordedCapture(test, actor, shop, { statements: mixed() });
    const captures = await openCaptures({ store: home, user: 'ada' });
    try {
      const request = {
        by: 'digest',
        sort: null,
        limit: 20,
        since: null,
        until: null,
        digest: null,
      } as const;
      const { reports } = captures.api;
      const found = await resultOf(reports.report(captures.actor, 'friday', request));
      expect(JSON.parse(JSON.stringify(found))).toEqual(await jsonOf(['friday']));
    } finally {
      await captures.close();
    }
  });
});

describe('the files of a capture', () => {
  const segments = (folder: string): string[] =>
    readdirSync(folder).filter((name) => name.endsWith('.ndjson.zst'));

  it('of which one is gone are reported as far as they can be read, and called damaged', async () => {
    const { folder } = await recordedCapture(test, actor, shop, { statements: mixed() });
    const [gone = ''] = segments(folder);
    rmSync(join(folder, gone));
    const found = await jsonOf(['friday']);
    expect(found.verdict.verdict).toBe('damaged');
    expect(found.verdict.line).toContain(gone);
    expect(found.coverage.records.committed).toBe(600);
    expect(found.coverage.records.read).toBeLessThan(600);
    expect(found.statements).toBe(found.coverage.records.read);
    const { stdout } = await report(['friday'], { tty: 80 });
    expect(stdout).toMatch(/DAMAGED: .*\n(?:.*\n)*covers +\d+ of 600 records \(\d+ %\)/);
  });

  it.each([
    [[], true],
    [['-o', 'csv'], true],
    [['-o', 'name'], true],
    [['--json', '--fields', 'rows'], true],
    [['--json', '--fields', 'verdict,rows'], false],
    [['--json'], false],
    [['-o', 'yaml'], false],
  ])('of which one is gone are warned of on stderr with %j: %j', async (args, isWarned) => {
    const { folder } = await recordedCapture(test, actor, shop, { statements: mixed() });
    rmSync(join(folder, segments(folder)[1] ?? ''));
    const { status, stderr } = await report(['friday', ...args]);
    expect(status).toBe(0);
    if (isWarned) {
      expect(stderr).toMatch(
        /^warning: The record is not complete: DAMAGED: .*\nwarning: \d+ of 600 records could be read: the rows are of those\n$/,
      );
    } else expect(stderr).toBe('');
  });

  it('that somebody deletes while they are counted are no damage', async () => {
    const { id } = await recordedCapture(test, actor, shop, { statements: mixed() });
    const captures = await openCaptures({ store: home, user: 'ada' });
    try {
      const counting = captures.api.reports.report(actor, 'friday', {
        by: 'digest',
        sort: null,
        limit: null,
        since: null,
        until: null,
        digest: null,
      });
      const first = await counting.next();
      expect(first.done).toBe(false);
      await resultOf(
        captures.api.captures.delete(
          actor,
          String(id),
          { reason: null, keepsWorkload: false },
          new AbortController().signal,
        ),
      );
      await expect(resultOf(counting)).rejects.toMatchObject({
        code: 'not_found',
        message: 'Capture not found',
        hint: 'It was deleted while its statements were read.',
      });
    } finally {
      await captures.close();
    }
  });

  it('that are damaged are called so by verify as well, in the same words', async () => {
    const { folder } = await recordedCapture(test, actor, shop, { statements: mixed() });
    const file = join(folder, segments(folder)[1] ?? '');
    const bytes = readFileSync(file);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 0xff;
    writeFileSync(file, bytes);
    const found = await jsonOf(['friday']);
    expect(found.verdict.verdict).toBe('damaged');
    expect(found.verdict.line).toContain(segments(folder)[1] ?? '');
    const verified = await runCaptures(['verify', 'friday', '--json'], { home, env: ada });
    expect(JSON.parse(verified.stdout)).toMatchObject({ verdict: 'damaged' });
  });

  it.each(['whole', 'not whole'])('that are %s have the last line of verify', async (what) => {
    const gap = {
      from: stamp(100),
      to: stamp(200),
      cause: 'server_restarted',
      reason: 'the server was restarted',
      after: null,
      before: null,
      afterSeq: 100,
      missing: 3,
    } as const;
    const manifest = what === 'whole' ? {} : { gaps: [gap] };
    await recordedCapture(test, actor, shop, { statements: mixed(), manifest });
    const verified = await runCaptures(['verify', 'friday', '--json'], { home, env: ada });
    const { verdict, gaps } = await jsonOf(['friday']);
    const { line, problems, notes } = JSON.parse(verified.stdout) as Report['verdict'];
    expect([verdict.line, verdict.problems, verdict.notes]).toEqual([line, problems, notes]);
    expect(gaps).toHaveLength(what === 'whole' ? 0 : 1);
  });

  it('that are all gone are named, and the exit status is 10', async () => {
    const { folder } = await recordedCapture(test, actor, shop);
    rmSync(folder, { recursive: true });
    const { status, stdout, stderr } = await report(['friday']);
    expect([status, stdout]).toEqual([10, '']);
    expect(stderr).toContain('Nothing of the capture "friday" can be read');
    expect(stderr).toContain('captures verify shop/friday');
  });
});

describe('what there is no report of', () => {
  it.each<[string, readonly string[], number, RegExp]>([
    ['an unknown capture', ['nosuch'], 3, /Capture not found/],
    ['a capture without statements', ['numbers/only'], 3, /captures metrics numbers\/only/],
    ['one that has not begun', ['later'], 6, /"later" is SCHEDULED\n.*before it is RUNNING/],
    ['a digest nobody has', ['friday', '--digest', '0000'], 3, /no digest 0000\n.*captures report/],
    ['what is no digest', ['friday', '--digest', 'SELECT'], 2, /is not a digest/],
    ['a digest by table', ['friday', '--digest', '00', '--by', 'table'], 2, /contradict/],
    ['another dimension', ['friday', '--by', 'colour'], 2, /digest, table, user, host/],
    ['another order', ['friday', '--sort', 'colour'], 2, /count, rate, time, average/],
    ['no rows', ['friday', '--limit', '0'], 2, /whole number from 1 on/],
    ['a time after the window', ['friday', '--since', '2026-11-22T02:00:00Z'], 2, /nothing from/],
    [
      'a time before the window',
      ['friday', '--until', '2026-11-22T00:00:00Z'],
      2,
      /nothing before/,
    ],
    ['a field of no row', ['friday', '--fields', 'colour'], 2, /There is no field "colour"/],
    ['an interval without --watch', ['friday', '--interval', '5s'], 2, /--watch/],
    ['an interval too short', ['friday', '--watch', '--interval', '0.1'], 2, /at least 1 s/],
    ['CSV that is watched', ['friday', '--watch', '-o', 'csv'], 2, /add --json/],
  ])('is %s', async (_what, args, expected, message) => {
    await recordedCapture(test, actor, shop);
    const numbers = test.environment({ admin: [actor] }, { name: 'numbers' });
    test.capture(actor, numbers, { name: 'only' });
    test.capture(actor, shop, { name: 'later', scheduledStart: Date.now() + 3_600_000 });
    const { status, stdout, stderr } = await report(args);
    expect([status, stdout]).toEqual([expected, '']);
    expect(stderr).toMatch(message);
  });
});

describe('captures report --watch', () => {
  it('of a capture that is over prints its report once, and says so', async () => {
    await recordedCapture(test, actor, shop, { statements: mixed() });
    const shown = await report(['friday', '--watch'], { tty: 80 });
    expect(shown.status).toBe(0);
    expect(shown.stdout).toMatch(/^shop\/friday · DONE/);
    expect(shown.stderr).toBe('The capture is over: this is its report.\n');
    const piped = await report(['friday', '--watch']);
    expect(piped.stdout).toMatch(
      /^\S+Z shop\/friday: DONE 600ms, 600 statements, 1,000\/s on average\n/,
    );
    const json = await report(['friday', '--watch', '--json']);
    expect(json.stdout.trimEnd().split('\n')).toHaveLength(1);
    expect(JSON.parse(json.stdout)).toMatchObject({ statements: 600, interval: null });
  });

  it('waits for the times that are read a moment behind the end, and ends with the usual order', async () => {
    const { id } = await recordedCapture(test, actor, shop, {
      statements: mixed(),
      status: 'RUNNING',
    });
    const end = Date.parse(stamp(600));
    let slept = 0;
    let waits = 0;
    const { captures, times } = test.store;
    const clock = {
      now: () => CLOCK.now() + slept,
      sleep: (ms: number) => {
        slept += ms;
        if (captures.find(id)?.status === 'RUNNING') {
          captures.move(id, 'RUNNING', 'STOPPING', {});
          captures.move(id, 'STOPPING', 'DONE', { end });
        } else if (ms === 250 && ++waits === 2) {
          const sums = { count: 400, micros: 9_000, rowsSent: 1, rowsExamined: 1, errors: 0 };
          const text = 'SELECT ? FROM `orders` WHERE `customer` = ?';
          times.add(id, {
            from: end - 600,
            to: end + 700,
            why: null,
            digests: 1,
            texts: [{ number: 0, db: 'shop', text }],
            sums: [[0, sums]],
          });
        }
        return Promise.resolve();
      },
    };
    const { stdout } = await report(['friday', '--watch', '--json'], { clock });
    const looks = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Report);
    expect(looks.map(({ capture, sort }) => `${capture.status} by ${sort}`)).toEqual([
      'RUNNING by rate',
      'DONE by time',
    ]);
    expect([waits, looks[1]?.coverage.times]).toEqual([2, expect.closeTo(0.667)]);
  });
});
