import { isOver } from '../core/captures/capture.ts';
import { resultOf } from '../core/progress.ts';
import type { ListedCapture } from '../core/store.ts';
import { captureWord } from '../core/shell.ts';
import { tellEvents } from './output/capture-events.ts';
import { Progress } from './output/progress.ts';
import type { Context } from './runtime/context.ts';
import { Interrupted } from './runtime/signals.ts';

/** Follows one capture from its creation to where the user wants to see it. */
export class Recording {
  readonly #context: Context;
  readonly #progress: Progress;

  constructor(context: Context) {
    this.#context = context;
    this.#progress = new Progress(context, { isData: false });
  }

  /**
   * Waits until a capture that is to begin now is RUNNING.
   * @throws AppError `capture_failed` with the reason when it FAILED.
   */
  async untilRunning({ id }: ListedCapture): Promise<ListedCapture> {
    const { api, world } = this.#context;
    const actor = await this.#context.actor();
    return resultOf(
      api.captures.wait(actor, String(id), 'begun', world.signals.interrupted),
      tellEvents(this.#context),
    );
  }

  /**
   * Waits for the end, with progress; Ctrl-C asks whether to stop the capture.
   * @throws AppError `capture_failed`; Interrupted when it is left running.
   */
  async untilOver(capture: ListedCapture): Promise<ListedCapture> {
    const { api, world } = this.#context;
    const actor = await this.#context.actor();
    for (;;) {
      const pause = new AbortController();
      const stopListening = world.signals.listen((signal) => pause.abort(new Interrupted(signal)));
      try {
        return await resultOf(
          api.captures.wait(actor, String(capture.id), 'over', pause.signal),
          tellEvents(this.#context, this.#progress),
        );
      } catch (error) {
        if (!(error instanceof Interrupted)) throw error;
        stopListening();
        await this.#progress.clear();
        await this.#askToStop(capture, error);
      } finally {
        stopListening();
        await this.#progress.clear();
      }
    }
  }

  /** Prints the capture at the end, as the last of the lines about it where there were any. */
  printResult(capture: ListedCapture): Promise<void> {
    return this.#progress.result(capture);
  }

  /** Stops the capture, whatever it is about, and waits for its end. */
  async stop({ id }: ListedCapture): Promise<ListedCapture> {
    const { api, world } = this.#context;
    const actor = await this.#context.actor();
    const tell = tellEvents(this.#context);
    return resultOf(
      api.captures.end(actor, String(id), null, world.signals.interrupted),
      async (event) => (event.type === 'stopping' ? undefined : tell(event)),
    );
  }

  async #askToStop(capture: ListedCapture, interrupted: Interrupted): Promise<void> {
    const { api, canPrompt, world } = this.#context;
    if (interrupted.signal === 'SIGINT' && canPrompt) {
      const prompter = await world.prompter();
      if (await prompter.confirm(`Stop the capture ${capture.name}?`)) {
        const actor = await this.#context.actor();
        const ref = String(capture.id);
        const { status } = await api.captures.get(actor, ref);
        // One that is ending already needs nothing; one that cannot be stopped yet says so.
        if (isOver(status) || status === 'STOPPING') return;
        const how = { reason: null, waits: false };
        await resultOf(
          api.captures.stop(actor, ref, how, world.signals.interrupted),
          tellEvents(this.#context),
        );
        return;
      }
    }
    await this.#context.note(
      `${capture.name} continues. To stop it: captures stop ${captureWord(capture)}`,
    );
    throw interrupted;
  }
}
