import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { UNLIMITED, type Actor } from '../../src/core/access.ts';
import { systemClock } from '../../src/core/clock.ts';
import { Interrupted, SignalDesk } from '../../src/cli/runtime/signals.ts';
import { segmentFileName } from '../../src/workload/segment-files.ts';
import { baseName, entriesIn, sha256, tarOf, withSums, type Entry } from '../support/archives.ts';
import { PASSWORD, runCaptures, type CliOptions, type CliResult } from '../support/cli.ts';
import { recordedCapture } from '../support/recorded-captures.ts';
import { SERVER, temporaryFolder, TestStore } from '../support/stores.ts';
import { addUser } from '../support/users.ts';
import { statements } from '../workload/recorded.ts';
import { DOCUMENTED } from './json-page.ts';

interface Place {
  readonly test: TestStore;
  readonly env: { CAPTURES_TOKEN: string };
  readonly actor: Actor;
}

/** A store with an environment `shop` of ada's. */
function place(): Place {
  const test = new TestStore(systemClock);
  const env = addUser(test.store.directory, 'ada');
  const userId = test.store.users.findByName('ada')?.id ?? 0;
  const actor = { userId, userName: 'ada', isStoreAdmin: false, scope: UNLIMITED };
  test.environment({ admin: [actor] }, { server: SERVER, name: 'shop' });
  return { test, env, actor };
}

function run({ test, env }: Place, argv: string[], more: CliOptions = {}): Promise<CliResult> {
  return runCaptures(argv, { home: test.store.directory, env, ...more });
}

function bytes(tar: Buffer, step = tar.length): AsyncIterable<Uint8Array> {
  return (async function* () {
    for (let at = 0; at < tar.length; at += step) {
      await Promise.resolve();
      yield tar.subarray(at, at + step);
    }
  })();
}

const take = (at: Place, tar: Buffer, argv: string[] = []): Promise<CliResult> =>
  run(at, ['import', '-', ...argv], { stdinBytes: bytes(tar) });

/** What a store holds: the ids of its captures, and whatever lies in the folder of its workloads. */
function held({ test: { store } }: Place): { captures: number[]; files: string[] } {
  const folder = join(store.directory, 'captures');
  const { id } = store.environments.findByName('shop') ?? { id: 0 };
  return {
    captures: store.captures.idsOf(id),
    files: existsSync(folder) ? readdirSync(folder) : [],
  };
}

/** What `export` wrote of a capture of 600 statements in four segments, with metrics. */
let archive: Buffer;
let source: Place;
let there: Place;
beforeAll(async () => {
  source = place();
  const shop = source.test.store.environments.findByName('shop');
  if (shop === null) throw new Error('There is no environment');
  const { id } = await recordedCapture(source.test, source.actor, shop);
  const { metrics } = source.test.store;
  const start = Date.parse('2026-11-22T01:00:00Z');
  for (let n = 0; n < 3; n++) {
    const at = start + n * 200;
    metrics.addSample([id], { at, counters: { Questions: 10 * n, Threads_running: 2 } });
  }
  const window = { from: start - 3_600_000, to: start + 3_600_000 };
  metrics.saveFetch(
    {
      captureId: id,
      fetched: { window, period: 60_000, at: start },
      nextAt: null,
      failures: 0,
      failure: null,
    },
    [{ label: 'CPUUtilization', statistic: 'Average', times: [start], values: [12.5] }],
  );
  const sums = { count: 3, micros: 4_500, rowsSent: 3, rowsExamined: 9, errors: 0 };
  const texts = [
    { number: 0, db: 'shop', text: 'SELECT ?' },
    { number: 1, db: null, text: 'COMMIT' },
  ];
  const { times } = source.test.store;
  times.add(id, { from: start, to: start + 300, why: null, digests: 2, texts, sums: [[0, sums]] });
  const rest = {
    texts: [],
    sums: [
      [1, sums],
      [0, sums],
    ],
  } as const;
  times.add(id, { from: start + 300, to: start + 600, why: 'full', digests: 2, ...rest });
  times.setOpen(id, start + 600, 'off');
  archive = (await run(source, ['export', 'friday', '--to', '-'])).bytes;
  there = place();
});

const PARTS = ['capture.json', 'manifest.json', 'metrics.ndjson', 'times.ndjson'];

describe('an import', () => {
  it('gives the same statements, counts, facts and metrics, whatever the size of the pieces', async () => {
    const here = place();
    for (const [index, step] of [100, 512, 70_000].entries()) {
      const argv = ['import', '-', '--name', `friday ${index}`, '--json'];
      const made = await run(here, argv, { stdinBytes: bytes(archive, step) });
      expect(made.status, made.stderr).toBe(0);
      const row = JSON.parse(made.stdout) as Record<string, unknown>;
      expect(row).toMatchObject({ name: `friday ${index}`, status: 'DONE', owner: 'ada' });
      expect(Object.keys(row)).toEqual([
        ...new Set(DOCUMENTED['import']?.fields.map(([path]) => path.replace(/\..*/, ''))),
      ]);
    }
    const both = async (...argv: string[]): Promise<[unknown, unknown]> => {
      const [command = '', ...options] = argv;
      const was = await run(source, [command, 'friday', ...options]);
      const is = await run(here, [command, 'friday 2', ...options]);
      expect([was.status, is.status, is.stderr]).toEqual([0, 0, '']);
      const value = ({ stdout }: CliResult): unknown =>
        command === 'workload' ? stdout : JSON.parse(stdout);
      return [value(was), value(is)];
    };
    const [text, sameText] = await both('workload');
    expect(sameText).toBe(text);
    const [metrics, sameMetrics] = await both('metrics', '--source', 'server', '--json');
    expect(sameMetrics).toEqual(metrics);
    expect(JSON.stringify(metrics)).toContain('"Timestamp"');
    const [verified, sameVerified] = await both('verify', '--json');
    expect(sameVerified).toMatchObject({ verdict: 'whole', statements: 600 });
    expect(verified).toMatchObject({ verdict: 'whole', statements: 600 });
    const [details, sameDetails] = (await both('get', '--json')) as Record<string, object>[];
    expect(sameDetails).toMatchObject({
      status: 'DONE',
      type: 'CAPTURE',
      metrics: { nextAt: null },
    });
    const { folder } = sameDetails?.['workload'] as { folder: string };
    expect(sameDetails?.['workload']).toMatchObject({
      ...details?.['workload'],
      folder,
      imported: { id: 1, name: 'friday', environment: 'shop', owner: 'ada' },
    });
    const provided = await run(here, [
      'metrics',
      'friday 2',
      '--metric',
      'CPUUtilization',
      '--json',
    ]);
    expect(JSON.parse(provided.stdout)).toMatchObject([
      { label: 'CPUUtilization', dataPoints: [{ Average: 12.5 }] },
    ]);
    const intervals = source.test.store.times.intervalsOf(1);
    expect(here.test.store.times.intervalsOf(3)).toEqual(intervals);
    expect(intervals).toHaveLength(3);
    const shown = await run(here, ['get', 'friday 2', '--output', 'table']);
    expect(shown.stdout).toMatch(
      /imported +.* from shop\/friday of ada on mariadb 10\.11\s+at db1:3306/,
    );
  });

  it('is written down, can be deleted, exported and imported again', async () => {
    const here = place();
    expect((await take(here, archive)).status).toBe(0);
    const log = await run(here, ['log', '--json']);
    expect(JSON.parse(log.stdout)).toMatchObject([
      { action: 'capture.import', user: 'ada', details: { from: 'shop/friday', records: 600 } },
    ]);
    const again = await run(here, ['export', 'friday', '--to', '-']);
    expect((await run(here, ['delete', 'friday', '--yes'])).status).toBe(0);
    expect(held(here)).toEqual({ captures: [], files: [] });
    expect((await take(here, again.bytes)).status).toBe(0);
    expect(JSON.parse((await run(here, ['get', 'friday', '--json'])).stdout)).toMatchObject({
      workload: { imported: { id: 1, environment: 'shop' } },
    });
  });

  it('keeps a FAILED capture FAILED, with what was committed of it', async () => {
    const from = place();
    const shop = from.test.store.environments.findByName('shop');
    if (shop === null) throw new Error('There is no environment');
    const { folder } = await recordedCapture(from.test, from.actor, shop, { status: 'FAILED' });
    const last = join(folder, segmentFileName(4));
    writeFileSync(last, Buffer.concat([readFileSync(last), Buffer.from('not committed')]));
    const { bytes: tar } = await run(from, ['export', 'friday', '--to', '-']);
    const here = place();
    const { status, stdout, stderr } = await take(here, tar, ['--json']);
    expect(status, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ status: 'FAILED', reason: 'the server went away' });
    const { stdout: report, status: verified } = await run(here, ['verify', 'friday', '--json']);
    expect(verified).toBe(8);
    expect(JSON.parse(report)).toMatchObject({ verdict: 'not_whole', statements: 600 });
  });

  it('of an empty capture is an empty capture', async () => {
    const from = place();
    const shop = from.test.store.environments.findByName('shop');
    if (shop === null) throw new Error('There is no environment');
    await recordedCapture(from.test, from.actor, shop, { statements: [] });
    const { bytes: tar, stderr } = await run(from, ['export', 'friday', '--to', '-']);
    const here = place();
    const made = await take(here, tar);
    expect([made.status, stderr], made.stderr).toEqual([0, '']);
    expect((await run(here, ['verify', 'friday'])).status).toBe(0);
    expect((await run(here, ['workload', 'friday'])).stdout).toBe('');
  });

  it('needs an environment of that name, or one that is chosen, of which one is a member', async () => {
    const here = place();
    const { store } = here.test;
    const bob = addUser(store.directory, 'bob');
    const asBob = (argv: string[]): Promise<CliResult> =>
      runCaptures(['import', '-', ...argv], {
        home: store.directory,
        env: bob,
        stdinBytes: bytes(archive),
      });
    const stranger = await asBob([]);
    expect([stranger.status, stranger.stderr]).toEqual([
      3,
      expect.stringContaining(
        'Environment does not exist\n  The file comes from an environment named shop.',
      ),
    ]);
    expect((await asBob(['--env', 'shop'])).status).toBe(3);
    expect(
      (await runCaptures(['env', 'create', 'lab'], { home: store.directory, env: bob })).status,
    ).toBe(0);
    expect((await asBob(['--env', 'lab', '--name', 'theirs'])).status).toBe(0);
    const { stdout } = await runCaptures(['list', '--json'], { home: store.directory, env: bob });
    expect(JSON.parse(stdout)).toMatchObject([
      { environment: 'lab', name: 'theirs', owner: 'bob' },
    ]);
  });

  it('of a name that is taken says so before the segments are read', async () => {
    const here = place();
    expect((await take(here, archive)).status).toBe(0);
    const head = entriesIn(archive).slice(0, 2);
    const endless = (async function* () {
      await Promise.resolve();
      yield tarOf(head).subarray(0, -1024);
      for (;;) yield new Promise<Uint8Array>(() => undefined) as never;
    })();
    const { status, stderr } = await run(here, ['import', '-'], { stdinBytes: endless });
    expect([status, stderr]).toEqual([
      2,
      'captures: Capture with the same name already exists in this environment\n  Choose another name with --name. To see that one: captures get shop/friday\n',
    ]);
    expect(held(here)).toEqual({ captures: [1], files: ['1'] });
  });

  it('that is interrupted leaves nothing', async () => {
    const here = place();
    const signals = new SignalDesk();
    const stdinBytes = (async function* () {
      await Promise.resolve();
      yield archive.subarray(0, archive.length / 2);
      signals.deliver('SIGINT');
      yield archive.subarray(archive.length / 2);
    })();
    const { status } = await run(here, ['import', '-'], { stdinBytes, signals });
    expect(signals.interrupted.reason).toBeInstanceOf(Interrupted);
    expect(status).toBe(130);
    await expect.poll(() => held(here)).toEqual({ captures: [], files: [] });
  });

  it('clears away what one that was killed left, and not what one that runs has written', async () => {
    const here = place();
    const folder = join(here.test.store.directory, 'captures');
    const uuid = '0b6c5b8e-9a3f-4a53-8a0b-8a0f2f1f9b11';
    const left = {
      killed: `.import-${hostname()}-999999999-${uuid}`,
      running: `.import-${hostname()}-${process.pid}-${uuid}`,
      elsewhere: `.import-another-host-1-${uuid}`,
      'elsewhere, long ago': `.import-old-host-1-${uuid}`,
    };
    for (const name of Object.values(left)) mkdirSync(join(folder, name), { recursive: true });
    const yesterday = new Date(Date.now() - 25 * 3_600_000);
    utimesSync(join(folder, left['elsewhere, long ago']), yesterday, yesterday);
    expect((await take(here, archive)).status).toBe(0);
    expect(held(here).files.sort()).toEqual([left.elsewhere, left.running, '1'].sort());
    await run(here, ['delete', 'friday', '--yes']);
    expect(held(here).files.sort()).toEqual([left.elsewhere, left.running].sort());
  });

  it('replaces what a crash between the files and the commit left under its id', async () => {
    const here = place();
    const folder = join(here.test.store.directory, 'captures', '1');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'segment-000009.ndjson.zst'), 'left');
    expect((await take(here, archive)).status).toBe(0);
    expect((await run(here, ['verify', 'friday'])).status).toBe(0);
    expect(readdirSync(folder)).not.toContain('segment-000009.ndjson.zst');
  });

  it('makes files that are for their owner alone, or, in a shared store, for its group', async () => {
    const modesOf = (home: string): number[] => {
      const folder = join(home, 'captures', '1');
      const modes = readdirSync(folder).map((name) => statSync(join(folder, name)).mode & 0o7777);
      return [statSync(folder).mode & 0o7777, ...new Set(modes)];
    };
    const here = place();
    await take(here, archive);
    expect(modesOf(here.test.store.directory)).toEqual([0o700, 0o600]);
    const group = execFileSync('id', ['-gn'], { encoding: 'utf8' }).trim();
    const machine = { home: join(temporaryFolder(), 'home'), userHome: temporaryFolder() };
    const init = ['init', '--user', 'ada', '--password-stdin', '--shared-group', group];
    const made = await runCaptures(init, { ...machine, stdin: PASSWORD });
    expect(made.status, made.stderr).toBe(0);
    await runCaptures(['env', 'create', 'shop'], machine);
    const { status, stderr } = await runCaptures(['import', '-'], {
      ...machine,
      stdinBytes: bytes(archive),
    });
    expect(status, stderr).toBe(0);
    expect(modesOf(machine.home)).toEqual([0o2770, 0o660]);
  });
});

type Change = (entries: Entry[]) => Entry[] | Buffer;

/** One entry with another body. */
const changed =
  (name: string, change: (body: Buffer) => Buffer, isHonest = true): Change =>
  (entries) => {
    const all = entries.map((entry) =>
      baseName(entry.path) === name ? { ...entry, body: change(entry.body) } : entry,
    );
    return isHonest ? withSums(all) : all;
  };

const json = (name: string, change: (value: Record<string, unknown>) => unknown): Change =>
  changed(name, (body) => {
    const value = JSON.parse(body.toString()) as Record<string, unknown>;
    return Buffer.from(JSON.stringify(change(value)));
  });

type Segment = Record<string, unknown>;
const firstSegment = (change: (segment: Segment) => Segment): Change =>
  json('manifest.json', (manifest) => {
    const [first = {}, ...others] = manifest['segments'] as Segment[];
    return { ...manifest, segments: [change(first), ...others] };
  });

/** The first segment is other bytes, and the manifest knows of them what it can. */
const otherSegment =
  (body: Buffer, more: Segment = {}): Change =>
  (entries) => {
    const facts = firstSegment((segment) => ({
      ...segment,
      bytes: body.length,
      sha256: sha256(body),
      ...more,
    }));
    return changed(segmentFileName(1), () => body)(facts(entries) as Entry[]);
  };

const added =
  (entry: Partial<Entry>, at = -1): Change =>
  (entries) =>
    entries.toSpliced(at, 0, { path: 'friday/x', body: Buffer.alloc(0), ...entry });
const without =
  (name: string): Change =>
  (entries) =>
    withSums(entries.filter(({ path }) => baseName(path) !== name));

const SEGMENT = 'segment-000001.ndjson.zst';
const BOMB = zstdCompressSync(Buffer.alloc(30 * 1024 * 1024, 'x'));

const REFUSED: readonly (readonly [what: string, change: Change, message: RegExp])[] = [
  ['nothing', () => Buffer.alloc(0), /no tar|cut short/],
  ['a text', () => Buffer.from('captures '.repeat(200)), /no tar/],
  ['zeros', () => Buffer.alloc(10_240), /damaged, or no tar/],
  [
    'an archive that is compressed',
    () => Buffer.from([0x1f, 0x8b, 8, 0]),
    /compressed \(gzip\); unpack it first/,
  ],
  ['zstd', (entries) => zstdCompressSync(tarOf(entries)), /compressed \(zstd\)/],
  ['its half', (entries) => tarOf(entries).subarray(0, 9_000), /cut short/],
  ['all but its end', (entries) => tarOf(entries.slice(0, -1)), /SHA256SUMS is not in it/],
  [
    'a flipped bit in a header',
    (entries) => {
      const tar = tarOf(entries);
      tar.writeUInt8(1, 600);
      return tar;
    },
    /damaged|no tar|not JSON/,
  ],
  ['a path out of it', added({ path: '../../x' }), /outside of its folder: "\.\.\/\.\.\/x"/],
  ['an absolute path', added({ path: '/etc/x' }), /outside of its folder/],
  ['a path of two folders', added({ path: 'friday/a/x' }), /outside of its folder/],
  ['a path that comes back', added({ path: 'friday/../x' }), /outside of its folder/],
  [
    'a symbolic link',
    added({ path: `friday/y`, type: 'SymbolicLink', linkpath: '/etc/passwd' }),
    /"friday\/y" in it is no regular file \(SymbolicLink\)/,
  ],
  [
    'a link',
    added({ path: 'friday/y', type: 'Link', linkpath: 'friday/manifest.json' }),
    /no regular file \(Link\)/,
  ],
  [
    'a device',
    added({ path: 'friday/y', type: 'CharacterDevice' }),
    /no regular file \(CharacterDevice\)/,
  ],
  ['a FIFO', added({ path: 'friday/y', type: 'FIFO' }), /no regular file \(FIFO\)/],
  [
    'a file that is none of ours',
    added({ path: 'friday/.bashrc' }),
    /"\.bashrc" in it is not in its manifest/,
  ],
  [
    'a segment twice',
    (entries) => entries.toSpliced(5, 0, ...entries.slice(4, 5)),
    /"segment-000001\.ndjson\.zst" is in it twice/,
  ],
  [
    'the manifest twice',
    (entries) => entries.toSpliced(2, 0, ...entries.slice(1, 2)),
    /"manifest\.json" is in it twice/,
  ],
  [
    'something behind the checksums',
    added({ path: `friday/${segmentFileName(5)}` }, 99),
    /behind SHA256SUMS/,
  ],
  ['the manifest first', (entries) => entries.toSpliced(0, 1), /does not begin with capture\.json/],
  ['no manifest', without('manifest.json'), /manifest\.json does not come second/],
  ['no metrics', without('metrics.ndjson'), /metrics\.ndjson is not in it/],
  ['a segment less', without(segmentFileName(2)), /segment-000002\.ndjson\.zst is not in it/],
  [
    'a checksum that is wrong',
    changed('metrics.ndjson', () => Buffer.from('\n'), false),
    /the checksum of metrics\.ndjson is wrong/,
  ],
  [
    'checksums of more than there is',
    changed(
      'SHA256SUMS',
      (body) => Buffer.concat([body, Buffer.from(`${'0'.repeat(64)}  more\n`)]),
      false,
    ),
    /more is not in it/,
  ],
  [
    'checksums that are none',
    changed('SHA256SUMS', () => Buffer.from('hello\n'), false),
    /no list of checksums/,
  ],
  [
    'a manifest of 9 GB',
    (entries) => entries.map((entry, index) => (index === 1 ? { ...entry, size: 9e9 } : entry)),
    /too large: 8\.4 GiB/,
  ],
  ['a capture.json of 2 MB', changed('capture.json', () => Buffer.alloc(2e6, ' ')), /too large/],
  [
    'a newer archive',
    json('capture.json', (value) => ({ ...value, formatVersion: 2 })),
    /a newer version of captures wrote it \(format 2; this one reads 1\)/,
  ],
  [
    'a newer manifest',
    json('manifest.json', (value) => ({ ...value, formatVersion: 9 })),
    /written by a newer version of captures \(format 9/,
  ],
  [
    'an archive of another program',
    json('capture.json', (value) => ({ ...value, format: 'x' })),
    /another program/,
  ],
  [
    'a capture without a start',
    json('capture.json', (value) => ({
      ...value,
      capture: { ...(value['capture'] as object), start: null },
    })),
    /capture\.json in it is not as it must be/,
  ],
  [
    'a capture that ends before it starts',
    json('capture.json', (value) => ({
      ...value,
      capture: { ...(value['capture'] as object), end: 0 },
    })),
    /ends before it starts/,
  ],
  [
    'a time after the year 9999',
    json('capture.json', (value) => ({
      ...value,
      capture: { ...(value['capture'] as object), end: 8.64e15 },
    })),
    /not as it must be/,
  ],
  [
    'a status that is not over',
    json('capture.json', (value) => ({
      ...value,
      capture: { ...(value['capture'] as object), status: 'RUNNING' },
    })),
    /not as it must be/,
  ],
  [
    'a name that is none',
    json('capture.json', (value) => ({
      ...value,
      capture: { ...(value['capture'] as object), name: '../x' },
    })),
    /capture name contains "\/"/,
  ],
  [
    'JSON that is none',
    changed('capture.json', () => Buffer.from('{')),
    /capture\.json in it is not JSON/,
  ],
  [
    'a manifest that is none',
    changed('manifest.json', () => Buffer.from('[]')),
    /manifest\.json in it is not the manifest/,
  ],
  [
    'a manifest that is not complete',
    json('manifest.json', (value) => ({ ...value, complete: false })),
    /do not agree/,
  ],
  [
    'options that cannot be',
    json('manifest.json', (value) => ({ ...value, options: { includeUsers: 'app' } })),
    /"includeUsers" was asked for as it cannot be/,
  ],
  [
    'counters of edges that are none',
    json('manifest.json', (value) => ({
      ...value,
      start: { ...(value['start'] as object), counters: { before: {}, after: {} } },
      end: { ...(value['end'] as object), counters: { before: 1, after: { status: 7 } } },
    })),
    /manifest is not as it must be/,
  ],
  [
    'a segment of another size',
    firstSegment((segment) => ({ ...segment, bytes: 7 })),
    /segment-000001\.ndjson\.zst has \d+ bytes, not 7 as its manifest says/,
  ],
  [
    'a segment of another checksum',
    firstSegment((segment) => ({ ...segment, sha256: 'f'.repeat(64) })),
    /its SHA-256 differs/,
  ],
  [
    'a segment of more records',
    firstSegment((segment) => ({ ...segment, records: 9_999 })),
    /holds \d+ records, not the 9,999/,
  ],
  [
    'a segment of other times',
    firstSegment((segment) => ({ ...segment, lastTime: '2020-01-01T00:00:00.000000Z' })),
    /does not begin and end at the times/,
  ],
  [
    'a segment of more text',
    firstSegment((segment) => ({ ...segment, text: 1 })),
    /holds [\d,]+ bytes of text, not 1 as/,
  ],
  [
    'a segment of another name',
    firstSegment((segment) => ({ ...segment, file: '../../../x' })),
    /does not number its segments/,
  ],
  [
    'segments larger than any disk',
    firstSegment((segment) => ({ ...segment, bytes: 2 ** 52 })),
    /needs 4 PiB/,
  ],
  [
    'counters that lie',
    json('manifest.json', (value) => ({
      ...value,
      counters: { ...(value['counters'] as object), statements: 7 },
    })),
    /says 7 statements, the files hold 600/,
  ],
  [
    'a bomb',
    otherSegment(Buffer.concat(Array.from({ length: 200 }, () => BOMB))),
    /holds 6,291,456,000 bytes of text, not/,
  ],
  [
    'an honest bomb',
    otherSegment(BOMB, { text: 30 * 1024 * 1024 }),
    /end of a line|longer than any/,
  ],
  ['frames that are none', otherSegment(Buffer.alloc(5_000, 'x')), /no zstd frame/],
  [
    'metrics that are none',
    changed('metrics.ndjson', () => Buffer.from('{"track":{"label":1}}\n')),
    /its metrics are damaged/,
  ],
  [
    'times of a digest without a text',
    changed('times.ndjson', () =>
      Buffer.from('{"interval":{"from":1,"to":2,"why":null,"sums":[[0,1,1,1,1,1]]}}\n'),
    ),
    /its times are damaged/,
  ],
  [
    'metrics out of order',
    changed('metrics.ndjson', () =>
      Buffer.from('{"rates":{"times":[2,1],"statements":[1,1],"sessions":[1,1]}}\n'),
    ),
    /its metrics are damaged/,
  ],
];

describe('refuses, and leaves nothing of it,', () => {
  it.each(REFUSED)('%s', async (_what, change, message) => {
    const made = change(entriesIn(archive));
    const { status, stdout, stderr } = await take(
      there,
      Buffer.isBuffer(made) ? made : tarOf(made),
    );
    const expected = message.source.startsWith('needs') ? 10 : 2;
    expect({ status, stdout }, stderr).toEqual({ status: expected, stdout: '' });
    expect(stderr).toMatch(message);
    expect(held(there)).toEqual({ captures: [], files: [] });
  });

  it.each([
    [['import', 'nothing.tar'], 'There is no file nothing.tar'],
    [['import', '.'], '. is a folder'],
    [['import', '/dev/null'], /\/dev\/null: This is no .*(?:no tar|cut short|does not begin)/],
    [['import'], /missing <file>: captures import <file>/i],
    [['import', 'x', '--name', ''], /name is empty|There is no file/],
  ])('%j', async (argv, message) => {
    const { status, stderr } = await run(there, argv, { cwd: temporaryFolder() });
    expect(status).toBe(2);
    expect(stderr).toMatch(message);
  });

  it('a terminal on stdin', async () => {
    const { status, stderr } = await run(there, ['import', '-'], { tty: 80 });
    expect([status, stderr]).toEqual([
      2,
      expect.stringContaining('nothing on stdin: it is a terminal'),
    ]);
  });
});

it('what export writes is in one folder, and is what was there', () => {
  const entries = entriesIn(archive);
  const segments = [1, 2, 3, 4].map(segmentFileName);
  expect(entries.map(({ path }) => path)).toEqual(
    [...PARTS, ...segments, 'SHA256SUMS'].map((name) => `friday/${name}`),
  );
  expect(withSums(entries)).toEqual(entries);
  expect(statements(600)).toHaveLength(600);
  expect(entries.find(({ path }) => path.endsWith(SEGMENT))?.body).toEqual(
    readFileSync(join(source.test.store.directory, 'captures', '1', SEGMENT)),
  );
});
