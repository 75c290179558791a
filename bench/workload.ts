/**
 * What writing and reading a workload costs: `node bench/workload.ts [statements]`.
 * Prints statements/s and MB/s of each step, the process's peak memory and, in the same run, what
 * `zstdcat` needs for the same files and `pt-query-digest` for the same statements as a general log,
 * where they are installed.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LoggedStatement } from '../src/core/workloads/statements.ts';
import { SegmentWriter } from '../src/workload/segment-writer.ts';
import { formatSql } from '../src/workload/sql-format.ts';
import { LineSerialiser } from '../src/workload/statement-line.ts';
import { readRecords, readWorkload } from '../src/workload/workload-reader.ts';
import type { WorkloadPosition } from '../src/core/workloads/workload.ts';
import { aSysbenchStatement } from './sysbench-statements.ts';

const COUNT = Number(process.argv[2] ?? 2_000_000);
const BATCH = 4096;
/** As often as the drain commits: 500 ms at 50,000 statements/s. */
const FLUSH_EVERY = 25_000;

// Statements like sysbench's, of 25 to 150 bytes, made ahead so that making them costs nothing.
const POOL = Array.from({ length: 50_000 }, (_, i) => aSysbenchStatement(i));

function* batches(): Generator<LoggedStatement[]> {
  for (let done = 0; done < COUNT;) {
    const from = done % (POOL.length - BATCH);
    const batch = POOL.slice(from, from + Math.min(BATCH, COUNT - done));
    done += batch.length;
    yield batch;
  }
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

interface Result {
  /** Bytes of NDJSON that went through. */
  readonly text: number;
  readonly position?: WorkloadPosition;
}

const STEPS: Record<string, (root: string, position: WorkloadPosition) => Promise<Result>> = {
  'serialise only': () => {
    const serialiser = new LineSerialiser();
    let text = 0;
    for (const batch of batches())
      for (const tail of serialiser.tails(batch))
        text += typeof tail === 'string' ? tail.length : 0;
    return Promise.resolve({ text });
  },
  'write, fsync every 25,000': async (root) => {
    const position = await write([join(root, '1')]);
    return { text: position.totalText, position };
  },
  'write two captures of it': async (root) => {
    const { totalText } = await write([join(root, '2'), join(root, '3')]);
    return { text: totalText * 2 };
  },
  'read, as it is': async (root, position) => {
    let text = 0;
    for await (const chunk of readWorkload(join(root, '1'), position)) text += chunk.length;
    return { text };
  },
  'read as records': async (root, position) => {
    let last = 0;
    for await (const records of readRecords(join(root, '1'), position)) {
      last = records.at(-1)?.seq ?? last;
    }
    if (last !== COUNT) throw new Error('not everything was read');
    return { text: position.totalText };
  },
  'read as SQL': async (root, position) => {
    let db: string | null = null;
    for await (const records of readRecords(join(root, '1'), position)) {
      ({ db } = formatSql(records, db));
    }
    return { text: position.totalText };
  },
};

interface Report {
  readonly seconds: number;
  readonly cpuSeconds: number | null;
  readonly peakMegabytes: number | null;
  readonly result: Result;
}

/** In a process of its own: one step's garbage must not be another's peak memory. */
async function runStep(step: string, root: string, position: WorkloadPosition): Promise<void> {
  const work = STEPS[step];
  if (work === undefined) throw new Error(`no step ${step}`);
  const cpu = process.cpuUsage();
  const from = performance.now();
  const result = await work(root, position);
  const seconds = (performance.now() - from) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const report: Report = {
    seconds,
    cpuSeconds: (user + system) / 1e6,
    peakMegabytes: process.resourceUsage().maxRSS / 1024,
    result,
  };
  console.log(JSON.stringify(report));
}

function zstdcat(dir: string, text: number): Report | null {
  const files = readdirSync(dir)
    .sort()
    .map((name) => join(dir, name));
  const from = performance.now();
  const { status } = spawnSync('zstdcat', files, { stdio: 'ignore' });
  if (status !== 0) return null;
  const seconds = (performance.now() - from) / 1000;
  return { seconds, cpuSeconds: null, peakMegabytes: null, result: { text } };
}

/** pt-query-digest takes minutes for what the others do in seconds. */
const DIGESTED = Math.min(COUNT, 200_000);

/** The same statements as a general log file, as the server itself writes one. */
function queryDigest(root: string): Report | null {
  if (spawnSync('pt-query-digest', ['--version']).status !== 0) return null;
  const log = join(root, 'general.log');
  const file = openSync(log, 'w');
  writeSync(
    file,
    '/usr/sbin/mariadbd, Version: 10.11.6-MariaDB. started with:\nTcp port: 3306  Unix socket: /run/mysqld.sock\nTime\t\t    Id Command\tArgument\n',
  );
  let text = 0;
  for (let i = 0; i < DIGESTED; i++) {
    const { session, sql } = POOL[i % POOL.length] ?? aSysbenchStatement(i);
    text += writeSync(file, `261122  2:00:00\t   ${session} Query\t${sql}\n`);
  }
  const from = performance.now();
  const { status } = spawnSync(
    'pt-query-digest',
    ['--type', 'genlog', '--no-version-check', '--limit', '10', log],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  if (status !== 0) return null;
  const seconds = (performance.now() - from) / 1000;
  return { seconds, cpuSeconds: null, peakMegabytes: null, result: { text } };
}

function print(what: string, report: Report, statements = COUNT): void {
  const cells = [
    Math.round(statements / report.seconds).toLocaleString('en'),
    (report.result.text / 1e6 / report.seconds).toFixed(0),
    report.cpuSeconds === null ? '' : ((report.cpuSeconds * 1e6) / COUNT).toFixed(2),
    report.peakMegabytes === null ? '' : report.peakMegabytes.toFixed(0),
  ];
  console.log(what.padEnd(27) + cells.map((cell) => cell.padStart(15)).join(''));
}

function runAll(): void {
  const root = mkdtempSync(join(tmpdir(), 'captures-bench-workload-'));
  try {
    console.log(
      ' '.repeat(27) +
        ['statements/s', 'MB/s of text', 'µs CPU each', 'peak RSS, MB']
          .map((cell) => cell.padStart(15))
          .join(''),
    );
    let position: WorkloadPosition | undefined;
    for (const step of Object.keys(STEPS)) {
      const output = execFileSync(process.execPath, [
        ...[import.meta.filename, String(COUNT), step, root],
        JSON.stringify(position ?? null),
      ]);
      const report = JSON.parse(output.toString()) as Report;
      position ??= report.result.position;
      print(step, report);
    }
    if (position === undefined) throw new Error('nothing was written');
    const reference = zstdcat(join(root, '1'), position.totalText);
    if (reference === null) console.log('(no zstdcat here to compare with)');
    else print('zstdcat > /dev/null', reference);
    const digest = queryDigest(root);
    if (digest === null) console.log('(no pt-query-digest here to compare with)');
    else print('pt-query-digest of a log', digest, DIGESTED);
    console.log(
      `${COUNT.toLocaleString('en')} statements, ${Math.round(position.totalText / COUNT)} bytes of NDJSON each, ` +
        `${(position.totalText / position.totalBytes).toFixed(1)} times smaller on disk; ` +
        'peak RSS includes the statements made ahead',
    );
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

const [step, root, position] = process.argv.slice(3);
if (step === undefined || root === undefined || position === undefined) runAll();
else await runStep(step, root, JSON.parse(position) as WorkloadPosition);
