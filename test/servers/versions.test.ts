import { afterAll, beforeAll, expect, test } from 'vitest';
import { chosenServer } from '../../scripts/server-programs.ts';
import type { ServerAddress } from '../../src/core/environments/environment.ts';
import { mysqlSource } from '../../src/source/mysql/mysql-source.ts';
import { startServer, type DatabaseServer } from '../support/database-server.ts';
import { needs } from '../support/skips.ts';

const { kind, family } = chosenServer(() => undefined);
const isTooOld = kind === 'mysql-5.6';

let server: DatabaseServer;
let address: ServerAddress;

beforeAll(async () => {
  server = await startServer();
  address = {
    engine: 'mysql',
    user: 'root',
    host: 'localhost',
    port: server.port,
    socket: server.socket,
    database: null,
    passwordFrom: null,
    sslMode: 'PREFERRED',
    sslCa: null,
    serverPublicKey: null,
  };
});
afterAll(() => server.stop());

test(
  'a server that is too old is refused, by a look and by the recorder',
  needs(isTooOld, 'this server can be recorded'),
  async () => {
    const refusal = {
      code: 'remote_failed',
      message: expect.stringMatching(/^MySQL 5\.6\.\d+\S* is too old to be recorded$/) as string,
      hint: 'captures records MySQL from 5.7 on, and MariaDB.',
    };
    await expect(mysqlSource.inspect(address, 'store-1')).rejects.toMatchObject(refusal);
    await expect(mysqlSource.open(address, 'store-1', () => undefined)).rejects.toMatchObject(
      refusal,
    );
    const outlook = mysqlSource.forecast(address, () => Promise.resolve());
    await expect(outlook).rejects.toMatchObject(refusal);
  },
);

test(
  'a server that can be recorded says its family and version',
  needs(!isTooOld, 'this server is too old to be recorded'),
  async () => {
    const inspection = await mysqlSource.inspect(address, 'store-1');
    expect(inspection.server).toMatchObject({
      flavor: family,
      version: expect.stringContaining(server.version) as string,
    });
    expect(inspection.obstacles).toEqual([]);
  },
);
