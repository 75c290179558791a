import { readdir } from 'node:fs/promises';
import { isUtf8 } from 'node:buffer';
import fc from '../support/properties.ts';
import { expect, onTestFinished, test } from 'vitest';
import type { LoggedStatement } from '../../src/core/workloads/statements.ts';
import { TextScan } from '../../src/sql/text-scan.ts';
import { escapeInto, readable } from '../../src/workload/json-text.ts';
import { SegmentWriter } from '../../src/workload/segment-writer.ts';
import { LineSerialiser } from '../../src/workload/statement-line.ts';
import { FileSpool } from '../../src/workload/text-spool.ts';
import { verifyFiles } from '../../src/workload/file-verification.ts';
import { describeSegment, readRecords } from '../../src/workload/workload-reader.ts';
import { searchLines } from '../../src/workload/workload-search.ts';
import { EVERY_STATEMENT } from '../../src/core/workloads/statement-search.ts';
import { temporaryFolder } from '../support/stores.ts';
import { aStatement, workloadFolder } from './statements.ts';

async function aLongStatement(
  text: Buffer,
  about: Partial<LoggedStatement> = {},
): Promise<LoggedStatement> {
  const folder = temporaryFolder();
  const spool = new FileSpool(folder);
  onTestFinished(() => spool.close());
  await spool.begin();
  const scan = new TextScan();
  for (let at = 0; at < text.length; at += 50_001) {
    const piece = text.subarray(at, at + 50_001);
    await spool.add(piece);
    scan.push(piece);
  }
  expect(await readdir(folder)).toEqual([]);
  const { furtherStatements } = scan;
  return aStatement({
    sql: text.toString('utf8', 0, 60_000),
    ...about,
    long: {
      bytes: text.length,
      isUtf8: isUtf8(text),
      furtherStatements,
      pieces: () => spool.pieces(text.length),
    },
  });
}

const TEXTS: [string, Buffer][] = [
  ['control characters', Buffer.alloc(400_000, '\u0001')],
  ['quotes and backslashes', Buffer.alloc(900_000, '\\"\n')],
  ['four-byte characters', Buffer.from('x' + '😀é'.repeat(200_000))],
  ['bytes that are no UTF-8', Buffer.concat(Array<Buffer>(300_000).fill(Buffer.from([255, 65])))],
  ['several statements', Buffer.from("SELECT 'a;b'; SET @a = 1; ".repeat(30_000))],
];

test.each(TEXTS)('a long statement of %s is written, read and verified', async (_, text) => {
  const dir = await workloadFolder();
  const lines = new LineSerialiser();
  const long = await aLongStatement(text, {
    flags: ['lossy'],
    time: '2026-11-22T02:00:01.000000Z',
  });
  const writer = await SegmentWriter.open(dir, null);
  await writer.write(lines.tails([aStatement(), long, aStatement({ sql: 'SELECT 2' })]));
  await writer.flush();
  await writer.write(lines.tails([long]));
  const position = await writer.flush();
  const [facts] = writer.segments();
  await writer.close();

  const records = [];
  for await (const some of readRecords(dir, position)) records.push(...some);
  const bytes = isUtf8(text) ? {} : { bytes: text.toString('base64') };
  const expected = { sql: text.toString('utf8'), ...bytes, flags: ['lossy'] };
  expect(records.map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
  expect(records[1]).toMatchObject(expected);
  expect(records[3]).toMatchObject(expected);
  expect(position.lastTime).toBe('2026-11-22T02:00:01.000000Z');
  expect(await describeSegment(dir, 1)).toEqual(facts);

  const limited: Buffer[] = [];
  const spans = [{ from: null, until: position }];
  const query = { search: EVERY_STATEMENT, limit: 2, after: null };
  for await (const chunk of searchLines(dir, spans, query)) limited.push(chunk);
  expect(Buffer.concat(limited).toString().trimEnd().split('\n')).toHaveLength(2);

  const found = await verifyFiles(dir, facts === undefined ? [] : [facts], {
    from: null,
    to: null,
    mayGoOn: false,
  });
  expect(found.damage).toEqual([]);
  expect(found.counts.byFlag.lossy).toBe(2);
  expect(found.rows.doubtfulParts).toBe(2 * (long.long?.furtherStatements ?? 0));
});

test('a long statement stays in one segment, which it may make longer', async () => {
  const dir = await workloadFolder();
  const lines = new LineSerialiser();
  const writer = await SegmentWriter.open(dir, null, { segmentText: 1_000_000 });
  const long = await aLongStatement(Buffer.alloc(900_000, '\n'));
  await writer.write(lines.tails([aStatement(), long, aStatement()]));
  await writer.flush();
  expect(writer.segments().map(({ records }) => records)).toEqual([2, 1]);
  await writer.close();
});

test('a long statement that was not committed is cut off', async () => {
  const dir = await workloadFolder();
  const lines = new LineSerialiser();
  const writer = await SegmentWriter.open(dir, null);
  await writer.write(lines.tails([aStatement()]));
  const position = await writer.flush();
  await writer.write(lines.tails([await aLongStatement(Buffer.alloc(3_000_000, 'x'))]));
  await writer.close();
  const again = await SegmentWriter.open(dir, position);
  await again.write(lines.tails([aStatement({ sql: 'SELECT 2' })]));
  const end = await again.flush();
  await again.close();
  const texts = [];
  for await (const some of readRecords(dir, end)) texts.push(...some.map(({ sql }) => sql));
  expect(texts).toEqual(['SELECT 1', 'SELECT 2']);
});

test('text is escaped as JSON.stringify does it, into however little room', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 6, max: 40 }), (text, room) => {
      const bytes = readable(Buffer.from(text));
      const target = Buffer.alloc(room);
      let json = '';
      for (let at = 0; at < bytes.length;) {
        const { read, used } = escapeInto(bytes, at, target, 0);
        json += target.toString('latin1', 0, used);
        at = read;
      }
      const expected = JSON.stringify(Buffer.from(text).toString()).slice(1, -1);
      expect(Buffer.from(json, 'latin1').toString()).toBe(expected);
    }),
    { numRuns: 50 },
  );
});
