import type { ListedSchedule, ScheduleState } from '../../core/schedules/schedule.ts';
import { localTimeOf } from '../../core/time-zones.ts';
import type { Column, JsonObject, Noun, View } from './column.ts';
import { isoTime, localMoment, localTime } from './moments.ts';
import { fullName } from './names.ts';
import type { Tone } from './paint.ts';
import { guardsText, optionsJson, recordedText } from './recording-options.ts';
import { formatDuration, formatRelative } from '../../core/units.ts';

const STATE_TONES: Record<ScheduleState, Tone> = { active: 'good', paused: 'busy', over: 'dim' };

const COLUMNS: readonly Column<ListedSchedule>[] = [
  { field: 'id', header: 'ID', align: 'right', cell: ({ id }) => String(id) },
  { field: 'name', header: 'NAME', shrinks: true, cell: ({ name }) => name },
  {
    field: 'state',
    header: 'STATE',
    cell: ({ state, trouble }, { isDetail }) =>
      trouble === null ? state : isDetail ? `${state}: ${trouble}` : `${state} (trouble)`,
    tone: ({ state, trouble }) => (trouble === null ? STATE_TONES[state] : 'bad'),
  },
  {
    field: 'environment',
    header: 'ENVIRONMENT',
    shrinks: true,
    cell: ({ environmentName }) => environmentName,
  },
  {
    field: 'next',
    header: 'NEXT',
    cell: ({ pendingAt }, view) => moment(pendingAt, view),
  },
  { field: 'cron', header: 'CRON', cell: ({ cron }) => cron },
  {
    field: 'duration',
    header: 'LENGTH',
    align: 'right',
    cell: ({ duration }) => formatDuration(duration),
  },
  { field: 'timezone', header: 'TIME ZONE', cell: ({ timeZone }) => timeZone },
  { field: 'owner', header: 'OWNER', cell: ({ ownerName }) => ownerName },
];

const [ID, NAME, STATE, ENVIRONMENT, NEXT, CRON, LENGTH, ZONE, OWNER] = COLUMNS;

export const scheduleNoun: Noun<ListedSchedule> = {
  fields: [
    'id',
    'name',
    'state',
    'environment',
    'envId',
    'owner',
    'cron',
    'timezone',
    'duration',
    'overlap',
    'count',
    'until',
    'retain',
    'next',
    'nextCapture',
    'passed',
    'missed',
    'skipped',
    'createdAt',
    'options',
    'trouble',
  ],
  toJson: scheduleJson,
  columns: COLUMNS,
  detail: [
    ...present(ID, NAME, STATE, ENVIRONMENT, OWNER, CRON, ZONE, LENGTH, NEXT),
    {
      field: 'nextCapture',
      header: 'NEXT CAPTURE',
      cell: ({ pendingCaptureId }) => (pendingCaptureId === null ? '-' : `id ${pendingCaptureId}`),
    },
    {
      field: 'overlap',
      header: 'OVERLAP',
      cell: ({ overlap }) =>
        overlap === 'skip' ? 'skip: not while the previous one runs' : 'allow',
    },
    {
      field: 'count',
      header: 'COUNT',
      cell: ({ count, passed }) => (count === null ? 'no end' : `${passed} of ${count}`),
    },
    {
      field: 'until',
      header: 'UNTIL',
      cell: ({ until }, view) => (until === null ? 'no end' : moment(until, view)),
    },
    { field: 'options', header: 'RECORDED', cell: ({ options }) => recordedText(options) },
    { field: 'options', header: 'GUARDS', cell: ({ options }) => guardsText(options) },
    {
      field: 'retain',
      header: 'CAPTURES KEPT',
      cell: ({ retain }) => (retain === null ? 'for good' : formatDuration(retain)),
    },
    { field: 'passed', header: 'PASSED', cell: ({ passed }) => String(passed) },
    { field: 'missed', header: 'MISSED', cell: ({ missed }) => String(missed) },
    { field: 'skipped', header: 'SKIPPED', cell: ({ skipped }) => String(skipped) },
    {
      field: 'createdAt',
      header: 'CREATED',
      cell: ({ createdAt }, view) => moment(createdAt, view),
    },
  ],
  reference: fullName,
  none: 'No schedules.',
};

function present<T>(...items: (T | undefined)[]): T[] {
  return items.filter((item) => item !== undefined);
}

/** A schedule as JSON; lengths in seconds, as a capture has them. */
function scheduleJson(schedule: ListedSchedule): JsonObject {
  return {
    id: schedule.id,
    name: schedule.name,
    state: schedule.state,
    environment: schedule.environmentName,
    envId: schedule.environmentId,
    owner: schedule.ownerName,
    cron: schedule.cron,
    timezone: schedule.timeZone,
    duration: schedule.duration / 1_000,
    overlap: schedule.overlap,
    count: schedule.count,
    until: isoTime(schedule.until),
    retain: schedule.retain === null ? null : schedule.retain / 1_000,
    next: isoTime(schedule.pendingAt),
    nextCapture: schedule.pendingCaptureId,
    passed: schedule.passed,
    missed: schedule.missed,
    skipped: schedule.skipped,
    createdAt: isoTime(schedule.createdAt),
    options: optionsJson(schedule.options),
    trouble: schedule.trouble,
  };
}

/** An instant at which a schedule starts a capture. */
export interface Occurrence {
  readonly at: number;
  readonly timeZone: string;
}

const OCCURRENCE_COLUMNS: readonly Column<Occurrence>[] = [
  {
    field: 'local',
    header: 'LOCAL TIME',
    cell: (occurrence) => localWithOffset(occurrence),
  },
  { field: 'timezone', header: 'TIME ZONE', cell: ({ timeZone }) => timeZone },
  { field: 'at', header: 'UTC', cell: ({ at }) => localTime(at, 'UTC') },
  { field: 'in', header: 'IN', cell: ({ at }, view) => formatRelative(at, view.now, 2) },
];

export const occurrenceNoun: Noun<Occurrence> = {
  fields: ['at', 'local', 'timezone'],
  toJson: (occurrence) => ({
    at: isoTime(occurrence.at),
    local: localWithOffset(occurrence),
    timezone: occurrence.timeZone,
  }),
  columns: OCCURRENCE_COLUMNS,
  reference: ({ at }) => isoTime(at) ?? '',
  none: 'No more runs.',
};

function localWithOffset({ at, timeZone }: Occurrence): string {
  const { local, offset } = localTimeOf(at, timeZone);
  return `${local} ${offset}`;
}

function moment(at: number | null, view: View): string {
  if (at === null) return '-';
  if (!view.isDetail) return formatRelative(at, view.now, 2);
  return localMoment(at, view);
}
