import { beforeAll, describe, expect, it } from 'vitest';
import { messageLines, wrapMessage } from '../../../src/cli/render/messages.ts';
import { columnsOf, messageWidth } from '../../../src/cli/output/terminal-width.ts';
import { initialisedHome, runCaptures } from '../../support/cli.ts';

describe('a sentence for people', () => {
  it.each([
    ['one two three', 7, ['one two', 'three']],
    ['short', 40, ['short']],
    ['a /very/long/path/that/stays/whole b', 10, ['a', '/very/long/path/that/stays/whole', 'b']],
    ['To see it: captures get shop/friday', 20, ['To see it:', 'captures get shop/friday']],
    [
      "Stop it: captures stop 'my one; it' --give-up; or wait for it",
      30,
      ['Stop it:', "captures stop 'my one; it' --give-up;", 'or wait for it'],
    ],
    [
      'Run there: GRANT SELECT, RELOAD ON *.* TO `a`@`b`; and then again',
      24,
      ['Run there:', 'GRANT SELECT, RELOAD ON *.* TO `a`@`b`;', 'and then again'],
    ],
    [
      'Close it with: chmod 700 /a/b. Then again',
      20,
      ['Close it with:', 'chmod 700 /a/b. Then', 'again'],
    ],
    ['what captures is for is no command', 16, ['what captures is', 'for is no', 'command']],
    ['日本語 日本語 日本語', 14, ['日本語 日本語', '日本語']],
  ])('%s in %i columns', (text, width, expected) => {
    expect(messageLines(text, width)).toEqual(expected);
  });

  it('is indented from its second line on, within the width', () => {
    expect(wrapMessage('warning: one two three four', 14)).toBe(
      'warning: one\n  two three\n  four',
    );
    expect(wrapMessage('one two', Infinity)).toBe('one two');
  });
});

describe('the width', () => {
  it('is that of the terminal, less where COLUMNS asks for less, and no limit without one', () => {
    const terminal = { isTTY: true, columns: 100 };
    const pipe = { isTTY: false, columns: null };
    expect(columnsOf(terminal, {})).toBe(100);
    expect(columnsOf(terminal, { COLUMNS: '40' })).toBe(40);
    expect(columnsOf(terminal, { COLUMNS: '400' })).toBe(100);
    expect(columnsOf(terminal, { COLUMNS: 'x' })).toBe(100);
    expect(columnsOf({ isTTY: true, columns: null }, { COLUMNS: '40' })).toBe(40);
    expect(columnsOf(pipe, { COLUMNS: '40' })).toBe(40);
    expect(columnsOf(pipe, {})).toBe(80);
    expect(messageWidth(pipe, { COLUMNS: '40' })).toBe(Infinity);
  });
});

describe('on a terminal', () => {
  let home: string;
  beforeAll(async () => {
    home = await initialisedHome();
    await runCaptures(['env', 'create', 'shop'], { home });
  });

  const SAID: readonly (readonly [string[]])[] = [
    [['env', 'create', 'x', '--url', 'http://a']],
    [['create', 'x', '--env', 'shop', '--only', 'reads']],
    [['create', 'later', '--env', 'shop', '--at', '+1h']],
    [['list', '--fields', 'nope']],
    [['list', '-o', 'xml']],
    [['env']],
  ];

  it.each(SAID)('%j says all in 40 columns, and in a pipe in one line', async (argv) => {
    const shown = await runCaptures([...argv, '--no-input', '--color', 'never'], { home, tty: 40 });
    const piped = await runCaptures([...argv, '--no-input'], { home });
    const whole = piped.stderr === '' ? shown.stderr : piped.stderr;
    expect(shown.stderr).not.toBe('');
    const tooWide = shown.stderr
      .split('\n')
      .filter((line) => line.length > 40 && !/^ *(captures |\S+$)/.test(line));
    expect(tooWide).toEqual([]);
    if (argv[1] === 'later') return;
    expect(shown.stderr.replaceAll(/\s+/g, ' ')).toBe(whole.replaceAll(/\s+/g, ' '));
  });
});
