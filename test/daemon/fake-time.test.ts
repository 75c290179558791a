import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { RowDataPacket } from 'mysql2/promise';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import type { CaptureStatus } from '../../src/core/captures/capture.ts';
import { committedPosition } from '../../src/core/workloads/committed.ts';
import { workloadFolder } from '../../src/daemon/recorder.ts';
import { readManifest } from '../../src/workload/manifest.ts';
import { readWorkload } from '../../src/workload/workload-reader.ts';
import { startServer } from '../support/database-server.ts';
import { endStarted, eventually, start } from '../support/processes.ts';
import { SERVER, temporaryFolder, TestStore } from '../support/stores.ts';
import { HOUR, MINUTE } from './no-servers.ts';
import { needs } from '../support/skips.ts';

/** libfaketime, where it is installed: it sets the clock of one process as date(1) would. */
function findLibrary(): string | null {
  for (const folder of readdirSync('/usr/lib', { withFileTypes: true })) {
    const path = join('/usr/lib', folder.name, 'faketime/libfaketime.so.1');
    if (folder.isDirectory() && existsSync(path)) return path;
  }
  return null;
}

const library = process.platform === 'linux' ? findLibrary() : null;
afterEach(endStarted);

const BIN = resolve(import.meta.dirname, '../../bin/captures.js');

describe(
  'a daemon whose system clock is set',
  needs(library !== null, 'libfaketime is not installed'),
  () => {
    function setUp() {
      const test = new TestStore(systemClock);
      const ada = test.user('ada');
      const environment = test.environment({ admin: [ada] });
      const file = join(temporaryFolder(), 'offset');
      const setClock = (offset: string): void => writeFileSync(file, `${offset}\n`);
      setClock('+0');
      const daemon = start(process.execPath, [BIN, 'daemon'], {
        env: {
          CAPTURES_HOME: test.store.directory,
          LD_PRELOAD: library ?? '',
          FAKETIME_TIMESTAMP_FILE: file,
          FAKETIME_NO_CACHE: '1',
          FAKETIME_DONT_FAKE_MONOTONIC: '1',
        },
      });
      const active = eventually('it is active', () => daemon.stderr().includes('daemon active'));
      const until = (id: number, status: CaptureStatus) =>
        eventually(`capture ${id} is ${status}`, () => {
          const capture = test.store.captures.find(id);
          return capture?.status === status ? capture : null;
        });
      return { test, ada, environment, daemon, setClock, active, until };
    }

    it('forward by an hour starts what is due then, and nothing twice', async () => {
      const { test, ada, environment, daemon, setClock, active, until } = setUp();
      await active;
      const due = Date.now() + HOUR + 2_000;
      const soon = test.capture(ada, environment, { scheduledStart: due, duration: 5 * MINUTE });
      const missed = test.capture(ada, environment, { scheduledStart: Date.now() + 30 * MINUTE });
      setClock('+1h');
      const { start: started } = await until(soon.id, 'RUNNING');
      // Not an hour later.
      expect(started).toBeGreaterThanOrEqual(due);
      expect((await until(missed.id, 'FAILED')).reason).toBe(
        'missed its start: the machine was asleep or its clock was set forward',
      );
      daemon.child.kill('SIGTERM');
      expect(await daemon.ended).toMatchObject({ status: 0 });
      test.store.close();
    });

    it('forward and back by hours records everything, and ends at its instant of the server', async () => {
      const server = await startServer();
      const { test, ada, daemon, setClock, active, until } = setUp();
      try {
        await active;
        const { port, socket } = server;
        const environment = test.environment(
          { admin: [ada] },
          { name: 'server', server: { ...SERVER, user: 'root', host: 'localhost', port, socket } },
        );
        const { id } = test.capture(ada, environment, { duration: 5 * MINUTE });
        await until(id, 'RUNNING');
        const admin = await server.admin();
        const sent: string[] = [];
        let seen = 0;
        for (const offset of ['+3h', '-2h', '+1h', '+0', '-5h']) {
          setClock(offset);
          sent.push(`<${offset}>`);
          await admin.query(`SELECT '<${offset}>'`);
          const isMore = (): boolean => (test.store.captures.find(id)?.records ?? 0) > seen;
          await eventually(`what was sent at ${offset} is recorded`, isMore);
          seen = test.store.captures.find(id)?.records ?? 0;
        }
        const [[row]] = await admin.query<RowDataPacket[]>(
          'SELECT UNIX_TIMESTAMP(NOW(6)) * 1000 AS now',
        );
        const end = Math.round(Number(row?.['now'])) + 2_000;
        test.store.captures.update(id, ['RUNNING'], { scheduledEnd: end });
        setClock('+4h');
        const done = await until(id, 'DONE');
        expect(done.end ?? 0).toBeGreaterThanOrEqual(end);
        expect((done.end ?? 0) - end).toBeLessThan(HOUR);
        const position = committedPosition(test.store.recordings.find(id));
        const folder = workloadFolder(test.store.directory, id);
        let text = '';
        for await (const chunk of readWorkload(folder, position)) text += chunk.toString();
        expect(text.match(/<[+-]\d+h?>/g)).toEqual(sent);
        const { gaps, complete } = await readManifest(folder);
        expect({ gaps, complete }).toEqual({ gaps: [], complete: true });
        await admin.end();
        daemon.child.kill('SIGTERM');
        expect(await daemon.ended).toMatchObject({ status: 0 });
      } finally {
        await server.stop();
        test.store.close();
      }
    });

    it('back by an hour keeps its lease and starts nothing twice', async () => {
      const { test, ada, environment, daemon, setClock, active, until } = setUp();
      await active;
      const { id } = test.capture(ada, environment, {
        scheduledStart: Date.now() + 1_500,
        duration: 5 * MINUTE,
      });
      const { start: started } = await until(id, 'RUNNING');
      setClock('-1h');
      const back = Date.now() - HOUR;
      await eventually('the lease is renewed by the new clock', () => {
        const lease = test.store.lease.find();
        return lease !== null && lease.expiresAt < back + MINUTE;
      });
      const next = test.capture(ada, environment, {
        scheduledStart: Date.now() + 1_000,
        duration: 5 * MINUTE,
      });
      setClock('+0');
      await until(next.id, 'RUNNING');
      expect(test.store.captures.find(id)).toMatchObject({ status: 'RUNNING', start: started });
      const runs = daemon
        .stderr()
        .split('\n')
        .filter((line) => line.includes(`"event":"capture running","capture":${id},`));
      expect(runs).toHaveLength(1);
      expect(daemon.stderr()).not.toContain('another daemon took over');
      daemon.child.kill('SIGTERM');
      expect(await daemon.ended).toMatchObject({ status: 0 });
      test.store.close();
    });
  },
);
