import type { Database } from 'better-sqlite3';
import type { CoveredSessions, WarmUp, WarmUpTable } from '../core/warm-ups/warm-up.ts';
import { inserted, orNull } from './database.ts';

interface Row extends Omit<WarmUp, 'covered'> {
  covered: string;
}

const COLUMNS = `id, environment_id AS environmentId, capture_id AS captureId, asked_by AS askedBy,
  begin_at AS begin, until_at AS until, state, outcome, server_start AS serverStart, covered, tap_id AS tapId`;
/** Of one environment: they say which sessions of before are covered. */
const MOST_REMEMBERED = 200;

function toWarmUp(row: Row): WarmUp {
  return { ...row, covered: JSON.parse(row.covered) as CoveredSessions[] };
}

export function warmUpTable(db: Database): WarmUpTable {
  const insert = db.prepare<[number, number | null, string, number, number], Row>(
    `INSERT INTO warm_ups (environment_id, capture_id, asked_by, begin_at, until_at, state)
     VALUES (?, ?, ?, ?, ?, 'waiting') RETURNING ${COLUMNS}`,
  );
  const forget = db.prepare<[number, number, number]>(
    `DELETE FROM warm_ups WHERE environment_id = ? AND state = 'over' AND id NOT IN
       (SELECT id FROM warm_ups WHERE environment_id = ? ORDER BY id DESC LIMIT ?)`,
  );
  const find = db.prepare<[number], Row>(`SELECT ${COLUMNS} FROM warm_ups WHERE id = ?`);
  const listOf = db.prepare<[number, number], Row>(
    `SELECT ${COLUMNS} FROM warm_ups WHERE environment_id = ? ORDER BY id DESC LIMIT ?`,
  );
  const listOpen = db.prepare<[], Row>(
    `SELECT ${COLUMNS} FROM warm_ups WHERE state <> 'over' ORDER BY id`,
  );
  const listOfTap = db.prepare<[number], Row>(
    `SELECT ${COLUMNS} FROM warm_ups WHERE tap_id = ? ORDER BY id`,
  );
  const update = db.prepare(
    `UPDATE warm_ups SET state = @state, outcome = @outcome, server_start = @serverStart,
       covered = @covered, tap_id = @tapId, until_at = @until WHERE id = @id`,
  );
  const found = (id: number): WarmUp | null => orNull(find.get(id), toWarmUp);
  return {
    insert({ environmentId, captureId, askedBy, begin, until }) {
      const row = inserted(insert, environmentId, captureId, askedBy, begin, until);
      forget.run(environmentId, environmentId, MOST_REMEMBERED);
      return toWarmUp(row);
    },
    find: found,
    listOf: (environmentId) => listOf.all(environmentId, MOST_REMEMBERED).map(toWarmUp),
    listOpen: () => listOpen.all().map(toWarmUp),
    listOfTap: (tapId) => listOfTap.all(tapId).map(toWarmUp),
    update(id, changes) {
      const before = found(id);
      if (before === null) return;
      const after = { ...before, ...changes };
      update.run({ ...after, covered: JSON.stringify(after.covered) });
    },
  };
}
