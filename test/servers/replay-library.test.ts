import { createConnection } from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { openCaptures, type ReplayEvent } from '../../src/index.ts';
import { rowsOf, startRecorderServer, type RecorderServer } from '../support/recorder-server.ts';
import { endRecordings, Recording } from './recording.ts';

let server: RecorderServer;
beforeAll(async () => {
  server = await startRecorderServer();
  const admin = await server.admin();
  await admin.query(
    "CREATE DATABASE shop; CREATE TABLE shop.t (a INT); CREATE USER app@'127.0.0.1'; GRANT ALL ON *.* TO app@'127.0.0.1'",
  );
  await admin.end();
});
afterAll(() => server.stop());
afterEach(endRecordings);

it('a program replays a capture, and reads what came of it', async () => {
  const recording = new Recording(server);
  await recording.until('RUNNING');
  const client = await createConnection({ host: '127.0.0.1', port: server.port, user: 'app' });
  await client.query('INSERT INTO shop.t VALUES (1)');
  await client.end();
  await recording.stop();
  const { store } = recording.test;

  const captures = await openCaptures({ store: store.directory, user: 'alice' });
  await captures.api.environments.create(captures.actor, {
    name: 'copy',
    server: { url: `mysql://app@127.0.0.1:${server.port}` },
  });
  const asked = { to: 'copy', speed: null, writes: true };
  const replaying = captures.replay(recording.id, asked);
  // It is the server that was recorded: its name has to be given.
  await expect(replaying).rejects.toMatchObject({ code: 'conflict' });
  const seen: ReplayEvent['type'][] = [];
  const { result, capture } = await captures.replay(recording.id, {
    ...asked,
    confirm: 'copy',
    onEvent: ({ type }) => void seen.push(type),
  });
  expect(capture).toMatchObject({ type: 'REPLAY', status: 'DONE' });
  expect(result).toMatchObject({ failed: {}, ended: { why: 'complete' } });
  expect(result.statements.sent).toBe(1);
  expect(seen).toContain('planned');
  const { replayed } = await captures.api.captures.get(captures.actor, String(capture.id));
  expect(replayed).toMatchObject({ sent: result.sent, failed: 0 });
  const admin = await server.admin();
  expect(await rowsOf(admin, 'SELECT a FROM shop.t')).toEqual([{ a: 1 }, { a: 1 }]);
  await admin.end();
  await captures.close();
});
