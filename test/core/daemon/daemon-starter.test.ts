import { expect, it } from 'vitest';
import { awaitedDaemons } from '../../../src/core/daemon/awaited-daemons.ts';
import { DaemonStarter } from '../../../src/core/daemon/daemon-starter.ts';
import { LEASE_MS } from '../../../src/core/daemon/lease.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { outsideOf, TestStore } from '../../support/stores.ts';

class Daemons {
  readonly clock = new ManualClock();
  readonly test = new TestStore(this.clock);
  started = 0;
  readonly #starter = new DaemonStarter({
    ...outsideOf(this.test.store, this.clock),
    daemons: {
      start: () => Promise.resolve({ pid: ++this.started, logFile: 'daemon.log' }),
      isRunning: () => true,
    },
  });

  async ensure(): Promise<void> {
    for await (const { pid } of this.#starter.ensure()) expect(pid).toBe(this.started);
  }

  /** One is alive, for as long as a lease. */
  comesUp(): void {
    const lease = { holder: `daemon ${this.started}`, host: 'h', pid: 1, background: true };
    this.test.store.lease.claim(lease, this.clock.now(), LEASE_MS);
  }
}

it('starts a daemon again and again in a program that lives long, where each of them worked', async () => {
  const daemons = new Daemons();
  for (let day = 1; day <= 5; day++) {
    await daemons.ensure();
    expect(daemons.started).toBe(day);
    await daemons.clock.advance(60_000);
    daemons.comesUp();
    await daemons.ensure();
    await daemons.clock.advance(86_400_000);
  }
});

it('starts none beside a daemon of its own: it waits until one takes over, and says nothing', async () => {
  const clock = new ManualClock();
  const { store } = new TestStore(clock);
  const daemons = awaitedDaemons({ store, clock }, () => true);
  const starter = new DaemonStarter({ ...outsideOf(store, clock), daemons });
  const events: unknown[] = [];
  const ensured = (async () => {
    for await (const event of starter.ensure()) events.push(event);
  })();
  await clock.advance(2_000);
  store.lease.claim({ holder: 'd', host: 'h', pid: 1, background: false }, clock.now(), LEASE_MS);
  await clock.advance(1_000);
  await ensured;
  expect(events).toEqual([]);

  await clock.advance(60_000);
  const none = starter.ensure().next();
  const refused = expect(none).rejects.toMatchObject({
    code: 'store_unusable',
    message: 'No daemon is running at the moment',
  });
  await clock.advance(11_000);
  await refused;
});

it('gives up after three that did not come up, or did not stay', async () => {
  const daemons = new Daemons();
  for (let start = 1; start <= 3; start++) {
    await daemons.ensure();
    daemons.comesUp();
    await daemons.ensure();
    await daemons.clock.advance(20_000);
  }
  await expect(daemons.ensure()).rejects.toThrow('The daemon does not start');
  expect(daemons.started).toBe(3);
});
