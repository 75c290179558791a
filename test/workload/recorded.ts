import { join } from 'node:path';
import { RECORD_EVERYTHING } from '../../src/core/captures/recording-options.ts';
import type { LoggedStatement } from '../../src/core/workloads/statements.ts';
import { WorkloadCounters } from '../../src/workload/counters.ts';
import { ServerCountTally } from '../../src/workload/server-count-tally.ts';
import { writeManifest, type ManifestContent } from '../../src/workload/manifest.ts';
import { SegmentWriter } from '../../src/workload/segment-writer.ts';
import { LineSerialiser } from '../../src/workload/statement-line.ts';
import type { WorkloadPosition } from '../../src/core/workloads/workload.ts';
import { temporaryFolder } from '../support/stores.ts';

const START = Date.parse('2026-11-22T01:00:00Z');

/** `2026-11-22T01:00:00Z` and so many milliseconds, as the server writes it. */
export function stamp(milliseconds: number): string {
  return `${new Date(START + milliseconds).toISOString().slice(0, -1)}000Z`;
}

/** A statement a millisecond, of three sessions. */
export function statements(count: number): LoggedStatement[] {
  return Array.from({ length: count }, (_, n) => ({
    time: stamp(n),
    session: 10 + (n % 3),
    user: 'app',
    host: 'web1',
    db: 'shop',
    kind: 'query',
    sql: `SELECT ${n} FROM orders WHERE customer = '${String(n * 7919).padStart(9, '0')}'`,
    bytes: null,
    flags: [],
  }));
}

export interface Recorded {
  readonly folder: string;
  readonly position: WorkloadPosition;
  readonly manifest: ManifestContent;
  readonly heard: ServerCountTally;
}

/** A workload in several segments, with the manifest that a recorder would write. */
export async function recorded(
  all: readonly LoggedStatement[],
  changes: Partial<ManifestContent> = {},
  folder = join(temporaryFolder(), 'workload'),
  segmentText = 30_000,
): Promise<Recorded> {
  const writer = await SegmentWriter.open(folder, null, { segmentText, frameText: 4_000 });
  const counters = new WorkloadCounters();
  const heard = new ServerCountTally();
  await writer.write(new LineSerialiser().tails(all));
  counters.add(all);
  heard.add(all);
  const position = await writer.flush();
  const manifest: ManifestContent = {
    program: { name: 'captures', version: '0' },
    complete: true,
    capture: { id: 1, name: 'friday' },
    environment: { id: 1, name: 'shop' },
    options: RECORD_EVERYTHING,
    server: { flavor: 'mariadb', version: '10.11', uuid: null, hostname: 'db1', port: 3306 },
    settingsBefore: { generalLog: false, logOutput: 'FILE', slowLog: false, tableEngine: 'CSV' },
    start: { time: stamp(0), generation: 1, gtid: null },
    end: { time: stamp(all.length), generation: 2, gtid: null },
    sessionsAtStart: [],
    sessionsAtEnd: [],
    transactionsAtStart: [],
    transactionsAtEnd: [],
    segments: writer.segments(),
    counters: counters.counts(),
    heard: heard.counts(),
    gaps: [],
    warnings: [],
    ...changes,
  };
  await writer.close();
  await writeManifest(folder, manifest);
  return { folder, position, manifest, heard };
}
