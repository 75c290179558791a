import { appendFileSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SignalDesk } from '../../src/cli/runtime/signals.ts';
import { UNLIMITED, type Actor } from '../../src/core/access.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { LoggedStatement } from '../../src/core/workloads/statements.ts';
import { digestId, digestText } from '../../src/sql/digest.ts';
import { runCaptures, type CliOptions, type CliResult } from '../support/cli.ts';
import { isOverHttp } from '../support/cli-over-http.ts';
import { recordedCapture } from '../support/recorded-captures.ts';
import { RecordedCapture } from '../support/recorded-capture.ts';
import { SERVER, TestStore } from '../support/stores.ts';
import { addUser } from '../support/users.ts';
import { aStatement } from '../workload/statements.ts';

let test: TestStore;
let home: string;
let ada: { CAPTURES_TOKEN: string };
let actor: Actor;
let friday: RecordedCapture;

beforeEach(() => {
  test = new TestStore(systemClock);
  home = test.store.directory;
  ada = addUser(home, 'ada');
  const user = test.store.users.findByName('ada');
  actor = { userId: user?.id ?? 0, userName: 'ada', isStoreAdmin: false, scope: UNLIMITED };
  friday = new RecordedCapture(test, actor);
  friday.become('RUNNING');
});

afterEach(async () => {
  await friday.close();
  test.store.close();
});

const HOSTILE = 'SELECT \'\u001b]0;owned\u0007\u202e\ttab\n"two" lines \\ 😀\'';
const BYTES = Buffer.from([0x27, 0xff, 0xfe, 0x27]);

const STATEMENTS: readonly LoggedStatement[] = [
  aStatement({ kind: 'connect', sql: 'app@10.0.0.5 on shop', session: 3 }),
  aStatement({ sql: 'SELECT 1 FROM orders WHERE id = 7', session: 3 }),
  aStatement({ sql: 'select 2 from `orders`', user: 'batch', db: 'archive' }),
  aStatement({
    kind: 'execute',
    sql: 'UPDATE stock SET n = 5',
    time: '2026-11-22T02:00:01.500000Z',
  }),
  aStatement({ kind: 'execute', sql: 'UPDATE stock SET n = 6', flags: ['echo'] }),
  aStatement({ sql: HOSTILE, user: null, host: null, db: null }),
  aStatement({ sql: BYTES.toString(), bytes: BYTES, flags: ['lossy'], host: 'Web1' }),
];

async function done(statements = STATEMENTS, options: { frameText?: number } = {}): Promise<void> {
  await friday.record(statements, options);
  await friday.close();
  friday.become('DONE');
}

function run(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return runCaptures(['workload', 'friday', ...args], { home, env: ada, ...options });
}

async function found(...args: string[]): Promise<number[]> {
  const { status, stdout, stderr } = await run([...args, '-o', 'name']);
  expect({ args, status, stderr: status === 0 ? '' : stderr }).toEqual({
    args,
    status: 0,
    stderr: '',
  });
  return stdout.split('\n').filter(Boolean).map(Number);
}

describe('statements are searched', () => {
  it.each<[string, string[], number[]]>([
    ['text in any case', ['--grep', 'select'], [2, 3, 6]],
    ['text in its case where it has capitals', ['--grep', 'SELECT'], [2, 6]],
    ['text in its case where that is asked for', ['--grep', 'select', '--case-sensitive'], [3]],
    ['one text or another', ['--grep', 'id = 7', '--grep', 'stock'], [2, 4, 5]],
    ['text with a quote, a line end and a backslash', ['--grep', '\n"two" lines \\ '], [6]],
    ['text that is an escape in JSON alone', ['--grep', '\\n'], []],
    ['an emoji', ['--grep', '😀'], [6]],
    ['a control character', ['--grep', '\u001b]0'], [6]],
    ['a user', ['--user', 'batch'], [3]],
    ['a user by case', ['--user', 'BATCH'], []],
    ['users by a pattern, and others', ['--user', 'bat*', '--user', 'nobody'], [3]],
    ['a host ignoring case', ['--host', 'web?'], [7]],
    ['a database', ['--db', 'archive'], [3]],
    ['a session', ['--session', '3'], [1, 2]],
    ['kinds', ['--kind', 'connect,execute'], [1, 4, 5]],
    ['a table, of an EXECUTE by its echo', ['--table', 'stock'], [4, 5]],
    ['a table in any database, however it is quoted', ['--table', 'ORDERS'], [2, 3]],
    ['a table of the session’s database', ['--table', 'archive.orders'], [3]],
    ['a table by a pattern', ['--table', 'shop.*'], [2, 4, 5]],
    ['a time on', ['--since', '2026-11-22T02:00:01.500Z'], [4]],
    ['a time before', ['--until', '2026-11-22T02:00:01.500Z'], [1, 2, 3, 5, 6, 7]],
    [
      'what everything lets through',
      ['--user', 'app', '--grep', 'stock', '--kind', 'execute'],
      [4, 5],
    ],
    ['nothing where one lets nothing through', ['--user', 'batch', '--grep', 'stock'], []],
    ['the first of them', ['--grep', 'select', '--limit', '2'], [2, 3]],
  ])('by %s', async (_, args, expected) => {
    await done();
    expect(await found(...args)).toEqual(expected);
  });

  it('by a digest, or its beginning', async () => {
    await done();
    const id = digestId(digestText('UPDATE stock SET n = 5'));
    expect(await found('--digest', id)).toEqual([4, 5]);
    expect(await found('--digest', id.slice(0, 5).toUpperCase())).toEqual([4, 5]);
    expect(await found('--digest', id.slice(0, 3))).toEqual([4, 5]);
  });

  it('a digest that no statement has is not found, and says where to look', async () => {
    await done();
    const { status, stdout, stderr } = await run(['--digest', 'abcd']);
    expect([status, stdout]).toEqual([3, '']);
    expect(stderr).toContain('No statement has a digest that begins with "abcd"');
    expect(stderr).toContain('captures report shop/friday');
  });

  it.each([
    ['lines', []],
    ['CSV', ['-o', 'csv']],
    ['SQL', ['--format', 'sql']],
  ])(
    'a beginning of several digests is refused before anything is printed, as %s',
    async (_, as) => {
      // Seventeen ids and sixteen digits: two begin with the same.
      const sqls = Array.from({ length: 17 }, (_, n) => `SELECT c FROM t${n}`);
      await done(sqls.map((sql) => aStatement({ sql })));
      const ids = sqls.map((sql) => digestId(digestText(sql)));
      const digit =
        ids.map((id) => id.charAt(0)).find((one, n, all) => all.indexOf(one) !== n) ?? '';
      const { status, stdout, stderr } = await run(['--digest', digit, ...as]);
      expect([status, stdout]).toEqual([2, '']);
      expect(stderr).toContain(`Several digests begin with "${digit}"`);
      const [first = ''] = / more of it: (\w+) or \w+/.exec(stderr)?.slice(1) ?? [];
      expect(await found('--digest', first)).toEqual([
        ids.findIndex((id) => id.startsWith(first)) + 1,
      ]);
    },
  );

  it('says on stderr when nothing matches, and exits 0', async () => {
    await done();
    expect(await run(['--grep', 'nothing like it'])).toMatchObject({
      status: 0,
      stdout: '',
      stderr: 'No statement matches.\n',
    });
  });

  it.each([
    [['--grep', 'UPDATE Nothing'], 'Capitals in --grep make case matter'],
    [
      ['--user', 'nobody,no one'],
      '"nobody,no one" is one pattern; for several: --user nobody --user \'no one\'',
    ],
  ])('says what may be why nothing matches: %j', async (options, why) => {
    await done();
    const { status, stderr } = await run(options);
    expect([status, stderr]).toEqual([0, expect.stringContaining(`No statement matches. ${why}`)]);
  });

  it('as SQL too', async () => {
    await done();
    const { stdout } = await run(['--grep', 'stock', '--format', 'sql']);
    expect(stdout).toContain('UPDATE stock SET n = 5;');
    expect(stdout).not.toContain('UPDATE stock SET n = 6;');
    expect(stdout).not.toContain('orders');
    // The EXECUTE before it is not found by its table.
    const byTable = await run(['--table', 'stock', '--format', 'sql']);
    expect(byTable.stdout).toContain('UPDATE stock SET n = 6;');
  });
});

describe('bad input', () => {
  it.each([
    [
      ['--until', '2026-11-22T01:00Z', '--user', 'app'],
      'before 2026-11-22 01:00:00 UTC: its window',
    ],
    [
      ['--since', '2026-11-23T01:00Z', '-o', 'table'],
      'from 2026-11-23 01:00:00 UTC on: its window',
    ],
    [['--since', '2026-11-23T01:00Z', '--follow'], 'from 2026-11-23 01:00:00 UTC on: its window'],
  ])('a time outside of the window is refused: %j', async (args, says) => {
    const shop = test.environment({ admin: [actor] }, { server: SERVER, name: 'windows' });
    await recordedCapture(test, actor, shop);
    const { status, stdout, stderr } = await runCaptures(['workload', 'windows/friday', ...args], {
      home,
      env: ada,
    });
    expect(stderr).toContain(`The capture has nothing ${says}`);
    expect([status, stdout]).toEqual([2, '']);
  });

  it.each<[string[], string]>([
    [['--digest', 'xyz'], 'A digest is 1 to 16 hexadecimal digits, not "xyz"'],
    [['--digest', 'a'.repeat(17)], 'A digest is 1 to 16 hexadecimal digits, not'],
    [['--session', 'x'], '--session takes the number of a connection, not "x"'],
    [['--kind', 'select'], '--kind cannot be "select"'],
    [['--grep', ''], '--grep needs a text to search for'],
    [['--user', ''], 'A user is a name or a pattern of 1 to 256 characters'],
    [['--case-sensitive'], '--case-sensitive says how --grep searches'],
    [['--since', '2026-13-01'], 'there is no month 13'],
    [['--since', 'now', '--until', '-1h'], '--since is later than --until'],
    [['--limit', '0'], '--limit takes a whole number from 1 on'],
    [['--format', 'sql', '--fields', 'sql'], '--fields does nothing here'],
    [['--format', 'sql', '-o', 'csv'], '--format sql and --output csv contradict one another'],
    [['--no-headers'], '--no-headers does nothing here'],
    [['--fields', 'nope'], 'There is no field "nope"'],
    [['--grep', 'x'.repeat(5_000)], 'A text to search for has 1 to 4096 characters'],
  ])('%j is refused', async (args, says) => {
    await done();
    const { status, stdout, stderr } = await run(args);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toContain(says);
  });
});

describe('every form', () => {
  it('has the same records', async () => {
    await done();
    const lines = (await run([])).stdout.trimEnd().split('\n');
    const records = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(records).toHaveLength(STATEMENTS.length);
    expect(records[5]).toMatchObject({ seq: 6, user: null, sql: HOSTILE });
    expect(records[6]).toMatchObject({ bytes: BYTES.toString('base64'), flags: ['lossy'] });
    expect(JSON.parse((await run(['--json'])).stdout)).toEqual(records);
    const csv = (await run(['-o', 'csv', '--fields', 'seq,sql'])).stdout;
    expect(csv.split('\r\n').slice(0, 2)).toEqual(['seq,sql', '1,app@10.0.0.5 on shop']);
    expect(csv).toContain(`"${HOSTILE.replaceAll('"', '""')}"`);
    const tsv = (await run(['-o', 'tsv', '--no-headers'])).stdout.trimEnd().split('\n');
    expect(tsv).toHaveLength(STATEMENTS.length);
    expect((await run(['-o', 'name'])).stdout).toBe('1\n2\n3\n4\n5\n6\n7\n');
    expect((await run(['-o', 'yaml', '--limit', '2'])).stdout).toMatch(
      /^- seq: 1\n[^]*\n- seq: 2\n/,
    );
  });

  it('has only the fields that are asked for, null where there is none', async () => {
    await done();
    const { stdout } = await run(['--fields', 'user,flags', '--limit', '6']);
    expect(stdout.trimEnd().split('\n').at(-1)).toBe('{"user":null,"flags":null}');
  });

  it.each([
    ['ndjson', [], ''],
    ['json', ['--json'], '[]\n'],
    ['csv', ['-o', 'csv', '--fields', 'seq'], 'seq\r\n'],
    ['yaml', ['-o', 'yaml'], '[]\n'],
    ['table', ['-o', 'table'], 'No statements.\n'],
    ['name', ['-o', 'name'], ''],
  ])('is right for nothing: %s', async (_, args, expected) => {
    await done();
    const { status, stdout } = await run([...args, '--user', 'nobody', '-q']);
    expect([status, stdout]).toEqual([0, expected]);
  });

  it.each([40, 60, 80, 120])(
    'fits a table of %s columns, and shows nothing a terminal would obey',
    async (width) => {
      await done();
      const { stdout } = await run(
        ['-o', 'table', '--timezone', 'Europe/Berlin', '--color', 'never'],
        { tty: width },
      );
      const lines = stdout.trimEnd().split('\n');
      expect(Math.max(...lines.map((line) => Array.from(line).length))).toBeLessThanOrEqual(width);
      expect(lines).toHaveLength(STATEMENTS.length + 2);
      expect(stdout).toContain('03:00:01.500');
      if (width >= 80) expect(stdout).toContain('\\x1b]0;owned\\x07\\u{202e');
      expect(/[^\P{Cc}\n]|\p{Cf}/u.test(stdout)).toBe(false);
    },
  );

  it('is NDJSON whatever CAPTURES_OUTPUT says, for pipes rely on it', async () => {
    await done();
    const { stdout } = await run([], { env: { ...ada, CAPTURES_OUTPUT: 'table' } });
    expect(stdout.startsWith('{"seq":1,')).toBe(true);
  });
});

describe('damage', () => {
  const many = Array.from({ length: 600 }, (_, n) => aStatement({ sql: `SELECT ${n}` }));

  function segment(): string {
    const [name = ''] = readdirSync(friday.folder).filter((one) => one.endsWith('.zst'));
    return join(friday.folder, name);
  }

  it.each<[string, string[]]>([
    ['lines', []],
    ['a search', ['--user', 'app']],
    ['JSON', ['--json']],
    ['SQL', ['--format', 'sql']],
  ])(
    'ends %s behind what could be read, names the file and says how much it was',
    async (_, args) => {
      await done(many, { frameText: 8_000 });
      const bytes = readFileSync(segment());
      bytes.fill(0x55, bytes.length - 400, bytes.length - 200);
      writeFileSync(segment(), bytes);
      const { status, stdout, stderr } = await run(args);
      expect(status).toBe(10);
      const whole = args.includes('--json') ? (JSON.parse(stdout) as unknown[]).length : null;
      const last = Array.from(stdout.matchAll(/SELECT (\d+)/g)).at(-1)?.[1];
      expect(Number(last)).toBeGreaterThan(100);
      if (whole !== null) expect(whole).toBe(Number(last) + 1);
      expect(stderr).toContain('segment-000001.ndjson.zst: ');
      expect(stderr).toContain(`Records 1 to ${Number(last) + 1} were read.`);
    },
  );

  it('of a file cut short ends behind what it has', async () => {
    await done(many, { frameText: 8_000 });
    truncateSync(segment(), readFileSync(segment()).length - 10);
    const { status, stdout, stderr } = await run([]);
    expect(status).toBe(10);
    expect(stdout.endsWith('}\n')).toBe(true);
    expect(stderr).toMatch(/has \d+ bytes of the \d+ that were committed/);
  });

  it('is no matter of what lies behind the end', async () => {
    await done(many);
    appendFileSync(segment(), 'garbage');
    expect((await run([])).status).toBe(0);
  });
});

it('the workload of a capture that has not begun is refused, as its report is', async () => {
  const shop = test.store.environments.findByName('shop');
  if (shop === null) throw new Error('no environment');
  test.capture(actor, shop, { name: 'later', scheduledStart: Date.now() + 3_600_000 });
  const { status, stdout, stderr } = await runCaptures(['workload', 'later'], { home, env: ada });
  expect([status, stdout]).toEqual([6, '']);
  expect(stderr).toContain('The capture "later" is SCHEDULED\n  Nothing is recorded before');
});

it('has a folder, which get says once is on a server', async () => {
  await done();
  const { stdout } = await runCaptures(['get', 'shop/friday', '-o', 'table'], { home, env: ada });
  const [, folder = ''] = /^folder +([^]*?)\n\S/m.exec(stdout) ?? [];
  expect(folder).toMatch(isOverHttp() ? /captures\/\d+\s+\(on \S+\)$/ : /captures\/\d+$/);
});

describe('a capture is followed', () => {
  /** Runs it until something has been printed so many times. */
  async function following(
    args: readonly string[],
    steps: readonly (() => Promise<void> | void)[],
    signals = new SignalDesk(),
  ): Promise<CliResult> {
    const left = [...steps];
    return run(['--follow', ...args], {
      signals,
      onWrite: () => void left.shift()?.(),
    });
  }

  it('prints what is committed, then what comes, and ends with it', async () => {
    await friday.record([aStatement({ sql: 'SELECT 1' })]);
    const { status, stdout, stderr } = await following(
      ['--grep', 'SELECT'],
      [
        () => friday.record([aStatement({ sql: 'DELETE' }), aStatement({ sql: 'SELECT 2' })]),
        async () => {
          await friday.record([aStatement({ sql: 'SELECT 3' })]);
          friday.become('DONE');
        },
      ],
    );
    expect(status).toBe(0);
    expect(stdout.match(/SELECT \d/g)).toEqual(['SELECT 1', 'SELECT 2', 'SELECT 3']);
    // Who asks a server cannot start its daemon.
    expect(stderr).toMatch(
      isOverHttp()
        ? /No daemon records shop\/friday now\. Who runs \S+ can continue it with: captures daemon\n/
        : 'No daemon records shop/friday now. To continue it: captures daemon\n',
    );
    expect(stderr).toContain('shop/friday is DONE.');
  });

  it('ends at once when it is over', async () => {
    await done();
    expect((await run(['--follow', '--json'])).stdout.split('\n')).toHaveLength(
      STATEMENTS.length + 1,
    );
  });

  it('stops at the limit', async () => {
    await friday.record(STATEMENTS);
    expect((await run(['--follow', '--limit', '2', '-o', 'name'])).stdout).toBe('1\n2\n');
  });

  it('ends at Ctrl-C, at the end of a line', async () => {
    await friday.record(STATEMENTS);
    const signals = new SignalDesk();
    const { status, stdout } = await following([], [() => void signals.deliver('SIGINT')], signals);
    expect(status).toBe(130);
    expect(stdout.endsWith('}\n')).toBe(true);
  });

  it('says so when it is deleted meanwhile', async () => {
    await friday.record(STATEMENTS);
    const { status, stderr } = await following(
      [],
      [
        () => {
          friday.become('DONE');
          test.captures.delete(actor, String(friday.id), null, { keepsWorkload: false });
        },
      ],
    );
    expect(status).toBe(3);
    expect(stderr).toContain('Capture not found');
  });
});
