import { isOver } from '../../core/captures/capture.ts';
import { isAppError } from '../../core/errors.ts';
import type { MetricReport } from '../../core/metrics/metric-service.ts';
import { SAMPLE_INTERVAL_MS } from '../../core/metrics/metric-source.ts';
import type { Context } from '../runtime/context.ts';
import { escapeText } from '../../display/escape.ts';
import { localTime } from '../render/moments.ts';
import { serverFaultOf } from './server-loss.ts';

const HOME = '\u001b[H';
const CLEAR_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';
const CLEAR_SCREEN = '\u001b[2J';
const DEFAULT_ROWS = 24;

/**
 * Draws a report in place every five seconds until the capture is over or the run is interrupted. A
 * failure of CloudWatch is shown and does not end it; a server of captures that stops answering does, after a minute.
 */
export async function watchMetrics(
  context: Context,
  load: () => Promise<MetricReport>,
  draw: (report: MetricReport) => Promise<string>,
): Promise<void> {
  const { world } = context;
  const { interrupted } = world.signals;
  let shown = '';
  const redraw = (footer: string, state: string): Promise<void> => {
    const time = localTime(context.now(), context.timeZone).slice(11);
    const foot = ['', `${time}, ${state}`, ...(footer === '' ? [] : [escapeText(footer)])];
    return world.stdout.write(frameOf(shown, foot, world.stdout.rows ?? DEFAULT_ROWS));
  };
  await world.stdout.write(CLEAR_SCREEN);
  context.showOutagesBy((text) =>
    text === null ? Promise.resolve() : redraw(text, 'Ctrl-C ends this view only'),
  );
  for (;;) {
    let footer: string;
    let isDone = false;
    try {
      const report = await context.untilAnswered(load);
      shown = await draw(report);
      isDone = isOver(report.capture.status);
      footer = report.warnings.join('; ');
    } catch (error) {
      if (!isAppError(error, 'remote_failed') || serverFaultOf(error) !== null) throw error;
      footer = error.message;
    }
    const every = `every ${SAMPLE_INTERVAL_MS / 1_000} s; Ctrl-C ends this view only`;
    await redraw(footer, isDone ? 'the capture is over' : every);
    if (isDone) return;
    await world.clock.sleep(SAMPLE_INTERVAL_MS, interrupted);
    interrupted.throwIfAborted();
  }
}

function frameOf(shown: string, foot: readonly string[], rows: number): string {
  const room = Math.max(rows - foot.length - 1, 1);
  const body = shown.trimEnd().split('\n');
  const hidden = body.length - room;
  if (hidden > 0)
    body.splice(room - 1, hidden + 1, `(${hidden + 1} more lines: enlarge the terminal)`);
  // Each line is cleared after its end: no flicker, and nothing old is left.
  const frame = [...body, ...foot].map((line) => `${line}${CLEAR_LINE}\n`).join('');
  return `${HOME}${frame}${CLEAR_BELOW}`;
}
