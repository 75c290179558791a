import { ofCapture } from './capture-lookup-routes.ts';
import { defineRoute } from './define-route.ts';
import { givenReplay, plannedReplay, replay, replayEvent } from './replay-form.ts';

const tag = 'Replays';

export const planReplay = defineRoute({
  id: 'planReplay',
  at: 'POST /api/replay-plans',
  tag,
  summary: 'say what a replay would send',
  description:
    'Reads the whole record, and looks at the target. Nothing is stored, and nothing is sent.',
  isRead: true,
  isHeavy: true,
  body: givenReplay,
  answer: { is: 'progress', event: replayEvent, result: plannedReplay, isSilent: false },
});

export const runReplay = defineRoute({
  id: 'runReplay',
  at: 'POST /api/replays',
  tag,
  summary: 'send a recorded workload to the server of an environment',
  description:
    'Answers when it is over, with the result; when the client goes, the replay ends. A replay of which no word is said is read-only. Where 409 says so, the name of the target has to be given as `confirm`.',
  isHeavy: true,
  isReplay: true,
  body: givenReplay,
  answer: { is: 'progress', event: replayEvent, result: replay, isSilent: false },
});

export const getReplay = defineRoute({
  id: 'getReplay',
  at: 'GET /api/captures/{capture}/replay',
  tag,
  summary: 'show what came of a replay',
  description:
    'A replay is a capture of type REPLAY: it is listed, stopped, renamed and deleted as these are.',
  isHeavy: true,
  params: ofCapture,
  answer: { is: 'json', form: replay },
});
