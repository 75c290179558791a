/**
 * How many executes of a pool have their values, and what that costs its application:
 * `node bench/values.ts [way…]`, on another server `npm run on:server -- mysql-9.7 node bench/values.ts`.
 *
 * A pool of 20 sessions prepares two statements in each and executes them for as long as it lives; then
 * the program records it for ten seconds, in one of three ways: with nothing done, after a warm-up in which
 * the pool replaced its sessions one after the other, and with `--recycle-sessions` (its share is of all, from the start on). Prints one line a way.
 * Build first: npm run build.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createConnection, type Connection, type RowDataPacket } from 'mysql2/promise';
import { startServer, type DatabaseServer } from '../test/support/database-server.ts';
import { BIN, processesWith, endProcess, run } from '../test/support/processes.ts';
import { recorderGrants } from '../test/support/recorder-grants.ts';

const SESSIONS = 20;
const RECORD_MS = 10_000;
const PASSWORD = 'bench';

/** Sessions of an application: each executes, rests, and connects anew when its connection is gone. */
class Pool {
  executes = 0;
  readonly errors = new Map<string, number>();
  readonly #server: DatabaseServer;
  readonly #isStale = new Set<number>();
  readonly #loops: Promise<void>[];
  #isStopped = false;

  constructor(server: DatabaseServer) {
    this.#server = server;
    this.#loops = Array.from({ length: SESSIONS }, (_, number) => this.#run(number));
  }

  /** Has one session end and connect anew, as pools do with those that are too old. */
  replace(number: number): void {
    this.#isStale.add(number);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#loops);
  }

  async #run(number: number): Promise<void> {
    let connection: Connection | null = null;
    while (!this.#isStopped) {
      try {
        connection ??= await this.#connect();
        await connection.execute('SELECT n FROM orders WHERE id = ?', [number]);
        await connection.execute('UPDATE orders SET n = ? WHERE id = ?', [this.executes, number]);
        this.executes += 2;
        if (this.#isStale.delete(number)) {
          await connection.end();
          connection = null;
        }
      } catch (error) {
        const { code, message } = error as { code?: string; message: string };
        const what = code ?? message;
        this.errors.set(what, (this.errors.get(what) ?? 0) + 1);
        connection?.destroy();
        connection = null;
      }
      await delay(20 + 3 * number);
    }
    await connection?.end().catch(() => undefined);
  }

  async #connect(): Promise<Connection> {
    const { port } = this.#server;
    const connection = await createConnection({
      host: '127.0.0.1',
      port,
      user: 'app',
      database: 'shop',
    });
    connection.on('error', () => undefined);
    return connection;
  }
}

interface Bench {
  readonly pool: Pool;
  readonly program: (...args: string[]) => Promise<string>;
}

/** Each records under the name `bench`, and returns when it is RUNNING. */
const WAYS: Readonly<Record<string, (bench: Bench) => Promise<void>>> = {
  nothing: async ({ program }) => {
    await program('create', 'bench', '--env', 'e');
  },
  'warm-up': async ({ program, pool }) => {
    await program('env', 'warm-up', 'e', '--for', '10m');
    for (let number = 0; number < SESSIONS; number++) {
      pool.replace(number);
      await delay(250);
    }
    await program('create', 'bench', '--env', 'e');
  },
  'recycle-sessions': async ({ program }) => {
    await program(
      'create',
      'bench',
      '--env',
      'e',
      '--recycle-sessions',
      '--recycle-user',
      'app',
      '--yes',
    );
    // Half a second for two of them.
    await delay(SESSIONS * 250 + 2_000);
  },
};

const SETTINGS =
  'SELECT @@GLOBAL.general_log AS general_log, @@GLOBAL.log_output AS log_output, @@GLOBAL.slow_query_log AS slow_log, @@GLOBAL.long_query_time AS long_query_time';

async function settingsOf(admin: Connection): Promise<string> {
  const [rows] = await admin.query<RowDataPacket[]>(SETTINGS);
  return JSON.stringify(rows[0]);
}

async function measure(way: string): Promise<string> {
  const server = await startServer();
  const home = mkdtempSync(join(tmpdir(), 'captures-values-'));
  const secrets = mkdtempSync(join(tmpdir(), 'captures-values-secrets-'));
  const admin = await server.admin();
  try {
    await admin.query('CREATE DATABASE shop; CREATE TABLE shop.orders (id INT PRIMARY KEY, n INT)');
    for (let number = 0; number < SESSIONS; number++) {
      await admin.query('INSERT INTO shop.orders VALUES (?, 0)', [number]);
    }
    await admin.query("CREATE USER app@'127.0.0.1'; GRANT ALL ON shop.* TO app@'127.0.0.1'");
    const account = 'recorder@127.0.0.1';
    await admin.query(`CREATE USER ${account} IDENTIFIED BY '${PASSWORD}'`);
    for (const grant of recorderGrants(server.family, account)) await admin.query(grant);
    if (server.family === 'mariadb') {
      await admin.query(
        `GRANT CONNECTION ADMIN ON *.* TO ${account}; GRANT INSERT, DELETE ON mysql.plugin TO ${account}`,
      );
    }
    const env = { CAPTURES_HOME: home, CI: '1' };
    const program = async (...args: string[]): Promise<string> => {
      const { status, stdout, stderr } = await run(process.execPath, [BIN, ...args], { env });
      if (status !== 0) throw new Error(`captures ${args.join(' ')}: ${stderr}`);
      return stdout;
    };
    const [passwordFile, userFile] = [join(secrets, 'database'), join(secrets, 'user')];
    writeFileSync(passwordFile, PASSWORD, { mode: 0o600 });
    writeFileSync(userFile, 'correct horse', { mode: 0o600 });
    await program('init', '--user', 'ada', '--password-file', userFile);
    const url = `mysql://recorder@127.0.0.1:${server.port}`;
    await program('env', 'create', 'e', '--url', url, '--password-from', `file:${passwordFile}`);
    const pool = new Pool(server);
    await delay(1_500);
    const before = await settingsOf(admin);
    const record = WAYS[way];
    if (record === undefined) throw new Error(`there is no way "${way}"`);
    await record({ pool, program });
    await delay(RECORD_MS);
    const warmUps = await program('env', 'warm-up', 'e', '--json');
    await program('stop', 'bench');
    if (way === 'warm-up') await program('env', 'warm-up', 'e', '--stop').catch(() => undefined);
    const { workload } = JSON.parse(await program('get', 'bench', '--json')) as {
      workload: { values: { executes: number; withoutValues: number } };
    };
    const { values } = workload;
    await pool.stop();
    const after = await settingsOf(admin);
    for (const { pid } of processesWith('CAPTURES_HOME', home)) await endProcess(pid);
    const { covered, sessions } = JSON.parse(warmUps) as { covered: number; sessions: number };
    const known = (100 * (values.executes - values.withoutValues)) / values.executes;
    const errors = [...pool.errors].map(([what, count]) => `${what} ${count}`).join(', ');
    return [
      way.padEnd(17),
      `values of ${known.toFixed(1)} % of ${values.executes} executes`,
      `covered ${covered} of ${sessions} sessions`,
      `errors ${errors === '' ? 'none' : errors}`,
      before === after ? `settings as before (${before})` : `SETTINGS ${before} → ${after}`,
    ].join('; ');
  } finally {
    await admin.end();
    await server.stop();
    for (const folder of [home, secrets]) rmSync(folder, { recursive: true, force: true });
  }
}

const asked = process.argv.slice(2);
for (const way of asked.length > 0 ? asked : Object.keys(WAYS)) {
  process.stdout.write(`${await measure(way)}\n`);
}
