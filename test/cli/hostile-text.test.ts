import { beforeAll, describe, expect, it } from 'vitest';
import { OUTPUT_MODES } from '../../src/cli/input/global-options.ts';
import { displayWidth } from '../../src/cli/render/width.ts';
import type { Environment } from '../../src/core/environments/environment.ts';
import { openStore } from '../../src/store/sqlite-store.ts';
import { emptyFolder, initialisedHome, runCaptures } from '../support/cli.ts';
import { isInFull } from '../support/proportion.ts';

/** What a terminal would obey or hide; line ends and tabs are the program's own layout. */
const RAW = /[^\P{Cc}\n\r\t]|[\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;
const OURS = /\u001b\[\d+m/g;
const NASTY =
  'ERROR \u001b[2J\u001b]0;owned\u0007\u009b31m \u202edesrever\u202c\u2066 zero\u200bwidth\ufeff\nnext line\r\tNUL\u0000 del\u007f \u2028 😀𝕌 "quoted", \\ end';
const LONG = `${NASTY} `.repeat(Math.ceil((isInFull ? 1_048_576 : 131_072) / NASTY.length));

let home: string;
beforeAll(async () => {
  home = await initialisedHome();
  await runCaptures(['env', 'create', 'shop'], { home });
  await runCaptures(['env', 'create', 'long'], { home });
  described('shop', { instance: NASTY, region: NASTY });
  described('long', { instance: LONG });
  failed('nasty', NASTY);
  failed('long', LONG);
  await runCaptures(['create', 'gone', '--env', 'shop'], { home });
  await runCaptures(['delete', 'gone', '--yes', '--reason', NASTY], { home });
  await runCaptures(['create', 'gone too', '--env', 'shop'], { home });
  await runCaptures(['delete', 'gone too', '--yes', '--reason', LONG.slice(0, 100_000)], { home });
});

/** An environment with a text that the command line refuses: another program may have written it. */
function described(name: string, text: Partial<Pick<Environment, 'instance' | 'region'>>): void {
  const store = openStore(home);
  try {
    const environment = store.environments.findByName(name);
    expect(environment).not.toBeNull();
    if (environment !== null) store.environments.update({ ...environment, ...text });
  } finally {
    store.close();
  }
}

/** A capture that failed with what a server said. */
function failed(name: string, reason: string): void {
  const store = openStore(home);
  try {
    store.captures.insert(
      {
        name,
        environmentId: store.environments.findByName('shop')?.id ?? 0,
        ownerId: store.users.findByName('ada')?.id ?? 0,
        status: 'FAILED',
        start: 1_000,
        scheduledStart: null,
        scheduledEnd: null,
        end: 2_000,
        duration: null,
        reason,
        recordsStatements: true,
      },
      0,
    );
  } finally {
    store.close();
  }
}

const SHOWN: readonly (readonly [string[]])[] = [
  [['get', 'nasty']],
  [['get', 'long']],
  [['list']],
  [['list', '--fields', 'name,reason,status']],
  [['env', 'get', 'shop']],
  [['env', 'get', 'long']],
  [['env', 'list']],
  [['log']],
];

describe('text that is not ours', () => {
  describe.each(SHOWN)('in %j', (argv) => {
    it.each(OUTPUT_MODES.filter((mode) => mode !== 'json'))(
      'reaches nobody raw as %s',
      async (mode) => {
        for (const tty of [null, 80]) {
          const result = await runCaptures([...argv, '-o', mode], {
            home,
            ...(tty === null ? {} : { tty }),
          });
          expect([result.status, result.stderr]).toEqual([0, '']);
          // Compared and not matched: a megabyte in a report helps nobody.
          // CSV and TSV are for programs: raw in a pipe, so that they can be read back.
          if (tty === null && (mode === 'csv' || mode === 'tsv')) continue;
          expect(RAW.exec(result.stdout.replaceAll(OURS, ''))?.index ?? null).toBeNull();
          if (mode === 'table' && argv[0] !== 'get' && argv[1] !== 'get') {
            const lines = result.stdout.replaceAll(OURS, '').split('\n');
            expect(Math.max(...lines.map(displayWidth))).toBeLessThanOrEqual(80);
          }
        }
      },
    );

    it('is whole in JSON, and escaped there on a terminal', async () => {
      const shown = await runCaptures([...argv, '--json'], { home, tty: 80 });
      const piped = await runCaptures([...argv, '--json'], { home });
      expect(RAW.exec(shown.stdout)?.index ?? null).toBeNull();
      expect(JSON.parse(shown.stdout)).toEqual(JSON.parse(piped.stdout));
      const { status, stdout } = await runCaptures([...argv, '--json'], { home });
      expect(status).toBe(0);
      const text = JSON.stringify(JSON.parse(stdout));
      const quoted = JSON.stringify(NASTY).slice(1, -1);
      expect(argv.includes('list') || text.includes(quoted)).toBe(true);
      if (argv[0] === 'get' && argv[1] === 'long') {
        expect((JSON.parse(stdout) as { reason: string }).reason === LONG).toBe(true);
      }
    });
  });

  it.each([
    [['get', NASTY]],
    [['get', LONG]],
    [['list', '--env', NASTY]],
    [['list', '--sort', NASTY]],
    [['list', '--owner', NASTY]],
    [['list', '--since', NASTY]],
    [['list', '--fields', NASTY]],
    [['list', '-o', NASTY]],
    [['list', '--timezone', NASTY]],
    [['list', `--${NASTY}`]],
    [[NASTY]],
    [['env', NASTY]],
    [['help', LONG]],
    [['create', NASTY, '--env', 'shop']],
    [['create', 'x', '--env', 'shop', '--duration', LONG]],
    [['edit', 'nasty', '--name', LONG]],
    [['user', 'delete', NASTY, '--yes']],
    [['user', 'create', NASTY]],
    [['token', 'revoke', NASTY]],
    [['member', 'add', 'shop', NASTY]],
    [['env', 'create', 'x', '--url', `mysql://r@h/?${encodeURIComponent(NASTY)}=1`]],
    [['env', 'create', 'x', '--url', 'mysql://r@h', '--password-from', NASTY]],
    [['login', 'ada', '--password-file', NASTY]],
  ])('in a failure is escaped and cut, and whole as JSON: %#', async (argv) => {
    for (const tty of [null, 80]) {
      const result = await runCaptures([...argv, '--no-input'], {
        home,
        ...(tty === null ? {} : { tty }),
      });
      expect(result.status).toBeGreaterThan(1);
      expect(result.stdout).toBe('');
      expect(RAW.exec(result.stderr)).toBeNull();
      expect(result.stderr.length).toBeLessThan(10_000);
      expect(result.stderr.split('\n').length).toBeLessThan(tty === null ? 6 : 40);
    }
    const json = await runCaptures([...argv, '--json', '--no-input'], { home });
    expect(json.status).toBeGreaterThan(1);
    expect(JSON.parse(json.stderr)).toMatchObject({ message: expect.any(String) });
  });

  it('can be a password, to the last byte', async () => {
    const folder = emptyFolder();
    // A line end ends a password that is read from a line.
    const password = `${NASTY.replaceAll(/[\n\r]/g, '')}${'😀'.repeat(250_000)}`;
    const made = await runCaptures(['init', '--password-stdin'], { home: folder, stdin: password });
    expect([made.status, RAW.exec(made.stderr)]).toEqual([0, null]);
    const right = await runCaptures(['login', 'ada', '--password-stdin'], {
      home: folder,
      stdin: password,
    });
    expect(right.status).toBe(0);
    const wrong = await runCaptures(['login', 'ada', '--password-stdin'], {
      home: folder,
      stdin: password.slice(0, -2),
    });
    expect(wrong.status).toBe(4);
    expect(wrong.stderr).toMatch(/^captures: Wrong user name or password\n/);
  });
});
