/**
 * npm run on:server -- KIND COMMAND ARGS…: runs a command of this checkout whose servers are of a kind,
 * for example `npm run on:server -- mysql-9.7 node bench/recorder.ts`.
 */
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import {
  ensureServer,
  KIND_VARIABLE,
  SERVER_KINDS,
  type ServerProgram,
} from './server-programs.ts';

const ROOT = resolve(import.meta.dirname, '..');

/**
 * Runs a command with servers of this program: in a mount namespace of its own, in which the program's
 * tree has this machine's temporary folder, so that data folders, sockets and certificates have one
 * path on both sides, and nothing stays mounted.
 * @returns its exit status; 1 when a signal ended it.
 */
export async function runOn(program: ServerProgram, command: readonly string[]): Promise<number> {
  const { tree } = program;
  if (tree !== null) mkdirSync(join(tree, tmpdir()), { recursive: true });
  const mount = 'mount --bind "$1" "$2" && shift 2 && exec "$@"';
  const [file = '', ...args] =
    tree === null
      ? command
      : ['unshare', '--mount', 'sh', '-c', mount, 'sh', tmpdir(), join(tree, tmpdir()), ...command];
  const child = spawn(file, args, {
    cwd: ROOT,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, [KIND_VARIABLE]: program.kind },
  });
  return new Promise((ended, failed) => {
    child.once('error', failed);
    child.once('close', (status) => ended(status ?? 1));
  });
}

if (import.meta.main) {
  const [name = '', ...command] = process.argv.slice(2);
  const kind = SERVER_KINDS.find((one) => one === name);
  if (kind === undefined || command.length === 0) {
    process.stderr.write(`Usage: on-server.ts KIND COMMAND…; kinds: ${SERVER_KINDS.join(', ')}\n`);
    process.exitCode = 2;
  } else {
    const program = ensureServer(kind, (line) => void process.stderr.write(`${line}\n`));
    process.exitCode = await runOn(program, command);
  }
}
