/**
 * What writing and reading a workload costs: `node bench/workload.ts [statements]`.
 * Prints statements/s and MB/s of each step, the process's peak memory and, in the same run, what
 * `zstdcat` needs for the same files (when it is installed).
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LoggedStatement } from '../src/core/statements.ts';
import { SegmentWriter, type WorkloadPosition } from '../src/workload/segment-writer.ts';
import { formatSql } from '../src/workload/sql-format.ts';
import { LineSerialiser } from '../src/workload/statement-line.ts';
import { readRecords, readWorkload } from '../src/workload/workload-reader.ts';

const COUNT = Number(process.argv[2] ?? 2_000_000);
const BATCH = 4096;
/** As often as the drain commits: 500 ms at 50,000 statements/s. */
const FLUSH_EVERY = 25_000;

// Statements like sysbench's, of 25 to 150 bytes, made ahead so that making them costs nothing.
const POOL = Array.from({ length: 50_000 }, (_, i) => aStatement(i));

function aStatement(i: number): LoggedStatement {
  const digits = (n: number): string =>
    String((n * 982_451_653) % 99_999_999_999).padStart(11, '0');
  const texts = [
    `SELECT c FROM sbtest${i % 10} WHERE id=${(i * 7919) % 1_000_000}`,
    `UPDATE sbtest${i % 10} SET k=k+1 WHERE id=${(i * 104_729) % 1_000_000}`,
    `SELECT DISTINCT c FROM sbtest${i % 10} WHERE id BETWEEN ${i} AND ${i + 99} ORDER BY c`,
    `INSERT INTO sbtest${i % 10} (id, k, c, pad) VALUES (${i}, ${(i * 31) % 1_000_000}, '${digits(i)}-${digits(i + 1)}-${digits(i + 2)}', '${digits(i + 3)}')`,
  ];
  const micros = String((i * 251) % 1_000_000).padStart(6, '0');
  return {
    time: `2026-11-22T02:${String(Math.floor(i / 4000) % 60).padStart(2, '0')}:00.${micros}Z`,
    session: 100 + (i % 16),
    user: 'app',
    host: `10.0.0.${i % 16}`,
    db: 'shop',
    kind: i % 2 === 0 ? 'execute' : 'query',
    sql: texts[i % 4] ?? '',
    bytes: null,
    flags: [],
  };
}

function* batches(): Generator<LoggedStatement[]> {
  for (let done = 0; done < COUNT;) {
    const from = done % (POOL.length - BATCH);
    const batch = POOL.slice(from, from + Math.min(BATCH, COUNT - done));
    done += batch.length;
    yield batch;
  }
}

const rows: string[][] = [];

async function measure<T>(
  what: string,
  work: () => Promise<T>,
  textBytes: (result: T) => number,
): Promise<T> {
  const cpu = process.cpuUsage();
  const from = performance.now();
  const result = await work();
  const seconds = (performance.now() - from) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  rows.push([
    what,
    Math.round(COUNT / seconds).toLocaleString('en'),
    (textBytes(result) / 1e6 / seconds).toFixed(0),
    ((user + system) / COUNT).toFixed(2),
    (process.memoryUsage.rss() / 1e6).toFixed(0),
  ]);
  return result;
}

async function write(dirs: readonly string[]): Promise<WorkloadPosition> {
  const serialiser = new LineSerialiser();
  const writers = await Promise.all(dirs.map((dir) => SegmentWriter.open(dir, null)));
  let unflushed = 0;
  let position: WorkloadPosition | undefined;
  const flush = async (): Promise<void> => {
    unflushed = 0;
    [position] = await Promise.all(writers.map((writer) => writer.flush()));
  };
  for (const batch of batches()) {
    const tails = serialiser.tails(batch);
    for (const writer of writers) await writer.write(tails);
    unflushed += batch.length;
    if (unflushed >= FLUSH_EVERY) await flush();
  }
  await flush();
  for (const writer of writers) await writer.close();
  if (position === undefined) throw new Error('nothing was written');
  return position;
}

const root = mkdtempSync(join(tmpdir(), 'captures-bench-workload-'));
try {
  const dir = join(root, '1');
  const text = await measure(
    'serialise only',
    () => {
      const serialiser = new LineSerialiser();
      let bytes = 0;
      for (const batch of batches())
        for (const tail of serialiser.tails(batch)) bytes += tail.length;
      return Promise.resolve(bytes);
    },
    (bytes) => bytes,
  );
  const position = await measure(
    'write, fsync every 25,000',
    () => write([dir]),
    (at) => at.totalText,
  );
  await measure(
    'write two captures of it',
    () => write([join(root, '2'), join(root, '3')]),
    (at) => at.totalText * 2,
  );
  const size = (): number => position.totalText;
  await measure(
    'read, as it is',
    async () => {
      let bytes = 0;
      for await (const chunk of readWorkload(dir, position)) bytes += chunk.length;
      if (bytes !== position.totalText) throw new Error('not everything was read');
    },
    size,
  );
  await measure(
    'read as records',
    async () => {
      let last = 0;
      for await (const records of readRecords(dir, position)) last = records.at(-1)?.seq ?? last;
      if (last !== COUNT) throw new Error('not everything was read');
    },
    size,
  );
  await measure(
    'read as SQL',
    async () => {
      let db: string | null = null;
      for await (const records of readRecords(dir, position)) ({ db } = formatSql(records, db));
    },
    size,
  );
  const files = readdirSync(dir)
    .sort()
    .map((name) => join(dir, name));
  try {
    await measure(
      'zstdcat > /dev/null',
      () =>
        Promise.resolve(execFileSync('zstdcat', files, { stdio: ['ignore', 'ignore', 'ignore'] })),
      size,
    );
  } catch {
    console.log('(no zstdcat here to compare with)');
  }
  const heads = ['', 'statements/s', 'MB/s of text', 'µs CPU each', 'RSS after, MB'];
  for (const row of [heads, ...rows]) {
    console.log(row.map((cell, i) => (i === 0 ? cell.padEnd(27) : cell.padStart(15))).join(''));
  }
  console.log(
    `${COUNT.toLocaleString('en')} statements, ${Math.round(text / COUNT)} bytes of NDJSON each without "seq"; ` +
      `${(position.totalText / position.totalBytes).toFixed(1)} times smaller on disk; ` +
      `peak RSS ${Math.round(process.resourceUsage().maxRSS / 1024)} MB (idle node: about 45 MB, the pool of statements: 15 MB)`,
  );
} finally {
  rmSync(root, { recursive: true, force: true });
}
