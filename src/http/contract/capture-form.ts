import * as z from 'zod/mini';
import { reasonOf, CAPTURE_STATUSES, CAPTURE_TYPES } from '../../core/captures/capture.ts';
import {
  RECORD_EVERYTHING,
  REDACTIONS,
  STATEMENT_CLASSES,
  type RecordingOptions,
} from '../../core/captures/recording-options.ts';
import type { ListedCapture } from '../../core/store.ts';
import { documented, formOf, instant, orNull, seconds, type Form } from './wire.ts';

const names = z.array(z.string());

const optionsOnWire = z.object({
  includeUsers: names,
  excludeUsers: names,
  includeDatabases: names,
  excludeDatabases: names,
  includeHosts: names,
  only: z.array(z.enum(STATEMENT_CLASSES)),
  sample: orNull(z.number()),
  redact: orNull(z.enum(REDACTIONS)),
  maxSize: orNull(z.number()),
  minFree: orNull(z.number()),
  maxLog: orNull(z.number()),
  maxLag: orNull(seconds),
  deadMan: orNull(seconds),
  warmUp: orNull(seconds),
  recycleUsers: orNull(names),
});

/** What a capture was asked to record: sizes in bytes, lengths of time in seconds. */
export const recordingOptions = formOf<RecordingOptions>()(optionsOnWire);

/** The same in a request: what is left out is as by default. */
export const givenOptions: Form<RecordingOptions> = z.codec(
  z.partial(optionsOnWire),
  z.custom<RecordingOptions>(),
  {
    decode: (given) => ({ ...RECORD_EVERYTHING, ...given }) as RecordingOptions,
    encode: (options) => options as z.output<typeof optionsOnWire>,
  },
);

documented(recordingOptions, {
  id: 'RecordingOptions',
  description: 'What is recorded, and what ends it: sizes in bytes, lengths of time in seconds.',
});

export const trouble = z.object({ since: instant, reason: z.string() });

/** The reference API's fields first, in its order; then those that the command line prints, then what is left. */
export const captureOnWire = z.object({
  id: z.int(),
  name: z.string(),
  start: orNull(instant),
  scheduledStart: orNull(instant),
  scheduledEnd: orNull(instant),
  end: orNull(instant),
  status: z.enum(CAPTURE_STATUSES),
  envId: z.int(),
  type: z.enum(CAPTURE_TYPES),
  reason: orNull(z.string()),
  environment: z.string(),
  owner: z.string(),
  duration: orNull(seconds),
  createdAt: instant,
  workload: orNull(
    z.object({
      records: z.int(),
      textBytes: orNull(z.int()),
      fileBytes: orNull(z.int()),
    }),
  ),
  options: orNull(recordingOptions),
  trouble: orNull(trouble),
  replayed: orNull(z.object({ sent: z.int(), skipped: z.int(), failed: z.int() })),
  ownerId: z.int(),
});

documented(captureOnWire, { id: 'Capture' });

export type CaptureOnWire = z.output<typeof captureOnWire>;

/** A capture as every operation answers it. */
export const capture: Form<ListedCapture> = z.codec(captureOnWire, z.custom<ListedCapture>(), {
  decode: (wire) => captureOf(wire),
  encode: (listed) => onWire(listed),
});

export function onWire(capture: ListedCapture): CaptureOnWire {
  const { records, textBytes, fileBytes } = capture;
  return {
    id: capture.id,
    name: capture.name,
    start: capture.start,
    scheduledStart: capture.scheduledStart,
    scheduledEnd: capture.scheduledEnd,
    end: capture.end,
    status: capture.status,
    envId: capture.environmentId,
    type: capture.type,
    reason: reasonOf(capture),
    environment: capture.environmentName,
    owner: capture.ownerName,
    duration: capture.duration,
    createdAt: capture.createdAt,
    workload: records === null ? null : { records, textBytes, fileBytes },
    options: capture.recordsStatements ? capture.options : null,
    trouble: capture.trouble,
    replayed: capture.replayed,
    ownerId: capture.ownerId,
  };
}

export function captureOf(wire: CaptureOnWire): ListedCapture {
  const { envId, environment, owner, workload, options, trouble: troubled } = wire;
  return {
    id: wire.id,
    name: wire.name,
    environmentId: envId,
    ownerId: wire.ownerId,
    type: wire.type,
    status: wire.status,
    start: wire.start,
    scheduledStart: wire.scheduledStart,
    scheduledEnd: wire.scheduledEnd,
    end: wire.end,
    duration: wire.duration,
    // What it waits for is said as its reason: see `reasonOf`.
    reason: wire.status === 'STOPPING' && troubled !== null ? null : wire.reason,
    createdAt: wire.createdAt,
    recordsStatements: options !== null,
    options: options ?? RECORD_EVERYTHING,
    environmentName: environment,
    ownerName: owner,
    records: workload?.records ?? null,
    textBytes: workload?.textBytes ?? null,
    fileBytes: workload?.fileBytes ?? null,
    trouble: troubled,
    replayed: wire.replayed,
  };
}
