import { maxLagOf, maxLogOf } from '../../core/captures/guards.ts';
import type { RecordingOptions } from '../../core/captures/recording-options.ts';
import type { JsonObject } from './column.ts';
import { formatBytes, formatCount, formatDuration, counted } from '../../core/units.ts';

/** What a capture was asked to record, as JSON: sizes in bytes, lengths of time in seconds. */
export function optionsJson(options: RecordingOptions): JsonObject {
  return {
    includeUsers: [...options.includeUsers],
    excludeUsers: [...options.excludeUsers],
    includeDatabases: [...options.includeDatabases],
    excludeDatabases: [...options.excludeDatabases],
    includeHosts: [...options.includeHosts],
    only: [...options.only],
    sample: options.sample,
    redact: options.redact,
    maxSize: options.maxSize,
    minFree: options.minFree,
    maxLog: options.maxLog,
    maxLag: seconds(options.maxLag),
    deadMan: seconds(options.deadMan),
    warmUp: seconds(options.warmUp),
    recycleUsers: options.recycleUsers === null ? null : [...options.recycleUsers],
  };
}

/** Which statements are recorded, in words: `users app_*; reads and writes only`. */
export function recordedText(options: RecordingOptions): string {
  const { includeUsers, excludeUsers, includeHosts, includeDatabases, excludeDatabases } = options;
  const { only, sample, redact } = options;
  const parts = [
    namesText('users', includeUsers, excludeUsers),
    namesText('hosts', includeHosts, []),
    namesText('databases', includeDatabases, excludeDatabases),
    only.length === 0 ? '' : `${listOfWords(only)} only`,
    sample === null || sample === 1 ? '' : `1 session of ${formatCount(sample)}`,
    redact === null ? '' : `${redact} redacted`,
  ].filter((part) => part !== '');
  const what = parts.length === 0 ? 'everything' : parts.join('; ');
  return [what, ...valuesTexts(options)].join('; ');
}

function valuesTexts({ warmUp, recycleUsers }: RecordingOptions): string[] {
  const whose =
    recycleUsers === null || recycleUsers.length === 0 ? '' : ` of ${recycleUsers.join(', ')}`;
  return [
    ...(warmUp === null ? [] : [`warm-up of ${formatDuration(warmUp)}`]),
    ...(recycleUsers === null ? [] : [`idle sessions${whose} ended at the start`]),
  ];
}

/** The guards, by the names of their options. */
export function guardsText(
  options: RecordingOptions,
  deadManObstacle: string | null = null,
): string {
  const { maxSize, minFree, deadMan } = options;
  return [
    maxSize === null ? '' : `max-size ${formatBytes(maxSize)}`,
    minFree === null ? '' : `min-free ${formatBytes(minFree)}`,
    `max-log ${formatBytes(maxLogOf(options.maxLog))}`,
    `max-lag ${formatDuration(maxLagOf(options.maxLag))}`,
    deadManText(deadMan, deadManObstacle),
  ]
    .filter((part) => part !== '')
    .join(', ');
}

function deadManText(deadMan: number | null, obstacle: string | null): string {
  if (deadMan === null) return 'no dead-man';
  if (obstacle !== null)
    return `no dead-man switch: ${obstacle.charAt(0).toLowerCase()}${obstacle.slice(1)}`;
  return `dead-man ${formatDuration(deadMan)}`;
}

function namesText(what: string, included: readonly string[], excluded: readonly string[]): string {
  if (included.length === 0) {
    return excluded.length === 0 ? '' : `no ${what} ${excluded.join(', ')}`;
  }
  const but = excluded.length === 0 ? '' : ` but ${excluded.join(', ')}`;
  return `${what} ${included.join(', ')}${but}`;
}

function listOfWords(words: readonly string[]): string {
  return words.length < 2
    ? words.join('')
    : `${words.slice(0, -1).join(', ')} and ${words.at(-1) ?? ''}`;
}

/**
 * Rows left out, by reason: `12,345 rows: user 12,000, sample 345 (of 7 sessions)`.
 * @param sessions that the sample left out; 0 where they were not counted.
 */
export function leftOutText(skipped: Readonly<Record<string, number>>, sessions: number): string {
  const reasons = Object.entries(skipped).filter(([, rows]) => rows > 0);
  if (reasons.length === 0) return 'nothing';
  const all = reasons.reduce((sum, [, rows]) => sum + rows, 0);
  const words = reasons.map(([reason, rows]) =>
    reason === 'sample' && sessions > 0
      ? `${reason} ${formatCount(rows)} (of ${counted(sessions, 'session')})`
      : `${reason} ${formatCount(rows)}`,
  );
  return `${counted(all, 'row')}: ${words.join(', ')}`;
}

function seconds(ms: number | null): number | null {
  return ms === null ? null : ms / 1_000;
}
