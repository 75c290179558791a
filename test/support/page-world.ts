import { RECORD_EVERYTHING } from '../../src/core/captures/recording-options.ts';
import { DEFAULT_REPLAY } from '../../src/core/replays/replay-request.ts';
import type { ReplayResult } from '../../src/core/replays/replay.ts';
import { UNLIMITED, type Actor } from '../../src/core/access.ts';
import type { Clock } from '../../src/core/clock.ts';
import type { Environment } from '../../src/core/environments/environment.ts';
import { AppError } from '../../src/core/errors.ts';
import { UserService } from '../../src/core/users/user-service.ts';
import type { LoggedStatement } from '../../src/core/workloads/statements.ts';
import { readPageParts } from '../../src/cli/output/page-parts.ts';
import { createPageServer } from '../../src/http/server/page-server.ts';
import { cloudWatchProvider } from '../../src/metrics-source/cloudwatch/provider.ts';
import { engineMetrics } from '../../src/metrics-source/mysql-status/engine-metrics.ts';
import { compareCounters } from '../../src/source/mysql/counters/comparison.ts';
import { measuresExecutes } from '../../src/source/mysql/counters/measured-executes.ts';
import { serverDigestKey } from '../../src/sql/server-digest.ts';
import { workloadFiles } from '../../src/workload/stored-workloads.ts';
import { stamp } from '../workload/recorded.ts';
import { serveStore, type TestServer } from './api-server.ts';
import { recordedCapture } from './recorded-captures.ts';
import { SERVER, TestStore } from './stores.ts';
import { CHEAP_HASH } from './users.ts';

export const PASSWORD = 'correct horse';
/** The recorded captures last so long. */
const MINUTES = 20;

/** A store with what the page has to show, and a server of it. */
export interface PageWorld {
  readonly test: TestStore;
  readonly server: TestServer;
  readonly ada: Actor;
  readonly bob: Actor;
  /** Metrics alone: captures of it begin and end without a daemon. */
  readonly office: Environment;
  readonly shop: Environment;
  /** A token of bob's, who is a member where ada is an admin. */
  readonly tokenOfBob: string;
  /** A read-only one. */
  readonly readerOfBob: string;
}

export async function pageWorld(clock: Clock): Promise<PageWorld> {
  const test = new TestStore(clock);
  const { store } = test;
  const users = new UserService(store, clock, undefined, CHEAP_HASH);
  const root = store.users.insert({ name: 'root', isAdmin: true, passwordHash: 'none' }, 0);
  const asRoot = { userId: root.id, userName: 'root', isStoreAdmin: true, scope: UNLIMITED };
  const named = async (name: string): Promise<Actor> => {
    const { id } = await users.createUser(asRoot, { name, password: PASSWORD, isAdmin: false });
    return { userId: id, userName: name, isStoreAdmin: false, scope: UNLIMITED };
  };
  const [ada, bob] = [await named('ada'), await named('bob')];
  const office = test.environment({ admin: [ada], member: [bob] }, { name: 'office' });
  const shop = test.environment({ admin: [ada], member: [bob] }, { name: 'shop', server: SERVER });
  const { secret } = await users.createToken(bob, 'laptop');
  const reader = await users.createToken(bob, 'reader', 86_400_000, {
    isReadOnly: true,
    environments: null,
  });
  const parts = await readPageParts('api-page');
  const server = await serveStore(
    store,
    clock,
    {
      passwordCost: CHEAP_HASH,
      workloads: () => Promise.resolve(workloadFiles(store)),
      compareCounters: () => Promise.resolve(compareCounters),
      serverDigestKey: () => Promise.resolve(serverDigestKey),
      measuresExecutes: () => Promise.resolve(measuresExecutes),
      servers: () => Promise.reject(new AppError('remote_failed', 'Cannot reach 127.0.0.1:3306')),
      metricSources: () =>
        Promise.resolve({
          provider: cloudWatchProvider(() => Promise.reject(new Error('There is no AWS here'))),
          counters: engineMetrics,
        }),
    },
    createPageServer(parts),
  );
  return { test, server, ada, bob, office, shop, tokenOfBob: secret, readerOfBob: reader.secret };
}

const SQL: readonly ((n: number) => string)[] = [
  (n) => `SELECT id, name, price FROM products WHERE id = ${n}`,
  (n) =>
    `SELECT * FROM orders WHERE customer = '${String(n * 7_919)}' ORDER BY placed DESC LIMIT 20`,
  (n) => `UPDATE stock SET count = count - 1 WHERE product = ${n}`,
  (n) => `INSERT INTO orders (customer, product, placed) VALUES (${n}, ${n * 3}, NOW())`,
  () => `SELECT COUNT(*) FROM carts JOIN orders USING (customer) WHERE carts.closed IS NULL`,
  (n) => `DELETE FROM carts WHERE id = ${n}`,
];

/** Statements over some minutes, more of them in the middle. */
function shopStatements(): LoggedStatement[] {
  const all: LoggedStatement[] = [];
  const end = MINUTES * 60_000;
  for (let at = 0, n = 0; at < end; n += 1) {
    const sql = SQL[(n * n + Math.floor(n / 7)) % SQL.length] ?? SQL[0];
    all.push({
      time: stamp(Math.round(at)),
      session: 10 + (n % 3),
      user: n % 5 === 0 ? 'batch' : 'app',
      host: n % 5 === 0 ? 'jobs1' : 'web1',
      db: 'shop',
      kind: 'query',
      sql: sql?.(n) ?? '',
      bytes: null,
      flags: [],
    });
    at += 900 - 750 * Math.sin((at / end) * Math.PI) + ((n * 37) % 100);
  }
  return all;
}

/** A replay that is over: its id. */
export async function replayedInShop(
  { test: { store }, ada, shop }: PageWorld,
  name: string,
  result: ReplayResult,
): Promise<number> {
  const [start, end] = [Date.parse(stamp(0)), Date.parse(stamp(10_000))];
  const { id } = store.captures.insert(
    {
      name,
      environmentId: shop.id,
      ownerId: ada.userId,
      type: 'REPLAY',
      status: 'DONE',
      start,
      scheduledStart: null,
      scheduledEnd: null,
      end,
      duration: null,
      reason: null,
      recordsStatements: false,
      options: RECORD_EVERYTHING,
    },
    start,
  );
  const source = { captureId: 1, captureName: 'friday', environmentName: 'shop', server: null };
  store.replays.insert({
    captureId: id,
    source,
    options: DEFAULT_REPLAY,
    host: 'h',
    pid: 1,
    heardAt: end,
  });
  await workloadFiles(store).writeReplayResult(id, result);
  return id;
}

/** A capture that is over, with statements and metrics, and a gap among them. */
export async function recordedInShop(
  { test, ada, shop }: PageWorld,
  name: string,
  statements: readonly LoggedStatement[] = shopStatements(),
): Promise<{ id: number }> {
  const length = MINUTES * 60_000;
  const start = Date.parse(stamp(0));
  const rates = Array.from({ length: length / 10_000 }, (_, index) => ({
    at: start + index * 10_000,
    statements: Math.round(20 + 60 * Math.sin((index / 120) * Math.PI) + (index % 7)),
    sessions: 3 + (index % 3),
  }));
  const recorded = await recordedCapture(test, ada, shop, {
    name,
    statements,
    length,
    rates,
    manifest: {
      gaps: [
        {
          from: stamp(500_000),
          to: stamp(655_000),
          cause: 'log_switched_off',
          reason: 'somebody switched the log off',
          after: null,
          before: null,
          afterSeq: 600,
          missing: null,
        },
      ],
    },
  });
  const { metrics } = test.store;
  for (let at = start; at < start + length; at += 5_000) {
    // The server was not asked for four minutes.
    if (at >= start + 480_000 && at < start + 720_000) continue;
    const seconds = (at - start) / 1_000;
    metrics.addSample([recorded.id], {
      at,
      counters: {
        Uptime: 100_000 + seconds,
        Threads_running: 3 + Math.round(2 * Math.sin(seconds / 60)),
        Bytes_sent: Math.round(seconds * 40_000 + 900_000 * Math.sin(seconds / 200)),
        Bytes_received: Math.round(seconds * 9_000),
        Questions: Math.round(seconds * 60),
      },
    });
  }
  return recorded;
}
