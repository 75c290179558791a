import { globSync } from 'node:fs';
import { expect, it } from 'vitest';
import { BOTH_WAYS, ONE_WAY } from '../support/both-ways.ts';
import { initialisedHome, runCaptures } from '../support/cli.ts';
import { isOverHttp } from '../support/cli-over-http.ts';

it('the tests of the command line are about a server where they are run over HTTP, and only there', async () => {
  const home = await initialisedHome();
  const { stdout } = await runCaptures(['whoami', '--json'], { home });
  const { server, store } = JSON.parse(stdout) as Record<string, string | null>;
  expect([server === null, store === null]).toEqual([!isOverHttp(), isOverHttp()]);
});

it('every file of these tests is run both ways, or says why once is enough', () => {
  const files = globSync('**/*.test.ts', { cwd: import.meta.dirname });
  const names = files.map((file) => file.replace(/\.test\.ts$/, ''));
  expect([...BOTH_WAYS, ...Object.keys(ONE_WAY)].sort()).toEqual(names.sort());
});
