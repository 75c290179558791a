import { readFile, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { DiskSpace } from '../../../core/captures/guards.ts';
import type { MysqlConnection } from '../connection/mysql-connection.ts';

/** The disk that a server's log tables lie on, as far as its free space can be known from here. */
export interface ServerDisk {
  /**
   * How it is known: `local`, the server is a process of this machine; `server`, it tells (MariaDB's
   * plugin DISKS).
   */
  readonly source: 'local' | 'server';
  /** The space now; null where it cannot be told just now. Never throws for a disk that is gone. */
  readonly space: () => Promise<DiskSpace | null>;
}

/** Finds the disk of a server's log tables; null where its free space cannot be known. */
export type FindServerDisk = (connection: MysqlConnection) => Promise<ServerDisk | null>;

/**
 * Both the log table and the recorder's are below the data folder. That the server runs on this
 * machine is proven, never taken from an address: 127.0.0.1 and sockets are forwarded by tunnels and
 * containers, and host names are copied.
 * @throws AppError `remote_failed` when the connection is lost.
 */
export const findServerDisk: FindServerDisk = async (connection) => {
  const dataFolder = await connection.value('SELECT @@GLOBAL.datadir');
  if (dataFolder === null) return null;
  const folder = await findLocalFolder(connection, dataFolder);
  if (folder !== null) return { source: 'local', space: () => localSpace(folder) };
  if ((await toldSpace(connection, dataFolder)) === null) return null;
  return { source: 'server', space: () => toldSpace(connection, dataFolder) };
};

async function localSpace(folder: string): Promise<DiskSpace | null> {
  try {
    const { bavail, blocks, bsize } = await statfs(folder);
    return { free: bavail * bsize, size: blocks * bsize };
  } catch {
    return null;
  }
}

const SERVER_NAMES: ReadonlySet<string> = new Set([
  'mysqld',
  'mariadbd',
  'mariadbd-safe',
  'mysqld_safe',
]);
const PROOF_COMMANDS = 8;
const PROOFS = 5;

/** The data folder as this machine sees it; null unless the server is proven to be a process of it. */
async function findLocalFolder(
  connection: MysqlConnection,
  dataFolder: string,
): Promise<string | null> {
  if (process.platform !== 'linux') return null;
  const thread = await findThread(connection);
  const before = thread === null ? null : await readThread(thread);
  if (thread === null || before === null || !SERVER_NAMES.has(before.program)) return null;
  if (!(await isOurs(connection, thread, before))) return null;
  // Its own root: the server may be in a chroot. Only its own user and root may look through it.
  const inside = join('/proc', String(before.process), 'root', dataFolder);
  if ((await ownerOf(inside)) !== null) return inside;
  return (await ownerOf(dataFolder)) === before.user ? dataFolder : null;
}

/**
 * Whether a thread of this machine is the one that serves the connection, and none of another server
 * that has its number. Ours sleeps until a command comes: it goes to sleep once a command (tried: 17 to
 * 21 times for 20), and never without one. On a machine with too much to do it may find the next command
 * before it sleeps: then it is tried again.
 */
async function isOurs(
  connection: MysqlConnection,
  thread: number,
  { process }: Thread,
): Promise<boolean> {
  for (let proof = 0; proof < PROOFS; proof++) {
    const before = await readThread(thread);
    for (let i = 0; i < PROOF_COMMANDS; i++) await connection.run('DO 0');
    const after = await readThread(thread);
    if (before?.process !== process || after?.process !== process) return false;
    const sleeps = after.sleeps - before.sleeps;
    if (sleeps >= PROOF_COMMANDS / 2 && sleeps <= PROOF_COMMANDS * 2) return true;
  }
  return false;
}

/** The system's id of the thread that serves a connection, as the server tells it. */
async function findThread(connection: MysqlConnection): Promise<number | null> {
  for (const query of [
    'SELECT TID FROM information_schema.PROCESSLIST WHERE ID = CONNECTION_ID()',
    'SELECT THREAD_OS_ID FROM performance_schema.threads WHERE PROCESSLIST_ID = CONNECTION_ID()',
  ]) {
    const thread = await optional(connection, () => connection.value(query));
    if (thread != null) return Number(thread);
  }
  return null;
}

interface Thread {
  readonly process: number;
  readonly program: string;
  readonly user: number;
  /** How often it went to sleep of its own will. */
  readonly sleeps: number;
}

async function readThread(thread: number): Promise<Thread | null> {
  try {
    const own = statusOf(await readFile(`/proc/${thread}/status`, 'utf8'));
    const process = Number(own.get('Tgid'));
    // In a namespace of its own the server calls its threads by other numbers than we do.
    if (own.get('NSpid')?.includes('\t') !== false) return null;
    const whole = statusOf(await readFile(`/proc/${process}/status`, 'utf8'));
    return {
      process,
      program: whole.get('Name') ?? '',
      user: Number(whole.get('Uid')?.split('\t')[1]),
      sleeps: Number(own.get('voluntary_ctxt_switches')),
    };
  } catch {
    return null;
  }
}

/** `Name:\tvalue` a line. */
function statusOf(text: string): Map<string, string> {
  return new Map(
    text.split('\n').map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    }),
  );
}

async function ownerOf(folder: string): Promise<number | null> {
  try {
    return (await stat(folder)).uid;
  } catch {
    return null;
  }
}

/** What MariaDB's plugin DISKS tells of the mount that a folder lies on; it wants the privilege FILE. */
async function toldSpace(connection: MysqlConnection, folder: string): Promise<DiskSpace | null> {
  const rows =
    (await optional(connection, () =>
      connection.rows('SELECT Path, Available, Total FROM information_schema.DISKS'),
    )) ?? [];
  let longest = '';
  let space: DiskSpace | null = null;
  for (const [path, available, total] of rows) {
    if (path == null || path.length <= longest.length || !isBelow(folder, path)) continue;
    longest = path;
    space = { free: Number(available) * 1024, size: Number(total) * 1024 };
  }
  return space;
}

function isBelow(folder: string, path: string): boolean {
  return folder.startsWith(path.endsWith('/') ? path : `${path}/`);
}

/** What the server answers; undefined where it has no such table, or refuses. */
async function optional<T>(
  connection: MysqlConnection,
  ask: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (connection.isLost) throw error;
    return undefined;
  }
}
