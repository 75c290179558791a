import type { Database } from 'better-sqlite3';
import type {
  FinishedRecording,
  RecordedServer,
  Recording,
  RecordingProgress,
  RecordingTable,
} from '../core/store.ts';
import { prepareRates } from './metrics.ts';

const SELECT = `SELECT capture_id AS captureId, tap_id AS tapId, first_generation AS firstBatch,
  last_generation AS lastBatch, records, text_bytes AS textBytes, file_bytes AS fileBytes,
  position, counters, facts, other_commands AS otherCommands, look_questions AS lookQuestions,
  look_sets AS lookSets, look_statuses AS lookStatuses FROM recordings`;

const PROGRESS = `records = @records, text_bytes = @textBytes, file_bytes = @fileBytes,
  position = @position, counters = @counters`;

export function prepareProgress(db: Database): (progress: RecordingProgress) => void {
  const save = db.prepare<Omit<RecordingProgress, 'rates'>>(
    `UPDATE recordings SET ${PROGRESS} WHERE capture_id = @captureId`,
  );
  const saveRates = prepareRates(db);
  return ({ rates, ...progress }) => {
    save.run(progress);
    saveRates(progress.captureId, rates);
  };
}

export function recordingTable(db: Database): RecordingTable {
  const find = db.prepare<[number], Recording>(`${SELECT} WHERE capture_id = ?`);
  const listOfTap = db.prepare<[number], Recording>(
    `${SELECT} WHERE tap_id = ? ORDER BY capture_id`,
  );
  const begin = db.prepare(
    `INSERT INTO recordings (capture_id, tap_id) VALUES (?, ?)
     ON CONFLICT (capture_id) DO UPDATE SET tap_id = excluded.tap_id`,
  );
  const open = db.prepare(
    'UPDATE recordings SET first_generation = ?, facts = ? WHERE capture_id = ?',
  );
  const end = db.prepare(
    'UPDATE recordings SET last_generation = ?, facts = ? WHERE capture_id = ?',
  );
  const saveFacts = db.prepare('UPDATE recordings SET facts = ? WHERE capture_id = ?');
  const finish = db.prepare<Omit<RecordingProgress, 'rates'> & { facts: string }>(
    `UPDATE recordings SET ${PROGRESS}, facts = @facts, tap_id = NULL WHERE capture_id = @captureId`,
  );
  const saveRates = prepareRates(db);
  const addOtherCommands = db.prepare<[number, number]>(
    `UPDATE recordings SET other_commands = other_commands + ?
     WHERE tap_id = ?`,
  );
  const openOfTap = db.prepare<[number], { captureId: number }>(
    `SELECT capture_id AS captureId FROM recordings
     WHERE tap_id = ? AND first_generation IS NOT NULL AND is_closing = 0`,
  );
  const settleLook = db.prepare(
    `UPDATE recordings SET other_commands = other_commands - @settled,
       look_questions = look_questions + @questions, look_sets = look_sets + @sets,
       look_statuses = look_statuses + @statuses
     WHERE capture_id = @captureId AND is_closing = 0`,
  );
  const closing = db.prepare('UPDATE recordings SET is_closing = 1 WHERE capture_id = ?');
  const detach = db.prepare('UPDATE recordings SET tap_id = NULL WHERE capture_id = ?');
  const recordedServers = db.prepare<[], { environmentId: number; server: string }>(
    'SELECT environment_id AS environmentId, server FROM recorded_servers',
  );
  const insertFinished = db.prepare<Omit<FinishedRecording, 'rates'>>(
    `INSERT INTO recordings (capture_id, records, text_bytes, file_bytes, position, counters, facts,
       other_commands, look_questions, look_sets, look_statuses, is_closing)
     VALUES (@captureId, @records, @textBytes, @fileBytes, @position, @counters, @facts,
       @otherCommands, @lookQuestions, @lookSets, @lookStatuses, 1)`,
  );
  return {
    find: (captureId) => find.get(captureId) ?? null,
    listOfTap: (tapId) => listOfTap.all(tapId),
    begin: (captureId, tapId) => void begin.run(captureId, tapId),
    open: (captureId, firstBatch, facts) => void open.run(firstBatch, facts, captureId),
    end: (captureId, lastBatch, facts) => void end.run(lastBatch, facts, captureId),
    saveFacts: (captureId, facts) => void saveFacts.run(facts, captureId),
    finish({ rates, ...progress }, facts) {
      finish.run({ ...progress, facts });
      saveRates(progress.captureId, rates);
    },
    openOfTap: (tapId) => openOfTap.all(tapId).map(({ captureId }) => captureId),
    settleLook(captureId, noted, { questions, sets, statuses, doubtful }) {
      const sent = { questions: questions - doubtful, sets, statuses };
      settleLook.run({ captureId, settled: noted - doubtful, ...sent });
    },
    closing: (captureId) => void closing.run(captureId),
    addOtherCommands: (tapId, commands) => void addOtherCommands.run(commands, tapId),
    detach: (captureId) => void detach.run(captureId),
    recordedServers: () =>
      recordedServers.all().map(({ environmentId, server }) => ({
        environmentId,
        server: JSON.parse(server) as RecordedServer['server'],
      })),
    insertFinished({ rates, ...recording }) {
      insertFinished.run(recording);
      saveRates(recording.captureId, rates);
    },
  };
}
