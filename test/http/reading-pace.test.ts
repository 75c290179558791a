import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { createApi } from '../../src/core/api.ts';
import { UserService } from '../../src/core/users/user-service.ts';
import { defineRoute } from '../../src/http/contract/define-route.ts';
import { ApiServer } from '../../src/http/server/api-server.ts';
import type { Answered } from '../../src/http/server/dispatch.ts';
import { handle, type Handler } from '../../src/http/server/handler.ts';
import { PACE, ReadingPace } from '../../src/http/server/reading-pace.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { eventually } from '../support/processes.ts';
import { openSocket } from '../support/raw-sockets.ts';
import { outsideOf, TestStore } from '../support/stores.ts';

describe('a client that takes its answer', () => {
  /** Takes so much, each time after so long. @returns seconds until it is too slow; null for never. */
  const timeOf = (bytes: number, seconds: number, total = 2e9): number | null => {
    const pace = new ReadingPace(PACE);
    for (let taken = 0, time = 0; taken < total; taken += bytes, time += seconds) {
      if (pace.left < seconds * 1_000) return time + pace.left / 1_000;
      pace.took(bytes, seconds * 1_000);
    }
    return null;
  };

  it.each([
    ['over a line of 64 kB/s has its 2 GB', 64_000, 1, null],
    ['over that line in lumps of a minute and a half has them, too', 64_000 * 90, 90, null],
    ['as one of three over that line has them, too', 21_333, 1, null],
    ['and then takes nothing is waited for two minutes', 1, 1_000, 120],
    ['by a buffer a minute is too slow after two minutes', 65_536, 60, 128],
    ['by a byte a second is too slow after two minutes', 1, 1, 120],
  ])('%s', (_what, bytes, seconds, expected) => {
    const found = timeOf(bytes, seconds);
    expect(found === null ? null : Math.round(found)).toBe(expected);
  });

  it('fast is not ahead for longer than the grace', () => {
    const pace = new ReadingPace(PACE);
    pace.took(1e9, 10);
    expect(pace.left).toBe(120_000);
  });
});

describe('a server', () => {
  const test = new TestStore(new ManualClock());
  const clock = new ManualClock();
  const ada = test.user('ada');
  const users = new UserService(test.store, test.clock);
  const answered: Answered[] = [];
  const sockets: Socket[] = [];
  let server: ApiServer | null = null;
  let secret: string;
  let made = 0;
  beforeAll(async () => {
    ({ secret } = await users.createToken(ada, 'script'));
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await server?.close();
    answered.length = 0;
  });

  const text = z.object({ text: z.string() });
  const shared = { tag: 'Test', summary: 'answer much' } as const;
  const handlers: readonly Handler[] = [
    handle(
      defineRoute({
        ...shared,
        id: 'rows',
        at: 'GET /api/rows',
        answer: { is: 'rows', row: text },
      }),
      async function* () {
        for (;;) {
          await Promise.resolve();
          made += 1;
          yield { text: 'x'.repeat(10_000) };
        }
      },
    ),
    handle(
      defineRoute({
        ...shared,
        id: 'value',
        at: 'GET /api/value',
        answer: { is: 'json', form: text },
      }),
      () => Promise.resolve({ text: 'x'.repeat(50_000_000) }),
    ),
  ];

  async function ask(...paths: string[]): Promise<Socket> {
    const api = createApi(outsideOf(test.store, test.clock));
    server = new ApiServer({
      handlers,
      apiFor: () => api,
      onBug: (error) => {
        throw error;
      },
      onAnswered: (one) => void answered.push(one),
      // What the system keeps between two sockets counts for little.
      readers: { leastPerSecond: 10_000_000, grace: 120_000, clock },
    });
    const port = await server.listen('127.0.0.1', 0);
    const socket = openSocket(`http://127.0.0.1:${port}`);
    sockets.push(socket);
    socket.on('error', () => undefined);
    for (const path of paths) {
      socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${secret}\r\n\r\n`);
    }
    await once(socket, 'data');
    socket.pause();
    return socket;
  }

  it('ends an answer of which a little is taken every minute', async () => {
    const socket = await ask('/api/rows');
    const closed = once(socket, 'close');
    let minutes = 0;
    while (answered.length === 0 && minutes < 30) {
      const before = made;
      await eventually('there is room for more', () => {
        socket.read();
        return made > before || answered.length > 0;
      });
      await clock.advance(60_000);
      minutes += 1;
    }
    // Two, and those in which what the system keeps between the two sockets had room.
    expect(minutes).toBeLessThan(15);
    socket.resume();
    await closed;
    await eventually('it is over', () => answered.length === 1);
  });

  it('waits two minutes for who takes nothing, of an answer that was made at once, too', async () => {
    const socket = await ask('/api/value');
    const closed = once(socket, 'close');
    await clock.advance(119_000);
    expect(answered).toEqual([]);
    await clock.advance(2_000);
    await eventually('it is over', () => answered.length === 1);
    socket.resume();
    await closed;
  });
});
