import type { Actor } from '../access.ts';
import { CaptureRules } from '../captures/capture-rules.ts';
import { withoutStatements } from '../captures/no-statements.ts';
import { hasBegun, isOver } from '../captures/capture.ts';
import { liveFactsOf } from '../captures/live-facts.ts';
import { AppError, isAppError } from '../errors.ts';
import type { Outside } from '../outside.ts';
import type { Progress } from '../progress.ts';
import type { ListedCapture } from '../store.ts';
import { captureGone } from '../workloads/committed-spans.ts';
import type { Damage } from '../workloads/workload.ts';
import type { RecordStanding, RecordSubject } from '../verification/record-standing.ts';
import type { LiveReport, Report, ReportInRows, ReportRequest } from './report.ts';
import type { RecentCounts } from './recent-counts.ts';
import type { MadeReport, ReportSubject } from './report-rules.ts';
import type { CountedWorkload, TallyCounter, TallyProgress } from './tally.ts';

/** A recorder gives up its last reading of times 2 s behind the end of a capture. */
const LAST_TIMES_MS = 2_500;

/** How a report is watched. */
export interface Watching {
  /** Asked for each report, so that the order can change meanwhile. */
  readonly request: () => ReportRequest;
  /** The shortest time that rates of now are taken over, in milliseconds. */
  readonly interval: number;
  /** How long to wait behind each report, in milliseconds; absent: who watches asks for the next when it is time. */
  readonly pause?: number;
}

/** Each report reads what is new, and one that nobody can read is of no use. */
const SHORTEST_PAUSE_MS = 1_000;

/** What captures recorded, put together. */
export class ReportService {
  readonly #outside: Outside;
  readonly #rules: CaptureRules;

  constructor(outside: Outside) {
    this.#outside = outside;
    this.#rules = new CaptureRules(outside.store, outside.clock, outside.origin);
  }

  /**
   * What a capture recorded; of one that goes on, what is committed by now.
   * @throws AppError `not_found`, also for a digest that it does not have, and for one that records nothing;
   *   `invalid` for a time outside of its window; `conflict` for one that has not begun; `store_unusable`
   *   when none of its files can be read.
   */
  async *report(
    actor: Actor,
    ref: string,
    request: ReportRequest,
  ): Progress<TallyProgress, Report> {
    const { report } = yield* this.reports(actor, ref, request, []);
    return report;
  }

  /**
   * The same in less memory, for who takes the rows one by one.
   * @throws AppError as `report` does.
   */
  async *reportInRows(
    actor: Actor,
    ref: string,
    request: ReportRequest,
  ): Progress<TallyProgress, ReportInRows> {
    const capture = this.#reportable(actor, ref);
    const counter = await (await this.#outside.workloads()).openTally(capture.id);
    try {
      return (yield* this.#count(capture, counter, request, null))(request).report;
    } finally {
      await counter.close();
    }
  }

  /**
   * The report, and more of the same statements, which are counted once.
   * @param others what is different in each of them.
   * @throws AppError as `report` does.
   */
  async *reports(
    actor: Actor,
    ref: string,
    request: ReportRequest,
    others: readonly Pick<ReportRequest, 'by' | 'limit'>[],
  ): Progress<TallyProgress, { readonly report: Report; readonly others: readonly Report[] }> {
    const capture = this.#reportable(actor, ref);
    const counter = await (await this.#outside.workloads()).openTally(capture.id);
    try {
      const make = yield* this.#count(capture, counter, request, null);
      const { wholeReport } = await import('./report-rules.ts');
      const made = (asked: ReportRequest): Report => wholeReport(make(asked).report);
      return {
        report: made(request),
        others: others.map((other) => made({ ...request, sort: null, digest: null, ...other })),
      };
    } finally {
      await counter.close();
    }
  }

  /**
   * The report of a capture as of now, each time that the next is asked for; the last is that of the capture
   * when it is over.
   * @param signal ends it.
   * @throws AppError as `report` does; `not_found` also when somebody deletes it meanwhile; `invalid` for a pause
   *   that is too short.
   */
  async *watch(
    actor: Actor,
    ref: string,
    { request, interval, pause }: Watching,
    signal: AbortSignal,
  ): AsyncGenerator<TallyProgress | LiveReport, void, void> {
    if (pause !== undefined && pause < SHORTEST_PAUSE_MS) {
      throw new AppError('invalid', 'An interval is at least 1 s');
    }
    const { id } = this.#reportable(actor, ref);
    const [{ RecentCounts }, { wholeReport }] = await Promise.all([
      import('./recent-counts.ts'),
      import('./report-rules.ts'),
    ]);
    const recent = new RecentCounts(interval, this.#outside.clock);
    const counter = await (await this.#outside.workloads()).openTally(id);
    let wasOpen = false;
    try {
      while (!signal.aborted) {
        const capture = this.#reportable(actor, String(id));
        const isLast = isOver(capture.status);
        if (isLast && wasOpen) await this.#lastTimes(capture, signal);
        wasOpen = !isLast;
        const wanted = request();
        // What is over has no rate of now.
        const asked = isLast && wanted.sort === 'rate' ? { ...wanted, sort: null } : wanted;
        const make = yield* this.#count(capture, counter, asked, recent);
        const { report, listed, all } = make(asked);
        const at = report.window.to === null ? null : Date.parse(report.window.to);
        const { statements } = report;
        const now = at === null ? null : recent.intervalAt(at, statements, listed);
        yield { type: 'reported', report: wholeReport(report), interval: now };
        if (isLast) return;
        if (at !== null) recent.add(at, statements, all);
        if (pause !== undefined) await this.#outside.clock.sleep(pause, signal);
      }
    } finally {
      await counter.close();
    }
  }

  /** Waits for the reading of times at the end of a capture, which may come a moment behind it. */
  async #lastTimes({ id, end }: ListedCapture, signal: AbortSignal): Promise<void> {
    const { store, clock } = this.#outside;
    const { isReadTo } = await import('./report-times.ts');
    const until = clock.now() + LAST_TIMES_MS;
    while (end !== null && !signal.aborted && clock.now() < until) {
      if (isReadTo(end, store.times.intervalsOf(id))) return;
      await clock.sleep(LAST_TIMES_MS / 10, signal);
    }
  }

  /** @throws AppError for one that there is no report of. */
  #reportable(actor: Actor, ref: string): ListedCapture {
    const capture = this.#rules.get(actor, ref, 'capture.report');
    const { name, status, environmentName } = capture;
    const named = { environmentName, name };
    if (!capture.recordsStatements) {
      throw withoutStatements(
        capture,
        () =>
          new AppError('not_found', `The capture "${name}" has no statements to report`, {
            hint: { code: 'see_metrics', capture: named },
          }),
      );
    }
    if (!hasBegun(status)) {
      throw new AppError('conflict', `The capture "${name}" is ${status}`, {
        hint: { code: 'recorded_later', capture: named },
      });
    }
    return capture;
  }

  /**
   * Counts the statements between the bounds of the request.
   * @returns what makes reports of them.
   * @throws AppError `not_found` when somebody deletes the capture meanwhile: its files go, and that is no damage.
   */
  async *#count(
    capture: ListedCapture,
    counter: TallyCounter,
    request: Pick<ReportRequest, 'since' | 'until'>,
    recent: RecentCounts | null,
  ): Progress<TallyProgress, (request: ReportRequest) => MadeReport> {
    const isDeleted = (): boolean => this.#outside.store.captures.find(capture.id) === null;
    let make: (request: ReportRequest) => MadeReport;
    try {
      make = yield* this.#countFiles(capture, counter, request, recent);
    } catch (error) {
      if (isAppError(error, 'store_unusable') && isDeleted()) throw captureGone(error);
      throw error;
    }
    if (isDeleted()) throw captureGone();
    return make;
  }

  async *#countFiles(
    capture: ListedCapture,
    counter: TallyCounter,
    request: Pick<ReportRequest, 'since' | 'until'>,
    recent: RecentCounts | null,
  ): Progress<TallyProgress, (request: ReportRequest) => MadeReport> {
    // Loaded here: most commands report nothing.
    const [
      { makeReport },
      { measuredIn, timesOfReport },
      { lookAtRecord },
      { tallyRequestOf },
      rules,
    ] = await Promise.all([
      import('./report-rules.ts'),
      import('./report-times.ts'),
      import('../verification/record-standing.ts'),
      import('./tally-request.ts'),
      import('./report-window.ts'),
    ]);
    const { store, clock, program } = this.#outside;
    const workloads = await this.#outside.workloads();
    const recording = store.recordings.find(capture.id);
    const record = { capture, recording, folder: workloads.folderOf(capture.id) };
    const standing = await lookAtRecord(workloads, record);
    const { manifest, facts } = standing;
    const lag = liveFactsOf(store, capture.id, clock.now()).lagMs ?? 0;
    rules.checkBounds(rules.edgesOf(capture, facts), request, clock.now());
    const counted = yield* counter.count(tallyRequestOf(standing, recording, request));
    requireSomething(capture, counted);
    const measuresExecutes =
      manifest === null || (await this.#outside.measuresExecutes())(manifest.server.flavor);
    const measured = () => measuredIn(store.times, capture.id, request);
    const subject: ReportSubject = {
      program: program(),
      capture: {
        id: capture.id,
        name: capture.name,
        environment: capture.environmentName,
        status: capture.status,
        server: manifest === null ? null : serverOf(manifest.server),
      },
      window: rules.windowOf(
        rules.edgesOf(capture, facts),
        request,
        counted.tally,
        clock.now() - lag,
      ),
      verdict: await this.#verdict(record, standing, counted, request),
      gaps: facts?.gaps ?? [],
      options: capture.options,
      leftOut: Object.values(standing.counters?.skipped ?? {}).reduce((sum, rows) => sum + rows, 0),
      times: timesOfReport(
        counted.tally,
        recent === null || isOver(capture.status) ? measured() : recent.times(measured),
        await this.#outside.serverDigestKey(),
        measuresExecutes,
      ),
      measuresExecutes,
    };
    const at = subject.window.to === null ? null : Date.parse(subject.window.to);
    const rates = at === null ? null : (recent?.ratesAt(at) ?? null);
    return (asked) => makeReport(subject, counted, asked, rates);
  }

  /** What `verify` says, by what was counted: no file is read for it once more. */
  async #verdict(
    record: RecordSubject,
    standing: RecordStanding,
    { tally, records, damage: found }: CountedWorkload,
    { since, until }: Pick<ReportRequest, 'since' | 'until'>,
  ): Promise<Report['verdict']> {
    const [{ concludeVerification }, { evidenceOf }, { contradictions }, compare] =
      await Promise.all([
        import('../verification/verification.ts'),
        import('../verification/record-standing.ts'),
        import('../verification/manifest-check.ts'),
        this.#outside.compareCounters(),
      ]);
    const { manifest, counters, committed, state } = standing;
    const isWhole = since === null && until === null;
    const damage: Damage[] = [...standing.damage, ...found];
    if (damage.length === 0 && counters !== null && isWhole && tally.records !== counters.records) {
      const what = `the manifest says ${counters.records} records, the files hold ${tally.records}`;
      damage.push({ segment: null, what });
    }
    if (damage.length === 0 && state === 'over' && manifest !== null) {
      damage.push(...contradictions(manifest, committed, record.capture));
    }
    const evidence = evidenceOf(
      record,
      standing,
      {
        damage,
        records: isWhole ? records.read : (counters?.records ?? records.read),
        values: counters?.values ?? null,
      },
      null,
    );
    const { verdict, whole, line, problems, notes } = concludeVerification(evidence, compare);
    return { verdict, whole, line, problems, notes };
  }
}

function serverOf({ flavor, version }: { flavor: string; version: string }): {
  flavor: string;
  version: string;
} {
  return { flavor, version };
}

/** @throws AppError `store_unusable` where there was something and nothing of it can be read. */
function requireSomething(
  { name, environmentName }: ListedCapture,
  { records, damage }: CountedWorkload,
): void {
  const [first] = damage;
  if (first === undefined || records.read > 0 || records.committed === 0) return;
  throw new AppError(
    'store_unusable',
    `Nothing of the capture "${name}" can be read: ${first.what}`,
    {
      hint: { code: 'verify_files', capture: { environmentName, name } },
    },
  );
}
