import Database from 'better-sqlite3';
import fc from '../support/properties.ts';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { VERBS, type Verb } from '../../src/cli/commands/verbs.ts';
import { initialisedHome, runCaptures } from '../support/cli.ts';
import { addUser } from '../support/users.ts';
import { isInFull } from '../support/proportion.ts';
import { FakeSource, inspectionOf } from '../support/server-inspection.ts';
import { temporaryFolder } from '../support/stores.ts';

/** 10,000 take half a minute. */
const RUNS = Number(process.env['FUZZ_RUNS'] ?? (isInFull ? 10_000 : 600));

/** What a terminal would obey or hide. Line ends and tabs are the program's own layout. */
const RAW = /[^\P{Cc}\n\r\t]|[\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;
const HOSTILE = [
  '',
  ' ',
  '\u001b[2J\u001b]0;owned\u0007',
  '\u009b31m',
  'a\u0000b',
  'two\nlines',
  'tab\there',
  '\u202egnirts',
  'zero\u200bwidth',
  '\u2028',
  '\ud800',
  '😀🏳️‍🌈',
  '𝕌𝕟𝕚',
  'e\u0301'.repeat(40),
  '../../../etc/passwd',
  '/',
  '//',
  'shop/',
  '/friday',
  '%s%n{}$(x)`x`',
  "'; DROP TABLE captures; --",
  '[a-z]*',
  '**?',
  '__proto__',
  'constructor',
  '-',
  '--',
  '-x',
  '--=',
  '=',
  '0',
  '-1',
  '1e309',
  '9'.repeat(400),
  '0x10',
  'NaN',
  '2026-02-30',
  '2026-03-29 02:30',
  '9999-12-31T23:59:59.999Z',
  '+999999999d',
  'x'.repeat(65),
  'x'.repeat(10_000),
];
const PLAUSIBLE = [
  'shop',
  'numbers',
  'friday',
  'shop/friday',
  'numbers/monday',
  'bob',
  'ci',
  'me',
  '1',
  '2',
  '3',
  'RUNNING',
  'SCHEDULED,DONE',
  'admin',
  'member',
  'id,name',
  'workload.records',
  'json',
  'csv',
  'yaml',
  'name',
  'tsv',
  'table',
  'tomorrow 02:00',
  '+15m',
  '-2h',
  'now',
  '90',
  '1h30m',
  '30d',
  '-name',
  'start',
  '0 2 * * *',
  'skip',
  'Europe/Berlin',
  'mysql://r@h/x',
  'env:X',
  'ndjson',
  'sql',
  'always',
  'never',
];

/** Without the colours that --color always has the program itself add. */
function uncolored(text: string): string {
  // Joined emoji are shown as they are: what joins them hides nothing.
  return text.replaceAll(/\u001b\[\d+m/g, '').replaceAll(/\p{RGI_Emoji}/gv, '');
}

interface CommandLines {
  readonly path: readonly string[];
  /** How many operands its usage names. */
  readonly operands: number;
  readonly options: readonly { readonly flag: string; readonly takesValue: boolean }[];
}

/** They end only when something else happens, or show where they come from on purpose. */
const ENDLESS = new Set(['--watch', '--wait', '--debug']);

function pathsOf(verbs: readonly Verb[], before: readonly string[] = []): string[][] {
  return verbs.flatMap((verb) =>
    'verbs' in verb ? pathsOf(verb.verbs, [...before, verb.name]) : [[...before, verb.name]],
  );
}

function optionsIn(help: string): CommandLines['options'] {
  return Array.from(help.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)( <)?/gm), (match) => ({
    flag: match[1] ?? '',
    takesValue: match[2] !== undefined,
  }));
}

async function commandLines(): Promise<CommandLines[]> {
  const { stdout: shared } = await runCaptures(['help', 'options']);
  const forAll = optionsIn(shared).filter(({ flag }) => !ENDLESS.has(flag));
  return Promise.all(
    pathsOf(VERBS).map(async (path) => {
      const { stdout } = await runCaptures([...path, '--help']);
      const options = optionsIn(stdout);
      const operands = (/^Usage: .*$/m.exec(stdout)?.[0] ?? '').match(/<[\w-]+>/g)?.length ?? 0;
      const own = options.filter(({ flag }) => !ENDLESS.has(flag));
      return { path, operands, options: [...own, ...forAll] };
    }),
  );
}

const value = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...PLAUSIBLE) },
  { weight: 3, arbitrary: fc.constantFrom(...HOSTILE) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
);

function argvOf(lines: readonly CommandLines[]): fc.Arbitrary<string[]> {
  return fc.constantFrom(...lines).chain(({ path, operands: usual, options }) =>
    fc
      .tuple(
        fc.oneof(
          { weight: 5, arbitrary: fc.array(value, { minLength: usual, maxLength: usual }) },
          { weight: 1, arbitrary: fc.array(value, { maxLength: 3 }) },
        ),
        fc.array(fc.tuple(fc.constantFrom(...options), value), { maxLength: 2 }),
        fc.constantFrom([], [], ['--yes'], ['--json'], ['-o', 'csv'], ['--yes', '-q']),
      )
      .map(([operands, chosen, more]) => [
        ...path,
        ...operands,
        ...chosen.flatMap(([{ flag, takesValue }, text]) => (takesValue ? [flag, text] : [flag])),
        ...more,
        // Nothing that waits for a daemon, and no daemon.
        ...(path[0] === 'create' || path[1] === 'warm-up' ? ['--no-wait'] : []),
        ...(path[0] === 'daemon' ? ['--status'] : []),
      ]),
  );
}

let home: string;
/**
 * An admin of the environments, a member, an administrator of the store, and nobody. None of their names
 * and tokens is among what is typed: who acts must not be deleted on the way.
 */
let people: readonly Readonly<Record<string, string>>[];
beforeAll(async () => {
  home = await initialisedHome();
  for (const typed of ['bob', 'ci', 'me']) addUser(home, typed);
  const { stdout } = await runCaptures(['token', 'create', '--name', 'fuzz'], { home });
  const mary = addUser(home, 'mary');
  people = [
    { CAPTURES_TOKEN: stdout.trim() },
    mary,
    addUser(home, 'root', { isAdmin: true }),
    { CAPTURES_TOKEN: 'nobody' },
  ];
  await runCaptures(['env', 'create', 'numbers'], { home });
  await runCaptures(['env', 'create', 'shop', '--url', 'mysql://r@h'], { home });
  for (const member of ['mary', 'bob']) {
    await runCaptures(['member', 'add', 'numbers', member], { home });
  }
  await runCaptures(['create', 'monday', '--env', 'numbers'], { home });
  await runCaptures(['create', 'friday', '--env', 'numbers', '--at', '+1h'], { home });
});

describe('any command line', () => {
  it('ends with a status of ours, one sentence, and nothing that a terminal would obey', async () => {
    const lines = await commandLines();
    const userHome = temporaryFolder();
    const statuses = new Map<number, number>();
    await fc.assert(
      fc.asyncProperty(argvOf(lines), fc.nat(9), fc.boolean(), async (argv, who, isShown) => {
        const result = await runCaptures(argv, {
          home,
          ...(isShown ? { stdoutTty: 80 } : {}),
          userHome,
          cwd: userHome,
          // Too short for a password: hashing ten thousand of them would take an hour and a half.
          ...(argv[0] === 'login' ? {} : { stdin: 'short' }),
          env: {
            ...(people[who % 10 < 5 ? 0 : who - 5] ?? people[1]),
            AWS_EC2_METADATA_DISABLED: 'true',
          },
          serverLogs: new FakeSource(inspectionOf()),
          startDaemon: () => Promise.resolve({ pid: 1, logFile: '/dev/null' }),
          commandFault: () => Promise.resolve(null),
          runCommand: () => Promise.resolve({ status: 0 }),
        });
        statuses.set(result.status, (statuses.get(result.status) ?? 0) + 1);
        expect([0, 2, 3, 4, 5, 6, 7, 8, 9, 10]).toContain(result.status);
        expect(result.stderr).not.toMatch(/^\s+at .*:\d+:\d+/m);
        const isJson = result.status !== 0 && result.stderr.startsWith('{');
        if (isJson) {
          expect(Object.keys(JSON.parse(result.stderr) as object)).toContain('code');
          expect(result.stdout).toBe('');
        } else {
          expect(RAW.exec(uncolored(result.stderr))).toBeNull();
        }
        if (/^[[{]/.test(result.stdout)) JSON.parse(result.stdout);
        // Files and pipes get what is there, as it is.
        if (isShown) expect(RAW.exec(uncolored(result.stdout))).toBeNull();
      }),
      { numRuns: RUNS, endOnFailure: true },
    );
    // It got far enough into the program to be refused for every reason there is.
    expect([...statuses.keys()]).toEqual(expect.arrayContaining([0, 2, 3, 4, 5, 6]));
    const db = new Database(join(home, 'captures.db'), { readonly: true });
    expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
    expect(db.pragma('foreign_key_check')).toEqual([]);
    db.close();
  });
});
