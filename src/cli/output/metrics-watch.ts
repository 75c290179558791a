import { isOver } from '../../core/captures/capture.ts';
import { isAppError } from '../../core/errors.ts';
import type { MetricReport } from '../../core/metrics/metric-service.ts';
import { SAMPLE_INTERVAL_MS } from '../../core/metrics/metric-source.ts';
import type { Context } from '../runtime/context.ts';
import { escapeText } from '../../display/escape.ts';
import { localTime } from '../render/moments.ts';

const HOME = '\u001b[H';
const CLEAR_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';
const CLEAR_SCREEN = '\u001b[2J';
const DEFAULT_ROWS = 24;

/**
 * Draws a report in place every five seconds until the capture is over or the run is interrupted. A
 * failure of CloudWatch is shown and does not end it.
 */
export async function watchMetrics(
  context: Context,
  load: () => Promise<MetricReport>,
  draw: (report: MetricReport) => Promise<string>,
): Promise<void> {
  const { world } = context;
  const { interrupted } = world.signals;
  let shown = '';
  await world.stdout.write(CLEAR_SCREEN);
  for (;;) {
    let footer: string;
    let isDone = false;
    try {
      const report = await load();
      shown = await draw(report);
      isDone = isOver(report.capture.status);
      footer = report.warnings.join('; ');
    } catch (error) {
      if (!isAppError(error, 'remote_failed')) throw error;
      footer = error.message;
    }
    const time = localTime(context.now(), context.timeZone).slice(11);
    const state = isDone
      ? 'the capture is over'
      : `every ${SAMPLE_INTERVAL_MS / 1_000} s; Ctrl-C ends this view only`;
    const foot = ['', `${time}, ${state}`, ...(footer === '' ? [] : [escapeText(footer)])];
    const room = Math.max((world.stdout.rows ?? DEFAULT_ROWS) - foot.length - 1, 1);
    const body = shown.trimEnd().split('\n');
    const hidden = body.length - room;
    if (hidden > 0)
      body.splice(room - 1, hidden + 1, `(${hidden + 1} more lines: enlarge the terminal)`);
    // Each line is cleared after its end: no flicker, and nothing old is left.
    const frame = [...body, ...foot].map((line) => `${line}${CLEAR_LINE}\n`).join('');
    await world.stdout.write(`${HOME}${frame}${CLEAR_BELOW}`);
    if (isDone) return;
    await world.clock.sleep(SAMPLE_INTERVAL_MS, interrupted);
    interrupted.throwIfAborted();
  }
}
