import { replayReportOf } from '../../core/replays/replay-report.ts';
import {
  rowsOfDigest,
  sortedReplayRows,
  type ReplaySortKey,
} from '../../core/replays/replay-row-order.ts';
import type { Replay } from '../../core/replays/replay.ts';
import { programVersion } from '../../package.ts';
import { replayPage } from '../render/html/replay-page.ts';
import type { Context } from '../runtime/context.ts';
import { extraMetrics } from './extra-metrics.ts';
import { htmlTarget, ROWS_OF_A_PAGE, writeHtml } from './html-file.ts';
import { readPageParts } from './page-parts.ts';

/**
 * Writes the report of a replay as a page of HTML, with the metrics of its target.
 * @param file as it was typed; `-` for stdout.
 * @throws AppError `conflict` for a replay that has no result.
 */
export async function writeReplayHtml(
  context: Context,
  replay: Replay,
  file: string,
  shown: {
    readonly sort: ReplaySortKey | null;
    readonly limit: number | null;
    readonly digest: string | null;
  },
): Promise<void> {
  const target = await htmlTarget(context, file);
  const report = replayReportOf(replay);
  const { rows } = report.result;
  const chosen = shown.digest === null ? rows : rowsOfDigest(rows, shown.digest);
  const sorted = shown.sort === null ? chosen : sortedReplayRows(chosen, shown.sort);
  const [parts, metrics] = await Promise.all([
    readPageParts(),
    extraMetrics(context, String(replay.capture.id)),
  ]);
  const page = replayPage(
    {
      replay: report,
      rows: sorted,
      sort: shown.sort,
      limit: shown.limit ?? ROWS_OF_A_PAGE,
      metrics,
      version: programVersion(),
    },
    parts,
  );
  await writeHtml(context, target, page);
}
