/**
 * What counting a workload for a report costs: `node bench/report.ts [statements]`, after `npm run build`.
 * Prints, for statements like sysbench's, for 5,000 digests of long ones and for what is more than is
 * kept (digests, long digests, sessions), statements/s of
 * `pt-query-digest` (of the same statements as a general log, the first 200,000 of them) and of ours on one
 * core and on two, whole processes in the same run; CPU time a statement, which says more on a machine that
 * is busy; the process's peak memory, beside that of a bare node, and what a second report takes. The processes
 * have the flags that the program gives itself. Exits 1 where one of them takes more than the 150 MB of the
 * contract.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { COUNTING_ENVIRONMENT, COUNTING_NODE_FLAGS } from '../src/cli/runtime/process-memory.ts';
import type { LoggedStatement } from '../src/core/workloads/statements.ts';
import { SegmentWriter } from '../src/workload/segment-writer.ts';
import { LineSerialiser } from '../src/workload/statement-line.ts';
import { aSysbenchStatement } from './sysbench-statements.ts';

const COUNT = Number(process.argv[2] ?? 2_000_000);
const PEER_COUNT = 200_000;
const BATCH = 4_000;
const MOST_MEMORY = 150;
const COUNTER = resolve(import.meta.dirname, '../dist/workload/tally/workload-tally.js');

/** Counts the workload in a folder, in a process of its own without the compiler of this one. */
const PROGRAM = `
const { openTally } = await import(process.argv[1]);
const { readFileSync } = await import('node:fs');
const folder = process.argv[2];
const counter = openTally(folder);
const counting = counter.count(JSON.parse(readFileSync(folder + '.json', 'utf8')));
let step;
do step = await counting.next(); while (!step.done);
await counter.close();
const [, peak] = /VmHWM:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'));
const { tally, damage } = step.value;
const { user, system } = process.cpuUsage();
console.log(JSON.stringify({ cpu: user + system, peak: Number(peak) / 1024, statements: tally.statements, digests: tally.digests.length, damage }));
`;

const PEAK_PROGRAM = `
const [, peak] = /VmHWM:\\s+(\\d+)/.exec(require('node:fs').readFileSync('/proc/self/status', 'utf8'));
console.log(Number(peak) / 1024);
`;
const BARE_PEAK = Number(execFileSync(process.execPath, ['-e', PEAK_PROGRAM]).toString());

function peakText(peak: number): string {
  if (peak > MOST_MEMORY) process.exitCode = 1;
  const verdict = peak > MOST_MEMORY ? `, over ${MOST_MEMORY}` : '';
  return `peak ${peak.toFixed(0)} MB, ${(peak / BARE_PEAK).toFixed(1)} x a bare node${verdict}`;
}

interface Counted {
  /** Microseconds. */
  readonly cpu: number;
  readonly peak: number;
  readonly statements: number;
  readonly digests: number;
  readonly damage: readonly unknown[];
}

/** The `i`-th of statements of some 1,100 bytes and so many digests. */
function aLongStatement(i: number, digests = 5_000): LoggedStatement {
  const which = (i * 7_919) % digests;
  const columns = Array.from({ length: 40 }, (_, n) => `t${which}.column_${n} AS c${n}`);
  const conditions = Array.from({ length: 10 }, (_, n) => `t${which}.column_${n} = ${i * n}`);
  const sql = `SELECT ${columns.join(', ')} FROM table_${which} t${which} WHERE ${conditions.join(' AND ')} AND name IN ('a${i}', 'b', 'c')`;
  return { ...aSysbenchStatement(i), sql };
}

async function write(
  folder: string,
  count: number,
  statement: (i: number) => LoggedStatement,
): Promise<void> {
  const writer = await SegmentWriter.open(folder, null);
  const serialiser = new LineSerialiser();
  for (let done = 0; done < count; done += BATCH) {
    const length = Math.min(BATCH, count - done);
    const batch = Array.from({ length }, (_, i) => statement(done + i));
    await writer.write(serialiser.tails(batch));
  }
  const { segment, offset, totalRecords } = await writer.flush();
  const request = {
    until: { segment, offset },
    expected: writer.segments(),
    records: totalRecords,
    since: null,
    before: null,
  };
  await writer.close();
  writeFileSync(`${folder}.json`, JSON.stringify(request));
}

function writeGeneralLog(
  path: string,
  count: number,
  statement: (i: number) => LoggedStatement,
): void {
  const file = openSync(path, 'w');
  writeSync(
    file,
    '/usr/sbin/mysqld, Version: 8.0.0. started with:\nTcp port: 3306  Unix socket: /tmp/mysql.sock\nTime                 Id Command    Argument\n',
  );
  for (let done = 0; done < count; done += BATCH) {
    const lines = Array.from({ length: Math.min(BATCH, count - done) }, (_, i) => {
      const { time, session, sql } = statement(done + i);
      return `${time}\t    ${session} Query\t${sql}\n`;
    });
    writeSync(file, lines.join(''));
  }
}

/** Seconds that a command takes, and what it prints. */
function timed(command: string, args: readonly string[]): { seconds: number; output: string } {
  const started = performance.now();
  const output = execFileSync(command, args, {
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...COUNTING_ENVIRONMENT, ...process.env },
  }).toString();
  return { seconds: (performance.now() - started) / 1_000, output };
}

function count(folder: string, cores: 1 | 2): Counted & { seconds: number } {
  const program = ['--input-type=module', '-e', PROGRAM, COUNTER, folder];
  const node = [process.execPath, ...COUNTING_NODE_FLAGS, ...program];
  const [command = '', ...args] = cores === 1 ? ['taskset', '-c', '0', ...node] : node;
  const { seconds, output } = timed(command, args);
  const counted = JSON.parse(output) as Counted;
  if (counted.damage.length > 0) throw new Error(output);
  return { ...counted, seconds };
}

function forgetSummaries(folder: string): void {
  const { segment } = (
    JSON.parse(readFileSync(`${folder}.json`, 'utf8')) as { until: { segment: number } }
  ).until;
  for (let one = 1; one <= segment; one++) {
    rmSync(join(folder, `segment-${String(one).padStart(6, '0')}.summary.zst`), { force: true });
  }
}

async function run(
  what: string,
  root: string,
  total: number,
  statement: (i: number) => LoggedStatement,
): Promise<void> {
  console.log(`${what}: ${total.toLocaleString('en')} statements`);
  const folder = join(root, what.replaceAll(/\W+/g, '-'));
  await write(folder, total, statement);
  let peer: { rate: number; cpu: number } | null = null;
  if (spawnSync('pt-query-digest', ['--version']).status === 0) {
    const log = `${folder}.log`;
    const peerCount = Math.min(PEER_COUNT, total);
    writeGeneralLog(log, peerCount, statement);
    const args = ['-c', '0', 'pt-query-digest', '--type', 'genlog', '--limit', '10', log];
    const { seconds, output } = timed('taskset', args);
    peer = { rate: peerCount / seconds, cpu: (cpuSecondsIn(output) * 1e6) / peerCount };
    rmSync(log);
    console.log(`  pt-query-digest ${described(peer)}`);
  }
  for (const cores of [1, 2] as const) {
    forgetSummaries(folder);
    const { seconds, cpu, statements, digests, peak } = count(folder, cores);
    const ours = { rate: statements / seconds, cpu: cpu / statements };
    const ratios =
      peer === null
        ? ''
        : `; ${(ours.rate / peer.rate).toFixed(1)} x the rate, ${(peer.cpu / ours.cpu).toFixed(1)} x by CPU`;
    const name = cores === 1 ? 'ours, one core ' : 'ours, two cores';
    console.log(`  ${name} ${described(ours)}${ratios}; ${digests} digests, ${peakText(peak)}`);
  }
  const { seconds, peak } = count(folder, 2);
  console.log(`  second report        ${seconds.toFixed(2).padStart(9)} s; ${peakText(peak)}`);
  rmSync(folder, { recursive: true });
}

function described({ rate, cpu }: { rate: number; cpu: number }): string {
  return `${rate.toFixed(0).padStart(9)}/s ${cpu.toFixed(2).padStart(6)} µs of CPU a statement`;
}

/** What the first line of a report of pt-query-digest says: `# 7.5s user time, 210ms system time, …`. */
function cpuSecondsIn(report: string): number {
  const [, user = '', system = ''] = /# (\S+) user time, (\S+) system time/.exec(report) ?? [];
  return [user, system].reduce(
    (sum, text) => sum + parseFloat(text) / (text.endsWith('ms') ? 1_000 : 1),
    0,
  );
}

const root = mkdtempSync(join(tmpdir(), 'captures-bench-'));
try {
  await run('like sysbench', root, COUNT, aSysbenchStatement);
  await run('5,000 digests of long statements', root, Math.ceil(COUNT / 10), (i) =>
    aLongStatement(i),
  );
  // More than is kept: what counts is the memory.
  await run('each statement a digest', root, Math.ceil(COUNT / 5), (i) => ({
    ...aSysbenchStatement(i),
    sql: `SELECT c FROM sbtest_${i} WHERE id=${i}`,
  }));
  await run('20,000 digests of long statements', root, Math.ceil(COUNT / 33), (i) =>
    aLongStatement(i, 20_000),
  );
  await run('each statement a session', root, Math.ceil(COUNT / 5), (i) => ({
    ...aSysbenchStatement(i),
    session: i + 1,
  }));
} finally {
  rmSync(root, { recursive: true, force: true });
}
