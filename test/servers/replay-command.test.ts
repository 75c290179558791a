import type { Connection, RowDataPacket } from 'mysql2/promise';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { StallingProxy } from '../../bench/stalling-proxy.ts';
import { SignalDesk } from '../../src/cli/runtime/signals.ts';
import { UNLIMITED, type Actor } from '../../src/core/access.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { Environment, ServerAddress } from '../../src/core/environments/environment.ts';
import type { ReplayPlan, ReplayResult, StoredReplay } from '../../src/core/replays/replay.ts';
import type { LoggedStatement } from '../../src/core/workloads/statements.ts';
import { runCaptures, type CliOptions, type CliResult } from '../support/cli.ts';
import { startServer, type DatabaseServer } from '../support/database-server.ts';
import { recordedCapture } from '../support/recorded-captures.ts';
import { SERVER, temporaryFolder, TestStore } from '../support/stores.ts';
import { addUser } from '../support/users.ts';
import { waitUntil } from '../support/waiting.ts';
import { stamp } from '../workload/recorded.ts';

let server: DatabaseServer;
let admin: Connection;
let test: TestStore;
let home: string;
let ada: { CAPTURES_TOKEN: string };
let actor: Actor;
let shop: Environment;

beforeAll(async () => {
  // Passwords are read from the process's own environment.
  process.env['CAPTURES_TEST_REPLAY'] = 'pw';
  process.env['CAPTURES_TEST_OTHER'] = 'pw2';
  server = await startServer();
  admin = await server.admin();
  await admin.query('CREATE DATABASE shop');
  await admin.query('CREATE DATABASE shop_test');
  await admin.query("CREATE USER app@'%' IDENTIFIED BY 'pw'");
  await admin.query("GRANT ALL ON *.* TO app@'%'");
  await admin.query("CREATE USER other@'%' IDENTIFIED BY 'pw2'");
  await admin.query("GRANT ALL ON *.* TO other@'%'");
  for (const db of ['shop', 'shop_test']) {
    await admin.query(`CREATE TABLE ${db}.orders (id INT PRIMARY KEY, n INT) ENGINE=InnoDB`);
  }
  await admin.query('SET GLOBAL log_bin_trust_function_creators = 1').catch(() => undefined);
  await admin.query(
    'CREATE FUNCTION shop.writes() RETURNS INT MODIFIES SQL DATA BEGIN DELETE FROM shop.orders; RETURN 1; END',
  );
});
afterAll(async () => {
  await admin.end();
  await server.stop();
});

beforeEach(async () => {
  test = new TestStore(systemClock);
  home = test.store.directory;
  ada = addUser(home, 'ada', { isAdmin: true });
  const userId = test.store.users.findByName('ada')?.id ?? 0;
  actor = { userId, userName: 'ada', isStoreAdmin: true, scope: UNLIMITED };
  shop = test.environment({ admin: [actor] }, { server: SERVER, name: 'shop' });
  test.environment({ admin: [actor] }, { server: target(), name: 'copy' });
  for (const db of ['shop', 'shop_test']) {
    await admin.query(`TRUNCATE ${db}.orders`);
    await admin.query(`INSERT INTO ${db}.orders VALUES (1, 10), (2, 20), (3, 30)`);
  }
});
afterEach(() => test.store.close());

function target(): ServerAddress {
  return { ...SERVER, user: 'app', port: server.port, passwordFrom: 'env:CAPTURES_TEST_REPLAY' };
}

function run(argv: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const env = { ...ada, LANG: 'C.UTF-8', NO_COLOR: '1' };
  return runCaptures(argv, { home, ...options, env });
}

interface Printed {
  readonly id: number;
  readonly status: string;
  readonly result: ReplayResult;
}

async function replayed(...argv: string[]): Promise<Printed> {
  const { status, stdout, stderr } = await run([
    'replay',
    'friday',
    '--to',
    'copy',
    '--json',
    ...argv,
  ]);
  expect([status, stderr]).toEqual([0, '']);
  return JSON.parse(stdout) as Printed;
}

/** One session that connects, sends these, a statement each so many milliseconds, and quits. */
function sessionOf(
  texts: readonly string[],
  { step = 1, session = 10, db = 'shop' }: { step?: number; session?: number; db?: string } = {},
): LoggedStatement[] {
  const one = { session, user: 'app', host: 'web1', db, bytes: null, flags: [] } as const;
  const last = texts.length + 1;
  return [
    { ...one, time: stamp(0), kind: 'connect', sql: '' },
    ...texts.map((sql, index): LoggedStatement => ({
      ...one,
      time: stamp((index + 1) * step),
      kind: 'query',
      sql,
    })),
    { ...one, time: stamp(last * step), kind: 'quit', sql: '' },
  ];
}

async function record(
  texts: readonly string[],
  how: Parameters<typeof sessionOf>[1] = {},
): Promise<void> {
  const statements = sessionOf(texts, how);
  await recordedCapture(test, actor, shop, {
    name: 'friday',
    statements,
    length: (texts.length + 2) * (how.step ?? 1),
  });
}

async function ordersOf(db = 'shop'): Promise<unknown[]> {
  const [rows] = await admin.query<RowDataPacket[]>(`SELECT id, n FROM ${db}.orders ORDER BY id`);
  return rows.map((row): unknown => [row['id'], row['n']]);
}

/** Connections of a user, that do something like this. */
async function connectionsOf(user: string, doing: string | null = null): Promise<number> {
  const [rows] = await admin.query<RowDataPacket[]>(
    `SELECT COUNT(*) AS n FROM information_schema.processlist
     WHERE user = ? AND (? IS NULL OR info LIKE ?)`,
    [user, doing, doing],
  );
  return Number(rows[0]?.['n']);
}

async function endConnections(user: string): Promise<void> {
  await waitUntil(async () => {
    const [rows] = await admin.query<RowDataPacket[]>(
      'SELECT id FROM information_schema.processlist WHERE user = ?',
      [user],
    );
    // One may be gone by then.
    for (const row of rows) await admin.query(`KILL ${Number(row['id'])}`).catch(() => undefined);
    return rows.length === 0;
  });
}

/** The replay that is being played; null for none. */
function openReplay(): StoredReplay | null {
  const [id] = test.store.replays.listOpen();
  return id === undefined ? null : test.store.replays.find(id);
}

const AS_IT_WAS = [
  [1, 10],
  [2, 20],
  [3, 30],
];

/** As TO_DAYS has it: the first day of 1970 is 719,528. */
function daysOf(at: number): number {
  return Math.floor(at / 86_400_000) + 719_528;
}

function sumOf(counts: Readonly<Record<string, number | undefined>>): number {
  return Object.values(counts).reduce<number>((sum, count) => sum + (count ?? 0), 0);
}

/** Statements that none may get through to a server that is only read. */
const WRITES = [
  'DELETE FROM orders',
  'WITH x AS (SELECT 1) DELETE FROM orders WHERE id IN (SELECT 1)',
  '/*!50000 DELETE */ FROM orders',
  'SELECT 1; DELETE FROM orders',
  'SET TRANSACTION READ WRITE',
  'TRUNCATE orders',
  'CREATE TABLE shop.made (id INT)',
];

const NEVER = [
  'SET GLOBAL max_connections = 77',
  "CREATE USER hacker@'%'",
  "SELECT 1 INTO OUTFILE '/tmp/captures-replay-never'",
  'KILL 1',
];

describe('captures replay on a server', () => {
  it('sends what reads, skips what writes, and accounts for every record', async () => {
    await record(['SELECT * FROM orders', ...WRITES, ...NEVER, 'SELECT * FROM missing']);
    const { status, result } = await replayed('--speed', 'max');
    expect(status).toBe('DONE');
    expect(result.records).toBe(15);
    expect(result.sent + sumOf(result.skipped) + sumOf(result.failed)).toBe(result.records);
    expect(result.skipped).toMatchObject({ writes: 7, server: 2, accounts: 1, files: 1 });
    expect(result.failed).toEqual({ 1146: 1 });
    expect(await ordersOf()).toEqual(AS_IT_WAS);
  });

  it('has the server refuse what its text does not tell: a function that writes', async () => {
    await record(['SELECT shop.writes()']);
    const { result } = await replayed();
    expect(Object.keys(result.failed)).toEqual(['1792']);
    expect(await ordersOf()).toEqual(AS_IT_WAS);
  });

  it('sends writes with --writes, and still nothing that is never sent', async () => {
    await record(['UPDATE orders SET n = n + 1 WHERE id = 1', ...NEVER]);
    const { result } = await replayed('--writes', '--yes');
    expect(result.skipped).toEqual({ server: 2, accounts: 1, files: 1 });
    expect((await ordersOf())[0]).toEqual([1, 11]);
  });

  it('says in a dry run what it would do, and asks, sends and stores nothing', async () => {
    await record(['SELECT * FROM orders', 'DELETE FROM orders']);
    const argv = ['replay', 'friday', '--to', 'copy', '--writes', '--dry-run'];
    const { status, stdout } = await run([...argv, '--json']);
    expect(status).toBe(0);
    expect((JSON.parse(stdout) as { plan: ReplayPlan }).plan).toMatchObject({
      records: 4,
      sent: 4,
    });
    const screen = await run(argv, { tty: 80 });
    expect(screen.stdout).toContain('nothing is stored or sent');
    expect(screen.stdout).toMatch(/4 +2 +in the record/);
    expect(await ordersOf()).toEqual(AS_IT_WAS);
    expect((await run(['list', '--type', 'replay', '-o', 'name'])).stdout).toBe('');
  });

  it('asks for the name of the target before it writes there', async () => {
    await record(['DELETE FROM orders']);
    const argv = ['replay', 'friday', '--to', 'copy', '--writes'];
    const refused = await run(argv);
    expect(refused.status).toBe(6);
    expect(refused.stderr).toContain('A replay with writes changes the data on "copy"');
    expect(refused.stderr).toContain('--confirm copy, or --yes');
    const to = "Type the target's name to replay on it";
    const declined = await run(argv, { tty: 80, answers: [{ to, answer: 'yes' }] });
    expect(declined.status).toBe(7);
    expect(declined.stderr).toContain('nothing was sent');
    expect(await ordersOf()).toEqual(AS_IT_WAS);
    const other = await run([...argv, '--confirm', 'shop']);
    expect([other.status, await ordersOf()]).toEqual([2, AS_IT_WAS]);
    const done = await run(argv, { tty: 80, answers: [{ to, answer: 'copy' }] });
    expect([done.status, await ordersOf()]).toEqual([0, []]);
  });

  it('needs the name of a server that was recorded, for which --yes is not enough', async () => {
    await record(['SELECT 1']);
    const copy = test.store.environments.findByName('copy');
    if (copy === null) throw new Error('no copy');
    // Now it is recorded, too.
    await recordedCapture(test, actor, copy, { name: 'of copy' });
    for (const capture of ['friday', 'of copy']) {
      const argv = ['replay', capture, '--to', 'copy'];
      const refused = await run([...argv, '--yes']);
      expect(refused.status).toBe(6);
      expect(refused.stderr).toContain('If that is meant: --confirm copy');
      expect(refused.stderr).not.toContain('--yes');
    }
    const typed = await run(['replay', 'friday', '--to', 'copy', '--confirm', 'copy', '-q']);
    expect([typed.status, typed.stderr]).toEqual([0, '']);
  });

  it('logs in as the accounts of --user-map, and uses the databases of --map-db', async () => {
    const file = join(temporaryFolder(), 'users.txt');
    writeFileSync(file, '# who\napp other env:CAPTURES_TEST_OTHER\n');
    await record(["INSERT INTO orders VALUES (4, IF(CURRENT_USER() LIKE 'other@%', 1, 0))"]);
    await replayed('--user-map', file, '--map-db', 'shop=shop_test', '--writes', '--yes');
    expect(await ordersOf('shop_test')).toEqual([...AS_IT_WAS, [4, 1]]);
    expect(await ordersOf('shop')).toEqual(AS_IT_WAS);
  });

  it('sends what filters choose, with the state of the session that it needs', async () => {
    await record([
      'SET @a = 7',
      'USE shop_test',
      'SELECT 1',
      'INSERT INTO orders VALUES (4, @a)',
      'SELECT 2',
    ]);
    const { result } = await replayed('--table', 'orders', '--writes', '--yes');
    expect(result.failed).toEqual({});
    expect(result.skipped.filtered ?? 0).toBeGreaterThan(1);
    expect(await ordersOf('shop_test')).toEqual([...AS_IT_WAS, [4, 7]]);
  });

  it('has the recorded time as NOW(), and the real one with --now real', async () => {
    await record(['INSERT INTO orders VALUES (4, TO_DAYS(NOW()))']);
    await replayed('--writes', '--yes');
    expect((await ordersOf()).at(-1)).toEqual([4, daysOf(Date.parse(stamp(0)))]);
    await admin.query('DELETE FROM shop.orders WHERE id = 4');
    await replayed('--writes', '--yes', '--now', 'real');
    const [now] = await admin.query<RowDataPacket[]>('SELECT TO_DAYS(NOW()) AS days');
    expect((await ordersOf()).at(-1)).toEqual([4, now[0]?.['days']]);
  });

  it('shows how it goes, and what came of it', async () => {
    await record(['SELECT * FROM orders', 'DELETE FROM orders', 'SELECT * FROM missing']);
    const { status, stdout, stderr } = await run(['replay', 'friday', '--to', 'copy'], {
      tty: 100,
    });
    expect(status).toBe(0);
    expect(stderr).toMatch(/^record: shop\/friday/);
    expect(stderr).toContain('read-only: what may change data is skipped');
    expect(stderr).toContain("captures report 'copy/friday on copy'");
    expect(stdout).toMatch(/1 +1 +failed +1146: Table 'shop\.missing' doesn't exist/);
    expect(stdout).toMatch(/5 +3 +in the record/);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'ends within two seconds of %s, with what was done',
    async (signal) => {
      await record(
        Array.from({ length: 200 }, (_, n) => `SELECT ${n}, SLEEP(0.01)`),
        { step: 1_000 },
      );
      const signals = new SignalDesk();
      let endedAt = 0;
      const looking = setInterval(() => {
        const progress = openReplay()?.progress;
        if ((progress?.sent ?? 0) < 2 || endedAt > 0) return;
        endedAt = Date.now();
        signals.deliver(signal);
      }, 50);
      const { status, stdout } = await run(['replay', 'friday', '--to', 'copy', '--json'], {
        signals,
      }).finally(() => clearInterval(looking));
      expect(Date.now() - endedAt).toBeLessThan(2_000);
      expect(status).toBe(signal === 'SIGINT' ? 130 : 143);
      const { result, status: kept } = JSON.parse(stdout) as Printed;
      expect(kept).toBe('DONE');
      expect(result.ended.why).toBe('interrupted');
      expect(result.sent + sumOf(result.skipped) + sumOf(result.failed)).toBe(202);
      expect(await connectionsOf('app')).toBe(0);
    },
  );

  it.each([
    ['its sessions sleep', null],
    [
      'the server has stopped',
      () => {
        const pid = Number(readFileSync(join(server.dataDir, '../pid'), 'utf8'));
        process.kill(pid, 'SIGSTOP');
        return () => process.kill(pid, 'SIGCONT');
      },
    ],
    [
      'the network swallows everything',
      (proxy: StallingProxy) => {
        proxy.stall();
        return () => proxy.resume();
      },
    ],
  ])('ends within two seconds of SIGINT where %s', async (_where, fault) => {
    const sessions = Array.from({ length: 32 }, (_, n) =>
      sessionOf(['SELECT SLEEP(100)', 'SELECT 1'], { session: 10 + n }),
    );
    const statements = sessions.flat().sort((a, b) => (a.time < b.time ? -1 : 1));
    await recordedCapture(test, actor, shop, { name: 'friday', statements, length: 10 });
    const proxy = await StallingProxy.start(server.port);
    const far = { ...target(), port: proxy.port };
    test.environment({ admin: [actor] }, { server: far, name: 'far' });
    const signals = new SignalDesk();
    const argv = ['replay', 'friday', '--to', 'far', '--speed', 'max', '--json'];
    const running = run(argv, { signals });
    await waitUntil(async () => (await connectionsOf('app', 'SELECT SLEEP%')) === 32);
    const mend = fault?.(proxy);
    const began = performance.now();
    signals.deliver('SIGINT');
    const { status, stdout } = await running.finally(() => mend?.());
    const took = performance.now() - began;
    // A server that could not be told hears of it later.
    if (fault === null) expect(await connectionsOf('app')).toBe(0);
    await proxy.stop();
    await endConnections('app');
    expect(took).toBeLessThan(2_000);
    expect(status).toBe(130);
    const { result, status: kept } = JSON.parse(stdout) as Printed;
    expect([kept, result.ended.why]).toEqual(['DONE', 'interrupted']);
    expect(result.sent + sumOf(result.skipped) + sumOf(result.failed)).toBe(128);
  });

  it('exits 9 for a target that cannot be reached, and stores nothing', async () => {
    await record(['SELECT 1']);
    const nowhere = { ...target(), port: 1 };
    test.environment({ admin: [actor] }, { server: nowhere, name: 'nowhere' });
    const { status, stdout } = await run(['replay', 'friday', '--to', 'nowhere', '--json']);
    expect([status, stdout]).toEqual([9, '']);
    expect((await run(['list', '--type', 'replay', '-o', 'name'])).stdout).toBe('');
  });
});

describe('a target that dies', () => {
  it('ends the replay with exit 8, and what was done is its report', async () => {
    await record(
      Array.from({ length: 300 }, (_, n) => `SELECT ${n}`),
      { step: 200 },
    );
    const dying = setInterval(() => {
      const progress = openReplay()?.progress;
      if ((progress?.sent ?? 0) < 3) return;
      clearInterval(dying);
      void server.kill();
    }, 50);
    const { status, stdout, stderr } = await run(['replay', 'friday', '--to', 'copy', '--json']);
    clearInterval(dying);
    expect([status, stdout]).toEqual([8, '']);
    expect(JSON.parse(stderr)).toMatchObject({
      code: 424,
      message: expect.stringContaining('The replay failed: ') as string,
      hint: "What was done until then: captures report 'copy/friday on copy'",
    });
    const report = await run(['report', 'friday on copy', '--json']);
    const { result } = JSON.parse(report.stdout) as Printed;
    expect(result.ended.why).toBe('target_lost');
    expect(result.sent).toBeGreaterThan(0);
    expect(result.sent + sumOf(result.skipped) + sumOf(result.failed)).toBe(302);
    await admin.end().catch(() => undefined);
    await server.restart();
    admin = await server.admin();
  });
});
