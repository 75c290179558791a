import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { OUTPUT_MODES } from '../../src/cli/input/global-options.ts';
import { VERBS, type Verb } from '../../src/cli/commands/verbs.ts';
import { LEASE_MS } from '../../src/core/daemon/lease.ts';
import { openStore } from '../../src/store/sqlite-store.ts';
import { initialisedHome, PASSWORD, runCaptures } from '../support/cli.ts';
import { addUser } from '../support/users.ts';
import { FakeSource, inspectionOf } from '../support/server-inspection.ts';
import { temporaryFolder } from '../support/stores.ts';
import { DOCUMENTED, jsonPage, type Documented } from './json-page.ts';

/** Commands that print text, whatever is asked for. */
const TEXT = ['help', 'completion'];

function commandsOf(verbs: readonly Verb[], prefix = ''): string[] {
  return verbs
    .filter((verb) => !TEXT.includes(verb.name))
    .flatMap((verb) =>
      'verbs' in verb
        ? commandsOf(verb.verbs, `${prefix}${verb.name} `)
        : [`${prefix}${verb.name}`],
    );
}

const COMMANDS = commandsOf(VERBS);

let home: string;
/** Somebody who stays logged in, whatever the runs do. */
let root: { CAPTURES_TOKEN: string };
beforeAll(async () => {
  home = await initialisedHome();
  root = addUser(home, 'root', { isAdmin: true });
});

/** What is run, in this order, and how; a word in capitals is replaced by what came before. */
const RUNS: Readonly<Record<string, readonly string[]>> = {
  login: ['ada', '--password-stdin'],
  whoami: [],
  'server list': [],
  'server use': ['local'],
  'env create': ['shop', '--url', 'mysql://r@h'],
  'env list': [],
  'env get': ['shop'],
  'env edit': ['shop', '--region', 'eu-west-1'],
  'env check': ['shop'],
  'env warm-up': ['shop'],
  doctor: [],
  recover: ['shop'],
  'user create': ['bob', '--password-stdin'],
  'user list': [],
  'user passwd': ['bob', '--password-stdin'],
  'token create': ['--name', 'ci'],
  'token list': [],
  'token revoke': ['ci'],
  'member add': ['shop', 'bob'],
  'member set': ['shop', 'bob', '--role', 'admin'],
  'member list': ['shop'],
  'member remove': ['shop', 'bob'],
  'user delete': ['bob', '--yes'],
  create: ['running', '--env', 'numbers'],
  list: [],
  get: ['running'],
  edit: ['running', '--name', 'walking'],
  stop: ['walking'],
  metrics: ['walking'],
  prune: ['--older-than', '1d', '--dry-run'],
  delete: ['walking', '--yes'],
  'schedule create': ['nightly', '--env', 'numbers', '--cron', '0 2 * * *', '--duration', '30m'],
  'schedule list': [],
  'schedule get': ['nightly'],
  'schedule next': ['nightly'],
  'schedule edit': ['nightly', '--duration', '20m'],
  'schedule pause': ['nightly'],
  'schedule resume': ['nightly'],
  'schedule delete': ['nightly', '--yes'],
  log: [],
  'env delete': ['shop', '--yes'],
  daemon: ['--status'],
  logout: [],
};

/** Paths of what is no object, and of empty objects. */
function pathsOf(json: unknown, prefix = ''): string[] {
  if (json === null || typeof json !== 'object' || Array.isArray(json)) return [prefix];
  const entries = Object.entries(json as Record<string, unknown>);
  if (entries.length === 0) return [prefix];
  return entries.flatMap(([key, value]) =>
    pathsOf(value, prefix === '' ? key : `${prefix}.${key}`),
  );
}

const isBelow = (path: string, group: string): boolean => path.startsWith(`${group}.`);

function expectDocumented(documented: Documented, json: unknown): void {
  const paths = pathsOf(json);
  const fields = documented.fields.map(([path]) => path);
  // An object whose keys are data stands for itself; a group that is null for all of its fields.
  const known = paths.filter((path) =>
    fields.some((field) => path === field || isBelow(path, field) || isBelow(field, path)),
  );
  expect(known).toEqual(paths);
  const present = fields.filter((field) =>
    paths.some((path) => path === field || isBelow(path, field) || isBelow(field, path)),
  );
  const isOptional = (path: string): boolean =>
    documented.fields.some(([field, type]) => field === path && type.includes('when it applies'));
  expect(present).toEqual(fields.filter((field) => present.includes(field) || !isOptional(field)));
}

describe('docs/json.md', () => {
  it('holds what is documented; to write it anew: UPDATE_DOCS=1 npx vitest run test/cli/json.test.ts', () => {
    const path = resolve(import.meta.dirname, '../../docs/json.md');
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(path, jsonPage());
    expect(readFileSync(path, 'utf8')).toBe(jsonPage());
  });

  it('knows every command there is, and no other', () => {
    expect(Object.keys(DOCUMENTED).sort()).toEqual([...COMMANDS].sort());
  });

  it.each(COMMANDS)('names the fields that the help of %s names', async (command) => {
    const { status, stdout, stderr } = await runCaptures([...command.split(' '), '--help']);
    expect([status, stderr]).toEqual([0, '']);
    const [, listed = ''] = /[Ff]ields(?: of --status| of a line)?: ([\w.,\s]+)/.exec(stdout) ?? [];
    const [paragraph = ''] = listed.split(/\n\n|\. |\.\n|;/);
    const names = paragraph.trim().replace(/\.$/, '').split(/,\s*/);
    expect(names).toEqual(DOCUMENTED[command]?.fields.map(([path]) => path));
  });
});

describe('what a command prints with --json', () => {
  it('is what is documented, for init', async () => {
    const folder = join(temporaryFolder(), 'home');
    const made = await runCaptures(['init', '--password-stdin', '--json'], {
      home: folder,
      stdin: PASSWORD,
    });
    expect(made.status, made.stderr).toBe(0);
    expectDocumented(
      DOCUMENTED['init'] ?? { shape: 'an object', fields: [] },
      JSON.parse(made.stdout),
    );
  });

  it('is what is documented, for every command', async () => {
    await runCaptures(['env', 'create', 'numbers', '--instance', 'i', '--region', 'r'], { home });
    for (const [command, options] of Object.entries(RUNS)) {
      if (command === 'daemon') claimLease();
      const { status, stdout, stderr } = await runCaptures(
        [...command.split(' '), ...options, '--json', '-q'],
        {
          home,
          stdin: PASSWORD,
          serverLogs: new FakeSource(inspectionOf()),
          // CloudWatch is not asked: without credentials there is nothing to wait for.
          env: { AWS_EC2_METADATA_DISABLED: 'true' },
        },
      );
      if (command === 'metrics' && status === 9) continue;
      expect({ command, status, stderr: stderr.replace(/^warning: No daemon.*\n/, '') }).toEqual({
        command,
        status: 0,
        stderr: '',
      });
      const documented = DOCUMENTED[command] ?? { shape: 'an object', fields: [] };
      const json = JSON.parse(stdout) as unknown;
      expect({ command, isArray: Array.isArray(json) }).toEqual({
        command,
        isArray: documented.shape === 'an array',
      });
      for (const row of Array.isArray(json) ? json : [json]) expectDocumented(documented, row);
    }
  });

  function claimLease(): void {
    const store = openStore(home);
    try {
      const lease = { holder: 'x', host: 'h', pid: process.pid, background: false };
      store.lease.claim(lease, Date.now(), LEASE_MS);
    } finally {
      store.close();
    }
  }
});

describe('every output mode', () => {
  /** Commands that need what an earlier one in another mode made, or a password's hash. */
  const elsewhere = [
    'init',
    'login',
    'metrics',
    'daemon',
    'user create',
    'user passwd',
    'workload',
  ];

  it.each(OUTPUT_MODES)('%s is there for every command', async (mode) => {
    const own = await initialisedHome();
    addUser(own, 'bob');
    await runCaptures(['env', 'create', 'numbers'], { home: own });
    for (const [command, options] of Object.entries(RUNS)) {
      if (elsewhere.includes(command)) continue;
      const argv = [...command.split(' '), ...options, '-o', mode, '--no-input'];
      const { status, stdout, stderr } = await runCaptures(argv, {
        home: own,
        serverLogs: new FakeSource(inspectionOf()),
      });
      expect({ argv, status, stderr }).toMatchObject({ argv, status: 0 });
      // Nothing is old enough to be pruned: then there is no name to print.
      const isEmpty = command === 'prune' && mode === 'name';
      expect({ argv, isEmpty: stdout === '' }).toEqual({ argv, isEmpty });
    }
  });

  it.each(
    Object.keys(RUNS).filter((command) => !['metrics', 'daemon', 'workload'].includes(command)),
  )('of %s refuses a field that is not there, and nothing is changed', async (command) => {
    const argv = [...command.split(' '), ...(RUNS[command] ?? []), '--fields', 'no.such.field'];
    const changes = await changesOf(home);
    const result = await runCaptures([...argv, '--json'], {
      home,
      env: root,
      stdin: PASSWORD,
      serverLogs: new FakeSource(inspectionOf()),
    });
    // What only shows looks for the thing first.
    expect(
      ['env get', 'env check', 'member list', 'get', 'schedule get', 'schedule next'].includes(
        command,
      )
        ? [2, 3]
        : [2],
    ).toContain(result.status);
    expect(result.stdout).toBe('');
    expect(JSON.parse(result.stderr)).toMatchObject({ code: result.status === 3 ? 404 : 400 });
    expect(await changesOf(home)).toBe(changes);
  });

  /** The newest entry of the audit trail, and who is logged in. */
  async function changesOf(folder: string): Promise<string> {
    const log = await runCaptures(['log', '-o', 'name', '--limit', '1'], {
      home: folder,
      env: root,
    });
    return `${log.status}${log.stdout}`;
  }
});
