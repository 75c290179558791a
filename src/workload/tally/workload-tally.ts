import type { Progress } from '../../core/progress.ts';
import type {
  CountedWorkload,
  TallyCounter,
  TallyDamage,
  TallyProgress,
  TallyRequest,
} from '../../core/reports/tally.ts';
import { Digester } from '../../sql/digest.ts';
import { DamagedRecord } from '../disk-errors.ts';
import { readRecords } from '../workload-reader.ts';
import { RecordCounter } from './record-counter.ts';
import { microsOf } from './record-time.ts';
import { TallyBuilder } from './tally-builder.ts';
import { tallyOf } from './tally-result.ts';

/** Counts the workload in a folder. */
export function openTally(folder: string): TallyCounter {
  return {
    count: (request) => counted(folder, request),
    close: () => Promise.resolve(),
  };
}

async function* counted(
  folder: string,
  { until, records: committed, since, before }: TallyRequest,
): Progress<TallyProgress, CountedWorkload> {
  const tally = new TallyBuilder();
  const counter = new RecordCounter(tally, new Digester(), {
    since: since === null ? -Infinity : since * 1_000,
    before: before === null ? Infinity : before * 1_000,
  });
  const damage: TallyDamage[] = [];
  let read = 0;
  try {
    for await (const records of readRecords(folder, until)) {
      for (const { seq, time, session, user, host, db, kind, sql, flags } of records) {
        counter.add({
          seq,
          micros: microsOf(time),
          session,
          place: tally.place(user, host, db),
          kind,
          sql,
          flags: flags ?? [],
        });
      }
      read += records.length;
      yield { type: 'counted', bytes: read, of: committed };
    }
  } catch (error) {
    if (!(error instanceof DamagedRecord)) throw error;
    damage.push({ segment: until?.segment ?? 1, what: error.what });
  }
  return { tally: tallyOf(tally), records: { committed, read }, damage };
}
