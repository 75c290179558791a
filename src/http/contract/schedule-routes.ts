import * as z from 'zod/mini';
import { OPERATIONS } from '../../core/access.ts';
import { defineRoute } from './define-route.ts';
import { createdSchedule, schedule, scheduleEdit, scheduleRequest } from './schedule-form.ts';
import { instant, listOf, wholeNumber } from './wire.ts';

const tag = 'Schedules';

/** An id, a name that is unique among what the user can see, or `environment/name` (with `%2F`). */
const ofSchedule = z.object({ schedule: z.string() });

const why = z.object({ reason: z.optional(z.string()) });

export const listSchedules = defineRoute({
  id: 'listSchedules',
  at: 'GET /api/schedules',
  tag,
  summary: 'list schedules',
  description: 'Schedules of the environments that the user is a member of.',
  query: z.object({ env: z.optional(z.string()) }),
  answer: { is: 'rows', row: schedule },
});

export const createSchedule = defineRoute({
  id: 'createSchedule',
  at: 'POST /api/schedules',
  tag,
  summary: 'create a recurring capture',
  description:
    '`cron` is read in `timezone`, an IANA name. What disturbs others (a warm-up, the recycling of sessions) has to be `approved`.',
  query: z.object({ approved: z.optional(listOf(['warm_up', 'recycling'])) }),
  body: scheduleRequest,
  answer: { is: 'json', form: createdSchedule },
});

export const getSchedule = defineRoute({
  id: 'getSchedule',
  at: 'GET /api/schedules/{schedule}',
  tag,
  summary: 'show one schedule',
  description: 'Only if the user may do with it what `for` says: to read it where it is left out.',
  params: ofSchedule,
  query: z.object({ for: z.optional(z.enum(OPERATIONS)) }),
  answer: { is: 'json', form: schedule },
});

export const editSchedule = defineRoute({
  id: 'editSchedule',
  at: 'PUT /api/schedules/{schedule}',
  tag,
  summary: 'change a schedule',
  description:
    'What is left out stays as it is; null takes a `count`, `until` or `retain` away. The next capture is made anew.',
  params: ofSchedule,
  body: scheduleEdit,
  answer: { is: 'json', form: schedule },
});

export const pauseSchedule = defineRoute({
  id: 'pauseSchedule',
  at: 'POST /api/schedules/{schedule}/pause',
  tag,
  summary: 'pause a schedule',
  params: ofSchedule,
  query: why,
  answer: { is: 'json', form: schedule },
});

export const resumeSchedule = defineRoute({
  id: 'resumeSchedule',
  at: 'POST /api/schedules/{schedule}/resume',
  tag,
  summary: 'resume a paused schedule',
  params: ofSchedule,
  answer: { is: 'json', form: schedule },
});

export const deleteSchedule = defineRoute({
  id: 'deleteSchedule',
  at: 'DELETE /api/schedules/{schedule}',
  tag,
  summary: 'delete a schedule and its next capture',
  description: 'Captures that started stay.',
  params: ofSchedule,
  query: why,
  answer: { is: 'json', form: schedule },
});

export const nextOfSchedule = defineRoute({
  id: 'nextOfSchedule',
  at: 'GET /api/schedules/{schedule}/next',
  tag,
  summary: 'list the next starts of a schedule',
  params: ofSchedule,
  query: z.object({ count: wholeNumber }),
  answer: { is: 'json', form: z.object({ schedule, instants: z.array(instant) }) },
});
