import type { Connection } from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { rowsOf, startRecorderServer, type RecorderServer } from '../support/recorder-server.ts';
import { endRecordings, Recording } from './recording.ts';
import { waitUntil } from '../support/waiting.ts';

let source: RecorderServer;
let replica: RecorderServer;
let writer: Connection;
let reader: Connection;
beforeAll(async () => {
  [source, replica] = await Promise.all([startReplicating(11), startReplicating(12)]);
  [writer, reader] = await Promise.all([source.admin(), replica.admin()]);
  const reset = source.family === 'mysql' ? 'RESET BINARY LOGS AND GTIDS' : 'RESET MASTER';
  await writer.query(
    `SET sql_log_bin = 0; CREATE USER repl IDENTIFIED BY 'r'; GRANT REPLICATION SLAVE ON *.* TO repl; SET sql_log_bin = 1; ${reset}`,
  );
  await reader.query(reset);
  await reader.query(
    source.family === 'mysql'
      ? `CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT=${source.port}, SOURCE_USER='repl', SOURCE_PASSWORD='r', SOURCE_AUTO_POSITION=1, GET_SOURCE_PUBLIC_KEY=1; START REPLICA`
      : `CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=${source.port}, MASTER_USER='repl', MASTER_PASSWORD='r', MASTER_USE_GTID=current_pos; START SLAVE`,
  );
  await writer.query('CREATE DATABASE shop; CREATE TABLE shop.t (a INT)');
  await caughtUp();
});
afterEach(endRecordings);
afterAll(async () => {
  await writer.end();
  await reader.end();
  await replica.stop();
  await source.stop();
});

function startReplicating(id: number): Promise<RecorderServer> {
  const gtids = ['--loose-gtid-mode=ON', '--loose-enforce-gtid-consistency=ON'];
  return startRecorderServer({ options: [`--server-id=${id}`, '--log-bin', ...gtids] });
}

async function caughtUp(): Promise<void> {
  const what = source.family === 'mysql' ? '@@gtid_executed' : '@@gtid_current_pos';
  const of = async (server: Connection): Promise<unknown> =>
    (await rowsOf(server, `SELECT ${what} AS position`))[0]?.['position'];
  await waitUntil(async () => (await of(reader)) === (await of(writer)));
}

test.each(['STATEMENT', 'ROW'])(
  'what replication applies in %s format was not received',
  async (format) => {
    const recording = new Recording(replica);
    await recording.until('RUNNING');
    await writer.query(`SET SESSION binlog_format = '${format}'`);
    for (let i = 0; i < 200; i++) await writer.query(`INSERT INTO shop.t VALUES (${i})`);
    await caughtUp();
    for (let i = 0; i < 20; i++) await reader.query(`SELECT ${i}`);
    await recording.stop();
    const { result } = await recording.verify();
    const { recorded, received } = result;
    expect(result).toMatchObject({ whole: true, missing: 0 });
    expect(recorded).toBeGreaterThanOrEqual(20);
    // Besides the selects, the test asks how far the replica is.
    expect(recorded).toBeLessThan(150);
    expect(received?.min).toBeLessThanOrEqual(recorded ?? 0);
    expect(received?.max).toBeGreaterThanOrEqual(recorded ?? 0);
    expect(result.missingAtMost).toBeLessThan(50);
  },
);
