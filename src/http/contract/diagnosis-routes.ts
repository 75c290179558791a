import * as z from 'zod/mini';
import type { Fact, Finding } from '../../core/diagnosis/finding.ts';
import { API_CODES, type ErrorCode, type Failure } from '../../core/errors.ts';
import type { ServerIdentity } from '../../core/source.ts';
import { daemonHolder, unrestoredServer } from './daemon-routes.ts';
import { defineRoute } from './define-route.ts';
import { failure } from './failure-form.ts';
import { formOf, instant, milliseconds, orNull, plain, type Form } from './wire.ts';

const tag = 'Diagnosis';

const failed: Form<Failure> = failure;

/** What was found: a code with its data. */
const fact = formOf<Fact>()(
  z.discriminatedUnion('is', [
    z.object({ is: z.literal('failure'), failure: failed }),
    z.object({
      is: z.literal('orphaned_workloads'),
      orphans: z.array(z.object({ captureId: z.int(), folder: z.string(), bytes: z.int() })),
    }),
    z.object({ is: z.literal(['unfinished_removals', 'captures_wait']), count: z.int() }),
    z.object({
      is: z.literal('daemon_alive'),
      holder: daemonHolder,
      lagMs: orNull(milliseconds),
    }),
    z.object({
      is: z.literal([
        'daemon_not_needed',
        'warm_up_waits',
        'restore_waits',
        'no_environments',
        'nothing_to_check',
        'daemon_checks_server',
      ]),
    }),
    z.object({ is: z.literal(['capture_due', 'warm_up_due']), at: instant }),
    z.object({
      is: z.literal('server_neglected'),
      server: unrestoredServer,
      hasDaemon: z.boolean(),
    }),
    z.object({
      is: z.literal('server_ready'),
      server: plain<ServerIdentity>('What the server calls itself'),
      place: z.string(),
    }),
    z.object({ is: z.literal('said'), text: z.string() }),
    z.object({ is: z.literal('left_behind'), silentMs: orNull(milliseconds) }),
    z.object({ is: z.literal('clock_apart'), aheadMs: milliseconds }),
  ]),
);

const finding = formOf<Finding>()(
  z.object({
    check: z.enum(['workloads', 'daemon', 'recorder', 'environments', 'environment']),
    environment: orNull(z.string()),
    status: z.enum(['ok', 'warn', 'fail']),
    code: orNull(z.enum(Object.keys(API_CODES) as ErrorCode[])),
    fact,
  }),
);

export const diagnoseEnvironments = defineRoute({
  id: 'diagnoseEnvironments',
  at: 'GET /api/doctor',
  isSlow: true,
  asksOthers: true,
  tag,
  summary: 'check the servers and metrics of your environments',
  answer: { is: 'rows', row: finding },
});

export const diagnoseStore = defineRoute({
  id: 'diagnoseStore',
  at: 'GET /api/doctor/store',
  tag,
  summary: 'check workloads and the daemon',
  description: 'For administrators of the store; nothing is told to others.',
  answer: { is: 'rows', row: finding },
});
