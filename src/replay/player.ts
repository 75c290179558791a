import type { Progress } from '../core/progress.ts';
import type { ReplayedRecord, ReplayPlayer } from '../core/replays/replay-player.ts';
import type { ReplayEvent, ReplayPlan, TableChecksum } from '../core/replays/replay.ts';
import type { ReplayTarget } from '../core/replays/target.ts';
import type { Cuts } from './session-cuts.ts';
import { Engine } from './engine.ts';
import type { Pace } from './pace.ts';
import { planReplay } from './plan.ts';
import { resultOf } from './replay-results.ts';

const TELL_MS = 500;

/** Plays records by the pace that is handed in. */
export function playerBy(pace: Pace): ReplayPlayer {
  /** What was found of each record's sessions when its plan was made. */
  const cutsOf = new WeakMap<ReplayPlan, Cuts>();
  return {
    async *plan(record, options, signal) {
      const { plan, cuts } = yield* planReplay(record, options, signal);
      cutsOf.set(plan, cuts);
      return plan;
    },

    async *play(record, options, plan, target, signal) {
      const cuts = cutsOf.get(plan);
      if (cuts === undefined) throw new Error('The plan is not one of this player');
      const leaving = new AbortController();
      const ending = AbortSignal.any([signal, leaving.signal]);
      const engine = new Engine(record, options, { plan, cuts }, target, pace, ending);
      const start = pace.now();
      const running = engine.run();
      try {
        yield* follow(engine, running, record, pace);
      } finally {
        leaving.abort();
        await running.catch(() => undefined);
      }
      await running;
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
    const checksum = await target.checksum(table.slice(0, dot), table.slice(dot + 1));
    sums.push({ table, checksum });
  }
  return sums;
}
