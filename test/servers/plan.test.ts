import type { Connection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mysqlSource } from '../../src/source/mysql/mysql-source.ts';
import {
  rowsOf,
  startLogging,
  startRecorderServer,
  stateOf,
  type RecorderServer,
} from '../support/recorder-server.ts';
import { waitUntil } from '../support/waiting.ts';

let server: RecorderServer;
let admin: Connection;
beforeAll(async () => {
  server = await startRecorderServer({ options: ['--event-scheduler=ON'] });
  admin = await server.admin();
});
afterAll(async () => {
  await admin.end();
  await server.stop();
});

async function setLog(generalLog: string, logOutput: string): Promise<void> {
  await admin.query(
    `SET GLOBAL general_log = OFF; SET GLOBAL log_output = '${logOutput}'; TRUNCATE mysql.general_log;
     SET GLOBAL general_log = ${generalLog}`,
  );
}

describe('a look ahead', () => {
  test('counts what others send, to the statement, and changes nothing', async () => {
    await setLog('OFF', 'FILE');
    const before = await stateOf(admin);
    const client = await server.admin();
    const text = `SELECT '${'x'.repeat(100)}'`;
    const { load, settingsWhileRecording } = await mysqlSource.forecast(
      server.address,
      async () => {
        for (let i = 0; i < 40; i++) await client.query(text);
        for (let i = 0; i < 10; i++) await client.execute('SELECT ?', [i]);
      },
    );
    await client.end();
    // Forty queries, ten executes, and one prepare.
    expect(load).toMatchObject({ statements: 50, executes: 10 });
    // MySQL prepares again at the first execution, where the parameter's type is known.
    expect([51, 52]).toContain(load.rows);
    const sent = 40 * (text.length + 5);
    expect(load.bytes).toBeGreaterThanOrEqual(sent);
    expect(load.bytes).toBeLessThan(sent + 10 * 100);
    expect(load.seconds).toBeGreaterThan(0);
    expect(settingsWhileRecording).toMatchObject({ generalLog: true, logOutput: 'TABLE' });
    expect(await stateOf(admin)).toEqual(before);
  });

  test('counts the rows that the log would have, also of logins and of text that prepares', async () => {
    await setLog('ON', 'TABLE');
    const { load } = await mysqlSource.forecast(server.address, async () => {
      // The look itself connected before.
      await admin.query('TRUNCATE mysql.general_log');
      for (let i = 0; i < 5; i++) await (await server.admin()).end();
      const client = await server.admin();
      await client.query("PREPARE p FROM 'SELECT ?'");
      await client.query('SET @a = 1');
      for (let i = 0; i < 10; i++) await client.query('EXECUTE p USING @a');
      await client.query('DEALLOCATE PREPARE p');
      await client.end();
      await waitUntil(async () => {
        const [row] = await rowsOf(
          admin,
          "SELECT COUNT(*) AS n FROM mysql.general_log WHERE command_type = 'Quit'",
        );
        return Number(row?.['n']) === 6;
      });
    });
    const [logged] = await rowsOf(admin, 'SELECT COUNT(*) AS n FROM mysql.general_log');
    await setLog('OFF', 'FILE');
    // The test's own looks are in both; the last one is in the log alone.
    expect(Math.abs(load.rows - Number(logged?.['n']))).toBeLessThanOrEqual(2);
  });

  test('says whether values of what is prepared already would be recorded', async () => {
    await setLog('OFF', 'TABLE');
    const client = await server.admin();
    const prepared = await client.prepare('SELECT ? AS a');
    await prepared.execute(['before']);
    const { prepared: outlook, cost } = await mysqlSource.forecast(server.address, () =>
      Promise.resolve(),
    );
    await setLog('ON', 'TABLE');
    await prepared.execute(['after']);
    const rows = await rowsOf(
      admin,
      "SELECT CONVERT(argument USING utf8mb4) AS text FROM mysql.general_log WHERE command_type = 'Execute'",
    );
    await setLog('OFF', 'FILE');
    await client.end();
    const expected = outlook.values === 'always' ? "SELECT 'after' AS a" : 'SELECT ? AS a';
    expect(rows).toMatchObject([{ text: expected }]);
    expect(outlook.statements).toBeGreaterThanOrEqual(1);
    // The test's two.
    expect(outlook.sessions).toBe(2);
    expect(cost.saturated.length).toBeGreaterThan(0);
  });

  test('of a server that nobody uses is nothing', async () => {
    const { load } = await mysqlSource.forecast(server.address, () => Promise.resolve());
    expect(load).toMatchObject({ statements: 0, executes: 0, rows: 0, bytes: 0 });
  });
});

describe('what undoes a recording by hand', () => {
  test.each([
    ['OFF', 'FILE'],
    ['OFF', 'TABLE'],
    ['ON', 'FILE'],
    ['ON', 'TABLE'],
    ['ON', 'NONE'],
  ])('brings back general_log %s to %s', async (general, output) => {
    await setLog(general, output);
    const before = await stateOf(admin);
    const { undo } = await mysqlSource.forecast(server.address, () => Promise.resolve());
    const { log, settings } = await startLogging(server);
    await log.setDeadMan(60_000, settings);
    await log.swap(2);
    // Asked while it is recorded, it goes back as far as before.
    expect(await mysqlSource.forecast(server.address, () => Promise.resolve())).toMatchObject({
      undo,
      settingsWhileRecording: { generalLog: true },
    });
    await log.close();
    const byHand = await server.admin();
    for (const statement of undo) await byHand.query(statement);
    await byHand.end();
    for (;;) {
      const [row] = await rowsOf(admin, "SELECT IS_USED_LOCK('captures:tap') AS held");
      if (row?.['held'] === null) break;
    }
    expect(await stateOf(admin)).toEqual(before);
    expect(
      await rowsOf(
        admin,
        "SELECT * FROM information_schema.EVENTS WHERE EVENT_SCHEMA = 'captures'",
      ),
    ).toEqual([]);
  });
});
