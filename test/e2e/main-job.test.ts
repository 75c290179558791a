import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { totalOf } from '../../scripts/load-client.ts';
import { endStarted, eventually } from '../support/processes.ts';
import {
  differences,
  NO_DIFFERENCES,
  recordsOf,
  startShopServer,
  tagsIn,
  type ShopServer,
} from './shop-server.ts';
import type { Manifest } from '../../src/core/workloads/workload.ts';
import { expectRefusal, Workplace } from './workplace.ts';

let server: ShopServer;
let place: Workplace;
let before: Record<string, unknown>;
beforeAll(async () => {
  server = await startShopServer();
  place = await Workplace.at(server);
  before = await server.settings();
});
afterAll(async () => {
  await place.close();
  await endStarted();
  await server.stop();
});

test('env check says what the recorder needs and that nothing is missing', async () => {
  const { stdout } = await place.ok(['env', 'check', 'shop', '--json']);
  const report = JSON.parse(stdout) as { privileges: { state: string }[] };
  expect(new Set(report.privileges.map(({ state }) => state))).toEqual(new Set(['present']));
  expect(await server.settings()).toEqual(before);
});

test('a capture with a background daemon records every statement once, in order, with values', async () => {
  const created = await place.ok(['create', 'whole', '--env', 'shop', '--json']);
  expect(JSON.parse(created.stdout)).toMatchObject({ status: 'RUNNING', name: 'whole' });
  const load = await server.startLoad({ connections: 8 });
  // A RUNNING capture can be read up to what is committed.
  await eventually('something is committed', async () => {
    const { stdout } = await place.ok(['workload', 'whole', '--limit', '100']);
    return stdout.split('\n').length > 100;
  });
  // Commands that look at the server meanwhile are ours, and in nobody's record.
  await place.ok(['env', 'check', 'shop']);
  await place.ok(['create', 'looked at', '--env', 'shop', '--plan']);
  const report = await load.stop();
  const stopped = await place.ok(['stop', 'whole', '--json']);
  expect(JSON.parse(stopped.stdout)).toMatchObject({ status: 'DONE', reason: null });
  expect(await server.settings()).toEqual(before);
  await place.whenQuiet();

  const records = await recordsOf(place, 'whole');
  expect(differences(records, [{ prefix: 'tag', report }])).toEqual(NO_DIFFERENCES);
  expect(records.map(({ seq }) => seq)).toEqual(records.map((_, index) => index + 1));
  expect(records.filter(({ user }) => user === 'recorder')).toEqual([]);
  const mine = records.filter(({ user }) => user === 'app');
  expect(mine.length).toBe(totalOf(report));
  for (const kind of ['connect', 'prepare', 'execute', 'close', 'quit'] as const) {
    expect({ kind, n: mine.filter((r) => r.kind === kind).length }).toEqual({
      kind,
      n: report.sent[kind],
    });
  }
  expect(new Set(mine.map(({ db }) => db))).toEqual(new Set(['shop']));
  const bought = mine.find(({ kind, sql }) => kind === 'execute' && sql.startsWith('INSERT'));
  expect(bought?.sql).toMatch(/VALUES \(\d+, ?\d+, ?\d+, ?'tag-\d+-\d+'\)/);
  expect(mine.some(({ kind, sql }) => kind === 'prepare' && sql.includes('(?, ?, ?, ?)'))).toBe(
    true,
  );
});

test('its manifest is complete, and true of its file', async () => {
  const { id, workload } = await place.get('whole');
  const folder = join(place.home, 'captures', String(id));
  const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as Manifest;
  expect(manifest).toMatchObject({ complete: true, gaps: [] });
  expect(manifest.counters.records).toBe(workload?.records);
  expect(readdirSync(folder).sort()).toEqual(['manifest.json', 'segment-000001.ndjson.zst']);
  const file = readFileSync(join(folder, 'segment-000001.ndjson.zst'));
  const sha256 = createHash('sha256').update(file).digest('hex');
  expect(manifest.segments).toMatchObject([{ bytes: file.length, sha256 }]);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(statSync(join(folder, 'segment-000001.ndjson.zst')).mode & 0o777).toBe(0o600);
  // The SQL format leaves nothing out.
  const sql = await place.ok(['workload', 'whole', '--format', 'sql']);
  expect(sql.stdout.match(/tag-\d+-\d+/g)?.length).toBe(
    tagsIn(await recordsOf(place, 'whole')).length,
  );
});

test('it is verified: whole, also by the server’s own counters', async () => {
  const { status, stdout } = await place.captures(['verify', 'whole', '--json']);
  const { verdict, whole, recorded, received, unparsed } = JSON.parse(stdout) as {
    verdict: string;
    unparsed: { min: number; max: number };
    whole: boolean;
    recorded: number;
    received: { min: number; max: number };
  };
  expect({ status, whole, verdict }).toEqual({
    status: 0,
    whole: true,
    verdict: 'whole',
  });
  expect(recorded).toBeGreaterThanOrEqual(received.min);
  expect(recorded).toBeLessThanOrEqual(received.max);
  // MySQL would count a statement of ours that it cannot parse, and nobody could tell whose it was.
  expect(unparsed).toEqual({ min: 0, max: 0 });
});

test('a reader that closes the pipe early is no error', async () => {
  for (const line of [
    'captures workload whole | head -1',
    'captures workload whole --format sql | head -1',
    'captures list | head -c 1',
  ]) {
    const { status, stderr } = await place.shell(line);
    expect({ line, status, stderr }).toEqual({ line, status: 0, stderr: '' });
  }
});

test('a stopped capture cannot be stopped again', async () => {
  expectRefusal(
    await place.captures(['stop', 'whole']),
    6,
    'This capture has already been stopped',
  );
});

test('create with a command records as long as it runs, and passes its output and status on', async () => {
  const script = 'echo out; echo err >&2; cat; exit 7';
  const outcome = await place.captures(
    ['create', 'command', '--env', 'shop', '--', 'sh', '-c', script],
    { input: 'from stdin\n' },
  );
  expect(outcome).toMatchObject({ status: 7, stdout: 'out\nfrom stdin\n' });
  expect(outcome.stderr).toContain('err\n');
  expect(await place.get('command')).toMatchObject({ status: 'DONE' });

  const client = `mysql2-client`;
  const query = `import('mysql2/promise').then(async ({createConnection}) => {
    const c = await createConnection({port: ${server.port}, user: 'app', password: 'sh0p', host: '127.0.0.1'});
    await c.query('SELECT 1 /* ${client} */'); await c.end(); })`;
  const good = await place.captures(
    ['create', 'client', '--env', 'shop', '--', process.execPath, '-e', query],
    { cwd: join(import.meta.dirname, '../..') },
  );
  expect(good).toMatchObject({ status: 0, stdout: '' });
  const recorded = await recordsOf(place, 'client');
  expect(recorded.map(({ kind }) => kind)).toEqual(['connect', 'query', 'quit']);
  expect(recorded[1]?.sql).toBe(`SELECT 1 /* ${client} */`);

  const missing = await place.captures([
    'create',
    'none',
    '--env',
    'shop',
    '--',
    '/no/such/program',
  ]);
  expect(missing.status).not.toBe(0);
  await place.whenQuiet();
  expect(await server.settings()).toEqual(before);
});

test('deleting a RUNNING capture leaves nothing switched on and no file', async () => {
  await place.ok(['create', 'doomed', '--env', 'shop']);
  const { id } = await place.get('doomed');
  const load = await server.startLoad();
  expectRefusal(await place.captures(['delete', 'doomed']), 2, /--yes/);
  await place.ok(['delete', 'doomed', '--yes']);
  expect(await server.settings()).toEqual(before);
  await load.stop();
  expectRefusal(await place.captures(['get', 'doomed']), 3, 'Capture not found');
  expect(readdirSync(join(place.home, 'captures'))).not.toContain(String(id));
  await place.whenQuiet();
});
