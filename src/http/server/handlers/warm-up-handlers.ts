import {
  beginWarmUp,
  endWarmUps,
  getWarmUpStatus,
  listOpenWarmUps,
  listWarmUps,
} from '../../contract/warm-up-routes.ts';
import { handle } from '../handler.ts';

export const warmUpHandlers = [
  handle(listOpenWarmUps, ({ api, actor }) => api.warmUps.listOpen(actor)),
  handle(listWarmUps, ({ api, actor }, { params }) => api.warmUps.list(actor, params.environment)),
  handle(getWarmUpStatus, ({ api, actor }, { params }) =>
    api.warmUps.status(actor, params.environment),
  ),
  handle(beginWarmUp, ({ api, actor, signal }, { params, body }) => {
    const { duration: lengthMs, wait: waits = false, approved = [] } = body;
    const options = { lengthMs, waits, approved };
    return api.warmUps.begin(actor, params.environment, options, signal);
  }),
  handle(endWarmUps, ({ api, actor, signal }, { params, query: { wait: waits = false } }) =>
    api.warmUps.end(actor, params.environment, { waits }, signal),
  ),
];
