import type { Database } from 'better-sqlite3';
import type {
  ReplayOptions,
  ReplayPlan,
  ReplayProgress,
  ReplaySource,
  StoredReplay,
} from '../core/replays/replay.ts';
import type { ReplayTable } from '../core/replays/replay-table.ts';
import { orNull } from './database.ts';

interface Row {
  captureId: number;
  source: string;
  options: string;
  target: string | null;
  plan: string | null;
  progress: string | null;
  host: string;
  pid: number;
  heardAt: number;
}

export function replayTable(db: Database): ReplayTable {
  const insert = db.prepare(
    `INSERT INTO replays (capture_id, source, options, host, pid, heard_at)
     VALUES (@captureId, @source, @options, @host, @pid, @heardAt)`,
  );
  const find = db.prepare<[number], Row>(
    `SELECT capture_id AS captureId, source, options, target, plan, progress, host, pid,
       heard_at AS heardAt FROM replays WHERE capture_id = ?`,
  );
  const saveTarget = db.prepare('UPDATE replays SET target = ? WHERE capture_id = ?');
  const savePlan = db.prepare('UPDATE replays SET plan = ? WHERE capture_id = ?');
  const heard = db.prepare(
    'UPDATE replays SET progress = coalesce(?, progress), heard_at = ? WHERE capture_id = ?',
  );
  const listOpen = db
    .prepare<[], number>(
      "SELECT id FROM captures WHERE type = 'REPLAY' AND status NOT IN ('DONE', 'FAILED') ORDER BY id",
    )
    .pluck();
  return {
    insert({ source, options, ...rest }) {
      insert.run({ ...rest, source: JSON.stringify(source), options: JSON.stringify(options) });
    },
    find: (captureId) => orNull(find.get(captureId), toReplay),
    saveTarget: (captureId, target) => {
      saveTarget.run(JSON.stringify(target), captureId);
    },
    savePlan: (captureId, plan) => {
      savePlan.run(JSON.stringify(plan), captureId);
    },
    heard: (captureId, progress, now) =>
      heard.run(progress === null ? null : JSON.stringify(progress), now, captureId).changes === 1,
    listOpen: () => listOpen.all(),
  };
}

function toReplay(row: Row): StoredReplay {
  return {
    ...row,
    source: JSON.parse(row.source) as ReplaySource,
    options: JSON.parse(row.options) as ReplayOptions,
    target: parsed(row.target) as StoredReplay['target'],
    plan: parsed(row.plan) as ReplayPlan | null,
    progress: parsed(row.progress) as ReplayProgress | null,
  };
}

function parsed(text: string | null): unknown {
  return text === null ? null : JSON.parse(text);
}
