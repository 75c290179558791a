import { once } from 'node:events';
import { copyFileSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { connect, type PeerCertificate } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { UserService } from '../../src/core/users/user-service.ts';
import { expiredCertificate, makeCertificate } from '../support/certificates.ts';
import { endStarted, eventually, type RunningProcess } from '../support/processes.ts';
import { recordedCapture } from '../support/recorded-captures.ts';
import { SERVER, TestStore } from '../support/stores.ts';
import { statements } from '../workload/recorded.ts';
import { Workplace } from './workplace.ts';

let place: Workplace;
let token: string;
beforeAll(async () => {
  place = await Workplace.make();
  await place.given(['env', 'create', 'shop']);
  await place.given(['create', 'friday', '--env', 'shop']);
  const created = await place.given(['token', 'create', '--name', 'script', '--json']);
  ({ token } = JSON.parse(created.stdout) as { token: string });
});
afterEach(() => endStarted());
afterAll(() => place.close());

interface Line {
  readonly level: string;
  readonly event: string;
  readonly [field: string]: unknown;
}

function logOf(daemon: RunningProcess): Line[] {
  return daemon
    .stderr()
    .split('\n')
    .filter((line) => line.startsWith('{"time"'))
    .map((line) => JSON.parse(line) as Line);
}

function lineOf(daemon: RunningProcess, event: string, count = 1): Promise<Line> {
  return eventually(`the log says: ${event}`, () =>
    logOf(daemon)
      .filter((line) => line.event === event)
      .at(count - 1),
  );
}

async function serve(
  ...options: string[]
): Promise<{ daemon: RunningProcess; url: string; pid: number }> {
  const daemon = place.start(['daemon', '--log-level', 'debug', '--listen', ...options]);
  const { url, pid } = await lineOf(daemon, 'listening');
  return { daemon, url: String(url), pid: Number(pid) };
}

function get(url: string, path: string): Promise<Response> {
  return fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } });
}

function isThere(pid: number): boolean {
  return place.processes().some((one) => one.pid === pid);
}

describe('a daemon that serves the API', () => {
  it('answers, refuses what is no URL, logs each request without its query, and ends in order when it is told to', async () => {
    const { daemon, url, pid } = await serve('127.0.0.1:0');
    await lineOf(daemon, 'daemon active');
    const answer = await get(url, '/api/captures/friday?x=hidden');
    expect(await answer.json()).toMatchObject({ name: 'friday', status: 'RUNNING' });
    // The bundler once left out what only fails.
    expect((await get(url, '/api/captures?name=%FF')).status).toBe(400);
    expect(await lineOf(daemon, 'request')).toMatchObject({
      level: 'debug',
      method: 'GET',
      path: '/api/captures/friday',
      status: 200,
      user: 'ada',
      address: '127.0.0.1',
    });
    daemon.child.kill('SIGTERM');
    expect(await daemon.ended).toMatchObject({ status: 0, signal: null, stdout: '' });
    expect(isThere(pid)).toBe(false);
    await expect(get(url, '/api/whoami')).rejects.toThrow();
    expect(logOf(daemon).filter(({ level }) => level === 'error' || level === 'warn')).toEqual([]);
  });

  it('goes on when the process that serves is killed, and starts it again on the same port', async () => {
    const { daemon, url, pid } = await serve('127.0.0.1:0');
    const active = await lineOf(daemon, 'daemon active');
    process.kill(pid, 'SIGKILL');
    expect(await lineOf(daemon, 'the API server has died; starting it again')).toMatchObject({
      level: 'error',
      signal: 'SIGKILL',
    });
    const again = await lineOf(daemon, 'listening', 2);
    expect(again).toMatchObject({ url });
    expect((await get(url, '/api/whoami')).status).toBe(200);
    const status = await place.given(['daemon', '--status', '--json']);
    expect(JSON.parse(status.stdout)).toMatchObject({ alive: true, pid: active['pid'] });
    // And it does not outlive a daemon that is killed.
    daemon.child.kill('SIGKILL');
    await daemon.ended;
    await eventually('the server has gone', () => !isThere(Number(again['pid'])));
  });

  it('serves while it stands by for another one', async () => {
    const first = await place.startDaemon();
    const { daemon, url } = await serve(':0');
    await lineOf(daemon, 'another daemon is active: standing by, takes over when it ends');
    expect((await get(url, '/api/captures')).status).toBe(200);
    first.child.kill('SIGTERM');
    await first.ended;
    await lineOf(daemon, 'daemon active');
    expect((await get(url, '/api/captures')).status).toBe(200);
    // Nobody but these two was started.
    expect(place.processes().filter(({ command }) => / daemon/.test(command))).toHaveLength(1);
  });

  it('does what reads much in a process of its own', async () => {
    const test = new TestStore(systemClock);
    const home = test.store.directory;
    const ada = test.user('ada');
    const shop = test.environment({ admin: [ada] }, { server: SERVER, name: 'shop' });
    // So much of it that threads count, which have Node open standard streams.
    const long = statements(3_000).map((one) => ({
      ...one,
      sql: `${one.sql} /* ${'x'.repeat(20_000)} */`,
    }));
    await recordedCapture(test, ada, shop, { statements: long, segmentText: 1e9 });
    const users = new UserService(test.store, systemClock);
    const { secret } = await users.createToken(ada, 'script');
    const busy = new Workplace(home);
    const daemon = busy.start(['daemon', '--listen', '127.0.0.1:0']);
    const { url } = await lineOf(daemon, 'listening');
    const answer = await fetch(`${String(url)}/api/captures/1/report`, {
      headers: { authorization: `Bearer ${secret}` },
    });
    expect(await answer.json()).toMatchObject({ statements: 3_000 });
    await eventually('it has gone', () =>
      busy.processes().every(({ command }) => !command.includes('serve-request')),
    );
    daemon.child.kill('SIGTERM');
    await daemon.ended;
    expect(logOf(daemon).filter(({ level }) => level === 'error')).toEqual([]);
    await busy.close();
  });
});

describe('TLS', () => {
  it('is read again on SIGHUP; what cannot be used is not taken', async () => {
    const files = makeCertificate(place.desk, 'first', 30);
    const soon = makeCertificate(place.desk, 'soon', 10);
    const served = { cert: join(place.desk, 'served.pem'), key: join(place.desk, 'served.key') };
    const put = ({ cert, key }: typeof files): void => {
      copyFileSync(cert, served.cert);
      copyFileSync(key, served.key);
    };
    put(files);
    const options = ['--tls-cert', served.cert, '--tls-key', served.key];
    const { daemon, url } = await serve('127.0.0.1:0', ...options);
    expect(url).toMatch(/^https:/);
    expect((await certificateOf(url)).subject.CN).toBe('first');
    expect(await statusOverTls(url, readFileSync(files.cert))).toBe(200);

    put(expiredCertificate(place.desk));
    daemon.child.kill('SIGHUP');
    expect(await lineOf(daemon, 'the certificate stays as it was')).toMatchObject({
      level: 'error',
      message: `The certificate ${served.cert} expired on 2021-01-01`,
    });
    rmSync(served.key);
    daemon.child.kill('SIGHUP');
    await lineOf(daemon, 'the certificate stays as it was', 2);
    expect((await certificateOf(url)).subject.CN).toBe('first');

    put(soon);
    daemon.child.kill('SIGHUP');
    await lineOf(daemon, 'certificate read again');
    expect((await certificateOf(url)).subject.CN).toBe('soon');
    expect(await lineOf(daemon, 'the certificate expires soon')).toMatchObject({ level: 'warn' });
    daemon.child.kill('SIGTERM');
    expect(await daemon.ended).toMatchObject({ status: 0 });
  });
});

describe('a daemon that cannot serve', () => {
  it.each([
    ['a name without a port', ['localhost'], 2, /--listen cannot be "localhost"/],
    ['a port that is none', ['127.0.0.1:65536'], 2, /--listen cannot be/],
    ['every address in the clear', ['0.0.0.0:0'], 2, /passwords would cross the network/],
    ['an address of another machine', ['192.0.2.1:0', '--behind-proxy'], 10, /no such address/],
    [
      'a header of a proxy that it does not know',
      [':0', '--behind-proxy', 'via'],
      2,
      /cannot be "via"/,
    ],
    ['a certificate alone', [':0', '--tls-cert', '/x.pem'], 2, /--tls-key is missing/],
    ['no certificate', [':0', '--tls-cert', '/x', '--tls-key', '/y'], 10, /there is no such file/],
  ])('for %s says so and records nothing', async (_what, options, status, message) => {
    const daemon = place.start(['daemon', '--listen', ...options]);
    const end = await daemon.ended;
    expect(end).toMatchObject({ status, stdout: '' });
    expect(end.stderr).toMatch(message);
    expect(end.stderr).not.toContain('daemon active');
  });

  it('for a certificate that has expired, or a port that is taken, says so and records nothing', async () => {
    const { cert, key } = expiredCertificate(place.desk);
    const expired = await place.captures([
      ...['daemon', '--listen', '0.0.0.0:0', '--tls-cert', cert, '--tls-key', key],
    ]);
    expect(expired).toMatchObject({ status: 10, stdout: '' });
    expect(expired.stderr).toContain('expired on 2021-01-01');

    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const end = await place.captures(['daemon', '--listen', `127.0.0.1:${port}`]);
    taken.close();
    expect(end).toMatchObject({ status: 6, stdout: '' });
    expect(end.stderr).toContain(`Another program listens on 127.0.0.1:${port}`);
    expect(end.stderr).not.toContain('daemon active');
  });
});

function certificateOf(url: string): Promise<PeerCertificate> {
  return new Promise((resolve, reject) => {
    const { port } = new URL(url);
    const socket = connect({ port: Number(port), host: '127.0.0.1', rejectUnauthorized: false });
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      resolve(socket.getPeerCertificate());
      socket.destroy();
    });
  });
}

function statusOverTls(url: string, ca: Buffer): Promise<number | undefined> {
  const headers = { authorization: `Bearer ${token}` };
  return new Promise((resolve, reject) => {
    request(`${url}/api/whoami`, { ca, headers, agent: false }, (response) => {
      resolve(response.resume().statusCode);
    })
      .once('error', reject)
      .end();
  });
}
