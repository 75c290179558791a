/**
 * What looking at metrics costs: `npm run build && node bench/metrics.ts [runs]`.
 * Time to the first chart of 20 metrics × 24 h at 60 s, as whole processes, from an endpoint on this
 * machine and from the store, beside bare node and beside the SDK's own call alone; bytes kept for
 * such a capture; modules of AWS that are loaded where no AWS is involved; and what counting the
 * workload's rate and sampling cost a recorder. Medians of interleaved runs; machines differ, so read
 * the ratios.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { statisticsOf } from '../src/core/metrics/metric-source.ts';
import { CLOUDWATCH_METRICS } from '../src/metrics-source/cloudwatch/catalogue.ts';
import { SAMPLED_COUNTERS } from '../src/source/mysql/connection/status-counters.ts';
import type { LoggedStatement } from '../src/core/workloads/statements.ts';
import { openStore } from '../src/store/sqlite-store.ts';
import { WorkloadRates } from '../src/workload/workload-rates.ts';

const RUNS = Number(process.argv[2] ?? 15);
const ROOT = resolve(import.meta.dirname, '..');
const BIN = join(ROOT, 'bin/captures.js');
const MINUTE = 60_000;
const DAY_OF_POINTS = 1_440;
const folder = mkdtempSync(join(tmpdir(), 'captures-bench-'));
const home = join(folder, 'home');
const environment = {
  ...process.env,
  CAPTURES_HOME: home,
  AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'secret',
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_REGION: 'eu-central-1',
  LANG: 'C.UTF-8',
  COLUMNS: '120',
};

/** What a process used of the processor: steadier than its time on a machine that others use as well. */
const cpuHook = join(folder, 'cpu.mjs');
writeFileSync(
  cpuHook,
  `import { writeSync } from 'node:fs';
process.on('exit', () => { const { user, system } = process.cpuUsage(); writeSync(3, String(user + system)); });`,
);

/** An endpoint whose answers are made ahead: what is measured is the reader, not the writer. */
async function startEndpoint(from: number): Promise<{ server: Server; url: string }> {
  const answers = new Map<number, string>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { MetricDataQueries: queries } = JSON.parse(Buffer.concat(chunks).toString()) as {
        MetricDataQueries: unknown[];
      };
      let answer = answers.get(queries.length);
      if (answer === undefined)
        answers.set(queries.length, (answer = answerFor(queries.length, from)));
      response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' });
      response.end(answer);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  return { server, url: `http://127.0.0.1:${port}` };
}

function answerFor(queries: number, from: number): string {
  const times = Array.from({ length: DAY_OF_POINTS }, (_, i) => from / 1_000 + i * 60);
  return JSON.stringify({
    MetricDataResults: Array.from({ length: queries }, (_, q) => ({
      Id: `m${q}`,
      Label: 'x',
      StatusCode: 'Complete',
      Timestamps: times,
      // Like a CPU: a curve with noise, seldom a round number.
      Values: times.map(
        (_, i) => 40 + 20 * Math.sin((i + q * 50) / 60) + ((i * 7_919 + q) % 97) / 9.7,
      ),
    })),
  });
}

interface Cost {
  readonly wall: number;
  readonly cpu: number;
}

async function run(args: readonly string[]): Promise<Cost> {
  const started = performance.now();
  const child = spawn(process.execPath, ['--import', cpuHook, ...args], {
    env: environment,
    stdio: ['pipe', 'ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  let cpu = 0;
  child.stdio[3]?.on('data', (chunk: Buffer) => (cpu += Number(chunk.toString()) / 1_000));
  child.stdin?.end('correct horse battery\n');
  const [code] = (await once(child, 'close')) as [number];
  if (code !== 0) throw new Error(`${args.join(' ')} failed: ${stderr}`);
  return { wall: performance.now() - started, cpu };
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

const from = Math.floor(Date.now() / MINUTE) * MINUTE - 30 * 60 * MINUTE;
const { server, url } = await startEndpoint(from);
try {
  await run([BIN, 'init', '--user', 'ada', '--password-stdin']);
  await run([BIN, 'env', 'create', 'shop', '--instance', 'db', '--endpoint-url', url]);
  const start = new Date(from).toISOString();
  await run([BIN, 'create', 'day', '--env', 'shop', '--start', start, '--duration', '24h']);

  await run([BIN, 'create', 'running', '--env', 'shop', '--start', start]);

  // The SDK's own call, alone: the least that a first chart from AWS can take.
  const alone = join(ROOT, 'node_modules/.captures-bench-sdk.mjs');
  const queries = CLOUDWATCH_METRICS.flatMap((metric) =>
    statisticsOf(metric).map((stat) => ({ label: metric.label, stat })),
  );
  writeFileSync(
    alone,
    `import { CloudWatchClient, GetMetricDataCommand } from '@aws-sdk/client-cloudwatch';
const client = new CloudWatchClient({ endpoint: '${url}', region: 'eu-central-1' });
await client.send(new GetMetricDataCommand({ StartTime: new Date(${from}), EndTime: new Date(${from + 24 * 60 * MINUTE}),
  ScanBy: 'TimestampAscending', MetricDataQueries: ${JSON.stringify(queries)}.map(({ label, stat }, i) => ({ Id: 'm' + i,
    MetricStat: { Metric: { Namespace: 'AWS/RDS', MetricName: label, Dimensions: [{ Name: 'DBInstanceIdentifier', Value: 'db' }] }, Period: 60, Stat: stat } })) }));
client.destroy();`,
  );
  const chart = [BIN, 'metrics', 'day', '-o', 'table'];
  const cases: Record<string, () => Promise<Cost>> = {
    'bare node': () => run(['-e', '0']),
    "the SDK's call alone": () => run([alone]),
    'overview, from the endpoint': () => run([BIN, 'metrics', 'running', '-o', 'table']),
    'fetched, kept and drawn': () => run([...chart, '--refresh']),
    'overview, from the store': () => run(chart),
    'all charts, from the store': () => run([...chart, '--all']),
    'JSON, from the store': () => run([BIN, 'metrics', 'day', '--json']),
    'captures list': () => run([BIN, 'list']),
  };
  const times = new Map(Object.keys(cases).map((name) => [name, [] as Cost[]]));
  // Once unmeasured: the first fetch, and every file read.
  for (const go of Object.values(cases)) await go();
  for (let i = 0; i < RUNS; i += 1) {
    for (const [name, go] of Object.entries(cases)) times.get(name)?.push(await go());
  }
  rmSync(alone, { force: true });
  const of = (name: string, kind: keyof Cost): number =>
    median((times.get(name) ?? []).map((cost) => cost[kind]));
  console.log(
    `20 metrics × 24 h at 60 s (${queries.length} series of ${DAY_OF_POINTS} points), medians of ${RUNS}:`,
  );
  for (const name of times.keys()) {
    const ratio = (kind: keyof Cost, to: string): string =>
      (of(name, kind) / of(to, kind)).toFixed(2).padStart(6);
    console.log(
      `  ${name.padEnd(28)} ${of(name, 'wall').toFixed(0).padStart(5)} ms, CPU ${of(name, 'cpu').toFixed(0).padStart(4)} ms;` +
        ` × bare node ${ratio('wall', 'bare node')}, CPU ${ratio('cpu', 'bare node')};` +
        ` × the SDK's call ${ratio('wall', "the SDK's call alone")}, CPU ${ratio('cpu', "the SDK's call alone")}`,
    );
  }
  const store = openStore(home);
  const kept = store.metrics.sizeOf(1);
  const points = queries.length * DAY_OF_POINTS;
  console.log(
    `kept for this capture: ${(kept / 1024).toFixed(0)} KiB, ${(kept / points).toFixed(2)} bytes a point (a double and a time: 16)`,
  );
  measureSamples(store.metrics);
  store.close();

  await countAwsModules('captures list', ['list']);
  await countAwsModules('captures metrics, from the store', ['metrics', 'day', '-o', 'table']);
  await countAwsModules('captures metrics --refresh', [
    'metrics',
    'day',
    '-o',
    'table',
    '--refresh',
  ]);
  measureRates();
} finally {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true, force: true });
}

/** A day of samples of a busy server, packed as the store does it. */
function measureSamples(metrics: ReturnType<typeof openStore>['metrics']): void {
  const day = 17_280;
  const started = performance.now();
  const store = openStore(home);
  store.transaction(() => {
    for (let i = 0; i < day; i += 1) {
      const grown = i * 50_000 + ((i * 7_919) % 9_973) * 13;
      const counters = Object.fromEntries(
        SAMPLED_COUNTERS.map((name, k) => [
          name,
          name === 'Uptime' ? i * 5 : Math.floor(grown / (k + 1)),
        ]),
      );
      store.metrics.addSample([1], { at: from + i * 5_000 + (i % 7), counters });
    }
    store.metrics.packSamples(1);
  });
  store.close();
  const took = (performance.now() - started) / day;
  const samples = metrics.sizeOf(1);
  console.log(
    `a day of the server's counters (${day} samples of ${SAMPLED_COUNTERS.length}): ${(samples / 1024).toFixed(0)} KiB with the above, ${(took * 1_000).toFixed(0)} µs a sample to store`,
  );
}

async function countAwsModules(what: string, args: readonly string[]): Promise<void> {
  const hook = join(folder, 'hook.mjs');
  const list = join(folder, 'loaded.txt');
  writeFileSync(list, '');
  writeFileSync(
    hook,
    `import { registerHooks } from 'node:module'; import { appendFileSync } from 'node:fs';
registerHooks({ load(url, context, next) { if (/@aws|@smithy/.test(url)) appendFileSync(${JSON.stringify(list)}, url + '\\n'); return next(url, context); } });`,
  );
  await run(['--import', hook, BIN, ...args]);
  const { readFileSync } = await import('node:fs');
  const loaded = readFileSync(list, 'utf8').split('\n').length - 1;
  console.log(`modules of AWS loaded by ${what}: ${loaded}`);
}

/** What the recorder pays for the workload's rate. */
function measureRates(): void {
  const batch = Array.from({ length: 4_096 }, (_, i): LoggedStatement => ({
    time: `2026-11-22T02:00:05.${String(i * 200).padStart(6, '0')}Z`,
    session: 100 + (i % 16),
    user: 'app',
    host: 'h',
    db: 'shop',
    kind: i % 2 === 0 ? 'query' : 'execute',
    sql: 'SELECT 1',
    bytes: null,
    flags: [],
  }));
  const rates = new WorkloadRates();
  for (let i = 0; i < 100; i += 1) rates.add(batch);
  const started = performance.now();
  for (let i = 0; i < 1_000; i += 1) rates.add(batch);
  const each = ((performance.now() - started) * 1e6) / (1_000 * batch.length);
  console.log(`the workload's rate costs ${each.toFixed(0)} ns a statement (budget: 100)`);
}
