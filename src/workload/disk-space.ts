import { statfs } from 'node:fs/promises';
import type { DiskSpace } from '../core/captures/guards.ts';

/** The disk that a folder lies on; null where it does not say, or the folder is gone. */
export async function diskSpace(folder: string): Promise<DiskSpace | null> {
  try {
    const { bavail, blocks, bsize } = await statfs(folder);
    return { free: bavail * bsize, size: blocks * bsize };
  } catch {
    return null;
  }
}
