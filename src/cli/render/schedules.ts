import type { ListedSchedule, ScheduleState } from '../../core/schedules/schedule.ts';
import { localTimeOf } from '../../core/time-zones.ts';
import { column, jsonFields, orDash, type Noun } from './column.ts';
import { isoTime, localMoment, localTime } from './moments.ts';
import { fullName } from './full-name.ts';
import type { Tone } from './paint.ts';
import { guardsText, optionsJson, recordedText } from './options-text.ts';
import { formatDuration, formatRelative } from '../../core/units.ts';

const STATE_TONES: Record<ScheduleState, Tone> = { active: 'good', paused: 'busy', over: 'dim' };

const [ID, NAME, STATE, ENVIRONMENT, NEXT, CRON, LENGTH, ZONE, OWNER] = [
  column<ListedSchedule>('id', 'ID', ({ id }) => String(id), { align: 'right' }),
  column<ListedSchedule>('name', 'NAME', ({ name }) => name, { shrinks: true }),
  column<ListedSchedule>(
    'state',
    'STATE',
    ({ state, trouble }, { isDetail }) =>
      trouble === null ? state : isDetail ? `${state}: ${trouble}` : `${state} (trouble)`,
    { tone: ({ state, trouble }) => (trouble === null ? STATE_TONES[state] : 'bad') },
  ),
  column<ListedSchedule>('environment', 'ENVIRONMENT', ({ environmentName }) => environmentName, {
    shrinks: true,
  }),
  column<ListedSchedule>('next', 'NEXT', ({ pendingAt, timeZone }, view) =>
    orDash(pendingAt, (at) => {
      const away = formatRelative(at, view.now, 2);
      // On the clocks that its expression is about.
      return view.isDetail ? `${localWithOffset({ at, timeZone })} ${timeZone} (${away})` : away;
    }),
  ),
  column<ListedSchedule>('cron', 'CRON', ({ cron }) => cron),
  column<ListedSchedule>('duration', 'LENGTH', ({ duration }) => formatDuration(duration), {
    align: 'right',
  }),
  column<ListedSchedule>('timezone', 'TIME ZONE', ({ timeZone }) => timeZone),
  column<ListedSchedule>('owner', 'OWNER', ({ ownerName }) => ownerName),
] as const;

export const scheduleNoun: Noun<ListedSchedule> = {
  ...jsonFields<ListedSchedule>({
    id: ({ id }) => id,
    name: ({ name }) => name,
    state: ({ state }) => state,
    environment: ({ environmentName }) => environmentName,
    envId: ({ environmentId }) => environmentId,
    owner: ({ ownerName }) => ownerName,
    cron: ({ cron }) => cron,
    timezone: ({ timeZone }) => timeZone,
    duration: ({ duration }) => duration / 1_000,
    overlap: ({ overlap }) => overlap,
    count: ({ count }) => count,
    until: ({ until }) => isoTime(until),
    retain: ({ retain }) => (retain === null ? null : retain / 1_000),
    next: ({ pendingAt }) => isoTime(pendingAt),
    nextCapture: ({ pendingCaptureId }) => pendingCaptureId,
    passed: ({ passed }) => passed,
    missed: ({ missed }) => missed,
    skipped: ({ skipped }) => skipped,
    createdAt: ({ createdAt }) => isoTime(createdAt),
    options: ({ options }) => optionsJson(options),
    trouble: ({ trouble }) => trouble,
  }),
  columns: [ID, NAME, STATE, ENVIRONMENT, NEXT, CRON, LENGTH, ZONE, OWNER],
  detail: [
    ...[ID, NAME, STATE, ENVIRONMENT, OWNER, CRON, ZONE, LENGTH, NEXT],
    column('nextCapture', 'NEXT CAPTURE', ({ pendingCaptureId }) =>
      orDash(pendingCaptureId, (id) => `id ${id}`),
    ),
    column('overlap', 'OVERLAP', ({ overlap }) =>
      overlap === 'skip' ? 'skip: not while the previous one runs' : 'allow',
    ),
    column('count', 'COUNT', ({ count, passed }) =>
      count === null ? 'no limit' : `${passed} of ${count}`,
    ),
    column('until', 'UNTIL', ({ until }, view) =>
      until === null ? 'no end' : localMoment(until, view),
    ),
    column('options', 'RECORDED', ({ options }) => recordedText(options)),
    column('options', 'GUARDS', ({ options }) => guardsText(options)),
    column('retain', 'CAPTURES KEPT', ({ retain }) =>
      retain === null ? 'for good' : formatDuration(retain),
    ),
    column('passed', 'RUNS SO FAR', ({ passed }) => String(passed)),
    column('missed', 'RUNS MISSED', ({ missed }) => String(missed)),
    column('skipped', 'RUNS SKIPPED', ({ skipped }) => String(skipped)),
    column('createdAt', 'CREATED', ({ createdAt }, view) => localMoment(createdAt, view)),
  ],
  reference: fullName,
  none: 'No schedules.',
};

interface Occurrence {
  readonly at: number;
  readonly timeZone: string;
}

export const occurrenceNoun: Noun<Occurrence> = {
  ...jsonFields<Occurrence>({
    at: ({ at }) => isoTime(at),
    local: localWithOffset,
    timezone: ({ timeZone }) => timeZone,
  }),
  columns: [
    column('local', 'LOCAL TIME', localWithOffset),
    column('timezone', 'TIME ZONE', ({ timeZone }) => timeZone),
    column('at', 'UTC', ({ at }) => localTime(at, 'UTC')),
    column('in', 'IN', ({ at }, view) => formatRelative(at, view.now, 2)),
  ],
  reference: ({ at }) => isoTime(at) ?? '',
  none: 'No more runs.',
};

function localWithOffset({ at, timeZone }: Occurrence): string {
  const { local, offset } = localTimeOf(at, timeZone);
  return `${local} ${offset}`;
}
