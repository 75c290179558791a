import { statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import type mysql from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import type { StatementRecord } from '../../src/core/workloads/statements.ts';
import { mysqlSource } from '../../src/source/mysql/mysql-source.ts';
import { readManifest } from '../../src/workload/manifest.ts';
import { isInFull } from '../support/proportion.ts';
import { startServer, type DatabaseServer } from '../support/database-server.ts';
import { Bench, runLoad, serverState, startLoad, tagsOf } from '../support/recording-bench.ts';
import { waitUntil } from '../support/waiting.ts';

let server: DatabaseServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server.stop();
});

/** Makes sure that the last row of the log is that of a statement, and that it is written whole. */
async function sayLast(of: DatabaseServer): Promise<void> {
  const admin = await of.admin();
  const others =
    "SELECT 1 FROM information_schema.PROCESSLIST WHERE COMMAND <> 'Daemon' AND USER = 'root' AND ID <> CONNECTION_ID()";
  await waitUntil(async () => ((await admin.query(others))[0] as unknown[]).length === 0);
  admin.destroy();
}

describe('a capture of a real server', () => {
  it('records every statement of its window exactly once and restores the server', async () => {
    const before = await serverState(server);
    const bench = new Bench(server);
    await runLoad(server, 'early', 200);
    const { id } = bench.capture('morning');
    const running = await bench.until(id, 'RUNNING');
    const load = await startLoad(server, 'load');
    await load.more(isInFull ? 10_000 : 3_000);
    await load.stop();
    const done = await bench.stop(id);
    await bench.daemon.leave();

    const records = await bench.records(id);
    expect(tagsOf(records).sort()).toEqual([...load.sent].sort());
    expect(records.map((record) => record.seq)).toEqual(records.map((_, index) => index + 1));
    expect(done.records).toBe(records.length);
    expect(done.start).toBe(running.start);
    expect(done.end).toBeGreaterThan(done.start ?? 0);
    expect(done.reason).toBeNull();
    expect(await serverState(server)).toEqual(before);
    expect(bench.test.store.taps.list()).toEqual([]);

    const manifest = await readManifest(bench.folder(id));
    expect(manifest).toMatchObject({
      complete: true,
      capture: { id, name: 'morning' },
      gaps: [],
      counters: { records: records.length },
    });
    expect(manifest.segments.reduce((sum, segment) => sum + segment.records, 0)).toBe(
      records.length,
    );
  });

  it('goes on in the next daemon when the first one leaves', async () => {
    const before = await serverState(server);
    const bench = new Bench(server);
    const { id } = bench.capture('handed over');
    await bench.until(id, 'RUNNING');
    const load = await startLoad(server, 'handed');
    for (let i = 0; i < 3; i++) {
      await load.more(isInFull ? 2_000 : 600);
      await bench.daemon.leave();
      expect(bench.test.store.captures.find(id)?.status).toBe('RUNNING');
      bench.daemon = bench.startDaemon();
    }
    await load.more(isInFull ? 2_000 : 600);
    await load.stop();
    await bench.stop(id);
    await bench.daemon.leave();
    expect(tagsOf(await bench.records(id)).sort()).toEqual([...load.sent].sort());
    expect(await serverState(server)).toEqual(before);
  });

  it('shares one tap with another that overlaps it, and each has exactly its window', async () => {
    const before = await serverState(server);
    const bench = new Bench(server);
    const loads: Record<string, string[]> = {};
    const phase = async (name: string): Promise<void> => {
      loads[name] = await runLoad(server, name, 1_500);
    };
    const first = bench.capture('first');
    await bench.until(first.id, 'RUNNING');
    await phase('alone');
    const second = bench.capture('second');
    await bench.until(second.id, 'RUNNING');
    await phase('both');
    await bench.stop(first.id);
    expect(await serverState(server)).not.toEqual(before);
    await phase('rest');
    await bench.stop(second.id);
    await bench.daemon.leave();
    const tags = async (id: number) => tagsOf(await bench.records(id)).sort();
    expect(await tags(first.id)).toEqual(
      [...(loads['alone'] ?? []), ...(loads['both'] ?? [])].sort(),
    );
    expect(await tags(second.id)).toEqual(
      [...(loads['both'] ?? []), ...(loads['rest'] ?? [])].sort(),
    );
    expect(await serverState(server)).toEqual(before);
  });

  it('goes on after the server was killed and started again, and lists the gap', async () => {
    const before = await serverState(server);
    const bench = new Bench(server);
    const { id } = bench.capture('through a restart');
    await bench.until(id, 'RUNNING');
    const sentBefore = await runLoad(server, 'before', 1_500);
    await bench.untilRecorded(id, sentBefore.length);
    await server.kill();
    await server.restart();
    await waitUntil(() =>
      bench.daemon.events.some((event) => event.includes('recording continues')),
    );
    const sentAfter = await runLoad(server, 'after', 1_500);
    await bench.stop(id);
    await bench.daemon.leave();
    const records = await bench.records(id);
    expect(tagsOf(records).sort()).toEqual([...sentBefore, ...sentAfter].sort());
    const { gaps } = await bench.manifest(id);
    expect(gaps).toMatchObject([{ cause: 'server_restarted', missing: null }]);
    const [gap] = gaps;
    const isOf = (prefix: string) => (record: StatementRecord) => record.sql.includes(`<${prefix}`);
    const last = records.findLast(isOf('before'));
    const next = records.find(isOf('after'));
    expect(gap?.afterSeq).toBeGreaterThanOrEqual(last?.seq ?? Infinity);
    expect(gap?.afterSeq).toBeLessThan(next?.seq ?? 0);
    // By the server's clock, from what was logged last to the first row of the log that is on again.
    expect((gap?.from ?? '') >= (last?.time ?? '~')).toBe(true);
    expect((gap?.from ?? '~') < (gap?.to ?? '')).toBe(true);
    expect((gap?.to ?? '~') <= (next?.time ?? '')).toBe(true);
    expect(await serverState(server)).toEqual(before);
  });

  it('goes on after the server died and its log table lost its end, and says what is missing', async () => {
    // As MySQL's default is: a damaged table stays so until somebody repairs it.
    const fragile = await startServer({ options: ['--myisam-recover-options=OFF'] });
    const started = Date.now();
    try {
      const before = await serverState(fragile);
      const bench = new Bench(fragile);
      const { id } = bench.capture('through a damage');
      await bench.until(id, 'RUNNING');
      const load = await startLoad(fragile, 'before');
      await load.more(500);
      await bench.daemon.leave();
      await load.more(500);
      await load.stop();
      await sayLast(fragile);
      // Two starts of a server are told apart by their second.
      await waitUntil(() => Date.now() - started > 1_000);
      await fragile.kill();
      const file = join(fragile.dataDir, 'mysql/general_log.MYD');
      truncateSync(file, statSync(file).size - 33);
      await fragile.restart();
      bench.daemon = bench.startDaemon();
      await waitUntil(() => bench.daemon.events.includes('log tapped'));
      const after = await runLoad(fragile, 'after', 300);
      await bench.stop(id);
      await bench.daemon.leave();
      const recorded = tagsOf(await bench.records(id));
      expect(new Set(recorded).size).toBe(recorded.length);
      expect(recorded).toEqual(expect.arrayContaining(after));
      // The row that was cut, and with it perhaps its neighbour.
      const missing = load.sent.filter((tag) => !recorded.includes(tag));
      expect(missing.length).toBeLessThanOrEqual(2);
      const { gaps } = await bench.manifest(id);
      expect(gaps).toMatchObject([{ cause: 'server_restarted' }]);
      expect(bench.daemon.details.join()).toContain(
        'damaged by a crash of the server and has been',
      );
      expect(await serverState(fragile)).toEqual(before);
    } finally {
      await fragile.stop();
    }
  });

  it('records through a restart of a server that comes up with its log on', async () => {
    const logging = await startServer({ options: ['--general-log=ON', '--log-output=TABLE'] });
    const started = Date.now();
    const bench = new Bench(logging);
    try {
      const { id } = bench.capture('through a restart that logs');
      await bench.until(id, 'RUNNING');
      const load = await startLoad(logging, 'before');
      await load.more(500);
      await bench.daemon.leave();
      await load.stop();
      // Two starts of a server are told apart by their second.
      await waitUntil(() => Date.now() - started > 1_000);
      await logging.kill();
      await logging.restart();
      const began = new Date().toISOString();
      const between = await runLoad(logging, 'between', 300);
      const ended = new Date().toISOString();
      bench.daemon = bench.startDaemon();
      await waitUntil(() => bench.daemon.events.includes('log tapped'));
      const after = await runLoad(logging, 'after', 300);
      await bench.stop(id);
      await bench.daemon.leave();
      const recorded = tagsOf(await bench.records(id));
      expect(new Set(recorded).size).toBe(recorded.length);
      expect(recorded).toEqual(expect.arrayContaining([...load.sent, ...after]));
      const { gaps } = await bench.manifest(id);
      expect(gaps).toMatchObject([{ cause: 'server_restarted' }]);
      // A server that died may find its log table damaged, and then logs nothing, without a word: what
      // is not recorded lies in the gap.
      if (!between.every((tag) => recorded.includes(tag))) {
        expect((gaps[0]?.from ?? '~') <= began).toBe(true);
        expect((gaps[0]?.to ?? '') >= ended).toBe(true);
      }
    } finally {
      await logging.stop();
    }
  });

  it('has all that is missing in the gap when somebody else has the log on again after a restart', async () => {
    const killed = await startServer();
    const bench = new Bench(killed);
    try {
      const { id } = bench.capture('through a restart and an owner');
      await bench.until(id, 'RUNNING');
      const sent = await runLoad(killed, 'before', 300);
      await bench.untilRecorded(id, sent.length);
      await bench.daemon.leave();
      await killed.kill();
      const died = Date.now();
      // A server's start is known to the second: in that of the last swap the gap has no end of its own.
      await waitUntil(() => Date.now() - died > 1_000);
      await killed.restart();
      const began = new Date().toISOString();
      await runLoad(killed, 'lost', 100);
      const ended = new Date().toISOString();
      const admin = await killed.admin();
      await admin.query("SET GLOBAL log_output = 'TABLE'; SET GLOBAL general_log = ON");
      await admin.end();
      // Of the second in which the server started nothing is known; of a later one it is.
      await waitUntil(() => Date.now() - Date.parse(ended) > 1_000);
      const kept = await runLoad(killed, 'kept', 300);
      bench.daemon = bench.startDaemon();
      await waitUntil(() => bench.daemon.events.includes('log tapped'));
      await bench.stop(id);
      await bench.daemon.leave();
      const records = await bench.records(id);
      expect(tagsOf(records).sort()).toEqual([...sent, ...kept].sort());
      const { gaps } = await bench.manifest(id);
      expect(gaps).toMatchObject([{ cause: 'server_restarted', missing: null }]);
      expect((gaps[0]?.from ?? '~') <= began).toBe(true);
      expect((gaps[0]?.to ?? '') >= ended).toBe(true);
      const last = records.find(({ sql }) => sql.includes(`<${kept.at(-1) ?? ''}>`));
      expect((gaps[0]?.to ?? '~') < (last?.time ?? '')).toBe(true);
    } finally {
      await killed.stop();
    }
  });

  it('fails, and says why, when somebody switches the log off', async () => {
    const bench = new Bench(server);
    const { id } = bench.capture('switched off');
    await bench.until(id, 'RUNNING');
    const admin = await server.admin();
    await admin.query('SET GLOBAL general_log = OFF');
    await admin.end();
    await expect(bench.until(id, 'DONE')).rejects.toThrow(
      /FAILED: Somebody else switched the general log off/,
    );
    await bench.daemon.leave();
    expect(bench.test.store.taps.list()).toEqual([]);
  });

  it('has what was received before the stop that was asked for while a cut was under way', async () => {
    const bench = new Bench(server);
    await bench.daemon.leave();
    let duringCut: (() => Promise<void>) | null = null;
    bench.daemon = bench.startDaemon({
      ...mysqlSource,
      open: async (...args) => {
        const log = await mysqlSource.open(...args);
        const cut = log.cut.bind(log);
        log.cut = async (isEdge) => {
          const result = await cut(isEdge);
          const then = duringCut;
          duringCut = null;
          await then?.();
          return result;
        };
        return log;
      },
    });
    const { id } = bench.capture('stopped in a cut');
    await bench.until(id, 'RUNNING');
    const admin = await server.admin();
    duringCut = async () => {
      await admin.query("SELECT '<just-before-the-stop>'");
      bench.test.captures.requestStop(bench.alice, String(id));
    };
    await bench.until(id, 'DONE');
    await bench.daemon.leave();
    await admin.end();
    expect(tagsOf(await bench.records(id))).toEqual(['just-before-the-stop']);
  });

  it('is finished by the next daemon when this one died after it restored the server', async () => {
    const admin = await server.admin();
    await admin.query("SET GLOBAL log_output = 'TABLE'; SET GLOBAL general_log = ON");
    // An administrator made the schema: it outlives the recorder, as the owner's log table must.
    await admin.query('CREATE DATABASE captures');
    const before = await serverState(server);
    const bench = new Bench(server);
    await bench.daemon.leave();
    const { store } = bench.test;
    let isRestored = false;
    bench.daemon = bench.startDaemon({
      ...mysqlSource,
      open: async (...args) => {
        const log = await mysqlSource.open(...args);
        const stop = log.stop.bind(log);
        log.stop = async () => {
          const warnings = await stop();
          // Whatever it wants to write from here on, another daemon has the lease.
          store.lease.release(store.lease.find()?.holder ?? '');
          store.lease.claim(
            { holder: 'thief', host: 'there', pid: 7, background: false },
            systemClock.now(),
            60_000,
          );
          isRestored = true;
          return warnings;
        };
        return log;
      },
    });
    const { id } = bench.capture('died at the end');
    await bench.until(id, 'RUNNING');
    const sent = await runLoad(server, 'whole', 1_000);
    bench.test.captures.requestStop(bench.alice, String(id));
    await waitUntil(() => isRestored);
    await waitUntil(() => bench.daemon.events.includes('another daemon took over'));
    await bench.daemon.leave();
    expect(store.captures.find(id)?.status).toBe('STOPPING');
    expect(await serverState(server)).toEqual(before);

    store.lease.release('thief');
    bench.daemon = bench.startDaemon();
    await bench.until(id, 'DONE');
    await waitUntil(() => store.taps.list().length === 0);
    await bench.daemon.leave();
    expect(tagsOf(await bench.records(id)).sort()).toEqual(sent.sort());
    expect((await readManifest(bench.folder(id))).gaps).toEqual([]);
    expect(await serverState(server)).toEqual(before);
    const [rows] = await admin.query<mysql.RowDataPacket[]>(
      "SELECT COUNT(*) AS count FROM mysql.general_log WHERE argument LIKE CONCAT('%<', 'whole-%') AND command_type <> 'Prepare'",
    );
    expect(rows[0]?.['count']).toBe(sent.length);
    await admin.query("SET GLOBAL general_log = OFF; SET GLOBAL log_output = 'FILE'");
    await admin.query('DROP DATABASE captures');
    await admin.end();
  });
});
