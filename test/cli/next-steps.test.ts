import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { UNLIMITED, type Actor } from '../../src/core/access.ts';
import { systemClock } from '../../src/core/clock.ts';
import { openStore } from '../../src/store/sqlite-store.ts';
import { emptyFolder, initialisedHome, runCaptures, type CliOptions } from '../support/cli.ts';
import { recordedCapture } from '../support/recorded-captures.ts';
import { SERVER, TestStore } from '../support/stores.ts';
import { addUser } from '../support/users.ts';

let home: string;
beforeAll(async () => {
  home = await initialisedHome();
});

const HELP = 'All commands: captures --help\n';

async function bare(options: CliOptions = { home }): Promise<string> {
  const { status, stdout, stderr } = await runCaptures([], options);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout.split('\n').length).toBeLessThanOrEqual(13);
  expect(stdout.endsWith(`\n\n${HELP}`)).toBe(true);
  return stdout;
}

describe('captures alone, told step by step what comes next', () => {
  it('names init where there is no store', async () => {
    expect(await bare({ home: emptyFolder() })).toContain(
      '\n  captures init\n  captures login NAME --server URL\n',
    );
  });

  it('names login, as whom the system knows', async () => {
    const text = await bare({ home, env: { CAPTURES_TOKEN: 'wrong' } });
    expect(text).toContain('CAPTURES_TOKEN');
    await runCaptures(['logout'], { home });
    expect(await bare()).toContain('\n  captures login ada\n');
  });

  describe('logged in', () => {
    beforeEach(async () => {
      home = await initialisedHome();
    });

    it('names env create, then create with the name of the environment', async () => {
      const text = await bare();
      expect(text).toContain('  captures env create NAME');
      expect(text).toContain('\n  captures member add ENVIRONMENT ada ');
      await runCaptures(['env', 'create', 'my shop'], { home });
      expect(await bare()).toContain("\n  captures create NAME --env 'my shop'\n");
    });

    it('has no line that is wider than the terminal, and what leads to a command whole', async () => {
      const text = await bare({ home, tty: 80 });
      expect(text).not.toContain('…');
      expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
      expect(text).toContain('the admin of\none to add you:\n');
    });

    it('shows what runs, how long, and how to end it', async () => {
      await runCaptures(['env', 'create', 'shop'], { home });
      for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) {
        await runCaptures(['create', name, '--env', 'shop'], { home });
      }
      const text = await bare();
      expect(text).toMatch(/^shop\/a: RUNNING \d+m?s\n/);
      expect(text).toContain('… and 2 more\n');
      expect(text).toContain('\n  captures stop shop/a\n');
    });

    it('shows what starts next, and what failed lately', async () => {
      await runCaptures(['env', 'create', 'shop'], { home });
      await runCaptures(['create', 'later', '--env', 'shop', '--at', '+2h'], { home });
      await runCaptures(['create', 'soon', '--env', 'shop', '--at', '+1h'], { home });
      await runCaptures(['create', 'broken', '--env', 'shop'], { home });
      const store = openStore(home);
      try {
        const [broken] = store.captures.listByStatus(['RUNNING']);
        store.captures.move(broken?.id ?? 0, 'RUNNING', 'FAILED', {
          end: Date.now() - 120_000,
          reason: 'the \u001b[31mserver went away',
        });
      } finally {
        store.close();
      }
      const text = await bare();
      expect(text).toContain('shop/broken: FAILED 2m ago, the \\x1b[31mserver went away\n');
      expect(text).toMatch(/shop\/soon: SCHEDULED, starts in (59m \d+s|1h)/);
      expect(text).not.toContain('shop/later');
      expect(text).toContain('\n  captures get shop/broken\n  captures create NAME --env shop\n');
    });
  });

  it('names the report of what was recorded, a diff of two, and an environment with a server', async () => {
    const test = new TestStore(systemClock);
    try {
      const own = test.store.directory;
      const env = addUser(own, 'ada');
      const user = test.store.users.findByName('ada');
      const actor: Actor = {
        userId: user?.id ?? 0,
        userName: 'ada',
        isStoreAdmin: false,
        scope: UNLIMITED,
      };
      test.environment({ admin: [actor] }, { name: 'cw' });
      const shop = test.environment({ admin: [actor] }, { name: 'shop', server: SERVER });
      await recordedCapture(test, actor, shop, { name: 'one' });
      const one = await bare({ home: own, env });
      expect(one).toContain('\n  captures create NAME --env shop\n  captures report shop/one\n');
      await recordedCapture(test, actor, shop, { name: 'two' });
      expect(await bare({ home: own, env })).toContain(
        '\n  captures create NAME --env shop\n  captures report shop/two\n  captures diff shop/one shop/two\n',
      );
    } finally {
      test.store.close();
    }
  });

  it('cuts what is longer than the terminal is wide', async () => {
    await runCaptures(['env', 'create', 'shop'], { home });
    await runCaptures(['create', 'x'.repeat(60), '--env', 'shop'], { home });
    const text = await bare({ home, tty: 40 });
    expect(text.split('\n')[0]?.length).toBeLessThanOrEqual(40);
  });
});
