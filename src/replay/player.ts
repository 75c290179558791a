import type { Progress } from '../core/progress.ts';
import type { ReplayedRecord, ReplayPlayer } from '../core/replays/replay-player.ts';
import type { ReplayEvent, ReplayPlan, TableChecksum } from '../core/replays/replay.ts';
import type { ReplayTarget } from '../core/replays/target.ts';
import { Engine } from './engine.ts';
import { ProgramRefusals } from './program-refusals.ts';
import type { Pace } from './pace.ts';
import { planReplay, type Planned } from './plan.ts';
import { resultOf } from './replay-results.ts';
import { unlessAborted } from './unless-aborted.ts';

const TELL_MS = 500;

/** Plays records by the pace that is handed in. */
function playerBy(pace: Pace): ReplayPlayer {
  /** What was found when each plan was made. */
  const found = new WeakMap<ReplayPlan, Planned>();
  return {
    async *plan(record, options, programs, signal) {
      const refusals = new ProgramRefusals(programs, options);
      const planned = yield* planReplay(record, options, refusals, signal);
      found.set(planned.plan, planned);
      return planned.plan;
    },

    async *play(record, options, plan, target, signal) {
      const planned = found.get(plan);
      if (planned === undefined) throw new Error('The plan is not one of this player');
      const leaving = new AbortController();
      const ending = AbortSignal.any([signal, leaving.signal]);
      const engine = new Engine(record, options, planned, target, pace, ending);
      const start = pace.now();
      const running = engine.run();
      try {
        yield* follow(engine, running, record, pace);
      } finally {
        leaving.abort();
        await running.catch(() => undefined);
      }
      await running;
      planned.natures.forget();
      const tookMs = pace.now() - start;
      const checksums =
        options.checksums && engine.ended.why === 'complete'
          ? yield* sumTables(engine, target, signal)
          : [];
      return resultOf(engine, record, options, plan, tookMs, checksums);
    },
  };
}

/** Plays records by the machine's own clock. */
export const player = playerBy({
  now: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted === true) {
        resolve();
        return;
      }
      const finish = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', finish);
        resolve();
      };
      const timer = setTimeout(finish, ms);
      signal?.addEventListener('abort', finish, { once: true });
    }),
});

async function* follow(
  engine: Engine,
  running: Promise<void>,
  record: ReplayedRecord,
  pace: Pace,
): AsyncGenerator<ReplayEvent, void, void> {
  const over = new AbortController();
  const done = (): void => {
    over.abort();
  };
  running.then(done, done);
  do {
    await pace.sleep(TELL_MS, over.signal);
    yield { type: 'played', progress: engine.progress(), of: record.records };
  } while (!over.signal.aborted);
}

async function* sumTables(
  engine: Engine,
  target: ReplayTarget,
  signal: AbortSignal,
): Progress<ReplayEvent, TableChecksum[]> {
  const sums: TableChecksum[] = [];
  for (const table of [...engine.tally.written].sort()) {
    if (signal.aborted) break;
    yield { type: 'summing', table };
    const dot = table.indexOf('.');
    const summed = target.checksum(table.slice(0, dot), table.slice(dot + 1));
    // It may go through a large table, which nobody waits for any more.
    const checksum = await unlessAborted(summed, signal);
    if (checksum !== undefined) sums.push({ table, checksum });
  }
  return sums;
}
