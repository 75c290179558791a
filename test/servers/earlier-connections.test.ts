import { afterAll, beforeAll, expect, test } from 'vitest';
import type { OwnConnection, SessionState } from '../../src/core/source.ts';
import { mysqlSource } from '../../src/source/mysql/mysql-source.ts';
import { startRecorderServer, type RecorderServer } from '../support/recorder-server.ts';

let server: RecorderServer;
beforeAll(async () => {
  server = await startRecorderServer();
});
afterAll(() => server.stop());

const idsOf = (sessions: readonly SessionState[] = []): number[] =>
  sessions.map(({ session }) => session);

test('a connection of a recorder of before is no session of a client, from the start on', async () => {
  const own: OwnConnection[] = [];
  const earlier = await mysqlSource.open(server.address, 'store-1', (one) => void own.push(one));
  const client = await server.admin();
  const log = await server.open();
  await log.lock([]);
  log.attach({
    id: 1,
    nonce: 'nonce',
    settings: await log.readSettings(),
    readUpTo: 0,
    own,
    known: { warmSince: null, changedForRecycling: false, isRecycling: false },
  });

  const { fresh } = await log.start({ provenSince: null, unattendedMs: null });
  const cut = await log.cut(true);
  for (const sessions of [fresh?.sessions, cut.is === 'cut' ? cut.edge?.sessions : []]) {
    expect(idsOf(sessions)).toContain(client.threadId);
    expect(idsOf(sessions)).not.toContain(earlier.connectionId);
  }

  await log.stop();
  await earlier.close();
  await client.end();
});
