import { describe, expect, it } from 'vitest';
import {
  RECORD_EVERYTHING,
  type RecordingOptions,
} from '../../src/core/captures/recording-options.ts';
import type {
  LoggedStatement,
  StatementFlag,
  StatementKind,
} from '../../src/core/workloads/statements.ts';
import { matchesPattern } from '../../src/core/captures/name-patterns.ts';
import { StatementSelection, type SelectionState } from '../../src/sql/selection.ts';
import { SessionSample } from '../../src/sql/session-sample.ts';
import { WorkloadCounters } from '../../src/workload/counters.ts';
import { aStatement } from '../workload/statements.ts';

/** A selection and what it counts. */
class Bench {
  readonly counters = new WorkloadCounters();
  readonly selection: StatementSelection;

  constructor(options: Partial<RecordingOptions>, state: SelectionState | null = null) {
    const all = { ...RECORD_EVERYTHING, ...options };
    const selection = StatementSelection.of(all, 'a seed', this.counters, state);
    if (selection === null) throw new Error('nothing is asked for');
    this.selection = selection;
  }

  /** The texts that are recorded. */
  texts(rows: readonly LoggedStatement[]): string[] {
    return this.selection.select(rows).map((place) => rows[place]?.sql ?? '?');
  }

  keeps(about: Partial<LoggedStatement>): boolean {
    return this.selection.select([aStatement(about)]).length === 1;
  }

  get skipped(): Record<string, number> {
    return this.counters.counts().skipped;
  }
}

/** `session kind text`, as a row of user `app` in database `shop`. */
function rows(...lines: string[]): LoggedStatement[] {
  return lines.map((line) => {
    const [session = '', kind = '', ...words] = line.split(' ');
    const [name = '', flag] = kind.split('!');
    return aStatement({
      session: Number(session),
      kind: name as StatementKind,
      sql: words.join(' '),
      flags: flag === undefined ? [] : [flag as StatementFlag],
    });
  });
}

it('nothing is chosen where nothing is asked for', () => {
  const counters = new WorkloadCounters();
  const none = StatementSelection.of(RECORD_EVERYTHING, 's', counters, null);
  const one = StatementSelection.of({ ...RECORD_EVERYTHING, sample: 1 }, 's', counters, null);
  expect([none, one]).toEqual([null, null]);
});

describe('patterns', () => {
  it.each([
    ['app', 'app', true],
    ['app', 'apps', false],
    ['app*', 'app', true],
    ['app*', 'application', true],
    ['*app', 'the app', true],
    ['a?p', 'app', true],
    ['a?p', 'ap', false],
    ['?', '😀', true],
    ['*', '', true],
    ['**', 'anything', true],
    ['?*', '', false],
    ['a*b*c', 'aXbXbXc', true],
    ['a*b*c', 'aXbXcX', false],
    ['10.0.*', '10.0.3.4', true],
    ['10.0.*', '10.003.4', false],
    ['a.c', 'abc', false],
    ['[a-z]', 'a', false],
    ['a b', 'a b', true],
    ["o'brien", "o'brien", true],
    ['100%', '100%', true],
    [String.raw`a\b`, String.raw`a\b`, true],
  ])('%j of %j: %j', (pattern, name, expected) => {
    expect(matchesPattern(pattern, name)).toBe(expected);
  });

  it('that no name can match take no time to find out', () => {
    // Tried one by one, the ways to match it would not end.
    expect(matchesPattern('*a'.repeat(128), `${'a'.repeat(127)}b`)).toBe(false);
  });
});

describe('users', () => {
  it.each<[Partial<RecordingOptions>, (string | null)[]]>([
    [{ includeUsers: ['app*'] }, ['app', 'app_ro']],
    [{ includeUsers: ['app', 'root'] }, ['app', 'root']],
    [{ excludeUsers: ['root'] }, ['app', 'app_ro', 'App', null]],
    [{ includeUsers: ['app*'], excludeUsers: ['*_ro'] }, ['app']],
    [{ includeUsers: ['*'] }, ['app', 'app_ro', 'App', 'root']],
  ])('%j keeps %j', (options, kept) => {
    const bench = new Bench(options);
    const users = ['app', 'app_ro', 'App', 'root', null];
    expect(users.filter((user) => bench.keeps({ user }))).toEqual(kept);
    expect(bench.skipped).toEqual({ user: users.length - kept.length });
  });

  it('are those of the row, also after a change of user in the session', () => {
    const bench = new Bench({ includeUsers: ['app'] });
    expect(bench.keeps({ kind: 'connect', user: 'app' })).toBe(true);
    expect(bench.keeps({ kind: 'change_user', user: 'root' })).toBe(false);
    expect(bench.keeps({ user: 'root' })).toBe(false);
    expect(bench.keeps({ kind: 'change_user', user: 'app' })).toBe(true);
    expect(bench.keeps({ kind: 'quit', user: 'app' })).toBe(true);
  });
});

it('hosts are compared ignoring case, and one that is unknown is none of those asked for', () => {
  const bench = new Bench({ includeHosts: ['web-*.EXAMPLE', '10.0.0.?'] });
  const hosts = ['WEB-1.example', '10.0.0.5', '10.0.0.55', 'localhost', null];
  expect(hosts.filter((host) => bench.keeps({ host }))).toEqual(['WEB-1.example', '10.0.0.5']);
  expect(bench.skipped).toEqual({ host: 3 });
});

describe('databases', () => {
  it.each<[Partial<RecordingOptions>, (string | null)[]]>([
    [{ includeDatabases: ['shop'] }, ['shop', 'Shop']],
    [{ excludeDatabases: ['shop'] }, ['secret', null]],
    [{ includeDatabases: ['s*'], excludeDatabases: ['secret'] }, ['shop', 'Shop']],
    [{ includeDatabases: ['*'] }, ['shop', 'Shop', 'secret']],
  ])('%j keeps %j', (options, kept) => {
    const bench = new Bench(options);
    const databases = ['shop', 'Shop', 'secret', null];
    for (const kind of ['query', 'prepare', 'execute', 'close', 'other'] as const) {
      expect(databases.filter((db) => bench.keeps({ db, kind }))).toEqual(kept);
    }
  });

  it('leave the rows of the session itself alone', () => {
    const bench = new Bench({ includeDatabases: ['shop'] });
    for (const kind of ['connect', 'change_user', 'init_db', 'quit'] as const) {
      expect(bench.keeps({ kind, db: 'other' })).toBe(true);
    }
    expect(bench.skipped).toEqual({});
  });

  it('keep a USE that leaves or enters one of them', () => {
    const bench = new Bench({ includeDatabases: ['shop*'], excludeDatabases: ['shop_x'] });
    const kept = (db: string | null, sql: string): boolean => bench.keeps({ db, sql });
    expect(kept(null, 'USE shop')).toBe(true);
    expect(kept('other', '/* go */ use `Shop_A`;')).toBe(true);
    expect(kept('other', 'SELECT 1; USE shop')).toBe(true);
    expect(kept('shop', 'USE other')).toBe(true);
    expect(kept('other', 'USE another')).toBe(false);
    expect(kept('other', 'USE shop_x')).toBe(false);
    expect(kept('other', "SELECT 'x; USE shop'")).toBe(false);
    expect(kept('other', 'UPDATE t SET c = 1')).toBe(false);
    expect(bench.skipped).toEqual({ database: 4 });
  });
});

describe('classes', () => {
  const SESSION = rows(
    '1 connect app@host on shop',
    '1 query SET NAMES utf8',
    '1 query SELECT 1',
    '1 query BEGIN',
    '1 prepare UPDATE t SET c = ?',
    '1 execute UPDATE t SET c = 1',
    '1 close ',
    '1 query COMMIT',
    '1 other Statistics',
    '1 query TRUNCATE t',
    '1 query FLUSH TABLES',
    '1 quit ',
  );
  const AROUND = ['app@host on shop', 'SET NAMES utf8'];

  it.each<[RecordingOptions['only'], string[]]>([
    [['reads'], [...AROUND, 'SELECT 1', '']],
    [['writes'], [...AROUND, 'BEGIN', 'UPDATE t SET c = ?', 'UPDATE t SET c = 1', 'COMMIT', '']],
    [['ddl'], [...AROUND, 'TRUNCATE t', '']],
    [
      ['reads', 'ddl'],
      [...AROUND, 'SELECT 1', 'TRUNCATE t', ''],
    ],
  ])('%j keeps %j', (only, kept) => {
    const bench = new Bench({ only });
    expect(bench.texts(SESSION)).toEqual(kept);
    expect(bench.skipped).toEqual({ class: SESSION.length - kept.length });
  });

  const NAMED = rows(
    "1 query PREPARE p FROM 'SELECT ?'",
    '1 prepare!echo SELECT ?',
    '2 query PREPARE p FROM @text',
    '2 prepare!echo UPDATE t SET c = ?',
    '1 query EXECUTE p USING @a',
    '1 execute!echo SELECT 1',
    '2 query EXECUTE P USING @a',
    '2 execute!echo UPDATE t SET c = 1',
    '1 query DEALLOCATE PREPARE p',
    '1 query EXECUTE p',
  );

  it('follow what a session prepared under a name, row by row of its own', () => {
    expect(new Bench({ only: ['reads'] }).texts(NAMED)).toEqual([
      "PREPARE p FROM 'SELECT ?'",
      'SELECT ?',
      'PREPARE p FROM @text',
      'EXECUTE p USING @a',
      'SELECT 1',
      'DEALLOCATE PREPARE p',
    ]);
    expect(new Bench({ only: ['writes'] }).texts(NAMED)).toEqual([
      'PREPARE p FROM @text',
      'UPDATE t SET c = ?',
      'EXECUTE P USING @a',
      'UPDATE t SET c = 1',
      // Its name was given up: it fails, and what is not known may write.
      'EXECUTE p',
    ]);
  });

  // The rows of MySQL 9.7.4, where the PREPARE's own has no text and a text that cannot be prepared
  // leaves no row behind it; `SELECT ?` is prepared again because its parameter is a number.
  const HIDDEN = rows(
    '1 query!partial PREPARE r FROM ...',
    '1 prepare SELECT ?',
    '1 query!partial PREPARE bad FROM ...',
    '1 query PREPARE w FROM @w',
    '1 prepare!echo UPDATE t SET c = ?',
    '1 query EXECUTE r USING @x',
    '1 prepare!echo SELECT ?',
    '1 execute!echo SELECT 1',
    '1 query EXECUTE w USING @x',
    '1 execute!echo UPDATE t SET c = 1',
    '1 query EXECUTE bad',
  );

  it('follow it where only the Prepare row has the text', () => {
    const withEvery = ['PREPARE r FROM ...', 'PREPARE bad FROM ...', 'PREPARE w FROM @w'];
    const reads = new Bench({ only: ['reads'] }).texts(HIDDEN);
    expect(reads.filter((sql) => !withEvery.includes(sql))).toEqual([
      'SELECT ?',
      'EXECUTE r USING @x',
      'SELECT ?',
      'SELECT 1',
    ]);
    const writes = new Bench({ only: ['writes'] }).texts(HIDDEN);
    expect(writes.filter((sql) => !withEvery.includes(sql))).toEqual([
      'UPDATE t SET c = ?',
      'EXECUTE w USING @x',
      'UPDATE t SET c = 1',
      // It fails, and what is not known may write.
      'EXECUTE bad',
    ]);
    for (const texts of [reads, writes]) expect(texts).toEqual(expect.arrayContaining(withEvery));
  });

  it('remember the names over a restart at any row, and nothing of sessions that are over', () => {
    for (const all of [NAMED, HIDDEN]) {
      const whole = new Bench({ only: ['reads'] }).texts(all);
      for (let at = 0; at <= all.length; at++) {
        const first = new Bench({ only: ['reads'] });
        const before = first.texts(all.slice(0, at));
        const state = JSON.parse(JSON.stringify(first.selection.state())) as SelectionState;
        const after = new Bench({ only: ['reads'] }, state).texts(all.slice(at));
        expect([...before, ...after]).toEqual(whole);
      }
    }
    const bench = new Bench({ only: ['reads'] });
    bench.texts(
      rows("1 query PREPARE p FROM 'SELECT 1'", '1 quit ', "2 query PREPARE p FROM 'DO 1'"),
    );
    bench.texts(rows('2 change_user app@host on shop'));
    expect(bench.selection.state()).toEqual({ prepared: [] });
  });

  it('do not remember more names than a limit', () => {
    const bench = new Bench({ only: ['reads'] });
    bench.texts(
      rows(...Array.from({ length: 25_000 }, (_, i) => `1 query PREPARE p${i} FROM 'DO 1'`)),
    );
    expect(bench.selection.state().prepared.length).toBeLessThanOrEqual(10_000);
  });
});

describe('samples', () => {
  const IDS = Array.from({ length: 10_000 }, (_, i) => i + 1);

  it.each([2, 3, 10, 100])('of 1/%i hold that share of 10,000 sessions', (oneIn) => {
    for (let seed = 0; seed < 20; seed++) {
      const sample = new SessionSample(oneIn, `${seed}`);
      const expected = IDS.length / oneIn;
      const sigma = Math.sqrt(expected * (1 - 1 / oneIn));
      for (const step of [1, 2, 64, 2 ** 32]) {
        const count = IDS.filter((id) => sample.has(id * step)).length;
        expect(Math.abs(count - expected)).toBeLessThan(4 * sigma);
      }
    }
  });

  it('of two captures are independent of one another', () => {
    const one = new SessionSample(10, 'store/1');
    const other = new SessionSample(10, 'store/2');
    const both = IDS.filter((id) => one.has(id) && other.has(id)).length;
    expect(Math.abs(both - 100)).toBeLessThan(40);
  });

  it('keep sessions whole, and count those left out once each', () => {
    const bench = new Bench({ sample: 4 });
    const load = Array.from({ length: 3 }, (_, turn) =>
      IDS.slice(0, 1000).flatMap((session) => [
        aStatement({ session, kind: turn === 2 ? 'quit' : 'query' }),
        aStatement({ session: 5000 + session, kind: 'execute', db: turn === 0 ? 'a' : 'b' }),
      ]),
    ).flat();
    const kept = new Map<number, number>();
    for (const place of bench.selection.select(load)) {
      const session = load[place]?.session ?? -1;
      kept.set(session, (kept.get(session) ?? 0) + 1);
    }
    expect(new Set(kept.values())).toEqual(new Set([3]));
    const { skipped, leftOut } = bench.counters.counts();
    expect(leftOut?.sessions).toBe(2000 - kept.size);
    expect(skipped).toEqual({ sample: 3 * (2000 - kept.size) });
  });

  it('are the same after a restart', () => {
    const load = IDS.map((session) => aStatement({ session }));
    const once = new Bench({ sample: 7 }).selection.select(load);
    expect(new Bench({ sample: 7 }).selection.select(load)).toEqual(once);
  });
});

it('counts each row once, under the first rule that leaves it out', () => {
  const bench = new Bench({
    includeUsers: ['app'],
    includeHosts: ['10.*'],
    includeDatabases: ['shop'],
    only: ['writes'],
  });
  const load = [
    aStatement({ user: 'root', host: 'x', db: 'x', sql: 'SELECT 1' }),
    aStatement({ user: 'root', kind: 'connect' }),
    aStatement({ host: 'x', db: 'x', sql: 'SELECT 1' }),
    aStatement({ db: 'x', sql: 'SELECT 1' }),
    aStatement({ db: 'x', kind: 'execute', flags: ['echo'] }),
    aStatement({ sql: 'SELECT 1' }),
    aStatement({ sql: 'DELETE FROM t' }),
  ];
  expect(bench.texts(load)).toEqual(['DELETE FROM t']);
  const { skipped, leftOut } = bench.counters.counts();
  expect(skipped).toEqual({ user: 2, host: 1, database: 2, class: 1 });
  expect(leftOut).toEqual({ statements: 4, sessions: 0 });
});

it('the counts go on from what was committed', () => {
  const bench = new Bench({ sample: 3 });
  bench.selection.select(Array.from({ length: 60 }, (_, i) => aStatement({ session: i })));
  const state = bench.counters.state();
  const again = new WorkloadCounters(state);
  expect(again.state()).toEqual(state);
  for (const session of state.openSessionsLeftOut ?? []) again.skipSession(session, false);
  expect(again.counts().leftOut).toEqual(state.leftOut);
});
