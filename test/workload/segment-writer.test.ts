import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  appendFile,
  mkdir,
  open,
  readdir,
  readFile,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { zstdDecompressSync } from 'node:zlib';
import fc from '../support/properties.ts';
import { describe, expect, test } from 'vitest';
import type { LoggedStatement, StatementRecord } from '../../src/core/workloads/statements.ts';
import { SegmentWriter, type SegmentWriterOptions } from '../../src/workload/segment-writer.ts';
import { segmentFileName } from '../../src/workload/segment-files.ts';
import { LineSerialiser } from '../../src/workload/statement-line.ts';
import { describeSegment, readRecords, readWorkload } from '../../src/workload/workload-reader.ts';
import { frameLength } from '../../src/workload/zstd-frames.ts';
import type { WorkloadPosition } from '../../src/core/workloads/workload.ts';
import { aStatement, statements, workloadFolder } from './statements.ts';

const serialiser = new LineSerialiser();

async function record(
  dir: string,
  batches: readonly LoggedStatement[][],
  options: SegmentWriterOptions = {},
  from: WorkloadPosition | null = null,
): Promise<WorkloadPosition> {
  const writer = await SegmentWriter.open(dir, from, options);
  for (const batch of batches) await writer.write(serialiser.tails(batch));
  const position = await writer.flush();
  await writer.close();
  return position;
}

async function recorded(dir: string, position: WorkloadPosition): Promise<StatementRecord[]> {
  const all: StatementRecord[] = [];
  for await (const records of readRecords(dir, position)) all.push(...records);
  return all;
}

function expectContiguous(records: readonly StatementRecord[], count: number): void {
  expect(records.map((one) => one.seq)).toEqual(Array.from({ length: count }, (_, i) => i + 1));
}

const SMALL = { segmentText: 20_000, frameText: 4_000 };

describe('a workload being written', () => {
  test('comes back statement by statement, with hostile text whole', async () => {
    const dir = await workloadFolder();
    const texts = ['\0', '\x1b]0;x\x07', '\u202eevil', '😀'.repeat(3), '\ud800', '"\\\n', ''];
    const position = await record(dir, [texts.map((sql) => aStatement({ sql }))]);
    const records = await recorded(dir, position);
    expect(records.map((one) => one.sql)).toEqual(texts);
    expectContiguous(records, texts.length);
  });

  test('keeps a statement of 20 MB whole, between small ones', async () => {
    const dir = await workloadFolder();
    const huge = 'é😀x'.repeat(2_500_000);
    const position = await record(dir, [
      [aStatement(), aStatement({ sql: huge }), aStatement({ sql: 'last' })],
    ]);
    const records = await recorded(dir, position);
    expect(records.map((one) => one.sql.length)).toEqual([8, huge.length, 4]);
    expect(records[1]?.sql === huge).toBe(true);
  });

  test('is a zstd frame with a checksum per batch, readable one by one', async () => {
    const dir = await workloadFolder();
    const writer = await SegmentWriter.open(dir, null);
    for (let i = 0; i < 3; i++) {
      await writer.write(serialiser.tails(statements(10)));
      await writer.flush();
    }
    await writer.close();
    const file = await readFile(join(dir, segmentFileName(1)));
    let text = '';
    let frames = 0;
    for (let at = 0; at < file.length; frames++) {
      const length = frameLength(file, at);
      if (length === null) throw new Error('cut short');
      expect(file.readUInt8(at + 4) & 4).toBe(4);
      text += zstdDecompressSync(file.subarray(at, at + length)).toString();
      at += length;
    }
    expect(frames).toBe(3);
    expect(text.split('\n').length).toBe(31);
  });

  test('is what zstdcat reads', async ({ skip }) => {
    const run = promisify(execFile);
    try {
      await run('zstdcat', ['--version']);
    } catch {
      skip('there is no zstdcat here');
    }
    const dir = await workloadFolder();
    await record(dir, [statements(500)], SMALL);
    const files = (await readdir(dir)).sort().map((name) => join(dir, name));
    expect(files.length).toBeGreaterThan(1);
    const { stdout } = await run('zstdcat', files, { maxBuffer: 1e8 });
    expect(stdout.trimEnd().split('\n').length).toBe(500);
  });

  test('goes on in the next file when a segment is full', async () => {
    const dir = await workloadFolder();
    const writer = await SegmentWriter.open(dir, null, SMALL);
    await writer.write(serialiser.tails(statements(1000)));
    const position = await writer.flush();
    const segments = writer.segments();
    await writer.close();
    expect(segments.length).toBeGreaterThan(5);
    expect(segments.every((one) => one.text <= SMALL.segmentText)).toBe(true);
    expect(segments.reduce((sum, one) => sum + one.records, 0)).toBe(1000);
    expect(position.totalRecords).toBe(1000);
    expectContiguous(await recorded(dir, position), 1000);
  });

  test('says of each segment what is in its file', async () => {
    const dir = await workloadFolder();
    const writer = await SegmentWriter.open(dir, null, SMALL);
    await writer.write(serialiser.tails(statements(700)));
    await writer.flush();
    for (const facts of writer.segments()) {
      expect(await describeSegment(dir, facts.segment)).toEqual(facts);
      const file = await readFile(join(dir, facts.file));
      expect(createHash('sha256').update(file).digest('hex')).toBe(facts.sha256);
    }
    await writer.close();
  });

  test('makes files and folder for their owner alone, or for a group when asked', async () => {
    const alone = await workloadFolder();
    await record(alone, [statements(1)]);
    expect((await stat(alone)).mode & 0o777).toBe(0o700);
    expect((await stat(join(alone, segmentFileName(1)))).mode & 0o777).toBe(0o600);
    const shared = await workloadFolder();
    await record(shared, [statements(1)], { fileMode: 0o660, folderMode: 0o770 });
    expect((await stat(shared)).mode & 0o777).toBe(0o770);
    expect((await stat(join(shared, segmentFileName(1)))).mode & 0o777).toBe(0o660);
  });

  test('has no file before its first statement', async () => {
    const dir = await workloadFolder();
    const position = await record(dir, []);
    expect(await readdir(dir)).toEqual([]);
    expect(position).toMatchObject({ segment: 1, offset: 0, totalRecords: 0 });
    const next = await record(dir, [statements(3)], {}, position);
    expectContiguous(await recorded(dir, next), 3);
  });
});

describe('a workload taken up again', () => {
  test('goes on behind the committed part, whatever a crash left behind it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 600 }),
        fc.integer({ min: 0, max: 600 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.boolean(),
        async (committed, lost, cut, garbage) => {
          const dir = await workloadFolder();
          const writer = await SegmentWriter.open(dir, null, SMALL);
          await writer.write(serialiser.tails(statements(committed)));
          const position = await writer.flush();
          // Written, even fsynced, but the commit never came.
          await writer.write(serialiser.tails(statements(lost, 'SELECT lost ')));
          await writer.flush();
          await writer.close();
          // The file system may have kept any part of what was not committed.
          const path = join(dir, segmentFileName(position.segment));
          if (position.offset > 0) {
            const size = (await stat(path)).size;
            await truncate(path, position.offset + Math.floor((size - position.offset) * cut));
            if (garbage) await appendFile(path, 'garbage');
          }
          const end = await record(dir, [statements(100)], SMALL, position);
          expect(end.totalRecords).toBe(committed + 100);
          const records = await recorded(dir, end);
          expectContiguous(records, committed + 100);
          expect(records.some((one) => one.sql.includes('lost'))).toBe(false);
          const last = await describeSegment(dir, end.segment);
          expect(last).toMatchObject({ sha256: end.sha256, records: end.records, text: end.text });
          await rm(dir, { recursive: true });
        },
      ),
      { numRuns: 40 },
    );
  });

  test('is the same position when nothing was added', async () => {
    const dir = await workloadFolder();
    const position = await record(dir, [statements(700)], SMALL);
    expect(
      await record(dir, [], SMALL, JSON.parse(JSON.stringify(position)) as WorkloadPosition),
    ).toEqual(position);
  });

  test('begins afresh when nothing was committed', async () => {
    const dir = await workloadFolder();
    await record(dir, [statements(700)], SMALL);
    const position = await record(dir, [statements(5)], SMALL);
    expect(await readdir(dir)).toEqual([segmentFileName(1)]);
    expectContiguous(await recorded(dir, position), 5);
  });

  test.each([
    {
      title: 'is shorter than what was committed',
      harm: (path: string, position: WorkloadPosition) => truncate(path, position.offset - 1),
      says: /has \d+ bytes of the \d+ that were committed/,
    },
    { title: 'is gone', harm: (path: string) => rm(path), says: /segment-000001\.\S+ is missing/ },
    {
      title: 'has another byte',
      harm: async (path: string) => {
        const file = await open(path, 'r+');
        await file.write(Buffer.from([0x5a]), 0, 1, 40);
        await file.close();
      },
      says: /its SHA-256 differs/,
    },
  ])('is refused when its file $title, and nothing is cut', async ({ harm, says }) => {
    const dir = await workloadFolder();
    const position = await record(dir, [statements(100)]);
    await harm(join(dir, segmentFileName(1)), position);
    await writeFile(join(dir, segmentFileName(2)), 'later');
    await expect(SegmentWriter.open(dir, position)).rejects.toMatchObject({
      code: 'store_unusable',
      message: expect.stringMatching(says) as string,
    });
    expect(await readdir(dir)).toContain(segmentFileName(2));
  });

  test('is refused when an earlier segment is gone', async () => {
    const dir = await workloadFolder();
    const position = await record(dir, [statements(700)], SMALL);
    await rm(join(dir, segmentFileName(2)));
    await expect(SegmentWriter.open(dir, position)).rejects.toThrow(
      'segment-000002.ndjson.zst is missing',
    );
  });
});

describe('a workload that another writer took over', () => {
  test('is not touched by the one before, which goes on where it was suspended', async () => {
    const dir = await workloadFolder();
    const suspended = await SegmentWriter.open(dir, null);
    await suspended.write(serialiser.tails(statements(300)));
    const committed = await suspended.flush();
    await suspended.write(serialiser.tails(statements(300)));
    const next = await SegmentWriter.open(dir, committed);
    await next.write(serialiser.tails(statements(200)));
    await suspended.flush();
    const position = await next.flush();
    await suspended.write(serialiser.tails(statements(5_000)));
    await suspended.flush();
    await suspended.close();
    await next.close();
    expectContiguous(await recorded(dir, position), 500);
    expect((await stat(join(dir, segmentFileName(1)))).size).toBe(position.offset);
    expect(await readdir(dir)).toEqual([segmentFileName(1)]);
  });

  test('is neither opened nor given a file by one that is not to have it any more', async () => {
    const dir = await workloadFolder();
    const committed = await record(dir, [statements(300)]);
    const before = await readFile(join(dir, segmentFileName(1)));
    const lost = new Error('another one has it');
    const prove = (): void => {
      throw lost;
    };
    await appendFile(join(dir, segmentFileName(1)), 'of the one that has it');
    await writeFile(join(dir, segmentFileName(2)), 'of the one that has it');
    await expect(SegmentWriter.open(dir, committed, { prove })).rejects.toBe(lost);
    await expect(SegmentWriter.open(dir, null, { prove })).rejects.toBe(lost);
    expect(await readFile(join(dir, segmentFileName(1)), 'latin1')).toBe(
      `${before.toString('latin1')}of the one that has it`,
    );
    expect(await readdir(dir)).toEqual([segmentFileName(1), segmentFileName(2)]);

    const empty = await workloadFolder();
    let isLost = false;
    const writer = await SegmentWriter.open(empty, null, {
      prove: () => {
        if (isLost) throw lost;
      },
    });
    isLost = true;
    await writer.write(serialiser.tails(statements(10)));
    await expect(writer.flush()).rejects.toBe(lost);
    expect(await readdir(empty)).toEqual([]);
    await writer.close();
  });

  test('is rid of a copy that was not finished', async () => {
    const dir = await workloadFolder();
    const committed = await record(dir, [statements(300)]);
    await writeFile(join(dir, `${segmentFileName(1)}.1234.copy`), 'half of it');
    const position = await record(dir, [statements(10)], {}, committed);
    expectContiguous(await recorded(dir, position), 310);
    expect(await readdir(dir)).toEqual([segmentFileName(1)]);
  });
});

describe('a disk that fails', () => {
  test('is one clear error that names the folder, and the writer stays unusable', async () => {
    const dir = await workloadFolder();
    const writer = await SegmentWriter.open(dir, null);
    await rm(dir, { recursive: true });
    await writer.write(serialiser.tails(statements(3)));
    const failure = { code: 'store_unusable', message: expect.stringContaining(dir) as string };
    await expect(writer.flush()).rejects.toMatchObject(failure);
    await expect(writer.write(serialiser.tails(statements(1)))).rejects.toMatchObject(failure);
    await expect(writer.flush()).rejects.toMatchObject(failure);
    await writer.close();
  });

  test('is found while a large batch is still being written', async () => {
    const dir = await workloadFolder();
    const writer = await SegmentWriter.open(dir, null, { frameText: 4000 });
    await rm(dir, { recursive: true });
    await expect(writer.write(serialiser.tails(statements(50_000)))).rejects.toMatchObject({
      code: 'store_unusable',
    });
    await writer.close();
  });

  test('that fills up in mid-capture keeps what was committed, and goes on once there is room', async ({
    skip,
  }) => {
    const run = promisify(execFile);
    const root = await workloadFolder();
    await mkdir(root);
    try {
      await run('mount', ['-t', 'tmpfs', '-o', 'size=128k', 'tmpfs', root]);
    } catch {
      skip('no small disk can be mounted here');
    }
    try {
      const dir = join(root, '1');
      const writer = await SegmentWriter.open(dir, null);
      await writer.write(serialiser.tails(statements(100)));
      const position = await writer.flush();
      await writeFile(join(root, 'ballast'), Buffer.alloc(60_000));
      const noise = Array.from({ length: 2000 }, () =>
        aStatement({ sql: randomBytes(100).toString('hex') }),
      );
      await writer.write(serialiser.tails(noise));
      await expect(writer.flush()).rejects.toMatchObject({
        code: 'store_unusable',
        message: `The disk is full: cannot write the record in ${dir}`,
      });
      await writer.close();
      await rm(join(root, 'ballast'));
      const end = await record(dir, [statements(100)], {}, position);
      expectContiguous(await recorded(dir, end), 200);
    } finally {
      await run('umount', [root]);
    }
  });

  test('that is full is called full', async () => {
    const { diskFailure } = await import('../../src/workload/disk-errors.ts');
    const full = Object.assign(new Error('write'), { code: 'ENOSPC' });
    expect(diskFailure(full, 'write the record in', '/store/captures/4').message).toBe(
      'The disk is full: cannot write the record in /store/captures/4',
    );
  });

  test('of a store that is gone does not make it anew', async () => {
    const dir = await workloadFolder();
    await expect(
      SegmentWriter.open(join(dir, 'gone', 'captures', '1'), null),
    ).rejects.toMatchObject({
      code: 'store_unusable',
    });
  });
});

test('a running capture is read up to the committed position only', async () => {
  const dir = await workloadFolder();
  const writer = await SegmentWriter.open(dir, null, SMALL);
  await writer.write(serialiser.tails(statements(300)));
  const position = await writer.flush();
  await writer.write(serialiser.tails(statements(300)));
  await writer.flush();
  let bytes = 0;
  for await (const chunk of readWorkload(dir, position)) bytes += chunk.length;
  expect(bytes).toBe(position.totalText);
  expectContiguous(await recorded(dir, position), 300);
  await writer.close();
});
