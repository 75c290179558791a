import type { Progress } from '../../../core/progress.ts';
import type { ReportRequest } from '../../../core/reports/report.ts';
import type { TallyProgress } from '../../../core/reports/tally.ts';
import {
  getReport,
  getReportRows,
  makeReports,
  watchReport,
  type ReportHead,
} from '../../contract/report-routes.ts';
import type { InputOf, EventOf } from '../../contract/route.ts';
import { verifyCapture } from '../../contract/verification-routes.ts';
import { handle, type Call } from '../handler.ts';

const USUAL_INTERVAL_MS = 2_000;
/** An event has rows of so many characters, and a few more. */
const ENOUGH = 65_536;

export const reportHandlers = [
  handle(getReport, ({ api, actor }, { params, query }) =>
    api.reports.report(actor, params.capture, requestOf(query)),
  ),
  handle(getReportRows, inRows),
  handle(makeReports, ({ api, actor }, { params, body: { others = [], ...asked } }) =>
    api.reports.reports(
      actor,
      params.capture,
      requestOf(asked),
      others.map(({ by, limit = null }) => ({ by, limit })),
    ),
  ),
  handle(watchReport, ({ api, actor, signal }, { params, query }) => {
    const { interval = USUAL_INTERVAL_MS, ...asked } = query;
    const request = requestOf(asked);
    const watching = { request: () => request, interval, pause: interval };
    return api.reports.watch(actor, params.capture, watching, signal);
  }),
  handle(verifyCapture, ({ api, actor }, { params, query: { minValues = null } }) =>
    api.verification.verify(actor, params.capture, minValues),
  ),
];

type Asked = Omit<InputOf<typeof makeReports>['body'], 'others'>;

function requestOf(asked: Asked): ReportRequest {
  const { by = 'digest', sort = null, limit = null } = asked;
  const { since = null, until = null, digest = null } = asked;
  return { by, sort, limit, since, until, digest };
}

async function* inRows(
  { api, actor }: Call,
  { params, query }: InputOf<typeof getReportRows>,
): Progress<EventOf<(typeof getReportRows)['answer']> | TallyProgress, ReportHead> {
  const request = requestOf(query);
  const { rows, ...head } = yield* api.reports.reportInRows(actor, params.capture, request);
  let some: string[] = [];
  let length = 0;
  for (const row of rows) {
    const json = JSON.stringify(row);
    some.push(json);
    length += json.length;
    if (length < ENOUGH) continue;
    yield { type: 'rows', json: `[${some.join(',')}]` };
    some = [];
    length = 0;
  }
  if (some.length > 0) yield { type: 'rows', json: `[${some.join(',')}]` };
  return head;
}
