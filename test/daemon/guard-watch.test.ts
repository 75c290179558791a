import { describe, expect, it, test } from 'vitest';
import {
  brokenGuard,
  guardReason,
  minFreeOf,
  nearGuards,
  type DiskSpace,
} from '../../src/core/captures/guards.ts';
import {
  RECORD_EVERYTHING,
  type RecordingOptions,
} from '../../src/core/captures/recording-options.ts';
import { Guards } from '../../src/daemon/guard-watch.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { SERVER, TestStore } from '../support/stores.ts';

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const NOW = Date.parse('2026-11-22T02:13:05.123Z');
const NOTHING = { fileBytes: null, disk: null, logBytes: null, lagMs: null };

function optionsWith(changes: Partial<RecordingOptions>): RecordingOptions {
  return { ...RECORD_EVERYTHING, ...changes };
}

describe('the rules of guards', () => {
  test.each([
    [
      { maxSize: 500 * MIB },
      { fileBytes: 500 * MIB },
      'ended by a guard: its files reached their maximum size, 500 MiB (at 2026-11-22T02:13:05.123Z)',
    ],
    [
      { minFree: GIB },
      { disk: { free: 1000 * MIB, size: 100 * GIB } },
      'ended by a guard: the disk of the store has 1000 MiB free, less than the minimum, 1 GiB (at 2026-11-22T02:13:05.123Z)',
    ],
    [
      {},
      { disk: { free: 200 * MIB, size: 100 * GIB } },
      'ended by a guard: the disk of the store has 200 MiB free, less than the minimum, 256 MiB (at 2026-11-22T02:13:05.123Z)',
    ],
    [
      {},
      { logBytes: 4 * GIB },
      "ended by a guard: the log's tables on the server reached their maximum size, 4 GiB (at 2026-11-22T02:13:05.123Z)",
    ],
    [
      {},
      { lagMs: 600_000 },
      'ended by a guard: the record fell behind by the maximum, 10m (at 2026-11-22T02:13:05.123Z)',
    ],
    [
      { maxLag: 1_500 },
      { lagMs: 1_600 },
      'ended by a guard: the record fell behind by the maximum, 1.5s (at 2026-11-22T02:13:05.123Z)',
    ],
  ])('%o with %o', (limits, readings, reason) => {
    const broken = brokenGuard(optionsWith(limits), { ...NOTHING, ...readings });
    expect(broken === null ? null : guardReason(broken, NOW)).toBe(reason);
  });

  test.each([
    [{ maxSize: 500 * MIB }, { fileBytes: 500 * MIB - 1 }],
    [{}, { fileBytes: 10_000 * GIB }],
    [{ minFree: GIB }, { disk: { free: GIB, size: 100 * GIB } }],
    [{ minFree: 0 }, { disk: { free: 0, size: 100 * GIB } }],
    [{}, { logBytes: 4 * GIB - 1 }],
    [{}, { lagMs: 599_999 }],
    [{}, NOTHING],
  ])('%o leaves %o alone', (limits, readings) => {
    expect(brokenGuard(optionsWith(limits), { ...NOTHING, ...readings })).toBeNull();
  });

  it('keep by default 256 MiB free, and of a small disk a twentieth', () => {
    expect(minFreeOf(null, 100 * GIB)).toBe(256 * MIB);
    expect(minFreeOf(null, 100 * MIB)).toBe(5 * MIB);
    expect(minFreeOf(7, 100 * GIB)).toBe(7);
  });

  it('are near from nine tenths on', () => {
    const limits = optionsWith({ maxSize: 1000, minFree: 900 });
    const near = (fileBytes: number, free: number): string[] =>
      nearGuards(limits, { ...NOTHING, fileBytes, disk: { free, size: 10_000 } }).map(
        ({ guard }) => guard,
      );
    expect(near(899, 1001)).toEqual([]);
    expect(near(900, 1001)).toEqual(['max-size']);
    expect(near(10, 999)).toEqual(['min-free']);
  });
});

/** Guards of a store with real captures, and everything that is measured in the test's hand. */
class Watch {
  readonly test = new TestStore(new ManualClock(NOW));
  readonly alice = this.test.user('alice');
  readonly environment = this.test.environment({ admin: [this.alice] }, { server: SERVER });
  readonly log: string[] = [];
  readonly asked = { disk: 0, log: 0 };
  monotonic = 1_000_000;
  disk: DiskSpace | null = { free: 50 * GIB, size: 100 * GIB };
  logBytes = 0;
  readonly guards = new Guards(
    {
      store: this.test.store,
      clock: this.test.clock,
      log: (_level, event, fields) => void this.log.push(`${event} ${JSON.stringify(fields)}`),
    },
    {
      monotonic: () => this.monotonic,
      disk: () => {
        this.asked.disk++;
        return Promise.resolve(this.disk);
      },
    },
  );

  running(changes: Partial<RecordingOptions>): number {
    const { id } = this.test.capture(this.alice, this.environment, {
      options: optionsWith(changes),
    });
    this.test.store.captures.move(id, 'STARTED', 'STARTING');
    this.test.store.captures.move(id, 'STARTING', 'RUNNING', { start: NOW });
    return id;
  }

  async check(...ids: number[]): Promise<(string | null)[]> {
    const server = {
      backlogBytes: () => {
        this.asked.log++;
        return Promise.resolve(this.logBytes);
      },
    };
    await this.guards.check(server, ids);
    return ids.map((id) => this.guards.reasonOf(id));
  }
}

describe('the guards of a tap', () => {
  it('hold each capture to its own limits', async () => {
    const watch = new Watch();
    const small = watch.running({ maxSize: 100 });
    const large = watch.running({ maxSize: 1_000 });
    watch.guards.note([
      { captureId: small, fileBytes: 120 },
      { captureId: large, fileBytes: 120 },
    ]);
    expect(await watch.check(small, large)).toEqual([
      'ended by a guard: its files reached their maximum size, 100 B (at 2026-11-22T02:13:05.123Z)',
      null,
    ]);
  });

  it('end all of them when the disk is nearly full', async () => {
    const watch = new Watch();
    const ids = [watch.running({}), watch.running({})];
    watch.disk = { free: 100 * MIB, size: 100 * GIB };
    for (const reason of await watch.check(...ids))
      expect(reason).toContain('the minimum, 256 MiB');
  });

  it('go on where the disk does not say how full it is', async () => {
    const watch = new Watch();
    watch.disk = null;
    expect(await watch.check(watch.running({}))).toEqual([null]);
  });

  it('count as lag only what a daemon has let pass', async () => {
    const watch = new Watch();
    const id = watch.running({ maxLag: 60_000 });
    watch.monotonic += 59_000;
    expect(await watch.check(id)).toEqual([null]);
    watch.guards.caughtUp(watch.guards.now());
    watch.monotonic += 59_000;
    expect(await watch.check(id)).toEqual([null]);
    watch.monotonic += 1_000;
    expect((await watch.check(id))[0]).toContain('the maximum, 1m');
  });

  it('look at the disk once a second and at the log every five', async () => {
    const watch = new Watch();
    const id = watch.running({});
    for (let i = 0; i < 100; i++) {
      watch.monotonic += 100;
      await watch.check(id);
    }
    expect(watch.asked).toEqual({ disk: 10, log: 2 });
  });

  it('warn once when a limit is near', async () => {
    const watch = new Watch();
    const id = watch.running({ maxSize: 100 });
    for (const fileBytes of [80, 91, 95, 99]) {
      watch.guards.note([{ captureId: id, fileBytes }]);
      await watch.check(id);
    }
    expect(watch.log).toEqual([
      `capture is near a guard {"capture":${id},"guard":"max-size","limit":100,"value":91}`,
    ]);
  });

  it('leave a capture alone that somebody stopped', async () => {
    const watch = new Watch();
    const id = watch.running({ maxSize: 1 });
    watch.guards.note([{ captureId: id, fileBytes: 10 }]);
    watch.test.captures.requestStop(watch.alice, String(id));
    expect(await watch.check(id)).toEqual([null]);
  });
});
