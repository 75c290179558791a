import {
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { execFile, spawn } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { UNLIMITED, type Actor } from '../../src/core/access.ts';
import type { Environment } from '../../src/core/environments/environment.ts';
import { systemClock } from '../../src/core/clock.ts';
import { SignalDesk } from '../../src/cli/runtime/signals.ts';
import { fileStem } from '../../src/core/workloads/transfer.ts';
import { runCaptures, type CliOptions, type CliResult } from '../support/cli.ts';
import { recordedCapture } from '../support/recorded-captures.ts';
import { SERVER, temporaryFolder, TestStore } from '../support/stores.ts';
import { addUser } from '../support/users.ts';
import { stamp } from '../workload/recorded.ts';
import { DOCUMENTED } from './json-page.ts';

let test: TestStore;
let env: { CAPTURES_TOKEN: string };
let cwd: string;
let workload: string;
let actor: Actor;
let shop: Environment;

function run(argv: string[], more: CliOptions = {}): Promise<CliResult> {
  return runCaptures(argv, { home: test.store.directory, env, cwd, ...more });
}

beforeAll(async () => {
  test = new TestStore(systemClock);
  env = addUser(test.store.directory, 'ada');
  const userId = test.store.users.findByName('ada')?.id ?? 0;
  actor = { userId, userName: 'ada', isStoreAdmin: false, scope: UNLIMITED };
  shop = test.environment({ admin: [actor] }, { server: SERVER, name: 'shop' });
  ({ folder: workload } = await recordedCapture(test, actor, shop));
  await recordedCapture(test, actor, shop, { name: 'live', status: 'RUNNING' });
  const broken = await recordedCapture(test, actor, shop, { name: 'broken' });
  const segment = join(broken.folder, 'segment-000003.ndjson.zst');
  writeFileSync(segment, readFileSync(segment).fill(0, 200, 300));
  const gone = await recordedCapture(test, actor, shop, { name: 'gone' });
  rmSync(gone.folder, { recursive: true });
  const numbers = test.environment({ admin: [actor] }, { name: 'numbers' });
  test.capture(actor, shop, { name: 'later', scheduledStart: Date.now() + 3_600_000 });
  test.capture(actor, numbers, { name: 'metrics only', start: 0, duration: 60_000 });
});
beforeEach(() => {
  cwd = temporaryFolder();
});

describe('an export', () => {
  it.each([
    [[], 'friday.captures.tar', 'archive'],
    [['--format', 'ndjson'], 'friday.ndjson', 'ndjson'],
    [['--format', 'sql'], 'friday.sql', 'sql'],
    [['--format', 'csv'], 'friday.csv', 'csv'],
    [['--format', 'general-log'], 'friday.log', 'general-log'],
    [['--format', 'PARQUET'], 'friday.parquet', 'parquet'],
  ])('into a folder, %j, is %s', async (options, name, format) => {
    const { status, stdout, stderr } = await run(['export', 'friday', '--to', '.', ...options]);
    const file = join(cwd, name);
    const { size, mode } = statSync(file);
    expect([status, stdout, mode & 0o777]).toEqual([0, '', 0o600]);
    expect(stderr).toMatch(new RegExp(`^Exported shop/friday to ${file} \\([\\d.]+ [KM]iB\\)\n`));
    expect(readdirSync(cwd)).toEqual([name]);
    const again = await run(['export', 'friday', '--to', file, ...options, '--json']);
    expect([again.status, again.stdout]).toEqual([6, '']);
    expect(JSON.parse(again.stderr)).toMatchObject({
      code: 409,
      message: `${file} is there already`,
      hint: expect.stringContaining('--force') as string,
    });
    const forced = await run(['export', 'friday', '--to', file, ...options, '--force', '--json']);
    const row = JSON.parse(forced.stdout) as Record<string, unknown>;
    expect(row).toEqual({
      capture: 1,
      name: 'friday',
      environment: 'shop',
      file,
      format,
      bytes: size,
    });
    expect(Object.keys(row)).toEqual(DOCUMENTED['export']?.fields.map(([path]) => path));
    expect(statSync(file).size).toBe(size);
  });

  it('of statements is what workload prints, and of one that runs what is committed', async () => {
    for (const name of ['friday', 'live']) {
      for (const format of ['ndjson', 'sql']) {
        const printed = await run(['workload', name, '--format', format]);
        const exported = await run(['export', name, '--to', '-', '--format', format]);
        expect(exported.stdout).toBe(printed.stdout);
      }
    }
    const csv = await run([
      'export',
      'live',
      '--to',
      '-',
      '--format',
      'csv',
      '--until',
      stamp(10),
      '--session',
      '11',
    ]);
    expect(
      csv.stdout
        .trim()
        .split('\r\n')
        .map((line) => line.split(',', 1)[0]),
    ).toEqual(['seq', '2', '5', '8']);
  });

  it('is extracted into one folder, which sha256sum and verify --folder find whole', async () => {
    await run(['export', 'friday', '--to', 'x.tar']);
    const sh = promisify(execFile);
    await sh('tar', ['xf', 'x.tar'], { cwd });
    const folder = join(cwd, 'friday');
    expect(readdirSync(cwd).sort()).toEqual(['friday', 'x.tar']);
    const { stdout } = await sh('sha256sum', ['-c', 'SHA256SUMS'], { cwd: folder });
    expect(stdout.match(/: OK$/gm)).toHaveLength(8);
    expect((await run(['verify', '--folder', folder])).status).toBe(0);
    // What GNU tar makes of the folder again is an export as well.
    rmSync(join(cwd, 'x.tar'));
    const names = ['capture.json', 'manifest.json', 'metrics.ndjson', 'times.ndjson'];
    const segments = readdirSync(workload)
      .filter((name) => name.startsWith('segment-'))
      .sort();
    const files = [...names, ...segments, 'SHA256SUMS'].map((name) => `./${name}`);
    await sh('tar', ['cf', '../again.tar', ...files], { cwd: folder });
    const made = await run(['import', 'again.tar', '--name', 'again']);
    expect(made.status, made.stderr).toBe(0);
  });

  it('goes to a pipe or a device as it comes', async () => {
    expect((await run(['export', 'friday', '--to', '/dev/null'])).status).toBe(0);
    const fifo = join(cwd, 'fifo');
    await promisify(execFile)('mkfifo', [fifo]);
    const cat = spawn('cat', [fifo], { stdio: ['ignore', 'pipe', 'ignore'] });
    const read = cat.stdout.toArray();
    expect((await run(['export', 'friday', '--to', fifo, '--format', 'ndjson'])).status).toBe(0);
    const text = Buffer.concat((await read) as Buffer[]).toString();
    expect(text).toBe((await run(['workload', 'friday'])).stdout);
  });
});

describe('refused is', () => {
  it.each([
    [['friday'], 2, '--to is missing'],
    [['nothing', '--to', '.'], 3, 'Capture not found'],
    [
      ['live', '--to', '.'],
      6,
      'The capture "live" is RUNNING\n  Stop it first: captures stop live. Or export',
    ],
    [['metrics only', '--to', '.'], 3, 'has metrics only. To see them: captures metrics'],
    [['later', '--to', '.'], 6, 'is SCHEDULED\n  Nothing is recorded before it is RUNNING'],
    [['gone', '--to', '.'], 3, 'There is no workload in'],
    [['broken', '--to', '.'], 10, 'segment-000003.ndjson.zst is not what was recorded'],
    [['broken', '--to', '.', '--format', 'parquet'], 10, 'is damaged: segment-000003'],
    [['friday', '--to', 'no/where/'], 2, 'There is no folder'],
    [['friday', '--to', 'no/where'], 2, 'there is no such folder'],
    [
      ['friday', '--to', '.', '--user', 'app'],
      2,
      'Only some statements are exported with a --format',
    ],
    [['friday', '--to', '.', '--format', 'xml'], 2, '--format cannot be "xml"'],
    [['friday', '--to', '/dev/full'], 1, 'Cannot write /dev/full: no space left on device'],
    [['friday', '--to', '-', '--json'], 2, '--json does nothing here'],
  ])('%j, with exit %i, and nothing is left', async (argv, expected, message) => {
    const { status, stdout, stderr } = await run(['export', ...argv]);
    expect([status, stdout]).toEqual([expected, '']);
    expect(stderr).toContain(message);
    expect(readdirSync(cwd)).toEqual([]);
  });

  it('a terminal, for every format', async () => {
    for (const format of [[], ['--format', 'parquet'], ['--format', 'sql']]) {
      const argv = ['export', 'friday', '--to', '-', ...format];
      expect(await run(argv, { tty: 80 })).toMatchObject({ status: 2, stdout: '' });
    }
  });

  it('a folder in the place of a file, and a link to a file that is there', async () => {
    mkdirSync(join(cwd, 'friday.captures.tar'));
    const folder = await run(['export', 'friday', '--to', '.']);
    expect([folder.status, folder.stderr]).toEqual([2, expect.stringContaining('it is a folder')]);
    writeFileSync(join(cwd, 'kept'), 'kept');
    symlinkSync('kept', join(cwd, 'link'));
    expect((await run(['export', 'friday', '--to', 'link'])).status).toBe(6);
    expect(readFileSync(join(cwd, 'kept'), 'utf8')).toBe('kept');
  });
});

it('an export that is interrupted leaves no file, and keeps one that was there', async () => {
  const signals = new SignalDesk();
  const file = join(cwd, 'x.tar');
  writeFileSync(file, 'before');
  signals.deliver('SIGINT');
  const { status } = await run(['export', 'friday', '--to', 'x.tar', '--force'], { signals });
  expect(status).toBe(130);
  await expect.poll(() => readdirSync(cwd)).toEqual(['x.tar']);
  expect(readFileSync(file, 'utf8')).toBe('before');
});

it.each([[[]], [['--format', 'ndjson']]])(
  'an export, %j, of a capture that somebody deletes meanwhile says so',
  async (format) => {
    const { id, folder } = await recordedCapture(test, actor, shop, { name: 'doomed' });
    // What it is about, or the first lines, was written; segments are still to be read.
    const onWrite = (): void => {
      test.store.captures.delete(id, ['DONE']);
      rmSync(folder, { recursive: true, force: true });
    };
    const argv = ['export', 'doomed', '--to', '-', ...format];
    const { status, stderr } = await run(argv, { onWrite });
    expect([status, stderr]).toEqual([
      3,
      'captures: Capture not found\n  It was deleted while its statements were read.\n',
    ]);
  },
);

it('an export removes what killed ones left of its file, and nothing else', async () => {
  const [gone, there] = [4_711, 4_712];
  const uuid = '0b6f4ae2-58d0-4f0e-9f7c-2f8a3b1c9d5e';
  const left = (name: string, host: string, pid: number, id = uuid): string => {
    const file = `.${name}.${host}-${pid}-${id}.part`;
    writeFileSync(join(cwd, file), 'x');
    return file;
  };
  left('x.tar', 'test-host', gone);
  utimesSync(join(cwd, left('x.tar', 'elsewhere', there)), 0, 0);
  const kept = [
    left('x.tar', 'test-host', there),
    left('x.tar', 'another', gone),
    left('y.tar', 'test-host', gone),
    left('x.tar', 'test-host', gone, 'of-somebody-else'),
  ];
  const isRunning = (pid: number): boolean => pid !== gone;
  expect((await run(['export', 'friday', '--to', 'x.tar'], { isRunning })).status).toBe(0);
  expect(readdirSync(cwd).sort()).toEqual(['x.tar', ...kept].sort());
});

it('an export has a name as long as a file may have', async () => {
  const name = 'é'.repeat(127);
  expect((await run(['export', 'friday', '--to', name])).status).toBe(0);
  expect(readdirSync(cwd)).toEqual([name]);
});

it.each([
  ['friday', 'friday'],
  ['a/b: c?', 'a-b-c-'],
  ['..hidden', 'hidden'],
  ['été 2026', 'été-2026'],
  ['日'.repeat(30), '日'.repeat(20)],
  ['...', 'capture'],
])('the name %j is %j in a file', (name, stem) => {
  expect(fileStem(name)).toBe(stem);
});
