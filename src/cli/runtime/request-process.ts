import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { PACKAGE_FOLDER } from '../../package.ts';
import { COUNTING_ENVIRONMENT, COUNTING_NODE_FLAGS } from './process-memory.ts';

const PROGRAM = join(PACKAGE_FOLDER, 'bin/captures.js');
/** The descriptors of the pipes beside the three that every process has. */
const CONTROL = 3;
/** Not standard output: threads that count statements have Node open that one, and one pipe is not opened twice. */
const OUTPUT = 4;
const LARGEST_HEAP_MB = 512;
/** Recording comes first, and requests that are small. */
const PRIORITY = 10;
const FIRST_TO_GO = '500';
const PATIENCE_MS = 2_000;

/**
 * Starts a process that answers one heavy request: a `HeavyProcess`.
 * @param patience milliseconds for its end, when it is told to.
 */
export function startRequestProcess(patience = PATIENCE_MS) {
  const flags = [...COUNTING_NODE_FLAGS, `--max-old-space-size=${LARGEST_HEAP_MB}`];
  const child = spawn(process.execPath, [...flags, PROGRAM, 'serve-request'], {
    stdio: ['pipe', 'ignore', 'inherit', 'pipe', 'pipe'],
    env: { ...COUNTING_ENVIRONMENT, ...process.env },
  });
  let isOver = false;
  let kill: NodeJS.Timeout | undefined;
  const over = (): void => {
    isOver = true;
    clearTimeout(kill);
  };
  child.once('error', over);
  child.once('exit', over);
  if (child.pid !== undefined) {
    try {
      setPriority(child.pid, PRIORITY);
      // Where memory runs out, this one is ended rather than what records. Linux alone has that.
      if (process.platform === 'linux') {
        writeFileSync(`/proc/${child.pid}/oom_score_adj`, FIRST_TO_GO);
      }
    } catch {
      // It has ended already; or a container does not let us.
    }
  }
  const { stdin: input } = child;
  if (input === null) throw new Error('A process without pipes');
  return {
    input,
    output: child.stdio[OUTPUT] as Socket,
    control: child.stdio[CONTROL] as Socket,
    settle: () => void child.kill('SIGTERM'),
    end: () => {
      if (isOver) return;
      child.kill('SIGINT');
      kill ??= setTimeout(() => child.kill('SIGKILL'), patience);
    },
    release: () => {
      if (!isOver) kill ??= setTimeout(() => child.kill('SIGKILL'), patience);
    },
  };
}

/** The ends of its pipes, in that process: writing waits for no reader, as `process.stdout` would. */
export function requestPipes(): { readonly output: Socket; readonly control: Socket } {
  return { output: new Socket({ fd: OUTPUT }), control: new Socket({ fd: CONTROL }) };
}
