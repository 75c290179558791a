import {
  API_CODES,
  AppError,
  isAppError,
  messageOf,
  type ErrorCode,
  type Failure,
} from '../../core/errors.ts';
import { escapeText } from '../../display/escape.ts';
import { wrapMessage } from '../render/messages.ts';
import { hintText } from '../output/hint-texts.ts';
import { messageWidth } from '../output/terminal-width.ts';
import { Interrupted, SIGNAL_STATUS } from './signals.ts';
import { ClosedPipe, OutputFailure, type World } from './world.ts';

/** Exit statuses by failure; the compiler keeps the table complete. */
export const EXIT_STATUS: Record<ErrorCode, number> = {
  internal: 1,
  invalid: 2,
  not_found: 3,
  unauthenticated: 4,
  forbidden: 5,
  conflict: 6,
  declined: 7,
  capture_failed: 8,
  remote_failed: 9,
  store_unusable: 10,
};

/** A failure beside that of a command that was run: its exit status is the command's. */
export class FailureBeside extends AppError {
  readonly status: number;

  /** @param status not 0. */
  constructor({ code, message, hint, cause }: AppError, status: number) {
    super(code, message, { hint, cause });
    this.status = status;
  }
}

const LONGEST_LINE = 2_000;

/** The one place that prints failures. Returns the status to exit with. */
export async function reportFailure(
  error: unknown,
  world: Pick<World, 'stderr' | 'env' | 'signals'>,
  how: { json: boolean; debug: boolean },
): Promise<number> {
  if (error instanceof ClosedPipe) return 0;
  if (error instanceof Interrupted) {
    // The terminal shows ^C where the cursor was; the shell's prompt comes on a line of its own.
    if (world.signals.interrupted.reason === error && world.stderr.isTTY)
      await tryToWrite(world, '\n');
    return SIGNAL_STATUS[error.signal];
  }
  const failure = isAppError(error)
    ? error
    : error instanceof OutputFailure
      ? { code: 'internal' as const, message: error.message, hint: null }
      : {
          code: 'internal' as const,
          message: `Unexpected error: ${messageOf(error)}`,
          hint: 'This is a bug in captures. Run it again with --debug to see where.',
        };
  const text = how.json
    ? `${JSON.stringify(asJson(failure))}\n`
    : asText(failure, messageWidth(world.stderr, world.env)) + (how.debug ? stackOf(error) : '');
  await tryToWrite(world, text);
  return error instanceof FailureBeside ? error.status : EXIT_STATUS[failure.code];
}

async function tryToWrite({ stderr }: Pick<World, 'stderr'>, text: string): Promise<void> {
  try {
    await stderr.write(text);
  } catch {
    // The reader of the failure has gone; the status still says it.
  }
}

function asJson(failure: Failure): object {
  const { code, message } = failure;
  const hint = hintText(failure.hint);
  return { code: API_CODES[code], message, ...(hint === null ? {} : { hint }) };
}

function asText(failure: Failure, width: number): string {
  const hints = hintText(failure.hint)?.split('\n').map(shown) ?? [];
  const lines = [
    wrapMessage(`captures: ${shown(failure.message)}`, width),
    ...hints.map((hint) => `  ${wrapMessage(hint, width - 2)}`),
  ];
  return `${lines.join('\n')}\n`;
}

/** Escaped, and cut: a failure may quote a megabyte of input. JSON has it whole. */
function shown(text: string): string {
  const escaped = escapeText(text);
  return escaped.length <= LONGEST_LINE ? escaped : `${escaped.slice(0, LONGEST_LINE)}…`;
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  const stack = (error.stack ?? '').split('\n').map(escapeText).join('\n');
  return `${stack}\n${error.cause === undefined ? '' : `caused by:\n${stackOf(error.cause)}`}`;
}
