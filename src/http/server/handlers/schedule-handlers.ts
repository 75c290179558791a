import {
  createSchedule,
  deleteSchedule,
  editSchedule,
  getSchedule,
  listSchedules,
  nextOfSchedule,
  pauseSchedule,
  resumeSchedule,
} from '../../contract/schedule-routes.ts';
import { handle } from '../handler.ts';

export const scheduleHandlers = [
  handle(listSchedules, ({ api, actor }, { query }) =>
    api.schedules.list(actor, query.env ?? null),
  ),
  handle(createSchedule, ({ api, actor }, { query, body }) =>
    api.schedules.create(actor, body, query.approved ?? []),
  ),
  handle(getSchedule, ({ api, actor }, { params, query }) =>
    api.schedules.get(actor, params.schedule, query.for),
  ),
  handle(editSchedule, ({ api, actor }, { params, body }) =>
    api.schedules.edit(actor, params.schedule, body),
  ),
  handle(pauseSchedule, ({ api, actor }, { params, query }) =>
    api.schedules.pause(actor, params.schedule, query.reason ?? null),
  ),
  handle(resumeSchedule, ({ api, actor }, { params }) =>
    api.schedules.resume(actor, params.schedule),
  ),
  handle(deleteSchedule, ({ api, actor }, { params, query }) =>
    api.schedules.delete(actor, params.schedule, query.reason ?? null),
  ),
  handle(nextOfSchedule, ({ api, actor }, { params, query }) =>
    api.schedules.next(actor, params.schedule, query.count),
  ),
];
