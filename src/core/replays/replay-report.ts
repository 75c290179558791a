import { reasonOf, type CaptureStatus } from '../captures/capture.ts';
import { AppError } from '../errors.ts';
import type { Replay, ReplayResult, StoredReplay } from './replay.ts';

export const REPLAY_REPORT_FORMAT = 'captures-replay';
export const REPLAY_REPORT_VERSION = 1;

/** What a replay was, and what came of it; plain data, as it is kept in a file and compared with another one. */
export interface ReplayReport {
  readonly format: typeof REPLAY_REPORT_FORMAT;
  readonly formatVersion: typeof REPLAY_REPORT_VERSION;
  readonly id: number;
  readonly name: string;
  readonly environment: string;
  readonly status: CaptureStatus;
  /** ISO-8601 UTC; null where it did not come to that. */
  readonly start: string | null;
  readonly end: string | null;
  readonly reason: string | null;
  readonly type: 'REPLAY';
  readonly replay: Pick<StoredReplay, 'source' | 'options' | 'target'>;
  readonly result: ReplayResult;
}

/** @throws AppError `conflict` for a replay that is not over: it has no result yet. */
export function replayReportOf({ capture, stored, result }: Replay): ReplayReport {
  if (result === null) {
    const isOpen = capture.end === null && capture.status !== 'FAILED';
    throw new AppError(
      'conflict',
      isOpen
        ? `${capture.environmentName}/${capture.name} is still being replayed: it has no result yet`
        : `${capture.environmentName}/${capture.name} has no result: ${reasonOf(capture) ?? 'it sent nothing'}`,
    );
  }
  const { source, options, target } = stored;
  const iso = (at: number | null): string | null =>
    at === null ? null : new Date(at).toISOString();
  return {
    format: REPLAY_REPORT_FORMAT,
    formatVersion: REPLAY_REPORT_VERSION,
    id: capture.id,
    name: capture.name,
    environment: capture.environmentName,
    status: capture.status,
    start: iso(capture.start),
    end: iso(capture.end),
    reason: reasonOf(capture),
    type: 'REPLAY',
    replay: { source, options, target },
    result,
  };
}
