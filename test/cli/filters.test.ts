import { beforeAll, describe, expect, it } from 'vitest';
import { initialisedHome, runCaptures, type CliResult } from '../support/cli.ts';

let home: string;
beforeAll(async () => {
  home = await initialisedHome();
  await run('env', 'create', 'metrics');
  // Nobody listens there: a schedule does not ask.
  await run('env', 'create', 'shop', '--url', 'mysql://recorder@127.0.0.1:9');
});

function run(...argv: string[]): Promise<CliResult> {
  return runCaptures(argv, { home });
}

let names = 0;
const AT = ['--at', '+1h', '--duration', '5m'];

/** Schedules a capture with these options. */
async function scheduled(...options: string[]): Promise<{ id: number; options: unknown }> {
  const name = `capture ${++names}`;
  const { status, stdout, stderr } = await run(
    ...['create', name, '--env', 'shop', ...AT, '--json', ...options],
  );
  expect([status, stderr.includes('error')]).toEqual([0, false]);
  return JSON.parse(stdout) as { id: number; options: unknown };
}

async function refused(...argv: string[]): Promise<{ message: string; hint?: string }> {
  const { status, stdout, stderr } = await run(...argv, '--json');
  expect([status, stdout]).toEqual([2, '']);
  const failure = JSON.parse(stderr) as { code: number; message: string; hint?: string };
  expect(failure.code).toBe(400);
  return failure;
}

describe('filters of create', () => {
  it.each<[string[], object]>([
    [['--include-user', 'app_*', '--include-user', 'root'], { includeUsers: ['app_*', 'root'] }],
    [['--exclude-user', "o'brien", '--exclude-user', 'a b'], { excludeUsers: ["o'brien", 'a b'] }],
    [
      ['--include-db', 'a,b', '--exclude-db', '*'],
      { includeDatabases: ['a,b'], excludeDatabases: ['*'] },
    ],
    [['--include-host', '10.0.?.*'], { includeHosts: ['10.0.?.*'] }],
    [['--include-host', '::1'], { includeHosts: ['::1'] }],
    [['--only', 'reads,writes', '--only', 'reads'], { only: ['reads', 'writes'] }],
    [['--sample', '1/1'], { sample: 1 }],
    [['--sample', ' 1/1000000 '], { sample: 1_000_000 }],
  ])('%j are kept as they were typed', async (options, expected) => {
    expect((await scheduled(...options)).options).toMatchObject(expected);
  });

  it.each([
    [['--include-user', ''], 'A user to include is a name or a pattern of 1 to 256 characters'],
    [['--exclude-db', 'x'.repeat(257)], 'A database to exclude is a name or a pattern'],
    [['--include-host='], 'A host to include is a name or a pattern'],
    [['--only', 'read'], '--only'],
    [['--only', 'reads,'], '--only'],
    [['--sample', '1/0'], 'The sample must be between 1/1 and 1/1000000'],
    [['--sample', '1/1000001'], 'The sample must be between 1/1 and 1/1000000'],
    [['--sample', '10'], '--sample takes 1/N, for example 1/10, not "10"'],
    [['--sample', '2/10'], '--sample takes 1/N, for example 1/10, not "2/10"'],
    [['--sample', '1/-3'], '--sample takes 1/N, for example 1/10, not "1/-3"'],
  ])('%j are refused in a sentence', async (options, message) => {
    const failure = await refused('create', 'no', '--env', 'shop', ...AT, ...options);
    expect(failure.message).toContain(message);
  });

  it('are refused where nothing is recorded, with the reason', async () => {
    const metrics = await refused('create', 'no', '--env', 'metrics', '--only', 'reads');
    expect(metrics.message).toMatch(/^A metrics-only environment records nothing/);
    const schedule = await refused(
      ...['schedule', 'create', 'no', '--env', 'metrics', '--cron', '@daily', '--duration', '5m'],
      ...['--sample', '1/2'],
    );
    expect(schedule.message).toMatch(/^A metrics-only environment records nothing/);
    const over = await refused(
      ...['create', 'no', '--env', 'shop', '--start', '-2h', '--duration', '5m'],
      ...['--include-user', 'app'],
    );
    expect(over.message).toMatch(/^A window that is over records nothing/);
    expect(over.hint).toMatch(/Leave out --start/);
  });

  it('are said by get in words, before anything is recorded', async () => {
    const recordsOf = async (...options: string[]): Promise<string | undefined> => {
      const { id } = await scheduled(...options);
      const { stdout } = await run('get', String(id), '-o', 'table');
      return /^ *recorded +(.*)$/m.exec(stdout)?.[1];
    };
    expect(await recordsOf()).toBe('everything');
    expect(await recordsOf('--sample', '1/1')).toBe('everything');
    expect(
      await recordsOf('--include-user', 'a*', '--exclude-user', 'b', '--exclude-db', 'x'),
    ).toBe('users a* but b; no databases x');
    expect(await recordsOf('--only', 'reads,ddl', '--sample', '1/1000')).toBe(
      'reads and ddl only; 1 session of 1,000',
    );
    await run(
      ...['schedule', 'create', 'daily', '--env', 'shop', '--cron', '@daily', '--duration', '5m'],
      ...['--include-host', '10.*'],
    );
    const schedule = await run('schedule', 'get', 'daily', '-o', 'table');
    expect(schedule.stdout).toMatch(/^recorded +hosts 10\.\*$/m);
    const { stdout } = await run('create', 'm', '--env', 'metrics', '-q', '-o', 'name');
    expect((await run('get', stdout.trim(), '-o', 'table')).stdout).not.toMatch(/^ *recorded /m);
  });

  it('have the guards beside them, the defaults as well', async () => {
    const guards = async (...options: string[]): Promise<string | undefined> => {
      const { id } = await scheduled(...options);
      const { stdout } = await run('get', String(id), '-o', 'table');
      return /^ *guards +(.*(?:\n {12,}.*)*)$/m.exec(stdout)?.[1]?.replace(/\s+/g, ' ');
    };
    expect(await guards()).toBe('max-log 4 GiB, max-lag 10m, dead-man 1h');
    expect(
      await guards(
        '--max-size',
        '2GiB',
        '--min-free',
        '1GiB',
        '--max-lag',
        '90s',
        '--dead-man',
        'none',
      ),
    ).toBe('max-size 2 GiB, min-free 1 GiB, max-log 4 GiB, max-lag 1m 30s, no dead-man');
  });

  it('stand in the help of create and of schedule create under a heading of their own', async () => {
    for (const command of [['create'], ['schedule', 'create']]) {
      const { stdout } = await run(...command, '--help');
      expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
      const [, what = ''] = /\nWhat to record [^\n]*:\n(.*?)\n\n/s.exec(stdout) ?? [];
      expect(what.match(/--[\w-]+/g)).toEqual([
        '--include-user',
        '--exclude-user',
        '--include-host',
        '--include-db',
        '--exclude-db',
        '--only',
        '--sample',
        '--redact',
      ]);
    }
    expect((await run('help', 'filters')).stdout).toMatch(/^reads {3}SELECT/m);
  });
});
