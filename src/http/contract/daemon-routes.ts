import * as z from 'zod/mini';
import { CAPTURE_STATUSES } from '../../core/captures/capture.ts';
import type {
  DaemonHolder,
  DaemonStatus,
  NeglectedServers,
} from '../../core/daemon/daemon-service.ts';
import type { UnrestoredServer } from '../../core/recovery/recovery-rules.ts';
import { trouble } from './capture-form.ts';
import { defineRoute } from './define-route.ts';
import { documented, formOf, instant, orNull, seconds, type Form } from './wire.ts';

const tag = 'Daemon';

export const daemonHolder = formOf<DaemonHolder>()(
  z.object({ host: z.string(), pid: z.int(), since: instant, background: z.boolean() }),
);

const ofCapture = { id: z.int(), name: z.string(), environment: z.string() };

const statusOnWire = documented(
  z.object({
    alive: z.boolean(),
    host: orNull(z.string()),
    pid: orNull(z.int()),
    since: orNull(instant),
    background: orNull(z.boolean()),
    recording: z.array(
      z.object({
        ...ofCapture,
        status: z.enum(CAPTURE_STATUSES),
        records: orNull(z.int()),
        statementsPerSecond: orNull(z.number()),
        bytesPerSecond: orNull(z.number()),
        lag: orNull(seconds),
      }),
    ),
    warmUps: z.array(
      z.object({
        environment: z.string(),
        state: z.enum(['waiting', 'on', 'over']),
        until: instant,
      }),
    ),
    nextStarts: z.array(z.object({ ...ofCapture, at: instant })),
  }),
  { id: 'DaemonStatus' },
);

/** The daemon as the command line prints it. */
const status: Form<DaemonStatus> = z.codec(statusOnWire, z.custom<DaemonStatus>(), {
  decode: ({ host, pid, since, background, recording, warmUps, nextStarts }) => ({
    holder:
      host === null || pid === null || since === null || background === null
        ? null
        : { host, pid, since, background },
    recording: recording.map(({ lag, ...capture }) => ({ ...capture, lagMs: lag })),
    warmUps,
    nextStarts,
  }),
  encode: ({ holder, recording, warmUps, nextStarts }) => ({
    alive: holder !== null,
    host: holder?.host ?? null,
    pid: holder?.pid ?? null,
    since: holder?.since ?? null,
    background: holder?.background ?? null,
    recording: recording.map(({ lagMs, ...capture }) => ({ ...capture, lag: lagMs })),
    warmUps: [...warmUps],
    nextStarts: [...nextStarts],
  }),
});

export const unrestoredServer = formOf<UnrestoredServer>()(
  z.object({
    environmentName: z.string(),
    trouble: orNull(trouble),
    isRecording: z.boolean(),
    isWarm: z.boolean(),
  }),
);

export const getDaemon = defineRoute({
  id: 'getDaemon',
  at: 'GET /api/daemon',
  tag,
  summary: 'show what the daemon does',
  description: "Who it is, and what it records and starts next in the user's environments.",
  answer: { is: 'json', form: status },
});

export const getUnattended = defineRoute({
  id: 'getUnattended',
  at: 'GET /api/daemon/unattended',
  tag,
  summary: 'count what is recorded with no daemon alive',
  description: '`hasServers`: servers are changed for a recording or a warm-up.',
  answer: { is: 'json', form: z.object({ captures: z.int(), hasServers: z.boolean() }) },
});

export const listNeglected = defineRoute({
  id: 'listNeglected',
  at: 'GET /api/daemon/neglected',
  tag,
  summary: 'list servers whose recording is interrupted, or that are not restored',
  answer: {
    is: 'json',
    form: formOf<NeglectedServers>()(
      z.object({ servers: z.array(unrestoredServer), hasDaemon: z.boolean() }),
    ),
  },
});
