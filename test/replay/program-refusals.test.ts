import { describe, expect, it } from 'vitest';
import { resultOf } from '../../src/core/progress.ts';
import type { ReplayOptions, ReplayPlan } from '../../src/core/replays/replay.ts';
import type { TargetProgram } from '../../src/core/replays/target.ts';
import { planReplay } from '../../src/replay/plan.ts';
import { ProgramRefusals } from '../../src/replay/program-refusals.ts';
import { natureOf } from '../../src/sql/statement-nature.ts';
import { OPTIONS, recordOf, type Line } from './recorded.ts';

function program(
  kind: TargetProgram['kind'],
  name: string,
  body: string | null,
  more: Partial<TargetProgram> = {},
): TargetProgram {
  return { kind, database: 'shop', name, table: null, body, ...more };
}

const PROGRAMS = [
  program('procedure', 'sets_global', 'BEGIN SET GLOBAL max_connections = 7; END'),
  program('procedure', 'calls_it', 'BEGIN IF 1 THEN CALL sets_global(); END IF; END'),
  program('procedure', 'calls_that', 'CALL `shop`.`calls_it`'),
  program('procedure', 'writes_file', "SELECT 1 INTO OUTFILE '/tmp/x'"),
  program('procedure', 'makes_user', "BEGIN PREPARE p FROM 'CREATE USER me'; EXECUTE p; END"),
  program(
    'procedure',
    'harmless',
    'BEGIN SELECT sets_global FROM notes; CALL other.sets_global(); END',
  ),
  program(
    'procedure',
    'pivot',
    'BEGIN SET @s = CONCAT("SEL", x); PREPARE p FROM @s; EXECUTE p; END',
  ),
  program('procedure', 'spin', 'EXECUTE IMMEDIATE CONCAT(a, b)'),
  program('function', 'reads_file', "RETURN LOAD_FILE('/etc/passwd')"),
  program('function', 'évil', 'BEGIN SET GLOBAL general_log = 0; RETURN 1; END'),
  program('package', 'admin', 'AS PROCEDURE p AS BEGIN FLUSH TABLES; END; END'),
  program('trigger', 'on_orders', 'BEGIN CALL sets_global(); END', { table: 'orders' }),
  program('view', 'over_orders', 'select `shop`.`orders`.`n` AS `n` from `shop`.`orders`'),
  program('view', 'over_view', 'select `v`.`n` AS `n` from `shop`.`over_orders` `v`'),
  program('view', 'accounts', 'select `mysql`.`db`.`Host` AS `Host` from `mysql`.`db`'),
  program('view', 'files', 'select `reads_file`() AS `f`'),
  program('procedure', 'leads', 'BEGIN sets_global; END'),
  program('function', 'leads_on', 'BEGIN leads(); RETURN 1; END'),
  program('function', 'fß3', 'BEGIN SET GLOBAL sort_buffer_size = 1; RETURN 1; END'),
  program('function', 'fix', 'BEGIN SET GLOBAL sort_buffer_size = 1; RETURN 1; END', {
    database: 'sys',
  }),
  program('function', 'gİt', 'BEGIN SET GLOBAL sort_buffer_size = 1; RETURN 1; END'),
  program('view', '用户', 'select `mysql`.`user`.`User` AS `User` from `mysql`.`user`'),
  program('function', '日志', "RETURN LOAD_FILE('/etc/passwd')"),
  program('event', 'nightly', 'SET GLOBAL event_scheduler = 0'),
];

function refusalOf(
  sql: string,
  database: string | null = 'shop',
  options: Partial<ReplayOptions> = {},
): string | null {
  const refusals = new ProgramRefusals(PROGRAMS, { ...OPTIONS, ...options });
  const found = refusals.of(sql, natureOf(sql), database);
  return found === null ? null : `${found.refusal} ${found.program}`;
}

async function planned(
  lines: readonly Line[],
  options: Partial<ReplayOptions> = {},
  programs = PROGRAMS,
): Promise<ReplayPlan> {
  const all = { ...OPTIONS, ...options };
  const run = planReplay(
    recordOf(lines),
    all,
    new ProgramRefusals(programs, all),
    new AbortController().signal,
  );
  return (await resultOf(run)).plan;
}

describe('what a program of the target does', () => {
  it.each([
    ['CALL sets_global()', 'server shop.sets_global'],
    ['call /* now */ `Sets_Global`', 'server shop.sets_global'],
    ['CALL shop . sets_global()', 'server shop.sets_global'],
    ['CALL calls_it()', 'server shop.calls_it'],
    ['CALL calls_that()', 'server shop.calls_that'],
    ['CALL writes_file()', 'files shop.writes_file'],
    ['CALL makes_user()', 'accounts shop.makes_user'],
    ['CALL admin.p()', 'server shop.admin'],
    ['CALL shop.admin.p()', 'server shop.admin'],
    ["SELECT reads_file ('x')", 'files shop.reads_file'],
    ['SELECT 1 WHERE shop.évil()', 'server shop.évil'],
    ['SELECT EVIL()', 'server shop.évil'],
    // As utf8mb3_general_ci compares names.
    ['SELECT fs3()', 'server shop.fß3'],
    ['SELECT fſ3()', 'server shop.fß3'],
    ['SELECT sys.fıx()', 'server sys.fix'],
    ['SELECT git()', 'server shop.gİt'],
    ['SELECT 日志()', 'files shop.日志'],
    ['DELETE FROM 用户', 'accounts shop.用户'],
    ['CALL séts_glöbal()', 'server shop.sets_global'],
    // In the character set of a session that is not known: latin1 here.
    ['SELECT \\xE9vil()', 'server shop.évil'],
    ['SELECT f\\xDF3()', 'server shop.fß3'],
    // Any of those with as many bytes or fewer: 日志 in gbk.
    ['SELECT \\xC8\\xD5\\xD6\\xBE()', 'server shop.évil'],
    ['CALL s\\xE9ts_global()', 'server shop.sets_global'],
    ["SELECT 'a\\xBF\\', evil() , '\\xBF\\'", 'server shop.évil'],
    // sql_mode ORACLE: a name is a call.
    ['BEGIN sets_global; END', 'server shop.sets_global'],
    ['CREATE PROCEDURE mine() AS BEGIN NULL; leads(); END', 'server shop.leads'],
    ['SELECT leads_on()', 'server shop.leads_on'],
    ['INSERT INTO orders VALUES (1)', 'server shop.on_orders'],
    ['INSERT INTO `shop`.`orders` SELECT * FROM notes', 'server shop.on_orders'],
    ['UPDATE notes JOIN orders o SET o.n = 1', 'server shop.on_orders'],
    ['INSERT INTO over_view VALUES (1)', 'server shop.over_view'],
    ['DELETE FROM accounts', 'accounts shop.accounts'],
    ['SELECT * FROM files', 'files shop.files'],
    ['ALTER EVENT nightly ENABLE', 'server shop.nightly'],
    ['CREATE VIEW v AS SELECT evil() AS e', 'server shop.évil'],
    ['CREATE PROCEDURE mine() BEGIN CALL calls_it(); END', 'server shop.calls_it'],
    [
      'CREATE TRIGGER t BEFORE INSERT ON notes FOR EACH ROW DELETE FROM accounts',
      'accounts shop.accounts',
    ],
    ["PREPARE p FROM 'CALL sets_global()'", 'server shop.sets_global'],
    ["EXECUTE IMMEDIATE 'CALL sets' '_global()'", 'server shop.sets_global'],
    ['/*!50000 CALL */ /*!99999 x */ sets_global()', 'server shop.sets_global'],
    ['SELECT 1; CALL sets_global()', 'server shop.sets_global'],
  ])('is never sent: %s', (sql, refused) => {
    expect(refusalOf(sql)).toBe(refused);
  });

  it.each([
    'CALL harmless()',
    'CALL pivot()',
    'CALL other.sets_global()',
    "SELECT 'CALL sets_global()'",
    'SELECT sets_global FROM notes',
    'SELECT * FROM orders',
    'SELECT * FROM over_view',
    'SELECT * FROM accounts',
    'INSERT INTO notes SELECT * FROM orders',
    'INSERT INTO other.orders VALUES (1)',
    'UPDATE notes SET orders = 1',
    'SELECT é FROM notes',
    'UPDATE notes SET n = 1',
    "UPDATE notes SET n = 'é'",
    'SELECT COUNT(*), IF(1, 2, 3), NOW() AS 数 FROM notes',
    'SELECT fß4()',
    "SELECT 'évil()', 'fß3()'",
    'SELECT leads FROM notes',
  ])('does not keep what does not run it: %s', (sql) => {
    expect(refusalOf(sql)).toBeNull();
  });

  it('is looked for in the default database, as it is called at the target', () => {
    expect(refusalOf('CALL sets_global()', 'other')).toBeNull();
    expect(refusalOf('CALL sets_global()', null)).toBe('server shop.sets_global');
    expect(refusalOf('CREATE PROCEDURE shop.x() CALL sets_global()', 'other')).not.toBeNull();
    expect(refusalOf('USE shop; CALL sets_global()', 'other')).toBe('server shop.sets_global');
    const databases = [{ recorded: 'live', target: 'shop' }];
    expect(refusalOf('CALL sets_global()', 'live', { databases })).toBe('server shop.sets_global');
    expect(refusalOf('CALL live.sets_global()', 'x', { databases })).toBe(
      'server shop.sets_global',
    );
  });

  it('counts in the plan, also of what is prepared, and of what is kept for a session', async () => {
    const plan = await planned([
      [1, 'CALL harmless()'],
      [1, 'CALL sets_global()'],
      [1, "PREPARE p FROM 'CALL makes_user()'"],
      [1, 'EXECUTE p'],
      [1, 'prepare', 'SELECT reads_file(?)'],
      [1, 'execute', "SELECT reads_file('x')"],
    ]);
    expect(plan).toMatchObject({ sent: 1, skipped: { server: 1, accounts: 2, files: 2 } });
    expect(plan.warnings[0]).toBe(
      '4 records are not sent for what programs of the target do: shop.sets_global, shop.makes_user, shop.reads_file',
    );
  });

  it('is told where nobody can see it', async () => {
    const programs = [...PROGRAMS, program('function', 'hidden', null)];
    const { sent, warnings } = await planned(
      [[1, 'CREATE PROCEDURE mine() EXECUTE IMMEDIATE CONCAT(a, b)']],
      {},
      programs,
    );
    expect(sent).toBe(1);
    expect(warnings).toEqual([
      'The record makes a program that puts its SQL together: what that is is not seen: mine',
      '2 procedures of the target put their SQL together: what they do is not seen: shop.pivot, shop.spin',
      '1 function of the target cannot be read: what it does is not seen: shop.hidden',
    ]);
    const reading = await planned([[1, 'SELECT 1']], { writes: false }, programs);
    expect(reading.warnings).toEqual([
      '1 function of the target cannot be read: what it does is not seen: shop.hidden',
    ]);
  });
});

it('a program that leads to a refused one over thousands of others is found in bounded time', () => {
  const chain = Array.from({ length: 5_000 }, (_, index) =>
    program('procedure', `p${index}`, `BEGIN CALL p${index + 1}(); END`),
  );
  const last = program('procedure', 'p5000', 'SET GLOBAL max_connections = 1');
  const began = performance.now();
  const refusals = new ProgramRefusals([...chain, last], OPTIONS);
  expect(performance.now() - began).toBeLessThan(5_000);
  const first = 'CALL p0()';
  expect(refusals.of(first, natureOf(first), 'shop')?.refusal).toBe('server');
});
