import { wallClockAt } from '../../core/time-zones.ts';
import type { ReportView } from '../render/report/report-view.ts';
import type { Context } from '../runtime/context.ts';
import { speaksUnicode } from './unicode.ts';

/**
 * How reports and charts are drawn here: as wide as the terminal, in its colours and the user's time zone.
 * @param ascii whether that was asked for; a terminal that speaks no Unicode has it anyway.
 */
export async function terminalView(context: Context, ascii = false): Promise<ReportView> {
  const zone = context.timeZone;
  return {
    width: context.columns,
    wallClock: (at) => wallClockAt(at, zone),
    zone,
    ascii: ascii || !speaksUnicode(context.world.env),
    paint: await context.paint(),
  };
}
