import type { Connection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type DatabaseServer } from '../support/database-server.ts';
import { Bench } from '../support/recording-bench.ts';

const MIB = 2 ** 20;

describe('a capture', () => {
  let server: DatabaseServer;
  let client: Connection;
  beforeAll(async () => {
    server = await startServer();
    client = await server.admin();
  });
  afterAll(async () => {
    await client.end();
    await server.stop();
  });

  /** Sends statements that compress badly until a condition holds. */
  async function sendUntil(condition: () => boolean): Promise<void> {
    for (let i = 0; !condition(); i++) {
      const noise = Array.from({ length: 200 }, () => Math.random().toString(36).slice(2)).join('');
      await client.query(`SELECT '${noise}'`);
    }
  }

  it('ends DONE at --max-size, whole, with the reason, in the trail too; the other one goes on', async () => {
    const bench = new Bench(server);
    const small = bench.capture(undefined, { maxSize: 200_000 });
    const large = bench.capture(undefined, { maxSize: 100 * MIB });
    for (const { id } of [small, large]) await bench.until(id, 'RUNNING');
    await sendUntil(() => bench.find(small.id).status === 'DONE');
    const { reason, fileBytes, records } = bench.find(small.id);
    expect(reason).toMatch(
      /^ended by a guard: its files reached their maximum size, 195 KiB \(at 2\d{3}-.*Z\)$/,
    );
    expect(fileBytes).toBeGreaterThanOrEqual(200_000);
    expect(bench.find(large.id).status).toBe('RUNNING');
    const manifest = await bench.manifest(small.id);
    expect(manifest).toMatchObject({ complete: true, gaps: [], counters: { records } });
    const trail = bench.test.store.audit.list({
      environmentIds: [bench.environment.id],
      ownOf: null,
      everythingElse: false,
      subject: { kind: 'capture', id: small.id },
      since: null,
      limit: 2,
    });
    expect(trail.map((entry) => [entry.author.userName, entry.details, entry.reason])).toEqual([
      ['daemon', { from: 'STOPPING', to: 'DONE' }, reason],
      ['daemon', { from: 'RUNNING', to: 'STOPPING' }, reason],
    ]);

    // The next daemon goes on with the limits of the captures that it finds.
    await bench.daemon.leave();
    bench.daemon = bench.startDaemon();
    const third = bench.capture(undefined, { maxSize: 50_000 });
    await bench.until(third.id, 'RUNNING');
    await sendUntil(() => bench.find(third.id).status === 'DONE');
    bench.test.captures.requestStop(bench.alice, String(large.id));
    await bench.until(large.id, 'DONE');
    expect(bench.find(large.id).reason).toBeNull();
  });

  it('goes on being guarded by the daemon after the one that began it', async () => {
    const bench = new Bench(server);
    const { id } = bench.capture(undefined, { maxSize: 60_000 });
    await bench.until(id, 'RUNNING');
    await sendUntil(() => (bench.find(id).fileBytes ?? 0) > 10_000);
    await bench.daemon.leave();
    await client.query(`SELECT '${'x'.repeat(1_000)}'`);
    bench.daemon = bench.startDaemon();
    await sendUntil(() => bench.find(id).status !== 'RUNNING');
    await bench.until(id, 'DONE');
    expect(bench.find(id).reason).toContain('maximum size, 58.6 KiB');
  });

  it('ends DONE when less is free than --min-free says', async () => {
    const bench = new Bench(server);
    const { id } = bench.capture(undefined, { minFree: 2 ** 52 });
    await bench.until(id, 'DONE');
    expect(bench.find(id).reason).toMatch(
      /the disk of the store has .* free, less than the minimum/,
    );
  });

  it("ends DONE when the log's tables on the server grow beyond --max-log", async () => {
    const bench = new Bench(server);
    const { id } = bench.capture(undefined, { maxLog: 1_000 });
    await bench.until(id, 'RUNNING');
    await sendUntil(() => bench.find(id).status !== 'RUNNING');
    await bench.until(id, 'DONE');
    expect(bench.find(id).reason).toContain(
      "the log's tables on the server reached their maximum size",
    );
  });
});
