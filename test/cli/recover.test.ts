import { join } from 'node:path';
import { mkdirSync, writeFileSync } from 'node:fs';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../src/core/clock.ts';
import { systemClock } from '../../src/core/clock.ts';
import { LEASE_MS } from '../../src/core/daemon/lease.ts';
import type { Leftovers, ServerInspection } from '../../src/core/environments/server-inspection.ts';
import type { Store } from '../../src/core/store.ts';
import { openStore } from '../../src/store/sqlite-store.ts';
import { initialisedHome, runCaptures, type CliOptions, type CliResult } from '../support/cli.ts';
import { addUser } from '../support/users.ts';
import { FakeSource, inspectionOf } from '../support/server-inspection.ts';
import { temporaryFolder } from '../support/stores.ts';

const HOUR = 3_600_000;
const SETTINGS = { generalLog: false, logOutput: 'FILE', slowLog: false, tableEngine: 'CSV' };
const RECORDING = { generalLog: true, logOutput: 'TABLE', slowLog: false, tableEngine: 'MyISAM' };

const LEFTOVERS: Leftovers = {
  storeId: 'another-store',
  recorder: 'db-watch, pid 4711',
  lastSign: '2026-11-20T08:00:00.000000Z',
  silentMs: 50 * HOUR,
  settings: SETTINGS,
  restoresTo: SETTINGS,
  lostSettings: null,
  tables: ['captures_marker', 'frozen_7', 'next_log', 'owners_log'],
  statements: 1_234,
  batch: 8,
};

/** A server that the recorder of another store left switched on. */
const leftOn = (changes: Partial<Leftovers> = {}): Partial<ServerInspection> => ({
  settings: RECORDING,
  schema: { state: 'other-store', storeId: 'another-store', nonce: 'x' },
  leftovers: { ...LEFTOVERS, ...changes },
});

let home: string;
let people: Record<'mia' | 'oscar', { CAPTURES_TOKEN: string }>;
beforeAll(async () => {
  home = await initialisedHome();
  people = { mia: addUser(home, 'mia'), oscar: addUser(home, 'oscar') };
  await runCaptures(['env', 'create', 'shop', '--url', 'mysql://r@h'], { home });
  await runCaptures(['member', 'add', 'shop', 'mia'], { home });
});

function inStore<T>(work: (store: Store) => T): T {
  const store = openStore(home);
  try {
    return work(store);
  } finally {
    store.close();
  }
}

beforeEach(() => {
  inStore((store) => {
    for (const id of store.captures.idsOf(1)) {
      const status = store.captures.find(id)?.status ?? 'DONE';
      store.captures.delete(id, [status]);
    }
    for (const tap of store.taps.list()) store.taps.delete(tap.id);
    const lease = store.lease.find();
    if (lease !== null) store.lease.release(lease.holder);
  });
});

/** What a daemon leaves that was killed: a tap, and captures in it. */
function leaveTap(...captures: { name: string; owner?: number; endsIn?: number }[]): void {
  inStore((store) => {
    const now = Date.now();
    const tap = store.taps.insert(
      { serverKey: 'server-1', nonce: 'nonce', environmentId: 1, settings: SETTINGS },
      now,
    );
    for (const { name, owner = 1, endsIn } of captures) {
      const { id } = store.captures.insert(
        {
          name,
          environmentId: 1,
          ownerId: owner,
          status: 'RUNNING',
          start: now - HOUR,
          scheduledStart: null,
          scheduledEnd: endsIn === undefined ? null : now + endsIn,
          end: null,
          duration: null,
          reason: null,
          recordsStatements: true,
        },
        now,
      );
      store.recordings.begin(id, tap.id);
    }
  });
}

/** Everything that a refusal must leave as it is. */
function everything(): unknown {
  return inStore((store) => ({
    captures: store.captures.listByStatus(['STARTING', 'RUNNING', 'STOPPING', 'DONE', 'FAILED']),
    taps: store.taps.list(),
    lease: store.lease.find(),
    audit: store.audit.list({
      environmentIds: [1],
      ownOf: null,
      everythingElse: true,
      subject: null,
      since: null,
      limit: null,
    }).length,
  }));
}

function recover(
  argv: readonly string[] = [],
  options: CliOptions & { readonly found?: Partial<ServerInspection> } = {},
): Promise<CliResult> {
  return runCaptures(['recover', ...argv], {
    home,
    serverLogs: new FakeSource(inspectionOf(options.found)),
    ...options,
  });
}

async function refused(
  argv: readonly string[],
  options: Parameters<typeof recover>[1] = {},
): Promise<{ status: number; code: number; message: string; hint?: string }> {
  const before = everything();
  const { status, stdout, stderr } = await recover([...argv, '--json'], options);
  expect(stdout).toBe('');
  expect(everything()).toEqual(before);
  return { status, ...(JSON.parse(stderr) as { code: number; message: string }) };
}

describe('recover where there is nothing to recover', () => {
  it('says so of a server that is as its owner has it', async () => {
    const { status, stdout, stderr } = await recover(['shop']);
    expect({ status, stdout, stderr }).toEqual({
      status: 0,
      stdout: '',
      stderr: 'Nothing to recover: shop (db1:3306) needs no restore.\n',
    });
  });

  it('says so of a store that has no server to restore, without asking one', async () => {
    const { status, stdout, stderr } = await recover();
    expect({ status, stdout, stderr }).toEqual({
      status: 0,
      stdout: '',
      stderr: 'Nothing to recover: no server of your environments needs restoring.\n',
    });
    expect((await recover(['--json'])).stdout).toBe('[]\n');
  });

  it('is an object with recovered false as JSON', async () => {
    const { stdout } = await recover(['shop', '--json']);
    expect(JSON.parse(stdout)).toEqual([
      {
        environment: 'shop',
        server: 'db1:3306',
        recovered: false,
        endedCaptures: [],
        settings: null,
        savedStatements: 0,
        savedTo: null,
        returnedStatements: 0,
        droppedStatements: 0,
        warnings: [],
      },
    ]);
  });

  it('leaves a schema alone that no recorder made', async () => {
    const found = { schema: { state: 'foreign' as const, storeId: null, nonce: null } };
    expect((await recover(['shop'], { found })).stderr).toContain('Nothing to recover');
  });
});

describe('recover is refused', () => {
  it('to who is no member: to them there is no such environment, and no such debt', async () => {
    leaveTap({ name: 'theirs' });
    expect(await refused(['shop'], { env: people.oscar })).toMatchObject({
      status: 3,
      message: 'Environment does not exist',
    });
    expect((await recover(['--json'], { env: people.oscar })).stdout).toBe('[]\n');
  });

  it('for an environment without a server', async () => {
    await runCaptures(['env', 'create', 'numbers'], { home });
    expect(await refused(['numbers'])).toMatchObject({
      status: 2,
      message: 'The environment "numbers" has no server: it is metrics-only',
    });
  });

  it('while a recorder is at work on the server, naming it', async () => {
    const found = { ...leftOn(), lockHolder: { connectionId: 9, user: 'eve', host: 'h2' } };
    expect(await refused(['shop', '--yes', '--force'], { found })).toMatchObject({
      status: 6,
      message: 'A recorder is running on db1:3306: eve from h2 (connection 9)',
    });
  });

  it('while a daemon is at work in the store, naming it', async () => {
    leaveTap({ name: 'in its hands' });
    const daemon = { holder: 'd', host: 'db-watch', pid: 4_711, background: true };
    inStore((store) => store.lease.claim(daemon, Date.now(), LEASE_MS));
    const renewing: Clock = {
      now: () => systemClock.now(),
      sleep(ms, signal) {
        inStore((store) => store.lease.renew('d', Date.now(), LEASE_MS));
        return systemClock.sleep(ms, signal);
      },
    };
    const { status, stdout, stderr } = await recover(['--yes', '--json'], { clock: renewing });
    expect([status, stdout]).toEqual([6, '']);
    expect(JSON.parse(stderr)).toEqual({
      code: 409,
      message:
        'A daemon on db-watch, pid 4711, is running in this store: it restores servers by itself when their last capture ends',
      hint: 'To see what it does: captures daemon --status',
    });
  });

  it('where the environment leads to another server than the one to restore', async () => {
    leaveTap({ name: 'elsewhere' });
    const server = { ...inspectionOf().server, key: 'server-2', hostname: 'db2' };
    for (const argv of [['shop', '--yes'], ['--yes']]) {
      expect(await refused(argv, { found: { server, place: 'db2:3306' } })).toMatchObject({
        status: 6,
        message:
          'The environment "shop" now points to another server (db2:3306) than the one whose log was switched on',
      });
    }
  });

  it('--save, --discard and --force without an environment, and contradictions', async () => {
    expect(await refused(['--save', 'x'])).toMatchObject({ status: 2, code: 400 });
    expect(await refused(['--force'])).toMatchObject({ status: 2, code: 400 });
    expect(await refused(['--discard'])).toMatchObject({ status: 2, code: 400 });
    expect(await refused(['shop', '--discard', '--save', 'x'])).toMatchObject({ status: 2 });
  });
});

describe('captures that would go on', () => {
  it('are named before they are ended, and stay after a no', async () => {
    leaveTap({ name: 'one' }, { name: 'over', endsIn: -HOUR });
    const before = everything();
    const { status, stdout, stderr } = await recover(['shop'], {
      tty: 100,
      answers: [{ to: 'End it and restore db1:3306?', answer: false }],
    });
    expect([status, stdout]).toEqual([7, '']);
    expect(stderr).toContain('1 capture would end now:\n  shop/one (id');
    expect(stderr).toContain('To continue recording instead: captures daemon');
    expect(stderr).not.toContain('shop/over');
    expect(stderr).toContain('captures: Nothing was changed\n');
    expect(everything()).toEqual(before);
  });

  it('are not ended by a member who may not stop them, with --yes neither', async () => {
    leaveTap({ name: 'hers', owner: 2 }, { name: 'adas' });
    expect(await refused(['shop', '--yes'], { env: people.mia })).toMatchObject({
      status: 5,
      message:
        'Restoring the server would end shop/adas, which only its owner (ada) or an admin of its environment (ada) may do',
    });
  });
});

describe("a server that another store's recorder left switched on", () => {
  const found = leftOn();

  it('is only restored by an admin of the environment', async () => {
    expect(await refused(['shop', '--yes'], { found, env: people.mia })).toMatchObject({
      status: 5,
      code: 403,
    });
  });

  it('loses nothing where nobody can be asked', async () => {
    expect(await refused(['shop', '--discard'], { found })).toEqual({
      status: 2,
      code: 400,
      message:
        'What the lost recorder logged on the server of "shop" would be dropped, and there is no terminal to confirm on',
      hint: 'To drop it without confirmation add --yes; to keep it leave out --discard.',
    });
  });

  it('asks nobody where nothing was logged yet: what is logged meanwhile is kept', async () => {
    const nothing = new FakeSource(inspectionOf(leftOn({ statements: 0 })));
    const { stderr } = await recover(['shop'], { serverLogs: nothing });
    expect(stderr).not.toContain('--discard');
  });

  it('is watched for a recorder heard of lately, and left alone when that one comes back', async () => {
    const serverLogs = new FakeSource(inspectionOf(leftOn({ silentMs: 12_000 })));
    const comesBack: Clock = {
      now: () => systemClock.now(),
      sleep() {
        const lastSign = '2026-11-21T08:00:00.000000Z';
        serverLogs.inspection = inspectionOf(leftOn({ silentMs: 100, lastSign }));
        return Promise.resolve();
      },
    };
    const { status, stdout, stderr } = await recover(['shop'], { serverLogs, clock: comesBack });
    expect([status, stdout]).toEqual([6, '']);
    expect(stderr).toContain(
      'its recorder (db-watch, pid 4711) was active 12s ago; waiting 3s for it to return',
    );
    expect(stderr).toContain('The recorder of this server is alive');
  });

  it('is described, and left alone unless the name is typed', async () => {
    const before = everything();
    const { status, stdout, stderr } = await recover(['shop', '--discard'], {
      found,
      tty: 100,
      answers: [{ to: "Type the environment's name", answer: 'yes' }],
    });
    expect([status, stdout]).toEqual([7, '']);
    expect(stderr).toMatchInlineSnapshot(`
      "The server of shop (db1:3306) was left with its log on by the recorder of another store.
        recorder    db-watch, pid 4711, store another-store
        silent      for 2d 2h, since 2026-11-20T08:00:00.000000Z
        log now     general_log ON, log_output TABLE, log table MyISAM
        log then    general_log OFF, log_output FILE, log table CSV
        dropped     schema captures (captures_marker, frozen_7, next_log, owners_log)
        statements  1,234 logged and perhaps not recorded: LOST. To keep them leave out --discard
      captures: The name does not match; nothing changed
      "
    `);
    expect(everything()).toEqual(before);
  });

  it.each([
    [
      'what goes to the owner’s own log',
      leftOn({ restoresTo: { ...SETTINGS, generalLog: true, logOutput: 'TABLE' } }),
      [],
      "1,234 logged and perhaps not recorded: go to the server's own log table",
    ],
    ['what is saved', found, ['--save', 'kept'], '1,234 logged and perhaps not recorded: saved in'],
    ['what nobody could count', leftOn({ statements: null }), [], 'statements logged and perhaps'],
    [
      'settings that are lost',
      leftOn({ settings: null, restoresTo: { ...RECORDING, generalLog: false } }),
      [],
      'unknown; stays general_log OFF, log_output TABLE',
    ],
    [
      'a marker that is lost',
      leftOn({ storeId: null, recorder: null, lastSign: null, silentMs: null }),
      [],
      'by a recorder that the server no longer knows',
    ],
  ])('says %s', async (_what, inspection, argv, words) => {
    const { stderr } = await recover(['shop', ...argv], {
      found: inspection,
      tty: 100,
      answers: [{ to: "Type the environment's name", answer: '' }],
    });
    expect(stderr.replaceAll(/\s+/g, ' ')).toContain(words);
  });

  it('is said to be this store’s where the store has forgotten it', async () => {
    const storeId = inStore((store) => store.id);
    const own = leftOn({ storeId });
    const { stderr } = await recover(['shop'], {
      found: { ...own, schema: { state: 'ours', storeId, nonce: 'nonce' } },
      tty: 100,
      answers: [{ to: "Type the environment's name", answer: '' }],
    });
    expect(stderr.replaceAll(/\s+/g, ' ')).toContain(
      'by a recorder of this store, which the store has forgotten',
    );
  });

  it('keeps its statements: a folder with something in it is refused before anything is done', async () => {
    const folder = join(temporaryFolder(), 'kept');
    mkdirSync(folder);
    writeFileSync(join(folder, 'mine'), '');
    expect(await refused(['shop', '--yes', '--save', folder], { found })).toMatchObject({
      status: 2,
      message: `The folder ${folder} is not empty`,
    });
  });

  it('is shown by env check, with the command that gives it back', async () => {
    const serverLogs = new FakeSource(inspectionOf(found));
    const check = await runCaptures(['env', 'check', 'shop'], { home, serverLogs });
    expect(check.status).toBe(6);
    expect(check.stdout).toContain(
      'left behind   by the recorder db-watch, pid 4711, silent for 2d 2h, 1,234 statements logged\n              captures recover shop\n',
    );
    const json = await runCaptures(['env', 'check', 'shop', '--json'], { home, serverLogs });
    expect(JSON.parse(json.stderr)).toMatchObject({
      code: 409,
      hint: expect.stringContaining('captures recover'),
    });
  });
});
