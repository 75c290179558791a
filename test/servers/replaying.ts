import { DEFAULT_REPLAY } from '../../src/core/replays/replay-request.ts';
import { resultOf } from '../../src/core/progress.ts';
import { player } from '../../src/replay/player.ts';
import type { ReplayedRecord } from '../../src/core/replays/replay-player.ts';
import {
  type ReplayEvent,
  type ReplayOptions,
  type ReplayPlan,
  type ReplayResult,
} from '../../src/core/replays/replay.ts';
import { committedSpan } from '../../src/core/workloads/committed-spans.ts';
import { committedCounters, committedFacts } from '../../src/core/workloads/committed.ts';
import { EVERY_STATEMENT } from '../../src/core/workloads/statement-search.ts';
import { mysqlTargets } from '../../src/source/mysql/replay/replay-targets.ts';
import { workloadFiles } from '../../src/workload/stored-workloads.ts';
import type { RecorderServer } from '../support/recorder-server.ts';
import { Recording } from './recording.ts';

const AS_FAST_AS_IT_GOES: ReplayOptions = { ...DEFAULT_REPLAY, speed: null, writes: true };

/** Records what is done meanwhile. */
export async function recordWork(
  server: RecorderServer,
  work: () => Promise<void>,
): Promise<ReplayedRecord> {
  const recording = new Recording(server);
  await recording.until('RUNNING');
  await work();
  await recording.stop();
  const { store } = recording.test;
  const stored = store.recordings.find(recording.id);
  const files = workloadFiles(store);
  const query = { search: EVERY_STATEMENT, limit: null, after: null };
  return {
    captureId: recording.id,
    records: committedCounters(stored)?.records ?? 0,
    facts: committedFacts(stored),
    read: () => files.records(recording.id, committedSpan({ store }, recording.id), query),
  };
}

/** Replays a record on a server, with all accounts of it. */
export async function replayed(
  record: ReplayedRecord,
  target: RecorderServer,
  options: Partial<ReplayOptions> = {},
  how: {
    readonly signal?: AbortSignal;
    readonly show?: (event: ReplayEvent) => void;
    readonly user?: string;
  } = {},
): Promise<{ plan: ReplayPlan; result: ReplayResult }> {
  const all = { ...AS_FAST_AS_IT_GOES, ...options };
  const { signal = new AbortController().signal, show, user = 'replayer' } = how;
  const address = { ...target.address, user, passwordFrom: null };
  const opened = await mysqlTargets((asked) => Promise.resolve(asked)).open(
    address,
    { readOnly: !all.writes, lockWait: all.deadline },
    new AbortController().signal,
  );
  try {
    const plan = await resultOf(player.plan(record, all, await opened.programs(), signal));
    const result = await resultOf(player.play(record, all, plan, opened, signal), show);
    return { plan, result };
  } finally {
    await opened.close();
  }
}
