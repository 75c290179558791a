import type { CaptureStatus } from '../captures/capture.ts';
import type { Manifest } from './workload.ts';

/** Forms of statements for other programs, one file each. */
export const STATEMENT_FORMATS = ['ndjson', 'sql', 'csv', 'general-log', 'parquet'] as const;
export type StatementFormat = (typeof STATEMENT_FORMATS)[number];
/** Those that are made of records, and of nothing else. */
export type RecordFormat = Exclude<StatementFormat, 'ndjson' | 'sql'>;

/** Grows when a reader of this version could misread what is written. */
export const ARCHIVE_VERSION = 1;

/**
 * What an archive says of its capture besides the manifest: what the store alone knows. Times are
 * milliseconds since the epoch.
 */
export interface ArchivedCapture {
  readonly format: 'captures-export';
  readonly formatVersion: number;
  readonly exportedAt: number;
  readonly capture: {
    readonly id: number;
    readonly name: string;
    readonly owner: string;
    readonly status: Extract<CaptureStatus, 'DONE' | 'FAILED'>;
    readonly start: number;
    readonly end: number;
    readonly scheduledStart: number | null;
    readonly scheduledEnd: number | null;
    readonly duration: number | null;
    readonly reason: string | null;
  };
  readonly environment: { readonly name: string };
  readonly recording: {
    readonly endReason: string | null;
    readonly deadManObstacle: string | null;
    /** What our own looks asked of the server meanwhile: see `Recording`. */
    readonly otherCommands: number;
    readonly lookQuestions: number;
    readonly lookSets: number;
    readonly lookStatuses: number;
  };
}

/** What the store alone has besides, and an archive as lines of JSON: `metrics.ndjson`, `times.ndjson`. */
export const ARCHIVED_LINES = ['metrics', 'times'] as const;
export type ArchivedLines = (typeof ARCHIVED_LINES)[number];

/** What goes into an archive; the segments are read from the capture's folder. */
export interface ArchiveContents {
  readonly captureId: number;
  /** The name of the one folder in the archive. */
  readonly folder: string;
  readonly about: ArchivedCapture;
  readonly manifest: Manifest;
  readonly lines: Readonly<Record<ArchivedLines, readonly string[]>>;
}

/** An archive that was taken apart, in a folder of its own that no capture has yet. */
export interface StagedWorkload {
  readonly folder: string;
  readonly about: ArchivedCapture;
  readonly manifest: Manifest;
  /** The lines about something, one at a time. @throws AppError `store_unusable`, `invalid`. */
  lines(of: ArchivedLines): Iterable<string>;
  /**
   * Makes the folder that of a capture: at once, so that it can stand in the transaction that stores
   * the capture. @throws AppError `store_unusable`.
   */
  adopt(captureId: number): void;
  /** Removes it, also when it was adopted. Never throws. */
  discard(): Promise<void>;
}

/** Where an imported workload comes from; kept with what is known of the recording. */
export interface ImportOrigin {
  /** Of the store that recorded it. */
  readonly captureId: number;
  readonly name: string;
  readonly environment: string;
  readonly owner: string;
  /** Milliseconds since the epoch. */
  readonly exportedAt: number;
  readonly importedAt: number;
}

const LONGEST_STEM = 60;

/** A capture's name as that of a file or folder, without its ending: letters and digits stay, also of other scripts. */
export function fileStem(name: string): string {
  const plain = name.replaceAll(/[^\p{L}\p{N}\p{M}._-]+/gu, '-').replace(/^[.-]+/, '');
  let stem = '';
  let bytes = 0;
  for (const character of plain) {
    bytes += bytesOf(character);
    if (bytes > LONGEST_STEM) break;
    stem += character;
  }
  return stem === '' ? 'capture' : stem;
}

/** In UTF-8. */
function bytesOf(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x80) return 1;
  if (code < 0x800) return 2;
  return code < 0x10000 ? 3 : 4;
}
