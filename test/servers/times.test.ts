import { createConnection, type Connection, type RowDataPacket } from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { timesOf, type WindowTimes } from '../../src/core/reports/statement-times.ts';
import type { OpenSource } from '../../src/core/source.ts';
import { TimesSampler } from '../../src/daemon/times-sampler.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { rowsOf, startRecorderServer, type RecorderServer } from '../support/recorder-server.ts';
import { TestStore } from '../support/stores.ts';
import { waitUntil } from '../support/waiting.ts';
import { endRecordings, Recording } from './recording.ts';

const DIGESTS = 'performance_schema.events_statements_summary_by_digest';
const ROOM = 400;

let server: RecorderServer;
let admin: Connection;
let shop: Connection;
beforeAll(async () => {
  const options = ['--performance-schema=ON', `--performance-schema-digests-size=${ROOM}`];
  server = await startRecorderServer({ options });
  admin = await server.admin();
  await admin.query(
    "CREATE DATABASE shop; CREATE TABLE shop.t (a INT PRIMARY KEY, b TEXT); INSERT INTO shop.t VALUES (1, 'one'), (2, 'two'), (3, 'three'); GRANT SELECT ON performance_schema.* TO recorder@'%'",
  );
  shop = await connect();
});
afterAll(async () => {
  await Promise.all([admin.end(), shop.end()]);
  await server.stop();
});
beforeEach(async () => {
  await admin.query(`TRUNCATE ${DIGESTS}`);
});
afterEach(endRecordings);

function connect(): Promise<Connection> {
  return createConnection({ host: '127.0.0.1', port: server.port, user: 'root', database: 'shop' });
}

/** What the server itself has of what the database shop was asked. */
async function serversOwn(): Promise<unknown[]> {
  const rows = await rowsOf(
    admin,
    `SELECT TRIM(DIGEST_TEXT) AS text, COUNT_STAR AS count, SUM_TIMER_WAIT DIV 1000000 AS micros,
       SUM_ROWS_SENT AS rowsSent, SUM_ROWS_EXAMINED AS rowsExamined, SUM_ERRORS AS errors
     FROM ${DIGESTS} WHERE SCHEMA_NAME = 'shop'`,
  );
  return inOrder(rows.map((row: RowDataPacket) => ({ db: 'shop', text: '', ...row })));
}

const inOrder = <T extends { readonly text: string }>(digests: readonly T[]): T[] =>
  [...digests].sort((a, b) => (a.text < b.text ? -1 : 1));

/** A capture that runs, with its first reading. */
async function running(): Promise<Recording> {
  const recording = new Recording(server);
  const { taps, times } = recording.test.store;
  await recording.until('RUNNING');
  await waitUntil(() => times.findReading(taps.list()[0]?.id ?? 0) !== null);
  return recording;
}

/** The server counts a statement behind its answer, and before the next command of its session. */
const counted = (session: Connection): Promise<void> => session.ping();

async function someStatements(session = shop): Promise<void> {
  for (let i = 0; i < 20; i++) await session.query(`SELECT b FROM t WHERE a = ${i}`);
  for (let i = 0; i < 3; i++) await session.query('SELECT SLEEP(0.03)');
  for (let i = 0; i < 5; i++) await session.execute('SELECT a FROM t WHERE a < ?', [i]);
  await session.query('SELECT * FROM nowhere').catch(() => undefined);
  await counted(session);
}

describe('the times of a capture', () => {
  it("are the server's own, of every digest, and of nothing that the recorder sends", async () => {
    const recording = await running();
    await someStatements();
    await recording.stop();
    const times = timesOf(recording.test.store.times, recording.id, null, null);
    expect(times.absence).toEqual([]);
    expect(inOrder(times.digests)).toEqual(await serversOwn());
  });

  it('are none on a server that nobody asks anything', async () => {
    const recording = await running();
    await recording.untilSent(60);
    await recording.stop();
    const times = timesOf(recording.test.store.times, recording.id, null, null);
    expect(times).toMatchObject({ digests: [], absence: [] });
  });
});

/** Readings that take long are rarer than one a minute. */
const HOUR = 3_600_000;

/** Readings of a capture that runs, without the rest of a daemon. */
class Readings {
  readonly clock = new ManualClock();
  readonly test = new TestStore(this.clock);
  readonly events: string[] = [];
  readonly id: number;
  readonly #tapId: number;
  #sampler: TimesSampler;

  constructor(server: OpenSource) {
    const alice = this.test.user();
    const environment = this.test.environment({ admin: [alice] });
    const { store } = this.test;
    this.id = this.test.capture(alice, environment).id;
    const tap = { serverKey: 'here', nonce: '1', environmentId: environment.id, settings: {} };
    this.#tapId = store.taps.insert(tap, this.clock.now()).id;
    this.#sampler = this.#samplerOf(server);
  }

  /** As a daemon that comes after this one, or after a lost connection. */
  async goOn(server: OpenSource): Promise<void> {
    await this.#sampler.close(false);
    this.#sampler = this.#samplerOf(server);
  }

  #samplerOf(server: OpenSource): TimesSampler {
    const { store } = this.test;
    return new TimesSampler(
      {
        store,
        clock: this.clock,
        log: (_level, event) => this.events.push(event),
        commit: (work) => store.transaction(work),
      },
      'shop',
      this.#tapId,
      server,
    );
  }

  /** The next reading that is due. */
  async next(): Promise<void> {
    await this.clock.advance(HOUR);
    this.#sampler.tend([this.id], []);
    await waitUntil(() => !this.#sampler.isReading);
  }

  times(): WindowTimes {
    return timesOf(this.test.store.times, this.id, null, null);
  }

  /** How often the server counted `SELECT <column> FROM t`. */
  count(column = 'b'): number {
    const beginning = `SELECT \`${column}\``;
    return this.times().digests.find(({ text }) => text.startsWith(beginning))?.count ?? 0;
  }

  /** Why something is missing, interval by interval. */
  absence(): (string | null)[] {
    return this.test.store.times.intervalsOf(this.id).map(({ why }) => why);
  }
}

async function ask(times: number, column = 'b'): Promise<void> {
  for (let i = 0; i < times; i++) await shop.query(`SELECT ${column} FROM t WHERE a = ${i}`);
  await counted(shop);
}

describe('readings', () => {
  it('come each minute, and add up', async () => {
    const readings = new Readings(await server.open());
    await ask(7);
    await readings.next();
    for (const times of [3, 0, 2]) {
      await ask(times);
      await readings.next();
    }
    expect(readings.absence()).toEqual([null, null, null]);
    expect(readings.count()).toBe(5);
  });

  it('go on after a daemon from what it read last, and count nothing twice', async () => {
    const readings = new Readings(await server.open());
    await readings.next();
    await ask(3);
    await readings.next();
    await ask(4);
    await readings.goOn(await server.open());
    await ask(1);
    await readings.next();
    expect(readings.absence()).toEqual([null, null]);
    expect(readings.count()).toBe(8);
    await ask(1, 'a');
    await readings.next();
    expect([readings.count(), readings.count('a')]).toEqual([8, 1]);
  });

  it('notice that the table was truncated, and count what came since', async () => {
    const readings = new Readings(await server.open());
    await readings.next();
    await ask(5);
    await readings.next();
    await ask(3);
    await admin.query(`TRUNCATE ${DIGESTS}`);
    // MariaDB says to the second since when it counts: fewer than before tells it, too.
    await ask(4);
    await readings.next();
    await ask(1);
    await readings.next();
    expect(readings.absence()).toEqual([null, 'truncated', null]);
    expect(readings.count()).toBe(5 + 4 + 1);
    expect(readings.times().absence).toHaveLength(1);
  });

  it('notice that the server stopped counting, also while it counts again', async () => {
    const readings = new Readings(await server.open());
    const count = (is: 'YES' | 'NO') =>
      admin.query(
        `UPDATE performance_schema.setup_consumers SET ENABLED = '${is}' WHERE NAME = 'statements_digest'`,
      );
    await readings.next();
    await ask(2);
    await count('NO');
    await ask(3);
    await readings.next();
    await count('YES');
    await ask(4);
    await readings.next();
    await ask(5);
    await readings.next();
    expect(readings.absence()).toEqual(['off', 'off', null]);
    expect(readings.count()).toBe(2 + 4 + 5);
  });

  it('say when the table is full, and count on what is in it', async () => {
    const readings = new Readings(await server.open());
    await ask(1);
    await readings.next();
    for (let i = 0; i < ROOM + 20; i++) await shop.query(`SELECT 1 AS c${i}`);
    await ask(9);
    await readings.next();
    expect(readings.absence()).toEqual(['full']);
    expect(readings.count()).toBe(9);
    const counted = readings.times().digests.reduce((sum, { count }) => sum + count, 0);
    expect(counted).toBeLessThan(ROOM + 9);
    expect(counted).toBeGreaterThan(ROOM / 2);
  });

  it('say why they may not be had, and begin when they may', async () => {
    await admin.query("REVOKE SELECT ON performance_schema.* FROM recorder@'%'");
    const readings = new Readings(await server.open());
    await readings.next();
    await readings.next();
    expect(readings.times()).toMatchObject({
      digests: [],
      absence: [{ why: 'not_permitted', from: null, to: null }],
    });
    expect(readings.events).toEqual(['times not read']);
    await admin.query("GRANT SELECT ON performance_schema.* TO recorder@'%'");
    await readings.goOn(await server.open());
    await readings.next();
    await ask(2);
    await readings.next();
    expect(readings.absence()).toEqual(['not_permitted', null]);
    expect(readings.count()).toBe(2);
  });

  it('go on behind a restart of the server with what it counted since', async () => {
    const readings = new Readings(await server.open());
    await readings.next();
    await ask(5);
    await readings.next();
    await ask(3);
    await Promise.all([admin.end(), shop.end()]);
    await server.restart();
    admin = await server.admin();
    shop = await connect();
    await ask(2);
    await readings.next();
    expect(readings.events).toEqual(['times not read']);
    await readings.goOn(await server.open());
    await readings.next();
    await ask(4);
    await readings.next();
    expect(readings.absence()).toEqual([null, 'restarted', null]);
    expect(readings.count()).toBe(5 + 2 + 4);
  });
});

it('a server without performance_schema has no times, and the capture says so', async () => {
  const other = await startRecorderServer({ options: ['--performance-schema=OFF'] });
  const readings = new Readings(await other.open());
  await readings.next();
  expect(readings.times().absence).toEqual([{ why: 'off', from: null, to: null }]);
  await other.stop();
});
