import { ALL_CAPTURES } from '../../../core/captures/capture-list.ts';
import type { PreparationOptions } from '../../../core/captures/preparation.ts';
import { describeCapture } from '../../contract/capture-details-route.ts';
import { getCapture, listCaptures } from '../../contract/capture-lookup-routes.ts';
import {
  createCapture,
  deleteCapture,
  editCapture,
  endCapture,
  firstValuesOfCapture,
  giveUpCapture,
  liveFactsOfCapture,
  planCapture,
  recordCapture,
  stopCapture,
  valueCountsOfCapture,
  waitForCapture,
  watchCapture,
} from '../../contract/capture-routes.ts';
import {
  deleteCapturesOfEnvironment,
  nameCaptures,
  planPrune,
  pruneCaptures,
} from '../../contract/capture-upkeep-routes.ts';
import type { InputOf } from '../../contract/route.ts';
import { handle } from '../handler.ts';

/** The seven operations of the reference, and what else makes a capture. */
const main = [
  handle(listCaptures, ({ api, actor }, { query }) => {
    const { env = null, status = null, type = null, owner = null, name = null } = query;
    const { since = null, until = null, order = 'created', limit = null } = query;
    const descending = query.ascending !== true;
    const request = { ...ALL_CAPTURES, environment: env, statuses: status, type };
    const asked = { ...request, owner, name, since, until, order, descending };
    return limit === null
      ? api.captures.walk(actor, asked)
      : api.captures.list(actor, { ...asked, limit });
  }),
  handle(createCapture, ({ api, actor, signal }, { query, body }) =>
    api.captures.create(actor, body, preparationOf(query), signal),
  ),
  handle(recordCapture, ({ api, actor, signal }, { query, body }) =>
    api.captures.record(actor, body, preparationOf(query), signal),
  ),
  handle(planCapture, ({ api, actor, signal }, { body }) => api.captures.plan(actor, body, signal)),
  handle(getCapture, ({ api, actor }, { params, query }) =>
    api.captures.get(actor, params.capture, query.for),
  ),
  handle(editCapture, ({ api, actor }, { params, body }) =>
    api.captures.edit(actor, params.capture, body),
  ),
  handle(stopCapture, ({ api, actor, signal }, { params, query }) =>
    api.captures.stop(
      actor,
      params.capture,
      { reason: query.reason ?? null, waits: query.wait === true },
      signal,
    ),
  ),
  handle(giveUpCapture, ({ api, actor, signal }, { params, query }) =>
    api.captures.giveUp(actor, params.capture, query.reason ?? null, signal),
  ),
  handle(endCapture, ({ api, actor, signal }, { params, query }) =>
    api.captures.end(actor, params.capture, query.reason ?? null, signal),
  ),
  handle(deleteCapture, ({ api, actor, signal }, { params, query }) =>
    api.captures.delete(
      actor,
      params.capture,
      { reason: query.reason ?? null, keepsWorkload: query.keepWorkload === true },
      signal,
    ),
  ),
];

/** What is known of one, and how it goes on. */
const looks = [
  handle(describeCapture, ({ api, actor }, { params }) =>
    api.captures.details(actor, params.capture),
  ),
  handle(watchCapture, ({ api, actor, signal }, { params }) =>
    api.captures.watch(actor, params.capture, signal),
  ),
  handle(waitForCapture, ({ api, actor, signal }, { params, query }) =>
    api.captures.wait(actor, params.capture, query.until, signal),
  ),
  handle(liveFactsOfCapture, ({ api, actor }, { params }) =>
    api.captures.live(actor, params.capture),
  ),
  handle(valueCountsOfCapture, ({ api, actor }, { params }) =>
    api.captures.valueCounts(actor, params.capture),
  ),
  handle(firstValuesOfCapture, ({ api, actor, signal }, { params }) =>
    api.captures.firstValues(actor, params.capture, signal),
  ),
  handle(nameCaptures, ({ api, actor }, { query }) =>
    api.captures.named(actor, query.typed, query.status ?? null, query.limit, query.type ?? null),
  ),
];

/** Many at once. */
const upkeep = [
  handle(deleteCapturesOfEnvironment, ({ api, actor, signal }, { params }) =>
    api.captures.deleteAllOf(actor, params.environment, signal),
  ),
  handle(planPrune, ({ api, actor }, { query }) =>
    api.captures.planPrune(actor, {
      olderThan: query.olderThan,
      keep: query.keep ?? null,
      environment: query.env ?? null,
    }),
  ),
  handle(pruneCaptures, ({ api, actor, signal }, { body }) =>
    api.captures.prune(actor, body.captureIds, body.reason, signal),
  ),
];

export const captureHandlers = [...main, ...looks, ...upkeep];

function preparationOf({
  approved = [],
  waitForLog = false,
}: InputOf<typeof createCapture>['query']): PreparationOptions {
  return { approved, waitsForLog: waitForLog };
}
