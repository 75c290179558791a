import { execFile, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StatementRecord } from '../../src/core/workloads/statements.ts';
import { formatCsv } from '../../src/workload/csv-format.ts';
import { formatGeneralLog } from '../../src/workload/general-log-format.ts';
import { formatParquet } from '../../src/workload/parquet-format.ts';
import fc from '../support/properties.ts';
import { isInFull } from '../support/proportion.ts';
import { needs } from '../support/skips.ts';
import { temporaryFolder } from '../support/stores.ts';
import { sqlText } from './statements.ts';

const SERVER = { version: '10.11.6-MariaDB' };

function record(seq: number, about: Partial<StatementRecord> = {}): StatementRecord {
  return {
    seq,
    time: `2026-11-22T01:00:00.${String(seq).padStart(6, '0')}Z`,
    session: 7,
    user: 'app',
    host: '10.0.0.5',
    db: 'shop',
    kind: 'query',
    sql: 'SELECT 1',
    ...about,
  };
}

async function* inParts(
  records: readonly StatementRecord[],
  size = 3,
): AsyncGenerator<readonly StatementRecord[]> {
  for (let at = 0; at < records.length; at += size) {
    await Promise.resolve();
    yield records.slice(at, at + size);
  }
}

async function joined(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const chunk of chunks) pieces.push(chunk);
  return Buffer.concat(pieces);
}

/** A file in a new folder. */
function fileOf(name: string, bytes: Buffer): string {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, bytes);
  return path;
}

let connection: DuckDBConnection;
beforeAll(async () => {
  connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
});
afterAll(() => connection.closeSync());

async function query(sql: string): Promise<unknown[]> {
  return (await connection.runAndReadAll(sql)).getRowObjectsJson();
}

const ODD: readonly StatementRecord[] = [
  record(1, { kind: 'connect', sql: 'app@10.0.0.5 on shop using TCP/IP' }),
  record(2, { sql: "SELECT \"a,b\",\r\n\t'it''s'\nFROM `t`" }),
  record(3, { sql: '', user: null, host: null, db: null, kind: 'quit' }),
  record(4, { sql: 'SELECT \u{1F600}, \u0000, ""', flags: ['lossy', 'partial'], bytes: '/wAB' }),
  record(5, { user: '', db: 'a"b\nc', session: 4_294_967_295 }),
];

describe('csv', () => {
  it('is RFC 4180: what is unknown is nothing, an empty text is quoted', async () => {
    const text = (await joined(formatCsv(inParts(ODD)))).toString();
    expect(text).toBe(
      [
        'seq,time,session,user,host,db,kind,sql,bytes,flags',
        '1,2026-11-22T01:00:00.000001Z,7,app,10.0.0.5,shop,connect,app@10.0.0.5 on shop using TCP/IP,,',
        '2,2026-11-22T01:00:00.000002Z,7,app,10.0.0.5,shop,query,"SELECT ""a,b"",\r\n\t\'it\'\'s\'\nFROM `t`",,',
        '3,2026-11-22T01:00:00.000003Z,7,,,,quit,"",,',
        '4,2026-11-22T01:00:00.000004Z,7,app,10.0.0.5,shop,query,"SELECT \u{1F600}, \u0000, """"",/wAB,lossy partial',
        '5,2026-11-22T01:00:00.000005Z,4294967295,"",10.0.0.5,"a""b\nc",query,SELECT 1,,',
        '',
      ].join('\r\n'),
    );
  });

  it('is read back by DuckDB', async () => {
    const texts = ODD.filter(({ seq }) => seq !== 4);
    const file = fileOf('x.csv', await joined(formatCsv(inParts(texts))));
    const rows = await query(
      `SELECT seq::INT AS seq, "user", db, sql FROM read_csv('${file}', header = true, all_varchar = true, new_line = '\\r\\n')`,
    );
    expect(rows).toMatchObject([
      { seq: 1 },
      { seq: 2, sql: texts[1]?.sql },
      { seq: 3, user: null, db: null },
      { seq: 5, db: 'a"b\nc' },
    ]);
  });
});

describe('parquet', () => {
  it('is read back by DuckDB as it was, with types', async () => {
    const file = fileOf('x.parquet', await joined(formatParquet(inParts(ODD))));
    const rows = await query(
      `SELECT * REPLACE (epoch_us("time")::VARCHAR AS "time", to_base64(bytes) AS bytes) FROM '${file}' ORDER BY seq`,
    );
    expect(rows).toEqual(
      ODD.map(({ seq, session, time, bytes = null, flags = [], ...more }) => ({
        seq: String(seq),
        time: `${Date.parse(`${time.slice(0, 19)}Z`)}${time.slice(23, 26)}`,
        session: String(session),
        ...more,
        bytes,
        flags,
      })),
    );
    expect(await query(`SELECT typeof("time") AS of FROM '${file}' LIMIT 1`)).toEqual([
      { of: 'TIMESTAMP WITH TIME ZONE' },
    ]);
  });

  it('of nothing has no row', async () => {
    const file = fileOf('x.parquet', await joined(formatParquet(inParts([]))));
    expect(await query(`SELECT count(*)::INT AS n FROM '${file}'`)).toEqual([{ n: 0 }]);
  });

  it('ends a row group when the texts in it are long', async () => {
    const long = 'x'.repeat(9 * 1024 * 1024);
    const some = [1, 2, 3].map((seq) => record(seq, { sql: long + String(seq) }));
    const chunks: number[] = [];
    const pieces: Uint8Array[] = [];
    for await (const chunk of formatParquet(inParts(some))) {
      chunks.push(chunk.length);
      pieces.push(chunk);
    }
    const file = fileOf('x.parquet', Buffer.concat(pieces));
    expect(
      await query(
        `SELECT row_group_num_rows::INT AS n FROM parquet_metadata('${file}') WHERE path_in_schema = 'sql'`,
      ),
    ).toEqual([{ n: 1 }, { n: 1 }, { n: 1 }]);
    expect(await query(`SELECT sum(length(sql))::INT AS n FROM '${file}'`)).toEqual([
      { n: 3 * (long.length + 1) },
    ]);
    expect(chunks).toHaveLength(4);
  });

  it('refuses what is no record', async () => {
    const broken = inParts([record(1, { time: 'never' })]);
    await expect(joined(formatParquet(broken))).rejects.toMatchObject({ code: 'store_unusable' });
  });
});

describe('a general log', () => {
  it('has the lines that MySQL writes, and a login before a session that had none', async () => {
    const records = [
      record(1),
      record(2, { session: 8, kind: 'connect', sql: 'root@localhost on  using Socket' }),
      record(3, { session: 8, kind: 'init_db', sql: 'shop' }),
      record(4, { session: 8, kind: 'prepare', sql: 'SELECT ?' }),
      record(5, { session: 8, kind: 'execute', sql: 'SELECT 5' }),
      record(6, { session: 8, kind: 'close', sql: '' }),
      record(7, { session: 8, kind: 'quit', sql: '' }),
      record(8, { session: 123_456, kind: 'change_user', sql: 'bob@web on shop', db: null }),
      record(9, { bytes: Buffer.from('SELECT "\xff"', 'latin1').toString('base64') }),
      record(11, { kind: 'execute', sql: 'SELECT 6', flags: ['echo'] }),
      record(10, { kind: 'other', sql: '', user: null, session: 9 }),
    ];
    const text = (await joined(formatGeneralLog(inParts(records), SERVER))).toString('latin1');
    const at = (seq: number): string => `2026-11-22T01:00:00.${String(seq).padStart(6, '0')}Z`;
    expect(text).toBe(
      [
        'captures, Version: 10.11.6-MariaDB. started with:',
        'Tcp port: 0  Unix socket: (null)',
        'Time                 Id Command    Argument',
        `${at(1)}\t    7 Connect\tapp@10.0.0.5 on shop using TCP/IP`,
        `${at(1)}\t    7 Query\tSELECT 1`,
        `${at(2)}\t    8 Connect\troot@localhost on  using Socket`,
        `${at(3)}\t    8 Init DB\tshop`,
        `${at(4)}\t    8 Prepare\tSELECT ?`,
        `${at(5)}\t    8 Query\tSELECT 5`,
        `${at(6)}\t    8 Close stmt\t`,
        `${at(7)}\t    8 Quit\t`,
        `${at(8)}\t123456 Connect\tapp@10.0.0.5 using TCP/IP`,
        `${at(8)}\t123456 Change user\tbob@web on shop`,
        `${at(9)}\t    7 Query\tSELECT "\xff"`,
        `${at(11)}\t    7 Execute\tSELECT 6`,
        `${at(10)}\t    9 Other\t`,
        '',
      ].join('\n'),
    );
  });

  it.each([
    ['SELECT\n  1 AS one', 'SELECT\n1 AS one'],
    ['SELECT\n\t 12 x\n FROM t', 'SELECT\n12 x\n FROM t'],
    [
      'a\n2026-11-22T01:00:00.000001Z\t    8 Query\tDROP',
      'a\n 2026-11-22T01:00:00.000001Z\t    8 Query\tDROP',
    ],
    ['a\n260101  1:00:00\t 8 Query\tx', 'a\n 260101  1:00:00\t 8 Query\tx'],
    ['a\n\n  \n  3,\n  x 4 y\n5 AS z', 'a\n\n  \n  3,\n  x 4 y\n5 AS z'],
  ])('has no line within %j that reads as one of the log', async (sql, expected) => {
    const text = (await joined(formatGeneralLog(inParts([record(1, { sql })]), null))).toString();
    expect(text.split('\tSELECT 1')[0]).toContain(`Query\t${expected}\n`);
  });

  it('is read as the statements that were written, whatever they hold', async () => {
    const line = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 12 }),
      fc.constantFrom(
        '  7 AS x',
        '\t3 Query\tx',
        '2026-11-22T01:00:00.000001Z\t    8 Query\tx',
        '',
        ' \r',
      ),
      fc
        .tuple(
          fc.constantFrom('', ' ', '\t \f', '\r'),
          fc.nat(300),
          fc.constantFrom(' ', '\t'),
          fc.constantFrom('AS', 'Query', 'x y', 'a '),
        )
        .map((parts) => parts.join('')),
    );
    const sql = fc
      .array(line, { minLength: 1, maxLength: 5 })
      .map((lines) => `SELECT ${lines.join('\n')}`);
    await fc.assert(
      fc.asyncProperty(fc.array(sql, { minLength: 1, maxLength: 4 }), async (all) => {
        const records = all.map((one, index) => record(index + 1, { sql: one }));
        const log = await joined(formatGeneralLog(inParts(records), SERVER));
        const read = readLikePercona(log.toString('latin1'));
        expect(read.filter(({ command }) => command === 'Query')).toHaveLength(all.length);
        expect(read.every(({ command }) => /^(Query|Connect)$/.test(command))).toBe(true);
      }),
      { numRuns: isInFull ? 1_000 : 40 },
    );
  });

  const hasPercona = spawnSync('pt-query-digest', ['--version']).status === 0;
  it(
    'gives pt-query-digest each statement once',
    needs(hasPercona, 'there is no pt-query-digest here'),
    async () => {
      const forms = [
        'SELECT a FROM t_one WHERE id = %',
        'SELECT\n  % AS one,\n  b\nFROM t_two',
        'INSERT INTO t_three (a)\n\n\tVALUES (%)',
        "SELECT c FROM t_four WHERE x = '\n2026-11-22T01:00:00.000001Z\t    8 Query\tDROP TABLE %'",
        '/* a comment */ UPDATE t_five SET\n\t a = % WHERE\n   7 BETWEEN a AND b',
      ];
      const records = [record(1, { kind: 'connect', sql: 'app@web on shop' })];
      for (const [index, form] of forms.entries()) {
        for (let n = 0; n < 10 * (index + 1); n++) {
          const sql = form.replace('%', String(n));
          const kind = n % 2 === 0 ? 'query' : 'execute';
          records.push(record(records.length + 1, { sql, kind, session: 7 + (n % 3) }));
        }
      }
      const file = fileOf('general.log', await joined(formatGeneralLog(inParts(records), SERVER)));
      const argv = [
        '--type',
        'genlog',
        '--output',
        'json',
        '--limit',
        '100%',
        '--no-version-check',
        file,
      ];
      const { stdout } = await promisify(execFile)('pt-query-digest', argv, { maxBuffer: 1e8 });
      const { classes } = JSON.parse(/^\{.*\}\s*$/ms.exec(stdout)?.[0] ?? '{}') as {
        classes: { fingerprint: string; query_count: number }[];
      };
      const counts = classes
        .filter(({ fingerprint }) => !fingerprint.startsWith('administrator command'))
        .map(({ fingerprint, query_count }) => [/t_\w+/.exec(fingerprint)?.[0], query_count]);
      expect(Object.fromEntries(counts)).toEqual({
        t_one: 10,
        t_two: 20,
        t_three: 30,
        t_four: 40,
        t_five: 50,
      });
      expect(readFileSync(file, 'utf8')).toContain('Connect\tapp@10.0.0.5 on shop');
    },
  );
});

/** As pt-query-digest's GeneralLogParser reads, line by line; vt's expression is narrower. */
function readLikePercona(log: string): { command: string }[] {
  const line =
    /^(?:\d{6}[ \t\n\r\f\v]+\d{1,2}:\d\d:\d\d|\d{4}-\d{1,2}-\d{1,2}T\d\d:\d\d:\d\d\.\d+(?:Z|[-+]?\d\d:\d\d)?)?[ \t\n\r\f\v]+[ \t\n\r\f\v]*(\d+)[ \t\n\r\f\v](\w+)[ \t\n\r\f\v]+[^]*$/;
  return log.split(/(?<=\n)/).flatMap((text) => {
    const [, session = '0', command = ''] = line.exec(text) ?? [];
    return Number(session) > 0 ? [{ command }] : [];
  });
}

describe('a statement of megabytes', () => {
  // A pair of quotes and a character of four bytes, each where the text is cut.
  const cut = 1024 * 1024;
  const text = `${'x'.repeat(cut - 1)}"${'y'.repeat(cut - 1)}😀\n  1 AS one\n"`;
  const others = [record(1, { sql: 'SELECT 1' }), record(3, { sql: 'SELECT 3' })] as const;
  const raw = Buffer.concat([Buffer.from([0xff]), Buffer.from(text)]);
  const written = (about: Partial<StatementRecord>): StatementRecord[] => [
    others[0],
    record(2, about),
    others[1],
  ];

  it('is the same in CSV as a short one', async () => {
    const of = record(2, { sql: text, bytes: raw.toString('base64'), flags: ['lossy'] });
    const [, line, ...rest] = (await joined(formatCsv(inParts(written(of)))))
      .toString()
      .split('SELECT 1,,\r\n')
      .join('')
      .split(/(?=2,2026-)|(?=3,2026-)/);
    expect(rest).toHaveLength(1);
    expect(
      line?.endsWith(`query,"${text.replaceAll('"', '""')}",${of.bytes ?? ''},lossy\r\n`),
    ).toBe(true);
  });

  it.each([
    ['of text', { sql: text }, Buffer.from(text)],
    ['of bytes', { sql: 'x', bytes: raw.toString('base64') }, raw],
  ])('%s is the same in a general log as a short one', async (_, about, bytes) => {
    const log = await joined(formatGeneralLog(inParts(written(about)), null));
    const expected = Buffer.from(bytes.toString('latin1').replace('\n  1 AS', '\n1 AS'), 'latin1');
    const at = log.indexOf(expected);
    expect(log.subarray(0, at).toString()).toMatch(/Query\tSELECT 1\n\S+\s+7 Query\t$/);
    expect(log.subarray(at + expected.length).toString()).toMatch(/^\n\S+\s+7 Query\tSELECT 3\n$/);
  });

  it.each([
    ['of text', { sql: text }, Buffer.from(text)],
    ['of bytes', { sql: 'x', bytes: raw.toString('base64') }, raw],
  ])('%s is the same in SQL as a short one', (_, about, bytes) => {
    const sql = sqlText(written(about), 'shop').text;
    const at = sql.indexOf(bytes);
    expect(sql.subarray(0, at).toString()).toMatch(/\nSELECT 1;\n-- 2 .*\n$/);
    expect(sql.subarray(at + bytes.length).toString()).toMatch(/^;\n-- 3 .*\nSELECT 3;\n$/);
  });
});
