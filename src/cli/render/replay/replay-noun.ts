import type {
  Replay,
  ReplayOptions,
  ReplayResult,
  ReplayRow,
} from '../../../core/replays/replay.ts';
import {
  REPLAY_REPORT_FORMAT,
  REPLAY_REPORT_VERSION,
} from '../../../core/replays/replay-report.ts';
import { errorsOf } from '../../../core/replays/replay-row-order.ts';
import { captureJson, captureNoun } from '../captures.ts';
import { paths, type Json, type JsonObject, type Noun } from '../column.ts';
import { fullName } from '../full-name.ts';
import { isoTime } from '../moments.ts';

const RESULT_FIELDS =
  paths(`ended records sent skipped failed statements tookMs recordedMs lateMs latency perSecond
  sessions brokenOff deadlocks executes errors unlisted checksums warnings divergence rows`);

/** A replay: the capture's fields, how it is replayed, and the result; with all its rows it is what diff reads. */
export const replayNoun = {
  fields: [
    ...captureNoun.fields,
    ...paths(
      'format formatVersion replay.source replay.options replay.target replay.plan replay.progress',
    ),
    ...RESULT_FIELDS.map((field) => `result.${field}`),
  ],
  toJson: replayJson,
  reference: ({ capture }) => fullName(capture),
  none: 'No replay.',
} satisfies Noun<Replay>;

/** The same for a line of CSV or TSV: without the rows, of which each is a line of a report. */
export const replayLineNoun: Noun<Replay> = {
  ...replayNoun,
  fields: replayNoun.fields.filter((field) => field !== 'result.rows'),
  toJson: (replay) => replayJson({ ...replay, result: withoutRows(replay.result) }),
};

function withoutRows(result: ReplayResult | null): ReplayResult | null {
  return result === null ? null : { ...result, rows: [] };
}

function replayJson({ capture, stored, result }: Replay): JsonObject {
  return {
    ...captureJson(capture),
    format: REPLAY_REPORT_FORMAT,
    formatVersion: REPLAY_REPORT_VERSION,
    replay: {
      source: asJson(stored.source),
      options: replayOptionsJson(stored.options),
      target: asJson(stored.target),
      plan: asJson(stored.plan),
      progress: asJson(stored.progress),
    },
    result: result === null ? null : { ...headOf(result), rows: result.rows.map(replayRowJson) },
  };
}

/**
 * The same as JSON, a field a line and a row a line, piece by piece: 20,000 digests are some 30 MB.
 */
export function* replayJsonPieces(replay: Replay): Generator<string, void, void> {
  const { result, ...head } = replayJson({ ...replay, result: null });
  const fields = Object.entries(head).map(
    ([name, value]) => `  ${JSON.stringify(name)}: ${JSON.stringify(value)}`,
  );
  if (replay.result === null) {
    yield `{\n${fields.join(',\n')},\n  "result": ${JSON.stringify(result)}\n}\n`;
    return;
  }
  const numbers = Object.entries(headOf(replay.result)).map(
    ([name, value]) => `    ${JSON.stringify(name)}: ${JSON.stringify(value)}`,
  );
  yield `{\n${fields.join(',\n')},\n  "result": {\n${numbers.join(',\n')},\n    "rows": [`;
  let separator = '';
  for (const row of replay.result.rows) {
    yield `${separator}\n      ${JSON.stringify(replayRowJson(row))}`;
    separator = ',';
  }
  yield `${separator === '' ? '' : '\n    '}]\n  }\n}\n`;
}

/** In the order of the fields, without the rows. */
function headOf(result: ReplayResult): JsonObject {
  return Object.fromEntries(
    Object.entries(result).flatMap(([name, value]) =>
      name === 'rows' ? [] : [[name, asJson(value)]],
    ),
  );
}

/** Everything of a row is plain data; `errors` is the sum of what failed. */
function replayRowJson(row: ReplayRow): JsonObject {
  return { ...(asJson(row) as JsonObject), errors: errorsOf(row) };
}

/** As options say it: times in ISO-8601, the deadline in seconds. */
export function replayOptionsJson(options: ReplayOptions): JsonObject {
  const { speed, writes, sessions, serial, recordedTime, checksums, deadline } = options;
  const { since, until, ...search } = options.search;
  return {
    speed,
    writes,
    sessions,
    serial,
    recordedTime,
    checksums,
    deadline: deadline / 1_000,
    databases: asJson(options.databases),
    users: asJson(options.users),
    search: { ...(asJson(search) as JsonObject), since: isoTime(since), until: isoTime(until) },
  };
}

/** What is plain data already, as it is. */
function asJson(value: unknown): Json {
  return value as Json;
}

/** A digest of a replay by itself, for spreadsheets and scripts: without the histogram and the slices. */
export const replayRowNoun: Noun<ReplayRow> = {
  fields:
    paths(`digest text db class recorded count sent skipped failed errors averageMs p50Ms p95Ms p99Ms maxMs
    totalMs rowsReturned rowsChanged recordedPerSecond perSecond`),
  toJson: replayRowJson,
  reference: ({ digest }) => digest,
  none: 'No statement was sent.',
};
