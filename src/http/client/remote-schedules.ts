import type { Api } from '../../core/api.ts';
import {
  createSchedule,
  deleteSchedule,
  editSchedule,
  getSchedule,
  listSchedules,
  nextOfSchedule,
  pauseSchedule,
  resumeSchedule,
} from '../contract/schedule-routes.ts';
import type { Connection } from './connection.ts';
import { said } from './said-fields.ts';

type Schedules = Api['schedules'];

/** `ScheduleService` on a server. */
export class RemoteSchedules implements Schedules {
  readonly #server: Connection;

  constructor(server: Connection) {
    this.#server = server;
  }

  list: Schedules['list'] = (_actor, environment) =>
    this.#server.list(listSchedules, { query: said({ env: environment }) });

  create: Schedules['create'] = (_actor, request, approved) =>
    this.#server.value(createSchedule, {
      query: approved === undefined || approved.length === 0 ? {} : { approved: [...approved] },
      body: request,
    });

  get: Schedules['get'] = (_actor, ref, operation) =>
    this.#server.value(getSchedule, { ...of(ref), query: said({ for: operation }) });

  edit: Schedules['edit'] = (_actor, ref, edit) =>
    this.#server.value(editSchedule, { ...of(ref), body: edit });

  pause: Schedules['pause'] = (_actor, ref, reason) =>
    this.#server.value(pauseSchedule, { ...of(ref), query: said({ reason }) });

  resume: Schedules['resume'] = (_actor, ref) => this.#server.value(resumeSchedule, of(ref));

  delete: Schedules['delete'] = (_actor, ref, reason) =>
    this.#server.value(deleteSchedule, { ...of(ref), query: said({ reason }) });

  next: Schedules['next'] = (_actor, ref, count) =>
    this.#server.value(nextOfSchedule, { ...of(ref), query: { count } });
}

function of(ref: string) {
  return { params: { schedule: ref } };
}
