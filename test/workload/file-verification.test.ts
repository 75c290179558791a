import { createHash } from 'node:crypto';
import {
  copyFileSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import fc from '../support/properties.ts';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Verification } from '../../src/core/verification/verification-service.ts';
import { verify as verifySubject } from '../support/verification.ts';
import type { LoggedStatement } from '../../src/core/workloads/statements.ts';
import { writeManifest, type ManifestContent } from '../../src/workload/manifest.ts';
import { segmentPath } from '../../src/workload/segment-files.ts';
import { framesOf } from '../../src/workload/zstd-frames.ts';
import { open } from 'node:fs/promises';
import { temporaryFolder } from '../support/stores.ts';
import type { SegmentFacts } from '../../src/core/workloads/workload.ts';
import { recorded, stamp, statements, type Recorded } from './recorded.ts';

const RECORDS = 600;

let pristine: Recorded;
beforeAll(async () => {
  pristine = await recorded(statements(RECORDS));
  expect(pristine.manifest.segments.length).toBeGreaterThan(2);
});

/** A copy that one may spoil. */
function copy({ folder, manifest }: Recorded = pristine): string {
  const target = temporaryFolder();
  for (const name of ['manifest.json', ...manifest.segments.map(({ file }) => file)]) {
    copyFileSync(join(folder, name), join(target, name));
  }
  return target;
}

function verify(folder: string): Promise<Verification> {
  return verifySubject({
    capture: null,
    recording: null,
    folder,
    minValues: null,
  });
}

async function problemsOf(folder: string): Promise<string[]> {
  const { result } = await verify(folder);
  expect(result.whole).toBe(result.problems.length === 0);
  return result.problems.map(({ what }) => what);
}

/** The text of a segment, frame by frame: the decoder stops behind the first. */
async function textOf(folder: string, segment: number): Promise<string> {
  const file = await open(segmentPath(folder, segment));
  try {
    let text = '';
    const { size } = await file.stat();
    for await (const { data } of framesOf(file, 0, size))
      text += zstdDecompressSync(data).toString();
    return text;
  } finally {
    await file.close();
  }
}

/** Rewrites a segment, and what the manifest says of it, as one who wants to deceive would. */
async function rewrite(
  folder: string,
  segment: number,
  change: (lines: string[]) => string[],
): Promise<void> {
  const lines = change((await textOf(folder, segment)).split('\n').slice(0, -1));
  const text = Buffer.from(lines.map((line) => `${line}\n`).join(''));
  const data = zstdCompressSync(text);
  writeFileSync(segmentPath(folder, segment), data);
  await changeManifest(folder, ({ segments, ...rest }) => ({
    ...rest,
    segments: segments.map((one): SegmentFacts =>
      one.segment === segment
        ? {
            ...one,
            records: lines.length,
            text: text.length,
            bytes: data.length,
            lastTime: /"time":"([^"]*)"/.exec(lines.at(-1) ?? '')?.[1] ?? null,
            sha256: createHash('sha256').update(data).digest('hex'),
          }
        : one,
    ),
  }));
}

async function changeManifest(
  folder: string,
  change: (manifest: ManifestContent) => ManifestContent,
): Promise<void> {
  const path = join(folder, 'manifest.json');
  await writeManifest(folder, change(JSON.parse(readFileSync(path, 'utf8')) as ManifestContent));
}

describe('a record that is as it was written', () => {
  it('is whole', async () => {
    const { result, files } = await verify(copy());
    expect(result).toMatchObject({ verdict: 'whole', problems: [] });
    expect(files.counts.records).toBe(RECORDS);
    expect(files.segments.every(({ isSound }) => isSound)).toBe(true);
    expect(result.line).toBe(
      "WHOLE: 600 commands are recorded without a gap; the server's counters can't say how many it received",
    );
  });

  it('is whole when there is nothing in it', async () => {
    const { folder } = await recorded([]);
    expect(await problemsOf(folder)).toEqual([]);
  });

  it('says which sessions its flags are about', async () => {
    const all = statements(8).map((one, n): LoggedStatement =>
      n % 2 === 0 ? one : { ...one, flags: ['lossy'], user: null },
    );
    const { folder } = await recorded(all);
    const { files, result } = await verify(folder);
    expect(result.whole).toBe(true);
    expect(files.byFlag.lossy).toEqual({
      records: 4,
      sessions: 3,
      isAll: true,
      examples: [11, 10, 12].map((session) => ({ session, user: null, host: 'web1' })),
    });
    expect(files.unknownUser.records).toBe(4);
  });

  it('says where time goes back and where it lies outside of the window, and is whole', async () => {
    const all = statements(10).map((one, n) => (n === 5 ? { ...one, time: stamp(-60_000) } : one));
    const { folder } = await recorded(all);
    const { files, result } = await verify(folder);
    expect(files.backwards).toEqual({ records: 1, longestMs: 60_004 });
    expect(files.outside).toBe(1);
    expect(result.whole).toBe(true);
  });
});

describe('what is wrong is found and named', () => {
  it('one byte that is another', async () => {
    const folder = copy();
    const path = segmentPath(folder, 2);
    const data = readFileSync(path);
    data[data.length >> 1] = (data[data.length >> 1] ?? 0) ^ 1;
    writeFileSync(path, data);
    const problems = await problemsOf(folder);
    expect(problems[0]).toBe(
      'segment-000002.ndjson.zst is not what was recorded: its SHA-256 differs',
    );
    expect((await verify(folder)).result.line).toMatch(/^DAMAGED: segment-000002/);
  });

  it('a segment that is gone', async () => {
    const folder = copy();
    rmSync(segmentPath(folder, 2));
    expect(await problemsOf(folder)).toEqual(['segment-000002.ndjson.zst is missing']);
  });

  it('a segment that is cut short', async () => {
    const folder = copy();
    const path = segmentPath(folder, 1);
    const size = readFileSync(path).length;
    truncateSync(path, size - 10);
    expect(await problemsOf(folder)).toEqual([
      `segment-000001.ndjson.zst is cut short: it has ${size - 10} bytes of ${size}`,
      'segment-000001.ndjson.zst: its last frame is cut short',
    ]);
  });

  it('bytes behind the end', async () => {
    const folder = copy();
    const path = segmentPath(folder, 3);
    writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.from('more')]));
    expect(await problemsOf(folder)).toEqual([
      'segment-000003.ndjson.zst has 4 bytes after its end',
    ]);
  });

  it('a line that is there twice, under a checksum that is right', async () => {
    const folder = copy();
    await rewrite(folder, 2, (lines) => [...lines.slice(0, 5), ...lines.slice(4)]);
    const [problem = ''] = await problemsOf(folder);
    expect(problem).toMatch(
      /^segment-000002.ndjson.zst, line 6: number \d+ comes where \d+ must be/,
    );
  });

  it('a last line that was taken off, under a checksum that is right', async () => {
    const folder = copy();
    const last = pristine.manifest.segments.length;
    await rewrite(folder, last, (lines) => lines.slice(0, -1));
    expect(await problemsOf(folder)).toEqual([
      'the manifest says 600 records, the files hold 599',
      'the manifest says 600 statements, the files hold 599',
      'the manifest says 600 records of kind query, the files hold 599',
      'the manifest says that 600 commands were logged, the files hold 599',
      'the manifest says that 600 statements were logged, the files hold 599',
    ]);
  });

  it.each([
    ['no JSON', 'nonsense', 'line 3: it is not a record'],
    [
      'a kind that is none',
      (line: string) => line.replace('"query"', '"quarry"'),
      'there is no kind "quarry"',
    ],
    [
      'a flag that is none',
      (line: string) => line.replace(/}$/, ',"flags":["nice"]}'),
      'there is no flag "nice"',
    ],
    [
      'a time that is none',
      (line: string) => line.replace(/"time":"[^"]*"/, '"time":"noon"'),
      'its time is none',
    ],
  ] as const)('a line that has %s', async (_what, change, expected) => {
    const folder = copy();
    await rewrite(folder, 1, (lines) =>
      lines.map((line, n) => (n !== 2 ? line : typeof change === 'string' ? change : change(line))),
    );
    const problems = await problemsOf(folder);
    expect(problems.join('\n')).toContain(expected);
    expect(problems[0]).toContain('segment-000001.ndjson.zst, line 3');
  });

  it('two segments that have changed places', async () => {
    const folder = copy();
    renameSync(segmentPath(folder, 1), join(folder, 'one'));
    renameSync(segmentPath(folder, 2), segmentPath(folder, 1));
    renameSync(join(folder, 'one'), segmentPath(folder, 2));
    const problems = await problemsOf(folder);
    expect(problems.join('\n')).toContain('segment-000001');
    expect(problems.join('\n')).toContain('segment-000002');
  });

  it.each([
    ['records', 'the manifest says 601 records, the files hold 600'],
    ['statements', 'the manifest says 601 statements, the files hold 600'],
    ['sessions', 'the manifest says 4 sessions, the files hold 3'],
  ] as const)("the manifest's number of %s", async (name, expected) => {
    const folder = copy();
    await changeManifest(folder, ({ counters, ...rest }) => ({
      ...rest,
      counters: { ...counters, [name]: counters[name] + 1 },
    }));
    expect(await problemsOf(folder)).toEqual([expected]);
  });

  it('what the manifest says was logged', async () => {
    const folder = copy();
    await changeManifest(folder, (manifest) => ({
      ...manifest,
      heard: { ...pristine.heard.counts(), commands: 700 },
    }));
    expect(await problemsOf(folder)).toEqual([
      'the manifest says that 700 commands were logged, the files hold 600',
    ]);
  });

  it('nothing of what an older version counted otherwise of the texts', async () => {
    const folder = copy();
    const { unescapedParts, ...heard } = pristine.heard.counts();
    expect(unescapedParts).toBe(0);
    const older = { ...heard, doubtfulParts: 7 };
    await changeManifest(folder, (manifest) => ({ ...manifest, heard: older }));
    expect(await problemsOf(folder)).toEqual([]);
    const now = { ...older, unescapedParts: 0 };
    await changeManifest(folder, (manifest) => ({ ...manifest, heard: now }));
    expect(await problemsOf(folder)).toEqual([
      'the manifest says that 7 doubtfulParts were logged, the files hold 0',
    ]);
  });

  it('a segment that nobody recorded', async () => {
    const folder = copy();
    copyFileSync(segmentPath(folder, 1), segmentPath(folder, 9));
    expect(await problemsOf(folder)).toEqual(['segment-000009.ndjson.zst is not in the manifest']);
  });

  it('no manifest, or one that is none', async () => {
    const folder = copy();
    writeFileSync(join(folder, 'manifest.json'), '{');
    expect(await problemsOf(folder)).toContain(
      `${folder}/manifest.json is damaged: it is not JSON`,
    );
    rmSync(join(folder, 'manifest.json'));
    expect(await problemsOf(folder)).toContain(`There is no workload in ${folder}`);
  });

  it('a manifest of what was not over yet', async () => {
    const folder = copy();
    await changeManifest(folder, (manifest) => ({ ...manifest, complete: false }));
    expect(await problemsOf(folder)).toEqual([
      'The capture was not over yet when these files were written',
    ]);
  });

  it('any byte of any segment', async () => {
    const segments = pristine.manifest.segments.length;
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: segments }),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async (segment, place, change) => {
          const folder = copy();
          const path = segmentPath(folder, segment);
          const data = readFileSync(path);
          const at = place % data.length;
          data[at] = (data[at] ?? 0) ^ change;
          writeFileSync(path, data);
          expect((await problemsOf(folder))[0]).toContain(`segment-00000${segment}`);
        },
      ),
      { numRuns: 25 },
    );
  });
});
