/**
 * What becomes of a recording, and of its server, on a bad day:
 * `node bench/faults.ts [fault…]`, on another server `npm run on:server -- mysql-9.7 node bench/faults.ts`.
 *
 * Each fault has a server of its own, clients that send numbered statements one after the other, and a
 * capture made by the program. The fault is put in the way of its end, mended, and then everything that was
 * sent in the window is looked for in the record. Prints one line a fault. `CAPTURES_BIN` names another
 * build to be tried. Build first: npm run build.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createConnection, type Connection } from 'mysql2/promise';
import { startServer, type DatabaseServer } from '../test/support/database-server.ts';
import { BIN, endProcess, eventually, processesWith, run } from '../test/support/processes.ts';
import { recorderGrants } from '../test/support/recorder-grants.ts';
import { suspendBetweenWrites } from '../test/support/suspension.ts';
import { StallingProxy } from './stalling-proxy.ts';

const CLIENTS = 4;
const PASSWORD = 'bench';
/** Longer than the 30 s after which captures used to fail. */
const FAULT_MS = 40_000;
const PROGRAM = process.env['CAPTURES_BIN'] ?? BIN;

interface Bench {
  readonly server: DatabaseServer;
  readonly admin: Connection;
  readonly proxy: StallingProxy;
  readonly home: string;
  readonly grants: readonly string[];
  readonly program: (
    ...args: string[]
  ) => Promise<{ status: number | null; stdout: string; stderr: string }>;
  readonly daemonPids: () => number[];
}

interface Fault {
  /** Begins the fault; what it returns ends it. */
  readonly begin: (bench: Bench) => Promise<() => Promise<void>>;
  /** How long it lasts; FAULT_MS where absent. */
  readonly lasts?: number;
  /** Whether the capture is stopped while the fault is there; else it is over before. */
  readonly overEnd?: boolean;
}

/** Statements of several clients: each waits for the answer before it sends the next. */
class Load {
  readonly sent: { readonly tag: string; readonly at: number; done: number }[] = [];
  worstMs = 0;
  #isStopped = false;
  readonly #loops: Promise<void>[] = [];

  constructor(server: DatabaseServer) {
    for (let client = 0; client < CLIENTS; client++) this.#loops.push(this.#run(server, client));
  }

  async #run(server: DatabaseServer, client: number): Promise<void> {
    let connection: Connection | null = null;
    for (let n = 0; !this.#isStopped; n++) {
      try {
        connection ??= await createConnection({ socketPath: server.socket, user: 'root' });
        const one = { tag: `${client}-${n}`, at: Date.now(), done: 0 };
        const began = performance.now();
        await connection.query(`SELECT /* bench ${one.tag} end */ 1`);
        one.done = Date.now();
        this.worstMs = Math.max(this.worstMs, performance.now() - began);
        this.sent.push(one);
      } catch {
        connection?.destroy();
        connection = null;
        await delay(20);
      }
      await delay(2);
    }
    await connection?.end().catch(() => undefined);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#loops);
  }
}

const FAULTS: Readonly<Record<string, Fault>> = {
  none: { begin: () => Promise.resolve(() => Promise.resolve()), lasts: 1_000 },
  'server killed': {
    async begin({ server }) {
      await server.kill();
      return () => server.restart();
    },
  },
  'flush tables with read lock': {
    async begin({ server }) {
      const holder = await server.admin();
      await holder.query('FLUSH TABLES WITH READ LOCK');
      return async () => {
        await holder.query('UNLOCK TABLES');
        await holder.end();
      };
    },
  },
  'read only': {
    async begin({ admin, server }) {
      const name = server.family === 'mysql' ? 'super_read_only' : 'read_only';
      if (server.family === 'mariadb') {
        await admin
          .query('REVOKE READ_ONLY ADMIN ON *.* FROM recorder@127.0.0.1')
          .catch(() => undefined);
        await admin.query('REVOKE SUPER ON *.* FROM recorder@127.0.0.1');
      }
      await admin.query(`SET GLOBAL ${name} = ON`);
      return async () => {
        await admin.query('SET GLOBAL read_only = OFF');
        if (server.family === 'mariadb')
          await admin.query('GRANT SUPER ON *.* TO recorder@127.0.0.1');
      };
    },
  },
  'account locked, connections ended': {
    async begin({ admin }) {
      await admin.query('ALTER USER recorder@127.0.0.1 ACCOUNT LOCK');
      await endConnections(admin);
      return async () => {
        await admin.query('ALTER USER recorder@127.0.0.1 ACCOUNT UNLOCK');
      };
    },
  },
  'privileges revoked': {
    async begin({ admin, grants }) {
      await admin.query('REVOKE ALL PRIVILEGES, GRANT OPTION FROM recorder@127.0.0.1');
      await endConnections(admin);
      return async () => {
        for (const grant of grants) await admin.query(grant);
      };
    },
  },
  'schema dropped': {
    async begin({ admin }) {
      await admin.query('DROP DATABASE captures');
      return () => Promise.resolve();
    },
    lasts: 3_000,
  },
  'marker dropped': {
    async begin({ admin }) {
      await admin.query('DROP TABLE captures.captures_marker');
      return () => Promise.resolve();
    },
    lasts: 3_000,
  },
  'network stalled': {
    begin({ proxy }) {
      proxy.stall();
      return Promise.resolve(() => {
        proxy.resume();
        return Promise.resolve();
      });
    },
  },
  'network cut': {
    begin({ proxy }) {
      proxy.refuse();
      return Promise.resolve(() => {
        proxy.resume();
        return Promise.resolve();
      });
    },
  },
  'daemon suspended, another takes over': {
    async begin({ daemonPids, home }) {
      const [pid = 0] = daemonPids();
      await eventually('it is suspended between two writes', () => suspendBetweenWrites(pid, home));
      // Its lease lapses after three seconds: then the next command starts another.
      await delay(4_000);
      return () => {
        process.kill(pid, 'SIGCONT');
        return Promise.resolve();
      };
    },
    lasts: 15_000,
  },
  'log off and on': {
    async begin({ admin }) {
      await admin.query('SET GLOBAL general_log = OFF; DO SLEEP(0.1); SET GLOBAL general_log = ON');
      return () => Promise.resolve();
    },
    lasts: 2_000,
  },
  'server killed, its log switched on by somebody': {
    async begin({ server }) {
      await server.kill();
      await server.restart();
      const admin = await server.admin();
      await admin.query("SET GLOBAL log_output = 'TABLE'; SET GLOBAL general_log = ON");
      await admin.end();
      return () => Promise.resolve();
    },
    lasts: 5_000,
  },
};

async function endConnections(admin: Connection): Promise<void> {
  const [rows] = await admin.query(
    "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'recorder'",
  );
  for (const { ID } of rows as { ID: number }[]) {
    await admin.query(`KILL ${ID}`).catch(() => undefined);
  }
}

const FACTS = `SELECT @@GLOBAL.general_log AS general_log, @@GLOBAL.log_output AS log_output,
  (SELECT CONCAT(ENGINE, ' ', TABLE_COMMENT) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'mysql' AND TABLE_NAME = 'general_log') AS log_table,
  (SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = 'captures') AS has_schema,
  IS_USED_LOCK('captures:tap') AS lock_holder,
  (SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = 'recorder') AS connections`;

async function factsOf(server: DatabaseServer): Promise<string> {
  const admin = await server.admin();
  try {
    const [rows] = await admin.query(FACTS);
    return JSON.stringify((rows as unknown[])[0]);
  } finally {
    await admin.end();
  }
}

interface Details {
  readonly status: string;
  readonly start: string | null;
  readonly end: string | null;
  readonly reason: string | null;
  readonly workload: {
    readonly gaps: readonly { from: string | null; to: string | null; reason: string }[];
  } | null;
}

async function tryOut(name: string, fault: Fault): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'captures-faults-'));
  const home = join(folder, 'home');
  const server = await startServer();
  const proxy = await StallingProxy.start(server.port);
  const env = { CAPTURES_HOME: home, CI: 'true' };
  const program: Bench['program'] = (...args) => run(process.execPath, [PROGRAM, ...args], { env });
  let load: Load | null = null;
  try {
    const admin = await server.admin();
    await admin.query(`CREATE USER recorder@127.0.0.1 IDENTIFIED BY '${PASSWORD}'`);
    const grants = recorderGrants(server.family, 'recorder@127.0.0.1');
    for (const grant of grants) await admin.query(grant);
    writeFileSync(join(folder, 'password'), 'a long password', { mode: 0o600 });
    writeFileSync(join(folder, 'recorder'), PASSWORD, { mode: 0o600 });
    await expectOk(program('init', '--user', 'ada', '--password-file', join(folder, 'password')));
    await expectOk(
      program(
        'env',
        'create',
        'bench',
        '--url',
        `mysql://recorder@127.0.0.1:${proxy.port}`,
        '--password-from',
        `file:${join(folder, 'recorder')}`,
      ),
    );
    const before = await factsOf(server);
    load = new Load(server);
    await expectOk(program('create', 'fault', '--env', 'bench'));
    await delay(3_000);
    const daemonPids = (): number[] =>
      processesWith('CAPTURES_HOME', home)
        .filter(({ command }) => command.includes('daemon'))
        .map(({ pid }) => pid);
    const bench: Bench = { server, admin, proxy, home, grants, program, daemonPids };
    const mend = await fault.begin(bench);
    const began = Date.now();
    await delay(1_000);
    const isOver = fault.overEnd !== false;
    if (isOver) await program('stop', 'fault', '--no-wait');
    await delay(Math.max((fault.lasts ?? FAULT_MS) - (Date.now() - began), 0));
    const during = await details(program);
    await mend();
    const mended = performance.now();
    if (!isOver) await program('stop', 'fault', '--no-wait');
    await eventually(
      'it is over',
      async () => ['DONE', 'FAILED'].includes((await details(program)).status),
      120_000,
    );
    const took = performance.now() - mended;
    await load.stop();
    await eventually('the daemon has left', () => daemonPids().length === 0, 60_000).catch(
      () => undefined,
    );
    const restored = (await factsOf(server)) === before;
    const { status, start, end, reason, workload } = await details(program);
    const { stdout } = await program('workload', 'fault', '--json');
    const seen = new Map<string, number>();
    for (const [, tag = ''] of stdout.matchAll(/\/\* bench (\S+) end \*\//g))
      seen.set(tag, (seen.get(tag) ?? 0) + 1);
    const from = Date.parse(start ?? '');
    const to = Date.parse(end ?? '');
    const inWindow = load.sent.filter(({ at, done }) => at > from && done < to);
    const lost = inWindow.filter(({ tag }) => !seen.has(tag));
    const gaps = workload?.gaps ?? [];
    const unexplained = lost.filter(
      ({ at, done }) =>
        !gaps.some(
          (gap) =>
            (gap.from === null || Date.parse(gap.from) <= done) &&
            (gap.to === null || at <= Date.parse(gap.to) + 1),
        ),
    );
    const verdict = (await program('verify', 'fault')).stdout.trim().split('\n').at(-1) ?? '';
    console.log(
      [
        name,
        `during ${during.status}${during.reason === null ? '' : ` (${during.reason})`}`,
        `${status} ${(took / 1_000).toFixed(1)} s after`,
        `sent ${inWindow.length}`,
        `recorded ${inWindow.length - lost.length}`,
        `doubled ${[...seen.values()].filter((times) => times > 1).length}`,
        `lost outside of gaps ${unexplained.length}`,
        `gaps ${gaps.length}`,
        `worst stall ${Math.round(load.worstMs)} ms`,
        restored ? 'restored' : `NOT RESTORED ${await factsOf(server)}`,
        reason ?? '',
        verdict,
      ].join(' | '),
    );
  } catch (error) {
    console.log(`${name} | BROKEN: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    await load?.stop();
    for (const { pid } of processesWith('CAPTURES_HOME', home)) await endProcess(pid);
    await proxy.stop();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function details(program: Bench['program']): Promise<Details> {
  return JSON.parse((await program('get', 'fault', '--json')).stdout) as Details;
}

async function expectOk(result: ReturnType<Bench['program']>): Promise<void> {
  const { status, stderr } = await result;
  if (status !== 0) throw new Error(stderr);
}

const asked = process.argv.slice(2);
for (const [name, fault] of Object.entries(FAULTS)) {
  if (asked.length === 0 || asked.some((part) => name.includes(part))) await tryOut(name, fault);
}
