import type { RecordingOptions } from '../../core/recording-options.ts';
import type { JsonObject } from './column.ts';

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
  };
}

function seconds(ms: number | null): number | null {
  return ms === null ? null : ms / 1_000;
}
