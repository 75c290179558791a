import type { TimesAbsence } from './report.ts';
import type { TimeSums } from './statement-times.ts';

/** What a server has counted of one digest since it began to. */
export interface DigestTotals extends TimeSums {
  /** When it began to, in the server's words: another moment, another count. */
  readonly since: string;
}

/** What a server has counted of each digest. */
export interface TimesReading {
  readonly is: 'read';
  /** Milliseconds since the epoch, by the server's clock. */
  readonly at: number;
  /** Whether it counts now. */
  readonly isCounting: boolean;
  /** Executions that no digest had room for. */
  readonly lost: number;
  /** By a name that a digest keeps for as long as the server runs. */
  readonly totals: ReadonlyMap<string, DigestTotals>;
}

/** Why there is nothing to be read. */
export interface NoTimes {
  readonly is: 'absent';
  readonly why: TimesAbsence;
  /** One sentence without a full stop. */
  readonly message: string;
}

/**
 * Reads how long statements took, where the server keeps that. Beside the recording: on a connection of its
 * own, so that neither waits for the other. Calls wait for one another.
 */
export interface ServerTimes {
  /** Whether a call is under way. */
  readonly isBusy: boolean;
  /** Connects ahead of the first reading. Never rejects. */
  prepare(): Promise<void>;
  /** Never rejects. What the recorder itself sends is left out. */
  read(): Promise<TimesReading | NoTimes>;
  /**
   * The texts of digests by their names in a reading, of as many as come within `limitMs`; none of what the
   * server has forgotten. Never rejects.
   */
  textsOf(
    names: readonly string[],
    limitMs: number,
  ): Promise<ReadonlyMap<string, { readonly db: string | null; readonly text: string }>>;
}

/** What was counted between two readings. */
export interface GrownTimes {
  readonly grown: readonly { readonly name: string; readonly sums: TimeSums }[];
  /** Executions that no digest had room for. */
  readonly lost: number;
  /** Whether counts began again in between: what was executed before that is missing. */
  readonly isTruncated: boolean;
}

/** What a reading says of a server that counted nothing yet. */
export const NOTHING_COUNTED: Pick<TimesReading, 'lost' | 'totals'> = {
  lost: 0,
  totals: new Map(),
};

/**
 * What was counted between two readings of one start of a server. A count that began again holds what was
 * executed since: that is counted, and nothing else of it.
 */
export function grownBetween(
  before: Pick<TimesReading, 'lost' | 'totals'>,
  after: Pick<TimesReading, 'lost' | 'totals'>,
): GrownTimes {
  let isTruncated = after.lost < before.lost;
  for (const name of before.totals.keys()) isTruncated ||= !after.totals.has(name);
  const grown: { name: string; sums: TimeSums }[] = [];
  for (const [name, now] of after.totals) {
    const then = before.totals.get(name);
    const goesOn =
      then?.since === now.since && then.count <= now.count && then.micros <= now.micros;
    isTruncated ||= then !== undefined && !goesOn;
    const sums = goesOn ? minus(now, then) : now;
    if (sums.count > 0) grown.push({ name, sums });
  }
  const lost = after.lost < before.lost ? after.lost : after.lost - before.lost;
  return { grown, lost, isTruncated };
}

/** A statement that ends while it is read can be in one sum and not yet in another. */
function minus(now: TimeSums, then: TimeSums): TimeSums {
  const grown = (of: keyof TimeSums): number => Math.max(now[of] - then[of], 0);
  return {
    count: grown('count'),
    micros: grown('micros'),
    rowsSent: grown('rowsSent'),
    rowsExamined: grown('rowsExamined'),
    errors: grown('errors'),
  };
}
