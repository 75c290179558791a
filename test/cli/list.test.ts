import { beforeAll, describe, expect, it } from 'vitest';
import type { NewCapture } from '../../src/core/store.ts';
import { openStore } from '../../src/store/sqlite-store.ts';
import { initialisedHome, runCaptures, type CliResult } from '../support/cli.ts';
import { addUser } from '../support/users.ts';

const HOUR = 3_600_000;
/** 2026-11-20 00:00 UTC. */
const DAY = Date.UTC(2026, 10, 20);

let home: string;
beforeAll(async () => {
  home = await initialisedHome();
  for (const name of ['shop', 'blog']) await runCaptures(['env', 'create', name], { home });
  addUser(home, 'bob');
  await runCaptures(['member', 'add', 'shop', 'bob'], { home });
  fill();
});

function list(...argv: string[]): Promise<CliResult> {
  return runCaptures(['list', ...argv], { home });
}

async function names(...argv: string[]): Promise<string[]> {
  const { status, stdout, stderr } = await list('-q', '-o', 'name', ...argv);
  expect([status, stderr]).toEqual([0, '']);
  return stdout.split('\n').filter((line) => line !== '');
}

function fill(): void {
  const store = openStore(home);
  try {
    const [shop, blog] = ['shop', 'blog'].map(
      (name) => store.environments.findByName(name)?.id ?? 0,
    );
    const [ada, bob] = ['ada', 'bob'].map((name) => store.users.findByName(name)?.id ?? 0);
    const insert = (name: string, environment = shop, changes: Partial<NewCapture> = {}): void => {
      const capture: NewCapture = {
        name,
        environmentId: environment ?? 0,
        ownerId: ada ?? 0,
        status: 'DONE',
        start: DAY,
        scheduledStart: null,
        scheduledEnd: null,
        end: DAY + HOUR,
        duration: null,
        reason: null,
        recordsStatements: false,
        ...changes,
      };
      store.captures.insert(capture, DAY + 30 * HOUR);
    };
    insert('Nightly 1', shop, { start: DAY + 2 * HOUR, end: DAY + 3 * HOUR });
    insert('nightly 2', blog, { start: DAY + 26 * HOUR, end: DAY + 27 * HOUR });
    insert('friday', shop, { start: DAY + 10 * HOUR, end: DAY + 14 * HOUR, ownerId: bob ?? 0 });
    insert('[odd] name', blog, { start: DAY + 11 * HOUR, end: DAY + 12 * HOUR });
    insert('running', shop, { status: 'RUNNING', start: DAY + 20 * HOUR, end: null });
    insert('later', blog, {
      status: 'SCHEDULED',
      start: null,
      end: null,
      scheduledStart: DAY + 10_000 * HOUR,
      scheduledEnd: DAY + 10_001 * HOUR,
      duration: HOUR,
    });
    insert('😀', shop, { start: DAY + 11 * HOUR, end: DAY + 12 * HOUR });
    insert('\uff21wide', blog, { start: DAY + 11 * HOUR, end: DAY + 12 * HOUR });
  } finally {
    store.close();
  }
}

describe('list', () => {
  it.each([
    [
      ['--sort', 'created'],
      'blog/Ａwide shop/😀 blog/later shop/running blog/[odd] name shop/friday blog/nightly 2 shop/Nightly 1',
    ],
    [
      ['--sort', '-created'],
      'shop/Nightly 1 blog/nightly 2 shop/friday blog/[odd] name shop/running blog/later shop/😀 blog/Ａwide',
    ],
    [
      ['--sort', 'name'],
      'blog/[odd] name blog/Ａwide shop/friday blog/later shop/Nightly 1 blog/nightly 2 shop/running shop/😀',
    ],
    [['--sort', '-name', '--limit', '2'], 'shop/😀 shop/running'],
    [['--sort=-name', '--reverse', '--limit', '2'], 'blog/[odd] name blog/Ａwide'],
    [
      ['--sort', 'start'],
      'blog/later blog/nightly 2 shop/running blog/Ａwide shop/😀 blog/[odd] name shop/friday shop/Nightly 1',
    ],
    [['--sort', 'end', '--limit', '3'], 'blog/later blog/nightly 2 shop/friday'],
    [['--sort', '-end', '--limit', '2'], 'shop/running shop/Nightly 1'],
    [['--reverse', '--limit', '1'], 'shop/Nightly 1'],
    [['--owner', 'bob'], 'shop/friday'],
    [['--owner', 'me', '--env', 'blog', '--limit', '1'], 'blog/Ａwide'],
    [['--name', 'NIGHT*'], 'blog/nightly 2 shop/Nightly 1'],
    [['--name', 'nightly ?', '--env', 'shop'], 'shop/Nightly 1'],
    [['--name', '[odd]*'], 'blog/[odd] name'],
    [['--name', '[a-z]*'], ''],
    [['--status', 'running,scheduled'], 'blog/later shop/running'],
    [['--since', '2026-11-20 13:00', '--until', '2026-11-20 13:30'], 'shop/friday'],
    [['--since', '2026-11-20T15:00Z', '--until', '2026-11-21T01:00Z'], 'shop/running'],
    [['--until', '2026-11-20 02:30'], 'shop/Nightly 1'],
    [['--since', '2027-01-01'], 'blog/later shop/running'],
  ])('with %j shows what is asked for', async (argv, expected) => {
    expect((await names(...argv)).join(' ')).toBe(expected);
    // Pages of any size come in the same order.
    if (!argv.includes('--limit')) expect((await names('--all', ...argv)).join(' ')).toBe(expected);
  });

  it('says how times were understood, and that there is more', async () => {
    const { stderr } = await list(
      '--since',
      '2026-11-20 02:00',
      '--limit',
      '1',
      '--timezone',
      'Europe/Berlin',
    );
    expect(stderr).toMatch(
      /^since: 2026-11-20 02:00:00 \+01:00 \(Europe\/Berlin\), .*\nThese are the newest 1; for more: --limit N or --all\n$/,
    );
    const sorted = await list('--sort', 'name', '--limit', '1');
    expect(sorted.stderr).toBe('These are the first 1; for more: --limit N or --all\n');
    expect((await list('--limit', '8')).stderr).toBe('');
  });

  it.each([
    [['--sort', 'size'], 2, '--sort cannot be "size"'],
    [['--owner', 'nobody'], 3, 'There is no user named "nobody" in your environments'],
    [['--since', 'whenever'], 2, 'The time "whenever" cannot be read'],
    [['--since', 'now', '--until', '-1h'], 2, '--since is later than --until'],
    [['--all', '--limit', '3'], 2, '--all and --limit contradict one another'],
  ])('with %j is refused', async (argv, status, message) => {
    const refused = await list(...argv);
    expect([refused.status, refused.stdout]).toEqual([status, '']);
    expect(refused.stderr).toContain(`captures: ${message}\n`);
  });
});

describe('list --all', () => {
  it('writes block by block what is the same as all at once, in every mode', async () => {
    const own = await initialisedHome();
    const { members, count } = manyCaptures(own);
    for (const mode of ['json', 'yaml', 'csv', 'tsv', 'name'] as const) {
      const chunks: number[] = [];
      const all = await runCaptures(['list', '--all', '-o', mode, '--sort', 'start'], {
        home: own,
        onWrite: (bytes) => chunks.push(bytes),
      });
      const atOnce = await runCaptures(
        ['list', '--limit', '100000', '-o', mode, '--sort', 'start'],
        { home: own },
      );
      expect(all.stdout === atOnce.stdout).toBe(true);
      expect(chunks.length).toBeGreaterThan(3);
    }
    const ids = await runCaptures(
      ['list', '--all', '--no-headers', '--fields', 'id', '-o', 'tsv'],
      { home: own },
    );
    const seen = ids.stdout.trimEnd().split('\n').map(Number);
    expect(seen).toEqual(Array.from({ length: count }, (_unused, index) => count - index));
    expect(members).toBe(3);
  });

  /** More than a page in each of three environments, many with the same start or none. */
  function manyCaptures(folder: string): { members: number; count: number } {
    const store = openStore(folder);
    try {
      const owner = store.users.findByName('ada');
      const environments = [1, 2, 3].map((n) => {
        const made = store.environments.insert(
          {
            name: `e${n}`,
            server: null,
            region: null,
            instance: null,
            profile: null,
            endpointUrl: null,
          },
          0,
        );
        store.members.insert(made.id, owner?.id ?? 0, 'admin');
        return made.id;
      });
      const count = 6_000;
      store.transaction(() => {
        for (let n = 0; n < count; n += 1) {
          const isFailed = n % 5 === 0;
          store.captures.insert(
            {
              name: `c${n}`,
              environmentId: environments[n % 3] ?? 0,
              ownerId: owner?.id ?? 0,
              status: isFailed ? 'FAILED' : 'DONE',
              start: isFailed ? null : DAY + (n % 7) * HOUR,
              scheduledStart: null,
              scheduledEnd: null,
              end: isFailed ? null : DAY + 8 * HOUR,
              duration: null,
              reason: isFailed ? 'made by a test' : null,
              recordsStatements: false,
            },
            DAY,
          );
        }
      });
      return { members: environments.length, count };
    } finally {
      store.close();
    }
  }
});
