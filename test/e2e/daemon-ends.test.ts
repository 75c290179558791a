import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { endStarted, eventually, type RunningProcess } from '../support/processes.ts';
import { isInFull } from '../support/proportion.ts';
import { sendRaw } from '../support/raw-sockets.ts';
import {
  differences,
  NO_DIFFERENCES,
  recordsOf,
  startShopServer,
  type ShopServer,
} from './shop-server.ts';
import { Workplace } from './workplace.ts';

let server: ShopServer;
let place: Workplace;
beforeAll(async () => {
  server = await startShopServer();
  place = await Workplace.at(server);
});
afterEach(() => endStarted());
afterAll(async () => {
  await place.close();
  await server.stop();
});

const STARTS = isInFull ? 12 : 3;
const LATEST_MS = 2_000;

const LISTENING = ['--listen', '127.0.0.1:0'];

describe.each([
  ['that records', []],
  ['that serves the API, too', LISTENING],
])('a daemon %s', (_what, options) => {
  const name = options.length === 0 ? 'local' : 'served';

  it('is ended at any moment of its first two seconds: nothing is lost, and nothing stays', async () => {
    const first = await place.startDaemon();
    await place.given(['create', name, '--env', 'shop']);
    const load = await server.startLoad({ prefix: name, thinkMs: 40 });
    await place.untilMoreIsRecorded(name);
    first.child.kill('SIGTERM');
    await first.ended;
    for (let n = 0; n < STARTS; n++) {
      const daemon = place.start(['daemon', ...options]);
      const after = ((n + 0.5) / STARTS) * LATEST_MS;
      // The moment is what is tried.
      await delay(after);
      daemon.child.kill('SIGTERM');
      const { status, signal, stderr } = await daemon.ended;
      const events = eventsOf(stderr);
      const how = `${signal ?? status} after ${Math.round(after)} ms: ${events.join(', ')}`;
      // Before it has begun it ends as every program does.
      const hasBegun = events.length > 0;
      expect(hasBegun ? [0] : [0, 143, 'SIGTERM'], how).toContain(signal ?? status);
      if (hasBegun) expect(events, how).toContain('leaving');
      const afterwards = events.slice(events.indexOf('leaving'));
      expect(afterwards, how).not.toContain('daemon active');
      expect(afterwards, how).not.toContain('listening');
      expect(events, how).not.toContain(
        'another daemon is active: standing by, takes over when it ends',
      );
      expect(place.processes(), how).toEqual([]);
    }
    const last = await place.startDaemon();
    await place.untilMoreIsRecorded(name);
    const sent = await load.stop();
    await place.given(['stop', name]);
    last.child.kill('SIGTERM');
    expect(await last.ended).toMatchObject({ status: 0 });
    expect(differences(await recordsOf(place, name), [{ prefix: name, report: sent }])).toEqual(
      NO_DIFFERENCES,
    );
    expect((await place.ok(['verify', name])).stdout).toContain('WHOLE');
  });
});

it('logs objects alone when it leaves captures behind, and so do the processes of its requests', async () => {
  const { daemon, url } = await serving('0');
  await eventually('it is active', () => daemon.stderr().includes('daemon active'));
  await place.given(['create', 'left', '--env', 'shop']);
  const load = await server.startLoad({ prefix: 'left' });
  await place.untilMoreIsRecorded('left');
  const secret = await newToken('script');
  const following = sendRaw(url, requestOf('/api/captures/left/workload?follow=true', secret));
  const report = await sendRaw(url, requestOf('/api/captures/left/report', secret));
  expect(report).toContain('200 OK');
  await eventually('a process answers', () =>
    place.processes().some(({ command }) => command.includes('serve-request')),
  );
  daemon.child.kill('SIGTERM');
  const { status, stderr } = await daemon.ended;
  await following;
  expect(status).toBe(0);
  expect(eventsOf(stderr)).toContain(
    'the general log stays on until a daemon runs again, or a recovery by hand',
  );
  expect(place.processes()).toEqual([]);
  const last = await place.startDaemon();
  await load.stop();
  await place.given(['stop', 'left']);
  last.child.kill('SIGTERM');
  await last.ended;
});

it('that is killed under twenty clients is taken over from, and its port is free for the next one', async () => {
  const token = await newToken('clients');
  const one = await serving('0');
  await eventually('it is active', () => one.daemon.stderr().includes('daemon active'));
  const other = await serving('0');
  await eventually('the other one stands by', () => other.daemon.stderr().includes('standing by'));
  await place.given(['create', 'taken', '--env', 'shop']);
  const load = await server.startLoad({ prefix: 'taken' });
  await place.untilMoreIsRecorded('taken');
  let isOver = false;
  let answers = 0;
  const clients = Array.from({ length: 20 }, async (_, n) => {
    const paths = [
      '/api/captures',
      '/api/captures/taken',
      '/api/captures/taken/workload?follow=true',
    ];
    const request = requestOf(paths[n % paths.length] ?? '', token);
    while (!isOver) {
      const answer = await sendRaw(one.url, request).catch(() => '');
      if (answer.includes(' 200 ')) answers += 1;
      // Without a pause these processes would have no time for anything else.
      await delay(20);
    }
  });
  await eventually('they are answered', () => answers > 20);
  const whose = servers();
  one.daemon.child.kill('SIGKILL');
  const again = await serving(new URL(one.url).port);
  expect(again.daemon.stderr()).not.toContain('Another program');
  // Whichever of the two sees first that the lease is free.
  await eventually('another one is active', () =>
    [other, again].some(({ daemon }) => daemon.stderr().includes('daemon active')),
  );
  const before = answers;
  await eventually('they are answered again', () => answers > before + 20);
  // Of the three that there were, that of the dead one has gone.
  await eventually('two serve', () => servers().length === 2);
  expect(whose).toHaveLength(2);
  await place.untilMoreIsRecorded('taken');
  isOver = true;
  const sent = await load.stop();
  await place.given(['stop', 'taken']);
  await Promise.all(clients);
  for (const { daemon } of [again, other]) {
    daemon.child.kill('SIGTERM');
    expect(await daemon.ended).toMatchObject({ status: 0 });
  }
  expect(place.processes()).toEqual([]);
  const records = await recordsOf(place, 'taken');
  expect(differences(records, [{ prefix: 'taken', report: sent }])).toEqual(NO_DIFFERENCES);
});

async function serving(port: string): Promise<{ daemon: RunningProcess; url: string }> {
  const daemon = place.start(['daemon', '--listen', `127.0.0.1:${port}`]);
  const url = await eventually('it listens', () => {
    if (daemon.child.exitCode !== null) throw new Error(daemon.stderr());
    return /"url":"([^"]+)"/.exec(daemon.stderr())?.[1];
  });
  return { daemon, url };
}

function servers(): number[] {
  const all = place.processes().filter(({ command }) => command.includes('serve-api'));
  return all.map(({ pid }) => pid);
}

async function newToken(name: string): Promise<string> {
  const { stdout } = await place.given(['token', 'create', '--name', name, '--json']);
  return (JSON.parse(stdout) as { token: string }).token;
}

function requestOf(path: string, secret: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${secret}\r\nConnection: close\r\n\r\n`;
}

/** What was logged, each line an object. */
function eventsOf(log: string): string[] {
  return log
    .split('\n')
    .slice(0, -1)
    .map((line) => (JSON.parse(line) as { event: string }).event);
}
