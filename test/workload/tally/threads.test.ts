import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { resultOf } from '../../../src/core/progress.ts';
import { LineSerialiser } from '../../../src/workload/statement-line.ts';
import { SegmentWriter } from '../../../src/workload/segment-writer.ts';
import { openTally } from '../../../src/workload/tally/workload-tally.ts';
import { aStatement, workloadFolder } from '../statements.ts';
import { plain, requestFor } from './counted.ts';
import { stamp } from '../recorded.ts';

/** A text that does not compress: a few thousand of them are worth a thread. */
function noise(bytes: number, seed: number): string {
  const hash = createHash('shake256', { outputLength: bytes }).update(String(seed));
  return hash.digest('base64');
}

describe('threads', () => {
  it('make no difference to what is counted, and end', async () => {
    const folder = await workloadFolder();
    const writer = await SegmentWriter.open(folder, null, { segmentText: 14_000_000 });
    const serialiser = new LineSerialiser();
    for (let done = 0; done < 2_000; done += 500) {
      const some = Array.from({ length: 500 }, (_, i) => {
        const n = done + i;
        return aStatement({
          time: stamp(n),
          session: n % 7,
          kind: n % 3 === 1 ? 'execute' : 'query',
          flags: n % 21 === 1 ? ['echo'] : [],
          sql: n % 21 === 15 ? 'EXECUTE p' : `INSERT INTO t${n % 11} VALUES ('${noise(6_000, n)}')`,
        });
      });
      await writer.write(serialiser.tails(some));
    }
    const position = await writer.flush();
    const workload = { position, manifest: { segments: writer.segments() } };
    await writer.close();
    expect(position.totalBytes).toBeGreaterThan(10_000_000);
    const results: unknown[] = [];
    for (const workers of [0, 1, 2]) {
      const counter = openTally(folder, workers);
      const request = requestFor(workload, {
        before: Date.parse(stamp(1_999)),
      });
      results.push(plain(await resultOf(counter.count(request))));
      await counter.close();
    }
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
  });
});
