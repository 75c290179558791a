import { readFile } from 'node:fs/promises';

/** Linux's list of this process's mounts (proc(5)). */
const MOUNTS = '/proc/self/mountinfo';

/** Whether a file lies on a mount that is read-only, by its path without symbolic links. */
export async function isOnReadOnlyMount(realPath: string): Promise<boolean> {
  let text: string;
  try {
    text = await readFile(MOUNTS, 'utf8');
  } catch {
    return false;
  }
  return isReadOnlyIn(text, realPath);
}

/** The same by what `/proc/self/mountinfo` says. */
export function isReadOnlyIn(mounts: string, realPath: string): boolean {
  let longest = -1;
  let isReadOnly = false;
  for (const line of mounts.split('\n')) {
    // 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
    const [, , , , point, options] = line.split(' ');
    if (point === undefined || options === undefined) continue;
    const path = point.replace(/\\([0-7]{3})/g, (_, octal: string) =>
      String.fromCharCode(parseInt(octal, 8)),
    );
    const isAbove =
      realPath === path || realPath.startsWith(path.endsWith('/') ? path : `${path}/`);
    // Of two mounts at one place the later one lies on top.
    if (!isAbove || path.length < longest) continue;
    longest = path.length;
    const superOptions = line.split(' - ')[1]?.split(' ')[2] ?? '';
    isReadOnly = [...options.split(','), ...superOptions.split(',')].includes('ro');
  }
  return isReadOnly;
}
