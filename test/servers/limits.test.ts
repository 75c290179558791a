import type { Connection } from 'mysql2/promise';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { whyNotRecordable } from '../../src/core/environments/readiness.ts';
import { mysqlSource } from '../../src/source/mysql/mysql-source.ts';
import { recorderGrants } from '../support/recorder-grants.ts';
import {
  RECORDER_PASSWORD,
  rowsOf,
  startRecorderServer,
  type RecorderServer,
} from '../support/recorder-server.ts';
import { waitUntil } from '../support/waiting.ts';

let server: RecorderServer;
let admin: Connection;
beforeAll(async () => {
  server = await startRecorderServer();
  admin = await server.admin();
});
afterAll(async () => {
  await admin.end();
  await server.stop();
});

const NO_TAPS = { listByServer: () => [], connectionsOf: () => [] };

/** An account that may do all that recording needs, under these limits. */
async function limited(user: string, limits: string): Promise<RecorderServer['address']> {
  await admin.query(`CREATE USER ${user}@'%' IDENTIFIED BY ? WITH ${limits}`, [RECORDER_PASSWORD]);
  for (const grant of recorderGrants(server.family, `${user}@'%'`)) await admin.query(grant);
  return { ...server.address, user };
}

test('limits of an account that would end a recording are an obstacle that names the ALTER USER', async () => {
  const address = await limited(
    'low',
    'MAX_QUERIES_PER_HOUR 3000 MAX_UPDATES_PER_HOUR 1000 MAX_CONNECTIONS_PER_HOUR 20 MAX_USER_CONNECTIONS 2',
  );
  const inspection = await mysqlSource.inspect(address, 'store-1');
  expect(whyNotRecordable(inspection, NO_TAPS, 'shop')).toMatchObject({ code: 'remote_failed' });
  expect(inspection.obstacles).toEqual([
    {
      what: 'The limits of the account low@% would end a recording: MAX_QUERIES_PER_HOUR 3000 (it needs 300,000), MAX_UPDATES_PER_HOUR 1000 (it needs 100,000), MAX_CONNECTIONS_PER_HOUR 20 (it needs 60), MAX_USER_CONNECTIONS 2 (it needs 3)',
      hint: expect.stringContaining('ALTER USER') as string,
    },
  ]);
  await admin.query(/ALTER USER .*;$/.exec(inspection.obstacles[0]?.hint as string)?.[0] ?? '');
  expect((await mysqlSource.inspect(address, 'store-1')).obstacles).toEqual([]);
});

test('an account whose statements of the hour are used up leaves no connection behind, and is told which limit it is', async () => {
  const address = await limited('spent', 'MAX_QUERIES_PER_HOUR 3');
  for (let attempt = 0; attempt < 12; attempt++) {
    await expect(mysqlSource.open(address, 'store-1', () => undefined)).rejects.toMatchObject({
      message: `"spent" has used up its MAX_QUERIES_PER_HOUR (3) on the server at 127.0.0.1:${server.port}`,
    });
  }
  await waitUntil(async () => {
    const rows = await rowsOf(admin, 'SHOW PROCESSLIST');
    return !rows.some((row) => row['User'] === 'spent');
  });
});

test('too many logins of the hour are told from too many at a time', async () => {
  const open = (address: RecorderServer['address']): Promise<unknown> =>
    mysqlSource.inspect(address, 'store-1');
  const often = await limited('often', 'MAX_CONNECTIONS_PER_HOUR 1');
  await open(often);
  await expect(open(often)).rejects.toMatchObject({
    message: `"often" has used up its MAX_CONNECTIONS_PER_HOUR (1) on the server at 127.0.0.1:${server.port}`,
  });
  const many = await limited('many', 'MAX_USER_CONNECTIONS 1');
  const log = await server.open({ address: many });
  await expect(open(many)).rejects.toMatchObject({
    message: `"many" has as many connections to the server at 127.0.0.1:${server.port} as max_user_connections allows`,
  });
  await log.close();
});
