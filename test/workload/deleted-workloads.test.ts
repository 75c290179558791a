import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UNLIMITED } from '../../src/core/access.ts';
import { openStore } from '../../src/store/sqlite-store.ts';
import {
  findOrphanedWorkloads,
  removeDeletedWorkloads,
  workloadFolder,
} from '../../src/workload/deleted-workloads.ts';
import { startDaemon } from '../daemon/daemons.ts';
import { initialisedHome, runCaptures } from '../support/cli.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { eventually, run } from '../support/processes.ts';
import { SERVER, temporaryFolder, TestStore } from '../support/stores.ts';

const CHILD = resolve(import.meta.dirname, 'deletion-child.ts');

/** A store in which capture 1 failed after it had recorded something. */
function storeWithWorkload(home?: string): string {
  const test = new TestStore(new ManualClock(), home);
  recordedCapture(test);
  test.store.close();
  return test.store.directory;
}

function recordedCapture(test: TestStore): number {
  const ada = test.user('ada');
  const environment = test.environment({ admin: [ada] }, { name: 'shop', server: SERVER });
  const { id } = test.capture(ada, environment, { name: 'friday' });
  test.store.captures.move(id, 'STARTED', 'FAILED', { reason: 'the power failed' });
  writeWorkload(test.store.directory, id);
  return id;
}

function writeWorkload(directory: string, id: number): void {
  const folder = workloadFolder({ directory }, id);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'manifest.json'), '{}');
}

function leftIn(directory: string): string[] {
  return readdirSync(join(directory, 'captures'));
}

describe('a deletion through the library', () => {
  const made = storeWithWorkload();
  const copy = (): string => {
    const directory = join(temporaryFolder(), 'home');
    cpSync(made, directory, { recursive: true });
    return directory;
  };

  it('takes the workload along', async () => {
    const directory = copy();
    const { status, stdout, stderr } = await run(process.execPath, [
      CHILD,
      directory,
      'delete',
      'none',
    ]);
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '\n', stderr });
    const store = openStore(directory);
    expect([store.captures.find(1), store.removals.list()]).toEqual([null, []]);
    store.close();
  });

  const kills = [
    ['delete', 'noted'],
    ['delete', 'renamed'],
    ['delete', 'removed'],
    ['prune', 'noted'],
  ] as const;
  it.each(kills)(
    'by %s, killed when it was %s, is finished by who comes next',
    async (how, step) => {
      const directory = copy();
      const { signal } = await run(process.execPath, [CHILD, directory, how, step]);
      expect(signal).toBe('SIGKILL');
      const store = openStore(directory);
      expect([store.captures.find(1), store.removals.list()]).toEqual([null, [1]]);
      expect(await findOrphanedWorkloads(store)).toEqual([]);
      store.close();

      const byDaemon = join(temporaryFolder(), 'home');
      cpSync(directory, byDaemon, { recursive: true });
      const daemon = startDaemon(byDaemon, new ManualClock());
      await eventually('the daemon finished it', () => leftIn(byDaemon).length === 0);
      await daemon.leave();

      const next = openStore(directory);
      expect(await removeDeletedWorkloads(next)).toBe(1);
      expect([next.removals.list(), leftIn(directory)]).toEqual([[], []]);
      expect(await removeDeletedWorkloads(next)).toBe(0);
      next.close();
    },
  );

  it('leaves the workload where that was asked for, and does not call it orphaned', async () => {
    const test = new TestStore(new ManualClock());
    const id = recordedCapture(test);
    const { store } = test;
    const tap = store.taps.insert(
      {
        serverKey: 'k',
        nonce: 'n',
        environmentId: 1,
        settings: { generalLog: false, logOutput: 'FILE', slowLog: false, tableEngine: null },
      },
      0,
    );
    store.recordings.begin(id, tap.id);
    store.recordings.detach(id);
    const ada = { userId: 1, userName: 'ada', isStoreAdmin: false, scope: UNLIMITED };
    test.captures.delete(ada, String(id), null, { keepsWorkload: true });
    writeWorkload(store.directory, 77);
    expect(await removeDeletedWorkloads(store)).toBe(0);
    expect(existsSync(workloadFolder(store, id))).toBe(true);
    expect((await findOrphanedWorkloads(store)).map(({ captureId }) => captureId)).toEqual([77]);
    store.close();
  });
});

describe('the command line', () => {
  it('names a workload without a capture in doctor, and removes it with prune --orphans', async () => {
    const home = await initialisedHome();
    writeWorkload(home, 7);
    const store = openStore(home);
    store.removals.insert(5);
    store.close();
    const doctor = await runCaptures(['doctor', '--json'], { home });
    const findings = JSON.parse(doctor.stdout) as { check: string; detail: string; fix: string }[];
    const found = findings.filter(({ check }) => check === 'workloads');
    expect(found.map(({ detail }) => detail)).toEqual([
      expect.stringMatching(/captures\/7 belongs to no capture \(2 B\)$/),
      'the workload of a deleted capture is not removed yet',
    ]);
    expect(found.map(({ fix }) => fix)).toEqual(Array(2).fill('captures prune --orphans'));

    const dry = await runCaptures(['prune', '--orphans', '--dry-run', '--json'], { home });
    expect(JSON.parse(dry.stdout)).toMatchObject([{ id: 7, bytes: 2 }]);
    const fields = ['--fields', 'id,bytes', '--no-headers'];
    const chosen = await runCaptures(['prune', '--orphans', '--dry-run', ...fields], { home });
    expect(chosen.stdout).toBe('7\t2\n');
    const unasked = await runCaptures(['prune', '--orphans'], { home });
    expect([unasked.status, leftIn(home)]).toEqual([2, ['7']]);
    const pruned = await runCaptures(['prune', '--orphans', '--yes'], { home });
    expect(pruned).toMatchObject({
      status: 0,
      stderr: 'Removed 1 workload without a capture (2 B on disk).\n',
    });
    expect(leftIn(home)).toEqual([]);
  });
});
