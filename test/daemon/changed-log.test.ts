import type { Connection, RowDataPacket } from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import type { Gap } from '../../src/core/workloads/gaps.ts';
import type { Source } from '../../src/core/source.ts';
import { mysqlSource } from '../../src/source/mysql/mysql-source.ts';
import { startServer, type DatabaseServer } from '../support/database-server.ts';
import { swappedLogOf } from '../support/recorder-server.ts';
import { Bench, runLoad, serverState, startLoad, tagsOf } from '../support/recording-bench.ts';
import { waitUntil } from '../support/waiting.ts';

let server: DatabaseServer;
let admin: Connection;
beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server.stop();
});

let before: unknown;
beforeEach(async () => {
  admin = await server.admin();
  before = await serverState(server);
});
afterEach(async () => {
  const [tables] = await admin.query<RowDataPacket[]>(
    "SHOW TABLES FROM mysql LIKE 'general_log_%'",
  );
  for (const name of tables.flatMap((row) => Object.values(row).map(String))) {
    await admin.query(`DROP TABLE mysql.${name}`);
  }
  await admin.end();
});

/** What rotation scripts do, and `mysql.rds_rotate_general_log`. */
async function rotate(to = 'mysql.general_log_backup'): Promise<void> {
  await admin.query(
    `DROP TABLE IF EXISTS ${to}; CREATE TABLE mysql.general_log2 LIKE mysql.general_log`,
  );
  // By itself: it is logged then, and shows that the new table was there before the old one was moved.
  await admin.query(
    `RENAME TABLE mysql.general_log TO ${to}, mysql.general_log2 TO mysql.general_log`,
  );
}

async function tag(name: string): Promise<void> {
  await admin.query(`SELECT '<${name}>'`);
}

/** Does `work` between two swaps of the tap: directly behind one. */
async function betweenSwaps(bench: Bench, id: number, work: () => Promise<void>): Promise<void> {
  await tag('probe');
  await bench.untilTagged(id, 'probe');
  await work();
}

describe('a log table that another program moves away while it is recorded', () => {
  it('is read where it went: nothing is missing, and that is said', async () => {
    const bench = new Bench(server);
    const { id } = bench.capture('rotated');
    await bench.until(id, 'RUNNING');
    const load = await startLoad(server, 'rotated');
    for (let i = 0; i < 6; i++) {
      await load.more(300);
      await rotate(`mysql.general_log_${i}`);
    }
    await load.more(300);
    await load.stop();
    await bench.stop(id);
    await bench.daemon.leave();
    expect(tagsOf(await bench.records(id)).sort()).toEqual([...load.sent].sort());
    const manifest = await bench.manifest(id);
    expect(manifest.gaps).toEqual([]);
    expect(manifest.warnings.join()).toContain('it is left as mysql.general_log_');
    expect(await serverState(server)).toEqual(before);
  });

  it('several times between two swaps is read in order', async () => {
    const bench = new Bench(server);
    const { id } = bench.capture('rotated twice');
    await bench.until(id, 'RUNNING');
    await betweenSwaps(bench, id, async () => {
      await tag('one');
      await rotate('mysql.general_log_1');
      await tag('two');
      await rotate('mysql.general_log_2');
      await tag('three');
    });
    await bench.stop(id);
    await bench.daemon.leave();
    expect(tagsOf(await bench.records(id))).toEqual(['probe', 'one', 'two', 'three']);
    expect((await bench.manifest(id)).gaps).toEqual([]);
    expect(await serverState(server)).toEqual(before);
  });

  it('is a gap, with its place, where the older part is gone; the rest is read', async () => {
    const bench = new Bench(server);
    const { id } = bench.capture('rotated away');
    await bench.until(id, 'RUNNING');
    await betweenSwaps(bench, id, async () => {
      await tag('lost');
      await rotate();
      await tag('kept');
      await rotate();
      await tag('last');
    });
    await bench.stop(id);
    await bench.daemon.leave();
    const records = await bench.records(id);
    expect(tagsOf(records)).toEqual(['probe', 'kept', 'last']);
    const { gaps } = await bench.manifest(id);
    expect(gaps).toHaveLength(1);
    expectBetween(gaps[0], records, 'probe', 'kept');
    expect(await serverState(server)).toEqual(before);
  });

  it('while the daemon is dead is read by the next one', async () => {
    const bench = new Bench(server);
    const { id } = bench.capture('rotated while dead');
    await bench.until(id, 'RUNNING');
    await tag('one');
    await bench.daemon.leave();
    await tag('two');
    await rotate('mysql.general_log_1');
    await tag('three');
    await rotate('mysql.general_log_2');
    await tag('four');
    bench.daemon = bench.startDaemon();
    await bench.untilTagged(id, 'four');
    await bench.stop(id);
    await bench.daemon.leave();
    expect(tagsOf(await bench.records(id))).toEqual(['one', 'two', 'three', 'four']);
    expect((await bench.manifest(id)).gaps).toEqual([]);
    expect(await serverState(server)).toEqual(before);
  });

  it('at the very end of every window is read, in the owner’s log as well', async () => {
    await admin.query("SET GLOBAL log_output = 'TABLE'; SET GLOBAL general_log = ON");
    await admin.query('SET GLOBAL general_log = OFF; TRUNCATE mysql.general_log');
    await admin.query('SET GLOBAL general_log = ON');
    before = await serverState(server);
    const bench = new Bench(server);
    const { id } = bench.capture('rotated at the end');
    await bench.until(id, 'RUNNING');
    await betweenSwaps(bench, id, async () => {
      await tag('one');
      await rotate();
      await tag('two');
      bench.test.captures.requestStop(bench.alice, String(id));
    });
    await bench.until(id, 'DONE');
    await bench.daemon.leave();
    await tag('after');
    expect(tagsOf(await bench.records(id))).toEqual(['probe', 'one', 'two']);
    expect(await serverState(server)).toEqual(before);
    const [rows] = await admin.query<RowDataPacket[]>(
      "SELECT argument FROM mysql.general_log WHERE argument LIKE 'SELECT _<%'",
    );
    expect(rows.map((row) => String(row['argument']))).toEqual(
      ['probe', 'one', 'two', 'after'].map((name) => `SELECT '<${name}>'`),
    );
    const [foreign] = await admin.query<RowDataPacket[]>(
      "SELECT * FROM mysql.general_log WHERE user_host LIKE 'captures%'",
    );
    expect(foreign).toEqual([]);
    await admin.query("SET GLOBAL general_log = OFF; SET GLOBAL log_output = 'FILE'");
  });
});

describe('a log table that another program empties while it is recorded', () => {
  it('is a gap in every capture whose window is open, and in no other', async () => {
    const bench = new Bench(server);
    const one = bench.capture('truncated');
    const two = bench.capture('truncated too');
    await bench.until(one.id, 'RUNNING');
    await bench.until(two.id, 'RUNNING');
    await betweenSwaps(bench, one.id, async () => {
      await tag('lost');
      await admin.query('TRUNCATE mysql.general_log');
      await tag('kept');
    });
    await bench.untilTagged(one.id, 'kept');
    const later = bench.capture('later');
    await bench.until(later.id, 'RUNNING');
    for (const { id } of [one, two, later]) await bench.stop(id);
    await bench.daemon.leave();
    for (const { id } of [one, two]) {
      const records = await bench.records(id);
      expect(tagsOf(records)).toEqual(['probe', 'kept']);
      const { gaps, complete } = await bench.manifest(id);
      expect(complete).toBe(true);
      expect(gaps).toHaveLength(1);
      expectBetween(gaps[0], records, 'probe', 'kept');
    }
    expect((await bench.manifest(later.id)).gaps).toEqual([]);
    const warnings = bench.daemon.details.filter((d) => d.startsWith('statements may be missing'));
    expect(warnings).toHaveLength(2);
    expect(await serverState(server)).toEqual(before);
  });

  it('and replaces by a table of its own is put right; theirs is kept', async () => {
    const bench = new Bench(server);
    const { id } = bench.capture('replaced');
    await bench.until(id, 'RUNNING');
    await betweenSwaps(bench, id, async () => {
      await tag('one');
      await admin.query(
        `CREATE TABLE mysql.theirs LIKE mysql.general_log; ALTER TABLE mysql.theirs COMMENT 'theirs';
         RENAME TABLE mysql.general_log TO mysql.general_log_old, mysql.theirs TO mysql.general_log`,
      );
      await tag('two');
    });
    await bench.untilTagged(id, 'two');
    const [strays] = await admin.query("SHOW TABLES FROM captures LIKE 'stray%'");
    expect(strays).toHaveLength(1);
    await bench.stop(id);
    await bench.daemon.leave();
    expect(tagsOf(await bench.records(id))).toEqual(['probe', 'one', 'two']);
    expect((await bench.manifest(id)).gaps).toEqual([]);
    await admin.query('DROP DATABASE captures');
    expect(await serverState(server)).toEqual(before);
  });

  it('and switches off has the gap in its ledger and stays readable', async () => {
    const bench = new Bench(server);
    const { id } = bench.capture('switched off');
    await bench.until(id, 'RUNNING');
    const sent = await runLoad(server, 'whole', 500);
    await bench.untilTagged(id, sent.at(-1) ?? '');
    await tag('last');
    await admin.query('SET GLOBAL general_log = OFF');
    await waitUntil(() => bench.test.store.captures.find(id)?.status === 'FAILED');
    await bench.daemon.leave();
    const records = await bench.records(id);
    expect(tagsOf(records).sort()).toEqual([...sent, 'last'].sort());
    const { gaps } = await bench.manifest(id);
    expect(gaps).toMatchObject([
      { cause: 'log_switched_off', afterSeq: records.length, missing: null },
    ]);
    expect(await serverState(server)).toEqual(before);
  });
});

/** A gap lies where it says: behind one record and before another, by seq and by time. */
function expectBetween(
  gap: Gap | undefined,
  records: Awaited<ReturnType<Bench['records']>>,
  behind: string,
  ahead: string,
): void {
  const find = (name: string) => records.find(({ sql }) => sql.includes(`<${name}>`));
  expect(gap).toMatchObject({ cause: 'log_table_changed', missing: null });
  if (gap === undefined) return;
  const first = find(behind);
  const next = find(ahead);
  expect(gap.afterSeq).toBeGreaterThanOrEqual(first?.seq ?? Infinity);
  expect(gap.afterSeq).toBeLessThan(next?.seq ?? 0);
  expect((gap.from ?? '') >= (first?.time ?? '~')).toBe(true);
  expect((gap.to ?? '~') <= (next?.time ?? '')).toBe(true);
  expect((gap.from ?? '~') < (gap.to ?? '')).toBe(true);
  expect(gap.before).toEqual({ ...gap.after, row: (gap.after?.row ?? 0) + 1 });
}

describe('a log that a client switches off and on again between two swaps', () => {
  it('is a gap that holds every statement that was sent meanwhile, and none where it was left on', async () => {
    const bench = new Bench(server);
    const { id } = bench.capture('switched off and on');
    await bench.until(id, 'RUNNING');
    const times = new Map<string, { readonly from: string; readonly to: string }>();
    const load = await startLoad(server, 'switched', 4, (tag, from, to) =>
      times.set(tag, { from, to }),
    );
    await load.more(100);
    await admin.query("SET GLOBAL general_log=ON, GLOBAL log_output='TABLE'");
    const ways = [
      ['SET GLOBAL general_log=OFF', 'SET GLOBAL general_log=ON'],
      ["SET GLOBAL log_output='NONE'", "SET GLOBAL log_output='TABLE'"],
      [
        "SET @off = 'SET @@global.general_log = 0'; PREPARE off FROM @off; EXECUTE off",
        'SET GLOBAL general_log=ON',
      ],
    ] as const;
    for (const [off, on] of ways) {
      // By what the load sends: a probe could be sent while the daemon puts right what it found, and be lost.
      await bench.untilMoreIsRecorded(id);
      await admin.query(off);
      await load.more(20);
      await admin.query(on);
      await load.more(100);
    }
    await load.stop();
    await bench.stop(id);
    await bench.daemon.leave();
    const recorded = new Set(tagsOf(await bench.records(id)));
    const { gaps } = await bench.manifest(id);
    const lost = [...times].filter(([tag]) => !recorded.has(tag));
    expect(lost.length).toBeGreaterThanOrEqual(40);
    const isIn = ({ from, to }: Gap, at: { from: string; to: string }): boolean =>
      from !== null && from <= at.to && (to === null || to >= at.from);
    console.log(`${times.size} sent, ${lost.length} not recorded, ${gaps.length} gaps`);
    expect(lost.filter(([, at]) => !gaps.some((gap) => isIn(gap, at)))).toEqual([]);
    // One that was logged just before a swap may have run behind it: then there are two.
    expect(gaps.length).toBeLessThanOrEqual(2 * ways.length);
    expect([...new Set(gaps.map(({ cause }) => cause))]).toEqual(['log_switched_off']);
    expect(await serverState(server)).toEqual(before);
  });
});

describe('frozen tables that are dropped before they were read', () => {
  it('are a gap from what was recorded last to what is known again', async () => {
    let isStuck = false;
    const stuck: Source = {
      ...mysqlSource,
      async open(...args) {
        const log = await mysqlSource.open(...args);
        const read = log.read.bind(log);
        log.read = (...which) => {
          if (isStuck) throw new AppError('remote_failed', 'The network is gone');
          return read(...which);
        };
        return log;
      },
    };
    const bench = new Bench(server);
    await bench.daemon.leave();
    bench.daemon = bench.startDaemon(stuck);
    const { id } = bench.capture('dropped');
    await bench.until(id, 'RUNNING');
    await tag('one');
    await bench.untilTagged(id, 'one');
    const untilInterrupted = async (): Promise<void> => {
      await waitUntil(() => bench.daemon.events.includes('recording interrupted'));
      await bench.daemon.leave();
    };
    isStuck = true;
    const from = new Date().toISOString();
    await tag('lost');
    const to = new Date().toISOString();
    await untilInterrupted();
    await tag('kept');
    // What is live is frozen when the log is found off.
    await admin.query('SET GLOBAL general_log = OFF');
    bench.daemon = bench.startDaemon(stuck);
    await untilInterrupted();
    const address = bench.environment.server;
    if (address === null) throw new Error('The environment has no server');
    const log = swappedLogOf(await mysqlSource.open(address, bench.test.store.id, () => undefined));
    const { unread: frozen } = await log.state();
    expect(frozen.length).toBeGreaterThan(1);
    await log.drop(frozen[0] ?? 0);
    await log.close();
    bench.daemon = bench.startDaemon();
    await waitUntil(() => bench.daemon.events.includes('log tapped'));
    await tag('after');
    await bench.stop(id);
    await bench.daemon.leave();
    const records = await bench.records(id);
    expect(tagsOf(records)).toEqual(['one', 'kept', 'after']);
    const [gap] = (await bench.manifest(id)).gaps;
    expect(gap).toMatchObject({ cause: 'log_table_changed', missing: null });
    expect(gap?.reason).toContain('frozen and not read yet are gone');
    const seqOf = (name: string): number =>
      records.find(({ sql }) => sql.includes(`<${name}>`))?.seq ?? NaN;
    expect(gap?.afterSeq).toBeGreaterThanOrEqual(seqOf('one'));
    expect(gap?.afterSeq).toBeLessThan(seqOf('kept'));
    expect((gap?.from ?? '~') <= to && (gap?.to ?? '') >= from).toBe(true);
    expect(await serverState(server)).toEqual(before);
  });
});

it('what its server lost of its own log table is said with the capture', async () => {
  const bench = new Bench(server);
  const { id } = bench.capture('dropped');
  await bench.until(id, 'RUNNING');
  await admin.query('DROP TABLE captures.owners_log');
  await bench.stop(id);
  await bench.daemon.leave();
  const said = expect.arrayContaining([
    expect.stringMatching(/^Somebody dropped the server's own/),
  ]);
  expect((await bench.manifest(id)).warnings).toEqual(said);
  const facts = bench.test.store.recordings.find(id)?.facts ?? '{}';
  expect(JSON.parse(facts)).toMatchObject({ warnings: said });
});
