import { availableParallelism } from 'node:os';
import { extname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { SegmentUnit } from './segment-units.ts';
import { UnitCounter, type CountedUnit, type UnitTask } from './unit-counting.ts';

/** Each takes 25 MB and more: with three cores used, a report stays under its 150 MB. */
const MOST_WORKERS = 2;
/** A thread takes 60 ms of a core to start; so many bytes of a segment's file take 200 ms to count. */
const WORTH_A_WORKER = 3 * 1024 * 1024;
/** Units that are begun before the first of them is taken. */
const MOST_AHEAD = 4;

/** Counts one unit at a time. */
interface Lane {
  count(task: UnitTask): Promise<CountedUnit>;
}

/** Counts units on as many cores as there are: on this thread, and on others where that is worth it. */
export class CountingLanes {
  readonly #own: Lane = ownLane();
  #workers: WorkerLane[] = [];
  readonly #most: number;

  /** @param workers how many threads besides this one at most; null for as many as there are cores. */
  constructor(workers: number | null = null) {
    this.#most = workers ?? Math.min(MOST_WORKERS, availableParallelism() - 1);
  }

  /**
   * Counts units as they come.
   * @param bytes about how many there are, in this segment and those behind it.
   * @yields what was counted, in the order of the units. Calls must not overlap.
   */
  async *count(
    units: AsyncGenerator<SegmentUnit>,
    about: Omit<UnitTask, 'unit'>,
    bytes: number,
  ): AsyncGenerator<CountedUnit> {
    const wanted = Math.min(this.#most, Math.floor(bytes / WORTH_A_WORKER));
    this.#workers = this.#workers.filter((worker) => worker.isAlive);
    while (this.#workers.length < wanted) this.#workers.push(new WorkerLane());
    const queue = new OrderedUnits(units, about);
    const running = [this.#own, ...this.#workers].map((lane) => queue.work(lane));
    try {
      yield* queue.results();
    } finally {
      queue.stop();
      await Promise.all(running);
      await units.return(undefined);
    }
  }

  /** Ends the threads. */
  async close(): Promise<void> {
    await Promise.all(this.#workers.splice(0).map((worker) => worker.close()));
  }
}

function ownLane(): Lane {
  const counter = new UnitCounter();
  return { count: (task) => counter.count(task, breathe) };
}

/** Lets what else is to be done on this thread have its turn. */
function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A thread. Where it fails, this one counts instead. */
class WorkerLane implements Lane {
  readonly #worker: Worker;
  isAlive = true;
  #answer: (counted: CountedUnit | null) => void = () => undefined;

  constructor() {
    // Beside this file: as source, as a module of the library, and in the program's bundle.
    const file = join(import.meta.dirname, `tally-worker${extname(import.meta.filename)}`);
    this.#worker = new Worker(file, {
      execArgv: [],
      resourceLimits: { maxYoungGenerationSizeMb: 8 },
    });
    // Only while it has something to do.
    this.#worker.unref();
    this.#worker.on('message', (counted: CountedUnit | null) => {
      this.#answer(counted);
    });
    this.#worker.on('error', () => {
      this.#end();
    });
    this.#worker.on('exit', () => {
      this.#end();
    });
  }

  async count(task: UnitTask): Promise<CountedUnit> {
    const counted = await this.#ask(task);
    // It cannot read, or is out of memory: what is so here as well ends the report.
    return counted ?? ownLane().count(task);
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #ask(task: UnitTask): Promise<CountedUnit | null> {
    if (!this.isAlive) return Promise.resolve(null);
    return new Promise((resolve) => {
      this.#answer = (counted) => {
        this.#worker.unref();
        resolve(counted);
      };
      this.#worker.ref();
      this.#worker.postMessage(task);
    });
  }

  #end(): void {
    this.isAlive = false;
    this.#answer(null);
  }
}

/** Hands units out to lanes, and what they come to back in the order of the units. */
class OrderedUnits {
  readonly #units: AsyncGenerator<SegmentUnit>;
  readonly #about: Omit<UnitTask, 'unit'>;
  readonly #counted = new Map<number, CountedUnit>();
  /** The numbers of the unit that is handed out next, and of the one that is given back next. */
  #next = 0;
  #turn = 0;
  /** How many there are, once that is known. */
  #count = Infinity;
  #failure: { readonly error: unknown } | null = null;
  #taking: Promise<unknown> = Promise.resolve();
  #changed = Promise.withResolvers<undefined>();

  constructor(units: AsyncGenerator<SegmentUnit>, about: Omit<UnitTask, 'unit'>) {
    this.#units = units;
    this.#about = about;
  }

  /** Counts units with a lane until there are no more. Never throws: `results` does. */
  async work(lane: Lane): Promise<void> {
    try {
      for (;;) {
        while (this.#next < this.#count && this.#next - this.#turn >= MOST_AHEAD) {
          await this.#changed.promise;
        }
        const taken = await this.#take();
        if (taken === null) return;
        const { number, unit } = taken;
        this.#counted.set(number, await lane.count({ ...this.#about, unit }));
        this.#change();
      }
    } catch (error) {
      this.#failure ??= { error };
      this.stop();
    }
  }

  async *results(): AsyncGenerator<CountedUnit> {
    while (this.#turn < this.#count) {
      const counted = this.#counted.get(this.#turn);
      if (counted === undefined) {
        if (this.#failure !== null) break;
        await this.#changed.promise;
        continue;
      }
      this.#counted.delete(this.#turn);
      this.#turn++;
      this.#change();
      yield counted;
    }
    if (this.#failure !== null) throw this.#failure.error;
  }

  /** Hands out no more units. */
  stop(): void {
    this.#count = Math.min(this.#count, this.#next);
    this.#change();
  }

  /** One lane after the other: a generator is asked for one thing at a time. */
  #take(): Promise<{ number: number; unit: SegmentUnit } | null> {
    const taken = this.#taking.then(async () => {
      if (this.#next >= this.#count) return null;
      const step = await this.#units.next();
      if (step.done === true) {
        this.#count = Math.min(this.#count, this.#next);
        this.#change();
        return null;
      }
      return { number: this.#next++, unit: step.value };
    });
    this.#taking = taken.catch(() => undefined);
    return taken;
  }

  #change(): void {
    const { resolve } = this.#changed;
    this.#changed = Promise.withResolvers<undefined>();
    resolve(undefined);
  }
}
