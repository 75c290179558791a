import { mkdirSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createStore } from '../../src/store/sqlite-store.ts';
import { endStarted, eventually } from '../support/processes.ts';
import { recordsOf, startShopServer, tagsIn, type ShopServer } from './shop-server.ts';
import { NO_DISK, smallDisk, type SmallDisk } from './small-disk.ts';
import { expectRefusal, Workplace } from './workplace.ts';
import { needs } from '../support/skips.ts';

const disk: SmallDisk | null = smallDisk('6m');
const roomy: SmallDisk | null = smallDisk('64m');

describe('a disk that fills up while recording', needs(disk !== null, NO_DISK), () => {
  let server: ShopServer;
  let place: Workplace;
  let before: Record<string, unknown>;
  beforeAll(async () => {
    server = await startShopServer();
    const home = join(disk?.folder ?? '', 'home');
    mkdirSync(home, { mode: 0o700 });
    place = await Workplace.at(server, home);
    before = await server.settings();
  });
  afterEach(endStarted);
  afterAll(async () => {
    await place.close();
    await server.stop();
  });

  it('fails the capture with the reason, keeps what is recorded and restores the server', async () => {
    // Without the guard that would end it before.
    await place.ok(['create', 'big', '--env', 'shop', '--min-free', '0']);
    const load = await server.startLoad();
    await eventually('something is recorded', async () => {
      return ((await place.get('big')).workload?.records ?? 0) > 1_000;
    });
    disk?.fill();
    const failed = await eventually('it is FAILED', async () => {
      const { status, stdout } = await place.look(['get', 'big', '--json']);
      if (status !== 0) return null;
      const capture = JSON.parse(stdout) as { status: string; reason: string };
      return capture.status === 'FAILED' ? capture : null;
    });
    expect(failed.reason).toMatch(/the disk is full .*\(daemon on .*, pid \d+, at 2\d{3}-.*Z\)$/);
    await load.stop();
    await place.whenQuiet();
    expect(await server.settings()).toEqual(before);

    expectRefusal(
      await place.captures(['stop', 'big']),
      6,
      'This capture failed and is no longer running',
    );
    disk?.unfill();
    const records = await recordsOf(place, 'big');
    const tags = tagsIn(records);
    expect(records.length).toBeGreaterThan(1_000);
    expect(new Set(tags).size).toBe(tags.length);
    // With room again all is well.
    await place.ok(['create', 'next', '--env', 'shop', '--min-free', '0', '--', 'true']);
    await place.whenQuiet();
  });

  it(
    'does not come to that: a guard ends the capture DONE',
    needs(roomy !== null, NO_DISK),
    async () => {
      const folder = roomy?.folder ?? '';
      const home = join(folder, 'home');
      mkdirSync(home, { mode: 0o700 });
      const other = await Workplace.at(server, home);
      try {
        await other.ok(['create', 'guarded', '--env', 'shop']);
        const load = await server.startLoad();
        await eventually('something is recorded', async () => {
          return ((await other.get('guarded')).workload?.records ?? 0) > 1_000;
        });
        // Half of the twentieth that has to stay free is left.
        const { bavail, blocks, bsize } = statfsSync(folder);
        writeFileSync(join(folder, 'filler'), Buffer.alloc((bavail - blocks / 40) * bsize));
        const done = await eventually('the capture is over', async () => {
          const capture = await other.get('guarded');
          return capture.status === 'DONE' ? capture : null;
        });
        await load.stop();
        await other.whenQuiet();
        expect(done.reason).toMatch(
          /^ended by a guard: the disk of the store has .* free, less than the minimum, .* \(at 2\d{3}-.*Z\)$/,
        );
        const records = await recordsOf(other, 'guarded');
        expect(records.map(({ seq }) => seq)).toEqual(records.map((_, index) => index + 1));
        expect(await server.settings()).toEqual(before);
      } finally {
        await other.close();
      }
    },
  );
});

const tiny: SmallDisk | null = smallDisk('3m');

describe('a store on a full disk', needs(tiny !== null, NO_DISK), () => {
  it('lets nobody take the lease: a commit that fails behind a returned row is a failure', () => {
    const folder = join(tiny?.folder ?? '', 'home');
    const store = createStore(folder, { sharedGroup: null, now: 0 }, () => undefined);
    try {
      tiny?.fill();
      const lease = { holder: 'a', host: 'h', pid: 1, background: false };
      expect(() => store.lease.claim(lease, 0, 3_000)).toThrow(/the disk is full/);
      expect(store.lease.find()).toBeNull();
    } finally {
      store.close();
      tiny?.empty();
    }
  });
});
