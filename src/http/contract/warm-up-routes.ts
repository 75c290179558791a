import * as z from 'zod/mini';
import type { Api } from '../../core/api.ts';
import type { WarmUpLog } from '../../core/environments/server-inspection.ts';
import type { Approval } from '../../core/warm-ups/approvals.ts';
import type { Coverage } from '../../core/warm-ups/value-coverage.ts';
import type { OpenWarmUpOf, WarmUpEvent } from '../../core/warm-ups/warm-up-service.ts';
import type { WarmUpStatus } from '../../core/warm-ups/warm-up-status.ts';
import { daemonStarted, noticed } from './capture-event-forms.ts';
import { defineRoute, NO_RESULT } from './define-route.ts';
import { serverEnvironment } from './environment-form.ts';
import { ofEnvironment } from './environment-routes.ts';
import { readiness } from './readiness-form.ts';
import { warmUp } from './warm-up-form.ts';
import { flag, formOf, instant, orNull, plain, seconds } from './wire.ts';

const tag = 'Warm-ups';

type WarmUps = Api['warmUps'];

const slowLog = plain<WarmUpLog>('What the log of slow statements would write meanwhile');

/** What happens while a warm-up is begun or ended. */
const warmUpEvent = formOf<WarmUpEvent>()(
  z.discriminatedUnion('type', [
    daemonStarted,
    noticed,
    z.object({ type: z.literal('requested'), warmUp, slowLog, endsByItself: z.boolean() }),
    z.object({
      type: z.literal('ending'),
      ended: z.int(),
      goingOn: z.array(
        z.object({
          askedBy: z.string(),
          capture: orNull(z.object({ id: z.int(), name: z.string() })),
        }),
      ),
    }),
  ]),
);

const status = formOf<WarmUpStatus>()(
  z.object({
    environment: z.string(),
    state: z.enum(['on', 'waiting', 'off', 'not_needed', 'not_possible']),
    coveredBy: orNull(z.enum(['general_log', 'slow_log'])),
    since: orNull(instant),
    until: orNull(instant),
    reason: orNull(z.string()),
    coverage: plain<Coverage>('Sessions whose prepared statements are recorded with their values'),
    slowLog,
  }),
);

export const listOpenWarmUps = defineRoute({
  id: 'listOpenWarmUps',
  at: 'GET /api/warm-ups',
  tag,
  summary: 'list the warm-ups of your environments that are on or to come',
  answer: {
    is: 'rows',
    row: formOf<OpenWarmUpOf>()(
      z.object({ environment: z.string(), until: instant, capture: orNull(z.string()) }),
    ),
  },
});

export const listWarmUps = defineRoute({
  id: 'listWarmUps',
  at: 'GET /api/environments/{environment}/warm-ups',
  tag,
  summary: 'show an environment with its latest warm-ups',
  params: ofEnvironment,
  answer: {
    is: 'json',
    form: formOf<Awaited<ReturnType<WarmUps['list']>>>()(
      z.object({ environment: serverEnvironment, warmUps: z.array(warmUp) }),
    ),
  },
});

export const getWarmUpStatus = defineRoute({
  id: 'getWarmUpStatus',
  at: 'GET /api/environments/{environment}/warm-up',
  tag,
  summary: 'look at a server and say which sessions are covered',
  asksOthers: true,
  params: ofEnvironment,
  answer: {
    is: 'json',
    form: formOf<Awaited<ReturnType<WarmUps['status']>>>()(z.object({ status, readiness })),
  },
});

export const beginWarmUp = defineRoute({
  id: 'beginWarmUp',
  at: 'POST /api/environments/{environment}/warm-ups',
  tag,
  summary: 'warm a server up, so that prepared statements are recorded with values',
  description:
    'Lasts `duration` seconds. With `wait` it is answered when it is on. What disturbs others has to be `approved`. null: none is needed.',
  asksOthers: true,
  params: ofEnvironment,
  body: z.object({
    duration: seconds,
    wait: z.exactOptional(z.boolean()),
    approved: z.exactOptional(
      z.array(z.enum(['warm_up', 'recycling'] as const satisfies Approval['for'][])),
    ),
  }),
  answer: { is: 'progress', event: warmUpEvent, result: orNull(warmUp), isSilent: false },
});

export const endWarmUps = defineRoute({
  id: 'endWarmUps',
  at: 'DELETE /api/environments/{environment}/warm-ups',
  tag,
  summary: 'end the warm-ups that you asked for',
  description: 'An admin ends those of others, too. With `wait` it is answered when they are over.',
  params: ofEnvironment,
  query: z.object({ wait: z.exactOptional(flag) }),
  answer: { is: 'progress', event: warmUpEvent, result: NO_RESULT, isSilent: true },
});
