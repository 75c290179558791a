import { describe, expect, it } from 'vitest';
import type { Gap } from '../../../src/core/workloads/gaps.ts';
import {
  NO_ROWS,
  type CountedRows,
  type CounterReading,
  type EdgeReadings,
} from '../../../src/core/verification/server-counters.ts';
import {
  concludeVerification,
  type Evidence,
  type VerificationResult,
} from '../../../src/core/verification/verification.ts';
import { compareCounters } from '../../../src/source/mysql/counters/comparison.ts';
import type { ValueCounts } from '../../../src/core/verification/value-counts.ts';

/** Of `EDGE_COUNTERS`, and what is made of others. */
type Counters = Readonly<Record<string, number>>;

function reading(
  counters: Counters,
  questions = 0,
  own: Partial<CounterReading['own']> = {},
): CounterReading {
  return {
    counters: {
      Uptime: 1_000,
      Threads_running: 1,
      Queries: counters['Questions'] ?? 0,
      ...counters,
    },
    own: { questions, sets: 0, statuses: 0, doubtful: 0, ...own },
  };
}

function edge(before: CounterReading | null, after: CounterReading | null): EdgeReadings {
  return { before, after };
}

const at = (questions: number, more: Counters = {}): EdgeReadings =>
  edge(reading({ Questions: questions, ...more }), reading({ Questions: questions, ...more }));

function conclude(found: Evidence): VerificationResult {
  return concludeVerification(found, compareCounters);
}

const NO_OTHERS = { atMost: 0, questions: 0, sets: 0, statuses: 0 };

/** 1,000 statements received, and all of them recorded, in a window of a minute. */
function evidence(
  changes: Partial<Evidence> & { rowCounts?: Partial<CountedRows> } = {},
): Evidence {
  const { rowCounts, ...rest } = changes;
  const commands = rowCounts?.commands ?? 1_000;
  return {
    server: { flavor: 'mariadb', version: '10.11.19-MariaDB' },
    state: 'over',
    reason: null,
    damage: [],
    gaps: [],
    rows: { ...NO_ROWS, commands, statements: commands, ...rowCounts },
    leftOut: 0,
    start: at(500, { Uptime: 1_000 }),
    end: at(1_500, { Uptime: 1_060 }),
    others: NO_OTHERS,
    seconds: 60,
    records: 1_010,
    values: null,
    minValues: null,
    ...rest,
  };
}

const gap = (changes: Partial<Gap> = {}): Gap => ({
  from: '2026-11-22T01:00:00.000000Z',
  to: '2026-11-22T01:00:05.000000Z',
  cause: 'server_restarted',
  reason: 'the server was restarted',
  after: null,
  before: null,
  afterSeq: 7,
  missing: null,
  ...changes,
});

describe('the verdict in one line', () => {
  const EDGES = { end: at(1_500, { Uptime: 1_060 }) };
  const UNSURE = { end: at(1_503, { Uptime: 1_060, Threads_running: 4 }) };
  const RESTARTED = { end: at(10, { Uptime: 5 }) };
  const cases = [0, 1, 2].flatMap((gaps) =>
    [null, 0, 7].flatMap((missing) =>
      Object.entries({ EDGES, UNSURE, RESTARTED }).flatMap(([counters, edges]) =>
        ([0, 1_000] as const).flatMap((commands) =>
          (['over', 'failed', 'unfinished'] as const).map((state) => ({
            gaps,
            missing,
            counters,
            commands,
            state,
            edges,
          })),
        ),
      ),
    ),
  );

  it.each(cases)(
    'says one thing: $gaps gaps with $missing missing, counters $counters, $commands recorded, $state',
    ({ gaps, missing, edges, commands, state }) => {
      const {
        line,
        whole,
        missing: least,
        missingAtMost,
      } = conclude(
        evidence({
          state,
          gaps: Array.from({ length: gaps }, () => gap({ missing })),
          records: commands,
          rowCounts: { commands },
          ...edges,
        }),
      );
      expect(line).not.toMatch(
        /none is missing|at least 0|\b0 to \d|\b0 missing|undefined|null|NaN/,
      );
      expect(line.startsWith('WHOLE')).toBe(whole);
      expect(
        line.startsWith('WHOLE') && / gap[s ,]/.test(line) && !line.includes('without a gap'),
      ).toBe(false);
      if (whole) return;
      // Something is why, and what is said to be missing is what the numbers say.
      expect(line).toMatch(/: .*(gap|failed|not complete|missing)/);
      expect(line.includes('no command is missing')).toBe(least === 0 && missingAtMost === 0);
      expect(line.includes('missing is unknown')).toBe(least === null);
    },
  );
});

describe('a record is whole', () => {
  it('when everything that was received is in it', () => {
    expect(conclude(evidence())).toEqual({
      verdict: 'whole',
      whole: true,
      recorded: 1_000,
      received: { min: 1_000, max: 1_000 },
      share: { min: 1, max: 1 },
      missing: 0,
      missingAtMost: 0,
      unparsed: { min: 0, max: 0 },
      valuesShare: null,
      fewValues: null,
      problems: [],
      notes: [],
      line: 'WHOLE: 1,000 commands are recorded, the server counted 1,000',
    });
  });

  it('when the rest was left out as asked for', () => {
    expect(conclude(evidence({ leftOut: 400 })).line).toBe(
      'WHOLE: 1,000 commands are recorded or left out as requested, the server counted 1,000',
    );
  });

  it('when what is missing was our own', () => {
    const found = conclude(
      evidence({
        start: at(500),
        end: edge(
          reading({ Questions: 1_540, Uptime: 1_060 }, 40),
          reading({ Questions: 1_545, Uptime: 1_060 }, 45),
        ),
      }),
    );
    expect(found).toMatchObject({ whole: true, received: { min: 1_000, max: 1_000 } });
  });

  it('when a statement was counted before the end and waited in the log until after it', () => {
    const end = at(1_503, { Threads_running: 4, Uptime: 1_060 });
    expect(conclude(evidence({ end })).whole).toBe(true);
    expect(
      conclude(evidence({ end: at(1_504, { Threads_running: 4, Uptime: 1_060 }) })).whole,
    ).toBe(false);
  });

  it('when commands that are never logged explain the difference', () => {
    const ends: Counters[] = [
      { Questions: 1_530, Com_stmt_fetch: 30 },
      { Questions: 1_530, Com_admin_commands: 30 },
      { Questions: 1_530, Com_set_option: 30 },
    ];
    for (const counters of ends) {
      const found = conclude(evidence({ end: at(1_530, { Uptime: 1_060, ...counters }) }));
      expect(found.problems).toEqual([]);
    }
  });

  it('when an execute had to prepare again, and has two rows', () => {
    const end = at(1_500, { Com_stmt_reprepare: 20, Com_stmt_execute: 120, Uptime: 1_060 });
    const rowCounts = { commands: 1_020, executes: 120 };
    expect(conclude(evidence({ end, rowCounts }))).toMatchObject({ whole: true, recorded: 1_000 });
  });

  it('when texts of several statements are in it, which are taken as run', () => {
    const found = conclude(evidence({ rowCounts: { commands: 900, parts: 100 } }));
    expect(found).toMatchObject({ whole: true, recorded: 1_000 });
    expect(found.notes).toEqual([
      '100 statements follow another one in the same text; the server receives them only if none before them in that text fails',
    ]);
    expect(found.line).toContain('100 missing');
    expect(found.line).toContain(
      '1,000 commands are recorded, 900 of them certainly received, the',
    );
  });

  it('when a semicolon may lie inside of a statement, which is said apart', () => {
    const rowCounts = { commands: 1_000, doubtfulParts: 2, unescapedParts: 1 };
    const found = conclude(evidence({ end: at(1_502, { Uptime: 1_060 }), rowCounts }));
    expect(found).toMatchObject({ whole: true, missing: 0, missingAtMost: 2 });
    expect(found.notes[0]).toMatch(
      /^3 semicolons may end .* Up to 3 statements more may have been/,
    );
  });

  it('within what was sent between the readings on both sides of a swap', () => {
    const end = edge(
      reading({ Questions: 1_490, Uptime: 1_060 }),
      reading({ Questions: 1_510, Uptime: 1_060 }),
    );
    const found = conclude(evidence({ end }));
    expect(found).toMatchObject({ whole: true, received: { min: 990, max: 1_010 } });
    expect(found.notes[0]).toContain('The server counted 990 to 1,010 commands: counters and log');
    expect(found).toMatchObject({ missing: 0, missingAtMost: 10 });
    expect(found.share?.min).toBeCloseTo(1_000 / 1_010);
    expect(found.line).toBe(
      'WHOLE to within 10 commands: 1,000 commands are recorded, the server counted 990 to 1,010, so at most 10 missing',
    );
    expect(conclude(evidence({ end, rowCounts: { commands: 989 } })).missing).toBe(1);
  });

  it('when triggers add rows; then the number is no longer exact, and that is said', () => {
    const end = at(1_500, { Queries: 1_600, Uptime: 1_060 });
    const found = conclude(evidence({ end, rowCounts: { commands: 1_100 } }));
    expect(found.whole).toBe(true);
    expect(found.line).toBe('WHOLE: 1,000 commands are recorded, the server counted 1,000');
    expect(found.notes[0]).toContain('100 statements ran inside of triggers');
    expect(found.notes).toHaveLength(1);
  });

  it('when it is not known to one how many ran inside of triggers: between how many, then', () => {
    const end = edge(
      reading({ Questions: 1_500, Queries: 1_590, Uptime: 1_060 }),
      reading({ Questions: 1_500, Queries: 1_600, Uptime: 1_060 }),
    );
    const { notes } = conclude(evidence({ end, rowCounts: { commands: 1_100 } }));
    expect(notes).toEqual([expect.stringMatching(/^90 to 100 statements ran inside of triggers/)]);
  });

  it('when a command was in flight beside a swap, so that the readings contradict each other', () => {
    // Of a prepare in flight, one counter is ahead of the other: more ran inside within the window than around it.
    const end = edge(
      reading({ Questions: 1_500, Queries: 1_501, Uptime: 1_060 }),
      reading({ Questions: 1_500, Queries: 1_500, Uptime: 1_060 }),
    );
    expect(conclude(evidence({ end }))).toMatchObject({ whole: true, missing: 0, notes: [] });
  });

  it('when executes have no row of a server that does not log those that fail', () => {
    const server = { flavor: 'mariadb', version: '10.5.23-MariaDB' } as const;
    const start = at(500, { Statements: 0 });
    const end = at(1_530, { Statements: 1_030, Com_stmt_execute: 130, Uptime: 1_060 });
    const found = conclude(evidence({ server, start, end, rowCounts: { executes: 100 } }));
    expect(found).toMatchObject({ whole: true, missing: 0, missingAtMost: 30 });
    expect(found.notes[0]).toContain('MariaDB before 10.11 does not log those that fail');
    expect(conclude(evidence({ start, end, rowCounts: { executes: 100 } })).whole).toBe(false);
  });

  it('when what is counted and not logged was never run as a statement: up to that many', () => {
    const start = at(500, { Statements: 0 });
    const found = conclude(evidence({ start, end: at(2_175, { Statements: 980, Uptime: 1_060 }) }));
    expect(found).toMatchObject({ whole: true, missing: 0, missingAtMost: 675 });
    expect(found.line).toBe(
      'WHOLE to within 675 commands: 1,000 commands are recorded, the server counted 1,000 to 1,675, so at most 675 missing',
    );
    expect(found.notes[0]).toContain('Up to 675 of what the server counted');
    const some = conclude(
      evidence({ start, end: at(2_175, { Statements: 1_025, Uptime: 1_060 }) }),
    );
    expect(some).toMatchObject({ whole: false, missing: 25, missingAtMost: 675 });
  });

  it('when the checks of other programs of ours explain the difference', () => {
    const end = at(1_520, { Uptime: 1_060 });
    expect(conclude(evidence({ end })).whole).toBe(false);
    expect(conclude(evidence({ end, others: { ...NO_OTHERS, atMost: 20 } }))).toMatchObject({
      whole: true,
      received: { min: 1_000, max: 1_020 },
    });
    expect(conclude(evidence({ end, others: { ...NO_OTHERS, questions: 20 } }))).toMatchObject({
      whole: true,
      received: { min: 1_000, max: 1_000 },
    });
  });

  it('without counters, and says that it could not compare', () => {
    const found = conclude(evidence({ start: null }));
    expect(found).toMatchObject({ whole: true, received: null, share: null, missing: 0 });
    expect(found.line).toBe(
      "WHOLE: 1,000 commands are recorded without a gap; the server's counters can't say how many it received",
    );
    expect(found.notes).toHaveLength(1);
    expect(conclude(evidence({ rows: null })).notes[0]).toContain('An older version');
    const failed = edge(reading({ Questions: 500 }), null);
    expect(conclude(evidence({ start: failed })).received).toBeNull();
  });
});

describe('of a MySQL server', () => {
  const mysql = (changes: Parameters<typeof evidence>[0]): ReturnType<typeof conclude> =>
    conclude({ ...evidence(changes), server: { flavor: 'mysql', version: '9.7.4' } });
  const errors = (unparsed: number): Counters => ({ Unparsed: unparsed });

  it('what could not be parsed is counted, not logged, and not missed', () => {
    const found = mysql({
      start: at(500, { ...errors(3), Statements: 0 }),
      end: at(1_600, { ...errors(103), Statements: 1_000, Uptime: 1_060 }),
    });
    expect(found).toMatchObject({ whole: true, received: { min: 1_000, max: 1_000 } });
    expect(found).toMatchObject({ unparsed: { min: 100, max: 100 }, notes: [] });
    expect(found.line).toBe(
      'WHOLE: 1,000 commands are recorded, the server counted 1,000; not counted: 100 that could not be parsed, which the server does not log',
    );
  });

  it('what is not known to be parse errors is not blamed on anybody', () => {
    const found = mysql({
      start: at(500, { Statements: 0 }),
      end: at(1_600, { Statements: 1_000, Uptime: 1_060 }),
    });
    expect(found).toMatchObject({ whole: true, missing: 0, missingAtMost: 100 });
    expect(found.line).toMatch(/^WHOLE to within 100 commands:/);
    expect(found.notes[0]).toContain('GRANT SELECT ON performance_schema.*');
  });

  it('what may not have been parsed is up to a number', () => {
    const end = edge(
      reading({ Questions: 1_500, ...errors(3), Uptime: 1_060 }),
      reading({ Questions: 1_505, ...errors(8), Uptime: 1_060 }),
    );
    const { line } = mysql({ start: at(500, errors(3)), end });
    expect(line).toMatch(/; not counted: up to 5 that could not be parsed/);
  });

  it('rows of one text are statements each, and what is prepared again has one', () => {
    const found = mysql({
      start: at(500, errors(0)),
      end: at(1_500, { ...errors(0), Com_stmt_prepare: 5, Com_stmt_reprepare: 5, Uptime: 1_060 }),
      rowCounts: { commands: 1_000, parts: 70, doubtfulParts: 30 },
    });
    expect(found).toMatchObject({ whole: true, recorded: 1_000, missingAtMost: 0 });
  });

  it('what is missing besides is said', () => {
    const found = mysql({
      start: at(500, { ...errors(0), Statements: 0 }),
      end: at(1_650, { ...errors(100), Statements: 1_040, Uptime: 1_060 }),
    });
    expect(found).toMatchObject({ whole: false, missing: 40, missingAtMost: 50 });
  });
});

describe('a record is not whole', () => {
  it('when the server counted more than its log has', () => {
    const found = conclude(evidence({ end: at(2_000, { Uptime: 1_060 }) }));
    expect(found).toMatchObject({ verdict: 'not_whole', missing: 500, missingAtMost: 500 });
    expect(found.share).toEqual({ min: 1_000 / 1_500, max: 1_000 / 1_500 });
    expect(found.problems.map(({ kind }) => kind)).toEqual(['not_logged']);
    expect(found.line).toBe(
      'NOT WHOLE: 1,000 commands are recorded (66.66 %), the server counted 1,500: 500 missing',
    );
  });

  it('when executes are missing where pings hide the number of all', () => {
    const end = at(1_550, { Com_admin_commands: 300, Com_stmt_execute: 150, Uptime: 1_060 });
    const found = conclude(evidence({ end, rowCounts: { executes: 100 } }));
    expect(found).toMatchObject({ whole: false, missing: 50 });
  });

  it('when there is a gap, and says where and how many', () => {
    const found = conclude(
      evidence({ gaps: [gap({ missing: 20 })], end: at(1_520, { Uptime: 1_060 }) }),
    );
    expect(found.line).toBe(
      'NOT WHOLE: 1,000 commands are recorded (98.03 %), the server counted 1,020: 1 gap, 20 missing, between 2026-11-22 01:00:00 UTC and 2026-11-22 01:00:05 UTC',
    );
    const none = conclude(evidence({ gaps: [gap(), gap()] }));
    expect(none.line).toBe(
      "NOT WHOLE: 1,000 commands are recorded, the server counted 1,000: 2 gaps, but by the server's counters no command is missing",
    );
  });

  it('and not compared after FLUSH GLOBAL STATUS, which only some servers have', () => {
    const start = at(500, { Uptime: 1_000, Uptime_since_flush_status: 1_000 });
    const end = at(900, { Uptime: 1_060, Uptime_since_flush_status: 10 });
    const server = { flavor: 'mariadb', version: '11.8.9-MariaDB' } as const;
    const found = conclude(evidence({ server, start, end }));
    expect(found).toMatchObject({ received: null, missingAtMost: null });
    expect(found.notes).toEqual([
      "Somebody set the server's counters to zero in the window: they can't be compared",
    ]);
    expect(conclude(evidence({ start, end })).received).toEqual({ min: 400, max: 400 });
  });

  it('after a restart of the server, of which nothing is compared', () => {
    const ends = [
      at(1_500, { Uptime: 10 }),
      at(100, { Uptime: 1_060 }),
      at(1_500, { Uptime: 1_030 }),
    ];
    for (const end of ends) {
      const found = conclude(evidence({ end, gaps: [gap()] }));
      expect(found).toMatchObject({ whole: false, received: null, missing: null });
      expect(found.notes[0]).toContain('The server was restarted');
      expect(found.line).toContain('1 gap, how many are missing is unknown, between');
    }
  });

  it('after a restart of a server that was just up, whose start says it', () => {
    const started = (serverStart: number, uptime: number): EdgeReadings => {
      const counters = { ...reading({ Questions: 500 + uptime, Uptime: uptime }), serverStart };
      return edge(counters, counters);
    };
    const found = (end: EdgeReadings) =>
      conclude(evidence({ start: started(10, 1), end, seconds: 4 }));
    expect(found(started(12, 3)).received).toBeNull();
    expect(found(started(10, 5)).received).toEqual({ min: 4, max: 4 });
  });

  it('when the capture failed, or was not over', () => {
    const failed = conclude(evidence({ state: 'failed', reason: 'the disk was full' }));
    expect(failed.problems[0]?.what).toBe('The capture failed: the disk was full');
    expect(failed.line).toBe(
      'NOT WHOLE: 1,000 commands are recorded: the capture failed, how many are missing is unknown',
    );
    expect(conclude(evidence({ state: 'unfinished' })).verdict).toBe('not_whole');
  });

  it('never at 100 %', () => {
    const found = conclude(
      evidence({ rowCounts: { commands: 999_999 }, end: at(1_000_500, { Uptime: 1_060 }) }),
    );
    expect(found.line).toContain('(99.99 %)');
  });
});

describe('a record is damaged', () => {
  it('whatever else there is, and the first damage is named', () => {
    const damage = [
      { segment: 3, what: 'segment-000003.ndjson.zst is missing' },
      { segment: null, what: 'the manifest says 5 records, the files hold 4' },
    ];
    for (const state of ['over', 'recording', 'failed'] as const) {
      const found = conclude(evidence({ damage, gaps: [gap()], state }));
      expect(found.verdict).toBe('damaged');
      expect(found.line).toBe('DAMAGED: segment-000003.ndjson.zst is missing (and 1 more)');
    }
  });
});

describe('a capture that goes on', () => {
  it('is not whole yet', () => {
    const found = conclude(evidence({ state: 'recording', end: null }));
    expect(found).toMatchObject({ verdict: 'recording', whole: false, problems: [], notes: [] });
    expect(found.line).toBe('STILL RECORDING: what is committed so far is sound: 1,010 records');
  });
});

describe('the share of executes with values', () => {
  const values = (executes: number, withoutValues: number): ValueCounts => ({
    executes,
    withoutValues,
    users: [{ user: 'app', executes, withoutValues }],
    otherUsers: { executes: 0, withoutValues: 0 },
    sessions: [],
    otherSessions: { executes: 0, withoutValues: 0 },
  });

  it.each([
    [112_548, 101_293, '10 %'],
    [1_000, 0, '100 %'],
    [1_000, 1_000, '0 %'],
    [100_000, 1, '99.99 %'],
    [100_000, 99_999, '0.01 %'],
    [1_000_000, 999_999, '0.01 %'],
    [100, 34, '66 %'],
    [99, 33, '66'],
    [2, 2, '0'],
    [1_000, 10, '99 %'],
  ])('of %d executes, %d without, is said as %s behind the count', (executes, without, text) => {
    const { line, whole } = conclude(evidence({ values: values(executes, without) }));
    expect(whole).toBe(true);
    expect(line).toBe(
      `WHOLE: 1,000 commands are recorded, the server counted 1,000; values known for ${text} of ${executes.toLocaleString('en')} executes`,
    );
  });

  it('is not spoken of where no prepared statement was executed', () => {
    expect(conclude(evidence({ values: values(0, 0), minValues: 1 }))).toMatchObject({
      line: expect.stringMatching(/counted 1,000$/) as unknown,
      valuesShare: null,
      fewValues: null,
    });
  });

  it('is enough or not, whatever is missing besides', () => {
    const enough = (executes: number, without: number, minValues: number): boolean =>
      conclude(evidence({ values: values(executes, without), minValues })).fewValues === null;
    expect(enough(100, 5, 0.95)).toBe(true);
    expect(enough(100, 6, 0.95)).toBe(false);
    expect(enough(100, 0, 1)).toBe(true);
    expect(enough(100_000, 1, 1)).toBe(false);
    expect(enough(100, 100, 0)).toBe(true);
    const { line, whole, problems, fewValues } = conclude(
      evidence({ values: values(200, 180), minValues: 0.95, gaps: [gap()] }),
    );
    expect(whole).toBe(false);
    expect(line).toMatch(/; values known for 10 % of 200 executes, and 95 % were required$/);
    expect(problems.map(({ kind }) => kind)).toEqual(['gap']);
    expect(fewValues).toMatch(/^180 executes of 200 came without .* of app: /);
  });

  it('keeps a whole record whole', () => {
    const judged = conclude(evidence({ values: values(200, 180), minValues: 0.95 }));
    expect(judged).toMatchObject({ whole: true, verdict: 'whole', problems: [] });
    expect(judged.fewValues).toMatch(/^180 executes of 200 /);
  });

  it('is said of a record that goes on, and not of one that is damaged', () => {
    const some = values(4, 3);
    expect(conclude(evidence({ state: 'recording', values: some })).line).toMatch(
      /values known for 1 of 4 executes$/,
    );
    const damage = [{ segment: 1, what: 'x' }];
    expect(conclude(evidence({ damage, values: some })).line).not.toMatch(/executes/);
  });
});
