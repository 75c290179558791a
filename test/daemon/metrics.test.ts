import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { cloudWatchProvider } from '../../src/metrics-source/cloudwatch/provider.ts';
import { openCloudWatch } from '../../src/metrics-source/cloudwatch/cloudwatch.ts';
import { AppError } from '../../src/core/errors.ts';
import type { Source } from '../../src/core/source.ts';
import { runDaemon } from '../../src/daemon/daemon.ts';
import { openStore } from '../../src/store/sqlite-store.ts';
import { CloudWatchServer } from '../support/cloudwatch-server.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { TestStore } from '../support/stores.ts';
import { waitUntil } from '../support/waiting.ts';

const MINUTE = 60_000;

const noServers: Source = {
  returnsStatements: () => false,
  open: () => Promise.reject(new AppError('remote_failed', 'The server cannot be reached')),
  inspect: () => Promise.reject(new AppError('remote_failed', 'The server cannot be reached')),
  forecast: () => Promise.reject(new AppError('remote_failed', 'The server cannot be reached')),
};

let cloudWatch: CloudWatchServer;
let clock: ManualClock;
let test: TestStore;
let leave: (() => Promise<void>)[];

beforeEach(async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAEXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
  cloudWatch = await CloudWatchServer.start();
  clock = new ManualClock();
  cloudWatch.now = () => clock.now();
  cloudWatch.lateness = 2 * MINUTE;
  cloudWatch.publish('shop-db', 'CPUUtilization', (at) => (at / MINUTE) % 100);
  test = new TestStore(clock);
  leave = [];
});
afterEach(async () => {
  for (const end of leave) await end();
  await cloudWatch.stop();
  vi.unstubAllEnvs();
});

function startDaemon(background = false, beforeFetch: () => void = () => undefined) {
  const events: string[] = [];
  const controller = new AbortController();
  const store = openStore(test.store.directory);
  const done = runDaemon(
    {
      store,
      clock,
      source: noServers,
      log: (_level, event) => events.push(event),
      hostname: 'here',
      pid: 1,
      programVersion: '0',
      metricProvider: cloudWatchProvider((environment, signal) => {
        beforeFetch();
        return openCloudWatch(environment, { clock, random: () => 1, signal });
      }),
    },
    { background, graceMs: 10 * MINUTE, signal: controller.signal },
  ).finally(() => store.close());
  leave.push(async () => {
    controller.abort();
    await done;
  });
  return { events, done };
}

function capture(duration = 10 * MINUTE) {
  const alice = test.user();
  const environment = test.environment(
    { admin: [alice] },
    { instance: 'shop-db', region: 'eu-central-1', endpointUrl: cloudWatch.url },
  );
  return test.capture(alice, environment, { duration });
}

/** Lets the clock go on in small steps, for real requests take real time, until `isThere`. */
async function until(isThere: () => boolean): Promise<void> {
  await waitUntil(async () => {
    await clock.advance(50);
    return isThere();
  });
}

describe('a daemon', () => {
  it('fetches the metrics of a capture when it ends, and again until the late points are in', async () => {
    const { events } = startDaemon();
    const { id, start } = capture();
    const end = (start ?? 0) + 10 * MINUTE;
    await clock.advance(10 * MINUTE);
    await until(() => events.filter((event) => event === 'metrics fetched').length === 1);
    const points = () =>
      test.store.metrics
        .tracksOf(id)
        .find(({ label, statistic }) => label === 'CPUUtilization' && statistic === 'Maximum')
        ?.times.filter((at) => at >= (start ?? 0) && at < end).length;
    expect(points()).toBeLessThan(10);
    expect(test.store.metrics.findFetch(id)?.nextAt).toBe(end + 4 * MINUTE);

    await clock.advance(5 * MINUTE);
    await until(() => events.filter((event) => event === 'metrics fetched').length === 2);
    expect(points()).toBe(10);

    await clock.advance(15 * MINUTE);
    await until(() => events.filter((event) => event === 'metrics fetched').length === 3);
    expect(test.store.metrics.findFetch(id)?.nextAt).toBeNull();
    const asked = cloudWatch.requests.length;
    await clock.advance(60 * MINUTE);
    expect(cloudWatch.requests.length).toBe(asked);
  });

  it('tries again after a failure, which leaves the capture DONE', async () => {
    for (let i = 0; i < 5; i++)
      cloudWatch.misbehaviours.push({ error: 'AccessDenied', status: 403 });
    const { events } = startDaemon();
    const { id } = capture(MINUTE);
    await clock.advance(MINUTE);
    await until(() => events.includes('metrics not fetched'));
    expect(test.store.captures.find(id)?.status).toBe('DONE');
    expect(test.store.metrics.findFetch(id)).toMatchObject({
      failures: 1,
      failure: 'AWS denies cloudwatch:GetMetricData',
      fetched: null,
    });
    cloudWatch.misbehaviours.length = 0;
    await clock.advance(2 * MINUTE);
    await until(() => events.includes('metrics fetched'));
    expect(test.store.metrics.findFetch(id)).toMatchObject({ failures: 0, failure: null });
  });

  it('in the background stays for what it fetches, and not for what is late', async () => {
    const { id } = capture(MINUTE);
    await clock.advance(MINUTE);
    test.captures.settle();
    const { done, events } = startDaemon(true);
    await until(() => events.includes('metrics fetched'));
    await clock.advance(1_000);
    await done;
    expect(test.store.metrics.findFetch(id)?.fetched).not.toBeNull();
    expect(events).toContain('daemon left: nothing to do');
  });

  it.each([
    ['an answer', () => undefined],
    ['a failure', () => cloudWatch.misbehaviours.push({ error: 'AccessDenied', status: 403 })],
  ])('keeps nothing of %s that came after another daemon took over', async (_what, prepare) => {
    prepare();
    const { id } = capture(MINUTE);
    await clock.advance(MINUTE);
    test.captures.settle();
    const before = test.store.metrics.findFetch(id);
    const { events } = startDaemon(false, () => {
      const lease = test.store.lease.find();
      if (lease === null || lease.holder === 'other') return;
      const other = { holder: 'other', host: 'there', pid: 2, background: false };
      test.store.lease.takeOver(lease, other, clock.now(), 86_400_000);
    });
    await until(() => cloudWatch.requests.length > 0 || cloudWatch.headers.length > 0);
    await until(() => events.includes('another daemon took over'));
    expect(test.store.metrics.findFetch(id)).toEqual(before);
    expect(test.store.metrics.tracksOf(id)).toEqual([]);
  });

  it('leaves at once although CloudWatch does not answer, and counts that as no failure', async () => {
    cloudWatch.misbehaviours.push({ hang: 'before' });
    const { id } = capture(MINUTE);
    await clock.advance(MINUTE);
    test.captures.settle();
    startDaemon();
    await until(() => cloudWatch.headers.length > 0);
    // What it waited for in vain would be a failure.
    await leave.pop()?.();
    expect(test.store.metrics.findFetch(id)).toMatchObject({ failures: 0, failure: null });
  });
});
