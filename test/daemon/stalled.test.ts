import { createServer } from 'node:net';
import type { Connection } from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { mysqlSource } from '../../src/source/mysql/mysql-source.ts';
import { startCuttingProxy, type CuttingProxy } from '../servers/cutting-proxy.ts';
import { endRecordings, Recording } from '../servers/recording.ts';
import { startRecorderServer, stateOf, type RecorderServer } from '../support/recorder-server.ts';
import { waitUntil } from '../support/waiting.ts';

let server: RecorderServer;
let admin: Connection;
let proxy: CuttingProxy;
beforeAll(async () => {
  server = await startRecorderServer();
  admin = await server.admin();
  await admin.query('SET SESSION sql_log_off = 1');
  proxy = await startCuttingProxy(server.port);
});
afterEach(endRecordings);
afterAll(async () => {
  await proxy.stop();
  await admin.end();
  await server.stop();
});

/** A peer that accepts a connection and says nothing; meanwhile the test goes on. */
async function expectSilence(): Promise<void> {
  let open = 0;
  const silent = createServer((socket) => {
    open++;
    socket.on('close', () => open--).on('error', () => undefined);
    // What is not read does not end either.
    socket.resume();
  });
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const listening = silent.address();
  const port = typeof listening === 'object' && listening !== null ? listening.port : 0;
  await expect(mysqlSource.inspect({ ...server.address, port }, 'store-1')).rejects.toMatchObject({
    message: `The server at 127.0.0.1:${port} did not answer in time`,
  });
  await waitUntil(() => open === 0);
  silent.close();
}

const isSilent = /did not answer/;

test('behind a network that swallows everything a daemon gives its connections up, and loses nothing', async () => {
  const before = await stateOf(admin);
  const behind = { ...server, address: { ...server.address, port: proxy.port } };
  const recording = new Recording(behind);
  await recording.until('RUNNING');
  const client = await server.admin();
  let sent = 0;
  const send = async (): Promise<void> => {
    await client.query(`SELECT 'tag-0-${sent++}-'`);
  };
  for (let i = 0; i < 20; i++) await send();
  const silent = expectSilence();
  proxy.stall();
  let most = 0;
  // The reader of a table waits for 30 s, a DROP for 60.
  await waitUntil(async () => {
    await send();
    most = Math.max(most, proxy.connections);
    return recording.events.some((event) => isSilent.test(event));
  });
  proxy.goOn();
  await recording.untilEvent(/^recording continues/);
  await send();
  await recording.stop();
  await client.end();
  // And the login of the client.
  expect(recording.test.store.captures.find(recording.id)?.records).toBe(sent + 1);
  await silent;
  expect(most).toBeLessThanOrEqual(3);
  expect(await stateOf(admin)).toEqual(before);
  await waitUntil(() => proxy.connections === 0);
});

test('a log whose server stands still is aborted at once, also while it is being opened', async () => {
  const address = { ...server.address, port: proxy.port };
  const leaving = new AbortController();
  const { signal } = leaving;
  const log = await mysqlSource.open(address, 'store-1', () => undefined, undefined, signal);
  await log.lock([]);
  proxy.stall();
  // Whoever waits for its time is told that the server did not answer.
  const aborted = {
    code: 'remote_failed',
    message: expect.not.stringContaining('answer') as string,
  };
  const waiting = expect(log.readSettings()).rejects.toMatchObject(aborted);
  const opened = expect(
    mysqlSource.open(address, 'store-1', () => undefined, undefined, signal),
  ).rejects.toMatchObject(aborted);
  leaving.abort();
  await Promise.all([waiting, opened]);
  await log.close();
  proxy.goOn();
  await waitUntil(() => proxy.connections === 0);
});
