import type { ListedCapture, Recording, Store } from '../store.ts';
import { AppError } from '../errors.ts';
import { metricLines } from '../metrics/metric-lines.ts';
import { timesLines } from '../reports/times-lines.ts';
import { committedOf } from './committed.ts';
import {
  ARCHIVE_VERSION,
  fileStem,
  type ArchiveContents,
  type ArchivedCapture,
} from './transfer.ts';
import type { WorkloadFiles } from './workload-files.ts';
import type { Manifest } from './workload.ts';

/**
 * What an archive of a capture holds; its segments are not read yet, unless it FAILED.
 * @param capture one that is over.
 * @throws AppError `not_found` where its files are gone; `store_unusable` where they are damaged.
 */
export async function archiveContents(
  store: Store,
  workloads: WorkloadFiles,
  capture: ListedCapture,
  now: number,
): Promise<ArchiveContents> {
  const recording = store.recordings.find(capture.id);
  if (recording === null) {
    throw new AppError('conflict', `The capture "${capture.name}" recorded nothing`);
  }
  return {
    captureId: capture.id,
    folder: fileStem(capture.name),
    about: aboutOf(capture, recording, now),
    manifest: await manifestOf(workloads, capture, recording),
    lines: {
      metrics: metricLines(store, capture.id),
      times: timesLines(store.times, capture.id),
    },
  };
}

function aboutOf(capture: ListedCapture, recording: Recording, now: number): ArchivedCapture {
  const { id, name, ownerName, scheduledStart, scheduledEnd, duration, reason } = capture;
  const { facts } = committedOf(recording);
  const start = capture.start ?? capture.createdAt;
  return {
    format: 'captures-export',
    formatVersion: ARCHIVE_VERSION,
    exportedAt: now,
    capture: {
      id,
      name,
      owner: ownerName,
      status: capture.status === 'FAILED' ? 'FAILED' : 'DONE',
      start,
      end: Math.max(capture.end ?? start, start),
      scheduledStart,
      scheduledEnd,
      duration,
      reason,
    },
    environment: { name: capture.environmentName },
    recording: {
      endReason: facts?.endReason ?? null,
      deadManObstacle: facts?.deadManObstacle ?? null,
      otherCommands: Math.max(recording.otherCommands, 0),
      lookQuestions: recording.lookQuestions,
      lookSets: recording.lookSets,
      lookStatuses: recording.lookStatuses,
    },
  };
}

/**
 * The manifest as it lies beside the segments; of a capture that FAILED it is older than what was recorded, so it is
 * made of what was committed.
 */
async function manifestOf(
  workloads: WorkloadFiles,
  { id, status }: ListedCapture,
  recording: Recording,
): Promise<Manifest> {
  const manifest = await workloads.readManifest(workloads.folderOf(id));
  const { position, counters, facts } = committedOf(recording);
  if (status === 'DONE' || position === null || counters === null) return manifest;
  const { records, statements, byKind, byFlag, sessions, skipped, leftOut, values } = counters;
  const { gaps, warnings, start, end } = facts ?? manifest;
  return {
    ...manifest,
    complete: false,
    segments: await workloads.describe(id, position),
    counters: {
      ...{ records, statements, byKind, byFlag, sessions, skipped },
      ...(leftOut === undefined ? {} : { leftOut }),
      ...(values === undefined ? {} : { values }),
    },
    heard: counters.heard ?? null,
    gaps,
    warnings,
    start,
    end,
  };
}
