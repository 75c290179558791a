import { getReplay, planReplay, runReplay } from '../../contract/replay-routes.ts';
import { handle } from '../handler.ts';

export const replayHandlers = [
  handle(planReplay, ({ api, actor, signal }, { body: { capture, request } }) =>
    api.replays.plan(actor, capture, request, signal),
  ),
  handle(runReplay, ({ api, actor, signal }, { body: { capture, request } }) =>
    api.replays.run(actor, capture, request, signal),
  ),
  handle(getReplay, ({ api, actor }, { params }) => api.replays.get(actor, params.capture)),
];
