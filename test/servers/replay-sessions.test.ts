import { createConnection, type Connection } from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ReplayedRecord } from '../../src/core/replays/replay-player.ts';
import type { ReplayResult } from '../../src/core/replays/replay.ts';
import { rowsOf, startRecorderServer, type RecorderServer } from '../support/recorder-server.ts';
import { endRecordings } from './recording.ts';
import { recordWork, replayed } from './replaying.ts';

// What a session has set changes what its statements mean: recorded on a server, and replayed on it.

let server: RecorderServer;
let admin: Connection;
beforeAll(async () => {
  server = await startRecorderServer();
  admin = await server.admin();
  await admin.query('SET SESSION sql_log_off = 1');
  for (const user of ['app', 'replayer']) {
    await admin.query(`CREATE USER ${user}@'127.0.0.1'; GRANT ALL ON *.* TO ${user}@'127.0.0.1'`);
  }
});
afterAll(async () => {
  await admin.end();
  await server.stop();
});
afterEach(endRecordings);

async function fresh(): Promise<void> {
  await admin.query(`DROP DATABASE IF EXISTS shop; CREATE DATABASE shop CHARACTER SET utf8mb4;
    CREATE TABLE shop.kept (id INT AUTO_INCREMENT PRIMARY KEY, text VARCHAR(200)) ENGINE = InnoDB`);
}

async function client(): Promise<Connection> {
  const opened = await createConnection({
    host: '127.0.0.1',
    port: server.port,
    user: 'app',
    database: 'shop',
    multipleStatements: true,
  });
  opened.on('error', () => undefined);
  return opened;
}

const kept = (): Promise<unknown> =>
  rowsOf(admin, 'SELECT id, HEX(text) AS text FROM shop.kept ORDER BY id');

function expectAccounted(record: ReplayedRecord, { sent, skipped, failed }: ReplayResult): void {
  const others = [...Object.values(skipped), ...Object.values(failed)];
  expect(others.reduce((sum, count) => sum + count, sent)).toBe(record.records);
}

describe('a session without backslash escapes', () => {
  it('has the same texts and values, before and behind the SET', async () => {
    await fresh();
    const values = ["it's", 'C:\\', "\\'", 'a\\nb', "\\\\''", 'a\nb'];
    const record = await recordWork(server, async () => {
      const one = await client();
      const text = 'INSERT INTO kept (text) VALUES (?)';
      for (const value of values) await one.execute(text, [value]);
      await one.query("SET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES'");
      for (const value of values) await one.execute(text, [value]);
      await one.query("INSERT INTO kept (text) VALUES ('C:\\'), ('a\\nb')");
      await one.query(
        "INSERT INTO kept (text) VALUES ('C:\\'); DELETE FROM kept WHERE text = '\\'",
      );
      await one.query("PREPARE p FROM 'INSERT INTO kept (text) VALUES (''a\\b'')'");
      await one.query('EXECUTE p');
      await one.query("SET SESSION sql_mode = ''");
      await one.execute(text, ['a\\nb']);
      await one.end();
    });
    const before = await kept();
    await fresh();
    const { result } = await replayed(record, server);
    expect(await kept()).toEqual(before);
    expectAccounted(record, result);
    expect(result).toMatchObject({ failed: {}, executes: { text: 0 } });
  });

  it('writes nothing in a replay that is read-only, whatever a backslash hides', async () => {
    await fresh();
    const record = await recordWork(server, async () => {
      const one = await client();
      await one.query("SET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES'");
      await one.query("SELECT '\\'; INSERT INTO kept (text) VALUES ('hidden'); -- '");
      await one.query("SELECT 'C:\\'; SELECT 'D:\\'");
      await one.end();
    });
    await fresh();
    const { result } = await replayed(record, server, { writes: false });
    expect(await kept()).toEqual([]);
    expectAccounted(record, result);
    expect(result).toMatchObject({ failed: {} });
    expect(result.statements.skipped.writes).toBeGreaterThanOrEqual(1);
  });
});

describe('completion_type', () => {
  it('chains transactions and ends sessions as when it was recorded', async () => {
    await fresh();
    const record = await recordWork(server, async () => {
      const released = await client();
      await released.query('BEGIN');
      await released.query("INSERT INTO kept (text) VALUES ('released')");
      await released.query('COMMIT RELEASE');
      const alwaysReleased = await client();
      await alwaysReleased.query('SET completion_type = 2');
      await alwaysReleased.query('BEGIN');
      await alwaysReleased.query("INSERT INTO kept (text) VALUES ('rolled back')");
      await alwaysReleased.query('ROLLBACK');
      const chained = await client();
      await chained.query('SET completion_type = 1; BEGIN');
      await chained.query("INSERT INTO kept (text) VALUES ('first')");
      await chained.query('COMMIT');
      await chained.query("INSERT INTO kept (text) VALUES ('in the chain')");
      await chained.query('ROLLBACK');
      await chained.query('COMMIT AND NO CHAIN');
      await chained.query("INSERT INTO kept (text) VALUES ('behind the chain')");
      await chained.end();
      for (const one of [released, alwaysReleased]) one.destroy();
    });
    const before = await kept();
    await fresh();
    const { result } = await replayed(record, server, { serial: true });
    expect(await kept()).toEqual(before);
    expectAccounted(record, result);
    expect(result).toMatchObject({ failed: {}, sessions: { lost: 0 }, ended: { why: 'complete' } });
    expect(result.skipped.half_transaction).toBeUndefined();
  });
});

describe('a text that prepares what a variable holds', () => {
  it('is sent where it has put that there itself, and not where nobody sees what it is', async () => {
    await fresh();
    const record = await recordWork(server, async () => {
      const one = await client();
      await one.query(
        "SET @t = 'INSERT INTO kept (text) VALUES (''seen'')'; PREPARE s FROM @t; EXECUTE s",
      );
      await one.query('EXECUTE s; DEALLOCATE PREPARE s');
      if (server.family === 'mariadb') {
        await one.query("EXECUTE IMMEDIATE CONCAT('DELETE FROM kept ', 'WHERE id = 0')");
      }
      await one.end();
    });
    const before = await kept();
    await fresh();
    const { result } = await replayed(record, server);
    expect(await kept()).toEqual(before);
    expectAccounted(record, result);
    expect(result.failed).toEqual({});
    expect(result.skipped.unseen).toBe(server.family === 'mariadb' ? 1 : undefined);
  });
});
