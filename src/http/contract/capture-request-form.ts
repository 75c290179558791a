import * as z from 'zod/mini';
import type { CaptureEdit, CaptureRequest } from '../../core/captures/capture-timing.ts';
import { givenOptions } from './capture-form.ts';
import { instant, orNull, seconds, type Form } from './wire.ts';

/** A field that may be left out; null says as little. */
export function notSaid<Schema extends z.ZodMiniType>(
  schema: Schema,
): z.ZodMiniOptional<z.ZodMiniNullable<Schema>> {
  return z.optional(orNull(schema));
}

const requestOnWire = z.object({
  name: z.string(),
  envId: notSaid(z.int().check(z.nonnegative())),
  environment: notSaid(z.string()),
  // Which of them there are is the core's to say, in the reference's words.
  status: notSaid(z.string()),
  start: notSaid(instant),
  scheduledStart: notSaid(instant),
  duration: notSaid(seconds),
  options: notSaid(givenOptions),
});

/**
 * What creating a capture is asked for. The environment is `envId`, as the reference has it, or `environment`: its
 * name, or its id as a text. Whatever else a client sends is not looked at: who asks is the owner.
 */
export const captureRequest: Form<CaptureRequest> = z.codec(
  requestOnWire,
  z.custom<CaptureRequest>(),
  {
    decode: (wire, context) => {
      const { name, envId = null, start = null, scheduledStart = null, duration = null } = wire;
      const environment = envId === null ? (wire.environment ?? null) : String(envId);
      if (environment === null) {
        const message = 'is missing: give envId, or environment with a name';
        context.issues.push({ code: 'custom', path: ['envId'], message, input: wire });
        return z.NEVER;
      }
      return {
        name,
        environment,
        status: (wire.status ?? null) as CaptureRequest['status'],
        start,
        scheduledStart,
        duration,
        ...(wire.options == null ? {} : { options: wire.options }),
      };
    },
    encode: (request) => request,
  },
);

/** What of a capture is changed: this, and nothing else that a client sends. */
export const captureEdit: Form<CaptureEdit> = z.codec(
  z.object({
    name: notSaid(z.string()),
    scheduledStart: notSaid(instant),
    duration: notSaid(seconds),
  }),
  z.custom<CaptureEdit>(),
  {
    decode: ({ name = null, scheduledStart = null, duration = null }) => ({
      name,
      scheduledStart,
      duration,
    }),
    encode: (edit) => edit,
  },
);
