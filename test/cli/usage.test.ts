import { SignalDesk } from '../../src/cli/runtime/signals.ts';
import { beforeAll, describe, expect, it } from 'vitest';
import { asksForJson, GLOBAL_OPTIONS } from '../../src/cli/input/global-options.ts';
import { HELP_TOPICS } from '../../src/cli/help/topics.ts';
import { HELP_TOPIC_NAMES } from '../../src/cli/help/topic-names.ts';
import { suggestionsFor } from '../../src/cli/help/suggestions.ts';
import { EXIT_STATUS, reportFailure } from '../../src/cli/runtime/exit-status.ts';
import { COMMAND_GROUPS, VERBS, type Verb } from '../../src/cli/commands/verbs.ts';
import { ClosedPipe } from '../../src/cli/runtime/world.ts';
import { splitCommand } from '../../src/cli/input/command-line.ts';
import { AppError } from '../../src/core/errors.ts';
import { initialisedHome, runCaptures } from '../support/cli.ts';

let home: string;
beforeAll(async () => {
  home = await initialisedHome();
  await runCaptures(['env', 'create', 'e'], { home });
  await runCaptures(['create', 'a', '--env', 'e'], { home });
});

function commands(verbs: readonly Verb[], prefix: string[] = []): string[][] {
  return verbs.flatMap((verb) =>
    'verbs' in verb ? commands(verb.verbs, [...prefix, verb.name]) : [[...prefix, verb.name]],
  );
}

describe('the program', () => {
  it('prints its version', async () => {
    const result = await runCaptures(['--version']);
    expect([result.status, result.stderr]).toEqual([0, '']);
    expect(result.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(await runCaptures(['-V'])).toEqual(result);
  });

  it('explains itself with help and with --help', async () => {
    const result = await runCaptures(['--help']);
    expect([result.status, result.stderr]).toEqual([0, '']);
    expect(result.stdout).toContain('Usage: captures COMMAND [options]');
    expect(await runCaptures(['help'])).toEqual(result);
    expect(await runCaptures(['-h'])).toEqual(result);
    // With an option it is commander that prints: both are to say the same.
    expect(await runCaptures(['--no-input', '--help'])).toEqual(result);
  });

  it('explains itself in 24 lines of 80 columns, with a prompt below', async () => {
    const lines = (await runCaptures(['--help'], { tty: 80 })).stdout.trimEnd().split('\n');
    expect(lines.length).toBeLessThanOrEqual(23);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(lines.filter((line) => /^\S.*:$/.test(line))).toEqual([
      'Captures:',
      'After a capture:',
      'Servers and users:',
      'Running it:',
    ]);
  });

  it('names every command once, and every topic', () => {
    const names = Object.values(COMMAND_GROUPS).flatMap((verbs) => verbs.map(({ name }) => name));
    expect(new Set(names).size).toBe(names.length);
    expect(VERBS.map(({ name }) => name)).toEqual([...names, 'help']);
    expect(Object.keys(HELP_TOPICS)).toEqual([...HELP_TOPIC_NAMES]);
  });

  it('says in its help in a few words what each command does', async () => {
    const { stdout } = await runCaptures(['--help'], { tty: 80 });
    const names = Object.values(COMMAND_GROUPS).flatMap((verbs) => verbs.map(({ name }) => name));
    for (const name of names) expect(stdout).toMatch(new RegExp(`  ${name.padEnd(11)}\\S`));
  });

  it.each([40, 70])('explains itself on a terminal of %i columns', async (tty) => {
    const { status, stdout } = await runCaptures(['--help'], { tty });
    expect(status).toBe(0);
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(tty);
  });

  it('has the options of all commands on a page of their own', async () => {
    const { stdout } = await runCaptures(['help', 'options']);
    for (const [flags] of GLOBAL_OPTIONS) expect(stdout).toContain(`  ${flags} `);
    const list = (await runCaptures(['list', '--help'])).stdout;
    expect(list).toContain('captures help options\n');
    expect(list).not.toMatch(/--timezone|--reverse|--no-color/);
    // Out of the help, but as good as ever.
    const argv = ['list', '--reverse', '--no-color', '--fields', 'name', '--no-headers'];
    expect((await runCaptures(argv, { home })).stdout).toBe('a\n');
  });

  it.each(commands(VERBS).filter(([name]) => name !== 'help'))(
    'explains %s %s with examples and its JSON fields',
    async (...words) => {
      const path = words.filter(Boolean);
      const result = await runCaptures([...path, '--help']);
      expect([result.status, result.stderr]).toEqual([0, '']);
      expect(result.stdout).toContain(`Usage: captures ${path.join(' ')}`);
      expect(result.stdout).toMatch(/\nExamples?:\n {2}captures /);
      expect(result.stdout).toMatch(/JSON|Fields of a line/);
      expect(await runCaptures(['help', ...path])).toEqual(result);
      expect(result.stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
    },
  );

  it.each(HELP_TOPIC_NAMES)('explains %s', async (topic) => {
    const result = await runCaptures(['help', topic]);
    expect([result.status, result.stderr]).toEqual([0, '']);
    expect(result.stdout.length).toBeGreaterThan(100);
    expect(result.stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  it('lists every exit status with its code', async () => {
    const { stdout } = await runCaptures(['help', 'exit-codes']);
    for (const status of Object.values(EXIT_STATUS)) {
      expect(stdout).toMatch(new RegExp(`^ *${status} {2}\\d{3} `, 'm'));
    }
  });
});

describe('a wrong command line', () => {
  it.each([
    [['lst'], "Unknown command 'lst'", 'Did you mean list?'],
    [['env', 'chek', 'e'], "Unknown command 'chek'", 'Did you mean check?'],
    [['env'], 'env needs a command', 'Commands: create, list, get, edit, delete, check or warm-up'],
    [['list', '--limt', '3'], "Unknown option '--limt'", 'Did you mean --limit?'],
    [
      ['get'],
      'Missing <capture>: captures get <capture>',
      '<capture> is id, name, or environment/name.',
    ],
    [
      ['diff', 'friday'],
      'Missing <b>: captures diff <a> <b>',
      '<b> is what is compared with A: a capture or replay, or a file of report --json.',
    ],
    [
      ['get', 'a', 'b'],
      "Too many arguments for 'get': it takes 1, not 2: a, b",
      'To see how it is used add --help.',
    ],
    [
      ['list', '--env'],
      "Option '--env <environment>' argument missing",
      'To see how it is used add --help.',
    ],
    [
      ['help', 'nonsense'],
      'There is no command and no topic "nonsense"',
      'To see the commands and the topics: captures help',
    ],
    [
      ['help', 'env', 'chek'],
      'There is no command "env chek"',
      'Did you mean check?\n  To see its commands: captures help env',
    ],
    [['--no-input', 'help', 'env'], 'help comes first', 'For example: captures help env'],
    [['warm-up', 'e'], "Unknown command 'warm-up'", 'Did you mean captures env warm-up?'],
    [
      ['list', '-o', 'xml'],
      '--output cannot be "xml"',
      'Choose from: table, json, csv, tsv, yaml, name',
    ],
    [['list', '--color', 'pink'], '--color cannot be "pink"', 'Choose from: auto, always, never'],
    [
      ['list', '--fields', 'id,,name'],
      '--fields has an empty field',
      'Give field names with commas between them: --fields id,name,status',
    ],
    [
      ['list', '--timezone', 'Nowhere'],
      'There is no time zone "Nowhere"',
      'Give an IANA name such as Europe/Berlin, America/New_York or UTC.',
    ],
  ])('%j exits 2 and says what to do', async (argv, message, hint) => {
    const text = await runCaptures(argv, { home });
    expect(text).toEqual({ status: 2, stdout: '', stderr: `captures: ${message}\n  ${hint}\n` });
  });

  it.each([
    [['lst', '--json']],
    [['--json', 'lst']],
    [['list', '--limt', '-o', 'json']],
    [['list', '-ojson', '--nope']],
    [['env', '--output=json']],
    [['get', '--json']],
    [['get', 'a', 'b', '--json']],
    [['list', '--env', '--json']],
    [['list', '--json', '-o', 'csv']],
    [['list', '--json', '--timezone', 'Nowhere']],
    [['list', '--json', '--fields', 'nope']],
  ])('%j leaves stdout empty and puts one object on stderr', async (argv) => {
    const result = await runCaptures(argv, { home });
    expect([result.status, result.stdout]).toEqual([2, '']);
    expect(JSON.parse(result.stderr)).toMatchObject({
      code: 400,
      message: expect.any(String) as string,
    });
    expect(result.stderr.trimEnd()).not.toContain('\n');
  });

  it('is an object as well where CAPTURES_OUTPUT asks for JSON', async () => {
    const env = { CAPTURES_OUTPUT: 'json' };
    const result = await runCaptures(['lst'], { home, env });
    expect(JSON.parse(result.stderr)).toMatchObject({ code: 400 });
    const overruled = await runCaptures(['lst', '-o', 'tsv'], { home, env });
    expect(overruled.stderr).toMatch(/^captures: /);
    const wrong = await runCaptures(['list'], { home, env: { CAPTURES_OUTPUT: 'xml' } });
    expect([wrong.status, wrong.stderr.split('\n')[0]]).toEqual([
      2,
      'captures: CAPTURES_OUTPUT cannot be "xml"',
    ]);
  });
});

describe('a suggestion', () => {
  const names = VERBS.map(({ name }) => name);

  it.each([
    ['lst', ['list']],
    ['lsit', ['list']],
    ['stp', ['stop']],
    ['metrcis', ['metrics']],
    ['work', ['workload']],
    ['LIST', ['list']],
    ['ls', ['list']],
    ['rm', ['delete']],
    ['show', ['get']],
    ['start', ['create']],
    ['cancel', ['delete']],
    ['top', []],
    ['pot', []],
    ['x', []],
    ['nonsense', []],
    ['constructor', []],
    ['toString', []],
    ['--'.repeat(500_000), []],
  ])('for %s is what is near, or nothing: %j', (word, expected) => {
    expect(suggestionsFor(word, names)).toEqual(expected);
  });

  it.each([
    [['top'], 'Did you mean captures list --watch?'],
    [['status'], 'Did you mean captures list, captures get CAPTURE or captures daemon --status?'],
    [['member', 'rm'], 'Did you mean remove?'],
    [['token', 'rm'], 'Did you mean revoke?'],
    [['sotp'], 'Did you mean stop?'],
    [['xyzzy'], 'To see the commands: captures --help'],
    [['env', 'xyzzy'], 'To see the commands: captures env --help'],
    [['-v'], 'Did you mean --version?'],
    [['daemon', 'status'], 'Did you mean --status?'],
    [['list', '--stat'], 'Did you mean --status?'],
    [['list', '--fileds', 'a'], 'Did you mean --fields?'],
    [['list', '--xyzzy'], 'To see the options: captures list --help'],
  ])('is made for %j: %s', async (argv, hint) => {
    const { status, stderr } = await runCaptures(argv, { home });
    expect([status, stderr.split('\n')[1]]).toEqual([2, `  ${hint}`]);
  });
});

describe('the request for JSON', () => {
  it.each([
    [['list', '--json'], true],
    [['list', '-o', 'json'], true],
    [['list', '-qojson'], true],
    [['list', '-o=JSON'], true],
    [['list', '--output', 'tsv'], false],
    [['list', '-o'], false],
    [['create', '--', 'x', '--json'], false],
    [['list'], false],
  ])('in %j is %s', (argv, expected) => {
    expect(asksForJson(argv, {})).toBe(expected);
  });
});

describe('output', () => {
  it('is TSV in a pipe and a table on a terminal', async () => {
    const piped = await runCaptures(['list'], { home });
    expect(piped.stdout).toMatch(/^id\tname\tstart\t/);
    const shown = await runCaptures(['list', '--no-color'], { home, stdoutTty: 80 });
    expect(shown.stdout).toMatch(/ID {2}.*NAME/);
  });

  it('goes where CAPTURES_OUTPUT says, unless an option says otherwise', async () => {
    const env = { CAPTURES_OUTPUT: 'name' };
    expect((await runCaptures(['list'], { home, env })).stdout).toBe('e/a\n');
    expect((await runCaptures(['list', '--json'], { home, env })).stdout).toMatch(/^\[\n/);
  });

  it('as a table obeys COLUMNS where stdout is no terminal', async () => {
    const env = { COLUMNS: '30' };
    const narrow = await runCaptures(['list', '-o', 'table'], { home, env });
    expect(Math.max(...narrow.stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(
      30,
    );
  });

  it.each([
    [['--fields', 'status,name'], 'status\tname\nRUNNING\ta\n'],
    [['--fields', 'name', '--no-headers'], 'a\n'],
    [
      ['--fields', 'workload', '-o', 'csv'],
      'workload.records,workload.textBytes,workload.fileBytes\r\n,,\r\n',
    ],
    [
      ['--fields', 'name,workload', '--json'],
      '[\n  {\n    "name": "a",\n    "workload": null\n  }\n]\n',
    ],
    [['--fields', 'name,id', '-o', 'yaml'], '- name: a\n  id: 1\n'],
    [['--fields', 'name,envId', '-o', 'table', '--no-headers'], 'a  1\n'],
    [['-o', 'name'], 'e/a\n'],
  ])('with %j has these fields', async (options, expected) => {
    expect(await runCaptures(['list', ...options], { home })).toEqual({
      status: 0,
      stdout: expected,
      stderr: '',
    });
  });

  it('refuses a field that is not there, naming those that are', async () => {
    const result = await runCaptures(['list', '--fields', 'nope'], { home });
    expect(result.status).toBe(2);
    expect(result.stderr).toMatch(
      /^captures: There is no field "nope"\n {2}The fields are: id, name, /,
    );
  });

  it('has colour on a terminal, and none with --no-color, NO_COLOR or in a pipe', async () => {
    const escape = /\u001b\[/;
    expect((await runCaptures(['list'], { home, tty: 80 })).stdout).toMatch(escape);
    expect((await runCaptures(['list', '--no-color'], { home, tty: 80 })).stdout).not.toMatch(
      escape,
    );
    const env = { NO_COLOR: '1' };
    expect((await runCaptures(['list'], { home, tty: 80, env })).stdout).not.toMatch(escape);
    expect((await runCaptures(['list', '-o', 'table'], { home })).stdout).not.toMatch(escape);
    const always = await runCaptures(['list', '-o', 'table', '--color', 'always'], { home });
    expect(always.stdout).toMatch(escape);
  });
});

describe('Ctrl-C on a terminal', () => {
  it('leaves the line where the terminal shows ^C', async () => {
    const home = await initialisedHome();
    const signals = new SignalDesk();
    const clock = {
      now: () => Date.now(),
      sleep: () => Promise.resolve(void signals.deliver('SIGINT')),
    };
    const watched = await runCaptures(['list', '--watch'], { home, signals, clock, tty: 80 });
    expect([watched.status, watched.stderr]).toEqual([130, '\n']);
    expect(watched.stdout).toContain('Ctrl-C ends this view only\n');
    const piped = await runCaptures(['list', '--watch'], { home, signals, clock });
    expect([piped.status, piped.stderr]).toEqual([130, '']);
  });
});

describe('a failure', () => {
  async function reported(error: unknown, how = { json: false, debug: false }): Promise<unknown> {
    let text = '';
    const status = await reportFailure(
      error,
      {
        env: {},
        signals: new SignalDesk(),
        stderr: {
          isTTY: false,
          columns: null,
          write: (data) => {
            text += String(data);
            return Promise.resolve();
          },
        },
      },
      how,
    );
    return { status, text };
  }

  it('that nobody expected exits 1 with one sentence, and shows its stack with --debug only', async () => {
    expect(await reported(new Error('boom\u001b[2J'))).toEqual({
      status: 1,
      text: 'captures: Unexpected error: boom\\x1b[2J\n  This is a bug in captures. Run it again with --debug to see where.\n',
    });
    const debugged = (await reported(new Error('boom'), { json: false, debug: true })) as {
      text: string;
    };
    expect(debugged.text).toContain('usage.test.ts');
  });

  it('is escaped as text and left to JSON as JSON', async () => {
    const error = new AppError('remote_failed', 'no\nway\u202e', {
      hint: 'GRANT a;\nGRANT \u001bb;',
    });
    expect(await reported(error)).toEqual({
      status: 9,
      text: 'captures: no\\nway\\u{202e}\n  GRANT a;\n  GRANT \\x1bb;\n',
    });
    const json = (await reported(error, { json: true, debug: true })) as { text: string };
    expect(JSON.parse(json.text)).toEqual({ code: 502, message: error.message, hint: error.hint });
  });

  it('to write because nobody reads is none', async () => {
    expect(await reported(new ClosedPipe())).toEqual({ status: 0, text: '' });
  });
});

describe('the words of create', () => {
  it.each([
    [['a'], ['create', 'a'], { operands: ['a'], command: null }],
    [
      ['a', 'ls', '-l'],
      ['create', 'a', '--', 'ls', '-l'],
      { operands: ['a'], command: ['ls', '-l'] },
    ],
    [
      ['ls', '--', 'x'],
      ['create', '--', 'ls', '--', 'x'],
      { operands: [], command: ['ls', '--', 'x'] },
    ],
    [['a'], ['create', 'a', '--'], { operands: ['a'], command: [] }],
  ])('%j of %j are told apart', (words, argv, expected) => {
    expect(splitCommand(words, argv)).toEqual(expected);
  });
});
