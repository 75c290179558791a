import { linkSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  allowedServer,
  confinementOf,
  CredentialFile,
  type CredentialUser,
} from '../../../src/cli/runtime/credential-rules.ts';
import type { Actor } from '../../../src/core/access.ts';
import { refuseConfined, restricting } from '../../../src/core/environments/confinement.ts';
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
const BOUND =
  /^The password of shop is only for mysql:\/\/\S+:3306 \([A-Z_]+\), as it was described$/;

let test: TestStore;
let ada: Actor;
let eve: Actor;
let folder: string;
let password: string;
let user: CredentialUser;
let here: EnvironmentService;
let elsewhere: EnvironmentService;

beforeEach(() => {
  test = new TestStore(new ManualClock());
  ada = test.user('ada', true);
  eve = test.user('eve');
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
    references: () => test.store.references.list(),
  };
  here = new EnvironmentService(outsideOf(test.store, test.clock));
  const origin = { userName: 'pat', hostName: 'server', pid: 1, address: '192.0.2.1' };
  elsewhere = new EnvironmentService({
    ...outsideOf(test.store, test.clock, origin),
    confinement: () => Promise.resolve(confinementOf(user)),
  });
});

let serial = 0;
async function describeOne(
  service: EnvironmentService,
  server: Partial<ServerRequest>,
  others: object = {},
  actor: Actor = ada,
): Promise<ServerAddress> {
  const name = `environment ${++serial}`;
  const request = { name, server: { url: URL, ...server }, ...others };
  const { server: made } = await service.create(actor, request);
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
    { passwordFrom: 'cnf:/home/dba/.my.cnf#client' },
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
      `${folder}/..data/password`,
      `${folder}/sub/..x`,
      `${password}/`,
      `${password}\0`,
      `${password}\n`,
      `${password} `,
      `${password}\u00a0`,
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
    { endpointUrl: 'https://evil.execute-api.us-east-1.amazonaws.com' },
    { endpointUrl: 'https://evil.s3.us-east-1.amazonaws.com' },
    { endpointUrl: 'https://monitoring.us-east-1.amazonaws.com.evil.com' },
    { endpointUrl: 'https://monitoring.evil-bucket.s3.us-east-1.amazonaws.com' },
    { endpointUrl: 'https://x@monitoring.us-east-1.amazonaws.com' },
    { endpointUrl: 'https://monitoring.us-east-1.amazonaws.com:444' },
    { endpointUrl: 'http://monitoring.us-east-1.amazonaws.com' },
    { endpointUrl: 'https://vpce-1.monitoring.eu-west-1.vpce.amazonaws.com' },
    { region: 'evil.example.com/' },
    { instance: '../x' },
  ])('may not send what asks for metrics elsewhere: %o', async (others) => {
    await expect(describeOne(elsewhere, {}, others)).rejects.toMatchObject({ code: 'invalid' });
  });

  it('may name an endpoint of Amazon, and what the file of allowed credentials says', async () => {
    for (const endpointUrl of [
      'https://monitoring.eu-west-1.amazonaws.com',
      'https://rds.us-gov-west-1.amazonaws.com/',
      'https://monitoring.cn-north-1.amazonaws.com.cn',
      'https://monitoring-fips.us-east-1.api.aws',
    ]) {
      await describeOne(elsewhere, {}, { endpointUrl });
    }
    const allowed = { profiles: ['shop'], endpoints: ['http://127.0.0.1:4566'] };
    writeFileSync(user.file.path, JSON.stringify(allowed), { mode: 0o600 });
    await describeOne(elsewhere, {}, { profile: 'shop', endpointUrl: 'http://127.0.0.1:4566' });
  });

  it('is kept to it by every process of that user, though the store is theirs alone', async () => {
    const secret = join(temporaryFolder(), 'secret');
    writeFileSync(secret, 'another secret\n', { mode: 0o600 });
    const link = join(folder, 'link');
    symlinkSync(secret, link);
    await expect(describeOne(elsewhere, { passwordFrom: `file:${link}` })).rejects.toThrow(REFUSED);
    await expect(describeOne(elsewhere, { sslCa: link })).rejects.toThrow(REFUSED);
    // It may be made later.
    const late = join(folder, 'late');
    const linked = await describeOne(elsewhere, { passwordFrom: `file:${late}` });
    const linkedCa = await describeOne(elsewhere, { sslCa: late });
    symlinkSync(secret, late);
    await expect(allowedServer(linked, user)).rejects.toThrow('may not use');
    await expect(allowedServer(linkedCa, user)).rejects.toThrow('pat did not allow it');
    const fine = await describeOne(elsewhere, { passwordFrom: `file:${password}` });
    expect(await allowedServer(fine, user)).toMatchObject({ passwordFrom: `file:${password}` });
    // A background daemon, or a command, that was not started with --credentials.
    await expect(allowedServer(fine, { ...user, daemon: null })).rejects.toThrow('may not use');
    const program = restricting(new FakeSource(inspectionOf()), refuseConfined);
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
    await describeOne(elsewhere, {
      passwordFrom,
      url: 'mysql://recorder@DB1.example.com:3306/shop',
    });
    for (const url of [
      'mysql://recorder@evil.example.com',
      'mysql://recorder@db1.example.com:3307',
    ]) {
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
    await expect(elsewhere.edit(ada, 'shop', { server: { url } })).rejects.toMatchObject({
      message:
        'The password of shop is only for mysql://recorder@db1.example.com:3306 (PREFERRED), as it was described',
      hint: { code: 'edit_at_store', environment: 'shop' },
    });
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

describe('a password that no environment has', () => {
  it('is named by administrators of the store, there or not: nobody else names it before they do', async () => {
    for (const passwordFrom of [`file:${password}`, `file:${folder}/later`, 'env:SHOP_PASSWORD']) {
      const asked = describeOne(elsewhere, { passwordFrom }, {}, eve);
      await expect(asked).rejects.toThrow(REFUSED);
      await describeOne(elsewhere, { passwordFrom });
    }
    // Without one everybody describes a server.
    expect(await describeOne(elsewhere, {}, {}, eve)).toMatchObject({ passwordFrom: null });
  });
});

describe('a password that an environment has', () => {
  const refusalOf = async (asked: Promise<unknown>): Promise<unknown> => {
    const { code, message, hint } = (await asked.then(
      () => ({}),
      (error: unknown) => error,
    )) as Record<string, unknown>;
    return { code, message, hint };
  };

  it('is named by nobody else, in the words for one that is not allowed', async () => {
    const passwordFrom = `file:${password}`;
    const shop = await here.create(ada, { name: 'shop', server: { url: URL, passwordFrom } });
    const forbidden = await refusalOf(
      describeOne(elsewhere, { passwordFrom: 'file:/etc/shadow' }, {}, eve),
    );
    expect(forbidden).toMatchObject({ code: 'invalid' });
    const asked = (): Promise<unknown> =>
      refusalOf(describeOne(elsewhere, { passwordFrom }, {}, eve));
    expect(await asked()).toEqual(forbidden);
    test.store.members.insert(shop.id, eve.userId, 'member');
    expect(await asked()).toEqual(forbidden);
    // Its admin has it there, and nowhere that they would keep when they are that no longer.
    test.store.members.setRole(shop.id, eve.userId, 'admin');
    expect(await asked()).toEqual(forbidden);
    const empty = await elsewhere.create(eve, { name: 'empty', server: { url: URL } });
    expect(await refusalOf(elsewhere.edit(eve, 'empty', { server: { passwordFrom } }))).toEqual(
      forbidden,
    );
    expect(empty.server).toMatchObject({ passwordFrom: null });
    // What its admin's token is not for does not exist for it.
    const scope = { isReadOnly: false, environmentIds: [shop.id] };
    await elsewhere.edit({ ...eve, scope }, 'shop', { server: { url: `${URL}/shop` } });
    await elsewhere.edit(eve, 'shop', { server: { url: `${URL}/shop2`, passwordFrom } });
  });

  it.each([
    { url: 'mysql://root@db1.example.com' },
    { sslMode: 'REQUIRED' },
    { sslCa: null },
    { sslCa: 'other.pem' },
    { serverPublicKey: null },
    { url: 'mysql://recorder@evil.example.com' },
  ] as const)('is not put to other use by its admin either: %o', async (change) => {
    const file = (name: string): string => join(folder, name);
    const server = {
      url: URL,
      passwordFrom: `file:${password}`,
      sslMode: 'VERIFY_CA',
      sslCa: file('ca.pem'),
      serverPublicKey: file('key.pem'),
    } as const;
    await elsewhere.create(ada, { name: 'shop', server });
    const changed =
      'sslCa' in change && change.sslCa !== null ? { sslCa: file(change.sslCa) } : change;
    await expect(describeOne(elsewhere, { ...server, ...changed })).rejects.toThrow(REFUSED);
    await expect(elsewhere.edit(ada, 'shop', { server: changed })).rejects.toThrow(BOUND);
    await elsewhere.edit(ada, 'shop', { server: { sslMode: 'VERIFY_IDENTITY' } });
    await here.edit(ada, 'shop', { server: changed });
  });

  it('stays bound when the environment is deleted, until it is described on the server', async () => {
    const passwordFrom = 'env:SHOP_PASSWORD';
    await elsewhere.create(ada, { name: 'shop', server: { url: URL, passwordFrom } });
    await elsewhere.delete(ada, 'shop');
    await expect(describeOne(elsewhere, { passwordFrom })).rejects.toThrow(REFUSED);
    await describeOne(here, { passwordFrom });
    await describeOne(elsewhere, { passwordFrom });
  });
});

describe('a file of a password', () => {
  const EVIL = 'mysql://recorder@evil.example.com';

  it('is the same by every link to it', async () => {
    await describeOne(here, { passwordFrom: `file:${password}` });
    const [soft, hard] = [join(folder, 'soft'), join(folder, 'hard')];
    symlinkSync(password, soft);
    linkSync(password, hard);
    symlinkSync(folder, join(folder, 'loop'));
    for (const path of [soft, hard, `${folder}/loop/password`, `${folder}/loop/hard`]) {
      for (const passwordFrom of [`file:${path}`, `cnf:${path}#client`]) {
        const asked = describeOne(elsewhere, { passwordFrom, url: EVIL }, {}, eve);
        await expect(asked).rejects.toThrow(REFUSED);
      }
    }
  });

  it('is the same by what a link leads to', async () => {
    // As Kubernetes mounts a secret.
    mkdirSync(join(folder, '..k1'), { mode: 0o700 });
    writeFileSync(join(folder, '..k1', 'shop'), 's3cret', { mode: 0o600 });
    symlinkSync('..k1', join(folder, '..data'));
    symlinkSync('..data/shop', join(folder, 'shop'));
    symlinkSync('..k1', join(folder, 'k1'));
    const shop = await describeOne(elsewhere, { passwordFrom: `file:${folder}/shop` });
    for (const path of ['..data/shop', '..k1/shop', 'k1/shop']) {
      const passwordFrom = `file:${folder}/${path}`;
      const asked = describeOne(elsewhere, { passwordFrom, url: EVIL }, {}, eve);
      await expect(asked).rejects.toThrow(REFUSED);
    }
    // The next version of the secret.
    mkdirSync(join(folder, '..k2'), { mode: 0o700 });
    writeFileSync(join(folder, '..k2', 'shop'), 's3cret 2', { mode: 0o600 });
    rmSync(join(folder, '..data'));
    symlinkSync('..k2', join(folder, '..data'));
    expect(await allowedServer(shop, user)).toMatchObject({
      passwordFrom: `file:${folder}/..k2/shop`,
    });
  });

  it('is not used by a name that was described before it was linked there', async () => {
    const late = `file:${folder}/late`;
    const evil = await describeOne(elsewhere, { passwordFrom: late, url: EVIL });
    await describeOne(here, { passwordFrom: `file:${password}` });
    linkSync(password, join(folder, 'late'));
    await expect(allowedServer(evil, user)).rejects.toThrow('is the password of another server');
    // Nor does who has the one name get at the other.
    const asked = describeOne(elsewhere, { passwordFrom: `file:${password}`, url: EVIL }, {}, eve);
    await expect(asked).rejects.toThrow(REFUSED);
  });

  it('that is not there is said to be missing, not to be forbidden', async () => {
    const missing = await describeOne(elsewhere, { passwordFrom: `file:${folder}/missing` });
    await expect(allowedServer(missing, user)).rejects.toThrow('missing is not there');
  });

  it('has groups without case', async () => {
    const cnf = `cnf:${folder}/my.cnf`;
    await describeOne(elsewhere, { passwordFrom: `${cnf}#Shop` });
    const asked = describeOne(elsewhere, { passwordFrom: `${cnf}#SHOP`, url: EVIL }, {}, eve);
    await expect(asked).rejects.toThrow(REFUSED);
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
    await elsewhere.edit(ada, 'shop', { name: 'shop-eu', region: 'us-east-1' });
    await elsewhere.edit(ada, 'shop-eu', { server: { url: URL, ...secrets } });
    const { server } = await here.get(ada, 'shop-eu');
    expect(server).toMatchObject(secrets);
    expect(server).not.toHaveProperty('isConfined');
  });

  it('over the API leaves alone what it does not change of what asks for metrics', async () => {
    const endpointUrl = 'http://127.0.0.1:4566';
    await here.create(ada, { name: 'rds', profile: 'production', endpointUrl });
    await elsewhere.edit(ada, 'rds', { region: 'us-east-1', endpointUrl });
    await expect(elsewhere.edit(ada, 'rds', { profile: 'other' })).rejects.toThrow(REFUSED);
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
