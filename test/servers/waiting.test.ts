import type { Connection } from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { workloadFolder } from '../../src/workload/deleted-workloads.ts';
import { reasonOf } from '../../src/core/captures/capture.ts';
import { readManifest, readablePosition } from '../../src/workload/manifest.ts';
import { readWorkload } from '../../src/workload/workload-reader.ts';
import { recorderGrants } from '../support/recorder-grants.ts';
import { endRecordings, Recording } from './recording.ts';
import { startRecorderServer, stateOf, type RecorderServer } from '../support/recorder-server.ts';
import { waitUntil } from '../support/waiting.ts';

let server: RecorderServer;
let admin: Connection;
let before: unknown;
beforeAll(async () => {
  server = await startRecorderServer();
  admin = await server.admin();
  before = await stateOf(admin);
});
afterEach(endRecordings);
afterAll(async () => {
  await admin.end();
  await server.stop();
});

const ACCOUNT = "recorder@'%'";

/** Ends the recorder's connections: what was granted when they came counts for them no more. */
async function endConnections(): Promise<void> {
  const [rows] = await admin.query(
    "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'recorder'",
  );
  for (const { ID } of rows as { ID: number }[]) {
    await admin.query(`KILL ${ID}`).catch(() => undefined);
  }
}

interface Obstacle {
  readonly name: string;
  /** Puts it in the way; what it returns takes it away. */
  readonly put: () => Promise<() => Promise<void>>;
  readonly says: RegExp;
}

const OBSTACLES: readonly Obstacle[] = [
  {
    name: 'holds FLUSH TABLES WITH READ LOCK',
    async put() {
      const holder = await server.admin();
      await holder.query('FLUSH TABLES WITH READ LOCK');
      return () => holder.end();
    },
    says: /locked by/,
  },
  {
    name: 'locked the account',
    async put() {
      await admin.query(`ALTER USER ${ACCOUNT} ACCOUNT LOCK`);
      await endConnections();
      return async () => {
        await admin.query(`ALTER USER ${ACCOUNT} ACCOUNT UNLOCK`);
      };
    },
    says: /is locked/,
  },
  {
    name: 'revoked every privilege',
    async put() {
      await admin.query(`REVOKE ALL PRIVILEGES, GRANT OPTION FROM ${ACCOUNT}`);
      await endConnections();
      return async () => {
        for (const grant of recorderGrants(server.family, ACCOUNT)) await admin.query(grant);
      };
    },
    says: /denied|lacks/i,
  },
];

it.each(OBSTACLES)(
  'a capture that is stopped while somebody $name waits, and loses nothing',
  async ({ put, says }) => {
    const recording = new Recording(server);
    const { store, captures } = recording.test;
    await recording.until('RUNNING');
    const client = await server.admin();
    let sent = 0;
    const send = async (): Promise<void> => {
      await client.query(`SELECT 'tag-${sent++}'`);
    };
    for (let i = 0; i < 10; i++) await send();
    const remove = await put();
    await send();
    captures.requestStop(recording.alice, String(recording.id));
    await waitUntil(() => {
      const capture = store.captures.find(recording.id);
      return capture?.status === 'STOPPING' && says.test(reasonOf(capture) ?? '');
    });
    await send();
    await remove();
    await recording.until('DONE');
    await client.end();
    const { result } = await recording.verify();
    expect(result.problems).toEqual([]);
    expect(store.captures.find(recording.id)?.records).toBeGreaterThanOrEqual(sent);
    await waitUntil(() => store.taps.list().length === 0);
    expect(await stateOf(admin)).toEqual(before);
  },
);

it.each([
  'DROP DATABASE captures',
  'DROP TABLE captures.captures_marker',
  'DELETE FROM captures.captures_marker',
])('%s in the middle is put right, and the server restored all the same', async (sql) => {
  const recording = new Recording(server);
  await recording.until('RUNNING');
  await recording.untilSent(40);
  await admin.query(sql);
  await recording.untilEvent(/^recording continues/);
  await admin.query("SELECT 'behind it'");
  await recording.stop();
  await waitUntil(() => recording.test.store.taps.list().length === 0);
  expect(await stateOf(admin)).toEqual(before);
  const folder = workloadFolder(recording.test.store, recording.id);
  const manifest = await readManifest(folder);
  const chunks: Buffer[] = [];
  for await (const chunk of readWorkload(folder, readablePosition(manifest))) chunks.push(chunk);
  expect(Buffer.concat(chunks).toString()).toContain("SELECT 'behind it'");
  // What was frozen is in the schema.
  expect(manifest.gaps.length).toBeLessThanOrEqual(sql.startsWith('DROP DATABASE') ? 1 : 0);
});

it('a server that cannot be restored is said not to be, and is restored when it can be', async () => {
  const recording = new Recording(server);
  const { store, captures } = recording.test;
  await recording.until('RUNNING');
  await admin.query(`REVOKE ALL PRIVILEGES, GRANT OPTION FROM ${ACCOUNT}`);
  await endConnections();
  await waitUntil(() => store.taps.list()[0]?.trouble != null);
  captures.giveUp(recording.alice, String(recording.id));
  await recording.untilEvent(/^server not restored/);
  expect(recording.events.join()).not.toContain('server restored');
  for (const grant of recorderGrants(server.family, ACCOUNT)) await admin.query(grant);
  await waitUntil(() => store.taps.list().length === 0);
  expect(await stateOf(admin)).toEqual(before);
});
