import { minFreeOf, type DiskSpace } from './guards.ts';
import type { RecordingOptions } from './recording-options.ts';
import type { ServerLoad } from '../environments/server-inspection.ts';

interface Experience {
  readonly records: number;
  readonly textBytes: number;
  readonly fileBytes: number;
}

/** What a record would take, by what was seen for a few seconds. Bytes, milliseconds. */
export interface Expectation {
  readonly statementsPerSecond: number;
  readonly rowsPerSecond: number;
  /** Of a statement's text, on average; null when none came. */
  readonly statementBytes: number | null;
  /** Of the statements, those that execute what was prepared: their text in the log is longer. */
  readonly preparedShare: number;
  /** On the server: what waits to be read, and what an hour adds when nobody reads it. */
  readonly logBytes: number;
  readonly logBytesPerHour: number;
  /** Here, compressed. */
  readonly fileBytesPerHour: number;
  /** Bytes of text to one of a file. */
  readonly ratio: number;
  /** Whether size and ratio are those of earlier captures of the environment. */
  readonly isFromExperience: boolean;
  /** What the whole capture takes; null without a duration. */
  readonly fileBytes: number | null;
  /** After how long its maximum size ends it; null without one, or when nothing comes. */
  readonly untilMaxSize: number | null;
  readonly disk: DiskSpace | null;
  /** What has to stay free. */
  readonly minFree: number | null;
  /** For how long the disk lasts until then; null when nothing comes. */
  readonly diskLasts: number | null;
}

/** A row of the log takes this besides its text (110 to 130 were measured), a record this as JSON. */
const LOG_ROW_BYTES = 120;
const RECORD_BYTES = 150;
/** Text to file: 12.9 was measured on recorded statements. What is random compresses less. */
const USUAL_RATIO = 12;
/** The log is drained twice a second, and what was read goes with the drain after. */
const WAITING_S = 1;
const HOUR_S = 3600;
/** Fewer records say nothing of the next ones. */
const ENOUGH_RECORDS = 1000;
const PACKET_BYTES = 5;

/**
 * What to expect of a capture. Filters are not considered, for nobody knows what they leave; sampling
 * is.
 */
export function expectationOf(
  load: ServerLoad,
  experience: Experience,
  disk: DiskSpace | null,
  capture: { readonly options: RecordingOptions; readonly duration: number | null },
): Expectation {
  const { options, duration } = capture;
  const seconds = Math.max(load.seconds, 0.001);
  const rowsPerSecond = load.rows / seconds;
  const statementBytes =
    load.statements === 0 ? null : Math.max(0, load.bytes / load.statements - PACKET_BYTES);
  const isFromExperience = experience.records >= ENOUGH_RECORDS && experience.fileBytes > 0;
  const ratio = isFromExperience ? experience.textBytes / experience.fileBytes : USUAL_RATIO;
  const recordBytes = isFromExperience
    ? experience.textBytes / experience.records
    : (statementBytes ?? 0) + RECORD_BYTES;
  const logBytesPerSecond = rowsPerSecond * (LOG_ROW_BYTES + (statementBytes ?? 0));
  const filePerSecond = (rowsPerSecond * recordBytes) / ratio / (options.sample ?? 1);
  const until = (bytes: number): number | null =>
    filePerSecond === 0 ? null : Math.round((Math.max(0, bytes) / filePerSecond) * 1000);
  const minFree = disk === null ? null : minFreeOf(options.minFree, disk.size);
  return {
    statementsPerSecond: load.statements / seconds,
    rowsPerSecond,
    statementBytes,
    preparedShare: load.statements === 0 ? 0 : load.executes / load.statements,
    logBytes: Math.round(logBytesPerSecond * WAITING_S),
    logBytesPerHour: Math.round(logBytesPerSecond * HOUR_S),
    fileBytesPerHour: Math.round(filePerSecond * HOUR_S),
    ratio,
    isFromExperience,
    fileBytes: duration === null ? null : Math.round((filePerSecond * duration) / 1000),
    untilMaxSize: options.maxSize === null ? null : until(options.maxSize),
    disk,
    minFree,
    diskLasts: disk === null || minFree === null ? null : until(disk.free - minFree),
  };
}
