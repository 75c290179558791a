import { open, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import fc from '../support/properties.ts';
import { describe, expect, test } from 'vitest';
import { SegmentWriter } from '../../src/workload/segment-writer.ts';
import { segmentFileName } from '../../src/workload/segment-files.ts';
import { LineSerialiser } from '../../src/workload/statement-line.ts';
import { searchLines } from '../../src/workload/workload-search.ts';
import { EVERY_STATEMENT } from '../../src/core/workloads/statement-search.ts';
import { readRecords, readWorkload } from '../../src/workload/workload-reader.ts';
import type { WorkloadPosition } from '../../src/core/workloads/workload.ts';
import { statements, workloadFolder } from './statements.ts';

const COUNT = 900;

async function aWorkload(dir: string): Promise<WorkloadPosition> {
  const writer = await SegmentWriter.open(dir, null, { segmentText: 40_000, frameText: 8_000 });
  await writer.write(new LineSerialiser().tails(statements(COUNT)));
  const position = await writer.flush();
  await writer.close();
  return position;
}

async function textOf(source: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

describe('reading a workload', () => {
  test('gives chunks that end where lines end', async () => {
    const dir = await workloadFolder();
    const position = await aWorkload(dir);
    let chunks = 0;
    for await (const chunk of readWorkload(dir, position)) {
      expect(chunk.at(-1)).toBe(10);
      chunks++;
    }
    expect(chunks).toBeGreaterThan(3);
  });

  test('stops at the limit, wherever frames and segments end', async () => {
    const dir = await workloadFolder();
    const position = await aWorkload(dir);
    const whole = (await textOf(readWorkload(dir, position))).split('\n');
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: COUNT + 50 }), async (limit) => {
        const text = await textOf(
          searchLines(dir, [{ from: null, until: position }], {
            search: EVERY_STATEMENT,
            limit,
            after: null,
          }),
        );
        expect(text.split('\n')).toEqual([...whole.slice(0, Math.min(limit, COUNT)), '']);
      }),
      { numRuns: 60 },
    );
  });

  test('gives nothing for a workload of which nothing is committed', async () => {
    expect(await textOf(readWorkload(await workloadFolder(), null))).toBe('');
    expect(await textOf(readWorkload(await workloadFolder(), { segment: 1, offset: 0 }))).toBe('');
  });

  test('can be left early', async () => {
    const dir = await workloadFolder();
    const position = await aWorkload(dir);
    for await (const records of readRecords(dir, position)) {
      expect(records[0]?.seq).toBe(1);
      break;
    }
  });

  test('reads frames written by another zstd, of unknown size and many in one write', async () => {
    const dir = await workloadFolder();
    const writer = await SegmentWriter.open(dir, null);
    await writer.close();
    const frames = Array.from({ length: 50 }, (_, i) =>
      zstdCompressSync(Buffer.from(`{"seq":${i + 1},"text":"${'x'.repeat(i * 400)}"}\n`)),
    );
    const file = Buffer.concat(frames);
    await writeFile(join(dir, segmentFileName(1)), file);
    const text = await textOf(readWorkload(dir, { segment: 1, offset: file.length }));
    expect(text.trimEnd().split('\n').length).toBe(50);
  });
});

describe('a damaged workload', () => {
  test('is one clear error for any changed byte, or reads as it was', async () => {
    const dir = await workloadFolder();
    const position = await aWorkload(dir);
    const path = join(dir, segmentFileName(1));
    const sound = await readFile(path);
    const whole = await textOf(readWorkload(dir, position));
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: sound.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        async (at, change) => {
          const changed = Buffer.from(sound);
          changed.writeUInt8(changed.readUInt8(at) ^ change, at);
          await writeFile(path, changed);
          try {
            // A header bit without meaning for the content may change unseen here; SHA-256 sees it.
            expect((await textOf(readWorkload(dir, position))) === whole).toBe(true);
          } catch (error) {
            expect(error).toMatchObject({
              code: 'store_unusable',
              message: expect.stringContaining(`The record in ${dir} is damaged`) as string,
            });
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  test('is an error when it is cut short, at any place', async () => {
    const dir = await workloadFolder();
    const position = await aWorkload(dir);
    const path = join(dir, segmentFileName(position.segment));
    await truncate(path, position.offset - 1);
    await expect(textOf(readWorkload(dir, position))).rejects.toThrow(
      /bytes of the \d+ that were committed/,
    );
    await expect(
      textOf(readWorkload(dir, { segment: position.segment, offset: position.offset - 1 })),
    ).rejects.toThrow('its last frame is cut short');
  });

  test('is an error when a segment is missing', async () => {
    const dir = await workloadFolder();
    await expect(textOf(readWorkload(dir, { segment: 1, offset: 10 }))).rejects.toThrow(
      'segment-000001.ndjson.zst is missing',
    );
  });

  test('that claims an absurd size does not take the memory it claims', async () => {
    const dir = await workloadFolder();
    const position = await aWorkload(dir);
    const frame = zstdCompressSync(Buffer.alloc(300, 0x61));
    const file = await open(join(dir, segmentFileName(1)), 'r+');
    // Descriptor: 8-byte content size, single segment.
    await file.write(
      Buffer.concat([
        frame.subarray(0, 4),
        Buffer.from([0xe0]),
        Buffer.alloc(8, 0x7f),
        frame.subarray(7),
      ]),
      0,
    );
    await file.close();
    await expect(textOf(readWorkload(dir, position))).rejects.toMatchObject({
      code: 'store_unusable',
    });
  });
});
