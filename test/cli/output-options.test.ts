import { beforeAll, describe, expect, it } from 'vitest';
import { OUTPUT_MODES } from '../../src/cli/input/global-options.ts';
import { VERBS, type Verb } from '../../src/cli/commands/verbs.ts';
import { initialisedHome, runCaptures, type CliResult } from '../support/cli.ts';

/** Every way to choose the form of data, with a field that the command has. */
function choices(field: string): string[][] {
  return [
    ...OUTPUT_MODES.map((mode) => ['-o', mode]),
    ['--json'],
    ['--fields', field],
    ['--no-headers'],
  ];
}

interface Case {
  /** The command line; what it changes is made anew each time under the number. */
  readonly argv: (n: number) => readonly string[];
  readonly before?: (n: number) => readonly string[];
  readonly field: string;
}

function newSchedule(name: string): string[] {
  const times = ['--cron', '0 9 * * *', '--duration', '1h'];
  return ['schedule', 'create', name, '--env', 'shop', ...times];
}

/** Commands that print data, or nothing until they are asked to. */
const DATA: Readonly<Record<string, Case>> = {
  whoami: { argv: () => ['whoami'], field: 'user' },
  'env create': { argv: (n) => ['env', 'create', `e${n}`], field: 'name' },
  'env list': { argv: () => ['env', 'list'], field: 'name' },
  'env get': { argv: () => ['env', 'get', 'shop'], field: 'name' },
  'env edit': { argv: (n) => ['env', 'edit', 'other', '--region', `r-${n}`], field: 'name' },
  'env delete': {
    before: (n) => ['env', 'create', `gone${n}`],
    argv: (n) => ['env', 'delete', `gone${n}`, '--yes'],
    field: 'name',
  },
  'user list': { argv: () => ['user', 'list'], field: 'name' },
  'token create': { argv: (n) => ['token', 'create', '--name', `t${n}`], field: 'name' },
  'token list': { argv: () => ['token', 'list'], field: 'name' },
  'token revoke': {
    before: (n) => ['token', 'create', '--name', `u${n}`],
    argv: (n) => ['token', 'revoke', `u${n}`],
    field: 'name',
  },
  'member list': { argv: () => ['member', 'list', 'shop'], field: 'user' },
  create: { argv: (n) => ['create', `c${n}`, '--env', 'shop'], field: 'name' },
  list: { argv: () => ['list'], field: 'name' },
  get: { argv: () => ['get', 'friday'], field: 'name' },
  stop: {
    before: (n) => ['create', `s${n}`, '--env', 'shop'],
    argv: (n) => ['stop', `s${n}`],
    field: 'name',
  },
  edit: {
    before: (n) => ['create', `x${n}`, '--env', 'shop'],
    argv: (n) => ['edit', `x${n}`, '--name', `y${n}`],
    field: 'name',
  },
  delete: {
    before: (n) => ['create', `d${n}`, '--env', 'shop'],
    argv: (n) => ['delete', `d${n}`, '--yes'],
    field: 'name',
  },
  'schedule create': {
    argv: (n) => newSchedule(`k${n}`),
    field: 'name',
  },
  'schedule list': { argv: () => ['schedule', 'list'], field: 'name' },
  'schedule get': { argv: () => ['schedule', 'get', 'daily'], field: 'name' },
  'schedule next': { argv: () => ['schedule', 'next', 'daily'], field: 'at' },
  'schedule edit': { argv: () => ['schedule', 'edit', 'daily', '--duration', '2h'], field: 'name' },
  'schedule pause': {
    before: () => ['schedule', 'resume', 'daily'],
    argv: () => ['schedule', 'pause', 'daily'],
    field: 'name',
  },
  'schedule resume': {
    before: () => ['schedule', 'pause', 'daily'],
    argv: () => ['schedule', 'resume', 'daily'],
    field: 'name',
  },
  'schedule delete': {
    before: (n) => newSchedule(`z${n}`),
    argv: (n) => ['schedule', 'delete', `z${n}`, '--yes'],
    field: 'name',
  },
  prune: { argv: () => ['prune', '--older-than', '1d', '--dry-run'], field: 'name' },
  log: { argv: () => ['log'], field: 'action' },
  doctor: { argv: () => ['doctor'], field: 'check' },
};

/** Commands that print something else: they refuse the options and say what to do. */
const REFUSING: Readonly<Record<string, readonly string[]>> = {
  completion: ['completion', 'bash'],
  daemon: ['daemon'],
  help: ['help', 'time'],
  'create with a command': ['create', 'new', '--env', 'shop', '--', 'true'],
};

/** They print a noun by the same two functions; a server, a password or a second user is too dear here. */
const ELSEWHERE = new Set([
  'login',
  'init',
  'logout',
  'env check',
  'env warm-up',
  'user create',
  'user delete',
  'user passwd',
  'member add',
  'member set',
  'member remove',
  'metrics',
  'report',
  // test/cli/replay.test.ts
  'replay',
  'diff',
  'export',
  'import',
  // test/cli/workload.test.ts
  'workload',
  'verify',
  'recover',
  // test/cli/servers.test.ts
  'server list',
  'server use',
  'server remove',
]);

let home: string;
let count = 0;
beforeAll(async () => {
  home = await initialisedHome();
  for (const argv of [
    ['env', 'create', 'shop'],
    ['env', 'create', 'other'],
    ['create', 'friday', '--env', 'shop'],
    ['schedule', 'create', 'daily', '--env', 'shop', '--cron', '0 3 * * *', '--duration', '1h'],
  ]) {
    expect((await runCaptures(argv, { home })).status).toBe(0);
  }
});

function paths(verbs: readonly Verb[], above: string[] = []): string[] {
  return verbs.flatMap((verb) => {
    const path = [...above, verb.name];
    return 'verbs' in verb ? paths(verb.verbs, path) : [path.join(' ')];
  });
}

it('every command is walked here, or said to be walked elsewhere', () => {
  const known = [...Object.keys(DATA), ...Object.keys(REFUSING), ...ELSEWHERE];
  expect(paths(VERBS).filter((path) => !known.includes(path))).toEqual([]);
});

describe('an option that chooses the form of data', () => {
  it.each(Object.entries(DATA))('does what it says with %s', async (_, { argv, before, field }) => {
    const run = async (options: readonly string[], tty?: number): Promise<CliResult> => {
      count += 1;
      if (before !== undefined) await runCaptures(before(count), { home });
      const width = tty === undefined ? {} : { stdoutTty: tty };
      return runCaptures([...argv(count), ...options], { home, ...width });
    };
    const outputs = new Map<string, string>();
    for (const options of choices(field)) {
      const { status, stdout, stderr } = await run(options);
      expect({ options, status: status === 2 || status === 1 ? stderr : 'good' }).toEqual({
        options,
        status: 'good',
      });
      outputs.set(options.join(' '), stdout);
    }
    const lines = (key: string): string[] =>
      (outputs.get(key) ?? '').split(/\r?\n/).filter(Boolean);
    expect(JSON.parse(outputs.get('-o json') ?? '')).toBeTypeOf('object');
    expect(JSON.parse(outputs.get('--json') ?? '')).toBeTypeOf('object');
    expect(lines('--fields ' + field)[0]).toBe(field);
    expect(lines('-o csv')[0]).toMatch(new RegExp(`(^|,)${field}(,|$)`));
    expect(lines('-o tsv')[0]?.split('\t')).toContain(field);
    expect(lines('--no-headers')[0]?.split('\t') ?? []).not.toContain(field);
    expect(outputs.get('-o yaml')).toMatch(
      new RegExp(`^(- |\\[\\]|  )?(.*\\n)*(- |  )?${field}: |^\\[\\]`),
    );
    expect(outputs.get('-o name')).not.toContain('\t');
    // On a terminal that shows a report of its own, too.
    const only = await run(['--fields', field, '-o', 'tsv', '--no-headers'], 80);
    expect(only.stdout.split('\n').filter((line) => line.includes('\t'))).toEqual([]);
  });

  it.each(Object.entries(REFUSING))('is refused by %s, which says what to do', async (_, words) => {
    for (const options of choices('name')) {
      // With --json a failure of a recorded command is an object: that is an effect.
      if (words[0] === 'create' && options.some((word) => /json$/.test(word))) continue;
      const end = words.includes('--') ? words.indexOf('--') : words.length;
      const argv = [...words.slice(0, end), ...options, ...words.slice(end)];
      const result = await runCaptures(argv, { home });
      expect({ options, status: result.status, stdout: result.stdout }).toEqual({
        options,
        status: 2,
        stdout: '',
      });
      expect(result.stderr).toMatch(/ does nothing here/);
      expect(result.stderr.trimEnd().length).toBeGreaterThan(40);
    }
    // A default is none: it says nothing about this command.
    if (words[0] === 'completion') {
      const { status } = await runCaptures(words, { home, env: { CAPTURES_OUTPUT: 'json' } });
      expect(status).toBe(0);
    }
  });

  it('is refused by charts, where it is a form of data', async () => {
    for (const options of [['--fields', 'label'], ['--no-headers']]) {
      const drawn = await runCaptures(['metrics', 'friday', ...options], { home, stdoutTty: 80 });
      expect([drawn.status, drawn.stdout]).toEqual([2, '']);
      expect(drawn.stderr).toContain('For data add -o csv');
    }
    const table = await runCaptures(['metrics', 'friday', '-o', 'table'], { home });
    expect(table.stderr).not.toContain('does nothing');
  });

  it('is refused by a list that is watched, where it prints lines', async () => {
    const result = await runCaptures(['list', '--watch', '-o', 'csv'], { home });
    expect([result.status, result.stdout]).toEqual([2, '']);
  });
});
