import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { eventually } from './processes.ts';

/** Whether a program is on PATH. */
export function hasProgram(name: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${name}`]).status === 0;
}

/** A program on a terminal of its own (made by util-linux's `script`), whose keys a test presses. */
export class Terminal {
  readonly #child: ChildProcess;
  #text = '';
  #seen = 0;

  /** @param line what a shell is to run in it. */
  constructor(line: string, env: NodeJS.ProcessEnv, cwd: string) {
    this.#child = spawn('script', ['-qefc', `stty cols 100 rows 40; exec ${line}`, '/dev/null'], {
      env,
      cwd,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (this.#text += chunk));
    this.#child.stdin?.on('error', () => undefined);
  }

  /** Presses keys; what it shows of before is left behind. */
  press(keys: string): void {
    this.#seen = this.#text.length;
    this.#child.stdin?.write(keys);
  }

  /** What it has shown since the last keys, as it came, escapes and all. */
  get shown(): string {
    return this.#text.slice(this.#seen);
  }

  /** Waits until it shows this, and returns the match. */
  async until(what: RegExp): Promise<RegExpExecArray> {
    try {
      return await eventually(`${what.source} on the terminal`, () => what.exec(this.shown));
    } catch (error) {
      throw new Error(`It shows: ${JSON.stringify(this.shown)}`, { cause: error });
    }
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    // With it the terminal goes, which is a SIGHUP to what runs in it; asked politely it waits for that.
    this.#child.kill('SIGKILL');
    await ended;
  }
}
