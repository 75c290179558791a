import { existsSync, readdirSync, statfsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { MIGRATIONS } from './migrations/index.ts';
import { openDatabaseToRead, translated } from './database.ts';
import { DATABASE } from './store-folder.ts';
import { openStore } from './sqlite-store.ts';

const OTHERS = 0o007;
const GROUP_AND_OTHERS = 0o077;
/** Damage comes in thousands of lines, and the first says enough. */
const MOST_DAMAGE = 3;

/** How a store is kept. */
export interface StoreInspection {
  readonly directory: string;
  readonly isShared: boolean;
  /** Version of its schema. */
  readonly schema: number;
  /** What SQLite's quick check found wrong, in its words; empty when nothing. */
  readonly damage: readonly string[];
  /** Files and folders of it that more people can open than the store is for. */
  readonly tooOpen: readonly { readonly path: string; readonly mode: number }[];
  /** Bytes of the database, its log included. */
  readonly databaseBytes: number;
  /** When something was last changed in it, by the clock of the machine that changed it; null for a new one. */
  readonly newestAt: number | null;
  readonly freeBytes: number;
  readonly diskBytes: number;
}

/**
 * Looks at the store in a folder; one of an older version is brought up to date, as by every command.
 * @throws AppError `store_unusable` when there is none or it cannot be opened.
 */
export function inspectStore(folder: string): StoreInspection {
  const directory = resolve(folder);
  const file = join(directory, DATABASE);
  const store = openStore(directory);
  const { isShared } = store;
  store.close();
  const disk = statfsSync(directory);
  return {
    directory,
    isShared,
    schema: MIGRATIONS.length,
    ...readDatabase(file),
    tooOpen: tooOpen(directory, isShared ? OTHERS : GROUP_AND_OTHERS),
    databaseBytes: sizeOf(file) + sizeOf(`${file}-wal`),
    freeBytes: disk.bavail * disk.bsize,
    diskBytes: disk.blocks * disk.bsize,
  };
}

function readDatabase(file: string): Pick<StoreInspection, 'damage' | 'newestAt'> {
  const db = openDatabaseToRead(file);
  try {
    return translated(file, () => {
      const lines = db.prepare<[], string>(`PRAGMA quick_check(${MOST_DAMAGE})`).pluck().all();
      const newest = db.prepare<[], number>('SELECT at FROM audit ORDER BY id DESC LIMIT 1');
      return {
        damage: lines.filter((line) => line !== 'ok'),
        newestAt: newest.pluck().get() ?? null,
      };
    });
  } finally {
    db.close();
  }
}

/** The folder, what lies in it, and the folder of the workloads; not every workload. */
function tooOpen(directory: string, unwanted: number): StoreInspection['tooOpen'] {
  const entries = readdirSync(directory).map((name) => join(directory, name));
  return [directory, ...entries].flatMap((path) => {
    const { mode } = statSync(path);
    return (mode & unwanted) === 0 ? [] : [{ path, mode: mode & 0o7777 }];
  });
}

function sizeOf(file: string): number {
  return existsSync(file) ? statSync(file).size : 0;
}
