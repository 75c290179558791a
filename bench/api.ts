/**
 * What the API costs: `node bench/api.ts [seconds] [rounds] [clients]`. Build first: npm run build.
 *
 * 1. Requests a second of one capture, of a server that has one core to itself, beside a bare node:http server
 *    that answers as many bytes, in turns.
 * 2. `captures list` as a whole process, of the store and of the server over it, in turns.
 * 3. What the recorder does while 50 clients ask for reports all the time: its lag, and how many statements it lost.
 *    Needs a database server.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { UNLIMITED } from '../src/core/access.ts';
import { systemClock } from '../src/core/clock.ts';
import { committedPosition } from '../src/core/workloads/committed.ts';
import { UserService } from '../src/core/users/user-service.ts';
import type { Store } from '../src/core/store.ts';
import { startServer, type DatabaseServer } from '../test/support/database-server.ts';
import {
  BIN,
  endProcess,
  eventually,
  processesWith,
  run,
  start,
  type RunningProcess,
} from '../test/support/processes.ts';
import { TestStore } from '../test/support/stores.ts';
import { POINTS_SCHEMA, SaturatingClient } from './saturating-client.ts';

const [SECONDS = 5, ROUNDS = 21, CLIENTS = 50] = process.argv.slice(2).map(Number);
/** Each may ask a hundred times a second. */
const USERS = 64;
const SERVER_CORE = '0';
const PASSWORD = 'bench';
const CONNECTIONS = 4;
const RATE = 2_000;

const folder = mkdtempSync(join(tmpdir(), 'captures-bench-'));
const home = join(folder, 'home');
const test = new TestStore(systemClock, home);
const store: Store = test.store;
const secrets: string[] = [];
const running: { server: DatabaseServer | null; client: SaturatingClient | null } = {
  server: null,
  client: null,
};

try {
  await main();
} finally {
  await running.client?.kill();
  for (const { pid } of processesWith('CAPTURES_HOME', home)) await endProcess(pid);
  await running.server?.stop();
  store.close();
  rmSync(folder, { recursive: true, force: true });
}

async function main(): Promise<void> {
  const ada = test.user('ada');
  const environment = test.environment({ admin: [ada] }, { name: 'shop' });
  for (let n = 0; n < 100; n++) test.capture(ada, environment, { name: `capture ${n}` });
  const users = new UserService(store, systemClock);
  for (let n = 0; n < USERS; n++) {
    const user = test.user(`user${n}`);
    store.members.insert(environment.id, user.userId, 'member');
    secrets.push((await users.createToken(user, 'bench')).secret);
  }
  const daemon = await serve('taskset', ['-c', SERVER_CORE]);
  await reportRequests(daemon.url, daemon.process.stderr());
  await reportList(daemon.url);
  daemon.process.child.kill('SIGTERM');
  await daemon.process.ended;
  await reportRecorder();
}

async function serve(
  command: string,
  before: readonly string[],
): Promise<{ process: RunningProcess; url: string }> {
  const words = [...before, process.execPath, BIN, 'daemon', '--listen', '127.0.0.1:0'];
  const daemon = start(command, words, { env: { CAPTURES_HOME: home } });
  const url = await eventually(
    'it listens',
    () => /"listening","url":"([^"]+)"/.exec(daemon.stderr())?.[1],
  );
  await eventually('it is active', () => daemon.stderr().includes('daemon active'));
  return { process: daemon, url };
}

async function reportRequests(url: string, log: string): Promise<void> {
  const path = '/api/captures/1';
  const body = await answerOf(`${url}${path}`, secrets[0] ?? '');
  const bare = await startBare(body);
  const pid = Number(/"listening".*?"pid":(\d+)/.exec(log)?.[1]);
  const rates: Record<'bare' | 'api', number[]> = { bare: [], api: [] };
  const perCpu: Record<'bare' | 'api', number[]> = { bare: [], api: [] };
  for (let round = 0; round < 3; round++) {
    for (const [name, address, of] of [
      ['bare', bare.url, bare.pid],
      ['api', url, pid],
    ] as const) {
      const { rate, ofCpuSecond } = await requestsOf(`${address}${path}`, of);
      rates[name].push(rate);
      perCpu[name].push(ofCpuSecond);
    }
  }
  bare.end();
  const [ours, theirs] = [median(perCpu.api), median(perCpu.bare)];
  console.log(`GET ${path} (${body.length} bytes), the server on one core, ${USERS} connections`);
  console.log('                     requests a second   a second of CPU time');
  const line = (name: string, rate: number, ofCpu: number): void =>
    console.log(`  ${name.padEnd(18)} ${count(rate).padStart(17)}   ${count(ofCpu).padStart(20)}`);
  line('bare node:http', median(rates.bare), theirs);
  line('the API', median(rates.api), ours);
  console.log(
    `  of a core: ${count(ours)}/s, ${(ours / theirs).toFixed(2)} of bare (budget: 500/s) ${verdict(ours >= 500)}`,
  );
}

async function startBare(body: string): Promise<{ url: string; pid: number; end: () => void }> {
  const script = `const http = require('node:http');
    const server = http.createServer((request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': ${Buffer.byteLength(body)} });
      response.end(${JSON.stringify(body)});
    }).listen(0, '127.0.0.1', () => console.log(server.address().port));`;
  const words = ['-c', SERVER_CORE, process.execPath, '-e', script];
  const child = spawn('taskset', words, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [port] = (await once(child.stdout, 'data')) as [Buffer];
  const url = `http://127.0.0.1:${port.toString().trim()}`;
  return { url, pid: child.pid ?? 0, end: () => void child.kill() };
}

/**
 * Requests that are answered 200: a second, and a second of the server's CPU time, which tells the same on a machine
 * that other work keeps busy.
 */
async function requestsOf(
  url: string,
  pid: number,
): Promise<{ rate: number; ofCpuSecond: number }> {
  const agent = new Agent({ keepAlive: true, maxSockets: USERS });
  let isOver = false;
  let answered = 0;
  const ask = async (secret: string): Promise<void> => {
    while (!isOver) {
      await answerOf(url, secret, agent);
      answered += 1;
    }
  };
  const all = secrets.map(ask);
  await delay(1_000);
  answered = 0;
  const [began, cpu] = [performance.now(), cpuSeconds(pid)];
  await delay(SECONDS * 1_000);
  const rate = Math.round(answered / ((performance.now() - began) / 1_000));
  const ofCpuSecond = Math.round(answered / (cpuSeconds(pid) - cpu));
  isOver = true;
  await Promise.all(all);
  agent.destroy();
  return { rate, ofCpuSecond };
}

/** User and system time of a process. Its command has no blank, so the fields can be counted. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  const ticksASecond = 100;
  return (Number(fields[11]) + Number(fields[12])) / ticksASecond;
}

function answerOf(url: string, secret: string, agent?: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${secret}` };
    request(url, { agent, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => {
        if (response.statusCode === 200) resolve(text);
        else reject(new Error(`${response.statusCode ?? 0}: ${text}`));
      });
    })
      .once('error', reject)
      .end();
  });
}

/** The same list of 100 captures: from the store, and from the server over it. */
async function reportList(url: string): Promise<void> {
  const local = { CAPTURES_HOME: home, CAPTURES_TOKEN: secrets[0] };
  const remote = { CAPTURES_HOME: join(folder, 'client'), CAPTURES_TOKEN: secrets[0] };
  const kinds = {
    'node -e 0': { args: ['-e', '0'], env: {}, times: [] as number[] },
    local: { args: [BIN, 'list', '--json'], env: local, times: [] as number[] },
    remote: {
      args: [BIN, 'list', '--json'],
      env: { ...remote, CAPTURES_SERVER: url },
      times: [] as number[],
    },
  };
  const outputs = new Map<string, string>();
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, { args, env, times }] of Object.entries(kinds)) {
      const began = performance.now();
      const end = await run(process.execPath, args, { env });
      const time = performance.now() - began;
      if (end.status !== 0) throw new Error(`${name}: ${end.stderr}`);
      outputs.set(name, end.stdout);
      // The first round fills the caches.
      if (round > 0) times.push(time);
    }
  }
  const times = Object.fromEntries(
    Object.entries(kinds).map(([name, one]) => [name, median(one.times)]),
  );
  const [ofStore = NaN, ofServer = NaN] = [times['local'], times['remote']];
  console.log(`\ncaptures list --json of 100 captures, medians of ${ROUNDS} whole processes`);
  for (const [name, time] of Object.entries(times)) {
    console.log(`  ${name.padEnd(18)} ${time.toFixed(0)} ms`);
  }
  console.log(
    `  remote / local     ${(ofServer / ofStore).toFixed(2)} (budget: 1.5) ${verdict(ofServer <= 1.5 * ofStore)}`,
  );
  console.log(
    `  the same output    ${outputs.get('local') === outputs.get('remote') ? 'yes' : 'NO'}`,
  );
}

/** The recorder's lag and losses, alone and while clients ask for reports. */
async function reportRecorder(): Promise<void> {
  const server = await startServer({ options: ['--innodb-buffer-pool-size=128M'] });
  running.server = server;
  const admin = await server.admin();
  for (const statement of [
    POINTS_SCHEMA,
    `CREATE USER client@127.0.0.1 IDENTIFIED BY '${PASSWORD}'`,
    'GRANT SELECT ON bench.* TO client@127.0.0.1',
    `CREATE USER recorder@127.0.0.1 IDENTIFIED BY '${PASSWORD}'`,
    'GRANT ALL PRIVILEGES ON *.* TO recorder@127.0.0.1',
  ]) {
    await admin.query(statement);
  }
  await admin.end();
  writeFileSync(join(folder, 'recorder'), PASSWORD, { mode: 0o600 });
  const env = { CAPTURES_HOME: home, CAPTURES_TOKEN: secrets[0] };
  const program = async (...args: readonly string[]): Promise<void> => {
    const { status, stderr } = await run(process.execPath, [BIN, ...args], { env });
    if (status !== 0) throw new Error(`captures ${args.join(' ')}: ${stderr}`);
  };
  const address = `mysql://recorder@127.0.0.1:${server.port}`;
  const from = `file:${join(folder, 'recorder')}`;
  await program('env', 'create', 'bench', '--url', address, '--password-from', from);
  const bench = store.environments.findByName('bench');
  for (let n = 0; n < USERS; n++) {
    const user = store.users.findByName(`user${n}`);
    if (bench !== null && user !== null && n > 0) store.members.insert(bench.id, user.id, 'member');
  }
  const daemon = await serve('env', []);
  console.log(`\nrecording ${count(RATE)} statements/s of ${server.family} ${server.version}`);
  for (const clients of [0, CLIENTS]) {
    const name = `recorded beside ${clients}`;
    await program('create', name, '--env', 'bench');
    const owner = store.users.findByName('user0')?.id ?? 0;
    const [capture] = store.captures.findByName(name, { userId: owner, scope: UNLIMITED });
    if (capture === undefined) throw new Error(`There is no ${name}`);
    const { id } = capture;
    const client = await SaturatingClient.start({
      port: server.port,
      user: 'client',
      password: PASSWORD,
      connections: CONNECTIONS,
      rate: RATE,
    });
    running.client = client;
    await delay(2_000);
    const isOver = new AbortController();
    const asking = secrets
      .slice(0, clients)
      .map((secret) => askForReports(`${daemon.url}/api/captures/${id}/report`, secret, isOver));
    const lags: number[] = [];
    const end = performance.now() + 4 * SECONDS * 1_000;
    while (performance.now() < end) {
      await delay(100);
      const last = committedPosition(store.recordings.find(id))?.lastTime;
      if (last != null) lags.push(Date.now() - Date.parse(last));
    }
    isOver.abort();
    const { answered } = await client.stop();
    running.client = null;
    const asked = await Promise.all(asking);
    // With connects and quits.
    const sent = answered + 2 * CONNECTIONS;
    const recorded = (): number => store.recordings.find(id)?.records ?? 0;
    await eventually('all is recorded', () => recorded() >= answered, 60_000);
    await program('stop', name);
    const lost = sent - (store.captures.find(id)?.records ?? 0);
    const reports = asked.reduce((sum, one) => sum + one.reports, 0);
    const refused = asked.reduce((sum, one) => sum + one.refused, 0);
    const most = Math.max(...lags);
    console.log(
      `  ${String(clients).padStart(2)} clients: lag median ${median(lags)} ms, most ${most} ms (budget: 2,000) ${verdict(most < 2_000)}; ${count(sent)} sent, ${lost} lost ${verdict(lost === 0)}; ${reports} reports, ${refused} refused`,
    );
  }
  daemon.process.child.kill('SIGTERM');
  await daemon.process.ended;
}

/** Asks for one report after the other, as a client that comes back when it is told to. */
async function askForReports(
  url: string,
  secret: string,
  isOver: AbortController,
): Promise<{ reports: number; refused: number }> {
  const asked = { reports: 0, refused: 0 };
  const { signal } = isOver;
  const headers = { authorization: `Bearer ${secret}` };
  const hasToEnd = (): boolean => signal.aborted;
  while (!hasToEnd()) {
    try {
      const answer = await fetch(url, { headers, signal });
      await answer.arrayBuffer();
      if (answer.status === 200) asked.reports += 1;
      else {
        asked.refused += 1;
        const seconds = Number(answer.headers.get('retry-after') ?? 1);
        await delay(seconds * 1_000, null, { signal });
      }
    } catch (error) {
      if (!hasToEnd()) throw error;
    }
  }
  return asked;
}

function verdict(isKept: boolean): string {
  return isKept ? 'kept' : 'NOT KEPT';
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[sorted.length >> 1] ?? NaN;
}

function count(n: number): string {
  return n.toLocaleString('en');
}
