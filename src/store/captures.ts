import type { Database } from 'better-sqlite3';
import { isWithin } from '../core/access.ts';
import { TRANSITIONS, type Capture, type CaptureStatus } from '../core/captures/capture.ts';
import { MESSAGES } from '../core/captures/capture.ts';
import { AppError } from '../core/errors.ts';
import { nameKey } from '../core/names.ts';
import {
  RECORD_EVERYTHING,
  readStoredOptions,
  storedOptions,
} from '../core/captures/recording-options.ts';
import type { ReplayProgress } from '../core/replays/replay.ts';
import type { CaptureChanges, CaptureTable, ListedCapture, ReplayedCounts } from '../core/store.ts';
import { captureLister } from './capture-lister.ts';
import { inserted, orNull, returned, unlessTaken } from './database.ts';
import { troubleOf } from './taps.ts';

/** A row with the columns `CAPTURE_COLUMNS`. */
export interface CaptureRow extends Omit<Capture, 'recordsStatements' | 'options'> {
  recordsStatements: number;
  options: string | null;
}

/** A row of the statement that lists captures. */
export interface ListedRow
  extends CaptureRow, Omit<ListedCapture, keyof Capture | 'trouble' | 'replayed'> {
  trouble: string | null;
  progress: string | null;
}

export const CAPTURE_COLUMNS = `captures.id, captures.name, captures.environment_id AS environmentId,
  captures.owner_id AS ownerId, captures.type, captures.status, captures.start_at AS start,
  captures.scheduled_start_at AS scheduledStart, captures.scheduled_end_at AS scheduledEnd,
  captures.end_at AS end, captures.duration_ms AS duration, captures.reason,
  captures.created_at AS createdAt, captures.records_statements AS recordsStatements,
  captures.options`;

const LISTED_COLUMNS = `${CAPTURE_COLUMNS},
  environments.name AS environmentName, users.name AS ownerName, recordings.records,
  recordings.text_bytes AS textBytes, recordings.file_bytes AS fileBytes, taps.trouble,
  replays.progress`;
const LISTED_JOINS = `JOIN environments ON environments.id = captures.environment_id
  JOIN users ON users.id = captures.owner_id
  LEFT JOIN recordings ON recordings.capture_id = captures.id
  LEFT JOIN taps ON taps.id = recordings.tap_id
  LEFT JOIN replays ON replays.capture_id = captures.id`;
const LISTED = `SELECT ${LISTED_COLUMNS} FROM captures ${LISTED_JOINS}`;

// As the index `captures_warming` has it.
const WARM_UP_BEGINS = "scheduled_start_at - json_extract(options, '$.warmUp')";
const WANTS_WARM_UP = `status = 'SCHEDULED' AND json_extract(options, '$.warmUp') IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM warm_ups WHERE warm_ups.capture_id = captures.id
    AND (warm_ups.state <> 'over' OR warm_ups.until_at = captures.scheduled_start_at))`;

export function toCapture<T extends CaptureRow>(
  row: T,
): Omit<T, 'recordsStatements' | 'options'> & Pick<Capture, 'recordsStatements' | 'options'> {
  const recordsStatements = row.recordsStatements === 1;
  return { ...row, recordsStatements, options: readStoredOptions(row.options) };
}

function toListed(row: ListedRow): ListedCapture {
  const { progress, ...rest } = row;
  return { ...toCapture(rest), trouble: troubleOf(row.trouble), replayed: replayedOf(progress) };
}

function replayedOf(progress: string | null): ReplayedCounts | null {
  if (progress === null) return null;
  const { sent, skipped, failed } = JSON.parse(progress) as ReplayProgress;
  return { sent, skipped, failed };
}

/** Statuses as a JSON array, for `IN (SELECT value FROM json_each(?))`. */
const set = (statuses: readonly CaptureStatus[]): string => JSON.stringify(statuses);

export function captureTable(db: Database): CaptureTable {
  const insert = db.prepare<[Record<string, unknown>], CaptureRow>(
    `INSERT INTO captures (name, name_key, environment_id, owner_id, type, status, start_at,
       scheduled_start_at, scheduled_end_at, end_at, duration_ms, reason, records_statements,
       options, created_at)
     VALUES (@name, @nameKey, @environmentId, @ownerId, @type, @status, @start,
       @scheduledStart, @scheduledEnd, @end, @duration, @reason, @recordsStatements, @options, @now) RETURNING ${CAPTURE_COLUMNS}`,
  );
  const find = db.prepare<[number], ListedRow>(`${LISTED} WHERE captures.id = ?`);
  const findByName = db.prepare<[string, number], ListedRow>(
    `${LISTED} WHERE captures.name_key = ? AND EXISTS (SELECT 1 FROM members
       WHERE members.environment_id = captures.environment_id AND members.user_id = ?)
     ORDER BY captures.id`,
  );
  const listByStatus = db.prepare<[string], CaptureRow>(
    `SELECT ${CAPTURE_COLUMNS} FROM captures
     WHERE status NOT IN ('DONE', 'FAILED') AND status IN (SELECT value FROM json_each(?))
       AND type = 'CAPTURE' ORDER BY id`,
  );
  const listDue = db.prepare<[number, number], CaptureRow>(
    `SELECT ${CAPTURE_COLUMNS} FROM captures WHERE status = 'SCHEDULED' AND scheduled_start_at <= ?
     ORDER BY scheduled_start_at, id LIMIT ?`,
  );
  const nextDue = db
    .prepare<[], number | null>(
      "SELECT min(scheduled_start_at) FROM captures WHERE status = 'SCHEDULED'",
    )
    .pluck();
  const listWarming = db.prepare<[number], CaptureRow>(
    `SELECT ${CAPTURE_COLUMNS} FROM captures WHERE ${WANTS_WARM_UP} AND ${WARM_UP_BEGINS} <= ? ORDER BY id`,
  );
  const nextWarming = db
    .prepare<[], number | null>(
      `SELECT min(${WARM_UP_BEGINS}) FROM captures WHERE ${WANTS_WARM_UP}`,
    )
    .pluck();
  const listEnding = db.prepare<[number], CaptureRow>(
    `SELECT ${CAPTURE_COLUMNS} FROM captures
     WHERE status = 'RUNNING' AND scheduled_end_at IS NOT NULL AND scheduled_end_at <= ?
       AND type = 'CAPTURE' ORDER BY scheduled_end_at, id`,
  );
  const nextEnd = db
    .prepare<[], number | null>(
      `SELECT scheduled_end_at FROM captures
       WHERE status = 'RUNNING' AND scheduled_end_at IS NOT NULL AND records_statements = 0
         AND type = 'CAPTURE'
       ORDER BY scheduled_end_at LIMIT 1`,
    )
    .pluck();
  // `@changes` holds only the fields that change: absent is "as it was", null is "set to nothing".
  const change = db.prepare<Record<string, unknown>, CaptureRow>(
    `UPDATE captures SET
       status = @to,
       name = coalesce(@changes ->> 'name', name),
       name_key = coalesce(@name_key, name_key),
       start_at = ${changed('start', 'start_at')},
       scheduled_start_at = ${changed('scheduledStart', 'scheduled_start_at')},
       scheduled_end_at = ${changed('scheduledEnd', 'scheduled_end_at')},
       end_at = ${changed('end', 'end_at')},
       duration_ms = ${changed('duration', 'duration_ms')},
       reason = ${changed('reason', 'reason')}
     WHERE id = @id AND status = @from RETURNING ${CAPTURE_COLUMNS}`,
  );
  const statusOf = db
    .prepare<[number], CaptureStatus>('SELECT status FROM captures WHERE id = ?')
    .pluck();
  const remove = db.prepare<[number, string]>(
    'DELETE FROM captures WHERE id = ? AND status IN (SELECT value FROM json_each(?))',
  );
  const countOf = db
    .prepare<[number], number>('SELECT count(*) FROM captures WHERE environment_id = ?')
    .pluck();
  const isNameTaken = db
    .prepare<[number, string], number>(
      'SELECT 1 FROM captures WHERE environment_id = ? AND name_key = ?',
    )
    .pluck();
  const idsOf = db
    .prepare<[number], number>('SELECT id FROM captures WHERE environment_id = ? ORDER BY id')
    .pluck();
  const handOn = db.prepare(
    'UPDATE captures SET owner_id = ? WHERE environment_id = ? AND owner_id = ?',
  );
  const environmentsOwnedIn = db
    .prepare<[number], number>('SELECT DISTINCT environment_id FROM captures WHERE owner_id = ?')
    .pluck();
  const lister = captureLister(db, {
    columns: LISTED_COLUMNS,
    joins: LISTED_JOINS,
    toListed,
  });

  function apply(
    id: number,
    from: CaptureStatus,
    to: CaptureStatus,
    changes: CaptureChanges,
  ): Capture | null {
    const all = {
      id,
      from,
      to,
      changes: JSON.stringify(changes),
      name_key: changes.name === undefined ? null : nameKey(changes.name),
    };
    return orNull(
      unlessTaken(() => returned(change, all), nameTaken),
      toCapture,
    );
  }

  return {
    insert(capture, now) {
      const columns = {
        type: 'CAPTURE',
        ...capture,
        nameKey: nameKey(capture.name),
        recordsStatements: capture.recordsStatements ? 1 : 0,
        options: storedOptions(capture.options ?? RECORD_EVERYTHING),
        now,
      };
      return toCapture(unlessTaken(() => inserted(insert, columns), nameTaken));
    },
    find: (id) => orNull(find.get(id), toListed),
    findByName: (name, { userId, scope }) =>
      findByName
        .all(nameKey(name), userId)
        .filter((row) => isWithin(scope, row.environmentId))
        .map(toListed),
    list: (filter, after = null) => lister(filter, after),
    countOf: (environmentId) => countOf.get(environmentId) ?? 0,
    isNameTaken: (environmentId, key) => isNameTaken.get(environmentId, key) !== undefined,
    idsOf: (environmentId) => idsOf.all(environmentId),
    handOn: (environmentId, from, to) => handOn.run(to, environmentId, from).changes,
    environmentsOwnedIn: (ownerId) => environmentsOwnedIn.all(ownerId),
    listByStatus: (statuses) => listByStatus.all(set(statuses)).map(toCapture),
    listDue: (until, limit) => listDue.all(until, limit).map(toCapture),
    nextDue: () => nextDue.get() ?? null,
    listWarming: (until) => listWarming.all(until).map(toCapture),
    nextWarming: () => nextWarming.get() ?? null,
    listEnding: (until) => listEnding.all(until).map(toCapture),
    nextEnd: () => nextEnd.get() ?? null,
    move(id, from, to, changes = {}) {
      if (!TRANSITIONS[from].includes(to))
        throw new Error(`No capture moves from ${from} to ${to}`);
      return apply(id, from, to, changes);
    },
    update(id, statuses, changes) {
      const status = statusOf.get(id);
      if (status === undefined || !statuses.includes(status)) return null;
      return apply(id, status, status, changes);
    },
    delete: (id, statuses) => remove.run(id, set(statuses)).changes === 1,
  };
}

const nameTaken = (): AppError => new AppError('invalid', MESSAGES.nameTaken);

function changed(field: string, column: string): string {
  return `CASE WHEN json_type(@changes, '$.${field}') IS NULL THEN ${column} ELSE @changes ->> '${field}' END`;
}
