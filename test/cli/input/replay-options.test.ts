import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import {
  parseSpeed,
  registerReplayOptions,
  type TypedReplay,
} from '../../../src/cli/input/replay-options.ts';
import { parseUserMap } from '../../../src/cli/input/user-map.ts';

const PLACE = { cwd: '/work', home: '/home/ada' };

function typed(...argv: string[]): TypedReplay {
  const command = registerReplayOptions(new Command().exitOverride());
  return command.parse(argv, { from: 'user' }).opts();
}

describe('--speed', () => {
  it.each([
    ['0.25', 0.25],
    ['1', 1],
    ['4', 4],
    ['4x', 4],
    ['.5', 0.5],
    [' 2 ', 2],
    ['max', 'max'],
    ['MAX', 'max'],
  ])('%s is %s', (text, speed) => {
    expect(parseSpeed(text)).toBe(speed);
  });

  it.each([
    '0',
    '0.0',
    '-1',
    'NaN',
    'Infinity',
    '',
    ' ',
    'fast',
    '1e3',
    '0x10',
    '1,5',
    '1/2',
    'x',
    '9'.repeat(400),
  ])('refuses "%s", and says what it takes', (text) => {
    expect(() => parseSpeed(text)).toThrow(/--speed takes a number from 0.001 to 1000, or max/);
  });
});

describe('--map-db', () => {
  it('may be given several times', () => {
    expect(typed('--map-db', 'a=b', '--map-db', 'c=d').mapDb).toEqual([
      { recorded: 'a', target: 'b' },
      { recorded: 'c', target: 'd' },
    ]);
  });

  it.each(['a', 'a=', '=b', '=', 'a=b=c', ''])('refuses "%s", and says what to write', (text) => {
    expect(() => typed('--map-db', text)).toThrow(`--map-db takes A=B, not "${text}"`);
  });
});

describe('the file of --user-map', () => {
  it('has a recorded user a line, the account, and where its password is', () => {
    const text = [
      '# who is who',
      '',
      'app     app_test   env:APP_PASSWORD',
      '  report\treporter\tfile:secrets/my password  ',
      'root root cnf:~/my.cnf#admin\r',
      '* guest -',
    ].join('\n');
    expect(parseUserMap(text, 'users.txt', PLACE)).toEqual([
      { recorded: 'app', user: 'app_test', passwordFrom: 'env:APP_PASSWORD' },
      { recorded: 'report', user: 'reporter', passwordFrom: 'file:/work/secrets/my password' },
      { recorded: 'root', user: 'root', passwordFrom: 'cnf:/home/ada/my.cnf#admin' },
      { recorded: '*', user: 'guest', passwordFrom: null },
    ]);
  });

  it.each([
    ['app', 'users.txt, line 2: it has no account'],
    ['app app_test', 'users.txt, line 2: it has no password reference (- for none)'],
    ['app app_test hunter2', 'users.txt, line 2: The password reference cannot be read'],
    [
      'app app_test env:',
      'users.txt, line 2: The password reference names no environment variable',
    ],
    ['a b -\n a c -', 'users.txt, line 3: a is there twice'],
    ['* b -\n* c -', 'users.txt, line 3: * (everybody else) is there twice'],
    ['# nobody', 'users.txt has no users'],
  ])('refuses %j, and names the line', (line, message) => {
    expect(() => parseUserMap(`# one\n${line}`, 'users.txt', PLACE)).toThrow(
      expect.objectContaining({ code: 'invalid', message }),
    );
  });

  it('never shows what may be a password', () => {
    expect(() => parseUserMap('app app hunter2', 'f', PLACE)).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('hunter2') as string }),
    );
  });

  it('names paths on a server as they are there', () => {
    const server = { server: 'captures.example.com' };
    expect(parseUserMap('a b file:/etc/p', 'f', server)).toMatchObject([
      { passwordFrom: 'file:/etc/p' },
    ]);
    expect(() => parseUserMap('a b file:p', 'f', server)).toThrow(
      /f, line 1: p is not an absolute path/,
    );
  });
});
