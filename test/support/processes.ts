import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export const BIN = resolve(import.meta.dirname, '../../bin/captures.js');

/**
 * How long a test waits for what has to come, in milliseconds. A net and no measure: it is as long on a
 * machine that has ten times as much to do.
 */
export const PATIENCE_MS = 240_000;

/** In the environment of every process that a run of the tests starts, and of what those start. */
export const RUN_VARIABLE = 'CAPTURES_TEST_RUN';

/** The folder in which a run has its temporary files, which is also TMPDIR. */
export const RUN_FOLDER_VARIABLE = 'CAPTURES_TESTS_FOLDER';

/** How a process ended and what it wrote. */
export interface Outcome {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** Added to the environment; undefined takes a variable out of it. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Written to its stdin, which is then closed. */
  readonly input?: string;
}

/** A child process whose output is kept. */
export interface RunningProcess {
  readonly pid: number;
  readonly child: ChildProcess;
  /** What it wrote so far. */
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly ended: Promise<Outcome>;
}

const started = new Set<ChildProcess>();

/** Starts a program with the environment of the tests, without anything of the developer's own. */
export function start(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): RunningProcess {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...cleanEnvironment(), ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  started.add(child);
  const text = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text.stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (text.stderr += chunk));
  // One that does not read its input, or has ended, is no concern of the tests.
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  const ended = new Promise<Outcome>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status, signal) => {
      started.delete(child);
      resolve({ status, signal, ...text });
    });
  });
  return {
    pid: child.pid ?? 0,
    child,
    stdout: () => text.stdout,
    stderr: () => text.stderr,
    ended,
  };
}

/** Runs a program to its end; one that goes on for ever is ended, and this fails with what it wrote. */
export async function run(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Outcome> {
  const process = start(command, args, options);
  const timer = new AbortController();
  const outcome = await Promise.race([
    process.ended,
    delay(PATIENCE_MS, null, { signal: timer.signal }).catch(() => null),
  ]);
  timer.abort();
  if (outcome !== null) return outcome;
  process.child.kill('SIGKILL');
  throw new Error(
    `${[command, ...args].join(' ')} does not end.\nstdout: ${process.stdout()}\nstderr: ${process.stderr()}`,
  );
}

/** Ends what `start` started and still runs: for the end of a test that failed halfway. */
export async function endStarted(): Promise<void> {
  for (const child of started) {
    const ended = once(child, 'close');
    if (child.kill('SIGKILL')) await ended;
  }
}

/**
 * Waits until `condition` gives something else than null, false or undefined, and returns it.
 * @throws Error that says what was waited for, when it never comes.
 */
export async function eventually<T>(
  what: string,
  condition: () => T | Promise<T>,
  timeoutMs = PATIENCE_MS,
): Promise<NonNullable<T>> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const began = performance.now();
    const value = await condition();
    if (value !== null && value !== undefined && value !== false) return value;
    if (performance.now() > deadline) throw new Error(`Waited in vain for: ${what}`);
    // A look that is dear is taken less often: it would take the time of what it waits for.
    await delay(Math.max(20, 4 * (performance.now() - began)));
  }
}

export interface FoundProcess {
  readonly pid: number;
  readonly command: string;
}

/**
 * Processes that carry this run's mark in their environment, wherever they hang in the tree: a daemon
 * in the background is nobody's child any more. Empty where there is no /proc.
 */
export function processesOfRun(run: string): FoundProcess[] {
  return processesWith(RUN_VARIABLE, run);
}

/** Processes whose environment has this variable with this value. */
export function processesWith(variable: string, value: string): FoundProcess[] {
  const found: FoundProcess[] = [];
  for (const name of entriesOf('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const environment = readOrEmpty(join('/proc', name, 'environ')).split('\0');
    if (!environment.includes(`${variable}=${value}`)) continue;
    const command = readOrEmpty(join('/proc', name, 'cmdline'))
      .replaceAll('\0', ' ')
      .trim();
    // One that has ended and waits for its parent to look has no command line.
    if (command !== '') found.push({ pid, command });
  }
  return found;
}

/** Whether a process with this id runs. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // A zombie has ended: only its parent has not looked yet.
  return !/^\d+ \(.*\) Z/s.test(readOrEmpty(`/proc/${pid}/stat`));
}

/** Ends a process by its id, politely first. */
export async function endProcess(pid: number): Promise<void> {
  for (const [signal, patienceMs] of [
    ['SIGTERM', 5_000],
    ['SIGKILL', 5_000],
  ] as const) {
    if (!isRunning(pid)) return;
    try {
      process.kill(pid, signal);
    } catch {
      return;
    }
    const deadline = performance.now() + patienceMs;
    while (isRunning(pid) && performance.now() < deadline) await delay(20);
  }
}

const CHANGE_ITS_WAYS = [
  'CAPTURES_HOME',
  'CAPTURES_TOKEN',
  'NO_COLOR',
  'FORCE_COLOR',
  'CLICOLOR_FORCE',
  'COLUMNS',
  'CI',
];

/** The tests' own environment without what would change the program's ways. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env);
  return Object.fromEntries(entries.filter(([name]) => !CHANGE_ITS_WAYS.includes(name)));
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
