import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  allowedServer,
  checkDescription,
  CredentialFile,
  type CredentialUser,
} from '../../../src/cli/runtime/credential-rules.ts';
import type { Actor } from '../../../src/core/access.ts';
import { refusingConfined } from '../../../src/core/environments/confinement.ts';
import type { ServerAddress } from '../../../src/core/environments/environment.ts';
import {
  EnvironmentService,
  type ServerRequest,
} from '../../../src/core/environments/environment-service.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { FakeSource, inspectionOf } from '../../support/server-inspection.ts';
import { outsideOf, temporaryFolder, TestStore } from '../../support/stores.ts';

const URL = 'mysql://recorder@db1.example.com';
const REFUSED = /^The server does not allow this /;

let test: TestStore;
let ada: Actor;
let folder: string;
let password: string;
let user: CredentialUser;
let here: EnvironmentService;
let elsewhere: EnvironmentService;

beforeEach(() => {
  test = new TestStore(new ManualClock());
  ada = test.user('ada');
  folder = join(temporaryFolder(), 'allowed');
  mkdirSync(folder, { mode: 0o700 });
  password = join(folder, 'password');
  writeFileSync(password, 's3cret\n', { mode: 0o600 });
  const own = join(temporaryFolder(), 'own');
  mkdirSync(own, { mode: 0o700 });
  user = {
    name: 'pat',
    file: new CredentialFile(own),
    daemon: { folders: [folder], prefixes: ['SHOP_'] },
    isStoreShared: () => false,
  };
  here = new EnvironmentService(outsideOf(test.store, test.clock));
  const origin = { userName: 'pat', hostName: 'server', pid: 1, address: '192.0.2.1' };
  elsewhere = new EnvironmentService({
    ...outsideOf(test.store, test.clock, origin),
    checkDescription: () => Promise.resolve((description) => checkDescription(description, user)),
  });
});

let serial = 0;
async function describeOne(
  service: EnvironmentService,
  server: Partial<ServerRequest>,
  others: object = {},
): Promise<ServerAddress> {
  const name = `environment ${++serial}`;
  const request = { name, server: { url: URL, ...server }, ...others };
  const { server: made } = await service.create(ada, request);
  if (made === null) throw new Error('it has a server');
  return made;
}

describe('an environment that is described over the API', () => {
  it('may name a password below an allowed folder, or by an allowed prefix', async () => {
    const [byFile, byVariable] = [`file:${password}`, 'env:SHOP_PASSWORD'];
    for (const passwordFrom of [byFile, byVariable, `cnf:${folder}/my.cnf#client`]) {
      expect(await describeOne(elsewhere, { passwordFrom })).toMatchObject({
        passwordFrom,
        isConfined: true,
      });
    }
  });

  it.each([
    { passwordFrom: 'file:/etc/shadow' },
    { passwordFrom: 'file:/no/such/file' },
    { passwordFrom: 'cnf:/root/.my.cnf#client' },
    { passwordFrom: 'env:AWS_SECRET_ACCESS_KEY' },
    { sslCa: '/etc/shadow' },
    { sslCa: '/no/such/file' },
    { serverPublicKey: '/etc/shadow' },
    { url: `${URL}?socket=/var/run/docker.sock` },
  ])('may not name $passwordFrom$sslCa$serverPublicKey$url, there or not', async (server) => {
    const refusal = await describeOne(elsewhere, server).catch((error: unknown) => error);
    expect(refusal).toMatchObject({
      code: 'invalid',
      message: expect.stringMatching(REFUSED) as string,
    });
    expect(await here.list(ada)).toEqual([]);
  });

  it('may not leave the folder by its path', async () => {
    for (const path of [
      `${folder}/../secret`,
      `${folder}//password`,
      `${folder}/./password`,
      folder,
    ]) {
      await expect(describeOne(elsewhere, { passwordFrom: `file:${path}` })).rejects.toThrow(
        REFUSED,
      );
    }
  });

  it('is not told whether a file is there', async () => {
    const passwordFrom = `file:${folder}/no-such-file`;
    expect(await describeOne(elsewhere, { passwordFrom })).toMatchObject({ passwordFrom });
  });

  it.each([
    { profile: 'production' },
    { endpointUrl: 'http://169.254.169.254/' },
    { endpointUrl: 'https://evil.example.com/.amazonaws.com' },
    { region: 'evil.example.com/' },
    { instance: '../x' },
  ])('may not send what asks for metrics elsewhere: %o', async (others) => {
    await expect(describeOne(elsewhere, {}, others)).rejects.toMatchObject({ code: 'invalid' });
  });

  it('may name an endpoint of Amazon, and what the file of allowed credentials says', async () => {
    const endpointUrl = 'https://vpce-1.monitoring.eu-west-1.vpce.amazonaws.com';
    await describeOne(elsewhere, {}, { endpointUrl });
    const allowed = { profiles: ['shop'], endpoints: ['http://127.0.0.1:4566'] };
    writeFileSync(user.file.path, JSON.stringify(allowed), { mode: 0o600 });
    await describeOne(elsewhere, {}, { profile: 'shop', endpointUrl: 'http://127.0.0.1:4566' });
  });

  it('is kept to it by every process of that user, though the store is theirs alone', async () => {
    const secret = join(temporaryFolder(), 'secret');
    writeFileSync(secret, 'another secret\n', { mode: 0o600 });
    const link = join(folder, 'link');
    symlinkSync(secret, link);
    const linked = await describeOne(elsewhere, { passwordFrom: `file:${link}` });
    await expect(allowedServer(linked, user)).rejects.toThrow('may not use');
    const linkedCa = await describeOne(elsewhere, { sslCa: link });
    await expect(allowedServer(linkedCa, user)).rejects.toThrow('pat did not allow it');
    const fine = await describeOne(elsewhere, { passwordFrom: `file:${password}` });
    expect(await allowedServer(fine, user)).toMatchObject({ passwordFrom: `file:${password}` });
    // A background daemon, or a command, that was not started with --credentials.
    await expect(allowedServer(fine, { ...user, daemon: null })).rejects.toThrow('may not use');
    const program = refusingConfined(new FakeSource(inspectionOf()));
    await expect(program.inspect(fine, test.store.id)).rejects.toThrow('reads no files');
  });

  it('may be what its user typed on the server', async () => {
    const typed = await describeOne(here, { passwordFrom: 'file:/home/pat/.my-password' });
    user.file.add(typed);
    const described = await describeOne(elsewhere, { passwordFrom: 'file:/home/pat/.my-password' });
    expect(described.isConfined).toBe(true);
    expect(await allowedServer(described, user)).toEqual(described);
  });
});

describe('a password of the server', () => {
  it('goes over the API to no other server than the one it was first described for', async () => {
    const passwordFrom = `file:${password}`;
    await describeOne(here, { passwordFrom });
    await describeOne(elsewhere, { passwordFrom, url: 'mysql://other@DB1.example.com:3306/shop' });
    for (const url of ['mysql://x@evil.example.com', 'mysql://x@db1.example.com:3307']) {
      await expect(describeOne(elsewhere, { passwordFrom, url })).rejects.toThrow(REFUSED);
    }
    // An option file read as one password would be all that is in it.
    await expect(
      describeOne(elsewhere, {
        passwordFrom: `cnf:${password}`,
        url: 'mysql://x@evil.example.com',
      }),
    ).rejects.toThrow(REFUSED);
    // On its own machine it may.
    const replica = 'mysql://x@db2.example.com';
    await describeOne(here, { passwordFrom, url: replica });
    await describeOne(elsewhere, { passwordFrom, url: replica });
  });

  it('cannot be freed by an edit, or by deleting the environment', async () => {
    const passwordFrom = 'env:SHOP_PASSWORD';
    await elsewhere.create(ada, { name: 'shop', server: { url: URL, passwordFrom } });
    const url = 'mysql://x@evil.example.com';
    await expect(elsewhere.edit(ada, 'shop', { server: { url } })).rejects.toThrow(REFUSED);
    await elsewhere.delete(ada, 'shop');
    await expect(describeOne(elsewhere, { passwordFrom, url })).rejects.toThrow(REFUSED);
  });

  it('is one by whatever reference: a group of an option file is named or not', async () => {
    const cnf = `cnf:${folder}/my.cnf`;
    await describeOne(elsewhere, { passwordFrom: `${cnf}#client` });
    const url = 'mysql://x@evil.example.com';
    for (const passwordFrom of [cnf, `${cnf}#client`, `file:${folder}/my.cnf`]) {
      await expect(describeOne(elsewhere, { passwordFrom, url })).rejects.toThrow(REFUSED);
    }
    await describeOne(elsewhere, {
      passwordFrom: `${cnf}#other`,
      url: 'mysql://x@db9.example.com',
    });
  });
});

describe('an edit', () => {
  const secrets = { passwordFrom: 'file:/home/pat/.my-password', sslCa: '/home/pat/ca.pem' };

  it('over the API of what was described on the server is held against what is allowed', async () => {
    await here.create(ada, { name: 'shop', server: { url: URL, ...secrets } });
    await expect(elsewhere.edit(ada, 'shop', { server: { sslMode: 'DISABLED' } })).rejects.toThrow(
      REFUSED,
    );
    // What does not touch it does not need to be allowed.
    await elsewhere.edit(ada, 'shop', { name: 'shop-eu' });
    const { server } = await here.get(ada, 'shop-eu');
    expect(server).toMatchObject(secrets);
    expect(server).not.toHaveProperty('isConfined');
  });

  it('on the server makes it the server’s own once nothing is left that came from elsewhere', async () => {
    const passwordFrom = `file:${password}`;
    await elsewhere.create(ada, { name: 'shop', server: { url: URL, passwordFrom } });
    const isConfined = async (): Promise<boolean> =>
      (await here.get(ada, 'shop')).server?.isConfined === true;
    await here.edit(ada, 'shop', { server: { sslMode: 'REQUIRED' } });
    expect(await isConfined()).toBe(true);
    await here.edit(ada, 'shop', { server: { url: URL } });
    expect(await isConfined()).toBe(true);
    await here.edit(ada, 'shop', { server: { url: URL, passwordFrom } });
    expect(await isConfined()).toBe(false);
  });
});
