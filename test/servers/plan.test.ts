import type { Connection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mysqlServerLogs } from '../../src/mysql/server-logs.ts';
import {
  rowsOf,
  startLogging,
  startRecorderServer,
  stateOf,
  type RecorderServer,
} from './recorder-server.ts';

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
    const { load, settingsWhileRecording } = await mysqlServerLogs.lookAhead(
      server.address,
      async () => {
        for (let i = 0; i < 40; i++) await client.query(text);
        for (let i = 0; i < 10; i++) await client.execute('SELECT ?', [i]);
      },
    );
    await client.end();
    // Forty queries, ten executes, and one prepare.
    expect(load).toMatchObject({ statements: 50, executes: 10, rows: 51 });
    const sent = 40 * (text.length + 5);
    expect(load.bytes).toBeGreaterThanOrEqual(sent);
    expect(load.bytes).toBeLessThan(sent + 10 * 100);
    expect(load.seconds).toBeGreaterThan(0);
    expect(settingsWhileRecording).toMatchObject({ generalLog: true, logOutput: 'TABLE' });
    expect(await stateOf(admin)).toEqual(before);
  });

  test('of a server that nobody uses is nothing', async () => {
    const { load } = await mysqlServerLogs.lookAhead(server.address, () => Promise.resolve());
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
    const { undo } = await mysqlServerLogs.lookAhead(server.address, () => Promise.resolve());
    const { log, settings } = await startLogging(server);
    await log.setDeadMan(60_000, settings);
    await log.swap(2);
    // Asked while it is recorded, it goes back as far as before.
    expect(await mysqlServerLogs.lookAhead(server.address, () => Promise.resolve())).toMatchObject({
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
