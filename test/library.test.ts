import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { systemClock } from '../src/core/clock.ts';
import { LEASE_MS } from '../src/core/daemon/lease.ts';
import { AppError } from '../src/core/errors.ts';
import { Captures, openCaptures } from '../src/index.ts';
import { Wiring } from '../src/wiring.ts';
import { RecordedCapture } from './support/recorded-capture.ts';
import { FakeSource, inspectionOf } from './support/server-inspection.ts';
import { SERVER, temporaryFolder, TestStore } from './support/stores.ts';
import { aStatement } from './workload/statements.ts';
import { waitUntil } from './support/waiting.ts';

const CLOSED = {
  name: 'AppError',
  code: 'store_unusable',
  message: expect.stringMatching(/ is closed$/) as string,
};

const opened: Captures[] = [];
afterEach(async () => {
  await Promise.allSettled(opened.splice(0).map((captures) => captures.close()));
});

/** A program that has opened a store with an environment "shop", whose server is in good order. */
class Program {
  readonly test = new TestStore(systemClock);
  readonly alice = this.test.user('alice');
  readonly captures = new Captures(
    new Wiring(
      {
        clock: systemClock,
        env: {},
        userName: 'alice',
        hostName: 'h',
        pid: process.pid,
        serverLogs: () => Promise.resolve(new FakeSource(inspectionOf())),
        isRunning: () => true,
        startDaemon: () => Promise.reject(new AppError('capture_failed', 'No daemon is running')),
      },
      { store: this.test.store.directory },
    ),
    this.alice,
  );

  constructor() {
    const members = { admin: [this.alice] };
    this.test.environment(members, { name: 'shop', server: SERVER });
    this.test.environment(members, { name: 'bare', instance: 'i', region: 'r' });
    opened.push(this.captures);
  }

  record(): Promise<unknown> {
    return this.captures.record({ name: 'a', environment: 'shop' });
  }

  /** The lease of a daemon, which nobody renews. */
  claimLease(lengthMs: number): void {
    const lease = { holder: 'dead', host: 'elsewhere', pid: 1, background: false };
    this.test.store.lease.claim(lease, systemClock.now(), lengthMs);
  }

  get stored(): string[] {
    const { captures } = this.test.store;
    return captures.listByStatus(['STARTED', 'STARTING', 'RUNNING']).map(({ name }) => name);
  }
}

it('reads, searches and follows what a capture records', async () => {
  const { test, captures, alice } = new Program();
  const friday = new RecordedCapture(test, alice);
  friday.become('RUNNING');
  await friday.record([aStatement({ sql: 'SELECT 1' }), aStatement({ sql: 'DELETE', user: 'x' })]);
  const seqs = async (...options: Parameters<Captures['workload']>): Promise<number[]> => {
    const found: number[] = [];
    for await (const { seq } of captures.workload(...options)) {
      found.push(seq);
      if (seq !== 2) continue;
      await friday.record([aStatement({ sql: 'SELECT 3' })]);
      friday.become('DONE');
    }
    return found;
  };
  expect(await seqs(friday.id, { search: { users: ['app'] } })).toEqual([1]);
  expect(await seqs(friday.id, { limit: 1 })).toEqual([1]);
  expect(await seqs(friday.id, { follow: true })).toEqual([1, 2, 3]);
  await expect(seqs(friday.id, { search: { texts: [''] } })).rejects.toMatchObject({
    code: 'invalid',
  });
  await friday.close();
});

it('leaves nothing of a record that is rejected because no daemon is running', async () => {
  const program = new Program();
  for (let time = 1; time <= 2; time++) {
    await expect(program.record()).rejects.toThrow('No daemon is running');
    expect(program.stored).toEqual([]);
  }
});

it.each([
  ['before it was closed', / is closed$/, (program: Program) => program.captures.close()],
  [
    'before its lease was released',
    'No daemon is running',
    ({ test }: Program) => {
      test.store.lease.release('dead');
    },
  ],
])('leaves nothing of a record that no daemon took %s', async (_when, message, end) => {
  const program = new Program();
  program.claimLease(LEASE_MS);
  const isRejected = expect(program.record()).rejects.toThrow(message);
  await waitUntil(() => program.stored.length === 1);
  await end(program);
  await isRejected;
  expect(program.stored).toEqual([]);
});

it('is closed for good: what waits and what comes later is refused in one way', async () => {
  const { captures, alice } = new Program();
  const { api } = captures;
  const { id } = await captures.record({ name: 'a', environment: 'bare' });
  const isRefused = expect(captures.untilOver(id)).rejects.toMatchObject(CLOSED);
  await captures.startDaemon();
  await captures.close();
  await isRefused;
  await captures.close();
  await expect(captures.startDaemon()).rejects.toMatchObject(CLOSED);
  await expect(captures.untilOver(id)).rejects.toMatchObject(CLOSED);
  await expect(captures.record({ name: 'b', environment: 'bare' })).rejects.toMatchObject(CLOSED);
  await expect(api.captures.get(alice, 'a')).rejects.toMatchObject(CLOSED);
  await expect(api.schedules.list(alice, null)).rejects.toMatchObject(CLOSED);
  expect(() => captures.api).toThrow(expect.objectContaining(CLOSED));
});

it.each([
  [
    'throws',
    () => {
      throw new Error('mine');
    },
  ],
  ['rejects', () => Promise.reject(new Error('mine'))],
])('records on where onEvent %s, and warns', async (_what, onEvent) => {
  const { captures, test } = new Program();
  const warned = once(process, 'warning');
  await captures.startDaemon({ onEvent });
  const [warning] = (await warned) as [Error];
  expect(warning.message).toBe('The onEvent of startDaemon failed: mine');
  expect(test.store.lease.find()).toMatchObject({ pid: process.pid });
});

it('has started a daemon when its lease is not that of one that died', async () => {
  const program = new Program();
  program.claimLease(300);
  await program.captures.startDaemon();
  expect(program.test.store.lease.find()).toMatchObject({ pid: process.pid });
});

it('makes a store once for two that open it at the same time', async () => {
  const store = join(temporaryFolder(), 'store');
  opened.push(...(await Promise.all([openCaptures({ store }), openCaptures({ store })])));
  const [one, two] = opened;
  expect(one?.actor).toEqual(two?.actor);
});
