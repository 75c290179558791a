/**
 * What searching a workload costs, as whole processes: `node bench/search.ts [statements] [rounds]`.
 * Records so many sysbench-like statements into a store of its own, then runs each search in turns with
 * `zstdcat | grep -c` of the same text on the same files and with the unfiltered `workload`. Prints medians
 * by the clock and of CPU, and ratios of the same run: on a busy machine CPU says more. Output goes to
 * /dev/null. Needs bash and zstdcat. Build first: npm run build.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { UNLIMITED } from '../src/core/access.ts';
import { systemClock } from '../src/core/clock.ts';
import { digestId, digestText } from '../src/sql/digest.ts';
import { RecordedCapture } from '../test/support/recorded-capture.ts';
import { TestStore } from '../test/support/stores.ts';
import { addUser } from '../test/support/users.ts';
import { aSysbenchStatement } from './sysbench-statements.ts';

const COUNT = Number(process.argv[2] ?? 2_000_000);
const ROUNDS = Number(process.argv[3] ?? 5);
const BATCH = 25_000;
const BIN = resolve(import.meta.dirname, '../bin/captures.js');
/** Every search has to reach this. */
const BUDGET = 300_000;

/** In one of a million statements; in every other one, in other capitals. */
const RARE = 'id=777777';
const COMMON = 'update sbtest';

const POOL = Array.from({ length: 50_000 }, (_, i) => aSysbenchStatement(i));
const digest = digestId(digestText(POOL[0]?.sql ?? ''));

const test = new TestStore(systemClock);
const home = test.store.directory;
const env = { ...process.env, CAPTURES_HOME: home, ...addUser(home, 'ada') };
try {
  const folder = await record();
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.zst'))
    .sort()
    .map((name) => join(folder, name))
    .join(' ');
  const captures = (...args: string[]): Run => ({
    command: BIN,
    args: ['workload', 'friday', ...args],
  });
  const grep = (...args: string[]): Run => ({
    command: 'sh',
    args: ['-c', `zstdcat ${files} | LC_ALL=C grep "$@"`, 'sh', ...args],
  });
  const runs: Record<string, Run> = {
    [`zstdcat | grep -F ${RARE}`]: grep('-F', RARE),
    [`zstdcat | grep -iF "${COMMON}"`]: grep('-iF', COMMON),
    'workload, all of it': captures(),
    [`--grep ${RARE}`]: captures('--grep', RARE, '--case-sensitive'),
    [`--grep ${RARE}, any case`]: captures('--grep', RARE),
    [`--grep "${COMMON}", any case: a quarter`]: captures('--grep', COMMON),
    '--user, none': captures('--user', 'nobody'),
    '--user, all of them': captures('--user', 'a*'),
    '--session, one of 16': captures('--session', '103'),
    '--since and --until, none': captures('--since', '2030-01-01', '--until', '2030-01-02'),
    '--kind execute: half': captures('--kind', 'execute'),
    '--table sbtest4: a tenth': captures('--table', 'sbtest4'),
    '--digest: a fortieth': captures('--digest', digest),
    '--user and --grep, csv': captures('--user', 'app', '--grep', RARE, '-o', 'csv'),
  };
  const costs = new Map<string, Cost[]>();
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const [name, run] of Object.entries(runs)) {
      const cost = runOnce(run);
      // The first round fills the compile cache and the page cache.
      if (round > 0) costs.set(name, [...(costs.get(name) ?? []), cost]);
    }
  }
  report(costs);
} finally {
  test.store.close();
  rmSync(home, { recursive: true, force: true });
}

interface Run {
  readonly command: string;
  readonly args: readonly string[];
}

async function record(): Promise<string> {
  const user = test.store.users.findByName('ada');
  const actor = { userId: user?.id ?? 0, userName: 'ada', isStoreAdmin: false, scope: UNLIMITED };
  const capture = new RecordedCapture(test, actor);
  capture.become('RUNNING');
  for (let done = 0; done < COUNT; done += BATCH) {
    const from = done % POOL.length;
    await capture.record(POOL.slice(from, from + Math.min(BATCH, COUNT - done)));
  }
  await capture.close();
  capture.become('DONE');
  return capture.folder;
}

/** What the processes of a command took: by the clock, and of the CPUs, in seconds. */
interface Cost {
  readonly wall: number;
  readonly cpu: number;
}

function runOnce({ command, args }: Run): Cost {
  const timed = 'TIMEFORMAT="%R %U %S"; time { "$@" > /dev/null; }';
  const { stderr } = spawnSync('bash', ['-c', timed, 'bash', command, ...args], {
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const lines = stderr.trim().split('\n');
  const [wall = NaN, user = NaN, system = NaN] = (lines.pop() ?? '').split(' ').map(Number);
  if (lines.some((line) => line.startsWith('captures: '))) throw new Error(lines.join('\n'));
  return { wall, cpu: user + system };
}

function report(costs: ReadonlyMap<string, readonly Cost[]>): void {
  const median = (values: readonly number[]): number =>
    values.toSorted((one, other) => one - other)[values.length >> 1] ?? 0;
  const medians = Array.from(costs, ([name, all]): [string, Cost] => [
    name,
    { wall: median(all.map(({ wall }) => wall)), cpu: median(all.map(({ cpu }) => cpu)) },
  ]);
  const [, grep = { wall: 1, cpu: 1 }] = medians[0] ?? [];
  console.log(
    `${COUNT.toLocaleString('en')} records, medians of ${ROUNDS}; ratios are of ${medians[0]?.[0]}`,
  );
  const columns = ['s', 'CPU s', 'records/s', 'records/CPU s', 's ratio', 'CPU ratio'];
  console.log(' '.repeat(44) + columns.map((one) => one.padStart(14)).join(''));
  for (const [name, { wall, cpu }] of medians) {
    const cells = [
      wall.toFixed(2),
      cpu.toFixed(2),
      Math.round(COUNT / wall).toLocaleString('en'),
      Math.round(COUNT / cpu).toLocaleString('en'),
      (wall / grep.wall).toFixed(2),
      (cpu / grep.cpu).toFixed(2),
    ];
    const verdict = COUNT / wall < BUDGET ? '  under the budget' : '';
    console.log(name.padEnd(44) + cells.map((cell) => cell.padStart(14)).join('') + verdict);
  }
}
