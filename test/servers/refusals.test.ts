import type { Connection } from 'mysql2/promise';
import { createServer } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { chosenServer } from '../../scripts/server-programs.ts';
import type { ServerAddress } from '../../src/core/environments/environment.ts';
import { whyNotRecordable } from '../../src/core/environments/readiness.ts';
import { mysqlSource } from '../../src/source/mysql/mysql-source.ts';
import {
  RECORDER_PASSWORD,
  rowsOf,
  startLogging,
  startRecorderServer,
  stateOf,
  type RecorderServer,
} from '../support/recorder-server.ts';
import { recorderGrants } from '../support/recorder-grants.ts';
import { waitFor } from '../support/waiting.ts';
import { needs } from '../support/skips.ts';

const isMysql = chosenServer(() => undefined).family === 'mysql';
/** What switches the log. */
const SWITCH = isMysql ? 'SYSTEM_VARIABLES_ADMIN' : 'SUPER';

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
afterEach(async () => {
  await admin.query('DROP DATABASE IF EXISTS captures');
});

function inspect(address: Partial<ServerAddress> = {}): ReturnType<typeof mysqlSource.inspect> {
  return mysqlSource.inspect({ ...server.address, ...address }, 'store-1');
}

describe('a schema named captures', () => {
  test('that no recorder made is refused and not touched', async () => {
    await admin.query('CREATE DATABASE captures; CREATE TABLE captures.t (a INT)');
    const before = await stateOf(admin);
    const log = await server.open();
    await log.lock([]);
    await expect(log.install(await log.readSettings(), 1)).rejects.toMatchObject({
      code: 'conflict',
      message: 'The schema "captures" on the server was not made by a recorder',
    });
    await log.close();
    expect((await inspect()).schema).toEqual({ state: 'foreign', storeId: null, nonce: null });
    expect(await rowsOf(admin, 'SHOW TABLES FROM captures')).toHaveLength(1);
    expect(await stateOf(admin)).toMatchObject({
      settings: (before as { settings: unknown }).settings,
    });
  });

  test("with a table of the marker's name that is not ours is refused", async () => {
    await admin.query(
      'CREATE DATABASE captures; CREATE TABLE captures.captures_marker (a INT); CREATE TABLE captures.u (a INT)',
    );
    expect((await inspect()).schema.state).toBe('foreign');
  });

  test("of another store's recorder is a conflict that says how to resolve it", async () => {
    const { log, settings } = await startLogging(server);
    await log.close();
    const other = await server.open({ storeId: 'store-2' });
    await other.lock([]);
    await expect(other.install(settings, 1)).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringMatching(
        /^The schema "captures" on the server belongs to the recorder of another store \(.+, pid \d+\)$/,
      ),
      hint: { code: 'held_by_other_store', environment: null },
    });
    await expect(other.restore(settings, 1)).rejects.toMatchObject({ code: 'conflict' });
    await other.close();
    const inspection = await mysqlSource.inspect(server.address, 'store-2');
    expect(inspection.schema).toMatchObject({ state: 'other-store', storeId: 'store-1' });
    const again = await server.open();
    await again.lock([]);
    await again.restore(settings, 2);
    await again.close();
  });

  test('that the account may not see makes nobody at work a stranger: the GRANT is what is missing', async () => {
    const { log, settings } = await startLogging(server);
    await admin.query("CREATE USER blind@'%' IDENTIFIED BY ?", [RECORDER_PASSWORD]);
    const grants = recorderGrants(server.family, "blind@'%'");
    for (const grant of grants.filter((one) => !one.includes('captures'))) await admin.query(grant);
    const inspection = await mysqlSource.inspect({ ...server.address, user: 'blind' }, 'store-1');
    const noTaps = { listByServer: () => [], connectionsOf: () => [] };
    expect(inspection.schema.state).toBe('none');
    expect(whyNotRecordable(inspection, noTaps, 'shop')).toMatchObject({
      code: 'remote_failed',
      hint: expect.stringContaining('GRANT ALL PRIVILEGES ON captures.*'),
    });
    await admin.query("DROP USER blind@'%'");
    await log.restore(settings, 2);
    await log.close();
  });

  test('that holds a table of somebody else at the end is left, and said', async () => {
    const { log, settings } = await startLogging(server);
    await admin.query('CREATE TABLE captures.theirs (a INT)');
    expect(await log.restore(settings, 2)).toEqual([
      'The schema "captures" is left on the server: it holds tables that are not the recorder\'s (theirs)',
    ]);
    await log.close();
    expect(await rowsOf(admin, 'SHOW TABLES FROM captures')).toHaveLength(1);
  });
});

describe('the recorder lock', () => {
  test('held by another is a conflict that names user and host', async () => {
    const first = await server.open();
    await first.lock([]);
    const second = await server.open({ storeId: 'store-2' });
    await expect(second.lock([])).rejects.toMatchObject({
      code: 'conflict',
      message: `Another recorder holds this server's log: recorder@localhost (connection ${first.connectionId})`,
    });
    expect((await inspect()).lockHolder).toEqual({
      connectionId: first.connectionId,
      user: 'recorder',
      host: 'localhost',
    });
    await first.close();
    // The server may need a moment to see that the connection is gone.
    await waitFor(() => second.lock([]));
    await second.close();
  });

  test('held by our own connection of before a crash is taken from it', async () => {
    const first = await server.open();
    await first.lock([]);
    const second = await server.open();
    await second.lock([{ connectionId: first.connectionId, serverStart: first.serverStart }]);
    expect((await inspect()).lockHolder?.connectionId).toBe(second.connectionId);
    await expect(first.readSettings()).rejects.toMatchObject({ code: 'remote_failed' });
    expect(first.isConnectionLost()).toBe(true);
    await first.close();
    await second.close();
  });

  test("is not taken from another account that has our old connection's id", async () => {
    // The connection that had it before may not be gone quite yet.
    const [row] = await rowsOf(
      admin,
      "SELECT GET_LOCK('captures:tap', 10) AS taken, CONNECTION_ID() AS id",
    );
    expect(row?.['taken']).toBe(1);
    const log = await server.open();
    await expect(
      log.lock([{ connectionId: Number(row?.['id']), serverStart: null }]),
    ).rejects.toMatchObject({ code: 'conflict' });
    await log.close();
    await admin.query("SELECT RELEASE_LOCK('captures:tap')");
  });
});

describe('an inspection', () => {
  test('finds every privilege of an account that has exactly what is needed, and changes nothing', async () => {
    const before = await stateOf(admin);
    const inspection = await inspect();
    expect(inspection.account).toBe('recorder@%');
    expect(inspection.server).toMatchObject({ flavor: server.family, port: server.port });
    // On MySQL there are two more: for sql_log_off to hold, and for what cannot be parsed. MariaDB 10.5
    // has no schema sys, and needs none.
    const needed = isMysql ? 8 : server.version.startsWith('10.5.') ? 5 : 6;
    expect(inspection.privileges.map(({ state }) => state)).toEqual(Array(needed).fill('present'));
    expect(inspection.lockHolder).toBeNull();
    expect(inspection.schema).toEqual({ state: 'none', storeId: null, nonce: null });
    expect(await stateOf(admin)).toEqual(before);
  });

  test.each([
    [SWITCH, `REVOKE ${SWITCH} ON *.* FROM`, 'switches'],
    ['PROCESS', 'REVOKE PROCESS ON *.* FROM', 'sessions'],
    ['DROP on the log table', 'REVOKE DROP ON mysql.general_log FROM', 'log table'],
    ['ALL on captures', 'REVOKE ALL PRIVILEGES ON captures.* FROM', 'tables'],
  ])('of an account without %s says so, and its GRANT helps', async (_what, revoke, purpose) => {
    await admin.query(`${revoke} recorder@'%'`);
    const missing = (await inspect()).privileges.filter(({ state }) => state === 'missing');
    const required = missing.filter((privilege) => privilege.required || purpose === 'sessions');
    expect(required).toHaveLength(1);
    expect(required[0]?.purpose).toContain(purpose);
    for (const { grant } of missing) await admin.query(grant);
    expect((await inspect()).privileges.every(({ state }) => state === 'present')).toBe(true);
  });

  test('finds privileges that come from a role', async () => {
    await admin.query(`
      CREATE ROLE recording;
      GRANT ${isMysql ? 'SYSTEM_VARIABLES_ADMIN, CONNECTION_ADMIN' : 'SUPER'}, PROCESS ON *.* TO recording;
      GRANT SELECT, INSERT, CREATE, DROP, ALTER ON mysql.general_log TO recording;
      GRANT ALL PRIVILEGES ON captures.* TO recording;
      GRANT SELECT, INSERT, CREATE, DROP, ALTER ON sys.captures_swap TO recording;
      ${isMysql ? 'GRANT SELECT ON performance_schema.* TO recording;' : ''}
      CREATE USER by_role@'%'; GRANT recording TO by_role@'%'; SET DEFAULT ROLE recording ${isMysql ? 'TO' : 'FOR'} by_role@'%'`);
    const inspection = await inspect({ user: 'by_role', passwordFrom: null });
    expect(inspection.privileges.every(({ state }) => state === 'present')).toBe(true);
    await admin.query("DROP USER by_role@'%'; DROP ROLE recording");
  });
});

test.each([
  [SWITCH, `REVOKE ${SWITCH} ON *.* FROM`, `GRANT ${SWITCH} ON *.* TO`],
  ['the log table', 'REVOKE DROP ON mysql.general_log FROM', 'GRANT DROP ON mysql.general_log TO'],
])(
  'an installation without the privilege for %s fails and can be taken back',
  async (_what, revoke, grant) => {
    const before = await stateOf(admin);
    await admin.query(`${revoke} recorder@'%'`);
    const log = await server.open();
    await log.lock([]);
    const settings = await log.readSettings();
    await expect(log.install(settings, 1)).rejects.toMatchObject({
      code: 'remote_failed',
      // MySQL writes a binary log by default: that it would is what is seen first there.
      hint:
        isMysql && revoke.includes(SWITCH)
          ? expect.stringContaining(`GRANT ${SWITCH} ON *.* TO`)
          : { code: 'see_privileges', environment: null, before: null },
    });
    await log.restore(settings, 2);
    await log.close();
    await admin.query(`${grant} recorder@'%'`);
    expect(await stateOf(admin)).toEqual(before);
  },
);

describe(
  'without what makes sql_log_off hold (MySQL only: on MariaDB SUPER does)',
  needs(isMysql, 'it is of MySQL only'),
  () => {
    const lacks = {
      code: 'remote_failed',
      message: expect.stringMatching(/^The account lacks CONNECTION_ADMIN: /) as string,
      hint: 'Run there: GRANT CONNECTION_ADMIN ON *.* TO `recorder`@`%`;',
    };

    test('a log that goes to its table is not touched', async () => {
      await admin.query("SET GLOBAL log_output = 'TABLE'; SET GLOBAL general_log = ON");
      await admin.query("REVOKE CONNECTION_ADMIN ON *.* FROM recorder@'%'");
      const before = await stateOf(admin);
      const log = await server.open();
      await log.lock([]);
      await expect(log.install(await log.readSettings(), 1)).rejects.toMatchObject(lacks);
      await log.close();
      await waitFor(async () => expect(await stateOf(admin)).toEqual(before));
      await admin.query("GRANT CONNECTION_ADMIN ON *.* TO recorder@'%'");
    });

    test('a log that is to go back to its table waits for the GRANT', async () => {
      await admin.query("SET GLOBAL log_output = 'TABLE'; SET GLOBAL general_log = ON");
      const before = await stateOf(admin);
      const first = await startLogging(server);
      await first.log.close();
      await admin.query("REVOKE CONNECTION_ADMIN ON *.* FROM recorder@'%'");
      const log = await server.open();
      await waitFor(() => log.lock([]));
      await expect(log.restore(first.settings, 2)).rejects.toMatchObject(lacks);
      await log.close();
      await admin.query("GRANT CONNECTION_ADMIN ON *.* TO recorder@'%'");
      const again = await server.open();
      await waitFor(() => again.lock([]));
      expect(await again.restore(first.settings, 2)).toEqual([]);
      await again.close();
      expect(await stateOf(admin)).toEqual(before);
      await admin.query("SET GLOBAL general_log = OFF; SET GLOBAL log_output = 'FILE'");
    });
  },
);

test('a recording without PROCESS and BINLOG ADMIN goes on with what it may see', async () => {
  await admin.query("REVOKE PROCESS ON *.* FROM recorder@'%'");
  const { log, settings } = await startLogging(server);
  expect(await log.sessions()).toEqual([]);
  expect(await log.openTransactions()).toEqual([]);
  await log.restore(settings, 2);
  await log.close();
  await admin.query("GRANT PROCESS ON *.* TO recorder@'%'");
});

describe('a server that cannot be reached', () => {
  test('because nobody listens is named', async () => {
    await expect(inspect({ port: 1 })).rejects.toMatchObject({
      code: 'remote_failed',
      message: 'The server at 127.0.0.1:1 refused the connection',
    });
  });

  test('because the host is unknown is named', async () => {
    await expect(inspect({ host: 'no-such-host.invalid' })).rejects.toMatchObject({
      code: 'remote_failed',
      message: expect.stringContaining('no-such-host.invalid'),
    });
  });

  test('because the password is wrong never says the password', async () => {
    process.env['CAPTURES_TEST_WRONG'] = 'hunter2';
    const error: unknown = await inspect({ passwordFrom: 'env:CAPTURES_TEST_WRONG' }).catch(
      (e: unknown) => e,
    );
    expect(error).toMatchObject({
      code: 'remote_failed',
      message: `The server at 127.0.0.1:${server.port} refused the login of "recorder"`,
    });
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('hunter2');
  });

  test('because the database is unknown is named', async () => {
    await expect(
      inspect({
        user: 'root',
        host: 'localhost',
        passwordFrom: null,
        socket: server.socket,
        database: 'nodb',
      }),
    ).rejects.toMatchObject({
      code: 'remote_failed',
      message: `The server at ${server.socket} has no database "nodb"`,
    });
  });

  test('because the socket is not there is named', async () => {
    await expect(inspect({ socket: '/no/such.sock' })).rejects.toMatchObject({
      code: 'remote_failed',
      message: 'There is no socket at /no/such.sock',
    });
  });

  test('because TLS is asked for and not offered is named', async () => {
    // MySQL, and MariaDB from 11.4 on, make a certificate of their own.
    const plain = await startRecorderServer({
      options: [isMysql ? '--tls-version=' : '--skip-ssl'],
    });
    await expect(
      mysqlSource.inspect({ ...plain.address, sslMode: 'REQUIRED' }, 'store-1'),
    ).rejects.toMatchObject({
      code: 'remote_failed',
      message: `The server at 127.0.0.1:${plain.port} does not offer encrypted connections`,
    });
    await plain.stop();
  });

  test('because it hangs up is named', async () => {
    const rude = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => rude.listen(0, '127.0.0.1', resolve));
    const address = rude.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    await expect(inspect({ port })).rejects.toMatchObject({
      code: 'remote_failed',
      message: `The connection to the server at 127.0.0.1:${port} was lost`,
    });
    rude.close();
  });
});
