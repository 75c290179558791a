import * as z from 'zod/mini';
import { CAPTURE_STATUSES, CAPTURE_TYPES } from '../../core/captures/capture.ts';
import type { PrunePlan } from '../../core/captures/retention.ts';
import type { NamedCapture } from '../../core/captures/typed-names.ts';
import { deletionEvent } from './capture-event-forms.ts';
import { capture } from './capture-form.ts';
import { defineRoute, NO_RESULT } from './define-route.ts';
import { formOf, listOf, secondsInQuery, wholeNumber } from './wire.ts';

const tag = 'Captures';

export const nameCaptures = defineRoute({
  id: 'nameCaptures',
  at: 'GET /api/capture-names',
  tag,
  summary: 'list captures whose name begins with what was typed',
  query: z.object({
    typed: z.string(),
    status: z.optional(listOf(CAPTURE_STATUSES)),
    type: z.optional(z.enum(CAPTURE_TYPES)),
    limit: wholeNumber,
  }),
  answer: {
    is: 'rows',
    row: formOf<NamedCapture>()(z.object({ capture, isUnique: z.boolean() })),
  },
});

export const deleteCapturesOfEnvironment = defineRoute({
  id: 'deleteCapturesOfEnvironment',
  at: 'DELETE /api/environments/{environment}/captures',
  tag,
  summary: 'delete every capture of an environment',
  description: 'Those that are not over are stopped first. For admins of the environment.',
  params: z.object({ environment: z.string() }),
  answer: { is: 'progress', event: deletionEvent, result: NO_RESULT, isSilent: true },
});

export const planPrune = defineRoute({
  id: 'planPrune',
  at: 'GET /api/prune-plan',
  tag,
  summary: 'list captures that a prune would delete',
  query: z.object({
    olderThan: secondsInQuery,
    keep: z.optional(wholeNumber),
    env: z.optional(z.string()),
  }),
  answer: {
    is: 'json',
    form: formOf<PrunePlan>()(z.object({ captures: z.array(capture), notOurs: z.number() })),
  },
});

export const pruneCaptures = defineRoute({
  id: 'pruneCaptures',
  at: 'POST /api/prunes',
  tag,
  summary: 'delete captures that are over, with their workloads',
  description: 'Answers those that were deleted.',
  body: z.object({ captureIds: z.array(z.int()), reason: z.string() }),
  answer: { is: 'json', form: z.array(capture) },
});
