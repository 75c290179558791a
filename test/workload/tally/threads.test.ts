import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { resultOf } from '../../../src/core/progress.ts';
import { MOST_ACCOUNTS, MOST_SESSIONS } from '../../../src/core/reports/tally.ts';
import { LineSerialiser } from '../../../src/workload/statement-line.ts';
import { SegmentWriter } from '../../../src/workload/segment-writer.ts';
import { summaryFileName } from '../../../src/workload/tally/segment-summary.ts';
import { openTally } from '../../../src/workload/tally/workload-tally.ts';
import { isInFull } from '../../support/proportion.ts';
import { aStatement, workloadFolder } from '../statements.ts';
import { plain, requestFor } from './counted.ts';
import { stamp } from '../recorded.ts';

/** Characters of text: what is given to more than one thread. */
const TEXT = 52_000_000;

const MORE_SESSIONS = {
  count: MOST_SESSIONS + 200,
  sessions: MOST_SESSIONS + 200,
  threads: [0, 2],
};

describe('threads', () => {
  it.each<[string, { count: number; sessions: number; threads: number[] }]>([
    ['all that there is', { count: 1_300, sessions: 90, threads: [0, 1, 2] }],
    ...(isInFull
      ? [['more sessions than are kept', MORE_SESSIONS] satisfies [string, typeof MORE_SESSIONS]]
      : []),
  ])('make no difference to what is counted of %s, and end', async (_what, load) => {
    const { count, sessions, threads } = load;
    const value = 'x'.repeat(TEXT / count);
    const folder = await workloadFolder();
    const writer = await SegmentWriter.open(folder, null);
    const serialiser = new LineSerialiser();
    for (let done = 0; done < count; done += 500) {
      const some = Array.from({ length: Math.min(500, count - done) }, (_, i) => {
        const n = done + i;
        return aStatement({
          time: stamp(n),
          session: n % sessions,
          host: `10.0.0.${n % (MOST_ACCOUNTS + 30)}`,
          kind: n % 3 === 1 ? 'execute' : 'query',
          flags: n % 21 === 1 ? ['echo'] : n % 33 === 1 ? ['unreplayable'] : [],
          sql: n % 21 === 15 ? 'EXECUTE p' : `INSERT INTO t${n % 30} VALUES ('${value}${n}')`,
        });
      });
      await writer.write(serialiser.tails(some));
    }
    const position = await writer.flush();
    const workload = { position, manifest: { segments: writer.segments() } };
    await writer.close();
    const results: string[] = [];
    for (const workers of threads) {
      const counter = openTally(folder, workers);
      const { tally, damage } = await resultOf(counter.count(requestFor(workload)));
      expect(damage).toEqual([]);
      expect(tally.statements).toBeGreaterThan(count / 2);
      results.push(JSON.stringify(plain(tally)));
      await counter.close();
      // The next one is to count as well.
      await rm(join(folder, summaryFileName(1)));
    }
    for (const one of results) expect(one === results[0]).toBe(true);
  });
});
