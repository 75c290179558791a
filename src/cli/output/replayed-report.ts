import type { Actor } from '../../core/access.ts';
import { AppError } from '../../core/errors.ts';
import { REPLAY_SORT_KEYS, type ReplaySortKey } from '../../core/replays/replay-row-order.ts';
import type { ListedCapture } from '../../core/store.ts';
import { fullName } from '../render/full-name.ts';
import { captureWord } from '../render/shell-quoting.ts';
import type { Context } from '../runtime/context.ts';
import { checkReplayFields, printReplay } from './replay-output.ts';

/** Options of `captures report` as they were typed. */
export interface TypedReplayReport {
  readonly by?: string;
  readonly sort?: string;
  readonly limit?: number;
  readonly since?: string;
  readonly until?: string;
  readonly digest?: string;
  readonly watch?: boolean;
  readonly interval?: number;
  readonly ascii?: boolean;
  /** A file, or `-` for stdout. */
  readonly html?: string;
}

/**
 * Prints the report of a replay, or writes it as a page.
 * @throws AppError `invalid` for an option that only the report of a capture has.
 */
export async function reportReplay(
  context: Context,
  actor: Actor,
  capture: ListedCapture,
  typed: TypedReplayReport,
): Promise<void> {
  checkReplayFields(context, true);
  refuseOthers(capture, typed);
  const { limit = null, digest = null, ascii = false } = typed;
  const sort = keyOf(typed.sort);
  const replay = await context.api.replays.get(actor, String(capture.id));
  if (typed.html !== undefined) {
    const { writeReplayHtml } = await import('./replay-html.ts');
    await writeReplayHtml(context, replay, typed.html, { sort, limit, digest });
    // With a page, data alone is printed, and where it is asked for.
    if (context.options.dataFlags.length === 0) return;
  }
  await printReplay(context, replay, { sort, limit, digest, ascii }, true);
  // A header alone does not say whether something went wrong.
  if (replay.result === null) {
    await context.note(
      `${fullName(capture)} is ${capture.status}: it has no result${whenever(capture)}.`,
    );
  }
}

function whenever({ end, status }: ListedCapture): string {
  return end === null && status !== 'FAILED' ? ' yet' : '';
}

function refuseOthers(capture: ListedCapture, typed: TypedReplayReport): void {
  const { by = 'digest', since, until, watch, interval } = typed;
  const refuse = (option: string, hint: string): never => {
    throw new AppError('invalid', `${option} is not for a replay`, { hint });
  };
  if (by !== 'digest') refuse(`--by ${by}`, 'Its rows are digests.');
  if (since !== undefined || until !== undefined) {
    const option = since === undefined ? '--until' : '--since';
    refuse(
      option,
      'Its numbers are those of all that was sent. captures replay has --since and --until.',
    );
  }
  if (watch === true || interval !== undefined) {
    refuse('--watch', `To see how far it is: captures get ${captureWord(capture)} --watch`);
  }
}

function keyOf(sort: string | undefined): ReplaySortKey | null {
  if (sort === undefined) return null;
  const found = REPLAY_SORT_KEYS.find((key) => key === sort);
  if (found !== undefined) return found;
  throw new AppError('invalid', `A replay is not sorted by ${sort}`, {
    hint: `Choose from: ${REPLAY_SORT_KEYS.join(', ')}`,
  });
}
