import { describe, expect, it } from 'vitest';
import { initialisedHome, runCaptures } from '../support/cli.ts';

describe('captures replay', () => {
  it('says what is missing, and what contradicts itself, before anything else', async () => {
    const home = await initialisedHome();
    const refused = async (...argv: string[]): Promise<string> => {
      const { status, stdout, stderr } = await runCaptures(['replay', 'friday', ...argv], { home });
      expect([status, stdout]).toEqual([2, '']);
      return stderr;
    };
    expect(await refused()).toContain('--to is missing');
    expect(await refused('--to', 'copy', '--speed', '0')).toContain(
      '--speed takes a number above 0',
    );
    expect(await refused('--to', 'copy', '--serial', '--speed', '4')).toContain(
      '--serial and --speed contradict one another',
    );
    expect(await refused('--to', 'copy', '--serial', '--sessions', '4')).toContain(
      '--serial and --sessions contradict one another',
    );
    expect(await refused('--to', 'copy', '--sessions', '0')).toContain(
      '--sessions takes a whole number from 1 on',
    );
    expect(await refused('--to', 'copy', '--user-map', 'nobody.txt')).toContain(
      'There is no file nobody.txt',
    );
  });
});
