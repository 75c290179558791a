import {
  CreateDBInstanceCommand,
  CreateDBParameterGroupCommand,
  RDSClient,
} from '@aws-sdk/client-rds';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { findParameterGroup } from '../../src/aws/parameter-groups.ts';
import type { Environment } from '../../src/core/environments.ts';
import { type ParameterGroup, switchingCommands } from '../../src/core/parameter-groups.ts';
import { start, type RunningProcess } from '../support/processes.ts';
import { RdsApi } from '../support/rds-api.ts';

const ENVIRONMENT: Environment = {
  id: 1,
  name: 'shop',
  server: null,
  region: 'eu-central-1',
  instance: 'shop-db',
  profile: null,
  endpointUrl: null,
  createdAt: 0,
};

const hasMoto =
  spawnSync('python3', ['-c', 'import moto.server'], { stdio: 'ignore' }).status === 0;

let api: RdsApi;
beforeEach(async () => {
  api = await RdsApi.start();
  vi.stubEnv('AWS_ENDPOINT_URL_RDS', api.url);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAEXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await api.stop();
});

describe('the parameter group of an instance', () => {
  it('is found on whatever page it is, with the instances that share it', async () => {
    api.pageSize = 2;
    for (let i = 0; i < 5; i++) api.instances.set(`other-${i}`, i === 1 ? 'shared' : 'default.x');
    api.instances.set('shop-db', 'shared');
    expect(await findParameterGroup(ENVIRONMENT)).toEqual({
      name: 'shared',
      isDefault: false,
      family: null,
      applyStatus: 'in-sync',
      instances: ['other-1', 'shop-db'],
    });
    expect(api.requests.map((form) => form.get('Marker'))).toEqual([null, '2', '4']);
  });

  it("is known as AWS's own by its name", async () => {
    api.instances.set('shop-db', 'default.mysql8.0');
    expect(await findParameterGroup(ENVIRONMENT)).toMatchObject({
      isDefault: true,
      family: 'mysql8.0',
    });
  });

  it('is asked for with a token where the credentials are of a role', async () => {
    vi.stubEnv('AWS_SESSION_TOKEN', 'a token');
    api.instances.set('shop-db', 'g');
    await findParameterGroup(ENVIRONMENT);
    expect(api.headers[0]?.['x-amz-security-token']).toBe('a token');
  });

  it('is refused in a sentence that names the permission', async () => {
    api.refusal = {
      code: 'AccessDenied',
      message: 'User: arn:aws:iam::1:user/x is not authorized to perform: rds:DescribeDBInstances',
      status: 403,
    };
    await expect(findParameterGroup(ENVIRONMENT)).rejects.toMatchObject({
      code: 'remote_failed',
      message: 'AWS denies rds:DescribeDBInstances to arn:aws:iam::1:user/x',
    });
  });

  it('is said to be missing where there is no such instance, and RDS to be away where it is', async () => {
    await expect(findParameterGroup(ENVIRONMENT)).rejects.toMatchObject({
      message: 'RDS knows no instance "shop-db" there',
    });
    const { url } = api;
    await api.stop();
    api = await RdsApi.start();
    vi.stubEnv('AWS_ENDPOINT_URL_RDS', url);
    await expect(findParameterGroup(ENVIRONMENT)).rejects.toMatchObject({
      code: 'remote_failed',
      message: expect.stringMatching(/^RDS cannot be reached/) as string,
    });
  });
});

describe('what is to be run', () => {
  const group: ParameterGroup = {
    name: 'shop-group',
    isDefault: false,
    family: null,
    applyStatus: 'in-sync',
    instances: ['shop-db'],
  };
  const MODIFY =
    'aws rds modify-db-parameter-group --db-parameter-group-name shop-group --parameters ParameterName=general_log,ParameterValue=1,ApplyMethod=immediate ParameterName=log_output,ParameterValue=TABLE,ApplyMethod=immediate --region eu-central-1';

  it('is one command where the group is its own', () => {
    expect(switchingCommands(ENVIRONMENT, group)).toEqual([MODIFY]);
  });

  it('says whom else it touches where the group is shared', () => {
    const shared = { ...group, instances: ['a', 'b', 'shop-db', 'c', 'd'] };
    expect(switchingCommands(ENVIRONMENT, shared)).toEqual([
      '# shop-group is shared: this also switches the log of a, b, c and 1 more on; a group of its own avoids that',
      MODIFY,
    ]);
  });

  it("is a new group where it is AWS's own", () => {
    const own = { ...group, name: 'default.mysql8.0', isDefault: true, family: 'mysql8.0' };
    const commands = switchingCommands({ ...ENVIRONMENT, profile: 'shop' }, own);
    expect(commands.map((line) => line.split(' --')[0])).toEqual([
      "# default.mysql8.0 is AWS's own and cannot be changed; a new group takes effect after a reboot of the instance",
      'aws rds create-db-parameter-group',
      'aws rds modify-db-parameter-group',
      'aws rds modify-db-instance',
      'aws rds reboot-db-instance',
    ]);
    expect(commands.at(-1)).toMatch(/--region eu-central-1 --profile shop$/);
  });

  it('begins with a question where AWS did not say', () => {
    expect(switchingCommands(ENVIRONMENT, null)[1]).toMatch(/^aws rds describe-db-instances/);
  });
});

describe.skipIf(!hasMoto)('against moto', () => {
  let moto: RunningProcess;

  it('is what an independent RDS says it is', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    server.close();
    await once(server, 'close');
    const url = `http://127.0.0.1:${port}`;
    moto = start('python3', ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)]);
    try {
      await vi.waitUntil(
        () =>
          fetch(url).then(
            () => true,
            () => false,
          ),
        { timeout: 30_000, interval: 50 },
      );
      vi.stubEnv('AWS_ENDPOINT_URL_RDS', url);
      const rds = new RDSClient({ region: 'eu-central-1' });
      await rds.send(
        new CreateDBParameterGroupCommand({
          DBParameterGroupName: 'shop-group',
          DBParameterGroupFamily: 'mysql8.0',
          Description: 'of the shop',
        }),
      );
      for (const id of ['shop-db', 'shop-test']) {
        await rds.send(
          new CreateDBInstanceCommand({
            DBInstanceIdentifier: id,
            DBInstanceClass: 'db.t3.micro',
            Engine: 'mysql',
            MasterUsername: 'root',
            MasterUserPassword: 'secret12',
            AllocatedStorage: 20,
            DBParameterGroupName: 'shop-group',
          }),
        );
      }
      rds.destroy();
      expect(await findParameterGroup(ENVIRONMENT)).toEqual({
        name: 'shop-group',
        isDefault: false,
        family: null,
        applyStatus: 'in-sync',
        instances: ['shop-db', 'shop-test'],
      });
    } finally {
      moto.child.kill('SIGKILL');
      await moto.ended;
    }
  });
});
