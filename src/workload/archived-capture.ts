import { LATEST_TIME_MS } from '../core/captures/capture.ts';
import { ARCHIVE_VERSION, type ArchivedCapture } from '../core/workloads/transfer.ts';
import { refusedArchive } from './archive-entries.ts';
import {
  isCount,
  isObject,
  isText,
  isTextOrNull,
  orNull,
  shaped,
  type Check,
} from './json-shapes.ts';

const SHORTEST_DURATION_MS = 60_000;

const isTime: Check = (value) => isCount(value) && Number(value) <= LATEST_TIME_MS;
const isDuration: Check = (value) => isCount(value) && Number(value) >= SHORTEST_DURATION_MS;

const isArchivedCapture = shaped({
  exportedAt: isTime,
  capture: shaped({
    id: isCount,
    name: isText,
    owner: isText,
    status: (value) => value === 'DONE' || value === 'FAILED',
    start: isTime,
    end: isTime,
    scheduledStart: orNull(isTime),
    scheduledEnd: orNull(isTime),
    duration: orNull(isDuration),
    reason: isTextOrNull,
  }),
  environment: shaped({ name: isText }),
  recording: shaped({
    endReason: isTextOrNull,
    deadManObstacle: isTextOrNull,
    otherCommands: isCount,
    lookQuestions: isCount,
    lookSets: isCount,
    lookStatuses: isCount,
  }),
});

/** Reads what an archive says of its capture. @throws AppError `invalid`, also of a newer version. */
export function parseArchivedCapture(text: string): ArchivedCapture {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw refusedArchive('capture.json in it is not JSON', error);
  }
  if (!isObject(value) || value['format'] !== 'captures-export') {
    throw refusedArchive('capture.json in it is that of another program');
  }
  const version = value['formatVersion'];
  if (typeof version === 'number' && version > ARCHIVE_VERSION) {
    throw refusedArchive(
      `a newer version of captures wrote it (format ${version}; this one reads ${ARCHIVE_VERSION})`,
    );
  }
  if (version !== ARCHIVE_VERSION || !isArchivedCapture(value)) {
    throw refusedArchive('capture.json in it is not as it must be');
  }
  const about = value as unknown as ArchivedCapture;
  const { start, end, status, reason } = about.capture;
  if (end < start) throw refusedArchive('its capture ends before it starts');
  if (status === 'FAILED' && reason === null) {
    throw refusedArchive('its capture is FAILED without a reason');
  }
  return about;
}
