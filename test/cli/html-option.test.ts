import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { UNLIMITED, type Actor } from '../../src/core/access.ts';
import { systemClock } from '../../src/core/clock.ts';
import { runCaptures, type CliOptions, type CliResult } from '../support/cli.ts';
import { recordedCapture } from '../support/recorded-captures.ts';
import { reportOf, rowOf } from '../support/reports.ts';
import { SERVER, temporaryFolder, TestStore } from '../support/stores.ts';
import { addUser } from '../support/users.ts';
import { statements } from '../workload/recorded.ts';

let home: string;
let env: { CAPTURES_TOKEN: string };
let cwd: string;

beforeAll(async () => {
  const test = new TestStore(systemClock);
  home = test.store.directory;
  env = addUser(home, 'ada');
  const userId = test.store.users.findByName('ada')?.id ?? 0;
  const actor: Actor = { userId, userName: 'ada', isStoreAdmin: false, scope: UNLIMITED };
  const shop = test.environment({ admin: [actor] }, { server: SERVER, name: 'shop' });
  await recordedCapture(test, actor, shop, { statements: statements(600) });
  cwd = temporaryFolder();
  for (const name of ['a', 'b']) {
    const rows = [rowOf(0), rowOf(name === 'a' ? 1 : 2)];
    writeFileSync(join(cwd, `${name}.json`), JSON.stringify(reportOf(rows)));
  }
});

function run(line: string, options: CliOptions = {}): Promise<CliResult> {
  return runCaptures(line.split(' '), { home, env, cwd, ...options });
}

describe('--html', () => {
  it('writes a report to a file that nobody else can read, and says so', async () => {
    const outcome = await run('report friday --html friday.html');
    expect(outcome.status).toBe(0);
    expect(outcome.stdout).toBe('');
    expect(outcome.stderr).toMatch(/^Wrote friday\.html \([\d.]+ KiB\)\n$/);
    const file = join(cwd, 'friday.html');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const page = readFileSync(file, 'utf8');
    expect(page).toContain('<title>shop/friday: report</title>');
    expect(page).toContain('WHOLE: 600 commands are recorded');
    for (const section of ['digest', 'table', 'user', 'host', 'session']) {
      expect(page).toContain(`<table id="by-${section}"`);
    }
  });

  it('writes a comparison of files without a store, and fails as it does without it', async () => {
    const bare = { home: join(cwd, 'none'), env: {} };
    const outcome = await run('diff a.json b.json --html d.html --fail-on new', bare);
    expect(outcome).toMatchObject({ status: 8, stdout: '' });
    expect(outcome.stderr).toMatch(/^Wrote d\.html [^]+B differs from A: 1 new/);
    expect(readFileSync(join(cwd, 'd.html'), 'utf8')).toContain('New in B alone: 1');
  });

  it('lists as many rows as are asked for, and says what is not listed', async () => {
    await run('report friday --by session --limit 1 --html few.html');
    const page = readFileSync(join(cwd, 'few.html'), 'utf8');
    expect(page).toMatch(
      /The first 1 sessions\. \d+ more, with \d+ statements, (is|are) not listed/,
    );
  });

  it('replaces a page of ours, and nothing else', async () => {
    const file = join(cwd, 'twice.html');
    await run('diff a.json b.json --html twice.html');
    const first = readFileSync(file, 'utf8');
    expect((await run('report friday --html twice.html')).status).toBe(0);
    expect(readFileSync(file, 'utf8')).not.toBe(first);
    const { status, stderr } = await run('report friday --html a.json');
    expect(status).toBe(6);
    expect(stderr).toContain('a.json is there already, and is not a page of captures');
    expect(readFileSync(join(cwd, 'a.json'), 'utf8')).toMatch(/^\{"format"/);
  });

  it('goes to stdout with -, or to a file beside the data that is asked for', async () => {
    const piped = await run('report friday --html -');
    expect(piped).toMatchObject({ status: 0, stderr: '' });
    expect(piped.stdout).toMatch(/^<!doctype html>[^]+<\/html>\n$/);
    const both = await run('report friday --json --html beside.html');
    expect(JSON.parse(both.stdout)).toMatchObject({ format: 'captures-report', statements: 600 });
    expect(readFileSync(join(cwd, 'beside.html'), 'utf8')).toContain('<!doctype html>');
  });

  it.each([
    ['report friday --html .', 2, '--html takes a file, and . is a folder'],
    ['report friday --html new/', 2, '--html takes a file, and new/ is a folder'],
    ['report friday --html none/x.html', 2, 'x.html: there is no such folder'],
    ['report friday --html /dev/full', 1, 'Cannot write /dev/full: no space left on device'],
    ['report friday --html - -o csv', 2, '--output csv does nothing here'],
    ['report friday --html x.html --watch', 2, '--html'],
    ['report nobody --html nobody.html', 3, 'Capture not found'],
    ['diff a.json b.json --html .', 2, '--html takes a file, and . is a folder'],
  ])('%s exits %i and leaves nothing', async (line, status, message) => {
    const before = readdirSync(cwd);
    const outcome = await run(line);
    expect(outcome.status).toBe(status);
    expect(outcome.stderr).toContain(message);
    expect(readdirSync(cwd)).toEqual(before);
  });

  it('is not for a terminal', async () => {
    const { status, stderr } = await run('report friday --html -', { tty: 80 });
    expect([status, stderr]).toEqual([2, expect.stringContaining('--html FILE')]);
  });
});
