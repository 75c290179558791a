import type { LiveFacts } from '../../core/captures/live-facts.ts';
import { isOver } from '../../core/captures/capture.ts';
import type { ListedCapture } from '../../core/store.ts';
import type { JsonObject } from './column.ts';
import { captureJson } from './captures.ts';
import { counted, formatBytes, formatCount, formatDuration } from '../../core/units.ts';

/** `RUNNING 12s of 15m, 12,345 records, 1,020/s, 1.2 MiB, lag 0.4s`, what matters first. */
export function liveLine(capture: ListedCapture, live: LiveFacts, now: number): string {
  const parts = [[capture.status, ...timeOf(capture, now)].join(' ')];
  const { records, textBytes } = capture;
  if (capture.status === 'FAILED' && capture.reason !== null) parts.push(capture.reason);
  if (records !== null) {
    parts.push(counted(records, 'record'));
    const perSecond = live.rate?.statementsPerSecond ?? null;
    if (perSecond !== null) parts.push(`${formatCount(perSecond)}/s`);
    if (textBytes !== null) parts.push(formatBytes(textBytes));
    if (live.lagMs !== null) parts.push(`lag ${(live.lagMs / 1_000).toFixed(1)}s`);
  }
  if (capture.trouble !== null) parts.push(`interrupted: ${capture.trouble.reason}`);
  if (!isOver(capture.status) && capture.recordsStatements && !live.hasDaemon) {
    parts.push('no daemon is running');
  }
  return parts.join(', ');
}

function timeOf(capture: ListedCapture, now: number): string[] {
  const { start, end, scheduledStart, scheduledEnd } = capture;
  if (start === null) {
    if (scheduledStart === null || isOver(capture.status)) return [];
    return scheduledStart > now ? [`starts in ${formatDuration(scheduledStart - now)}`] : [];
  }
  const elapsed = formatDuration(Math.max((end ?? now) - start, 0));
  if (end !== null || isOver(capture.status) || scheduledEnd === null) return [elapsed];
  // Rounded up, so that both parts make the whole.
  const left = formatDuration(Math.max(Math.ceil((scheduledEnd - now) / 1_000), 0) * 1_000);
  return [`${elapsed} of ${formatDuration(scheduledEnd - start)} (${left} left)`];
}

/** The capture as JSON, with its progress under `live`. */
export function liveJson(capture: ListedCapture, live: LiveFacts, now: number): JsonObject {
  const { start, end, scheduledEnd } = capture;
  const isOpen = !isOver(capture.status);
  return {
    ...captureJson(capture),
    live: {
      elapsed: start === null ? null : Math.max((end ?? now) - start, 0) / 1_000,
      remaining: scheduledEnd === null || !isOpen ? null : Math.max(scheduledEnd - now, 0) / 1_000,
      statementsPerSecond: live.rate?.statementsPerSecond ?? null,
      bytesPerSecond: live.rate?.bytesPerSecond ?? null,
      lag: live.lagMs === null ? null : live.lagMs / 1_000,
    },
  };
}
