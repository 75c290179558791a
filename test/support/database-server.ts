import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createConnection, type Connection } from 'mysql2/promise';
import {
  chosenServer,
  type ServerFamily,
  type ServerProgram,
} from '../../scripts/server-programs.ts';
import { PATIENCE_MS, RUN_FOLDER_VARIABLE } from './processes.ts';

export interface ServerOptions {
  /** Further options of the server's command line, for example `--slow-query-log=ON`. */
  readonly options?: readonly string[];
  /** Variables of the server's environment, for example `TZ`. */
  readonly environment?: Readonly<Record<string, string>>;
  /**
   * Puts the server into network and mount namespaces of its own, with the path of this folder as its
   * data folder and port 3306: several of them call themselves by one name. Reached by socket alone.
   */
  readonly twinAt?: string;
  /** Where its folder is made; the temporary folder of the system unless it says so. */
  readonly within?: string;
  /** Fills the data folder in the place of a new one: a copy of this. */
  readonly copyOf?: string;
  /** Another than the tests run on. */
  readonly program?: ServerProgram;
  /** Told what is done when the program has to be installed first. */
  readonly say?: (line: string) => void;
}

/** A server of one's own: on 127.0.0.1, with a free port and a temporary data folder. */
export interface DatabaseServer {
  readonly family: ServerFamily;
  readonly version: string;
  readonly port: number;
  readonly socket: string;
  readonly dataDir: string;
  /** A new connection as root, through the socket; several statements in one query are allowed. */
  admin(): Promise<Connection>;
  /** Ends the server politely and removes its data. */
  stop(): Promise<void>;
  /** Ends it as power loss would (SIGKILL); the data stays, `restart` brings it back. */
  kill(): Promise<void>;
  /** Starts it again on its data, port and socket; ends it politely first when it runs. */
  restart(): Promise<void>;
}

/** Servers that run: they end with this process, however it ends, as far as it can know. */
const running = new Map<ChildProcess, string>();
let isWatchingExit = false;

/**
 * Starts a private server of the kind that the tests run on (`chosenServer`). Never touches an
 * installed service: no configuration file is read. A server in a tree of its own sees the temporary
 * folder at the same path (`npm run check:servers` mounts it there).
 * @throws Error with the server's last words when it does not start, or that says what to install.
 */
export async function startServer(options: ServerOptions = {}): Promise<DatabaseServer> {
  const say = options.say ?? ((line: string) => void process.stderr.write(`${line}\n`));
  const program = options.program ?? chosenServer(say);
  // Short: a socket's path may have 107 characters.
  const folder = mkdtempSync(join(options.within ?? tmpdir(), 'captures-server-'));
  const dataDir = join(folder, 'data');
  // A server that starts removes what looks like temporary tables in its temporary folder: with one
  // for all, servers that start at the same time break one another (seen).
  const tmpDir = join(folder, 'tmp');
  mkdirSync(tmpDir);
  const socket = join(folder, 'mysqld.sock');
  const { twinAt } = options;
  const port = twinAt === undefined ? await freePort() : 3306;
  try {
    if (options.copyOf === undefined) fillDataFolder(program, dataDir, tmpDir);
    else execFileSync('cp', ['-a', options.copyOf, dataDir]);
  } catch (error) {
    // Of a script that Ctrl-C ended, the server that it started may write for a moment yet.
    rmSync(folder, { recursive: true, force: true, maxRetries: 20 });
    throw error;
  }

  const errorLog = join(folder, 'error.log');
  const launch = (): ChildProcess =>
    launchServer(program, options, { folder, dataDir }, [
      '--no-defaults',
      ...program.options,
      ...(process.getuid?.() === 0 ? ['--user=root'] : []),
      `--datadir=${twinAt ?? dataDir}`,
      `--tmpdir=${tmpDir}`,
      `--socket=${socket}`,
      `--port=${port}`,
      // A network namespace of one's own has no interface that is up.
      `--bind-address=${twinAt === undefined ? '127.0.0.1' : '0.0.0.0'}`,
      `--log-error=${errorLog}`,
      `--pid-file=${join(folder, 'pid')}`,
      // Not 1, which waits for the disk, nor 0, with which a server that is killed forgets its last
      // second, the marker too: what was committed lies with the system, which goes on.
      '--innodb-flush-log-at-trx-commit=2',
      '--max-allowed-packet=256M',
      '--max-connections=300',
      ...OPTIONS[program.family],
      ...(options.options ?? []),
    ]);
  const admin = (): Promise<Connection> =>
    createConnection({ socketPath: socket, user: 'root', multipleStatements: true });

  let child = launch();
  await whenUp(child, admin, errorLog);

  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await whenEnded(child);
  };
  const end = async (): Promise<void> => {
    child.kill('SIGTERM');
    if (!(await whenEnded(child, PATIENCE_MS))) await kill();
  };
  return {
    family: program.family,
    version: program.version,
    port,
    socket,
    dataDir,
    admin,
    kill,
    async stop() {
      await end();
      rmSync(folder, { recursive: true, force: true });
    },
    async restart() {
      await end();
      child = launch();
      await whenUp(child, admin, errorLog);
    },
  };
}

const OPTIONS: Readonly<Record<ServerFamily, readonly string[]>> = {
  mariadb: [
    '--innodb-buffer-pool-size=32M',
    '--innodb-log-file-size=16M',
    '--performance-schema=OFF',
  ],
  // Debian's build names a folder for files that its server package makes.
  mysql: [
    '--innodb-buffer-pool-size=64M',
    '--loose-mysqlx=OFF',
    '--sync-binlog=0',
    '--secure-file-priv=',
  ],
};

/** Runs the rest with the first of two folders in the place of the second. */
const APART = [
  'unshare',
  '--net',
  '--mount',
  'sh',
  '-c',
  'mount --bind "$1" "$2" && shift 2 && exec "$@"',
  'sh',
];

/**
 * Fills a data folder from a template, which is made once for a run of the tests: MySQL takes 4 s to
 * initialize one and 0.2 s to have it copied.
 */
function fillDataFolder(program: ServerProgram, dataDir: string, tmpDir: string): void {
  const shared = process.env[RUN_FOLDER_VARIABLE];
  if (shared === undefined) {
    program.initialize(dataDir, tmpDir);
    return;
  }
  const template = join(shared, `data-${program.kind}`);
  if (!existsSync(template)) {
    const made = `${template}-${process.pid}`;
    program.initialize(made, tmpDir);
    try {
      renameSync(made, template);
    } catch (error) {
      // Another worker was first.
      if (!existsSync(template)) throw error;
      rmSync(made, { recursive: true });
    }
  }
  execFileSync('cp', ['-a', template, dataDir]);
}

function launchServer(
  program: ServerProgram,
  options: ServerOptions,
  { folder, dataDir }: { readonly folder: string; readonly dataDir: string },
  commandLine: readonly string[],
): ChildProcess {
  const { twinAt } = options;
  const [file, ...args] =
    twinAt === undefined
      ? [...program.server, ...commandLine]
      : [...APART, dataDir, `${program.tree ?? ''}${twinAt}`, ...program.server, ...commandLine];
  const child = spawn(file ?? '', args, {
    stdio: 'ignore',
    env: { ...process.env, ...program.environment, ...options.environment },
  });
  child.on('error', () => undefined);
  // A test that forgets its server must not keep its process alive.
  child.unref();
  running.set(child, folder);
  child.once('exit', () => running.delete(child));
  if (!isWatchingExit) {
    isWatchingExit = true;
    process.on('exit', () => {
      for (const [one, data] of running) {
        one.kill('SIGKILL');
        rmSync(data, { recursive: true, force: true, maxRetries: 3 });
      }
    });
  }
  return child;
}

async function whenUp(
  child: ChildProcess,
  admin: () => Promise<Connection>,
  errorLog: string,
): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (performance.now() < deadline && child.exitCode === null && child.signalCode === null) {
    try {
      const connection = await admin();
      await connection.end();
      return;
    } catch {
      await delay(25);
    }
  }
  child.kill('SIGKILL');
  throw new Error(`The server did not start. Its last words:\n${lastLines(errorLog)}`);
}

function lastLines(path: string): string {
  try {
    return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-10).join('\n');
  } catch {
    return '(none)';
  }
}

async function whenEnded(child: ChildProcess, withinMs = PATIENCE_MS): Promise<boolean> {
  if (child.exitCode !== null || child.signalCode !== null) return true;
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), withinMs);
    child.once('exit', () => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}

/**
 * One that is free now, and below those that the system gives to who connects: one of these may be taken by then
 * (seen with four test files at once).
 */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
