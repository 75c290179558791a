import type { Connection, RowDataPacket } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chosenServer } from '../../scripts/server-programs.ts';
import { mysqlSource } from '../../src/source/mysql/mysql-source.ts';
import {
  RECORDER_PASSWORD,
  drainFrozen,
  rowsOf,
  startLogging,
  startRecorderServer,
  stateOf,
  type RecorderServer,
} from '../support/recorder-server.ts';
import { endRecordings, Recording } from './recording.ts';
import { needs } from '../support/skips.ts';

const { family, version } = chosenServer(() => undefined);
const isMysql = family === 'mysql';

/** A server of its own for each, for what is in the way is a matter of its configuration. */
async function withServer(
  options: readonly string[],
  work: (server: RecorderServer, admin: Connection) => Promise<void>,
): Promise<void> {
  const server = await startRecorderServer({ options });
  const admin = await server.admin();
  try {
    await admin.query('CREATE DATABASE shop; CREATE TABLE shop.t (a INT) ENGINE = InnoDB');
    await work(server, admin);
  } finally {
    await admin.end();
    await server.stop();
  }
}

describe('the engine of the log table', () => {
  const forbidding = isMysql
    ? ['--disabled-storage-engines=MyISAM']
    : ['--enforce-storage-engine=InnoDB'];
  test(`is one of a log even with ${forbidding.join()}: what is rolled back is recorded`, async () => {
    await withServer(forbidding, async (server, admin) => {
      const { log, settings } = await startLogging(server);
      const [table] = await rowsOf(
        admin,
        "SELECT ENGINE AS engine FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'mysql' AND TABLE_NAME = 'general_log'",
      );
      expect(table).toEqual({ engine: isMysql ? 'CSV' : 'MyISAM' });
      const client = await server.admin();
      await client.query("SET time_zone = '+05:30'");
      const began = Date.now();
      await client.query('BEGIN');
      await client.query('INSERT INTO shop.t VALUES (1) -- \'a "quoted"\\\\ text\'');
      await client.query('ROLLBACK');
      await client.end();
      await log.swap(2);
      const ours = (await drainFrozen(log)).filter(({ kind }) => kind === 'query');
      const texts = ours.map(({ sql }) => sql);
      expect(texts).toContain('INSERT INTO shop.t VALUES (1) -- \'a "quoted"\\\\ text\'');
      expect(texts).toContain('ROLLBACK');
      // A CSV table has local times of sessions: they are UTC all the same.
      const insert = ours.find(({ sql }) => sql.startsWith('INSERT INTO shop'));
      expect(Math.abs(Date.parse(insert?.time ?? '') - began)).toBeLessThan(60_000);
      expect(await log.restore(settings, 3)).toEqual([]);
      await log.close();
    });
  });

  test(
    'that the server allows none of is an obstacle, and nothing is switched on',
    needs(isMysql, 'it is of MySQL only'),
    async () => {
      await withServer(['--disabled-storage-engines=MyISAM,CSV'], async (server, admin) => {
        const { obstacles } = await mysqlSource.inspect(server.address, 'store-1');
        expect(obstacles.map(({ what }) => what)).toEqual([
          'The server allows neither MyISAM nor CSV tables, and a log table can be of no other engine',
        ]);
        const log = await server.open();
        await log.lock([]);
        await expect(log.install(await log.readSettings(), 1)).rejects.toMatchObject({
          code: 'remote_failed',
        });
        await log.close();
        expect(await rowsOf(admin, "SHOW DATABASES LIKE 'captures'")).toEqual([]);
        expect(await rowsOf(admin, 'SELECT @@GLOBAL.general_log AS isOn')).toEqual([{ isOn: 0 }]);
      });
    },
  );
});

describe('a server in its usual state', () => {
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

  test(
    'that is read-only for everybody is an obstacle',
    needs(isMysql, 'it is of MySQL only'),
    async () => {
      await admin.query('SET GLOBAL super_read_only = ON');
      const { obstacles } = await mysqlSource.inspect(server.address, 'store-1');
      expect(obstacles).toHaveLength(1);
      expect(obstacles[0]?.what).toContain('super_read_only');
      await admin.query('SET GLOBAL super_read_only = OFF; SET GLOBAL read_only = OFF');
    },
  );

  test('whose sessions begin without autocommit and read-only is recorded and left as it was', async () => {
    const readOnly = isMysql ? 'transaction_read_only' : 'tx_read_only';
    const oddly = (isOdd: boolean): string =>
      `SET GLOBAL autocommit = ${isOdd ? 0 : 1}, GLOBAL completion_type = ${isOdd ? 1 : 0}, GLOBAL ${readOnly} = ${isOdd ? 1 : 0}`;
    const before = await stateOf(admin);
    const recording = new Recording(server);
    await recording.until('RUNNING');
    await admin.query(oddly(true));
    const [own] = await admin.query<RowDataPacket[]>(
      "SELECT id FROM information_schema.processlist WHERE user = 'recorder'",
    );
    for (const { id } of own) {
      await admin.query(`KILL CONNECTION ${id as number}`).catch(() => undefined);
    }
    await recording.untilEvent(/recording continues/);
    await admin.query("SELECT 'after'");
    await recording.stop();
    const again = new Recording(server);
    await again.until('RUNNING');
    await again.stop();
    await admin.query(oddly(false));
    await endRecordings();
    expect(await stateOf(admin)).toEqual(before);
  });

  test('whose log table the account may not see is told from one that is missing', async () => {
    await admin.query("CREATE USER IF NOT EXISTS bare@'%' IDENTIFIED BY ?", [RECORDER_PASSWORD]);
    const hidden = await mysqlSource.inspect({ ...server.address, user: 'bare' }, 'store-1');
    expect(hidden).toMatchObject({ logTable: 'hidden', settings: { tableEngine: null } });
    const seen = await mysqlSource.inspect(server.address, 'store-1');
    expect(seen.logTable).toBe('there');
    await admin.query('SET GLOBAL general_log = OFF; RENAME TABLE mysql.general_log TO mysql.away');
    const missing = await mysqlSource.inspect(server.address, 'store-1');
    expect(missing.logTable).toBe('missing');
    await admin.query('RENAME TABLE mysql.away TO mysql.general_log');
  });

  test('says how large its log is while it grows', async () => {
    const { log, settings } = await startLogging(server);
    const before = await log.backlogBytes();
    const text = 'x'.repeat(1_000_000);
    for (let i = 0; i < 5; i++) await admin.query(`SELECT '${text}'`);
    expect((await log.backlogBytes()) - before).toBeGreaterThan(5_000_000);
    await log.restore(settings, 2);
    await log.close();
  });

  test.each([
    ['FLUSH TABLES WITH READ LOCK', 'UNLOCK TABLES'],
    ...(isMysql ? ([['LOCK INSTANCE FOR BACKUP', 'UNLOCK INSTANCE']] as const) : []),
  ] as const)('that %s holds is said to be locked, not read', async (lock, unlock) => {
    const { log, settings } = await startLogging(server);
    await admin.query(lock);
    await expect(log.swap(2)).rejects.toMatchObject({
      code: 'remote_failed',
      message: expect.stringMatching(/^The server is locked by /) as string,
    });
    await admin.query(unlock);
    await log.swap(2);
    await log.restore(settings, 3);
    await log.close();
  });
});

/** From 11.0 on SUPER does not imply it (MariaDB). */
const needsBinlogAdmin = !isMysql && Number(/^\d+/.exec(version)?.[0]) >= 11;

describe('a server with a binary log', () => {
  test(
    'is not recorded without the privilege to stay out of it, and nothing is switched on',
    needs(needsBinlogAdmin, 'it is of MariaDB from 11.0 on'),
    async () => {
      await withServer(['--log-bin', '--server-id=1'], async (server, admin) => {
        await admin.query("REVOKE BINLOG ADMIN ON *.* FROM recorder@'%'");
        const { privileges } = await mysqlSource.inspect(server.address, 'store-1');
        expect(privileges.find(({ privilege }) => privilege === 'BINLOG ADMIN')).toMatchObject({
          required: true,
          state: 'missing',
        });
        const log = await server.open();
        await log.lock([]);
        await expect(log.install(await log.readSettings(), 1)).rejects.toMatchObject({
          code: 'remote_failed',
          hint: 'Run there: GRANT BINLOG ADMIN ON *.* TO `recorder`@`%`;',
        });
        await log.close();
        expect(await rowsOf(admin, "SHOW DATABASES LIKE 'captures'")).toEqual([]);
      });
    },
  );

  test('has nothing of a recording in it', async () => {
    await withServer(['--log-bin', '--server-id=1'], async (server, admin) => {
      const { log, settings } = await startLogging(server);
      await admin.query('INSERT INTO shop.t VALUES (7)');
      await log.swap(2);
      await drainFrozen(log);
      await log.restore(settings, 3);
      await log.close();
      const logs = await rowsOf(admin, 'SHOW BINARY LOGS');
      const events: string[] = [];
      for (const { Log_name: name } of logs) {
        const rows = await rowsOf(admin, `SHOW BINLOG EVENTS IN '${String(name)}'`);
        events.push(...rows.map((row) => String(row['Info'])));
      }
      const ours = events.filter((text) => /general_log|\bcaptures\b/.test(text));
      // The account itself was made with the log on.
      expect(ours.filter((text) => !/^(?:use .*; )?GRANT /i.test(text))).toEqual([]);
      expect(events.some((text) => text.includes('shop'))).toBe(true);
    });
  });
});
