/**
 * What a replay does: `node bench/replay.ts [statements] [rounds]`, on a MariaDB of its own, server and clients on
 * the same cores. Build first: npm run build. Needs sysbench, bash and GNU time (/usr/bin/time).
 * 1. Point selects as fast as they go, with 8, 32 and 128 sessions: `captures replay --speed max` as a whole
 *    process, in turns with sysbench on as many threads; and the `mariadb` client, which has one session.
 * 2. How late statements are at 5,000 a second.
 * 3. A load that was built to deadlock, ten times: it has to end, and to account for everything.
 */
import { spawnSync } from 'node:child_process';
import { openSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { UNLIMITED } from '../src/core/access.ts';
import { systemClock } from '../src/core/clock.ts';
import type { ReplayResult } from '../src/core/replays/replay.ts';
import type { LoggedStatement, StatementKind } from '../src/core/workloads/statements.ts';
import { NO_WINDOW, type RecordingFacts } from '../src/core/workloads/workload.ts';
import { startServer } from '../test/support/database-server.ts';
import { RecordedCapture } from '../test/support/recorded-capture.ts';
import { SERVER, TestStore } from '../test/support/stores.ts';
import { addUser } from '../test/support/users.ts';

const STATEMENTS = Number(process.argv[2] ?? 400_000);
const ROUNDS = Number(process.argv[3] ?? 3);
const SESSIONS = [8, 32, 128];
const DEADLOCKING = 10;
const BIN = resolve(import.meta.dirname, '../bin/captures.js');
const ROWS = 10_000;
const BATCH = 25_000;
const START = Date.UTC(2026, 10, 30, 10);
const FACTS: RecordingFacts = {
  ...NO_WINDOW,
  server: { flavor: 'mariadb', version: '10.11', uuid: null, hostname: 'elsewhere', port: 1 },
  settingsBefore: {},
  gaps: [],
  warnings: [],
  endReason: null,
};

const test = new TestStore(systemClock);
const home = test.store.directory;
const env = { ...process.env, CAPTURES_HOME: home, ...addUser(home, 'ada') };
const user = test.store.users.findByName('ada');
const ada = { userId: user?.id ?? 0, userName: 'ada', isStoreAdmin: false, scope: UNLIMITED };
const server = await startServer({ options: ['--max-connections=500'] });
try {
  await prepare();
  await speed();
  lateness();
  deadlocks();
} finally {
  await server.stop();
  test.store.close();
  rmSync(home, { recursive: true, force: true });
}

async function prepare(): Promise<void> {
  const admin = await server.admin();
  await admin.query("CREATE USER bench@'127.0.0.1'; GRANT ALL ON *.* TO bench@'127.0.0.1'");
  await admin.query(
    'CREATE DATABASE sbtest; CREATE TABLE sbtest.stock (id INT PRIMARY KEY, n INT)',
  );
  await admin.query('INSERT INTO sbtest.stock VALUES (1, 0), (2, 0), (3, 0), (4, 0)');
  await admin.end();
  sysbench(1, ['prepare']);
  const address = { ...SERVER, port: server.port, user: 'bench', passwordFrom: null };
  test.environment({ admin: [ada] }, { name: 'target', server: address });
  for (const sessions of SESSIONS) {
    await record(`selects${sessions}`, selects(sessions, STATEMENTS, 1_000_000));
  }
  await record('paced', selects(32, 100_000, 5_000));
  await record('crossing', crossing(20, 200));
}

async function record(name: string, statements: readonly LoggedStatement[]): Promise<void> {
  const capture = new RecordedCapture(test, ada, name);
  capture.become('RUNNING');
  for (let from = 0; from < statements.length; from += BATCH) {
    await capture.record(statements.slice(from, from + BATCH));
  }
  await capture.close();
  capture.become('DONE');
  test.store.recordings.saveFacts(capture.id, JSON.stringify(FACTS));
}

function statement(
  index: number,
  perSecond: number,
  session: number,
  kind: StatementKind,
  sql: string,
): LoggedStatement {
  const micros = Math.floor((index * 1_000_000) / perSecond);
  const time = new Date(START + Math.floor(micros / 1_000)).toISOString().slice(0, -1);
  return {
    time: `${time}${String(micros % 1_000).padStart(3, '0')}Z`,
    session,
    user: 'app',
    host: 'elsewhere',
    db: 'sbtest',
    kind,
    sql,
    bytes: null,
    flags: [],
  };
}

/** Point selects of so many sessions, in turns that are not regular. */
function selects(sessions: number, count: number, perSecond: number): LoggedStatement[] {
  return withSessions(sessions, perSecond, count, (index) => {
    return [
      (index * 7_919) % sessions,
      `SELECT c FROM sbtest1 WHERE id=${1 + ((index * 31) % ROWS)}`,
    ];
  });
}

/** Sessions in pairs that take two locks in opposite orders, again and again. */
function crossing(sessions: number, rounds: number): LoggedStatement[] {
  const steps = 4 * sessions;
  return withSessions(sessions, 1_000_000, rounds * steps, (index) => {
    const session = index % sessions;
    const step = Math.floor(index / sessions) % 4;
    const lock = 1 + ((session + (step === 2 ? 1 : 0)) % 2);
    if (step === 0) return [session, 'BEGIN'];
    return [session, step === 3 ? 'COMMIT' : `UPDATE stock SET n = n + 1 WHERE id = ${lock}`];
  });
}

function withSessions(
  sessions: number,
  perSecond: number,
  count: number,
  each: (index: number) => readonly [session: number, sql: string],
): LoggedStatement[] {
  const all: LoggedStatement[] = [];
  const add = (session: number, kind: StatementKind, sql: string): void => {
    all.push(statement(all.length, perSecond, 100 + session, kind, sql));
  };
  for (let session = 0; session < sessions; session++) {
    add(session, 'connect', 'app@elsewhere on sbtest using TCP/IP');
  }
  for (let index = 0; index < count; index++) {
    const [session, sql] = each(index);
    add(session, 'query', sql);
  }
  for (let session = 0; session < sessions; session++) add(session, 'quit', '');
  return all;
}

interface Run {
  readonly perSecond: number;
  /** Microseconds of CPU of the client a statement. */
  readonly cpu: number;
  /** Megabytes at most. */
  readonly memory: number;
}

async function speed(): Promise<void> {
  const runs = new Map<string, Run[]>();
  const add = (name: string, run: Run): void => {
    runs.set(name, [...(runs.get(name) ?? []), run]);
  };
  const file = join(home, 'selects.sql');
  const texts = selects(1, STATEMENTS / 8, 1).filter(({ kind }) => kind === 'query');
  writeFileSync(file, texts.map(({ sql }) => `${sql};\n`).join(''));
  for (let round = 0; round < ROUNDS; round++) {
    for (const sessions of SESSIONS) {
      add(`sysbench, ${sessions} threads`, bySysbench(sessions));
      add(`captures replay, ${sessions} sessions`, byReplay(sessions));
    }
    add('mariadb < file, 1 session', byClient(file, texts.length));
  }
  const median = (values: readonly number[]): number =>
    values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
  console.log(`${STATEMENTS.toLocaleString('en')} point selects, medians of ${ROUNDS}`);
  console.log(
    ' '.repeat(34) + ['statements/s', 'CPU µs', 'MB'].map((one) => one.padStart(14)).join(''),
  );
  for (const [name, all] of runs) {
    const cells = [
      Math.round(median(all.map(({ perSecond }) => perSecond))).toLocaleString('en'),
      median(all.map(({ cpu }) => cpu)).toFixed(1),
      Math.round(median(all.map(({ memory }) => memory))).toString(),
    ];
    console.log(name.padEnd(34) + cells.map((cell) => cell.padStart(14)).join(''));
  }
  await Promise.resolve();
}

function byReplay(sessions: number): Run {
  const { result, cpu, memory } = replay(`selects${sessions}`, 'max');
  return { perSecond: result.perSecond, cpu: (cpu / STATEMENTS) * 1e6, memory };
}

function replay(
  capture: string,
  speed: string,
  ...more: string[]
): { result: ReplayResult; cpu: number; memory: number; wall: number } {
  const args = ['replay', capture, '--to', 'target', '--speed', speed, ...more, '--yes', '--json'];
  const { stdout, cpu, memory, wall } = timed(BIN, args);
  return { result: (JSON.parse(stdout) as { result: ReplayResult }).result, cpu, memory, wall };
}

function bySysbench(threads: number): Run {
  const { stdout, cpu, memory } = sysbench(threads, ['--time=0', `--events=${STATEMENTS}`, 'run']);
  const perSecond = Number(/queries:\s+\d+\s+\(([\d.]+) per sec/.exec(stdout)?.[1]);
  return { perSecond, cpu: (cpu / STATEMENTS) * 1e6, memory };
}

function sysbench(threads: number, args: readonly string[]): ReturnType<typeof timed> {
  return timed('sysbench', [
    'oltp_point_select',
    '--db-driver=mysql',
    '--db-ps-mode=disable',
    '--mysql-host=127.0.0.1',
    `--mysql-port=${server.port}`,
    '--mysql-user=bench',
    '--tables=1',
    `--table-size=${ROWS}`,
    `--threads=${threads}`,
    ...args,
  ]);
}

function byClient(file: string, count: number): Run {
  const args = ['--no-defaults', '-h127.0.0.1', `-P${server.port}`, '-ubench', 'sbtest'];
  const { cpu, memory, wall } = timed('mariadb', args, file);
  return { perSecond: count / wall, cpu: (cpu / count) * 1e6, memory };
}

/** @param input a file for its standard input. */
function timed(
  command: string,
  args: readonly string[],
  input: string | null = null,
): { stdout: string; cpu: number; memory: number; wall: number } {
  const { stdout, stderr, status } = spawnSync(
    '/usr/bin/time',
    ['-f', '%e %U %S %M', command, ...args],
    {
      env,
      encoding: 'utf8',
      maxBuffer: 1e9,
      stdio: [input === null ? 'ignore' : openSync(input, 'r'), 'pipe', 'pipe'],
    },
  );
  const lines = stderr.trim().split('\n');
  if (status !== 0) throw new Error(`${command} ended with ${status ?? 'a signal'}: ${stderr}`);
  const [wall = 0, user = 0, system = 0, kilobytes = 0] = (lines.pop() ?? '')
    .split(' ')
    .map(Number);
  return { stdout, cpu: user + system, memory: kilobytes / 1_000, wall };
}

function lateness(): void {
  for (let round = 0; round < ROUNDS; round++) {
    const { result, cpu } = replay('paced', '1');
    const { lateMs } = result;
    if (lateMs === null) throw new Error('lateness was not measured');
    console.log(
      `5,000/s, 32 sessions: ${lateMs.count.toLocaleString('en')} statements, late by ${lateMs.p50Ms.toFixed(2)} ms (median), ${lateMs.p99Ms.toFixed(2)} ms (99 %), ${lateMs.maxMs.toFixed(1)} ms (most); CPU ${((cpu / lateMs.count) * 1e6).toFixed(1)} µs a statement`,
    );
  }
}

function deadlocks(): void {
  let ended = 0;
  for (let round = 0; round < DEADLOCKING; round++) {
    const { result, wall } = replay('crossing', 'max', '--writes');
    const { records, sent, skipped, failed } = result;
    const rest = [...Object.values(skipped), ...Object.values(failed)];
    const isAccounted = rest.reduce((sum, count) => sum + count, sent) === records;
    if (isAccounted && result.ended.why === 'complete') ended++;
    console.log(
      `20 sessions with crossing locks: ${wall.toFixed(1)} s, ${records} records, ${sent} sent, ${result.deadlocks} deadlocks, ${skipped.transaction_lost ?? 0} skipped with their transactions, ${result.brokenOff} broken off`,
    );
  }
  console.log(`${ended} of ${DEADLOCKING} ended and accounted for every record`);
}
