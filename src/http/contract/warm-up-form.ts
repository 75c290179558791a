import * as z from 'zod/mini';
import type { WarmUp } from '../../core/warm-ups/warm-up.ts';
import { formOf, instant, orNull } from './wire.ts';

/** A time in which sessions that come to a server are covered. */
export const warmUp = formOf<WarmUp>()(
  z.object({
    id: z.int(),
    environmentId: z.int(),
    captureId: orNull(z.int()),
    askedBy: z.string(),
    begin: instant,
    until: instant,
    state: z.enum(['waiting', 'on', 'over']),
    outcome: orNull(z.string()),
    // Not only a time: sessions' ids are of this start of the server, to the millisecond.
    serverStart: orNull(z.number()),
    covered: z.array(z.object({ after: z.number(), upTo: z.number(), isOpen: z.boolean() })),
    tapId: orNull(z.int()),
  }),
);
