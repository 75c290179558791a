import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { runCaptures, type CliResult } from '../support/cli.ts';
import {
  BIN,
  endProcess,
  eventually,
  processesWith,
  run,
  start,
  type FoundProcess,
  type Outcome,
  type RunningProcess,
  type RunOptions,
} from '../support/processes.ts';
import type { ShopServer } from './shop-server.ts';

const PASSWORD = 'correct horse battery';

/** A capture as `--json` prints it. */
export interface ShownCapture {
  readonly id: number;
  readonly name: string;
  readonly start: string | null;
  readonly end: string | null;
  readonly status: string;
  readonly reason: string | null;
  readonly workload: { readonly records: number; readonly fileBytes: number } | null;
}

/** A folder to work in, with a store of its own, and the built program to run on it. */
export class Workplace {
  readonly desk = mkdtempSync(join(tmpdir(), 'captures-e2e-'));
  readonly home: string;

  /** @param home the store's folder, which need not be there; in the desk when none is given. */
  constructor(home: string | null = null) {
    this.home = home ?? join(this.desk, 'home');
    writeFileSync(join(this.desk, 'password'), PASSWORD, { mode: 0o600 });
  }

  /** A store whose user ada is logged in. */
  static async make(home: string | null = null): Promise<Workplace> {
    const place = new Workplace(home);
    const password = join(place.desk, 'password');
    await place.given(['init', '--user', 'ada', '--password-file', password]);
    return place;
  }

  /** A store with the environment `shop`. */
  static async at(server: ShopServer, home: string | null = null): Promise<Workplace> {
    const place = await Workplace.make(home);
    await place.addEnvironment('shop', server.port, 'recorder', server.recorderPassword);
    return place;
  }

  async addEnvironment(name: string, port: number, user: string, password: string): Promise<void> {
    const file = join(this.desk, `${name}.password`);
    writeFileSync(file, password, { mode: 0o600 });
    chmodSync(file, 0o600);
    const url = `mysql://${user}@127.0.0.1:${port}`;
    await this.given(['env', 'create', name, '--url', url, '--password-from', `file:${file}`]);
  }

  captures(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    return run(process.execPath, [BIN, ...args], this.#with(options));
  }

  /** Runs a command that has to succeed. */
  async ok(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    const outcome = await this.captures(args, options);
    const { status, stderr } = outcome;
    expect({ args, status, stderr }).toEqual({ args, status: 0, stderr });
    return outcome;
  }

  /**
   * Runs a command that has to succeed in this process, which takes a tenth of the time: what a test needs
   * done, or looks at, when the process is not what it is about.
   */
  async given(args: readonly string[]): Promise<CliResult> {
    const result = await this.look(args);
    const { status, stderr } = result;
    expect({ args, status, stderr }).toEqual({ args, status: 0, stderr });
    return result;
  }

  /** The same for a command that may fail: what a test looks at again and again. */
  look(args: readonly string[]): Promise<CliResult> {
    return runCaptures(args, { home: this.home, cwd: this.desk });
  }

  start(args: readonly string[], options: RunOptions = {}): RunningProcess {
    return start(process.execPath, [BIN, ...args], this.#with(options));
  }

  /** Runs a shell's line in which `captures` is the program. */
  shell(line: string, options: RunOptions = {}): Promise<Outcome> {
    const captures = `captures() { '${process.execPath}' '${BIN}' "$@"; }`;
    return run('bash', ['-c', `set -o pipefail; ${captures}; ${line}`], this.#with(options));
  }

  async get(capture: string): Promise<ShownCapture> {
    const { stdout } = await this.given(['get', capture, '--json']);
    return JSON.parse(stdout) as ShownCapture;
  }

  /** Waits until more of a capture is committed than now. */
  async untilMoreIsRecorded(capture: string): Promise<void> {
    const records = async (): Promise<number> => (await this.get(capture)).workload?.records ?? 0;
    const now = await records();
    await eventually('more is recorded', async () => (await records()) > now);
  }

  async list(): Promise<ShownCapture[]> {
    const { stdout } = await this.given(['list', '--json']);
    return JSON.parse(stdout) as ShownCapture[];
  }

  /** Starts `captures daemon` in the foreground and waits until it is the active one. */
  async startDaemon(): Promise<RunningProcess> {
    const daemon = this.start(['daemon']);
    await eventually('the daemon is active', () => daemon.stderr().includes('daemon active'));
    return daemon;
  }

  /** Processes that work for this store, wherever they hang in the tree. */
  processes(): FoundProcess[] {
    return processesWith('CAPTURES_HOME', this.home);
  }

  /** The one background daemon. */
  daemon(): Promise<FoundProcess> {
    return eventually('a daemon in the background', () =>
      this.processes().find(({ command }) => command.includes('daemon')),
    );
  }

  /** Waits until the background daemon has left by itself. */
  async whenQuiet(): Promise<void> {
    await eventually('no process works for the store', () => this.processes().length === 0);
  }

  /** Ends what is left, by its id, and removes everything. */
  async close(): Promise<void> {
    for (const { pid } of this.processes()) await endProcess(pid);
    rmSync(this.desk, { recursive: true, force: true });
  }

  #with(options: RunOptions): RunOptions {
    return { cwd: this.desk, ...options, env: { CAPTURES_HOME: this.home, ...options.env } };
  }
}

/**
 * Checks a refusal: the exit status, one clear sentence on stderr (with a hint's lines at most), and
 * nothing on stdout.
 */
export function expectRefusal(outcome: Outcome, status: number, sentence: RegExp | string): void {
  const { stdout, stderr } = outcome;
  expect({ status: outcome.status, stdout, stderr }).toEqual({ status, stdout: '', stderr });
  expect(stderr).toMatch(sentence);
  expect(stderr).toMatch(/^captures: [^\n]+\n( {2}[^\n]+\n)*$/);
  expect(stderr).not.toMatch(/\bat .+:\d+:\d+|unexpected|This is a bug/);
}
