import { createServer } from 'node:net';
import type { Connection } from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { mysqlServerLogs } from '../../src/mysql/server-logs.ts';
import { startCuttingProxy, type CuttingProxy } from '../servers/cutting-proxy.ts';
import { endRecordings, Recording } from '../servers/recording.ts';
import { startRecorderServer, stateOf, type RecorderServer } from '../servers/recorder-server.ts';

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
  await expect(
    mysqlServerLogs.inspect({ ...server.address, port }, 'store-1'),
  ).rejects.toMatchObject({ message: `The server at 127.0.0.1:${port} did not answer in time` });
  await vi.waitUntil(() => open === 0);
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
  await vi.waitUntil(
    async () => {
      await send();
      most = Math.max(most, proxy.connections);
      return recording.events.some((event) => isSilent.test(event));
    },
    { timeout: 80_000, interval: 20 },
  );
  proxy.goOn();
  await recording.untilEvent(/^recording goes on/);
  await send();
  await recording.stop();
  await client.end();
  // And the login of the client.
  expect(recording.test.store.captures.find(recording.id)?.records).toBe(sent + 1);
  await silent;
  expect(most).toBeLessThanOrEqual(3);
  expect(await stateOf(admin)).toEqual(before);
  await vi.waitUntil(() => proxy.connections === 0);
});

test('a log whose server stands still is aborted at once, also while it is being opened', async () => {
  const address = { ...server.address, port: proxy.port };
  const leaving = new AbortController();
  const { signal } = leaving;
  const log = await mysqlServerLogs.open(address, 'store-1', () => undefined, undefined, signal);
  await log.lock([]);
  proxy.stall();
  const waiting = expect(log.readSettings()).rejects.toMatchObject({ code: 'remote_failed' });
  const opened = expect(
    mysqlServerLogs.open(address, 'store-1', () => undefined, undefined, signal),
  ).rejects.toMatchObject({ code: 'remote_failed' });
  const began = performance.now();
  leaving.abort();
  await Promise.all([waiting, opened]);
  await log.close();
  expect(performance.now() - began).toBeLessThan(1_000);
  proxy.goOn();
  await vi.waitUntil(() => proxy.connections === 0);
});
