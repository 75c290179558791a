import { AppError } from '../../../core/errors.ts';
import type { LogSettings } from './log-settings.ts';

/** The marker's row: whose recorder this is, and what it needs to know after a crash. */
export interface Marker {
  readonly storeId: string;
  /** The tap's; null in a marker of an older version. */
  readonly nonce: string | null;
  readonly madeSchema: boolean;
  /** The owner's settings before we changed any. */
  readonly settings: LogSettings | null;
  readonly recorder: string;
  /** The generation that is or was being appended to the owner's log. */
  readonly appending: number | null;
  /** Rows in the owner's log before that append. */
  readonly ownerRows: number | null;
  readonly isAppended: boolean;
  /** Rows of it that the owner's log had when it was to go back to its place; null before that. */
  readonly copiedRows: number | null;
  /** When the dead-man switch switched the log off, ISO-8601 UTC, and the connection it did it on. */
  readonly switchedOffAt: string | null;
  readonly switchedOffBy: number | null;
  /**
   * The start of the server, in seconds as `OpenSource.serverStart`, in which its slow log was switched on
   * for a warm-up; null where it is not on for us.
   */
  readonly warmSince: number | null;
  /** Whether we installed the plugin that lists locks. */
  readonly hasLockPlugin: boolean;
  /** Whether its table was made after the last sign of life in it: what a restored dump looks like. */
  readonly isOlderThanTable: boolean;
}

/** The columns of the marker's row, in this order. */
type MarkerRow = readonly (string | null)[];

/**
 * Reads the marker's row. An account that may write to the recorder's schema may have written anything there, and what
 * it says is acted on with the recorder's privileges: so every field has to be as a recorder writes it.
 * @throws AppError `conflict` that names the first field that is not.
 */
export function parseMarker(row: MarkerRow): Marker {
  const [storeId, madeSchema, settings, recorder, appending, ownerRows, isAppended] = row;
  const [switchedOffAt, switchedOffBy, copiedRows] = row.slice(7);
  const [nonce, warmSince, lockPlugin, isOlderThanTable] = row.slice(10);
  return {
    storeId: matching('store_id', storeId, NAME),
    nonce: orNull(nonce, (text) => matching('nonce', text, NONCE)),
    madeSchema: flag('made_schema', madeSchema),
    settings: orNull(settings, settingsIn),
    recorder: matching('recorder', recorder, PRINTABLE),
    appending: orNull(appending, (text) => count('appending', text)),
    ownerRows: orNull(ownerRows, (text) => count('owner_rows', text)),
    isAppended: flag('is_appended', isAppended),
    copiedRows: orNull(copiedRows, (text) => count('copied_rows', text)),
    switchedOffAt: orNull(
      switchedOffAt,
      (text) => `${matching('switched_off_at', text, INSTANT).replace(' ', 'T')}Z`,
    ),
    switchedOffBy: orNull(switchedOffBy, (text) => count('switched_off_by', text)),
    warmSince: orNull(warmSince, (text) => count('warm_since', text)),
    hasLockPlugin: lockPlugin != null && flag('lock_plugin', lockPlugin),
    isOlderThanTable: isOlderThanTable === '1',
  };
}

const NAME = /^[\w .:-]{1,190}$/;
// Empty for a log that no tap opened.
const NONCE = /^[\w .:-]{0,64}$/;
const PRINTABLE = /^[^\p{Cc}]{1,255}$/u;
const INSTANT = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?$/;
const COUNT = /^\d{1,15}$/;
/** What `log_output` can be: a list without spaces, as the server writes it. */
const OUTPUT = /^(?:FILE|TABLE|NONE)(?:,(?:FILE|TABLE|NONE))*$/;
/** Engines that a log table of MySQL or MariaDB can have. */
const ENGINES: ReadonlySet<string> = new Set(['CSV', 'MYISAM', 'ARIA']);

/**
 * The settings in the marker; null where the text is not a JSON object: nothing of it is used then.
 * @throws AppError `conflict` where they are none of a server's.
 */
function settingsIn(text: string): LogSettings | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const {
    generalLog,
    logOutput,
    slowLog = false,
    tableEngine = null,
  } = value as Record<string, unknown>;
  if (typeof generalLog !== 'boolean') throw tampered('settings.generalLog');
  if (typeof slowLog !== 'boolean') throw tampered('settings.slowLog');
  if (typeof logOutput !== 'string' || !OUTPUT.test(logOutput)) {
    throw tampered('settings.logOutput');
  }
  if (tableEngine === null) return { generalLog, logOutput, slowLog, tableEngine };
  if (typeof tableEngine !== 'string' || !ENGINES.has(tableEngine.toUpperCase())) {
    throw tampered('settings.tableEngine');
  }
  return { generalLog, logOutput, slowLog, tableEngine };
}

function orNull<T>(text: string | null | undefined, read: (text: string) => T): T | null {
  return text == null ? null : read(text);
}

function matching(field: string, text: string | null | undefined, pattern: RegExp): string {
  if (text == null || !pattern.test(text)) throw tampered(field);
  return text;
}

function flag(field: string, text: string | null | undefined): boolean {
  return matching(field, text, /^[01]$/) === '1';
}

function count(field: string, text: string): number {
  return Number(matching(field, text, COUNT));
}

function tampered(field: string): AppError {
  return new AppError(
    'conflict',
    `The recorder's marker on the server (captures.captures_marker) is not as a recorder writes it: ${field}`,
    {
      hint: 'Somebody changed it, so it is not used, and nothing was changed. To see it: SELECT * FROM captures.captures_marker. Then restore general_log and log_output by hand, or correct the row and try again.',
    },
  );
}
