import { createConnection, type Connection } from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Accounting, ReplayResult } from '../../src/core/replays/replay.ts';
import { AppError } from '../../src/core/errors.ts';
import type { ReplayedRecord } from '../../src/core/replays/replay-player.ts';
import { EVERY_STATEMENT } from '../../src/core/workloads/statement-search.ts';
import { rowsOf, startRecorderServer, type RecorderServer } from '../support/recorder-server.ts';
import { endRecordings } from './recording.ts';
import { waitUntil } from '../support/waiting.ts';
import { recordOf, type Line } from '../replay/recorded.ts';
import { recordWork, replayed } from './replaying.ts';

let source: RecorderServer;
let target: RecorderServer;
let sourceAdmin: Connection;
let targetAdmin: Connection;

const SCHEMA = [
  'DROP DATABASE IF EXISTS shop',
  'CREATE DATABASE shop CHARACTER SET utf8mb4',
  `CREATE TABLE shop.orders (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(200), n BIGINT,
     at DATETIME, body BLOB) ENGINE=InnoDB`,
  'CREATE TABLE shop.stock (id INT PRIMARY KEY, n INT) ENGINE=InnoDB',
  'INSERT INTO shop.stock VALUES (1, 100), (2, 100), (3, 100)',
];

beforeAll(async () => {
  [source, target] = await Promise.all([startRecorderServer(), startRecorderServer()]);
  [sourceAdmin, targetAdmin] = await Promise.all([source.admin(), target.admin()]);
  await sourceAdmin.query('SET SESSION sql_log_off = 1');
  for (const admin of [sourceAdmin, targetAdmin]) {
    for (const user of ['app', 'replayer']) {
      await admin.query(`CREATE USER ${user}@'127.0.0.1'`);
      await admin.query(`GRANT ALL ON *.* TO ${user}@'127.0.0.1'`);
    }
  }
});
afterAll(async () => {
  await Promise.all([sourceAdmin.end(), targetAdmin.end()]);
  await Promise.all([source.stop(), target.stop()]);
});

const clients: Connection[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await endRecordings();
});

async function client(database = 'shop'): Promise<Connection> {
  const opened = await createConnection({
    host: '127.0.0.1',
    port: source.port,
    user: 'app',
    database,
    multipleStatements: true,
  });
  opened.on('error', () => undefined);
  clients.push(opened);
  return opened;
}

/** The same data on both. */
async function fresh(): Promise<void> {
  for (const admin of [sourceAdmin, targetAdmin]) {
    for (const sql of SCHEMA) await admin.query(sql);
  }
}

async function checksums(admin: Connection): Promise<unknown> {
  return (await rowsOf(admin, 'CHECKSUM TABLE shop.orders, shop.stock EXTENDED')).map(
    ({ Checksum }) => Checksum as unknown,
  );
}

function sumOf({ sent, skipped, failed }: Accounting): number {
  const all = [...Object.values(skipped), ...Object.values(failed)];
  return all.reduce((sum, count) => sum + count, sent);
}

function expectAccounted(record: ReplayedRecord, result: ReplayResult): void {
  expect(sumOf(result)).toBe(record.records);
  expect(result.records).toBe(record.records);
  expect(sumOf(result.statements)).toBe(result.statements.records);
}

describe('a replay', () => {
  it('of one session with writes leaves the same tables', async () => {
    await fresh();
    const record = await recordWork(source, async () => {
      const one = await client();
      await one.query('SET NAMES utf8mb4');
      await one.query("INSERT INTO orders (name, n, at) VALUES ('tea 😀 \\\\ \\'x\\'', 1, NOW())");
      await one.execute('INSERT INTO orders (name, n, at, body) VALUES (?, ?, NOW(), ?)', [
        "it's \\ ? 😀\n",
        -42,
        Buffer.from('plain'),
      ]);
      await one.execute('INSERT INTO orders (name, n, at, body) VALUES (?, ?, NOW(), ?)', [
        null,
        9007199254740991,
        null,
      ]);
      await one.beginTransaction();
      await one.query(
        'UPDATE stock SET n = n - 1 WHERE id = 1; UPDATE stock SET n = n - 2 WHERE id = 2',
      );
      await one.commit();
      await one.beginTransaction();
      await one.query('UPDATE stock SET n = 0');
      await one.rollback();
      await one.query(
        "SET time_zone = '+05:00'; INSERT INTO orders (name, at) VALUES ('zone', NOW())",
      );
      await one.query('SET @n = 7');
      await one.query("PREPARE p FROM 'INSERT INTO orders (n) VALUES (?)'");
      await one.query('EXECUTE p USING @n');
      await one.query('INSERT INTO orders (id, name) VALUES (1, "taken")').catch(() => undefined);
      await one.end();
    });
    const { plan, result } = await replayed(record, target, { serial: true });
    expect(await checksums(targetAdmin)).toEqual(await checksums(sourceAdmin));
    expectAccounted(record, result);
    expect(sumOf(plan)).toBe(record.records);
    expect(result).toMatchObject({ failed: { '1062': 1 }, ended: { why: 'complete' } });
    expect(result.executes.binary).toBeGreaterThanOrEqual(2);
  });

  it('of several sessions, one statement at a time, leaves the same tables although they waited for one another', async () => {
    await fresh();
    const record = await recordWork(source, async () => {
      const [a, b] = [await client(), await client()];
      await a.beginTransaction();
      await a.query('UPDATE stock SET n = n * 2 WHERE id = 1');
      const waiting = b.query('UPDATE stock SET n = n + 1 WHERE id = 1');
      await a.query('UPDATE stock SET n = n + 10 WHERE id = 2');
      await a.commit();
      await waiting;
      await b.query('INSERT INTO orders (name, at) SELECT n, NOW() FROM stock');
      await a.query('UPDATE stock SET n = n - 1');
    });
    const { result } = await replayed(record, target, { serial: true });
    expect(await checksums(targetAdmin)).toEqual(await checksums(sourceAdmin));
    expectAccounted(record, result);
    expect(result.failed).toEqual({});
  });

  it('that is read-only changes nothing and says what it left out', async () => {
    await fresh();
    const record = await recordWork(source, async () => {
      const one = await client();
      await one.query('SELECT * FROM orders');
      await one.query('INSERT INTO orders (name) VALUES (1)');
      await one
        .query('WITH x AS (SELECT 1 AS id) DELETE FROM stock WHERE id IN (SELECT id FROM x)')
        .catch(() => undefined);
      await one.query('/*!50000 DELETE FROM stock */ ');
      await one.execute('UPDATE stock SET n = ?', [1]);
      await one.query('SELECT 1; INSERT INTO orders (name) VALUES (2)');
      await one.query('CREATE TABLE more (id INT)');
      await one.query('DROP TABLE more');
      await one.end();
    });
    const before = await checksums(targetAdmin);
    const { result } = await replayed(record, target, { writes: false });
    expect(await checksums(targetAdmin)).toEqual(before);
    expectAccounted(record, result);
    expect(result.statements.skipped.writes).toBeGreaterThanOrEqual(6);
    expect(result.statements.sent).toBeGreaterThanOrEqual(1);
  });

  it('leaves out the halves of transactions that the window cuts', async () => {
    await fresh();
    const [a, b] = [await client(), await client()];
    await a.beginTransaction();
    await a.query('UPDATE stock SET n = n - 1 WHERE id = 1');
    const record = await recordWork(source, async () => {
      await a.query('UPDATE stock SET n = n - 1 WHERE id = 2');
      await a.commit();
      await a.query('UPDATE stock SET n = n - 5 WHERE id = 3');
      await b.beginTransaction();
      await b.query('INSERT INTO orders (name) VALUES ("never committed in the window")');
    });
    const { result } = await replayed(record, target);
    expectAccounted(record, result);
    // The UPDATE and the COMMIT, the BEGIN and the INSERT.
    expect(result.skipped.half_transaction).toBe(4);
    const stock = await rowsOf(targetAdmin, 'SELECT id, n FROM shop.stock');
    expect(stock).toEqual([
      { id: 1, n: 100 },
      { id: 2, n: 100 },
      { id: 3, n: 95 },
    ]);
  });

  it('has the recorded time for NOW(), or the real one', async () => {
    await fresh();
    const record = await recordWork(source, async () => {
      const one = await client();
      await one.query('INSERT INTO orders (at) VALUES (NOW())');
    });
    const stampOf = async (admin: Connection): Promise<unknown> =>
      (await rowsOf(admin, 'SELECT CAST(at AS CHAR) AS at FROM shop.orders'))[0]?.at;
    await sourceAdmin.query('DO SLEEP(1.1)');
    await replayed(record, target);
    const recorded = await stampOf(sourceAdmin);
    expect(await stampOf(targetAdmin)).toBe(recorded);
    await targetAdmin.query('DELETE FROM shop.orders');
    await replayed(record, target, { recordedTime: false });
    expect(await stampOf(targetAdmin)).not.toBe(recorded);
  });

  it('caps its connections: sessions of a pool that never ends wait for one another, and nothing is lost', async () => {
    await fresh();
    const record = await recordWork(source, async () => {
      const pool = await Promise.all([client(), client(), client()]);
      for (let i = 0; i < 3_000; i++) {
        await pool[i % 3]?.query(`INSERT INTO orders (n) VALUES (${i})`);
      }
    });
    const { result } = await replayed(record, target, { sessions: 1 });
    expectAccounted(record, result);
    expect(result.sessions).toMatchObject({ recorded: 3, mostAtOnce: 1 });
    expect(
      await rowsOf(targetAdmin, 'SELECT COUNT(*) AS n, SUM(n) AS sum FROM shop.orders'),
    ).toEqual(await rowsOf(sourceAdmin, 'SELECT COUNT(*) AS n, SUM(n) AS sum FROM shop.orders'));
  });

  it('counts everything once where sessions wait for another walk over the record, also what is filtered', async () => {
    await fresh();
    const record = await recordWork(source, async () => {
      const pool = await Promise.all(Array.from({ length: 7 }, () => client()));
      for (let i = 0; i < 4_000; i++) {
        // The last two have nothing that is asked for.
        await Promise.all(
          pool.map((session, at) => session.query(`SELECT ${i} AS ${at < 5 ? 'even' : 'odd'}`)),
        );
      }
      for (const session of pool) await session.end();
    });
    for (const texts of [[], ['even']]) {
      const search = { ...EVERY_STATEMENT, texts };
      const { result } = await replayed(record, target, { sessions: 2, search });
      expectAccounted(record, result);
      expect(result.sessions.mostAtOnce).toBe(2);
      expect(result.statements.sent).toBeGreaterThanOrEqual(texts.length === 0 ? 28_000 : 20_000);
    }
  });

  it('sends the bytes of sessions in other character sets', async () => {
    await fresh();
    const record = await recordWork(source, async () => {
      const one = await client();
      await one.query('SET NAMES latin1');
      // As mysql2 sends it: the bytes of UTF-8, which this session means as four characters of latin1.
      await one.query("INSERT INTO orders (name) VALUES ('é😀')");
      await one.query('SET NAMES gbk');
      await one.query("INSERT INTO orders (name) VALUES ('中')");
      await one.query('SET NAMES utf8mb4');
      await one.query("INSERT INTO orders (name) VALUES ('é😀中')");
      await one.end();
    });
    const { result } = await replayed(record, target);
    expectAccounted(record, result);
    expect(await rowsOf(targetAdmin, 'SELECT id, HEX(name) AS name FROM shop.orders')).toEqual(
      await rowsOf(sourceAdmin, 'SELECT id, HEX(name) AS name FROM shop.orders'),
    );
  });

  it('with nothing to send is over at once, and waits for nothing that it does not send', async () => {
    await fresh();
    const record = await recordWork(source, async () => {
      const one = await client();
      await one.query('SELECT 1');
      await one.query('SELECT SLEEP(3)');
      await one.query('SELECT 2');
      await one.end();
    });
    for (const [texts, sent] of [
      [['nothing has this'], 0],
      [['SELECT 1'], 1],
    ] as const) {
      const start = performance.now();
      for (const how of [{ speed: 0.01 }, { serial: true }, { sessions: 1 }]) {
        const search = { ...EVERY_STATEMENT, texts };
        const { result } = await replayed(record, target, { ...how, search });
        expectAccounted(record, result);
        expect(result.sent).toBe(sent);
      }
      expect(performance.now() - start).toBeLessThan(10_000);
    }
  });

  it('rolls back what XA PREPARE left, which would outlive it', async () => {
    await fresh();
    const record = await recordWork(source, async () => {
      const one = await client();
      for (const id of ["'kept'", "'left'"]) {
        await one.query(`XA START ${id}`);
        await one.query('UPDATE stock SET n = n + 1 WHERE id = 1');
        await one.query(`XA END ${id}`);
        await one.query(`XA PREPARE ${id}`);
        if (id === "'kept'") await one.query(`XA COMMIT ${id}`);
      }
      await one.end();
    });
    await waitUntil(async () => {
      const isDone = sourceAdmin.query("XA ROLLBACK 'left'").then(
        () => true,
        () => false,
      );
      return isDone;
    });
    const { result } = await replayed(record, target);
    expectAccounted(record, result);
    expect(await rowsOf(targetAdmin, 'XA RECOVER')).toEqual([]);
    expect(await rowsOf(targetAdmin, 'SELECT n FROM shop.stock WHERE id = 1')).toEqual([
      { n: 101 },
    ]);
    expect(result.warnings.join()).toContain('XA PREPARE');
  });

  it('rolls back what was prepared within a text, and names what the target prepared by itself', async () => {
    await fresh();
    await targetAdmin.query(
      "CREATE PROCEDURE shop.prepares() BEGIN XA START 'own'; UPDATE shop.stock SET n = 6 WHERE id = 3; XA END 'own'; XA PREPARE 'own'; END",
    );
    const other = await target.admin();
    await other.query(
      "XA START 'theirs'; UPDATE shop.stock SET n = 7 WHERE id = 2; XA END 'theirs'; XA PREPARE 'theirs'",
    );
    const update = 'UPDATE stock SET n = n + 1 WHERE id = 1';
    const { result } = await replayed(
      recordOf(
        [
          [1, `XA START 'a', X'62', 7; ${update}; XA END 'a', X'62', 7; XA PREPARE 'a', X'62', 7`],
          [2, "XA START 'c'"],
          [2, "INSERT INTO orders (name) VALUES ('c')"],
          [2, "XA END 'c'; XA PREPARE 'c'"],
          [3, 'CALL prepares()'],
        ],
        { atEnd: [] },
      ),
      target,
      { serial: true },
    );
    expect(result.skipped).toEqual({});
    const left = await rowsOf(targetAdmin, 'XA RECOVER');
    await targetAdmin.query("XA ROLLBACK 'own'");
    other.destroy();
    await waitUntil(() =>
      targetAdmin.query("XA ROLLBACK 'theirs'").then(
        () => true,
        () => false,
      ),
    );
    expect(result).toMatchObject({ sent: 5, failed: {} });
    expect(left.map(({ data }) => String(data)).sort()).toEqual(['own', 'theirs']);
    expect(result.warnings.join()).toContain(
      '2 transactions that XA PREPARE left were rolled back',
    );
    expect(result.warnings.join()).toMatch(/XA ROLLBACK (?:'own'|X'6f776e',X'',1)$/);
  });

  it('counts deadlocks, and goes on', async () => {
    await fresh();
    const record = await recordWork(source, async () => {
      const sessions = await Promise.all(Array.from({ length: 20 }, () => client()));
      await Promise.all(
        sessions.map(async (session, index) => {
          for (let i = 0; i < 10; i++) {
            const [first, second] = index % 2 === 0 ? [1, 2] : [2, 1];
            await session.beginTransaction();
            await session
              .query(`UPDATE stock SET n = n + 1 WHERE id = ${first}`)
              .then(() => session.query(`UPDATE stock SET n = n + 1 WHERE id = ${second}`))
              .catch(() => undefined);
            await session.query('ROLLBACK');
          }
        }),
      );
    });
    const { result } = await replayed(record, target);
    expectAccounted(record, result);
    expect(result.ended).toEqual({ why: 'complete' });
    const { deadlocks, failed } = result;
    expect(failed['1213'] ?? 0).toBe(deadlocks);
  });

  it('leaves out the rest of a transaction that was rolled back, however long it is', async () => {
    await fresh();
    const record = recordOf([
      [1, 'connect', 'app@h on shop using TCP/IP'],
      [1, 'BEGIN'],
      [1, "SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213"],
      ...Array.from({ length: 8_000 }, (): Line => [1, 'SELECT 1']),
      [1, 'COMMIT'],
      [1, 'SELECT 2'],
    ]);
    const { result } = await replayed(record, target);
    expectAccounted(record, result);
    expect(result).toMatchObject({
      sent: 4,
      skipped: { transaction_lost: 8_000 },
      failed: { '1213': 1 },
      deadlocks: 1,
    });
  });

  it('breaks off what has no answer within the deadline', async () => {
    await fresh();
    const record = await recordWork(source, async () => {
      const one = await client();
      // Broken off there, too, but in the record it is a statement as any other.
      const [row] = await rowsOf(one, 'SELECT CONNECTION_ID() AS id');
      const sleeping = one.query('SELECT SLEEP(100)').catch(() => undefined);
      await sourceAdmin.query('DO SLEEP(0.2)');
      await sourceAdmin.query(`KILL QUERY ${String(row?.id)}`);
      await sleeping;
      await one.query('SELECT 1');
    });
    const start = performance.now();
    const { result } = await replayed(record, target, { deadline: 1_000 });
    expect(performance.now() - start).toBeLessThan(20_000);
    expectAccounted(record, result);
    expect(result.brokenOff).toBe(1);
  });

  it('ends when it is told to, with nothing open at the target', async () => {
    await fresh();
    const record = await recordWork(source, async () => {
      const [one, two] = [await client(), await client()];
      await one.query('SELECT SLEEP(2)');
      await two.query('SELECT 2');
    });
    const leaving = new AbortController();
    const { result } = await replayed(
      record,
      target,
      { speed: 0.01, writes: false },
      {
        signal: leaving.signal,
        show: ({ type }) => {
          if (type === 'played') leaving.abort();
        },
      },
    );
    expectAccounted(record, result);
    expect(result.ended).toEqual({ why: 'interrupted' });
    expect(result.skipped.interrupted).toBeGreaterThan(0);
    await waitUntil(async () => {
      const open = await rowsOf(
        targetAdmin,
        "SELECT id FROM information_schema.processlist WHERE user = 'replayer'",
      );
      return open.length === 0;
    });
  });

  it('is not late where the clock of the recorded server was set back', async () => {
    await fresh();
    const record = recordOf([1, 2, 3, 4].map((n): Line => [1, `SELECT ${n}`]));
    const times = ['10:00:02.000', '09:00:00.000', '10:00:02.500', '10:00:02.300'];
    const timed: ReplayedRecord = {
      ...record,
      read: async function* () {
        for await (const part of record.read()) {
          yield part.map((one) => ({ ...one, time: `2026-11-30T${times[one.seq - 1]}000Z` }));
        }
      },
    };
    const { plan, result } = await replayed(timed, target, { writes: false, speed: 1 });
    expect(plan.length).toBe(500);
    expect(result).toMatchObject({ sent: 4, recordedMs: 500 });
    expect(result.lateMs?.maxMs).toBeLessThan(60_000);
  });

  it('ends with what was done where the record cannot be read on', async () => {
    await fresh();
    const record = recordOf(Array.from({ length: 9 }, (_, n): Line => [1, `SELECT ${n}`]));
    let reads = 0;
    const torn: ReplayedRecord = {
      ...record,
      read: async function* () {
        const isPlayed = ++reads > 1;
        let parts = 0;
        for await (const part of record.read()) {
          if (isPlayed && ++parts > 2) throw new AppError('store_unusable', 'Segment 2 is damaged');
          yield part;
        }
      },
    };
    const { result } = await replayed(torn, target, { writes: false });
    expectAccounted(record, result);
    expect(result.ended).toEqual({ why: 'record_lost', message: 'Segment 2 is damaged' });
    expect(result.sent + (result.skipped.interrupted ?? 0)).toBe(9);
    expect(result.skipped.interrupted).toBeGreaterThanOrEqual(3);
  });

  it('is of a lost target where no session kept its connection', async () => {
    await fresh();
    await targetAdmin.query(`CREATE USER turned_away@'127.0.0.1'`);
    const record = recordOf([
      [1, 'SELECT 1'],
      [1, 'SELECT 2'],
      [2, 'SELECT 3'],
    ]);
    await targetAdmin.query("SET GLOBAL init_connect = 'SELECT * FROM nowhere.nothing'");
    const users = [{ recorded: '*', user: 'turned_away', passwordFrom: null }];
    const { result } = await replayed(record, target, { writes: false, users });
    await targetAdmin.query("SET GLOBAL init_connect = ''");
    expectAccounted(record, result);
    expect(result).toMatchObject({
      sent: 0,
      ended: { why: 'target_lost', message: 'no session kept its connection' },
    });
  });

  it('ends with what was done when the target dies', async () => {
    await fresh();
    const record = await recordWork(source, async () => {
      const one = await client();
      for (let i = 0; i < 50; i++) await one.query('SELECT SLEEP(0.02)');
    });
    let isKilled = false;
    const { result } = await replayed(
      record,
      target,
      { writes: false, speed: 0.05 },
      {
        show: (event) => {
          if (event.type !== 'played' || event.progress.sent < 4 || isKilled) return;
          isKilled = true;
          void target.kill();
        },
      },
    ).finally(() => target.restart());
    targetAdmin.destroy();
    targetAdmin = await target.admin();
    expectAccounted(record, result);
    expect(result.ended).toMatchObject({ why: 'target_lost' });
    expect(result.sent).toBeGreaterThanOrEqual(4);
    expect(result.skipped.target_lost).toBeGreaterThan(10);
  });
});
