/**
 * What `captures diff` finds on a real server: `node bench/diff.ts [pairs] [seconds]`, on another server
 * `npm run on:server -- mysql-9.7 node bench/diff.ts`. Build first: npm run build.
 *
 * An application whose requests come by chance, at an average rate each, and beside it sysbench, which sends as
 * fast as the server answers. Of 20 pairs of equal load nothing may be found. Of 20 pairs where one statement is
 * 20 % more frequent in B, one 20 % less, one new and one gone, these four have to be found and nothing else.
 * Prints a line a pair, and the number of both kinds of mistakes at the end; exits 1 if there is one.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPool, type Pool } from 'mysql2';
import type { Comparison } from '../src/core/reports/report-comparison.ts';
import { startServer, type DatabaseServer } from '../test/support/database-server.ts';
import { BIN, endProcess, processesWith, run } from '../test/support/processes.ts';

const [pairs = 20, seconds = 15] = process.argv.slice(2).map(Number);
const SYSBENCH = ['--mysql-user=root', '--mysql-db=sb', '--tables=2', '--table-size=2000'];
const TICK_MS = 10;

/** Requests/s of the application, by the word that their statement has. */
type Rates = Readonly<Record<string, number>>;
const USUAL: Rates = {
  alpha: 250,
  beta: 250,
  gamma: 60,
  delta: 30,
  epsilon: 10,
  zeta: 3,
  eta: 1,
  old: 5,
};
const CHANGED: Rates = { ...USUAL, alpha: 300, beta: 200, old: 0, young: 5 };
const EXPECTED = ['fewer beta', 'gone old', 'more alpha', 'new young'];

/** Sends requests at random times, as many users do: what is due in each tick is Poisson's. */
class Application {
  readonly #pool: Pool;
  readonly #timer: NodeJS.Timeout;
  #last = performance.now();

  constructor(socketPath: string, rates: Rates) {
    this.#pool = createPool({ socketPath, user: 'root', database: 'sb', connectionLimit: 4 });
    this.#timer = setInterval(() => {
      const now = performance.now();
      const passed = (now - this.#last) / 1_000;
      this.#last = now;
      for (const [word, rate] of Object.entries(rates)) this.#send(word, rate * passed);
    }, TICK_MS);
  }

  #send(word: string, mean: number): void {
    let product = Math.random();
    for (const limit = Math.exp(-mean); product > limit; product *= Math.random()) {
      const id = 1 + Math.floor(2_000 * Math.random());
      this.#pool.query(`SELECT k AS ${word} FROM sbtest1 WHERE id = ${id}`, () => undefined);
    }
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await new Promise<void>((resolve) => {
      this.#pool.end(() => {
        resolve();
      });
    });
  }
}

function sysbench(server: DatabaseServer): ChildProcess {
  return spawn(
    'sysbench',
    [
      'oltp_read_write',
      `--mysql-socket=${server.socket}`,
      ...SYSBENCH,
      '--threads=2',
      '--time=3600',
      'run',
    ],
    { stdio: 'ignore' },
  );
}

function found(comparison: Comparison): string[] {
  return (['new', 'gone', 'more', 'fewer'] as const).flatMap((kind) =>
    comparison[kind]
      .filter(({ mayBeChance }) => !mayBeChance)
      .map(({ text }) => `${kind} ${/`?k`? AS `?(\w+)/.exec(text ?? '')?.[1] ?? text ?? ''}`),
  );
}

const server = await startServer();
const home = mkdtempSync(join(tmpdir(), 'captures-diff-'));
let mistakes = 0;
try {
  const admin = await server.admin();
  await admin.query('CREATE DATABASE sb');
  await admin.end();
  execFileSync('sysbench', [
    'oltp_read_write',
    `--mysql-socket=${server.socket}`,
    ...SYSBENCH,
    'prepare',
  ]);
  const program = async (...args: string[]): Promise<string> => {
    const { status, stdout, stderr } = await run(process.execPath, [BIN, ...args], {
      env: { CAPTURES_HOME: home, CI: '1', PASSWORD: '' },
    });
    if (status !== 0) throw new Error(`captures ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  const [userFile, passwordFile] = [join(home, 'user'), join(home, 'password')];
  writeFileSync(userFile, 'correct horse', { mode: 0o600 });
  writeFileSync(passwordFile, '', { mode: 0o600 });
  await program('init', '--user', 'ada', '--password-file', userFile);
  const url = `mysql://root@127.0.0.1:${server.port}`;
  await program('env', 'create', 'e', '--url', url, '--password-from', `file:${passwordFile}`);

  const capture = async (name: string, rates: Rates): Promise<void> => {
    const load = sysbench(server);
    const application = new Application(server.socket, rates);
    await program('create', name, '--env', 'e', '--', 'sleep', String(seconds));
    await application.stop();
    load.kill();
  };
  const compare = async (a: string, b: string, expected: readonly string[]): Promise<void> => {
    const comparison = JSON.parse(await program('diff', a, b, '--json')) as Comparison;
    const what = found(comparison).sort();
    const isRight = JSON.stringify(what) === JSON.stringify(expected);
    if (!isRight) mistakes += 1;
    const { change, common, a: first, b: second } = comparison;
    const rates = `${first.perSecond.toFixed(0)}/s, ${second.perSecond.toFixed(0)}/s (x${(change ?? 0).toFixed(2)}, common x${common.factor.toFixed(2)})`;
    console.log(
      `${isRight ? 'right' : 'WRONG'}  ${a} ${b}  ${rates}  ${what.join(', ') || 'nothing'}`,
    );
  };
  await capture('equal-0', USUAL);
  for (let pair = 1; pair <= pairs; pair += 1) {
    await capture(`equal-${pair}`, USUAL);
    await compare(`equal-${pair - 1}`, `equal-${pair}`, []);
    await capture(`changed-${pair}`, CHANGED);
    await compare(`equal-${pair}`, `changed-${pair}`, EXPECTED);
  }
  console.log(
    `${server.family} ${server.version}: ${2 * pairs} pairs of ${seconds} s, ${mistakes} wrong`,
  );
} finally {
  for (const { pid } of processesWith('CAPTURES_HOME', home)) await endProcess(pid);
  await server.stop();
  rmSync(home, { recursive: true, force: true });
}
process.exitCode = mistakes === 0 ? 0 : 1;
