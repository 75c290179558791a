/**
 * Whether `captures diff` finds replays on one server equal, and a digest that is slower: `node bench/replay-diff.ts
 * [pairs] [speed]`, on a MariaDB of its own, server and client on the same cores. Build first: npm run build.
 * Replays one record again and again and compares each replay with the one before; then makes a table that one
 * digest scans 1.6 times as long, and compares each replay from then on with one from before.
 */
import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { UNLIMITED } from '../src/core/access.ts';
import { systemClock } from '../src/core/clock.ts';
import type { ReplayComparison } from '../src/core/reports/replay-comparison.ts';
import type { LoggedStatement, StatementKind } from '../src/core/workloads/statements.ts';
import { NO_WINDOW, type RecordingFacts } from '../src/core/workloads/workload.ts';
import { startServer } from '../test/support/database-server.ts';
import { RecordedCapture } from '../test/support/recorded-capture.ts';
import { SERVER, TestStore } from '../test/support/stores.ts';
import { addUser } from '../test/support/users.ts';

const PAIRS = Number(process.argv[2] ?? 20);
const SPEED = process.argv[3] ?? '2';
const SESSIONS = 8;
const STATEMENTS = 6_000;
const PER_SECOND = 300;
const ROWS = 3_000;
const BIN = resolve(import.meta.dirname, '../bin/captures.js');
const START = Date.UTC(2026, 10, 30, 10);
const FACTS: RecordingFacts = {
  ...NO_WINDOW,
  server: { flavor: 'mariadb', version: '10.11', uuid: null, hostname: 'elsewhere', port: 1 },
  settingsBefore: {},
  gaps: [],
  warnings: [],
  endReason: null,
};
/** The first half is of the fast ones; `scanned` is the table that grows. */
const WORK: readonly ((n: number) => string)[] = [
  (n) => `SELECT note FROM items WHERE id = ${n}`,
  (n) => `SELECT note FROM items WHERE id = ${n}`,
  (n) => `SELECT note FROM items WHERE id = ${n}`,
  (n) => `SELECT COUNT(*) FROM items WHERE id BETWEEN ${n} AND ${n + 200}`,
  (n) => `SELECT id, n FROM items WHERE n = ${n % 50} ORDER BY id LIMIT 5`,
  (n) => `SELECT COUNT(*) FROM scanned WHERE note LIKE '%${n}x%'`,
  (n) => `SELECT n, COUNT(*) FROM items WHERE id > ${n} GROUP BY n`,
  (n) => `SELECT a.id FROM items a JOIN items b ON b.id = a.n + 1 WHERE a.id < ${n % 300} LIMIT 50`,
  (n) => `SELECT MAX(MD5(note)) FROM items WHERE id % 7 = ${n % 7}`,
  (n) => `SELECT ${n} + 1`,
];

const test = new TestStore(systemClock);
const home = test.store.directory;
const env = { ...process.env, CAPTURES_HOME: home, ...addUser(home, 'ada') };
const ada = {
  userId: test.store.users.findByName('ada')?.id ?? 0,
  userName: 'ada',
  isStoreAdmin: false,
  scope: UNLIMITED,
};
const server = await startServer();
try {
  const admin = await server.admin();
  await admin.query("CREATE USER bench@'127.0.0.1'");
  await admin.query("GRANT ALL ON *.* TO bench@'127.0.0.1'");
  await admin.query('CREATE DATABASE shop');
  await admin.query('USE shop');
  for (const table of ['items', 'scanned']) {
    await admin.query(`CREATE TABLE shop.${table} (id INT PRIMARY KEY, n INT, note VARCHAR(80))`);
  }
  const fill = (table: string, from: number, to: number) =>
    admin.query(
      `INSERT INTO shop.${table} SELECT seq, seq % 50, REPEAT(MD5(seq), 2) FROM seq_${from}_to_${to}`,
    );
  await fill('items', 1, ROWS);
  await fill('scanned', 1, ROWS);
  const address = { ...SERVER, port: server.port, user: 'bench', passwordFrom: null };
  test.environment({ admin: [ada] }, { name: 'target', server: address });
  await record();
  // Behind it caches are warm.
  replay('first');
  replay('old0');
  let equal = 0;
  for (let pair = 1; pair <= PAIRS; pair++) {
    replay(`old${pair}`);
    const found = compared(`old${pair - 1}`, `old${pair}`);
    if (isEqual(found)) equal++;
    show(`equal ${pair}`, found);
  }
  await fill('scanned', ROWS + 1, Math.round(ROWS * 1.6));
  let right = 0;
  for (let pair = 1; pair <= PAIRS; pair++) {
    replay(`new${pair}`);
    const found = compared(`old${pair}`, `new${pair}`);
    const [first, ...more] = found.slower;
    const isOne = more.length === 0 && first?.text.includes('scanned') === true;
    if (isOne && found.faster.length === 0 && found.common?.isChange !== true) right++;
    show(`slower ${pair}`, found);
  }
  await admin.end();
  console.log(`${equal} of ${PAIRS} pairs on one server are equal`);
  console.log(`${right} of ${PAIRS} found the digest with more to scan, and nothing else`);
} finally {
  await server.stop();
  test.store.close();
  rmSync(home, { recursive: true, force: true });
}

async function record(): Promise<void> {
  const capture = new RecordedCapture(test, ada, 'work');
  capture.become('RUNNING');
  const all: LoggedStatement[] = [];
  const add = (session: number, kind: StatementKind, sql: string): void => {
    const micros = Math.floor((all.length * 1_000_000) / PER_SECOND);
    const time = new Date(START + Math.floor(micros / 1_000)).toISOString().slice(0, -1);
    all.push({
      time: `${time}${String(micros % 1_000).padStart(3, '0')}Z`,
      session: 100 + session,
      user: 'app',
      host: 'elsewhere',
      db: 'shop',
      kind,
      sql,
      bytes: null,
      flags: [],
    });
  };
  for (let session = 0; session < SESSIONS; session++) {
    add(session, 'connect', 'app@elsewhere on shop using TCP/IP');
  }
  for (let index = 0; index < STATEMENTS; index++) {
    const work = WORK[(index * 7) % WORK.length];
    add((index * 7_919) % SESSIONS, 'query', work?.(1 + ((index * 31) % ROWS)) ?? '');
  }
  for (let session = 0; session < SESSIONS; session++) add(session, 'quit', '');
  await capture.record(all);
  await capture.close();
  capture.become('DONE');
  test.store.recordings.saveFacts(capture.id, JSON.stringify(FACTS));
}

function replay(name: string): void {
  const args = ['replay', 'work', '--to', 'target', '--name', name, '--speed', SPEED];
  writeFileSync(join(home, `${name}.json`), run([...args, '--yes', '--json']));
}

function compared(a: string, b: string): ReplayComparison {
  const files = [a, b].map((name) => join(home, `${name}.json`));
  return JSON.parse(run(['diff', ...files, '--json'])) as ReplayComparison;
}

function run(args: readonly string[]): string {
  const { stdout, stderr, status } = spawnSync(process.execPath, [BIN, ...args], {
    env,
    encoding: 'utf8',
    maxBuffer: 1e9,
  });
  if (status !== 0) throw new Error(`captures ${args.join(' ')}: ${status}: ${stderr}`);
  return stdout;
}

function isEqual(found: ReplayComparison): boolean {
  const { slower, faster, newErrors, goneErrors, otherRows, common } = found;
  const rows = [slower, faster, newErrors, goneErrors, otherRows];
  return rows.every(({ length }) => length === 0) && common?.isChange !== true;
}

function show(what: string, found: ReplayComparison): void {
  const { slower, faster, common, change, unjudged, cautions, newErrors, otherRows } = found;
  const rows = [
    ...slower.map((row) => ['slower', row] as const),
    ...faster.map((row) => ['faster', row] as const),
  ];
  const list = rows.map(
    ([kind, { text, change: by }]) => `${kind} x${by.toFixed(2)} ${text.slice(0, 40)}`,
  );
  const scanned = [...slower, ...faster, ...found.unchangedRows].find(({ text }) =>
    text.includes('scanned'),
  );
  const [low = 0, high = 0] = scanned?.interval ?? [];
  console.log(
    `${what}: scanned x${low.toFixed(2)} to x${high.toFixed(2)}; all x${change?.toFixed(2) ?? '-'}, common x${common?.factor.toFixed(2) ?? '-'}; ${list.join('; ') || 'nothing'}; ${newErrors.length} errors, ${otherRows.length} rows, ${unjudged.rows} unjudged; ${cautions.join('; ')}`,
  );
}
