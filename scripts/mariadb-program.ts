import { execFileSync, type ExecFileSyncOptions } from 'node:child_process';
import { accessSync, chmodSync, constants, existsSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The programs of a MariaDB server. */
export interface MariadbProgram {
  readonly server: string;
  readonly installDb: string;
}

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

/** Where MariaDB's server is on this machine; null when it is not installed. */
export function findMariadb(): MariadbProgram | null {
  const server = find(['mariadbd', 'mysqld']);
  const installDb = find(['mariadb-install-db', 'mysql_install_db']);
  return server === null || installDb === null ? null : { server, installDb };
}

/**
 * Finds MariaDB's server, and installs it when it is missing, this is root and apt-get is there. No
 * service is started: only the program is wanted.
 * @param say is told in a line what is done, before it is done.
 * @throws Error that says what to install.
 */
export function ensureMariadb(say: (line: string) => void): MariadbProgram {
  const found = findMariadb();
  if (found !== null) return found;
  if (!canInstall()) {
    throw new Error(`There is no MariaDB server program on this machine. ${INSTALL_HINT}`);
  }
  say(
    'There is no MariaDB server program here: apt-get installs mariadb-server (no service is started).',
  );
  installWithApt();
  const installed = findMariadb();
  if (installed === null)
    throw new Error(`apt-get did not install MariaDB's server. ${INSTALL_HINT}`);
  return installed;
}

/** Whether `ensureMariadb` finds the program or may install it. */
export function canHaveMariadb(): boolean {
  return findMariadb() !== null || canInstall();
}

function canInstall(): boolean {
  return process.getuid?.() === 0 && find(['apt-get']) !== null;
}

const POLICY = '/usr/sbin/policy-rc.d';

function installWithApt(): void {
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const options: ExecFileSyncOptions = { stdio: ['ignore', 'pipe', 'pipe'], env: environment };
  // The package starts its service when it is installed; a policy that says 101 forbids it. It is
  // ours only when there was none.
  const isOurs = !existsSync(POLICY);
  if (isOurs) {
    writeFileSync(POLICY, '#!/bin/sh\nexit 101\n');
    chmodSync(POLICY, 0o755);
  }
  try {
    execFileSync('apt-get', ['update', '-q'], options);
    execFileSync(
      'apt-get',
      ['install', '-qy', '--no-install-recommends', 'mariadb-server'],
      options,
    );
  } finally {
    if (isOurs) rmSync(POLICY, { force: true });
  }
}

function find(names: readonly string[]): string | null {
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
