import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Actor } from '../../src/core/access.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { CaptureStatus } from '../../src/core/captures/capture.ts';
import type { Environment } from '../../src/core/environments/environment.ts';
import type { ListedCapture } from '../../src/core/store.ts';
import { committedPosition } from '../../src/core/workloads/committed.ts';
import { workloadFolder } from '../../src/daemon/recorder.ts';
import { mysqlSource } from '../../src/source/mysql/mysql-source.ts';
import { readWorkload } from '../../src/workload/workload-reader.ts';
import { startDaemon, type RunningDaemon } from '../daemon/daemons.ts';
import { serverState } from '../support/recording-bench.ts';
import { startServer, type DatabaseServer } from '../support/database-server.ts';
import { SERVER, TestStore } from '../support/stores.ts';
import { waitUntil } from '../support/waiting.ts';

/** Servers with one host name, one port and one data folder, as pods of two clusters have them. */
let folder: string;
let servers: DatabaseServer[];
let bench: TestStore;
let daemon: RunningDaemon;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'captures-twins-'));
  mkdirSync(join(folder, 'data'));
  servers = [];
  bench = new TestStore(systemClock);
  daemon = startDaemon(bench.store.directory, systemClock, { source: mysqlSource });
});
afterEach(async () => {
  await daemon.leave();
  for (const server of servers) await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function twin(copyOf?: string): Promise<DatabaseServer> {
  const options = {
    twinAt: join(folder, 'data'),
    ...(copyOf === undefined ? {} : { copyOf }),
  };
  const server = await startServer(options);
  servers.push(server);
  return server;
}

/** A copy of a server's disk, with its uuid: it dies and comes back for that. */
async function diskOf(server: DatabaseServer): Promise<string> {
  const copy = join(folder, 'copy');
  await server.kill();
  execFileSync('cp', ['-a', server.dataDir, copy]);
  await server.restart();
  return copy;
}

/** An environment of its own for a server, with a member who is one of no other. */
function place(server: DatabaseServer, name: string): { owner: Actor; environment: Environment } {
  const { port, socket } = server;
  const owner = bench.user(`owner of ${name}`);
  const address = { ...SERVER, user: 'root', host: 'localhost', port, socket };
  return { owner, environment: bench.environment({ admin: [owner] }, { name, server: address }) };
}

function begin({ owner, environment }: ReturnType<typeof place>): ListedCapture {
  return bench.capture(owner, environment);
}

async function until(id: number, status: CaptureStatus): Promise<ListedCapture> {
  return waitUntil(() => {
    const capture = bench.store.captures.find(id);
    if (capture?.status === 'FAILED' && status !== 'FAILED') {
      throw new Error(`FAILED: ${capture.reason}; ${daemon.details.join('; ')}`);
    }
    return capture?.status === status ? capture : null;
  });
}

/** The tags of statements that a capture recorded, in their order. */
async function tagsOf(id: number): Promise<string[]> {
  const position = committedPosition(bench.store.recordings.find(id));
  const chunks: Buffer[] = [];
  const dir = workloadFolder(bench.store.directory, id);
  for await (const chunk of readWorkload(dir, position)) chunks.push(chunk);
  return Array.from(
    Buffer.concat(chunks)
      .toString()
      .matchAll(/tag-\w+-\d+/g),
    ([tag]) => tag,
  );
}

/** Sends so many tagged statements. */
async function send(server: DatabaseServer, name: string, from: number, to: number): Promise<void> {
  const client = await server.admin();
  for (let i = from; i < to; i++) await client.query(`SELECT 'tag-${name}-${i}'`);
  await client.end();
}

function tags(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `tag-${name}-${i}`);
}

async function untilRecorded(id: number, count: number): Promise<void> {
  let found: readonly string[] = [];
  const isThere = async (): Promise<boolean> => (found = await tagsOf(id)).length >= count;
  await waitUntil(isThere).catch((error: unknown) => {
    const troubles = bench.store.taps.list().map(({ trouble }) => trouble?.reason ?? 'none');
    const said = [...daemon.details, ...troubles].join('; ');
    throw new Error(`${found.length} of ${count}, ${found.at(-1)} last; ${said}`, { cause: error });
  });
}

test('two servers that call themselves the same are recorded apart, also after the daemon died', async () => {
  const production = await twin();
  const staging = await twin(await diskOf(production));
  const places = [place(production, 'production'), place(staging, 'staging')] as const;
  const keys = await Promise.all(
    places.map(async ({ environment }) => {
      const { server } = environment;
      if (server === null) throw new Error('no server');
      return (await mysqlSource.inspect(server, bench.store.id)).server.key;
    }),
  );
  expect(keys[0]).toBe(keys[1]);
  const before = [await serverState(production), await serverState(staging)];

  const [one, other] = [begin(places[0]), begin(places[1])];
  await until(one.id, 'RUNNING');
  await until(other.id, 'RUNNING');
  await Promise.all([send(production, 'p', 0, 300), send(staging, 's', 0, 200)]);
  await untilRecorded(one.id, 300);
  // As kill -9 leaves it: the next daemon finds rows and frozen tables.
  await daemon.leave();
  await Promise.all([send(production, 'p', 300, 400), send(staging, 's', 200, 300)]);
  daemon = startDaemon(bench.store.directory, systemClock, { source: mysqlSource });
  await untilRecorded(one.id, 400);
  await untilRecorded(other.id, 300);
  for (const [{ id }, { owner }] of [
    [one, places[0]],
    [other, places[1]],
  ] as const) {
    bench.captures.requestStop(owner, String(id));
    await until(id, 'DONE');
  }
  expect(await tagsOf(one.id)).toEqual(tags('p', 400));
  expect(await tagsOf(other.id)).toEqual(tags('s', 300));
  expect([await serverState(production), await serverState(staging)]).toEqual(before);
});

test('a copy of the disk of a server that is recorded is neither recorded as it nor touched', async () => {
  const production = await twin();
  const main = place(production, 'production');
  const capture = begin(main);
  await until(capture.id, 'RUNNING');
  await send(production, 'p', 0, 50);
  await untilRecorded(capture.id, 50);
  const copy = await twin(await diskOf(production));
  const before = await serverState(copy);
  const side = place(copy, 'copy');
  const refused = begin(side);
  const { reason } = await until(refused.id, 'FAILED');
  expect(reason).toContain('or a copy of its disk');
  expect(await serverState(copy)).toEqual(before);
  await send(production, 'p', 50, 100);
  await send(copy, 'c', 0, 50);
  await untilRecorded(capture.id, 100);
  bench.captures.requestStop(main.owner, String(capture.id));
  await until(capture.id, 'DONE');
  expect(await tagsOf(capture.id)).toEqual(tags('p', 100));
});

test('one server under two names is one: two environments share its tap', async () => {
  const server = await twin();
  const places = [place(server, 'socket'), place(server, 'again')] as const;
  const captures = [begin(places[0]), begin(places[1])] as const;
  for (const { id } of captures) await until(id, 'RUNNING');
  await send(server, 'p', 0, 100);
  for (const [index, { id }] of captures.entries()) {
    await untilRecorded(id, 100);
    bench.captures.requestStop(places[index === 0 ? 0 : 1].owner, String(id));
    await until(id, 'DONE');
    expect(await tagsOf(id)).toEqual(tags('p', 100));
  }
  expect(bench.store.taps.list()).toEqual([]);
});
