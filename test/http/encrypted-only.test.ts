import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createApi } from '../../src/core/api.ts';
import { ApiServer, type ServerOptions } from '../../src/http/server/api-server.ts';
import type { Certificate } from '../../src/http/server/certificate.ts';
import { makeCertificate } from '../support/certificates.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { eventually } from '../support/processes.ts';
import { bodyOf, openSocket, sendRaw, statusOf } from '../support/raw-sockets.ts';
import { outsideOf, temporaryFolder, TestStore } from '../support/stores.ts';

const test = new TestStore(new ManualClock());
const api = createApi(outsideOf(test.store, test.clock));
const opened: Socket[] = [];
let certificate: Certificate;
let server: ApiServer | null = null;
beforeAll(() => {
  const files = makeCertificate(temporaryFolder(), 'server', 30);
  certificate = { cert: readFileSync(files.cert, 'utf8'), key: readFileSync(files.key, 'utf8') };
});
afterEach(async () => {
  for (const socket of opened.splice(0)) socket.destroy();
  await server?.close();
});

async function serve(options: Partial<ServerOptions> = {}): Promise<string> {
  const onBug = (error: unknown): never => {
    throw error;
  };
  server = new ApiServer({ handlers: [], apiFor: () => api, onBug, certificate, ...options });
  return `https://127.0.0.1:${await server.listen('127.0.0.1', 0)}`;
}

function opens(url: string): Socket {
  const socket = openSocket(url).on('error', () => undefined);
  opened.push(socket);
  return socket;
}

function statusOverTls(url: string, body: string): Promise<number | undefined> {
  const options = { ca: certificate.cert, method: 'POST', agent: false };
  return new Promise((resolve, reject) => {
    request(`${url}/api/x`, options, (response) => resolve(response.resume().statusCode))
      .once('error', reject)
      .end(body);
  });
}

describe('a port that speaks TLS', () => {
  it.each([
    ['a request', ['GET / HTTP/1.1\r\nHost: x\r\n\r\n']],
    ['a request in pieces', ['G', 'ET / HTTP/1.1\r\n']],
    ['a request with a large body', ['POST /api/imports HTTP/1.1\r\n\r\n', 'x'.repeat(1_000_000)]],
    ['another protocol that begins with a letter', ['SSH-2.0-OpenSSH_9.2\r\n']],
  ])('answers %s in the clear with a sentence, and closes', async (_what, pieces) => {
    const answer = await sendRaw(await serve(), ...pieces);
    expect(statusOf(answer)).toBe(400);
    expect(answer).toMatch(/^captures-needs-tls: 1\r$/m);
    expect(bodyOf(answer)).toEqual({
      code: 400,
      message: 'This port speaks HTTPS: begin the URL with https://',
    });
  });

  it('closes what is neither without a word', async () => {
    const url = await serve();
    await expect(sendRaw(url, '\x00\x01\x02\x03\x04\x05\x06\x07')).resolves.not.toContain('HTTP');
  });

  it('answers what is encrypted, also where its first record comes in pieces', async () => {
    const url = await serve();
    expect(await statusOverTls(url, 'x'.repeat(100_000))).toBe(401);
    const between = createTcpServer((near) => {
      const far = opens(url).setNoDelay();
      near.on('error', () => undefined);
      near.once('data', (first) => {
        far.write(first.subarray(0, 1));
        setImmediate(() => {
          far.write(first.subarray(1));
          near.pipe(far).pipe(near);
        });
      });
    });
    await new Promise<void>((resolve) => between.listen(0, '127.0.0.1', resolve));
    const { port } = between.address() as AddressInfo;
    expect(await statusOverTls(`https://127.0.0.1:${port}`, 'x')).toBe(401);
    between.close();
  });

  it('closes who sends nothing, or no more than the beginning of a handshake', async () => {
    const url = await serve({ headersMs: 100 });
    await once(opens(url), 'close');
    const begun = opens(url);
    begun.write('\x16\x03\x01', 'latin1');
    await once(begun, 'close');
  });

  it('counts who sends nothing among the connections of an address', async () => {
    const url = await serve({ mostConnectionsOfOne: 1 });
    const two = [opens(url), opens(url)];
    await Promise.all(two.map((socket) => once(socket, 'connect')));
    await once(opens(url), 'close');
    two[0]?.destroy();
    two[1]?.destroy();
    await eventually(
      'they are forgotten',
      async () => statusOf(await sendRaw(url, 'GET /').catch(() => '')) === 400,
    );
  });

  it('closes who has sent nothing when it ends', async () => {
    const url = await serve();
    const silent = opens(url);
    await once(silent, 'connect');
    // Comes behind it.
    await sendRaw(url, 'GET /');
    await server?.close(3_600_000);
  });

  it('breaks off a handshake when its patience ends', async () => {
    const url = await serve();
    const begun = opens(url);
    begun.write('\x16\x03\x01', 'latin1');
    await once(begun, 'connect');
    await sendRaw(url, 'GET /');
    await server?.close(10);
  });
});
