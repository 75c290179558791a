import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { WorkloadCounters } from '../../src/workload/counters.ts';
import {
  MANIFEST_FILE,
  readablePosition,
  readManifest,
  writeManifest,
  type ManifestContent,
} from '../../src/workload/manifest.ts';
import type { CountersState } from '../../src/core/workloads/workload.ts';
import { aStatement, statements, workloadFolder } from './statements.ts';

function aManifest(about: Partial<ManifestContent> = {}): ManifestContent {
  return {
    program: { name: 'captures', version: '0.1.0' },
    complete: false,
    capture: { id: 4, name: 'friday' },
    environment: { id: 2, name: 'shop' },
    server: { flavor: 'mariadb', version: '10.11.9', uuid: null, hostname: 'db1', port: 3306 },
    settingsBefore: { generalLog: false, logOutput: 'FILE', slowLog: false, tableEngine: 'CSV' },
    start: { time: '2026-11-22T02:00:00.000000Z', generation: 1, gtid: '0-1-12' },
    end: null,
    sessionsAtStart: [{ session: 7, user: 'app', host: 'h', db: 'shop' }],
    sessionsAtEnd: null,
    transactionsAtStart: [{ session: 7, since: null }],
    transactionsAtEnd: null,
    segments: [],
    counters: new WorkloadCounters().counts(),
    gaps: [],
    warnings: [],
    ...about,
  };
}

async function aFolder(): Promise<string> {
  const dir = await workloadFolder();
  await mkdir(dir);
  return dir;
}

describe('a manifest', () => {
  test('comes back as it was written, beside nothing else, readable by its owner alone', async () => {
    const dir = await aFolder();
    await writeManifest(dir, aManifest());
    await writeManifest(dir, aManifest({ complete: true, warnings: ['one'] }));
    expect(await readManifest(dir)).toEqual({
      format: 'captures-workload',
      formatVersion: 1,
      ...aManifest({ complete: true, warnings: ['one'] }),
    });
    expect(await readdir(dir)).toEqual([MANIFEST_FILE]);
    expect((await stat(join(dir, MANIFEST_FILE))).mode & 0o777).toBe(0o600);
  });

  test('is whole at every moment while it is replaced', async () => {
    const dir = await aFolder();
    await writeManifest(dir, aManifest());
    const writing = (async () => {
      for (let i = 0; i < 40; i++) {
        await writeManifest(dir, aManifest({ warnings: Array<string>(i * 50).fill('w') }));
      }
      return 'written' as const;
    })();
    let reads = 0;
    while ((await Promise.race([writing, readManifest(dir)])) !== 'written') reads++;
    expect(reads).toBeGreaterThan(0);
  });

  test('says how far the workload can be read', async () => {
    const facts = { records: 1, text: 9, firstTime: null, lastTime: null, sha256: '' };
    const segments = [
      { ...facts, segment: 1, file: 'segment-000001.ndjson.zst', bytes: 10 },
      { ...facts, segment: 2, file: 'segment-000002.ndjson.zst', bytes: 20 },
    ];
    const dir = await aFolder();
    await writeManifest(dir, aManifest({ segments }));
    expect(readablePosition(await readManifest(dir))).toEqual({ segment: 2, offset: 20 });
    await writeManifest(dir, aManifest());
    expect(readablePosition(await readManifest(dir))).toBeNull();
  });

  test.each([
    { what: 'is no JSON', text: '{"format":', code: 'store_unusable', says: 'it is not JSON' },
    {
      what: "is another program's",
      text: '{"name":"x"}',
      code: 'store_unusable',
      says: 'is not the manifest of a workload',
    },
    {
      what: 'is a list',
      text: '[]',
      code: 'store_unusable',
      says: 'is not the manifest of a workload',
    },
    {
      what: 'is newer than the program',
      text: '{"format":"captures-workload","formatVersion":2}',
      code: 'store_unusable',
      says: 'newer version of captures (format 2; this one reads 1)',
    },
    {
      what: 'lacks a field',
      text: '{"format":"captures-workload","formatVersion":1}',
      code: 'store_unusable',
      says: '"program" is missing',
    },
  ])('that $what is refused', async ({ text, code, says }) => {
    const dir = await aFolder();
    await writeFile(join(dir, MANIFEST_FILE), text);
    await expect(readManifest(dir)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(says) as string,
    });
  });

  test('that is not there is not found', async () => {
    await expect(readManifest(await workloadFolder())).rejects.toMatchObject({ code: 'not_found' });
  });

  test('that cannot be written leaves the old one', async () => {
    const dir = await aFolder();
    await expect(writeManifest(join(dir, 'gone'), aManifest())).rejects.toMatchObject({
      code: 'store_unusable',
    });
    await writeManifest(dir, aManifest());
    const before = await readFile(join(dir, MANIFEST_FILE), 'utf8');
    const circular: string[] = [];
    (circular as unknown[]).push(circular);
    await expect(writeManifest(dir, aManifest({ warnings: circular }))).rejects.toThrow();
    expect(await readFile(join(dir, MANIFEST_FILE), 'utf8')).toBe(before);
    expect(await readdir(dir)).toEqual([MANIFEST_FILE]);
  });
});

describe('the counters of a workload', () => {
  test('count records, statements, kinds, flags, sessions and what was left out', () => {
    const counters = new WorkloadCounters();
    counters.add([
      aStatement({ kind: 'connect', session: 1 }),
      aStatement({ session: 1 }),
      aStatement({ kind: 'execute', session: 1, flags: ['echo'] }),
      aStatement({ kind: 'execute', session: 2, flags: ['unreplayable', 'lossy'] }),
      aStatement({ kind: 'quit', session: 1 }),
    ]);
    counters.skip('own', 3);
    counters.skip('filtered', 0);
    expect(counters.counts()).toMatchObject({
      records: 5,
      statements: 2,
      byKind: { connect: 1, query: 1, execute: 2, quit: 1, prepare: 0 },
      byFlag: { echo: 1, unreplayable: 1, lossy: 1, partial: 0 },
      sessions: 2,
      skipped: { own: 3 },
    });
  });

  test('go on from a saved state as if nothing had happened', () => {
    const whole = new WorkloadCounters();
    const first = new WorkloadCounters();
    whole.add(statements(50));
    first.add(statements(50));
    const second = new WorkloadCounters(JSON.parse(JSON.stringify(first.state())) as CountersState);
    whole.add(statements(70));
    second.add(statements(70));
    expect(second.state()).toEqual(whole.state());
    expect(first.counts().records).toBe(50);
  });

  test('remember a bounded number of sessions however many come and go', () => {
    const counters = new WorkloadCounters();
    for (let session = 0; session < 50_000; session++) {
      counters.add([
        aStatement({ kind: 'connect', session }),
        aStatement({ kind: 'quit', session }),
      ]);
    }
    expect(counters.state()).toMatchObject({ sessions: 50_000, openSessions: [] });
    for (let session = 0; session < 50_000; session++) counters.add([aStatement({ session })]);
    expect(counters.state().openSessions.length).toBeLessThanOrEqual(16_384);
  });
});
