import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { resolvePassword } from '../../src/mysql/credentials.ts';
import { readOptionGroup } from '../../src/mysql/option-file.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'captures-credentials-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function secretFile(name: string, text: string, mode = 0o600): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

describe('a password reference', () => {
  test('to nothing means to log in without one', async () => {
    expect(await resolvePassword(null, {})).toBeNull();
  });

  test('to a variable is its value', async () => {
    expect(await resolvePassword('env:DB_PASSWORD', { DB_PASSWORD: 's3 cret' })).toBe('s3 cret');
  });

  test('to a missing variable names it', async () => {
    await expect(resolvePassword('env:DB_PASSWORD', {})).rejects.toMatchObject({
      code: 'invalid',
      message: 'The environment variable DB_PASSWORD is not set',
    });
  });

  test.each(['s3cret\n', 's3cret', 's3cret\r\nmore\n'])(
    'to a file with %j is its first line',
    async (text) => {
      expect(await resolvePassword(`file:${secretFile('plain', text)}`, {})).toBe('s3cret');
    },
  );

  test('keeps the spaces of a password', async () => {
    expect(await resolvePassword(`file:${secretFile('spaces', ' a b \n')}`, {})).toBe(' a b ');
  });

  test.each([0o640, 0o604, 0o660])('to a file of mode %o is refused', async (mode) => {
    const path = secretFile('open', 's3cret', mode);
    await expect(resolvePassword(`file:${path}`, {})).rejects.toMatchObject({
      code: 'invalid',
      message: `The password file ${path} can be read by others`,
    });
  });

  test('to a folder is refused', async () => {
    const path = join(folder, 'folder');
    mkdirSync(path, { mode: 0o700 });
    await expect(resolvePassword(`file:${path}`, {})).rejects.toThrow('is not a regular file');
  });

  test('to a file that is not there says so', async () => {
    await expect(resolvePassword(`file:${folder}/none`, {})).rejects.toThrow('does not exist');
  });

  test('to an option file is the password of its group', async () => {
    const path = secretFile('my.cnf', '[client]\npassword=a\n[captures]\npassword = "b # c"\n');
    expect(await resolvePassword(`cnf:${path}#captures`, {})).toBe('b # c');
    expect(await resolvePassword(`cnf:${path}`, {})).toBe('a');
  });

  test('to a group without a password says so and echoes nothing', async () => {
    const path = secretFile('other.cnf', '[client]\nuser=a\n');
    await expect(resolvePassword(`cnf:${path}`, {})).rejects.toThrow(
      'has no password in its group [client]',
    );
  });
});

describe('an option file', () => {
  test.each([
    ['password=plain', 'plain'],
    ['password = spaced ', 'spaced'],
    ["password='single'", 'single'],
    ['password="double" # comment', 'double'],
    ['password=before#after', 'before'],
    ['password="a\\"b"', 'a"b'],
    ['password="back\\\\slash\\ttab\\sspace"', 'back\\slash\ttab space'],
    ['password=equals=inside', 'equals=inside'],
    ['PASSWORD=upper', 'upper'],
    ['password=first\npassword=second', 'second'],
    ['# password=comment\n; password=comment\npassword=real', 'real'],
    ['password=', ''],
    ['password', ''],
  ])('%j gives %j', (lines, password) => {
    expect(
      readOptionGroup(`[other]\npassword=no\n[client]\n${lines}\n`, 'client').get('password'),
    ).toBe(password);
  });

  test('has groups that may come twice', () => {
    expect(readOptionGroup('[a]\nuser=x\n[b]\nuser=y\n[a]\npassword=z', 'a')).toEqual(
      new Map([
        ['user', 'x'],
        ['password', 'z'],
      ]),
    );
  });
});
