import { randomUUID } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { World } from '../runtime/world.ts';

/** Bytes of the file's name in that of its draft, which may have 255. */
const LONGEST_STEM = 100;
/** A draft of another host, or of a process whose id was given out again, is over by then. */
const LONGEST_WORK_MS = 24 * 3_600_000;

/** `HOST-PID-UUID.part`, behind what is of the file. */
const REST = /^(.+)-(\d+)-[0-9a-f]{8}-[0-9a-f-]{27}\.part$/;

type Machine = Pick<World, 'hostName' | 'pid' | 'isRunning' | 'clock'>;

/** Where a file is written until it is whole: a name of its own beside it that says who does. */
export function draftOf(path: string, { hostName, pid }: Machine): string {
  const rest = `${hostName}-${pid}-${randomUUID()}.part`;
  return join(dirname(path), `${stemOf(path)}${rest}`);
}

/**
 * Clears away what was left of this file by processes that were killed: those of this host that are gone, and what
 * was not written to for a day. What cannot be removed stays.
 */
export async function removeLeftDrafts(path: string, machine: Machine): Promise<void> {
  const folder = dirname(path);
  const stem = stemOf(path);
  for (const name of await readdir(folder).catch(() => [])) {
    if (!name.startsWith(stem)) continue;
    const [, host, pid] = REST.exec(name.slice(stem.length)) ?? [];
    if (host === undefined) continue;
    const draft = join(folder, name);
    const isLeft = host === machine.hostName && !machine.isRunning(Number(pid));
    if (isLeft || (await isOld(draft, machine.clock.now())))
      await rm(draft, { force: true }).catch(() => undefined);
  }
}

async function isOld(draft: string, now: number): Promise<boolean> {
  const found = await stat(draft).catch(() => null);
  return found?.isFile() === true && now - found.mtimeMs > LONGEST_WORK_MS;
}

function stemOf(path: string): string {
  let stem = '';
  for (const character of basename(path)) {
    if (Buffer.byteLength(stem + character) > LONGEST_STEM) break;
    stem += character;
  }
  return `.${stem}.`;
}
