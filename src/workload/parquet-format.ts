import { zstdCompressSync } from 'node:zlib';
import type { ColumnSource, SchemaElement } from 'hyparquet-writer';
import { AppError } from '../core/errors.ts';
import type { StatementRecord } from '../core/workloads/statements.ts';

/** Rows of a group: with the 122,880 that DuckDB writes an export took 540 MB of memory. */
const GROUP_ROWS = 50_000;
/** Characters of text after which a group ends: what is held in memory is a few times that. */
const GROUP_TEXT = 8 * 1024 * 1024;

const text = (name: string, repetition_type: 'REQUIRED' | 'OPTIONAL'): SchemaElement => ({
  name,
  type: 'BYTE_ARRAY',
  converted_type: 'UTF8',
  repetition_type,
});

const SCHEMA: SchemaElement[] = [
  { name: 'statements', num_children: 10 },
  { name: 'seq', type: 'INT64', repetition_type: 'REQUIRED' },
  {
    name: 'time',
    type: 'INT64',
    converted_type: 'TIMESTAMP_MICROS',
    logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' },
    repetition_type: 'REQUIRED',
  },
  { name: 'session', type: 'INT64', repetition_type: 'REQUIRED' },
  text('user', 'OPTIONAL'),
  text('host', 'OPTIONAL'),
  text('db', 'OPTIONAL'),
  text('kind', 'REQUIRED'),
  text('sql', 'REQUIRED'),
  { name: 'bytes', type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL' },
  { name: 'flags', repetition_type: 'REQUIRED', converted_type: 'LIST', num_children: 1 },
  { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
  text('element', 'REQUIRED'),
];

/** Their least and greatest values help nobody, and the writer keeps them whole to the end of the file. */
const TEXTS: ReadonlySet<string> = new Set(['sql', 'bytes']);

/** Rows of one group, a column each. */
class Group {
  readonly seq: bigint[] = [];
  readonly time: bigint[] = [];
  readonly session: bigint[] = [];
  readonly user: (string | null)[] = [];
  readonly host: (string | null)[] = [];
  readonly db: (string | null)[] = [];
  readonly kind: string[] = [];
  readonly sql: string[] = [];
  readonly bytes: (Uint8Array | null)[] = [];
  readonly flags: (readonly string[])[] = [];
  #text = 0;

  add(record: StatementRecord): void {
    this.seq.push(whole(record.seq));
    this.time.push(microseconds(record.time));
    this.session.push(whole(record.session));
    this.user.push(record.user);
    this.host.push(record.host);
    this.db.push(record.db);
    this.kind.push(record.kind);
    this.sql.push(record.sql);
    this.bytes.push(record.bytes === undefined ? null : Buffer.from(record.bytes, 'base64'));
    this.flags.push(record.flags ?? []);
    this.#text += record.sql.length + (record.bytes?.length ?? 0);
  }

  get isFull(): boolean {
    return this.seq.length >= GROUP_ROWS || this.#text >= GROUP_TEXT;
  }

  columns(): ColumnSource[] {
    const { seq, time, session, user, host, db, kind, sql, bytes, flags } = this;
    return Object.entries({ seq, time, session, user, host, db, kind, sql, bytes, flags }).map(
      ([name, data]) => ({ name, data, offsetIndex: false, statistics: !TEXTS.has(name) }),
    );
  }
}

/**
 * Statements as one Parquet file, zstd, in row groups: `time` is a TIMESTAMP in UTC, `bytes` a BLOB, `flags` a
 * list, empty where there is none; everything else as in the lines of a workload.
 */
export async function* formatParquet(
  records: AsyncIterable<readonly StatementRecord[]>,
): AsyncGenerator<Buffer> {
  const { ByteWriter, ParquetWriter } = await import('hyparquet-writer');
  const bytes = new ByteWriter();
  const writer = new ParquetWriter({
    writer: bytes,
    schema: SCHEMA,
    codec: 'ZSTD',
    compressors: { ZSTD: (input) => zstdCompressSync(input) },
    createdBy: 'captures',
  });
  const taken = (): Buffer => {
    const chunk = Buffer.from(bytes.getBytes());
    bytes.index = 0;
    return chunk;
  };
  let group = new Group();
  for await (const part of records) {
    for (const record of part) {
      group.add(record);
      if (!group.isFull) continue;
      await writer.write({ columnData: group.columns(), rowGroupSize: group.seq.length });
      group = new Group();
      yield taken();
    }
  }
  if (group.seq.length > 0) {
    await writer.write({ columnData: group.columns(), rowGroupSize: group.seq.length });
    yield taken();
  }
  await writer.finish();
  yield taken();
}

/** Of `2026-11-22T01:00:00.123456Z`, since the epoch. */
function microseconds(time: string): bigint {
  const seconds = Date.parse(`${time.slice(0, 19)}Z`);
  const fraction = Number(time.slice(20, 26));
  return whole(seconds) * 1_000n + whole(fraction);
}

function whole(value: number): bigint {
  if (Number.isSafeInteger(value)) return BigInt(value);
  throw new AppError('store_unusable', 'The record is damaged: a statement has no number or time');
}
