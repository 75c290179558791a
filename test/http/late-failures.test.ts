import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { createApi } from '../../src/core/api.ts';
import { AppError } from '../../src/core/errors.ts';
import { defineRoute } from '../../src/http/contract/define-route.ts';
import { instant } from '../../src/http/contract/wire.ts';
import { ApiServer } from '../../src/http/server/api-server.ts';
import { handleOpen } from '../../src/http/server/handler.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { outsideOf, TestStore } from '../support/stores.ts';

const test = new TestStore(new ManualClock());
const isOpen = true;
const bug = new Error('a bug');
const refused = new AppError('conflict', 'Something came between');

async function* failing(error: Error): AsyncGenerator<string, string, void> {
  yield await Promise.resolve('x'.repeat(20_000));
  throw error;
}

const answers = {
  progress: { is: 'progress', event: z.string(), result: z.string(), isSilent: false },
  live: { is: 'live', event: z.string() },
  rows: { is: 'rows', row: z.string() },
} as const;

describe('a row that cannot be written', () => {
  it('keeps no other from being read, and is a bug for the log', async () => {
    const bugs: unknown[] = [];
    const route = defineRoute({
      id: 'rows',
      at: 'GET /api/rows',
      tag: 'Test',
      summary: 'rows',
      isOpen,
      answer: { is: 'rows', row: z.object({ at: instant }) },
    });
    const server = new ApiServer({
      handlers: [handleOpen(route, () => Promise.resolve([{ at: 0 }, { at: NaN }, { at: 1_000 }]))],
      apiFor: () => createApi(outsideOf(test.store, test.clock)),
      onBug: (error) => bugs.push(error),
    });
    const url = `http://127.0.0.1:${await server.listen('127.0.0.1', 0)}`;
    const first = { at: '1970-01-01T00:00:00.000Z' };
    const second = { at: '1970-01-01T00:00:01.000Z' };
    expect(await (await fetch(`${url}/api/rows`)).json()).toEqual([first, second]);
    expect(bugs).toHaveLength(1);
    const ours = await fetch(`${url}/api/rows`, {
      headers: { accept: 'application/x-ndjson', 'captures-client': '1' },
    });
    const lines = (await ours.text()).trim().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      first,
      null,
      second,
      ['end'],
    ]);
    await server.close();
  });
});

describe('a failure behind the start of an answer', () => {
  it.each(['progress', 'live', 'rows'] as const)(
    'of %s is told to who asks, and a bug to the log',
    async (kind) => {
      const bugs: unknown[] = [];
      const route = (name: string) =>
        defineRoute({
          id: name,
          at: `GET /api/${name}`,
          tag: 'Test',
          summary: name,
          isOpen,
          answer: answers[kind],
        });
      const run = (error: Error) => () => failing(error) as never;
      const server = new ApiServer({
        handlers: [handleOpen(route('bug'), run(bug)), handleOpen(route('refused'), run(refused))],
        apiFor: () => createApi(outsideOf(test.store, test.clock)),
        onBug: (error) => bugs.push(error),
      });
      const port = await server.listen('127.0.0.1', 0);
      const ask = async (name: string): Promise<string> => {
        const accept = kind === 'rows' ? 'application/x-ndjson' : 'text/event-stream';
        const headers = { accept, 'captures-client': '1' };
        const answer = await fetch(`http://127.0.0.1:${port}/api/${name}`, { headers });
        return answer.text();
      };
      expect(await ask('refused')).toContain('Something came between');
      expect(bugs).toEqual([]);
      const told = await ask('bug');
      expect(told).toContain('Unexpected error');
      expect(told).not.toContain('a bug');
      expect(bugs).toEqual([bug]);
      await server.close();
    },
  );
});
