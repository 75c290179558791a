/**
 * What starting the program costs, as whole processes: `node bench/startup.ts [rounds] [captures]`.
 * Each round runs every command once, in turns, so that what else the machine does hits all alike.
 * Prints medians and their ratio to `node -e 0` of the same run. Build first: npm run build.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { UNLIMITED } from '../src/core/access.ts';
import { CaptureRules } from '../src/core/captures/capture-rules.ts';
import { systemClock } from '../src/core/clock.ts';
import { openStore } from '../src/store/sqlite-store.ts';

const ROUNDS = Number(process.argv[2] ?? 41);
const CAPTURES = Number(process.argv[3] ?? 10_000);
const BIN = resolve(import.meta.dirname, '../bin/captures.js');
const BARE = 'node -e 0';

/** Command lines of node, and the most that each may cost as a multiple of bare node. */
const COMMANDS: readonly { name: string; args: readonly string[]; budget: number | null }[] = [
  { name: BARE, args: ['-e', '0'], budget: null },
  { name: 'captures --version', args: [BIN, '--version'], budget: 1.5 },
  { name: 'captures --help', args: [BIN, '--help'], budget: 1.5 },
  { name: `captures list (of ${CAPTURES})`, args: [BIN, 'list'], budget: 2 },
  { name: 'captures list --json --all', args: [BIN, 'list', '--json', '--all'], budget: null },
];

const folder = mkdtempSync(join(tmpdir(), 'captures-bench-'));
const env = { ...process.env, CAPTURES_HOME: join(folder, 'home') };
try {
  fillStore();
  const times = new Map(COMMANDS.map(({ name }) => [name, [] as number[]]));
  for (let round = 0; round < ROUNDS + 1; round++) {
    for (let turn = 0; turn < COMMANDS.length; turn++) {
      const command = COMMANDS[(turn + round) % COMMANDS.length];
      if (command === undefined) continue;
      const time = runOnce(command.args);
      // The first round fills the compile cache and the page cache.
      if (round > 0) times.get(command.name)?.push(time);
    }
  }
  report(times);
} finally {
  rmSync(folder, { recursive: true });
}

/** A store with one user, logged in, and many captures of windows that are over. */
function fillStore(): void {
  const password = join(folder, 'password');
  writeFileSync(password, 'a long password', { mode: 0o600 });
  runOnce([BIN, 'init', '--user', 'ada', '--password-file', password]);
  const shop = ['--region', 'eu-central-1', '--instance', 'shop'];
  runOnce([BIN, 'env', 'create', 'shop', ...shop]);
  const store = openStore(env.CAPTURES_HOME);
  try {
    const user = store.users.findByName('ada');
    if (user === null) throw new Error('captures init made no user');
    const actor = { userId: user.id, userName: user.name, isStoreAdmin: true, scope: UNLIMITED };
    const captures = new CaptureRules(store, systemClock);
    const now = systemClock.now();
    store.transaction(() => {
      for (let n = 0; n < CAPTURES; n++) {
        captures.create(actor, {
          name: `capture ${n}.`,
          environment: 'shop',
          status: null,
          start: now - (n + 2) * 3_600_000,
          scheduledStart: null,
          duration: 3_600_000,
        });
      }
    });
  } finally {
    store.close();
  }
}

function runOnce(args: readonly string[]): number {
  const start = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, { env, maxBuffer: 2 ** 30 });
  const time = performance.now() - start;
  if (status !== 0) throw new Error(`${args.join(' ')} exited with ${status}: ${String(stderr)}`);
  return time;
}

function report(times: ReadonlyMap<string, readonly number[]>): void {
  const bare = median(times.get(BARE) ?? []);
  console.log(`whole processes, ${ROUNDS} rounds in turns, node ${process.version}`);
  console.log(`${''.padEnd(32)}  median     min     max   × bare  budget`);
  for (const { name, budget } of COMMANDS) {
    const all = times.get(name) ?? [];
    const ms = (n: number): string => `${n.toFixed(0)} ms`.padStart(7);
    const ratio = median(all) / bare;
    const verdict = budget === null ? '' : `${budget}${ratio <= budget ? '' : ' MISSED'}`;
    console.log(
      `${name.padEnd(32)} ${ms(median(all))} ${ms(Math.min(...all))} ${ms(Math.max(...all))}   ${ratio.toFixed(2).padStart(6)}  ${verdict}`,
    );
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[sorted.length >> 1] ?? NaN;
}
