import { isOver } from '../../core/captures/capture.ts';
import { refuseFailed } from '../../core/captures/following.ts';
import { AppError } from '../../core/errors.ts';
import { resultOf } from '../../core/progress.ts';
import { captureWord } from '../render/shell-quoting.ts';
import type { ListedCapture } from '../../core/store.ts';
import { counted, formatDuration } from '../../core/units.ts';
import { tellEvents } from '../output/capture-events.ts';
import { tellLackingValues } from '../output/first-values.ts';
import { Progress } from '../output/progress-line.ts';
import type { Context } from '../runtime/context.ts';
import { EXIT_STATUS } from '../runtime/exit-status.ts';
import type { Prompter } from '../input/prompter.ts';
import { errnoOf } from '../runtime/private-files.ts';
import { Interrupted } from '../runtime/signals.ts';
import type { CommandFault } from '../runtime/world.ts';

/** The shell's exit statuses for a command that it cannot run. */
const NOT_STARTED: Record<CommandFault, number> = { missing: 127, forbidden: 126 };

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
   * @throws AppError `capture_failed` with the reason when it FAILED; Interrupted when it is left to its daemon.
   */
  async untilRunning(capture: ListedCapture): Promise<ListedCapture> {
    try {
      return await this.#wait(capture, 'begun', tellEvents(this.#context));
    } catch (error) {
      if (error instanceof Interrupted) await this.#sayThatItContinues(capture);
      throw error;
    }
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
        if (!(error instanceof Interrupted)) throw error;
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
    const pause = new AbortController();
    const stopListening = world.signals.listen((signal) => pause.abort(new Interrupted(signal)));
    try {
      return await resultOf(api.captures.wait(actor, String(id), until, pause.signal), tell);
    } finally {
      stopListening();
    }
  }

  /** Prints the capture at the end; as the last line, if lines were printed. */
  printResult(capture: ListedCapture): Promise<void> {
    return this.#progress.result(capture);
  }

  /** Stops the capture, whatever its status, and waits for its end. */
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
      const prompter = await this.#context.openPrompter();
      if (await isAgreed(prompter, `Stop the capture ${capture.name}?`)) {
        const actor = await this.#context.actor();
        const ref = String(capture.id);
        const { status } = await api.captures.get(actor, ref);
        // One that is ending needs nothing; the core refuses one that cannot be stopped yet.
        if (isOver(status) || status === 'STOPPING') return;
        const how = { reason: null, waits: false };
        await resultOf(
          api.captures.stop(actor, ref, how, world.signals.interrupted),
          tellEvents(this.#context),
        );
        return;
      }
    }
    await this.#sayThatItContinues(capture);
    throw interrupted;
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
 * Records for as long as a command runs: its streams are the caller's, and so is its exit status.
 * @returns the command's status, or that of a failed capture when the command succeeded.
 */
export async function recordCommand(
  capture: ListedCapture,
  command: readonly string[],
  context: Context,
  recording: Recording,
): Promise<number> {
  const running = await recording.untilRunning(capture);
  const [program = '', ...args] = command;
  let status: number;
  try {
    ({ status } = await context.world.runCommand(program, args));
  } catch (error) {
    await recording.stop(running);
    return tellCommandFault(context, program, faultOf(error), 'the capture is stopped');
  }
  // Also after Ctrl-C ended the command.
  const over = await recording.stop(running);
  if (status === 0) refuseFailed(over);
  if (over.status === 'FAILED') {
    await context.warn(`The capture ${over.name} failed: ${over.reason ?? 'reason unknown'}`);
    return status === 0 ? EXIT_STATUS.capture_failed : status;
  }
  await context.note(await summaryOf(context, over));
  await tellLackingValues(context, over);
  return status;
}

async function summaryOf(context: Context, capture: ListedCapture): Promise<string> {
  const length =
    capture.start === null || capture.end === null
      ? ''
      : ` in ${formatDuration(capture.end - capture.start)}`;
  const { recorded } = await context.api.captures.details(
    await context.actor(),
    String(capture.id),
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
  if (!(error instanceof Error && 'code' in error) || error instanceof AppError) throw error;
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
