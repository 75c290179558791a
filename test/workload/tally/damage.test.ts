import { mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { formatCount } from '../../../src/core/units.ts';
import type { SegmentFacts } from '../../../src/core/workloads/workload.ts';
import { segmentPath } from '../../../src/workload/segment-files.ts';
import { FRAME_MAGIC, frameLength } from '../../../src/workload/zstd-frames.ts';
import { recorded, statements, type Recorded } from '../recorded.ts';
import { countOf } from './counted.ts';

const COUNT = 600;

async function frames(folder: string, segment: number): Promise<Buffer[]> {
  const bytes = await readFile(segmentPath(folder, segment));
  const all: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = frameLength(bytes, at) ?? bytes.length - at;
    all.push(bytes.subarray(at, at + length));
    at += length;
  }
  return all;
}

const linesIn = (frame: Buffer): number =>
  zstdDecompressSync(frame).filter((one) => one === 10).length;

function withByte(bytes: Buffer, at: number, byte: number): Buffer {
  const changed = Buffer.from(bytes);
  changed[at] = byte;
  return changed;
}

/** Damages the second segment's third frame. */
type Damage = (frame: Buffer) => Buffer;

describe('a damaged workload', () => {
  let workload: Recorded;
  let facts: SegmentFacts;

  beforeAll(async () => {
    workload = await recorded(statements(COUNT));
    facts = workload.manifest.segments.find(({ segment }) => segment === 2) ?? fail();
  });

  async function damaged(change: (folder: string, name: string) => Promise<void>) {
    const made = await recorded(statements(COUNT));
    await change(made.folder, segmentPath(made.folder, 2));
    return countOf(made);
  }

  it.each<[string, Damage]>([
    ['its content', (frame) => withByte(frame, frame.length - 30, 0xff)],
    ['its checksum', (frame) => withByte(frame, frame.length - 1, (frame.at(-1) ?? 0) ^ 1)],
    ['its magic number', (frame) => withByte(frame, 0, 0)],
    ['the length of its block', (frame) => withByte(frame, 8, (frame.at(8) ?? 0) ^ 0x40)],
    ['bytes in its place', (frame) => Buffer.alloc(frame.length, 0x28)],
    ['its end', (frame) => frame.subarray(0, frame.length - 20)],
    ['all of it', () => Buffer.alloc(0)],
  ])('loses the frame of which %s is wrong, and no other', async (_what, damage) => {
    let lost = 0;
    const counted = await damaged(async (folder, path) => {
      const all = await frames(folder, 2);
      expect(all.length).toBeGreaterThan(5);
      lost = linesIn(all[2] ?? fail());
      await writeFile(path, Buffer.concat(all.map((one, i) => (i === 2 ? damage(one) : one))));
    });
    expect(counted.records).toEqual({ committed: COUNT, read: COUNT - lost });
    expect(counted.tally.statements).toBe(COUNT - lost);
    expect(counted.damage.map(({ segment }) => segment)).toContain(2);
    expect(counted.damage[0]?.what).toMatch(/^segment-000002\.ndjson\.zst /);
  });

  it('counts what comes behind a missing segment, and one that is cut short', async () => {
    const missing = await damaged((_folder, path) => rm(path));
    expect(missing.records.read).toBe(COUNT - facts.records);
    expect(missing.damage).toEqual([{ segment: 2, what: 'segment-000002.ndjson.zst is missing' }]);
    const short = await damaged((_folder, path) => truncate(path, facts.bytes - 100));
    expect(short.records.read).toBeLessThan(COUNT);
    expect(short.records.read).toBeGreaterThan(COUNT - facts.records);
    expect(short.damage[0]?.what).toBe(
      `segment-000002.ndjson.zst is cut short: it has ${formatCount(facts.bytes - 100)} bytes of ${formatCount(facts.bytes)}`,
    );
    const folder = await damaged(async (_folder, path) => {
      await rm(path);
      await mkdir(path);
    });
    expect(folder.damage[0]?.what).toBe('segment-000002.ndjson.zst is not a regular file');
  });

  it('says of other statements of the same number that they are not what was recorded', async () => {
    const counted = await damaged(async (folder, path) => {
      const all = await frames(folder, 2);
      const text = Buffer.concat(all.map((one) => zstdDecompressSync(one)))
        .toString()
        .replaceAll('orders', 'others');
      await writeFile(path, zstdCompressSync(text));
    });
    expect(counted.records.read).toBe(COUNT);
    expect(counted.damage.map(({ what }) => what)).toEqual([
      expect.stringMatching(/is not what was recorded: its SHA-256 differs|is cut short/),
    ]);
  });

  it('counts lines of other shapes, and says how many are no record', async () => {
    const line = (about: object): string => JSON.stringify(about);
    const record = {
      seq: 1,
      time: 'never',
      session: 1,
      user: 'u',
      host: 'h',
      db: null,
      kind: 'query',
    };
    const lines = [
      line({ ...record, sql: 'SELECT 1' }),
      line({
        sql: 'SELECT 2',
        kind: 'query',
        session: 1,
        time: '2026-11-22T01:00:00.000001Z',
        seq: 2,
      }),
      `  ${line({ ...record, sql: 'SELECT 3', extra: [1] })}`,
      line({ ...record, sql: 'SELECT "4"', flags: ['echo', 'unknown'] }),
      line({ ...record, sql: 'SELECT é \\ "', bytes: 'U0VMRUNUIOkgXCAi' }),
      line({ ...record, kind: 'unheard_of', sql: '' }),
      line({ ...record, sql: 5 }),
      '',
      'not JSON',
      '{"seq":1,"time":"2026-11-22T01:00:00.000001Z","session":1,"user":',
    ];
    const made = await recorded(statements(1));
    await writeFile(segmentPath(made.folder, 1), zstdCompressSync(`${lines.join('\n')}\n`));
    const counted = await countOf(made, { expected: [], until: { segment: 2, offset: 0 } });
    expect(counted.records.read).toBe(5);
    expect(counted.tally.statements).toBe(4);
    expect(counted.damage[0]?.what).toBe('segment-000001.ndjson.zst: 5 lines of it are no record');
    expect(counted.tally.accounts.map(({ user }) => user).sort()).toEqual([null, 'u'].sort());
  });

  it('ends soon where a file looks like a million frames and has none', async () => {
    const counted = await damaged((_folder, path) =>
      writeFile(path, Buffer.alloc(2_000_000, FRAME_MAGIC)),
    );
    expect(counted.records.read).toBe(COUNT - facts.records);
  });

  it('has slices of its window whatever times are in it', async () => {
    const strange = statements(100).map((one, i) =>
      i % 10 === 5
        ? {
            ...one,
            time: i % 20 === 5 ? '9999-12-31T23:59:59.999999Z' : '0001-01-01T00:00:00.000000Z',
          }
        : one,
    );
    const { tally } = await countOf(await recorded(strange));
    expect(tally.statements).toBe(100);
    expect(tally.axis.width * tally.axis.count).toBeLessThan(120_000);
    expect(Array.from(tally.slices).reduce((sum, one) => sum + one, 0)).toBe(100);
  });
});

function fail(): never {
  throw new Error('it is not there');
}
