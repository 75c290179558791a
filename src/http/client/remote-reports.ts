import { isDeepStrictEqual } from 'node:util';
import type { Api } from '../../core/api.ts';
import type { LiveReport, ReportRequest, ReportRow } from '../../core/reports/report.ts';
import type { TallyProgress } from '../../core/reports/tally.ts';
import { getReport, getReportRows, makeReports, watchReport } from '../contract/report-routes.ts';
import { verifyCapture } from '../contract/verification-routes.ts';
import type { Connection } from './connection.ts';
import { idOf } from './lasting-capture.ts';
import { LatestLook } from './latest-look.ts';
import { said } from './said-fields.ts';

type Reports = Api['reports'];
const NEVER = new AbortController().signal;
type Verification = Api['verification'];

/** `ReportService` on a server. */
export class RemoteReports implements Reports {
  readonly #server: Connection;

  constructor(server: Connection) {
    this.#server = server;
  }

  report: Reports['report'] = (_actor, ref, request) =>
    this.#server.progress(getReport, { params: { capture: ref }, query: said(request) });

  reportInRows: Reports['reportInRows'] = (_actor, ref, request) =>
    this.#server.outage.run(() => this.#inRows(ref, request), NEVER);

  /** Rows are kept as they came, and read when they are gone through. */
  async *#inRows(ref: string, request: ReportRequest): ReturnType<Reports['reportInRows']> {
    const asked = { params: { capture: ref }, query: said(request) };
    const run = this.#server.attempt(getReportRows, asked);
    const kept: string[] = [];
    try {
      for (;;) {
        const step = await run.next();
        if (step.done === true) return { ...step.value, rows: this.#rowsIn(kept) };
        if (step.value.type === 'rows') kept.push(step.value.json);
        else yield step.value;
      }
    } finally {
      await run.return(undefined as never);
    }
  }

  reports: Reports['reports'] = (_actor, ref, { limit, ...request }, others) =>
    this.#server.progress(makeReports, {
      params: { capture: ref },
      body: { ...said(request), limit, others: others.map((other) => ({ ...other })) },
    });

  /** Another request is another stream: rates of now begin anew with it. */
  async *watch(
    ...[, ref, { request, interval }, signal]: Parameters<Reports['watch']>
  ): ReturnType<Reports['watch']> {
    let id: string | null = null;
    let open: { readonly request: ReportRequest; readonly looks: Looks } | null = null;
    try {
      while (!signal.aborted) {
        const wanted = request();
        if (open === null || !isDeepStrictEqual(open.request, wanted)) {
          open?.looks.close();
          id ??= await idOf(this.#server, ref, signal);
          open = { request: wanted, looks: this.#looksAt(id, wanted, interval, signal) };
        }
        const look: TallyProgress | LiveReport | null = await open.looks.next();
        if (look === null) return;
        yield look;
      }
    } finally {
      open?.looks.close();
    }
  }

  #rowsIn(kept: readonly string[]): Iterable<ReportRow> {
    const server = this.#server;
    return {
      *[Symbol.iterator]() {
        for (const json of kept) {
          yield* server.understood(() => JSON.parse(json) as ReportRow[], 'rows that are not JSON');
        }
      },
    };
  }

  #looksAt(ref: string, request: ReportRequest, interval: number, signal: AbortSignal): Looks {
    return new LatestLook(
      (closed) =>
        this.#server.live(
          watchReport,
          { params: { capture: ref }, query: { ...said(request), interval } },
          AbortSignal.any([signal, closed]),
        ),
      ({ type }) => type === 'counted',
    );
  }
}

type Looks = LatestLook<TallyProgress | LiveReport>;

/** `VerificationService` on a server. */
export class RemoteVerification implements Verification {
  readonly #server: Connection;

  constructor(server: Connection) {
    this.#server = server;
  }

  verify: Verification['verify'] = (_actor, ref, minValues) =>
    this.#server.progress(verifyCapture, {
      params: { capture: ref },
      query: said({ minValues }),
    });
}
