import { AppError } from '../../core/errors.ts';
import { replayReportOf, type ReplayReport } from '../../core/replays/replay-report.ts';
import type { Dimension, Report } from '../../core/reports/report.ts';
import type { Context } from '../runtime/context.ts';
import { meaningOf, readReportFile, STDIN } from './report-files.ts';

/** A and B as they were typed. */
interface TypedSides {
  readonly a: string;
  readonly b: string;
  readonly by?: Dimension;
}

/** What is compared: two captures, or two replays of one record. */
export type ComparedSides =
  | { readonly type: 'captures'; readonly a: Report; readonly b: Report }
  | { readonly type: 'replays'; readonly a: ReplayReport; readonly b: ReplayReport };

type Side =
  | { readonly type: 'capture'; readonly report: Report | null }
  | { readonly type: 'replay'; readonly replay: ReplayReport };

/**
 * Finds out what A and B are, and reads them, or counts what has to be counted.
 * @param count makes the report of a capture.
 * @throws AppError `invalid` for a capture and a replay.
 */
export async function loadSides(
  typed: TypedSides,
  context: Context,
  count: (ref: string, by: Dimension) => Promise<Report>,
): Promise<ComparedSides> {
  const { a, b } = typed;
  if (a === STDIN && b === STDIN) {
    throw new AppError('invalid', 'Only one of the two can be read from stdin', {
      hint: 'Give a file or a capture for the other.',
    });
  }
  const sides = { a: await sideOf(a, context), b: await sideOf(b, context) };
  if (sides.a.type === 'replay' && sides.b.type === 'replay') {
    return { type: 'replays', a: sides.a.replay, b: sides.b.replay };
  }
  if (sides.a.type === 'capture' && sides.b.type === 'capture') {
    return countedSides(typed, { a: sides.a.report, b: sides.b.report }, count);
  }
  const [replay, capture] = sides.a.type === 'replay' ? [a, b] : [b, a];
  throw new AppError('invalid', `${replay} is a replay and ${capture} a capture`, {
    hint: 'A record has no results to compare with. Replay it twice, on the old server and on the new one, and compare the replays: captures diff REPLAY REPLAY',
  });
}

/** `report` is null for a capture that is still to be counted. */
async function sideOf(word: string, context: Context): Promise<Side> {
  const { world } = context;
  const meaning = await meaningOf(word, context);
  if (meaning === 'file') return readReportFile(word, world);
  if (meaning === 'hides_file') {
    await context.warn(
      `${word} is taken for the capture of that name, not for the file in this folder: that is ./${word}`,
    );
  }
  const actor = await context.actor();
  const { type } = await context.api.captures.get(actor, word);
  if (type === 'CAPTURE') return { type: 'capture', report: null };
  return { type: 'replay', replay: replayReportOf(await context.api.replays.get(actor, word)) };
}

async function countedSides(
  { a, b, by }: TypedSides,
  files: { readonly a: Report | null; readonly b: Report | null },
  count: (ref: string, by: Dimension) => Promise<Report>,
): Promise<ComparedSides> {
  // A file says by what it is; a capture is counted by the same.
  const dimension = by ?? files.a?.by ?? files.b?.by ?? 'digest';
  for (const [path, file] of [
    [a, files.a],
    [b, files.b],
  ] as const) {
    if (file !== null && by !== undefined && file.by !== by) {
      throw new AppError('invalid', `${path} is a report by ${file.by}, not by ${by}`, {
        hint: `Make it anew: captures report CAPTURE --by ${by} --json > FILE`,
      });
    }
  }
  return {
    type: 'captures',
    a: files.a ?? (await count(a, dimension)),
    b: files.b ?? (await count(b, dimension)),
  };
}
