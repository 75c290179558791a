import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { oddSessions } from './odd-commands.ts';
import { COMMAND, command, int32, sendRaw } from './raw-client.ts';
import { startRecorderServer, type RecorderServer } from '../support/recorder-server.ts';
import { endRecordings, Recording } from './recording.ts';

let server: RecorderServer;
beforeAll(async () => {
  server = await startRecorderServer({ options: ['--log-bin-trust-function-creators=ON'] });
  const admin = await server.admin();
  await admin.query('CREATE DATABASE odd');
  await admin.end();
});
afterAll(() => server.stop());
afterEach(endRecordings);

let number = 0;

/** Every odd session once, four at a time; some end without a good-bye. */
async function storm(): Promise<void> {
  const sessions = [...oddSessions(server.family, number++)];
  const client = async (): Promise<void> => {
    for (let next = sessions.pop(); next !== undefined; next = sessions.pop()) {
      // Those of the server's own that it ends, or that end it, are cut.
      await sendRaw(server, next[1], { isPolite: sessions.length % 3 !== 0 }).catch(
        () => undefined,
      );
    }
  };
  await Promise.all(Array.from({ length: 4 }, client));
}

test('a record of everything odd is whole', async () => {
  const recording = new Recording(server);
  await recording.until('RUNNING');
  for (let i = 0; i < 5; i++) await storm();
  await recording.stop();
  const { result } = await recording.verify();
  expect(result.problems).toEqual([]);
  const { recorded, received } = result;
  expect(recorded).toBeGreaterThan(500);
  expect(received?.min).toBeLessThanOrEqual(recorded ?? 0);
  expect(received?.max).toBeGreaterThanOrEqual(recorded ?? 0);
});

test('a record is whole to within the commands that the server counts and does not run', async () => {
  const recording = new Recording(server);
  await recording.until('RUNNING');
  const unknown = command(COMMAND.execute, int32(77), Buffer.from([0]), int32(1));
  const texts = ['SET ROLE NONE', 'SET @a = 1', 'SELECT /*+ NONESUCH() */ 1'];
  await sendRaw(server, [
    ...Array<Buffer>(100).fill(unknown),
    ...texts.flatMap((text) => Array<Buffer>(50).fill(command(COMMAND.query, text))),
  ]);
  await recording.stop();
  const { result } = await recording.verify();
  expect(result).toMatchObject({ whole: true, missing: 0 });
  expect(result.missingAtMost).toBeGreaterThanOrEqual(100);
  // MySQL has threads of its own that run at times.
  expect(result.missingAtMost).toBeLessThanOrEqual(105);
  expect(result.line).toMatch(/^WHOLE to within 10\d commands: /);
  expect(result.notes.join()).toContain('need not have been run as a statement');
});

test('statements that are not logged amidst what is odd lie within the bounds', async () => {
  const recording = new Recording(server);
  await recording.until('RUNNING');
  await storm();
  const silent = Array.from({ length: 500 }, (_, i) => command(COMMAND.query, `SELECT ${i}`));
  await sendRaw(server, [command(COMMAND.query, 'SET sql_log_off = 1'), ...silent]);
  await storm();
  await recording.stop();
  const { result } = await recording.verify();
  expect(result.verdict).toBe('not_whole');
  expect(result.missing).toBeGreaterThan(300);
  expect(result.missing).toBeLessThanOrEqual(500);
  expect(result.missingAtMost).toBeGreaterThanOrEqual(500);
});
