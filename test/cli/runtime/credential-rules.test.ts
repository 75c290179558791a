import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { beforeAll, describe, expect, test } from 'vitest';
import type { ServerAddress } from '../../../src/core/environments/environment.ts';
import { LEASE_MS } from '../../../src/core/daemon/lease.ts';
import { openStore } from '../../../src/store/sqlite-store.ts';
import {
  allowedServer,
  checkFolder,
  CredentialFile,
  type AllowedCredentials,
  type CredentialUser,
} from '../../../src/cli/runtime/credential-rules.ts';
import { PASSWORD, runCaptures, type CliResult } from '../../support/cli.ts';
import { FakeSource, inspectionOf } from '../../support/server-inspection.ts';
import { SERVER, temporaryFolder } from '../../support/stores.ts';

function secretFile(folder: string, name = 'password'): string {
  const path = join(folder, name);
  writeFileSync(path, 's3cret\n', { mode: 0o600 });
  return path;
}

function user(
  daemon: AllowedCredentials | null = null,
  { isStoreShared = true, folder = join(temporaryFolder(), 'own') } = {},
): CredentialUser {
  const file = new CredentialFile(folder);
  return { name: 'pat', file, daemon, isStoreShared: () => isStoreShared, references: () => [] };
}

const described = (passwordFrom: string, changes: Partial<ServerAddress> = {}): ServerAddress => ({
  ...SERVER,
  passwordFrom,
  ...changes,
});

/** What is used of a reference that a member of the group described. */
async function used(server: ServerAddress, by: CredentialUser): Promise<string | null> {
  return (await allowedServer(server, by)).passwordFrom;
}

describe('in a store that others can write', () => {
  test.each(['file:/home/pat/.my-password', 'cnf:/home/pat/.my.cnf#client', 'env:AWS_SECRET'])(
    '%s is not used, and whoever must allow it is named',
    async (reference) => {
      const daemon = user({ folders: [], prefixes: [] });
      const why = `The daemon of pat may not use ${reference} in a store that others can write: start it with --credential`;
      await expect(used(described(reference), daemon)).rejects.toMatchObject({
        code: 'invalid',
        message: expect.stringContaining(why),
      });
      await expect(used(described(reference), user())).rejects.toThrow(
        `A command that pat runs may not use ${reference}`,
      );
      const isStoreShared = false;
      expect(await used(described(reference), user(null, { isStoreShared }))).toBe(reference);
    },
  );

  test('no password is no secret', async () => {
    const server = { ...SERVER, passwordFrom: null };
    expect(await allowedServer(server, user())).toEqual(server);
  });

  test('files below an allowed folder are used by their real paths, and nothing that only looks so', async () => {
    const outside = temporaryFolder();
    const folder = join(temporaryFolder(), 'allowed');
    mkdirSync(join(folder, 'below'), { recursive: true, mode: 0o700 });
    const inside = secretFile(join(folder, 'below'));
    const link = join(outside, 'link');
    symlinkSync(inside, link);
    symlinkSync(secretFile(outside), join(folder, 'out'));
    mkdirSync(`${folder}-not`);
    const beside = secretFile(`${folder}-not`);
    const daemon = user({ folders: [await checkFolder(folder)], prefixes: ['SHOP_'] });
    expect(await used(described(`file:${inside}`), daemon)).toBe(`file:${inside}`);
    expect(await used(described(`file:${link}`), daemon)).toBe(`file:${inside}`);
    expect(await used(described(`cnf:${link}#a`), daemon)).toBe(`cnf:${inside}#a`);
    for (const path of [join(folder, 'out'), join(folder, '..', 'password'), beside, folder]) {
      await expect(used(described(`file:${path}`), daemon)).rejects.toThrow('may not use');
    }
    await expect(used(described(`file:${folder}/none`), daemon)).rejects.toThrow('is not there');
    expect(await used(described('env:SHOP_PASSWORD'), daemon)).toBe('env:SHOP_PASSWORD');
    await expect(used(described('env:MY_SHOP_PASSWORD'), daemon)).rejects.toThrow('may not use');
  });

  test('a folder into which others can put files is no folder of credentials', async () => {
    const folder = temporaryFolder();
    chmodSync(folder, 0o770);
    await expect(checkFolder(folder)).rejects.toThrow('Others can write to the credentials folder');
    await expect(checkFolder(join(folder, 'none'))).rejects.toThrow(
      'There is no credentials folder',
    );
  });

  // The row in the store is whoever's can write the store.
  test('what its user typed is used for the server that it was typed for, and for no other', async () => {
    const by = user();
    const server = described('file:/home/pat/.my-password', { sslMode: 'VERIFY_IDENTITY' });
    by.file.add(server);
    expect(await allowedServer(server, by)).toEqual(server);
    expect(await allowedServer({ ...server, user: 'other' }, by)).toBeTruthy();
    for (const forged of [
      { host: 'evil.example.com' },
      { port: 3307 },
      { socket: '/tmp/evil.sock' },
      { sslMode: 'DISABLED' },
      { sslCa: '/tmp/evil.pem' },
      { serverPublicKey: '/tmp/evil.pem' },
      { passwordFrom: 'file:/home/pat/.other' },
    ] as const) {
      await expect(used({ ...server, ...forged }, by)).rejects.toThrow('may not use');
    }
  });

  test('the file of allowed references can say folders and prefixes, and must be private', async () => {
    const folder = join(temporaryFolder(), 'own');
    mkdirSync(folder, { mode: 0o700 });
    const inside = secretFile(folder);
    const by = user(null, { folder });
    writeFileSync(by.file.path, JSON.stringify({ folders: [folder], prefixes: ['SHOP_'] }), {
      mode: 0o600,
    });
    expect(await used(described(`file:${inside}`), by)).toBe(`file:${inside}`);
    expect(await used(described('env:SHOP_A'), by)).toBe('env:SHOP_A');
    chmodSync(by.file.path, 0o660);
    await expect(used(described('env:SHOP_A'), by)).rejects.toThrow('is open to other users');
    chmodSync(by.file.path, 0o600);
    writeFileSync(by.file.path, '{"folders": "/"}');
    await expect(used(described('env:SHOP_A'), by)).rejects.toThrow('cannot be read');
  });
});

describe('a shared store', () => {
  let home: string;
  let mine: string;
  let password: string;
  const serverLogs = new FakeSource(inspectionOf());
  beforeAll(async () => {
    home = join(temporaryFolder(), 'shared');
    mine = temporaryFolder();
    password = secretFile(mine);
    const group = String(process.getgid?.() ?? 0);
    const made = await captures('init', '--password-stdin', '--shared-group', group);
    expect(made.status).toBe(0);
  });

  /** As somebody whose own folder is `userHome`, but with ada's session. */
  function captures(...argv: string[]): Promise<CliResult> {
    return runCaptures(argv, { home, userHome: mine, stdin: `${PASSWORD}\n`, serverLogs });
  }

  function forge(sql: string): void {
    const db = new Database(join(home, 'captures.db'));
    db.exec(sql);
    db.close();
  }

  const url = ['--url', 'mysql://recorder@db.example.com'];

  test('uses what its user typed, until somebody changes the row', async () => {
    const from = ['--password-from', `file:${password}`];
    const made = await captures('env', 'create', 'shop', ...url, ...from);
    expect(made.stderr).toContain(
      `ada's daemons may use file:${password} for mysql://recorder@db.example.com:3306 (PREFERRED)`,
    );
    expect((await captures('env', 'check', 'shop')).status).toBe(0);
    // All that changes is typed, too.
    await captures('env', 'edit', 'shop', '--ssl-mode', 'REQUIRED');
    expect((await captures('env', 'check', 'shop')).status).toBe(0);
    forge(
      "UPDATE environments SET server = json_set(server, '$.host', 'evil.example.com') WHERE name = 'shop'",
    );
    for (const command of [
      ['env', 'check', 'shop'],
      ['create', 'x', '--env', 'shop'],
    ]) {
      const { status, stderr } = await captures(...command);
      expect(status).toBe(2);
      expect(stderr).toContain(`A command that ada runs may not use file:${password}`);
    }
    // Nor does an edit of something else bless what somebody else wrote.
    const edited = await captures('env', 'edit', 'shop', '--ssl-mode', 'PREFERRED');
    expect(edited.stderr).toContain(
      `ada's commands may not use file:${password} for it yet, and daemons only where their --credentials or --credential-env allow it; to allow it, give --url and --password-from together.`,
    );
    expect((await captures('env', 'check', 'shop')).status).toBe(2);
    await captures('env', 'edit', 'shop', ...url, ...from);
    expect((await captures('env', 'check', 'shop')).status).toBe(0);
    const allowed = join(mine, '.config', 'captures', 'credentials.json');
    expect(readFileSync(allowed, 'utf8')).not.toContain('evil');
  });

  test('leaves the look to the daemon where only that may read the password', async () => {
    await captures('env', 'create', 'theirs', ...url, '--password-from', 'env:PAT_ONLY');
    const store = openStore(home);
    const lease = { holder: 'x', host: 'h', pid: process.pid, background: false };
    store.lease.claim(lease, Date.now(), LEASE_MS);
    store.close();
    const created = await captures('create', 'y', '--env', 'theirs', '--no-wait');
    expect([created.status, created.stderr]).toEqual([
      0,
      expect.stringContaining('Only the daemon can read the password'),
    ]);
  });
});

describe('env create and env edit look at the password file at once', () => {
  test('one that others can read is refused; one that is not there yet is said', async () => {
    const home = join(temporaryFolder(), 'private');
    const options = { home, stdin: `${PASSWORD}\n` };
    await runCaptures(['init', '--password-stdin'], options);
    const open = secretFile(dirname(home), 'open');
    chmodSync(open, 0o644);
    const from = (path: string): string[] => ['--password-from', `file:${path}`];
    const url = ['--url', 'mysql://recorder@db.example.com'];
    const refused = await runCaptures(['env', 'create', 'a', ...url, ...from(open)], options);
    expect([refused.status, refused.stderr]).toEqual([
      2,
      `captures: The password file ${open} can be read by others\n  chmod 600 ${open}\n`,
    ]);
    const none = join(dirname(home), 'none');
    const made = await runCaptures(['env', 'create', 'a', ...url, ...from(none)], options);
    expect(made.status).toBe(0);
    expect(made.stderr).toContain(`The password file ${none} does not exist now`);
    const edited = await runCaptures(['env', 'edit', 'a', ...from(open)], options);
    expect(edited.status).toBe(2);
    chmodSync(open, 0o600);
    const closed = await runCaptures(['env', 'edit', 'a', ...from(open)], options);
    expect([closed.status, closed.stderr]).toEqual([0, '']);
  });
});
