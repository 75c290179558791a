import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { UserService } from '../../src/core/users/user-service.ts';
import { makeCertificate } from '../support/certificates.ts';
import { endStarted, eventually, type RunningProcess } from '../support/processes.ts';
import { openSocket, sendRaw } from '../support/raw-sockets.ts';
import { recordedCapture } from '../support/recorded-captures.ts';
import { SERVER, TestStore } from '../support/stores.ts';
import { statements } from '../workload/recorded.ts';
import { Workplace } from './workplace.ts';

let place: Workplace;
let secret: string;
beforeAll(async () => {
  const test = new TestStore(systemClock);
  const ada = test.user('ada');
  const shop = test.environment({ admin: [ada] }, { server: SERVER, name: 'shop' });
  // More than the buffers between two processes and a socket hold.
  const long = statements(3_000).map((one) => ({
    ...one,
    sql: `${one.sql} /* ${'x'.repeat(20_000)} */`,
  }));
  await recordedCapture(test, ada, shop, { statements: long, segmentText: 1e9 });
  ({ secret } = await new UserService(test.store, systemClock).createToken(ada, 'script'));
  place = new Workplace(test.store.directory);
});
afterEach(() => endStarted());
afterAll(() => place.close());

async function serve(...options: string[]): Promise<{ daemon: RunningProcess; url: string }> {
  const daemon = place.start(['daemon', '--listen', '127.0.0.1:0', ...options]);
  const url = await eventually('it listens', () => /"url":"([^"]+)"/.exec(daemon.stderr())?.[1]);
  return { daemon, url };
}

/** @returns milliseconds until it had ended. */
async function end(daemon: RunningProcess): Promise<number> {
  const began = performance.now();
  daemon.child.kill('SIGTERM');
  expect(await daemon.ended).toMatchObject({ status: 0, signal: null });
  const took = performance.now() - began;
  expect(place.processes()).toEqual([]);
  expect(daemon.stderr()).not.toContain('does not end');
  return took;
}

describe('a daemon that is told to end', () => {
  let socket: Socket;
  afterEach(() => socket.destroy());

  it('gives a download that its client does not take five seconds, and then ends', async () => {
    const { daemon, url } = await serve();
    socket = openSocket(url);
    const path = '/api/captures/1/workload';
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${secret}\r\n\r\n`);
    await once(socket, 'data');
    socket.on('error', () => undefined);
    socket.pause();
    expect(await end(daemon)).toBeGreaterThan(4_900);
  });

  it.each([
    ['that has sent nothing', '', 0],
    ['in the middle of its TLS handshake', '\x16\x03\x01', 4_900],
  ])('is held by no connection %s', async (_what, sent, least) => {
    const { cert, key } = makeCertificate(place.desk, 'server', 30);
    const { daemon, url } = await serve('--tls-cert', cert, '--tls-key', key);
    socket = openSocket(url);
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    socket.write(sent, 'latin1');
    // It comes behind the other one.
    await sendRaw(url, 'GET / HTTP/1.1\r\n\r\n');
    expect(await end(daemon)).toBeGreaterThan(least);
  });
});
