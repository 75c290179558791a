import { setTimeout as delay } from 'node:timers/promises';
import mysql from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { StatementRecord } from '../../src/core/workloads/statements.ts';
import { Bench, tagsOf } from '../support/recording-bench.ts';
import { BIN, endStarted, start, type RunningProcess } from '../support/processes.ts';
import { startRdsServer, type RdsServer } from './rds-server.ts';
import type { Manifest } from '../../src/core/workloads/workload.ts';
import { isInFull, THINK_MS } from '../support/proportion.ts';
import { waitUntil } from '../support/waiting.ts';

let server: RdsServer;
beforeAll(async () => {
  server = await startRdsServer();
});
afterEach(endStarted);
afterAll(async () => {
  await server.stop();
});

const ROTATIONS = isInFull ? 12 : 6;
const KILLS = isInFull ? 10 : 4;

const ZONES = ['+05:00', '-07:00', 'SYSTEM', '+00:00', '+05:45', '-03:30', '+13:00', '-12:00'];

/** When a statement was sent and answered, by our clock in microseconds. */
type Sent = Map<string, { readonly from: number; readonly to: number }>;

const microseconds = (): number => (performance.timeOrigin + performance.now()) * 1_000;

/** Eight sessions in as many time zones, each statement with a tag of its own. */
class ZonedLoad {
  readonly sent: Sent = new Map();
  readonly #runs: Promise<void>[];
  #isStopped = false;

  constructor(prefix: string) {
    this.#runs = ZONES.map((zone, index) => this.#run(zone, `${prefix}-${index}`));
  }

  /** Resolves when this many more statements were answered. */
  async more(statements: number): Promise<void> {
    const goal = this.sent.size + statements;
    await waitUntil(() => this.sent.size >= goal);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#runs);
  }

  async #run(zone: string, prefix: string): Promise<void> {
    const client = await mysql.createConnection({ socketPath: server.socket, user: 'root' });
    await client.query(`SET time_zone = '${zone}'`);
    for (let i = 0; !this.#isStopped; i++) {
      const tag = `${prefix}-${i}`;
      const from = microseconds();
      if (i % 3 === 0) await client.execute('SELECT ? AS tag', [`<${tag}>`]);
      else await client.query(`SELECT '<${tag}>'`);
      this.sent.set(tag, { from, to: microseconds() });
      await delay(THINK_MS);
    }
    await client.end();
  }
}

async function send(...tags: string[]): Promise<void> {
  await sendTo(server, ...tags);
}

async function sendTo({ socket }: RdsServer, ...tags: string[]): Promise<void> {
  const client = await mysql.createConnection({ socketPath: socket, user: 'root' });
  for (const tag of tags) await client.query(`SELECT '<${tag}>'`);
  await client.end();
}

/** The clocks of this process and of the server are one, but read in different ways. */
const CLOCK_SLACK_US = 5_000;

function wronglyTimed(records: readonly StatementRecord[], sent: Sent): string[] {
  return records.flatMap(({ kind, sql, time }) => {
    const tag = kind === 'query' || kind === 'execute' ? /<([\w-]+)>/.exec(sql)?.[1] : undefined;
    const bounds = sent.get(tag ?? '');
    if (bounds === undefined) return [];
    const at = microsecondsOf(time);
    const isRight = at >= bounds.from - CLOCK_SLACK_US && at <= bounds.to + CLOCK_SLACK_US;
    return isRight ? [] : [`${tag ?? ''} at ${time}, ${at - bounds.from} µs after it was sent`];
  });
}

function microsecondsOf(time: string): number {
  return Date.parse(`${time.slice(0, 23)}Z`) * 1_000 + Number(time.slice(23, 26));
}

/**
 * The tags that are in the record more than once, or missing from it although no gap says that
 * statements of that time may be; ten at most. Of two rotations that meet within some milliseconds one
 * may drop what the other has put aside, and nobody but RDS could prevent that: a gap says so.
 */
function untrue(records: readonly StatementRecord[], sent: Sent, gaps: Manifest['gaps']): string[] {
  const counts = new Map<string, number>();
  for (const tag of tagsOf(records)) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  const doubled = [...counts].filter(([tag, count]) => count > 1 || !sent.has(tag));
  const missing = [...sent].filter(([tag, { from, to }]) => {
    const isExplained = gaps.some(
      (gap) =>
        (gap.from === null || microsecondsOf(gap.from) <= to + CLOCK_SLACK_US) &&
        (gap.to === null || microsecondsOf(gap.to) >= from - CLOCK_SLACK_US),
    );
    return !counts.has(tag) && !isExplained;
  });
  return [
    ...doubled.map(([tag, count]) => `${tag}: ${count} times`),
    ...missing.map(([tag]) => `${tag} is missing`),
  ].slice(0, 10);
}

describe('where the log can only be rotated', () => {
  it('every statement is recorded once, at its time, whatever its zone and whoever rotates', async () => {
    const bench = new Bench(server, server.address);
    const { id } = bench.capture('zones');
    await bench.until(id, 'RUNNING');
    const load = new ZonedLoad('zone');
    await load.more(200);
    // RDS's own rotations, at moments of their own; each is read before the next one comes.
    for (let i = 0; i < ROTATIONS; i++) {
      await load.more(1 + Math.floor(Math.random() * 400));
      await server.rotate();
      await bench.untilRecorded(id, load.sent.size);
    }
    await load.more(200);
    await load.stop();
    await bench.stop(id);
    await bench.daemon.leave();
    const records = await bench.records(id);
    expect(wronglyTimed(records, load.sent).slice(0, 5)).toEqual([]);
    expect(records.filter(({ user }) => user === 'recorder')).toEqual([]);
    const manifest = await bench.manifest(id);
    expect(manifest.complete).toBe(true);
    expect(untrue(records, load.sent, manifest.gaps)).toEqual([]);
    expect(manifest.gaps.length).toBeLessThan(3);
    expect(manifest.warnings.join()).toContain("session's time zone");
    console.log(
      `${load.sent.size} statements, ${manifest.gaps.length} gaps in ${ROTATIONS} rotations`,
    );
  });

  it('two rotations in a row are let through one by one, or what they drop is a gap', async () => {
    const bench = new Bench(server, server.address);
    const { id } = bench.capture('two in a row');
    await bench.until(id, 'RUNNING');
    const load = new ZonedLoad('two');
    for (let i = 0; i < 4; i++) {
      await load.more(300);
      await server.rotate();
      await server.rotate();
    }
    await load.more(300);
    await load.stop();
    await bench.stop(id);
    await bench.daemon.leave();
    const records = await bench.records(id);
    const { gaps } = await bench.manifest(id);
    expect(untrue(records, load.sent, gaps)).toEqual([]);
    console.log(`${tagsOf(records).length} of ${load.sent.size} statements, ${gaps.length} gaps`);
  });

  it.each([
    ['does not make the server stand still', false],
    [
      'and one more behind it drop what was rotated last: that is a gap, with all that is missing',
      true,
    ],
  ])('a rotation that ours overtook %s', async (_what, hasAnother) => {
    const bench = new Bench(server, server.address);
    const { id } = bench.capture('overtaken');
    await bench.until(id, 'RUNNING');
    const admin = await server.admin();
    await admin.query('SET SESSION sql_log_off = 1');
    const load = new ZonedLoad('overtaken');
    for (let i = 0; i < (hasAnother ? 2 : 4); i++) {
      await load.more(100);
      // Theirs, statement by statement, and ours between the second and the third.
      // Just behind ours, or it drops what we have put aside and not read.
      await bench.untilMoreIsRecorded(id);
      await admin.query(
        'CREATE TABLE IF NOT EXISTS mysql.general_log2 LIKE mysql.general_log; DROP TABLE IF EXISTS mysql.general_log_backup',
      );
      await waitUntil(async () => {
        const [found] = await admin.query("SHOW TABLES FROM mysql LIKE 'general_log_backup'");
        return (found as unknown[]).length > 0;
      });
      await admin.query('CREATE TABLE IF NOT EXISTS mysql.general_log2 LIKE mysql.general_log');
      const refused = admin.query(
        'RENAME TABLE mysql.general_log TO mysql.general_log_backup, mysql.general_log2 TO mysql.general_log',
      );
      await expect(refused).rejects.toMatchObject({ code: 'ER_TABLE_EXISTS_ERROR' });
      if (hasAnother) await server.rotate();
      else await bench.untilRecorded(id, load.sent.size);
    }
    await load.stop();
    await bench.stop(id);
    await bench.daemon.leave();
    const { gaps } = await bench.manifest(id);
    expect(untrue(await bench.records(id), load.sent, gaps)).toEqual([]);
    if (!hasAnother) expect(gaps).toEqual([]);
    await admin.end();
  });

  it('nothing is changed on the server, and its log stays on', async () => {
    const admin = await server.admin();
    const state = async (): Promise<unknown> => [
      (await admin.query('SELECT @@GLOBAL.general_log, @@GLOBAL.log_output'))[0],
      (await admin.query('SHOW DATABASES'))[0],
      (await admin.query('SHOW CREATE TABLE mysql.general_log'))[0],
      (await admin.query("SELECT IS_USED_LOCK('captures:tap') AS held"))[0],
    ];
    const before = await state();
    const bench = new Bench(server, server.address);
    const { id } = bench.capture('guest');
    await bench.until(id, 'RUNNING');
    await send('guest');
    await bench.stop(id);
    await waitUntil(() => bench.test.store.taps.list().length === 0);
    await bench.daemon.leave();
    expect(await state()).toEqual(before);
    expect(tagsOf(await bench.records(id))).toEqual(['guest']);
    await admin.end();
  });

  it('one rotation while no daemon runs loses nothing', async () => {
    const bench = new Bench(server, server.address);
    const { id } = bench.capture('away once');
    await bench.until(id, 'RUNNING');
    await send('before');
    await bench.daemon.leave();
    await send('live');
    await server.rotate();
    await send('later');
    bench.daemon = bench.startDaemon();
    await bench.untilTagged(id, 'later');
    await bench.stop(id);
    await bench.daemon.leave();
    expect(tagsOf(await bench.records(id))).toEqual(['before', 'live', 'later']);
    expect((await bench.manifest(id)).gaps).toEqual([]);
  });

  it('two rotations while no daemon runs are a gap, and exactly what they dropped is missing', async () => {
    const bench = new Bench(server, server.address);
    const { id } = bench.capture('away twice');
    await bench.until(id, 'RUNNING');
    await send('before');
    await bench.untilTagged(id, 'before');
    await bench.daemon.leave();
    const seq = (await bench.records(id)).length;
    await send('lost-1', 'lost-2');
    await server.rotate();
    await send('kept-1');
    await server.rotate();
    await send('kept-2');
    bench.daemon = bench.startDaemon();
    await bench.untilTagged(id, 'kept-2');
    // What was read is not read again by the next daemon, though the table names no generation.
    await bench.daemon.leave();
    bench.daemon = bench.startDaemon();
    await send('after');
    await bench.stop(id);
    await bench.daemon.leave();
    expect(tagsOf(await bench.records(id))).toEqual(['before', 'kept-1', 'kept-2', 'after']);
    const { gaps } = await bench.manifest(id);
    expect(gaps).toMatchObject([{ cause: 'log_table_changed', afterSeq: seq }]);
  });

  describe('while a server restarts and no daemon runs', () => {
    let other: RdsServer;
    beforeAll(async () => {
      other = await startRdsServer({ options: ['--general-log=ON', '--log-output=TABLE'] });
    });
    afterAll(() => other.stop());

    it.each([
      ['one rotation loses nothing', 1, ['before', 'kept', 'behind-1'], 0],
      ['what is left behind two rotations is read', 2, ['before', 'behind-1', 'behind-2'], 1],
    ])('%s', async (_what, rotations, expected, gapCount) => {
      const bench = new Bench(other, other.address);
      const { id } = bench.capture('restarted');
      await bench.until(id, 'RUNNING');
      await sendTo(other, 'before');
      await bench.untilTagged(id, 'before');
      await bench.daemon.leave();
      await sendTo(other, 'kept');
      await other.restart();
      for (let i = 1; i <= rotations; i++) {
        await other.rotate();
        await sendTo(other, `behind-${i}`);
      }
      bench.daemon = bench.startDaemon();
      await bench.untilTagged(id, `behind-${rotations}`);
      await bench.stop(id);
      await bench.daemon.leave();
      expect(tagsOf(await bench.records(id))).toEqual(expected);
      expect((await bench.manifest(id)).gaps).toHaveLength(gapCount);
    });
  });

  it('a statement that the column cut is flagged, and one that lost characters of four bytes', async () => {
    const bench = new Bench(server, server.address);
    const { id } = bench.capture('cut');
    await bench.until(id, 'RUNNING');
    const client = await mysql.createConnection({ socketPath: server.socket, user: 'root' });
    await client.query(`SELECT LENGTH('${'x'.repeat(17 * 1024 * 1024)}') AS cut`);
    await client.query("SELECT '<smile> 😀'");
    await client.end();
    await bench.stop(id);
    await bench.daemon.leave();
    const records = await bench.records(id);
    expect(records.find(({ sql }) => sql.startsWith('SELECT LENGTH'))?.flags).toEqual(['partial']);
    const smile = records.find(({ sql }) => sql.includes('<smile>'));
    // MySQL's own table has a blob, which holds them.
    if (server.family === 'mysql') {
      expect(smile).toMatchObject({ sql: "SELECT '<smile> 😀'" });
      expect(smile).not.toHaveProperty('flags');
    } else {
      expect(smile).toMatchObject({ flags: ['lossy'] });
    }
  });

  it.each([
    ['loses and doubles nothing', false],
    ['doubles nothing, and what rotations drop that come before it is back is a gap', true],
  ])('a daemon that is killed at any moment %s', async (_what, isRotated) => {
    const bench = new Bench(server, server.address);
    await bench.daemon.leave();
    const { store } = bench.test;
    let victim: RunningProcess = startVictim(bench);
    const { id } = bench.capture('killed');
    await bench.until(id, 'RUNNING');
    const load = new ZonedLoad('killed');
    for (let kills = 0; kills < (isRotated ? KILLS / 2 : KILLS); kills++) {
      await waitUntil(() => victim.stderr().includes('"event":"log tapped"'));
      await delay(20 + Math.random() * 700);
      victim.child.kill('SIGKILL');
      await victim.ended;
      // What the one that was killed had rotated and not read is dropped by this.
      if (isRotated) await server.rotate();
      store.lease.release(store.lease.find()?.holder ?? '');
      victim = startVictim(bench);
    }
    await load.stop();
    await bench.stop(id);
    victim.child.kill('SIGTERM');
    await victim.ended;
    const records = await bench.records(id);
    expect(wronglyTimed(records, load.sent).slice(0, 5)).toEqual([]);
    const { gaps } = await bench.manifest(id);
    if (!isRotated) expect(gaps).toEqual([]);
    expect(untrue(records, load.sent, gaps)).toEqual([]);
    const tags = tagsOf(records);
    console.log(`${tags.length} of ${load.sent.size} statements, ${gaps.length} gaps`);
  });
});

function startVictim(bench: Bench): RunningProcess {
  return start(process.execPath, [BIN, 'daemon'], {
    env: { CAPTURES_HOME: bench.test.store.directory },
  });
}
