import { captureWord } from '../core/shell.ts';
import { isOver } from '../core/captures/capture.ts';
import type { ListedCapture } from '../core/store.ts';
import type { Context } from './runtime/context.ts';
import { DaemonKeeper } from './runtime/starter.ts';
import { Interrupted, interruption } from './runtime/signals.ts';
import { refuseFailed, waitForCapture } from './waiting.ts';
import { Progress } from './output/progress.ts';

/** Follows one capture from its creation to where the user wants to see it. */
export class Recording {
  readonly #context: Context;
  readonly #keeper: DaemonKeeper;
  readonly #progress: Progress;

  constructor(context: Context) {
    this.#context = context;
    this.#keeper = new DaemonKeeper(context);
    this.#progress = new Progress(context, { isData: false });
  }

  /** Makes sure that somebody takes the capture, and says so. */
  async handOver(capture: ListedCapture): Promise<void> {
    if (capture.recordsStatements && capture.status !== 'DONE') await this.#keeper.ensure();
  }

  /**
   * Waits until a capture that is to begin now is RUNNING.
   * @throws AppError `capture_failed` with the reason when it FAILED.
   */
  async untilRunning(capture: ListedCapture): Promise<ListedCapture> {
    const hasBegun = ({ status }: ListedCapture): boolean =>
      status === 'RUNNING' || status === 'STOPPING' || isOver(status);
    const running = await this.#interruptible(
      capture,
      hasBegun,
      this.#context.world.signals.interrupted,
    );
    refuseFailed(running);
    return running;
  }

  /**
   * Waits for the end, with progress; Ctrl-C asks whether to stop the capture.
   * @throws AppError `capture_failed`; Interrupted when it is left running.
   */
  async untilOver(capture: ListedCapture): Promise<ListedCapture> {
    for (;;) {
      const { signals } = this.#context.world;
      const pause = new AbortController();
      const stopListening = signals.listen((signal) => pause.abort(new Interrupted(signal)));
      try {
        const over = await waitForCapture(
          this.#context,
          capture.id,
          ({ status }) => isOver(status),
          {
            keeper: this.#keeper,
            signal: pause.signal,
            onLook: this.#progress.show,
          },
        );
        if (isOver(over.status)) {
          refuseFailed(over);
          return over;
        }
      } finally {
        stopListening();
        await this.#progress.clear();
      }
      await this.#askToStop(capture, pause.signal.reason as Interrupted);
    }
  }

  /** Prints the capture at the end, as the last of the lines about it where there were any. */
  printResult(capture: ListedCapture): Promise<void> {
    return this.#progress.result(capture);
  }

  /** Stops the capture, whatever it is about, and waits for its end. */
  async stop(capture: ListedCapture): Promise<ListedCapture> {
    const actor = await this.#context.actor();
    const { captures } = this.#context.api;
    const current = captures.get(actor, String(capture.id));
    if (current.status === 'RUNNING') captures.requestStop(actor, String(capture.id));
    await this.handOver(current);
    const { interrupted } = this.#context.world.signals;
    return this.#interruptible(current, ({ status }) => isOver(status), interrupted);
  }

  #interruptible(
    capture: ListedCapture,
    isReached: (capture: ListedCapture) => boolean,
    signal: AbortSignal,
  ): Promise<ListedCapture> {
    const keeper = capture.recordsStatements ? this.#keeper : null;
    return Promise.race([
      waitForCapture(this.#context, capture.id, isReached, { keeper, signal }),
      interruption(signal),
    ]);
  }

  async #askToStop(capture: ListedCapture, interrupted: Interrupted): Promise<void> {
    const { canPrompt, world } = this.#context;
    if (interrupted.signal === 'SIGINT' && canPrompt) {
      const prompter = await world.prompter();
      if (await prompter.confirm(`Stop the capture ${capture.name}?`)) {
        const current = this.#context.store.captures.find(capture.id);
        // One that is ending already needs nothing; one that cannot be stopped yet says so.
        if (current !== null && !isOver(current.status) && current.status !== 'STOPPING') {
          this.#context.api.captures.requestStop(await this.#context.actor(), String(capture.id));
        }
        return;
      }
    }
    await this.#context.note(
      `${capture.name} goes on. To stop it: captures stop ${captureWord(capture)}`,
    );
    throw interrupted;
  }
}
