import { execFileSync } from 'node:child_process';
import { createWriteStream, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createZstdCompress, zstdCompressSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { MANIFEST_FILE, readManifest } from '../../src/workload/manifest.ts';
import { verifyFiles } from '../../src/workload/file-verification.ts';
import { readWorkload } from '../../src/workload/workload-reader.ts';
import { run } from '../support/processes.ts';
import { temporaryFolder } from '../support/stores.ts';

const CHILD = resolve(import.meta.dirname, 'bomb-child.ts');
const MIB = 1024 * 1024;
const LINE =
  '{"seq":1,"time":"2026-11-22T02:00:00.000000Z","session":7,"user":"a","host":"h","db":"d","kind":"query","sql":"';
/** Node and its modules take 60 to 100 MB; each bomb unfolds to 1 GiB. */
const MOST_MEGABYTES = 600;

const segmentIn = (dir: string): string => join(dir, 'segment-000001.ndjson.zst');

/** One frame that says nothing of its size: so much text in some hundred kilobytes. */
async function oneFrame(path: string, text: string, mebibytes: number): Promise<void> {
  const block = Buffer.alloc(MIB, text);
  function* blocks() {
    yield Buffer.from(LINE);
    for (let n = 0; n < mebibytes; n++) yield block;
  }
  await pipeline(Readable.from(blocks()), createZstdCompress(), createWriteStream(path));
}

describe('a segment that unfolds to gigabytes', () => {
  const bombs: { name: string; dir: string }[] = [];
  beforeAll(async () => {
    const make = async (name: string, write: (path: string) => unknown): Promise<void> => {
      const dir = temporaryFolder();
      await write(segmentIn(dir));
      expect(statSync(segmentIn(dir)).size).toBeLessThan(MIB);
      bombs.push({ name, dir });
    };
    await make('one frame', (path) => oneFrame(path, 'x', 1024));
    const large = zstdCompressSync(Buffer.alloc(16 * MIB));
    const first = zstdCompressSync(Buffer.from(LINE));
    await make('one line in frames that are as large as they may be', (path) =>
      writeFileSync(path, Buffer.concat([first, ...Array<Buffer>(64).fill(large)])),
    );
    // The header of the frame says that it holds a byte.
    const lying = Buffer.concat([first.subarray(0, 4), Buffer.from([0x20, 1]), large.subarray(9)]);
    await make('frames that lie', (path) =>
      writeFileSync(path, Buffer.concat(Array<Buffer>(64).fill(lying))),
    );
  });

  it.each(['verify', 'text', 'records'])('is read by %s in bounded memory', async (how) => {
    for (const { name, dir } of bombs) {
      const { stdout, stderr } = await run(process.execPath, [CHILD, dir, how]);
      const { said, megabytes } = JSON.parse(stdout || '{}') as {
        said: unknown;
        megabytes: number;
      };
      expect({ name, stderr, said: String(said) }).toEqual({
        name,
        stderr,
        said: expect.stringMatching(/frame|does not end at the end of a line|longer than any/),
      });
      expect(megabytes).toBeLessThan(MOST_MEGABYTES);
    }
  });
});

describe('what is no regular file in the place of one', () => {
  it.each([
    ['a FIFO', (path: string) => void execFileSync('mkfifo', [path])],
    ['a folder', (path: string) => mkdirSync(path)],
    ['a symbolic link to a device', (path: string) => symlinkSync('/dev/zero', path)],
  ])('%s is refused in one sentence', async (_what, make) => {
    const dir = temporaryFolder();
    make(segmentIn(dir));
    const sentence = 'segment-000001.ndjson.zst is not a regular file';
    const read = readWorkload(dir, { segment: 1, offset: 10 });
    await expect(read.next()).rejects.toThrow(sentence);
    const none = { bytes: 10, sha256: 'x', records: 1, firstTime: null, lastTime: null };
    const { damage } = await verifyFiles(dir, [{ segment: 1, ...none }], {
      from: null,
      to: null,
      mayGoOn: false,
    });
    expect(damage).toEqual([{ segment: 1, what: sentence }]);

    make(join(dir, MANIFEST_FILE));
    await expect(readManifest(dir)).rejects.toThrow('manifest.json is not a regular file');
  });
});
