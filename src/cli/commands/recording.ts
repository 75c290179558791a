import { isOver } from '../../core/captures/capture.ts';
import { refuseFailed } from '../../core/captures/following.ts';
import { isAppError, messageOf } from '../../core/errors.ts';
import { resultOf } from '../../core/progress.ts';
import { captureWord } from '../render/shell-quoting.ts';
import type { ListedCapture } from '../../core/store.ts';
import { counted, formatDuration } from '../../core/units.ts';
import { tellEvents } from '../output/capture-events.ts';
import { tellFirstValues, tellLackingValues } from '../output/first-values.ts';
import { leavingUnended, losingSight } from '../output/server-loss.ts';
import { Progress } from '../output/progress-line.ts';
import type { Context } from '../runtime/context.ts';
import { EXIT_STATUS, FailureBeside } from '../runtime/exit-status.ts';
import type { Prompter } from '../input/prompter.ts';
import type { HeldSignals } from '../runtime/held-signals.ts';
import { errnoOf } from '../runtime/private-files.ts';
import { Interrupted } from '../runtime/signals.ts';
import type { CommandFault } from '../runtime/world.ts';

/** The shell's exit statuses for a command that it cannot run. */
const NOT_STARTED: Record<CommandFault, number> = { missing: 127, forbidden: 126 };

/** Follows one capture from its creation to where the user wants to see it. */
export class Recording {
  readonly #context: Context;
  readonly #held: HeldSignals;
  readonly #progress: Progress;

  /** @param held taken over: also a signal that comes between two steps is one to the next step. */
  constructor(context: Context, held: HeldSignals) {
    this.#context = context;
    this.#held = held;
    this.#progress = new Progress(context, { isData: false });
  }

  /**
   * Waits until a capture that is to begin now is RUNNING.
   * @throws AppError `capture_failed` with the reason when it FAILED; Interrupted when it is left to its daemon.
   */
  async untilRunning(capture: ListedCapture): Promise<ListedCapture> {
    try {
      return await this.untilBegun(capture);
    } catch (error) {
      if (error instanceof Interrupted) await this.#sayThatItContinues(capture);
      throw losingSight(error, this.#context, capture);
    }
  }

  /** Looks at the first values of one that is RUNNING. A signal ends the look, and is one to the next step. */
  async untilValuesSeen(capture: ListedCapture): Promise<ListedCapture> {
    try {
      return await tellFirstValues(this.#context, capture, this.#held.interrupted);
    } catch (error) {
      throw losingSight(error, this.#context, capture);
    }
  }

  /** As `untilRunning`, and says nothing of one that is left. */
  untilBegun(capture: ListedCapture): Promise<ListedCapture> {
    return this.#wait(capture, 'begun', tellEvents(this.#context));
  }

  /**
   * Waits for the end, with progress; Ctrl-C asks whether to stop the capture.
   * @throws AppError `capture_failed`; Interrupted when it is left running.
   */
  async untilOver(capture: ListedCapture): Promise<ListedCapture> {
    for (;;) {
      try {
        return await this.#wait(capture, 'over', tellEvents(this.#context, this.#progress));
      } catch (error) {
        if (!(error instanceof Interrupted)) throw losingSight(error, this.#context, capture);
        await this.#progress.clear();
        await this.#askToStop(capture, error);
      } finally {
        await this.#progress.clear();
      }
    }
  }

  /** Takes signals over meanwhile, so that there is time to say what becomes of the capture. */
  async #wait(
    { id }: ListedCapture,
    until: 'begun' | 'over',
    tell: ReturnType<typeof tellEvents>,
  ): Promise<ListedCapture> {
    const { api, world } = this.#context;
    const actor = await this.#context.actor();
    this.#held.throwPending();
    const pause = new AbortController();
    const stopListening = world.signals.listen((signal) => pause.abort(new Interrupted(signal)));
    try {
      const reached = await resultOf(
        api.captures.wait(actor, String(id), until, pause.signal),
        tell,
      );
      // One that came with the answer asks for the same: what is over needs nothing more.
      if (until === 'begun') pause.signal.throwIfAborted();
      return reached;
    } finally {
      stopListening();
    }
  }

  /** Prints the capture at the end; as the last line, if lines were printed. */
  printResult(capture: ListedCapture): Promise<void> {
    return this.#progress.result(capture);
  }

  /**
   * Stops the capture, whatever its status, and waits for its end. A signal meanwhile does not end that, a second
   * one does.
   * @throws AppError that says where the capture is, and how to end it.
   */
  async stop(capture: ListedCapture): Promise<ListedCapture> {
    const { name, id } = capture;
    const context = this.#context;
    const interrupted = this.#held.abortedBySecond(
      () => void context.note(`Ending the capture ${name}. To leave before its end: once more`),
    );
    const tell = tellEvents(context);
    try {
      const actor = await context.actor();
      return await resultOf(
        context.api.captures.end(actor, String(id), null, interrupted),
        async (event) => (event.type === 'stopping' ? undefined : tell(event)),
      );
    } catch (error) {
      if (error instanceof Interrupted) {
        await context.note(
          `${name} may not have ended. To stop it: captures stop ${captureWord(capture)}`,
        );
      }
      throw isAppError(error) ? leavingUnended(error, context, capture) : error;
    }
  }

  async #askToStop(capture: ListedCapture, interrupted: Interrupted): Promise<void> {
    const { api, canPrompt, world } = this.#context;
    if (interrupted.signal === 'SIGINT' && canPrompt) {
      // A signal ends the question.
      this.#held.release();
      const prompter = await this.#context.openPrompter();
      if (await isAgreed(prompter, `Stop the capture ${capture.name}?`)) {
        const actor = await this.#context.actor();
        const ref = String(capture.id);
        const { status } = await api.captures.get(actor, ref);
        // One that is ending needs nothing; the core refuses one that cannot be stopped yet.
        if (!isOver(status) && status !== 'STOPPING') {
          const how = { reason: null, waits: false };
          await resultOf(
            api.captures.stop(actor, ref, how, world.signals.interrupted),
            tellEvents(this.#context),
          );
        }
        this.#held.take();
        return;
      }
    }
    await this.#sayThatItContinues(capture);
    throw interrupted;
  }

  /** For one whose creation a signal met. @throws Interrupted that has come. */
  async leaveIfInterrupted(capture: ListedCapture): Promise<void> {
    try {
      this.#held.throwPending();
    } catch (error) {
      await this.#sayThatItContinues(capture);
      throw error;
    }
  }

  #sayThatItContinues(capture: ListedCapture): Promise<void> {
    return this.#context.note(
      `${capture.name} continues. To stop it: captures stop ${captureWord(capture)}`,
    );
  }
}

/** Asks for a yes; Ctrl-C is a no. */
async function isAgreed(prompter: Prompter, question: string): Promise<boolean> {
  try {
    return await prompter.confirm(question);
  } catch (error) {
    if (error instanceof Interrupted) return false;
    throw error;
  }
}

/**
 * Records for as long as a command runs: its streams are the caller's, and so is its exit status. Nobody else would
 * end the capture: it is ended also where a signal comes before the command runs.
 * @param held taken over since before the capture was stored.
 * @returns the command's status, or that of a failed capture when the command succeeded.
 */
export async function recordCommand(
  capture: ListedCapture,
  command: readonly string[],
  context: Context,
  held: HeldSignals,
): Promise<number> {
  const recording = new Recording(context, held);
  const [program = '', ...args] = command;
  const { interrupted } = held;
  let status: number;
  try {
    interrupted.throwIfAborted();
    await recording.untilBegun(capture);
    ({ status } = await context.world.runCommand(program, args, interrupted));
  } catch (error) {
    if (isAppError(error)) throw leavingUnended(error, context, capture);
    if (error instanceof Interrupted) {
      await context.note(`Ending the capture ${capture.name}: its command has not been run.`);
    }
    await recording.stop(capture).catch((failure: unknown) => {
      // Also a server takes back what nobody waits for.
      if (!(error instanceof Interrupted) || !isAppError(failure, 'not_found')) throw failure;
    });
    if (error instanceof Interrupted) throw error;
    return tellCommandFault(context, program, faultOf(error), 'the capture is stopped');
  }
  // Also after Ctrl-C ended the command.
  const over = await recording.stop(capture).catch((error: unknown) => {
    throw isAppError(error) && status !== 0 ? new FailureBeside(error, status) : error;
  });
  held.release();
  if (status === 0) refuseFailed(over);
  if (over.status === 'FAILED') {
    await context.warn(`The capture ${over.name} failed: ${over.reason ?? 'reason unknown'}`);
    return status === 0 ? EXIT_STATUS.capture_failed : status;
  }
  try {
    await context.note(await summaryOf(context, over));
    await tellLackingValues(context, over);
  } catch (error) {
    // The capture has its end, and the command its status.
    if (!isAppError(error)) throw error;
    await context.warn(
      `The capture ${over.name} is ${over.status}. What it has is not known: ${messageOf(error)}`,
    );
  }
  return status;
}

async function summaryOf(context: Context, capture: ListedCapture): Promise<string> {
  const length =
    capture.start === null || capture.end === null
      ? ''
      : ` in ${formatDuration(capture.end - capture.start)}`;
  const actor = await context.actor();
  const { recorded } = await context.untilAnswered(() =>
    context.api.captures.details(actor, String(capture.id)),
  );
  const statements =
    recorded === null
      ? 'no statements'
      : `${counted(recorded.statements, 'statement')} (${counted(capture.records ?? 0, 'record')})`;
  const look = recorded === null ? 'get' : 'report';
  return `Recorded ${statements}${length}: captures ${look} ${captureWord(capture)}`;
}

/** Why spawning failed: a `CommandFault` or the system's code. @throws the error where it is none of the system's. */
function faultOf(error: unknown): string {
  const code = errnoOf(error);
  if (code === 'ENOENT') return 'missing';
  if (code === 'EACCES') return 'forbidden';
  if (!(error instanceof Error && 'code' in error)) throw error;
  return code;
}

/**
 * Says why a command cannot be run, and what became of the capture.
 * @param fault a `CommandFault` or the system's code.
 * @returns the exit status.
 */
export async function tellCommandFault(
  context: Context,
  program: string,
  fault: string,
  outcome: string,
): Promise<number> {
  const [why, status] =
    fault === 'missing'
      ? ['was not found', NOT_STARTED.missing]
      : fault === 'forbidden'
        ? ['may not be run', NOT_STARTED.forbidden]
        : [`cannot be started (${fault})`, NOT_STARTED.missing];
  await context.warn(`The command ${program} ${why}; ${outcome}.`);
  return status;
}
