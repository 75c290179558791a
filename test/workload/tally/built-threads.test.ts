import { join, resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { BIN } from '../../support/processes.ts';

const DIST = resolve(BIN, '../../dist');

describe('the thread that counts, as it is built', () => {
  // Where it cannot start, a report counts on one core and says nothing.
  it.each(['cli/tally-worker.cjs', 'workload/tally/tally-worker.js'])(
    'answers from dist/%s',
    async (file) => {
      const worker = new Worker(join(DIST, file), { execArgv: [] });
      const answer = await new Promise((resolve, reject) => {
        worker.once('message', resolve);
        worker.once('error', reject);
        worker.postMessage({ type: 'digests' });
      });
      await worker.terminate();
      expect(answer).toBeInstanceOf(Uint8Array);
    },
  );
});
