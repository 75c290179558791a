/**
 * The load of issue 5: 10,000 scheduled captures and 50 RUNNING ones on one metrics-only environment,
 * for so many minutes, beside captures that record real servers under load.
 *
 *   node bench/daemon.ts [--minutes 10] [--servers 5] [--scheduled 10000] [--running 50]
 *
 * Reports the daemon's memory over time, its CPU, and how late starts and ends were; exits 1 when a start
 * or an end is beyond its bound or the memory grows. The built program is what runs: npm run build.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { UNLIMITED, type Actor } from '../src/core/access.ts';
import { CaptureRules } from '../src/core/captures/capture-rules.ts';
import { systemClock } from '../src/core/clock.ts';
import type { ListedCapture, Store } from '../src/core/store.ts';
import { createStore } from '../src/store/sqlite-store.ts';
import { startShopServer, type ShopServer } from '../test/e2e/shop-server.ts';

const BIN = resolve(import.meta.dirname, '../bin/captures.js');
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
/** What each may cost. */
const ONE_START_MS = 250;
const BURST_MS = 2_000;
const BURST = 1_000;
const PAGE_KIB = 4;
const TICKS_A_SECOND = 100;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    servers: { type: 'string', default: '5' },
    scheduled: { type: 'string', default: '10000' },
    running: { type: 'string', default: '50' },
  },
});
const minutes = Number(values.minutes);
const failures: string[] = [];

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Resident memory in MiB and seconds of CPU of a process. */
function usage(pid: number): { memory: number; cpu: number } {
  const [, pages = '0'] = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ');
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  return { memory: (Number(pages) * PAGE_KIB) / 1_024, cpu: ticks / TICKS_A_SECOND };
}

interface Plan {
  /** Single starts, spread out, and how late they were. */
  readonly single: number[];
  readonly burst: number[];
  readonly ends: number[];
}

/** Captures that start one by one, 1,000 at one instant, the rest hours away, and those that run. */
function fill(store: Store, ada: Actor, begin: number): Plan {
  const captures = new CaptureRules(store, systemClock);
  const make = (name: string, request: { at?: number; seconds?: number }): number =>
    captures.create(ada, {
      name,
      environment: 'metrics',
      status: null,
      start: null,
      scheduledStart: request.at ?? null,
      duration: request.seconds === undefined ? null : request.seconds * SECOND,
    }).id;
  return store.transaction(() => {
    const span = minutes * MINUTE;
    const single = Array.from({ length: Math.max(Math.floor(minutes * 12), 5) }, (_, index) =>
      make(`single ${index}`, { at: begin + 3_137 + index * 5_000, seconds: 60 }),
    );
    const burst = Array.from({ length: BURST }, (_, index) =>
      make(`burst ${index}`, { at: begin + Math.floor(span / 2) + 1_700, seconds: 60 }),
    );
    const far = Number(values.scheduled) - single.length - burst.length;
    for (let index = 0; index < far; index++) {
      make(`far ${index}`, { at: begin + 24 * 60 * MINUTE + index * SECOND });
    }
    const ends = Array.from({ length: Number(values.running) }, (_, index) =>
      make(`running ${index}`, {
        seconds: 60 + Math.floor((index * (span - MINUTE)) / 50 / SECOND),
      }),
    );
    return { single, burst, ends };
  });
}

function get(store: Store, id: number): ListedCapture {
  const capture = store.captures.find(id);
  if (capture === null) throw new Error(`capture ${id} is gone`);
  return capture;
}

function quantiles(late: readonly number[]): string {
  const sorted = [...late].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor((sorted.length - 1) * share)] ?? NaN;
  return `median ${at(0.5)} ms, p95 ${at(0.95)} ms, max ${at(1)} ms (${sorted.length})`;
}

function judge(what: string, late: readonly number[], bound: number): void {
  if (late.length === 0) {
    say(`${what}: none in so short a run`);
    return;
  }
  say(`${what}: ${quantiles(late)}; bound ${bound} ms`);
  if (Math.max(...late) > bound) failures.push(what);
}

/** Some fifty statements a second: the daemon is measured here, not the servers' speed. */
async function startTrickle(server: ShopServer, tag: string): Promise<{ stop(): Promise<void> }> {
  const connection = await server.admin();
  const stopping = new AbortController();
  const run = async (): Promise<void> => {
    for (let number = 0; !stopping.signal.aborted; number++) {
      await connection.query(`SELECT '${tag}-${number}'`);
      await delay(20);
    }
    await connection.end();
  };
  const running = run();
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

/** Samples every ten seconds until an instant. */
async function sampleUntil(until: number, onSample: () => void): Promise<void> {
  while (Date.now() < until) {
    onSample();
    await delay(Math.min(10 * SECOND, Math.max(until - Date.now(), 0)));
  }
}

async function main(): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'captures-bench-'));
  const servers: ShopServer[] = [];
  for (let index = 0; index < Number(values.servers); index++)
    servers.push(await startShopServer());
  const begin = Date.now() + 10 * SECOND;
  const actors: Actor[] = [];
  const store = createStore(join(home, 'home'), { sharedGroup: null, now: Date.now() }, (made) => {
    const user = made.users.insert({ name: 'ada', isAdmin: true, passwordHash: '-' }, Date.now());
    actors.push({ userId: user.id, userName: user.name, isStoreAdmin: true, scope: UNLIMITED });
  });
  const [actor] = actors;
  if (actor === undefined) throw new Error('createStore did not fill the store');
  const blank = { region: null, instance: null, profile: null, endpointUrl: null };
  const add = (name: string, server: ShopServer | null): void => {
    let address = null;
    if (server !== null) {
      const file = join(home, `${name}.password`);
      writeFileSync(file, server.recorderPassword, { mode: 0o600 });
      address = {
        engine: 'mysql' as const,
        user: 'recorder',
        host: '127.0.0.1',
        port: server.port,
        socket: null,
        database: null,
        passwordFrom: `file:${file}`,
        sslMode: 'PREFERRED' as const,
        sslCa: null,
        serverPublicKey: null,
      };
    }
    const made = store.environments.insert({ name, server: address, ...blank }, Date.now());
    store.members.insert(made.id, actor.userId, 'admin');
  };
  add('metrics', null);
  for (const [index, server] of servers.entries()) add(`server ${index}`, server);
  const plan = fill(store, actor, begin);
  const captures = new CaptureRules(store, systemClock);
  const recorded = servers.map(
    (_, index) =>
      captures.create(actor, {
        name: `recorded ${index}`,
        environment: `server ${index}`,
        status: null,
        start: null,
        scheduledStart: begin + index * 700,
        duration: Math.max(minutes - 0.5, 1) * MINUTE,
      }).id,
  );
  say(
    `${values.scheduled} scheduled, ${values.running} running, ${servers.length} servers, ${minutes} min, ${cpus().length} cores`,
  );

  const daemon = spawn(process.execPath, [BIN, 'daemon'], {
    env: { ...process.env, CAPTURES_HOME: join(home, 'home') },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  daemon.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
  const pid = daemon.pid ?? 0;
  const loads = [];
  for (const [index, server] of servers.entries()) {
    loads.push(await startTrickle(server, `load${index}`));
  }
  const memory: number[] = [];
  const first = { ...usage(pid), at: Date.now() };
  await sampleUntil(begin + minutes * MINUTE + 5 * SECOND, () => {
    const now = usage(pid);
    memory.push(now.memory);
  });
  const last = { ...usage(pid), at: Date.now() };
  for (const load of loads) await load.stop();
  daemon.kill('SIGTERM');
  await new Promise((done) => daemon.once('exit', done));

  const late = (ids: readonly number[]): number[] =>
    ids.map((id) => {
      const { start, scheduledStart, status } = get(store, id);
      if (start === null) failures.push(`capture ${id} is ${status}`);
      return (start ?? Infinity) - (scheduledStart ?? 0);
    });
  const past = Date.now() - 5 * SECOND;
  const due = plan.single.filter((id) => (get(store, id).scheduledStart ?? Infinity) < past);
  judge('one start, metrics only', late(due), ONE_START_MS);
  judge('1,000 at one instant', late(plan.burst), BURST_MS);
  if (recorded.length > 0) judge('starts on servers', late(recorded), 2 * SECOND);
  // An end is written down as it was planned; when that happened is in the trail.
  const ended = new Map<number, number>();
  const environmentIds = [1, ...servers.map((_, index) => index + 2)];
  const trail = store.audit.list({
    environmentIds,
    ownOf: null,
    everythingElse: false,
    subject: null,
    since: null,
    limit: null,
  });
  for (const { action, details, subject, at } of trail) {
    if (action === 'capture.status' && details['to'] === 'DONE') ended.set(subject.id, at);
  }
  const endsOf = (ids: readonly number[]): number[] =>
    ids.flatMap((id) => {
      const { scheduledEnd } = get(store, id);
      if (scheduledEnd === null || scheduledEnd > past) return [];
      return [(ended.get(id) ?? Infinity) - scheduledEnd];
    });
  judge('ends, metrics only', endsOf([...plan.ends, ...plan.single]), ONE_START_MS);
  judge('1,000 ends within a burst', endsOf(plan.burst), BURST_MS);
  if (recorded.length > 0) judge('ends on servers, drained', endsOf(recorded), 5 * SECOND);

  const seconds = (last.at - first.at) / SECOND;
  const records = recorded.reduce((sum, id) => sum + (get(store, id).records ?? 0), 0);
  const settled = memory.slice(Math.floor(memory.length / 3));
  const half = Math.floor(settled.length / 2);
  const peak = Math.max(...memory);
  const mean = (list: readonly number[]): number =>
    list.reduce((sum, value) => sum + value, 0) / list.length;
  const growth = mean(settled.slice(half)) - mean(settled.slice(0, half));
  say(
    `CPU: ${(last.cpu - first.cpu).toFixed(1)} s in ${seconds.toFixed(0)} s = ${(((last.cpu - first.cpu) / seconds) * 100).toFixed(1)} % of a core; ${records} statements recorded`,
  );
  say(
    `memory: peak ${peak.toFixed(0)} MiB; middle third ${mean(settled.slice(0, half)).toFixed(0)} MiB, last third ${mean(settled.slice(half)).toFixed(0)} MiB`,
  );
  if (growth > 10) failures.push('memory grows');
  const errors = log.split('\n').filter((line) => /"level":"(error|warn)"/.test(line));
  if (errors.length > 0) say(`log: ${errors.slice(0, 5).join('\n     ')}`);
  store.close();
  for (const server of servers) await server.stop();
  rmSync(home, { recursive: true, force: true });
  say(failures.length === 0 ? 'all within bounds' : `NOT within bounds: ${failures.join('; ')}`);
  process.exitCode = failures.length === 0 ? 0 : 1;
}

await main();
