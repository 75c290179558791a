import { isOver, reasonOf, type CaptureStatus } from '../../core/captures/capture.ts';
import type { CaptureListRequest } from '../../core/captures/capture-list.ts';
import type { ListedCapture } from '../../core/store.ts';
import { optionsJson } from './options-text.ts';
import {
  column,
  orDash,
  paths,
  type Column,
  type JsonObject,
  type Noun,
  type View,
} from './column.ts';
import { isoTime, localMoment, localTime } from './moments.ts';
import { fullName } from './full-name.ts';
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
    type: capture.type,
    reason: reasonOf(capture),
    environment: capture.environmentName,
    owner: capture.ownerName,
    duration: capture.duration === null ? null : capture.duration / 1_000,
    createdAt: isoTime(capture.createdAt),
    workload: records === null ? null : { records, textBytes, fileBytes },
    options: capture.recordsStatements ? optionsJson(capture.options) : null,
    trouble: troubleJson(capture),
    replayed: capture.replayed === null ? null : { ...capture.replayed },
  };
}

function troubleJson({ trouble }: ListedCapture): JsonObject | null {
  return trouble === null ? null : { since: isoTime(trouble.since), reason: trouble.reason };
}

const [ID, NAME, STATUS, ENVIRONMENT, OWNER] = [
  column<ListedCapture>('id', 'ID', ({ id }) => String(id), { align: 'right' }),
  column<ListedCapture>('name', 'NAME', ({ name }) => name, {
    shrinks: true,
    keepsEnd: true,
  }),
  column<ListedCapture>('status', 'STATUS', ({ status }) => status, {
    tone: ({ status }) => STATUS_TONES[status],
  }),
  column<ListedCapture>('environment', 'ENVIRONMENT', ({ environmentName }) => environmentName, {
    shrinks: true,
  }),
  column<ListedCapture>('owner', 'OWNER', ({ ownerName }) => ownerName),
] as const;
const LENGTH = column<ListedCapture>(
  'duration',
  'LENGTH',
  (capture, { now }) => lengthOf(capture, now),
  { align: 'right' },
);

const DETAIL: readonly Column<ListedCapture>[] = [
  ID,
  NAME,
  STATUS,
  ENVIRONMENT,
  OWNER,
  column('reason', 'REASON', (capture) => orDash(reasonOf(capture))),
  column('start', 'START', ({ start }, view) => moment(start, view)),
  column('end', 'END', ({ end }, view) => moment(end, view)),
  column('scheduledStart', 'SCHEDULED START', ({ scheduledStart }, view) =>
    moment(scheduledStart, view),
  ),
  // No "in 5m" for a capture that is over: nothing will happen then.
  column('scheduledEnd', 'SCHEDULED END', ({ scheduledEnd, status }, view) =>
    isOver(status)
      ? orDash(scheduledEnd, (end) => localTime(end, view.zone))
      : moment(scheduledEnd, view),
  ),
  LENGTH,
  column('workload.records', 'RECORDS', ({ records, recordsStatements, status, type }) => {
    if (records !== null) return formatCount(records);
    if (type === 'REPLAY') return '-';
    if (!recordsStatements) return 'not recorded (metrics only)';
    return isOver(status) ? 'none' : 'none yet';
  }),
  column('workload.textBytes', 'UNCOMPRESSED', ({ textBytes }) => orDash(textBytes, formatBytes)),
  column('workload.fileBytes', 'ON DISK', ({ fileBytes }) => orDash(fileBytes, formatBytes)),
  column('createdAt', 'CREATED', ({ createdAt }, view) => moment(createdAt, view)),
  column('envId', 'ENVIRONMENT ID', ({ environmentId }) => String(environmentId)),
  column('type', 'TYPE', ({ type }) => type),
];

export const captureNoun = {
  fields:
    paths(`id name start scheduledStart scheduledEnd end status envId type reason environment owner
    duration createdAt workload.records workload.textBytes workload.fileBytes options trouble
    replayed.sent replayed.skipped replayed.failed`),
  toJson: captureJson,
  columns: [
    ID,
    NAME,
    STATUS,
    ENVIRONMENT,
    column<ListedCapture>('start', 'START', ({ start, scheduledStart }, view) =>
      moment(start ?? scheduledStart, view),
    ),
    LENGTH,
    column<ListedCapture>(
      'workload.records',
      'RECORDS',
      ({ records }) => orDash(records, formatCount),
      { align: 'right' },
    ),
    OWNER,
  ],
  detail: DETAIL,
  reference: fullName,
  none: 'No captures.',
} satisfies Noun<ListedCapture>;

const [, , , ...BEHIND_STATUS] = captureNoun.columns;

/** The same with a column that tells replays from captures, and those that did not come to their end. */
const typedCaptureNoun: Noun<ListedCapture> = {
  ...captureNoun,
  columns: [
    ID,
    column<ListedCapture>('name', 'NAME', listedName, { shrinks: true, keepsEnd: true }),
    column('type', 'TYPE', ({ type }) => type),
    column<ListedCapture>(
      'status',
      'STATUS',
      (capture) => (isCutShort(capture) ? `${capture.status} early` : capture.status),
      { tone: (capture) => (isCutShort(capture) ? 'busy' : STATUS_TONES[capture.status]) },
    ),
    ...BEHIND_STATUS,
  ],
};

/** A replay that went to the end of its record has no reason for its end. */
function isCutShort({ type, status, reason }: ListedCapture): boolean {
  return type === 'REPLAY' && status === 'DONE' && reason !== null;
}

/** A replay is named `CAPTURE on ENVIRONMENT`: where there is little room, the second is in the column beside it. */
function listedName({ name, type, environmentName }: ListedCapture, { width }: View): string {
  if (type !== 'REPLAY' || width >= ROOM_FOR_DATES) return name;
  const at = name.lastIndexOf(` on ${environmentName}`);
  const [start, end] = [name.slice(0, at), name.slice(at + 4 + environmentName.length)];
  return at > 0 && /^(?: \d+)?$/.test(end) ? `${start} on …${end}` : name;
}

/** For a list: the types are shown where there is a replay, and where one asked for a type; fields are shown whole. */
export function listNounOf(
  captures: readonly ListedCapture[],
  { type }: Pick<CaptureListRequest, 'type'>,
  fields: readonly string[] | null = null,
): Noun<ListedCapture> {
  if (fields !== null) return captureNoun;
  const isTyped = type !== null || captures.some((capture) => capture.type === 'REPLAY');
  return isTyped ? typedCaptureNoun : captureNoun;
}

/** Wide terminals have room for the date as well. */
const ROOM_FOR_DATES = 110;

function moment(at: number | null, view: View): string {
  if (at === null) return '-';
  if (view.isDetail) return localMoment(at, view);
  return view.width >= ROOM_FOR_DATES ? localMoment(at, view, 1) : formatRelative(at, view.now, 1);
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
