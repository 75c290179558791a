import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { main } from '../../src/cli/main.ts';
import type { Prompter } from '../../src/cli/input/prompter.ts';
import { Interrupted, SignalDesk } from '../../src/cli/runtime/signals.ts';
import type { OutputStream, World } from '../../src/cli/runtime/world.ts';
import { systemClock, type Clock } from '../../src/core/clock.ts';
import type { Source } from '../../src/core/source.ts';
import { canRunOverHttp, clientOf, isOverHttp } from './cli-over-http.ts';
import { CHEAP_HASH } from './users.ts';
import { temporaryFolder } from './stores.ts';

/** What a test says about the machine that the program runs on. */
export interface CliOptions {
  /** CAPTURES_HOME. */
  readonly home?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** The user's home folder. */
  readonly userHome?: string;
  /** What stdin holds. */
  readonly stdin?: string;
  /** The same, for what is no text. */
  readonly stdinBytes?: AsyncIterable<Uint8Array>;
  /** Makes all three streams a terminal of so many columns. */
  readonly tty?: number;
  /** Makes stdout alone a terminal. */
  readonly stdoutTty?: number;
  /** Answers to prompts, in the order they come; any further prompt fails the test. */
  readonly answers?: readonly Answer[];
  /** Told of every write to stdout, with its size. */
  readonly onWrite?: (bytes: number) => void;
  readonly clock?: Clock;
  readonly signals?: SignalDesk;
  readonly serverLogs?: Source;
  readonly startDaemon?: World['startDaemon'];
  /** Every process runs where it is not said. */
  readonly isRunning?: World['isRunning'];
  /** Every command is there where it is not said. */
  readonly commandFault?: World['commandFault'];
  readonly runCommand?: World['runCommand'];
  /** Where the tests are run over HTTP: says of this command line that it is about the store of this machine. */
  readonly over?: 'store';
}

export const CTRL_C = '\u0003';

/** What a prompt is answered with, and a part of the question that has to be asked. */
export interface Answer {
  readonly to: string;
  /** `CTRL_C` for somebody who would rather not say. */
  readonly answer: string | boolean;
}

export interface CliResult {
  readonly status: number;
  readonly stdout: string;
  /** stdout as it was written. */
  readonly bytes: Buffer;
  readonly stderr: string;
}

/** Runs the real program in this process, on real files. */
export async function runCaptures(
  argv: readonly string[],
  options: CliOptions = {},
): Promise<CliResult> {
  const stdout = new CollectedOutput(options.tty ?? options.stdoutTty ?? null, options.onWrite);
  const stderr = new CollectedOutput(options.tty ?? null);
  const prompter = new ScriptedPrompter(options.answers ?? []);
  const surprises: Error[] = [];
  const surprise = (what: string): never => {
    const error = new Error(what);
    surprises.push(error);
    throw error;
  };
  prompter.onSurprise = surprise;
  const home = options.userHome ?? temporaryFolder();
  const world: World = {
    stdin: {
      isTTY: options.tty !== undefined,
      readFirstLine: () => Promise.resolve(options.stdin?.split('\n', 1)[0] ?? null),
      async *chunks() {
        yield* options.stdinBytes ?? [Buffer.from(options.stdin ?? '')];
      },
    },
    stdout,
    stderr,
    env: {
      ...(options.home === undefined ? {} : { CAPTURES_HOME: options.home }),
      ...options.env,
    },
    cwd: options.cwd ?? home,
    home,
    userName: 'ada',
    hostName: 'test-host',
    pid: process.pid,
    timeZone: 'UTC',
    clock: options.clock ?? systemClock,
    passwordCost: CHEAP_HASH,
    signals: options.signals ?? new SignalDesk(),
    prompter: () => Promise.resolve(prompter),
    serverLogs: async () => {
      if (options.serverLogs !== undefined) return options.serverLogs;
      const { mysqlSource } = await import('../../src/source/mysql/mysql-source.ts');
      return mysqlSource;
    },
    isRunning: options.isRunning ?? (() => true),
    becomeDaemon: () => Promise.resolve(),
    saveMemory: () => Promise.resolve(),
    endAtOnce: () => surprise('The process was ended, which no test expected'),
    startDaemon:
      options.startDaemon ?? (() => surprise('A daemon was started, which no test expected')),
    commandFault: options.commandFault ?? (() => Promise.resolve(null)),
    runCommand: options.runCommand ?? (() => surprise('A command was run, which no test expected')),
  };
  const status = await run(argv, world, options);
  if (surprises[0] !== undefined) throw surprises[0];
  prompter.checkAllAsked();
  const result = { status, stdout: stdout.text, stderr: stderr.text };
  // Not enumerable: tests compare the texts.
  return Object.defineProperty(result, 'bytes', { value: stdout.bytes }) as CliResult;
}

async function run(argv: readonly string[], world: World, { over }: CliOptions): Promise<number> {
  if (!isOverHttp() || over === 'store' || !canRunOverHttp(argv, world)) return main(argv, world);
  const client = await clientOf(world);
  try {
    return await main(argv, client.world);
  } finally {
    await client.close();
  }
}

export const PASSWORD = 'correct horse battery';

/** A store with one user, ada, who is logged in. */
export async function initialisedHome(): Promise<string> {
  const home = join(temporaryFolder(), 'home');
  const { status, stderr } = await runCaptures(['init', '--user', 'ada', '--password-stdin'], {
    home,
    stdin: `${PASSWORD}\n`,
  });
  if (status !== 0) throw new Error(`init failed: ${stderr}`);
  return home;
}

/** A folder that is there and empty. */
export function emptyFolder(): string {
  const folder = join(temporaryFolder(), 'empty');
  mkdirSync(folder, { mode: 0o700 });
  return folder;
}

class CollectedOutput implements OutputStream {
  readonly columns: number | null;
  readonly #chunks: Buffer[] = [];

  readonly #onWrite: (bytes: number) => void;

  constructor(columns: number | null, onWrite: (bytes: number) => void = () => undefined) {
    this.columns = columns;
    this.#onWrite = onWrite;
  }

  get isTTY(): boolean {
    return this.columns !== null;
  }

  get text(): string {
    return this.bytes.toString('utf8');
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  write(data: string | Uint8Array): Promise<void> {
    const chunk = Buffer.from(data as string);
    this.#chunks.push(chunk);
    this.#onWrite(chunk.length);
    return Promise.resolve();
  }
}

class ScriptedPrompter implements Prompter {
  onSurprise: (what: string) => never = (what) => {
    throw new Error(what);
  };
  readonly #answers: Answer[];

  constructor(answers: readonly Answer[]) {
    this.#answers = [...answers];
  }

  checkAllAsked(): void {
    const [left] = this.#answers;
    if (left !== undefined) throw new Error(`Nobody asked: ${left.to}`);
  }

  ask: Prompter['ask'] = (question, options = {}) => {
    const answer = String(this.#next(question));
    const text = answer === '' ? (options.initial ?? '') : answer;
    const wrong = options.check?.(text) ?? null;
    return wrong === null ? Promise.resolve(text) : Promise.reject(new Error(wrong));
  };

  askSecret: Prompter['askSecret'] = (question) => Promise.resolve(String(this.#next(question)));

  confirm: Prompter['confirm'] = (question) => Promise.resolve(this.#next(question) === true);

  choose: Prompter['choose'] = (question, choices) => {
    const answer = String(this.#next(question));
    if (!choices.includes(answer)) this.onSurprise(`${answer} is not among ${choices.join(', ')}`);
    return Promise.resolve(answer);
  };

  #next(question: string): string | boolean {
    const next = this.#answers.shift();
    if (next === undefined || !question.includes(next.to)) {
      return this.onSurprise(`An unexpected prompt: ${question}`);
    }
    if (next.answer === CTRL_C) throw new Interrupted('SIGINT');
    return next.answer;
  }
}
