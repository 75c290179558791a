import { randomBytes, randomUUID } from 'node:crypto';
import { chmodSync, existsSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Database } from 'better-sqlite3';
import { AppError } from '../core/errors.ts';
import type { Store } from '../core/store.ts';
import { auditTable } from './audit.ts';
import { callTable } from './calls.ts';
import { captureTable } from './captures.ts';
import { credentialTable } from './credentials.ts';
import { daemonStatusTable } from './daemon-status.ts';
import { openDatabase, openDatabaseToRead, translated, withLateStatements } from './database.ts';
import { environmentTable } from './environments.ts';
import { leaseTable } from './lease.ts';
import { memberTable } from './members.ts';
import { metricTable } from './metrics.ts';
import { addressAttemptTable } from './address-attempts.ts';
import { passwordAttemptTable } from './password-attempts.ts';
import { recordingTable } from './recordings.ts';
import { referenceTable } from './references.ts';
import { removalTable } from './removals.ts';
import { replayTable } from './replays.ts';
import { scheduleTable } from './schedules.ts';
import { timesTable } from './statement-times.ts';
import { DATABASE, isThere, makeStoreFiles } from './store-folder.ts';
import { tapTable } from './taps.ts';
import { userTable } from './users.ts';
import { warmUpTable } from './warm-ups.ts';

const RESERVE = 'reserve';
// Room for the write-ahead log of some hundred small transactions.
const RESERVE_BYTES = 2 * 1024 * 1024;

/**
 * Opens the store in a folder.
 * @param patience milliseconds that a lock of another process is waited for, once it is open.
 * @throws AppError `store_unusable`: there is none (the hint says so), or it cannot be
 *   used as it is.
 */
export function openStore(folder: string, patience?: number): Store {
  const options = { create: false, ...(patience === undefined ? {} : { patience }) };
  return openWith(folder, (file) => openDatabase(file, options));
}

/**
 * Opens the store for a look: it is not migrated, nothing can be written, and a lock is not waited for.
 * @throws AppError `store_unusable` as `openStore` does, and where its schema is of another version.
 */
export function openStoreToRead(folder: string): Store {
  return openWith(folder, openDatabaseToRead);
}

function openWith(folder: string, open: (file: string) => Database): Store {
  const directory = resolve(folder);
  const file = join(directory, DATABASE);
  if (!isThere(file)) throw noStore(directory);
  const db = open(file);
  try {
    const row = translated(file, () =>
      db.prepare<[], { id: string; is_shared: number }>('SELECT id, is_shared FROM store').get(),
    );
    if (row === undefined) throw noStore(directory);
    return new SqliteStore(db, directory, file, row.id, row.is_shared === 1);
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Whether there is a store in a folder. @throws AppError `store_unusable` when nobody may look. */
export function hasStore(folder: string): boolean {
  return isThere(join(resolve(folder), DATABASE));
}

/**
 * Refuses early what `createStore` would refuse: for before a password is asked for.
 * @throws AppError `conflict` when there is a store in the folder already.
 */
export function checkNoStore(folder: string): void {
  const directory = resolve(folder);
  if (isThere(join(directory, DATABASE))) throw storeExists(directory);
}

/**
 * Makes a store in a folder (0700, its files 0600; with `sharedGroup`, a group id, 2770 and 0660)
 * and fills it in the transaction that makes it: where `fill` throws, nothing is left behind.
 * @throws AppError `conflict` when there is a store already; `store_unusable` when the folder cannot
 *   be written.
 */
export function createStore(
  folder: string,
  options: { sharedGroup: number | null; now: number },
  fill: (store: Store) => void,
): Store {
  const directory = resolve(folder);
  const file = join(directory, DATABASE);
  const madeFolder = !existsSync(directory);
  const made = makeStoreFiles(directory, file, options.sharedGroup);
  try {
    const db = openDatabase(file, { create: true });
    try {
      return translated(file, () =>
        db
          .transaction(() => {
            const existing = db.prepare('SELECT id FROM store').get();
            if (existing !== undefined) throw storeExists(directory);
            const id = randomUUID();
            db.prepare(
              'INSERT INTO store (only_row, id, is_shared, created_at) VALUES (1, ?, ?, ?)',
            ).run(id, options.sharedGroup === null ? 0 : 1, options.now);
            const store = new SqliteStore(db, directory, file, id, options.sharedGroup !== null);
            fill(store);
            return store;
          })
          .immediate(),
      );
    } catch (error) {
      db.close();
      throw error;
    }
  } catch (error) {
    if (made) for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true });
    if (madeFolder) rmSync(directory, { recursive: true, force: true });
    throw error;
  }
}

function noStore(directory: string): AppError {
  return new AppError('store_unusable', `There is no captures store in ${directory}`, {
    hint: { code: 'make_store' },
  });
}

/** What is thrown by everything that is asked of a store after it was closed. */
export function storeClosed(directory: string): AppError {
  return new AppError('store_unusable', `The store in ${directory} is closed`);
}

function storeExists(directory: string): AppError {
  return new AppError('conflict', `There is already a captures store in ${directory}`, {
    hint: { code: 'store_is_there' },
  });
}

/** Tables are made when they are first asked for: most commands need two or three. */
class SqliteStore implements Store {
  readonly id: string;
  readonly directory: string;
  readonly isShared: boolean;
  readonly #db: Database;
  readonly #file: string;
  readonly #inode: number;
  readonly #tables = new Map<string, object>();

  constructor(db: Database, directory: string, file: string, id: string, isShared: boolean) {
    this.#db = db;
    this.#file = file;
    this.#inode = statSync(file).ino;
    this.id = id;
    this.directory = directory;
    this.isShared = isShared;
  }

  get users() {
    return this.#table('users', userTable);
  }
  get credentials() {
    return this.#table('credentials', credentialTable);
  }
  get environments() {
    return this.#table('environments', environmentTable);
  }
  get members() {
    return this.#table('members', memberTable);
  }
  get captures() {
    return this.#table('captures', captureTable);
  }
  get recordings() {
    return this.#table('recordings', recordingTable);
  }
  get taps() {
    return this.#table('taps', tapTable);
  }
  get lease() {
    return this.#table('lease', leaseTable);
  }
  get daemonStatus() {
    return this.#table('daemonStatus', daemonStatusTable);
  }
  get schedules() {
    return this.#table('schedules', scheduleTable);
  }
  get removals() {
    return this.#table('removals', removalTable);
  }
  get audit() {
    return this.#table('audit', auditTable);
  }
  get metrics() {
    return this.#table('metrics', metricTable);
  }
  get times() {
    return this.#table('times', timesTable);
  }
  get passwordAttempts() {
    return this.#table('passwordAttempts', passwordAttemptTable);
  }
  get calls() {
    return this.#table('calls', callTable);
  }
  get references() {
    return this.#table('references', referenceTable);
  }
  get addressAttempts() {
    return this.#table('addressAttempts', addressAttemptTable);
  }
  get replays() {
    return this.#table('replays', replayTable);
  }
  get warmUps() {
    return this.#table('warmUps', warmUpTable);
  }

  transaction<T>(work: () => T): T {
    if (this.#db.inTransaction) return work();
    return this.#translated(() => this.#db.transaction(work).immediate());
  }

  changeCounter(): number {
    return this.#translated(() => Number(this.#db.pragma('data_version', { simple: true })));
  }

  isStillThere(): boolean {
    try {
      return statSync(this.#file).ino === this.#inode;
    } catch {
      return false;
    }
  }

  keepReserve(): void {
    const reserve = join(this.directory, RESERVE);
    if (existsSync(reserve)) return;
    try {
      const mode = this.isShared ? 0o660 : 0o600;
      writeFileSync(reserve, Buffer.alloc(RESERVE_BYTES, 1), { mode });
      // The umask narrowed it.
      chmodSync(reserve, mode);
    } catch {
      // A disk this full has nothing to set aside.
      rmSync(reserve, { force: true });
    }
  }

  releaseReserve(): void {
    rmSync(join(this.directory, RESERVE), { force: true });
  }

  pseudonymKey(): Buffer {
    return this.transaction(() => {
      const find = this.#db.prepare<[], Buffer | null>('SELECT pseudonym_key FROM store').pluck();
      const key = find.get();
      if (key != null) return key;
      const made = randomBytes(32);
      this.#db.prepare('UPDATE store SET pseudonym_key = ?').run(made);
      return made;
    });
  }

  close(): void {
    this.#db.close();
  }

  /** What fails on a store that was closed, fails for that. */
  readonly #translated = <T>(work: () => T): T => {
    if (!this.#db.open) throw storeClosed(this.directory);
    return translated(this.#file, work);
  };

  #table<T extends object>(name: string, make: (db: Database) => T): T {
    const made = this.#tables.get(name);
    if (made !== undefined) return made as T;
    const table = this.#translated(() =>
      guarded(this.#translated, make(withLateStatements(this.#db))),
    );
    this.#tables.set(name, table);
    return table;
  }
}

/** The same table with SQLite's failures translated, so that no caller sees the driver's errors. */
function guarded<T extends object>(translated: <R>(work: () => R) => R, table: T): T {
  const methods = Object.entries(table) as [string, (...args: unknown[]) => unknown][];
  return Object.fromEntries(
    methods.map(([name, method]) => [
      name,
      (...args: unknown[]) => translated(() => method(...args)),
    ]),
  ) as T;
}
