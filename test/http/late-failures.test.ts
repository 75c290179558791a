import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { createApi } from '../../src/core/api.ts';
import { AppError } from '../../src/core/errors.ts';
import { defineRoute } from '../../src/http/contract/define-route.ts';
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
