import { availableParallelism } from 'node:os';
import { mergeDigests } from './digest-merging.ts';
import { freeAtOnce } from './freed-memory.ts';
import { LaneCounter, MOST_OF_A_LANE, type UnitAlone } from './lane-counting.ts';
import { OrderedUnits, type CountedFile, type Lane } from './ordered-units.ts';
import type { SegmentUnit } from './segment-units.ts';
import type { TallyBuilder } from './tally-builder.ts';
import { mergeRecords } from './tally-merging.ts';
import { MOST_ROWS_OF_A_UNIT, UnitCounter, type CountedUnit } from './unit-counting.ts';
import { WorkerLane } from './worker-lane.ts';

/** Each takes 25 MB and more: with three cores used, a report stays under its 150 MB. */
const MOST_WORKERS = 2;
/** A thread takes 60 ms of a core to start; so many units of its own take 200 ms to count. */
const WORTH_A_WORKER = 2;

/**
 * Lanes cannot count this: more is in it than is kept, and which of it would depend on who counts what, or
 * a thread has failed.
 */
export class OneLaneNeeded extends Error {}

/** Counts units on as many cores as there are: on this thread, and on others where that is worth it. */
export class CountingLanes {
  readonly #own = new UnitCounter();
  readonly #workers: WorkerLane[] = [];
  #most: number;

  /** @param workers how many threads besides this one at most; null for as many as there are cores. */
  constructor(workers: number | null = null) {
    this.#most = workers ?? Math.min(MOST_WORKERS, availableParallelism() - 1);
  }

  /**
   * Adds the units that come directly behind what a tally is of; once it has ended, all of them are in it.
   * Calls must not overlap.
   * @yields how much was counted, in the order of the units.
   * @throws OneLaneNeeded where several would not come to the same as one: the tally is of no more use then,
   * and after `useOneLane` counting it anew succeeds.
   */
  async *count(
    into: TallyBuilder,
    units: AsyncGenerator<SegmentUnit>,
    file: CountedFile,
  ): AsyncGenerator<CountedUnit> {
    try {
      const first = await some(units, WORTH_A_WORKER * this.#most + 1);
      const workers = Math.floor((first.length - 1) / WORTH_A_WORKER);
      if (workers > 0 && this.#workers.length === 0 && !isMuch(into)) {
        // It may tell that threads are of no use, before there are any.
        yield* this.#inOrder(into, first.splice(0, 1), file);
      }
      const all = joined(first, units);
      const isForOne = workers === 0 || isMuch(into);
      yield* isForOne ? this.#inOrder(into, all, file) : this.#apart(into, all, file, workers);
    } finally {
      await units.return(undefined);
    }
  }

  /** From now on. */
  async useOneLane(): Promise<void> {
    this.#most = 0;
    await this.close();
  }

  /** Ends the threads. */
  async close(): Promise<void> {
    await Promise.all(this.#workers.splice(0).map((worker) => worker.close()));
  }

  async *#inOrder(
    into: TallyBuilder,
    units: Iterable<SegmentUnit> | AsyncIterable<SegmentUnit>,
    file: CountedFile,
  ): AsyncGenerator<CountedUnit> {
    let { rows: row } = into;
    for await (const unit of units) {
      yield await this.#own.count(into, { ...file, unit, row }, breathe);
      row += MOST_ROWS_OF_A_UNIT;
    }
  }

  async *#apart(
    into: TallyBuilder,
    units: AsyncGenerator<SegmentUnit>,
    file: CountedFile,
    wanted: number,
  ): AsyncGenerator<CountedUnit> {
    while (this.#workers.length < wanted) this.#workers.push(new WorkerLane());
    const counter = new LaneCounter(this.#own, into.digests);
    const pause = async (): Promise<void> => {
      await breathe();
      if (queue.isOver || into.digests.isLargerThan(MOST_OF_A_LANE)) fail();
    };
    const lanes: Lane[] = [
      async (task) => notFull(await counter.count(task, pause)),
      ...this.#workers.map(
        (worker): Lane =>
          async (task) =>
            notFull(await worker.count(task)),
      ),
    ];
    const queue = new OrderedUnits(units, file, into.rows);
    const running = lanes.map((lane) => queue.work(lane));
    let isWhole = false;
    try {
      for await (const { packed, ...counted } of queue.results()) {
        const { buffer, byteOffset, byteLength } = packed;
        const records = Buffer.from(buffer, byteOffset, byteLength);
        mergeRecords(into, records);
        freeAtOnce(records);
        if (into.isFull) fail();
        yield counted;
      }
      isWhole = true;
    } finally {
      queue.stop();
      // What they hold is of no use to anybody.
      if (!isWhole) await this.close();
      await Promise.all(running);
    }
    for (const worker of this.#workers) {
      if (!worker.holdsDigests) continue;
      const { buffer, byteOffset, byteLength } = (await worker.digests()) ?? fail();
      const digests = Buffer.from(buffer, byteOffset, byteLength);
      mergeDigests(into.digests, digests);
      freeAtOnce(digests);
    }
    if (into.isFull) fail();
  }
}

/** Whether one lane is to count what comes behind it. */
function isMuch(tally: TallyBuilder): boolean {
  return tally.isFull || tally.digests.isLargerThan(MOST_OF_A_LANE);
}

function fail(): never {
  throw new OneLaneNeeded();
}

function notFull(unit: UnitAlone | null): UnitAlone {
  return unit === null || unit.isFull ? fail() : unit;
}

async function some(units: AsyncGenerator<SegmentUnit>, count: number): Promise<SegmentUnit[]> {
  const first: SegmentUnit[] = [];
  while (first.length < count) {
    const step = await units.next();
    if (step.done === true) break;
    first.push(step.value);
  }
  return first;
}

async function* joined(
  first: readonly SegmentUnit[],
  rest: AsyncGenerator<SegmentUnit>,
): AsyncGenerator<SegmentUnit> {
  yield* first;
  yield* rest;
}

/** Lets what else is to be done on this thread have its turn. */
function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
