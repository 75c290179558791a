import type { Report, ReportRow } from '../../src/core/reports/report.ts';

const START = Date.parse('2026-11-29T21:00:00.000Z');
const SLICES = 220;
const WIDTH = 16_384;

/** A row without statements, by digest. */
export const EMPTY_ROW: ReportRow = {
  name: 'd',
  digest: 'd',
  text: 'SELECT ?',
  db: 'shop',
  class: 'reads',
  count: 0,
  share: 0,
  perSecond: 0,
  first: '2026-11-22T02:00:00.000000Z',
  last: '2026-11-22T02:00:00.000000Z',
  users: [],
  hosts: [],
  tables: [],
  digests: 1,
  example: null,
  withoutValues: 0,
  times: null,
  slices: [],
  opened: null,
  closed: null,
};

/** A report by digest of a whole record without statements. */
export const EMPTY_REPORT: Report = {
  format: 'captures-report',
  formatVersion: 2,
  program: { name: 'captures', version: '0.1.0' },
  capture: {
    id: 1,
    name: 'monday',
    environment: 'shop',
    status: 'DONE',
    server: { flavor: 'mariadb', version: '11.8.2' },
  },
  window: { from: null, to: null, seconds: 0, isOpen: false },
  verdict: { verdict: 'whole', whole: true, line: 'WHOLE', problems: [], notes: [] },
  gaps: [],
  statements: 0,
  perSecond: 0,
  digests: 0,
  coverage: {
    records: { committed: 0, read: 0 },
    values: null,
    times: null,
    timesMs: null,
    timesAbsence: [],
    unmeasured: 0,
    isFiltered: false,
    filters: {
      includeUsers: [],
      excludeUsers: [],
      includeDatabases: [],
      excludeDatabases: [],
      includeHosts: [],
      only: [],
    },
    sample: null,
    isRedacted: false,
    leftOut: 0,
    unlisted: { digests: 0, databases: 0, users: 0, hosts: 0, sessions: 0 },
  },
  sessions: { seen: 0, opened: 0, closed: 0 },
  byClass: [],
  byFlag: { lossy: 0, unreplayable: 0, partial: 0, redacted: 0, echo: 0 },
  users: [],
  hosts: [],
  dbs: [],
  tables: [],
  axis: { from: 0, width: 16, count: 0 },
  slices: [],
  by: 'digest',
  sort: 'count',
  rows: [],
  otherRows: { rows: 0, statements: 0 },
  unlisted: null,
};

/** The same numbers from 0 to 1 at every run. */
export function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** A time so many seconds after the start of every report here. */
export function timeAt(seconds: number): string {
  return new Date(START + seconds * 1_000).toISOString().replace('Z', '000Z');
}

/** A row of a report by digest. */
export function rowOf(index: number, over: Partial<ReportRow> = {}): ReportRow {
  const random = numbers(index + 1);
  const count = Math.round(200_000 / (index + 1)) + 3;
  const weights = Array.from(
    { length: SLICES },
    (_, slice) => (0.5 + random()) * (1.01 + Math.sin(slice / (10 + (index % 7)))),
  );
  const whole = weights.reduce((sum, weight) => sum + weight, 0);
  // Rounded down: a slice has no statement that the row does not count.
  const slices = weights.map((weight) => Math.floor((count * weight) / whole));
  const table = TABLES[index % TABLES.length] ?? 'orders';
  const isWrite = index % 5 === 3;
  const text = isWrite
    ? `UPDATE ${table} SET state = ?, changed_at = NOW() WHERE id = ? AND shop_${index} IN (?+)`
    : `SELECT o.id, o.customer_id, o.total, c.name FROM ${table} o JOIN customers c ON c.id = o.customer_id WHERE o.state_${index} = ? AND o.created_at > ? ORDER BY o.created_at DESC LIMIT ?`;
  let value = 0;
  return {
    ...EMPTY_ROW,
    name: digestOf(index),
    digest: digestOf(index),
    text,
    class: isWrite ? 'writes' : 'reads',
    count,
    share: count / 1_400_000,
    perSecond: count / 3_600,
    first: timeAt(index),
    last: timeAt(3_599),
    users: [
      { name: 'app', count: count - 2 },
      { name: 'reports', count: 2 },
    ],
    hosts: [{ name: '10.0.4.17', count }],
    tables: [
      { name: `shop.${table}`, count, reads: isWrite ? 0 : count, writes: isWrite ? count : 0 },
      { name: 'shop.customers', count, reads: count, writes: 0 },
    ],
    example: {
      seq: 1_000 + index,
      time: timeAt(7 + index),
      session: 40 + index,
      user: 'app',
      sql: text.replaceAll(/\?\+?/g, () => String(Math.floor(random() * 90_000) + ++value)),
      isCut: false,
      flags: [],
    },
    withoutValues: index % 4 === 0 ? 12 : 0,
    slices,
    ...over,
  };
}

const TABLES = ['orders', 'order_items', 'carts', 'products', 'stock', 'sessions'];

function digestOf(index: number): string {
  return (0x9e37_79b9_7f4a_7c15n * BigInt(index + 1)).toString(16).padStart(16, '0').slice(-16);
}

/** A row with what the server measured. */
export function timedRow(index: number): ReportRow {
  const row = rowOf(index);
  const averageMs = 0.05 * (1 + ((index * 7) % 40));
  return {
    ...row,
    times: {
      count: row.count,
      totalMs: averageMs * row.count,
      averageMs,
      rowsSent: row.count * 2,
      rowsExamined: row.count * 14,
      errors: 0,
      sharedBy: 1,
    },
  };
}

/** A row with a statement of 2,000 characters that has little in common with the others. */
export function longRow(index: number): ReportRow {
  const row = timedRow(index);
  const columns = Array.from({ length: 60 }, (_, column) => `column_${column}_of_${index} = ?`);
  const verb = row.class === 'writes' ? 'UPDATE' : 'SELECT';
  const text = `${verb} /* ${row.digest ?? ''} */ ${columns.join(' AND ')}`;
  const { example } = row;
  const sql = text.replaceAll('?', () => `'${index * 7_919}'`);
  return { ...row, text, example: example === null ? null : { ...example, sql } };
}

/** Part of the hour of every report here. */
export const GAP = {
  from: timeAt(1_000),
  to: timeAt(1_200),
  cause: 'log_switched_off',
  reason: 'somebody switched the log off',
  after: null,
  before: null,
  afterSeq: 3,
  missing: 1_234,
} as const;

/** A report by digest of an hour, with these rows. */
export function reportOf(rows: readonly ReportRow[], over: Partial<Report> = {}): Report {
  const slices = Array.from({ length: SLICES }, (_, slice) =>
    rows.reduce((sum, row) => sum + (row.slices[slice] ?? 0), 0),
  );
  const statements = rows.reduce((sum, { count }) => sum + count, 0);
  return {
    ...EMPTY_REPORT,
    capture: {
      id: 7,
      name: 'friday',
      environment: 'shop',
      status: 'DONE',
      server: { flavor: 'MariaDB', version: '10.11.19' },
    },
    window: { from: timeAt(0), to: timeAt(3_600), seconds: 3_600, isOpen: false },
    verdict: {
      ...EMPTY_REPORT.verdict,
      line: 'WHOLE: 1,400,123 commands are recorded, the server counted 1,400,123',
    },
    statements,
    perSecond: statements / 3_600,
    digests: rows.length,
    coverage: {
      ...EMPTY_REPORT.coverage,
      records: { committed: statements + 90, read: statements + 90 },
      values: 0.931,
      timesAbsence: [{ why: 'off', from: null, to: null }],
    },
    sessions: { seen: 61, opened: 12, closed: 9 },
    byClass: [
      { name: 'reads', count: Math.round(statements * 0.8) },
      { name: 'writes', count: Math.round(statements * 0.2) },
    ],
    byFlag: { lossy: 0, unreplayable: 96, partial: 0, redacted: 0, echo: 0 },
    users: [{ name: 'app', count: statements }],
    hosts: [{ name: '10.0.4.17', count: statements }],
    dbs: [{ name: 'shop', count: statements }],
    tables: [{ name: 'shop.orders', count: statements, reads: statements, writes: 0 }],
    axis: { from: START, width: WIDTH, count: SLICES },
    slices,
    rows,
    ...over,
  };
}
