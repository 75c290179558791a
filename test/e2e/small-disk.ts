import { execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  rmdirSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** Why tests of a full disk are skipped. */
export const NO_DISK = 'a small tmpfs cannot be mounted here';

/** A file system of a few kilobytes. */
export interface SmallDisk {
  readonly folder: string;
  /** Writes a file until there is no room. */
  fill(): void;
  /** Removes that file. */
  unfill(): void;
  /** Removes everything. */
  empty(): void;
}

/**
 * Mounts a small file system in memory until the tests of the file are over. Call it where tests are
 * declared. Null where mounting is not allowed.
 */
export function smallDisk(size: string): SmallDisk | null {
  const folder = mkdtempSync(join(tmpdir(), 'captures-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder], {
      stdio: 'pipe',
    });
  } catch {
    rmdirSync(folder);
    return null;
  }
  afterAll(() => {
    execFileSync('umount', ['--lazy', folder]);
    rmdirSync(folder);
  });
  const filler = join(folder, 'filler');
  return {
    folder,
    fill() {
      const file = openSync(filler, 'a');
      const block = Buffer.alloc(4096, 1);
      try {
        while (writeSync(file, block) > 0);
      } catch {
        // Full, which is what was wanted.
      } finally {
        closeSync(file);
      }
    },
    unfill: () => rmSync(filler, { force: true }),
    empty() {
      for (const name of readdirSync(folder)) {
        rmSync(join(folder, name), { recursive: true, force: true });
      }
    },
  };
}
