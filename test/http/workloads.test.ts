import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import type { FollowEvent } from '../../src/core/workloads/committed-spans.ts';
import { EVERY_STATEMENT } from '../../src/core/workloads/statement-search.ts';
import type { LoggedStatement, StatementRecord } from '../../src/core/workloads/statements.ts';
import { STATEMENT_FORMATS } from '../../src/core/workloads/transfer.ts';
import type { StatementRequest } from '../../src/core/workloads/workload-service.ts';
import { compareCounters } from '../../src/source/mysql/counters/comparison.ts';
import { workloadFiles } from '../../src/workload/stored-workloads.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { RecordedCapture } from '../support/recorded-capture.ts';
import { recordedCapture } from '../support/recorded-captures.ts';
import { bothWays, outcomeOf, type BothWays } from '../support/same-over-http.ts';
import { SERVER, TestStore } from '../support/stores.ts';
import { statements } from '../workload/recorded.ts';

const clock = new ManualClock();
const test = new TestStore(clock);
const { store } = test;
const ada = test.user('ada');
const db = test.environment({ admin: [ada] }, { name: 'db', server: SERVER });
test.environment({ admin: [ada] }, { name: 'other' });
const shop = test.environment({ admin: [ada] }, { name: 'shop', server: SERVER });
const bare = test.environment({ admin: [ada] });
let both: BothWays;

const RAW = Buffer.from([0x53, 0xff, 0xfe]);
const ODD: readonly LoggedStatement[] = [
  ...statements(400),
  ...statements(4).map((one, n) => ({
    ...one,
    user: 'o,n\n&=é💥',
    sql: n === 0 ? 'S??' : `SELECT '${'é💥\u0000\u2028'.repeat(40_000)}'`,
    bytes: n === 0 ? RAW : null,
    flags: n === 0 ? (['lossy'] as const) : [],
  })),
];

beforeAll(async () => {
  both = await bothWays(test, ada, {
    workloads: () => Promise.resolve(workloadFiles(store)),
    compareCounters: () => Promise.resolve(compareCounters),
  });
  await recordedCapture(test, ada, db, { name: 'friday', statements: ODD });
  test.capture(ada, bare, { name: 'bare' });
});
afterAll(() => both.server.close());

async function bytesOf(run: AsyncGenerator<Uint8Array, unknown, void>): Promise<{
  bytes: Buffer;
  result: unknown;
  error: unknown;
}> {
  const { events, result, error } = await outcomeOf(run);
  return { bytes: Buffer.concat(events as Uint8Array[]), result, error };
}

const search = EVERY_STATEMENT;

describe('a workload over HTTP', () => {
  it.each<Partial<StatementRequest>>([
    {},
    { limit: 7 },
    { limit: 0 },
    { search: { ...search, users: ['o,n\n&=é💥', 'nobody'] } },
    { search: { ...search, texts: ['select 1', '9'], sessions: [10, 11], matchesCase: true } },
    { search: { ...search, texts: ['SELECT'], kinds: ['query', 'execute'], databases: ['sh*'] } },
    {
      search: {
        ...search,
        since: Date.parse('2026-11-22T01:00:00.100Z'),
        until: Date.parse('2026-11-22T01:00:00.200Z'),
        tables: ['orders'],
        hosts: ['web?'],
      },
    },
  ])('is what it is in the same process: %j', async (request) => {
    const { local, remote } = both;
    const here = await bytesOf(local.workloads.read(ada, 'friday', request));
    const there = await bytesOf(remote.workloads.read(ada, 'friday', request));
    expect(there.bytes.equals(here.bytes)).toBe(true);
    expect(there.error).toBeNull();

    const sql = await bytesOf(local.workloads.readSql(ada, 'friday', request));
    const far = await bytesOf(remote.workloads.readSql(ada, 'friday', request));
    expect(far.bytes.equals(sql.bytes)).toBe(true);
    expect(far.result).toEqual(sql.result);

    const records = await outcomeOf(local.workloads.records(ada, 'friday', request));
    const parsed = await outcomeOf(remote.workloads.records(ada, 'friday', request));
    const flat = ({ events }: { events: readonly unknown[] }): StatementRecord[] =>
      (events as StatementRecord[][]).flat();
    expect(flat(parsed)).toEqual(flat(records));
  });

  it.each<[string, Partial<StatementRequest>]>([
    ['none', {}],
    ['bare', {}],
    ['friday', { search: { ...search, texts: [''] } }],
    ['friday', { search: { ...search, kinds: ['wrong' as never] } }],
    ['friday', { search: { ...search, digests: ['xyz'] } }],
    ['friday', { search: { ...search, sessions: [-1] } }],
    ['friday', { search: { ...search, since: 0, until: 1 } }],
  ])('refuses what it refuses: %s %j', async (ref, request) => {
    const there = await bytesOf(both.remote.workloads.read(ada, ref, request));
    expect(there.error).toBeInstanceOf(AppError);
    expect(there).toEqual(await bytesOf(both.local.workloads.read(ada, ref, request)));
  });

  it('is followed by other clients, too: the head comes at once, whatever comes when', async () => {
    const { id } = test.capture(ada, db, { name: 'to follow' });
    const left = new AbortController();
    const response = await fetch(`${both.server.url}/api/captures/${id}/workload?follow=true`, {
      headers: { authorization: `Bearer ${both.secret}` },
      signal: left.signal,
    });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/x-ndjson');
    left.abort();
    const missing = await fetch(`${both.server.url}/api/captures/999999/workload?follow=true`, {
      headers: { authorization: `Bearer ${both.secret}` },
    });
    expect(missing.status).toBe(404);
  });

  it('is followed until the capture is over, with what happens meanwhile', async () => {
    const recording = new RecordedCapture(test, ada, 'live');
    const told: FollowEvent[][] = [[], []];
    const { signal } = new AbortController();
    const runs = [both.local, both.remote].map((api, index) =>
      bytesOf(
        api.workloads.read(ada, 'live', {
          follow: { signal, tell: (event) => void told[index]?.push(event) },
        }),
      ),
    );
    const until = async (isReached: () => boolean): Promise<void> => {
      while (!isReached()) {
        await clock.advance(100);
        await setImmediate();
      }
    };
    await until(() => told.every(({ length }) => length > 0));
    recording.become('RUNNING');
    await recording.record(statements(20));
    await until(() => told.every((events) => events.some(({ type }) => type === 'daemon_left')));
    await recording.record(statements(5));
    recording.become('DONE');
    await recording.close();
    await until(() => told.every((events) => events.some(({ type }) => type === 'over')));
    const [here, there] = await Promise.all(runs);
    expect(here?.bytes.toString().split('\n')).toHaveLength(26);
    expect(there?.bytes.equals(here?.bytes ?? RAW)).toBe(true);
    expect(told[1]).toEqual(told[0]);
  });

  it('ends with what the signal is aborted with, and the server stops reading', async () => {
    new RecordedCapture(test, ada, 'waiting');
    const leaving = new AbortController();
    const why = new Error('interrupted');
    const run = both.remote.workloads.read(ada, 'waiting', {
      follow: { signal: leaving.signal, tell: () => leaving.abort(why) },
    });
    await expect(bytesOf(run)).resolves.toMatchObject({ error: why });
  });

  it('stops reading where nobody takes more', async () => {
    for await (const chunk of both.remote.workloads.read(ada, 'friday')) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    expect(await both.remote.captures.get(ada, 'friday')).toMatchObject({ status: 'DONE' });
  });

  it('is sent as lines to other clients', async () => {
    const at = `${both.server.url}/api/captures/friday/workload?user=app&limit=2&session=10&session=11`;
    const response = await fetch(at, { headers: { authorization: `Bearer ${both.secret}` } });
    expect(response.headers.get('content-type')).toBe('application/x-ndjson');
    const lines = (await response.text()).trimEnd().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as StatementRecord).seq)).toEqual([1, 2]);
  });
});

describe('exports over HTTP', () => {
  it.each(STATEMENT_FORMATS)('as %s are what they are in the same process', async (format) => {
    const request = { search: { ...search, users: ['app'] }, limit: 50 };
    const here = await bytesOf(both.local.transfers.statements(ada, 'friday', format, request));
    const there = await bytesOf(both.remote.transfers.statements(ada, 'friday', format, request));
    expect(there.bytes.equals(here.bytes)).toBe(true);
    expect(there.result).toEqual(here.result);
    expect(await both.remote.transfers.exportable(ada, 'friday', format)).toEqual(
      await both.local.transfers.exportable(ada, 'friday', format),
    );
  });

  it('are refused as they are in the same process', async () => {
    for (const ref of ['none', 'bare', 'waiting']) {
      const [here, there] = [both.local, both.remote].map((api) =>
        bytesOf(api.transfers.archive(ada, ref)),
      );
      expect((await there)?.error).toBeInstanceOf(AppError);
      expect(await there).toEqual(await here);
    }
  });

  it('of a whole capture are imported, from here to there and back', async () => {
    const { local, remote } = both;
    const here = await bytesOf(local.transfers.archive(ada, 'friday'));
    const there = await bytesOf(remote.transfers.archive(ada, 'friday'));
    expect(there).toMatchObject({ error: null, result: undefined });
    expect(there.bytes.equals(here.bytes)).toBe(true);

    const { signal } = new AbortController();
    const archive = async function* (bytes: Buffer): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < bytes.length; at += 4_096) {
        await setImmediate();
        yield bytes.subarray(at, at + 4_096);
      }
    };
    const where = { environment: 'other', name: 'copy' };
    const imported = await outcomeOf(
      remote.transfers.import(ada, archive(there.bytes), where, signal),
    );
    expect(imported.error).toBeNull();
    expect(imported.events.at(0)).toMatchObject({ type: 'unpacked' });
    const again = await outcomeOf(
      local.transfers.import(ada, archive(there.bytes), { ...where, name: 'local' }, signal),
    );
    const { capture } = imported.result as { capture: object };
    expect(capture).toEqual(await local.captures.get(ada, 'other/copy'));
    const { origin, verification } = again.result as Record<string, object>;
    expect(imported.result).toMatchObject({
      origin,
      verification: { ...verification, folder: expect.any(String), took: expect.any(Number) },
    });
    const read = await bytesOf(remote.workloads.read(ada, 'other/copy'));
    const original = await bytesOf(local.workloads.read(ada, 'friday'));
    expect(read.bytes.equals(original.bytes)).toBe(true);

    for (const [name, bytes] of [
      ['copy', there.bytes],
      ['garbage', Buffer.alloc(1_000_000, 'x')],
      ['empty', Buffer.alloc(0)],
      ['cut', there.bytes.subarray(0, there.bytes.length - 3_000)],
      ['x'.repeat(65), there.bytes],
    ] as const) {
      const request = { environment: 'other', name };
      const [near, far] = [local, remote].map((api) =>
        outcomeOf(api.transfers.import(ada, archive(bytes), request, signal)),
      );
      expect((await far)?.error).toBeInstanceOf(AppError);
      // Its cause stays where it is.
      const { code, message, hint } = (await near)?.error as AppError;
      expect((await far)?.error).toEqual(new AppError(code, message, { hint }));
    }
    const names = await local.captures.named(ada, 'other/', null, 10);
    expect(names.map((one) => one.capture.name).toSorted()).toEqual(['copy', 'local']);
  });

  it('that are refused are not read to their end', async () => {
    let isOver = false;
    const endless = async function* (): AsyncGenerator<Uint8Array> {
      try {
        for (;;) {
          await setImmediate();
          yield Buffer.alloc(65_536);
        }
      } finally {
        isOver = true;
      }
    };
    const { signal } = new AbortController();
    const request = { environment: 'nowhere', name: null };
    const run = both.remote.transfers.import(ada, endless(), request, signal);
    expect((await outcomeOf(run)).error).toMatchObject({
      code: 'not_found',
      message: 'Environment does not exist',
    });
    await expect.poll(() => isOver).toBe(true);
  });

  it('whose reading fails here are told by that failure', async () => {
    const broken = async function* (): AsyncGenerator<Uint8Array> {
      yield await Promise.resolve(Buffer.alloc(512));
      throw new AppError('invalid', 'The file is gone');
    };
    const { signal } = new AbortController();
    const request = { environment: 'other', name: 'broken' };
    const run = both.remote.transfers.import(ada, broken(), request, signal);
    expect((await outcomeOf(run)).error).toMatchObject({ message: 'The file is gone' });
  });
});

describe('workloads without a capture over HTTP', () => {
  it("are for the store's administrators", async () => {
    const there = await both.remote.workloads.listOrphans(ada).catch((error: unknown) => error);
    expect(there).toEqual(
      await both.local.workloads.listOrphans(ada).catch((error: unknown) => error),
    );
    await expect(both.remote.workloads.removeOrphans(ada, [1])).rejects.toMatchObject({
      code: 'forbidden',
    });
    const row = store.users.insert({ name: 'root', isAdmin: true, passwordHash: 'x' }, 0);
    const root = { ...ada, userId: row.id, userName: 'root', isStoreAdmin: true };
    const { id } = await recordedCapture(test, ada, shop, { name: 'orphan' });
    store.captures.delete(id, ['DONE']);
    const asRoot = await bothWays(test, root, {
      workloads: () => Promise.resolve(workloadFiles(store)),
    });
    const orphans = await asRoot.remote.workloads.listOrphans(root);
    expect(orphans).toMatchObject([{ captureId: id }]);
    expect(orphans).toEqual(await asRoot.local.workloads.listOrphans(root));
    await asRoot.remote.workloads.removeOrphans(root, [id]);
    expect(await asRoot.local.workloads.listOrphans(root)).toEqual([]);
    await asRoot.server.close();
  });
});
