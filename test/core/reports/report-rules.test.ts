import { describe, expect, it } from 'vitest';
import { RECORD_EVERYTHING } from '../../../src/core/captures/recording-options.ts';
import { RecentCounts } from '../../../src/core/reports/recent-counts.ts';
import {
  makeReport,
  wholeReport,
  type ReportSubject,
} from '../../../src/core/reports/report-rules.ts';
import { timesOfReport } from '../../../src/core/reports/report-times.ts';
import { checkBounds, windowOf, type Edges } from '../../../src/core/reports/report-window.ts';
import type { Dimension, ReportRequest, SortKey } from '../../../src/core/reports/report.ts';
import type {
  AccountTally,
  DigestTally,
  Tally,
  UnlistedTally,
} from '../../../src/core/reports/tally.ts';
import { systemClock } from '../../../src/core/clock.ts';

const START = Date.parse('2026-11-22T01:00:00Z');

function at(seconds: number): string {
  return `${new Date(START + seconds * 1_000).toISOString().slice(0, -1)}000Z`;
}

function digest(text: string, count: number, changes: Partial<DigestTally> = {}): DigestTally {
  return {
    digest: Buffer.from(text.padEnd(8).slice(0, 8)).toString('hex'),
    text,
    db: 'shop',
    class: 'reads',
    tables: [],
    accounts: [{ user: 'app', host: 'web1', count }],
    otherAccounts: 0,
    example: {
      seq: 1,
      time: at(0),
      session: 7,
      user: 'app',
      sql: text.replaceAll('?', '1'),
      isCut: false,
      flags: [],
    },
    withoutValues: 0,
    prepared: 0,
    count,
    first: at(1),
    last: at(9),
    slices: [count, 0],
    ...changes,
  };
}

const read = (name: string) => ({ name, access: 'read' }) as const;
const write = (name: string) => ({ name, access: 'write' }) as const;

const DIGESTS = [
  digest('orders by id', 60, { tables: [read('shop.orders')], first: at(2) }),
  digest('move orders', 30, {
    class: 'writes',
    tables: [read('shop.orders'), write('shop.orders'), write('shop.old')],
    last: at(8),
    slices: [0, 30],
    withoutValues: 3,
    accounts: [
      { user: 'app', host: 'web2', count: 20 },
      { user: 'root', host: 'db1', count: 10 },
    ],
  }),
  digest('commit', 10, { class: null, db: null, first: at(0) }),
];

function account(user: string | null, host: string, count: number): AccountTally {
  const slices = [count, 0];
  return { user, host, count, first: at(1), last: at(9), slices, opened: 1, closed: 0 };
}

const NOTHING = { statements: 0, slices: [0, 0] };
const NONE = { byName: [], other: NOTHING };

function tallyOf(digests: readonly DigestTally[], changes: Partial<Tally> = {}): Tally {
  const statements = digests.reduce((sum, { count }) => sum + count, 0);
  return {
    axis: { from: START, width: 8_192, count: 2 },
    slices: new Uint32Array([statements, 0]),
    statements,
    records: statements,
    first: at(0),
    last: at(9),
    byFlag: { lossy: 0, unreplayable: 0, partial: 0, redacted: 0, echo: 0 },
    executes: { withValues: 9, withoutValues: 1 },
    digests,
    otherDigests: { statements: 0, databases: NONE, classes: NONE },
    accounts: [account('app', 'web1', 70), account('app', 'web2', 20), account('root', 'db1', 10)],
    otherAccounts: { statements: 0, users: NONE, hosts: NONE },
    sessions: [9, 10].map((session) => ({
      session,
      user: 'app',
      host: 'web1',
      db: null,
      count: session,
      first: at(1),
      last: at(2),
      slices: [session, 0],
      opened: at(1),
      closed: null,
    })),
    otherSessions: NOTHING,
    opened: 1,
    closed: 0,
    ...changes,
  };
}

function subjectOf(changes: Partial<ReportSubject> = {}): ReportSubject {
  return {
    program: { name: 'captures', version: '1' },
    capture: { id: 1, name: 'friday', environment: 'shop', status: 'DONE', server: null },
    window: { from: at(0), to: at(10), seconds: 10, isOpen: false },
    verdict: { verdict: 'whole', whole: true, line: 'WHOLE', problems: [], notes: [] },
    gaps: [],
    options: RECORD_EVERYTHING,
    leftOut: 0,
    measuresExecutes: true,
    times: { times: null, timesMs: null, timesAbsence: [], read: null, of: () => null },
    ...changes,
  };
}

const rest = (statements: number) => ({ statements, slices: [statements - 1, 1] });
const unlisted = <Name>(name: Name, count: number): UnlistedTally<Name> => {
  const slices = [count - 1, 1];
  return {
    name,
    count,
    first: at(3),
    last: at(10),
    slices,
    withoutValues: name === 'shop' ? 4 : 0,
  };
};

/** More than is told apart, of everything. */
const MANY = tallyOf(DIGESTS, {
  statements: 130,
  otherDigests: {
    statements: 30,
    databases: { byName: [unlisted('shop', 20), unlisted('crm', 8)], other: rest(2) },
    classes: {
      byName: [
        { ...unlisted('writes', 29), slices: [29, 0] },
        { ...unlisted(null, 1), slices: [0, 1] },
      ],
      other: NOTHING,
    },
  },
  otherAccounts: {
    statements: 30,
    users: { byName: [unlisted('app', 30)], other: NOTHING },
    hosts: { byName: [unlisted('web1', 4), unlisted('web3', 20)], other: rest(6) },
  },
  otherSessions: rest(7),
});

const REQUEST: ReportRequest = {
  by: 'digest',
  sort: null,
  limit: null,
  since: null,
  until: null,
  digest: null,
};

function reportOn(
  request: Partial<ReportRequest>,
  subject: Partial<ReportSubject> = {},
  tally = tallyOf(DIGESTS),
) {
  const counted = { tally, records: { committed: 100, read: 100 }, damage: [] };
  return wholeReport(makeReport(subjectOf(subject), counted, { ...REQUEST, ...request }).report);
}

describe('the rows of a report', () => {
  it.each<[Dimension, [name: string | null, count: number][]]>([
    ['digest', DIGESTS.map(({ digest: id, count }) => [id, count])],
    [
      'table',
      [
        ['shop.orders', 90],
        ['shop.old', 30],
        [null, 10],
      ],
    ],
    [
      'user',
      [
        ['app', 90],
        ['root', 10],
      ],
    ],
    [
      'host',
      [
        ['web1', 70],
        ['web2', 20],
        ['db1', 10],
      ],
    ],
    [
      'db',
      [
        ['shop', 90],
        [null, 10],
      ],
    ],
    [
      'class',
      [
        ['reads', 60],
        ['writes', 30],
        [null, 10],
      ],
    ],
    [
      'session',
      [
        ['10', 10],
        ['9', 9],
      ],
    ],
  ])('by %s are these, most first', (by, expected) => {
    const { rows } = reportOn({ by });
    expect(rows.map(({ name, count }) => [name, count])).toEqual(expected);
    for (const { count, share, perSecond } of rows) {
      expect([share, perSecond]).toEqual([count / 100, count / 10]);
    }
  });

  it('of a table hold what statements of several digests do to it', () => {
    const [orders] = reportOn({ by: 'table' }).rows;
    expect(orders).toMatchObject({
      digests: 2,
      withoutValues: 3,
      first: at(1),
      last: at(9),
      slices: [60, 30],
      tables: [
        { name: 'shop.orders', count: 90, reads: 90, writes: 30 },
        { name: 'shop.old', count: 30, reads: 0, writes: 30 },
      ],
      users: [
        { name: 'app', count: 80 },
        { name: 'root', count: 10 },
      ],
      example: { sql: 'orders by id' },
    });
  });

  it('of a user name the tables and digests of that user alone, with an example of theirs', () => {
    const rows = reportOn({ by: 'user' }).rows;
    expect(rows.map(({ digests, example }) => [digests, example?.user])).toEqual([
      [3, 'app'],
      [1, undefined],
    ]);
    expect(rows[1]?.tables[0]).toMatchObject({ name: 'shop.old', count: 10 });
  });

  it('by user goes through the digests as often for a thousand users as for ten', () => {
    const looksFor = (users: number): number => {
      let looks = 0;
      const digests = Array.from({ length: users }, (_, n): DigestTally => ({
        ...digest(`d${n}`, 1),
        get accounts() {
          looks += 1;
          return [{ user: `u${n}`, host: 'web', count: 1 }];
        },
      }));
      const accounts = Array.from({ length: users }, (_, n) => account(`u${n}`, 'web', 1));
      reportOn({ by: 'user' }, {}, tallyOf(digests, { accounts }));
      return looks / users;
    };
    expect(looksFor(1_000)).toBe(looksFor(10));
  });

  it.each<[SortKey, string[]]>([
    ['count', ['60', '30', '10']],
    ['first', ['10', '30', '60']],
    ['last', ['60', '10', '30']],
    ['name', ['10', '30', '60']],
    // The row of 10 would have 111 ms with the average time of the others.
    ['time', ['30', '10', '60']],
    ['average', ['30', '60', '10']],
    ['examined', ['60', '30', '10']],
  ])(
    'sorted by %s stand in that order; those without times last, by time where their count puts them',
    (sort, counts) => {
      const timesOf = (count: number, totalMs: number, rowsExamined: number) => ({
        count,
        totalMs,
        averageMs: totalMs / count,
        rowsSent: 0,
        rowsExamined,
        errors: 0,
        sharedBy: 1,
      });
      const times = {
        times: 0.9,
        timesMs: 1_000,
        timesAbsence: [],
        read: null,
        of: ([one]: readonly DigestTally[]) =>
          one?.count === 60 ? timesOf(60, 100, 9) : one?.count === 30 ? timesOf(30, 900, 5) : null,
      };
      const { rows } = reportOn({ sort }, { times });
      expect(rows.map(({ count }) => String(count))).toEqual(counts);
    },
  );

  it.each([
    [0.9, 'digest', 'time'],
    [0.4, 'digest', 'count'],
    [0.9, 'user', 'count'],
  ] as const)(
    'are sorted, with times for %f of the statements, by %s, by %s',
    (times, by, sort) => {
      expect(
        reportOn(
          { by },
          { times: { times, timesMs: 9, timesAbsence: [], read: null, of: () => null } },
        ).sort,
      ).toBe(sort);
    },
  );

  const off = [{ why: 'off', from: null, to: null }] as const;
  it.each([
    ['none of them, and was read throughout', null, [0, 10], [], 'not_counted'],
    ['two thirds of them', 0.66, [0, 11], [], 'not_counted'],
    ['nearly all of them', 0.91, [0, 10], [], null],
    ['two thirds, and was not read to the end yet', 0.66, [0, 5], [], null],
    ['two thirds, and was read from the middle on', 0.66, [5, 10], [], null],
    ['two thirds, which has a reason', 0.66, [0, 10], off, 'off'],
    ['two thirds, and was not read at the edges', 0.66, null, [], null],
  ] as const)('of which the server counted %s', (_what, times, read, timesAbsence, why) => {
    const span =
      read === null ? null : { from: Date.parse(at(read[0])), to: Date.parse(at(read[1])) };
    const known = { times, timesMs: 9, timesAbsence, read: span, of: () => null };
    const [first] = reportOn({}, { times: known }).coverage.timesAbsence;
    expect(first?.why ?? null).toBe(why);
  });

  it('beyond the limit are counted', () => {
    const report = reportOn({ limit: 1 });
    expect(report.rows).toHaveLength(1);
    expect(report.otherRows).toEqual({ rows: 2, statements: 40 });
  });

  it.each<[Dimension, number | null]>([
    ['digest', 30],
    ['table', 30],
    ['db', 2],
    ['class', null],
    ['user', null],
    ['host', 6],
    ['session', 7],
  ])('that could not be made, by %s, are one with the rest', (by, count) => {
    const report = reportOn({ by }, {}, MANY);
    const rest =
      count === null
        ? null
        : { count, share: count / 130, perSecond: count / 10, slices: [count - 1, 1] };
    expect(report.unlisted).toEqual(rest);
    const unlisted = { digests: 30, databases: 2, users: 0, hosts: 6, sessions: 7 };
    expect(report.coverage).toMatchObject({ unlisted, values: 0.9 });
    if (by === 'table' || by === 'session') return;
    const share = report.rows.reduce((sum, row) => sum + row.share, report.unlisted?.share ?? 0);
    expect(share).toBeCloseTo(1, 9);
  });

  it('of a digest that may be one of too many are not said to be of none', () => {
    const capture = { environmentName: 'shop', name: 'friday' };
    expect(() => reportOn({ digest: 'ff' }, {}, MANY)).toThrow(
      expect.objectContaining({
        code: 'not_found',
        message:
          'Only the first 3 digests of the capture "friday" are told apart, and none of them is ff',
        hint: { code: 'search_digest', capture, digest: 'ff' },
      }),
    );
  });

  it('by user and host count statements of accounts that are not told apart', () => {
    const [app, root] = reportOn({ by: 'user' }, {}, MANY).rows;
    expect(app).toMatchObject({ name: 'app', count: 120, last: at(10), slices: [119, 1] });
    expect(app?.hosts).toEqual([
      { name: 'web1', count: 70 },
      { name: 'web2', count: 20 },
    ]);
    expect(root).toMatchObject({ name: 'root', count: 10 });
    const report = reportOn({ by: 'host', sort: 'name' }, {}, MANY);
    const counts = [
      ['db1', 10],
      ['web1', 74],
      ['web2', 20],
      ['web3', 20],
    ];
    expect(report.rows.map(({ name, count }) => [name, count])).toEqual(counts);
    expect(report.users[0]).toEqual({ name: 'app', count: 120 });
    expect(report.hosts[0]).toEqual({ name: 'web1', count: 74 });
  });

  it('by database and class count statements of digests that are in no row', () => {
    const [shop, none, crm] = reportOn({ by: 'db' }, {}, MANY).rows;
    expect(shop).toMatchObject({
      name: 'shop',
      count: 110,
      first: at(1),
      last: at(10),
      slices: [79, 31],
      withoutValues: 7,
      digests: 2,
    });
    expect(crm).toMatchObject({ name: 'crm', count: 8, digests: 0, example: null, times: null });
    expect(none).toMatchObject({ name: null, count: 10 });
    const report = reportOn({ by: 'class', sort: 'name' }, {}, MANY);
    expect(report.rows.map(({ name, count }) => [name, count])).toEqual([
      ['reads', 60],
      ['writes', 59],
      [null, 11],
    ]);
    expect(report.byClass.reduce((sum, { count }) => sum + count, 0)).toBe(report.statements);
    expect(report.dbs).toEqual([
      { name: 'shop', count: 110 },
      { name: null, count: 10 },
      { name: 'crm', count: 8 },
    ]);
  });

  it('that are executes are counted where the server measures none of them', () => {
    expect(reportOn({}).coverage.unmeasured).toBe(0);
    const report = reportOn({}, { measuresExecutes: false });
    expect(report.coverage).toMatchObject({ unmeasured: 10, values: 0.9 });
  });

  it('of one digest are found by the beginning of its id, in any case', () => {
    const id = DIGESTS[1]?.digest ?? '';
    const { rows, statements } = reportOn({ digest: id.slice(0, 5).toUpperCase() });
    expect(rows.map(({ digest: one, share }) => [one, share])).toEqual([[id, 0.3]]);
    expect(statements).toBe(100);
  });

  it.each([
    ['abc', 'digest', 'not_found'],
    ['xyz', 'digest', 'invalid'],
    ['', 'digest', 'invalid'],
    ['6f', 'table', 'invalid'],
  ] as const)('of the digest "%s" by %s are %s', (typed, by, code) => {
    expect(() => reportOn({ digest: typed, by })).toThrow(expect.objectContaining({ code }));
  });

  it('are none of an empty workload, whose rates are 0', () => {
    const window = { from: at(0), to: at(0), seconds: 0, isOpen: true };
    const report = reportOn({}, { window }, tallyOf([], { accounts: [], sessions: [] }));
    expect(report).toMatchObject({ statements: 0, perSecond: 0, rows: [], tables: [] });
  });
});

describe('times', () => {
  const key = (text: string): string => text.split(' ')[0] ?? '';
  const digests = [digest('a 1', 10), digest('a 2', 20), digest('b', 30)];
  const counted = (text: string, count: number) => ({
    db: 'shop',
    text,
    count,
    micros: count * 2_000,
    rowsSent: 0,
    rowsExamined: count,
    errors: 0,
  });
  const { of, times } = timesOfReport(
    tallyOf(digests),
    { digests: [counted('a', 30), counted('b', 30)], absence: [], read: null },
    key,
    true,
  );

  it('of what the server counts as one are added once to a row that has all of it', () => {
    expect(times).toBe(1);
    expect(of(digests)).toMatchObject({ count: 60, totalMs: 120, averageMs: 2, sharedBy: 1 });
  });

  it.each([
    { measuresExecutes: true, ofPrepared: { count: 30, sharedBy: 3 }, sharedBy: 3 },
    { measuresExecutes: false, ofPrepared: null, sharedBy: 2 },
  ])(
    'of a digest that was executed as prepared only: $ofPrepared',
    ({ measuresExecutes, ofPrepared, sharedBy }) => {
      const prepared = digest('a 3', 5, { prepared: 5 });
      const inPart = digest('a 2', 20, { prepared: 19 });
      const joined = timesOfReport(
        tallyOf([digest('a 1', 10), inPart, prepared]),
        { digests: [counted('a', 30)], absence: [], read: null },
        key,
        measuresExecutes,
      );
      if (ofPrepared === null) expect(joined.of([prepared])).toBeNull();
      else expect(joined.of([prepared])).toMatchObject(ofPrepared);
      expect(joined.of([inPart])).toMatchObject({ count: 30, sharedBy });
    },
  );

  it('of a row that has a part of it say that they are of more', () => {
    expect(of(digests.slice(0, 1))).toMatchObject({ count: 30, sharedBy: 2 });
    expect(of(digests.slice(1))).toMatchObject({ count: 60, sharedBy: 2 });
  });
});

describe('the window of a report', () => {
  const edges: Edges = { from: at(0), to: at(60), isOpen: false };
  const open: Edges = { from: at(0), to: null, isOpen: true };
  const seconds = (value: number | null): number | null =>
    value === null ? null : START + value * 1_000;

  it.each([
    [edges, null, null, 0, 60, false],
    [edges, 10, 20, 10, 20, false],
    [edges, -10, 90, 0, 60, false],
    [open, null, null, 0, 30, true],
    [open, 10, 20, 10, 20, false],
  ])('%j from %s until %s is %d to %d', (whole, since, until, from, to, isOpen) => {
    const bounds = { since: seconds(since), until: seconds(until) };
    const found = windowOf(whole, bounds, { last: at(25) }, START + 30_000);
    expect(found).toEqual({ from: at(from), to: at(to), seconds: to - from, isOpen });
  });

  it('of one that goes on never ends before its last statement', () => {
    const found = windowOf(open, { since: null, until: null }, { last: at(25) }, START + 5_000);
    expect(found.to).toBe(at(25));
  });

  it.each([
    [edges, 60, null, /nothing from 2026-11-22 01:01:00 UTC on: its window is .*01:00:00 UTC to/],
    [edges, null, 0, /nothing before 2026-11-22 01:00:00 UTC/],
    [edges, 20, 20, /is not before/],
    [open, 31, null, /01:00:00 UTC to now/],
  ])('%j refuses from %s until %s', (whole, since, until, message) => {
    const bounds = { since: seconds(since), until: seconds(until) };
    expect(() => checkBounds(whole, bounds, START + 30_000)).toThrow(message);
  });
});

describe('the rates of now', () => {
  it('are taken over the interval, however often one looks', () => {
    const recent = new RecentCounts(2_000, systemClock);
    const group = (count: number) => [{ key: 'a', name: 'a', count } as never];
    const rates: (number | null)[] = [];
    for (const [second, count] of [
      [0, 0],
      [1, 100],
      [2, 300],
      [2.1, 310],
      [4, 700],
    ] as const) {
      const now = START + second * 1_000;
      rates.push(recent.intervalAt(now, count, group(count))?.rows[0] ?? null);
      recent.add(now, count, group(count));
    }
    // At 2 since 0; at 2.1 since 0 too; at 4 since 2.
    expect(rates).toEqual([null, null, 150, 310 / 2.1, 200]);
  });
});
