import * as z from 'zod/mini';
import type { CapturePlan, WatchingServer } from '../../core/captures/capture-plan.ts';
import type { PlannedCapture } from '../../core/captures/capture-review.ts';
import { CAPTURE_STATUSES } from '../../core/captures/capture.ts';
import type { Expectation } from '../../core/captures/expectation.ts';
import type { ServerOutlook } from '../../core/environments/server-inspection.ts';
import { capture, recordingOptions } from './capture-form.ts';
import { failure } from './failure-form.ts';
import { readiness } from './readiness-form.ts';
import { formOf, instant, milliseconds, orNull, plain, seconds } from './wire.ts';

const planned = formOf<PlannedCapture>()(
  z.object({
    name: z.string(),
    environmentId: z.int(),
    ownerId: z.int(),
    status: z.enum(CAPTURE_STATUSES),
    start: orNull(instant),
    scheduledStart: orNull(instant),
    scheduledEnd: orNull(instant),
    end: orNull(instant),
    duration: orNull(seconds),
    reason: orNull(z.string()),
    recordsStatements: z.boolean(),
    options: recordingOptions,
  }),
);

const expectation = formOf<Expectation>()(
  z.object({
    statementsPerSecond: z.number(),
    rowsPerSecond: z.number(),
    statementBytes: orNull(z.number()),
    preparedShare: z.number(),
    logBytes: z.number(),
    logBytesPerHour: z.number(),
    fileBytesPerHour: z.number(),
    ratio: z.number(),
    isFromExperience: z.boolean(),
    fileBytes: orNull(z.number()),
    untilMaxSize: orNull(seconds),
    disk: orNull(z.object({ free: z.number(), size: z.number() })),
    minFree: orNull(z.number()),
    diskLasts: orNull(seconds),
  }),
);

/** What creating a capture would do and mean. */
export const capturePlan = formOf<CapturePlan>()(
  z.object({
    planned,
    environment: z.string(),
    isRecorded: z.boolean(),
    readiness: orNull(readiness),
    outlook: orNull(plain<ServerOutlook>('What recording would mean for the server')),
    expectation: orNull(expectation),
    undo: z.array(z.string()),
    sessionsToEnd: z.array(z.object({ user: z.string(), sessions: z.number() })),
    others: z.array(capture),
    hiddenOthers: z.number(),
    warnings: z.array(z.string()),
    refusals: z.array(failure),
    obstacleAtStart: orNull(failure),
  }),
);

/** The server's counters are looked at for so long. */
export const watchingServer = formOf<WatchingServer>()(
  z.object({ type: z.literal('watching'), place: z.string(), forMs: milliseconds }),
);
