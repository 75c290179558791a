import { isOver, reasonOf, type CaptureStatus } from '../../core/captures/capture.ts';
import type { ListedCapture } from '../../core/store.ts';
import { optionsJson } from './recording-options.ts';
import type { Column, JsonObject, Noun, View } from './column.ts';
import { isoTime, localMoment, localTime } from './moments.ts';
import { fullName } from './names.ts';
import type { Tone } from './paint.ts';
import { formatBytes, formatCount, formatDuration, formatRelative } from '../../core/units.ts';

const STATUS_TONES: Record<CaptureStatus, Tone> = {
  SCHEDULED: 'dim',
  STARTED: 'busy',
  STARTING: 'busy',
  RUNNING: 'good',
  STOPPING: 'busy',
  DONE: 'strong',
  FAILED: 'bad',
};

/** A capture as JSON: the reference API's fields first, in its order. */
export function captureJson(capture: ListedCapture): JsonObject {
  const { records, textBytes, fileBytes } = capture;
  return {
    id: capture.id,
    name: capture.name,
    start: isoTime(capture.start),
    scheduledStart: isoTime(capture.scheduledStart),
    scheduledEnd: isoTime(capture.scheduledEnd),
    end: isoTime(capture.end),
    status: capture.status,
    envId: capture.environmentId,
    type: 'CAPTURE',
    reason: reasonOf(capture),
    environment: capture.environmentName,
    owner: capture.ownerName,
    duration: capture.duration === null ? null : capture.duration / 1_000,
    createdAt: isoTime(capture.createdAt),
    workload: records === null ? null : { records, textBytes, fileBytes },
    options: capture.recordsStatements ? optionsJson(capture.options) : null,
    trouble: troubleJson(capture),
  };
}

function troubleJson({ trouble }: ListedCapture): JsonObject | null {
  return trouble === null ? null : { since: isoTime(trouble.since), reason: trouble.reason };
}

const COLUMNS: readonly Column<ListedCapture>[] = [
  { field: 'id', header: 'ID', align: 'right', cell: (capture) => String(capture.id) },
  { field: 'name', header: 'NAME', shrinks: true, cell: (capture) => capture.name },
  {
    field: 'status',
    header: 'STATUS',
    cell: (capture) => capture.status,
    tone: (capture) => STATUS_TONES[capture.status],
  },
  {
    field: 'environment',
    header: 'ENVIRONMENT',
    shrinks: true,
    cell: (capture) => capture.environmentName,
  },
  {
    field: 'start',
    header: 'START',
    cell: (capture, view) => moment(capture.start ?? capture.scheduledStart, view),
  },
  {
    field: 'duration',
    header: 'LENGTH',
    align: 'right',
    cell: (capture, view) => lengthOf(capture, view.now),
  },
  {
    field: 'workload.records',
    header: 'STATEMENTS',
    align: 'right',
    cell: (capture) => (capture.records === null ? '-' : formatCount(capture.records)),
  },
  { field: 'owner', header: 'OWNER', cell: (capture) => capture.ownerName },
];

const DETAIL: readonly Column<ListedCapture>[] = [
  ...COLUMNS.slice(0, 4),
  { field: 'owner', header: 'OWNER', cell: (capture) => capture.ownerName },
  { field: 'reason', header: 'REASON', cell: (capture) => reasonOf(capture) ?? '-' },
  { field: 'start', header: 'START', cell: (capture, view) => moment(capture.start, view) },
  { field: 'end', header: 'END', cell: (capture, view) => moment(capture.end, view) },
  {
    field: 'scheduledStart',
    header: 'SCHEDULED START',
    cell: (capture, view) => moment(capture.scheduledStart, view),
  },
  {
    field: 'scheduledEnd',
    header: 'SCHEDULED END',
    // Of one that is over it may still be to come, and nothing happens then.
    cell: ({ scheduledEnd, status }, view) =>
      scheduledEnd !== null && isOver(status)
        ? localTime(scheduledEnd, view.zone)
        : moment(scheduledEnd, view),
  },
  { field: 'duration', header: 'LENGTH', cell: (capture, view) => lengthOf(capture, view.now) },
  {
    field: 'workload.records',
    header: 'STATEMENTS',
    cell: (capture) =>
      capture.records !== null
        ? formatCount(capture.records)
        : capture.recordsStatements
          ? 'none yet'
          : 'not recorded (metrics only)',
  },
  {
    field: 'workload.textBytes',
    header: 'TEXT',
    cell: (capture) => (capture.textBytes === null ? '-' : formatBytes(capture.textBytes)),
  },
  {
    field: 'workload.fileBytes',
    header: 'ON DISK',
    cell: (capture) => (capture.fileBytes === null ? '-' : formatBytes(capture.fileBytes)),
  },
  {
    field: 'createdAt',
    header: 'CREATED',
    cell: (capture, view) => moment(capture.createdAt, view),
  },
  { field: 'envId', header: 'ENVIRONMENT ID', cell: (capture) => String(capture.environmentId) },
  { field: 'type', header: 'TYPE', cell: () => 'CAPTURE' },
];

export const captureNoun = {
  fields: [
    'id',
    'name',
    'start',
    'scheduledStart',
    'scheduledEnd',
    'end',
    'status',
    'envId',
    'type',
    'reason',
    'environment',
    'owner',
    'duration',
    'createdAt',
    'workload.records',
    'workload.textBytes',
    'workload.fileBytes',
    'options',
    'trouble',
  ],
  toJson: captureJson,
  columns: COLUMNS,
  detail: DETAIL,
  reference: fullName,
  none: 'No captures.',
} satisfies Noun<ListedCapture>;

/** Wide terminals have room for the date as well. */
const ROOM_FOR_DATES = 110;

function moment(at: number | null, view: View): string {
  if (at === null) return '-';
  if (view.isDetail) return localMoment(at, view);
  const relative = formatRelative(at, view.now, 1);
  return view.width >= ROOM_FOR_DATES ? `${localTime(at, view.zone)} (${relative})` : relative;
}

/** How long it took, has been running or will take; `12m of 1h` while it runs towards an end. */
function lengthOf(capture: ListedCapture, now: number): string {
  const planned = capture.duration === null ? null : formatDuration(capture.duration);
  if (capture.start === null) return planned ?? '-';
  if (isOver(capture.status)) {
    return capture.end === null ? '-' : formatDuration(capture.end - capture.start);
  }
  const sofar = formatDuration(Math.max((capture.end ?? now) - capture.start, 0));
  return planned === null ? sofar : `${sofar} of ${planned}`;
}
