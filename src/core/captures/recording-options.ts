import { AppError } from '../errors.ts';
import { checkWarmUp } from '../warm-ups/warm-up.ts';

/** What statements are told apart by: what they do to data, or to what data is kept in. */
export const STATEMENT_CLASSES = ['reads', 'writes', 'ddl'] as const;
export type StatementClass = (typeof STATEMENT_CLASSES)[number];

/** What can be taken out of statements besides passwords, which never reach a file. */
export const REDACTIONS = ['literals'] as const;
export type Redaction = (typeof REDACTIONS)[number];

/**
 * What of a server's statements a capture records, and what ends it before its time. Patterns are
 * names with the wildcards `*` and `?`; a list that is empty asks for nothing.
 */
export interface RecordingOptions {
  readonly includeUsers: readonly string[];
  readonly excludeUsers: readonly string[];
  readonly includeDatabases: readonly string[];
  readonly excludeDatabases: readonly string[];
  readonly includeHosts: readonly string[];
  /** Statements of these classes alone; empty for all. */
  readonly only: readonly StatementClass[];
  /** N of `1/N`: of so many sessions one is recorded, whole; null for every session. */
  readonly sample: number | null;
  readonly redact: Redaction | null;
  /** Ends the capture when its workload's files hold so many bytes; null for no end. */
  readonly maxSize: number | null;
  /** Ends it when fewer bytes are free on the store's disk; null for the default of the guard. */
  readonly minFree: number | null;
  /** Ends it when the log's tables on the server hold so many bytes; null for the default. */
  readonly maxLog: number | null;
  /** Ends it when the record is so many milliseconds behind; null for the default. */
  readonly maxLag: number | null;
  /**
   * The server switches the log off by itself when the recorder was silent for so many milliseconds; null for
   * never.
   */
  readonly deadMan: number | null;
  /**
   * Sessions are covered from so many milliseconds before the scheduled start on: see `WarmUp`; null for
   * no warm-up.
   */
  readonly warmUp: number | null;
  /** Whose idle sessions are ended at the start, by patterns of their users' names; null for nobody's. */
  readonly recycleUsers: readonly string[] | null;
}

const DEFAULT_DEAD_MAN_MS = 3_600_000;
const SHORTEST_DEAD_MAN_MS = 60_000;
const SHORTEST_LAG_MS = 1_000;
const LARGEST_SAMPLE = 1_000_000;
const LONGEST_PATTERN = 256;

/** What is asked for when nothing is: every statement of every session, until it is stopped. */
export const RECORD_EVERYTHING: RecordingOptions = {
  includeUsers: [],
  excludeUsers: [],
  includeDatabases: [],
  excludeDatabases: [],
  includeHosts: [],
  only: [],
  sample: null,
  redact: null,
  maxSize: null,
  minFree: null,
  maxLog: null,
  maxLag: null,
  deadMan: DEFAULT_DEAD_MAN_MS,
  warmUp: null,
  recycleUsers: null,
};

/** Whether statements are left out by what they are or whose they are. */
export function hasFilter(options: RecordingOptions): boolean {
  const { includeUsers, excludeUsers, includeDatabases, excludeDatabases, includeHosts, only } =
    options;
  return [includeUsers, excludeUsers, includeDatabases, excludeDatabases, includeHosts, only].some(
    (list) => list.length > 0,
  );
}

/** Why a capture has no statements to record: no server to ask, or a window that is over already. */
type NothingToRecord = 'metrics_only' | 'registered';

/**
 * @param nothing why there is nothing to record at all; null where there is.
 * @throws AppError `invalid` for what cannot be asked for.
 */
export function checkRecordingOptions(
  options: RecordingOptions,
  nothing: NothingToRecord | null,
  environment: string,
): void {
  if (nothing !== null && JSON.stringify(options) !== JSON.stringify(RECORD_EVERYTHING)) {
    throw nothing === 'metrics_only'
      ? new AppError(
          'invalid',
          'A metrics-only environment records nothing: filters, guards and warm-ups do not apply',
          {
            hint: { code: 'give_server', environment },
          },
        )
      : new AppError(
          'invalid',
          'A window that is over records nothing: filters, guards and warm-ups do not apply',
          { hint: { code: 'from_now_on_or_without_options' } },
        );
  }
  const { includeUsers, excludeUsers, includeDatabases, excludeDatabases, includeHosts } = options;
  checkPatterns('A user to include', includeUsers);
  checkPatterns('A user to exclude', excludeUsers);
  checkPatterns('A database to include', includeDatabases);
  checkPatterns('A database to exclude', excludeDatabases);
  checkPatterns('A host to include', includeHosts);
  bounded('The sample', options.sample, 1, LARGEST_SAMPLE, 'between 1/1 and 1/1000000');
  bounded('The maximum size', options.maxSize, 1, Number.MAX_SAFE_INTEGER, 'at least 1 byte');
  bounded(
    'The minimum of free disk space',
    options.minFree,
    0,
    Number.MAX_SAFE_INTEGER,
    'at least 0 bytes',
  );
  bounded(
    'The maximum size of the log',
    options.maxLog,
    1,
    Number.MAX_SAFE_INTEGER,
    'at least 1 byte',
  );
  bounded(
    'The maximum lag',
    options.maxLag,
    SHORTEST_LAG_MS,
    Number.MAX_SAFE_INTEGER,
    'at least 1 s',
  );
  checkPatterns('A user whose sessions are recycled', options.recycleUsers ?? []);
  checkWarmUp(options.warmUp);
  bounded(
    'The delay of the dead-man switch',
    options.deadMan,
    SHORTEST_DEAD_MAN_MS,
    30 * 86_400_000,
    '60 s to 30 days',
  );
}

function checkPatterns(what: string, patterns: readonly string[]): void {
  if (patterns.every((pattern) => pattern !== '' && pattern.length <= LONGEST_PATTERN)) return;
  throw new AppError(
    'invalid',
    `${what} is a name or a pattern of 1 to ${LONGEST_PATTERN} characters`,
    { hint: { code: 'pattern_syntax' } },
  );
}

function bounded(
  what: string,
  value: number | null,
  least: number,
  most: number,
  bounds: string,
): void {
  if (value === null) return;
  if (!Number.isSafeInteger(value) || value < least || value > most) {
    throw new AppError('invalid', `${what} must be ${bounds}`);
  }
}

/** As the store keeps them: null for the defaults. */
export function storedOptions(options: RecordingOptions): string | null {
  const text = JSON.stringify(options);
  return text === JSON.stringify(RECORD_EVERYTHING) ? null : text;
}

/** What `storedOptions` made; what an older version did not know is as by default. */
export function readStoredOptions(text: string | null): RecordingOptions {
  if (text === null) return RECORD_EVERYTHING;
  return { ...RECORD_EVERYTHING, ...(JSON.parse(text) as Partial<RecordingOptions>) };
}

/**
 * Options out of an archive, which may be anybody's; what an older version did not know is as by default.
 * @throws AppError `invalid` for what are none.
 */
export function readArchivedOptions(value: unknown): RecordingOptions {
  const given = (value ?? {}) as Readonly<Record<string, unknown>>;
  const options: Record<string, unknown> = { ...RECORD_EVERYTHING };
  for (const name of Object.keys(options)) {
    const option = given[name];
    if (option === undefined) continue;
    if (!isOption(name, option)) {
      throw new AppError(
        'invalid',
        `The archive says of its capture that "${name}" was asked for as it cannot be`,
      );
    }
    options[name] = option;
  }
  const read = options as unknown as RecordingOptions;
  checkRecordingOptions(read, null, '');
  return read;
}

function isOption(name: string, value: unknown): boolean {
  const isOneOf = (all: readonly string[], one: unknown): boolean => all.includes(String(one));
  if (name === 'redact') return value === null || isOneOf(REDACTIONS, value);
  if (name === 'recycleUsers' && value === null) return true;
  if (name === 'recycleUsers' || Array.isArray(RECORD_EVERYTHING[name as keyof RecordingOptions])) {
    if (!Array.isArray(value) || !value.every((one) => typeof one === 'string')) return false;
    return name !== 'only' || value.every((one) => isOneOf(STATEMENT_CLASSES, one));
  }
  return value === null || typeof value === 'number';
}
