/**
 * What recording costs a server and how fast the recorder is:
 * `node bench/recorder.ts [seconds] [repeats] [connections] [backlog] [rate]`.
 *
 * One private server, one client process that keeps it saturated, and the daemon, all on this
 * machine. Each repeat measures in turns: no log; the server's own CSV log; the same log as MyISAM;
 * and the recorder, with the MyISAM table that it takes where the server's disk has room, and with CSV, the
 * safe one that it takes elsewhere (the data folder is on a tmpfs, whose size says which; without the
 * right to mount one there is the first alone); then the latency at a fixed rate with the MyISAM log and with the recorder. Prints
 * medians and ratios within the run, the recorder's lag, CPU and memory, and how fast a backlog drains. Build first: npm run build.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { chosenServer } from '../scripts/server-programs.ts';
import type { Store } from '../src/core/store.ts';
import { committedPosition } from '../src/core/workloads/committed.ts';
import { openStore } from '../src/store/sqlite-store.ts';
import { startServer, type DatabaseServer } from '../test/support/database-server.ts';
import {
  BIN,
  endProcess,
  eventually,
  processesWith,
  run,
  start,
} from '../test/support/processes.ts';
import { POINTS_SCHEMA, SaturatingClient, type ClientReport } from './saturating-client.ts';

const [SECONDS = 6, REPEATS = 3, CONNECTIONS = 8, BACKLOG = 300_000, RATE = 6_000] = process.argv
  .slice(2)
  .map(Number);
const WARM_UP_MS = 1_000;
const PASSWORD = 'bench';

const ALL_PHASES = ['no log', 'CSV log', 'MyISAM log', 'recorder', 'recorder, CSV'] as const;
type Phase = (typeof ALL_PHASES)[number];

/** What one phase with the recorder showed besides its rate. */
interface RecorderFacts {
  readonly lags: readonly number[];
  readonly cpuMicros: number;
  readonly peakKib: number;
  readonly recorded: number;
  readonly answered: number;
  readonly bytes: number;
}

const folder = mkdtempSync(join(tmpdir(), 'captures-bench-'));
const home = join(folder, 'home');
/** What has to be ended, however this ends. */
const running: { server: DatabaseServer | null; client: SaturatingClient | null } = {
  server: null,
  client: null,
};
let captures = 0;
const disk = join(folder, 'disk');
mkdirSync(disk);
const hasDisk = mountDisk();
const PHASES = ALL_PHASES.filter((phase) => hasDisk || phase !== 'recorder, CSV');

try {
  await main();
} finally {
  await running.client?.kill();
  for (const { pid } of processesWith('CAPTURES_HOME', home)) await endProcess(pid);
  await running.server?.stop();
  if (hasDisk) execFileSync('umount', ['--lazy', disk]);
  rmSync(folder, { recursive: true, force: true });
}

async function main(): Promise<void> {
  const server = await startServer({
    options: ['--innodb-buffer-pool-size=128M'],
    ...(hasDisk ? { within: disk } : {}),
  });
  console.log(`${server.family} ${server.version}`);
  running.server = server;
  await administer(
    POINTS_SCHEMA,
    `CREATE USER client@127.0.0.1 IDENTIFIED BY '${PASSWORD}'`,
    'GRANT SELECT ON bench.* TO client@127.0.0.1',
    `CREATE USER recorder@127.0.0.1 IDENTIFIED BY '${PASSWORD}'`,
    'GRANT ALL PRIVILEGES ON *.* TO recorder@127.0.0.1',
  );
  writeFileSync(join(folder, 'password'), 'a long password', { mode: 0o600 });
  writeFileSync(join(folder, 'recorder'), PASSWORD, { mode: 0o600 });
  await program('init', '--user', 'ada', '--password-file', join(folder, 'password'));
  const url = `mysql://recorder@127.0.0.1:${server.port}`;
  const from = `file:${join(folder, 'recorder')}`;
  await program('env', 'create', 'bench', '--url', url, '--password-from', from);

  const rates = new Map<Phase, number[]>(PHASES.map((phase) => [phase, []]));
  const facts = new Map<Phase, RecorderFacts[]>(PHASES.map((phase) => [phase, []]));
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    for (let turn = 0; turn < PHASES.length; turn++) {
      const phase = PHASES[(turn + repeat) % PHASES.length] ?? 'no log';
      if (phase === 'recorder' || phase === 'recorder, CSV') {
        chooseEngine(phase === 'recorder' ? 'MyISAM' : 'CSV');
        const { rate, ...others } = await withRecorder();
        rates.get(phase)?.push(rate);
        facts.get(phase)?.push(others);
      } else {
        rates.get(phase)?.push(await withServersOwnLog(phase));
      }
    }
  }
  report(rates);
  for (const [phase, all] of facts) if (all.length > 0) reportRecorder(phase, all);
  chooseEngine('MyISAM');
  await reportLatency();
  await reportBacklog('MyISAM');
  if (!hasDisk) return;
  chooseEngine('CSV');
  await reportBacklog('CSV');
}

function mountDisk(): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8g', 'tmpfs', disk], { stdio: 'pipe' });
    const { tree } = chosenServer(() => undefined);
    if (tree !== null) {
      mkdirSync(join(tree, disk), { recursive: true });
      execFileSync('mount', ['--bind', disk, join(tree, disk)]);
    }
    return true;
  } catch {
    console.log('A tmpfs cannot be mounted here: the recorder is measured with MyISAM alone');
    return false;
  }
}

/** Makes the next recorder choose an engine: MyISAM from 4 GiB of free space on. */
function chooseEngine(engine: 'CSV' | 'MyISAM'): void {
  if (!hasDisk) return;
  execFileSync('mount', ['-o', `remount,size=${engine === 'CSV' ? 3 : 8}g`, disk]);
}

async function withServersOwnLog(phase: 'no log' | 'CSV log' | 'MyISAM log'): Promise<number> {
  if (phase !== 'no log') await switchLog(phase === 'MyISAM log' ? 'MyISAM' : 'CSV');
  const { rate } = await measure();
  if (phase !== 'no log') await switchLogOff();
  return rate;
}

async function switchLog(engine: 'CSV' | 'MyISAM'): Promise<void> {
  await administer(
    `ALTER TABLE mysql.general_log ENGINE=${engine}`,
    "SET GLOBAL log_output = 'TABLE'",
    'SET GLOBAL general_log = ON',
  );
}

async function switchLogOff(): Promise<void> {
  await administer(
    'SET GLOBAL general_log = OFF',
    "SET GLOBAL log_output = 'FILE'",
    'TRUNCATE mysql.general_log',
    'ALTER TABLE mysql.general_log ENGINE=CSV',
  );
}

async function withRecorder(): Promise<RecorderFacts & { rate: number }> {
  const name = `capture-${++captures}`;
  await program('create', name, '--env', 'bench');
  const store = openStore(home);
  try {
    const pid = store.lease.find()?.pid ?? 0;
    const before = cpuSeconds(pid);
    const lags: number[] = [];
    const { rate, answered } = await measure(() => {
      const lag = lagOf(store);
      if (lag !== null) lags.push(lag);
    });
    // What is left of the phase is drained within the next swaps.
    await eventually('all is recorded', () => recordsOf(store) >= answered);
    const cpuMicros = (cpuSeconds(pid) - before) * 1e6;
    const peakKib = peakMemory(pid);
    await program('stop', name);
    const capture = store.captures.find(captures);
    return {
      rate,
      answered,
      lags,
      cpuMicros,
      peakKib,
      recorded: capture?.records ?? 0,
      bytes: capture?.fileBytes ?? 0,
    };
  } finally {
    store.close();
  }
}

async function startClient(rate: number | null = null): Promise<SaturatingClient> {
  running.client = await SaturatingClient.start({
    port: theServer().port,
    user: 'client',
    password: PASSWORD,
    connections: CONNECTIONS,
    rate,
  });
  return running.client;
}

function theServer(): DatabaseServer {
  if (running.server === null) throw new Error('there is no server');
  return running.server;
}

/** Keeps the server saturated for the phase. @returns queries a second, and how many in all. */
async function measure(sample: () => void = () => undefined): Promise<{
  rate: number;
  answered: number;
}> {
  const client = await startClient();
  await delay(WARM_UP_MS);
  const began = performance.now();
  const first = await client.answered();
  const end = began + SECONDS * 1_000;
  while (performance.now() < end) {
    await delay(Math.min(100, Math.max(end - performance.now(), 0)));
    sample();
  }
  const last = await client.answered();
  const rate = (last - first) / ((performance.now() - began) / 1_000);
  const { answered } = await client.stop();
  running.client = null;
  return { rate, answered };
}

/** What a query takes at a fixed rate: with the same log alone, and with the recorder. */
async function reportLatency(): Promise<void> {
  const reports = new Map<Phase, ClientReport[]>([
    ['no log', []],
    ['MyISAM log', []],
    ['recorder', []],
  ]);
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    for (const [phase, all] of reports) {
      if (phase === 'recorder') {
        const name = `capture-${++captures}`;
        await program('create', name, '--env', 'bench');
        all.push(await atFixedRate());
        await program('stop', name);
      } else {
        if (phase === 'MyISAM log') await switchLog('MyISAM');
        all.push(await atFixedRate());
        if (phase === 'MyISAM log') await switchLogOff();
      }
    }
  }
  console.log(`\nat ${count(RATE)} queries/s      median ms   p95 ms   p95 × MyISAM log`);
  const p95 = (phase: Phase): number => median((reports.get(phase) ?? []).map((one) => one.p95));
  for (const [phase, all] of reports) {
    const cells = [median(all.map((one) => one.median)), p95(phase)].map((n) => n.toFixed(2));
    const ratio = (p95(phase) / p95('MyISAM log')).toFixed(2);
    console.log(
      `${phase.padEnd(24)} ${(cells[0] ?? '').padStart(8)} ${(cells[1] ?? '').padStart(8)}   ${ratio.padStart(8)}   (p95 of each: ${all.map((one) => one.p95.toFixed(2)).join(', ')})`,
    );
  }
}

async function atFixedRate(): Promise<ClientReport> {
  const client = await startClient(RATE);
  await delay(SECONDS * 1_000);
  const report = await client.stop();
  running.client = null;
  return report;
}

/** How many rows a second a backlog drains: the log goes on while no daemon runs, then one starts. */
async function reportBacklog(engine: string): Promise<void> {
  const first = start(process.execPath, [BIN, 'daemon'], { env: { CAPTURES_HOME: home } });
  await eventually('a daemon is active', () => first.stderr().includes('daemon active'));
  await program('create', `capture-${++captures}`, '--env', 'bench');
  first.child.kill('SIGTERM');
  await first.ended;
  const client = await startClient();
  await eventually('the backlog', async () => (await client.answered()) >= BACKLOG, 600_000);
  const { answered } = await client.stop();
  running.client = null;

  const store = openStore(home);
  const second = start(process.execPath, [BIN, 'daemon'], { env: { CAPTURES_HOME: home } });
  try {
    await eventually('a daemon is active', () => second.stderr().includes('daemon active'));
    const began = performance.now();
    await eventually('it is drained', () => recordsOf(store) >= answered, 600_000);
    const seconds = (performance.now() - began) / 1_000;
    const rate = Math.round(answered / seconds);
    console.log(
      `\nbacklog of ${count(answered)} rows in ${engine}: ${seconds.toFixed(2)} s, ${count(rate)} rows/s, peak memory ${(peakMemory(second.pid) / 1024).toFixed(0)} MiB`,
    );
    await program('stop', `capture-${captures}`);
  } finally {
    store.close();
    second.child.kill('SIGTERM');
    await second.ended;
  }
}

function report(rates: ReadonlyMap<Phase, readonly number[]>): void {
  const medians = new Map(PHASES.map((phase) => [phase, median(rates.get(phase) ?? [])]));
  const rateOf = (phase: Phase): number => medians.get(phase) ?? NaN;
  console.log(
    `${REPEATS} repeats of ${SECONDS} s in turns, ${CONNECTIONS} connections, point selects, node ${process.version}`,
  );
  console.log('                  median/s      min      max   × no log   × MyISAM log');
  for (const phase of PHASES) {
    const all = rates.get(phase) ?? [];
    const cells = [rateOf(phase), Math.min(...all), Math.max(...all)].map((n) =>
      count(Math.round(n)).padStart(8),
    );
    const over = (other: Phase): string => (rateOf(phase) / rateOf(other)).toFixed(2);
    console.log(
      `${phase.padEnd(16)}  ${cells.join(' ')}   ${over('no log').padStart(8)}   ${over('MyISAM log').padStart(12)}`,
    );
  }
}

function reportRecorder(phase: string, facts: readonly RecorderFacts[]): void {
  const lags = facts.flatMap((one) => one.lags);
  const sum = (of: (one: RecorderFacts) => number): number =>
    facts.reduce((total, one) => total + of(one), 0);
  const perStatement = (n: number): string => (n / sum((one) => one.recorded)).toFixed(2);
  console.log(`\nthe ${phase}`);
  console.log(`  lag            median ${ms(median(lags))}, most ${ms(Math.max(...lags))}`);
  console.log(`  CPU            ${perStatement(sum((one) => one.cpuMicros))} µs a statement`);
  console.log(
    `  peak memory    ${facts.map((one) => (one.peakKib / 1024).toFixed(0)).join(', ')} MiB`,
  );
  console.log(`  on disk        ${perStatement(sum((one) => one.bytes))} bytes a statement`);
  // Besides the queries there are connects and quits.
  const missing = facts.map((one) => one.answered + 2 * CONNECTIONS - one.recorded);
  console.log(`  sent − recorded  ${missing.join(', ')}`);
}

function lagOf(store: Store): number | null {
  const last = committedPosition(store.recordings.find(captures))?.lastTime;
  return last == null ? null : Date.now() - Date.parse(last);
}

function recordsOf(store: Store): number {
  return store.recordings.find(captures)?.records ?? 0;
}

/** User and system time of a process. Its command has no blank, so the fields can be counted. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  const ticksASecond = 100;
  return (Number(fields[11]) + Number(fields[12])) / ticksASecond;
}

function peakMemory(pid: number): number {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

async function administer(...statements: readonly string[]): Promise<void> {
  const admin = await theServer().admin();
  for (const statement of statements) await admin.query(statement);
  await admin.end();
}

async function program(...args: readonly string[]): Promise<void> {
  const { status, stderr } = await run(process.execPath, [BIN, ...args], {
    env: { CAPTURES_HOME: home },
  });
  if (status !== 0)
    throw new Error(`captures ${args.join(' ')} exited with ${status ?? '-'}: ${stderr}`);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[sorted.length >> 1] ?? NaN;
}

function count(n: number): string {
  return n.toLocaleString('en');
}

function ms(n: number): string {
  return `${n.toFixed(0)} ms`;
}
