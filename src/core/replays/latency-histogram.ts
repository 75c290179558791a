import type { Spread } from './replay.ts';

/** Each power of two is cut into so many buckets: a value is told to within 0.8 %. */
const BUCKETS_A_POWER = 64;
const BUCKET_BITS = 6;
/** Below this a bucket is one microsecond wide. */
const EXACT = BUCKETS_A_POWER * 2;
/** Powers of two that are told apart; longer than the last, 19 hours, is as long as that. */
const POWERS = 30;
const BUCKETS = EXACT + (POWERS - 1) * BUCKETS_A_POWER;

const NO_LIST = new Uint32Array(0);
/** Bits of a count in the short list, and the most that they hold. */
const COUNT_BITS = 21;
const MOST_COUNTED = 2 ** COUNT_BITS - 1;
const FIRST_ROOM = 4;

/**
 * Counts durations in buckets whose width grows with them (as HdrHistogram does), in microseconds. Keeps a list of
 * the buckets that have something, 4 bytes each: a replay has one of these for each digest, and a table of all
 * buckets, for 10,000 digests, would take 160 MB.
 */
export class LatencyHistogram {
  /** Ascending by bucket: the bucket in the upper bits, its count in `COUNT_BITS`. */
  #list = NO_LIST;
  #length = 0;
  /** Counts of all buckets, where one of them is too large for the list; null where none is. */
  #table: Float64Array | null = null;
  #count = 0;
  #sum = 0;
  #most = 0;

  /** @param micros whole microseconds. */
  add(micros: number, times = 1): void {
    const bucket = bucketOf(micros);
    if (this.#table !== null) this.#table[bucket] = (this.#table[bucket] ?? 0) + times;
    else this.#addToList(bucket, times);
    this.#count += times;
    this.#sum += micros * times;
    if (micros > this.#most) this.#most = micros;
  }

  #addToList(bucket: number, times: number): void {
    const list = this.#list;
    let low = 0;
    let high = this.#length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((list[middle] ?? 0) >>> COUNT_BITS < bucket) low = middle + 1;
      else high = middle;
    }
    const isKnown = low < this.#length && (list[low] ?? 0) >>> COUNT_BITS === bucket;
    const count = (isKnown ? (list[low] ?? 0) & MOST_COUNTED : 0) + times;
    if (count > MOST_COUNTED) {
      const table = new Float64Array(BUCKETS);
      for (const [one, counted] of this.buckets()) table[one] = counted;
      table[bucket] = count;
      this.#table = table;
      this.#list = NO_LIST;
      return;
    }
    if (!isKnown) this.#makeRoom(low);
    this.#list[low] = ((bucket << COUNT_BITS) | count) >>> 0;
  }

  #makeRoom(at: number): void {
    const list = this.#list;
    if (this.#length === list.length) {
      const room = Math.max(FIRST_ROOM, Math.ceil(1.5 * list.length));
      this.#list = new Uint32Array(room);
      this.#list.set(list);
    }
    this.#list.copyWithin(at + 1, at, this.#length++);
  }

  get count(): number {
    return this.#count;
  }

  /** Microseconds. */
  get sum(): number {
    return this.#sum;
  }

  /** The buckets that have something, ascending, with their counts. */
  *buckets(): Generator<readonly [bucket: number, count: number]> {
    if (this.#table !== null) {
      for (const [bucket, count] of this.#table.entries()) if (count > 0) yield [bucket, count];
      return;
    }
    for (let at = 0; at < this.#length; at++) {
      const packed = this.#list[at] ?? 0;
      yield [packed >>> COUNT_BITS, packed & MOST_COUNTED];
    }
  }

  /** The duration that this share of all is not longer than, in microseconds; 0 where there is none. */
  quantile(share: number): number {
    const wanted = Math.max(1, Math.ceil(share * this.#count));
    let seen = 0;
    for (const [bucket, count] of this.buckets()) {
      seen += count;
      if (seen >= wanted) return Math.min(middleOf(bucket), this.#most);
    }
    return this.#most;
  }

  /** null where nothing was counted. */
  spread(): Spread | null {
    if (this.#count === 0) return null;
    return {
      count: this.#count,
      averageMs: this.#sum / this.#count / 1_000,
      p50Ms: this.quantile(0.5) / 1_000,
      p95Ms: this.quantile(0.95) / 1_000,
      p99Ms: this.quantile(0.99) / 1_000,
      maxMs: this.#most / 1_000,
    };
  }

  /** Its buckets as text: base64 of pairs of numbers, the distance from the bucket before and the count, 7 bits a byte. */
  packed(): string {
    const bytes: number[] = [];
    let before = 0;
    for (const [bucket, count] of this.buckets()) {
      pushNumber(bytes, bucket - before);
      pushNumber(bytes, count);
      before = bucket;
    }
    return Buffer.from(bytes).toString('base64');
  }
}

/**
 * The buckets of a packed histogram: in the middle of each, how many durations, in microseconds and ascending.
 * @returns null for a text that is none.
 */
export function unpackedLatencies(
  text: string,
): readonly { readonly micros: number; readonly count: number }[] | null {
  const bytes = Buffer.from(text, 'base64');
  const found: { micros: number; count: number }[] = [];
  let at = 0;
  let bucket = 0;
  const number = (): number | null => {
    let value = 0;
    for (let scale = 1; at < bytes.length && scale < 2 ** 49; scale *= 128) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    return null;
  };
  while (at < bytes.length) {
    const distance = number();
    const count = number();
    if (distance === null || count === null || bucket + distance >= BUCKETS) return null;
    bucket += distance;
    found.push({ micros: middleOf(bucket), count });
  }
  return found;
}

function bucketOf(micros: number): number {
  if (micros < EXACT) return Math.max(0, micros);
  // Beyond 31 bits an integer's own operators do not reach.
  const power = micros < 2 ** 31 ? 31 - Math.clz32(micros) : Math.floor(Math.log2(micros));
  const shift = power - BUCKET_BITS;
  if (shift >= POWERS) return BUCKETS - 1;
  return EXACT + (shift - 1) * BUCKETS_A_POWER + Math.floor(micros / 2 ** shift) - BUCKETS_A_POWER;
}

/** Microseconds. */
function middleOf(bucket: number): number {
  if (bucket < EXACT) return bucket;
  const shift = ((bucket - EXACT) >> BUCKET_BITS) + 1;
  const begin = (((bucket - EXACT) & (BUCKETS_A_POWER - 1)) + BUCKETS_A_POWER) * 2 ** shift;
  return begin + (2 ** shift - 1) / 2;
}

function pushNumber(bytes: number[], value: number): void {
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
}
