import type { Spread } from './replay.ts';

/** Each power of two is cut into so many buckets: a value is told to within 0.8 %. */
const BUCKETS_A_POWER = 64;
const BUCKET_BITS = 6;
/** Below this a bucket is one microsecond wide. */
const EXACT = BUCKETS_A_POWER * 2;
/** Powers of two that are told apart; longer than the last, 19 hours, is as long as that. */
const POWERS = 30;
const BUCKETS = EXACT + (POWERS - 1) * BUCKETS_A_POWER;

/** So many buckets are kept one by one: most digests of a record with many have no more. */
const FEW = 48;

/**
 * Counts durations in buckets whose width grows with them (as HdrHistogram does), in microseconds. It begins with
 * a short list of buckets; beyond that a part of them takes memory when the first duration falls into it. A table of
 * all buckets, for 10,000 digests, would take 80 MB.
 */
export class LatencyHistogram {
  /** Buckets and their counts in turns, in no order; null once there are parts. */
  #few: Uint32Array | null = null;
  #fewLength = 0;
  readonly #parts: (Uint32Array | undefined)[] = [];
  #count = 0;
  #sum = 0;
  #most = 0;

  /** @param micros whole microseconds. */
  add(micros: number, times = 1): void {
    this.#addTo(bucketOf(micros), times);
    this.#count += times;
    this.#sum += micros * times;
    if (micros > this.#most) this.#most = micros;
  }

  #addTo(bucket: number, times: number): void {
    if (this.#parts.length > 0 || !this.#addToFew(bucket, times)) {
      const part = bucket >> BUCKET_BITS;
      const counts = (this.#parts[part] ??= new Uint32Array(BUCKETS_A_POWER));
      const at = bucket & (BUCKETS_A_POWER - 1);
      counts[at] = (counts[at] ?? 0) + times;
    }
  }

  /** @returns whether it had room. */
  #addToFew(bucket: number, times: number): boolean {
    let few = this.#few;
    for (let at = 0; at < this.#fewLength; at += 2) {
      if (few === null || few[at] !== bucket) continue;
      few[at + 1] = (few[at + 1] ?? 0) + times;
      return true;
    }
    if (this.#fewLength === 2 * FEW) {
      this.#few = null;
      this.#fewLength = 0;
      for (let at = 0; at < 2 * FEW; at += 2) {
        const part = (few?.[at] ?? 0) >> BUCKET_BITS;
        const counts = (this.#parts[part] ??= new Uint32Array(BUCKETS_A_POWER));
        counts[(few?.[at] ?? 0) & (BUCKETS_A_POWER - 1)] = few?.[at + 1] ?? 0;
      }
      return false;
    }
    if (few === null || few.length === this.#fewLength) {
      const larger = new Uint32Array(Math.max(4, 2 * this.#fewLength));
      if (few !== null) larger.set(few);
      few = larger;
      this.#few = larger;
    }
    few[this.#fewLength++] = bucket;
    few[this.#fewLength++] = times;
    return true;
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
    if (this.#few !== null) {
      const pairs: (readonly [number, number])[] = [];
      for (let at = 0; at < this.#fewLength; at += 2) {
        pairs.push([this.#few[at] ?? 0, this.#few[at + 1] ?? 0]);
      }
      yield* pairs.sort(([one], [other]) => one - other);
      return;
    }
    for (const [part, counts] of this.#parts.entries()) {
      if (counts === undefined) continue;
      for (const [at, count] of counts.entries()) {
        if (count > 0) yield [(part << BUCKET_BITS) + at, count];
      }
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
