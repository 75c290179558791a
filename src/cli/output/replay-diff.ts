import { AppError } from '../../core/errors.ts';
import type { ReplayReport } from '../../core/replays/replay-report.ts';
import { USUAL_THRESHOLD } from '../../core/reports/comparison-rules.ts';
import { compareReplays, replayFailures } from '../../core/reports/replay-comparison-rules.ts';
import type { ReplayChange, ReplayComparison } from '../../core/reports/replay-comparison.ts';
import { programVersion } from '../../package.ts';
import { replayFailureTexts } from '../render/diff/replay-failures.ts';
import {
  findingsOf,
  replayComparisonNoun,
  replayFindingNoun,
} from '../render/diff/replay-diff-noun.ts';
import { TIMING_ERRORS } from '../render/diff/timing-errors.ts';
import type { ReplayComparisonPage } from '../render/html/replay-comparison-page.ts';
import { printedToAnyone } from '../runtime/world.ts';
import type { Context } from '../runtime/context.ts';
import { metricsOfBoth, printComparison } from './comparison-output.ts';

export interface ReplayDiffOptions {
  /** As they were typed. */
  readonly a: string;
  readonly b: string;
  readonly limit?: number;
  readonly all?: boolean;
  readonly ascii?: boolean;
  readonly threshold: number | undefined;
  /** Where a page goes; null for none. */
  readonly target: string | null;
  /** What it fails on. */
  readonly kinds: readonly ReplayChange[];
}

/**
 * Compares two replays, and prints what is different, or writes a page of it.
 * @throws AppError `invalid` for replays of different records; `capture_failed` where there is what it fails on, or
 *   where that cannot be known because they cannot be compared as wholes.
 */
export async function diffReplays(
  { a, b }: { readonly a: ReplayReport; readonly b: ReplayReport },
  options: ReplayDiffOptions,
  context: Context,
): Promise<void> {
  const isObject = context.outputMode === 'json' || context.outputMode === 'yaml';
  context.checkFields(isObject ? replayComparisonNoun : replayFindingNoun);
  const { threshold = USUAL_THRESHOLD, target, kinds } = options;
  const program = { name: 'captures', version: programVersion() };
  const request = { threshold, chanceErrors: TIMING_ERRORS };
  const comparison = compareReplays(a, b, request, program);
  if (target !== null)
    await printedToAnyone(
      writePage(
        comparison,
        { a: a.result.rows, b: b.result.rows },
        { ...options, target },
        context,
      ),
    );
  // With a page, data alone is printed, and where it is asked for.
  if (target === null || context.options.dataFlags.length > 0)
    await printedToAnyone(print(comparison, options, context));
  const failures = replayFailures(comparison, kinds);
  // That nothing was found says nothing of what was not replayed.
  const isUnknown = kinds.length > 0 && comparison.incomparable.length > 0;
  if (failures.length === 0 && !isUnknown) return;
  const { message, hint } = replayFailureTexts(comparison, failures);
  throw new AppError('capture_failed', message, hint === '' ? {} : { hint });
}

async function print(
  comparison: ReplayComparison,
  options: ReplayDiffOptions,
  context: Context,
): Promise<void> {
  const { limit = null } = options;
  const { renderReplayDiff } = await import('../render/diff/replay-diff-screen.ts');
  await printComparison(
    limit === null ? comparison : firstRows(comparison, limit),
    {
      noun: replayComparisonNoun,
      rowNoun: replayFindingNoun,
      rows: (parts) => findingsOf(comparison, parts),
      draw: (parts, view, height) => renderReplayDiff(comparison, parts, view, height),
    },
    options,
    context,
  );
}

function firstRows(comparison: ReplayComparison, limit: number): ReplayComparison {
  const first = <Row>(rows: readonly Row[]): readonly Row[] => rows.slice(0, limit);
  return {
    ...comparison,
    slower: first(comparison.slower),
    faster: first(comparison.faster),
    newErrors: first(comparison.newErrors),
    goneErrors: first(comparison.goneErrors),
    errorsOnlyInA: first(comparison.errorsOnlyInA),
    errorsOnlyInB: first(comparison.errorsOnlyInB),
    otherRows: first(comparison.otherRows),
    onlyInA: first(comparison.onlyInA),
    onlyInB: first(comparison.onlyInB),
    unchangedRows: first(comparison.unchangedRows),
  };
}

async function writePage(
  comparison: ReplayComparison,
  rows: ReplayComparisonPage['rows'],
  { a, b, limit, target }: ReplayDiffOptions & { readonly target: string },
  context: Context,
): Promise<void> {
  const [{ replayComparisonPage }, { ROWS_OF_A_PAGE, writeHtml }, { readPageParts }, metrics] =
    await Promise.all([
      import('../render/html/replay-comparison-page.ts'),
      import('./html-file.ts'),
      import('./page-parts.ts'),
      metricsOfBoth({ a, b }, context),
    ]);
  const page = { comparison, rows, limit: limit ?? ROWS_OF_A_PAGE, metrics };
  await writeHtml(context, target, replayComparisonPage(page, await readPageParts()));
}
