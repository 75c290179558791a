import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { quoteForBash, readShellLine } from '../../../src/cli/completion/shell-line.ts';
import { VERBS } from '../../../src/cli/commands/verbs.ts';
import { STATEMENT_CLASSES } from '../../../src/core/captures/recording-options.ts';
import { emptyFolder, initialisedHome, runCaptures, type CliOptions } from '../../support/cli.ts';
import { addUser } from '../../support/users.ts';

const BREAKS = ' \t\n"\'><=;|&(:';

let home: string;
let bob: { CAPTURES_TOKEN: string };
beforeAll(async () => {
  home = await initialisedHome();
  bob = addUser(home, 'bob');
  for (const argv of [
    ['env', 'create', 'shop'],
    ['env', 'create', 'other shop'],
    ['member', 'add', 'shop', 'bob'],
    ['create', 'friday', '--env', 'shop'],
    ['create', 'monday', '--env', 'shop'],
    ['create', 'monday', '--env', 'other shop'],
    ['create', 'done', '--env', 'shop'],
    ['create', 'late', '--env', 'shop'],
    ['stop', 'done'],
    ['schedule', 'create', 'nightly', '--env', 'shop', '--cron', '0 2 * * *', '--duration', '30m'],
    ['token', 'create', '--name', 'ci'],
  ]) {
    const { status, stderr } = await runCaptures(argv, { home });
    expect({ argv, status, stderr }).toEqual({ argv, status: 0, stderr });
  }
});

async function completed(
  words: readonly string[],
  options: CliOptions = { home },
): Promise<{ manner: string; values: string[] }> {
  const result = await runCaptures(['__complete', 'zsh', ...words], options);
  expect({ ...result, stdout: '' }).toEqual({ status: 0, stdout: '', stderr: '' });
  const [manner = '', ...lines] = result.stdout.trimEnd().split('\n');
  return { manner, values: lines.map((line) => line.split('\t')[0] ?? '') };
}

async function values(...words: string[]): Promise<string[]> {
  return (await completed(words)).values;
}

describe('what is completed', () => {
  it('is every command, hidden ones apart', async () => {
    const names = VERBS.map(({ name }) => name);
    expect(await values('')).toEqual(names);
    expect(await values('env', 'c')).toEqual(['create', 'check']);
    expect(await values('nonsense', '')).toEqual([]);
  });

  it('is the options of a command and those of all, each flag once', async () => {
    const options = await values('get', '--');
    expect(options).toContain('--watch');
    expect(options).toContain('--output');
    expect(options).toContain('--help');
    expect(options).not.toContain('--version');
    expect(await values('get', '--watch', '--wa')).toEqual([]);
    expect(await values('create', 'x', '--at')).toEqual(['--at']);
    expect(await values('daemon', '--back')).toEqual([]);
    expect(await values('--ver')).toEqual(['--version']);
  });

  it.each([
    [['list', '--status', 'R'], ['RUNNING']],
    [['list', '--status', 'run'], ['RUNNING']],
    [['list', '--status=DONE,F'], ['--status=DONE,FAILED']],
    [['list', '-o', 'j'], ['json']],
    [['list', '-qo', 'y'], ['yaml']],
    [['-o', 'c'], ['csv']],
    [['daemon', '--behind-proxy', 'f'], ['forwarded']],
    [['daemon', '--behind-proxy', '--lis'], ['--listen']],
    [
      ['list', '--color', ''],
      ['auto', 'always', 'never'],
    ],
    [
      ['member', 'set', 'shop', 'bob', '--role', ''],
      ['member', 'admin'],
    ],
    [
      ['metrics', 'x', '--source', ''],
      ['cloudwatch', 'server'],
    ],
    [['metrics', 'x', '--metric', 'CPUUtilization', 'ReadI'], ['ReadIOPS']],
    [['create', 'x', '--only', ''], [...STATEMENT_CLASSES]],
    [['create', 'x', '--redact', ''], ['literals']],
    [['env', 'create', 'x', '--ssl-mode', 'VERIFY_C'], ['VERIFY_CA']],
    [
      ['workload', 'x', '--format', ''],
      ['ndjson', 'sql'],
    ],
    [['list', '--timezone', 'Europe/Berl'], ['Europe/Berlin']],
    [['help', 'exit'], ['exit-codes']],
    [['help', 'env', 'ch'], ['check']],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [['list', '--limit', ''], []],
    [['list', 'x'], []],
  ])('is what may be chosen: %j', async (words, expected) => {
    expect(await values(...words)).toEqual(expected);
  });

  it.each([
    [
      ['env', 'get', ''],
      ['other shop', 'shop'],
    ],
    [['create', 'x', '--env', 's'], ['shop']],
    [['create', 'x', '--env=o'], ['--env=other shop']],
    [
      ['stop', ''],
      ['late', 'other shop/monday', 'shop/monday', 'friday'],
    ],
    [['get', 'do'], ['done']],
    [['get', 'FRI'], ['friday']],
    [['get', 'shop/m'], ['shop/monday']],
    [['get', 'other shop/'], ['other shop/monday']],
    [['get', 'nowhere/'], []],
    [['get', '1'], ['1']],
    [['delete', 'friday', 'f'], []],
    [['delete', 'friday', 'd'], ['done']],
    [['metrics', 'x', '--compare', 'fr'], ['friday']],
    [['schedule', 'pause', ''], ['nightly']],
    [
      ['member', 'set', 'shop', ''],
      ['ada', 'bob'],
    ],
    [['member', 'remove', 'other shop', ''], ['ada']],
    [
      ['member', 'add', 'shop', ''],
      ['ada', 'bob'],
    ],
    [
      ['list', '--owner', ''],
      ['me', 'ada', 'bob'],
    ],
    [['user', 'delete', 'b'], ['bob']],
    [['token', 'revoke', ''], ['ci']],
  ])('is a name that is in the store: %j', async (words, expected) => {
    expect(await values(...words)).toEqual(expected);
  });

  it('leaves programs and files to the shell', async () => {
    const none = { values: [] };
    expect(await completed(['create', 'x', '--', ''])).toEqual({ manner: 'programs', ...none });
    expect(await completed(['create', 'x', '--', 'make', ''])).toEqual({
      manner: 'files',
      ...none,
    });
    expect(await completed(['login', '--password-file', ''])).toEqual({ manner: 'files', ...none });
    expect(await completed(['env', 'create', '--password-from', 'file:/'])).toEqual({
      manner: 'files',
      ...none,
    });
    expect(await completed(['env', 'create', '--password-from', 'f'])).toEqual({
      manner: 'open',
      values: ['file:'],
    });
  });

  it('is nothing that its user may not see', async () => {
    const theirs = { home, env: bob };
    expect((await completed(['env', 'get', ''], theirs)).values).toEqual(['shop']);
    expect((await completed(['get', 'm'], theirs)).values).toEqual(['monday']);
    expect((await completed(['get', 'other shop/'], theirs)).values).toEqual([]);
    expect((await completed(['member', 'list', 'o'], theirs)).values).toEqual([]);
    // Not an administrator, who alone may list the users: only those met in an environment.
    expect((await completed(['user', 'delete', ''], theirs)).values).toEqual(['ada', 'bob']);
    expect((await completed(['token', 'revoke', ''], theirs)).values).not.toContain('ci');
  });
});

describe('a completion', () => {
  it.each([
    ['without a store', () => ({ home: emptyFolder() })],
    ['where nobody is logged in', () => ({ home, env: { CAPTURES_TOKEN: 'wrong' } })],
    ['in a folder that is none', () => ({ home: '/dev/null' })],
  ])('has no names and no complaint %s', async (_where, options) => {
    expect((await completed(['get', ''], options())).values).toEqual([]);
    expect((await completed(['env', 'ch'], options())).values).toEqual(['check']);
    expect((await completed(['list', '--status', 'D'], options())).values).toEqual(['DONE']);
  });

  it.each([[[]], [['bash']], [['tcsh', 'x']], [['bash', '', '']], [['zsh']], [['fish', "'"]]])(
    'says nothing about a wrong call: %j',
    async (argv) => {
      const { status, stderr } = await runCaptures(['__complete', ...argv], { home });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    },
  );

  it('changes nothing in the store', async () => {
    const look = (): unknown =>
      readdirSync(home).map((name) => [name, statSync(join(home, name)).mtimeMs]);
    const before = look();
    const database = readFileSync(join(home, 'captures.db'));
    await values('get', '');
    await values('env', 'get', '');
    expect(look()).toEqual(before);
    expect(readFileSync(join(home, 'captures.db')).equals(database)).toBe(true);
  });
});

describe('a line of bash', () => {
  it.each([
    ['captures get ', ['captures', 'get', ''], '', ''],
    ['captures get fri', ['captures', 'get', 'fri'], '', ''],
    ['captures get my\\ f', ['captures', 'get', 'my f'], '', ''],
    ['captures get "my f', ['captures', 'get', 'my f'], '"', ''],
    ["captures get 'it'\\''s", ['captures', 'get', "it's"], "'", "it'"],
    ['captures list --env=my', ['captures', 'list', '--env=my'], '', '--env='],
    ['captures list --env="my s', ['captures', 'list', '--env=my s'], '"', '--env='],
    ['captures get a:b', ['captures', 'get', 'a:b'], '', 'a:'],
    ['captures get "a:b" x:', ['captures', 'get', 'a:b', 'x:'], '', 'x:'],
    ['captures get "a\\b\\"', ['captures', 'get', 'a\\b"'], '"', ''],
    ['captures get "" ', ['captures', 'get', '', ''], '', ''],
    ['captures list 2> /dev/null --st', ['captures', 'list', '--st'], '', ''],
  ])('is read as bash reads it: %s', (line, words, quote, kept) => {
    expect(readShellLine(line, BREAKS)).toEqual({ words, quote, kept, isRedirection: false });
  });

  it('knows the file of a redirection', () => {
    expect(readShellLine('captures list > fi', BREAKS)).toMatchObject({ isRedirection: true });
  });

  it('gets values that bash reads back', () => {
    expect(quoteForBash('a b$c"d\'e`f!g(h)', '')).toBe('a\\ b\\$c\\"d\\\'e\\`f\\!g\\(h\\)');
    expect(quoteForBash('größe 😀', '')).toBe('größe\\ 😀');
    expect(quoteForBash("it's $5", "'")).toBe("it'\\''s $5");
    expect(quoteForBash('a "b" $5!', '"')).toBe('a \\"b\\" \\$5"\\!"');
  });

  it('is completed from where bash replaces it', async () => {
    const line = 'captures list --env=ot';
    const { stdout } = await runCaptures(['__complete', 'bash', BREAKS, line], { home });
    expect(stdout).toBe('words\nother\\ shop\n');
  });
});

describe('captures completion', () => {
  it.each(['bash', 'zsh', 'fish'])('prints a script for %s without a store', async (shell) => {
    const { status, stdout, stderr } = await runCaptures(['completion', shell], {
      home: emptyFolder(),
    });
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toContain('__complete');
  });

  it('names the shells it knows', async () => {
    const { status, stderr } = await runCaptures(['completion', 'tcsh']);
    expect([status, stderr]).toEqual([
      2,
      'captures: SHELL cannot be "tcsh"\n  Choose from: bash, zsh, fish\n',
    ]);
  });
});
