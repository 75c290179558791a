import { describe, expect, it } from 'vitest';
import { Pace } from '../../src/daemon/pace.ts';

/** A clock on which time passes by sleeping alone. */
class Sleeps {
  readonly lengths: number[] = [];
  now = 0;

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.resolve();
    this.lengths.push(ms);
    this.now += ms;
    return Promise.resolve();
  }
}

const hurry = new AbortController().signal;

function paced(): { sleeps: Sleeps; read: (rows: number[], ms: number) => Promise<number[]> } {
  const sleeps = new Sleeps();
  const pace = new Pace(sleeps, () => sleeps.now);
  return {
    sleeps,
    read: async (rows, ms) => {
      sleeps.lengths.length = 0;
      pace.begin({ ms, hurry });
      for (const batch of rows) await pace.pauseAfter(batch);
      pace.end();
      return [...sleeps.lengths];
    },
  };
}

describe('the reading of a frozen table', () => {
  it('is spread over the spare time, once it is known how much there is to read', async () => {
    const { read } = paced();
    expect(await read([500, 500], 300)).toEqual([]);
    expect(await read([500, 500], 300)).toEqual([150, 150]);
    expect(await read([250, 250, 250, 250], 200)).toEqual([50, 50, 50, 50]);
  });

  it('pauses no longer than there is time to spare, however many rows there turn out to be', async () => {
    const { read } = paced();
    await read([400], 300);
    expect(await read([400, 400, 400], 300)).toEqual([300]);
  });

  it('is not spread without time to spare, for few rows, or where it takes all the time', async () => {
    const { read, sleeps } = paced();
    await read([400], 300);
    expect(await read([400], -20)).toEqual([]);
    await read([100], 300);
    expect(await read([400], 300)).toEqual([]);
    const slow = new Pace(sleeps, () => sleeps.now);
    slow.begin({ ms: 300, hurry });
    await slow.pauseAfter(400);
    sleeps.now += 200;
    slow.end();
    sleeps.lengths.length = 0;
    slow.begin({ ms: 300, hurry });
    await slow.pauseAfter(400);
    expect(sleeps.lengths).toEqual([]);
  });

  it('does not pause any more when something is in a hurry', async () => {
    const sleeps = new Sleeps();
    const pace = new Pace(sleeps, () => sleeps.now);
    const asked = new AbortController();
    for (let table = 0; table < 2; table++) {
      pace.begin({ ms: 300, hurry: asked.signal });
      await pace.pauseAfter(300);
      if (table === 1) asked.abort();
      await pace.pauseAfter(300);
      pace.end();
    }
    expect(sleeps.lengths).toEqual([150]);
  });
});
