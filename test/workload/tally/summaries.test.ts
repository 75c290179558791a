import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { resultOf } from '../../../src/core/progress.ts';
import type { LoggedStatement } from '../../../src/core/workloads/statements.ts';
import { verifyFiles } from '../../../src/workload/file-verification.ts';
import { segmentPath } from '../../../src/workload/segment-files.ts';
import { SegmentWriter } from '../../../src/workload/segment-writer.ts';
import { LineSerialiser } from '../../../src/workload/statement-line.ts';
import { summaryFileName } from '../../../src/workload/tally/segment-summary.ts';
import { readSegment } from '../../../src/workload/workload-reader.ts';
import { removeWorkload } from '../../../src/workload/workload-folder.ts';
import { recorded, stamp, statements } from '../recorded.ts';
import { aStatement, workloadFolder } from '../statements.ts';
import { countOf, plain, requestFor, tallyIn } from './counted.ts';

const summaries = async (folder: string): Promise<string[]> =>
  (await readdir(folder)).filter((name) => name.includes('summary'));

/** Makes it so long ago that the files' times tell whether they were changed. */
async function settle(folder: string): Promise<void> {
  const before = new Date(Date.now() - 60_000);
  for (const name of await readdir(folder)) await utimes(join(folder, name), before, before);
}

async function segmentText(folder: string, segment: number): Promise<string> {
  const texts: Buffer[] = [];
  for await (const chunk of readSegment(folder, segment, null)) texts.push(Buffer.from(chunk));
  return Buffer.concat(texts).toString();
}

describe('summaries of segments', () => {
  it('lie beside them with their mode, and say what counting says', async () => {
    const workload = await recorded(statements(600));
    await chmod(segmentPath(workload.folder, 1), 0o660);
    const first = await countOf(workload);
    const names = await summaries(workload.folder);
    expect(names).toHaveLength(workload.manifest.segments.length);
    const { mode } = await stat(join(workload.folder, summaryFileName(1)));
    expect(mode & 0o777).toBe(0o660);
    const second = await countOf(workload);
    expect(plain(second)).toEqual(plain(first));
    const verified = await verifyFiles(workload.folder, workload.manifest.segments, {
      from: null,
      to: null,
      mayGoOn: false,
    });
    expect(verified.damage).toEqual([]);
    await removeWorkload(workload.folder);
    await expect(stat(workload.folder)).rejects.toThrow('ENOENT');
  });

  it.each<[string, (file: Buffer) => Buffer]>([
    ['is cut short', (file) => file.subarray(0, file.length / 2)],
    ['is empty', () => Buffer.alloc(0)],
    ['is noise', () => randomBytes(5_000)],
    [
      'is of another version',
      (file) => changedInside(file, 'captures-summary', 'captures-summarx'),
    ],
    ['unfolds to gigabytes', () => zstdCompressSync(Buffer.alloc(40 * 1024 * 1024))],
  ])('is not read when it %s', async (_what, change) => {
    const workload = await recorded(statements(300));
    const before = await countOf(workload);
    const path = join(workload.folder, summaryFileName(1));
    await writeFile(path, change(await readFile(path)));
    expect(plain(await countOf(workload))).toEqual(plain(before));
  });

  it('is not believed of a segment that was changed, whatever its size and time', async () => {
    const workload = await recorded(statements(600));
    const path = segmentPath(workload.folder, 1);
    await countOf(workload);
    const text = await segmentText(workload.folder, 1);
    const other = zstdCompressSync(text.replaceAll('orders', 'planet'));
    const { mtime } = await stat(path);
    await writeFile(path, other);
    await utimes(path, mtime, mtime);
    const { tally, damage } = await countOf(workload, { expected: [] });
    expect(damage).toEqual([]);
    const counts = tally.digests.map((one): [string, number] => [one.text, one.count]);
    expect(counts.filter(([one]) => one.includes('planet'))).toHaveLength(1);
  });

  it('is believed of one that only bears another time', async () => {
    const workload = await recorded(statements(600));
    const before = await countOf(workload);
    const path = join(workload.folder, summaryFileName(1));
    const { ino } = await stat(path);
    await settle(workload.folder);
    expect(plain(await countOf(workload))).toEqual(plain(before));
    // It was not written anew.
    expect((await stat(path)).ino).toBe(ino);
  });

  it('is not needed: a folder that cannot be written to only has none', async () => {
    const workload = await recorded(statements(300));
    const blocked = join(workload.folder, summaryFileName(1));
    await mkdir(blocked);
    const counted = await countOf(workload);
    expect(counted.tally.statements).toBe(300);
    expect(counted.damage).toEqual([]);
    expect((await summaries(workload.folder)).filter((name) => name.endsWith('.copy'))).toEqual([]);
  });
});

describe('a workload that grows', () => {
  it('costs what is new, and comes to what counting it anew does', async () => {
    const folder = await workloadFolder();
    const writer = await SegmentWriter.open(folder, null, {
      segmentText: 40_000,
      frameText: 4_000,
    });
    const serialiser = new LineSerialiser();
    const counter = tallyIn(folder);
    const all = statements(2_000);
    for (let done = 0; done < all.length; done += 250) {
      await writer.write(serialiser.tails(all.slice(done, done + 250)));
      const position = await writer.flush();
      const workload = { position, manifest: { segments: writer.segments() } };
      const last = await resultOf(counter.count(requestFor(workload)));
      expect(last.damage).toEqual([]);
      expect(last.tally.statements).toBe(done + 250);
      const anew = await resultOf(tallyIn(folder).count(requestFor(workload)));
      expect(plain(anew)).toEqual(plain(last));
    }
    await writer.close();
  });
});

describe('a part of a workload', () => {
  it.each([
    [0, 600],
    [100, 101],
    [37, 450],
    [250, null],
    [null, 250],
    [700, 800],
  ])('has the statements from %s to before %s ms', async (since, before) => {
    const workload = await recorded(statements(600));
    const from = Date.parse(stamp(0));
    const range = {
      since: since === null ? null : from + since,
      before: before === null ? null : from + before,
    };
    const counter = tallyIn(workload.folder);
    const expected = Math.max(0, Math.min(before ?? 600, 600) - Math.min(since ?? 0, 600));
    for (let time = 0; time < 2; time++) {
      const { tally, records } = await resultOf(counter.count(requestFor(workload, range)));
      expect(tally.statements).toBe(expected);
      expect(tally.records).toBe(expected);
      expect(records).toEqual({ committed: 600, read: 600 });
    }
  });

  it('is exact to the microsecond, and counts an EXECUTE whose echo is outside', async () => {
    const at = (micros: string, about: Partial<LoggedStatement>): LoggedStatement =>
      aStatement({ time: `2026-11-22T01:00:00.${micros}Z`, ...about });
    const workload = await recorded([
      at('000999', { sql: 'SELECT 1' }),
      at('001000', { sql: 'SELECT 2' }),
      at('001999', { sql: 'EXECUTE p' }),
      at('002000', { kind: 'execute', sql: 'DELETE FROM t', flags: ['echo'] }),
    ]);
    const from = Date.parse(stamp(0));
    const { tally } = await countOf(workload, { since: from + 1, before: from + 2 });
    expect(tally.digests.map(({ text, count }) => [text, count])).toEqual(
      expect.arrayContaining([
        ['SELECT ?', 1],
        ['DELETE FROM t', 1],
      ]),
    );
    expect(tally.statements).toBe(2);
  });
});

/** A summary of which a text inside is another one, with a checksum that is right. */
function changedInside(file: Buffer, text: string, other: string): Buffer {
  const bytes = zstdDecompressSync(file);
  return zstdCompressSync(Buffer.from(bytes.toString('latin1').replace(text, other), 'latin1'));
}
