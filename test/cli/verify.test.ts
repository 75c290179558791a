import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { displayWidth } from '../../src/cli/render/width.ts';
import { verificationNoun } from '../../src/cli/render/verification-report.ts';
import { workloadFolder } from '../../src/workload/deleted-workloads.ts';
import { ClosedPipe } from '../../src/cli/runtime/world.ts';
import { UNLIMITED, type Actor } from '../../src/core/access.ts';
import type { CaptureStatus } from '../../src/core/captures/capture.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { LoggedStatement } from '../../src/core/workloads/statements.ts';
import type { ManifestContent } from '../../src/workload/manifest.ts';
import { runCaptures, type CliOptions, type CliResult } from '../support/cli.ts';
import { addUser } from '../support/users.ts';
import { SERVER, temporaryFolder, TestStore } from '../support/stores.ts';
import { recorded, stamp, statements } from '../workload/recorded.ts';
import { DOCUMENTED } from './json-page.ts';

let test: TestStore;
let home: string;
let ada: { CAPTURES_TOKEN: string };
let actor: Actor;

beforeEach(() => {
  test = new TestStore(systemClock);
  home = test.store.directory;
  ada = addUser(home, 'ada');
  const user = test.store.users.findByName('ada');
  actor = { userId: user?.id ?? 0, userName: 'ada', isStoreAdmin: false, scope: UNLIMITED };
});

const WAY: readonly CaptureStatus[] = ['STARTED', 'STARTING', 'RUNNING', 'STOPPING', 'DONE'];

/** A capture as a recorder leaves it in the store and in its folder, as far as `status`. */
async function captureThatIs(
  status: CaptureStatus,
  all: readonly LoggedStatement[] = statements(600),
  changes: Partial<ManifestContent> = {},
): Promise<{ id: number; folder: string }> {
  const { store } = test;
  const environment = test.environment({ admin: [actor] }, { server: SERVER, name: 'shop' });
  const { id } = test.capture(actor, environment, { name: 'friday' });
  const way =
    status === 'FAILED' ? [...WAY.slice(0, 3), status] : WAY.slice(0, WAY.indexOf(status) + 1);
  for (const [index, to] of way.entries()) {
    const from = way[index - 1];
    if (from === undefined) continue;
    const times = to === 'RUNNING' ? { start: 1_000 } : to === 'DONE' ? { end: 2_000 } : {};
    const reason = to === 'FAILED' ? { reason: 'the server went away', end: 2_000 } : {};
    store.captures.move(id, from, to, { ...times, ...reason });
  }
  const folder = workloadFolder(store, id);
  if (!way.includes('RUNNING')) return { id, folder };
  const isOver = status === 'DONE';
  const { manifest, position } = await recorded(
    all,
    {
      capture: { id, name: 'friday' },
      complete: isOver,
      ...(isOver ? {} : { end: null }),
      ...changes,
    },
    folder,
  );
  const settings = manifest.settingsBefore;
  const tap = store.taps.insert(
    { serverKey: 'k', nonce: 'nonce', environmentId: environment.id, settings },
    0,
  );
  store.recordings.begin(id, tap.id);
  const facts = JSON.stringify({ ...manifest, endReason: null });
  store.recordings.open(id, 1, facts);
  store.recordings.finish(
    {
      captureId: id,
      records: position.totalRecords,
      textBytes: position.totalText,
      fileBytes: position.totalBytes,
      position: JSON.stringify(position),
      counters: JSON.stringify({ ...manifest.counters, heard: manifest.heard, openSessions: [] }),
      rates: [],
    },
    facts,
  );
  store.taps.delete(tap.id);
  return { id, folder };
}

describe('workload on a terminal', () => {
  const nasty = "SELECT '\u001b]0;owned\u0007 \u009b31m \u202e\ttab\n/* two */ lines 😀'";
  const raw = /[^\P{Cc}\n\t]|\p{Cf}/u;

  it.each(['ndjson', 'sql'])(
    'as %s shows nothing that it would obey; a pipe gets it as it is',
    async (format) => {
      await captureThatIs('DONE', [{ ...(statements(1)[0] ?? fail()), sql: nasty }]);
      const run = (tty: object): Promise<CliResult> =>
        runCaptures(['workload', 'friday', '--format', format], { home, env: ada, ...tty });
      const shown = await run({ stdoutTty: 80 });
      const piped = await run({});
      expect([shown.status, piped.status]).toEqual([0, 0]);
      expect(raw.test(shown.stdout)).toBe(false);
      expect(raw.test(piped.stdout)).toBe(true);
      if (format === 'ndjson') {
        expect(JSON.parse(shown.stdout)).toEqual(JSON.parse(piped.stdout));
        expect(JSON.parse(shown.stdout)).toMatchObject({ sql: nasty });
      } else {
        expect(piped.stdout).toContain(nasty);
        expect(shown.stdout).toContain('\\x1b]0;owned\\x07');
      }
    },
  );

  it('says on stderr how many statements are only comments as SQL', async () => {
    const all = statements(3).map((one, n) => (n === 0 ? one : { ...one, sql: 'system x' }));
    await captureThatIs('DONE', all);
    const { stderr } = await runCaptures(['workload', 'friday', '--format', 'sql'], {
      home,
      env: ada,
    });
    expect(stderr).toBe(
      '2 statements are comments and will not run: a client would read it differently from the server\n',
    );
  });
});

function fail(): never {
  throw new Error('no statement');
}

function verify(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return runCaptures(['verify', ...args], { home, env: ada, ...options });
}

describe('captures verify', () => {
  it('ends with the verdict, and exits 0 when the record is whole', async () => {
    await captureThatIs('DONE');
    // Progress is shown after a second, which a busy machine takes for this.
    const now = systemClock.now();
    const clock = { ...systemClock, now: () => now };
    const { status, stdout, stderr } = await verify(['shop/friday'], { tty: 80, clock });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('shop/friday (id 1), DONE');
    expect(stdout).toContain('4 of 4 segments sound');
    expect(stdout).toMatch(/\n\n\S*WHOLE: 600 commands are recorded /);
  });

  it.each([80, 120])('fits a terminal of %i columns', async (columns) => {
    const all = statements(600).map((one, n): LoggedStatement =>
      n % 5 === 0 ? { ...one, flags: ['lossy'], user: null, host: 'a-host-with-a-long-name' } : one,
    );
    const edge = { generation: 1, gtid: null };
    const counters = { interruptions: 0, before: null, after: null };
    await captureThatIs('DONE', all, {
      start: { ...edge, time: stamp(0), counters },
      end: { ...edge, time: stamp(600), counters },
      warnings: [
        'The general log goes to a FILE as well as to the table, which takes room on the disk of the server',
      ],
      gaps: [
        {
          from: stamp(100),
          to: stamp(200),
          cause: 'server_restarted',
          reason: 'the log was off when the recorder came back: the server was restarted',
          after: null,
          before: null,
          afterSeq: 100,
          missing: null,
        },
      ],
    });
    const { status, stdout } = await verify(['friday', '--color', 'never'], { tty: columns });
    expect(status).toBe(8);
    const lines = stdout.trimEnd().split('\n');
    expect(lines.filter((line) => displayWidth(line) > columns)).toEqual([]);
    const conclusion = lines.slice(lines.lastIndexOf('') + 1);
    expect(conclusion.join(' ')).toMatch(/^NOT WHOLE: 480 commands are recorded: 1 gap/);
    expect(conclusion.length).toBe(2);
  });

  it('prints JSON as documented', async () => {
    const { folder } = await captureThatIs('DONE');
    const { status, stdout } = await verify(['friday', '--json']);
    const json = JSON.parse(stdout) as Record<string, unknown>;
    expect(Object.keys(json)).toEqual(verificationNoun.fields);
    expect(Object.keys(json)).toEqual(DOCUMENTED['verify']?.fields.map(([path]) => path));
    expect({ status, ...json }).toMatchObject({
      status: 0,
      capture: { id: 1, name: 'friday', environment: 'shop' },
      folder,
      verdict: 'whole',
      whole: true,
      records: 600,
      recorded: 600,
      received: null,
      problems: [],
    });
  });

  it('exits 8 for a record that is damaged, and names what is', async () => {
    const { folder } = await captureThatIs('DONE');
    rmSync(join(folder, 'segment-000002.ndjson.zst'));
    const { status, stdout } = await verify(['friday', '--json']);
    expect(status).toBe(8);
    expect(JSON.parse(stdout)).toMatchObject({
      verdict: 'damaged',
      line: 'DAMAGED: segment-000002.ndjson.zst is missing',
      problems: [{ kind: 'damage', segment: 2 }],
    });
  });

  it('finds a manifest that was edited and is consistent in itself', async () => {
    const { folder } = await captureThatIs('DONE');
    const path = join(folder, 'manifest.json');
    const manifest = JSON.parse(readFileSync(path, 'utf8')) as ManifestContent;
    writeFileSync(
      path,
      JSON.stringify({
        ...manifest,
        gaps: [],
        warnings: ['none'],
        end: { ...manifest.end, generation: 9 },
      }),
    );
    const { status, stdout } = await verify(['friday', '--json']);
    expect(status).toBe(8);
    const { problems } = JSON.parse(stdout) as { problems: { what: string }[] };
    expect(problems.map(({ what }) => what)).toEqual([
      'the manifest has another "end" than the store',
      'the manifest has another "warnings" than the store',
    ]);
  });

  it('verifies what is committed of a capture that goes on, and exits 8', async () => {
    const { folder } = await captureThatIs('RUNNING');
    // What is written and not committed yet is nobody's business.
    writeFileSync(join(folder, 'segment-000005.ndjson.zst'), 'half a frame');
    const { status, stdout } = await verify(['friday'], { tty: 80 });
    expect(status).toBe(8);
    expect(stdout).toContain('STILL RECORDING: what is committed so far is sound: 600 records');
  });

  it('verifies what a capture that failed has kept, and exits 8', async () => {
    await captureThatIs('FAILED');
    const { status, stdout } = await verify(['friday'], { tty: 80 });
    expect(status).toBe(8);
    const onWrite = (): never => {
      throw new ClosedPipe();
    };
    expect((await verify(['friday'], { onWrite })).status).toBe(8);
    expect(stdout).toContain('The capture failed: the server went away');
    // The window ends where the store says that it did.
    expect(stdout).toContain(' to 1970-01-01 00:00:02');
    expect(stdout).toContain('NOT WHOLE: 600 commands are recorded: the capture failed');
  });

  it('says that a capture that failed at its start recorded nothing, and exits 8', async () => {
    const { store } = test;
    const environment = test.environment({ admin: [actor] }, { server: SERVER, name: 'shop' });
    const { id } = test.capture(actor, environment, { name: 'friday' });
    store.captures.move(id, 'STARTED', 'STARTING', {});
    store.captures.move(id, 'STARTING', 'FAILED', { reason: 'no such host', end: 2_000 });
    const { status, stdout } = await verify(['friday', '--color', 'never'], { tty: 80 });
    expect(status).toBe(8);
    expect(stdout).not.toContain('DAMAGED');
    expect(stdout).toMatch(
      /\n\nNOT WHOLE: nothing was recorded, because the capture failed at its start: no\nsuch host\n$/,
    );
    expect(JSON.parse((await verify(['friday', '--json'])).stdout)).toMatchObject({
      verdict: 'not_whole',
      problems: [{ kind: 'failed' }],
    });
  });

  it('verifies a copy by its manifest alone, without a store', async () => {
    const { folder } = await captureThatIs('DONE');
    const target = temporaryFolder();
    cpSync(folder, join(target, 'copy'), { recursive: true });
    const options: CliOptions = { home: join(target, 'nowhere'), env: {}, cwd: target, tty: 80 };
    const { status, stdout } = await verify(['--folder', 'copy'], options);
    expect(status).toBe(0);
    expect(stdout).toContain('WHOLE: 600 commands are recorded');
    expect((await verify(['--folder', 'none'], options)).status).toBe(8);
  });

  it.each([
    [[], 2, 'Give either a capture or --folder'],
    [['friday', '--folder', 'x'], 2, 'Give either a capture or --folder'],
    [['monday'], 3, 'Capture not found'],
  ] as const)('refuses %j', async (args, status, message) => {
    const result = await verify(args);
    expect(result).toMatchObject({ status, stdout: '' });
    expect(result.stderr).toContain(message);
  });

  it('refuses a capture that records nothing, and one that has not begun', async () => {
    const numbers = test.environment({ admin: [actor] });
    test.capture(actor, numbers, { name: 'numbers' });
    const metricsOnly = await verify(['numbers', '--json']);
    expect(metricsOnly.status).toBe(2);
    expect(JSON.parse(metricsOnly.stderr)).toMatchObject({
      code: 400,
      message: 'The capture "numbers" has no statements to verify',
    });
    await captureThatIs('STARTED');
    const early = await verify(['friday']);
    expect(early.status).toBe(6);
    expect(early.stderr).toContain('The capture "friday" is STARTED');
  });

  it('shows nothing of a capture to who is no member', async () => {
    await captureThatIs('DONE');
    const { status, stderr } = await verify(['1'], { env: addUser(home, 'eve') });
    expect(status).toBe(3);
    expect(stderr).toContain("Capture's environment not found");
  });
});
