import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UserService } from '../../src/core/users/user-service.ts';
import { serveStore, type TestServer } from '../support/api-server.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { bodyOf, sendRaw, statusOf } from '../support/raw-sockets.ts';
import { TestStore } from '../support/stores.ts';

const test = new TestStore(new ManualClock());
let server: TestServer;
let token: string;

beforeAll(async () => {
  server = await serveStore(test.store, test.clock);
  const ada = test.user('ada');
  test.capture(ada, test.environment({ admin: [ada] }));
  const users = new UserService(test.store, test.clock);
  token = (await users.createToken(ada, 'script')).secret;
});
afterAll(() => server.close());

const raw = (...pieces: string[]): Promise<string> => sendRaw(server.url, ...pieces);

function request(line: string, headers: readonly string[] = [], body = ''): string {
  const all = ['Host: x', 'Connection: close', `Authorization: Bearer ${token}`, ...headers];
  return `${line} HTTP/1.1\r\n${all.join('\r\n')}\r\n\r\n${body}`;
}

const LONG = 'x'.repeat(20_000);

describe('a request that is not as it should be', () => {
  it.each([
    ['bytes that are no HTTP', '\u0000\u0001\u0002\r\n\r\n', 400, /not a valid HTTP request/],
    ['a TLS greeting', '\u0016\u0003\u0001\u0002\u0000\u0001', 400, /not a valid HTTP request/],
    ['headers of 20 KB', () => request('GET /api/captures', [`X: ${LONG}`]), 431, /16 KiB/],
    ['a query of 20 KB', () => request(`GET /api/captures?name=${LONG}`), 431, /16 KiB/],
    ['no Host', 'GET /api/captures HTTP/1.1\r\nConnection: close\r\n\r\n', 400, /Host/],
    ['CONNECT', 'CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n', 405, /no proxy/],
    ['OPTIONS', () => request('OPTIONS /api/captures'), 405, /has no OPTIONS/],
    ['another method', () => request('PATCH /api/captures/1'), 405, /has no PATCH/],
    ['bad percent-encoding', () => request('GET /api/captures/%zz'), 400, /percent-encoded/],
    ['bytes that are no UTF-8', () => request('GET /api/captures/%ff'), 400, /percent-encoded/],
    ['a bad query', () => request('GET /api/captures?name=%'), 400, /percent-encoded/],
    ['a field twice', () => request('GET /api/captures?limit=1&limit=2'), 400, /more than once/],
    ['a path that is not there', () => request('GET /api/none'), 404, /There is no \/api\/none/],
    ['an encoded zero', () => request('GET /api/captures/%00'), 404, /Capture not found/],
  ] as const)('with %s is answered clearly', async (_what, text, status, message) => {
    const answer = await raw(typeof text === 'string' ? text : text());
    expect(statusOf(answer)).toBe(status);
    expect(bodyOf(answer)).toEqual({ code: status, message: expect.stringMatching(message) });
    expect(answer).toMatch(/cache-control: no-store/i);
    expect(answer).toMatch(/x-content-type-options: nosniff/i);
    expect(answer).not.toMatch(/access-control/i);
  });

  it('leaves the server as it was', async () => {
    expect(statusOf(await raw(request('GET /api/captures/1')))).toBe(200);
  });
});

describe('a request in an unusual form', () => {
  it('HEAD is answered as GET, without the body', async () => {
    const head = await raw(request('HEAD /api/captures/1'));
    const get = await raw(request('GET /api/captures/1'));
    const withoutTime = (text: string): string =>
      text.replace(/date: .*/i, '').replace(/captures-time: .*/, '');
    expect(withoutTime(head)).toBe(withoutTime(get.slice(0, get.indexOf('\r\n\r\n') + 4)));
  });

  it('HTTP/1.0 is answered, and the connection closed', async () => {
    const line = `GET /api/captures HTTP/1.0\r\nAuthorization: Bearer ${token}\r\n\r\n`;
    const answer = await raw(line);
    expect(statusOf(answer)).toBe(200);
    expect(bodyOf(answer)).toHaveLength(1);
    expect(answer).not.toMatch(/transfer-encoding/i);
  });

  it('a URL with its origin is understood', async () => {
    const answer = await raw(request('GET http://elsewhere.example.com/api/captures/1'));
    expect(bodyOf(answer)).toMatchObject({ id: 1 });
  });

  it('requests that come together are answered in their order', async () => {
    const keep = (line: string): string => request(line).replace('Connection: close\r\n', '');
    const lines = ['GET /api/captures/1', 'GET /api/captures/none', 'GET /api/whoami'];
    const answer = await raw(...lines.map(keep), request('GET /api/captures/1'));
    const statuses = Array.from(answer.matchAll(/HTTP\/1\.1 (\d+)/g), ([, status]) => status);
    expect(statuses).toEqual(['200', '404', '200', '200']);
  });
});

describe('a body', () => {
  it.each([
    ['a declared length', `Content-Length: ${10 * 1024 * 1024}`, 'x'.repeat(64)],
    [
      'chunks',
      'Transfer-Encoding: chunked',
      `${(1024 * 1024 + 1).toString(16)}\r\n${'x'.repeat(1024 * 1024 + 1)}\r\n`,
    ],
  ])('larger than 1 MiB is refused by %s before its end has come', async (_what, header, body) => {
    const headers = [header, 'Content-Type: application/json'];
    const answer = await raw(request('POST /api/tokens', headers, body));
    expect(statusOf(answer)).toBe(413);
    expect(bodyOf(answer)).toEqual({ code: 413, message: 'The body is larger than 1 MiB' });
  });

  it('that waits to be asked for is not asked for where it is refused', async () => {
    const headers = ['Expect: 100-continue', `Content-Length: ${10 * 1024 * 1024}`];
    const answer = await raw(request('POST /api/tokens', headers));
    expect(statusOf(answer)).toBe(413);
  });

  it('in chunks that are none is answered that', async () => {
    const headers = ['Transfer-Encoding: chunked', 'Content-Type: application/json'];
    const answer = await raw(request('POST /api/tokens', headers, '2\r\n{}\r\nnonsense\r\n'));
    expect(statusOf(answer)).toBe(400);
    expect(bodyOf(answer)).toEqual({ code: 400, message: 'This is not a valid HTTP request' });
  });

  it('with an expectation that nobody knows is refused with a sentence', async () => {
    const answer = await raw(request('POST /api/tokens', ['Expect: 200-ok', 'Content-Length: 2']));
    expect(statusOf(answer)).toBe(417);
    expect(bodyOf(answer)).toMatchObject({ code: 417, message: /100-continue/ });
  });

  it.each([
    ['text', 'Content-Type: text/plain', 'name=x', 415],
    ['a form', 'Content-Type: application/x-www-form-urlencoded', 'name=x', 400],
    ['compressed JSON', 'Content-Encoding: gzip', '{}', 415],
    ['half an object', 'Content-Type: application/json', '{"name":', 400],
    ['a list', 'Content-Type: application/json', '[]', 400],
    ['nothing but a number', 'Content-Type: application/json; charset=utf-8', '7', 400],
  ])('that is %s is refused', async (_what, header, body, status) => {
    const headers = [header, `Content-Length: ${body.length}`];
    const answer = await raw(request('POST /api/tokens', headers, body));
    expect(statusOf(answer)).toBe(status);
    expect(bodyOf(answer)).toMatchObject({ code: status });
  });
});
