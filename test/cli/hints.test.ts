import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { viewerOf } from '../../src/core/access.ts';
import { namingEnvironment } from '../../src/core/environments/server-looks.ts';
import { AppError } from '../../src/core/errors.ts';
import type { Hint } from '../../src/core/hints.ts';
import { hintText } from '../../src/cli/output/hint-texts.ts';
import { openStore } from '../../src/store/sqlite-store.ts';
import { initialisedHome, runCaptures } from '../support/cli.ts';

/** A command with a value in it that is not quoted; `name` and `word` are quoted where they are made. */
const UNQUOTED =
  /captures (?:get|stop|delete|edit|verify|metrics|recover|login|(?:env|member|user) [a-z-]+) "?\$\{(?!shellQuoted|captureWord|name\}|own\b)/;
const SOURCES = resolve(import.meta.dirname, '../../src');

let home: string;
beforeAll(async () => {
  home = await initialisedHome();
  for (const argv of [
    ['env', 'create', "it's"],
    ['env', 'create', 'two'],
    ['create', 'my one', '--env', "it's"],
    ['create', 'both', '--env', "it's"],
    ['create', 'both', '--env', 'two'],
    ['create', 'later', '--env', "it's", '--at', '+1h'],
    ['create', 'broken', '--env', "it's"],
  ]) {
    expect((await runCaptures(argv, { home })).status).toBe(0);
  }
  const store = openStore(home);
  try {
    const broken = store.captures.findByName('broken', viewerOf(1))[0];
    store.captures.move(broken?.id ?? 0, 'RUNNING', 'FAILED', { end: Date.now(), reason: 'x' });
  } finally {
    store.close();
  }
});

describe('a hint is a command that can be pasted', () => {
  it.each([
    [['stop', 'later'], 'captures delete later'],
    [['stop', "it's/later"], String.raw`captures delete 'it'\''s/later'`],
    [['stop', 'broken'], 'captures get broken'],
    [['edit', 'my one', '--duration', '60', '--at', '+1h'], null],
    [['stop', 'both'], String.raw`Say which: 'it'\''s/both' (id`],
    [
      ['create', 'x', '--env', "it's", '--only', 'reads'],
      String.raw`captures env edit 'it'\''s' --url`,
    ],
    [['metrics', 'my one'], String.raw`captures env edit 'it'\''s' --instance`],
    [['metrics', 'my one', '--watch', '--json'], `captures metrics 'my one' --json`],
    [['member', 'set', "it's", 'nobody', '--role', 'admin'], null],
    [['member', 'remove', "it's", 'nobody'], String.raw`captures member list 'it'\''s'`],
    [['member', 'add', "it's", 'a b'], `captures user create 'a b'`],
    [
      ['member', 'set', "it's", 'ada', '--role', 'member'],
      String.raw`captures member add 'it'\''s' USER`,
    ],
    [['create', 'q', '--env', "it's", '--warm-up', '1h'], String.raw`captures env`],
  ])('%j: %s', async (argv, expected) => {
    const { status, stderr } = await runCaptures([...argv, '--no-input'], { home });
    expect(status).toBeGreaterThan(1);
    if (expected !== null) expect(stderr).toContain(expected);
    expect(stderr).not.toMatch(/\b(CAPTURE|ENVIRONMENT)\b|captures \w+ C\b| <id>/);
  });

  it('names the user where there is one alone', async () => {
    const own = await initialisedHome();
    await runCaptures(['logout'], { home: own });
    const { status, stderr } = await runCaptures(['list'], { home: own });
    expect([status, stderr]).toEqual([
      4,
      'captures: You are not logged in\n  Log in with: captures login ada\n',
    ]);
  });

  it('has the name of the environment, which an adapter does not know', () => {
    const hint = { code: 'restore_first', environment: null } as const;
    const { message, hint: named } = namingEnvironment(
      new AppError('remote_failed', 'no', { hint }),
      "$& it's",
    );
    expect([message, hintText(named)]).toEqual([
      'no',
      String.raw`Restore it first: captures recover '$& it'\''s'`,
    ]);
    const plain = new AppError('remote_failed', 'no');
    expect(namingEnvironment(plain, 'shop')).toBe(plain);
  });

  // A name in a template that is not quoted breaks with the first space in it.
  it('never has a name in it that is not quoted for a shell', () => {
    const found: string[] = [];
    for (const file of readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.ts')) continue;
      for (const line of readFileSync(join(SOURCES, file), 'utf8').split('\n')) {
        if (UNQUOTED.test(line)) {
          found.push(`${file}: ${line.trim()}`);
        }
        if (/hint: .*captures (?:get|stop|delete|edit|verify|recover|env check)['`.,]/.test(line)) {
          found.push(`${file}: ${line.trim()}`);
        }
      }
    }
    expect(found).toEqual([]);
  });
});

describe('a hint of a server of another version', () => {
  it.each([
    { code: 'of_later' },
    { code: 'toString' },
    { code: 'list_captures' },
    { code: 'say_which', candidates: 7 },
  ])('that this program does not know is left out: $code', (hint) => {
    expect(hintText(hint as unknown as Hint)).toBe(null);
  });
});
