/**
 * What list and get cost in large stores, as whole processes: `node bench/list.ts [rounds] [large]`.
 * Makes two stores by itself, of 10,000 captures and of 1,000,000 (or `large`), in one SQL statement
 * each. Each round runs every command once, in turns, so that what else the machine does hits all
 * alike. Prints medians and ratios of the same run. Build first: npm run build.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import Database from 'better-sqlite3';

const ROUNDS = Number(process.argv[2] ?? 31);
const SMALL = 10_000;
const LARGE = Number(process.argv[3] ?? 1_000_000);
const ENVIRONMENTS = 20;
const BIN = resolve(import.meta.dirname, '../bin/captures.js');

/** Says on stderr how much memory a process took at most, in KiB. */
const PEAK =
  "data:text/javascript,process.on('exit',()=>process.stderr.write(String(process.resourceUsage().maxRSS)))";

interface Measured {
  readonly name: string;
  readonly args: readonly string[];
  readonly home: string;
  readonly times: number[];
  /** The most it may cost, as a multiple of another one. */
  readonly budget: { readonly ratio: number; readonly of: string } | null;
}

const folder = mkdtempSync(join(tmpdir(), 'captures-bench-'));
try {
  const small = makeStore('small', SMALL);
  const large = makeStore('large', LARGE);
  const measured = commands(small, large);
  for (let round = 0; round < ROUNDS + 1; round += 1) {
    for (let turn = 0; turn < measured.length; turn += 1) {
      const command = measured[(turn + round) % measured.length];
      if (command === undefined) continue;
      const time = runOnce(command.args, command.home);
      // The first round fills the compile cache and the page cache.
      if (round > 0) command.times.push(time);
    }
  }
  report(measured);
  reportAll(large);
} finally {
  rmSync(folder, { recursive: true });
}

function commands(small: string, large: string): Measured[] {
  const command = (
    name: string,
    args: readonly string[],
    home: string,
    budget: Measured['budget'] = null,
  ): Measured => ({ name, args, home, times: [], budget });
  const bare = 'node -e 0';
  const inSmall = (what: string): string => `${what} (of ${SMALL})`;
  const inLarge = (what: string): string => `${what} (of ${LARGE})`;
  const both = (what: string, ...argv: string[]): Measured[] => [
    command(inSmall(what), [BIN, ...argv], small, { ratio: 2, of: bare }),
    command(inLarge(what), [BIN, ...argv], large, { ratio: 1.2, of: inSmall(what) }),
  ];
  return [
    command(bare, ['-e', '0'], small),
    command('--version', [BIN, '--version'], small, { ratio: 1.5, of: bare }),
    ...both('list', 'list'),
    ...both('list --env', 'list', '--env', 'environment 7'),
    ...both('list --type replay', 'list', '--type', 'replay'),
    ...both('list --sort name', 'list', '--sort', 'name'),
    ...both('list --sort start', 'list', '--sort', 'start'),
    ...both('get ID', 'get', '5000'),
    ...both('get NAME', 'get', 'environment 1/capture 5000'),
    ...both('list --sort end', 'list', '--sort', 'end'),
    command(inLarge('list --name'), [BIN, 'list', '--name', '*77777*'], large),
  ];
}

/** A store whose user is an admin of every environment, with captures of windows that are over; one in a hundred is a replay. */
function makeStore(name: string, captures: number): string {
  const home = join(folder, name);
  const password = join(folder, 'password');
  writeFileSync(password, 'a long password', { mode: 0o600 });
  runOnce([BIN, 'init', '--user', 'ada', '--password-file', password], home);
  for (let n = 0; n < ENVIRONMENTS; n += 1) {
    runOnce([BIN, 'env', 'create', `environment ${n}`], home);
  }
  const began = performance.now();
  const db = new Database(join(home, 'captures.db'));
  db.prepare(
    `WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < @captures)
     INSERT INTO captures (name, name_key, environment_id, owner_id, type, status, start_at, end_at,
       duration_ms, records_statements, created_at)
     SELECT 'capture ' || n, 'capture ' || n, (n + 1) % @environments + 1, 1,
       iif(n % 100 = 1, 'REPLAY', 'CAPTURE'), 'DONE',
       @now - (@captures - n) * 60000, @now - (@captures - n) * 60000 + 3600000, 3600000, 0,
       @now - (@captures - n) * 60000
     FROM numbers`,
  ).run({ captures, environments: ENVIRONMENTS, now: Date.now() });
  db.close();
  const seconds = ((performance.now() - began) / 1_000).toFixed(1);
  const size = (statSync(join(home, 'captures.db')).size / 2 ** 20).toFixed(0);
  console.log(`a store of ${captures} captures: ${size} MiB, made in ${seconds} s`);
  return home;
}

function runOnce(args: readonly string[], home: string): number {
  const env = { ...process.env, CAPTURES_HOME: home };
  const start = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, { env, maxBuffer: 2 ** 30 });
  const time = performance.now() - start;
  if (status !== 0) throw new Error(`${args.join(' ')} exited with ${status}: ${String(stderr)}`);
  return time;
}

function report(measured: readonly Measured[]): void {
  const medians = new Map(measured.map(({ name, times }) => [name, median(times)]));
  const bare = medians.get('node -e 0') ?? NaN;
  console.log(`whole processes, ${ROUNDS} rounds in turns, node ${process.version}`);
  console.log(`${''.padEnd(34)}  median     min     max   × bare  budget`);
  for (const { name, times, budget } of measured) {
    const ms = (n: number): string => `${n.toFixed(0)} ms`.padStart(7);
    const ratio = median(times) / bare;
    const verdict =
      budget === null
        ? ''
        : verdictOf(median(times) / (medians.get(budget.of) ?? NaN), budget.ratio, budget.of);
    console.log(
      `${name.padEnd(34)} ${ms(median(times))} ${ms(Math.min(...times))} ${ms(Math.max(...times))}   ${ratio.toFixed(2).padStart(6)}  ${verdict}`,
    );
  }
}

function verdictOf(ratio: number, most: number, of: string): string {
  return `${ratio.toFixed(2)} of ${most} × ${of}${ratio <= most ? '' : ' MISSED'}`;
}

/** Once, because it takes seconds: every capture, streamed, and the memory that took. */
function reportAll(home: string): void {
  for (const mode of ['tsv', 'json']) {
    const start = performance.now();
    const line = `'${process.execPath}' --import "${PEAK}" '${BIN}' list --all -o ${mode} | wc -c`;
    const { stdout, stderr } = spawnSync('bash', ['-o', 'pipefail', '-c', line], {
      env: { ...process.env, CAPTURES_HOME: home },
    });
    const seconds = (performance.now() - start) / 1_000;
    const size = (Number(String(stdout)) / 2 ** 20).toFixed(0);
    const rate = (LARGE / seconds / 1_000).toFixed(0);
    const peak = (Number(String(stderr)) / 1_024).toFixed(0);
    console.log(
      `list --all -o ${mode} (of ${LARGE}): ${seconds.toFixed(1)} s, ${size} MiB, ${rate}k rows/s, peak memory ${peak} MiB`,
    );
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[sorted.length >> 1] ?? NaN;
}
