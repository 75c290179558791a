import type { Progress } from '../../core/progress.ts';
import type {
  CountedWorkload,
  TallyCounter,
  TallyDamage,
  TallyProgress,
  TallyRequest,
} from '../../core/reports/tally.ts';
import type { ExpectedSegment, ReadablePosition } from '../../core/workloads/workload.ts';
import { DamagedRecord } from '../disk-errors.ts';
import { segmentBytes } from '../workload-reader.ts';
import { CountingLanes } from './counting-lanes.ts';
import { freeAtOnce } from './freed-memory.ts';
import { MalformedBytes } from './packed-bytes.ts';
import type { CountedRange, SaneTimes } from './record-counter.ts';
import { microsOf } from './record-time.ts';
import {
  countSegment,
  type CountedSegment,
  type SegmentPart,
  type SegmentTask,
} from './segment-tally.ts';
import { GatheredTally } from './gathered-tally.ts';
import { tallyOf } from './tally-result.ts';

/** Of the parts that are kept in memory: what does not fit is in summaries. */
const MOST_KEPT = 8 * 1024 * 1024;
/** As `verify` has it: how late a statement may be logged. */
const TOLERANCE_MS = 16_000;

/**
 * Counts the workload in a folder.
 * @param workers how many threads besides this one at most; null for as many as there are cores.
 */
export function openTally(folder: string, workers: number | null = null): TallyCounter {
  return new WorkloadTally(folder, workers);
}

class WorkloadTally implements TallyCounter {
  readonly #folder: string;
  readonly #lanes: CountingLanes;
  readonly #parts = new Map<string, SegmentPart>();
  /** Segments whose summaries are of no use. */
  readonly #withoutSummary = new Set<number>();

  constructor(folder: string, workers: number | null) {
    this.#folder = folder;
    this.#lanes = new CountingLanes(workers);
  }

  async *count(request: TallyRequest): Progress<TallyProgress, CountedWorkload> {
    for (;;) {
      const segment = { now: 0 };
      try {
        return yield* this.#count(request, segment);
      } catch (error) {
        if (!(error instanceof MalformedBytes) || this.#withoutSummary.has(segment.now)) {
          throw error;
        }
        this.#withoutSummary.add(segment.now);
        this.#parts.clear();
      }
    }
  }

  close(): Promise<void> {
    this.#parts.clear();
    return this.#lanes.close();
  }

  async *#count(
    { until, expected, records: committed, since, before }: TallyRequest,
    current: { now: number },
  ): Progress<TallyProgress, CountedWorkload> {
    const range = {
      since: since === null ? -Infinity : since * 1_000,
      before: before === null ? Infinity : before * 1_000,
    };
    const known = new Map(expected.map((one) => [one.segment, one]));
    const window = windowOf(expected);
    const sizes = await this.#sizes(until, known);
    const bytesOfAll = sizes.reduce((sum, size) => sum + size, 0);
    const gathered = new GatheredTally();
    const damage: TallyDamage[] = [];
    let bytesBefore = 0;
    let read = 0;
    for (const [index, size] of sizes.entries()) {
      const segment = index + 1;
      current.now = segment;
      const task: SegmentTask = {
        folder: this.#folder,
        segment,
        end: segment === until?.segment ? until.offset : (known.get(segment)?.bytes ?? null),
        expected: known.get(segment) ?? null,
        range: ALL,
        window,
        mayUseSummary: !this.#withoutSummary.has(segment),
        bytesBefore,
        bytesOfAll,
      };
      const whole = yield* this.#segment(task, gathered);
      damage.push(...whole.damage.map((what) => ({ segment, what })));
      if (whole.part !== null) {
        read += whole.part.records;
        gathered.add(yield* this.#partIn(task, whole, range, gathered));
      }
      bytesBefore += size;
      yield { type: 'counted', bytes: bytesBefore, of: bytesOfAll };
    }
    return { tally: tallyOf(gathered.tally()), records: { committed, read }, damage };
  }

  /** Bytes of each segment that are to be counted. */
  async #sizes(
    until: ReadablePosition | null,
    known: ReadonlyMap<number, ExpectedSegment>,
  ): Promise<number[]> {
    const sizes: number[] = [];
    for (let segment = 1; segment < (until?.segment ?? 0); segment++) {
      sizes.push(known.get(segment)?.bytes ?? (await sizeOf(this.#folder, segment)));
    }
    // The last one may have been begun and have nothing in it that counts.
    return until === null || until.offset === 0 ? sizes : [...sizes, until.offset];
  }

  async *#segment(
    task: SegmentTask,
    gathered: GatheredTally,
  ): Progress<TallyProgress, CountedSegment> {
    const key = `${task.segment} ${task.range.since} ${task.range.before}`;
    const known = this.#parts.get(key) ?? null;
    const counted = yield* countSegment(task, known, this.#lanes, (bytes) => {
      gathered.putAway(bytes);
      this.#dropParts(key);
    });
    this.#parts.delete(key);
    if (counted.part !== null) this.#keep(key, counted.part);
    return counted;
  }

  /** The part of a segment's tally that is in a range. */
  async *#partIn(
    task: SegmentTask,
    whole: CountedSegment,
    range: CountedRange,
    gathered: GatheredTally,
  ): Progress<TallyProgress, CountedSegment> {
    const { earliest, latest } = whole.part ?? NOTHING_COUNTED;
    if (earliest >= range.since && latest < range.before) return whole;
    // Also one of which nothing is counted says what an EXECUTE before it was.
    const isOutside = latest < range.since || earliest >= range.before;
    if (isOutside && !gathered.isWaiting) return { part: null, tally: null, damage: [] };
    return yield* this.#segment({ ...task, range }, gathered);
  }

  #keep(key: string, part: SegmentPart): void {
    this.#parts.set(key, part);
    this.#dropParts(key);
  }

  /** Drops what was counted first and does not fit. @param last stays, whatever its size: it is being counted on. */
  #dropParts(last: string): void {
    let bytes = 0;
    for (const { packed } of this.#parts.values()) bytes += packed.length;
    for (const [oldest, { packed }] of this.#parts) {
      if (bytes <= MOST_KEPT || oldest === last) break;
      bytes -= packed.length;
      this.#parts.delete(oldest);
      freeAtOnce(packed);
    }
  }
}

const NOTHING_COUNTED = { earliest: Infinity, latest: -Infinity };
const ALL: CountedRange = { since: -Infinity, before: Infinity };

/** Instants that the capture can have recorded, in milliseconds, as far as is known. */
function windowOf(expected: readonly ExpectedSegment[]): SaneTimes {
  const times = expected
    .flatMap(({ firstTime, lastTime }) => [firstTime, lastTime])
    .map((time) => microsOf(time ?? '') / 1_000);
  const [first = NaN] = times;
  const last = times.at(-1) ?? NaN;
  // The others may lie outside of the two: clocks are set back.
  const some = times.filter((time) => !Number.isNaN(time));
  return {
    from: Number.isNaN(first) ? -Infinity : Math.min(...some) - TOLERANCE_MS,
    to: Number.isNaN(last) ? Infinity : Math.max(...some) + TOLERANCE_MS,
  };
}

async function sizeOf(folder: string, segment: number): Promise<number> {
  try {
    return (await segmentBytes(folder, segment)) ?? 0;
  } catch (error) {
    // What lies in its place is said when it is counted.
    if (error instanceof DamagedRecord) return 0;
    throw error;
  }
}
