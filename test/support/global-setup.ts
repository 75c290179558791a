import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, rmSync, statfsSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { TestProject } from 'vitest/node';
import { chosenServer, KIND_VARIABLE } from '../../scripts/server-programs.ts';
import { endProcess, isRunning, processesOfRun, RUN_FOLDER_VARIABLE } from './processes.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Marks every process that this run of the tests starts. */
    testRun: string;
  }
}

const ROOT = resolve(import.meta.dirname, '../..');

/**
 * Before all tests: makes sure of the program of the database server (`startServer` starts servers of it) and
 * of a `dist` that is as new as `src`. After them: clears away the run's folders and fails the run when a process is left.
 */
export default function setUp(project: TestProject): () => Promise<void> {
  const run = randomUUID();
  project.provide('testRun', run);
  // Every temporary folder of the run is made in this one: workers that are killed cannot clear up
  // after themselves. Other users of the system may pass through it.
  const disk = temporaryDisk();
  removeAbandoned(disk);
  const folder = mkdtempSync(join(disk, `${PREFIX}${process.pid}-`));
  chmodSync(folder, 0o711);
  process.env['TMPDIR'] = process.env[RUN_FOLDER_VARIABLE] = folder;
  findServer();
  buildWhenStale();
  return async () => {
    const left = processesOfRun(run);
    for (const { pid } of left) await endProcess(pid);
    rmSync(folder, { recursive: true, force: true });
    if (left.length > 0) {
      const list = left.map(({ pid, command }) => `${pid} ${command}`).join('\n  ');
      throw new Error(`The tests left processes behind, which are ended now:\n  ${list}`);
    }
  };
}

const PREFIX = 'captures-tests-';

/** Removes what runs that were killed have left: in memory it would stay until the machine ends. */
function removeAbandoned(disk: string): void {
  for (const name of readdirSync(disk)) {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    if (pid === undefined || isRunning(Number(pid))) continue;
    try {
      rmSync(join(disk, name), { recursive: true, force: true });
    } catch {
      // Something is mounted there still, or it is another user's.
    }
  }
}

const MEMORY_DISK = '/dev/shm';
/** A run leaves about 0.6 GB of stores and has at most 1 GB of servers at a time. */
const ROOM_NEEDED = 4 * 1024 ** 3;

/**
 * Where files cost no wait for a disk: a store that is made in memory takes 20 ms, on a disk 75 to 200.
 * A server in a tree of its own sees the temporary folder of the system alone.
 */
function temporaryDisk(): string {
  if (KIND_VARIABLE in process.env) return tmpdir();
  try {
    const { bavail, bsize } = statfsSync(MEMORY_DISK);
    return bavail * bsize >= ROOM_NEEDED ? MEMORY_DISK : tmpdir();
  } catch {
    return tmpdir();
  }
}

function findServer(): void {
  try {
    chosenServer(say);
  } catch (error) {
    if (process.env['CI'] === 'true' || KIND_VARIABLE in process.env) throw error;
    const why = error instanceof Error ? error.message : String(error);
    say(`SKIPPED: every test that needs a real server (see vitest.config.ts). ${why}`);
  }
}

/** The tests of `bin` run what is built: a stale build would test yesterday's program. */
function buildWhenStale(): void {
  const build = join(ROOT, 'scripts/build.ts');
  const sources = [join(ROOT, 'src'), build, join(ROOT, 'package.json')];
  if (newest([join(ROOT, 'dist')]) >= newest(sources)) return;
  try {
    execFileSync(process.execPath, [build], { cwd: ROOT, encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    if (process.env['CI'] === 'true') throw error;
    // Somebody at work on one folder runs the tests of that folder: they need no build.
    const output = error instanceof Error && 'stdout' in error ? String(error.stdout) : '';
    const [first = 'no output', ...others] = output.trimEnd().split('\n');
    say(`The build of dist has errors, the tests of bin run it all the same: ${first}`);
    if (others.length > 0) say(`(and ${others.length} lines more: npm run build)`);
  }
}

function newest(paths: readonly string[]): number {
  let time = 0;
  for (const path of paths) {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined) continue;
    if (!stat.isDirectory()) time = Math.max(time, stat.mtimeMs);
    else time = Math.max(time, newest(readdirSync(path).map((name) => join(path, name))));
  }
  return time;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
