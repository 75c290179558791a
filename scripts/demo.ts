/**
 * `npm run demo`: the program's main job for a newcomer, on a private MariaDB server with real client
 * load. Ends with what was recorded against what was sent; exits non-zero when they differ. For another
 * load: `npm run demo -- SECONDS CONNECTIONS`.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import type { Connection, RowDataPacket } from 'mysql2/promise';
import type { StatementRecord } from '../src/core/workloads/statements.ts';
import { startServer, type DatabaseServer } from '../test/support/database-server.ts';
import { endProcess, processesWith } from '../test/support/processes.ts';
import {
  COUNTED,
  SHOP_SCHEMA,
  startLoad,
  tagsOf,
  totalOf,
  type Counted,
  type Load,
  type LoadReport,
} from './load-client.ts';
import { ensureMariadb } from './server-programs.ts';

const BIN = resolve(import.meta.dirname, '../bin/captures.js');
const [LOAD_SECONDS = 8, CONNECTIONS = 6] = process.argv.slice(2).map(Number);
const PREFIX = 'demo';
const ADA = 'correct horse battery';
const RECORDER = 'rec0rder of the demo';
const APP = 'sh0p';

/** What the recorder's account needs on MariaDB, and nothing else. */
const GRANTS = [
  'GRANT SUPER, PROCESS ON *.* TO recorder@127.0.0.1',
  'GRANT SELECT, INSERT, CREATE, DROP, ALTER ON mysql.general_log TO recorder@127.0.0.1',
  'GRANT ALL PRIVILEGES ON captures.* TO recorder@127.0.0.1',
];

const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
type Signal = keyof typeof SIGNALS;

/** Everything that has to be ended or removed, however the demo ends. */
class Stage {
  /** The store: the only thing that stays. */
  readonly store = mkdtempSync(join(tmpdir(), 'captures-demo-store-'));
  /** Where the demo "types": holds the password files, and goes. */
  readonly desk = mkdtempSync(join(tmpdir(), 'captures-demo-'));
  server: DatabaseServer | null = null;
  load: Load | null = null;
  interruptedBy: Signal | null = null;
  #command: ChildProcess | null = null;
  readonly #interruption = new AbortController();

  /** Makes everything that waits or is begun from now on throw. */
  interrupt(signal: Signal): void {
    this.interruptedBy ??= signal;
    this.#interruption.abort();
    this.#endCommand();
  }

  get interruption(): AbortSignal {
    return this.#interruption.signal;
  }

  #endCommand(): void {
    const child = this.#command;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
  }

  /**
   * Puts what a person would have into the desk: `captures` on the PATH, two password files, and a
   * program that asks the server something.
   */
  furnish(port: number): void {
    const program = join(this.desk, 'captures');
    writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${BIN}' "$@"\n`, {
      mode: 0o755,
    });
    for (const [name, password] of Object.entries({ ada: ADA, recorder: RECORDER })) {
      writeFileSync(join(this.desk, `${name}.password`), password, { mode: 0o600 });
    }
    const cities = join(this.desk, 'cities.mjs');
    writeFileSync(cities, citiesProgram(port), { mode: 0o644 });
  }

  /** Runs a line as a shell would, with captures as it is installed, on the demo's own store. */
  spawn(line: string, output: 'inherit' | 'pipe'): ChildProcess {
    this.interruption.throwIfAborted();
    const child = spawn('sh', ['-c', line], {
      cwd: this.desk,
      env: {
        ...process.env,
        PATH: [this.desk, process.env['PATH']].join(delimiter),
        CAPTURES_HOME: this.store,
        CAPTURES_TOKEN: undefined,
        // Tables are for people, also where the demo's own output goes to a file.
        CAPTURES_OUTPUT: output === 'inherit' ? 'table' : undefined,
      },
      stdio: ['ignore', output, 'inherit'],
    });
    this.#command = child;
    return child;
  }

  /** Ends every process by its id, and removes all but the store. @returns whether there is one. */
  async clear(): Promise<boolean> {
    await this.load?.kill();
    this.#endCommand();
    // The commands, and the background daemon, which is nobody's child: known by their store.
    for (const { pid } of processesWith('CAPTURES_HOME', this.store)) await endProcess(pid);
    await this.server?.stop();
    rmSync(this.desk, { recursive: true, force: true });
    const hasStore = readdirSync(this.store).length > 0;
    if (!hasStore) rmSync(this.store, { recursive: true });
    return hasStore;
  }
}

async function main(): Promise<number> {
  ensureMariadb(say);
  const stage = new Stage();
  for (const signal of Object.keys(SIGNALS) as Signal[]) {
    // `on`, not `once`: npm hands on a Ctrl-C that the terminal has sent us already.
    process.on(signal, () => stage.interrupt(signal));
  }
  try {
    return await play(stage);
  } catch (error) {
    // A signal that came while the thread was blocked, and what it broke, is told after this.
    await delay(50);
    if (stage.interruptedBy === null) throw error;
    say('\nInterrupted: ending what the demo started …');
    return SIGNALS[stage.interruptedBy];
  } finally {
    const hasStore = await stage.clear();
    say(`\nNothing is left running.${hasStore ? ` The store stays: ${stage.store}` : ''}`);
  }
}

/** The demo itself. @returns the status to exit with. */
async function play(stage: Stage): Promise<number> {
  const began = performance.now();
  say('captures records every statement that a MySQL or MariaDB server receives. This');
  say('demo does it once, on a server of its own, while clients buy things in a shop,');
  say('and then counts.');

  heading('A private server, and an account for the recorder');
  const server = await startServer({ say, options: ['--event-scheduler=ON'] });
  stage.server = server;
  const before = await withAdmin(server, async (admin) => {
    await admin.query(SHOP_SCHEMA);
    await admin.query(`CREATE USER app@127.0.0.1 IDENTIFIED BY '${APP}'`);
    await admin.query('GRANT ALL PRIVILEGES ON shop.* TO app@127.0.0.1');
    await admin.query(`CREATE USER recorder@127.0.0.1 IDENTIFIED BY '${RECORDER}'`);
    for (const grant of GRANTS) await admin.query(grant);
    return settingsOf(admin);
  });
  say(`MariaDB ${before['version'] ?? ''} listens on 127.0.0.1:${server.port}. It has`);
  say('a small shop in it (customers, products, orders) and is private to this demo:');
  say('servers that you have are not touched. The recorder gets an account of its own,');
  say('with what it needs and nothing else:');
  for (const grant of GRANTS) say(`  ${grant};`);

  heading('A store, and the server as an environment in it');
  stage.furnish(server.port);
  say(`$ cd ${stage.desk}`);
  say(`$ export CAPTURES_HOME=${stage.store}`);
  await show(stage, 'ls -l *.password');
  await show(stage, 'captures init --user ada --password-file ada.password');
  const url = `mysql://recorder@127.0.0.1:${server.port}`;
  await show(stage, `captures env create shop --url ${url} --password-from file:recorder.password`);
  await show(stage, 'captures env check shop');

  heading('Record');
  await show(stage, 'captures create morning --env shop');
  say(
    `\n(${CONNECTIONS} clients now shop for ${LOAD_SECONDS} s as fast as the server lets them: plain and`,
  );
  say('prepared statements, transactions, new connections. Each statement has a tag.)');
  const shopping = {
    port: server.port,
    user: 'app',
    password: APP,
    database: 'shop',
    connections: CONNECTIONS,
    statements: null,
    reconnectEvery: 2_000,
  };
  const load = await startLoad({ ...shopping, prefix: PREFIX });
  stage.load = load;
  stage.interruption.throwIfAborted();
  await delay((LOAD_SECONDS * 1_000) / 2, null, { signal: stage.interruption });
  await show(stage, 'captures list');
  await delay((LOAD_SECONDS * 1_000) / 2, null, { signal: stage.interruption });
  const report = await load.stop();
  await show(stage, 'captures stop morning');

  heading('What was the server asked to do?');
  await show(stage, 'captures report morning --limit 8');
  await show(stage, 'captures report morning --by table');

  heading('Is that all of it?');
  await show(stage, 'captures verify morning');
  await show(stage, 'captures get morning');
  const size = await sizeOf(join(stage.store, 'captures'));
  const total = totalOf(report);
  say(`(That is ${(size / total).toFixed(1)} bytes on disk for each statement.)`);
  await show(stage, 'captures workload morning --limit 2');
  await show(stage, 'captures workload morning --grep "UPDATE products" --limit 1');
  await show(stage, 'captures workload morning --format sql | grep -A 1 execute | head -5');
  await show(stage, 'captures metrics morning');

  heading('As long as a command runs');
  await show(stage, 'captures create cities --env shop -- node cities.mjs');
  await show(stage, 'captures workload cities --format sql');

  heading('What is different?');
  say('(The clients come back, and this time that query is asked again and again.)');
  const again = await startLoad({ ...shopping, prefix: `${PREFIX}-noon` });
  stage.load = again;
  await show(stage, `captures create noon --env shop -- node cities.mjs ${LOAD_SECONDS}`);
  await again.stop();
  await show(stage, 'captures diff morning noon');

  heading('The server afterwards');
  const after = await withAdmin(server, settingsOf);
  const isSame = sayTable(
    ['', 'before', 'after'],
    Object.keys(before).map((name) => [name, before[name] ?? '', after[name] ?? '']),
  );
  say(isSame ? 'It is as it was.' : 'IT IS NOT AS IT WAS.');

  heading('Sent against recorded');
  say(`The clients counted ${count(total)} in ${report.seconds.toFixed(1)} s.`);
  const isComplete = await compare(stage, report);
  say(`\n(${((performance.now() - began) / 1_000).toFixed(0)} s in all)`);
  return isSame && isComplete ? 0 : 1;
}

/** Something small to record as a whole: who bought most, by city. With a number, for so many seconds. */
function citiesProgram(port: number): string {
  const driver = import.meta.resolve('mysql2/promise');
  return `import { createConnection } from '${driver}';
const server = { host: '127.0.0.1', port: ${port}, user: 'app', password: '${APP}' };
const connection = await createConnection({ ...server, database: 'shop' });
const end = Date.now() + Number(process.argv[2] ?? 0) * 1_000;
let rows;
do {
  [rows] = await connection.query(\`SELECT city, COUNT(*) AS orders
  FROM orders JOIN customers ON customers.id = customer_id GROUP BY city ORDER BY city\`);
  await new Promise((resolve) => setTimeout(resolve, 20));
} while (Date.now() < end);
for (const { city, orders } of rows) console.log(city, orders);
await connection.end();
`;
}

/** Prints a line as one would type it, runs it, and lets it print. */
async function show(stage: Stage, line: string): Promise<void> {
  say(`\n$ ${line}`);
  const child = stage.spawn(line, 'inherit');
  const [status] = (await once(child, 'close')) as [number | null];
  stage.interruption.throwIfAborted();
  if (status !== 0) throw new Error(`"${line}" exited with ${status ?? 'a signal'}`);
}

/**
 * Compares the record with what the clients sent: the counts of every kind, and each tag, which must
 * be there exactly once.
 */
async function compare(stage: Stage, report: LoadReport): Promise<boolean> {
  const missing = new Set(tagsOf(PREFIX, report));
  const recorded: Record<Counted, number> = {
    connect: 0,
    query: 0,
    prepare: 0,
    execute: 0,
    close: 0,
    quit: 0,
  };
  const doubled: string[] = [];
  const unknown: string[] = [];
  const expected = missing.size;
  const seen = new Set<string>();
  const child = stage.spawn('captures workload morning', 'pipe');
  const ended = once(child, 'close');
  if (child.stdout === null) throw new Error('captures workload has no output');
  for await (const line of createInterface({ input: child.stdout })) {
    const { kind, sql } = JSON.parse(line) as StatementRecord;
    if (isCounted(kind)) recorded[kind]++;
    else unknown.push(`${kind} ${sql}`);
    if (kind !== 'query' && kind !== 'execute') continue;
    const tag = new RegExp(`\\b${PREFIX}-\\d+-\\d+\\b`).exec(sql)?.[0];
    if (tag !== undefined && missing.delete(tag)) seen.add(tag);
    else if (tag !== undefined && seen.has(tag)) doubled.push(tag);
    else unknown.push(sql);
  }
  const [status] = (await ended) as [number | null];
  if (status !== 0) throw new Error(`captures workload exited with ${status ?? 'a signal'}`);

  const isSame = sayTable(
    ['', 'sent', 'recorded'],
    [
      ...COUNTED.map((kind) => [kind, count(report.sent[kind]), count(recorded[kind])]),
      ['together', count(totalOf(report)), count(COUNTED.reduce((n, k) => n + recorded[k], 0))],
    ],
  );
  sayList('Sent and not recorded', [...missing]);
  sayList('Recorded more than once', doubled);
  sayList('Recorded and never sent', unknown);
  const isExact = missing.size + doubled.length + unknown.length === 0;
  if (isExact)
    say(`Each of the ${count(expected)} tagged statements is in the record exactly once.`);
  if (!isSame || !isExact) say('THE RECORD IS NOT WHAT WAS SENT.');
  return isSame && isExact;
}

function isCounted(kind: StatementRecord['kind']): kind is Counted {
  return COUNTED.some((one) => one === kind);
}

async function withAdmin<T>(
  server: DatabaseServer,
  work: (admin: Connection) => Promise<T>,
): Promise<T> {
  const admin = await server.admin();
  try {
    return await work(admin);
  } finally {
    await admin.end();
  }
}

/** What a recorder changes on a server while it records. */
async function settingsOf(admin: Connection): Promise<Record<string, string>> {
  const [[row]] = await admin.query<RowDataPacket[]>(`
    SELECT VERSION() AS version, @@GLOBAL.general_log AS general_log,
      @@GLOBAL.log_output AS log_output, @@GLOBAL.slow_query_log AS slow_query_log,
      (SELECT ENGINE FROM information_schema.TABLES
        WHERE TABLE_SCHEMA = 'mysql' AND TABLE_NAME = 'general_log') AS log_table_engine,
      (SELECT COUNT(*) FROM mysql.general_log) AS log_table_rows,
      (SELECT GROUP_CONCAT(SCHEMA_NAME ORDER BY SCHEMA_NAME) FROM information_schema.SCHEMATA
        WHERE SCHEMA_NAME NOT IN ('information_schema', 'performance_schema', 'mysql', 'sys')
      ) AS other_schemas`);
  return Object.fromEntries(
    Object.entries(row ?? {}).map(([name, value]) => [name, String(value)]),
  );
}

async function sizeOf(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true });
  const stats = await Promise.all(names.map((name) => stat(join(folder, name))));
  return stats.reduce((sum, one) => sum + (one.isFile() ? one.size : 0), 0);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function heading(text: string): void {
  say(`\n${text}\n${'='.repeat(text.length)}`);
}

function sayList(what: string, items: readonly string[]): void {
  if (items.length === 0) return;
  say(`${what}: ${count(items.length)}`);
  for (const item of items.slice(0, 5)) say(`  ${item}`);
  if (items.length > 5) say('  …');
}

/** Prints rows of a name and two values. @returns whether the values of each row are the same. */
function sayTable(head: readonly string[], rows: readonly (readonly string[])[]): boolean {
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => row[i]?.length ?? 0)));
  for (const row of [head, ...rows]) {
    const cells = row.map((cell, i) =>
      i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0),
    );
    say(`  ${cells.join('   ')}`);
  }
  return rows.every(([, one, other]) => one === other);
}

function count(n: number): string {
  return n.toLocaleString('en');
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
