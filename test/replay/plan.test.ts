import { describe, expect, it } from 'vitest';
import { resultOf } from '../../src/core/progress.ts';
import type { ReplayOptions } from '../../src/core/replays/replay.ts';
import { EVERY_STATEMENT } from '../../src/core/workloads/statement-search.ts';
import { ProgramRefusals } from '../../src/replay/program-refusals.ts';
import { planReplay, type Planned } from '../../src/replay/plan.ts';
import { OPTIONS, recordOf, type Line } from './recorded.ts';

function plan(
  lines: readonly Line[],
  options: Partial<ReplayOptions> = {},
  about: Parameters<typeof recordOf>[1] = {},
): Promise<Planned> {
  const run = planReplay(
    recordOf(lines, about),
    { ...OPTIONS, ...options },
    new ProgramRefusals([], OPTIONS),
    new AbortController().signal,
  );
  return resultOf(run);
}

const login = (session: number): Line => [session, 'connect', 'app@h on shop using TCP/IP'];
const quit = (session: number): Line => [session, 'quit', ''];

describe('the plan of a replay', () => {
  it('accounts for every record, with the first reason that holds', async () => {
    const { plan: made } = await plan(
      [
        login(1),
        [1, 'SELECT 1'],
        [1, 'INSERT INTO orders VALUES (1)'],
        [1, 'query', "PREPARE p FROM 'SELECT ?'"],
        [1, 'prepare', 'SELECT ?', ['echo']],
        [1, 'query', 'SET GLOBAL max_connections = 1'],
        [1, 'query', 'KILL 4'],
        [1, 'query', "GRANT ALL ON *.* TO me@'%'"],
        [1, 'query', "SELECT * INTO OUTFILE '/tmp/x' FROM orders"],
        [1, 'query', "LOAD DATA LOCAL INFILE 'x' INTO TABLE orders", ['unreplayable']],
        [1, 'execute', 'SELECT ? FROM orders', ['unreplayable']],
        [1, 'query', 'SELECT 2 FROM or', ['partial']],
        [1, 'other', 'Statistics'],
        quit(1),
        [2, 'connect', 'app@h on shop using TCP/IP'],
        [2, 'connect', "Access denied for user 'app'@'h' (using password: YES)"],
      ],
      { writes: false },
    );
    expect(made).toMatchObject({
      records: 16,
      sent: 4,
      skipped: {
        echo: 1,
        refused_login: 2,
        cut_short: 1,
        without_values: 1,
        accounts: 1,
        server: 2,
        files: 2,
        writes: 1,
        other_command: 1,
      },
      failed: {},
      sessions: 1,
      sessionsAtOnce: 1,
    });
    expect(made.statements).toMatchObject({ records: 10, sent: 2 });
  });

  it('knows how many sessions are open at once, whether they say that they end or not', async () => {
    const { plan: made, cuts } = await plan([
      login(1),
      [1, 'SELECT 1'],
      login(2),
      [2, 'SELECT 1'],
      quit(1),
      login(3),
      [3, 'SELECT 1'],
      // The server was started again, and gives its ids once more.
      login(2),
      [2, 'SELECT 1'],
    ]);
    expect(made).toMatchObject({ sessions: 4, sessionsAtOnce: 2 });
    expect(cuts.lastOf).toEqual(
      new Map([
        [3, 4],
        [6, 7],
        [8, 9],
      ]),
    );
  });

  it.each<
    [
      string,
      readonly Line[],
      Parameters<typeof recordOf>[1],
      readonly [number, number][],
      readonly [number, number][],
    ]
  >([
    [
      'a transaction that began before',
      [
        [1, 'UPDATE t SET a = 1'],
        [1, 'COMMIT'],
        [1, 'UPDATE t SET a = 2'],
      ],
      { inTransaction: [1] },
      [[1, 2]],
      [],
    ],
    [
      'one that a BEGIN ends',
      [
        [1, 'UPDATE t SET a = 1'],
        [1, 'BEGIN'],
        [1, 'UPDATE t SET a = 2'],
        [1, 'COMMIT'],
      ],
      { inTransaction: [1] },
      [[1, 1]],
      [],
    ],
    [
      'one that DDL ends',
      [
        [1, 'UPDATE t SET a = 1'],
        [1, 'CREATE TABLE x (id INT)'],
        [1, 'UPDATE t SET a = 2'],
      ],
      { inTransaction: [1] },
      [[1, 1]],
      [],
    ],
    [
      'none at the start',
      [
        [1, 'UPDATE t SET a = 1'],
        [1, 'COMMIT'],
      ],
      {},
      [],
      [],
    ],
    [
      'one that is not over',
      [login(1), [1, 'SELECT 1'], [1, 'BEGIN'], [1, 'UPDATE t SET a = 2']],
      {},
      [],
      [[1, 3]],
    ],
    ['one of reads that is not over', [login(1), [1, 'BEGIN'], [1, 'SELECT * FROM t']], {}, [], []],
    [
      'one whose session was gone by then',
      [login(1), [1, 'BEGIN'], [1, 'UPDATE t SET a = 2']],
      { atEnd: [] },
      [],
      [],
    ],
    [
      'one that a quit ends',
      [login(1), [1, 'BEGIN'], [1, 'UPDATE t SET a = 2'], quit(1)],
      {},
      [],
      [],
    ],
    [
      'one with autocommit off',
      [
        login(1),
        [1, 'SET autocommit = 0'],
        [1, 'UPDATE t SET a = 1'],
        [1, 'COMMIT'],
        [1, 'UPDATE t SET a = 2'],
      ],
      {},
      [],
      [[1, 5]],
    ],
    [
      'a chain',
      [
        login(1),
        [1, 'BEGIN'],
        [1, 'UPDATE t SET a = 1'],
        [1, 'COMMIT AND CHAIN'],
        [1, 'UPDATE t SET a = 2'],
      ],
      {},
      [],
      [[1, 5]],
    ],
    [
      'a chain that completion_type makes of each',
      [
        login(1),
        [1, "SET completion_type = 'CHAIN'"],
        [1, 'BEGIN'],
        [1, 'COMMIT'],
        [1, 'UPDATE t SET a = 2'],
      ],
      {},
      [],
      [[1, 5]],
    ],
    [
      'what completion_type does not chain',
      [
        login(1),
        [1, 'SET completion_type = 1'],
        [1, 'BEGIN'],
        [1, 'COMMIT AND NO CHAIN'],
        [1, 'UPDATE t SET a = 1'],
        [1, 'SET completion_type = 2'],
        [1, 'BEGIN'],
        [1, 'COMMIT'],
        [1, 'UPDATE t SET a = 2'],
      ],
      {},
      [],
      [],
    ],
    [
      'one that a change of the user ends',
      [
        login(1),
        [1, 'SET autocommit = 0, completion_type = 1'],
        [1, 'UPDATE t SET a = 1'],
        [1, 'change_user', 'app@h on shop using TCP/IP'],
        [1, 'UPDATE t SET a = 2'],
        [1, 'BEGIN'],
        [1, 'COMMIT'],
        [1, 'UPDATE t SET a = 3'],
      ],
      {},
      [],
      [],
    ],
    [
      'one that was open all the time',
      [
        [1, 'UPDATE t SET a = 1'],
        [1, 'SELECT 1'],
      ],
      { inTransaction: [1] },
      [],
      [[1, 0]],
    ],
  ])('finds the halves of transactions: %s', async (_what, lines, about, lead, tail) => {
    const { cuts, plan: made } = await plan(lines, {}, about);
    expect([...cuts.leadUntil]).toEqual(lead);
    expect([...cuts.tailFrom]).toEqual(tail);
    const { sent, skipped, records } = made;
    expect(sent + (skipped.half_transaction ?? 0)).toBe(records);
    expect((skipped.half_transaction ?? 0) > 0).toBe(lead.length + tail.length > 0);
  });

  it.each<[string, readonly Line[], 'always' | 'once' | undefined]>([
    [
      'two COMMITs that nothing began',
      [
        [1, 'UPDATE t SET a = 1'],
        [1, 'COMMIT'],
        [1, 'SELECT * FROM t'],
        [1, 'COMMIT'],
      ],
      'always',
    ],
    [
      'one COMMIT that nothing began',
      [
        [1, 'UPDATE t SET a = 1'],
        [1, 'COMMIT'],
        [1, 'UPDATE t SET a = 2'],
      ],
      'once',
    ],
    [
      'BEGIN before each COMMIT',
      [
        [1, 'BEGIN'],
        [1, 'UPDATE t SET a = 1'],
        [1, 'COMMIT'],
      ],
      undefined,
    ],
    [
      'COMMITs of nothing',
      [
        [1, 'COMMIT'],
        [1, 'COMMIT'],
        [1, 'COMMIT'],
      ],
      undefined,
    ],
    [
      'a login, which has autocommit on',
      [login(1), [1, 'UPDATE t SET a = 1'], [1, 'COMMIT'], [1, 'SELECT * FROM t'], [1, 'COMMIT']],
      undefined,
    ],
  ])(
    'finds whether autocommit was off when the record began: %s',
    async (_what, lines, expected) => {
      const { cuts } = await plan(lines);
      expect(cuts.autocommitOff.get(1)).toBe(expected);
    },
  );

  it('takes the text of a PREPARE from the next record, where the server writes it there alone', async () => {
    const lines: readonly Line[] = [
      login(1),
      [1, 'query', 'PREPARE p FROM ...', ['partial']],
      [1, 'prepare', "DELETE FROM t WHERE a = 'x'"],
      [1, 'query', 'EXECUTE p'],
      [1, 'query', 'PREPARE q FROM ...', ['partial']],
      [1, 'query', 'SELECT 1'],
    ];
    const { plan: made } = await plan(lines, { writes: false }, { flavor: 'mysql' });
    expect(made).toMatchObject({ sent: 2, skipped: { writes: 2, echo: 1, cut_short: 1 } });
    const { plan: writing } = await plan(lines, {}, { flavor: 'mysql' });
    expect(writing).toMatchObject({ sent: 4, skipped: { echo: 1, cut_short: 1 } });
  });

  it('knows what was prepared from a variable, where the server writes it behind the PREPARE', async () => {
    const { plan: made } = await plan(
      [
        login(1),
        [1, 'query', "SET @s = 'SELECT 1'"],
        [1, 'query', 'PREPARE p FROM @s'],
        [1, 'prepare', 'SELECT 1', ['echo']],
        [1, 'query', 'EXECUTE p'],
        [1, 'execute', 'SELECT 1', ['echo']],
        [1, 'query', 'PREPARE p FROM @d'],
        [1, 'prepare', 'DELETE FROM t', ['echo']],
        [1, 'query', 'EXECUTE p'],
        [1, 'query', 'DEALLOCATE PREPARE p'],
        [1, 'query', 'EXECUTE p'],
      ],
      { writes: false },
    );
    expect(made.skipped).toMatchObject({ echo: 3, writes: 1 });
    expect(made.sent).toBe(6);
  });

  it('leaves out what a search does not find, and not the logins of its sessions', async () => {
    const lines: readonly Line[] = [
      login(1),
      [1, 'SELECT 1'],
      login(2),
      [2, 'SELECT 2'],
      quit(1),
      quit(2),
    ];
    const { plan: made } = await plan(lines, { search: { ...EVERY_STATEMENT, sessions: [2] } });
    expect(made).toMatchObject({ sent: 3, skipped: { filtered: 3 }, sessions: 1 });
    const { plan: texts } = await plan(lines, {
      search: { ...EVERY_STATEMENT, texts: ['SELECT 2'] },
    });
    expect(texts).toMatchObject({ sent: 1, skipped: { filtered: 5 }, sessions: 1 });
  });

  it('says how long it takes by the schedule', async () => {
    const lines: readonly Line[] = [
      [1, 'SELECT 1'],
      [1, 'SELECT 2'],
      [1, 'SELECT 3'],
    ];
    expect((await plan(lines, { speed: 0.5 })).plan.length).toBe(4);
    expect((await plan(lines, { speed: null })).plan.length).toBeNull();
    expect((await plan(lines, { speed: 1, serial: true })).plan.length).toBeNull();
    expect((await plan([], { speed: 1 })).plan).toMatchObject({
      length: 0,
      records: 0,
      from: null,
    });
  });
});
