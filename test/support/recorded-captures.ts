import { isOver, type CaptureStatus } from '../../src/core/captures/capture.ts';
import type { Actor } from '../../src/core/access.ts';
import type { Environment } from '../../src/core/environments/environment.ts';
import type { WorkloadRate } from '../../src/core/metrics/workload-metrics.ts';
import type { LoggedStatement } from '../../src/core/workloads/statements.ts';
import { workloadFolder } from '../../src/workload/deleted-workloads.ts';
import type { ManifestContent } from '../../src/workload/manifest.ts';
import { recorded, statements } from '../workload/recorded.ts';
import type { TestStore } from './stores.ts';

const WAY: readonly CaptureStatus[] = ['STARTED', 'STARTING', 'RUNNING', 'STOPPING', 'DONE'];
const START = Date.parse('2026-11-22T01:00:00Z');

/** A capture that recorded these statements, as a recorder leaves it in the store and in its folder. */
export async function recordedCapture(
  { store, captures }: TestStore,
  actor: Actor,
  environment: Environment,
  about: {
    readonly name?: string;
    readonly status?: 'RUNNING' | 'DONE' | 'FAILED';
    readonly statements?: readonly LoggedStatement[];
    readonly manifest?: Partial<ManifestContent>;
    /** Of its window, in milliseconds; as many as there are statements unless told. */
    readonly length?: number;
    /** One of all statements at the start unless told. */
    readonly rates?: readonly WorkloadRate[];
    /** Bytes of text in a segment at most; little unless told. */
    readonly segmentText?: number;
  } = {},
): Promise<{ id: number; folder: string }> {
  const { name = 'friday', status = 'DONE', statements: all = statements(600) } = about;
  const { id } = captures.create(actor, {
    name,
    environment: String(environment.id),
    status: null,
    start: null,
    scheduledStart: null,
    duration: null,
  });
  const way =
    status === 'DONE' ? WAY : [...WAY.slice(0, 3), ...(status === 'FAILED' ? [status] : [])];
  const end = START + (about.length ?? all.length);
  for (const [index, to] of way.entries()) {
    const from = way[index - 1];
    if (from === undefined) continue;
    const times = to === 'RUNNING' ? { start: START } : to === 'DONE' ? { end } : {};
    const failed = to === 'FAILED' ? { reason: 'the server went away', end } : {};
    store.captures.move(id, from, to, { ...times, ...failed });
  }
  const folder = workloadFolder(store, id);
  const isDone = status === 'DONE';
  const { manifest, position } = await recorded(
    all,
    {
      capture: { id, name },
      environment: { id: environment.id, name: environment.name },
      complete: isDone,
      end: isDone
        ? { time: new Date(end).toISOString().replace('Z', '000Z'), generation: 2, gtid: null }
        : null,
      ...about.manifest,
    },
    folder,
    about.segmentText,
  );
  const settings = manifest.settingsBefore;
  const tap = store.taps.insert(
    { serverKey: `server of ${id}`, nonce: `nonce ${id}`, environmentId: environment.id, settings },
    0,
  );
  store.recordings.begin(id, tap.id);
  const facts = JSON.stringify({ ...manifest, endReason: null });
  store.recordings.open(id, 1, facts);
  const { totalRecords: records, totalText: textBytes, totalBytes: fileBytes } = position;
  const counters = { ...manifest.counters, heard: manifest.heard, openSessions: [] };
  store.recordings.finish(
    {
      captureId: id,
      records,
      textBytes,
      fileBytes,
      position: JSON.stringify(position),
      counters: JSON.stringify(counters),
      rates: about.rates ?? [{ at: START, statements: records, sessions: 3 }],
    },
    facts,
  );
  if (isOver(status)) store.taps.delete(tap.id);
  return { id, folder };
}
