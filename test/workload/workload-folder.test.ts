import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  listWorkloadFiles,
  removeWorkload,
  sweepDeleted,
} from '../../src/workload/workload-folder.ts';
import { workloadFolder } from './statements.ts';

describe('the folder of a workload', () => {
  test('is gone after it was removed, and may be removed again', async () => {
    const dir = await workloadFolder();
    await mkdir(dir);
    await writeFile(join(dir, 'segment-000001.ndjson.zst'), 'x');
    await removeWorkload(dir);
    expect(await readdir(dirname(dir))).toEqual([]);
    await removeWorkload(dir);
  });

  test('whose removal was interrupted is cleared away later, and no other', async () => {
    const dir = await workloadFolder();
    const store = dirname(dir);
    await mkdir(dir);
    await mkdir(join(store, '.deleted-2-abc'));
    await writeFile(join(store, '.deleted-2-abc', 'manifest.json'), '{}');
    expect(await sweepDeleted(store)).toBe(1);
    expect(await readdir(store)).toEqual(['1']);
    expect(await sweepDeleted(join(store, 'none'))).toBe(0);
  });

  test('has files with sizes, none when there is no folder', async () => {
    const dir = await workloadFolder();
    expect(await listWorkloadFiles(dir)).toEqual([]);
    await mkdir(dir);
    await writeFile(join(dir, 'b'), Buffer.alloc(23));
    await writeFile(join(dir, 'a'), Buffer.alloc(100));
    expect(await listWorkloadFiles(dir)).toEqual([
      { file: 'a', bytes: 100 },
      { file: 'b', bytes: 23 },
    ]);
  });
});
