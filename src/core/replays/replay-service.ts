import type { Actor } from '../access.ts';
import { CaptureRules } from '../captures/capture-rules.ts';
import { isOver } from '../captures/capture.ts';
import { AppError } from '../errors.ts';
import type { Outside } from '../outside.ts';
import type { Progress } from '../progress.ts';
import type { PlannedReplay, ReplayRequest } from './replay-request.ts';
import type { Replay, ReplayEvent } from './replay.ts';

/** Recorded work, on another server. */
export class ReplayService {
  readonly #outside: Outside;
  readonly #rules: CaptureRules;

  constructor(outside: Outside) {
    this.#outside = outside;
    this.#rules = new CaptureRules(outside.store, outside.clock, outside.origin);
  }

  /**
   * Says what `run` would do: reads the whole record, and looks at the target. Nothing is sent, nothing is stored,
   * and no name has to be typed.
   * @throws AppError as `run`, but for `confirm_target`.
   */
  async *plan(
    actor: Actor,
    ref: string,
    request: ReplayRequest,
    signal: AbortSignal,
  ): Progress<ReplayEvent, PlannedReplay> {
    const { planReplay } = await import('./replay-preparation.ts');
    return yield* planReplay(this.#outside, this.#rules, actor, ref, request, signal);
  }

  /**
   * Sends a record to the server of an environment, and waits until that is done. What is left undone, because the
   * target was lost, is part of what is returned: the replay is FAILED then, and has a result.
   * @param ref the capture.
   * @param signal ends it within two seconds: before anything is sent its reason is thrown; later the replay is DONE,
   *   and what is left of the record counts as `interrupted`.
   * @throws AppError `not_found` for a capture or an environment that the actor may not see; `forbidden`; `invalid`
   *   for what cannot be replayed, or not like this; `conflict` for a capture that goes on, and, with the hint
   *   `confirm_target`, for a target that has to be meant; `remote_failed` where that cannot be reached;
   *   `store_unusable` where the record cannot be read: nothing is sent of one that is damaged.
   */
  async *run(
    actor: Actor,
    ref: string,
    request: ReplayRequest,
    signal: AbortSignal,
  ): Progress<ReplayEvent, Replay> {
    const { runReplay } = await import('./replay-run.ts');
    return yield* runReplay(this.#outside, this.#rules, actor, ref, request, signal);
  }

  /**
   * A replay with what is known of it, and its result where it is over and left one.
   * @throws AppError `not_found`; `invalid` for a capture that is none; `store_unusable` for a result that cannot be
   *   read.
   */
  async get(actor: Actor, ref: string): Promise<Replay> {
    const capture = this.#rules.get(actor, ref, 'capture.report');
    const stored = capture.type === 'REPLAY' ? this.#outside.store.replays.find(capture.id) : null;
    if (stored === null) {
      throw new AppError('invalid', `"${capture.name}" is a capture, not a replay`);
    }
    const workloads = isOver(capture.status) ? await this.#outside.workloads() : null;
    return { capture, stored, result: (await workloads?.readReplayResult(capture.id)) ?? null };
  }
}
