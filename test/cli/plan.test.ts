import { beforeAll, describe, expect, it } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { expectationOf } from '../../src/core/captures/expectation.ts';
import { RECORD_EVERYTHING } from '../../src/core/captures/recording-options.ts';
import type {
  ServerInspection,
  ServerLoad,
} from '../../src/core/environments/server-inspection.ts';
import type { Source } from '../../src/core/source.ts';
import { measuredCost } from '../../src/source/mysql/inspection/measured-cost.ts';
import { displayWidth } from '../../src/cli/render/width.ts';
import { openStore } from '../../src/store/sqlite-store.ts';
import { initialisedHome, runCaptures, type CliOptions, type CliResult } from '../support/cli.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { FakeSource, inspectionOf } from '../support/server-inspection.ts';
import { PLAN } from './json-page.ts';

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const LOAD: ServerLoad = {
  seconds: 2.5,
  statements: 2_500,
  rows: 3_000,
  executes: 1_250,
  bytes: 262_500,
};

let home: string;
beforeAll(async () => {
  home = await initialisedHome();
  await runCaptures(['env', 'create', 'shop', '--url', 'mysql://r@db1'], { home });
  await runCaptures(['env', 'create', 'numbers'], { home });
  await runCaptures(['create', 'taken', '--env', 'shop', '--at', '2030-01-01 02:00'], { home });
});

/** Sleeps without passing time. */
class Hasty extends ManualClock {
  slept = 0;
  override sleep(ms: number): Promise<void> {
    this.slept += ms;
    return Promise.resolve();
  }
}

function plan(
  argv: readonly string[],
  options: CliOptions & { inspection?: Partial<ServerInspection> } = {},
): Promise<CliResult> {
  return runCaptures(['create', ...argv, '--plan'], {
    home,
    serverLogs: new FakeSource(inspectionOf(options.inspection), LOAD),
    clock: new Hasty(Date.now()),
    ...options,
  });
}

/** Everything the store says of captures, and who did what. */
function storeText(): string {
  const store = openStore(home);
  try {
    const all = store.captures.listByStatus([
      'SCHEDULED',
      'STARTED',
      'STARTING',
      'RUNNING',
      'DONE',
    ]);
    return JSON.stringify([all, store.taps.list()]);
  } finally {
    store.close();
  }
}

describe('create --plan', () => {
  it('shows what a capture would do, need and cost, and stores nothing', async () => {
    const before = storeText();
    const { status, stdout, stderr } = await plan(
      ['friday', '--env', 'shop', '--duration', '2h', '--max-size', '10M', '--color', 'never'],
      { tty: 100 },
    );
    expect({ status, stderr: stderr.replace(/\n$/, '') }).toEqual({
      status: 0,
      stderr: 'Watching db1:3306 for 2.5 s …',
    });
    expect(stdout).toContain('Plan of friday on shop: nothing is stored or changed');
    expect(stdout).toContain('mariadb 10.11.9-MariaDB at db1:3306, as recorder@%');
    expect(stdout).toContain('log now         general_log OFF, log_output FILE, log table CSV');
    expect(stdout).toContain('while recording general_log ON, log_output TABLE, log table CSV');
    expect(stdout).toContain("the server switches its log off 1h after the recorder's last sign");
    expect(stdout).toContain('1,000/s, 100 B each on average; 50 % execute a prepared');
    expect(stdout).toContain('10 MiB reached after about 6m');
    expect(stdout).toMatch(/disk here {7}\S+ \S+ of \S+ \S+ free: enough for /);
    const words = stdout.replace(/\s+/g, ' ');
    expect(words).toContain(
      '- single-row reads: recording 58 %; that log without the recorder 62 %,',
    );
    expect(words).toContain('2.2 → 2.8 ms at 6,000/s (1,000/s now) measured on MariaDB 10.11');
    expect(stdout).toContain('  SET GLOBAL general_log = OFF;\n');
    expect(stdout).toMatch(/\ncaptures create would succeed\.\n$/);
    expect(storeText()).toBe(before);
  });

  it.each([80, 120, 40])('fits %i columns', async (tty) => {
    const inspection: Partial<ServerInspection> = {
      deadManObstacle:
        'The server cannot switch its log off by itself. Run there: SET GLOBAL x = ON',
      warnings: ['While recording, slow queries are also written to the table mysql.slow_log'],
    };
    const { stdout } = await plan(['friday', '--env', 'shop', '--color', 'never'], {
      tty,
      inspection,
    });
    const wide = stdout
      .split('\n')
      .filter((line) => displayWidth(line) > tty && / \S+ \S/.test(line));
    expect(wide).toEqual([]);
    expect(stdout).toContain('warning: ');
  });

  it('looks for two and a half seconds of the clock it was given', async () => {
    const clock = new Hasty(Date.now());
    await plan(['friday', '--env', 'shop'], { clock });
    expect(clock.slept).toBe(2_500);
  });

  it('prints as JSON what is documented, with the exit status of create', async () => {
    const { status, stdout, stderr } = await plan(['friday', '--env', 'shop', '--json']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const json = JSON.parse(stdout) as Record<string, unknown>;
    expect(Object.keys(json)).toEqual(PLAN.map(([field]) => field));
    expect(json).toMatchObject({
      ready: true,
      settings: { now: { generalLog: false }, whileRecording: { generalLog: true } },
      load: { statementsPerSecond: 1_000, rowsPerSecond: 1_200, statementBytes: 100 },
      deadMan: { after: 3_600, obstacle: null },
      others: [{ id: 1, name: 'taken', environment: 'shop', status: 'SCHEDULED' }],
      undo: ['SET GLOBAL general_log = OFF', 'DROP DATABASE captures'],
    });
    const help = await runCaptures(['help', 'plan']);
    expect(help.stdout.replaceAll('\n', ' ')).toContain(
      `JSON fields: ${PLAN.map(([field]) => field).join(', ')}`,
    );
  });

  it('takes --fields of a plan, and create those of a capture', async () => {
    const { status, stdout } = await plan([
      'friday',
      '--env',
      'shop',
      '--json',
      '--fields',
      'ready',
    ]);
    expect([status, JSON.parse(stdout)]).toEqual([0, { ready: true }]);
    for (const [args, field] of [
      [['--plan'], 'workload'],
      [[], 'ready'],
    ] as const) {
      const line = ['create', 'no', '--env', 'shop', ...args, '--json', '--fields', field];
      const wrong = await runCaptures(line, { home });
      expect(wrong.status).toBe(2);
      expect(wrong.stderr).toContain(`There is no field \\"${field}\\"`);
    }
  });

  it('says of which prepared statements the values are not recorded, and how many there are', async () => {
    const serverLogs = new FakeSource(inspectionOf(), LOAD);
    const wide = { serverLogs, tty: 500 };
    expect((await plan(['friday', '--env', 'shop', '--color', 'never'], wide)).stdout).toContain(
      'values          statements prepared before the start are recorded with ? in place of their values, which makes them unreplayable, until a session prepares them again. Now: prepared statements: 3; open sessions: 2; share of statements that execute a prepared one: 50 %',
    );
    serverLogs.prepared = { values: 'always', statements: 3, sessions: 2 };
    expect((await plan(['friday', '--env', 'shop', '--color', 'never'], wide)).stdout).toContain(
      'values          recorded for every prepared statement, whenever it was prepared',
    );
    serverLogs.prepared = { values: 'when-logged', statements: null, sessions: null };
    serverLogs.inspection = inspectionOf({
      settings: { generalLog: true, logOutput: 'FILE', slowLog: false, tableEngine: 'CSV' },
    });
    expect((await plan(['friday', '--env', 'shop', '--color', 'never'], wide)).stdout).toContain(
      'statements prepared before the log was switched on are recorded with ?',
    );
  });

  it('says on which server the cost was measured, and what was not', async () => {
    const serverLogs = new FakeSource(inspectionOf(), LOAD);
    serverLogs.cost = measuredCost({ flavor: 'mysql', version: '8.4.6' });
    const { stdout } = await plan(['friday', '--env', 'shop'], { serverLogs, tty: 500 });
    expect(stdout).toContain(
      "- single-row reads: recording 42 %; that log without the recorder 46 %, the server's own CSV table 45 %",
    );
    expect(stdout).toContain('no figure for this log table (1,000/s now)');
    expect(stdout).toContain('measured on MySQL 9.7 with 2 cores, not on this release');
    expect(measuredCost({ flavor: 'mysql', version: '9.7.4-2' }).isThisRelease).toBe(true);
    expect(measuredCost({ flavor: 'mariadb', version: '10.11.19-MariaDB' }).isThisRelease).toBe(
      true,
    );
    expect(measuredCost({ flavor: 'mariadb', version: '11.8.9-MariaDB' }).isThisRelease).toBe(
      false,
    );
  });

  it('gives the latency that was measured with a CSV log table where the plan has one', async () => {
    const serverLogs = new FakeSource(inspectionOf(), LOAD);
    serverLogs.cost = measuredCost({ flavor: 'mariadb', version: '10.11.9-MariaDB' }, 'CSV');
    const { stdout } = await plan(['friday', '--env', 'shop'], { serverLogs, tty: 500 });
    expect(stdout).toContain('latency rises: 2.2 → 2.8 ms at 6,000/s (1,000/s now)');
    expect(stdout).toContain('- single-row reads: recording not measured; that log');
    serverLogs.cost = measuredCost({ flavor: 'mariadb', version: '10.11.9-MariaDB' });
    const other = await plan(['friday', '--env', 'shop'], { serverLogs, tty: 500 });
    expect(other.stdout).toContain('latency rises; no figure for this log table (1,000/s now)');
  });

  it('says that the capture would end at once where the disk is too full for it', async () => {
    const { stdout } = await plan(
      ['friday', '--env', 'shop', '--min-free', '100T', '--color', 'never'],
      {
        tty: 500,
      },
    );
    expect(stdout).toContain(': the capture would end at once');
    expect(stdout).toMatch(/would succeed, and the capture end at once: too little free disk\.\n$/);
  });

  it('names the captures that would run beside it', async () => {
    const { stdout } = await plan(['new', '--env', 'shop', '--at', '2030-01-01 01:30']);
    expect(stdout).toContain('shop/taken (id 1, SCHEDULED)');
    const early = ['new', '--env', 'shop', '--at', '2030-01-01 01:30', '--duration', '10m'];
    expect((await plan(early)).stdout).toContain('other captures  none in that time');
  });

  it('records nothing on a metrics-only environment, and says so', async () => {
    const { status, stdout } = await plan(['cpu', '--env', 'numbers']);
    expect({ status, stdout: stdout.replace(/2\d{3}-[-\d]+ [\d:]+/, 'then') }).toEqual({
      status: 0,
      stdout: [
        'Plan of cpu on numbers: nothing is stored or changed',
        '  when            then, until it is stopped',
        '  records         no statements: no server, or the capture is already over',
        '',
        'captures create would succeed.',
        '',
      ].join('\n'),
    });
  });
});

describe('what create would refuse', () => {
  const missing = {
    privileges: [
      {
        privilege: 'SUPER',
        purpose: 'switches the general log on and off',
        state: 'missing' as const,
        grant: 'GRANT SUPER ON *.* TO `r`@`%`',
        required: true,
      },
    ],
  };

  it('is all in the report, with the exit status of the first', async () => {
    const { status, stdout } = await plan(
      ['taken', '--env', 'shop', '--duration', '5', '--max-lag', '0.5'],
      { inspection: missing },
    );
    expect(status).toBe(2);
    expect(stdout.split('\n').filter((line) => line.startsWith('refused: '))).toEqual([
      'refused: Capture with the same name already exists in this environment',
      'refused: Duration must be at least 60 seconds',
      'refused: The maximum lag must be at least 1 s',
      expect.stringMatching(
        /^refused: recorder@% lacks privileges on db1:3306 that recording needs/,
      ),
    ]);
    expect(stdout).toContain('log now');
    expect(stdout).toContain('GRANT SUPER ON *.* TO `r`@`%`;');
    expect(stdout).toMatch(/captures create would refuse this\.\n$/);
  });

  it.each<[string, Partial<ServerInspection>, number]>([
    ['a missing privilege', missing, 9],
    ['another recorder', { lockHolder: { connectionId: 9, user: 'eve', host: 'h' } }, 6],
  ])('has the exit status of create: %s', async (_what, inspection, expected) => {
    const { status, stdout } = await plan(['friday', '--env', 'shop'], { inspection });
    expect(status).toBe(expected);
    expect(stdout).toContain('refused: ');
  });

  it('is a server that cannot be reached, and the rest is shown', async () => {
    const away = (): Promise<never> =>
      Promise.reject(new AppError('remote_failed', 'The server at db1:3306 cannot be reached'));
    const serverLogs: Source = {
      open: away,
      inspect: away,
      forecast: away,
      returnsStatements: () => false,
    };
    const { status, stdout } = await plan(['friday', '--env', 'shop'], { serverLogs });
    expect(status).toBe(9);
    expect(stdout).toContain('when            now, until it is stopped');
    expect(stdout).toContain('refused: The server at db1:3306 cannot be reached');
  });

  it('is no refusal of a capture that starts later, and a warning', async () => {
    const argv = ['later', '--env', 'shop', '--at', '2030-02-01 02:00'];
    const { status, stdout } = await plan(argv, { inspection: missing, tty: 500 });
    expect(status).toBe(0);
    expect(stdout).toContain('warning: As things are, it could not start: recorder@% lacks');
  });

  it('is one object on stderr with JSON, and stdout is empty', async () => {
    const { status, stdout, stderr } = await plan(['taken', '--env', 'shop', '--json'], {
      inspection: missing,
    });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(JSON.parse(stderr)).toEqual({
      code: 400,
      message: 'Capture with the same name already exists in this environment',
      hint: expect.stringContaining('Also: recorder@% lacks privileges on db1:3306') as string,
    });
  });

  it('is an environment that is not there, as ever', async () => {
    const { status, stdout, stderr } = await plan(['friday', '--env', 'nowhere']);
    expect({ status, stdout }).toEqual({ status: 3, stdout: '' });
    expect(stderr).toContain('Environment does not exist');
  });
});

describe('what is expected', () => {
  const nothing = { records: 0, textBytes: 0, fileBytes: 0 };
  const plain = { options: RECORD_EVERYTHING, duration: null };

  it('grows with the rate, the text and the time', () => {
    const disk = { free: 10 * GIB, size: 100 * GIB };
    const expected = expectationOf(LOAD, nothing, disk, { ...plain, duration: 1_800_000 });
    expect(expected).toMatchObject({
      statementsPerSecond: 1_000,
      statementBytes: 100,
      preparedShare: 0.5,
      logBytes: 1_200 * 220,
      logBytesPerHour: 1_200 * 220 * 3_600,
      fileBytesPerHour: (1_200 * 250 * 3_600) / 12,
      fileBytes: (1_200 * 250 * 1_800) / 12,
      minFree: 256 * MIB,
      untilMaxSize: null,
    });
    expect(expected.diskLasts).toBe(Math.round(((10 * GIB - 256 * MIB) / 25_000) * 1_000));
  });

  it('takes size and ratio from what was recorded there before', () => {
    const before = { records: 10_000, textBytes: 2_000_000, fileBytes: 500_000 };
    const expected = expectationOf(LOAD, before, null, plain);
    expect(expected).toMatchObject({ isFromExperience: true, ratio: 4, disk: null });
    expect(expected.fileBytesPerHour).toBe((1_200 * 200 * 3_600) / 4);
  });

  it('is less with a sample, and nothing where nothing came', () => {
    const sampled = { ...plain, options: { ...RECORD_EVERYTHING, sample: 10, maxSize: 1_000 } };
    expect(expectationOf(LOAD, nothing, null, sampled).fileBytesPerHour).toBe(
      (1_200 * 250 * 3_600) / 12 / 10,
    );
    const idle = { seconds: 2.5, statements: 0, rows: 0, executes: 0, bytes: 0 };
    expect(expectationOf(idle, nothing, { free: GIB, size: GIB }, sampled)).toMatchObject({
      statementBytes: null,
      fileBytesPerHour: 0,
      untilMaxSize: null,
      diskLasts: null,
    });
  });
});
