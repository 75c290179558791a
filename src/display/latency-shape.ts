import { unpackedLatencies } from '../core/replays/latency-histogram.ts';

/** Latencies of equal ratio: from, to, and how many parts they are cut into. */
export interface LatencyScale {
  /** Microseconds, at least 1. */
  readonly from: number;
  readonly to: number;
  readonly bins: number;
}

/** The scale that all latencies of packed histograms lie on; null where there are none. */
export function latencyScale(histograms: readonly string[], bins: number): LatencyScale | null {
  let [from, to] = [Infinity, 0];
  for (const packed of histograms) {
    const all = unpackedLatencies(packed) ?? [];
    const [first, last] = [all.at(0), all.at(-1)];
    if (first === undefined || last === undefined) continue;
    from = Math.min(from, Math.max(first.micros, 1));
    to = Math.max(to, last.micros, 2);
  }
  // A little more than the longest, which is in the last part then.
  return to === 0 ? null : { from, to: Math.max(to, from * 2) * 1.01, bins };
}

/** How many latencies lie in each part of the scale. */
export function latencyShape(
  histograms: readonly string[],
  { from, to, bins }: LatencyScale,
): number[] {
  const counts = Array.from({ length: bins }, () => 0);
  const width = Math.log(to / from) / bins;
  for (const packed of histograms) {
    for (const { micros, count } of unpackedLatencies(packed) ?? []) {
      const bin = Math.floor(Math.log(Math.max(micros, from) / from) / width);
      const at = Math.min(Math.max(bin, 0), bins - 1);
      counts[at] = (counts[at] ?? 0) + count;
    }
  }
  return counts;
}
