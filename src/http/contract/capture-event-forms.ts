import * as z from 'zod/mini';
import type { CreatedCapture, CreationEvent } from '../../core/captures/capture-creation.ts';
import type { DeletionEvent } from '../../core/captures/capture-service.ts';
import type { CaptureEvent } from '../../core/captures/following.ts';
import type { LiveFacts } from '../../core/captures/live-facts.ts';
import type { DaemonStarted } from '../../core/daemon/daemon-starter.ts';
import type { Failure } from '../../core/errors.ts';
import type { Notice } from '../../core/notices.ts';
import { capture, captureOf, captureOnWire, onWire } from './capture-form.ts';
import { failure } from './failure-form.ts';
import { formOf, instant, orNull, seconds, type Form } from './wire.ts';

/** What happens while something is done with captures: the forms of the use cases' events. */

const failed: Form<Failure> = failure;

export const daemonStarted = z.object({
  type: z.literal('daemon_started'),
  pid: z.int(),
  logFile: z.string(),
});

/** A daemon was started in the background. */
export const daemonStart = formOf<DaemonStarted>()(daemonStarted);

/** What a user should know of something that is done for them: a code with its data. */
export const notice = formOf<Notice>()(
  z.discriminatedUnion('code', [
    z.object({ code: z.literal('server_warning'), text: z.string() }),
    z.object({ code: z.literal('daemon_checks_server') }),
    z.object({ code: z.literal('server_not_checked'), failure: failed }),
    z.object({
      code: z.literal('warm_up_not_needed'),
      server: z.object({ flavor: z.string(), version: z.string() }),
      ownersLog: orNull(z.enum(['general_log', 'slow_log'])),
    }),
    z.object({
      code: z.literal('recycling_not_needed'),
      why: z.enum(['always_logged', 'all_covered']),
    }),
    z.object({ code: z.literal('recycling_not_possible'), failure: failed }),
    z.object({ code: z.literal('no_session_to_recycle'), users: z.array(z.string()) }),
    z.object({
      code: z.literal('lasting_daemon_needed'),
      isOneAlive: z.boolean(),
      warmUpFrom: orNull(instant),
    }),
    z.object({
      code: z.literal('warm_up_planned'),
      from: instant,
      until: instant,
      wanted: seconds,
    }),
    z.object({ code: z.literal('no_daemon_for_schedule') }),
    z.object({ code: z.literal('warm_ups_without_pause') }),
  ]),
);

export const noticed = z.object({ type: z.literal('notice'), notice });

/** How a recording goes. */
export const liveFacts = formOf<LiveFacts>()(
  z.object({
    rate: orNull(
      z.object({
        captureId: z.int(),
        records: z.number(),
        textBytes: z.number(),
        statementsPerSecond: orNull(z.number()),
        bytesPerSecond: orNull(z.number()),
      }),
    ),
    lagMs: orNull(z.number()),
    hasDaemon: z.boolean(),
  }),
);

const whileCreating = [
  daemonStarted,
  noticed,
  z.object({ type: z.literal('log_off'), failure: failed }),
  z.object({ type: z.literal('log_looked_at'), isOn: z.boolean() }),
] as const;

const whileWaiting = [
  z.object({ type: z.literal('seen'), capture, live: liveFacts }),
  z.object({ type: z.literal('waits_for_server'), capture, reason: z.string() }),
  z.object({ type: z.literal('stopping'), capture }),
] as const;

/** While a capture is waited for. */
export const captureEvent = formOf<CaptureEvent>()(
  z.discriminatedUnion('type', [daemonStarted, ...whileWaiting]),
);

/** While one is created. */
export const creationEvent = formOf<CreationEvent>()(z.discriminatedUnion('type', whileCreating));

/** While one is created and its start is waited for. */
export const recordingEvent = formOf<CreationEvent | CaptureEvent>()(
  z.discriminatedUnion('type', [...whileCreating, ...whileWaiting]),
);

/** While captures are deleted. */
export const deletionEvent = formOf<DeletionEvent>()(
  z.discriminatedUnion('type', [
    daemonStarted,
    ...whileWaiting,
    z.object({ type: z.literal('deleted'), capture, workloadFolder: orNull(z.string()) }),
  ]),
);

/** A capture that was just created. */
export const createdCapture: Form<CreatedCapture> = z.codec(
  z.extend(captureOnWire, { mayLackValues: z.boolean() }),
  z.custom<CreatedCapture>(),
  {
    decode: (wire) => ({ ...captureOf(wire), mayLackValues: wire.mayLackValues }),
    encode: (created) => ({ ...onWire(created), mayLackValues: created.mayLackValues }),
  },
);
