import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { TestProject } from 'vitest/node';
import { chosenServer, KIND_VARIABLE } from '../../scripts/server-programs.ts';
import { endProcess, processesOfRun } from './processes.ts';

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
  // One folder for every temporary folder of the run (see stores.ts): workers that are killed cannot
  // clear up after themselves.
  const folder = mkdtempSync(join(tmpdir(), 'captures-tests-'));
  process.env['CAPTURES_TESTS_FOLDER'] = folder;
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
