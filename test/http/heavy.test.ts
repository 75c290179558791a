import { once } from 'node:events';
import { duplexPair, PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { createApi } from '../../src/core/api.ts';
import { AppError } from '../../src/core/errors.ts';
import { UserService } from '../../src/core/users/user-service.ts';
import { defineRoute } from '../../src/http/contract/define-route.ts';
import { flag } from '../../src/http/contract/wire.ts';
import { ApiServer } from '../../src/http/server/api-server.ts';
import { createDispatch } from '../../src/http/server/dispatch.ts';
import { handle, type Handler } from '../../src/http/server/handler.ts';
import { pipedExchange, type HeavyRequest } from '../../src/http/server/heavy-pipes.ts';
import { HeavyQueue } from '../../src/http/server/heavy-queue.ts';
import { HeavyRunner, type HeavyProcess } from '../../src/http/server/heavy-runner.ts';
import { splitFirstLine } from '../../src/cli/input/first-line.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { eventually } from '../support/processes.ts';
import { openSocket } from '../support/raw-sockets.ts';
import { outsideOf, TestStore } from '../support/stores.ts';

const test = new TestStore(new ManualClock());
const ada = test.user('ada');
const { secret } = await new UserService(test.store, test.clock).createToken(ada, 'script');
const headers = { authorization: `Bearer ${secret}` };
const api = createApi(outsideOf(test.store, test.clock));
const seen = { ended: 0, made: 0 };

const heavy = { tag: 'Test', summary: 'do much', isHeavy: true } as const;
const textOf = z.object({ text: z.string() });
const handlers: readonly Handler[] = [
  handle(
    defineRoute({
      ...heavy,
      id: 'echo',
      at: 'POST /api/echo',
      body: textOf,
      query: z.object({ times: z.string() }),
      answer: { is: 'rows', row: textOf },
    }),
    async function* (_call, { body, query }) {
      for (let turn = 0; turn < Number(query.times); turn++) {
        await Promise.resolve();
        yield body;
      }
    },
  ),
  handle(
    defineRoute({
      ...heavy,
      id: 'count',
      at: 'POST /api/count',
      body: 'bytes',
      answer: { is: 'json', form: z.object({ bytes: z.number() }) },
    }),
    async ({ upload }) => {
      let bytes = 0;
      for await (const piece of upload) bytes += piece.length;
      return { bytes };
    },
  ),
  handle(
    defineRoute({
      ...heavy,
      id: 'bytes',
      at: 'GET /api/bytes',
      answer: { is: 'bytes', type: 'application/octet-stream', result: textOf },
    }),
    () =>
      Promise.resolve({
        type: 'application/octet-stream',
        chunks: (async function* () {
          try {
            for (;;) {
              seen.made += 1;
              await Promise.resolve();
              yield Buffer.alloc(10_000);
            }
          } finally {
            seen.ended += 1;
          }
        })(),
      }),
  ),
  handle(
    defineRoute({
      ...heavy,
      id: 'follows',
      at: 'GET /api/follows',
      goesOn: { with: 'follow' },
      query: z.object({ follow: z.exactOptional(flag) }),
      answer: { is: 'bytes', type: 'application/octet-stream', result: textOf },
    }),
    ({ signal }) =>
      Promise.resolve({
        type: 'application/octet-stream',
        chunks: (async function* () {
          yield Buffer.from('first');
          await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
          return { text: '' };
        })(),
      }),
  ),
  handle(
    defineRoute({
      ...heavy,
      id: 'fails',
      at: 'GET /api/fails',
      answer: { is: 'json', form: textOf },
    }),
    () => Promise.reject(new AppError('conflict', 'This cannot be')),
  ),
];

/** What a process would do, at the other ends of the same pipes. */
function answerOverPipes(): HeavyProcess & { readonly over: Promise<void> } {
  const input = new PassThrough();
  const output = new PassThrough();
  const [control, far] = duplexPair();
  const ending = new AbortController();
  const gone = new AbortController();
  const dispatch = createDispatch({
    handlers,
    apiFor: () => api,
    onBug: (error) => {
      throw error;
    },
  });
  const over = (async () => {
    const read = await splitFirstLine(input as AsyncIterable<Uint8Array>);
    if (read === null) return;
    const request = JSON.parse(read.line) as HeavyRequest;
    const pipes = { output, control: far, body: read.rest };
    await dispatch(pipedExchange(request, { ...pipes, ending: ending.signal, gone: gone.signal }));
  })();
  return {
    input,
    output: output,
    control,
    over,
    settle: () => ending.abort(),
    end: () => gone.abort(),
    release: () => undefined,
  };
}

let server: ApiServer;
let url: string;
let started: ReturnType<typeof answerOverPipes>[];
const bugs: unknown[] = [];

async function serve(start: () => HeavyProcess): Promise<void> {
  const limits = {
    ...{ working: 1, workingOfOne: 1, running: 2, runningOfOne: 2, goingOn: 1, goingOnOfOne: 1 },
    ...{ waiting: 1, waitingOfOne: 1 },
  };
  server = new ApiServer({
    handlers,
    apiFor: () => api,
    onBug: (error) => bugs.push(error),
    heavy: new HeavyRunner(new HeavyQueue(limits), start),
  });
  url = `http://127.0.0.1:${await server.listen('127.0.0.1', 0)}`;
}

beforeEach(async () => {
  started = [];
  bugs.length = 0;
  await serve(() => {
    const process = answerOverPipes();
    started.push(process);
    return process;
  });
});
afterEach(() => server.close());

describe('a heavy request', () => {
  const json = { ...headers, 'content-type': 'application/json' };

  it('is answered by a process of its own, as by this one', async () => {
    const body = JSON.stringify({ text: 'naïve 文' });
    const answer = await fetch(`${url}/api/echo?times=3000`, {
      method: 'POST',
      headers: json,
      body,
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const rows = (await answer.json()) as unknown[];
    expect(rows).toHaveLength(3_000);
    expect(rows.at(-1)).toEqual({ text: 'naïve 文' });
    expect(started).toHaveLength(1);
  });

  it('has its upload passed on', async () => {
    const upload = { method: 'POST', headers, body: Buffer.alloc(5_000_000) };
    expect(await (await fetch(`${url}/api/count`, upload)).json()).toEqual({ bytes: 5_000_000 });
  });

  it('that fails says so with its status', async () => {
    const answer = await fetch(`${url}/api/fails`, { headers });
    expect([answer.status, await answer.json()]).toEqual([
      409,
      { code: 409, message: 'This cannot be' },
    ]);
  });

  it('of nobody starts no process, nor one that is refused', async () => {
    expect((await fetch(`${url}/api/fails`)).status).toBe(401);
    const large = { method: 'POST', headers: json, body: `"${'x'.repeat(1_100_000)}"` };
    expect((await fetch(`${url}/api/echo`, large)).status).toBe(413);
    expect(started).toHaveLength(0);
  });

  it('of a client that goes is ended', async () => {
    seen.ended = 0;
    const leaving = new AbortController();
    const answer = await fetch(`${url}/api/bytes`, { headers, signal: leaving.signal });
    await answer.body?.getReader().read();
    leaving.abort();
    await eventually('the use case is ended', () => seen.ended === 1);
    await started[0]?.over;
  });

  it('of a client that reads slowly makes no more than it takes, and holds nobody', async () => {
    seen.made = 0;
    const leaving = new AbortController();
    await fetch(`${url}/api/bytes`, { headers, signal: leaving.signal });
    let before = -1;
    await eventually('nothing more is made', async () => {
      expect((await fetch(`${url}/api/fails`, { headers })).status).toBe(409);
      const isStill = seen.made > 0 && seen.made === before;
      before = seen.made;
      return isStill;
    });
    expect(seen.made * 10_000).toBeLessThan(20_000_000);
    leaving.abort();
    await started[0]?.over;
  });

  it('that goes on leaves the place of those that work to others, and is bounded by itself', async () => {
    const leaving = new AbortController();
    const options = { headers, signal: leaving.signal };
    const first = await fetch(`${url}/api/follows?follow=true`, options);
    expect(first.status).toBe(200);
    expect((await fetch(`${url}/api/fails`, { headers })).status).toBe(409);
    const second = await fetch(`${url}/api/follows?follow=true`, options);
    expect(second.status).toBe(429);
    expect(await second.json()).toMatchObject({ code: 429, message: /^You follow as many/ });
    leaving.abort();
    await started[0]?.over;
  });

  it('that is invalid starts no process', async () => {
    const answer = await fetch(`${url}/api/follows?follow=maybe`, { headers });
    expect(answer.status).toBe(400);
    expect(started).toHaveLength(0);
  });

  it('whose upload stands still holds nobody', async () => {
    const socket = openSocket(url);
    socket.write(
      `POST /api/count HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${secret}\r\nContent-Length: 9\r\n\r\nabc`,
    );
    await eventually('its process is there', () => started.length === 1);
    expect((await fetch(`${url}/api/fails`, { headers })).status).toBe(409);
    socket.write('defghi');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toContain('{"bytes":9}');
    socket.destroy();
  });

  it('whose process dies before it began to answer is a 503, and else an answer that is not whole', async () => {
    await server.close();
    let head = '';
    await serve(() => {
      const output = new PassThrough();
      const [control, far] = duplexPair();
      far.end(head);
      output.end('half');
      const nothing = (): void => undefined;
      const input = new PassThrough();
      return { input, output, control, settle: nothing, end: nothing, release: nothing };
    });
    const dead = await fetch(`${url}/api/bytes`, { headers });
    expect([dead.status, await dead.json()]).toEqual([
      503,
      { code: 503, message: 'The process of the request has died: try again' },
    ]);
    expect(bugs).toEqual([]);

    head = '{"is":"head","status":200,"headers":{}}\n';
    const half = await fetch(`${url}/api/bytes`, { headers });
    expect(half.status).toBe(200);
    await expect(half.text()).rejects.toThrow();
  });
});
