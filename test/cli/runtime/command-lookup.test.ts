import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { commandFault } from '../../../src/cli/runtime/command-lookup.ts';
import { temporaryFolder } from '../../support/stores.ts';

describe('a command is looked up as a shell does', () => {
  let folder: string;
  let path: string;
  beforeAll(() => {
    folder = temporaryFolder();
    mkdirSync(join(folder, 'a/tool'), { recursive: true });
    mkdirSync(join(folder, 'b'));
    for (const file of ['a/plain', 'b/run', 'b/tool', 'here'])
      writeFileSync(join(folder, file), '');
    for (const file of ['b/run', 'b/tool', 'here']) chmodSync(join(folder, file), 0o755);
    path = `${join(folder, 'a')}:${join(folder, 'none')}:${join(folder, 'b')}`;
  });

  it.each([
    ['run', null],
    // A folder of that name is passed over.
    ['tool', null],
    ['plain', 'forbidden'],
    ['nosuchcmd', 'missing'],
    ['here', 'missing'],
    ['./here', null],
    ['b/run', null],
    ['../nosuchfolder/run', 'missing'],
    ['./a', 'forbidden'],
    ['here/run', 'missing'],
    ['', 'missing'],
  ])('%j is %s', (command, fault) => {
    expect(commandFault(command, path, folder)).toBe(fault);
  });

  it('in the working directory where PATH says so, and in the system\u2019s folders without PATH', () => {
    expect(commandFault('here', `${path}:`, folder)).toBeNull();
    expect(commandFault('sh', undefined, folder)).toBeNull();
    expect(commandFault(join(folder, 'b/run'), '', '/')).toBeNull();
  });
});
