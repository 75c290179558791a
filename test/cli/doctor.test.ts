import { chmodSync } from 'node:fs';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { AppError } from '../../src/core/errors.ts';
import { openStore } from '../../src/store/sqlite-store.ts';
import type { Source } from '../../src/core/source.ts';
import { emptyFolder, initialisedHome, runCaptures, type CliOptions } from '../support/cli.ts';
import { FakeSource, inspectionOf } from '../support/server-inspection.ts';

interface ShownFinding {
  readonly check: string;
  readonly status: string;
  readonly detail: string;
  readonly fix: string | null;
}

const WELL = new FakeSource(inspectionOf());
const DEAF: Source = {
  returnsStatements: () => false,
  open: () => Promise.reject(new Error('nobody opens')),
  inspect: () => new Promise(() => undefined),
  forecast: () => new Promise(() => undefined),
};

let home: string;
beforeAll(async () => {
  home = await initialisedHome();
  await runCaptures(['env', 'create', 'shop', '--url', 'mysql://r@h'], { home });
});
beforeEach(() => chmodSync(home, 0o700));

async function doctor(
  options: CliOptions,
): Promise<{ status: number; findings: ShownFinding[]; of: (check: string) => ShownFinding[] }> {
  const { status, stdout, stderr } = await runCaptures(['doctor', '--json'], {
    serverLogs: WELL,
    ...options,
  });
  expect(stderr.replace(/^warning: .*\n/, '')).toBe('');
  const findings = JSON.parse(stdout) as ShownFinding[];
  return { status, findings, of: (check) => findings.filter((one) => one.check === check) };
}

describe('captures doctor', () => {
  it('finds all well where all is well', async () => {
    const { status, findings } = await doctor({ home });
    expect(findings.filter((finding) => finding.status !== 'ok')).toEqual([]);
    expect(status).toBe(0);
    expect(findings.map(({ check }) => check)).toEqual([
      'program',
      'time zones',
      'store',
      'permissions',
      'disk',
      'clock',
      'session',
      'daemon',
      'environment shop',
    ]);
  });

  it('names init where there is no store', async () => {
    const { status, findings } = await doctor({ home: emptyFolder() });
    expect(status).toBe(10);
    expect(findings.at(-1)).toMatchObject({ check: 'store', status: 'fail' });
    expect(findings.at(-1)?.fix).toContain('captures init');
  });

  it('names login where nobody is logged in, and leaves the servers alone', async () => {
    const { status, of } = await doctor({ home, env: { CAPTURES_TOKEN: 'wrong' } });
    expect(status).toBe(4);
    expect(of('session')).toMatchObject([{ status: 'fail' }]);
    expect(of('environment shop')).toEqual([]);
  });

  it('prints what a missing privilege needs', async () => {
    const [need] = inspectionOf().privileges;
    const privileges = need === undefined ? [] : [{ ...need, state: 'missing' as const }];
    const serverLogs = new FakeSource(inspectionOf({ privileges }));
    const { status, of } = await doctor({ home, serverLogs });
    expect(status).toBe(9);
    expect(of('environment shop')[0]?.fix).toContain('GRANT SUPER');
  });

  it('warns of a server whose clock is another', async () => {
    const serverLogs = new FakeSource(inspectionOf({ clockAheadMs: -90_000 }));
    const { status, of } = await doctor({ home, serverLogs });
    expect(status).toBe(0);
    expect(of('environment shop')[1]?.detail).toContain(
      'its clock is 1m 30s behind the clock here',
    );
  });

  it('fails like a server where a password is not to be had', async () => {
    const serverLogs: Source = {
      ...DEAF,
      inspect: () => Promise.reject(new AppError('invalid', 'The variable PW is not set')),
    };
    const { status, of } = await doctor({ home, serverLogs });
    expect(status).toBe(9);
    expect(of('environment shop')).toMatchObject([{ status: 'fail' }]);
  });

  it('warns of a server that could not end its log by itself', async () => {
    const serverLogs = new FakeSource(inspectionOf({ deadManObstacle: 'It cannot.' }));
    const { status, of } = await doctor({ home, serverLogs });
    expect(status).toBe(0);
    expect(of('environment shop')[1]).toMatchObject({ status: 'warn', detail: 'It cannot.' });
  });

  it('does not wait for a server that does not answer', async () => {
    const clock = { ...systemClock, sleep: () => Promise.resolve() };
    const { status, of } = await doctor({ home, serverLogs: DEAF, clock });
    expect(status).toBe(9);
    expect(of('environment shop')).toMatchObject([
      { status: 'fail', detail: 'No answer within 10s' },
    ]);
  });

  it('fails with the status of the first failure', async () => {
    const serverLogs: Source = {
      ...DEAF,
      inspect: () => Promise.reject(new AppError('remote_failed', 'The server is away')),
    };
    const { status } = await doctor({ home, serverLogs, env: { CAPTURES_TOKEN: 'wrong' } });
    expect(status).toBe(4);
    expect((await doctor({ home, serverLogs })).status).toBe(9);
  });

  it('warns of a folder that others can open, with what closes it', async () => {
    chmodSync(home, 0o755);
    // A session in an open folder is refused, and that is the failure.
    const { status, of } = await doctor({ home });
    expect(of('permissions')).toEqual([
      {
        check: 'permissions',
        status: 'warn',
        detail: `${home} can be opened by others`,
        fix: `chmod go-rwx ${home}`,
      },
    ]);
    expect(status).toBe(10);
  });

  it('warns of a clock that was set back', async () => {
    const clock = { ...systemClock, now: () => systemClock.now() - 3_600_000 };
    const { of } = await doctor({ home, clock });
    expect(of('clock')).toMatchObject([{ status: 'warn' }]);
    expect(of('clock')[0]?.detail).toMatch(/written (1h|59m \d+s) in the future/);
  });

  it('fails where a capture waits and no daemon is running', async () => {
    const own = await initialisedHome();
    await runCaptures(['env', 'create', 'shop', '--url', 'mysql://r@h'], { home: own });
    const store = openStore(own);
    try {
      const user = store.users.findByName('ada');
      const environment = store.environments.findByName('shop');
      store.captures.insert(
        {
          name: 'friday',
          environmentId: environment?.id ?? 0,
          ownerId: user?.id ?? 0,
          status: 'RUNNING',
          start: Date.now(),
          scheduledStart: null,
          scheduledEnd: null,
          end: null,
          duration: null,
          reason: null,
          recordsStatements: true,
        },
        Date.now(),
      );
    } finally {
      store.close();
    }
    const { status, of } = await doctor({ home: own });
    expect(status).toBe(8);
    expect(of('daemon')).toMatchObject([{ status: 'fail', fix: 'captures daemon' }]);
  });

  it.each([80, 120])('fits a terminal of %s columns', async (tty) => {
    const { stdout } = await runCaptures(['doctor', '--color', 'never'], {
      home: '/nowhere',
      tty,
    });
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(tty);
    expect(stdout).toContain('fail  store');
    expect(stdout).toMatch(/1 failed\.\n$/);
  });
});
