import { extname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { LaneAnswer, LaneRequest, UnitAlone } from './lane-counting.ts';
import type { UnitTask } from './unit-counting.ts';

/** A thread of its own that counts units. */
export class WorkerLane {
  readonly #worker: Worker;
  #isAlive = true;
  #answer: (answer: LaneAnswer | null) => void = () => undefined;
  /** Digests are in it that are not in any other. */
  holdsDigests = false;

  constructor() {
    // Beside this file: as source, as a module of the library, and in the program's bundle.
    const file = join(import.meta.dirname, `tally-worker${extname(import.meta.filename)}`);
    this.#worker = new Worker(file, {
      execArgv: [],
      resourceLimits: { maxYoungGenerationSizeMb: 8 },
    });
    // Only while it has something to do.
    this.#worker.unref();
    this.#worker.on('message', (answer: LaneAnswer | null) => {
      this.#answer(answer);
    });
    this.#worker.on('error', () => {
      this.#end();
    });
    this.#worker.on('exit', () => {
      this.#end();
    });
  }

  /** One call at a time. @returns null where it cannot: it is out of memory, or cannot read. */
  async count(task: UnitTask): Promise<UnitAlone | null> {
    this.holdsDigests = true;
    const answer = await this.#ask({ type: 'count', task });
    return answer === null || answer instanceof Uint8Array ? null : answer;
  }

  /** Hands over the digests of all units that it counted; null where it cannot. */
  async digests(): Promise<Uint8Array | null> {
    const answer = await this.#ask({ type: 'digests' });
    this.holdsDigests = false;
    return answer instanceof Uint8Array ? answer : null;
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #ask(request: LaneRequest): Promise<LaneAnswer | null> {
    if (!this.#isAlive) return Promise.resolve(null);
    return new Promise((resolve) => {
      this.#answer = (answer) => {
        this.#worker.unref();
        resolve(answer);
      };
      this.#worker.ref();
      this.#worker.postMessage(request);
    });
  }

  #end(): void {
    this.#isAlive = false;
    this.#answer(null);
  }
}
