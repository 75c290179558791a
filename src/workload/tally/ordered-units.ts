import type { UnitAlone } from './lane-counting.ts';
import type { SegmentUnit } from './segment-units.ts';
import { MOST_ROWS_OF_A_UNIT, type UnitTask } from './unit-counting.ts';

/** Units that are begun before the first of them is taken. */
const MOST_AHEAD = 4;

/** What is the same for all units of a segment. */
export type CountedFile = Omit<UnitTask, 'unit' | 'row'>;

/** Counts one unit at a time. */
export type Lane = (task: UnitTask) => Promise<UnitAlone>;

/** Hands units out to lanes, and what they come to back in the order of the units. */
export class OrderedUnits {
  readonly #units: AsyncGenerator<SegmentUnit>;
  readonly #about: CountedFile;
  /** The number of the row before those of the first unit. */
  readonly #row: number;
  readonly #counted = new Map<number, UnitAlone>();
  /** The numbers of the unit that is handed out next, and of the one that is given back next. */
  #next = 0;
  #turn = 0;
  /** How many there are, once that is known. */
  #count = Infinity;
  #failure: { readonly error: unknown } | null = null;
  #taking: Promise<unknown> = Promise.resolve();
  #changed = Promise.withResolvers<undefined>();

  constructor(units: AsyncGenerator<SegmentUnit>, about: CountedFile, row: number) {
    this.#units = units;
    this.#about = about;
    this.#row = row;
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
        const row = this.#row + number * MOST_ROWS_OF_A_UNIT;
        this.#counted.set(number, await lane({ ...this.#about, unit, row }));
        this.#change();
      }
    } catch (error) {
      this.#failure ??= { error };
      this.stop();
    }
  }

  async *results(): AsyncGenerator<UnitAlone> {
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

  /** Results are wanted no more: what is being counted may be given up. */
  isOver = false;

  /** Hands out no more units. */
  stop(): void {
    this.isOver = true;
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
