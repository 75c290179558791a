import { AppError } from '../../core/errors.ts';
import {
  rowsOfDigest,
  sortedReplayRows,
  type ReplaySortKey,
} from '../../core/replays/replay-row-order.ts';
import type { Replay } from '../../core/replays/replay.ts';
import { fullName } from '../render/full-name.ts';
import {
  replayJsonPieces,
  replayLineNoun,
  replayNoun,
  replayRowNoun,
} from '../render/replay/replay-noun.ts';
import { renderReplayDigest } from '../render/replay/replay-digest.ts';
import { renderReplay } from '../render/replay/replay-screen.ts';
import type { Context } from '../runtime/context.ts';
import { terminalView } from './terminal-view.ts';

/** What of a replay's rows is printed. */
export interface AskedRows {
  /** null: by total time. */
  readonly sort: ReplaySortKey | null;
  /** null: what fits a terminal, else all. */
  readonly limit: number | null;
  /** One digest alone, by the beginning of its id; null for all. */
  readonly digest: string | null;
  readonly ascii: boolean;
}

/** Lines that name what comes next, below a replay that has ended. */
const NOTES = 4;

export const ALL_ROWS: AskedRows = { sort: null, limit: null, digest: null, ascii: false };

/**
 * Prints a replay: a screen, or data.
 * @param isReport a line of CSV and TSV is a digest; else it is the replay.
 * @throws AppError `not_found` for a digest that is not there; `conflict` for rows of a replay that is not over.
 */
export async function printReplay(
  context: Context,
  replay: Replay,
  asked: AskedRows,
  isReport: boolean,
): Promise<void> {
  const mode = context.outputMode;
  const { stdout } = context.world;
  const isScreen = context.wantsReport && mode === 'table';
  const chosen = isScreen ? replay : withRows(replay, asked);
  if (isScreen) {
    await stdout.write(await drawn(context, chosen, asked, isReport ? 0 : NOTES));
  } else if (mode === 'json' && context.options.fields === null) {
    await context.printPieces(replayJsonPieces(chosen));
  } else if (mode === 'json' || mode === 'yaml') {
    await context.printOne(replayNoun, chosen);
  } else if (isReport) {
    await context.print(replayRowNoun, chosen.result?.rows ?? []);
  } else {
    await context.printOne(mode === 'table' ? replayNoun : replayLineNoun, chosen);
  }
}

/** @throws AppError `invalid` for a field that a replay, or a row of it, does not have. */
export function checkReplayFields(context: Context, isReport: boolean): void {
  const isObject = context.outputMode === 'json' || context.outputMode === 'yaml';
  context.checkFields(isReport && !isObject ? replayRowNoun : replayNoun);
}

function withRows(replay: Replay, { sort, limit, digest }: AskedRows): Replay {
  const { result } = replay;
  if (result === null) return replay;
  const some = digest === null ? result.rows : rowsOfDigest(result.rows, digest);
  const sorted = sort === null ? some : sortedReplayRows(some, sort);
  return {
    ...replay,
    result: { ...result, rows: limit === null ? sorted : sorted.slice(0, limit) },
  };
}

/** @param below lines that follow. */
async function drawn(
  context: Context,
  replay: Replay,
  asked: AskedRows,
  below: number,
): Promise<string> {
  const view = await terminalView(context, asked.ascii);
  const { digest, limit, sort } = asked;
  if (digest === null) {
    const { stdout } = context.world;
    const rows = stdout.isTTY && limit === null ? (stdout.rows ?? null) : null;
    const height = rows === null ? null : rows - below;
    return renderReplay(replay, { limit, sort: sort ?? 'time' }, view, height);
  }
  const { result } = replay;
  if (result === null) {
    throw new AppError('conflict', `${fullName(replay.capture)} has no result yet`, {
      hint: { code: 'look_again', capture: fullName(replay.capture) },
    });
  }
  return rowsOfDigest(result.rows, digest)
    .map((row) => renderReplayDigest(row, replay, result, view))
    .join('\n');
}
