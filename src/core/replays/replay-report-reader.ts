import { CAPTURE_STATUSES } from '../captures/capture.ts';
import { AppError } from '../errors.ts';
import { DIGEST_CLASSES } from '../reports/tally.ts';
import { describe } from '../reports/report-reader.ts';
import {
  check,
  COUNT,
  isObject,
  list,
  NUMBER,
  object,
  oneOf,
  orNull,
  TEXT,
  TIME,
  Unfit,
  YES_OR_NO,
  type Check,
} from '../reports/value-checks.ts';
import { unpackedLatencies } from './latency-histogram.ts';
import { REPLAY_REPORT_FORMAT, REPLAY_REPORT_VERSION, type ReplayReport } from './replay-report.ts';
import { SKIP_REASONS, type ReplayOptions, type ReplayRow } from './replay.ts';

/** Whether a value is, or was meant to be, a replay as a file has it. */
export function isReplayReport(value: unknown): boolean {
  return (
    isObject(value) && (value['format'] === REPLAY_REPORT_FORMAT || value['type'] === 'REPLAY')
  );
}

/**
 * A replay as it was written earlier, perhaps by another version of this program. What is not known is left as it
 * is; everything that is read is checked.
 * @param value what the JSON held.
 * @param where names the file in the failure.
 * @throws AppError `invalid`, which says what it is, or what is wrong with it.
 */
export function readReplayReport(value: unknown, where: string): ReplayReport {
  if (!isObject(value) || !isReplayReport(value)) {
    throw new AppError('invalid', `${where} is not a replay: ${describe(value)}`, {
      hint: MAKE_IT,
    });
  }
  const version = value['formatVersion'];
  if (typeof version === 'number' && version > REPLAY_REPORT_VERSION) {
    throw new AppError('invalid', `${where} was written by a newer version of this program`, {
      hint: 'Update this program, or make the report with this version.',
    });
  }
  if (value['result'] === null) {
    throw new AppError('invalid', `${where} is of a replay that had no result yet`, {
      hint: MAKE_IT,
    });
  }
  try {
    REPLAY_REPORT(value, '');
  } catch (error) {
    if (!(error instanceof Unfit)) throw error;
    throw new AppError('invalid', `${where} is a damaged replay: ${error.message}`, {
      hint: MAKE_IT,
    });
  }
  const written = value as unknown as WrittenReplay;
  checkRows(written.result.rows, where);
  const { source, target, options } = written.replay;
  return { ...written, replay: { source, target, options: optionsOf(options) } };
}

const MAKE_IT = { code: 'make_report' } as const;

/** Times of the search are texts there, and the deadline is in seconds. */
interface WrittenReplay extends Omit<ReplayReport, 'replay'> {
  readonly replay: Omit<ReplayReport['replay'], 'options'> & { readonly options: WrittenOptions };
}

interface WrittenOptions extends Omit<ReplayOptions, 'search'> {
  readonly search: Omit<ReplayOptions['search'], 'since' | 'until'> & {
    readonly since: string | null;
    readonly until: string | null;
  };
}

function optionsOf({ search, deadline, ...options }: WrittenOptions): ReplayOptions {
  const instant = (text: string | null): number | null => (text === null ? null : Date.parse(text));
  return {
    ...options,
    deadline: deadline * 1_000,
    search: { ...search, since: instant(search.since), until: instant(search.until) },
  };
}

/** Counts by name or number. */
const COUNTS: Check = (value, path) => {
  object({})(value, path);
  for (const [name, count] of Object.entries(value as object)) COUNT(count, `${path}.${name}`);
};
const SPREAD = object({
  count: COUNT,
  averageMs: NUMBER,
  p50Ms: NUMBER,
  p95Ms: NUMBER,
  p99Ms: NUMBER,
  maxMs: NUMBER,
});
const ACCOUNTING = {
  records: COUNT,
  sent: COUNT,
  skipped: object(Object.fromEntries(SKIP_REASONS.map((reason) => [reason, maybe(COUNT)]))),
  failed: COUNTS,
};
const MOST_PARTS = 1_000;

function maybe(inner: Check): Check {
  return (value, path) => {
    if (value !== undefined) inner(value, path);
  };
}

const ROW = object({
  digest: TEXT,
  text: TEXT,
  db: orNull(TEXT),
  class: orNull(oneOf(DIGEST_CLASSES)),
  recorded: COUNT,
  sent: COUNT,
  skipped: ACCOUNTING.skipped,
  failed: COUNTS,
  count: COUNT,
  averageMs: NUMBER,
  p50Ms: NUMBER,
  p95Ms: NUMBER,
  p99Ms: NUMBER,
  maxMs: NUMBER,
  rowsReturned: COUNT,
  rowsChanged: COUNT,
  recordedPerSecond: NUMBER,
  perSecond: NUMBER,
  totalMs: NUMBER,
  histogram: check(
    'a histogram',
    (value) => typeof value === 'string' && unpackedLatencies(value) !== null,
  ),
  slices: object({ count: list(COUNT, MOST_PARTS), totalMs: list(NUMBER, MOST_PARTS) }),
});

const SERVER = object({ flavor: TEXT, version: TEXT });
const NAMES = list(TEXT);

const REPLAY_REPORT = object({
  format: oneOf([REPLAY_REPORT_FORMAT]),
  formatVersion: check(`${REPLAY_REPORT_VERSION}`, (value) => value === REPLAY_REPORT_VERSION),
  id: COUNT,
  name: TEXT,
  environment: TEXT,
  status: oneOf(CAPTURE_STATUSES),
  start: orNull(TIME),
  end: orNull(TIME),
  reason: orNull(TEXT),
  type: oneOf(['REPLAY']),
  replay: object({
    source: object({
      captureId: COUNT,
      captureName: TEXT,
      environmentName: TEXT,
      server: orNull(SERVER),
    }),
    options: object({
      speed: orNull(NUMBER),
      writes: YES_OR_NO,
      sessions: orNull(COUNT),
      serial: YES_OR_NO,
      recordedTime: YES_OR_NO,
      checksums: YES_OR_NO,
      deadline: NUMBER,
      databases: list(object({ recorded: TEXT, target: TEXT })),
      search: object({
        texts: NAMES,
        matchesCase: YES_OR_NO,
        users: NAMES,
        hosts: NAMES,
        databases: NAMES,
        sessions: list(COUNT),
        kinds: NAMES,
        digests: NAMES,
        tables: NAMES,
        since: orNull(TIME),
        until: orNull(TIME),
      }),
    }),
    target: orNull(SERVER),
  }),
  result: object({
    ...ACCOUNTING,
    ended: object({ why: oneOf(['complete', 'interrupted', 'target_lost', 'record_lost']) }),
    statements: object(ACCOUNTING),
    tookMs: NUMBER,
    recordedMs: NUMBER,
    lateMs: orNull(SPREAD),
    latency: orNull(SPREAD),
    perSecond: NUMBER,
    sessions: object({ recorded: COUNT, opened: COUNT, mostAtOnce: COUNT, lost: COUNT }),
    brokenOff: COUNT,
    deadlocks: COUNT,
    executes: object({ binary: COUNT, text: COUNT }),
    errors: list(object({ code: TEXT, count: COUNT, message: TEXT })),
    rows: list(ROW),
    unlisted: COUNT,
    checksums: list(object({ table: TEXT, checksum: orNull(TEXT) })),
    warnings: list(TEXT),
    divergence: list(TEXT),
  }),
});

/** Latencies are judged by the slices: those that do not add up say nothing. */
function checkRows(rows: readonly ReplayRow[], where: string): void {
  const keys = new Set<string>();
  for (const [index, { digest, db, slices, count }] of rows.entries()) {
    const key = JSON.stringify([digest, db]);
    const sum = slices.count.reduce((one, other) => one + other, 0);
    const fault =
      slices.count.length !== slices.totalMs.length
        ? 'has more slices of one kind than of the other'
        : sum > count
          ? 'has more answers in its slices than it counts'
          : keys.has(key)
            ? 'is there twice'
            : null;
    keys.add(key);
    if (fault === null) continue;
    throw new AppError('invalid', `${where} is a damaged replay: row ${index + 1} ${fault}`, {
      hint: MAKE_IT,
    });
  }
}
