import { createReadStream, createWriteStream, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createZstdDecompress, zstdDecompressSync } from 'node:zlib';
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LoggedStatement } from '../src/core/workloads/statements.ts';
import type { ManifestContent } from '../src/workload/manifest.ts';
import { formatParquet } from '../src/workload/parquet-format.ts';
import { segmentFileName } from '../src/workload/segment-files.ts';
import { readRecords } from '../src/workload/workload-reader.ts';
import { isInFull } from './support/proportion.ts';
import { needs } from './support/skips.ts';
import { temporaryFolder } from './support/stores.ts';
import { recorded, stamp } from './workload/recorded.ts';

const PAGE = readFileSync(resolve(import.meta.dirname, '../docs/analysis.md'), 'utf8');

/** The queries of a section, by the text before each. */
function queriesOf(heading: string): { about: string; sql: string }[] {
  const [, section = ''] = new RegExp(`\n## ${heading}\n([^]+?)(?=\n## |$)`).exec(PAGE) ?? [];
  const blocks = section.matchAll(/([^\n]*)\n+```sql\n([^]+?)```/g);
  return Array.from(blocks, ([, about = '', sql = '']) => ({ about, sql }));
}

/** Two minutes of a shop: `more` of its statements are of another day. */
function day(more: number): LoggedStatement[] {
  const base = { user: 'app', host: 'web1', db: 'shop', bytes: null, flags: [] } as const;
  const all: LoggedStatement[] = [];
  const add = (seconds: number, about: Partial<LoggedStatement>): void => {
    all.push({
      ...base,
      time: stamp(seconds * 1_000),
      session: 1,
      kind: 'query',
      sql: '',
      ...about,
    });
  };
  add(0, { kind: 'connect', sql: 'app@web1 on shop using TCP/IP', session: 2 });
  for (let n = 0; n < 120; n++) {
    add(n, { sql: `SELECT * FROM orders WHERE id = ${n} AND note = 'it\\'s ${n}'` });
    if (n % 2 === 0) add(n, { sql: `UPDATE stock\n  SET n = ${n}`, user: 'batch', session: 2 });
    if (n % 4 < more) add(n, { kind: 'execute', sql: `SELECT ${n}`, session: 3 });
    if (n % 4 < more) add(n, { kind: 'execute', sql: `SELECT ${n}`, session: 3, flags: ['echo'] });
  }
  // Silence, and then one more.
  add(300, { sql: "SELECT 'it''s \\\\ done'", session: 2 });
  add(301, { kind: 'quit', session: 2 });
  return all;
}

let connection: DuckDBConnection;
let manifest: ManifestContent;
const folder = temporaryFolder();
beforeAll(async () => {
  const friday = join(folder, 'friday');
  const { manifest: written, position } = await recorded(day(1), {}, friday);
  manifest = written;
  await recorded(day(2), {}, join(folder, 'saturday'));
  const parquet = createWriteStream(join(folder, 'friday.parquet'));
  await pipeline(Readable.from(formatParquet(readRecords(friday, position))), parquet);
  connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
  await connection.run(`SET file_search_path = '${folder}'`);
  await connection.run("SET TimeZone = 'UTC'");
});
afterAll(() => connection.closeSync());

async function rows(sql: string): Promise<Record<string, unknown>[]> {
  return (await connection.runAndReadAll(sql)).getRowObjectsJson();
}

describe('docs/analysis.md', () => {
  it('has queries for DuckDB, which run as they stand on what captures wrote', async () => {
    const found = new Map<string, Record<string, unknown>[]>();
    for (const { about, sql } of queriesOf('DuckDB')) found.set(about, await rows(sql));
    const of = (about: string): Record<string, unknown>[] => {
      const [result] = Array.from(found).filter(([one]) => one.startsWith(about));
      if (result === undefined) throw new Error(`There is no query "${about}"`);
      return result[1];
    };
    expect(of('The top statements')).toMatchObject([
      {
        statements: '120',
        percent: 56.9,
        sessions: '1',
        statement: 'SELECT * FROM orders WHERE id = ? AND note = ?',
      },
      { statements: '60', statement: 'UPDATE stock SET n = ?', first: '2026-11-22 01:00:00+00' },
      { statements: '31', statement: 'SELECT ?' },
    ]);
    expect(of('Statements per minute').map(({ statements }) => statements)).toEqual([
      '105',
      '105',
      '0',
      '0',
      '0',
      '1',
    ]);
    expect(of('Per user')).toMatchObject([
      { user: 'app', statements: '151', sessions: '3', writes: '0' },
      { user: 'batch', statements: '60', sessions: '1', writes: '60' },
    ]);
    expect(of('Sessions')).toMatchObject([
      {
        session: '1',
        came: null,
        went: null,
        statements: '120',
        longest_silence: { micros: '1000000' },
      },
      {
        session: '2',
        came: '2026-11-22 01:00:00+00',
        went: '2026-11-22 01:05:01+00',
        statements: '61',
        longest_silence: { micros: '182000000' },
      },
      { session: '3', statements: '60' },
    ]);
    const [first, ...others] = of('Two captures compared');
    expect(first).toMatchObject({ statement: 'SELECT ?' });
    expect(Number(first?.['change'])).toBeCloseTo(121 / 61, 2);
    expect(others.map(({ change }) => change)).toEqual([1, 1]);
    expect(of('On a machine')).toMatchObject([
      { kind: 'query', records: '181' },
      { kind: 'execute', records: '60' },
      { kind: 'connect', records: '1' },
      { kind: 'quit', records: '1' },
    ]);
    expect(of('Behind it')).toHaveLength(243);
    const cells = ['=1+1', '+1', '-1', '@A1', '\t=1', "it's =1", '', 'SELECT -1'];
    const kept = await rows(
      `SELECT as_text(cell) AS cell FROM (VALUES ${cells.map((cell) => `('${cell.replace("'", "''")}')`).join()}) AS t(cell)`,
    );
    expect(kept.map(({ cell }) => cell)).toEqual([
      ...cells.slice(0, 5).map((cell) => `'${cell}`),
      ...cells.slice(5),
    ]);
    expect(found.size).toBeGreaterThan(7);
    expect(found.size).toBe(queriesOf('DuckDB').length);
  });

  // Two seconds for one sentence.
  it(
    'says what a statement of more than 32 MB needs',
    needs(isInFull, 'are tried in full alone'),
    async () => {
      const sql = `SELECT '${'x'.repeat(34 * 1024 * 1024)}'`;
      await recorded([{ ...day(1)[0], sql } as LoggedStatement], {}, join(folder, 'long'));
      const [view] = queriesOf('DuckDB');
      const long = (view?.sql ?? '').replaceAll('friday', 'long');
      const most = /`(maximum_object_size = \d+)`/.exec(PAGE)?.[1] ?? '';
      const count = (of: string): Promise<Record<string, unknown>[]> =>
        rows(`SELECT count(*) AS n, max(length(sql)) AS longest FROM ${of}`);
      await connection.run(long);
      await expect(count('long')).rejects.toThrow('maximum_object_size');
      await connection.run(
        long.replace('VIEW long', 'VIEW longer').replace(/\}\s*\)/, `}, ${most})`),
      );
      expect(await count('longer')).toEqual([{ n: '1', longest: String(sql.length) }]);
    },
  );

  it("says of Node's decoders that they give a part alone", async () => {
    const segment = join(folder, 'friday', segmentFileName(1));
    const pieces: Buffer[] = [];
    const decoder = createReadStream(segment).pipe(createZstdDecompress());
    for await (const piece of decoder) pieces.push(piece as Buffer);
    const { text = 0 } = manifest.segments[0] ?? {};
    expect(Buffer.concat(pieces).length).toBeLessThan(text);
    const atOnce = zstdDecompressSync(readFileSync(segment));
    expect(atOnce.length).toBeLessThan(text);
  });
});
