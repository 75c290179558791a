import * as z from 'zod/mini';
import {
  captureEvent,
  createdCapture,
  creationEvent,
  daemonStart,
  deletionEvent,
  liveFacts,
  recordingEvent,
} from './capture-event-forms.ts';
import { valueCounts } from './capture-details-form.ts';
import { capture } from './capture-form.ts';
import { ofCapture } from './capture-lookup-routes.ts';
import { capturePlan, watchingServer } from './capture-plan-form.ts';
import { captureEdit, captureRequest } from './capture-request-form.ts';
import { defineRoute } from './define-route.ts';
import { documented, flag, listOf, orNull } from './wire.ts';

const tag = 'Captures';

const why = { reason: z.optional(z.string()) };

const creating = z.object({
  approved: z.optional(listOf(['warm_up', 'recycling'])),
  waitForLog: z.optional(flag),
});

export const createCapture = defineRoute({
  id: 'createCapture',
  at: 'POST /api/captures',
  tag,
  summary: 'create a capture',
  description:
    'Does not wait for its start. What disturbs others (a warm-up, the recycling of sessions) has to be `approved`.',
  asksOthers: true,
  query: creating,
  body: captureRequest,
  answer: { is: 'progress', event: creationEvent, result: createdCapture, isSilent: false },
});

export const recordCapture = defineRoute({
  id: 'recordCapture',
  at: 'POST /api/recordings',
  tag,
  summary: 'create a capture and wait until it has begun',
  description:
    'As `POST /api/captures`, but answers when it is RUNNING, unless it is to start later.',
  asksOthers: true,
  query: creating,
  body: captureRequest,
  answer: { is: 'progress', event: recordingEvent, result: capture, isSilent: false },
});

export const planCapture = defineRoute({
  id: 'planCapture',
  at: 'POST /api/capture-plans',
  tag,
  summary: 'say what creating a capture would do',
  description: 'Nothing is stored, and nothing is changed on the server.',
  isRead: true,
  asksOthers: true,
  body: captureRequest,
  answer: { is: 'progress', event: watchingServer, result: capturePlan, isSilent: false },
});

export const editCapture = defineRoute({
  id: 'editCapture',
  at: 'PUT /api/captures/{capture}',
  tag,
  summary: 'rename a capture, or move its times',
  description:
    'The name at any time; start and duration while it is SCHEDULED, the duration while it is RUNNING.',
  params: ofCapture,
  body: captureEdit,
  answer: { is: 'progress', event: daemonStart, result: capture, isSilent: true },
});

export const stopCapture = defineRoute({
  id: 'stopCapture',
  at: 'POST /api/captures/{capture}/stop',
  tag,
  summary: 'stop a running capture',
  params: ofCapture,
  query: z.object({ wait: z.optional(flag), ...why }),
  answer: { is: 'progress', event: captureEvent, result: capture, isSilent: true },
});

export const giveUpCapture = defineRoute({
  id: 'giveUpCapture',
  at: 'POST /api/captures/{capture}/give-up',
  tag,
  summary: 'end a capture without what is still on a server that cannot be read',
  params: ofCapture,
  query: z.object(why),
  answer: { is: 'progress', event: captureEvent, result: capture, isSilent: false },
});

export const endCapture = defineRoute({
  id: 'endCapture',
  at: 'POST /api/captures/{capture}/end',
  tag,
  summary: 'bring a capture to its end, whatever its status, and wait for it',
  params: ofCapture,
  query: z.object(why),
  answer: { is: 'progress', event: captureEvent, result: capture, isSilent: false },
});

export const deleteCapture = defineRoute({
  id: 'deleteCapture',
  at: 'DELETE /api/captures/{capture}',
  tag,
  summary: 'delete a capture and its workload',
  description: 'One that is not over is stopped first.',
  params: ofCapture,
  query: z.object({ keepWorkload: z.optional(flag), ...why }),
  answer: { is: 'progress', event: deletionEvent, result: capture, isSilent: true },
});

export const watchCapture = defineRoute({
  id: 'watchCapture',
  at: 'GET /api/captures/{capture}/watch',
  tag,
  summary: 'look on until a capture is over',
  params: ofCapture,
  answer: { is: 'progress', event: captureEvent, result: capture, isSilent: false },
});

export const waitForCapture = defineRoute({
  id: 'waitForCapture',
  at: 'POST /api/captures/{capture}/wait',
  tag,
  summary: 'wait until a capture has begun, or is over',
  description: 'Answers 424 with the reason where it FAILED.',
  isRead: true,
  params: ofCapture,
  query: z.object({
    until: documented(z.enum(['begun', 'over']), {
      description: '`begun`: RUNNING, or further; `over`: DONE',
    }),
  }),
  answer: { is: 'progress', event: captureEvent, result: capture, isSilent: false },
});

export const liveFactsOfCapture = defineRoute({
  id: 'liveFactsOfCapture',
  at: 'GET /api/captures/{capture}/live',
  tag,
  summary: 'show how the recording of a capture goes',
  params: ofCapture,
  answer: { is: 'json', form: liveFacts },
});

export const valueCountsOfCapture = defineRoute({
  id: 'valueCountsOfCapture',
  at: 'GET /api/captures/{capture}/values',
  tag,
  summary: 'count executes with and without values',
  description: 'null before anything is recorded.',
  params: ofCapture,
  answer: { is: 'json', form: orNull(valueCounts) },
});

export const firstValuesOfCapture = defineRoute({
  id: 'firstValuesOfCapture',
  at: 'GET /api/captures/{capture}/first-values',
  tag,
  summary: 'look for a few seconds at how many executes come without values',
  description: 'null where nothing was executed.',
  params: ofCapture,
  answer: { is: 'json', form: orNull(z.object({ counts: valueCounts, forMs: z.number() })) },
});
