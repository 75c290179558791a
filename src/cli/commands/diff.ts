import { AppError } from '../../core/errors.ts';
import { resultOf } from '../../core/progress.ts';
import { REPLAY_CHANGES, type ReplayChange } from '../../core/reports/replay-comparison.ts';
import { CHANGES, type Change, type Comparison } from '../../core/reports/report-comparison.ts';
import { DIMENSIONS, type Dimension, type Report } from '../../core/reports/report.ts';
import { count } from '../input/arguments.ts';
import { choice, offering, oneOf } from '../input/choices.ts';
import { loadSides, type ComparedSides } from '../input/compared-sides.ts';
import { LateProgress } from '../output/late-progress.ts';
import { changedRowNoun, changedRows, comparisonNoun } from '../render/diff/diff-noun.ts';
import { replayComparisonNoun, replayFindingNoun } from '../render/diff/replay-diff-noun.ts';
import type { Context } from '../runtime/context.ts';
import { printedToAnyone } from '../runtime/world.ts';
import { programVersion } from '../../package.ts';
import { defineCommand } from './command.ts';
import { progressText } from './report.ts';

/** What --fail-on takes: which of them depends on what A and B are. */
const FAILURES = [...new Set([...CHANGES, ...REPLAY_CHANGES])];
type FailOn = Change | ReplayChange;

/** A session is in one capture alone. */
const COMPARABLE = DIMENSIONS.filter((dimension) => dimension !== 'session');

interface Options {
  readonly a: string;
  readonly b: string;
  readonly by?: Dimension;
  readonly limit?: number;
  readonly all?: boolean;
  readonly failOn?: readonly FailOn[];
  /** A share: 0.2 for 20 %. */
  readonly threshold?: number;
  readonly per?: { readonly a: number; readonly b: number };
  readonly ascii?: boolean;
  readonly html?: string;
}

export const command = defineCommand<Options>({
  declare: (command) =>
    command
      .argument('<a>', 'a capture or replay, or a file of captures report --json; - for stdin')
      .argument('<b>', 'what is compared with A: a capture or replay, or a file of report --json')
      .option('--by <dimension>', COMPARABLE.join(', '), choice(COMPARABLE, '--by'))
      .option(
        '--limit <n>',
        'at most this many rows of a kind (default: what fits a terminal, else all)',
        count('--limit'),
      )
      .option('--all', 'list the rows that did not change, too')
      .option('--fail-on <changes>', `exit 8 if there are any: ${FAILURES.join(',')}`, parseChanges)
      .option(
        '--threshold <percent>',
        'the least change that counts (default: 20%)',
        parseThreshold,
      )
      .option('--per <a,b>', 'compare counts for each of so many tests, not rates', parsePer)
      .option('--ascii', 'draw with ASCII characters only')
      .option('--html <file>', 'write a page of HTML; - for stdout'),
  help: `Shows what is different in B from A: statements that are new or gone, more or less frequent, slower or
faster. Rates are compared, never totals, so the two may be of different lengths. A change is listed when it
is at least 20 % and too large for chance, by how much the rate varies within both windows. What all
statements did together, as when a client is faster, is said first, and the rest judged beside it.

new? and gone? are in one capture alone, but with so few statements that chance may have made that.
Rows with fewer than 30 statements on both sides are not judged. Times are compared where both have them.
--all lists unchanged rows too, with how well their change is known; JSON always has them. Metrics that
changed most are a line; captures metrics A --compare B draws all of them.

Where A was idle for a part of its window and B was not, the rates of all statements differ for that, and a
caution says so. A part is compared by way of a file: captures report A --until TIME --json > a.json, then
captures diff a.json B. "N+1?" is a hint: IN (…) of a table is gone, and one value of it is new.

--per is for tests, which run the same statements each time: A ran 412 tests and B 418. Counts are compared for
each test, and everything that is in one alone is new or gone.

Two replays of one record are compared by what came of each statement: slower and faster (by latency, part by
part of the record), new errors, other rows, and tables with other sums where both were replayed with
--checksums. --fail-on slower,faster,errors,rows,checksums; what may be chance, as a deadlock, does not fail. Any of them
fails where the two cannot be compared as wholes: one was ended early, lost sessions or sent another part.

--html writes one page with charts instead; it loads nothing from anywhere. The file is readable to you
alone; a page that is there is replaced, any other file is not.

Exits 0, or 8 when --fail-on finds what it names.

Examples:
  captures diff monday tuesday
  captures diff monday tuesday --by table
  captures report main --json > main.json
  captures diff main.json pr --fail-on new,more
  captures diff main.json pr --fail-on new,more --per 412,418
  captures diff monday tuesday --html diff.html
  captures diff on-10.11 on-11.8 --fail-on slower,errors,rows

JSON fields: ${comparisonNoun.fields.join(', ')}.
Fields of a row (CSV, TSV): ${changedRowNoun.fields.join(', ')}.
Of two replays: ${replayComparisonNoun.fields.join(', ')}.
Fields of a row (CSV, TSV): ${replayFindingNoun.fields.join(', ')}.`,
  prints: null,
  run,
});

async function run(options: Options, context: Context): Promise<void> {
  await context.world.saveMemory();
  const target = await pageTarget(options, context);
  const sides = await loadSides(options, context, (ref, by) => counted(ref, by, context));
  if (sides.type === 'replays') return runReplays(sides, target, options, context);
  const isObject = context.outputMode === 'json' || context.outputMode === 'yaml';
  context.checkFields(isObject ? comparisonNoun : changedRowNoun);
  const failOn = failOnOf(options.failOn ?? [], CHANGES, 'captures');
  const { compareReports, failuresOf, USUAL_THRESHOLD } =
    await import('../../core/reports/comparison-rules.ts');
  const { threshold = USUAL_THRESHOLD, per = null } = options;
  const program = { name: 'captures', version: programVersion() };
  const comparison = compareReports(sides.a, sides.b, { threshold, per }, program);
  if (target !== null) await printedToAnyone(writePage(comparison, target, options, context));
  // With a page, data alone is printed, and where it is asked for.
  if (target === null || context.options.dataFlags.length > 0)
    await printedToAnyone(print(comparison, options, context));
  const failures = failuresOf(comparison, failOn);
  if (failures.length === 0) return;
  const { failureTexts } = await import('../render/diff/diff-failures.ts');
  const { message, hint } = failureTexts(comparison, failures);
  throw new AppError('capture_failed', message, { hint });
}

/** @throws AppError `invalid` for options that are for captures alone. */
async function runReplays(
  { a, b }: ComparedSides & { readonly type: 'replays' },
  target: string | null,
  options: Options,
  context: Context,
): Promise<void> {
  const { by, per, threshold, failOn = [] } = options;
  if (by !== undefined && by !== 'digest') {
    throw new AppError('invalid', 'Replays are compared by digest', {
      hint: `Leave --by ${by} out.`,
    });
  }
  if (per !== undefined) {
    throw new AppError('invalid', '--per is for captures: both replays sent the same statements', {
      hint: 'Leave --per out.',
    });
  }
  const kinds = failOnOf(failOn, REPLAY_CHANGES, 'replays');
  const { diffReplays } = await import('../output/replay-diff.ts');
  await diffReplays({ a, b }, { ...options, target, threshold, kinds }, context);
}

async function counted(ref: string, by: Dimension, context: Context): Promise<Report> {
  const actor = await context.actor();
  const { interrupted } = context.world.signals;
  const progress = new LateProgress(context);
  const request = { by, sort: null, limit: null, since: null, until: null, digest: null };
  return resultOf(context.api.reports.report(actor, ref, request), (event) => {
    interrupted.throwIfAborted();
    progress.show(progressText(event));
  }).finally(() => progress.clear());
}

/** Checked before anything is counted; null without a page. */
async function pageTarget({ html }: Options, context: Context): Promise<string | null> {
  if (html === undefined) return null;
  const { htmlTarget } = await import('../output/html-file.ts');
  return htmlTarget(context, html);
}

async function writePage(
  comparison: Comparison,
  target: string,
  { a, b, limit }: Options,
  context: Context,
): Promise<void> {
  const [{ metricsOfBoth }, { comparisonPage }, { ROWS_OF_A_PAGE, writeHtml }, { readPageParts }] =
    await Promise.all([
      import('../output/comparison-output.ts'),
      import('../render/html/comparison-page.ts'),
      import('../output/html-file.ts'),
      import('../output/page-parts.ts'),
    ]);
  const metrics = await metricsOfBoth({ a, b }, context);
  const page = { comparison, limit: limit ?? ROWS_OF_A_PAGE, metrics };
  await writeHtml(context, target, comparisonPage(page, await readPageParts()));
}

async function print(comparison: Comparison, options: Options, context: Context): Promise<void> {
  const { limit = null } = options;
  const [{ printComparison }, { renderDiff }] = await Promise.all([
    import('../output/comparison-output.ts'),
    import('../render/diff/diff-screen.ts'),
  ]);
  await printComparison(
    limit === null ? comparison : { ...comparison, ...firstRows(comparison, limit) },
    {
      noun: comparisonNoun,
      rowNoun: changedRowNoun,
      rows: (parts) => changedRows(comparison, parts),
      draw: (parts, view, height) => renderDiff(comparison, parts, view, height),
    },
    options,
    context,
  );
}

function firstRows(
  comparison: Comparison,
  limit: number,
): Pick<Comparison, Change | 'unchangedRows'> {
  const { new: added, gone, more, fewer, slower, faster, unchangedRows } = comparison;
  const first = (rows: Comparison['new']): Comparison['new'] => rows.slice(0, limit);
  return {
    new: first(added),
    gone: first(gone),
    more: first(more),
    fewer: first(fewer),
    slower: first(slower),
    faster: first(faster),
    unchangedRows: first(unchangedRows),
  };
}

const parseChanges = offering(
  FAILURES,
  (value: string): FailOn[] =>
    value.split(',').map((change) => oneOf(FAILURES, change.trim(), '--fail-on')),
  { isList: true },
);

/** @throws AppError `invalid` for what captures, or replays, cannot fail on. */
function failOnOf<Kind extends FailOn>(
  typed: readonly FailOn[],
  choices: readonly Kind[],
  what: string,
): Kind[] {
  return typed.map((change) => {
    const found = choices.find((choice) => choice === change);
    if (found !== undefined) return found;
    throw new AppError('invalid', `--fail-on ${change} is not for ${what}`, {
      hint: `Choose from: ${choices.join(', ')}`,
    });
  });
}

/** @returns a share: 0.2 for `20%` and `20`. @throws AppError `invalid`. */
function parseThreshold(text: string): number {
  const percent = Number(/^\s*(\d+(?:\.\d+)?)\s*%?\s*$/.exec(text)?.[1] ?? NaN);
  if (percent >= 1 && percent <= 10_000) return percent / 100;
  throw new AppError('invalid', `--threshold takes a percentage from 1 to 10000, not "${text}"`, {
    hint: 'For example: captures diff monday tuesday --threshold 20%',
  });
}

/** @throws AppError `invalid`. */
function parsePer(text: string): { readonly a: number; readonly b: number } {
  const [a = '', b = '', ...more] = text.split(',').map((part) => part.trim());
  const numbers = [a, b].map((part) => (/^\d{1,12}$/.test(part) ? Number(part) : 0));
  const [testsOfA = 0, testsOfB = 0] = numbers;
  if (testsOfA > 0 && testsOfB > 0 && more.length === 0) return { a: testsOfA, b: testsOfB };
  throw new AppError(
    'invalid',
    `--per takes two numbers, of the tests that A and of those that B ran, not "${text}"`,
    {
      hint: 'For example: captures diff main.json pr --per 412,418',
    },
  );
}
