import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { readResult, writeResult } from '../../src/workload/replay-result-file.ts';
import { replayResult, replayRow } from '../support/replays.ts';
import { temporaryFolder } from '../support/stores.ts';

const FILE = 'replay-result.json.zst';
const ROWS = Array.from({ length: 3_000 }, (_, i) =>
  replayRow({
    digest: i.toString(16).padStart(16, '0'),
    text: `SELECT 'ж\n' FROM t${i}`,
    count: 20,
  }),
);

it('a result of thousands of digests is read as it was written', async () => {
  const folder = join(temporaryFolder(), 'one');
  const result = replayResult({ rows: ROWS });
  await writeResult(folder, 7, result, false);
  expect(await readResult(folder)).toEqual(result);
  expect(await readResult(join(folder, 'none'))).toBeNull();
});

it('a result that was written as one text is read', async () => {
  const folder = temporaryFolder();
  const result = replayResult({ rows: ROWS.slice(0, 3) });
  const content = { format: 'captures-replay-result', formatVersion: 1, captureId: 7, result };
  await writeFile(join(folder, FILE), zstdCompressSync(`${JSON.stringify(content)}\n`));
  expect(await readResult(folder)).toEqual(result);
});

it('a result of a newer version, one that is cut short anywhere, and what is none are refused', async () => {
  const folder = temporaryFolder();
  const path = join(folder, FILE);
  await writeResult(folder, 7, replayResult({ rows: ROWS }), false);
  const whole = await readFile(path);
  const second = whole.indexOf(Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), 1);
  expect(second).toBeGreaterThan(0);
  for (const length of [0, 10, second, whole.length - 1]) {
    await writeFile(path, whole.subarray(0, length));
    await expect(readResult(folder)).rejects.toMatchObject({ code: 'store_unusable' });
  }
  const newer = { format: 'captures-replay-result', formatVersion: 3, result: {} };
  for (const content of [newer, { ...newer, format: 'another' }, null, []]) {
    await writeFile(path, zstdCompressSync(JSON.stringify(content)));
    await expect(readResult(folder)).rejects.toMatchObject({ code: 'store_unusable' });
  }
});
