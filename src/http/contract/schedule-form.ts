import * as z from 'zod/mini';
import type {
  CreatedSchedule,
  ScheduleEdit,
  ScheduleRequest,
} from '../../core/schedules/schedule-service.ts';
import { OVERLAPS, type ListedSchedule } from '../../core/schedules/schedule.ts';
import { notice } from './capture-event-forms.ts';
import { givenOptions, recordingOptions } from './capture-form.ts';
import { notSaid } from './capture-request-form.ts';
import { documented, instant, orNull, seconds, type Form } from './wire.ts';

const overlap = documented(z.enum(OVERLAPS), {
  description: 'What becomes of a run while the one before it still goes on',
});

/** The fields that the command line prints, in its order; then what is left. */
const scheduleOnWire = documented(
  z.object({
    id: z.int(),
    name: z.string(),
    state: z.enum(['active', 'paused', 'over']),
    environment: z.string(),
    envId: z.int(),
    owner: z.string(),
    cron: z.string(),
    timezone: z.string(),
    duration: seconds,
    overlap,
    count: orNull(z.number()),
    until: orNull(instant),
    retain: orNull(seconds),
    next: orNull(instant),
    nextCapture: orNull(z.int()),
    passed: z.int(),
    missed: z.int(),
    skipped: z.int(),
    createdAt: instant,
    options: recordingOptions,
    trouble: orNull(z.string()),
    ownerId: z.int(),
    cursor: instant,
  }),
  { id: 'Schedule' },
);

type ScheduleOnWire = z.output<typeof scheduleOnWire>;

/** A schedule as every operation answers it. */
export const schedule: Form<ListedSchedule> = z.codec(scheduleOnWire, z.custom<ListedSchedule>(), {
  decode: (wire) => scheduleOf(wire),
  encode: (listed) => onWire(listed),
});

/** One that was just created. */
export const createdSchedule: Form<CreatedSchedule> = z.codec(
  z.extend(scheduleOnWire, { notices: z.array(notice) }),
  z.custom<CreatedSchedule>(),
  {
    decode: ({ notices, ...wire }) => ({ ...scheduleOf(wire), notices }),
    encode: (created) => ({ ...onWire(created), notices: [...created.notices] }),
  },
);

function onWire(schedule: ListedSchedule): ScheduleOnWire {
  const { environmentName, environmentId, ownerName, timeZone, pendingAt, pendingCaptureId } =
    schedule;
  return {
    ...schedule,
    environment: environmentName,
    envId: environmentId,
    owner: ownerName,
    timezone: timeZone,
    next: pendingAt,
    nextCapture: pendingCaptureId,
  };
}

function scheduleOf(wire: ScheduleOnWire): ListedSchedule {
  const { environment, envId, owner, timezone, next, nextCapture, ...same } = wire;
  return {
    ...same,
    environmentName: environment,
    environmentId: envId,
    ownerName: owner,
    timeZone: timezone,
    pendingAt: next,
    pendingCaptureId: nextCapture,
  };
}

/** What creating a schedule is asked for; who asks is the owner. */
export const scheduleRequest: Form<ScheduleRequest> = z.codec(
  z.object({
    name: z.string(),
    environment: documented(z.string(), { description: 'The id or the name of an environment' }),
    cron: z.string(),
    timezone: z.string(),
    duration: seconds,
    overlap: notSaid(overlap),
    count: notSaid(z.number()),
    until: notSaid(instant),
    retain: notSaid(seconds),
    options: notSaid(givenOptions),
  }),
  z.custom<ScheduleRequest>(),
  {
    decode: ({ timezone, options, ...wire }) => ({
      name: wire.name,
      environment: wire.environment,
      cron: wire.cron,
      timeZone: timezone,
      duration: wire.duration,
      overlap: wire.overlap ?? 'skip',
      count: wire.count ?? null,
      until: wire.until ?? null,
      retain: wire.retain ?? null,
      ...(options == null ? {} : { options }),
    }),
    encode: ({ timeZone, ...request }) => ({ ...request, timezone: timeZone }),
  },
);

/** What of a schedule is changed: what is absent stays, null takes away. */
export const scheduleEdit: Form<ScheduleEdit> = z.codec(
  z.object({
    name: z.exactOptional(z.string()),
    cron: z.exactOptional(z.string()),
    timezone: z.exactOptional(z.string()),
    duration: z.exactOptional(seconds),
    overlap: z.exactOptional(overlap),
    count: z.exactOptional(orNull(z.number())),
    until: z.exactOptional(orNull(instant)),
    retain: z.exactOptional(orNull(seconds)),
  }),
  z.custom<ScheduleEdit>(),
  {
    decode: ({ timezone, ...edit }) => ({
      ...edit,
      ...(timezone === undefined ? {} : { timeZone: timezone }),
    }),
    encode: ({ timeZone, ...edit }) => ({
      ...edit,
      ...(timeZone === undefined ? {} : { timezone: timeZone }),
    }),
  },
);
