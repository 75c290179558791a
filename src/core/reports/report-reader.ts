import { CAPTURE_STATUSES } from '../captures/capture.ts';
import { AppError } from '../errors.ts';
import { STATEMENT_FLAGS } from '../workloads/statements.ts';
import { DIMENSIONS, REPORT_VERSION, SORT_KEYS, type Report } from './report.ts';
import { DIGEST_CLASSES, MOST_SLICES } from './tally.ts';
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
} from './value-checks.ts';

/**
 * A report as it was written earlier, perhaps by another version of this program. What is not known is left as
 * it is; everything that is read is checked.
 * @param value what the JSON held.
 * @param where names the file in the failure.
 * @throws AppError `invalid`, which says what it is, or what is wrong with it.
 */
export function readReport(value: unknown, where: string): Report {
  if (!isObject(value) || value['format'] !== 'captures-report') {
    throw new AppError('invalid', `${where} is not a report: ${describe(value)}`, {
      hint: { code: 'make_report' },
    });
  }
  const version = value['formatVersion'];
  if (typeof version === 'number' && version > REPORT_VERSION) {
    throw new AppError('invalid', `${where} was written by a newer version of this program`, {
      hint: 'Update this program, or make the report with this version.',
    });
  }
  const current = version === 1 ? fromVersion1(value, where) : value;
  try {
    REPORT(current, '');
  } catch (error) {
    if (!(error instanceof Unfit)) throw error;
    throw new AppError('invalid', `${where} is a damaged report: ${error.message}`, {
      hint: { code: 'make_report' },
    });
  }
  const report = current as unknown as Report;
  checkSlices(report, where);
  return report;
}

/**
 * Version 1 knew only how many statements its rows did not count.
 * @throws AppError `invalid` where there are some: its databases and classes may have fewer statements than there were.
 */
function fromVersion1(value: Record<string, unknown>, where: string): Record<string, unknown> {
  const coverage = isObject(value['coverage']) ? value['coverage'] : {};
  const { unlisted } = coverage;
  if (typeof unlisted === 'number' && unlisted > 0) {
    throw new AppError(
      'invalid',
      `${where} was written by an older version of this program, which counted only some of its statements`,
      { hint: { code: 'make_report' } },
    );
  }
  const nothing = unlisted === 0 ? NOTHING_UNLISTED : unlisted;
  return {
    ...value,
    formatVersion: REPORT_VERSION,
    coverage: { ...coverage, unlisted: nothing },
    unlisted: null,
  };
}

const NOTHING_UNLISTED = { digests: 0, databases: 0, users: 0, hosts: 0, sessions: 0 };

/** What somebody may have given instead. */
export function describe(value: unknown): string {
  if (Array.isArray(value)) return 'it is a list';
  if (!isObject(value)) return `it is ${value === null ? 'null' : `a ${typeof value}`}`;
  if (value['format'] === 'captures-diff' || value['format'] === 'captures-replay-diff')
    return 'it is a comparison';
  if (value['format'] === 'captures-replay') return 'it is a replay';
  if ('complete' in value && 'segments' in value)
    return "it is the manifest of a capture's workload";
  if ('envId' in value) return 'it is a capture';
  if ('code' in value && 'message' in value)
    return `it holds a failure (${shown(value['message'])})`;
  if (Array.isArray(value['rows']) && 'window' in value) return 'some of its fields were left out';
  const fields = Object.keys(value).slice(0, 3).map(shown).join(', ');
  return fields === '' ? 'it is an empty object' : `it is an object with ${fields}`;
}

function shown(value: unknown): string {
  const text = String(value);
  return text.length <= 60 ? text : `${text.slice(0, 60)}…`;
}

const NAMED = list(object({ name: orNull(TEXT), count: COUNT }));
const TABLES = list(object({ name: orNull(TEXT), count: COUNT, reads: COUNT, writes: COUNT }));
const SLICES = list(COUNT, MOST_SLICES);

const ROW = object({
  name: orNull(TEXT),
  digest: orNull(TEXT),
  text: orNull(TEXT),
  db: orNull(TEXT),
  class: orNull(oneOf(DIGEST_CLASSES)),
  count: check(
    'a whole number from 1 on',
    (value) => Number.isSafeInteger(value) && Number(value) > 0,
  ),
  share: NUMBER,
  perSecond: NUMBER,
  first: TIME,
  last: TIME,
  users: NAMED,
  hosts: NAMED,
  tables: TABLES,
  digests: orNull(COUNT),
  example: orNull(object({ sql: TEXT, time: TIME, session: NUMBER, user: orNull(TEXT) })),
  withoutValues: orNull(COUNT),
  times: orNull(
    object({
      count: COUNT,
      totalMs: NUMBER,
      averageMs: NUMBER,
      rowsSent: NUMBER,
      rowsExamined: NUMBER,
      errors: NUMBER,
      sharedBy: COUNT,
    }),
  ),
  slices: SLICES,
});

const PATTERNS = list(TEXT);

const REPORT = object({
  formatVersion: check(`1 or ${REPORT_VERSION}`, (value) => value === REPORT_VERSION),
  program: object({ name: TEXT, version: TEXT }),
  capture: object({
    id: COUNT,
    name: TEXT,
    environment: TEXT,
    status: oneOf(CAPTURE_STATUSES),
    server: orNull(object({ flavor: TEXT, version: TEXT })),
  }),
  window: object({ from: orNull(TIME), to: orNull(TIME), seconds: NUMBER, isOpen: YES_OR_NO }),
  verdict: object({
    verdict: TEXT,
    whole: YES_OR_NO,
    line: TEXT,
    problems: list(object({ what: TEXT })),
    notes: list(TEXT),
  }),
  gaps: list(object({ from: orNull(TIME), to: orNull(TIME), reason: TEXT })),
  statements: COUNT,
  perSecond: NUMBER,
  digests: COUNT,
  coverage: object({
    records: object({ committed: COUNT, read: COUNT }),
    values: orNull(NUMBER),
    times: orNull(NUMBER),
    timesMs: orNull(NUMBER),
    timesAbsence: list(object({ why: TEXT, from: orNull(TIME), to: orNull(TIME) })),
    unmeasured: COUNT,
    isFiltered: YES_OR_NO,
    filters: object({
      includeUsers: PATTERNS,
      excludeUsers: PATTERNS,
      includeDatabases: PATTERNS,
      excludeDatabases: PATTERNS,
      includeHosts: PATTERNS,
      only: PATTERNS,
    }),
    sample: orNull(COUNT),
    isRedacted: YES_OR_NO,
    leftOut: COUNT,
    unlisted: object({
      digests: COUNT,
      databases: COUNT,
      users: COUNT,
      hosts: COUNT,
      sessions: COUNT,
    }),
  }),
  sessions: object({ seen: COUNT, opened: COUNT, closed: COUNT }),
  byClass: NAMED,
  byFlag: object(Object.fromEntries(STATEMENT_FLAGS.map((flag) => [flag, COUNT]))),
  users: NAMED,
  hosts: NAMED,
  dbs: NAMED,
  tables: TABLES,
  axis: object({
    from: check('a whole number', Number.isSafeInteger),
    width: check(
      'a whole number from 1 on',
      (value) => Number.isSafeInteger(value) && Number(value) > 0,
    ),
    count: COUNT,
  }),
  slices: SLICES,
  by: oneOf(DIMENSIONS),
  sort: oneOf(SORT_KEYS),
  rows: list(ROW),
  otherRows: object({ rows: COUNT, statements: COUNT }),
  unlisted: orNull(object({ count: COUNT, share: NUMBER, perSecond: NUMBER, slices: SLICES })),
});

/** Rates are judged by the slices: those that do not add up say nothing. */
function checkSlices({ rows, axis }: Report, where: string): void {
  const keys = new Set<string>();
  for (const [index, { slices, count, name, db }] of rows.entries()) {
    const sum = slices.reduce((one, other) => one + other, 0);
    const key = JSON.stringify([name, db]);
    const fault =
      slices.length !== axis.count
        ? `has ${slices.length} slices, not ${axis.count}`
        : sum > count
          ? 'has more statements in its slices than it counts'
          : keys.has(key)
            ? 'is there twice'
            : null;
    keys.add(key);
    if (fault !== null) {
      throw new AppError('invalid', `${where} is a damaged report: row ${index + 1} ${fault}`, {
        hint: { code: 'make_report' },
      });
    }
  }
}
