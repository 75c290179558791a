import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { committedPosition } from '../../src/core/workloads/committed.ts';
import { workloadFolder } from '../../src/workload/deleted-workloads.ts';
import type { StatementRecord } from '../../src/core/workloads/statements.ts';
import { readRecords } from '../../src/workload/workload-reader.ts';
import { startRecorderServer, type RecorderServer } from '../support/recorder-server.ts';
import { endRecordings, Recording } from './recording.ts';

const MIB = 1024 * 1024;
/** What a column of MySQL's log takes. */
const MYSQL_TEXT = 16 * MIB - 1;

let server: RecorderServer;
beforeAll(async () => {
  server = await startRecorderServer({ options: ['--max-allowed-packet=128M'] });
});
afterAll(() => server.stop());
afterEach(endRecordings);

async function recordsOf(recording: Recording): Promise<StatementRecord[]> {
  const { store } = recording.test;
  const position = committedPosition(store.recordings.find(recording.id));
  const records: StatementRecord[] = [];
  for await (const some of readRecords(workloadFolder(store, recording.id), position)) {
    records.push(...some.filter(({ sql }) => sql.startsWith('SELECT LENGTH(')));
  }
  return records;
}

test('long statements between short ones are whole, up to where they are cut, and in order', async () => {
  const isMysql = server.family === 'mysql';
  const longest = isMysql ? MYSQL_TEXT : 65 * MIB;
  const recording = new Recording(server);
  await recording.until('RUNNING');
  const client = await server.admin();
  const texts = [
    "SELECT LENGTH('before')",
    `SELECT LENGTH('${'z'.repeat(longest + 5)}')`,
    "SELECT LENGTH('between')",
    `SELECT LENGTH('${'héé;'.repeat(MIB / 2)}'); SELECT 2`,
    `SELECT LENGTH('${'x'.repeat(2 * MIB)}'), @my_password := 'cAnArY'`,
    `SELECT LENGTH('${'y'.repeat(MIB / 2)}'), @my_password := 'cAnArY'`,
    "SELECT LENGTH('behind')",
  ];
  for (const text of texts) await client.query(text);
  await client.query('SELECT LENGTH(?)', [1]);
  await client.execute('SELECT LENGTH(?)', [Buffer.alloc(3 * MIB, 0xff)]);
  await client.end();
  await recording.stop();

  const records = await recordsOf(recording);
  const [before, cut, between, several, secret, shortSecret, behind] = records;
  expect([before?.sql, between?.sql, behind?.sql]).toEqual([texts[0], texts[2], texts[6]]);
  expect(cut?.sql.length).toBe(longest);
  expect(cut?.sql === texts[1]?.slice(0, longest)).toBe(true);
  expect(cut?.flags).toEqual(['partial']);
  // MySQL logs each statement of a text in a row of its own.
  const all = isMysql ? texts[3]?.replace(' SELECT 2', '') : texts[3];
  expect(several?.sql === all).toBe(true);
  expect(several?.flags).toBeUndefined();
  expect(secret?.sql).toBe(texts[4]?.replace("@my_password := 'cAnArY'", ''));
  expect(secret?.flags).toEqual(['partial', 'redacted']);
  expect(shortSecret?.sql).toBe(texts[5]?.replace('cAnArY', '<redacted>'));
  expect(records.at(-1)?.sql.length).toBeGreaterThan(3 * MIB);
  expect((await recording.verify()).files.damage).toEqual([]);
});
