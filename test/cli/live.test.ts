import { describe, expect, it } from 'vitest';
import { RECORD_EVERYTHING } from '../../src/core/captures/recording-options.ts';
import { liveJson, liveLine } from '../../src/cli/render/live.ts';
import type { LiveFacts } from '../../src/core/captures/live-facts.ts';
import type { ListedCapture } from '../../src/core/store.ts';

const NOW = Date.parse('2026-11-22T12:00:12.400Z');
const START = Date.parse('2026-11-22T12:00:00Z');

function capture(changes: Partial<ListedCapture> = {}): ListedCapture {
  return {
    id: 7,
    name: 'friday',
    environmentId: 1,
    ownerId: 1,
    type: 'CAPTURE',
    status: 'RUNNING',
    start: START,
    scheduledStart: null,
    scheduledEnd: START + 900_000,
    end: null,
    duration: 900_000,
    reason: null,
    createdAt: START,
    recordsStatements: true,
    options: RECORD_EVERYTHING,
    environmentName: 'shop',
    ownerName: 'ada',
    records: 12_345,
    textBytes: 1_258_291,
    fileBytes: 100_000,
    trouble: null,
    replayed: null,
    ...changes,
  };
}

const live: LiveFacts = {
  rate: {
    captureId: 7,
    records: 12_345,
    textBytes: 1_258_291,
    statementsPerSecond: 1_020,
    bytesPerSecond: 104_000,
  },
  lagMs: 420,
  hasDaemon: true,
};
const nothing: LiveFacts = { rate: null, lagMs: null, hasDaemon: true };

describe('the live line of a capture', () => {
  it.each<[string, Partial<ListedCapture>, LiveFacts, string]>([
    [
      'that records',
      {},
      live,
      'RUNNING 12s of 15m (14m 48s left), 12,345 records, 1,020/s, 1.2 MiB, lag 0.4s',
    ],
    [
      'without an end',
      { scheduledEnd: null, duration: null },
      live,
      'RUNNING 12s, 12,345 records, 1,020/s, 1.2 MiB, lag 0.4s',
    ],
    [
      'of which the daemon said nothing yet',
      { records: 0, textBytes: 0 },
      nothing,
      'RUNNING 12s of 15m (14m 48s left), 0 records, 0 B',
    ],
    [
      'whose rate cannot be told yet',
      { records: 35 },
      {
        ...live,
        rate: {
          captureId: 7,
          records: 35,
          textBytes: 1,
          statementsPerSecond: null,
          bytesPerSecond: null,
        },
      },
      'RUNNING 12s of 15m (14m 48s left), 35 records, 1.2 MiB, lag 0.4s',
    ],
    [
      'that nobody records',
      {},
      { ...nothing, hasDaemon: false },
      'RUNNING 12s of 15m (14m 48s left), 12,345 records, 1.2 MiB, no daemon is running',
    ],
    [
      'on a metrics-only environment',
      { recordsStatements: false, records: null, textBytes: null },
      { ...nothing, hasDaemon: false },
      'RUNNING 12s of 15m (14m 48s left)',
    ],
    [
      'that is to come',
      { status: 'SCHEDULED', start: null, scheduledStart: NOW + 90_000, records: null },
      nothing,
      'SCHEDULED starts in 1m 30s',
    ],
    [
      'that is over',
      { status: 'DONE', end: START + 10_000 },
      nothing,
      'DONE 10s, 12,345 records, 1.2 MiB',
    ],
    [
      'that failed',
      { status: 'FAILED', end: START + 10_000, reason: 'the disk is full', records: null },
      nothing,
      'FAILED 10s, the disk is full',
    ],
  ])('%s', (_what, changes, facts, expected) => {
    expect(liveLine(capture(changes), facts, NOW)).toBe(expected);
  });
});

describe('the JSON of a capture that is watched', () => {
  it('is that of the capture, with how it goes under "live"', () => {
    expect(liveJson(capture(), live, NOW)).toMatchObject({
      id: 7,
      status: 'RUNNING',
      live: {
        elapsed: 12.4,
        remaining: 887.6,
        statementsPerSecond: 1_020,
        bytesPerSecond: 104_000,
        lag: 0.42,
      },
    });
  });
});
