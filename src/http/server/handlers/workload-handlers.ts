import type { Progress } from '../../../core/progress.ts';
import type { Following } from '../../../core/workloads/committed-spans.ts';
import type { StatementFormat } from '../../../core/workloads/transfer.ts';
import type { StatementsNotRun } from '../../../core/workloads/workload-files.ts';
import type { StatementRequest } from '../../../core/workloads/workload-service.ts';
import { importCapture } from '../../contract/import-routes.ts';
import type { InputOf } from '../../contract/route.ts';
import { searchOf } from '../../contract/statement-query.ts';
import {
  archiveCapture,
  checkExport,
  exportWorkload,
  followWorkload,
  listOrphans,
  readWorkload,
  removeOrphans,
} from '../../contract/workload-routes.ts';
import { followedPieces } from '../followed-pieces.ts';
import { handle, type AnsweredBytes, type Call } from '../handler.ts';

const TYPES: Readonly<Record<StatementFormat, string>> = {
  ndjson: 'application/x-ndjson',
  sql: 'application/sql',
  csv: 'text/csv; charset=utf-8',
  'general-log': 'application/octet-stream',
  parquet: 'application/vnd.apache.parquet',
};

/** What captures recorded. */
const reading = [
  handle(readWorkload, (call, input) => {
    const { format = 'ndjson', follow } = input.query;
    const following = { signal: call.signal, tell: () => undefined };
    const chunks = statementsOf(call, input, follow === true ? following : null);
    return answered(TYPES[format], chunks, follow === true);
  }),
  handle(followWorkload, (call, input) =>
    followedPieces((tell) => statementsOf(call, input, { signal: call.signal, tell })),
  ),
  handle(listOrphans, ({ api, actor }) => api.workloads.listOrphans(actor)),
  handle(removeOrphans, ({ api, actor }, { body }) =>
    api.workloads.removeOrphans(actor, body.captureIds),
  ),
];

/** Out of the store, and into it. */
const transfers = [
  handle(checkExport, ({ api, actor }, { params, query }) =>
    api.transfers.exportable(actor, params.capture, query.format ?? null),
  ),
  handle(exportWorkload, ({ api, actor }, { params, query }) => {
    const request = { search: searchOf(query), limit: query.limit ?? null };
    const { format } = query;
    return answered(
      TYPES[format],
      api.transfers.statements(actor, params.capture, format, request),
    );
  }),
  handle(archiveCapture, ({ api, actor }, { params }) =>
    answered('application/x-tar', api.transfers.archive(actor, params.capture)),
  ),
  handle(importCapture, ({ api, actor, upload, signal }, { query }) =>
    api.transfers.import(
      actor,
      upload,
      { environment: query.env ?? null, name: query.name ?? null },
      signal,
    ),
  ),
];

export const workloadHandlers = [...reading, ...transfers];

function statementsOf(
  { api, actor }: Call,
  { params, query }: InputOf<typeof followWorkload>,
  follow: Following | null,
): Progress<Uint8Array, readonly StatementsNotRun[]> {
  const request: StatementRequest = {
    search: searchOf(query),
    limit: query.limit ?? null,
    after: query.after ?? null,
    follow,
  };
  return query.format === 'sql'
    ? api.workloads.readSql(actor, params.capture, request)
    : withNone(api.workloads.read(actor, params.capture, request));
}

/** As lines every statement is there. */
async function* withNone(
  chunks: AsyncGenerator<Uint8Array, void, void>,
): Progress<Uint8Array, readonly StatementsNotRun[]> {
  yield* chunks;
  return [];
}

function answered<Result>(
  type: string,
  chunks: Progress<Uint8Array, Result>,
  isFollowed = false,
): Promise<AnsweredBytes<Result>> {
  return Promise.resolve({ type, chunks, isFollowed });
}
