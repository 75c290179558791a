import Database from 'better-sqlite3';
import { AppError, StoreBusy } from '../core/errors.ts';
import type { Hint } from '../core/hints.ts';
import { MIGRATIONS } from './migrations/index.ts';

/** "CAPT" in SQLite's header, so that another program's database is not taken for a store. */
const APPLICATION_ID = 0x43415054;
// Longer than any transaction of ours takes; a command gives up rather than hang.
const BUSY_TIMEOUT_MS = 5_000;
const LOOK_TIMEOUT_MS = 250;

/**
 * Opens the store's database: WAL, foreign keys, durable commits, migrated.
 * @param options.patience for so many milliseconds a lock of another process is waited for once it is open, which
 *   keeps this process from everything else. Absent: 5 seconds.
 * @throws AppError `store_unusable` when it is missing, unreadable, corrupt, another program's, or
 *   newer than this program.
 */
export function openDatabase(
  file: string,
  options: { readonly create: boolean; readonly patience?: number },
): Database.Database {
  return translated(file, () => {
    const db = new Database(file, { fileMustExist: !options.create, timeout: BUSY_TIMEOUT_MS });
    try {
      prepare(db, file, options.create);
      if (options.patience !== undefined) db.pragma(`busy_timeout = ${options.patience}`);
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  });
}

/**
 * Opens the store's database for a look. Not `readonly`: such a connection leaves the -wal and -shm
 * files behind that it makes (tried), an ordinary one that is told to write nothing takes them away.
 * @throws AppError `store_unusable` as `openDatabase` does, and where the schema is of another version.
 */
export function openDatabaseToRead(file: string): Database.Database {
  return translated(file, () => {
    const db = new Database(file, { fileMustExist: true, timeout: LOOK_TIMEOUT_MS });
    try {
      db.pragma('query_only = ON');
      if (db.pragma('application_id', { simple: true }) !== APPLICATION_ID) {
        throw new AppError('store_unusable', `${file} is not a captures store`);
      }
      if (schemaVersion(db) !== MIGRATIONS.length) {
        throw new AppError(
          'store_unusable',
          `${file} has the schema of another version of captures (${schemaVersion(db)}, this program knows ${MIGRATIONS.length})`,
        );
      }
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  });
}

function prepare(db: Database.Database, file: string, create: boolean): void {
  const applicationId = db.pragma('application_id', { simple: true });
  if (applicationId !== APPLICATION_ID) {
    if (!create || !isEmpty(db)) {
      throw new AppError('store_unusable', `${file} is not a captures store`, {
        hint: { code: 'other_folder_or_new_store' },
      });
    }
    db.pragma(`application_id = ${APPLICATION_ID}`);
  }
  db.pragma('journal_mode = WAL');
  // A committed cursor lets the recorder drop the server's rows: the commit must survive power loss.
  db.pragma('synchronous = FULL');
  db.pragma('foreign_keys = ON');
  migrate(db, file);
}

function isEmpty(db: Database.Database): boolean {
  return db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get() === 0;
}

function schemaVersion(db: Database.Database): number {
  return Number(db.pragma('user_version', { simple: true }));
}

function migrate(db: Database.Database, file: string): void {
  if (schemaVersion(db) === MIGRATIONS.length) return;
  db.transaction(() => {
    // Read again: another process may have migrated while this one waited for the lock.
    const version = schemaVersion(db);
    if (version > MIGRATIONS.length) {
      throw new AppError(
        'store_unusable',
        `${file} was written by a newer captures (its schema is version ${version}, this program knows ${MIGRATIONS.length})`,
        { hint: 'Update captures, for example: npm install -g captures' },
      );
    }
    for (const migration of MIGRATIONS.slice(version)) db.exec(migration);
    db.pragma(`user_version = ${MIGRATIONS.length}`);
  }).immediate();
}

const SENTENCES: readonly { code: string; sentence: string; hint: Hint | string }[] = [
  {
    // The first opener makes the -shm file, and a full disk fails there (tried) with an I/O error.
    code: 'SQLITE_IOERR_SHMSIZE',
    sentence: 'cannot be opened: the disk is full',
    hint: 'Free some space and try again; nothing was changed.',
  },
  {
    code: 'SQLITE_CORRUPT',
    sentence: 'is damaged',
    hint: { code: 'backup_or_new_store' },
  },
  {
    code: 'SQLITE_NOTADB',
    sentence: 'is not a captures store',
    hint: { code: 'other_folder_or_new_store' },
  },
  {
    code: 'SQLITE_FULL',
    sentence: 'cannot be written: the disk is full',
    hint: 'Free some space and try again; nothing was changed.',
  },
  {
    code: 'SQLITE_READONLY',
    sentence: 'cannot be written: no permission',
    hint: 'Run captures as the user the store belongs to.',
  },
  {
    code: 'SQLITE_PERM',
    sentence: 'cannot be opened: no permission',
    hint: 'Run captures as the user the store belongs to.',
  },
  {
    code: 'SQLITE_CANTOPEN',
    sentence: 'cannot be opened',
    hint: 'Check that the folder exists and that you may read and write it.',
  },
  {
    code: 'SQLITE_IOERR',
    sentence: 'cannot be read or written',
    hint: 'Check the disk it lies on.',
  },
];

/** Another process is in the middle of a write, and was for as long as we wait. */
const BUSY = /^SQLITE_(BUSY|LOCKED|PROTOCOL)(_|$)/;

/**
 * Runs something on the database and turns SQLite's own failures (by code) into AppError
 * `store_unusable`; a constraint that is broken is a bug and passes through.
 */
export function translated<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof Database.SqliteError) {
      const { code } = error;
      if (BUSY.test(code)) {
        throw new StoreBusy(`The store ${file} is busy: another process holds it locked`, {
          hint: `Try again. If it stays so, a process that uses it may be suspended; to see which: fuser -v ${file}`,
          cause: error,
        });
      }
      // Extended codes are the primary one with a suffix: SQLITE_IOERR_WRITE, SQLITE_READONLY_DIRECTORY.
      const known = SENTENCES.find(
        (entry) => code === entry.code || code.startsWith(`${entry.code}_`),
      );
      if (known !== undefined) {
        throw new AppError('store_unusable', `The store ${file} ${known.sentence}`, {
          hint: known.hint,
          cause: error,
        });
      }
    }
    throw error;
  }
}

function isUniqueViolation(error: unknown): boolean {
  return error instanceof Database.SqliteError && error.code === 'SQLITE_CONSTRAINT_UNIQUE';
}

/**
 * The first row that a statement with RETURNING gives. Not `statement.get`: that stops at the row, and
 * what the commit says after it is dropped. On a full disk it reported writes as done that were gone
 * (tried); `all` goes on to the end, where the failure is thrown.
 */
export function returned<Parameters extends unknown[], Row>(
  statement: Database.Statement<Parameters, Row>,
  ...parameters: Parameters
): Row | undefined {
  return statement.all(...parameters)[0];
}

/** The row that an INSERT with RETURNING gives. */
export function inserted<Parameters extends unknown[], Row>(
  statement: Database.Statement<Parameters, Row>,
  ...parameters: Parameters
): Row {
  const row = returned(statement, ...parameters);
  if (row === undefined) throw new Error('INSERT … RETURNING gave no row');
  return row;
}

/** What a row says; null where there is none. */
export function orNull<Row, T>(row: Row | undefined, read: (row: Row) => T): T | null {
  return row === undefined ? null : read(row);
}

/** Does a write. @throws what `taken` returns where it would give a second row a name that is unique. */
export function unlessTaken<T>(write: () => T, taken: () => AppError): T {
  try {
    return write();
  } catch (error) {
    throw isUniqueViolation(error) ? taken() : error;
  }
}

/**
 * The same database, whose statements are prepared when they are first run: a table has up to 20 and
 * a command runs one or two of them. Saves a command 1.5 ms.
 */
export function withLateStatements(db: Database.Database): Database.Database {
  const prepare = (sql: string): LateStatement => new LateStatement(sql, () => db.prepare(sql));
  return Object.create(db, { prepare: { value: prepare } }) as Database.Database;
}

/** What our tables use of a statement. */
class LateStatement {
  readonly source: string;
  readonly #prepare: () => Database.Statement;
  #prepared: Database.Statement | null = null;

  constructor(source: string, prepare: () => Database.Statement) {
    this.source = source;
    this.#prepare = prepare;
  }

  get #statement(): Database.Statement {
    return (this.#prepared ??= this.#prepare());
  }

  pluck(): LateStatement {
    return new LateStatement(this.source, () => this.#statement.pluck());
  }

  get(...parameters: unknown[]): unknown {
    return this.#statement.get(...parameters);
  }

  all(...parameters: unknown[]): unknown[] {
    return this.#statement.all(...parameters);
  }

  iterate(...parameters: unknown[]): IterableIterator<unknown> {
    return this.#statement.iterate(...parameters);
  }

  run(...parameters: unknown[]): Database.RunResult {
    return this.#statement.run(...parameters);
  }
}
