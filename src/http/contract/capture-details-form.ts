import * as z from 'zod/mini';
import type { DetailedCapture, RecordedFacts } from '../../core/captures/capture-details.ts';
import type { Recycled } from '../../core/warm-ups/source-sessions.ts';
import type { ValueCounts } from '../../core/verification/value-counts.ts';
import type { Gap } from '../../core/workloads/gaps.ts';
import type { ImportOrigin } from '../../core/workloads/transfer.ts';
import { captureOf, captureOnWire, onWire } from './capture-form.ts';
import { warmUp } from './warm-up-form.ts';
import { formOf, instant, orNull, plain, type Form } from './wire.ts';

/** Executes with and without values. */
export const valueCounts = plain<ValueCounts>('Executes with and without values');

/** Where an imported workload comes from. */
export const importOrigin = formOf<ImportOrigin>()(
  z.object({
    captureId: z.int(),
    name: z.string(),
    environment: z.string(),
    owner: z.string(),
    exportedAt: instant,
    importedAt: instant,
  }),
);

const countsByName = z.record(z.string(), z.number());

const recordedFacts = formOf<RecordedFacts>()(
  z.object({
    statements: z.number(),
    sessions: z.number(),
    byKind: countsByName,
    byFlag: countsByName,
    skipped: countsByName,
    leftOut: z.object({ statements: z.number(), sessions: z.number() }),
    values: orNull(valueCounts),
    server: orNull(
      z.object({
        flavor: z.string(),
        version: z.string(),
        hostname: z.string(),
        port: z.number(),
      }),
    ),
    gaps: plain<readonly Gap[]>('Where statements may be missing'),
    warnings: z.array(z.string()),
    deadManObstacle: orNull(z.string()),
    recycled: orNull(plain<Recycled>('Sessions that were ended at its start')),
    imported: orNull(importOrigin),
    folder: z.string(),
    files: z.array(z.object({ file: z.string(), bytes: z.number() })),
  }),
);

const detailsOnWire = z.extend(captureOnWire, {
  recorded: orNull(recordedFacts),
  warmUp: orNull(warmUp),
  metrics: orNull(
    z.object({
      fetchedAt: orNull(instant),
      nextAt: orNull(instant),
      failure: orNull(z.string()),
    }),
  ),
});

/** A capture with everything that is known of it. */
export const detailedCapture: Form<DetailedCapture> = z.codec(
  detailsOnWire,
  z.custom<DetailedCapture>(),
  {
    decode: ({ recorded, warmUp: before, metrics, ...wire }) => ({
      ...captureOf(wire),
      recorded,
      warmUp: before,
      metrics,
    }),
    encode: (details) => ({
      ...onWire(details),
      recorded: details.recorded,
      warmUp: details.warmUp,
      metrics: details.metrics,
    }),
  },
);
