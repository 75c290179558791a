import { mkdirSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { openStore } from '../../src/store/sqlite-store.ts';
import { CTRL_C, initialisedHome, runCaptures } from '../support/cli.ts';
import { addUser } from '../support/users.ts';

const once = initialisedHome();
let home: string;
let bob: { CAPTURES_TOKEN: string };
let names = 0;
/** An environment and a user of each test's own, in one store. */
let shop: string;
let user: string;
beforeEach(async () => {
  home = await once;
  names += 1;
  shop = `shop${names}.`;
  user = `bob${names}.`;
  bob = addUser(home, user);
  await runCaptures(['env', 'create', shop], { home });
});

describe('members', () => {
  it('are let in, listed, made admins and taken out', async () => {
    const added = await runCaptures(['member', 'add', shop, user], { home });
    expect(added).toEqual({
      status: 0,
      stdout: '',
      stderr: `${user} is a member of ${shop} now.\n`,
    });
    const list = await runCaptures(['member', 'list', shop, '--json'], { home, env: bob });
    expect(JSON.parse(list.stdout)).toEqual([
      { user: 'ada', role: 'admin', environment: shop, envId: expect.any(Number) },
      { user, role: 'member', environment: shop, envId: expect.any(Number) },
    ]);
    const set = await runCaptures(['member', 'set', shop, user, '--role', 'admin'], { home });
    expect(set.stderr).toBe(`${user} is an admin of ${shop} now.\n`);
    const removed = await runCaptures(['member', 'remove', shop, user, '--json'], { home });
    expect(JSON.parse(removed.stdout)).toMatchObject({ user, environment: shop });
    const gone = await runCaptures(['member', 'list', shop], { home, env: bob });
    // No name is suggested to one who is no member, however near it is.
    expect([gone.status, gone.stderr]).toEqual([
      3,
      'captures: Environment does not exist\n  To see yours: captures env list\n',
    ]);
    const near = await runCaptures(['member', 'list', `${shop}x`], { home, env: bob });
    expect([near.status, near.stderr]).toEqual([gone.status, gone.stderr]);
  });

  it('may leave by themselves, but for the last admin', async () => {
    await runCaptures(['member', 'add', shop, user], { home });
    const left = await runCaptures(['member', 'remove', shop, user], { home, env: bob });
    expect(left.stderr).toBe(`Removed ${user} from ${shop}.\n`);
    for (const argv of [
      ['remove', shop, 'ada'],
      ['set', shop, 'ada', '--role', 'member'],
    ]) {
      const refused = await runCaptures(['member', ...argv], { home });
      expect([refused.status, refused.stderr.split('\n')[0]]).toEqual([
        6,
        `captures: ada is the last admin of "${shop}"`,
      ]);
    }
  });

  it.each([
    [['add', 'nope', 'ada'], 3, 'Environment does not exist'],
    [['add', 'SHOP', 'nobody'], 3, 'There is no user named "nobody"'],
    [['add', 'SHOP', 'ada'], 6, 'ada is already a member of "SHOP"'],
    [['add', 'SHOP', 'ada', '--role', 'king'], 2, '--role cannot be "king"'],
    [['set', 'SHOP', 'ada'], 2, "Required option '--role <role>' not specified"],
    [['set', 'SHOP', 'BOB', '--role', 'admin'], 3, 'BOB is not a member of "SHOP"'],
    [['remove', 'SHOP', 'BOB'], 3, 'BOB is not a member of "SHOP"'],
  ])('%j is refused', async (words, status, message) => {
    const real = (text: string): string => text.replace('SHOP', shop).replace('BOB', user);
    const refused = await runCaptures(['member', ...words.map(real)], { home });
    expect([refused.status, refused.stderr.split('\n')[0]]).toEqual([
      status,
      `captures: ${real(message)}`,
    ]);
  });

  it('who are no admins manage nobody', async () => {
    await runCaptures(['member', 'add', shop, user], { home });
    for (const argv of [
      ['member', 'add', shop, 'ada'],
      ['member', 'set', shop, 'ada', '--role', 'member'],
      ['member', 'remove', shop, 'ada'],
      ['env', 'edit', shop, '--region', 'x'],
      ['env', 'delete', shop, '--yes'],
    ]) {
      const refused = await runCaptures(argv, { home, env: bob });
      expect([refused.status, refused.stderr]).toEqual([
        5,
        `captures: Only an admin of the environment "${shop}" (ada) may do this\n`,
      ]);
    }
  });
});

describe('env edit', () => {
  async function edited(...options: string[]): Promise<Record<string, unknown>> {
    const result = await runCaptures(['env', 'edit', shop, ...options, '--json'], {
      home,
      cwd: '/srv',
      userHome: '/home/ada',
    });
    expect([result.status, result.stderr]).toEqual([0, '']);
    return JSON.parse(result.stdout) as Record<string, unknown>;
  }

  it('changes what is named, takes away what is empty, and leaves the rest', async () => {
    expect(await edited('--region', 'eu-west-1', '--instance', 'i-1')).toMatchObject({
      url: null,
      region: 'eu-west-1',
      instance: 'i-1',
    });
    expect(
      await edited('--url', 'mysql://r@db:3307/x', '--password-from', 'file:~/p'),
    ).toMatchObject({
      url: 'mysql://r@db:3307/x',
      passwordFrom: 'file:/home/ada/p',
      sslMode: 'PREFERRED',
      region: 'eu-west-1',
    });
    expect(
      await edited('--ssl-mode', 'verify-ca', '--ssl-ca', 'ca.pem', '--region', ''),
    ).toMatchObject({
      url: 'mysql://r@db:3307/x',
      passwordFrom: 'file:/home/ada/p',
      sslMode: 'VERIFY_CA',
      sslCa: '/srv/ca.pem',
      region: null,
      instance: 'i-1',
    });
    expect(await edited('--url', 'mysql://s@db2', '--password-from', '')).toMatchObject({
      url: 'mysql://s@db2:3306',
      passwordFrom: null,
      sslMode: 'VERIFY_CA',
    });
    expect(await edited('--url', '')).toMatchObject({ url: null, sslMode: null, instance: 'i-1' });
    const renamed = `${shop}renamed`;
    expect(await edited('--name', renamed)).toMatchObject({ name: renamed });
  });

  it.each([
    [[], 2, 'Nothing to change'],
    [['--name', 'a/b'], 2, 'The environment name contains "/"'],
    [
      ['--ssl-mode', 'REQUIRED'],
      2,
      'The environment has no server for --password-from, --ssl-mode, --ssl-ca or --server-public-key',
    ],
    [['--url', 'postgres://x@y'], 2, 'The server URL begins with "postgres://"'],
    [['--endpoint-url', 'ftp://x'], 2, '--endpoint-url takes an http:// or https:// address'],
  ])('with %j is refused', async (options, status, message) => {
    const refused = await runCaptures(['env', 'edit', shop, ...options], { home });
    expect([refused.status, refused.stderr.split('\n')[0]]).toEqual([
      status,
      `captures: ${message}`,
    ]);
  });

  it('refuses a name that is taken', async () => {
    await runCaptures(['env', 'create', `other${names}`], { home });
    const refused = await runCaptures(['env', 'edit', shop, '--name', `OTHER${names}`], { home });
    expect(refused.status).toBe(6);
  });
});

describe('env delete', () => {
  it('asks for the name and deletes an environment without captures', async () => {
    for (const [answer, status] of [
      ['no', 7],
      [CTRL_C, 130],
      [shop, 0],
    ] as const) {
      const answers = [{ to: "the environment's name", answer }];
      const result = await runCaptures(['env', 'delete', shop], { home, tty: 80, answers });
      expect(result.status).toBe(status);
    }
    expect((await runCaptures(['env', 'get', shop], { home })).status).toBe(3);
  });

  it('refuses while there are captures, without asking', async () => {
    await runCaptures(['create', 'c', '--env', shop], { home });
    const refused = await runCaptures(['env', 'delete', shop], { home, tty: 80 });
    expect([refused.status, refused.stderr]).toEqual([
      6,
      `captures: The environment "${shop}" has 1 capture\n  Delete them first, or everything at once with: --with-captures\n`,
    ]);
  });

  it('with its captures stops those that are RUNNING and removes the workloads', async () => {
    await runCaptures(['create', 'running', '--env', shop], { home });
    await runCaptures(['create', 'later', '--env', shop, '--at', '+1h'], { home });
    const folder = recordedCapture();
    const declined = await runCaptures(['env', 'delete', shop, '--with-captures'], {
      home,
      tty: 80,
      answers: [{ to: "the environment's name", answer: 'no' }],
    });
    expect(declined.status).toBe(7);
    expect(declined.stderr.replaceAll(/\s+/g, ' ')).toContain(
      `${shop}: the environment with 3 captures (2 not over: they are stopped first); 5 records (1 KiB) will be deleted.`,
    );
    expect(existsSync(folder)).toBe(true);
    const deleted = await runCaptures(['env', 'delete', shop, '--with-captures', '--yes'], {
      home,
    });
    expect([deleted.status, deleted.stdout]).toEqual([0, '']);
    expect(deleted.stderr).toContain(`Deleted the environment ${shop}.\n`);
    expect(existsSync(folder)).toBe(false);
  });

  /** A capture that is DONE, with a workload on the disk. */
  function recordedCapture(): string {
    const store = openStore(home);
    try {
      const environment = store.environments.findByName(shop);
      const owner = store.users.findByName('ada');
      const { id } = store.captures.insert(
        {
          name: 'recorded',
          environmentId: environment?.id ?? 0,
          ownerId: owner?.id ?? 0,
          status: 'DONE',
          start: 1_000,
          scheduledStart: null,
          scheduledEnd: null,
          end: 2_000,
          duration: null,
          reason: null,
          recordsStatements: true,
        },
        0,
      );
      const tap = store.taps.insert(
        {
          serverKey: `key${names}`,
          nonce: `nonce${names}`,
          environmentId: environment?.id ?? 0,
          settings: { generalLog: false, logOutput: 'FILE', tableEngine: null },
        },
        0,
      );
      store.recordings.begin(id, tap.id);
      store.recordings.finish(
        {
          captureId: id,
          records: 5,
          textBytes: 100,
          fileBytes: 1_024,
          position: '{}',
          counters: '{}',
          rates: [],
        },
        '{}',
      );
      store.taps.delete(tap.id);
      const folder = join(home, 'captures', String(id));
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, 'manifest.json'), '{}');
      return folder;
    } finally {
      store.close();
    }
  }
});
