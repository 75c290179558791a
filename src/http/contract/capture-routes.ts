import * as z from 'zod/mini';
import type { CaptureEvent } from '../../core/captures/following.ts';
import { CAPTURE_STATUSES } from '../../core/captures/capture.ts';
import { CAPTURE_ORDERS } from '../../core/store.ts';
import { capture } from './capture-form.ts';
import { defineRoute } from './define-route.ts';
import { flag, instant, listOf, plain, wholeNumber } from './wire.ts';

const tag = 'Captures';

/** An id, a name that is unique among what the user can see, or `environment/name` (with `%2F`). */
export const ofCapture = z.object({ capture: z.string() });

export const listCaptures = defineRoute({
  id: 'listCaptures',
  at: 'GET /api/captures',
  tag,
  summary: 'list captures',
  description:
    'Captures of the environments that the user is a member of, newest first. All of them unless `limit` is given.',
  query: z.object({
    env: z.optional(z.string()),
    owner: z.optional(z.string()),
    status: z.optional(listOf(CAPTURE_STATUSES)),
    name: z.optional(z.string()),
    since: z.optional(instant),
    until: z.optional(instant),
    order: z.optional(z.enum(CAPTURE_ORDERS)),
    ascending: z.optional(flag),
    limit: z.optional(wholeNumber),
  }),
  answer: { is: 'rows', row: capture },
});

export const getCapture = defineRoute({
  id: 'getCapture',
  at: 'GET /api/captures/{capture}',
  tag,
  summary: 'show one capture',
  params: ofCapture,
  answer: { is: 'json', form: capture },
});

export const stopCapture = defineRoute({
  id: 'stopCapture',
  at: 'POST /api/captures/{capture}/stop',
  tag,
  summary: 'stop a running capture',
  params: ofCapture,
  query: z.object({ wait: z.optional(flag), reason: z.optional(z.string()) }),
  answer: {
    is: 'progress',
    event: plain<CaptureEvent>('What happens meanwhile'),
    result: capture,
    isSilent: true,
  },
});
