import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { createApi } from '../../src/core/api.ts';
import { UserService } from '../../src/core/users/user-service.ts';
import { defineRoute } from '../../src/http/contract/define-route.ts';
import { ApiServer, type ServerOptions } from '../../src/http/server/api-server.ts';
import type { Answered } from '../../src/http/server/dispatch.ts';
import { handle, type Handler } from '../../src/http/server/handler.ts';
import { HeavyQueue } from '../../src/http/server/heavy-queue.ts';
import { createPageServer } from '../../src/http/server/page-server.ts';
import { RateLimit, ShareLimit, StrangerLimit } from '../../src/http/server/rate-limit.ts';
import { piecesOf, uploaded } from '../../src/http/server/request-body.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { eventually } from '../support/processes.ts';
import { bodyOf, openSocket, sendRaw, statusOf } from '../support/raw-sockets.ts';
import { outsideOf, TestStore } from '../support/stores.ts';

const test = new TestStore(new ManualClock());
const ada = test.user('ada');
const users = new UserService(test.store, test.clock);
const { secret } = await users.createToken(ada, 'script');
const AUTHORIZED = { authorization: `Bearer ${secret}` };
const HEAD = `Host: x\r\nAuthorization: Bearer ${secret}\r\n`;

const running: ApiServer[] = [];
afterEach(async () => {
  release = null;
  for (const server of running.splice(0)) await server.close();
});

const empty = z.object({});
/** What the test looks at of the operations below. */
const seen = { rows: 0, ended: 0 };

const value = handle(
  defineRoute({
    id: 'value',
    at: 'GET /api/value',
    tag: 'Test',
    summary: 'answer at once',
    answer: { is: 'json', form: empty },
  }),
  () => Promise.resolve({}),
);

const rows = handle(
  defineRoute({
    id: 'rows',
    at: 'GET /api/rows',
    tag: 'Test',
    summary: 'answer rows without an end',
    answer: { is: 'rows', row: z.object({ text: z.string() }) },
  }),
  async function* () {
    try {
      for (;;) {
        seen.rows += 1;
        await Promise.resolve();
        yield { text: 'x'.repeat(10_000) };
      }
    } finally {
      seen.ended += 1;
    }
  },
);

const progress = handle(
  defineRoute({
    id: 'progress',
    at: 'POST /api/progress',
    tag: 'Test',
    summary: 'take a while',
    answer: { is: 'progress', event: empty, result: empty, isSilent: false },
  }),
  async function* () {
    try {
      for (;;) {
        await new Promise((resolve) => setImmediate(resolve));
        seen.rows += 1;
        yield {};
      }
    } finally {
      seen.ended += 1;
    }
  },
);

/** One event, and then nothing until somebody says stop. */
const live = handle(
  defineRoute({
    id: 'live',
    at: 'GET /api/live',
    tag: 'Test',
    summary: 'follow what does not happen',
    answer: { is: 'live', event: empty },
  }),
  async function* ({ signal }) {
    try {
      yield {};
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    } finally {
      seen.ended += 1;
    }
  },
);

let release: (() => void) | null = null;
/** Answers when the test says so. */
const slow = handle(
  defineRoute({
    id: 'slow',
    at: 'GET /api/slow',
    tag: 'Test',
    summary: 'answer later',
    asksOthers: true,
    answer: { is: 'json', form: empty },
  }),
  () => new Promise<Record<string, never>>((resolve) => (release = () => resolve({}))),
);

async function serve(options: Partial<ServerOptions> = {}): Promise<{
  server: ApiServer;
  url: string;
}> {
  const api = createApi(outsideOf(test.store, test.clock));
  const handlers: readonly Handler[] = [value, rows, live, progress, slow];
  const server = new ApiServer({
    handlers,
    apiFor: () => api,
    onBug: (error) => {
      throw error;
    },
    ...options,
  });
  running.push(server);
  return { server, url: `http://127.0.0.1:${await server.listen('127.0.0.1', 0)}` };
}

function get(url: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    httpRequest(url, { headers: AUTHORIZED, agent: false }, resolve).once('error', reject).end();
  });
}

describe('limits of a client', () => {
  it('let a burst through, then so many a second, and say when to come back', async () => {
    let now = 0;
    const rate = new RateLimit({ perSecond: 10, burst: 3 }, () => now);
    const { url } = await serve({ limits: { rate, streams: new ShareLimit(9) } });
    const status = async (): Promise<number> =>
      (await fetch(`${url}/api/value`, { headers: AUTHORIZED })).status;
    expect([await status(), await status(), await status(), await status()]).toEqual([
      200, 200, 200, 429,
    ]);
    const refused = await fetch(`${url}/api/value`, { headers: AUTHORIZED });
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(await refused.json()).toMatchObject({ code: 429 });
    now += 100;
    expect([await status(), await status()]).toEqual([200, 429]);
  });

  it('count who is not logged in before anything is done for them, and shut out nobody who is', async () => {
    let now = 0;
    const limits = {
      rate: new RateLimit({ perSecond: 1_000, burst: 1_000 }),
      strangers: new StrangerLimit(new RateLimit({ perSecond: 1, burst: 2 }, () => now)),
      streams: new ShareLimit(9),
    };
    const { url } = await serve({ limits });
    const ask = async (path: string, headers: Record<string, string> = {}): Promise<number> =>
      (await fetch(`${url}/api/${path}`, { headers })).status;
    const wrong = { authorization: 'Bearer captures_token_wrong' };
    for (let turn = 0; turn < 5; turn += 1) expect(await ask('value', AUTHORIZED)).toBe(200);
    expect(await ask('value')).toBe(401);
    expect(await ask('no-such-path', wrong)).toBe(401);
    expect(await ask('value', wrong)).toBe(429);
    expect(await ask('no-such-path')).toBe(429);
    expect(await ask('value', AUTHORIZED)).toBe(200);
    now += 1_000;
    expect([await ask('value', wrong), await ask('value', wrong)]).toEqual([401, 429]);
  });

  it('count the page among the requests of who is not logged in', async () => {
    const limits = {
      rate: new RateLimit({ perSecond: 1_000, burst: 1_000 }),
      strangers: new StrangerLimit(new RateLimit({ perSecond: 1, burst: 2 }, () => 0)),
      streams: new ShareLimit(9),
    };
    const page = createPageServer({ script: '', style: '' });
    const { url } = await serve({ limits, page });
    const ask = (headers: Record<string, string> = {}): Promise<Response> =>
      fetch(`${url}/`, { headers });
    const first = await ask();
    const known = { 'if-none-match': first.headers.get('etag') ?? '' };
    expect([first.status, (await ask(known)).status]).toEqual([200, 304]);
    const refused = await ask(known);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1']);
    expect(await refused.json()).toMatchObject({ code: 429 });
    const headers = AUTHORIZED;
    // The credential is not known here yet.
    expect((await fetch(`${url}/api/value`, { headers })).status).toBe(429);
  });

  it('count what is not there, too', async () => {
    const rate = new RateLimit({ perSecond: 1, burst: 1 }, () => 0);
    const { url } = await serve({ limits: { rate, streams: new ShareLimit(9) } });
    const status = async (): Promise<number> =>
      (await fetch(`${url}/api/no-such-path`, { headers: AUTHORIZED })).status;
    expect([await status(), await status()]).toEqual([404, 429]);
  });

  it('bound how many streams are open, and forget those that are over', async () => {
    const limits = {
      rate: new RateLimit({ perSecond: 1_000, burst: 1_000 }),
      streams: new ShareLimit(1),
    };
    const { url } = await serve({ limits });
    const first = await get(`${url}/api/live`);
    expect((await get(`${url}/api/live`)).statusCode).toBe(429);
    first.destroy();
    await eventually('the stream is over', async () => {
      const again = await get(`${url}/api/live`);
      again.destroy();
      return again.statusCode === 200;
    });
  });
});

describe('requests of one user', () => {
  it('do not keep those of another waiting, nor does a long answer', async () => {
    const shares = { working: 2, workingOfOne: 1, running: 9, runningOfOne: 9 };
    const more = { goingOn: 0, goingOnOfOne: 0, waiting: 9, waitingOfOne: 9 };
    const { url } = await serve({ turns: new HeavyQueue({ ...shares, ...more }, 'requests') });
    const bob = test.user();
    const other = (await users.createToken(bob, 'script')).secret;
    const long = await get(`${url}/api/rows`);
    const own = get(`${url}/api/value`);
    const response = await fetch(`${url}/api/value`, {
      headers: { authorization: `Bearer ${other}` },
    });
    expect(response.status).toBe(200);
    // Who reads slowly has no place among those that work.
    expect((await own).statusCode).toBe(200);
    long.destroy();
  });
});

describe('a request that waits for something to happen', () => {
  it('counts as a stream without events, too', async () => {
    const streams = new ShareLimit(1);
    const rate = new RateLimit({ perSecond: 1_000, burst: 1_000 });
    const { url } = await serve({ limits: { rate, streams } });
    const first = new AbortController();
    const ask = (signal: AbortSignal | null = null): Promise<Response> =>
      fetch(`${url}/api/progress`, { method: 'POST', headers: AUTHORIZED, signal });
    const before = seen.rows;
    const waiting = ask(first.signal);
    await eventually('it waits', () => seen.rows > before);
    const refused = await ask();
    expect([refused.status, await refused.json()]).toEqual([
      429,
      { code: 429, message: '1 of your requests go on already: end one of them' },
    ]);
    first.abort();
    await expect(waiting).rejects.toThrow();
  });
});

describe('requests that ask a database', () => {
  it('wait for those of the same user, and no other request does', async () => {
    const shares = {
      working: 9,
      workingOfOne: 9,
      running: 9,
      goingOn: 0,
      goingOnOfOne: 0,
      waiting: 9,
    };
    const limits = { ...shares, runningOfOne: 1, waitingOfOne: 1 };
    const { url } = await serve({ looks: new HeavyQueue(limits, 'requests that ask a database') });
    const ask = async (path: string): Promise<[number, unknown]> => {
      const response = await get(`${url}/api/${path}`);
      return [response.statusCode ?? 0, JSON.parse(await text(response))];
    };
    const first = ask('slow');
    const letGo = await eventually('the first is running', () => release ?? undefined);
    const others = [ask('slow'), ask('slow')];
    expect(await Promise.race(others)).toEqual([
      429,
      {
        code: 429,
        message: '1 of your requests that ask a database are waiting already: try again later',
      },
    ]);
    expect(await ask('value')).toEqual([200, {}]);
    expect(release).toBe(letGo);
    letGo();
    expect(await first).toEqual([200, {}]);
    await eventually('the next is running', () => release !== letGo);
    release?.();
    expect((await Promise.all(others)).map(([status]) => status).sort()).toEqual([200, 429]);
  });
});

describe('requests that come behind others on one connection', () => {
  it('are begun when those before them are answered, and all are answered in their order', async () => {
    const { url } = await serve();
    const socket = openSocket(url);
    let answers = '';
    socket.on('data', (chunk: Buffer) => (answers += chunk.toString()));
    const count = 2_000;
    socket.write(`GET /api/slow HTTP/1.1\r\n${HEAD}\r\n`);
    const before = seen.rows;
    socket.write(`GET /api/rows?x HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(count));
    socket.write(`GET /api/slow HTTP/1.1\r\n${HEAD}Connection: close\r\n\r\n`);
    const first = await eventually('the first is running', () => release ?? undefined);
    expect(answers).toBe('');
    first();
    await eventually('the last is running', () => release !== first);
    const statuses = (): readonly string[] => answers.match(/HTTP\/1\.1 \d+/g) ?? [];
    await eventually('all others have come', () => statuses().length > count);
    expect(statuses()).toEqual(['HTTP/1.1 200', ...Array<string>(count).fill('HTTP/1.1 401')]);
    expect(seen.rows).toBe(before);
    release?.();
    await once(socket, 'close');
    expect(statuses().at(-1)).toBe('HTTP/1.1 200');
  });

  it('are not begun at all when their client goes', async () => {
    const answered: Answered[] = [];
    const { url } = await serve({ onAnswered: (one) => answered.push(one) });
    const socket = openSocket(url);
    socket.write(`GET /api/slow HTTP/1.1\r\n${HEAD}\r\n`.repeat(3));
    const first = await eventually('the first is running', () => release ?? undefined);
    socket.destroy();
    await once(socket, 'close');
    await eventually('it is seen', async () => (await get(`${url}/api/value`)).statusCode === 200);
    first();
    await eventually('the first is over', () => answered.some(({ path }) => path === '/api/slow'));
    await get(`${url}/api/value`);
    expect(release).toBe(first);
    expect(answered.filter(({ path }) => path === '/api/slow')).toHaveLength(1);
  });
});

describe('a client that is slow', () => {
  it('to send its head is told so, and closed', async () => {
    const { url } = await serve({ headersMs: 50 });
    const answer = await sendRaw(url, 'GET /api/value HTTP/1.1\r\nHost: x\r\n');
    expect(statusOf(answer)).toBe(408);
    expect(bodyOf(answer)).toMatchObject({ code: 408, message: /too long/ });
  });

  it('to send its body is told so', async () => {
    async function* never(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('{');
      await new Promise(() => undefined);
    }
    await expect(piecesOf(never(), 10)).rejects.toMatchObject({ status: 408 });
    const upload = uploaded(never(), 10);
    expect((await upload.next()).value).toEqual(Buffer.from('{'));
    await expect(upload.next()).rejects.toMatchObject({ status: 408 });
  });

  it('to read holds nobody, and nothing is made that it does not take', async () => {
    const { url } = await serve();
    seen.rows = 0;
    seen.ended = 0;
    const sockets: Socket[] = [];
    for (let index = 0; index < 5; index++) {
      const socket = openSocket(url);
      socket.pause();
      socket.write(`GET /api/rows HTTP/1.1\r\n${HEAD}\r\n`);
      sockets.push(socket);
    }
    // Until the buffers between us are full.
    let before = -1;
    await eventually('nothing more is made', async () => {
      for (let turn = 0; turn < 20; turn++) {
        expect((await get(`${url}/api/value`)).resume().statusCode).toBe(200);
      }
      const isStill = seen.rows > 0 && seen.rows === before;
      before = seen.rows;
      return isStill;
    });
    expect(seen.rows * 10_000).toBeLessThan(5 * 12 * 1024 * 1024);
    for (const socket of sockets) socket.destroy();
    await eventually('the use cases are ended', () => seen.ended === 5);
  });
});

describe('a client that goes', () => {
  it.each(['rows', 'live'])('in the middle of %s ends the use case', async (path) => {
    const answered: Answered[] = [];
    const { url } = await serve({ onAnswered: (one) => answered.push(one) });
    seen.ended = 0;
    const response = await get(`${url}/api/${path}`);
    await once(response, 'data');
    response.destroy();
    await eventually('the use case is ended', () => seen.ended === 1);
    await eventually('the request is over', () => answered.length === 1);
    expect(answered).toMatchObject([{ path: `/api/${path}`, status: 200, routeId: path }]);
  });
});

describe('a client that goes before there is an answer', () => {
  it('ends the use case, and is noted without a status', async () => {
    const answered: Answered[] = [];
    const { url } = await serve({ onAnswered: (one) => answered.push(one) });
    Object.assign(seen, { rows: 0, ended: 0 });
    const leaving = new AbortController();
    const options = { method: 'POST', headers: AUTHORIZED, signal: leaving.signal };
    const asked = fetch(`${url}/api/progress`, options).catch(() => undefined);
    await eventually('it works', () => seen.rows > 10);
    leaving.abort();
    await asked;
    await eventually('the use case is ended', () => seen.ended === 1);
    await eventually('the request is over', () => answered.length === 1);
    expect(answered).toMatchObject([{ path: '/api/progress', status: null }]);
  });
});

describe('too many connections', () => {
  it('are answered that', async () => {
    const { url } = await serve({ mostConnections: 1 });
    const first = openSocket(url);
    await once(first, 'connect');
    first.write(`GET /api/value HTTP/1.1\r\n${HEAD}\r\n`);
    await once(first, 'data');
    const answer = await sendRaw(url, `GET /api/value HTTP/1.1\r\n${HEAD}\r\n`);
    expect(statusOf(answer)).toBe(503);
    expect(answer).toMatch(/retry-after: 10/i);
    first.destroy();
  });

  it('of one address are answered that, and behind a proxy are not counted', async () => {
    const { url } = await serve({ mostConnectionsOfOne: 1 });
    const first = openSocket(url);
    await once(first, 'connect');
    first.write(`GET /api/value HTTP/1.1\r\n${HEAD}\r\n`);
    await once(first, 'data');
    expect(statusOf(await sendRaw(url, `GET /api/value HTTP/1.1\r\n${HEAD}\r\n`))).toBe(429);
    first.destroy();
    await eventually('it is forgotten', async () => {
      const answer = await sendRaw(
        url,
        `GET /api/value HTTP/1.1\r\n${HEAD}Connection: close\r\n\r\n`,
      );
      return statusOf(answer) === 200;
    });

    const behind = await serve({ mostConnectionsOfOne: 0, proxyHeader: 'forwarded' });
    expect((await get(`${behind.url}/api/value`)).resume().statusCode).toBe(200);
  });
});

describe('a server that ends', () => {
  it('answers what it has in hand, ends streams with an event, and takes nothing more', async () => {
    const { server, url } = await serve();
    const stream = await get(`${url}/api/live`);
    const events = text(stream);
    const inHand = get(`${url}/api/slow`);
    const idle = openSocket(url);
    await once(idle, 'connect');
    await eventually('it is being answered', () => release !== null);
    const closed = server.close(60_000);
    expect(await events).toMatch(/event: error\ndata: {"code":503,"message":"[^"]+"}\n\n$/);
    await once(idle, 'close');
    await expect(get(`${url}/api/value`)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    release?.();
    const answer = await inHand;
    expect(answer.statusCode).toBe(200);
    expect(await text(answer)).toBe('{}');
    await closed;
  });

  it('tells those who wait without events that it ends', async () => {
    const { server, url } = await serve({ soonMs: 10 });
    const before = seen.rows;
    const waiting = fetch(`${url}/api/progress`, { method: 'POST', headers: AUTHORIZED });
    await eventually('it waits', () => seen.rows > before);
    const closed = server.close(60_000);
    const answer = await waiting;
    expect([answer.status, await answer.json()]).toEqual([
      503,
      { code: 503, message: expect.any(String) as string },
    ]);
    await closed;
  });

  it('breaks off what is not over when its patience ends', async () => {
    const { server, url } = await serve();
    const inHand = get(`${url}/api/slow`);
    inHand.catch(() => undefined);
    await eventually('it is being answered', () => release !== null);
    await server.close(10);
    await expect(inHand).rejects.toMatchObject({ code: 'ECONNRESET' });
    release?.();
  });
});
