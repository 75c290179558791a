import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  checkReference,
  resolvePassword,
} from '../../../../src/source/mysql/connection/database-credentials.ts';
import { readPassword } from '../../../../src/source/mysql/connection/option-file.ts';
import { isReadOnlyIn } from '../../../../src/source/mysql/connection/read-only-mounts.ts';
import { needs } from '../../../support/skips.ts';

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

// Never a wait, never all of the memory.
describe('a reference to what is no file of a password', () => {
  function pipe(): string {
    const path = join(folder, 'pipe');
    execFileSync('mkfifo', ['-m', '600', path]);
    return path;
  }
  test.each([
    ['a pipe that nobody writes to', pipe, 'is not a regular file'],
    ['a device without end', () => '/dev/zero', 'is not a regular file'],
    ['a huge file', () => secretFile('huge', 'x'.repeat(1024 * 1024 + 1)), 'is larger than 1 MiB'],
  ])('%s is refused', async (_what, make, why) => {
    const path = make();
    for (const reference of [`file:${path}`, `cnf:${path}`]) {
      await expect(resolvePassword(reference, {})).rejects.toMatchObject({
        code: 'invalid',
        message: `The password file ${path} ${why}`,
      });
    }
  });
});

describe('a look at a reference, before it is stored', () => {
  test('refuses what would be refused, and passes what is not there', async () => {
    const open = secretFile('too-open', 's3cret', 0o644);
    await expect(checkReference(`file:${open}`)).rejects.toMatchObject({
      message: `The password file ${open} can be read by others`,
      hint: `chmod 600 ${open}`,
    });
    await expect(checkReference(`cnf:${open}#x`)).rejects.toThrow('can be read by others');
    await expect(checkReference(`file:${folder}`)).rejects.toThrow('is not a regular file');
    expect(await checkReference(`file:${secretFile('closed', 'x')}`)).toBeNull();
    expect(await checkReference(`file:${folder}/none`)).toBe('does not exist');
    expect(await checkReference('env:NOT_SET')).toBeNull();
  });
});

describe("a container's secret", () => {
  /** Whether this process may make mounts in a namespace of its own. */
  const canMount =
    spawnSync('unshare', ['--mount', 'true']).status === 0 && process.getuid?.() === 0;

  // As Kubernetes mounts them: links to a folder whose name changes.
  const script = (mode: string, options: string): string => `
    set -e
    mkdir -p ${folder}/mount ${folder}/source/..2026
    printf s3cret > ${folder}/source/..2026/password
    chmod ${mode} ${folder}/source/..2026/password
    ln -sfn ..2026 ${folder}/source/..data
    ln -sfn ..data/password ${folder}/source/password
    mount --bind ${folder}/source ${folder}/mount
    mount -o remount,bind,${options} ${folder}/mount
    exec ${process.execPath} --input-type=module --eval "
      import { resolvePassword } from '${import.meta.dirname}/../../../../src/source/mysql/connection/database-credentials.ts';
      console.log(await resolvePassword('file:${folder}/mount/password').catch(
        (error) => error.message + ' // ' + error.hint));"`;

  const title =
    'that only root can change, on a read-only mount, is taken whatever its mode (needs root)';
  test(title, needs(canMount, 'only root can mount'), () => {
    const at = (mode: string, options: string): string =>
      execFileSync('unshare', ['--mount', 'sh', '-c', script(mode, options)], {
        encoding: 'utf8',
      }).trim();
    expect([at('444', 'ro'), at('644', 'ro'), at('440', 'ro')]).toEqual([
      's3cret',
      's3cret',
      's3cret',
    ]);
    expect(at('666', 'ro')).toMatch(/can be read by others \/\/ It lies on a read-only mount/);
    expect(at('444', 'rw')).toMatch(/can be read by others \/\/ chmod 600 /);
  });

  const MOUNTS = [
    '22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw',
    '30 22 0:40 / /run/secrets ro,relatime - tmpfs tmpfs rw',
    '31 22 0:41 / /var/run\\040x ro,relatime - tmpfs tmpfs rw',
    '32 22 0:42 / /srv rw,relatime shared:1 - iso9660 /dev/sr0 ro',
    '33 30 0:43 / /run/secrets/rw rw - tmpfs tmpfs rw',
    '34 22 0:44 / /twice ro - tmpfs tmpfs rw',
    '35 34 0:45 / /twice rw - tmpfs tmpfs rw',
    '',
  ].join('\n');
  test.each([
    ['/run/secrets/db', true],
    ['/run/secrets', true],
    ['/run/secrets-not/db', false],
    ['/run/secrets/rw/db', false],
    ['/var/run x/db', true],
    ['/srv/db', true],
    ['/twice/db', false],
    ['/etc/db', false],
  ])('%s: on a read-only mount %s', (path, isReadOnly) => {
    expect(isReadOnlyIn(MOUNTS, path)).toBe(isReadOnly);
  });
});

/**
 * What the clients of MariaDB 10.11 and MySQL 9.7 log in with (tried: `mariadb` and `mysql` with
 * `--defaults-file`, and a server that asks for the password in clear text). null: they find none.
 */
describe('an option file', () => {
  test.each([
    ['password=plain', 'plain'],
    ['password = spaced ', 'spaced'],
    ['password\t=\ttabs\t', 'tabs'],
    ['  password = a b', 'a b'],
    ["password='single'", 'single'],
    ['password="double" # comment', 'double'],
    ['password=before#after', 'before'],
    ['password=#after', ''],
    ['password="a#b"', 'a#b'],
    ['password="a\\"b"', 'a"b'],
    ["password='a\\'b'", "a'b"],
    ["password='a''b'", "a''b"],
    ['password="a"b"', 'a"b'],
    ['password="a\'b" ', "a'b"],
    ['password="a"#b', 'a'],
    ['password="a"x#b', '"a"x'],
    ['password="a b" c', '"a b" c'],
    ['password="abc', '"abc'],
    ['password=abc"', 'abc"'],
    ['password="', '"'],
    ['password=a"#b', 'a"#b'],
    ['password=a"#"b', 'a"#"b'],
    ['password=a\\#b', 'a\\'],
    ['password="a\\"#b"', 'a"#b'],
    ['password="a\\\\"#b"', 'a\\'],
    ['password="a\\" # b', '"a" # b'],
    ["password=it\\'s # x", "it's # x"],
    ["password=it's # x", "it's # x"],
    ['password=a\\"b', 'a"b'],
    ['password=\\"a\\"', '"a"'],
    ['password=a\\xb', 'a\\xb'],
    ['password=a\\nb', 'a\nb'],
    ['password="\\\\\\""', '\\"'],
    ["password='\\\\'", '\\'],
    ['password=a\\\\', 'a\\'],
    ['password=\\sabc\\s', ' abc '],
    ['password="back\\\\slash\\ttab\\sspace\\b"', 'back\\slash\ttab space\b'],
    ['password=equals=inside', 'equals=inside'],
    ['password==abc', '=abc'],
    ['password=abc ; x', 'abc ; x'],
    ['PASSWORD=upper', 'upper'],
    ['password=first\npassword=second', 'second'],
    ['# password=comment\n; password=comment\npassword=real', 'real'],
    ['password=', ''],
    ['password=""', ''],
    ['password', ''],
    ['password # x', ''],
    ['skip-password', ''],
    ['disable_password', ''],
    // MariaDB's clients alone take what is short for one option.
    ['pas=short', 'short'],
    ['pass=short', 'short'],
    ['passwor=short', 'short'],
    ['loose-pass=short', 'short'],
    ['passw=1\npassword=2\npass=3', '3'],
    ['loose-password=abc', 'abc'],
    ['loose_password=abc', 'abc'],
    ['loose-loose-password=abc', 'abc'],
    // MySQL's alone.
    ['password1=abc', 'abc'],
    ['p=abc', null],
    ['pass-word=abc', null],
    ['pass_word=abc', null],
    ['--password=abc', null],
    ['"password"=abc', null],
    ['password:abc', null],
    ['password2=abc', null],
    ['passwords=abc', null],
    ['=abc', null],
  ])('%j gives %j', (lines, password) => {
    expect(readPassword(`[other]\npassword=no\n[client]\n${lines}\n`, 'client')).toBe(password);
    expect(readPassword(`[client]\r\n${lines.replaceAll('\n', '\r\n')}\r\n`, 'client')).toBe(
      password,
    );
  });

  test.each([
    ['[client] # x', 'abc'],
    ['[client]x', 'abc'],
    ['[client ]', 'abc'],
    ['[CLIENT]', 'abc'],
    ['[ client]', null],
    ['[client', null],
  ])('%s is the group client: %j', (header, password) => {
    expect(readPassword(`${header}\npassword=abc`, 'client')).toBe(password);
  });

  test('has groups that may come twice', () => {
    expect(readPassword('[a]\nuser=x\n[b]\npassword=y\n[a]\npassword=z', 'a')).toBe('z');
  });
});
