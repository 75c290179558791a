import type { Database } from 'better-sqlite3';
import { isWithin } from '../core/access.ts';
import { AppError } from '../core/errors.ts';
import { nameKey } from '../core/names.ts';
import {
  readStoredOptions,
  storedOptions,
  type RecordingOptions,
} from '../core/captures/recording-options.ts';
import type { ListedSchedule, Schedule, ScheduleTable } from '../core/schedules/schedule.ts';
import { CAPTURE_COLUMNS, toCapture, type CaptureRow } from './captures.ts';
import { inserted, orNull, unlessTaken } from './database.ts';

const COLUMNS = `schedules.id, schedules.name, schedules.environment_id AS environmentId,
  schedules.owner_id AS ownerId, cron, time_zone AS timeZone, schedules.duration_ms AS duration,
  overlap, count, until_at AS until, retain_ms AS retain, state, passed, missed, skipped,
  cursor_at AS cursor, pending_capture_id AS pendingCaptureId, pending_at AS pendingAt,
  schedules.created_at AS createdAt, schedules.options, trouble`;
const LISTED = `SELECT ${COLUMNS}, environments.name AS environmentName, users.name AS ownerName
  FROM schedules
  JOIN environments ON environments.id = schedules.environment_id
  JOIN users ON users.id = schedules.owner_id`;
const UNDER_WAY = "('STARTED', 'STARTING', 'RUNNING')";

type Row = Omit<Schedule, 'options'> & { options: string | null };
type ListedRow = Omit<ListedSchedule, 'options'> & { options: string | null };

/** A row with its options read. */
function withOptions<T extends { options: string | null }>(
  row: T,
): Omit<T, 'options'> & { options: RecordingOptions } {
  return { ...row, options: readStoredOptions(row.options) };
}

export function scheduleTable(db: Database): ScheduleTable {
  const insert = db.prepare<Record<string, unknown>, Row>(
    `INSERT INTO schedules (name, name_key, environment_id, owner_id, cron, time_zone, duration_ms,
       overlap, count, until_at, retain_ms, state, cursor_at, options, created_at)
     VALUES (@name, @nameKey, @environmentId, @ownerId, @cron, @timeZone, @duration, @overlap, @count,
       @until, @retain, 'active', @cursor, @options, @now) RETURNING ${COLUMNS}`,
  );
  const find = db.prepare<[number], ListedRow>(`${LISTED} WHERE schedules.id = ?`);
  const findByName = db.prepare<[string, number], ListedRow>(
    `${LISTED} WHERE schedules.name_key = ? AND EXISTS (SELECT 1 FROM members
       WHERE members.environment_id = schedules.environment_id AND members.user_id = ?)
     ORDER BY schedules.id`,
  );
  const list = db.prepare<[string], ListedRow>(
    `${LISTED} WHERE schedules.environment_id IN (SELECT value FROM json_each(?))
     ORDER BY environments.name_key, schedules.name_key`,
  );
  const listToTend = db.prepare<[], Row>(
    `SELECT ${COLUMNS} FROM schedules LEFT JOIN captures ON captures.id = pending_capture_id
     WHERE state = 'active' AND (captures.status IS NOT 'SCHEDULED'
       OR captures.scheduled_start_at IS NOT pending_at) ORDER BY schedules.id`,
  );
  const listFromAfter = db.prepare<{ instant: number }, Row>(
    `SELECT ${COLUMNS} FROM schedules LEFT JOIN captures ON captures.id = pending_capture_id
     WHERE (state = 'active' AND captures.created_at > @instant)
       OR (state = 'over' AND (SELECT at FROM audit WHERE subject_kind = 'schedule'
         AND subject_id = schedules.id AND action = 'schedule.over' ORDER BY id DESC LIMIT 1) > @instant)
     ORDER BY schedules.id`,
  );
  const lastStarted = db
    .prepare<[number, number], number | null>(
      `SELECT max(at) FROM occurrences JOIN captures ON captures.id = capture_id
       WHERE schedule_id = ? AND at <= ?
         AND (start_at IS NOT NULL OR status NOT IN ('SCHEDULED', 'FAILED'))`,
    )
    .pluck();
  const findOfCapture = db.prepare<[number], Row>(
    `SELECT ${COLUMNS} FROM occurrences JOIN schedules ON schedules.id = schedule_id
     WHERE capture_id = ?`,
  );
  const update = db.prepare<Record<string, unknown>>(
    `UPDATE schedules SET name = @name, name_key = @nameKey, owner_id = @ownerId, cron = @cron,
       time_zone = @timeZone, duration_ms = @duration, overlap = @overlap, count = @count,
       until_at = @until, retain_ms = @retain, state = @state, passed = @passed, missed = @missed,
       skipped = @skipped, cursor_at = @cursor, pending_capture_id = @pendingCaptureId,
       pending_at = @pendingAt, trouble = @trouble
     WHERE id = @id`,
  );
  const remove = db.prepare('DELETE FROM schedules WHERE id = ?');
  const addOccurrence = db.prepare(
    `INSERT INTO occurrences (capture_id, schedule_id, at) VALUES (?, ?, ?)
     ON CONFLICT (capture_id) DO UPDATE SET at = excluded.at`,
  );
  // The status first: few captures are under way, whatever the number of past occurrences.
  const listUnderWay = db.prepare<[number], CaptureRow>(
    `SELECT ${CAPTURE_COLUMNS}
     FROM captures JOIN occurrences ON occurrences.capture_id = captures.id
     WHERE status NOT IN ('DONE', 'FAILED') AND status IN ${UNDER_WAY}
       AND occurrences.schedule_id = ? ORDER BY captures.id`,
  );
  const listExpired = db
    .prepare<[number], number>(
      `SELECT captures.id FROM schedules
       JOIN occurrences ON occurrences.schedule_id = schedules.id
       JOIN captures ON captures.id = occurrences.capture_id
       WHERE retain_ms IS NOT NULL AND status IN ('DONE', 'FAILED')
         AND coalesce(end_at, scheduled_start_at, captures.created_at) + retain_ms <= ?
       ORDER BY captures.id`,
    )
    .pluck();
  const handOn = db.prepare(
    'UPDATE schedules SET owner_id = ? WHERE environment_id = ? AND owner_id = ?',
  );
  const environmentsOwnedIn = db
    .prepare<[number], number>('SELECT DISTINCT environment_id FROM schedules WHERE owner_id = ?')
    .pluck();
  return {
    insert(schedule, now) {
      const options = storedOptions(schedule.options);
      const columns = { ...schedule, options, nameKey: nameKey(schedule.name), now };
      return withOptions(unlessTaken(() => inserted(insert, columns), nameTaken));
    },
    find: (id) => orNull(find.get(id), withOptions),
    findByName: (name, { userId, scope }) =>
      findByName
        .all(nameKey(name), userId)
        .filter((row) => isWithin(scope, row.environmentId))
        .map(withOptions),
    list: (environmentIds) => list.all(JSON.stringify(environmentIds)).map(withOptions),
    listToTend: () => listToTend.all().map(withOptions),
    listFromAfter: (instant) => listFromAfter.all({ instant }).map(withOptions),
    lastStarted: (scheduleId, until) => lastStarted.get(scheduleId, until) ?? null,
    findOfCapture: (captureId) => orNull(findOfCapture.get(captureId), withOptions),
    update(id, changes) {
      const before = find.get(id);
      if (before === undefined) return;
      const after = { ...before, ...changes };
      unlessTaken(() => update.run({ ...after, nameKey: nameKey(after.name) }), nameTaken);
    },
    delete: (id) => void remove.run(id),
    addOccurrence: (captureId, scheduleId, at) => void addOccurrence.run(captureId, scheduleId, at),
    listUnderWay: (scheduleId) => listUnderWay.all(scheduleId).map(toCapture),
    listExpired: (now) => listExpired.all(now),
    handOn: (environmentId, from, to) => handOn.run(to, environmentId, from).changes,
    environmentsOwnedIn: (ownerId) => environmentsOwnedIn.all(ownerId),
  };
}

function nameTaken(): AppError {
  return new AppError('invalid', 'Schedule with the same name already exists in this environment');
}
