import type { Actor } from '../access.ts';
import { CaptureRules } from '../captures/capture-rules.ts';
import { withoutStatements } from '../captures/no-statements.ts';
import { isOver } from '../captures/capture.ts';
import { AppError } from '../errors.ts';
import type { Outside } from '../outside.ts';
import type { Progress } from '../progress.ts';
import type { ListedCapture } from '../store.ts';
import { committedFacts } from './committed.ts';
import { deletedOr } from './committed-spans.ts';
import type { StatementFormat } from './transfer.ts';
import type { StatementsNotRun } from './workload-files.ts';
import type { ImportedCapture, ImportEvent, ImportRequest } from './workload-import.ts';
import { WorkloadService, type StatementRequest } from './workload-service.ts';

/** Takes workloads out of a store, and into one. */
export class TransferService {
  readonly #outside: Outside;
  readonly #rules: CaptureRules;

  constructor(outside: Outside) {
    this.#outside = outside;
    this.#rules = new CaptureRules(outside.store, outside.clock, outside.origin);
  }

  /**
   * The capture, where its workload can be exported.
   * @param format null for all of it as one archive, which is of a capture that is over.
   * @throws AppError `not_found`, also for one that records nothing; `conflict` for one that has recorded nothing
   *   yet, or that goes on.
   */
  async exportable(
    actor: Actor,
    ref: string,
    format: StatementFormat | null,
  ): Promise<ListedCapture> {
    const capture = this.#rules.get(actor, ref, 'capture.export');
    const { name, environmentName, status, recordsStatements } = capture;
    const named = { environmentName, name };
    if (!recordsStatements) {
      throw withoutStatements(
        capture,
        () =>
          new AppError('not_found', `The capture "${name}" has no workload`, {
            hint: { code: 'see_metrics', capture: named },
          }),
      );
    }
    if (isOver(status)) {
      if (capture.start !== null && capture.records !== null) return capture;
      throw new AppError('conflict', `The capture "${name}" is ${status} and recorded nothing`);
    }
    const isBegun = status === 'RUNNING' || status === 'STOPPING';
    if (isBegun && format !== null) return capture;
    throw new AppError('conflict', `The capture "${name}" is ${status}`, {
      hint: isBegun
        ? { code: 'export_when_over', capture: ref }
        : { code: 'recorded_later', capture: named },
    });
  }

  /**
   * Everything of a capture as one file that `import` reads, in pieces of any size.
   * @throws AppError as `exportable`, also when somebody deletes it meanwhile; `store_unusable` where its files are gone or not what was recorded.
   */
  async *archive(actor: Actor, ref: string): AsyncGenerator<Uint8Array, void, void> {
    const capture = await this.exportable(actor, ref, null);
    const { archiveContents } = await import('./workload-export.ts');
    const workloads = await this.#outside.workloads();
    const { store, clock } = this.#outside;
    try {
      yield* workloads.archive(await archiveContents(store, workloads, capture, clock.now()));
    } catch (error) {
      throw deletedOr(error, this.#outside, capture.id);
    }
  }

  /**
   * The statements of a capture for another program; of one that goes on, those that are committed by now.
   * @param request which of them, as `WorkloadService.read` takes it.
   * @returns what will not run as SQL, where that is the format.
   * @throws AppError as `exportable`, and as `WorkloadService.read`.
   */
  async *statements(
    actor: Actor,
    ref: string,
    format: StatementFormat,
    request: Partial<StatementRequest> = {},
  ): Progress<Uint8Array, readonly StatementsNotRun[]> {
    const { id } = await this.exportable(actor, ref, format);
    const statements = new WorkloadService(this.#outside);
    const capture = String(id);
    switch (format) {
      case 'sql':
        return yield* statements.readSql(actor, capture, request);
      case 'ndjson':
        yield* statements.read(actor, capture, request);
        return [];
      case 'csv':
      case 'general-log':
      case 'parquet': {
        const server = committedFacts(this.#outside.store.recordings.find(id))?.server ?? null;
        const records = statements.records(actor, capture, request);
        yield* (await this.#outside.workloads()).formatted(records, format, server);
        return [];
      }
    }
  }

  /**
   * Makes a capture of what `archive` wrote, in this store or another: it is over, of the actor, and like any other.
   * Everything is verified before it is visible; where that fails nothing is left.
   * @throws AppError `not_found`, `forbidden` for the environment; `invalid` for a name that is taken, and for what
   *   is no archive, whole and unchanged; `store_unusable`. What `signal` is aborted with.
   */
  async *import(
    actor: Actor,
    archive: AsyncIterable<Uint8Array>,
    request: ImportRequest,
    signal: AbortSignal,
  ): Progress<ImportEvent, ImportedCapture> {
    const { importWorkload } = await import('./workload-import.ts');
    return yield* importWorkload(this.#outside, actor, archive, request, signal);
  }
}
