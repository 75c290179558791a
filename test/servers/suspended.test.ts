import type { Connection } from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { committedPosition } from '../../src/core/workloads/committed.ts';
import { workloadFolder } from '../../src/daemon/recorder.ts';
import { readWorkload } from '../../src/workload/workload-reader.ts';
import { endRecordings, Recording } from './recording.ts';
import {
  rowsOf,
  startRecorderServer,
  stateOf,
  tagsIn,
  type RecorderServer,
} from '../support/recorder-server.ts';
import { waitUntil } from '../support/waiting.ts';

let server: RecorderServer;
let admin: Connection;
beforeAll(async () => {
  server = await startRecorderServer();
  admin = await server.admin();
  await admin.query('SET SESSION sql_log_off = 1');
});
afterEach(endRecordings);
afterAll(async () => {
  await admin.end();
  await server.stop();
});

const MEGABYTE = 'x'.repeat(1024 * 1024);

/** Ids of connections of the recorder's; of those that read a frozen table only. */
async function recorders(reading = false): Promise<number[]> {
  const rows = await rowsOf(admin, 'SHOW PROCESSLIST');
  return rows
    .filter((row) => row['User'] === 'recorder')
    .filter((row) => !reading || /^SELECT .* FROM captures\.log_/s.test(String(row['Info'])))
    .map((row) => Number(row['Id']));
}

async function recordedTags(recording: Recording): Promise<string[]> {
  const { store } = recording.test;
  const position = committedPosition(store.recordings.find(recording.id));
  const chunks: Buffer[] = [];
  for await (const chunk of readWorkload(workloadFolder(store.directory, recording.id), position)) {
    chunks.push(chunk);
  }
  return tagsIn(Buffer.concat(chunks).toString().split('\n'));
}

test('a daemon that was suspended in the middle of a read is taken over from, and does no harm when it goes on', async () => {
  const before = await stateOf(admin);
  const recording = new Recording(server, {}, { isKilled: true });
  await recording.until('RUNNING');
  const sent: string[] = [];
  const client = await server.admin();
  const send = async (text = ''): Promise<void> => {
    sent.push(`tag-0-${sent.length}-`);
    await client.query(`SELECT '${sent.at(-1) ?? ''}', '${text}'`);
  };
  // Of this much in one table far more is left to read than what sockets hold.
  let reader: number | undefined;
  while (reader === undefined) {
    for (let i = 0; i < 24; i++) await send(MEGABYTE);
    const deadline = performance.now() + 600;
    while (reader === undefined && performance.now() < deadline) [reader] = await recorders(true);
    if (reader !== undefined && !(await recording.suspend())) reader = undefined;
  }
  const suspended = await recorders();
  expect(suspended).toContain(reader);

  recording.startDaemon();
  await waitUntil(async () => {
    await send();
    return (await recorders()).every((id) => !suspended.includes(id));
  });
  await recording.untilEvent(/^log tapped/);
  recording.wake();
  await recording.untilSent(20);
  await send();
  await recording.stop();
  await client.end();

  expect(await recordedTags(recording)).toEqual(sent);
  expect(recording.test.store.recordings.find(recording.id)?.facts ?? '').not.toContain('"cause"');
  expect(recording.events.filter((event) => event.startsWith('recording interrupted'))).toEqual([]);
  expect(await stateOf(admin)).toEqual(before);
});
