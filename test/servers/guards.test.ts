import type { Connection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Actor } from '../../src/core/access.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { Environment } from '../../src/core/environments/environment.ts';
import {
  RECORD_EVERYTHING,
  type RecordingOptions,
} from '../../src/core/captures/recording-options.ts';
import type { ListedCapture } from '../../src/core/store.ts';
import { workloadFolder } from '../../src/daemon/recorder.ts';
import { mysqlSource } from '../../src/source/mysql/mysql-source.ts';
import { readManifest } from '../../src/workload/manifest.ts';
import { startDaemon } from '../daemon/daemons.ts';
import { startServer, type DatabaseServer } from '../support/database-server.ts';
import { SERVER, TestStore } from '../support/stores.ts';
import { waitUntil } from '../support/waiting.ts';

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

  class Bench {
    readonly test = new TestStore(systemClock);
    readonly alice: Actor = this.test.user('alice');
    readonly environment: Environment = this.test.environment(
      { admin: [this.alice] },
      { server: { ...SERVER, user: 'root', host: 'localhost', socket: server.socket } },
    );

    startDaemon(): ReturnType<typeof startDaemon> {
      return startDaemon(this.test.store.directory, systemClock, { source: mysqlSource });
    }

    capture(options: Partial<RecordingOptions>): ListedCapture {
      return this.test.capture(this.alice, this.environment, {
        options: { ...RECORD_EVERYTHING, ...options },
      });
    }

    find(id: number): ListedCapture {
      const capture = this.test.store.captures.find(id);
      if (capture === null) throw new Error(`There is no capture ${id}`);
      return capture;
    }

    /** Sends statements that compress badly until a condition holds. */
    async sendUntil(condition: () => boolean): Promise<void> {
      for (let i = 0; !condition(); i++) {
        const noise = Array.from({ length: 200 }, () => Math.random().toString(36).slice(2)).join(
          '',
        );
        await client.query(`SELECT '${noise}'`);
      }
    }

    async until(condition: () => boolean): Promise<void> {
      await waitUntil(condition);
    }
  }

  it('ends DONE at --max-size, whole, with the reason, in the trail too; the other one goes on', async () => {
    const bench = new Bench();
    const daemon = bench.startDaemon();
    const small = bench.capture({ maxSize: 200_000 });
    const large = bench.capture({ maxSize: 100 * MIB });
    await bench.until(() => [small, large].every(({ id }) => bench.find(id).status === 'RUNNING'));
    await bench.sendUntil(() => bench.find(small.id).status === 'DONE');
    const { reason, fileBytes, records } = bench.find(small.id);
    expect(reason).toMatch(
      /^ended by a guard: its files reached their maximum size, 195 KiB \(at 2\d{3}-.*Z\)$/,
    );
    expect(fileBytes).toBeGreaterThanOrEqual(200_000);
    expect(bench.find(large.id).status).toBe('RUNNING');
    const manifest = await readManifest(workloadFolder(bench.test.store.directory, small.id));
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
    await daemon.leave();
    bench.startDaemon();
    const third = bench.capture({ maxSize: 50_000 });
    await bench.until(() => bench.find(third.id).status === 'RUNNING');
    await bench.sendUntil(() => bench.find(third.id).status === 'DONE');
    bench.test.captures.requestStop(bench.alice, String(large.id));
    await bench.until(() => bench.find(large.id).status === 'DONE');
    expect(bench.find(large.id).reason).toBeNull();
  });

  it('goes on being guarded by the daemon after the one that began it', async () => {
    const bench = new Bench();
    const first = bench.startDaemon();
    const { id } = bench.capture({ maxSize: 60_000 });
    await bench.until(() => bench.find(id).status === 'RUNNING');
    await bench.sendUntil(() => (bench.find(id).fileBytes ?? 0) > 10_000);
    await first.leave();
    await client.query(`SELECT '${'x'.repeat(1_000)}'`);
    bench.startDaemon();
    await bench.sendUntil(() => bench.find(id).status !== 'RUNNING');
    await bench.until(() => bench.find(id).status === 'DONE');
    expect(bench.find(id).reason).toContain('maximum size, 58.6 KiB');
  });

  it('ends DONE when less is free than --min-free says', async () => {
    const bench = new Bench();
    bench.startDaemon();
    const { id } = bench.capture({ minFree: 2 ** 52 });
    await bench.until(() => bench.find(id).status === 'DONE');
    expect(bench.find(id).reason).toMatch(
      /the disk of the store has .* free, less than the minimum/,
    );
  });

  it("ends DONE when the log's tables on the server grow beyond --max-log", async () => {
    const bench = new Bench();
    bench.startDaemon();
    const { id } = bench.capture({ maxLog: 1_000 });
    await bench.until(() => bench.find(id).status === 'RUNNING');
    await bench.sendUntil(() => bench.find(id).status !== 'RUNNING');
    await bench.until(() => bench.find(id).status === 'DONE');
    expect(bench.find(id).reason).toContain(
      "the log's tables on the server reached their maximum size",
    );
  });
});
