import { expect, it } from 'vitest';
import { initialisedHome, runCaptures } from '../support/cli.ts';
import { isOverHttp } from '../support/cli-over-http.ts';

it('the tests of the command line are about a server where they are run over HTTP, and only there', async () => {
  const home = await initialisedHome();
  const { stdout } = await runCaptures(['whoami', '--json'], { home });
  const { server, store } = JSON.parse(stdout) as Record<string, string | null>;
  expect([server === null, store === null]).toEqual([!isOverHttp(), isOverHttp()]);
});
