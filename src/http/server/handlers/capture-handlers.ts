import { ALL_CAPTURES } from '../../../core/captures/capture-rules.ts';
import { getCapture, listCaptures, stopCapture } from '../../contract/capture-routes.ts';
import { handle } from '../handler.ts';

export const captureHandlers = [
  handle(listCaptures, ({ api, actor }, { query }) => {
    const { env = null, status = null, owner = null, name = null } = query;
    const { since = null, until = null, order = 'created', limit = null } = query;
    const descending = query.ascending !== true;
    const request = { ...ALL_CAPTURES, environment: env, statuses: status, owner, name };
    const asked = { ...request, since, until, order, descending };
    return limit === null
      ? api.captures.walk(actor, asked)
      : api.captures.list(actor, { ...asked, limit });
  }),
  handle(getCapture, ({ api, actor }, { params }) => api.captures.get(actor, params.capture)),
  handle(stopCapture, ({ api, actor, signal }, { params, query }) =>
    api.captures.stop(
      actor,
      params.capture,
      { reason: query.reason ?? null, waits: query.wait === true },
      signal,
    ),
  ),
];
