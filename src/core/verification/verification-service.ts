import type { Actor } from '../access.ts';
import { CaptureRules } from '../captures/capture-rules.ts';
import { AppError } from '../errors.ts';
import type { Outside } from '../outside.ts';
import type { Progress } from '../progress.ts';
import type { Verification, VerificationProgress } from './workload-verification.ts';

/** How true the record of a capture is. */
export class VerificationService {
  readonly #outside: Outside;
  readonly #rules: CaptureRules;

  constructor(outside: Outside) {
    this.#outside = outside;
    this.#rules = new CaptureRules(outside.store, outside.clock, outside.origin);
  }

  /**
   * Reads everything that a capture recorded and weighs it.
   * @param minValues the least share of executes with values, from 0 to 1; null to ask for none.
   * @throws AppError `not_found`; `invalid` for one that records nothing; `conflict` for one that has not
   *   begun; `store_unusable` when the disk fails.
   */
  async *verify(
    actor: Actor,
    ref: string,
    minValues: number | null,
  ): Progress<VerificationProgress, Verification> {
    const capture = this.#rules.get(actor, ref, 'capture.verify');
    const { id, name, status } = capture;
    if (!capture.recordsStatements) {
      throw new AppError('invalid', `The capture "${name}" has no statements to verify`, {
        hint: { code: 'metrics_only' },
      });
    }
    if (status === 'SCHEDULED' || status === 'STARTED' || status === 'STARTING') {
      throw new AppError('conflict', `The capture "${name}" is ${status}`, {
        hint: { code: 'verify_later' },
      });
    }
    const workloads = await this.#outside.workloads();
    const recording = this.#outside.store.recordings.find(id);
    const folder = workloads.folderOf(id);
    const subject = { capture, recording, folder, minValues };
    const compare = await this.#outside.compareCounters();
    const { verifyWorkload } = await import('./workload-verification.ts');
    return yield* verifyWorkload(workloads, compare, this.#outside.clock, subject);
  }
}
