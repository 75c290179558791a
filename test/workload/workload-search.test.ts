import { isUtf8 } from 'node:buffer';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  EVERY_STATEMENT,
  type StatementSearch,
} from '../../src/core/workloads/statement-search.ts';
import type { LoggedStatement, StatementRecord } from '../../src/core/workloads/statements.ts';
import type { WorkloadPosition } from '../../src/core/workloads/workload.ts';
import { digestId, digestText } from '../../src/sql/digest.ts';
import { LineSearch } from '../../src/workload/line-search.ts';
import { SegmentWriter } from '../../src/workload/segment-writer.ts';
import { LineSerialiser, statementLine } from '../../src/workload/statement-line.ts';
import { FileSpool } from '../../src/workload/text-spool.ts';
import { searchLines, searchRecords } from '../../src/workload/workload-search.ts';
import fc from '../support/properties.ts';
import { temporaryFolder } from '../support/stores.ts';
import { aStatement, workloadFolder } from './statements.ts';

const searchOf = (changes: Partial<StatementSearch>): StatementSearch => ({
  ...EVERY_STATEMENT,
  ...changes,
});

async function found(
  dir: string,
  until: WorkloadPosition,
  search: Partial<StatementSearch>,
  limit: number | null = null,
  after: number | null = null,
): Promise<StatementRecord[]> {
  const records: StatementRecord[] = [];
  const spans = [{ from: null, until }];
  for await (const some of searchRecords(dir, spans, { search: searchOf(search), limit, after })) {
    records.push(...some);
  }
  return records;
}

async function written(
  dir: string,
  statements: readonly LoggedStatement[],
  options = {},
): Promise<WorkloadPosition> {
  const writer = await SegmentWriter.open(dir, null, options);
  await writer.write(new LineSerialiser().tails(statements));
  const position = await writer.flush();
  await writer.close();
  return position;
}

/** Texts made of what is special in JSON, in patterns and in UTF-8, so that pieces of it meet often. */
const piece = fc.constantFrom(
  ...[
    'a',
    'A',
    'n',
    'u',
    '0001',
    '\\',
    '"',
    '\n',
    '\u0001',
    'é',
    'É',
    '😀',
    'ſ',
    'K',
    ' ',
    '.*',
    '"sql":"',
  ],
);
const text = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));
const needle = fc.array(piece, { minLength: 1, maxLength: 3 }).map((pieces) => pieces.join(''));
const name = fc.constantFrom(null, 'app', 'App', 'ba"t\\ch', 'é', ',"kind":"');

const line = fc.record({
  sql: text,
  user: name,
  host: name,
  db: name,
  session: fc.integer({ min: 1, max: 3 }),
  kind: fc.constantFrom('query' as const, 'execute' as const, 'connect' as const),
});

describe('a search', () => {
  test('finds in the bytes of lines exactly what the records say', () => {
    const some = <Value>(values: fc.Arbitrary<Value>) => fc.array(values, { maxLength: 2 });
    fc.assert(
      fc.property(
        fc.array(line, { minLength: 1, maxLength: 8 }),
        some(needle),
        fc.boolean(),
        some(fc.constantFrom('app', 'A*', '*"*', 'é', '?')),
        some(fc.constantFrom('app', '*kind*')),
        some(fc.integer({ min: 1, max: 3 })),
        some(fc.constantFrom('query' as const, 'connect' as const)),
        (lines, texts, matchesCase, users, databases, sessions, kinds) => {
          const serialiser = new LineSerialiser();
          const jsons = lines.map((one, n) => statementLine(n + 1, shortTail(serialiser, one)));
          const search = searchOf({ texts, matchesCase, users, databases, sessions, kinds });
          const chunk = Buffer.from(jsons.join(''));
          const { ranges, lines: count } = new LineSearch(search).matchesIn(chunk, Infinity);
          let shown = '';
          for (let i = 0; i < ranges.length; i += 2) {
            shown += chunk.toString('utf8', ranges[i], ranges[i + 1]);
          }
          const wanted = jsons.filter((json) =>
            isWanted(JSON.parse(json) as StatementRecord, search),
          );
          expect(shown).toBe(wanted.join(''));
          expect(count).toBe(wanted.length);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('reads lines that the recorder would write otherwise as JSON', () => {
    const chunk = Buffer.from(
      '{"time":"2026-11-22T02:00:00.000000Z","sql":"SELECT 1","seq":1,"session":1,"user":"app","host":null,"db":null,"kind":"query"}\n' +
        '{ "seq": 2, "time": "2026-11-22T02:00:00.000000Z", "session": 2, "user": "app", "host": null, "db": null, "kind": "query", "sql": "SELECT 2" }\n',
    );
    const search = new LineSearch(searchOf({ users: ['app'], texts: ['select'] }));
    expect(search.matchesIn(chunk, Infinity)).toEqual({ ranges: [0, chunk.length], lines: 2 });
    const broken = Buffer.from('{"seq":1,"time":"2026"\n');
    expect(() => search.matchesIn(broken, Infinity)).not.toThrow();
    expect(() => new LineSearch(searchOf({ users: ['app'] })).matchesIn(broken, 1)).toThrow(
      'a line is not JSON',
    );
  });

  test('goes on behind a record, wherever frames and segments end', async () => {
    const dir = await workloadFolder();
    const statements = Array.from({ length: 40 }, (_, n) =>
      aStatement({
        // Two of a megabyte and more, in several pieces.
        sql: n === 11 || n === 29 ? `SELECT '${'x'.repeat(2_500_000)}'` : `SELECT ${n}`,
        user: n % 3 === 2 ? 'app' : 'other',
      }),
    );
    const position = await written(dir, statements, { segmentText: 700, frameText: 300 });
    expect(position.segment).toBeGreaterThan(5);
    for (const search of [{}, { users: ['app'] }, { texts: ['select'] }, { tables: ['none'] }]) {
      const all = (await found(dir, position, search)).map(({ seq }) => seq);
      for (const after of [0, 1, 2, 11, 12, 13, 29, 30, 31, 39, 40, 41]) {
        const rest = all.filter((seq) => seq > after);
        const seqs = (await found(dir, position, search, null, after)).map(({ seq }) => seq);
        expect({ search, after, seqs }).toEqual({ search, after, seqs: rest });
        const two = (await found(dir, position, search, 2, after)).map(({ seq }) => seq);
        expect({ search, after, two }).toEqual({ search, after, two: rest.slice(0, 2) });
      }
    }
  });

  test('stops at its limit, wherever frames and segments end', async () => {
    const dir = await workloadFolder();
    const statements = Array.from({ length: 400 }, (_, n) =>
      aStatement({ sql: `SELECT ${n}`, user: n % 3 === 0 ? 'app' : 'other' }),
    );
    const position = await written(dir, statements, { segmentText: 20_000, frameText: 4_000 });
    const all = (await found(dir, position, { users: ['app'] })).map(({ seq }) => seq);
    expect(all).toHaveLength(134);
    for (const limit of [0, 1, 7, 60, 133, 134, 500]) {
      const some = await found(dir, position, { users: ['app'] }, limit);
      expect(some.map(({ seq }) => seq)).toEqual(all.slice(0, limit));
    }
  });

  test('goes on from one position to the next, whatever lies behind it', async () => {
    const dir = await workloadFolder();
    const writer = await SegmentWriter.open(dir, null, { segmentText: 3_000, frameText: 1_000 });
    const lines = new LineSerialiser();
    const ends: (WorkloadPosition | null)[] = [null];
    for (let batch = 0; batch < 30; batch++) {
      const some = Array.from({ length: 7 }, (_, n) =>
        aStatement({ sql: `SELECT ${batch * 7 + n}` }),
      );
      await writer.write(lines.tails(some));
      ends.push(await writer.flush());
    }
    await writer.close();
    const spans = ends
      .slice(1)
      .flatMap((until, n) => (until === null ? [] : [{ from: ends[n] ?? null, until }]));
    const seen: number[] = [];
    const query = { search: EVERY_STATEMENT, limit: null, after: null };
    for await (const some of searchRecords(dir, spans, query))
      seen.push(...some.map(({ seq }) => seq));
    expect(seen).toEqual(Array.from({ length: 210 }, (_, n) => n + 1));
  });

  test('of a beginning that several digests have is refused', async () => {
    const dir = await workloadFolder();
    const ids = new Map<string, string[]>();
    for (let n = 0; n < 2_000; n++) {
      const sql = `SELECT c FROM t${n}`;
      const begins = digestId(digestText(sql)).slice(0, 4);
      ids.set(begins, [...(ids.get(begins) ?? []), sql]);
    }
    const [begins, both] = [...ids].find(([, sqls]) => sqls.length > 1) ?? ['', []];
    const position = await written(
      dir,
      both.map((sql) => aStatement({ sql })),
    );
    await expect(found(dir, position, { digests: [begins] })).rejects.toMatchObject({
      code: 'invalid',
      message: `Several digests begin with "${begins}"`,
    });
  });
});

function shortTail(serialiser: LineSerialiser, about: Partial<LoggedStatement>): string {
  const tail = serialiser.tail(aStatement(about));
  if (typeof tail !== 'string') throw new Error('it is long');
  return tail;
}

/** What the records themselves say. */
function isWanted(record: StatementRecord, search: StatementSearch): boolean {
  const { texts, matchesCase, users, databases, sessions, kinds } = search;
  const isIn = (sql: string): boolean =>
    texts.some((one) =>
      matchesCase || one !== one.toLowerCase()
        ? sql.includes(one)
        : new RegExp(one.replace(/[^\p{L}\p{N}]/gu, '\\$&'), 'i').test(sql),
    );
  const isNamed = (given: string | null, patterns: readonly string[], flags: string): boolean =>
    patterns.some((pattern) => {
      const source = Array.from(pattern, (one) => (one === '*' ? '.*' : one === '?' ? '.' : one));
      return given !== null && new RegExp(`^${source.join('')}$`, `${flags}su`).test(given);
    });
  return (
    (texts.length === 0 || isIn(record.sql)) &&
    (users.length === 0 || isNamed(record.user, users, '')) &&
    (databases.length === 0 || isNamed(record.db, databases, 'i')) &&
    (sessions.length === 0 || sessions.includes(record.session)) &&
    (kinds.length === 0 || kinds.includes(record.kind))
  );
}

describe('a statement too long for the memory', () => {
  async function aLongStatement(content: string): Promise<LoggedStatement> {
    const spool = new FileSpool(temporaryFolder());
    onTestFinished(() => spool.close());
    const bytes = Buffer.from(content);
    await spool.begin();
    await spool.add(bytes);
    const pieces = (): AsyncIterable<Buffer> => spool.pieces(bytes.length);
    const long = { bytes: bytes.length, isUtf8: isUtf8(bytes), furtherStatements: 0, pieces };
    return aStatement({ sql: content.slice(0, 60_000), long });
  }

  test('is found by text that lies across its pieces, by head, digest and table, and printed whole', async () => {
    const dir = await workloadFolder();
    const filler = 'é"\\\u0001'.repeat(60_000);
    const content = `INSERT INTO blobs VALUES ('${filler}needle\n"in it"${filler}')`;
    const spoolLine = await aLongStatement(content);
    const writer = await SegmentWriter.open(dir, null);
    const lines = new LineSerialiser();
    await writer.write(
      lines.tails([aStatement({ sql: 'SELECT needle' }), spoolLine, aStatement()]),
    );
    const position = await writer.flush();
    await writer.close();
    const seqs = async (search: Partial<StatementSearch>): Promise<number[]> =>
      (await found(dir, position, search)).map(({ seq }) => seq);
    expect(await seqs({ texts: ['Needle'] })).toEqual([]);
    expect(await seqs({ texts: ['needle'] })).toEqual([1, 2]);
    expect(await seqs({ texts: ['NEEDLE'] })).toEqual([]);
    expect(await seqs({ texts: ['needle\n"in it"é"'] })).toEqual([2]);
    // Pieces end somewhere in the first, and in something very like the second.
    expect(await seqs({ texts: [filler.slice(2, 4_002)] })).toEqual([2]);
    expect(await seqs({ texts: [`${filler.slice(0, 4_000)}x`] })).toEqual([]);
    expect(await seqs({ texts: ['needle'], users: ['nobody'] })).toEqual([]);
    expect(await seqs({ tables: ['blobs'] })).toEqual([2]);
    expect(await seqs({ digests: [digestId(digestText(content))] })).toEqual([2]);
    const [long] = await found(dir, position, { texts: ['in it'] });
    expect(long?.sql === content).toBe(true);
    // Pieces are bounded, and the limit counts it once.
    const spans = [{ from: null, until: position }];
    const query = { search: searchOf({ texts: ['needle'] }), limit: 2, after: null };
    let text = '';
    for await (const chunk of searchLines(dir, spans, query)) {
      expect(chunk.length).toBeLessThan(8 * 1024 * 1024);
      text += chunk.toString('latin1');
    }
    expect(text.split('\n')).toHaveLength(3);
  });
});
